"""Second goals against the oracle: the best of all groupings worth enough, goal after goal."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np
import pytest
from solver_spec.judging import grouping_of, numbered_problem
from solver_spec.medium import medium_problem
from solver_spec.oracle import PlainGroup, feasible_groupings

from solver import (
    Event,
    Goal,
    GroupingProblem,
    Limits,
    Refined,
    refine,
    second_goals,
    solve,
    verify,
)

MOST_GROUPINGS = 20_000


def random_goals(rng: np.random.Generator, problem: GroupingProblem) -> list[Goal]:
    """One or two goals: small numbers, so that goals tie and the next one decides."""
    goals = []
    for name in ("first", "second")[: int(rng.integers(1, 3))]:
        items = rng.integers(-1, 3, (problem.num_kinds, problem.num_items))
        pairs = None
        if rng.random() < 0.5:
            pairs = rng.integers(-1, 3, (problem.num_kinds, len(problem.pairs)))
        goals.append(Goal(name, items, pairs))
    return goals


def goal_of(problem: GroupingProblem, goal: Goal, groups: Sequence[PlainGroup]) -> int:
    """A goal by its definition, pair by pair."""
    total = 0
    for kind, members in groups:
        total += sum(int(goal.item_values[kind][i]) for i in members)
        if goal.pair_values is not None:
            for p, (i, j) in enumerate(problem.pairs.tolist()):
                if i in members and j in members:
                    total += int(goal.pair_values[kind][p])
    return total


@pytest.mark.parametrize(
    "block",
    [0, 1, 2, *(pytest.param(block, marks=pytest.mark.slow) for block in range(3, 40))],
)
def test_refine_finds_what_brute_force_finds(block: int) -> None:
    """The goals in their order, then value, over all groupings worth enough; each one proved."""
    met = 0
    for index in range(block * 30, block * 30 + 30):
        problem, _ = numbered_problem(77, index)
        rng = np.random.default_rng((77, index))
        goals = random_goals(rng, problem)
        all_of_them = feasible_groupings(problem, MOST_GROUPINGS)
        if not all_of_them or len(all_of_them) == MOST_GROUPINGS:
            continue
        top = max(all_of_them, key=lambda g: g.objective)
        least = top.objective - int(rng.integers(0, 2 + abs(top.objective)))
        found = refine(
            problem, grouping_of(top.groups), least, goals, Limits(work=20_000_000, workers=1)
        )
        right = max(
            (*(goal_of(problem, goal, g.groups) for goal in goals), g.objective)
            for g in all_of_them
            if g.objective >= least
        )
        told = (*(row.value for row in found.goals), found.objective)
        assert told == right, (index, told, right)
        assert [row.bound for row in found.goals] == list(right[:-1]), index
        assert [row.before for row in found.goals] == [
            goal_of(problem, goal, top.groups) for goal in goals
        ]
        assert verify(problem, found.grouping).objective == found.objective
        met += 1
    assert met >= 10


def test_nothing_given_up_still_serves_a_goal_among_the_best() -> None:
    """Two groupings are worth the most; the goal decides which one is taken."""
    problem = GroupingProblem(
        num_items=4,
        kinds=("g",),
        pairs=[[0, 1], [2, 3]],  # type: ignore[arg-type]
        pair_values=[5, 5],  # type: ignore[arg-type]
        min_size=[2],  # type: ignore[arg-type]
        max_size=[2],  # type: ignore[arg-type]
        max_groups=[1],  # type: ignore[arg-type]
    )
    goal = Goal("item 3 served", np.array([[0, 0, 0, 1]]))
    best = solve(problem, Limits(work=1_000_000)).grouping
    assert best is not None
    found = refine(problem, best, 5, [goal], Limits(work=5_000_000))
    assert [group.members for group in found.grouping] == [(2, 3)]
    assert (found.goals[0].value, found.goals[0].bound, found.objective) == (1, 1, 5)


def test_what_may_be_given_up_is_counted_in_whole_numbers() -> None:
    """All of it is all of it, also where a double has no such number: else a group is missed."""
    for objective, least in ((2**53 + 1, 0), (2**60, -(2**60) - 1), (7, 7), (-3, -10)):
        assert second_goals.listing_floor(objective, least, 100) == least
        assert second_goals.listing_floor(objective, least, 0) == objective
        floors = [
            second_goals.listing_floor(objective, least, part)
            for part in second_goals.PARTS_PERCENT
        ]
        assert floors == sorted(floors)


@pytest.mark.parametrize("most", [0, 4])
def test_with_too_many_groups_nothing_is_claimed(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all groups are listed, the answer is allowed and no bound is told."""
    monkeypatch.setattr(second_goals, "MAX_LISTED", most)
    claims = 0
    for index in range(40):
        problem, optimum = numbered_problem(78, index)
        if optimum is None:
            continue
        goals = random_goals(np.random.default_rng(index), problem)
        least = optimum.objective - 1_000
        found = refine(problem, grouping_of(optimum.groups), least, goals, Limits(work=20_000_000))
        assert found.objective >= least
        if any("not known" in note or "none was looked for" in note for note in found.notes):
            assert {row.bound for row in found.goals} == {None}
            claims += 1
    assert claims >= 10


def test_an_observer_ends_the_search() -> None:
    """Whoever listens may end it: the grouping to begin from, or a better one, is the answer."""
    problem, optimum = numbered_problem(77, 3)
    assert optimum is not None
    goals = [Goal("members", np.ones((problem.num_kinds, problem.num_items), np.int64))]
    found = refine(
        problem, grouping_of(optimum.groups), optimum.objective, goals, observer=lambda event: False
    )
    assert found.stopped_by == "observer"
    assert found.objective == optimum.objective


def test_a_start_that_is_worth_too_little_is_refused() -> None:
    """A grouping below the least value is no place to begin."""
    problem, _ = numbered_problem(77, 1)
    with pytest.raises(ValueError, match="worth"):
        refine(problem, grouping_of([]), 10**9, [])


@pytest.mark.slow
@pytest.mark.parametrize("index", range(12))
def test_medium_problems_agree_with_one_solve_of_the_goal_alone(index: int) -> None:
    """Where all value may be given up, the first goal is the best value of a problem of its own."""
    problem = medium_problem(5, index)
    rng = np.random.default_rng(index)
    items = rng.integers(0, 4, (problem.num_kinds, problem.num_items))
    work = Limits(work=60_000_000, workers=1)
    best = solve(problem, work)
    if best.grouping is None or best.objective is None:
        pytest.skip("no grouping within the work")
    goal = Goal("members", items)
    alone = solve(
        problem.replace(
            open_values=None,
            item_values=items,
            pair_values=np.zeros_like(problem.pair_values),
            curves=None,
        ),
        work,
    )
    found: Refined = refine(problem, best.grouping, best.objective - 10**12, [goal], work)
    (row,) = found.goals
    if row.bound == row.value and alone.bound == alone.objective:
        assert row.value == alone.objective
    elif alone.bound is not None:
        assert row.value <= alone.bound
    if row.bound is not None and alone.objective is not None:
        assert alone.objective <= row.bound


@pytest.mark.parametrize(
    "values",
    [np.zeros((1, 1), np.int64), np.zeros((3, 99)), np.zeros((2, 2, 2), np.int64)],
)
def test_goals_of_another_shape_or_sort_are_refused(values: np.ndarray) -> None:  # type: ignore[type-arg]
    """A goal is whole numbers, one row a kind."""
    problem, optimum = numbered_problem(77, 3)
    assert optimum is not None
    best = grouping_of(optimum.groups)
    with pytest.raises(ValueError, match="whole numbers"):
        refine(problem, best, optimum.objective, [Goal("odd", values)])
    items = np.ones((problem.num_kinds, problem.num_items), np.int64)
    with pytest.raises(ValueError, match="pair_values"):
        refine(problem, best, optimum.objective, [Goal("odd", items, values)])


def test_value_keeps_a_part_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little a goal is finished with, what it costs is looked at last."""
    shares = []
    real = second_goals.cpsat.run

    def spy(*args: object, **kwargs: object) -> object:
        shares.append(kwargs.get("max_work"))
        return real(*args, **kwargs)  # type: ignore[arg-type]

    problem, optimum = numbered_problem(77, 3)
    assert optimum is not None
    goals = random_goals(np.random.default_rng(2), problem)[:1]
    monkeypatch.setattr(second_goals.cpsat, "run", spy)
    work = Limits(work=50_000_000, workers=1)
    refine(problem, grouping_of(optimum.groups), optimum.objective - 9, goals, work)
    goal, last = shares[-2:]
    assert isinstance(goal, int)
    assert goal <= 0.75 * 50_000_000
    assert last is None  # all that is left


def test_ctrl_c_ends_the_search_with_what_it_has() -> None:
    """As in a solve: the signal is taken up by the run, which ends at its next look at limits."""
    problem, optimum = numbered_problem(77, 3)
    assert optimum is not None
    goals = [Goal("members", np.ones((problem.num_kinds, problem.num_items), np.int64))]

    def press(event: Event) -> None:
        if event.phase == "second goals: listing":
            os.kill(os.getpid(), signal.SIGINT)

    found = refine(problem, grouping_of(optimum.groups), optimum.objective, goals, observer=press)
    assert found.stopped_by == "interrupt"
    assert found.objective == optimum.objective
