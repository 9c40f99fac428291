"""Deciding problems without values: every step and all together, against brute force."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from solver_spec.oracle import best_grouping
from solver_spec.problems import random_problem, to_toml

from solver import GroupingProblem, Limits, Status, explain_infeasible
from solver.api import solve_by
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.explain import named_rules, relaxed
from solver.feasibility import _count, decide

WORK = Limits(work=5_000_000)


def count(context: SolveContext) -> None:
    context.prove_bound(0)
    _count(context)


#: Each with whether it decides every small problem.
DECIDERS: dict[str, tuple[Strategy, bool]] = {
    "all steps": (decide, True),
    "exact": (exact, True),
    "counting": (count, False),
}


def valueless(seed: int, index: int, max_items: int) -> GroupingProblem:
    problem = random_problem(np.random.default_rng([seed, index]), max_items)
    return relaxed(problem, named_rules(problem))


def check(name: str, seed: int, indices: range, max_items: int = 6) -> Counter[Status]:
    decider, complete = DECIDERS[name]
    seen: Counter[Status] = Counter()
    for index in indices:
        problem = valueless(seed, index, max_items)
        assert problem.is_valueless
        result = solve_by(decider, name, problem, WORK)
        feasible = best_grouping(problem) is not None
        told = f"valueless({seed}, {index}, {max_items})\n{to_toml(problem)}"
        if result.grouping is not None:
            assert feasible, told
        elif result.status is Status.INFEASIBLE:
            assert not feasible, told
        else:
            assert not complete, told
        seen[result.status] += 1
    return seen


@pytest.mark.parametrize("name", DECIDERS)
def test_small_problems(name: str) -> None:
    seen = check(name, 11, range(300))
    assert seen[Status.INFEASIBLE] > 30
    assert seen[Status.OPTIMAL] > 150


@pytest.mark.slow
@pytest.mark.parametrize("name", DECIDERS)
def test_many_small_problems(name: str) -> None:
    check(name, 12, range(5000), max_items=8)


def test_counting_alone_settles_most() -> None:
    """It is there to save the exact model: it must decide far more than it leaves open."""
    seen = check("counting", 11, range(300))
    assert seen[Status.UNKNOWN] < 40


def test_values_are_refused() -> None:
    problem = GroupingProblem(num_items=1, kinds=("a",), item_values=[[1]], must_join=[True])
    with pytest.raises(ValueError, match="without values"):
        solve_by(decide, "decide", problem)


def test_totals_near_the_greatest_allowed() -> None:
    """A row that CP-SAT cannot hold is left out, and nothing wrong is claimed."""
    huge = 2**59
    problem = GroupingProblem(
        num_items=3,
        kinds=("a",),
        resources=[[huge, huge, huge]],
        resource_min=[[2 * huge]],
        resource_max=[[2 * huge]],
        must_join=[True] * 3,
    )
    result = solve_by(decide, "decide", problem, WORK)
    assert result.grouping is None
    assert result.status in (Status.INFEASIBLE, Status.UNKNOWN)
    conflict = explain_infeasible(problem, WORK)
    assert conflict is not None
