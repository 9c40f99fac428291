"""Run a strategy on a smaller problem inside a solve: on a reduced one, and on its components.

``Within`` looks to the strategy like any context. What it offers and proves goes to the context
around it, lifted to the larger problem; limits, phases and notes are those of the larger solve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from solver.context import SolveContext, Strategy
from solver.grouping import Grouping
from solver.reduction import Reduction, reduce, split
from solver.reuse import Reuse
from solver.verification import verify

#: Components smaller than this share a part: a part costs some milliseconds by itself.
LEAST_PART = 200
#: Up to so many items every better grouping of a part is reported at once; beyond, verifying the
#: whole each time would cost more than the strategy, and it is done when the part ends.
REPORTED_AT_ONCE = 2_000


class Within(SolveContext):
    """The context of a smaller problem inside a larger solve.

    Attributes
    ----------
    parent : the context around it.
    reduction : from the parent's problem to this one.
    """

    def __init__(self, parent: SolveContext, reduction: Reduction, alone: bool = False) -> None:
        """Take start and reuse of the parent along, unless it is to be ``alone``."""
        start = None if alone or parent.start is None else reduction.lower(parent.start)
        reuse = None if alone else parent.reuse
        if reuse is not None and not reduction.changes_nothing:
            reuse = reuse.moved(*reduction.renumbering)
        super().__init__(reduction.problem, parent.limits, start, reuse=reuse)
        self.parent = parent
        self.reduction = reduction

    # -- limits are the parent's ------------------------------------------------------------

    def stopping(self) -> bool:
        """Whether this problem or the solve around it is done."""
        if self.parent.stopping():
            self.stop_reason = self.stop_reason or self.parent.stop_reason
            return True
        return super().stopping()

    def interrupt(self) -> None:
        """Ask the whole solve to end."""
        self.parent.interrupt()

    def charge(self, units: int) -> None:
        """Charge the whole solve."""
        self.parent.charge(units)

    @contextmanager
    def limited(self, max_work: int | None, max_seconds: float | None) -> Iterator[None]:
        """Tighter limits for a part of the solve."""
        with self.parent.limited(max_work, max_seconds):
            yield

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the solve began."""
        return self.parent.seconds

    @property
    def work(self) -> int:
        """Work units charged so far to the whole solve."""
        return self.parent.work

    @property
    def remaining_work(self) -> int | None:
        """Work units left, ``None`` without a work limit."""
        return self.parent.remaining_work

    @property
    def remaining_seconds(self) -> float | None:
        """Wall-clock seconds left; ``None`` when the clock must not decide."""
        return self.parent.remaining_seconds

    @property
    def workers(self) -> int:
        """Threads the strategy may use."""
        return min(super().workers, self.parent.workers)

    def remember(self, reuse: Reuse) -> None:
        """Keep groups and cuts for a later solve of the whole."""
        reduction = self.reduction
        self.parent.remember(reuse.moved(reduction.items.tolist(), reduction.kinds.tolist()))

    def phase(self, name: str) -> None:
        """Name the phase that begins."""
        self.parent.phase(name)

    def note(self, text: str) -> None:
        """Record something for a reader of the result."""
        self.parent.note(text)


class _Reduced(Within):
    """The context of a reduced problem: whatever happens is passed on at once."""

    def __init__(self, parent: SolveContext, reduction: Reduction) -> None:
        super().__init__(parent, reduction)
        if parent.grouping is not None:
            lowered = reduction.lower(parent.grouping)
            if verify(self.problem, lowered).feasible:
                super().offer(lowered)
                parent.offer(reduction.lift(lowered))
        if parent.bound is not None:
            super().prove_bound(parent.bound - reduction.constant)

    def offer(self, grouping: Grouping) -> bool:
        """Report a grouping; returns whether it is the new incumbent."""
        better = super().offer(grouping)
        if better:
            self.parent.offer(self.reduction.lift(grouping))
        return better

    def prove_bound(self, value: int) -> None:
        """Publish a proved bound."""
        super().prove_bound(value)
        self.parent.prove_bound(int(value) + self.reduction.constant)

    def prove_infeasible(self) -> None:
        """Publish that no grouping meets every rule."""
        super().prove_infeasible()
        self.parent.prove_infeasible()


class _Part(Within):
    """The context of one component; what changes is told to who puts them together."""

    def __init__(
        self, parent: SolveContext, reduction: Reduction, changed: Callable[[bool], None]
    ) -> None:
        super().__init__(parent, reduction)
        self._tell = changed
        given = () if parent.grouping is None else (reduction.lower(parent.grouping),)
        for grouping in (Grouping(self.problem.pinned), *given):
            if verify(self.problem, grouping).feasible:
                super().offer(grouping)

    def offer(self, grouping: Grouping) -> bool:
        """Report a grouping; returns whether it is the new incumbent."""
        better = super().offer(grouping)
        if better:
            self._tell(True)
        return better

    def prove_bound(self, value: int) -> None:
        """Publish a proved bound."""
        super().prove_bound(value)
        self._tell(False)

    def prove_infeasible(self) -> None:
        """Publish that no grouping meets every rule."""
        super().prove_infeasible()
        self.parent.prove_infeasible()

    def again(self) -> None:
        """Go on although the gap asked for is reached: it says little about the sum of parts."""
        self.limits = replace(self.limits, gap=0.0)
        self.stop_reason = None

    @property
    def settled(self) -> bool:
        """Whether nothing better is possible here."""
        return self.objective is not None and self.objective == self.bound


def run_reduced(context: SolveContext, strategy: Strategy) -> None:
    """Reduce the problem, split it, and run a strategy on what is left.

    Where nothing can be reduced or split the strategy gets the context itself.
    """
    context.phase("reduction")
    problem = context.problem
    reduction = reduce(problem, stop=context.stopping)
    size = problem.num_kinds * (problem.num_items + problem.num_pairs)
    context.charge(100 + size // 2)
    if reduction.infeasible is not None:
        context.note(f"reduction: {reduction.infeasible}")
        context.prove_infeasible()
        return
    if context.stopping():
        return
    inner = context if reduction.changes_nothing else _Reduced(context, reduction)
    if inner.problem.num_items == 0 or inner.problem.num_kinds == 0:
        _finish_empty(inner)
        return
    parts = split(inner.problem, LEAST_PART)
    if len(parts) == 1:
        strategy(inner)
    else:
        context.phase(f"{len(parts)} independent parts")
        run_parts(inner, parts, strategy)


def _finish_empty(context: SolveContext) -> None:
    """Without items or kinds there is one grouping, the empty one."""
    if verify(context.problem, Grouping()).feasible:
        context.offer(Grouping())
        context.prove_bound(0)
    else:
        context.prove_infeasible()


def run_parts(context: SolveContext, parts: Sequence[Reduction], strategy: Strategy) -> None:
    """Run a strategy on each of the independent parts of a problem, with shares of the limits.

    Shares go by size, and what a part leaves is for those after it. Then parts that are not settled
    get what is left, once. The bound is the sum of the parts' bounds.
    """
    _Parts(context, parts).run(strategy)


class _Parts:
    def __init__(self, context: SolveContext, parts: Sequence[Reduction]) -> None:
        self.context = context
        self.at_once = context.problem.num_items <= REPORTED_AT_ONCE
        self.parts: list[_Part] = []
        ready = [_Part(context, part, self.changed) for part in parts]
        self.parts = ready
        self.report()

    def run(self, strategy: Strategy) -> None:
        for again in (False, True):
            left = [part for part in self.parts if not part.settled]
            sizes = [part.problem.num_items + part.problem.num_pairs for part in left]
            for at, part in enumerate(left):
                if self.context.stopping():
                    return
                if again:
                    part.again()
                self._run_one(part, sizes[at] / sum(sizes[at:]), strategy)

    def _run_one(self, part: _Part, share: float, strategy: Strategy) -> None:
        context = self.context
        work, seconds = context.remaining_work, context.remaining_seconds
        try:
            with context.limited(
                None if work is None else int(work * share),
                None if seconds is None else seconds * share,
            ):
                if not part.stopping():
                    strategy(part)
        finally:
            self.report()

    def changed(self, grouping: bool) -> None:
        """A part has a better grouping, or else a better bound."""
        if self.at_once or not grouping:
            self.report(grouping)

    def report(self, grouping: bool = True) -> None:
        """Publish what the parts have found together."""
        context, parts = self.context, self.parts
        if context.infeasible or not parts:
            return
        if grouping and all(part.grouping is not None for part in parts):
            value = sum(part.objective or 0 for part in parts)
            if context.objective is None or value > context.objective:
                lifted = (part.reduction.lift(part.grouping or Grouping()) for part in parts)
                context.offer(Grouping(group for whole in lifted for group in whole))
        bounds = [part.bound for part in parts if part.bound is not None]
        if len(bounds) == len(parts):
            context.prove_bound(sum(bounds))
