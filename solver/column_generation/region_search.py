"""Whole solutions of large problems: greedy by reduced value, then one region after another.

At good prices the groups of an optimal grouping have reduced values near 0. A greedy choice by
falling reduced value is a first grouping. Then regions of the graph, some hundred atoms each, are
taken, as many at a time as there are workers: what the incumbent has outside stays, and HiGHS
chooses anew, among known groups that lie inside, what is best there (``restricted``). The regions
of every pass begin elsewhere.
"""

from __future__ import annotations

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, Prices, join, reduced_values
from solver.column_generation.packing import first_that_fit, incumbent_columns
from solver.column_generation.restricted import Choice, Room, best_choices, room_beside
from solver.context import SolveContext
from solver.grouping import Grouping
from solver.problem import BoolArray, IntArray
from solver.verification import verify

#: Pairs of a region, about (10,000 atoms of degree 40 came 4 times as fast to the same value by
#: regions of 700 atoms as by regions of 2,000), seconds for one, and the part of its value that it
#: may stay behind.
REGION_PAIRS = 15_000
REGION_SECONDS = 3.0
REGION_GAP = 0.0005
#: Known groups an atom of a region may have, on average; those of least reduced value are left out.
GROUPS_PER_ATOM = 5
#: Passes over all regions; one that gains less than the LEAST_GAIN-th part of the value is the
#: last.
PASSES, LEAST_GAIN = 6, 10_000
#: Atoms of the problem for which one more region passes between two offers, and the fewest between:
#: an offer checks the whole grouping in plain Python (half a second at 50,000 items).
ATOMS_PER_WAIT, LEAST_WAIT = 1_500, 8


class Regions:
    """A grouping of known groups that is improved region by region."""

    def __init__(
        self, atoms: Atoms, context: SolveContext, columns: Columns, prices: Prices
    ) -> None:
        reduced = reduced_values(atoms, columns, columns.uses(atoms), prices)
        # By falling reduced value, then the incumbent's: so the first choice takes them.
        most = GROUPS_PER_ATOM * atoms.num_atoms
        order = np.argsort(-reduced, kind="stable")[:most]
        own = incumbent_columns(atoms, context)
        self._atoms, self._context = atoms, context
        known = columns.take(order)
        self._columns = join([known, own]) if len(own) else known
        self._uses = self._columns.uses(atoms)
        self._chosen = np.zeros(len(self._columns), np.bool_)
        self._chosen[len(known) :] = True
        self._feasible = False
        self._start, self._beside = _both_ways(atoms)
        pairs_an_atom = max(1, len(atoms.neighbours) // atoms.num_atoms)
        self._region_atoms = max(10, REGION_PAIRS // pairs_an_atom)

    def run(self) -> None:
        """Improve the incumbent, or find one, until passes bring little."""
        context, known = self._context, self._context.objective
        first = first_that_fit(self._atoms, self._columns, self._uses, context)
        feasible = self._is_feasible(first)
        if known is None or (feasible and self._worth(first) > known):
            self._chosen = first
        self._feasible = feasible or known is not None
        self._offer()
        for number in range(PASSES):
            before = self._value()
            self._pass(number)
            gained = self._value() - before
            if context.stopping() or gained <= abs(before) // LEAST_GAIN:
                return

    # -- inside -------------------------------------------------------------------------------

    def _value(self) -> int:
        return self._worth(self._chosen)

    def _worth(self, chosen: BoolArray) -> int:
        return sum(self._columns.values[chosen].tolist())

    def _offer(self) -> None:
        context = self._context
        if context.objective is not None and self._value() <= context.objective:
            return
        # Every rule holds by construction but those the first choice cannot see.
        self._feasible = self._feasible or self._is_feasible(self._chosen)
        if self._feasible:
            context.offer(self._grouping(self._chosen))

    def _grouping(self, chosen: BoolArray) -> Grouping:
        return self._columns.grouping(self._atoms, np.flatnonzero(chosen).tolist())

    def _is_feasible(self, chosen: BoolArray) -> bool:
        return verify(self._context.problem, self._grouping(chosen)).feasible

    def _pass(self, number: int) -> None:
        """All regions once, as many at the same time as there are workers."""
        n = self._atoms.num_atoms
        done = np.zeros(n, np.bool_)
        begin = np.random.default_rng((self._context.limits.seed, number)).permutation(n).tolist()
        at = visited = 0
        wait = max(LEAST_WAIT, n // ATOMS_PER_WAIT)
        while not self._context.stopping():
            batch: list[IntArray] = []
            taken: set[int] = set()
            while at < n and len(batch) < self._context.workers:
                if not done[begin[at]]:
                    batch.append(self._region(begin[at], taken))
                    done[batch[-1]] = True
                at += 1
            if not batch:
                break
            self._solve(batch)
            if visited // wait < (visited + len(batch)) // wait:
                self._offer()
            visited += len(batch)
        self._offer()

    def _region(self, atom: int, taken: set[int]) -> IntArray:
        """Atoms near an atom that are not taken, by breadth first; they are taken then."""
        taken.add(atom)
        queue = [atom]
        at = 0
        while at < len(queue) and len(queue) < self._region_atoms:
            here = queue[at]
            at += 1
            for other in self._beside[self._start[here] : self._start[here + 1]].tolist():
                if other not in taken:
                    taken.add(other)
                    queue.append(other)
        self._context.charge(len(queue) * 2)
        return np.array(queue, np.int64)

    def _solve(self, batch: list[IntArray]) -> None:
        """The best choice of known groups inside each region; the rest stays as it is.

        What is left of the limits goes to the regions in equal parts, and the rest to the first.
        """
        atoms, columns = self._atoms, self._columns
        every = columns.take(self._chosen)
        spare = room_beside(atoms, every, self._uses[:, self._chosen])
        if spare is None:
            return
        more = np.bincount(every.kinds, minlength=len(spare.most)) - atoms.problem.min_groups
        places, choices = [], []
        for at, region in enumerate(batch):
            inside = np.zeros(atoms.num_atoms, np.bool_)
            inside[region] = True
            kept = self._chosen & columns.some(~inside)
            inside[columns.take(kept).members] = False
            which = np.flatnonzero(~columns.some(~inside))
            if not len(which):
                continue
            own = which[self._chosen[which]]
            numbers = np.bincount(columns.kinds[own], minlength=len(spare.most))
            fewer, most, shared = (
                left // len(batch) + (left % len(batch) if at == 0 else 0)
                for left in (more, spare.most, spare.shared)
            )
            room = Room(
                np.maximum(0, numbers - fewer),
                numbers + most,
                self._uses[:, own].sum(axis=1) + shared,
            )
            places.append(which)
            choices.append(Choice(columns.take(which), self._uses[:, which], room))
        found = best_choices(atoms, choices, self._context, REGION_SECONDS, REGION_GAP)
        for which, choice, better in zip(places, choices, found, strict=True):
            if better is None:
                continue
            values, before = choice.columns.values, self._chosen[which]
            gained = sum(values[better].tolist()) - sum(values[before].tolist())
            if gained > 0 or not self._feasible:
                self._chosen[which] = better


def _both_ways(atoms: Atoms) -> tuple[IntArray, IntArray]:
    """All neighbours of each atom: where they begin, int64 [n + 1], and the neighbours."""
    n = atoms.num_atoms
    one = np.repeat(np.arange(n), np.diff(atoms.start))
    ends = np.concatenate([one, atoms.neighbours])
    others = np.concatenate([atoms.neighbours, one])
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=n), out=start[1:])
    return start, others[np.argsort(ends, kind="stable")]
