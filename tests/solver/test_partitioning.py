"""Free grouping: structure, reduction, separation, the rounded bound, and proved optima."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver import Group, GroupingProblem, Limits, Status, solve, verify
from solver.context import SolveContext
from solver.partitioning import applies, partition, partition_within_reach
from solver.partitioning.branching import closed, rounded
from solver.partitioning.model import FreeGrouping, free_grouping, grouping_of, labels_of
from solver.partitioning.reduction import components, joined_value, reduce
from solver.partitioning.relaxation import Relaxation
from solver.partitioning.separation import (
    MIN_VIOLATION,
    all_violated_triangles,
    violated_stars,
    violated_triangles,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from solver_spec.checking import complaints
from solver_spec.oracle import best_grouping

AMPLE = 50_000_000


def best_partition(free: FreeGrouping) -> int:
    """Greatest value of a partition, by dynamic programming over subsets."""
    m = free.num_atoms
    inner = [0] * (1 << m)
    for mask in range(1, 1 << m):
        low = (mask & -mask).bit_length() - 1
        rest = mask & (mask - 1)
        worth: Any = inner[rest]
        for j in range(low + 1, m):
            if worth is not None and rest >> j & 1:
                worth = None if free.apart[low, j] else worth + int(free.value[low, j])
        inner[mask] = worth
    best = [0] * (1 << m)
    for mask in range(1, 1 << m):
        low = mask & -mask
        sub = rest = mask ^ low
        found = None
        while True:
            worth = inner[sub | low]
            if worth is not None and (found is None or worth + best[rest ^ sub] > found):
                found = worth + best[rest ^ sub]
            if sub == 0:
                break
            sub = (sub - 1) & rest
        assert found is not None
        best[mask] = found
    return free.constant + best[-1]


def partitions(m: int) -> Iterator[np.ndarray]:
    """All partitions of m atoms, as labels."""

    def grow(labels: list[int]) -> Iterator[np.ndarray]:
        if len(labels) == m:
            yield np.array(labels, np.int64)
            return
        for label in range(max(labels, default=-1) + 2):
            yield from grow([*labels, label])

    return grow([])


def random_free(rng: np.random.Generator, m: int, apart: float = 0.1) -> FreeGrouping:
    """A random free grouping; values of few sizes, so that ties and twins turn up."""
    most = int(rng.choice([1, 3, 100]))
    value = np.triu(rng.integers(-most, most + 1, (m, m)), 1)
    value[rng.random((m, m)) < rng.choice([0.0, 0.3, 0.7])] = 0
    barred = np.triu(rng.random((m, m)) < apart, 1)
    value[barred] = 0
    if m > 3 and rng.random() < 0.5:  # a twin
        full = value + value.T
        full[1], full[:, 1] = full[0], full[:, 0]
        full[0, 1] = full[1, 0] = most
        full[1, 1] = full[0, 0] = 0
        both = barred | barred.T
        both[1], both[:, 1] = both[0], both[:, 0]
        both[0, 1] = both[1, 0] = both[1, 1] = False
        full[both] = 0
        value, barred = np.triu(full, 1), np.triu(both, 1)
    return FreeGrouping(
        (value + value.T).astype(np.int64),
        barred | barred.T,
        tuple((a,) for a in range(m)),
        int(rng.integers(-5, 6)),
    )


def random_free_problem(rng: np.random.Generator, n: int) -> GroupingProblem:
    """A random problem of this structure, with every rule that it may have."""
    listed = [pair for pair in combinations(range(n), 2) if rng.random() < 0.8]
    arguments: dict[str, Any] = {
        "num_items": n,
        "kinds": ("a",),
        "pairs": np.array(listed, np.int32).reshape(-1, 2),
        "pair_values": rng.integers(-9, 10, len(listed)),
        "absent_pairs": str(rng.choice(["neutral", "forbidden"], p=[0.8, 0.2])),
        "pair_allowed": rng.random(len(listed)) < rng.choice([1.0, 0.85]),
    }
    kind = rng.integers(4)
    if kind == 0:
        arguments["must_join"] = np.ones(n, np.bool_)
        arguments["item_values"] = rng.integers(-5, 6, (1, n))
    elif kind == 1:
        arguments["item_values"] = rng.integers(0, 6, (1, n))
        arguments["must_join"] = rng.random(n) < 0.5
    elif kind == 2:
        arguments["min_size"] = [2]
    else:
        arguments["eligible"] = rng.random((1, n)) < 0.8
        arguments["resources"] = rng.integers(0, 5, (1, n))
    items = rng.permutation(n).tolist()
    if rng.random() < 0.3:
        arguments["apart"] = ((items[0], items[2], items[5]),)
    if kind < 2 and rng.random() < 0.5:
        arguments["together"] = (tuple(items[:2]),)
        arguments["pinned"] = (Group(0, items[2:4]), Group(0, items[4:5]))
        arguments["pinned_may_grow"] = (True, bool(rng.integers(2)))
    return GroupingProblem(**arguments)


def solved(free: FreeGrouping, work: int = AMPLE) -> Any:
    """Solve a free grouping as a problem; its value without the constant."""
    m = free.num_atoms
    i, j = np.triu_indices(m, 1)
    problem = GroupingProblem(
        num_items=m,
        kinds=("a",),
        pairs=np.stack([i, j], axis=1).astype(np.int32),
        pair_values=free.value[i, j],
        pair_allowed=~free.apart[i, j],
        must_join=np.ones(m, np.bool_),
    )
    return solve(problem, Limits(work=work), strategy="partition")


def relaxation_of(free: FreeGrouping) -> Relaxation:
    problem = GroupingProblem(num_items=1, kinds=("a",))
    return Relaxation(free, SolveContext(problem, Limits(work=AMPLE)))


# -- whole solves ------------------------------------------------------------------------------


def test_agrees_with_enumeration() -> None:
    """Where the structure is there, the optimum is found and proved; elsewhere nothing is said."""
    times = 0
    for index in range(80):
        problem = random_free_problem(np.random.default_rng([5, index]), 7)
        result = solve(problem, Limits(work=AMPLE), strategy="partition")
        best = best_grouping(problem)
        assert not complaints(problem, result, best, complete=applies(problem)), index
        times += applies(problem)
    assert times > 40


@pytest.mark.parametrize("chunk", range(3))
def test_agrees_with_subset_dynamic_programme(chunk: int) -> None:
    """Random free groupings of up to eleven atoms."""
    for index in range(8):
        rng = np.random.default_rng([6, chunk, index])
        free = random_free(rng, int(rng.integers(8, 12)))
        result = solved(free)
        assert result.status is Status.OPTIMAL
        assert result.objective == best_partition(free) - free.constant, (chunk, index)


def test_same_work_same_answer() -> None:
    """Work alone decides, also when it ends a solve early."""
    free = random_free(np.random.default_rng(3), 25, apart=0.0)
    for work in (20_000, 200_000):
        first, second = solved(free, work), solved(free, work)
        assert first.grouping == second.grouping
        assert (first.bound, first.work) == (second.bound, second.work)
        assert first.objective <= first.bound


def test_two_planted_classes() -> None:
    """Classes with strong ties inside and weak enmity outside are found and proved."""
    side = np.arange(60) % 3
    rng = np.random.default_rng(1)
    value = np.where(side[:, None] == side[None, :], 4, -4) + np.triu(rng.integers(-3, 4, (60, 60)))
    value = np.triu(value, 1)
    free = FreeGrouping(
        value + value.T, np.zeros((60, 60), np.bool_), tuple((a,) for a in range(60)), 0
    )
    result = solved(free)
    assert result.status is Status.OPTIMAL
    assert {frozenset(g.members) for g in result.grouping} == {
        frozenset(range(s, 60, 3)) for s in range(3)
    }


def test_a_problem_too_large_for_a_relaxation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition and the sum of the positive values, and a note that says so."""
    monkeypatch.setattr("solver.partitioning.relaxation.MAX_PAIRS", 10)
    value = np.triu(np.random.default_rng(6).integers(-50, 51, (11, 11)), 1)
    members = tuple((a,) for a in range(11))
    free = FreeGrouping(value + value.T, np.zeros((11, 11), np.bool_), members, 0)
    result = solved(free)
    assert result.status is Status.FEASIBLE
    assert result.objective <= best_partition(free) <= result.bound
    assert any("pairs of the relaxation" in note for note in result.notes)


def test_branching_alone_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any answer from the linear programme branching still ends with the optimum."""
    monkeypatch.setattr(Relaxation, "solve", lambda self: None)
    for index in range(5):
        free = random_free(np.random.default_rng([10, index]), 5)
        result = solved(free)
        assert result.status is Status.OPTIMAL
        assert result.objective == best_partition(free) - free.constant


@pytest.mark.parametrize("reach", [True, False])
def test_what_is_out_of_reach_is_left(monkeypatch: pytest.MonkeyPatch, reach: bool) -> None:
    """What is proved before a gap is given up stays true; the rest of the work is not used."""
    monkeypatch.setattr("solver.partitioning.branching.OUT_OF_REACH", 1e9 if reach else 0.1)
    first, second = np.triu_indices(40, 1)
    problem = GroupingProblem(
        num_items=40,
        kinds=("a",),
        pairs=np.stack([first, second], axis=1).astype(np.int32),
        pair_values=np.random.default_rng(1).integers(-5, 6, len(first)),
        must_join=np.ones(40, np.bool_),
    )
    context = SolveContext(problem, Limits(work=2_000_000))
    assert partition_within_reach(context) is reach
    assert any("40 items is out of reach" in note for note in context.notes) is not reach
    assert (context.work < 1_500_000) is not reach
    whole = SolveContext(problem, Limits(work=2_000_000))
    partition(whole)
    assert context.objective is not None
    assert context.bound is not None
    assert whole.bound is not None
    assert context.objective <= whole.bound
    assert (whole.bound < context.bound) is not reach


# -- structure ---------------------------------------------------------------------------------


def test_atoms_carry_the_values() -> None:
    """A partition of atoms is worth what ``verify`` says of its grouping, and comes back."""
    for index in range(60):
        rng = np.random.default_rng([7, index])
        problem = random_free_problem(rng, 8)
        free = free_grouping(problem)
        if free is None:
            continue
        labels = rng.integers(0, 3, free.num_atoms)
        worth = free.worth(labels)
        verdict = verify(problem, grouping_of(problem, free, labels))
        assert verdict.feasible == (worth is not None), index
        if worth is not None:
            assert verdict.objective == worth
            again = labels_of(free, grouping_of(problem, free, labels))
            assert free.worth(again) == worth


@pytest.mark.parametrize(
    "change",
    [
        {"kinds": ("a", "b")},
        {"open_values": [1]},
        {"max_size": [3]},
        {"min_size": [3]},
        {"min_groups": [1]},
        {"max_groups": [3]},
        {"item_values": [[0, 0, -1, 0]]},
        {"resources": [[1, 1, 1, 1]], "resource_max": [[3]]},
        {"resources": [[1, 0, 1, 1]], "resource_min": [[1]]},
        {"shared_group_use": [[1]], "shared_item_use": [[[0] * 4]], "shared_limit": [9]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_does_not_apply(change: dict[str, Any]) -> None:
    """Whatever else bears on groups is left to others, and no bound is claimed."""
    problem = GroupingProblem(**({"num_items": 4, "kinds": ("a",)} | change))
    assert not applies(problem)
    assert solve(problem, Limits(work=1000), strategy="partition").bound is None
    assert applies(GroupingProblem(num_items=4, kinds=("a",)))


# -- reduction ---------------------------------------------------------------------------------


def test_reduction_keeps_the_optimum() -> None:
    """Joined value and the components' optima make up the optimum."""
    joined = split = 0
    for index in range(150):
        rng = np.random.default_rng([8, index])
        free = random_free(rng, int(rng.integers(2, 9)))
        parts = reduce(free, lambda: False, lambda units: None)
        total = joined_value(free, parts) + sum(best_partition(part) for part in parts)
        assert total == best_partition(free), index
        members = [a for part in parts for atom in part.members for a in atom]
        assert sorted(members) == list(range(free.num_atoms))
        joined += sum(len(atom) > 1 for part in parts for atom in part.members)
        split += len(parts) > 1
    assert joined > 20
    assert split > 20


def test_components_are_linked_by_positive_pairs() -> None:
    """Only pairs with positive value that may group link."""
    value = np.zeros((5, 5), np.int64)
    value[0, 3] = value[3, 0] = value[1, 2] = value[2, 1] = 1
    value[2, 3] = value[3, 2] = -1
    apart = np.zeros((5, 5), np.bool_)
    assert components(value, apart) == [[0, 3], [1, 2], [4]]
    apart[0, 3] = apart[3, 0] = True
    assert components(value, apart) == [[0], [1, 2], [3], [4]]


# -- separation --------------------------------------------------------------------------------


def random_point(rng: np.random.Generator, m: int) -> np.ndarray:
    x = np.triu(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], (m, m)), 1)
    return x + x.T


def test_every_violated_triangle_is_found() -> None:
    """The same as looking at every centre and every two leaves."""
    for seed in range(20):
        x = random_point(np.random.default_rng(seed), 7)
        expected = {
            (i, j, k)
            for i in range(7)
            for j, k in combinations([a for a in range(7) if a != i], 2)
            if x[i, j] + x[i, k] - x[j, k] > 1 + MIN_VIOLATION
        }
        found, _ = all_violated_triangles(x, MIN_VIOLATION, 1000)
        assert {tuple(star) for star in found.tolist()} == expected
        some = violated_triangles(x, 5, 1)
        assert set(some) <= expected
        assert bool(some) == bool(expected)


def left_side(star: tuple[int, ...], x: np.ndarray) -> float:
    leaves = star[1:]
    return float(
        sum(x[star[0], t] for t in leaves) - sum(x[t, u] for t, u in combinations(leaves, 2))
    )


def test_stars_are_violated_where_found_and_valid_everywhere() -> None:
    """No partition violates a row; the point does."""
    number = 0
    for seed in range(20):
        x = random_point(np.random.default_rng(seed), 7) * 0.6
        stars = violated_stars(x, 100, 100)
        for star in stars:
            assert left_side(star, x) > 1 + MIN_VIOLATION
            assert len(set(star)) == len(star)
            assert list(star[1:]) == sorted(star[1:])
        number += len(stars)
        for labels in partitions(7) if stars else ():
            together = (labels[:, None] == labels[None, :]).astype(float)
            assert all(left_side(star, together) <= 1 for star in stars[:3])
    assert number > 20


# -- bound -------------------------------------------------------------------------------------


def random_stars(rng: np.random.Generator, m: int) -> list[tuple[int, ...]]:
    stars = []
    for _ in range(int(rng.integers(0, 12))):
        chosen = rng.choice(m, int(rng.integers(3, m + 1)), replace=False).tolist()
        stars.append((chosen[0], *sorted(chosen[1:])))
    return stars


def test_any_multipliers_prove_a_bound_and_fixings() -> None:
    """Whatever the multipliers, no partition of the branch is above the bound, and every one of
    the value asked for keeps the fixings."""
    fixings = 0
    for index in range(60):
        rng = np.random.default_rng([9, index])
        free = random_free(rng, 6)
        fixed = np.where(free.apart, -1, 0).astype(np.int8)
        for _ in range(int(rng.integers(0, 3))):
            i, j = rng.choice(6, 2, replace=False)
            if not free.apart[i, j]:
                fixed[i, j] = fixed[j, i] = rng.choice([-1, 1])
        relaxation = relaxation_of(free)
        relaxation.add(random_stars(rng, 6))
        relaxation.restrict(fixed)
        multipliers = rng.integers(0, 5 * relaxation.scale, len(relaxation.stars))
        bound = relaxation.bound(multipliers)
        relaxation.close()
        worths = []
        for labels in partitions(6):
            same = labels[:, None] == labels[None, :]
            off = ~np.eye(6, dtype=np.bool_)
            if (same & (fixed == -1) & off).any() or (~same & (fixed == 1)).any():
                continue
            worth = free.worth(labels)
            assert worth is not None
            worths.append((worth - free.constant, same))
        if not worths:
            continue
        best = max(worth for worth, _ in worths)
        assert bound.value >= best
        at_least = best - int(rng.integers(0, 3))
        tighter = bound.fix(fixed, at_least)
        fixings += int((tighter != fixed).sum())
        for worth, same in worths:
            if worth >= at_least:
                assert not (same & (tighter == -1)).any()
                assert not (~same & (tighter == 1)).any()
    assert fixings > 20


def test_relaxation_with_all_triangles_is_no_worse_than_its_value() -> None:
    """The bound rounded to whole multipliers is within one unit of the linear programme's value."""
    rng = np.random.default_rng(4)
    free = random_free(rng, 9, apart=0.0)
    relaxation = relaxation_of(free)
    stars = [
        (i, j, k) for i in range(9) for j, k in combinations([a for a in range(9) if a != i], 2)
    ]
    relaxation.add(stars)
    answer = relaxation.solve()
    assert answer is not None
    x, bound = answer
    value = float(np.triu(x * free.value, 1).sum())
    assert value - 1e-6 <= bound.scaled / bound.scale <= value + 1e-3
    dropped = relaxation.drop_idle(1)
    again = relaxation.solve()
    assert again is not None
    assert dropped > 0
    assert abs(again[1].scaled - bound.scaled) <= bound.scale // 1000
    relaxation.close()


def test_closed_says_what_follows() -> None:
    """The fixings that all partitions within them share, no more and no less."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        fixed = np.triu(rng.choice([-1, 0, 0, 0, 0, 1], (5, 5)), 1).astype(np.int8)
        fixed += fixed.T
        allowed = []
        for labels in partitions(5):
            same = np.where(labels[:, None] == labels[None, :], 1, -1)
            if not ((fixed != 0) & (same != fixed) & ~np.eye(5, dtype=np.bool_)).any():
                allowed.append(same)
        out = closed(fixed)
        if not allowed:
            assert out is None
            continue
        assert out is not None
        agreed = np.array(allowed).sum(axis=0) / len(allowed)
        expected = np.where(np.abs(agreed) == 1, agreed, 0)
        np.fill_diagonal(expected, 0)
        assert (out == expected).all()


def test_rounding_keeps_apart() -> None:
    """Whatever the point, the partition is allowed."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        free = random_free(rng, 8, apart=0.4)
        assert free.worth(rounded(random_point(rng, 8), free.apart)) is not None
