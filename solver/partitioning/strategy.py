"""The strategy "partition"; the package docstring explains it."""

from __future__ import annotations

import numpy as np

from solver.context import SolveContext
from solver.partitioning.branching import Component
from solver.partitioning.model import FreeGrouping, free_grouping, grouping_of, labels_of
from solver.partitioning.reduction import joined_value, reduce
from solver.problem import IntArray
from solver.search.driver import compiling_ended


def run_partition(context: SolveContext, gives_up: bool = False) -> bool:
    """Solve a free grouping; a note if the problem is not one.

    Returns whether all was done that can be done: with ``gives_up`` components whose gap is out of
    reach are left alone.
    """
    context.phase("reduction")
    context.charge(100 + context.problem.num_items**2 // 100)
    free = free_grouping(context.problem)
    if free is None:
        context.note("partition: does not apply, for more than pairs bears on the groups")
        return True
    if not compiling_ended(context):
        return True
    return _Partition(context, free, gives_up).run()


class _Partition:
    """One run."""

    def __init__(self, context: SolveContext, free: FreeGrouping, gives_up: bool) -> None:
        self._context, self._free = context, free
        learn = self._start if gives_up else None
        parts = reduce(free, context.stopping, context.charge)
        self._constant = joined_value(free, parts)
        parts.sort(key=lambda part: part.num_atoms)
        self._components = [Component(part, context, self._report, learn) for part in parts]

    def run(self) -> bool:
        """Incumbents of all components, then their roots, then branches.

        Returns whether no component was given up.
        """
        self._report()
        try:
            self._phases()
        finally:
            for component in self._components:
                component.close()
        given_up = [part.free.num_atoms for part in self._components if part.given_up]
        if given_up:
            self._context.note(
                f"partition: the gap of {max(given_up)} items is out of reach of the limits"
            )
        return not given_up

    def _phases(self) -> None:
        context = self._context
        for phase, step in (
            ("partition: search", Component.search),
            ("partition: relaxation", Component.root),
        ):
            context.phase(phase)
            for component in self._components:
                if context.stopping():
                    return
                if not component.proved:
                    self._start(component)
                    step(component)
        context.phase("partition: branching")
        for component in self._components:
            while component.open and not context.stopping():
                component.branch()

    def _start(self, component: Component) -> None:
        """Let a component begin from what is known of it."""
        if self._context.grouping is None:
            return
        known = labels_of(self._free, self._context.grouping)
        component.offer(known[[members[0] for members in component.free.members]])

    def _report(self) -> None:
        """Offer the components' partitions as one, and publish their bounds' sum."""
        context = self._context
        value = self._constant + sum(component.value for component in self._components)
        if context.objective is None or value > context.objective:
            context.offer(grouping_of(context.problem, self._free, self._labels()))
        context.prove_bound(self._constant + sum(component.bound for component in self._components))

    def _labels(self) -> IntArray:
        labels = np.zeros(self._free.num_atoms, np.int64)
        number = 0
        for component in self._components:
            for atom, members in enumerate(component.free.members):
                labels[list(members)] = number + component.labels[atom]
            number += component.free.num_atoms
        return labels
