"""Runs the compiled search over the groups of all kinds, in steps, within a solve's limits.

Each thread takes every so-many-th root, so that no two write to one place. What is told of a root
is told of the groups that have it as their first atom *in the order of that search*, which differs
from kind to kind where pairs are many; for a bound any choice of one member a group will do.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import (
    Columns,
    Prices,
    join,
    no_columns,
    no_prices,
    reduced_values,
)
from solver.column_generation.kernels import (
    CUT_SHORT,
    DONE,
    FOUND,
    MEMBERS,
    NOTHING,
    NUM_COUNTERS,
    TICKS,
    KindData,
    SearchState,
    search,
)
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.problem import IntArray

#: Search ticks in one work unit (about a microsecond).
TICKS_PER_UNIT = 700
#: Work units between two questions whether to stop.
CHUNK_UNITS = 50_000
#: Largest common factor of the values; a power of 2.
MAX_SCALE = 2**16
#: Scaled values of a kind stay below this, and prices may add as much again many times over.
MAX_SCALED = 2**54
#: No reduced value may leave this; multipliers take another part of int64.
MAX_REDUCED = 2**60
#: Entries of the search's square and stack arrays.
MAX_STATE = 10_000_000
#: Subgradient steps at the first two depths, and below.
STEPS = 12, 8
#: With more pairs than 1/8 of the square of the atoms, a search at prices takes the atoms of least
#: score as roots first: most of them are dismissed at once, and the others have few candidates.
#: In sparser graphs the degeneracy order keeps candidates few better than scores do.
DENSE = 8
#: A thread takes at least so many roots; threads at most.
LEAST_ROOTS, MAX_LANES = 20, 16
_NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought.

    Attributes
    ----------
    columns : the groups met.
    best : int64 [n], best reduced value met at each root over all kinds (NOTHING if none).
    complete : whether every group that was asked for is in ``columns`` (or, raising, in ``best``).
    too_many : whether the search ended because of ``max_groups`` or ``max_units``.
    """

    columns: Columns
    best: IntArray
    complete: bool
    too_many: bool


class _Extent(NamedTuple):
    """Most candidates of a root, most atoms of a group, and entries of the arrays over both."""

    width: int
    deepest: int
    entries: int


class _Order(NamedTuple):
    """What a search was asked; see ``GroupSearch.improving`` and ``Found``."""

    prices: Prices
    max_groups: int
    max_units: int
    root_ticks: int
    raise_after: int
    reorder: bool


@dataclass(slots=True)
class _Tally:
    """What a search has brought so far; see ``Found``."""

    best: IntArray
    parts: list[Columns] = field(default_factory=list)
    groups: int = 0
    units: int = 0
    cut_short: int = 0
    too_many: bool = False

    def take(self, part: Columns) -> None:
        """Keep the groups that were met."""
        self.parts.append(part)
        self.groups += len(part)


class _Lanes:
    """Runs compiled searches at the same time, each on a thread; a context manager."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool = ThreadPoolExecutor(number - 1) if number > 1 else None

    def __enter__(self) -> _Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def run(self, searches: list[Callable[[], int]]) -> list[int]:
        """What they return, in their order; the first runs on this thread."""
        if self._pool is None:
            return [one() for one in searches]
        others = [self._pool.submit(one) for one in searches[1:]]
        return [searches[0](), *(other.result() for other in others)]


class GroupSearch:
    """The groups of a problem, for any dual prices; keeps what is the same at all prices."""

    def __init__(self, atoms: Atoms, context: SolveContext) -> None:
        self.atoms = atoms
        self.context = context
        problem = atoms.problem
        self.kinds = [k for k in range(problem.num_kinds) if atoms.max_groups[k] > 0]
        self._largest = max((self._magnitude(k) for k in self.kinds), default=0)
        self.scale = 1
        while self.scale < MAX_SCALE and 2 * self.scale * self._largest <= MAX_SCALED:
            self.scale *= 2
        self._dense = len(atoms.neighbours) * DENSE > atoms.num_atoms**2
        self._states: list[SearchState] = []
        self._multipliers: dict[int, IntArray] = {}

    def on(self, atoms: Atoms) -> GroupSearch:
        """The same search over other atoms, whose values and pairs are (sums of) some of these."""
        if not self._states:
            self._states.append(self._new_state())
        out = copy(self)
        out.atoms = atoms
        out._multipliers = {k: lam.copy() for k, lam in self._multipliers.items()}
        return out

    @property
    def largest(self) -> int:
        """No group's value is further from 0."""
        return self._largest

    @property
    def can_bound(self) -> bool:
        """Whether values are small enough for bounds; otherwise groups can only be listed."""
        return self.scale > 1

    def accepts(self, prices: Prices) -> bool:
        """Whether reduced values at these prices cannot overflow."""
        largest = prices.scale * self._largest + prices.magnitude(self.atoms)
        return self.can_bound and prices.scale % 2 == 0 and largest <= MAX_REDUCED

    @staticmethod
    def most_negative() -> int:
        """No group's reduced value is below minus this."""
        return MAX_REDUCED

    def useful(self, kind: int) -> IntArray:
        """Least scaled value a group of each root must have to be of any use, int64 [n]."""
        out = np.full(self.atoms.num_atoms, NOTHING, np.int64)
        if self.can_bound and self.atoms.droppable_kind[kind]:
            out[self.atoms.num_roots_obliged :] = 1
        return out

    def every(self, max_groups: int, max_units: int) -> Found:
        """All groups that can be of use (see ``Atoms.droppable_kind``)."""
        prices = no_prices(self.atoms, self.scale)
        thresholds = {k: self.useful(k) for k in self.kinds}
        return self._run(prices, thresholds, max_groups, max_units)

    def within(self, prices: Prices, least: int, max_groups: int, max_units: int) -> Found:
        """All groups of use whose scaled reduced value is ``least`` or more."""
        atoms = self.atoms
        found = self.losing_at_most(prices, -least, max_groups, max_units)
        columns = found.columns
        obliged = ~atoms.droppable_kind[columns.kinds] | columns.some(atoms.must)
        return replace(found, columns=columns.take((columns.values > 0) | obliged))

    def losing_at_most(self, prices: Prices, loss: int, max_groups: int, max_units: int) -> Found:
        """All groups, of use or not, whose scaled reduced value is ``-loss`` or more."""
        thresholds = {k: np.full(self.atoms.num_atoms, -loss, np.int64) for k in self.kinds}
        return self._run(prices, thresholds, max_groups, max_units, reorder=True)

    def improving(
        self,
        prices: Prices,
        least: int | IntArray,
        root_units: int,
        max_units: int,
        groups_per_root: int = 1,
    ) -> Found:
        """Groups of reduced value ``least`` or more, and the exact best of every root.

        Parameters
        ----------
        least : one for all roots, or int64 [n]; the best of a root is exact if it reaches that.
        root_units : work after which a root is left; what was left is not ``complete``.
        groups_per_root : after so many groups of a root only better ones are of interest.
        """
        each = np.broadcast_to(np.asarray(least, np.int64), self.atoms.num_atoms)
        thresholds = {k: each.copy() for k in self.kinds}
        return self._run(
            prices,
            thresholds,
            _NO_LIMIT,
            max_units,
            root_ticks=root_units * TICKS_PER_UNIT,
            raise_after=groups_per_root,
            reorder=True,
        )

    # -- inside -------------------------------------------------------------------------------

    def _run(
        self,
        prices: Prices,
        thresholds: dict[int, IntArray],
        max_groups: int,
        max_units: int,
        root_ticks: int = _NO_LIMIT,
        raise_after: int = _NO_LIMIT,
        reorder: bool = False,
    ) -> Found:
        n = self.atoms.num_atoms
        most = min(MAX_LANES, MAX_STATE // max(1, self._extent.entries), n // LEAST_ROOTS)
        lanes = _Lanes(max(1, min(self.context.workers, most)))
        order = _Order(prices, max_groups, max_units, root_ticks, raise_after, reorder)
        tally = _Tally(np.full(n, NOTHING, np.int64))
        with lanes:
            for k in self.kinds:
                if not self._run_kind(k, thresholds[k], order, lanes, tally):
                    return Found(join(tally.parts), tally.best, False, tally.too_many)
        return Found(join(tally.parts), tally.best, tally.cut_short == 0, False)

    def _run_kind(
        self, kind: int, threshold: IntArray, asked: _Order, lanes: _Lanes, tally: _Tally
    ) -> bool:
        """Search the groups of one kind; whether it was searched to its end."""
        n, context = self.atoms.num_atoms, self.context
        bounded = self.can_bound and bool((threshold > NOTHING).any())
        data = self._data(kind, asked.prices, bounded)
        states = [
            self._state(kind, len(asked.prices.cuts), lane, lanes.number)
            for lane in range(lanes.number)
        ]
        order = np.arange(n)
        if asked.reorder and bounded and self._dense:
            scores = data.gain + data.quantity @ states[0].multipliers[0]
            order = np.argsort(scores, kind="stable")
            data = _in_order(data, order)
        threshold = threshold[order]
        best = np.full(n, NOTHING, np.int64)
        running = states
        while running:
            if context.stopping():
                return False
            left = context.remaining_work
            chunk = CHUNK_UNITS if left is None else max(1, min(CHUNK_UNITS, left))
            for state in running:
                state.counters[TICKS] = 0
            limits = (asked.raise_after, chunk * TICKS_PER_UNIT, asked.root_ticks)
            outcomes = lanes.run(
                [partial(search, data, s, threshold, best, *limits, *STEPS) for s in running]
            )
            for state in running:
                units = 1 + int(state.counters[TICKS]) // TICKS_PER_UNIT
                context.charge(units)
                tally.units += units
                tally.take(self._drain(kind, state, asked.prices, order))
            running = [s for s, o in zip(running, outcomes, strict=True) if o != DONE]
            if tally.groups > asked.max_groups or (running and tally.units > asked.max_units):
                tally.too_many = True
                return False
        tally.best[order] = np.maximum(tally.best[order], best)
        tally.cut_short += sum(int(state.counters[CUT_SHORT]) for state in states)
        if bounded:
            self._multipliers[kind] = states[0].multipliers[0].copy()
        return True

    def _drain(self, kind: int, state: SearchState, prices: Prices, order: IntArray) -> Columns:
        """The found groups with their true values; the buffer is empty afterwards."""
        number, entries = int(state.counters[FOUND]), int(state.counters[MEMBERS])
        state.counters[FOUND] = state.counters[MEMBERS] = 0
        if not number:
            return no_columns()
        start = state.found_start[: number + 1].copy()
        members = order[state.found_members[:entries]]
        groups = Columns(
            np.full(number, kind, np.int64), np.zeros(number, np.int64), start, members
        )
        paid = -reduced_values(self.atoms, groups, groups.uses(self.atoms), prices)
        values = (state.found_value[:number] + paid) // prices.scale
        return Columns(groups.kinds, values, start, members)

    def _price_of_atoms(self, kind: int, prices: Prices) -> IntArray:
        out = prices.atoms.copy()
        for s, price in enumerate(prices.shared.tolist()):
            out += price * self.atoms.item_use[s, kind]
        return out

    def _price_of_kind(self, kind: int, prices: Prices) -> int:
        total = int(prices.kinds[kind])
        for s, price in enumerate(prices.shared.tolist()):
            total += price * int(self.atoms.problem.shared_group_use[s, kind])
        return total

    def _magnitude(self, kind: int) -> int:
        """No part of a group's value, and no sum of parts, is further from 0."""
        atoms, curves = self.atoms, self.atoms.curves[kind]
        total: int = abs(int(atoms.problem.open_values[kind])) + abs(curves.constant)
        total += sum(np.abs(atoms.values[kind]).tolist())
        total += sum(np.abs(atoms.pair_values[min(kind, len(atoms.pair_values) - 1)]).tolist())
        ends = np.stack([curves.value, curves.value + curves.slope * (curves.high - curves.low)])
        for r in range(len(curves.resources)):
            pieces = ends[:, curves.start[r] : curves.start[r + 1]]
            total += int(np.abs(pieces).max(initial=0))
        return total

    def _data(self, kind: int, prices: Prices, bounded: bool) -> KindData:
        atoms, curves, scale = self.atoms, self.atoms.curves[kind], prices.scale
        problem = atoms.problem
        used = list(curves.resources)
        pairs = atoms.pair_values[min(kind, len(atoms.pair_values) - 1)]
        quantity = np.ascontiguousarray(atoms.resources[:, used])
        # A step of the multiplier of a resource counts in units of a typical quantity.
        typical = np.maximum(quantity.mean(axis=0), 1.0)
        cut_start, cut_of = prices.cuts_of_atoms(atoms.num_atoms)
        return KindData(
            start=atoms.start,
            neighbours=atoms.neighbours,
            half_pairs=scale // 2 * pairs if self.can_bound else pairs,
            pair_factor=2 if self.can_bound else 1,
            allowed=atoms.pair_allowed[min(kind, len(atoms.pair_allowed) - 1)],
            eligible=atoms.eligible[kind],
            gain=scale * atoms.values[kind] - self._price_of_atoms(kind, prices),
            size=atoms.sizes,
            quantity=quantity,
            piece_start=curves.start,
            piece_low=curves.low,
            piece_high=curves.high,
            piece_value=scale * curves.value,
            piece_slope=scale * curves.slope,
            step=1.0 / typical**2,
            most=self._most_multipliers(kind),
            cut_start=cut_start,
            cut_of=cut_of,
            cut_price=prices.cuts,
            constant=scale * (int(problem.open_values[kind]) + curves.constant)
            - self._price_of_kind(kind, prices),
            min_size=int(problem.min_size[kind]),
            max_size=int(problem.max_size[kind]),
            smallest=int(atoms.sizes.min()),
            largest=int(atoms.sizes.max()),
            any_pairs=bool(pairs.any()),
            bounded=bounded,
        )

    def _state(self, kind: int, num_cuts: int, lane: int, lanes: int) -> SearchState:
        """The kind's state in one lane, which takes every so many-th root.

        The arrays are shared between kinds, but for those that depend on its resources.
        """
        while len(self._states) <= lane:
            self._states.append(self._new_state())
        shared = self._states[lane]
        if kind not in self._multipliers:
            self._multipliers[kind] = self._first_multipliers(kind)
        used = len(self.atoms.curves[kind].resources)
        lines = len(shared.items)
        state = shared._replace(
            roots=np.arange(lane, self.atoms.num_atoms, lanes, dtype=np.int64),
            met=np.zeros(num_cuts, np.int64),
            totals=np.zeros((lines, used), np.int64),
            multipliers=np.zeros((lines, used), np.int64),
        )
        state.counters[:] = 0
        state.multipliers[0] = self._multipliers[kind]
        return state

    @cached_property
    def _extent(self) -> _Extent:
        """How large the state of one lane is."""
        atoms = self.atoms
        width = int(np.diff(atoms.start).max(initial=0))
        if self._dense:
            ends = np.bincount(atoms.neighbours, minlength=atoms.num_atoms)
            width = int((np.diff(atoms.start) + ends).max(initial=0))
        most_items = max((int(atoms.problem.max_size[k]) for k in self.kinds), default=1)
        deepest = max(1, min(most_items // int(atoms.sizes.min()), width + 1))
        return _Extent(width, deepest, width * (width + 4 * deepest))

    def _new_state(self) -> SearchState:
        width, deepest, entries = self._extent
        if entries > MAX_STATE:
            raise ModelTooLarge("memory of the search for groups", entries, MAX_STATE)
        groups = max(256, min(65_536, 4_000_000 // (deepest + 1)))
        line = deepest + 2
        stack = (line, width)
        nothing = np.zeros((line, 0), np.int64)
        return SearchState(
            counters=np.zeros(NUM_COUNTERS, np.int64),
            roots=np.zeros(0, np.int64),
            met=np.zeros(0, np.int64),
            local=np.zeros(width, np.int64),
            beside=np.zeros((width, width), np.bool_),
            half=np.zeros((width, width), np.int64),
            atoms=np.zeros(line, np.int64),
            candidates=np.zeros(stack, np.int64),
            gains=np.zeros(stack, np.int64),
            inherited=np.zeros(stack, np.int64),
            scores=np.zeros(stack, np.int64),
            num_candidates=np.zeros(line, np.int64),
            at=np.zeros(line, np.int64),
            linear=np.zeros(line, np.int64),
            base=np.zeros(line, np.int64),
            items=np.zeros(line, np.int64),
            totals=nothing,
            multipliers=nothing,
            found_members=np.zeros(groups * line, np.int64),
            found_start=np.zeros(groups + 1, np.int64),
            found_value=np.zeros(groups, np.int64),
        )

    def _most_multipliers(self, kind: int) -> IntArray:
        """Multipliers up to these keep every sum of them times quantities far inside int64."""
        used = self.atoms.curves[kind].resources
        totals = [max(1, sum(self.atoms.resources[:, r].tolist())) for r in used]
        return np.array([2**58 // ((len(used) + 1) * total) for total in totals], np.int64)

    def _first_multipliers(self, kind: int) -> IntArray:
        """Slope of each curve from its beginning to its highest point, times the scale."""
        curves = self.atoms.curves[kind]
        out = np.zeros(len(curves.resources), np.int64)
        for r in range(len(out)):
            first, last = int(curves.start[r]), int(curves.start[r + 1])
            for p in range(first, last):
                low = int(curves.low[p])
                if low > 0:
                    rise = int(curves.value[p] - curves.value[first])
                    out[r] = max(int(out[r]), self.scale * rise // low)
        return np.minimum(out, self._most_multipliers(kind))


def _in_order(data: KindData, order: IntArray) -> KindData:
    """The same groups with the atoms renumbered: atom ``order[a]`` becomes number a."""
    n = len(order)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    one = rank[np.repeat(np.arange(n), np.diff(data.start))]
    other = rank[data.neighbours]
    first, second = np.minimum(one, other), np.maximum(one, other)
    pairs = np.lexsort((second, first))
    holder = rank[np.repeat(np.arange(n), np.diff(data.cut_start))]
    return data._replace(
        start=_starts(first, n),
        neighbours=second[pairs],
        half_pairs=data.half_pairs[pairs],
        allowed=data.allowed[pairs],
        eligible=data.eligible[order],
        gain=data.gain[order],
        size=data.size[order],
        quantity=data.quantity[order],
        cut_start=_starts(holder, n),
        cut_of=data.cut_of[np.argsort(holder, kind="stable")],
    )


def _starts(places: IntArray, number: int) -> IntArray:
    """Where the entries of each place begin once they are sorted by place, int64 [number + 1]."""
    start = np.zeros(number + 1, np.int64)
    np.cumsum(np.bincount(places, minlength=number), out=start[1:])
    return start
