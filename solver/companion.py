"""A strategy at work on a thread of its own, while another one has the solving thread.

The two exchange groupings and nothing else: what either finds, the other goes on from. A grouping
is a fact about the problem, whoever found it and whenever it arrives, so no proof under way is
disturbed. Everything is still reported on the solving thread: what the companion finds is offered
when ``SolveContext.stopping`` is asked there.

Which of two threads is first is decided by the clock. With a work limit there is one worker and
no companion.
"""

from __future__ import annotations

import queue
import threading
from types import TracebackType

from solver.context import SolveContext, Strategy
from solver.errors import SolverDisagreement
from solver.events import Event, Observer
from solver.grouping import Grouping
from solver.limits import Limits
from solver.problem import GroupingProblem

#: A companion always has an end, so that it looks at the clock where it has to wait.
_NO_END = 1e8


class Companion:
    """A strategy on a thread of its own, from ``with`` to its end.

    Parameters
    ----------
    context : the solve that is accompanied; its strategy keeps at least one worker.
    strategy : what the companion runs, with one worker; it need not prove anything.
    name : for notes.
    waits : whether it begins only once the accompanied strategy spares a worker.
    seed : what its seed is above that of the solve: two with the same seed look at the same things.
    """

    def __init__(
        self,
        context: SolveContext,
        strategy: Strategy,
        name: str,
        waits: bool = False,
        seed: int = 1,
    ) -> None:
        self._context = context
        self._strategy = strategy
        self._name = name
        self._waits = waits
        self._seed = (context.limits.seed + seed) % 2**31
        self._found: queue.SimpleQueue[tuple[int, Grouping]] = queue.SimpleQueue()
        self._trouble: Exception | None = None
        self._end: float | None = None
        self._inner: _Inner | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Companion:
        left = self._context.remaining_seconds
        self._end = None if left is None else self._context.seconds + left
        if self._waits:
            self._context.when_spared(self._begin)
        else:
            self._begin()
        return self

    def _begin(self) -> None:
        context = self._context
        # Whoever spares a worker may have tighter limits than the companion.
        seconds = _NO_END if self._end is None else max(self._end - context.seconds, 1e-3)
        limits = Limits(seconds=seconds, workers=1, seed=self._seed)
        inner = _Inner(context.problem, limits, observer=self._hear)
        if context.grouping is not None:
            inner.offer(context.grouping)
        thread = threading.Thread(target=self._run, args=(inner,), name=f"companion-{self._name}")
        thread.start()
        self._inner, self._thread = inner, thread
        context.accompany(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._waits:
            self._context.when_spared(None)
        if self._inner is None or self._thread is None:
            return
        try:
            self._inner.interrupt()
            self._thread.join()
        except BaseException:  # an insisting Ctrl-C: no thread stays behind
            self._inner.interrupt()
            self._thread.join()
            raise
        finally:
            self._context.part_from(self)
        if error is None:
            self.exchange()
            self._report_trouble()

    @property
    def working(self) -> bool:
        """Whether it is still at work."""
        return self._thread is not None and self._thread.is_alive()

    def exchange(self) -> None:
        """On the solving thread: offer what was found, and pass on what is better here."""
        context = self._context
        while not self._found.empty():
            objective, grouping = self._found.get()
            if context.objective is None or objective > context.objective:
                context.offer(grouping)
        if context.grouping is None or context.objective is None:
            return
        if self._inner is not None:
            self._inner.lesson = (context.objective, context.grouping)

    def _hear(self, event: Event) -> bool:
        if event.grouping is not None and event.objective is not None:
            self._found.put((event.objective, event.grouping))
        return True

    def _run(self, inner: _Inner) -> None:
        try:
            self._strategy(inner)
        except Exception as error:  # reported on the solving thread
            self._trouble = error

    def _report_trouble(self) -> None:
        """A wrong answer is a defect; anything else costs the companion's work, not the run.

        Raises
        ------
        SolverDisagreement
            If the companion met one.
        """
        if isinstance(self._trouble, SolverDisagreement):
            raise self._trouble
        if self._trouble is not None:
            self._context.note(f"{self._name}: ended by an error on its thread: {self._trouble!r}")


class _Inner(SolveContext):
    """What the companion's strategy sees; it learns of better groupings when it asks to go on."""

    def __init__(
        self, problem: GroupingProblem, limits: Limits, observer: Observer | None = None
    ) -> None:
        super().__init__(problem, limits, observer=observer)
        #: Value and grouping; written on the solving thread, only read here.
        self.lesson: tuple[int, Grouping] | None = None

    def stopping(self) -> bool:
        """Whether to end; takes in what it was told."""
        lesson = self.lesson
        if lesson is not None and (self.objective is None or lesson[0] > self.objective):
            self.offer(lesson[1])
        return super().stopping()
