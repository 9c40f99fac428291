"""Solving a large register: the nearest pairs first, then those that a search over all pairs finds.

Above some number of firms only the nearest compatible pairs are kept (``consortium.sparsifier``):
on them the best plan can be proved, on all pairs it cannot. But what is near is not what is worth
most: on sample registers of 300 and 1,000 firms the best plan on nearest pairs had 52% to 86% of
the surplus that this finds (benchmarks/results). It alternates, within one limit:

1. the best plan on the pairs kept so far, with its bound;
2. a search over all compatible pairs from there; where that finds nothing better, from nothing.
   The pairs of the plans it meets are kept as well, and 1 is repeated; where neither search leads
   to more, this ends.

The bound holds for the pairs kept, as it does without this; no bound is known for all pairs.
Restricting a problem to promising edges and growing the restriction where a search says so is
"kernel search" (Angelelli, Mansini, Speranza 2010) on the edges of a graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from consortium.case import Case
from consortium.formulation import Formulation, formulate
from consortium.wording import usd
from solver import Event, EventKind, Grouping, Limits, Observer, Result, Status, solve

#: Shares of the limit: of the first solve on the nearest pairs, and of each search over all.
FIRST, SEARCH = 0.25, 0.125
#: A share of the limit that is not worth another solve.
LEAST = 0.02
#: A search from the best plan needs an end of its own where the solve has none.
ENDLESS_SECONDS = 60.0
#: Pairs x kinds above which all pairs are not looked at: 24 bytes each while they are built.
MOST_ENTRIES = 40_000_000

Pairs = set[tuple[str, str]]


def is_sparsified(formulation: Formulation) -> bool:
    """Whether compatible pairs were left out of it."""
    return any(graph.sparsified for graph in formulation.graphs.values())


def solve_widely(
    case: Case,
    formulation: Formulation,
    limits: Limits,
    start: Grouping | None = None,
    observer: Observer | None = None,
) -> tuple[Formulation, Result]:
    """Solve a case of which the formulation has the nearest pairs only.

    Returns
    -------
    The formulation with all pairs kept in the end, and its result. Its bound, and that it is
    infeasible, hold for that formulation. Where no plan exists on the nearest pairs, all pairs
    decide, and the formulation has them all.
    """
    entries = formulation.problem.num_kinds * sum(
        graph.rule_edges for graph in formulation.graphs.values()
    )
    if entries > MOST_ENTRIES:
        result = solve(formulation.problem, limits, start=start, observer=observer)
        return formulation, _noted(result, ["All compatible pairs were too many to search."])
    return _Widening(case, formulation, limits, observer).run(start)


class _Widening:
    def __init__(
        self, case: Case, formulation: Formulation, limits: Limits, observer: Observer | None
    ) -> None:
        self.case, self.limits = case, limits
        self.clock = _Clock(limits)
        self.observer = observer
        self.nearest = self.formulation = formulation
        above = case.programme.changed("sparsify_above", len(case.register.firms), "search")
        self.everything = formulate(case.with_programme(above))
        self.kept: Pairs = set()
        self.best: int | None = None
        self.searches, self.gained = 0, False

    def run(self, start: Grouping | None) -> tuple[Formulation, Result]:
        """Take turns until neither search leads to more, or the limits end."""
        result = self._solve(self.nearest, "nearest pairs", FIRST, start)
        if result.grouping is None and not stopped_by_hand(result):
            return self._without_plan(result)
        self.result = result
        first = result.objective
        try:
            self._take_turns()
        except KeyboardInterrupt:  # between two solves, which hear of it themselves
            self.result = replace(self.result, stopped_by="interrupt")
        return self.formulation, self._told(first)

    def _take_turns(self) -> None:
        """Better ``result``, with the ``formulation`` it is of."""
        afresh = False
        while not stopped_by_hand(self.result) and self.clock.left > FIRST:
            self.searches += 1
            known = len(self.kept)
            found = self._search(None if afresh else self.result.grouping, self.searches)
            gained = _above(found, self.result)
            self.gained |= gained
            best = found if gained else self.result
            self._keep(best)
            if stopped_by_hand(found):
                self._end_with(best, found.stopped_by)
                return
            if not gained and _is_finished(self.result) and not (afresh and len(self.kept) > known):
                if afresh:
                    return
                afresh = True
                continue
            formulation = formulate(self.case, keep_pairs=self.kept)
            again = self._solve(formulation, "pairs kept", 1.0, best.grouping)
            if stopped_by_hand(again) and not _above(again, best):
                self._end_with(best, again.stopped_by)
                return
            # A proof on fewer pairs is not given for none on more.
            if not _above(again, self.result) and _is_finished(self.result):
                return
            self.formulation, self.result = formulation, again
            afresh = False
        if (
            not stopped_by_hand(self.result)
            and not _is_finished(self.result)
            and self.clock.left > LEAST
        ):
            again = self._solve(self.formulation, "pairs kept", 1.0, self.result.grouping)
            self.result = again if not _above(self.result, again) else self.result

    def _end_with(self, best: Result, stopped_by: str) -> None:
        """Stopped by hand: the best plan, with a bound where it is of the plan's pairs."""
        if best is not self.result:
            self.formulation = formulate(self.case, keep_pairs=self.kept)
            best = replace(best, bound=None, status=Status.FEASIBLE)
        self.result = replace(best, stopped_by=stopped_by)

    def _without_plan(self, result: Result) -> tuple[Formulation, Result]:
        """Nothing is known of the nearest pairs, or no plan exists on them: all pairs decide."""
        if result.status is not Status.INFEASIBLE and self.clock.left > LEAST:
            result = self._solve(self.nearest, "nearest pairs", self.clock.left / 2, None)
            if result.grouping is not None:
                return self.formulation, self.clock.whole(result)
        self.formulation = self.everything
        found = self._solve(self.everything, "all pairs", 1.0, None)
        if result.status is Status.INFEASIBLE:
            note = "No plan exists on the nearest pairs alone: all compatible pairs were kept."
            found = _noted(found, [note])
        return self.formulation, self.clock.whole(found)

    def _solve(
        self, formulation: Formulation, phase: str, share: float, start: Grouping | None
    ) -> Result:
        part = self.clock.part(share)
        watch = self._watch(phase, keeps=False)
        result = solve(formulation.problem, part, start=start, observer=watch)
        self.clock.spend(result)
        return result

    def _search(self, start: Grouping | None, number: int) -> Result:
        """Over all pairs, from a plan or from none; the pairs of all it meets are kept."""
        part = self.clock.part(SEARCH, ENDLESS_SECONDS)
        part = replace(part, seed=(self.limits.seed + number) % 2**31)
        watch = self._watch("all pairs", keeps=True)
        result = solve(self.everything.problem, part, "search", start=start, observer=watch)
        self.clock.spend(result)
        return result

    def _watch(self, phase: str, *, keeps: bool) -> Callable[[Event], object]:
        """An observer of one part, as part of the whole: later, and with no bound of its own."""
        seconds, work = self.clock.seconds, self.clock.work

        def watch(event: Event) -> object:
            improves = self.best is None or (event.objective or 0) > self.best
            if event.kind is EventKind.INCUMBENT and event.grouping is not None:
                if keeps:
                    self._keep_pairs(event.grouping)
                if improves:
                    self.best = event.objective
            repeats = event.kind is EventKind.INCUMBENT and not improves
            if self.observer is None or repeats or event.kind is EventKind.BOUND:
                return None
            told = replace(
                event,
                seconds=seconds + event.seconds,
                work=work + event.work,
                objective=self.best,
                bound=None,
                phase=f"{phase}: {event.phase}",
            )
            return self.observer(told)

        return watch

    def _keep(self, result: Result) -> None:
        assert result.grouping is not None
        self._keep_pairs(result.grouping)

    def _keep_pairs(self, grouping: Grouping) -> None:
        for _, members in self.everything.consortia(grouping):
            self.kept |= set(pairs_within([members]))

    def _told(self, first: int | None) -> Result:
        """The result with how it came about."""
        notes = []
        result = self.result
        added = len(self.formulation.problem.pairs) - len(self.nearest.problem.pairs)
        if self.gained and first is not None and result.objective is not None:
            notes.append(
                f"A search over all compatible pairs raised the surplus from {usd(first)} to "
                f"{usd(result.objective)}: {added:,} more pairs, of the plans it met, were kept."
            )
        elif self.searches:
            notes.append("A search over all compatible pairs found nothing better.")
        return self.clock.whole(_noted(result, notes))


class _Clock:
    """Seconds and work that parts of a solve have used of its limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began = time.monotonic()
        self.work = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Share of the limit that is left; all of it where there is none."""
        if self._limits.work is not None:
            return 1 - self.work / self._limits.work
        if self._limits.seconds is not None:
            return 1 - self.seconds / self._limits.seconds
        return 1.0

    def part(self, share: float, endless: float | None = None) -> Limits:
        """Limits of a part that may use a share of the whole, and no more than is left."""
        share = min(share, max(self.left, 0.001))
        if self._limits.work is not None:
            return replace(self._limits, work=max(1, int(share * self._limits.work)))
        if self._limits.seconds is not None:
            return replace(self._limits, seconds=max(0.01, share * self._limits.seconds))
        return replace(self._limits, seconds=endless)

    def spend(self, result: Result) -> None:
        self.work += result.work

    def whole(self, result: Result) -> Result:
        """The last part's result as that of the whole; its trace is of that part alone."""
        return replace(result, seconds=self.seconds, work=self.work, trace=())


def pairs_within(groups: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Every pair of firms inside a group."""
    return tuple(
        (a, b) for members in groups for at, a in enumerate(members) for b in members[at + 1 :]
    )


def _above(one: Result, other: Result) -> bool:
    if one.objective is None or other.objective is None:
        return one.objective is not None
    return one.objective > other.objective


def _is_finished(result: Result) -> bool:
    return result.stopped_by in ("optimal", "gap", "exhausted")


def stopped_by_hand(result: Result) -> bool:
    """Whether Ctrl-C or an observer ended a solve."""
    return result.stopped_by in ("interrupt", "observer")


def _noted(result: Result, notes: Sequence[str]) -> Result:
    return replace(result, notes=(*result.notes, *notes))
