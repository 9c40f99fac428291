"""The exact strategy: one test a rule, feasible and infeasible, then everything at random.

Objectives, bounds and proofs are compared, never groupings: those may differ between versions of
CP-SAT. Expected values are by hand, or by the brute force of ``solver_spec``.
"""

from __future__ import annotations

import os
import signal
import threading
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from ortools.sat.python import cp_model
from solver_spec.oracle import best_grouping
from solver_spec.problems import random_problem

from solver import (
    Curve,
    Group,
    Grouping,
    GroupingProblem,
    Limits,
    Result,
    Status,
    solve,
    verify,
)
from solver.errors import ModelTooLarge
from solver.events import Event, EventKind
from solver.exact_atoms import merge_items
from solver.exact_curves import attainable_totals, curve_pieces
from solver.exact_model import MAX_SIZE, ExactModel
from solver.exact_pairs import RelationPairs, SlotPairs

#: Two deterministic seconds: any problem of nine items or fewer must end with a proof.
SMALL = Limits(work=2_000_000)


def exact(problem: GroupingProblem, limits: Limits = SMALL, **options: Any) -> Result:
    return solve(problem, limits, strategy="exact", **options)


def assert_proved(problem: GroupingProblem, expected: int | None) -> None:
    """The exact strategy proves this optimum, or infeasibility for ``None``."""
    result = exact(problem)
    if expected is None:
        assert result.status is Status.INFEASIBLE
        assert result.objective is None
        assert result.bound is None
    else:
        assert (result.status, result.objective, result.bound) == (
            Status.OPTIMAL,
            expected,
            expected,
        )


def problem_of(num_items: int, kinds: int = 1, **fields: Any) -> GroupingProblem:
    return GroupingProblem(num_items=num_items, kinds=tuple("abc"[:kinds]), **fields)


def all_pairs(num_items: int) -> list[tuple[int, int]]:
    return list(combinations(range(num_items), 2))


def clique_partitioning(num_items: int, seed: int = 0) -> GroupingProblem:
    rng = np.random.default_rng(seed)
    pairs = all_pairs(num_items)
    return problem_of(
        num_items,
        pairs=pairs,
        pair_values=rng.integers(-50, 50, len(pairs)),
        must_join=[True] * num_items,
    )


def hard_problem() -> GroupingProblem:
    """Found quickly, proved never: for stopping."""
    return clique_partitioning(40)


def one(**fields: Any) -> GroupingProblem:
    """Three items worth 4, 5 and 6, in one kind."""
    return problem_of(3, **{"item_values": [[4, 5, 6]], **fields})


PAIRED = problem_of(
    4, pairs=all_pairs(4), pair_values=[5, -1, -1, -1, -1, 7], open_values=[-1], max_size=[3]
)

#: Name, problem and optimum by hand (``None``: infeasible).
CASES: list[tuple[str, GroupingProblem, int | None]] = [
    ("nothing to gain", problem_of(3), 0),
    ("nothing worth it", problem_of(2, item_values=[[-1, -2]]), 0),
    ("no items are eligible", problem_of(2, eligible=[[False, False]]), 0),
    ("item values", problem_of(3, item_values=[[4, -5, 6]]), 10),
    ("item values by kind", problem_of(2, 2, item_values=[[4, 1], [2, 3]]), 7),
    ("open value paid once", problem_of(3, item_values=[[4, 5, 6]], open_values=[-3]), 12),
    ("open value too dear", problem_of(3, item_values=[[4, 5, 6]], open_values=[-15]), 0),
    ("open value gained", problem_of(3, open_values=[2]), 6),
    ("pairs of both signs", PAIRED, 5 + 7 - 2),
    ("pairs, all together", PAIRED.replace(max_groups=[1], must_join=[True] * 4), None),
    ("pairs, room for all", PAIRED.replace(max_groups=[1], must_join=[True] * 4, max_size=[4]), 7),
    (
        "pair values by kind",
        problem_of(2, 2, pairs=[(0, 1)], pair_values=[[3], [8]], open_values=[0, -4]),
        4,
    ),
    (
        "pair banned in one kind",
        problem_of(2, 2, pairs=[(0, 1)], pair_values=[[9], [2]], pair_allowed=[[False], [True]]),
        2,
    ),
    (
        "pair banned, both must join one group",
        problem_of(2, pairs=[(0, 1)], pair_allowed=[False], must_join=[True] * 2, max_groups=[1]),
        None,
    ),
    ("absent pairs allowed", problem_of(3, pairs=[(0, 1)], pair_values=[1], min_size=[3]), 1),
    (
        "absent pairs forbidden",
        problem_of(
            3, pairs=[(0, 1)], pair_values=[1], absent_pairs="forbidden", item_values=[[0, 0, 5]]
        ),
        6,
    ),
    (
        "absent pairs forbidden, all must join one",
        problem_of(
            3,
            pairs=[(0, 1), (1, 2)],
            absent_pairs="forbidden",
            must_join=[True] * 3,
            max_groups=[1],
        ),
        None,
    ),
    ("min size", problem_of(3, item_values=[[4, -1, -2]], min_size=[3]), 1),
    ("min size above n", one(min_size=[4], max_size=[9]), 0),
    (
        "min size, one must join",
        one(min_size=[4], max_size=[9], must_join=[True] * 3),
        None,
    ),
    ("max size", one(max_size=[2], max_groups=[1]), 11),
    ("min groups", one(min_groups=[2], open_values=[-3]), 9),
    ("min groups, not enough items", one(min_groups=[2], min_size=[2]), None),
    ("min groups above n", one(min_groups=[7], max_groups=[8]), None),
    ("max groups", one(max_groups=[1], max_size=[1]), 6),
    ("no groups, must join", one(max_groups=[0], must_join=[True, False, False]), None),
    ("eligible", problem_of(2, 2, item_values=[[9, 9], [1, 1]], eligible=[[1 < 0, 0 < 1]] * 2), 9),
    (
        "eligible nowhere, must join",
        one(eligible=[[False] * 3], must_join=[True] * 3),
        None,
    ),
    ("resource min", one(resources=[[1, 1, 0]], resource_min=[[2]]), 15),
    ("resource min too high", one(resources=[[1, 1, 0]], resource_min=[[3]]), 0),
    (
        "resource min too high, must join",
        one(resources=[[1, 1, 0]], resource_min=[[3]], must_join=[False, True, False]),
        None,
    ),
    (
        "resource max",
        one(resources=[[3, 4, 5]], resource_max=[[8]], max_groups=[1]),
        10,
    ),
    (
        "resource max, all must join one group",
        one(resources=[[3, 4, 5]], resource_max=[[11]], max_groups=[1], must_join=[True] * 3),
        None,
    ),
    (
        "resource max below every item",
        one(resources=[[3, 4, 5]], resource_max=[[-1]], resource_min=[[-2]]),
        0,
    ),
    (
        "curve with a minimum order",
        problem_of(3, resources=[[1, 1, 1]], curves={(0, 0): Curve([(0, 0), (2, 0), (2, 9)])}),
        9,
    ),
    (
        "curve below its jump",
        problem_of(3, resources=[[1, 1, 1]], curves={(0, 0): Curve([(0, 0), (4, 0), (4, 9)])}),
        0,
    ),
    (
        "curve, saturating",
        problem_of(
            3,
            item_values=[[-5, -6, -7]],
            resources=[[2, 2, 2]],
            curves={(0, 0): Curve([(0, 0), (3, 12)])},
            max_groups=[1],
        ),
        3,
    ),
    (
        "curve, negative and falling",
        one(resources=[[1, 2, 3]], curves={(0, 0): Curve([(0, 0), (6, -18)])}),
        1,
    ),
    (
        "curve nonzero at 0 counts for open groups only",
        problem_of(2, resources=[[0, 0]], curves={(0, 0): Curve([(0, 3)])}, max_groups=[1]),
        3,
    ),
    (
        "curve negative at 0, must join",
        problem_of(2, resources=[[0, 0]], curves={(0, 0): Curve([(0, -3)])}, must_join=[True] * 2),
        -3,
    ),
    (
        "shared limit on groups",
        one(shared_group_use=[[1]], shared_limit=[1], max_size=[1]),
        6,
    ),
    (
        "shared limit on items",
        one(shared_item_use=[[[3, 4, 5]]], shared_limit=[8]),
        10,
    ),
    (
        "shared limit, uses of both signs",
        one(shared_item_use=[[[3, 4, -2]]], shared_limit=[2]),
        11,
    ),
    (
        "shared limit below 0 obliges",
        problem_of(2, item_values=[[-4, -9]], shared_item_use=[[[-1, -2]]], shared_limit=[-1]),
        -4,
    ),
    (
        "shared limit out of reach",
        problem_of(2, shared_item_use=[[[-1, -2]]], shared_limit=[-4]),
        None,
    ),
    ("must join", problem_of(2, item_values=[[-4, 3]], must_join=[True, False]), -1),
    ("together", problem_of(3, item_values=[[-4, 3, 9]], together=((0, 1),)), 9),
    ("together, chained", problem_of(3, item_values=[[-4, 3, 9]], together=((0, 1), (1, 2))), 8),
    (
        "together in one group",
        problem_of(2, item_values=[[2, 2]], max_size=[1], together=((0, 1),)),
        0,
    ),
    (
        "together too many, must join",
        problem_of(2, max_size=[1], together=((0, 1),), must_join=[True, False]),
        None,
    ),
    ("apart", one(apart=((0, 1, 2),), max_groups=[2]), 11),
    ("apart, one group for all", one(apart=((0, 1),), max_groups=[1], min_size=[3]), 0),
    (
        "apart, all must join one group",
        one(apart=((0, 1),), max_groups=[1], must_join=[True] * 3),
        None,
    ),
    (
        "apart through a chain of together",
        problem_of(3, together=((0, 1), (1, 2)), apart=((0, 2),), item_values=[[1, 1, 1]]),
        0,
    ),
    ("pinned as it is", one(pinned=(Group(0, [0, 1]),), max_groups=[1]), 9),
    (
        "pinned and growing",
        one(pinned=(Group(0, [0, 1]),), max_groups=[1], pinned_may_grow=True),
        15,
    ),
    ("pinned at a loss", problem_of(2, open_values=[-9], pinned=(Group(0, [1]),)), -9),
    ("pinned too small", one(pinned=(Group(0, [0, 1]),), min_size=[3]), None),
    (
        "pinned too small, may grow",
        one(pinned=(Group(0, [0, 1]),), min_size=[3], pinned_may_grow=True),
        15,
    ),
    (
        "pinned not eligible",
        one(pinned=(Group(0, [0]),), eligible=[[False] + [True] * 2]),
        None,
    ),
    (
        "two pins never merge",
        one(pinned=(Group(0, [0]), Group(0, [1])), pinned_may_grow=True, open_values=[-2]),
        11,
    ),
    (
        "two pins held together",
        one(pinned=(Group(0, [0]), Group(0, [1])), pinned_may_grow=True, together=((0, 1),)),
        None,
    ),
    (
        "pin and its partner, one may grow",
        one(
            pinned=(Group(0, [0]), Group(0, [1])),
            pinned_may_grow=(False, True),
            together=((1, 2),),
            open_values=[-2],
        ),
        11,
    ),
    (
        "pin that may not take its partner",
        one(pinned=(Group(0, [0]),), together=((0, 1),)),
        None,
    ),
]


@pytest.mark.parametrize(
    ("problem", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rule(problem: GroupingProblem, expected: int | None) -> None:
    """Each rule binds, where it binds only; the brute force agrees with the hand value."""
    optimum = best_grouping(problem)
    assert (None if optimum is None else optimum.objective) == expected
    assert_proved(problem, expected)


# -- everything at once --------------------------------------------------------------------------


def check_random(seeds: range, max_items: int) -> None:
    for seed in seeds:
        problem = random_problem(np.random.default_rng(seed), max_items)
        optimum = best_grouping(problem)
        result = exact(problem)
        found = (result.status, result.objective, result.bound)
        if optimum is None:
            assert found == (Status.INFEASIBLE, None, None), seed
        else:
            assert found == (Status.OPTIMAL, optimum.objective, optimum.objective), seed


def test_random_problems_of_six_items() -> None:
    check_random(range(300), 6)


def test_random_problems_of_nine_items() -> None:
    """Nine items always end with a proof within two deterministic seconds."""
    check_random(range(10_000, 10_100), 9)


@pytest.mark.slow
def test_many_random_problems() -> None:
    check_random(range(20_000, 23_000), 6)
    check_random(range(30_000, 30_600), 9)


@pytest.mark.parametrize("must_join", [False, True])
@pytest.mark.parametrize("max_size", [4, 9])
def test_dense_problems_of_nine_items(max_size: int, must_join: bool) -> None:
    """The hard ones: all pairs valued, three kinds, jumping curves; both pair models."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem = problem_of(
            9,
            3,
            pairs=all_pairs(9),
            pair_values=rng.integers(-50, 40, (3, 36)),
            item_values=rng.integers(-60, 60, (3, 9)),
            open_values=[-50] * 3,
            min_size=[1, 2, 3],
            max_size=[max_size] * 3,
            resources=rng.integers(1, 30, (1, 9)),
            curves={(k, 0): Curve([(0, 0), (40, 0), (40, 80), (100, 200)]) for k in range(3)},
            must_join=[must_join] * 9,
        )
        pairs = ExactModel(problem).pairs[0]
        assert isinstance(pairs, RelationPairs if max_size == 9 else SlotPairs)
        optimum = best_grouping(problem)
        assert_proved(problem, None if optimum is None else optimum.objective)


def test_values_beyond_what_a_double_holds() -> None:
    """Optimality is decided in whole numbers; a bound of a double would be off by some units."""
    large = 10**16
    problem = problem_of(
        4,
        item_values=[[large + 1, 3, -large, large + 3]],
        pairs=[(0, 1), (0, 3)],
        pair_values=[-5, -2 * large - 1],
        max_groups=[2],
        max_size=[2],
    )
    assert_proved(problem, best_value(problem))


def best_value(problem: GroupingProblem) -> int:
    optimum = best_grouping(problem)
    assert optimum is not None
    return optimum.objective


# -- parts -----------------------------------------------------------------------------------------


def test_pieces_agree_with_the_curve() -> None:
    """At every attainable total exactly one piece holds, and has the curve's value."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        points = [(0, int(rng.integers(-3, 4)))]
        for _ in range(rng.integers(0, 5)):
            x, y = points[-1]
            if (len(points) > 1 and points[-2][0] == x) or rng.random() < 0.6:
                step = int(rng.integers(1, 5))
                points.append((x + step, y + step * int(rng.integers(-2, 3))))
            else:
                points.append((x, y + int(rng.integers(-5, 6))))
        curve = Curve(points)
        base, scale = int(rng.integers(0, 3)), int(rng.integers(1, 4))
        quantities = [scale * int(q) for q in rng.integers(0, 4, rng.integers(0, 5))]
        most = int(rng.integers(0, 6))
        low, high = int(rng.integers(0, 5)), int(rng.integers(4, 40))
        pieces = curve_pieces(curve, attainable_totals(base, quantities, most, low, high))
        assert all(a.high < b.low for a, b in pairwise(pieces))
        for size in range(min(most, len(quantities)) + 1):
            for chosen in combinations(quantities, size):
                total = base + sum(chosen)
                if low <= total <= high:
                    (piece,) = [p for p in pieces if p.low <= total <= p.high]
                    assert piece.value + piece.slope * (total - piece.low) == curve.value(total)


def test_a_jump_at_one_over_certificates_has_two_pieces() -> None:
    curve = Curve([(0, 0), (1, 0), (1, -7)])
    pieces = curve_pieces(curve, attainable_totals(0, [1, 1, 0, 1], 4, 0, 2**62))
    assert [(p.low, p.high, p.value, p.slope) for p in pieces] == [(0, 0, 0, 0), (1, 3, -7, 0)]


def test_totals_too_many_to_list_keep_their_range() -> None:
    totals = attainable_totals(7, [10**12, 10**12 + 1], 2, 0, 2**62)
    assert totals.bits is None
    assert totals.clip(0, 2**62) == (7, 2 * 10**12 + 8)


def test_atoms_merge_what_moves_as_one() -> None:
    problem = problem_of(
        5,
        pairs=[(0, 1), (1, 2), (0, 4)],
        pair_values=[5, 7, 11],
        item_values=[[1, 2, 3, 4, 5]],
        together=((0, 1),),
        pinned=(Group(0, [1, 2]),),
        must_join=[False, False, False, True, False],
    )
    atoms = merge_items(problem)
    at = {members: a for a, members in enumerate(atoms.members)}
    assert set(at) == {(0, 1, 2), (3,), (4,)}
    merged = at[0, 1, 2]
    assert atoms.value[0][merged] == 1 + 2 + 3 + 5 + 7
    assert sum(atoms.pair_value[0].values()) == 11
    # The pin may not grow, so its partner makes it impossible; it must join all the same.
    assert not atoms.eligible[0] >> merged & 1
    assert atoms.must_join[merged]


def test_the_hint_is_complete_and_true() -> None:
    """Fixed to its hint the model is feasible and worth what ``verify`` says."""
    tried = 0
    for seed in range(400, 520):
        problem = random_problem(np.random.default_rng(seed), 7)
        optimum = best_grouping(problem)
        if optimum is None:
            continue
        tried += 1
        exact_model = ExactModel(problem)
        exact_model.hint(Grouping([Group(k, members) for k, members in optimum.groups]))
        model = exact_model.model
        assert len(set(model.proto.solution_hint.vars)) == len(model.proto.variables)
        solver = cp_model.CpSolver()
        solver.parameters.fix_variables_to_their_hinted_value = True
        solver.parameters.num_workers = 1
        assert solver.solve(model) == cp_model.OPTIMAL
        assert round(solver.objective_value) == optimum.objective
    assert tried > 50


def test_the_start_is_never_lost() -> None:
    problem = clique_partitioning(12)
    start = Grouping([Group(0, [i]) for i in range(12)])
    result = exact(problem, start=start)
    assert result.status is Status.OPTIMAL
    assert result.trace[0].objective == 0
    little = exact(problem, Limits(work=1), start=start)
    assert (little.status, little.objective, little.stopped_by) == (Status.FEASIBLE, 0, "work")


# -- stepping back --------------------------------------------------------------------------------


def test_a_large_model_is_not_built() -> None:
    problem = problem_of(1000, item_values=[[1] * 1000])
    result = exact(problem, Limits(seconds=20))
    # The empty grouping is all that is known.
    assert (result.status, result.bound, result.stopped_by) == (Status.FEASIBLE, None, "exhausted")
    assert result.objective == 0
    (note,) = result.notes
    assert "stepped back" in note
    assert str(MAX_SIZE) in note


def test_the_limit_of_size_is_the_callers() -> None:
    size = ExactModel(one()).size
    assert ExactModel(one(), max_size=size).size == size
    with pytest.raises(ModelTooLarge, match=f"limit of {size - 1}"):
        ExactModel(one(), max_size=size - 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"item_values": [[2**60, 2**60]]},
        {"resources": [[2**60, 2**60]]},
        {"shared_item_use": [[[2**60, 2**60]]], "shared_limit": [0]},
    ],
    ids=["values", "resources", "shared"],
)
def test_numbers_too_large_are_not_claimed(fields: dict[str, Any]) -> None:
    result = exact(problem_of(2, **{"open_values": [1], **fields}))
    assert (result.status, result.bound) == (Status.FEASIBLE, None)
    assert "stepped back" in result.notes[0]


@pytest.mark.parametrize("limit", [-(2**62), 2**62])
def test_a_shared_limit_far_beyond_any_use(limit: int) -> None:
    problem = one(shared_item_use=[[[1, 1, 1]]], shared_limit=[limit])
    assert_proved(problem, 15 if limit > 0 else None)


# -- limits and cancelling ------------------------------------------------------------------------


def test_the_same_work_gives_the_same_answer() -> None:
    problem = clique_partitioning(25)
    first, second = (exact(problem, Limits(work=300_000, seed=3)) for _ in range(2))
    assert first.stopped_by == "work"
    assert first.grouping == second.grouping
    assert (first.objective, first.bound, first.work) == (
        second.objective,
        second.bound,
        second.work,
    )


def test_an_observer_sees_all_and_stops() -> None:
    events: list[Event] = []
    threads = set()

    def observer(event: Event) -> bool:
        events.append(event)
        threads.add(threading.current_thread())
        return event.kind is not EventKind.INCUMBENT

    result = exact(hard_problem(), Limits(seconds=30), observer=observer)
    assert result.stopped_by == "observer"
    assert result.seconds < 10
    assert result.grouping is not None
    assert threads == {threading.current_thread()}
    assert events[0].kind is EventKind.PHASE


def test_an_observers_stop_is_deterministic() -> None:
    """After the stop nothing is listened to, however far CP-SAT has run on."""

    def stop_at_the_first(event: Event) -> bool:
        return event.kind is not EventKind.INCUMBENT

    found = {
        exact(hard_problem(), Limits(work=10**8), observer=stop_at_the_first).grouping
        for _ in range(3)
    }
    assert len(found) == 1


def test_an_observers_error_propagates_and_leaves_no_thread() -> None:
    def observer(event: Event) -> None:
        if event.kind is EventKind.INCUMBENT:
            raise RuntimeError("seen")

    with pytest.raises(RuntimeError, match="seen"):
        exact(hard_problem(), Limits(seconds=30), observer=observer)
    assert "cp-sat" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_returns_the_best_answer(times: int) -> None:
    """Once asks, twice insists; both end with the best grouping and no thread left behind."""
    ready = threading.Event()

    def press() -> None:
        ready.wait(20)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)

    def observer(event: Event) -> None:
        if event.kind is EventKind.INCUMBENT:
            ready.set()

    hand = threading.Thread(target=press)
    hand.start()
    result = exact(hard_problem(), Limits(seconds=60), observer=observer)
    hand.join()
    assert result.stopped_by == "interrupt"
    assert result.seconds < 30
    assert result.grouping is not None
    assert verify(hard_problem(), result.grouping).feasible
    assert "cp-sat" not in {thread.name for thread in threading.enumerate()}


def test_the_clock_stops_it() -> None:
    result = exact(hard_problem(), Limits(seconds=1.5))
    assert result.stopped_by == "seconds"
    assert result.seconds < 6
    if result.objective is not None and result.bound is not None:
        assert result.objective <= result.bound


def test_a_gap_stops_it() -> None:
    result = exact(clique_partitioning(20), Limits(work=20_000_000, gap=0.5))
    assert result.gap is not None
    assert result.gap <= 0.5
    assert result.stopped_by in ("gap", "optimal")


def test_two_workers_prove_the_same() -> None:
    problem = clique_partitioning(14)
    one, two = (exact(problem, Limits(seconds=60, workers=workers)) for workers in (1, 2))
    assert (one.status, one.objective) == (Status.OPTIMAL, two.objective)
    assert two.status is Status.OPTIMAL
