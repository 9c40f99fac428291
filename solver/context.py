"""What a running strategy sees: the problem, its limits, and where it reports what it knows.

A strategy is a function of one ``SolveContext``. It offers groupings, publishes proved bounds,
charges its work and asks ``stopping()`` between steps; it returns when it has no more to try. All
of it happens on one thread, the solving thread (a companion has another, and a context of its own).
Every offered grouping passes through ``verify`` here, so a strategy cannot report a wrong one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from solver.certificate import Certificate
from solver.errors import SolverDisagreement
from solver.events import Event, EventKind, Observer
from solver.grouping import Grouping
from solver.limits import Limits
from solver.problem import GroupingProblem
from solver.result import TracePoint, relative_gap
from solver.reuse import Reuse, joined
from solver.verification import verify

Strategy = Callable[["SolveContext"], None]


class Accompanying(Protocol):
    """Who works beside the strategy, and what it has found meanwhile."""

    @property
    def working(self) -> bool:
        """Whether it is still at work."""

    def exchange(self) -> None:
        """Offer what was found; called on the solving thread."""


class SolveContext:
    """State of one solve. See the module docstring for the protocol.

    Attributes
    ----------
    problem, limits, start : as given to ``solve``; ``start`` may be partial or infeasible (a
        feasible one, or a feasible repair of it, has been offered already).
    grouping, objective : the incumbent, ``None`` before there is one.
    bound : best proved upper bound, or ``None``.
    reuse : groups and cuts of an earlier solve, in this problem's numbers, or ``None``.
    kept : what a later solve may reuse, or ``None``.
    infeasible : whether infeasibility is proved.
    certify : makes the certificate of a bound that is published now; set by a strategy that can.
    stop_reason : why the solve is ending ("optimal", "infeasible", "gap", "seconds", "work",
        "observer", "interrupt"), or ``None`` while it may go on.
    """

    def __init__(
        self,
        problem: GroupingProblem,
        limits: Limits,
        start: Grouping | None = None,
        observer: Observer | None = None,
        began: float | None = None,
        reuse: Reuse | None = None,
    ) -> None:
        self.problem = problem
        self.limits = limits
        self.start = start
        self.grouping: Grouping | None = None
        self.objective: int | None = None
        self.bound: int | None = None
        self.infeasible = False
        self.stop_reason: str | None = None
        self.notes: list[str] = []
        self.trace: list[TracePoint] = []
        self.certify: Callable[[int], Certificate | None] | None = None
        self._certify_bound: Callable[[int], Certificate | None] | None = None
        self._companions: list[Accompanying] = []
        self._waiting: Callable[[], None] | None = None
        self.reuse = reuse
        self.kept: Reuse | None = None
        self._observer = observer
        self._began = time.monotonic() if began is None else began
        self._work = 0
        self._phase = "start"
        self._work_end = limits.work
        self._seconds_end = None if limits.work is not None else limits.seconds

    # -- what a strategy reports ------------------------------------------------------------

    def offer(self, grouping: Grouping) -> bool:
        """Report a grouping; returns whether it is the new incumbent.

        Raises
        ------
        SolverDisagreement
            If it is infeasible, or better than a bound said to be proved.
        """
        verdict = verify(self.problem, grouping)
        if not verdict.feasible or verdict.objective is None:
            broken = "; ".join(str(v) for v in verdict.violations[:5])
            raise SolverDisagreement(f"a strategy offered an infeasible grouping: {broken}")
        if self.infeasible:
            raise SolverDisagreement("a grouping was found although infeasibility was proved")
        if self.bound is not None and verdict.objective > self.bound:
            raise SolverDisagreement(
                f"a grouping is worth {verdict.objective}, above the proved bound {self.bound}"
            )
        if self.objective is not None and verdict.objective <= self.objective:
            return False
        self.grouping, self.objective = grouping, verdict.objective
        self._changed(EventKind.INCUMBENT, grouping)
        return True

    def prove_bound(self, value: int) -> None:
        """Publish a proved upper bound on the value of every feasible grouping."""
        value = int(value)
        if self.objective is not None and value < self.objective:
            raise SolverDisagreement(
                f"bound {value} is below a verified grouping worth {self.objective}"
            )
        if self.bound is None or value < self.bound:
            self.bound = value
            self._certify_bound = self.certify
            self._changed(EventKind.BOUND)

    def prove_infeasible(self) -> None:
        """Publish that no grouping meets every rule."""
        if self.grouping is not None:
            raise SolverDisagreement("infeasibility was claimed although a grouping is feasible")
        self.infeasible = True

    def phase(self, name: str) -> None:
        """Name the phase that begins."""
        self._phase = name
        self._notify(EventKind.PHASE)

    def note(self, text: str) -> None:
        """Record something a reader of the result should know (a method that stepped back)."""
        if text not in self.notes:
            self.notes.append(text)

    def remember(self, reuse: Reuse) -> None:
        """Keep groups and cuts for a later solve, besides what is kept already."""
        self.kept = reuse if self.kept is None else joined((self.kept, reuse))

    def charge(self, units: int) -> None:
        """Add deterministic work units (about a microsecond each)."""
        self._work += int(units)

    def interrupt(self) -> None:
        """Ask for an end at the next ``stopping()``; what Ctrl-C does."""
        self.stop_reason = self.stop_reason or "interrupt"

    # -- what a strategy asks ---------------------------------------------------------------

    def stopping(self) -> bool:
        """Whether the strategy must return now; cheap, ask it often."""
        for companion in self._companions:
            companion.exchange()
        reason = self._reason() if self.stop_reason is None else None
        if reason is not None:  # else Ctrl-C may have given one meanwhile: it is not overwritten
            self.stop_reason = reason
        return self.stop_reason is not None or self._share_used()

    @contextmanager
    def limited(self, max_work: int | None, max_seconds: float | None) -> Iterator[None]:
        """Tighter limits for a part of the solve; ``None`` for no tighter one.

        Within, ``stopping()`` is true when the part's share is used, which ends the part and not
        the solve. Seconds count only where no work limit is set, work only where one is.
        """
        work_end, seconds_end = self._work_end, self._seconds_end
        if self.limits.work is not None:
            if max_work is not None and work_end is not None:
                self._work_end = min(work_end, self._work + max_work)
        elif max_seconds is not None:
            end = self.seconds + max_seconds
            self._seconds_end = end if seconds_end is None else min(seconds_end, end)
        try:
            yield
        finally:
            self._work_end, self._seconds_end = work_end, seconds_end

    @property
    def certificate(self) -> Certificate | None:
        """The proof of the best published bound, if whoever published it can tell."""
        if self.bound is None or self._certify_bound is None:
            return None
        return self._certify_bound(self.bound)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the solve began."""
        return time.monotonic() - self._began

    @property
    def work(self) -> int:
        """Work units charged so far."""
        return self._work

    @property
    def remaining_work(self) -> int | None:
        """Work units left, ``None`` without a work limit."""
        return None if self._work_end is None else max(0, self._work_end - self._work)

    @property
    def remaining_seconds(self) -> float | None:
        """Wall-clock seconds left; ``None`` when the clock must not decide."""
        if self._seconds_end is None:
            return None
        return max(0.0, self._seconds_end - self.seconds)

    @property
    def workers(self) -> int:
        """Threads the strategy may use; companions at work have one each."""
        busy = sum(companion.working for companion in self._companions)
        return max(1, self.limits.effective_workers - busy)

    @property
    def accompanied(self) -> bool:
        """Whether companions are at work."""
        return any(companion.working for companion in self._companions)

    def accompany(self, companion: Accompanying) -> None:
        """Let somebody work beside the strategy; it takes one of the workers."""
        self._companions.append(companion)

    def part_from(self, companion: Accompanying) -> None:
        """End what ``accompany`` began."""
        self._companions.remove(companion)

    def when_spared(self, begin: Callable[[], None] | None) -> None:
        """Have somebody wait until the strategy has a worker to spare; ``None``: nobody does."""
        self._waiting = begin

    def spare_a_worker(self) -> None:
        """From here on the strategy needs one worker less: who waits for one begins."""
        begin, self._waiting = self._waiting, None
        if begin is not None:
            begin()

    def rng(self) -> np.random.Generator:
        """A fresh generator made from the seed (the same at every call)."""
        return np.random.default_rng(self.limits.seed)

    # -- inside -----------------------------------------------------------------------------

    def _share_used(self) -> bool:
        if self._work_end is not None and self._work >= self._work_end:
            return True
        return self._seconds_end is not None and self.seconds >= self._seconds_end

    def _reason(self) -> str | None:
        if self.infeasible:
            return "infeasible"
        if self.objective is not None and self.objective == self.bound:
            return "optimal"
        gap = relative_gap(self.objective, self.bound)
        if gap is not None and gap <= self.limits.gap:
            return "gap"
        if self.limits.work is not None:
            return "work" if self._work >= self.limits.work else None
        if self.limits.seconds is not None and self.seconds >= self.limits.seconds:
            return "seconds"
        return None

    def _changed(self, kind: EventKind, grouping: Grouping | None = None) -> None:
        self.trace.append(TracePoint(self.seconds, self._work, self.objective, self.bound))
        self._notify(kind, grouping)

    def _notify(self, kind: EventKind, grouping: Grouping | None = None) -> None:
        if self._observer is None or self.stop_reason == "observer":
            return
        event = Event(
            kind, self.seconds, self._work, self.objective, self.bound, self._phase, grouping
        )
        if self._observer(event) is False:
            self.stop_reason = self.stop_reason or "observer"
