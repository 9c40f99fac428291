"""Subset rows over odd sets: which are violated, and that they keep every whole solution."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from solver import GroupingProblem, Limits
from solver.column_generation.columns import Columns
from solver.column_generation.odd_sets import LARGEST, MIN_VIOLATION, violated_odd_sets
from solver.context import SolveContext


def a_context() -> SolveContext:
    return SolveContext(GroupingProblem(num_items=1, kinds=("g",)), Limits(work=1_000_000))


def columns_of(groups: list[tuple[int, ...]]) -> Columns:
    lengths = [len(group) for group in groups]
    members = [atom for group in groups for atom in group]
    start = np.concatenate([[0], np.cumsum(lengths)])
    zeros = np.zeros(len(groups), np.int64)
    return Columns(zeros, zeros, start.astype(np.int64), np.array(members, np.int64))


def left_side(
    groups: list[tuple[int, ...]], weights: list[float], odd_set: tuple[int, ...]
) -> float:
    pairs = (len(set(group) & set(odd_set)) // 2 for group in groups)
    return sum(number * weight for number, weight in zip(pairs, weights, strict=True))


def ring(number: int) -> list[tuple[int, ...]]:
    return [tuple(sorted((i, (i + 1) % number))) for i in range(number)]


@pytest.mark.parametrize("number", [3, 5, 7, 11])
def test_a_ring_of_halves_breaks_the_row_of_all_its_atoms(number: int) -> None:
    groups = ring(number)
    found = violated_odd_sets(columns_of(groups), np.full(number, 0.5), a_context())
    assert found == [(0.5, tuple(range(number)))]


def test_even_rings_and_whole_solutions_break_nothing() -> None:
    assert violated_odd_sets(columns_of(ring(6)), np.full(6, 0.5), a_context()) == []
    groups = [(0, 1, 2), (3, 4), (0, 3)]
    assert violated_odd_sets(columns_of(groups), np.array([1.0, 1.0, 0.0]), a_context()) == []


def test_a_set_too_large_is_left_out() -> None:
    number = LARGEST + 2
    assert violated_odd_sets(columns_of(ring(number)), np.full(number, 0.5), a_context()) == []


def test_what_is_found_is_violated_and_no_disjoint_choice_breaks_it() -> None:
    """Random columns and solutions: violations are as said, and the best of each small case met."""
    rng = np.random.default_rng(0)
    met = missed = 0
    for _ in range(300):
        n = int(rng.integers(4, 10))
        groups = sorted(
            {
                tuple(sorted(rng.choice(n, int(rng.integers(2, 5)), replace=False).tolist()))
                for _ in range(int(rng.integers(3, 12)))
            }
        )
        weights = rng.choice([0.2, 0.25, 0.5, 1 / 3], len(groups))
        load = np.zeros(n)
        for group, weight in zip(groups, weights, strict=True):
            load[list(group)] += weight
        weights = (weights / max(1.0, load.max())).tolist()
        found = violated_odd_sets(columns_of(groups), np.array(weights), a_context())
        for violation, odd_set in found:
            assert len(odd_set) % 2 == 1
            assert len(set(odd_set)) == len(odd_set) >= 3
            assert violation >= MIN_VIOLATION
            excess = left_side(groups, weights, odd_set) - len(odd_set) // 2
            assert excess == pytest.approx(violation)
            for chosen in range(1 << len(groups)):
                picked = [group for g, group in enumerate(groups) if chosen >> g & 1]
                if sum(map(len, picked)) == len({atom for group in picked for atom in group}):
                    assert left_side(picked, [1.0] * len(picked), odd_set) <= len(odd_set) // 2
        broken = [
            odd_set
            for size in range(3, n + 1, 2)
            for odd_set in combinations(range(n), size)
            if left_side(groups, weights, odd_set) > size // 2 + 2 * MIN_VIOLATION
        ]
        met += bool(broken and found)
        missed += bool(broken and not found)
    assert met > 20
    assert missed <= met // 10
