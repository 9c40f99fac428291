"""Branches: what pricing finds inside one, and that splitting them is complete."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from solver_spec.judging import numbered_problem
from solver_spec.problems import random_odd_set, random_problem

from solver import Grouping, GroupingProblem, Limits, solve, verify
from solver.column_generation import EnumerationSettings, enumerate_groups, generate_columns
from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.branch import Branch, everything
from solver.column_generation.branch_search import restricted, search_branch
from solver.column_generation.chains import Chains
from solver.column_generation.columns import Columns, Prices, no_prices, reduced_values
from solver.column_generation.diving import Diver, pool_pricing
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.kernels import NOTHING
from solver.column_generation.master import Master
from solver.context import SolveContext

ALL = 10**9


def groups_of(columns: Columns) -> set[tuple[int, frozenset[int], int]]:
    """(kind, atoms, value) of columns."""
    return {
        (int(columns.kinds[c]), frozenset(columns.atoms_of(c)), int(columns.values[c]))
        for c in range(len(columns))
    }


def all_groups(search: GroupSearch, prices: Prices) -> Columns:
    """All feasible groups."""
    thresholds = {k: np.full(search.atoms.num_atoms, NOTHING) for k in search.kinds}
    return search._run(prices, thresholds, ALL, ALL).columns


def random_branch(rng: np.random.Generator, atoms: Atoms) -> Branch:
    """Some decisions of every sort, also odd ones."""
    n, num_kinds = atoms.num_atoms, atoms.problem.num_kinds

    def some_pairs() -> tuple[tuple[int, int], ...]:
        pairs = list(combinations(range(n), 2))
        chosen = rng.permutation(len(pairs))[: int(rng.integers(0, 3))]
        return tuple(pairs[at] for at in chosen.tolist())

    def some_atoms() -> frozenset[int]:
        return frozenset(np.flatnonzero(rng.random(n) < 0.1).tolist())

    most = atoms.max_groups * (rng.random(num_kinds) < 0.9)
    return replace(
        everything(atoms),
        most=tuple(most.tolist()),
        covered=some_atoms(),
        excluded=some_atoms(),
        joined=some_pairs(),
        parted=some_pairs(),
        banned=frozenset((k, i) for k in range(num_kinds) for i in sorted(some_atoms())),
    )


def random_prices(rng: np.random.Generator, atoms: Atoms, unit: int, scale: int) -> Prices:
    n, problem = atoms.num_atoms, atoms.problem
    cuts = 0 if n < 3 else int(rng.integers(0, 4))
    odd_sets = tuple(random_odd_set(rng, n) for _ in range(cuts))
    return Prices(
        scale,
        rng.integers(-unit, unit + 1, n) * scale // 4,
        rng.integers(-unit, unit + 1, problem.num_kinds) * scale // 4,
        rng.integers(0, unit // 1000 + 2, problem.num_shared_limits) * scale // 7,
        rng.integers(0, unit + 1, cuts) * scale // 3,
        odd_sets,
    )


def test_pricing_in_a_branch_finds_what_the_branch_allows() -> None:
    """Over random problems, branches, prices and cuts: the same groups, and each root's best."""
    compared = 0
    for index in range(150):
        rng = np.random.default_rng([5, index])
        problem = random_problem(rng, max_items=7)
        atoms = contract(problem)
        context = SolveContext(problem, Limits(work=ALL))
        search = GroupSearch(atoms, context)
        unit = max(1, int(np.abs(problem.item_values).max(initial=1)))
        prices = random_prices(rng, atoms, unit, search.scale)
        branch = random_branch(rng, atoms)
        inside = search_branch(search, branch)
        if atoms.num_atoms == 0 or not search.accepts(prices) or not inside.accepts(prices):
            continue
        everywhere = all_groups(search, prices)
        allowed = everywhere.take(branch.allows(everywhere))
        # Joined atoms may use a limit together of which one alone gives back.
        useful = (allowed.values > 0) | ~inside.inner.atoms.droppable_kind[allowed.kinds]
        useful |= allowed.some(atoms.must)
        found = inside.within(prices, -search.most_negative(), ALL, ALL)
        assert found.complete
        assert groups_of(found.columns) == groups_of(allowed.take(useful)), index
        reduced = reduced_values(atoms, allowed, allowed.uses(atoms), prices)
        best = inside.improving(prices, 1, ALL, ALL)
        assert best.complete
        assert max(0, best.best.max()) == max(0, reduced.max(initial=0)), index
        compared += len(allowed)
    assert compared > 1000


def test_a_merged_atom_carries_all_it_holds() -> None:
    problem = GroupingProblem(
        num_items=4,
        kinds=("a",),
        item_values=np.array([[1, 2, 4, 8]]),
        pairs=np.array([[0, 1], [0, 2], [1, 2], [0, 3]]),
        pair_values=np.array([10, 20, 30, 40]),
        absent_pairs="forbidden",
    )
    atoms = contract(problem)
    at = {atoms.items[a][0]: a for a in range(4)}
    pair = (min(at[0], at[1]), max(at[0], at[1]))
    merged, first = restricted(atoms, replace(everything(atoms), joined=(pair,)))
    rep = pair[0]
    assert first[pair[1]] == rep
    assert merged.sizes[rep] == 2
    assert merged.values[0, rep] == 1 + 2 + 10
    low = np.repeat(np.arange(4), np.diff(merged.start))
    pairs = {
        frozenset((int(i), int(j))): int(value)
        for i, j, value in zip(low, merged.neighbours, merged.pair_values[0], strict=True)
    }
    # Item 3 goes with 0 but not with 1.
    assert pairs == {frozenset((rep, at[2])): 50}


def two_kinds_of_one_group() -> GroupingProblem:
    """Groups of the same items in either kind, each kind limited to a half of what it wants."""
    return GroupingProblem(
        num_items=4,
        kinds=("a", "b"),
        item_values=np.array([[3, 3, 3, 3], [3, 3, 3, 3]]),
        min_size=np.array([2, 2]),
        max_size=np.array([2, 2]),
        shared_group_use=np.array([[2, 1], [1, 2]]),
        shared_limit=np.array([3, 3]),
    )


def test_a_group_half_in_each_kind_is_split() -> None:
    problem = two_kinds_of_one_group()
    atoms = contract(problem)
    columns = Columns(
        np.array([0, 1, 0, 1]),
        np.full(4, 6),
        np.array([0, 2, 4, 6, 8]),
        np.array([0, 1, 0, 1, 2, 3, 2, 3]),
    )
    weights = np.full(4, 0.5)
    children = everything(atoms).split(columns, weights)
    assert children is not None
    for child in children:
        kept = child.allows(columns)
        assert not kept.all()
    # Each whole choice is in exactly one of them.
    for chosen in ([0, 3], [1, 2], [0], [3], []):
        whole = columns.take(np.array(chosen, np.int64))
        held = [
            bool(child.allows(whole).all()) and all(whole.holding(a).any() for a in child.covered)
            for child in children
        ]
        assert sum(held) == 1


@pytest.mark.parametrize("seed", range(8))
def test_branch_and_price_agrees_with_the_plain_list(seed: int) -> None:
    """Nothing may be listed: branching alone has to close the gap."""
    rng = np.random.default_rng(seed)
    n = 12
    pairs = np.array([pair for pair in combinations(range(n), 2) if rng.random() < 0.7])
    problem = GroupingProblem(
        num_items=n,
        kinds=("a", "b"),
        item_values=rng.integers(-5, 9, (2, n)),
        pairs=pairs,
        pair_values=rng.integers(-6, 9, (2, len(pairs))),
        absent_pairs="forbidden",
        open_values=rng.integers(-12, 0, 2),
        max_size=np.array([4, 3]),
        max_groups=np.array([2, 3]),
        must_join=rng.random(n) < 0.1,
        shared_group_use=np.array([[3, 2]]),
        shared_limit=np.array([8]),
    )
    plain = solve(problem, Limits(work=20_000_000), strategy="enumerate")
    context = SolveContext(problem, Limits(work=60_000_000))
    only_branching = EnumerationSettings(
        max_listed=0, few_chosen=0, max_window=0, max_pool=0, branch_units=0, dives=0
    )
    generate_columns(context, only_branching)
    assert context.infeasible == (plain.status.name == "INFEASIBLE")
    assert (context.objective, context.bound) == (plain.objective, plain.bound)


@pytest.mark.parametrize("seed", range(40))
def test_a_joined_atom_in_one_odd_set_more_than_once(seed: int) -> None:
    """What pricing asks for a row is half the atoms of it, rounded down, whatever was joined."""
    rng = np.random.default_rng(seed)
    problem = GroupingProblem(
        num_items=9,
        kinds=("a",),
        item_values=rng.integers(1, 30, (1, 9)),
        together=((1, 2), (3, 4), (5, 6), (7, 8)),
        max_size=np.array([5]),
    )
    atoms = contract(problem)
    search = GroupSearch(atoms, SolveContext(problem, Limits(work=20_000_000)))
    every = all_groups(search, no_prices(atoms, search.scale))
    a, b = (int(x) for x in rng.choice(5, 2, replace=False))
    third = int(rng.choice([x for x in range(5) if x not in (a, b)]))
    odd_set = tuple(sorted((a, b, third)))
    branch = replace(everything(atoms), joined=((min(a, b), max(a, b)),))
    prices = replace(
        no_prices(atoms, search.scale),
        atoms=rng.integers(0, 10, 5) * search.scale,
        cuts=np.array([int(rng.integers(1, 20)) * search.scale]),
        odd_sets=(odd_set,),
    )
    inside = every.take(branch.allows(every))
    reduced = reduced_values(atoms, inside, inside.uses(atoms), prices)
    least = int(np.sort(reduced)[len(reduced) // 2])
    found = search_branch(search, branch).within(prices, least, ALL, ALL)
    assert found.complete
    assert groups_of(found.columns) == groups_of(inside.take(reduced >= least))


def test_a_dive_offers_a_grouping_and_leaves_the_master_as_it_was() -> None:
    rng = np.random.default_rng(2)
    problem = GroupingProblem(
        num_items=10,
        kinds=("a",),
        pairs=np.array(list(combinations(range(10), 2))),
        pair_values=rng.integers(-6, 9, 45),
        open_values=np.array([-3]),
        max_size=np.array([4]),
    )
    context = SolveContext(problem, Limits(work=20_000_000))
    context.offer(Grouping())
    atoms = contract(problem)
    search = GroupSearch(atoms, context)
    pool = search.every(ALL, ALL).columns
    master = Master(atoms, context, 10)
    master.add(pool.take(np.arange(0, len(pool), 7)))
    before = master.solve()
    Diver(master, context, pool_pricing(pool, search, 10)).dive(0)
    assert context.objective is not None
    assert context.objective > 0
    after = master.solve()
    assert before is not None
    assert after is not None
    assert after.value >= before.value - 1e-6
    master.close()


def diver_among_all(problem: GroupingProblem, context: SolveContext) -> Diver:
    """Dives of a master that has every group; the caller closes it."""
    atoms = contract(problem)
    search = GroupSearch(atoms, context)
    pool = search.every(ALL, ALL).columns
    unit = int(np.abs(pool.values).max(initial=1))
    master = Master(atoms, context, unit)
    master.add(pool)
    return Diver(master, context, pool_pricing(pool, search, unit))


def test_a_dive_leaves_out_at_once_what_no_longer_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three groups fit; a third of another one would, for each of 40, one solve after the other."""
    problem = GroupingProblem(
        num_items=40,
        kinds=("a",),
        item_values=np.arange(40).reshape(1, 40) + 100,
        max_size=np.array([1]),
        shared_group_use=np.array([[3]]),
        shared_limit=np.array([10]),
    )
    context = SolveContext(problem, Limits(work=20_000_000))
    diver = diver_among_all(problem, context)
    master = diver.master
    solves = []
    solve = Master.solve
    monkeypatch.setattr(Master, "solve", lambda self: solves.append(1) or solve(self))
    found = diver.dive()
    assert found is not None
    assert sorted(master.columns.values[found].tolist()) == [137, 138, 139]
    assert len(solves) < 10
    master.close()


def test_a_dive_waits_for_what_makes_room() -> None:
    """An item gives to the limit: what does not fit before it is chosen fits after."""
    problem = GroupingProblem(
        num_items=3,
        kinds=("a",),
        item_values=np.array([[1, 10, 10]]),
        max_size=np.array([1]),
        shared_group_use=np.array([[0]]),
        shared_item_use=np.array([[[-3, 2, 2]]]),
        shared_limit=np.array([1]),
    )
    context = SolveContext(problem, Limits(work=20_000_000))
    diver = diver_among_all(problem, context)
    diver.dive()
    assert context.objective == 21
    diver.master.close()


def test_chains_of_dives_know_what_they_chose() -> None:
    """Whatever they choose is feasible and worth what they think; the master stays as it was."""
    chosen = 0
    for index in range(25):
        problem, optimum = numbered_problem(23, index, max_items=7)
        if optimum is None:
            continue
        context = SolveContext(problem, Limits(work=50_000_000))
        diver = diver_among_all(problem, context)
        master = diver.master
        before = master.solve()
        chains = Chains(diver, np.random.default_rng(index))
        for _ in range(20):
            chains.dive()
            if chains._value is not None:
                chosen += 1
                grouping = master.columns.grouping(master.atoms, chains._chosen)
                assert verify(problem, grouping).objective == chains._value
        assert context.objective is None or context.objective <= optimum.objective
        after = master.solve()
        assert before is not None
        assert after is not None
        assert after.value == pytest.approx(before.value)
        master.close()
    assert chosen > 200


def test_the_plain_method_says_when_it_steps_back() -> None:
    problem = GroupingProblem(num_items=30, kinds=("a",), item_values=np.ones((1, 30), np.int64))
    context = SolveContext(problem, Limits(work=20_000_000))
    enumerate_groups(context, EnumerationSettings(max_packed=1000))
    assert context.bound is None
    assert any("stepped back" in note for note in context.notes)
