"""Reusing an earlier result: nothing carried over is trusted, and what fits is taken up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from solver_spec.checking import complaints
from solver_spec.judging import numbered_problem, numbered_problem_code
from solver_spec.oracle import best_grouping
from solver_spec.problems import random_problem

from solver import Group, Grouping, GroupingProblem, Limits, Result, Status, api, solve, verify
from solver.column_generation import generate_columns
from solver.column_generation.atoms import contract
from solver.column_generation.recall import columns_of, recalled
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.reduction.subproblem import subproblem
from solver.reuse import Reuse, fits
from solver.within import run_reduced

SEED = 20_260_303
WORK = Limits(work=3_000_000)


def cliques(num_items: int, seed: int = 0) -> GroupingProblem:
    """A ring in which near items know each other; groups of three to five."""
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(num_items) for j in range(i + 1, min(i + 9, num_items))]
    return GroupingProblem(
        num_items=num_items,
        kinds=("a", "b"),
        item_values=rng.integers(-30, 10, (2, num_items)),
        pairs=pairs,
        pair_values=rng.integers(-10, 40, len(pairs)),
        open_values=[-40, -30],
        min_size=[3, 2],
        max_size=[5, 4],
        max_groups=[num_items // 8, num_items // 10],
        absent_pairs="forbidden",
    )


def without(problem: GroupingProblem, item: int) -> tuple[GroupingProblem, list[int | None]]:
    """The problem without an item, and where the others are now."""
    kept = np.delete(np.arange(problem.num_items), item)
    pairs = np.flatnonzero((problem.pairs != item).all(axis=1))
    kinds, limits = np.arange(problem.num_kinds), np.arange(problem.num_shared_limits)
    moved: list[int | None] = [i - (i > item) for i in range(problem.num_items)]
    moved[item] = None
    return subproblem(problem, kept, kinds, pairs, limits), moved


def relaxed(context: SolveContext) -> None:
    """The strategy made to go by the relaxation rather than by a list."""
    generate_columns(context, EnumerationSettings(max_listed=5))


@pytest.fixture
def by_relaxation(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(api._STRATEGIES, "relaxed", relaxed)
    return "relaxed"


def test_an_item_leaves(by_relaxation: str) -> None:
    """The same optimum as from scratch, begun from a grouping of nearly that value."""
    problem = cliques(40)
    first = solve(problem, WORK, strategy=by_relaxation)
    assert first.status is Status.OPTIMAL
    assert isinstance(first.reuse, Reuse)
    assert first.reuse.groups
    assert first.grouping is not None
    leaver = first.grouping.items[0]
    smaller, moved = without(problem, leaver)
    fresh = solve(smaller, WORK, strategy=by_relaxation)
    again = solve(smaller, WORK, strategy=by_relaxation, reuse=first, item_map=moved)
    assert again.status is fresh.status is Status.OPTIMAL
    assert again.objective == fresh.objective
    begun = [point.objective or 0 for point in again.trace if point.bound is None]
    assert max(begun) >= (fresh.objective or 0) / 2


def test_values_change(by_relaxation: str) -> None:
    """Groups are valued anew."""
    problem = cliques(30)
    first = solve(problem, WORK, strategy=by_relaxation)
    values = problem.item_values.copy()
    values[:, 5] -= 100
    changed = problem.replace(item_values=values)
    again = solve(changed, WORK, strategy=by_relaxation, reuse=first)
    fresh = solve(changed, WORK, strategy=by_relaxation)
    assert (again.status, again.objective) == (Status.OPTIMAL, fresh.objective)


@pytest.mark.parametrize("strategy", ["columns", "relaxed", "auto", "greedy"])
def test_a_foreign_result_harms_nothing(strategy: str, by_relaxation: str) -> None:
    """Random problems, each with the result of another: numbers out of range, groups infeasible."""
    previous: Result | None = None
    for index in range(40):
        problem, best = numbered_problem(SEED, index, 7)
        result = solve(problem, WORK, strategy=strategy, reuse=previous)
        found = complaints(problem, result, best, complete=strategy != "greedy")
        assert not found, (found, numbered_problem_code(SEED, index, 7))
        groups = tuple(Group(k, (i, i + 1, i + 2)) for k in range(3) for i in range(6))
        cuts = ((0, 1, 2), (1, 3, 5), (4, 5, 6), (0, 2, 3, 4, 6))
        previous = replace(result, reuse=Reuse(None, groups, cuts))


def test_an_item_leaves_any_problem() -> None:
    for index in range(60):
        problem = random_problem(np.random.default_rng([SEED + 1, index]), 7)
        first = solve(problem, WORK, strategy="columns")
        if problem.num_items < 2 or problem.pinned:
            continue
        smaller, moved = without(problem, index % problem.num_items)
        result = solve(smaller, WORK, strategy="columns", reuse=first, item_map=moved)
        found = complaints(smaller, result, best_grouping(smaller), complete=True)
        assert not found, (found, index)


def test_moved() -> None:
    """Groups go on without items that are gone; cuts do not."""
    reuse = Reuse(
        Grouping([Group(0, (0, 1, 2))]),
        (Group(0, (0, 1, 2)), Group(1, (1,)), Group(0, (0, 2))),
        ((0, 1, 2), (0, 2, 3)),
    )
    moved = reuse.moved([5, None, 6, 7])
    assert moved.groups == (Group(0, (5, 6)),)
    assert moved.grouping == Grouping([Group(0, (5, 6))])
    assert moved.cuts == ((5, 6, 7),)
    assert reuse.moved({0: 1, 1: 2, 2: 3}, {0: 4}).groups == (Group(4, (1, 2, 3)), Group(4, (1, 3)))


def test_columns_are_checked_and_valued_anew() -> None:
    problem = cliques(12)
    good, bad = Group(0, (0, 1, 2)), Group(0, (0, 1, 11))
    columns = columns_of(contract(problem), [good, bad, Group(7, (0, 1)), Group(0, (30, 31, 32))])
    assert len(columns) == 1
    assert columns.values.tolist() == [verify(problem, Grouping([good])).objective]
    assert not fits(problem, Group(0, ()))
    bound = cliques(12).replace(together=((0, 3),))
    assert len(columns_of(contract(bound), [good])) == 0
    context = SolveContext(bound, WORK, reuse=Reuse(None, (good,), ((0, 3, 5), (0, 1, 2))))
    assert len(recalled(contract(bound), context)[1]) == 1


def test_reuse_goes_through_reductions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to the reduced problem and back, in the numbers of the whole."""
    problem = cliques(30)
    eligible = np.ones((2, 30), np.bool_)
    eligible[:, [3, 17]] = False
    problem = problem.replace(eligible=eligible)
    seen: list[Any] = []

    def look(context: SolveContext) -> None:
        seen.append(context.reuse)
        relaxed(context)

    def strategy(context: SolveContext) -> None:
        run_reduced(context, look)

    monkeypatch.setitem(api._STRATEGIES, "within", strategy)
    first = solve(problem, WORK, strategy="within")
    assert first.reuse.groups
    assert all(fits(problem, group) for group in first.reuse.groups)
    solve(problem, WORK, strategy="within", reuse=first)
    assert len(seen[-1].groups) >= len(first.reuse.groups) > 0
