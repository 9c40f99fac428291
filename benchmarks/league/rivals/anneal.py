"""Simulated annealing (S. Kirkpatrick, C. Gelatt, M. Vecchi, Science 220, 1983) over groupings.

A state is any set of disjoint groups that keeps bans, eligibility, greatest sizes, pins and
together sets. Every other rule may be broken on the way, at a price: least sizes, resource bounds,
numbers of groups, shared limits, and items that must join. The price rises while states stay
infeasible and falls while they are feasible. Moves are: put an item into another group or outside,
exchange two, open a group around an outside item, close one, change its kind. The temperature
falls geometrically over the budget, three times: from a start, then twice from the best state.
Values, curves included, are exact integers; what is offered is checked by ``verify``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, Rival
from benchmarks.league.rivals.states import State
from benchmarks.league.rivals.units import Cell, Units
from solver import GroupingProblem, Limits
from solver.repair import repair

_CYCLES = 3
#: The lowest temperature as a share of the highest, which is the size of a typical change.
_COLDEST = 0.003
#: Later cycles begin at this share of the first one's temperature.
_REHEATED = 0.3
#: Share of a cycle between two offers.
_TELL = 0.02
#: Steps between two looks at the budget.
_BLOCK = 200
#: Work units of one step, measured.
_UNITS_A_STEP = 14
#: A cell's replacement: which cells go, which come.
Change = tuple[list[int], list[Cell]]


class Anneal(Rival):
    """Simulated annealing with prices for broken rules."""

    name = "anneal"
    about = "simulated annealing: move, exchange, open, close, change kind; geometric cooling"

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        budget, best = Budget(limits), Best(problem, report)
        units = Units(problem)
        budget.spend(50 + problem.num_items + problem.num_pairs)
        if units.flaw:
            return best.answer(units.flaw)
        run = _Run(units, best, budget, random.Random(limits.seed))
        run.whole()
        if best.grouping is None:
            best.offer(repair(problem, run.state.grouping()))
        return best.answer()


class _Run:
    """One annealing of one problem."""

    def __init__(self, units: Units, best: Best, budget: Budget, rng: random.Random) -> None:
        self.units, self.best, self.budget, self.rng = units, best, budget, rng
        self.state = State(units)
        self.price = 1.0  # of a thousandth of a broken rule
        self._kept: list[Cell] | None = None  # best feasible state, not yet offered if ``_news``
        self._kept_value = 0
        self._news = False
        self._moves: Sequence[Callable[[], Change | None]] = (
            *[self._shift] * 5,
            *[self._exchange] * 3,
            self._open,
            self._open,
            self._close,
            self._recast,
        )

    def whole(self) -> None:
        """All cycles, until the budget ends."""
        self._keep()
        if not self.units.free:
            self._tell()
            return
        scale = self._typical_change()
        self.price = 4 * scale / 1000
        told = 0.0
        for cycle in range(_CYCLES):
            if cycle and self._kept is not None:
                self.state.restore(self._kept)
            start, hottest = cycle / _CYCLES, scale * (_REHEATED if cycle else 1.0)
            while (now := (self.budget.share - start) * _CYCLES) < 1:
                self._block(hottest * (_COLDEST * scale / hottest) ** max(0.0, now))
                if now > told + _TELL or now < told:
                    told = now
                    self._tell()
            self._tell()

    def _typical_change(self) -> float:
        """Mean size of a change of value over moves from random states."""
        seen, state = [], self.state
        for _ in range(300):
            change = self._random_change()
            if change is not None:
                value, _ = state.after(*change)
                seen.append(abs(value - state.value))
                if self.rng.random() < 0.7:
                    state.apply(*change)
        self.budget.spend(300 * _UNITS_A_STEP)
        largest = sorted(d for d in seen if d)
        return max(1.0, sum(largest) / len(largest)) if largest else 1.0

    def _block(self, temperature: float) -> None:
        """Some steps at one temperature."""
        state, rng = self.state, self.rng
        feasible = 0
        for _ in range(_BLOCK):
            change = self._random_change()
            if change is None:
                continue
            value, broken = state.after(*change)
            gain = value - state.value - self.price * (broken - state.broken)
            if gain >= 0 or rng.random() < math.exp(gain / temperature):
                state.apply(*change)
                self._keep()
            feasible += not state.broken
        self.budget.spend(_BLOCK * _UNITS_A_STEP)
        if feasible == 0:
            self.price *= 1.05
        elif feasible > _BLOCK * 3 // 4:
            self.price = max(temperature / 1000, self.price / 1.05)

    def _keep(self) -> None:
        state = self.state
        if not state.broken and (self._kept is None or state.value > self._kept_value):
            self._kept, self._kept_value = list(state.cells.values()), state.value
            self._news = True
            if self.best.grouping is None:
                self._tell()  # the first one at once, the others now and then

    def _tell(self) -> None:
        """Offer the best feasible state: it costs a check, so not each time it changes."""
        if self._kept is not None and self._news:
            self._news = False
            self.best.offer(self.units.grouping(self._kept))

    # -- moves -----------------------------------------------------------------------------------

    def _random_change(self) -> Change | None:
        return self.rng.choice(self._moves)()

    def _target(self, u: int) -> int:
        """A cell for a unit: most often that of a partner, for others rarely help; -1 outside."""
        state, rng = self.state, self.rng
        draw = rng.random()
        near = self.units.near[u]
        if draw < 0.75 and near:
            return state.home[rng.choice(near)]
        if draw < 0.9 and state.ids:
            return rng.choice(state.ids)
        return -1

    def _shift(self) -> Change | None:
        state = self.state
        u = self.rng.choice(self.units.free)
        source, target = state.home[u], self._target(u)
        if source == target:
            return None
        gone, come = [], []
        if source >= 0:
            gone.append(source)
            left = self.units.changed(state.cells[source], u, None)
            if left is not None and left.members:
                come.append(left)
        if target >= 0:
            gone.append(target)
            joined = self.units.changed(state.cells[target], None, u)
            if joined is None:
                return None
            come.append(joined)
        return gone, come

    def _exchange(self) -> Change | None:
        """A unit takes the place of another, which goes where the first was."""
        state, units = self.state, self.units
        u = self.rng.choice(units.free)
        source, target = state.home[u], self._target(u)
        if target < 0 or source == target:
            return None
        v = self.rng.choice(state.cells[target].members)
        if not units.movable[v]:
            return None
        there = units.changed(state.cells[target], v, u)
        if there is None:
            return None
        if source < 0:
            return [target], [there]
        here = units.changed(state.cells[source], u, v)
        return None if here is None else ([source, target], [here, there])

    def _open(self) -> Change | None:
        """A new group around an outside unit, of random outside partners, of a random size."""
        state, units, rng = self.state, self.units, self.rng
        u = rng.choice(units.free)
        k = rng.randrange(units.num_kinds)
        if state.home[u] >= 0 or not units.fits[k][u]:
            return None
        cell = units.cell(k, [u])
        if cell is None:
            return None
        wanted = rng.randint(units.low[k], min(units.high[k], units.low[k] + 5))
        near = [v for v in units.near[u] if state.home[v] < 0 and units.movable[v]]
        if not near and not units.absent_banned:
            near = rng.sample(units.free, min(8, len(units.free)))
            near = [v for v in near if v != u and state.home[v] < 0]
        rng.shuffle(near)
        for v in near:
            if cell.size >= wanted:
                break
            cell = units.changed(cell, None, v) or cell
        return [], [cell]

    def _close(self) -> Change | None:
        state = self.state
        if not state.ids:
            return None
        at = self.rng.choice(state.ids)
        return None if state.cells[at].pin >= 0 else ([at], [])

    def _recast(self) -> Change | None:
        state, units = self.state, self.units
        if not state.ids or units.num_kinds < 2:
            return None
        at = self.rng.choice(state.ids)
        old = state.cells[at]
        k = self.rng.randrange(units.num_kinds)
        if old.pin >= 0 or k == old.kind:
            return None
        cell = units.cell(k, old.members)
        return None if cell is None else ([at], [cell])
