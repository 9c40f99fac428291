"""A companion's groupings arrive on the solving thread, and its troubles too."""

from __future__ import annotations

import threading

import pytest

from solver import Event, Group, Grouping, GroupingProblem, Limits, SolverDisagreement, solve
from solver.api import _STRATEGIES
from solver.companion import Companion
from solver.context import SolveContext

PROBLEM = GroupingProblem(num_items=4, kinds=("a",), item_values=[[1, 2, 3, 4]], max_size=[1])
ONE, TWO = Grouping([Group(0, (3,))]), Grouping([Group(0, (2,)), Group(0, (3,))])


def context_of() -> SolveContext:
    return SolveContext(PROBLEM, Limits(seconds=60, workers=2))


def wait_for_the_end(context: SolveContext) -> None:
    while not context.stopping():
        pass


def test_both_learn_from_each_other() -> None:
    """Each goes on from what the other found; the companion has a worker of its own."""
    seen = []

    def strategy(inner: SolveContext) -> None:
        seen.append(inner.objective)
        inner.offer(ONE)
        while inner.objective == 4 and not inner.stopping():
            pass
        seen.append(inner.objective)
        inner.offer(Grouping([Group(0, (i,)) for i in range(4)]))

    context = context_of()
    context.offer(Grouping([Group(0, (0,))]))
    assert context.workers == 2
    with Companion(context, strategy, "other"):
        assert context.workers == 1
        while context.objective != 4:
            context.stopping()
        context.offer(TWO)
        while context.objective != 10:
            context.stopping()
    assert context.workers == 2
    assert seen == [1, 7]
    assert context.notes == []


def test_events_come_on_the_solving_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()

    def observer(event: Event) -> bool:
        threads.add(threading.get_ident())
        return event.objective != 7

    def offers(inner: SolveContext) -> None:
        inner.offer(TWO)

    def accompanied(context: SolveContext) -> None:
        with Companion(context, offers, "other"):
            wait_for_the_end(context)

    monkeypatch.setitem(_STRATEGIES, "accompanied", accompanied)
    result = solve(PROBLEM, Limits(seconds=60), strategy="accompanied", observer=observer)
    assert result.objective == 7
    assert result.stopped_by == "observer"
    assert threads == {threading.get_ident()}


def test_a_companion_that_waits_begins_when_a_worker_is_spared() -> None:
    """Before that, and after its end, all workers are the strategy's."""
    seen = []
    may_end = threading.Event()

    def strategy(inner: SolveContext) -> None:
        seen.append(inner.objective)
        inner.offer(TWO)
        may_end.wait()

    context = context_of()
    with Companion(context, strategy, "other", waits=True):
        assert context.workers == 2
        context.offer(ONE)
        assert not seen
        context.spare_a_worker()
        assert context.workers == 1
        while context.objective != 7:
            context.stopping()
        may_end.set()
        while context.workers != 2:
            context.stopping()
        context.spare_a_worker()
    assert seen == [4]


def test_a_companion_keeps_its_own_limits() -> None:
    """Whoever spares the worker may have less time left than the whole has."""
    left = []

    def strategy(inner: SolveContext) -> None:
        left.append(inner.remaining_seconds)

    context = context_of()
    with Companion(context, strategy, "other", waits=True), context.limited(None, 1.0):
        context.spare_a_worker()
    assert left[0] > 50


def test_a_companion_may_wait_in_vain() -> None:
    context = context_of()
    with Companion(context, wait_for_the_end, "other", waits=True):
        pass
    context.spare_a_worker()
    assert context.workers == 2
    assert all(not t.name.startswith("companion") for t in threading.enumerate())


def test_the_companion_ends_with_the_solve() -> None:
    """It is asked to end, and waited for."""
    context = context_of()
    with Companion(context, wait_for_the_end, "other"):
        pass
    assert all(not t.name.startswith("companion") for t in threading.enumerate())


def test_an_error_costs_the_companion_only() -> None:
    def fails(inner: SolveContext) -> None:
        inner.offer(ONE)
        raise ValueError("out of luck")

    context = context_of()
    with Companion(context, fails, "other"):
        pass
    assert context.grouping == ONE
    assert context.notes == ["other: ended by an error on its thread: ValueError('out of luck')"]


def test_a_wrong_answer_is_no_mishap() -> None:
    """An infeasible grouping is a defect wherever it is offered."""
    context = context_of()
    with (
        pytest.raises(SolverDisagreement),
        Companion(
            context, lambda inner: bool(inner.offer(Grouping([Group(0, (0, 1))]))) and None, ""
        ),
    ):
        pass


def test_an_error_on_the_solving_thread_goes_on_its_way() -> None:
    context = context_of()
    with pytest.raises(KeyError), Companion(context, wait_for_the_end, "other"):
        raise KeyError
