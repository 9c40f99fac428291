"""Packing given groups, the relaxation's cuts, and what they prove; expected values by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from solver_spec.problems import random_problem

from solver import Curve, Group, Grouping, GroupingProblem, Limits, Status, solve
from solver.column_generation import EnumerationSettings, generate_columns
from solver.column_generation.atoms import contract
from solver.column_generation.branch import everything
from solver.column_generation.branching import explore
from solver.column_generation.columns import Columns, join, no_columns, proved_bound, reduced_values
from solver.column_generation.generation import usable_prices
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import Master
from solver.column_generation.packing import first_that_fit, improve, offer_first, pack
from solver.column_generation.pool import PoolRelaxation, tighten
from solver.column_generation.proof import Proof
from solver.context import SolveContext
from solver.errors import ModelTooLarge

ALL = 10**9


def packed(problem: GroupingProblem) -> SolveContext:
    """A context after all groups of a problem were packed."""
    context = SolveContext(problem, Limits(work=2_000_000))
    atoms = contract(problem)
    pack(atoms, GroupSearch(atoms, context).every(ALL, ALL).columns, context)
    return context


def triangle(**changes: object) -> GroupingProblem:
    """Three items whose pairs are worth 2 each: only one can be chosen. A fourth item is alone."""
    fields: dict[str, object] = {
        "num_items": 4,
        "absent_pairs": "forbidden",
        "kinds": ("g",),
        "pairs": [[0, 1], [0, 2], [1, 2]],
        "pair_values": [2, 2, 2],
        "min_size": [2],
        "max_size": [2],
    }
    return GroupingProblem(**{**fields, **changes})  # type: ignore[arg-type]


def test_first_that_fit_by_hand() -> None:
    """Taken in their order, where atoms, numbers and shared limits leave room; none of no value."""
    problem = GroupingProblem(
        num_items=8,
        kinds=("a", "b"),
        max_groups=[2, 1],  # type: ignore[arg-type]
        shared_group_use=[[3, 1]],  # type: ignore[arg-type]
        shared_limit=[7],  # type: ignore[arg-type]
    )
    atoms = contract(problem)
    groups = [(0, (0, 1)), (0, (1, 2)), (1, (2, 3)), (1, (4, 5)), (0, (4,)), (0, (6,)), (0, (7,))]
    columns = Columns(
        np.array([kind for kind, _ in groups]),
        np.array([5, 9, 0, 4, 3, 2, 1]),
        np.cumsum([0, *(len(members) for _, members in groups)]),
        np.array([atom for _, members in groups for atom in members]),
    )
    context = SolveContext(problem, Limits())
    chosen = first_that_fit(atoms, columns, columns.uses(atoms), context)
    # (1, 2) meets (0, 1), (2, 3) is worth nothing, (4,) meets (4, 5), (7,) is a third of a kind.
    assert np.flatnonzero(chosen).tolist() == [0, 3, 5]
    offer_first(atoms, columns, -np.arange(len(columns)), context)
    # Empty groupings have no pair values: what the columns say is not what the problem says.
    assert context.grouping is not None
    assert [group.members for group in context.grouping] == [(0, 1), (4, 5), (6,)]
    given = contract(problem.replace(shared_group_use=[[-3, -1]], shared_limit=[-5]))
    chosen = first_that_fit(given, columns, columns.uses(given), context)
    assert np.flatnonzero(chosen).tolist() == [0, 3, 5]  # each of them gives to it
    tighter = contract(problem.replace(shared_limit=[5]))
    chosen = first_that_fit(tighter, columns, columns.uses(tighter), context)
    assert np.flatnonzero(chosen).tolist() == [0, 3]


def test_first_columns_are_offered_only_where_feasible_and_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = triangle(min_groups=[2])
    context = SolveContext(problem, Limits())
    atoms = contract(problem)
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    offer_first(atoms, columns, columns.values, context)
    assert context.grouping is None  # one pair only of a triangle, and two are asked for
    context = SolveContext(triangle(), Limits())
    offer_first(contract(triangle()), columns, columns.values, context)
    assert context.objective == 2
    monkeypatch.setattr(
        "solver.column_generation.packing.verify", None
    )  # nothing better: not asked
    offer_first(contract(triangle()), columns, columns.values, context)
    assert context.objective == 2


def test_best_disjoint_groups_are_chosen_and_proved() -> None:
    problem = GroupingProblem(
        num_items=4,
        kinds=("g",),
        pairs=[[0, 1], [1, 2], [2, 3]],  # type: ignore[arg-type]
        pair_values=[5, 9, 5],  # type: ignore[arg-type]
        min_size=[2],  # type: ignore[arg-type]
        max_size=[2],  # type: ignore[arg-type]
    )
    context = packed(problem)
    assert (context.objective, context.bound) == (10, 10)
    assert context.grouping == Grouping([Group(0, (0, 1)), Group(0, (2, 3))])


def test_must_join_item_without_a_group_is_proved_infeasible() -> None:
    problem = triangle(must_join=[True, True, True, False])
    context = packed(problem)
    assert context.infeasible


def test_numbers_of_groups_bind() -> None:
    assert packed(triangle(min_groups=[2])).infeasible
    free = triangle(min_size=[1], max_size=[1], item_values=[[4, 3, 2, 0]], pair_values=None)
    assert packed(free).objective == 9
    assert packed(free.replace(max_groups=[2])).objective == 7


def test_a_losing_group_is_chosen_where_it_gives_to_a_shared_limit() -> None:
    """Item 1 costs 2 but frees the room that item 0, worth 10, needs."""
    problem = GroupingProblem(
        num_items=2,
        kinds=("g",),
        item_values=[[10, -2]],  # type: ignore[arg-type]
        max_size=[1],  # type: ignore[arg-type]
        shared_item_use=[[[3, -3]]],  # type: ignore[arg-type]
        shared_limit=[0],  # type: ignore[arg-type]
    )
    context = packed(problem)
    assert (context.objective, context.bound) == (8, 8)


def test_packing_of_some_groups_proves_nothing() -> None:
    problem = triangle()
    context = SolveContext(problem, Limits(work=2_000_000))
    atoms = contract(problem)
    improve(atoms, no_columns(), context, 1000)
    assert context.objective is None
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    improve(atoms, columns.take(np.array([1])), context, 1_000_000)
    assert (context.objective, context.bound) == (2, None)


def test_values_that_could_overflow_are_refused() -> None:
    huge = 2**59
    problem = triangle(pair_values=[huge, huge, huge - 1], max_groups=[1])
    context = SolveContext(problem, Limits(work=2_000_000))
    atoms = contract(problem)
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    with pytest.raises(ModelTooLarge, match="losses of a packing"):
        pack(atoms, join([columns] * 3), context)


def test_cp_sat_presolve_fault_is_avoided() -> None:
    """ortools 9.15 cuts off the optimum of this packing unless told not to (or-tools#5293)."""
    unit = 10**9
    problem = GroupingProblem(
        num_items=6,
        kinds=("a", "b"),
        open_values=[-8 * unit, -4 * unit],  # type: ignore[arg-type]
        item_values=[  # type: ignore[arg-type]
            [-unit, -unit, 4 * unit, 6 * unit, 5 * unit, unit],
            [0, -6 * unit, -unit, 2 * unit, 6 * unit, 6 * unit],
        ],
        max_size=[3, 4],  # type: ignore[arg-type]
        resources=[[4, 1, 1, 1, 6, 2], [3, 4, 3, 2, 0, 1]],  # type: ignore[arg-type]
        resource_min=[[0, 0], [3, 4]],  # type: ignore[arg-type]
        resource_max=[[13, 100], [11, 100]],  # type: ignore[arg-type]
        curves={
            (0, 1): Curve(((0, -3 * unit), (0, unit), (5, -1_499_999_990))),
            (1, 1): Curve(((0, 3 * unit),)),
        },
        shared_group_use=[[4, -2]],  # type: ignore[arg-type]
        shared_limit=[10],  # type: ignore[arg-type]
    )
    result = solve(problem, Limits(work=2_000_000), strategy="columns")
    assert (result.status, result.objective) == (Status.OPTIMAL, 12 * unit)


def test_subset_row_closes_the_triangle() -> None:
    """Half of each pair makes the relaxation 3; the row over the three items makes it 2."""
    problem = triangle()
    context = SolveContext(problem, Limits(work=2_000_000))
    atoms = contract(problem)
    search = GroupSearch(atoms, context)
    columns = search.every(ALL, ALL).columns
    master = Master(atoms, context, 2)
    assert master.add(columns) == 3
    assert master.add(columns) == 0
    bounds = []
    for _ in range(2):
        answer = master.solve()
        assert answer is not None
        prices = usable_prices(master, answer, search)
        assert prices is not None
        best = np.full(atoms.num_atoms, -(2**62))
        reduced = reduced_values(atoms, columns, columns.uses(atoms), prices)
        np.maximum.at(best, columns.roots, reduced)
        bounds.append(proved_bound(atoms, prices, best) // prices.scale)
        added = master.add_violated(answer.weights)
    master.close()
    assert bounds == [3, 2]
    assert added == 0


def pool_of(problem: GroupingProblem, context: SolveContext) -> PoolRelaxation:
    """A relaxation over all groups of a problem."""
    atoms = contract(problem)
    search = GroupSearch(atoms, context)
    pool = search.every(ALL, ALL).columns
    return PoolRelaxation(atoms, search, context, pool, no_columns(), [], EnumerationSettings())


def test_tightening_stops_at_the_optimum() -> None:
    context = SolveContext(triangle(), Limits(work=2_000_000))
    context.offer(Grouping([Group(0, (0, 1))]))
    with pool_of(triangle(), context) as relaxation:
        tighten(relaxation, Proof(relaxation.atoms))
    assert (context.objective, context.bound) == (2, 2)
    assert len(relaxation.odd_sets) == 1


def test_a_branch_keeps_its_decisions_and_its_bound_is_proved() -> None:
    """Five items in a ring: two pairs of the five can be chosen, whatever is decided."""
    problem = GroupingProblem(
        num_items=5,
        kinds=("g",),
        pairs=np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]),
        pair_values=np.array([10, 10, 10, 10, 11]),
        absent_pairs="forbidden",
        min_size=np.array([2]),
    )
    context = SolveContext(problem, Limits(work=2_000_000))
    with pool_of(problem, context) as relaxation:
        atoms = relaxation.atoms
        at = {atoms.items[a][0]: a for a in range(5)}
        root = everything(atoms)

        def bound(**decisions: object) -> tuple[int, float]:
            solved = relaxation.solve(replace(root, **decisions))  # type: ignore[arg-type]
            assert solved is not None
            return solved.bound, solved.answer.unmet

        assert bound() == (21, 0)  # at most two groups of two; else 25
        pair = (min(at[0], at[4]), max(at[0], at[4]))
        assert bound(parted=(pair,)) == (20, 0)
        assert bound(joined=(pair,)) == (21, 0)
        assert bound(excluded=frozenset({at[2]}), joined=(pair,)) == (11, 0)
        assert bound(most=(1,)) == (11, 0)
        value, unmet = bound(covered=frozenset({at[2]}), excluded=frozenset({at[1], at[3]}))
        assert unmet == pytest.approx(1)
        assert value < 11
        assert bound(most=(0,)) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_branch_and_bound_agrees_with_packing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.array([pair for pair in combinations(range(11), 2) if rng.random() < 0.6])
    problem = GroupingProblem(
        num_items=11,
        kinds=("a", "b"),
        item_values=rng.integers(-5, 9, (2, 11)),
        pairs=pairs,
        pair_values=rng.integers(-6, 9, (2, len(pairs))),
        absent_pairs="forbidden",
        open_values=rng.integers(-12, 0, 2),
        max_size=np.array([4, 3]),
        max_groups=np.array([2, 3]),
        must_join=rng.random(11) < 0.2,
        shared_group_use=np.array([[3, 2]]),
        shared_limit=np.array([8]),
    )
    expected = packed(problem)
    context = SolveContext(problem, Limits(work=20_000_000))
    with pool_of(problem, context) as relaxation:
        assert explore(relaxation, 100_000, None, Proof(relaxation.atoms))
    assert context.infeasible == expected.infeasible
    assert (context.objective, context.bound) == (expected.objective, expected.bound)


def test_a_tree_looks_around_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 1, 2, 4, 8, ... branchings, numbered from 0."""
    splits, looks = 0, list[tuple[int, int]]()
    split = Proof.split

    def counted(proof: Proof, *others: object) -> None:
        nonlocal splits
        splits += 1
        split(proof, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Proof, "split", counted)
    monkeypatch.setattr(
        PoolRelaxation, "look_around", lambda _, number: looks.append((splits, number))
    )
    monkeypatch.setattr("solver.column_generation.branching.FEW", -1)
    rng = np.random.default_rng(3)
    pairs = np.array(list(combinations(range(12), 2)))
    problem = GroupingProblem(
        num_items=12,
        kinds=("a",),
        pairs=pairs,
        pair_values=rng.integers(-6, 9, len(pairs)),
        max_size=[3],
        shared_item_use=[[rng.integers(1, 9, 12).tolist()]],
        shared_limit=[23],
        absent_pairs="forbidden",
    )
    expected = packed(problem)
    context = SolveContext(problem, Limits(work=50_000_000))
    with pool_of(problem, context) as relaxation:
        assert explore(relaxation, 100_000, None, Proof(relaxation.atoms))
    assert context.objective == expected.objective
    assert splits >= 4
    assert looks == [(2**number, number) for number in range(splits.bit_length())]


def test_columns_join_and_take() -> None:
    first = Columns(*(np.array(part) for part in ([0, 1], [5, 6], [0, 2, 3], [0, 4, 1])))
    both = join([first, first.take(np.array([1]))])
    assert both.kinds.tolist() == [0, 1, 1]
    assert [both.atoms_of(c) for c in range(3)] == [[0, 4], [1], [1]]
    assert both.roots.tolist() == [0, 1, 1]
    assert len(join([])) == 0
    assert both.take(np.array([False, True, False])).values.tolist() == [6]


def test_too_many_groups_to_pack_is_noted() -> None:
    """Values too large for prices leave CP-SAT alone with the packing."""
    problem = triangle(pair_values=[2**54, 2**54, 2**54 - 1])
    context = SolveContext(problem, Limits(work=2_000_000))
    generate_columns(context, EnumerationSettings(max_packed=1))
    assert context.objective == 0
    assert any("more than the 1 that are packed" in note for note in context.notes)


@pytest.mark.parametrize(
    ("seed", "strategy"), [([59722149, 5296], "columns"), ([59722149, 3314], "enumerate")]
)
def test_a_bound_may_meet_the_incumbent_before_the_best_choice_is_told(
    seed: list[int], strategy: str
) -> None:
    """The last choice heard of was then taken for the best, and its value for a bound."""
    problem = random_problem(np.random.default_rng(seed), 6)
    result = solve(problem, Limits(work=2_000_000), strategy=strategy)
    assert result.status is Status.OPTIMAL
    assert result.objective == 0
