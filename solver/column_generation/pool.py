"""The pool: all groups that can still matter, and a relaxation over them.

A grouping better than the incumbent is worth at most bound + (reduced value of g) if it contains
the group g, at any integer prices. So groups whose reduced value is below incumbent + 1 - bound
leave the pool (Baldacci, Christofides & Mingozzi, 2008), and every better bound, or incumbent,
empties it further. Since all groups are at hand, a relaxation over the pool needs no search: its
pricing is one pass over flat arrays, with cuts and within any branch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.branch import Branch, everything
from solver.column_generation.columns import (
    Columns,
    OddSet,
    Prices,
    no_prices,
    proved_bound,
    reduced_values,
)
from solver.column_generation.diving import Diver, pool_pricing
from solver.column_generation.generation import TOLERANCE, Relaxation, offer_if_whole
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import LpAnswer, Master, usable_prices
from solver.column_generation.packing import descend, incumbent_columns
from solver.column_generation.proof import Proof
from solver.column_generation.restricted import complete
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.problem import IntArray

#: Another round of cuts is worth it if the last one took so much of the gap (a share).
LEAST_GAIN = 0.01
#: Dives into a pool, each another way.
DIVES = 6


@dataclass(frozen=True, slots=True)
class Solved:
    """The relaxation of a branch.

    Attributes
    ----------
    bound : proved bound on every grouping of pool groups in the branch.
    scaled_bound : the same before it was rounded, times the scale of ``prices``.
    answer : the relaxation's solution.
    prices : integer prices that prove the bound, ``None`` if none is proved.
    left : int64, positions in the pool of the groups that may be in a better grouping, where
        there is a pool.
    """

    bound: int
    scaled_bound: int
    answer: LpAnswer
    prices: Prices | None
    left: IntArray | None = None


class PoolRelaxation:
    """A relaxation over a pool that shrinks; a context manager, as it holds a solver.

    Attributes
    ----------
    pool : the groups in question.
    """

    def __init__(
        self,
        atoms: Atoms,
        search: GroupSearch,
        context: SolveContext,
        pool: Columns,
        seeds: Columns,
        odd_sets: list[OddSet],
        settings: EnumerationSettings,
        floor: int | None = None,
    ) -> None:
        """Begin with some groups (of the pool or not) and cuts.

        Parameters
        ----------
        floor : only groupings worth more are looked for.
        """
        self.atoms = atoms
        self.context = context
        self.pool = pool
        self._settings = settings
        self._floor = floor
        self._answer: LpAnswer | None = None
        self.search = search
        self._uses = pool.uses(atoms)
        self._unit = int(np.abs(pool.values).max(initial=1))
        self._master = master = Master(atoms, context, self._unit)
        master.add(incumbent_columns(atoms, context))
        master.add(seeds)
        if not len(master.columns):
            values = reduced_values(atoms, pool, self._uses, no_prices(atoms, 1))
            self._add_best(values, np.arange(len(pool)), -(2**62))
        master.add_cuts(odd_sets)

    def __enter__(self) -> PoolRelaxation:
        return self

    def __exit__(self, *_: object) -> None:
        self._master.close()

    @property
    def columns(self) -> Columns:
        """The groups the relaxation has."""
        return self._master.columns

    @property
    def odd_sets(self) -> list[OddSet]:
        """The cuts."""
        return self._master.odd_sets

    @property
    def beaten(self) -> int | None:
        """What a grouping must be worth more than: the incumbent and the floor."""
        known = [value for value in (self.context.objective, self._floor) if value is not None]
        return max(known, default=None)

    def left(self, branch: Branch, solved: Solved, most: int | None) -> Columns | None:
        """Groups that may be in a better grouping of the branch; ``None`` if too many."""
        del branch
        if solved.left is None or (most is not None and len(solved.left) > most):
            return None
        return self.pool.take(solved.left)

    def look_around(self, number: int) -> None:
        """Look for a better incumbent by a dive and near the last solution."""
        if self.atoms.max_total_groups <= self._settings.few_chosen:
            return  # dives came before the list, and branches bring more in the same time
        if self.atoms.num_atoms <= self._settings.max_dived_atoms:
            pricing = pool_pricing(self.pool, self.search, self._unit)
            Diver(self._master, self.context, pricing).dive(number % DIVES)
        if self._answer is not None and not self.context.stopping():
            seconds = self._settings.completion_seconds
            weights = self._answer.weights
            complete(self.atoms, self.columns, weights, number, self.context, seconds)

    def add_cuts(self, answer: LpAnswer) -> int:
        """Add cuts that an answer violates; returns their number."""
        return self._master.add_violated(answer.weights)

    def take(self, positions: IntArray) -> None:
        """Keep some of the pool only."""
        self.pool = self.pool.take(positions)
        self._uses = self._uses[:, positions]

    def solve(self, branch: Branch, among: IntArray | None = None) -> Solved | None:
        """Solve the relaxation of a branch; ``None`` if that is not possible (any more).

        Parameters
        ----------
        among : positions in the pool of all groups in question, where these are not all of them.
        """
        context, master = self.context, self._master
        master.restrict(branch)
        if among is None:
            among = np.arange(len(self.pool))
        inside = among[branch.allows(self.pool.take(among))]
        columns, uses = self.pool.take(inside), self._uses[:, inside]
        while not context.stopping():
            self._answer = answer = master.solve()
            prices = None if answer is None else usable_prices(master, answer, self.search)
            if answer is None or prices is None:
                return None
            reduced = reduced_values(self.atoms, columns, uses, prices)
            context.charge(1 + len(columns.members) // 100)
            least = max(1, prices.scale * self._unit // TOLERANCE)
            if self._add_best(reduced, inside, least):
                continue
            best = np.full(self.atoms.num_atoms, least - 1, np.int64)
            np.maximum.at(best, columns.roots, reduced)
            bound = proved_bound(self.atoms, prices, best, (branch.least, branch.most))
            offer_if_whole(context, master, answer)
            left, beaten = inside, self.beaten
            if beaten is not None:
                left = inside[reduced >= prices.scale * (beaten + 1) - bound]
            return Solved(bound // prices.scale, bound, answer, prices, left)
        return None

    def _add_best(self, reduced: IntArray, positions: IntArray, least: int) -> int:
        """Add the best group of each root and kind, if its reduced value is ``least`` or more."""
        good = np.flatnonzero(reduced >= least)
        at = positions[good]
        place = self.pool.roots[at] * self.atoms.problem.num_kinds + self.pool.kinds[at]
        order = np.lexsort((-reduced[good], place))
        first = np.ones(len(order), np.bool_)
        first[1:] = place[order][1:] != place[order][:-1]
        return self._master.add(self.pool.take(at[order[first]]))


def tighten(relaxation: PoolRelaxation, proof: Proof) -> Relaxation | None:
    """Cut and empty the pool as long as cuts help; the last proof, if any.

    ``proof`` is told what is proved.
    """
    context, root = relaxation.context, everything(relaxation.atoms)
    best = None
    before = math.inf
    while len(relaxation.pool) and not context.stopping():
        solved = relaxation.solve(root)
        if solved is None:
            break
        gained, before = before - solved.answer.value, solved.answer.value
        if solved.prices is not None:
            proof.narrowed(solved.prices)
            best = Relaxation(solved.prices, solved.scaled_bound)
        # The pool's bound is the problem's, unless what is beaten is better than the pool.
        least = solved.bound if relaxation.beaten is None else relaxation.beaten
        context.prove_bound(max(solved.bound, least))
        if solved.left is not None:
            relaxation.take(solved.left)
        beaten = relaxation.beaten
        if beaten is not None and gained < LEAST_GAIN * (before - beaten):
            break
        if context.stopping() or not relaxation.add_cuts(solved.answer):
            break
    return best


def polish(relaxation: PoolRelaxation, units: int) -> None:
    """Look for a better incumbent in a pool that need not hold all that can matter.

    Cuts cost nothing here, and with them the prices tell which groups go together; the best choice
    among those that lose little is then found quickly.

    Parameters
    ----------
    units : of work for one packing.
    """
    root = everything(relaxation.atoms)
    solved = relaxation.solve(root)
    while solved is not None and relaxation.add_cuts(solved.answer):
        solved = relaxation.solve(root)
    if solved is not None and solved.prices is not None:
        context, pool = relaxation.context, relaxation.pool
        descend(relaxation.atoms, pool, solved.prices, None, context, units)
