"""Reductions: every rule keeps the best value, and both ways between the problems keep the rules.

Against the oracle on random problems over all fields, rule by rule and all together; then what each
rule is for, by example.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from solver_spec.judging import grouping_of, numbered_problem, numbered_problem_code
from solver_spec.oracle import best_grouping, feasible_groupings

from solver import UNBOUNDED, Curve, Group, Grouping, GroupingProblem, verify
from solver.reduction import RULES, Reduction, reduce, rules, split
from solver.reduction.components import components, groups_divide
from solver.reduction.draft import Draft
from solver.reduction.rules import knots, straight

SEED = 20_260_301


def best_of(problem: GroupingProblem) -> int | None:
    """The best value by the oracle, which wants items and kinds."""
    if problem.num_items and problem.num_kinds:
        found = best_grouping(problem)
        return None if found is None else found.objective
    return 0 if verify(problem, Grouping()).feasible else None


def groupings(problem: GroupingProblem, at_most: int) -> list[tuple[Grouping, int]]:
    if not (problem.num_items and problem.num_kinds):
        return []
    found = feasible_groupings(problem, at_most)
    return [(grouping_of(one.groups), one.objective) for one in found]


def faults(problem: GroupingProblem, reduction: Reduction, best: int | None) -> list[str]:
    """What is wrong with a reduction, given the best value of the problem."""
    if reduction.infeasible is not None:
        return [] if best is None else [f"infeasible ({reduction.infeasible}), but {best} is best"]
    smaller, out = reduction.problem, []
    least = best_of(smaller)
    if (least is None) != (best is None):
        out.append(f"best {best}, reduced {least}")
    elif best is not None and least is not None and least + reduction.constant != best:
        out.append(f"best {best}, reduced {least} + {reduction.constant}")
    for grouping, value in groupings(smaller, 20):
        verdict = verify(problem, reduction.lift(grouping))
        if not verdict.feasible or verdict.objective != value + reduction.constant:
            out.append(f"lifted {grouping}: {verdict}")
        back = reduction.lower(reduction.lift(grouping))
        if back != grouping:
            out.append(f"lowering the lift of {grouping} gives {back}")
    for grouping, value in groupings(problem, 20):
        verdict = verify(smaller, reduction.lower(grouping))
        if not verdict.feasible or (verdict.objective or 0) + reduction.constant < value:
            out.append(f"lowered {grouping}: {verdict}")
    return out


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_keeps_the_best_value(rule: Any) -> None:
    did_something = 0
    for index in range(120):
        problem, best = numbered_problem(SEED, index)
        reduction = reduce(problem, (rule,))
        found = faults(problem, reduction, None if best is None else best.objective)
        assert not found, (found, numbered_problem_code(SEED, index))
        did_something += bool(reduction.summary() or reduction.infeasible)
    assert did_something


def test_all_rules_together() -> None:
    """To the fixpoint: reducing again changes nothing."""
    seen: Counter[str] = Counter()
    for index in range(400):
        problem, best = numbered_problem(SEED + 1, index, 7)
        reduction = reduce(problem)
        found = faults(problem, reduction, None if best is None else best.objective)
        assert not found, (found, numbered_problem_code(SEED + 1, index, 7))
        seen.update(reduction.counts.keys())
        if reduction.infeasible is None and reduction.problem.num_kinds:
            again = reduce(reduction.problem)
            assert again.changes_nothing, numbered_problem_code(SEED + 1, index, 7)
    assert seen.keys() >= {"pins", "eligibilities", "pairs", "items", "kinds", "sizes", "bounds"}
    assert seen.keys() >= {"curves", "resources", "shared limits", "dominated kinds"}


@pytest.mark.slow
def test_all_rules_on_many_problems() -> None:
    for index in range(10_000):
        problem, best = numbered_problem(SEED + 2, index)
        found = faults(problem, reduce(problem), None if best is None else best.objective)
        assert not found, (found, numbered_problem_code(SEED + 2, index))


def test_parts_add_up() -> None:
    """Of the problem as it is and of the reduced one."""
    several = 0
    for index in range(300):
        problem, _ = numbered_problem(SEED + 3, index, 7)
        reduction = reduce(problem)
        for whole in {id(p): p for p in (problem, reduction.problem)}.values():
            if reduction.infeasible is not None or not whole.num_kinds:
                continue
            parts = split(whole)
            values = [best_of(part.problem) for part in parts]
            total = None if None in values else sum(v for v in values if v is not None)
            assert total == best_of(whole), numbered_problem_code(SEED + 3, index, 7)
            several += len(parts) > 1
            for grouping, value in groupings(whole, 10) if len(parts) > 1 else []:
                verdicts = [verify(part.problem, part.lower(grouping)) for part in parts]
                assert all(verdict.feasible for verdict in verdicts)
                assert sum(verdict.objective or 0 for verdict in verdicts) >= value
    assert several > 50


# -- what each rule is for -------------------------------------------------------------------


def triangle_and_tail(**changes: Any) -> GroupingProblem:
    """Items 0, 1, 2 all know each other; 3 knows only 2; 4 nobody."""
    arguments: dict[str, Any] = {
        "num_items": 5,
        "kinds": ("a",),
        "pairs": [(0, 1), (0, 2), (1, 2), (2, 3)],
        "pair_values": [1, 2, 3, 4],
        "absent_pairs": "forbidden",
    }
    return GroupingProblem(**{**arguments, **changes})


def test_pairs_and_items_in_no_group() -> None:
    reduction = reduce(triangle_and_tail(min_size=[3]))
    assert reduction.items.tolist() == [0, 1, 2]
    assert reduction.problem.num_pairs == 3
    assert reduction.lift(Grouping([Group(0, (0, 2))])) == Grouping([Group(0, (0, 2))])


def test_amounts_of_a_pair_and_its_neighbours() -> None:
    """A group of two is too small for 10, and only item 1 brings enough to a larger one."""
    problem = triangle_and_tail(resources=[[1, 7, 2, 3, 9]], resource_min=[[10]])
    reduction = reduce(problem)
    assert reduction.items.tolist() == [0, 1, 2]
    assert reduce(problem.replace(resource_min=[[11]])).items.tolist() == []
    heavy = problem.replace(resource_min=[[0]], resource_max=[[9]])
    assert reduce(heavy).problem.num_pairs == 4
    assert reduce(heavy.replace(resource_max=[[8]])).problem.num_pairs == 3


def test_a_kind_without_groups_is_closed_or_shows_infeasibility() -> None:
    problem = triangle_and_tail(min_size=[4])
    assert reduce(problem).problem.num_kinds == 0
    assert "needs 1 groups" in str(reduce(problem.replace(min_groups=[1])).infeasible)
    must = problem.replace(must_join=[True, False, False, False, False])
    assert "item 0 must join" in str(reduce(must).infeasible)


def test_settled_pins_leave_their_mark() -> None:
    pin = Group(0, (0, 1, 2))
    problem = triangle_and_tail(
        pinned=(pin,),
        max_groups=[2],
        open_values=[-1],
        shared_group_use=[[2]],
        shared_item_use=[[[1, 1, 1, 1, 1]]],
        shared_limit=[8],
    )
    reduction = reduce(problem, (RULES[0],))
    assert reduction.fixed == (pin,)
    assert reduction.constant == 1 + 2 + 3 - 1
    assert reduction.problem.max_groups.tolist() == [1]
    assert reduction.problem.shared_limit.tolist() == [3]
    assert reduction.lift(Grouping()) == Grouping([pin])
    assert reduction.lower(Grouping([pin])) == Grouping()
    broken = reduce(problem.replace(max_size=[2]))
    assert "pin 0 breaks a rule" in str(broken.infeasible)


def two_kinds(**changes: Any) -> GroupingProblem:
    arguments: dict[str, Any] = {
        "num_items": 4,
        "kinds": ("a", "b"),
        "item_values": [[1, 2, 3, 4], [1, 2, 3, 3]],
        "open_values": [0, 0],
    }
    return GroupingProblem(**{**arguments, **changes})


def test_a_dominated_kind_gives_its_groups_to_the_better_one() -> None:
    reduction = reduce(two_kinds())
    assert reduction.problem.kinds == ("a",)
    assert reduction.moved_to == {1: 0}
    assert reduction.lower(Grouping([Group(1, (0, 3))])) == Grouping([Group(0, (0, 3))])


@pytest.mark.parametrize(
    "changes",
    [
        {"max_groups": [2, 4]},  # no room for the groups of both
        {"open_values": [-1, 1]},
        {"max_size": [2, 4]},
        {"min_groups": [0, 1]},
        {"eligible": [[True, True, True, False], [True] * 4]},
        {"shared_group_use": [[1, 0]], "shared_limit": [2]},
        {"resources": [[1, 1, 1, 1]], "resource_max": [[2], [UNBOUNDED]]},
        {"resources": [[1, 1, 1, 1]], "curves": {(1, 0): Curve(((0, 0), (4, 0), (4, 9)))}},
        {"pairs": [(0, 1)], "pair_values": [[0], [5]]},
    ],
)
def test_a_kind_that_is_better_somewhere_stays(changes: dict[str, Any]) -> None:
    assert 1 in reduce(two_kinds(**changes)).kinds


def test_bounds_curves_and_limits_that_say_nothing() -> None:
    problem = GroupingProblem(
        num_items=4,
        kinds=("a",),
        max_size=[2],
        resources=[[3, 4, 5, 6], [1, 1, 1, 1]],
        resource_min=[[3, 0]],
        resource_max=[[11, 2]],
        curves={(0, 0): Curve(((0, 0), (2, 0), (2, 4), (11, 22), (40, 22)))},
        shared_group_use=[[2]],
        shared_limit=[8],
    )
    reduction = reduce(problem)
    assert reduction.problem.num_resources == reduction.problem.num_shared_limits == 0
    # The curve is 2 x from 2 to 11, where all totals are.
    assert reduction.problem.item_values.tolist() == [[6, 8, 10, 12]]
    assert reduction.problem.open_values.tolist() == [0]
    tighter = reduce(problem.replace(resource_max=[[10, 2]], shared_limit=[7]))
    assert tighter.problem.num_resources == tighter.problem.num_shared_limits == 1


@pytest.mark.parametrize(
    ("points", "low", "high", "line"),
    [
        (((0, 5),), 0, 9, (5, 0)),
        (((0, 0), (4, 8)), 0, 4, (0, 2)),
        (((0, 0), (4, 8)), 0, 5, None),
        (((0, 0), (3, 0), (3, 7)), 3, 8, (7, 0)),
        (((0, 0), (3, 0), (3, 7)), 2, 3, (-14, 7)),  # two totals always make a line
        (((0, 0), (3, 0), (3, 7)), 1, 3, None),
        (((0, 1), (2, 3), (4, 7)), 2, 4, (-1, 2)),
    ],
)
def test_straight(points: Any, low: int, high: int, line: tuple[int, int] | None) -> None:
    curve = Curve(points)
    assert straight(curve, low, high) == line
    by_value = [curve.value(x) for x in range(low, high + 1)]
    steps = set(np.diff(by_value).tolist())
    assert (line is not None) == (len(steps) <= 1)
    assert set(knots(curve, low, high)) >= {low, high}


def test_items_to_be_together_share_their_kinds() -> None:
    problem = two_kinds(
        eligible=[[True, True, True, True], [True, False, True, True]],
        together=((0, 1), (1, 2)),
        max_size=[2, 4],
    )
    reduction = reduce(problem, (*RULES[1:4],))
    assert reduction.items.tolist() == [3]
    assert reduction.problem.together == ()


def test_values_near_the_limit_are_left_alone() -> None:
    """Where a total would be too large to check, the problem stays as it was."""
    huge = 2**61
    problem = GroupingProblem(
        num_items=2,
        kinds=("a", "b"),
        open_values=[2**58, 0],
        resources=[[1, 1]],
        max_groups=[1, 1],
        curves={(0, 0): Curve(((0, huge // 2 - 2**59),)), (1, 0): Curve(((0, 0), (1, 5)))},
    )
    reduction = reduce(problem)
    assert reduction.infeasible is None
    assert not faults(problem, reduction, best_of(problem))


def test_stopping_early_is_safe() -> None:
    for index in range(40):
        problem, best = numbered_problem(SEED + 4, index)
        for after in range(4):
            left = iter([False] * after)
            reduction = reduce(problem, stop=lambda left=left: next(left, True))  # type: ignore[misc]
            found = faults(problem, reduction, None if best is None else best.objective)
            assert not found, (found, after, numbered_problem_code(SEED + 4, index))


# -- components ------------------------------------------------------------------------------


def test_components_of_a_sparse_graph() -> None:
    problem = triangle_and_tail()
    assert components(problem).tolist() == [0, 0, 0, 0, 1]
    coupled = triangle_and_tail(shared_item_use=[[[1, 0, 0, 0, 1]]], shared_limit=[1])
    assert components(coupled).max() == 0
    assert components(problem.replace(max_groups=[5])).max() == 1
    assert components(problem.replace(max_groups=[4])).max() == 0
    assert components(problem.replace(together=((3, 4),))).max() == 0


def test_small_components_share_a_part() -> None:
    pairs = [(i, i + 1) for i in range(0, 20, 2)]
    problem = GroupingProblem(
        num_items=20, kinds=("a",), pairs=pairs, absent_pairs="forbidden", min_size=[2]
    )
    assert len(split(problem)) == 10
    assert [part.problem.num_items for part in split(problem, 7)] == [8, 8, 4]
    assert len(split(problem, 100)) == 1


def test_positive_pairs_hold_groups_together_where_groups_divide() -> None:
    """As in clique partitioning; not so where something is paid for each group."""
    pairs = list(combinations(range(6), 2))
    values = [5 if i // 3 == j // 3 else -1 for i, j in pairs]
    problem = GroupingProblem(
        num_items=6, kinds=("a",), pairs=pairs, pair_values=values, must_join=[True] * 6
    )
    assert groups_divide(problem)
    assert components(problem).tolist() == [0, 0, 0, 1, 1, 1]
    assert components(problem.replace(open_values=[-1])).max() == 0
    bonus = Curve(((0, 0), (3, 9)))
    jump = Curve(((0, 0), (3, 0), (3, 9)))
    bare = {"resource_min": None, "resource_max": None}
    with_resource = problem.replace(resources=[[1] * 6], **bare)
    assert components(with_resource.replace(curves={(0, 0): bonus})).max() == 1
    assert components(with_resource.replace(curves={(0, 0): jump})).max() == 0


def test_a_limit_that_kinds_share_leaves_room_in_the_better_one() -> None:
    """Each kind may have three groups, both together three: the better one can take them all."""
    fields: dict[str, object] = {
        "num_items": 12,
        "kinds": ("dear", "cheap"),
        "open_values": [-5, -3],
        "item_values": [[1] * 12, [1] * 12],
        "min_size": [2, 2],
        "max_size": [3, 3],
        "max_groups": [3, 3],
    }
    shared = {
        "shared_group_use": [[1, 1]],
        "shared_item_use": np.zeros((1, 2, 12), np.int64),
        "shared_limit": [3],
    }
    alone = reduce(GroupingProblem(**fields))  # type: ignore[arg-type]
    assert alone.counts.get("dominated kinds", 0) == 0
    together = reduce(GroupingProblem(**fields, **shared))  # type: ignore[arg-type]
    assert together.moved_to == {0: 1}
    # Where a group gives to the limit, it may leave room for more than three.
    shared["shared_group_use"] = [[1, -1]]
    given = reduce(GroupingProblem(**fields, **shared))  # type: ignore[arg-type]
    assert given.moved_to == {}


def thousands_of_kinds(num_items: int = 11) -> GroupingProblem:
    """A kind for each set of items, as for coalition values: none takes the groups of another."""
    member = (np.arange(1, 2**num_items)[:, None] >> np.arange(num_items)) & 1 == 1
    size = member.sum(axis=1)
    return GroupingProblem(
        num_items=num_items,
        kinds=tuple(str(kind) for kind in range(len(member))),
        eligible=member,
        open_values=np.arange(len(member)),
        min_size=size,
        max_size=size,
        max_groups=np.ones(len(member), np.int64),
    )


def test_few_of_thousands_of_kinds_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing all with all took minutes, beyond every limit."""
    compared = 0

    def counting(*_: object) -> bool:
        nonlocal compared
        compared += 1
        return False

    monkeypatch.setattr(rules, "_dominates", counting)
    reduce(thousands_of_kinds())
    assert compared == 0
    reduce(thousands_of_kinds(5).replace(min_size=None, max_size=None, eligible=None))
    assert compared == 31 * 30


def test_comparing_kinds_ends_when_told_and_is_left_out_of_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = two_kinds()
    for told in (False, True):
        draft = Draft(problem, lambda told=told: told)
        assert rules.drop_dominated_kinds(draft) is not told
    monkeypatch.setattr(rules, "MOST_COMPARED", 1)
    assert not rules.drop_dominated_kinds(Draft(problem))


@pytest.mark.parametrize("num_items", [1, 63, 64, 65, 200])
def test_marks_as_words(num_items: int) -> None:
    rng = np.random.default_rng(num_items)
    marks = rng.random((9, num_items)) < rng.choice([0.05, 0.5, 0.97], (9, 1))
    words = rules._as_words(marks)
    within = [[not (a & ~b).any() for b in words] for a in words]
    assert within == [[bool((b | ~a).all()) for b in marks] for a in marks]
