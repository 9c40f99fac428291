"""Conflicts: right rules by hand, and irreducible on random problems by brute force."""

from __future__ import annotations

import threading
import time
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from solver_spec.oracle import best_grouping
from solver_spec.problems import random_problem

from solver import Conflict, Group, GroupingProblem, Limits, explain_infeasible, solve
from solver.explain import Rule, named_rules, relaxed

LIMITS = Limits(work=20_000_000)


def problem_of(num_items: int, kinds: int = 1, **fields: Any) -> GroupingProblem:
    return GroupingProblem(num_items=num_items, kinds=tuple("abc"[:kinds]), **fields)


def all_pairs(num_items: int) -> list[tuple[int, int]]:
    return list(combinations(range(num_items), 2))


def names(conflict: Conflict | None) -> list[tuple[str, tuple[int, ...] | None]]:
    assert conflict is not None
    assert conflict.confirmed
    assert not conflict.note
    return [(rule.name, rule.index) for rule in conflict.rules]


#: Each has exactly one irreducible conflict.
CASES: list[tuple[GroupingProblem, list[tuple[str, tuple[int, ...] | None]]]] = [
    (
        problem_of(3, 2, eligible=[[True, False, True]] * 2, must_join=[True] * 3),
        [("eligible", (1,)), ("must_join", (1,))],
    ),
    (
        problem_of(
            3,
            2,
            pairs=[(0, 1), (0, 2)],
            pair_allowed=[[True, True], [False, True]],
            min_size=[1, 3],
            min_groups=[0, 1],
        ),
        [("pair_allowed", (1,)), ("min_size", (1,)), ("min_groups", (1,))],
    ),
    (
        problem_of(3, pairs=[(0, 1)], absent_pairs="forbidden", pinned=(Group(0, [0, 2]),)),
        [("absent_pairs", None), ("pinned", (0,))],
    ),
    (
        problem_of(4, max_size=[1], max_groups=[3], must_join=[True] * 4),
        [("max_size", (0,)), ("max_groups", (0,)), *(("must_join", (i,)) for i in range(4))],
    ),
    (
        problem_of(
            3,
            resources=[[2, 3, 4], [1, 1, 1]],
            resource_max=[[8, 9]],
            pinned=(Group(0, [0, 1, 2]),),
        ),
        [("resource_max", (0, 0)), ("pinned", (0,))],
    ),
    (
        problem_of(
            3, resources=[[2, 3, 4]], resource_min=[[10]], resource_max=[[10]], min_groups=[1]
        ),
        [("resource_min", (0, 0)), ("min_groups", (0,))],
    ),
    (
        problem_of(
            3,
            shared_group_use=[[5], [1]],
            shared_limit=[4, 9],
            must_join=[False, False, True],
        ),
        [("shared_limit", (0,)), ("must_join", (2,))],
    ),
    (
        problem_of(2, shared_item_use=[[[-1, -2]]], shared_limit=[-4]),
        [("shared_limit", (0,))],
    ),
    (
        problem_of(4, apart=((1, 2),), min_size=[4], min_groups=[1]),
        [("min_size", (0,)), ("apart", (0,)), ("min_groups", (0,))],
    ),
    (
        problem_of(4, together=((0, 1), (2, 3)), pinned=(Group(0, [3]),)),
        [("together", (1,)), ("pinned", (0,))],
    ),
    (
        problem_of(
            4,
            together=((1, 2),),
            pinned=(Group(0, [1]), Group(0, [2])),
            pinned_may_grow=(True, True),
        ),
        [("together", (0,)), ("pinned", (0,)), ("pinned", (1,))],
    ),
    (
        problem_of(3, min_groups=[4], max_groups=[5]),
        [("min_groups", (0,))],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "expected"), CASES)
def test_the_only_conflict_is_found(
    problem: GroupingProblem, expected: list[tuple[str, tuple[int, ...] | None]]
) -> None:
    assert best_grouping(problem) is None
    assert names(explain_infeasible(problem, LIMITS)) == expected


def test_a_feasible_problem_has_no_conflict() -> None:
    assert explain_infeasible(problem_of(3, must_join=[True] * 3), LIMITS) is None
    assert explain_infeasible(problem_of(0), LIMITS) is None
    assert explain_infeasible(problem_of(2, kinds=0), LIMITS) is None


def test_without_kinds_an_obligation_is_the_conflict() -> None:
    problem = problem_of(2, kinds=0, must_join=[False, True])
    assert names(explain_infeasible(problem, LIMITS)) == [("must_join", (1,))]


def test_values_and_curves_are_no_matter() -> None:
    """Only feasibility is asked: large values do not make it step back."""
    problem = problem_of(2, item_values=[[2**60, 2**60]], max_groups=[0], must_join=[True, False])
    assert names(explain_infeasible(problem, LIMITS)) == [
        ("max_groups", (0,)),
        ("must_join", (0,)),
    ]


def test_few_of_many_rules() -> None:
    """Two items that exclude each other, among sixty that must join."""
    problem = problem_of(60, max_groups=[1], apart=((17, 41),), must_join=[True] * 60)
    assert names(explain_infeasible(problem, LIMITS)) == [
        ("max_groups", (0,)),
        ("apart", (0,)),
        ("must_join", (17,)),
        ("must_join", (41,)),
    ]


def test_rules_are_told_in_words() -> None:
    problem = problem_of(3, eligible=[[True, False, True]], must_join=[True] * 3)
    conflict = explain_infeasible(problem, LIMITS)
    assert str(conflict) == ("- item 1 is not eligible for kinds [0]\n- item 1 must join a group")


def test_every_field_that_restricts_is_named_and_can_be_dropped() -> None:
    problem = problem_of(
        4,
        pairs=[(0, 1), (0, 2), (1, 2)],
        pair_allowed=[True, True, False],
        absent_pairs="forbidden",
        min_size=[2],
        max_size=[3],
        min_groups=[1],
        max_groups=[2],
        eligible=[[True, True, True, False]],
        resources=[[1, 2, 3, 4]],
        resource_min=[[2]],
        resource_max=[[9]],
        shared_item_use=[[[1, 1, 1, 1]]],
        shared_limit=[3],
        must_join=[True, False, False, False],
        together=((0, 1),),
        apart=((0, 2),),
        pinned=(Group(0, [0, 1]),),
    )
    rules = named_rules(problem)
    assert {rule.name for rule in rules} == {
        "eligible", "pair_allowed", "absent_pairs", "max_size", "resource_max", "max_groups",
        "min_size", "resource_min", "shared_limit", "apart", "together", "must_join",
        "min_groups", "pinned",
    }  # fmt: skip
    assert len(set(rules)) == len(rules)
    # With all rules nothing but the values is gone, and with none there is no rule left.
    assert named_rules(relaxed(problem, rules)) == rules
    assert named_rules(relaxed(problem, [])) == ()
    for rule in rules:
        left = named_rules(relaxed(problem, [r for r in rules if r != rule]))
        assert set(left) == set(rules) - {rule}


def check_random(seeds: range) -> None:
    explained = 0
    for seed in seeds:
        problem = random_problem(np.random.default_rng(seed), 6)
        feasible = best_grouping(problem) is not None
        conflict = explain_infeasible(problem, LIMITS)
        assert (conflict is None) == feasible, seed
        if conflict is None:
            continue
        explained += 1
        assert conflict.confirmed, seed
        assert best_grouping(relaxed(problem, conflict.rules)) is None, seed
        for rule in conflict.rules:
            others = [other for other in conflict.rules if other != rule]
            assert best_grouping(relaxed(problem, others)) is not None, (seed, rule)
    assert explained > len(seeds) / 8


def test_random_conflicts_are_irreducible() -> None:
    check_random(range(150))


@pytest.mark.slow
def test_many_random_conflicts_are_irreducible() -> None:
    check_random(range(40_000, 42_000))


# -- at the size of a register ---------------------------------------------------------------------


def register_of(num_items: int = 300, **changes: Any) -> GroupingProblem:
    """Firms near each other in the plane, four plans of 5 to 9 firms, fees, experience, budget."""
    rng = np.random.default_rng(7)
    place = rng.random((num_items, 2))
    far = np.linalg.norm(place[:, None] - place[None], axis=2)
    near = [pair for pair in all_pairs(num_items) if far[pair] < 0.15]
    eligible = rng.random((4, num_items)) < 0.8
    eligible[:, :10] = True
    fields: dict[str, Any] = {
        "num_items": num_items,
        "kinds": ("catalogue", "fair", "agent", "both"),
        "pairs": near,
        "pair_values": rng.integers(-50, 100, len(near)),
        "absent_pairs": "forbidden",
        "item_values": rng.integers(-300, 100, (4, num_items)),
        "open_values": [-900, -1500, -1200, -2000],
        "min_size": [5] * 4,
        "max_size": [9] * 4,
        "eligible": eligible,
        "resources": [rng.integers(0, 800, num_items), rng.random(num_items) < 0.3],
        "resource_min": [[1500, 1], [2500, 1], [2000, 1], [3500, 1]],
        "shared_group_use": [[1] * 4, [2500, 14_900, 9500, 23_900]],
        "shared_limit": [4, 47_000],
    }
    fields["resources"] = [row.astype(int).tolist() for row in fields["resources"]]
    return GroupingProblem(**{**fields, **changes})


def must(*items: int) -> list[bool]:
    return [i in items for i in range(300)]


def nowhere(*items: int) -> np.ndarray[Any, Any]:
    eligible = register_of().eligible.copy()
    eligible[:, list(items)] = False
    return eligible


def some_pin() -> Group:
    """A group that could be: what annealing finds first."""
    found = solve(register_of(min_groups=[0, 1, 0, 0]), Limits(work=3_000_000), strategy="auto")
    assert found.grouping is not None
    return next(group for group in found.grouping if group.kind == 1)


def test_register_without_obligations_is_feasible() -> None:
    assert explain_infeasible(register_of(), LIMITS) is None


def test_register_with_an_item_that_may_be_nowhere() -> None:
    problem = register_of(eligible=nowhere(7), must_join=must(3, 7, 40))
    assert names(explain_infeasible(problem, LIMITS)) == [("eligible", (7,)), ("must_join", (7,))]


def test_register_where_everyone_must_join() -> None:
    """Far more than four groups hold: but first an item that may be nowhere."""
    problem = register_of(eligible=nowhere(200), must_join=must(*range(300)))
    found = names(explain_infeasible(problem, LIMITS))
    assert found == [("eligible", (200,)), ("must_join", (200,))]


def test_register_with_more_groups_than_the_caseload() -> None:
    problem = register_of(min_groups=[2, 1, 1, 1], shared_limit=[4, 99_000])
    found = names(explain_infeasible(problem, LIMITS))
    assert found[0] == ("shared_limit", (0,))
    assert found[1:] == [("min_groups", (k,)) for k in range(4)]


def test_register_with_too_small_a_budget() -> None:
    problem = register_of(min_groups=[0, 2, 0, 1])
    assert names(explain_infeasible(problem, LIMITS)) == [
        ("shared_limit", (1,)),
        ("min_groups", (1,)),
        ("min_groups", (3,)),
    ]


def test_register_with_a_budget_below_a_pinned_group() -> None:
    problem = register_of(pinned=(some_pin(),), shared_limit=[4, 14_000])
    assert names(explain_infeasible(problem, LIMITS)) == [("shared_limit", (1,)), ("pinned", (0,))]


def test_register_with_a_pinned_group_of_strangers() -> None:
    """The farthest firm in a pinned group: not a listed pair."""
    pin = some_pin()
    stranger = next(i for i in range(300) if i not in neighbours(pin.members[0]))
    members = (*pin.members[:-1], stranger)
    problem = register_of(pinned=(Group(1, members), Group(0, (250, 251))))
    found = names(explain_infeasible(problem, LIMITS))
    assert found[-1][0] == "pinned"
    assert len(found) == 2


def neighbours(item: int) -> set[int]:
    return {int(j) for pair in register_of().pairs for j in pair if item in pair}


def test_register_with_items_that_share_no_group_in_too_few_groups() -> None:
    """Two strangers must join, and there is room for one group only: pairs and numbers clash."""
    others = [i for i in range(10) if i not in neighbours(0)]
    problem = register_of(must_join=must(0, others[0]), shared_limit=[1, 47_000])
    found = names(explain_infeasible(problem, LIMITS))
    assert found == [
        ("absent_pairs", None),
        ("shared_limit", (0,)),
        ("must_join", (0,)),
        ("must_join", (others[0],)),
    ]


# -- limits ----------------------------------------------------------------------------------------


def test_undecided_claims_nothing() -> None:
    """Colouring a dense graph with too few colours: all rules, and that nothing is proved."""
    rng = np.random.default_rng(0)
    pairs = [pair for pair in all_pairs(150) if rng.random() < 0.5]
    problem = problem_of(
        150, pairs=pairs, absent_pairs="forbidden", must_join=[True] * 150, max_groups=[18]
    )
    conflict = explain_infeasible(problem, Limits(work=2_000_000))
    assert conflict is not None
    assert not conflict.confirmed
    assert "not decided" in conflict.note
    assert len(conflict.rules) == len(named_rules(problem))
    assert str(conflict).endswith(f"({conflict.note})")


def pigeons(num_items: int) -> GroupingProblem:
    """One item more than there are groups of one: infeasible, and every rule is needed."""
    return problem_of(
        num_items, max_size=[1], max_groups=[num_items - 1], must_join=[True] * num_items
    )


def test_too_little_work_keeps_rules_unconfirmed() -> None:
    """Enough to refute the whole, too little for all its parts."""
    problem = pigeons(12)
    seen = set()
    for work in (100, 3000, 10_000, 30_000, 10_000_000):
        conflict = explain_infeasible(problem, Limits(work=work))
        assert conflict is not None
        assert conflict.confirmed == (not conflict.note)
        assert {rule.name for rule in conflict.rules} == {"max_size", "max_groups", "must_join"}
        seen.add(conflict.confirmed)
    assert seen == {False, True}


def test_the_clock_counts_over_all_steps() -> None:
    began = time.monotonic()
    conflict = explain_infeasible(pigeons(200), Limits(seconds=1.0))
    assert time.monotonic() - began < 6
    assert conflict is not None


def test_the_same_work_tells_the_same_conflict() -> None:
    problem = random_problem(np.random.default_rng(0), 6)
    for seed in range(1, 60):
        if best_grouping(problem) is None:
            break
        problem = random_problem(np.random.default_rng(seed), 6)
    first, second = (explain_infeasible(problem, LIMITS) for _ in range(2))
    assert first is not None
    assert first == second


def test_it_runs_outside_the_main_thread() -> None:
    found: list[Conflict | None] = []
    thread = threading.Thread(target=lambda: found.append(explain_infeasible(pigeons(3), LIMITS)))
    thread.start()
    thread.join()
    assert len(names(found[0])) == 5


def test_rules_and_conflicts_are_plain_values() -> None:
    rule = Rule("must_join", (3,), "item 3 must join a group")
    assert rule == Rule("must_join", (3,), "item 3 must join a group")
    assert str(rule) == rule.text
    with pytest.raises(AttributeError):
        rule.name = "other"  # type: ignore[misc]
