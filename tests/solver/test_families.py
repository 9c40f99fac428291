"""Constructors of the published families against sums written out by hand."""

from __future__ import annotations

import itertools
import random

import pytest

from solver import Group, Grouping, GroupingProblem, Limits, Status, solve, verify
from solver.families import (
    capacitated_clustering,
    clique_partitioning,
    maximally_diverse_grouping,
    modularity,
    quadratic_multiple_knapsack,
)


def value_of(problem: GroupingProblem, parts: list[tuple[int, ...]]) -> int | None:
    """Value of a partition whose groups are all of kind 0; ``None`` where a rule is broken."""
    verdict = verify(problem, Grouping(Group(0, part) for part in parts))
    return verdict.objective if verdict.feasible else None


def partitions(items: list[int]) -> list[list[tuple[int, ...]]]:
    """Every partition of some items."""
    if not items:
        return [[]]
    first, rest = items[0], items[1:]
    out = []
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [i for i in rest if i not in others]
            out += [[(first, *others), *more] for more in partitions(left)]
    return out


@pytest.mark.parametrize("seed", range(5))
def test_best_partition_is_that_of_all_partitions(seed: int) -> None:
    rng = random.Random(seed)
    pairs = list(itertools.combinations(range(6), 2))
    values = [rng.randint(-9, 9) for _ in pairs]
    worth = dict(zip(pairs, values, strict=True))
    never = [pairs[seed]]
    listed = [pair for pair in pairs if pair not in never]

    def total(parts: list[tuple[int, ...]]) -> int | None:
        inside = [pair for part in parts for pair in itertools.combinations(part, 2)]
        return None if never[0] in inside else sum(worth[pair] for pair in inside)

    problem = clique_partitioning(6, listed, [worth[pair] for pair in listed], never)
    every = partitions(list(range(6)))
    assert all(value_of(problem, parts) == total(parts) for parts in every)
    result = solve(problem, Limits(work=5_000_000), strategy="exact")
    assert result.status is Status.OPTIMAL
    assert result.objective == max(found for parts in every if (found := total(parts)) is not None)


def test_modularity_of_two_triangles_joined() -> None:
    """Q of two triangles with one edge between, split there: 6/7 - 2 (7/14)^2 = 5/14."""
    edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]
    problem = modularity(6, edges)
    value = value_of(problem, [(0, 1, 2), (3, 4, 5)])
    assert value is not None
    degrees = [2, 2, 3, 3, 2, 2]
    assert (2 * value - sum(k * k for k in degrees)) * 14 == 5 * 14**2


def test_diverse_grouping_makes_exactly_its_groups() -> None:
    pairs = list(itertools.combinations(range(4), 2))
    problem = maximally_diverse_grouping(4, pairs, [1, 5, 2, 3, 6, 4], [(2, 2), (2, 2)])
    assert problem.num_kinds == 1
    assert value_of(problem, [(0, 2), (1, 3)]) == 11
    assert value_of(problem, [(0, 1, 2, 3)]) is None
    assert maximally_diverse_grouping(4, pairs, [0] * 6, [(1, 3), (2, 2)]).num_kinds == 2


def test_capacitated_clustering_bounds_loads() -> None:
    pairs = [(0, 1), (0, 2), (1, 2)]
    problem = capacitated_clustering(3, pairs, [1, 4, 6], [2, 2, 3], [(2, 5), (2, 5)])
    assert value_of(problem, [(1, 2), (0,)]) == 6
    assert value_of(problem, [(0, 1, 2)]) is None
    assert value_of(problem, [(0,), (1,), (2,)]) is None
    loose = capacitated_clustering(3, pairs, [1, 4, 6], [2, 2, 3], [(0, 9), (0, 9)])
    assert value_of(loose, [(0, 1, 2)]) == 11


def test_knapsacks_may_leave_items_out() -> None:
    problem = quadratic_multiple_knapsack([4, 5, 6], [(0, 1)], [3], [2, 3, 4], [5, 5])
    assert value_of(problem, [(0, 1), (2,)]) == 18
    assert value_of(problem, [(0, 1)]) == 12
    assert value_of(problem, [(1, 2)]) is None
    assert value_of(problem, [(0,), (1,), (2,)]) is None
