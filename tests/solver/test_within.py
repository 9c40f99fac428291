"""Strategies on reduced problems and on components, inside a solve of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from solver_spec.checking import complaints
from solver_spec.judging import numbered_problem, numbered_problem_code

from solver import Event, EventKind, Group, Grouping, GroupingProblem, Limits, Status, api, solve
from solver import within as within_module
from solver.baselines import greedy
from solver.column_generation import generate_columns
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.search import search
from solver.within import run_reduced

SEED = 20_260_302


@pytest.fixture
def solve_within(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``solve`` by a strategy on the reduced problem and its components, however small."""
    monkeypatch.setattr(within_module, "LEAST_PART", 1)

    def run(problem: GroupingProblem, strategy: Strategy, limits: Limits, **options: Any) -> Any:
        def whole(context: SolveContext) -> None:
            run_reduced(context, strategy)

        monkeypatch.setitem(api._STRATEGIES, "within", whole)
        return solve(problem, limits, strategy="within", **options)

    return run


@pytest.mark.parametrize(
    ("strategy", "complete"),
    [(exact, True), (generate_columns, True), (search, False), (greedy, False)],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("at_once", [True, False])
def test_every_strategy_keeps_its_promises(
    strategy: Strategy,
    complete: bool,
    at_once: bool,
    solve_within: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not at_once:
        monkeypatch.setattr(within_module, "REPORTED_AT_ONCE", 0)
    for index in range(80):
        problem, best = numbered_problem(SEED, index, 7)
        limits = Limits(work=2_000_000 if complete else 20_000)
        result = solve_within(problem, strategy, limits)
        found = complaints(problem, result, best, complete=complete)
        assert not found, (found, numbered_problem_code(SEED, index, 7), result)


def islands(number: int, size: int, seed: int = 0, **changes: Any) -> GroupingProblem:
    """Complete graphs without a link between them."""
    rng = np.random.default_rng(seed)
    pairs = [
        (size * island + i, size * island + j)
        for island in range(number)
        for i in range(size)
        for j in range(i + 1, size)
    ]
    arguments: dict[str, Any] = {
        "num_items": number * size,
        "kinds": ("a",),
        "pairs": pairs,
        "pair_values": rng.integers(-20, 30, len(pairs)),
        "open_values": [-10],
        "absent_pairs": "forbidden",
    }
    return GroupingProblem(**{**arguments, **changes})


def test_bounds_and_incumbents_add_up_as_parts_end(solve_within: Any) -> None:
    problem = islands(4, 8)
    events: list[Event] = []
    result = solve_within(problem, exact, Limits(work=40_000_000), observer=events.append)
    alone = solve(problem, Limits(work=40_000_000), strategy="exact")
    assert result.status is alone.status is Status.OPTIMAL
    assert result.objective == alone.objective
    assert "4 independent parts" in {event.phase for event in events}
    assert result.notes == ()  # what is reduced is no news to a reader of the answer
    assert len([e for e in events if e.kind is EventKind.INCUMBENT]) > 2


def test_same_work_same_answer(solve_within: Any) -> None:
    problem = islands(3, 12)
    results = [solve_within(problem, search, Limits(work=200_000)) for _ in range(2)]
    assert results[0].grouping == results[1].grouping
    assert results[0].work == results[1].work


def test_start_reaches_the_parts(solve_within: Any) -> None:
    """A start is lowered for the strategy; the answer is never worse."""
    problem = islands(3, 8)
    best = solve(problem, Limits(work=40_000_000), strategy="exact")
    seen: list[int | None] = []

    def look(context: SolveContext) -> None:
        seen.append(context.objective)

    result = solve_within(problem, look, Limits(work=1_000_000), start=best.grouping)
    assert result.objective == best.objective
    assert sum(value or 0 for value in seen[:3]) == best.objective


def test_a_gap_asked_for_holds_for_the_sum(solve_within: Any) -> None:
    """Parts that stop at the gap are looked at again if the sum is not within it."""
    problem = islands(3, 10)
    result = solve_within(problem, exact, Limits(work=60_000_000, gap=0.2))
    assert result.gap is not None
    assert result.gap <= 0.2


def test_infeasible_parts_and_reductions(solve_within: Any) -> None:
    must = [True] + [False] * 15
    problem = islands(2, 8, must_join=must, min_size=[9])
    result = solve_within(problem, exact, Limits(work=1_000_000))
    assert result.status is Status.INFEASIBLE
    assert any("must join" in note for note in result.notes)


def test_everything_may_be_settled_by_reducing(solve_within: Any) -> None:
    pin = Group(0, (0, 1))
    problem = islands(1, 2, pinned=(pin,))
    result = solve_within(problem, exact, Limits(work=1_000_000))
    assert result.status is Status.OPTIMAL
    assert result.grouping == Grouping([pin])
    assert result.work < 1_000


def test_an_observer_stops_all_parts(solve_within: Any) -> None:
    problem = islands(3, 30)
    events: list[Event] = []

    def observe(event: Event) -> bool:
        events.append(event)
        return len(events) < 6

    result = solve_within(problem, search, Limits(seconds=20), observer=observe)
    assert result.stopped_by == "observer"
    assert len(events) == 6
