"""Packing on a budget against brute force, at good, bad and no prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from solver_spec.problems import random_odd_set, random_problem

from solver import Group, Grouping, GroupingProblem, Limits, verify
from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.budget import Packing
from solver.column_generation.columns import Columns, Prices, no_prices
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import descend, pack
from solver.column_generation.restricted import Room
from solver.context import SolveContext

ALL = 10**9


def best_choice(problem: GroupingProblem, atoms: Atoms, columns: Columns) -> int | None:
    """The greatest value of a feasible choice among columns, by trying all."""
    best: int | None = None

    def go_on(at: int, chosen: list[int], taken: frozenset[int]) -> None:
        nonlocal best
        verdict = verify(problem, columns.grouping(atoms, chosen))
        if verdict.feasible and (best is None or verdict.objective > best):
            best = verdict.objective
        for c in range(at, len(columns)):
            members = columns.atoms_of(c)
            if taken.isdisjoint(members):
                go_on(c + 1, [*chosen, c], taken.union(members))

    go_on(0, [], frozenset())
    return best


def some_prices(rng: np.random.Generator, atoms: Atoms, columns: Columns, scale: int) -> Prices:
    """Any prices of the right signs, of the size of the values."""
    unit = int(np.abs(columns.values).max(initial=1))
    n, problem = atoms.num_atoms, atoms.problem
    cuts = 0 if n < 3 else int(rng.integers(0, 4))
    own = rng.integers(-unit, unit + 1, n) * scale // 4
    return Prices(
        scale,
        np.where(atoms.must, own, np.maximum(own, 0)),
        rng.integers(-unit, unit + 1, problem.num_kinds) * scale // 4,
        rng.integers(0, unit // 1000 + 2, problem.num_shared_limits) * scale // 7,
        rng.integers(0, unit + 1, cuts) * scale // 3,
        tuple(random_odd_set(rng, n) for _ in range(cuts)),
    )


def test_the_best_choice_is_found_whatever_the_prices() -> None:
    rng = np.random.default_rng(1)
    feasible = beaten = 0
    for number in range(150):
        problem = random_problem(np.random.default_rng([2, number]), 6)
        atoms = contract(problem)
        context = SolveContext(problem, Limits(work=20_000_000))
        columns = GroupSearch(atoms, context).every(ALL, ALL).columns
        if not 0 < len(columns) <= 40:
            continue
        expected = best_choice(problem, atoms, columns)
        prices = no_prices(atoms, 1)
        if number % 3:
            prices = some_prices(rng, atoms, columns, int(rng.choice([1, 2, 64])))
        packing = Packing(
            atoms,
            columns,
            columns.uses(atoms),
            prices,
            Room(problem.min_groups, atoms.max_groups, problem.shared_limit),
        )
        beats: list[int | None] = [None]
        if expected is not None:
            feasible += 1
            beats += [expected - 1, expected, expected + 5]
        for beat in beats:
            context = SolveContext(problem, Limits(work=20_000_000))
            found = replace(packing, beat=beat).run(context)
            if expected is None or (beat is not None and beat >= expected):
                assert found.status == "INFEASIBLE", (number, beat)
                beaten += 1
            else:
                assert found.status == "OPTIMAL", (number, beat)
                assert context.objective == expected
        context = SolveContext(problem, Limits(work=20_000_000))
        assert pack(atoms, columns, context, prices)
        assert context.infeasible == (expected is None)
        assert (context.objective, context.bound) == (expected, expected)
    assert feasible > 30
    assert beaten > 60


def ring_of_five() -> GroupingProblem:
    """Two of five pairs can be chosen; 22 is the best, half of each pair 26."""
    return GroupingProblem(
        num_items=5,
        kinds=("g",),
        pairs=np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]),
        pair_values=np.array([10, 11, 10, 10, 11]),
        absent_pairs="forbidden",
        min_size=np.array([2]),
    )


@pytest.mark.parametrize("start", [None, 20, 22])
@pytest.mark.parametrize("beat", [None, 19, 21, 25])
def test_descending_from_a_bound(start: int | None, beat: int | None) -> None:
    """Windows below a bound that prices prove end at the optimum, with or without an incumbent."""
    problem = ring_of_five()
    atoms = contract(problem)
    context = SolveContext(problem, Limits(work=20_000_000))
    if start is not None:
        second = (1, 2) if start == 22 else (2, 3)
        context.offer(Grouping([Group(0, (0, 4) if start == 22 else (0, 1)), Group(0, second)]))
        assert context.objective == start
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    scale = 1024
    prices = replace(no_prices(atoms, scale), atoms=np.full(5, 6 * scale))
    if beat is not None:
        assert pack(atoms, columns, context, prices, beat, 1_000_000)
        assert context.bound == max(22, beat) if beat >= 22 else 22
        return
    assert descend(atoms, columns, prices, prices.cost(atoms), context, 1_000_000)
    assert (context.objective, context.bound) == (22, 22)


def test_descending_among_some_columns_proves_nothing() -> None:
    problem = ring_of_five()
    atoms = contract(problem)
    context = SolveContext(problem, Limits(work=20_000_000))
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    prices = replace(no_prices(atoms, 2), atoms=np.full(5, 12))
    descend(atoms, columns, prices, None, context, 1_000_000)
    assert (context.objective, context.bound) == (22, None)
