"""The one way CP-SAT is run: limits, news, stopping, and bounds that doubles could spoil."""

from __future__ import annotations

import signal
import threading
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from ortools.sat.python import cp_model

from solver import Group, Grouping, GroupingProblem, Limits, SolverError
from solver.context import SolveContext
from solver.cpsat import MAX_EXACT_REACH, CpSatOutcome, run
from solver.errors import SolverDisagreement
from solver.events import Event, EventKind, Observer
from solver.limits import WORK_PER_DETERMINISTIC_SECOND

#: Three items, alone worth 1, 2 and 4: a subset's value is its binary number.
PROBLEM = GroupingProblem(num_items=3, kinds=("a",), item_values=[[1, 2, 4]])


def context_of(
    problem: GroupingProblem = PROBLEM,
    limits: Limits | None = None,
    observer: Observer | None = None,
) -> SolveContext:
    return SolveContext(problem, limits or Limits(work=10_000_000), observer=observer)


def choice_of_items(at_most: int) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """At most so many of the three items, each a group of its own."""
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in range(3)]
    model.add(sum(chosen) <= at_most)
    model.maximize(chosen[0] + 2 * chosen[1] + 4 * chosen[2])
    return model, chosen


def singles(values: tuple[int, ...]) -> Grouping:
    return Grouping([Group(0, [i]) for i, value in enumerate(values) if value])


def slow_model() -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """Best partition of a complete graph of 40: answers at once, no proof for hours."""
    rng = np.random.default_rng(0)
    model = cp_model.CpModel()
    pairs = list(combinations(range(40), 2))
    same = {pair: model.new_bool_var("") for pair in pairs}
    for a, b, c in combinations(range(40), 3):
        x, y, z = same[a, b], same[b, c], same[a, c]
        model.add_bool_or(~x, ~y, z)
        model.add_bool_or(~x, y, ~z)
        model.add_bool_or(x, ~y, ~z)
    worth = rng.integers(-50, 50, len(pairs)).tolist()
    model.maximize(cp_model.LinearExpr.weighted_sum(list(same.values()), worth))
    return model, list(same.values())


def assert_no_thread_left() -> None:
    assert "cp-sat" not in {thread.name for thread in threading.enumerate()}


# -- what it returns -------------------------------------------------------------------------------


def test_an_optimum_is_offered_and_its_bound_published() -> None:
    context = context_of()
    model, chosen = choice_of_items(2)
    outcome = run(model, context, chosen, singles, bound_of=lambda bound: bound)
    assert outcome == CpSatOutcome("OPTIMAL", 6, (0, 1, 1))
    assert (context.objective, context.bound) == (6, 6)
    assert context.work > 0


def test_a_restriction_publishes_no_bound() -> None:
    context = context_of()
    model, chosen = choice_of_items(1)
    outcome = run(model, context, chosen, singles)
    assert outcome.status == "OPTIMAL"
    assert outcome.bound == 4
    assert (context.objective, context.bound) == (4, None)


def test_infeasible_says_nothing_else() -> None:
    context = context_of()
    model, chosen = choice_of_items(-1)
    outcome = run(model, context, chosen, singles, bound_of=lambda bound: bound)
    assert outcome == CpSatOutcome("INFEASIBLE", None, None)
    # A restriction may be infeasible where the problem is not: the caller has to say it.
    assert not context.infeasible


def test_a_model_without_variables_has_a_solution() -> None:
    context = context_of()
    outcome = run(cp_model.CpModel(), context, [], singles)
    assert outcome == CpSatOutcome("OPTIMAL", None, ())
    assert context.grouping == Grouping()


def test_an_invalid_model_is_our_defect() -> None:
    model, _ = choice_of_items(2)
    model.proto.objective.vars.append(99)
    model.proto.objective.coeffs.append(1)
    with pytest.raises(SolverError, match="invalid"):
        run(model, context_of(), reach=7)


def test_a_solution_that_verify_refuses_is_a_disagreement() -> None:
    model, chosen = choice_of_items(2)
    with pytest.raises(SolverDisagreement):
        run(model, context_of(), chosen, lambda values: Grouping([Group(0, [])]))
    assert_no_thread_left()


def test_a_bound_below_a_known_grouping_is_a_disagreement() -> None:
    context = context_of()
    context.offer(singles((1, 1, 1)))
    model, chosen = choice_of_items(2)
    with pytest.raises(SolverDisagreement):
        run(model, context, chosen, singles, bound_of=lambda bound: bound)
    assert_no_thread_left()


def test_parameters_reach_cp_sat() -> None:
    context = context_of(limits=Limits(seconds=20))
    model, chosen = choice_of_items(2)
    parameters: dict[str, Any] = {"num_workers": 2, "subsolvers": ["max_lp", "no_lp"]}
    assert run(model, context, chosen, singles, parameters=parameters).status == "OPTIMAL"
    with pytest.raises(AttributeError):
        run(model, context, parameters={"no_such_parameter": 1})


# -- doubles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1, 10**6, (MAX_EXACT_REACH - 3) // 3])
def test_bounds_are_whole_numbers_up_to_the_exact_reach(weight: int) -> None:
    """Shifted and scaled objectives come back to the very unit."""
    model = cp_model.CpModel()
    x = model.new_int_var(-1, 1, "")
    y = model.new_bool_var("")
    model.add(x + y <= 1)
    model.maximize(3 * weight * x + 3 * y + 0)
    outcome = run(model, context_of(), bound_of=None)
    assert outcome.status == "OPTIMAL"
    assert outcome.bound == 3 * weight


def test_beyond_the_exact_reach_there_is_no_bound() -> None:
    model = cp_model.CpModel()
    x = model.new_int_var(-1, 0, "")
    model.maximize(MAX_EXACT_REACH * x)
    published: list[int] = []

    def bound_of(bound: int) -> int:
        published.append(bound)
        return bound

    outcome = run(model, context_of(), bound_of=bound_of)
    assert (outcome.status, outcome.bound) == ("OPTIMAL", None)
    assert not published
    # The caller may know better than the domains of the variables.
    assert run(model, context_of(), reach=1).bound == 0


# -- limits and stopping ---------------------------------------------------------------------------


def test_work_ends_a_run_and_is_charged() -> None:
    context = context_of(limits=Limits(work=400_000))
    model, _ = slow_model()
    outcome = run(model, context)
    assert outcome.status in ("FEASIBLE", "UNKNOWN")
    # CP-SAT looks at its clock now and then only.
    assert 400_000 <= context.work < 4 * WORK_PER_DETERMINISTIC_SECOND
    assert context.stopping()


def test_a_runs_own_limits_are_tighter() -> None:
    context = context_of(limits=Limits(work=10**9))
    model, _ = slow_model()
    run(model, context, max_work=200_000)
    assert context.work < 4 * WORK_PER_DETERMINISTIC_SECOND
    assert not context.stopping()
    timed = context_of(limits=Limits(seconds=60, workers=1))
    run(model, timed, max_seconds=0.5)
    assert timed.seconds < 20


def test_the_clock_does_not_count_beside_work() -> None:
    """With a work limit nothing but work stops a run."""
    context = context_of(limits=Limits(work=10_000_000))
    model, chosen = choice_of_items(2)
    assert run(model, context, chosen, singles, max_seconds=1e-9).status == "OPTIMAL"


def test_stopped_before_it_starts_it_ends_soon() -> None:
    context = context_of(limits=Limits(seconds=60))
    context.interrupt()
    model, _ = slow_model()
    outcome = run(model, context)
    assert outcome.status in ("FEASIBLE", "UNKNOWN")
    assert context.seconds < 20


@pytest.mark.parametrize("limits", [Limits(seconds=60), Limits(work=10**9)])
def test_an_interrupt_from_another_thread_ends_it(limits: Limits) -> None:
    context = context_of(limits=limits)
    model, watched = slow_model()
    timer = threading.Timer(0.3, context.interrupt)
    timer.start()
    outcome = run(model, context, watched)
    timer.join()
    assert outcome.status in ("FEASIBLE", "UNKNOWN")
    assert context.seconds < 20
    assert_no_thread_left()


def test_an_insisting_ctrl_c_leaves_no_thread() -> None:
    """A KeyboardInterrupt raised while waiting for news stops CP-SAT before it goes on."""
    model, _ = slow_model()
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT])
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run(model, context_of(limits=Limits(seconds=60)))
    finally:
        timer.join()
        signal.signal(signal.SIGINT, previous)
    assert_no_thread_left()


def test_an_observers_error_is_raised_on_the_solving_thread() -> None:
    def observer(event: Event) -> None:
        assert threading.current_thread() is threading.main_thread()
        if event.kind is EventKind.INCUMBENT:
            raise ValueError("seen")

    model, chosen = choice_of_items(2)
    with pytest.raises(ValueError, match="seen"):
        run(model, context_of(observer=observer), chosen, singles)
    assert_no_thread_left()


def test_news_after_a_deterministic_stop_is_not_heard() -> None:
    """How far CP-SAT runs on after a stop is chance, so it must not matter under ``work``."""
    heard: list[int | None] = []

    def observer(event: Event) -> bool:
        heard.append(event.objective)
        return False

    context = context_of(observer=observer)
    model, chosen = choice_of_items(3)
    model.add_hint(chosen[0], 1)
    model.add_hint(chosen[1], 0)
    model.add_hint(chosen[2], 0)
    outcome = run(model, context, chosen, singles, bound_of=lambda bound: bound)
    assert len(heard) == 1
    assert outcome.status in ("FEASIBLE", "UNKNOWN")
    assert context.stop_reason == "observer"


def test_optima_of_large_values_are_right() -> None:
    """With its default presolve CP-SAT 9.15 calls 3,250,000,005 optimal here (or-tools#5293)."""
    values = [250000003, 250000005, 1500000002, 1750000003, -3500000000, 5000000000]
    model = cp_model.CpModel()
    a, b, c, d, e, f = chosen = [model.new_bool_var(name) for name in "abcdef"]
    for conflict in ((a, b, f), (b, c), (c, f), (d, f)):
        model.add_at_most_one(conflict)
    model.add(2 * a + 2 * b + 2 * c + 2 * d - e - f <= 5)
    total = sum(value * variable for value, variable in zip(values, chosen, strict=True))
    model.add(total >= 1)
    model.maximize(total)
    outcome = run(model, context_of(), watched=chosen)
    assert outcome.status == "OPTIMAL"
    assert outcome.values == (0, 0, 0, 0, 0, 1)
    assert outcome.bound == 5_000_000_000
