"""Strategy "columns": every way through it against brute force, and the domain's size."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from solver_spec.judging import numbered_problem
from solver_spec.problems import random_odd_set

from solver import (
    Curve,
    Group,
    Grouping,
    GroupingProblem,
    Limits,
    Result,
    Status,
    group_value,
    solve,
    verify,
)
from solver.column_generation import (
    EnumerationSettings,
    diving,
    generate_columns,
    group_search,
    kernels,
)
from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.columns import Columns, Prices, no_prices, reduced_values
from solver.column_generation.generation import Relaxation
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.kernels import NOTHING
from solver.column_generation.proof import Proof
from solver.column_generation.strategy import _Run
from solver.context import SolveContext
from solver.events import Event, EventKind

SMALL = Limits(work=2_000_000)
ALL = 10**9
#: Settings that force a way: the plain list, cuts on the list, column generation, and limits so
#: narrow that most runs must step back.
WAYS = {
    "list": EnumerationSettings(),
    "few groups": EnumerationSettings(max_listed=0),
    "few groups, branching": EnumerationSettings(max_listed=0, few_packed=0),
    "few groups, short lists": EnumerationSettings(max_listed=0, max_few=4),
    "relaxation": EnumerationSettings(max_listed=0, few_chosen=0),
    "branching": EnumerationSettings(max_listed=0, few_chosen=0, max_packed=0),
    "large": EnumerationSettings(max_listed=0, few_chosen=0, large=1),
    "short list": EnumerationSettings(max_listed=6),
    "branch and price": EnumerationSettings(
        max_listed=0, few_chosen=0, max_pool=0, max_window=0, branch_units=0
    ),
    "narrow": EnumerationSettings(
        max_listed=0,
        few_chosen=0,
        listing_units=0,
        max_branches=1,
        max_pool=3,
        max_window=2,
        max_packed=4,
        columns_per_root=1,
        root_units=(1, 10_000),
    ),
}


def domain_like(
    num_items: int,
    seed: int,
    density: float | None = None,
    degree: int | None = None,
    max_total: int = 4,
) -> GroupingProblem:
    """Firms, four marketing plans and five product families, of the domain's sizes, in cents.

    Pairs are near in a latent space: the nearest of all pairs, or of each firm. A plan costs
    tens of thousands of dollars; a family pays from its minimum order up to its demand; members
    must afford the first two years and one of them has exported before.
    """
    rng = np.random.default_rng(seed)
    num_kinds, families = 4, 5
    place = rng.random((num_items, 3))
    noise = rng.normal(0, 0.12, (num_items, num_items))
    score = np.linalg.norm(place[:, None] - place[None], axis=2) + (noise + noise.T) / 2
    upper = np.triu_indices(num_items, 1)
    if density is not None:
        keep = np.zeros(len(upper[0]), bool)
        keep[np.argsort(score[upper], kind="stable")[: round(density * len(keep))]] = True
    else:
        assert degree is not None
        np.fill_diagonal(score, 9)
        near = np.zeros((num_items, num_items), bool)
        nearest = np.argsort(score, axis=1)[:, : round(0.73 * degree)]
        near[np.arange(num_items)[:, None], nearest] = True
        keep = (near | near.T)[upper]
    closeness = 0.78 - 0.35 * score[upper][keep] + rng.normal(0, 0.03, keep.sum())
    price = np.array([14.4, 19.2, 36.0, 48.0, 6.0])  # USD a lot
    purchase = np.array([12_000, 8_000, 10_000, 6_000, 8_000])
    turnover = np.exp(rng.normal(11.5, 0.8, num_items))
    makes = rng.random((num_items, families)) < 0.42
    makes[np.arange(num_items), rng.integers(0, families, num_items)] = True
    share = rng.dirichlet(np.ones(families), num_items) * makes
    share /= share.sum(axis=1, keepdims=True)
    lots = np.floor(turnover[:, None] * share * 0.2125 / price).astype(np.int64)
    buyers = [1, 4, 4, 7]
    promotion = np.array([2_500, 14_900, 9_500, 23_900])
    member_promotion = np.array([300, 900, 400, 900])
    fixed = np.array([55_000, 106_600, 85_000, 142_600])
    alone = np.where(rng.random(num_items) < 0.15, rng.uniform(0, 6000, num_items), 0)
    upgrade = np.where(rng.random(num_items) < 0.4, 2700, 0)
    own = 3.6 * (0.55 * member_promotion[:, None] + 300) + upgrade + alone
    resources = [np.minimum(lots[:, p], int(1.6 * purchase[p] / price[p])) for p in range(families)]
    curves = {}
    for k in range(num_kinds):
        for p in range(families):
            demand = int(0.9 * buyers[k] * purchase[p] / price[p])
            least = int(4000 / price[p])
            slope, bonus = round(54.32 * price[p]), 97_000
            if demand > least:
                jump = (least, slope * least + bonus)
                end = (demand, slope * demand + bonus)
                curves[k, p] = Curve(((0, 0), (least, 0), jump, end))
    pay = np.clip(0.012 * turnover * rng.uniform(0.7, 1.6, num_items), 300, 12_000)
    resource_min = np.zeros((num_kinds, families + 2 * num_kinds + 1), np.int64)
    for k in range(num_kinds):
        for year, subsidy in enumerate((0.75, 0.6)):
            spare = pay - 300 - member_promotion[k] * (1 - subsidy)
            resource_min[k, len(resources)] = max(
                0, round(55 * (fixed[k] / 4.6 - subsidy * promotion[k])) + 0 * year
            )
            resources.append(np.maximum(0, np.rint(100 * spare)).astype(np.int64))
    resources.append((rng.random(num_items) < 0.3).astype(np.int64))
    resource_min[:, -1] = 1
    eligible = (pay[None] - 300 - 0.25 * member_promotion[:, None] >= 0) & (
        rng.random(num_items) < 0.95
    )
    budget_use = np.zeros((2, num_kinds, num_items), np.int64)
    budget_use[1] = 50 * member_promotion[:, None]
    return GroupingProblem(
        num_items=num_items,
        kinds=("catalogue", "fair", "agent", "both"),
        item_values=-np.rint(100 * own).astype(np.int64),
        pairs=np.stack([upper[0][keep], upper[1][keep]], axis=1),
        pair_values=np.rint(360.5 * (100 * closeness - 60)).astype(np.int64),
        absent_pairs="forbidden",
        open_values=-np.rint(100 * (fixed - 1.8 * promotion)).astype(np.int64),
        min_size=np.full(num_kinds, 5),
        max_size=np.full(num_kinds, 9),
        eligible=eligible,
        resources=np.stack(resources),
        resource_min=resource_min,
        curves=curves,
        shared_group_use=np.array([[1] * num_kinds, 100 * promotion]),
        shared_item_use=budget_use,
        shared_limit=np.array([max_total, 1_170_000 * max_total]),
    )


def run(
    problem: GroupingProblem, way: str = "list", limits: Limits = SMALL, **options: Any
) -> SolveContext:
    """A context after one way through the strategy."""
    context = SolveContext(problem, limits, **options)
    generate_columns(context, WAYS[way])
    return context


def described(atoms: Atoms, columns: Columns) -> list[tuple[int, tuple[int, ...], int]]:
    """(kind, atoms, value) of columns, in order."""
    return sorted(
        (int(columns.kinds[c]), tuple(sorted(columns.atoms_of(c))), int(columns.values[c]))
        for c in range(len(columns))
    )


def random_prices(
    rng: np.random.Generator, atoms: Atoms, columns: Columns, scale: int, all_positive: bool
) -> Prices:
    """Any prices of the size of the values, and up to three cuts."""
    unit = int(np.abs(columns.values).max(initial=1))
    n, problem = atoms.num_atoms, atoms.problem
    low = 0 if all_positive else -unit
    num_cuts = 0 if n < 3 else int(rng.integers(0, 4))
    odd_sets = tuple(random_odd_set(rng, n) for _ in range(num_cuts))
    return Prices(
        scale,
        rng.integers(low, unit + 1, n) * scale // 4,
        rng.integers(-unit, unit + 1, problem.num_kinds) * scale // 4,
        rng.integers(0, unit // 1000 + 2, problem.num_shared_limits) * scale // 7,
        rng.integers(0, unit + 1, num_cuts) * scale // 3,
        odd_sets,
    )


def every_group(search: GroupSearch) -> Columns:
    """All feasible groups, useful or not."""
    thresholds = {k: np.full(search.atoms.num_atoms, NOTHING) for k in search.kinds}
    prices = no_prices(search.atoms, search.scale)
    return search._run(prices, thresholds, ALL, ALL).columns


# -- against brute force ---------------------------------------------------------------------------


def cross_check(index: int, way: str, max_items: int = 6) -> None:
    problem, optimum = numbered_problem(17, index, max_items)
    context = run(problem, way)
    if way == "narrow":
        if optimum is None:
            assert context.grouping is None
            return
        assert not context.infeasible
        assert context.objective is None or context.objective <= optimum.objective
        assert context.bound is None or context.bound >= optimum.objective
        return
    if optimum is None:
        assert context.infeasible, index
    else:
        found = (context.objective, context.bound)
        assert found == (optimum.objective, optimum.objective), (index, context.notes)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_proves_the_optimum_of_small_problems(way: str) -> None:
    for index in range(120):
        cross_check(index, way)


@pytest.mark.parametrize("way", ["list", "relaxation"])
def test_nine_items_end_with_a_proof(way: str) -> None:
    for index in range(15):
        cross_check(index, way, max_items=9)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_many_small_problems(way: str) -> None:
    for index in range(1000, 3000):
        cross_check(index, way)


@pytest.fixture(params=[1, 3], ids=["one lane", "three lanes"])
def lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Limits with which a search takes so many threads, also for few roots."""
    monkeypatch.setattr(group_search, "LEAST_ROOTS", 1)
    return Limits(seconds=600, workers=request.param)


def test_listed_groups_are_all_feasible_groups(lanes: Limits) -> None:
    """Without rules between groups, a group is listed iff ``verify`` accepts it alone."""
    for index in range(60):
        problem, _ = numbered_problem(18, index)
        problem = problem.replace(
            must_join=None,
            pinned=(),
            pinned_may_grow=False,
            min_groups=None,
            max_groups=None,
            shared_group_use=None,
            shared_item_use=None,
            shared_limit=None,
        )
        n = problem.num_items
        expected = [
            Group(k, members)
            for k in range(problem.num_kinds)
            for size in range(1, n + 1)
            for members in combinations(range(n), size)
            if verify(problem, Grouping([Group(k, members)])).feasible
        ]
        atoms = contract(problem)
        search = GroupSearch(atoms, SolveContext(problem, lanes))
        columns = every_group(search)
        found = {columns.group(atoms, c): int(columns.values[c]) for c in range(len(columns))}
        assert len(found) == len(columns)
        assert found == {group: group_value(problem, group) for group in expected}
        useful = search.every(ALL, ALL)
        assert useful.complete
        kept = {useful.columns.group(atoms, c) for c in range(len(useful.columns))}
        assert kept == {group for group, value in found.items() if value > 0}


def test_search_at_prices_finds_exactly_the_groups_that_reach_the_threshold(
    lanes: Limits,
) -> None:
    for index in range(80):
        problem, _ = numbered_problem(19, index, max_items=7)
        atoms = contract(problem)
        search = GroupSearch(atoms, SolveContext(problem, lanes))
        columns = every_group(search)
        rng = np.random.default_rng(index)
        prices = random_prices(rng, atoms, columns, search.scale, all_positive=False)
        assert search.accepts(prices)
        reduced = reduced_values(atoms, columns, columns.uses(atoms), prices)
        unit = int(np.abs(columns.values).max(initial=1))
        least = int(rng.integers(-unit, unit + 1)) * search.scale // 2
        expected = described(atoms, columns.take(reduced >= least))
        thresholds = {k: np.full(atoms.num_atoms, least) for k in search.kinds}
        found = search._run(prices, thresholds, ALL, ALL)
        assert found.complete
        assert described(atoms, found.columns) == expected, index

        # Raising thresholds end with the exact best; whose root it counts under is the search's
        # own choice.
        raised = search.improving(prices, least, ALL, ALL)
        assert raised.complete
        best = int(reduced.max(initial=NOTHING))
        assert max(best, least - 1) == max(int(raised.best.max(initial=NOTHING)), least - 1)


def test_compiled_and_plain_search_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain function, which knows no int64, finds the same groups in the same order."""

    def found(problem: GroupingProblem) -> tuple[list[int], list[int], list[int], int]:
        atoms = contract(problem)
        context = SolveContext(problem, Limits(work=50_000_000))
        search = GroupSearch(atoms, context)
        columns = search.every(ALL, ALL).columns
        rng = np.random.default_rng(1)
        prices = random_prices(rng, atoms, columns, search.scale, all_positive=True)
        more = search.improving(prices, 1, ALL, ALL).columns
        kept = [columns.values.tolist(), more.values.tolist(), more.members.tolist()]
        return (*kept, context.work)

    problems = [numbered_problem(20, index, max_items=7)[0] for index in range(12)]
    problems.append(domain_like(16, seed=1, density=0.8))
    compiled = [found(problem) for problem in problems]
    monkeypatch.setattr(group_search, "search", kernels.search.py_func)
    assert [found(problem) for problem in problems] == compiled


# -- single rules ----------------------------------------------------------------------------------


def test_atoms_put_must_join_first_and_merge_chains() -> None:
    problem = GroupingProblem(
        num_items=6,
        kinds=("a", "b"),
        item_values=np.arange(12).reshape(2, 6),
        pairs=np.array([[0, 1], [1, 5], [3, 4]]),
        pair_values=np.array([100, 10, 1]),
        together=((0, 1), (1, 2)),
        pinned=(Group(1, (3,)),),
    )
    atoms = contract(problem)
    assert atoms.items[0] == (3,)
    assert atoms.must.tolist() == [True, False, False, False]
    merged = atoms.items.index((0, 1, 2))
    assert atoms.values[:, merged].tolist() == [103, 121]
    assert atoms.eligible[:, 0].tolist() == [False, True]
    # The pin may not grow: it has no neighbour, and is the root of its one group.
    assert atoms.start[:2].tolist() == [0, 0]
    assert run(problem).objective == run(problem, "relaxation").objective


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"together": ((0, 2),)}, "belong to another pin"),
        ({"together": ((0, 4),)}, "may not grow"),
    ],
)
def test_pins_that_cannot_be_are_named(changes: dict[str, Any], reason: str) -> None:
    problem = GroupingProblem(
        num_items=5,
        kinds=("g",),
        pinned=(Group(0, (0, 1)), Group(0, (2, 3))),
        pinned_may_grow=(False, True),
        **changes,
    )
    assert reason in str(contract(problem).impossible)
    assert run(problem).infeasible


def test_values_too_large_for_bounds_are_listed_or_stepped_back_from() -> None:
    problem = GroupingProblem(
        num_items=4,
        kinds=("g",),
        item_values=np.array([[2**55, 2**55, -(2**55), 5]]),
        pairs=np.array([[0, 1]]),
        pair_values=np.array([-(2**56) + 7]),
        max_size=np.array([2]),
    )
    context = run(problem)
    assert (context.objective, context.bound) == (2**56 + 5, 2**56 + 5)
    context = run(problem, "relaxation")
    assert (context.objective, context.bound) == (0, None)
    assert any("too large" in note for note in context.notes)


def test_a_neutral_problem_with_too_many_pairs_steps_back() -> None:
    problem = GroupingProblem(
        num_items=3000, kinds=("g",), item_values=np.ones((1, 3000), np.int64)
    )
    context = run(problem)
    assert context.bound is None
    assert any("pairs of items" in note for note in context.notes)


def test_most_groups_in_all_follows_from_numbers_sizes_and_shared_limits() -> None:
    problem = GroupingProblem(num_items=12, kinds=("a", "b"), min_size=np.array([3, 2]))
    assert contract(problem).max_total_groups == 6
    assert contract(problem.replace(max_groups=[1, 2])).max_total_groups == 3
    shared = {"shared_group_use": [[1, 1]], "shared_limit": [4], "shared_item_use": None}
    assert contract(problem.replace(**shared)).max_total_groups == 4
    gives = np.zeros((1, 2, 12), np.int64)
    gives[0, 0, 0] = -1
    assert contract(problem.replace(**{**shared, "shared_item_use": gives})).max_total_groups == 6


def test_an_incumbent_given_at_the_start_is_used() -> None:
    problem = domain_like(60, seed=1, density=0.56)
    first = solve(problem, Limits(work=20_000_000), strategy="columns")
    again = solve(problem, Limits(work=20_000_000), strategy="columns", start=first.grouping)
    assert (again.status, again.objective) == (Status.OPTIMAL, first.objective)


# -- limits ----------------------------------------------------------------------------------------


def test_a_work_limit_gives_the_same_answer_every_time() -> None:
    problem = domain_like(60, seed=0, density=0.56, max_total=8)

    def answer(work: int) -> tuple[Any, ...]:
        result = solve(problem, Limits(work=work), strategy="columns")
        trace = [(point.work, point.objective, point.bound) for point in result.trace]
        return result.grouping, result.objective, result.bound, result.work, trace

    for work in (30_000, 120_000, 5_000_000):
        first = answer(work)
        assert answer(work) == first
        assert first[3] < work + 200_000


def test_something_is_found_long_before_the_relaxation_is_solved() -> None:
    """Dives on the way: a run that ends early has groups to show."""
    context = SolveContext(domain_like(200, seed=1, density=0.5), Limits(work=1_000_000))
    generate_columns(context)
    unproved = [point for point in context.trace if point.bound is None]
    worth = [point.objective or 0 for point in unproved]
    assert context.bound is not None
    assert worth[1] > 0.6 * context.bound
    assert worth[-1] > 0.9 * context.bound
    assert unproved[1].work < context.work / 4


@pytest.mark.parametrize("dives", [0, 1])
def test_dives_on_the_way_take_a_small_part_of_the_work(
    dives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = 0
    dive = diving.Diver.dive

    def measured(self: diving.Diver, *args: Any) -> list[int] | None:
        nonlocal units
        before = self.context.work
        try:
            return dive(self, *args)
        finally:
            if self.find is diving.no_pricing:
                units += self.context.work - before

    monkeypatch.setattr(diving.Diver, "dive", measured)
    context = SolveContext(domain_like(120, seed=1, density=0.5), Limits(work=4_000_000))
    generate_columns(context, EnumerationSettings(dives=dives))
    assert (units > 0) is (dives > 0)
    # One dive may go beyond the tenth, and one more ends the approach.
    assert units < context.work / 5


def test_an_observer_can_stop_it_and_keeps_what_is_proved() -> None:
    problem = domain_like(60, seed=0, density=0.56)
    seen: list[Event] = []

    def stop_at_first_bound(event: Event) -> bool:
        seen.append(event)
        return event.kind is not EventKind.BOUND

    result = solve(problem, strategy="columns", observer=stop_at_first_bound)
    assert seen[-1].kind is EventKind.BOUND
    assert result.stopped_by == "observer"
    assert result.bound == seen[-1].bound
    optimum = solve(problem, strategy="columns")
    assert result.bound is not None
    assert optimum.objective is not None
    assert result.bound >= optimum.objective


@pytest.mark.parametrize("phase", ["listing", "column generation", "packing"])
def test_it_can_be_stopped_in_any_phase(phase: str) -> None:
    problem = domain_like(60, seed=0, density=0.56)
    result = solve(problem, strategy="columns", observer=lambda event: event.phase != phase)
    assert result.stopped_by == "observer"
    assert result.status is Status.FEASIBLE


# -- the domain's sizes ----------------------------------------------------------------------------


def proved(problem: GroupingProblem, work: int = 60_000_000) -> Result:
    result = solve(problem, Limits(work=work), strategy="columns")
    assert result.status is Status.OPTIMAL, result.notes
    assert result.objective is not None
    assert result.objective > 0
    return result


@pytest.mark.parametrize("seed", range(3))
def test_sixty_firms_are_proved(seed: int) -> None:
    proved(domain_like(60, seed, density=0.56))


def test_ways_agree_on_a_medium_problem() -> None:
    problem = domain_like(40, seed=2, density=0.6)
    objectives = {
        way: run(problem, way, Limits(work=60_000_000)).objective
        for way in ("list", "branching", "relaxation")
    }
    assert len(set(objectives.values())) == 1, objectives


def test_three_hundred_sparse_firms_are_proved() -> None:
    proved(domain_like(300, seed=0, degree=41))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_hundred_and_fifty_dense_firms_are_proved(seed: int) -> None:
    proved(domain_like(150, seed, density=0.5))
    proved(domain_like(150, seed, density=0.5, max_total=12))


@pytest.mark.slow
def test_three_thousand_six_hundred_sparse_firms_are_proved() -> None:
    proved(domain_like(3600, seed=0, degree=47, max_total=60))


@pytest.mark.parametrize("failures", [1, 10**6])
def test_glop_giving_up_costs_the_bound_and_never_the_run(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MathOpt raises its masked error for GLOP's ABNORMAL: once is mended, always is said."""
    from ortools.math_opt.python import mathopt

    calls = 0
    solve_lp = mathopt.IncrementalSolver.solve

    def abnormal(self: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls <= failures:
            raise AttributeError("'StatusNotOk' object has no attribute 'canonical_code'")
        return solve_lp(self, **options)

    monkeypatch.setattr(mathopt.IncrementalSolver, "solve", abnormal)
    rng = np.random.default_rng(3)
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12)]
    problem = GroupingProblem(
        num_items=12,
        kinds=("a",),
        pairs=pairs,
        pair_values=rng.integers(-5, 9, len(pairs)),
        max_size=[5],
        open_values=[-3],
    )
    context = SolveContext(problem, Limits(work=50_000_000))
    generate_columns(context, EnumerationSettings(max_listed=10))
    assert calls > 1
    assert context.grouping is not None
    assert (context.bound is not None) == (failures == 1)
    assert bool(context.notes) == (failures > 1)


# -- minimum orders --------------------------------------------------------------------------------


def short_of_every_minimum_order(seed: int, reached: float, num_items: int = 40) -> GroupingProblem:
    """Five families, each with a minimum order; the largest group brings a part of it at most."""
    rng = np.random.default_rng(seed)
    families, most = 5, 6
    quantity = rng.integers(50, 100, (families, num_items))
    pairs = np.array([p for p in combinations(range(num_items), 2) if rng.random() < 0.5])
    curves = {}
    for f in range(families):
        least = int(np.sort(quantity[f])[-most:].sum() / reached) + 1
        curves[0, f] = Curve(((0, 0), (least, 0), (least, 5000), (2 * least, 5000 + 40 * least)))
    return GroupingProblem(
        num_items=num_items,
        kinds=("k",),
        item_values=rng.integers(-300, 100, (1, num_items)),
        pairs=pairs,
        pair_values=rng.integers(-100, 200, len(pairs)),
        absent_pairs="forbidden",
        open_values=np.array([-50]),
        min_size=np.array([3]),
        max_size=np.array([most]),
        resources=quantity,
        curves=curves,
    )


@pytest.mark.parametrize("reached", [0.9, 1.2])
def test_bound_where_minimum_orders_are_just_missed(reached: float) -> None:
    """Envelopes promise most where nothing is sold; the bound holds, and pricing makes it sharp."""
    for seed in range(3):
        problem = short_of_every_minimum_order(seed, reached)
        plain = solve(problem, Limits(work=50_000_000), strategy="enumerate")
        assert plain.status is Status.OPTIMAL
        context = SolveContext(problem, Limits(work=50_000_000))
        generate_columns(context, WAYS["relaxation"])
        bounds = [point.bound for point in context.trace if point.bound is not None]
        assert plain.objective is not None
        assert min(bounds) >= plain.objective
        assert context.objective == context.bound == plain.objective


def test_a_row_that_is_hard_to_meet_needs_many_rounds() -> None:
    """The work allowed for a root grew with each of them, until no integer held it."""
    problem, best = numbered_problem(991, 220, 6)
    context = SolveContext(problem, Limits(work=2_000_000))
    generate_columns(context, EnumerationSettings(max_listed=2))
    assert best is not None
    assert (context.objective, context.bound) == (best.objective, best.objective)


def test_without_an_incumbent_no_group_is_left_out() -> None:
    """A list of fewer groups must not pass for all that can matter."""
    problem = GroupingProblem(
        num_items=3, kinds=("a",), item_values=[[5, -90, -90]], must_join=[False, True, True],
        max_size=[1],
    )  # fmt: skip
    context = SolveContext(problem, Limits(work=2_000_000))
    atoms = contract(problem)
    search = GroupSearch(atoms, context)
    run = _Run(context, EnumerationSettings(), atoms, search, Proof(atoms))
    best = Relaxation(no_prices(atoms, 1), 5)
    assert run._gap(best) == search.most_negative()
    context.offer(Grouping([Group(0, (1,)), Group(0, (2,))]))
    assert run._gap(best) == 5 - (-180 + 1)
