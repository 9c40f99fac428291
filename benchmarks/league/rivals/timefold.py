"""Timefold, the successor of OptaPlanner (Apache-2.0), on the assignment of units to slots.

Widely used for rosters and other assignments. Its configuration is the default one: a construction
heuristic that gives each unit the slot that is best at once, then local search by late acceptance
with moves of one unit and exchanges of two. ``Seating.java`` says what the model is, and why a slot
that is short of its least size counts as no group yet.

Values are exact: Java's sums are of 64 bits, and ``GroupingProblem`` refuses a problem of which a
total could leave +-2**62. The search runs in a thread of Java's; this module waits for it, tells
what is better as it comes, and looks at the clock. With ``limits.work`` it ends after a number of
calculations of the score, whatever the clock says.

To start Java and compile the model takes some seconds, once a process; the league does that before
its clock starts.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals import timefold_java
from benchmarks.league.rivals.common import Best, Budget
from benchmarks.league.rivals.units import Units
from solver import Group, Grouping, GroupingProblem, Limits

#: Work units of a calculation of the score, and of an item and a pair in the hand-over; measured.
_UNITS_A_CALCULATION = 4
_UNITS_AN_ITEM = 20
_UNITS_A_PAIR = 7
#: Share of the limits that the hand-over may take.
_FOR_HANDOVER = 0.8
#: Share of the seconds left that the search gets: it looks at the clock late.
_FOR_SEARCH = 0.97
#: Seconds between two looks for better solutions; and so many times what the last look took.
_PAUSE, _PAUSES = 0.05, 10
#: The last offer's time is kept; until there was one, this share of the hand-over's stands for it.
_OFFER_SHARE = 0.1
_TOO_LARGE = "it is too large to be handed over to Java within the limits"


class Timefold:
    """Timefold as it is configured by default, with one thread."""

    name = "timefold"
    about = "Timefold (OptaPlanner's successor): units choose slots; late acceptance by default"
    deterministic = True

    def unavailable(self) -> str:
        if find_spec("jpype") is None or not timefold_java.jars():
            return "needs the package timefold"
        if timefold_java.jdk() is None:
            oldest = timefold_java.OLDEST_JAVA
            return f"needs a JDK, {oldest} or later (javac on the PATH or JAVA_HOME)"
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Begin from the pins alone; end with the limits, or where nothing can be chosen."""
        budget, best = Budget(limits), Best(problem, report)
        classes = timefold_java.java()
        best.offer(Grouping(problem.pinned))
        handover = _handover_units(problem)
        if handover > _FOR_HANDOVER * 1e6 * budget.remaining:
            return best.answer(_TOO_LARGE)
        budget.spend(handover)
        began = time.monotonic()
        units = Units(problem)
        flaw = units.flaw or _flaw_of_pins(units)
        if flaw or not units.free:
            return best.answer(*filter(None, [flaw]))
        try:
            return _Run(units, best, budget, began).whole(limits.seed)
        except classes.OutOfMemory:
            return best.answer("Java's memory is too small for it")


def _handover_units(problem: GroupingProblem) -> int:
    """Work units of reading the problem and giving it to Java."""
    varied = problem.pair_values.ndim == 2 or problem.pair_allowed.ndim == 2
    entries = problem.num_pairs * (problem.num_kinds if varied else 1)
    return _UNITS_AN_ITEM * problem.num_items * problem.num_kinds + _UNITS_A_PAIR * entries


def _flaw_of_pins(units: Units) -> str:
    """Nothing is feasible where a pin's unit breaks a rule that no growth mends."""
    for pin in units.problem.pinned:
        if units.cell(pin.kind, [units.unit_of[pin.members[0]]]) is None:
            return "a pin breaks a rule"
    return ""


class _Run:
    """One search; ``began`` is when the hand-over did."""

    def __init__(self, units: Units, best: Best, budget: Budget, began: float) -> None:
        self.units, self.best, self.budget = units, best, budget
        self.by_clock = budget.work is None
        self.kinds = timefold_java.slot_kinds(units)
        self._began = began
        self._offering = 0.0  # seconds that the slowest offer took

    def whole(self, seed: int) -> Answer:
        """Search, and tell what comes of it, until the limits end."""
        start = timefold_java.seating(self.units)
        self._offering = _OFFER_SHARE * (time.monotonic() - self._began)
        if not start.slots.size():
            return self.best.answer()
        if self.budget.over:
            return self.best.answer(_TOO_LARGE)
        milliseconds = calculations = 0
        if self.by_clock:
            milliseconds = max(1, int(1000 * _FOR_SEARCH * self.budget.remaining))
        else:
            calculations = max(1, int(1e6 * self.budget.remaining) // _UNITS_A_CALCULATION)
        search = timefold_java.java().SeatingSearch(start, seed % 2**63, milliseconds, calculations)
        try:
            ended = self._watch(search)
        finally:
            search.stop()
        if not ended:
            return self.best.answer("Timefold did not end when its time was over")
        failure = search.failure()
        if failure is not None:
            raise failure
        self._offer(search.result())
        notes = () if self.best.grouping is not None else ("the best choice found breaks a rule",)
        return self.best.answer(*notes)

    def _watch(self, search: Any) -> bool:
        """Tell better solutions until the search has ended; False if it goes on for too long."""
        pause, stopping = _PAUSE, False
        while not search.ended(int(1000 * pause)):
            if self.by_clock and self.budget.over:
                return False
            if self.by_clock and self.budget.remaining <= self._offering:
                search.stop()
                stopping = True
            looking = time.monotonic()
            if not stopping:
                self._offer(search.news())
            pause = max(_PAUSE, _PAUSES * (time.monotonic() - looking))
            if self.by_clock:
                left = self.budget.remaining
                pause = min(pause, left if stopping else left - self._offering)
        return True

    def _offer(self, chosen: Any) -> None:
        """Offer the grouping of a choice of slots, if there is one."""
        if chosen is None:
            return
        began = time.monotonic()
        self.best.offer(self.grouping(list(chosen)))
        self._offering = max(self._offering, time.monotonic() - began)

    def grouping(self, chosen: list[int]) -> Grouping:
        """The groups of a choice of slots by the free units; -1 is none."""
        units, problem = self.units, self.units.problem
        inside: list[list[int]] = [[] for _ in self.kinds]
        for at, pin in enumerate(problem.pinned):
            inside[at].append(units.unit_of[pin.members[0]])
        for unit, slot in zip(units.free, chosen, strict=True):
            if slot >= 0:
                inside[slot].append(unit)
        return Grouping(
            Group(self.kinds[at], [i for u in members for i in units.items[u]])
            for at, members in enumerate(inside)
            if at < len(problem.pinned) or self._is_group(self.kinds[at], members)
        )

    def _is_group(self, kind: int, members: list[int]) -> bool:
        """Whether a slot has what a group needs at least; else its items are outside."""
        units = self.units
        enough = all(
            sum(units.amounts[u][r] for u in members) >= least
            for r, least, _ in units.bounded[kind]
        )
        size = sum(len(units.items[u]) for u in members)
        return enough and size >= max(1, units.low[kind])
