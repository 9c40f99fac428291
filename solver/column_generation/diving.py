"""Diving: whole solutions from fractional ones, with pricing on the way.

A dive chooses columns of great weight for good, solves the relaxation of what is left, and so on
(Sadykov, Vanderbeck, Pessoa, Tahiri & Uchoa, 2019). After each choice a quick, inexact search
brings new groups of the atoms that are left: without them the master lacks the groups that go with
the ones chosen, and a dive ends far below its bound. Another dive goes another way by passing over
the first columns it would choose (limited discrepancy, Harvey & Ginsberg, 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, best_of_roots, no_columns, reduced_values
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import LpAnswer, Master, usable_prices
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.problem import BoolArray, IntArray
from solver.verification import verify

#: Reduced values below the TOLERANCE-th part of the largest value do not count in a dive.
TOLERANCE = 10_000
#: Pricing rounds after each choice, and work units for one root in one of them.
ROUNDS, ROOT_UNITS = 2, 300
#: Columns of so much weight are chosen at once; otherwise the heaviest, a part of the groups left.
SURE, PART = 0.9, 0.05


FindColumns = Callable[[Master, LpAnswer, BoolArray], Columns]


@dataclass(frozen=True, slots=True)
class _Room:
    """What chosen columns leave: atoms, numbers of groups, shared limits."""

    free: BoolArray
    numbers: IntArray
    shared: IntArray
    only_taken: BoolArray  # limits that no group gives to: what does not fit now never will
    chosen: list[int] = field(default_factory=list)

    def fits(self, uses: IntArray) -> BoolArray:
        """Whether groups may still be chosen by their use of shared limits, [L, N] to [N]."""
        over = (uses > 0) & (uses > self.shared[:, None])
        return np.asarray(~over[self.only_taken].any(axis=0), np.bool_)

    def take(self, master: Master, column: int) -> bool:
        """Choose a column if it fits."""
        columns, problem = master.columns, master.atoms.problem
        members, kind = columns.atoms_of(column), int(columns.kinds[column])
        use = problem.shared_group_use[:, kind] + master.atoms.item_use[:, kind, members].sum(
            axis=1
        )
        # A use below 0 makes room, as a later choice may; then the relaxation has to decide.
        if not self.free[members].all() or self.numbers[kind] < 1:
            return False
        if ((use > 0) & (use > self.shared)).any():
            return False
        self.free[members] = False
        self.numbers[kind] -= 1
        self.shared[:] -= use
        self.chosen.append(column)
        return True


@dataclass(frozen=True, slots=True)
class Diver:
    """Dives from the relaxation that a master holds.

    Attributes
    ----------
    find : brings new columns after each choice.
    """

    master: Master
    context: SolveContext
    find: FindColumns

    def dive(
        self, passed: int = 0, kept: Sequence[int] = (), beat: int | None = None
    ) -> list[int] | None:
        """One dive; what it finds is offered, and the groups it met stay in the master.

        Parameters
        ----------
        passed : how many columns the first choice passes over.
        kept : columns that are chosen before, and go together.
        beat : the dive ends where it cannot come to more than this; the incumbent if left out.

        Returns
        -------
        The columns of a feasible grouping, if it found one.
        """
        master, context = self.master, self.context
        atoms, problem = master.atoms, master.atoms.problem
        beat = context.objective if beat is None else beat
        room = _Room(
            np.ones(atoms.num_atoms, np.bool_),
            atoms.max_groups.copy(),
            problem.shared_limit.copy(),
            _only_taken(atoms),
        )
        try:
            self._choose(room, [c for c in kept if room.take(master, c)])
            while not context.stopping():
                answer = self._solve(room)
                if answer is None and context.stopping():
                    break  # what is chosen may be worth something
                if answer is None or _hopeless(answer, beat):
                    return None
                weights = answer.weights.copy()
                weights[room.chosen] = 0.0
                order = np.argsort(-weights, kind="stable")[: int((weights > 1e-6).sum())]
                if not len(order):
                    break
                least = 1 + int(PART * weights.sum())
                chosen: list[int] = []
                for c in order[passed % len(order) :].tolist():
                    if len(chosen) >= least and weights[c] < SURE:
                        break
                    if room.take(master, c):
                        chosen.append(c)
                passed = 0
                if not chosen:
                    master.block(order.tolist())
                self._choose(room, chosen)
        finally:
            master.release()
        grouping = master.columns.grouping(atoms, room.chosen)
        if not verify(problem, grouping).feasible:
            return None
        context.offer(grouping)
        return room.chosen

    def _choose(self, room: _Room, chosen: list[int]) -> None:
        """Choose columns for good, and leave out what cannot be chosen any more.

        Of groups that do not fit whole the relaxation would choose parts, one after the other.
        """
        self.master.fix(chosen)
        uses = self.master.columns.uses(self.master.atoms)
        self.context.charge(1 + uses.size // 100)
        self.master.block(np.flatnonzero(~room.fits(uses)).tolist())

    def _solve(self, room: _Room) -> LpAnswer | None:
        """Solve what is left, with a few rounds of quick pricing."""
        master = self.master
        answer = master.solve()
        for _ in range(ROUNDS):
            if answer is None or self.context.stopping():
                return None
            found = self.find(master, answer, room.free)
            if not master.add(found.take(room.fits(found.uses(master.atoms)))):
                break
            answer = master.solve()
        return answer


def _hopeless(answer: LpAnswer, beat: int | None) -> bool:
    """Whether not even the relaxation, as far as it knows, is better than what is to be beaten."""
    return beat is not None and answer.value < beat + 1 - 1e-6 * abs(beat)


def _only_taken(atoms: Atoms) -> BoolArray:
    """Shared limits that no group gives to, bool [L]."""
    groups = (atoms.problem.shared_group_use >= 0).all(axis=1)
    return np.asarray(groups & (atoms.item_use >= 0).all(axis=(1, 2)), np.bool_)


def no_pricing(master: Master, answer: LpAnswer, free: BoolArray) -> Columns:
    """No new columns: a dive among those at hand costs little, and mostly ends far below."""
    del master, answer, free
    return no_columns()


def quick_pricing(search: GroupSearch, settings: EnumerationSettings, unit: int) -> FindColumns:
    """New columns by a short search, where it may leave hard roots."""

    def find(master: Master, answer: LpAnswer, free: BoolArray) -> Columns:
        atoms = master.atoms
        inside = search.on(replace(atoms, eligible=atoms.eligible & free))
        prices = usable_prices(master, answer, inside)
        if prices is None:
            return no_columns()
        least = max(1, prices.scale * unit // TOLERANCE)
        found = inside.improving(prices, least, ROOT_UNITS, settings.pricing_units)
        return best_of_roots(atoms, found.columns, prices, settings.columns_per_root)

    return find


def pool_pricing(pool: Columns, search: GroupSearch, unit: int) -> FindColumns:
    """New columns by a pass over a pool."""

    def find(master: Master, answer: LpAnswer, free: BoolArray) -> Columns:
        atoms = master.atoms
        prices = usable_prices(master, answer, search)
        if prices is None:
            return no_columns()
        inside = pool.take(~pool.some(~free))
        reduced = reduced_values(atoms, inside, inside.uses(atoms), prices)
        good = inside.take(reduced >= max(1, prices.scale * unit // TOLERANCE))
        return best_of_roots(atoms, good, prices, 2)

    return find
