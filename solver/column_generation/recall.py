"""Columns and cuts handed on from one solve to the next (``solver.reuse``)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, OddSet, join
from solver.column_generation.packing import improve
from solver.context import SolveContext
from solver.grouping import Group
from solver.problem import GroupingProblem
from solver.reuse import Reuse, fits
from solver.verification import group_value

#: Groups handed on at most.
MOST_GROUPS = 20_000
#: Work for choosing a first incumbent among recalled groups.
PACKING_UNITS = 300_000


def columns_of(atoms: Atoms, groups: Iterable[Group]) -> Columns:
    """The groups that are feasible by themselves, as columns, valued anew."""
    problem: GroupingProblem = atoms.problem
    kinds: list[int] = []
    values: list[int] = []
    start, members = [0], []
    for group in groups:
        if not fits(problem, group):
            continue
        inside = sorted({int(atoms.atom_of[i]) for i in group.members})
        whole = sum(len(atoms.items[a]) for a in inside) == len(group.members)
        if not whole or not _may_be_one_group(atoms, group.kind, inside):
            continue
        kinds.append(group.kind)
        values.append(group_value(problem, group))
        members += inside
        start.append(len(members))
    arrays = (np.array(numbers, np.int64) for numbers in (kinds, values, start, members))
    return Columns(*arrays)


def _may_be_one_group(atoms: Atoms, kind: int, inside: list[int]) -> bool:
    """Whether the rules on pins, which are rules on atoms and their pairs, allow a group."""
    if not atoms.eligible[kind, inside].all():
        return False
    for at, a in enumerate(inside):
        near = atoms.neighbours[atoms.start[a] : atoms.start[a + 1]]
        if not np.isin(inside[at + 1 :], near, assume_unique=True).all():
            return False
    return True


def recalled(atoms: Atoms, context: SolveContext) -> tuple[Columns, list[OddSet]]:
    """Columns and cuts of an earlier solve, the best choice among them offered."""
    reuse = context.reuse if context.reuse is not None else Reuse()
    columns = columns_of(atoms, reuse.groups)
    if len(columns) and context.objective is None:
        context.phase("recalled groups")
        improve(atoms, columns, context, PACKING_UNITS)
    odd_sets: list[OddSet] = []
    for cut in reuse.cuts:
        if all(0 <= i < atoms.problem.num_items for i in cut):
            inside = sorted({int(atoms.atom_of[i]) for i in cut})
            if len(inside) % 2 == 1 and len(inside) >= 3:
                odd_sets.append(tuple(inside))
    context.charge(1 + 50 * len(reuse.groups))
    return columns, list(dict.fromkeys(odd_sets))


def remember(
    atoms: Atoms, context: SolveContext, columns: list[Columns], odd_sets: list[OddSet]
) -> None:
    """Hand columns and cuts on to a later solve."""
    found = join(columns)
    groups = dict.fromkeys(found.group(atoms, c) for c in range(min(len(found), MOST_GROUPS)))
    cuts = [tuple(atoms.items[atom][0] for atom in odd_set) for odd_set in odd_sets]
    context.remember(Reuse(None, tuple(groups), tuple(cuts)))
