"""``repair``: from any grouping to a feasible one near it, or to ``None``."""

from __future__ import annotations

import numpy as np
import pytest
from solver_spec.judging import (
    disturb,
    grouping_of,
    numbered_problem,
    numbered_problem_code,
    plain_groups,
    some_grouping,
)
from solver_spec.oracle import PlainGroup, feasible_groupings
from solver_spec.problems import RandomSource, random_problem

from solver import Group, Grouping, GroupingProblem, verify
from solver.repair import repair, settle, written
from solver.search.atoms import contract
from solver.search.draft import Draft

SEED = 20_250_302


def garbage(problem: GroupingProblem, rng: np.random.Generator) -> Grouping:
    """Groups without any sense: overlaps, duplicates, unknown indices and kinds, empty groups."""
    n, num_kinds = problem.num_items, problem.num_kinds
    return Grouping(
        Group(
            int(rng.integers(-1, num_kinds + 1)),
            rng.integers(-2, n + 2, int(rng.integers(0, n + 3))).tolist(),
        )
        for _ in range(int(rng.integers(0, 5)))
    )


def inputs(index: int) -> tuple[GroupingProblem, bool, list[Grouping]]:
    """A problem, whether it has feasible groupings, and groupings to mend."""
    problem, best = numbered_problem(SEED, index)
    rng = np.random.default_rng([SEED, index, 1])
    source = RandomSource(rng)
    sizes = problem.num_items, problem.num_kinds
    groups: list[PlainGroup] = [] if best is None else list(best.groups)
    for _ in range(3):
        groups = disturb(source, groups, *sizes)
    drawn = [grouping_of(groups), grouping_of(some_grouping(source, *sizes))]
    return problem, best is not None, [*drawn, garbage(problem, rng), garbage(problem, rng)]


def test_garbage_becomes_feasible_or_none() -> None:
    """Feasible by ``verify`` or ``None``, the same twice; measured: all feasible problems mended.

    The gate leaves a little room, as a heuristic owes no proof.
    """
    mended = asked = 0
    for index in range(80):
        problem, has_feasible, groupings = inputs(index)
        for grouping in groupings:
            told = f"{numbered_problem_code(SEED, index)}, {grouping}"
            found = repair(problem, grouping)
            assert found == repair(problem, grouping), told
            if found is not None:
                assert verify(problem, found).feasible, told
                assert has_feasible, told
            asked += has_feasible
            mended += found is not None
    assert asked > 200
    assert mended >= 0.98 * asked, (mended, asked)


def test_feasible_groupings_are_returned_as_they_are() -> None:
    """Good or poor, what keeps every rule is not touched."""
    num = 0
    for index in range(80):
        problem = random_problem(np.random.default_rng([SEED + 1, index]))
        for known in feasible_groupings(problem, at_most=30):
            grouping = grouping_of(known.groups)
            assert repair(problem, grouping) is grouping
            num += 1
    assert num > 500


def test_larger_problems() -> None:
    """Feasible or ``None`` on up to 14 items, and mostly feasible where a grouping is known."""
    found = 0
    for index in range(40):
        problem = random_problem(np.random.default_rng([SEED + 2, index]), 14)
        rng = np.random.default_rng([SEED + 2, index, 1])
        mended = repair(problem, garbage(problem, rng))
        if mended is not None:
            assert verify(problem, mended).feasible
            found += 1
    assert found >= 20


def test_keeps_what_it_can() -> None:
    """One item too many leaves; the other group, and the rest of this one, stay."""
    problem = GroupingProblem(num_items=7, kinds=("a",), min_size=[2], max_size=[3])
    mended = repair(problem, grouping_of([(0, (0, 1)), (0, (2, 3, 4, 5))]))
    assert mended is not None
    first, *others = plain_groups(mended)
    assert first == (0, (0, 1))
    assert len(others) == 1
    assert len(others[0][1]) == 3
    assert set(others[0][1]) < {2, 3, 4, 5}


def test_pins_are_put_back() -> None:
    """A grouping that leaves a pin out or tears it apart gets it back."""
    pin = Group(1, (0, 3))
    problem = GroupingProblem(num_items=5, kinds=("a", "b"), pinned=(pin,))
    for groups in ([], [(0, (0, 1)), (0, (2, 3))], [(1, (0, 3, 4))]):
        mended = repair(problem, grouping_of(groups))
        assert mended is not None
        assert pin in mended.groups


def test_together_sets_are_made_whole() -> None:
    """A set torn over two groups goes to the one that has most of it."""
    problem = GroupingProblem(num_items=5, kinds=("a",), together=((0, 1, 2),))
    mended = repair(problem, grouping_of([(0, (0, 1, 3)), (0, (2, 4))]))
    assert mended is not None
    assert plain_groups(mended) == [(0, (0, 1, 2, 3)), (0, (4,))]


def test_of_partners_that_may_not_meet_the_worst_leaves() -> None:
    problem = GroupingProblem(num_items=4, kinds=("a",), apart=((0, 3), (1, 3), (2, 3)))
    mended = repair(problem, grouping_of([(0, (0, 1, 2, 3))]))
    assert mended is not None
    assert plain_groups(mended)[0] == (0, (0, 1, 2))


def test_contradictory_pins_have_no_repair() -> None:
    problem = GroupingProblem(
        num_items=3, kinds=("a",), pinned=(Group(0, (0,)), Group(0, (1,))), together=((0, 1),)
    )
    assert repair(problem, Grouping()) is None


@pytest.mark.parametrize("index", range(40))
def test_the_first_draft_keeps_the_hard_rules(index: int) -> None:
    """Whatever is given, the draft that mending begins with breaks no rule that drafts keep."""
    problem, _, groupings = inputs(1000 + index)
    atoms = contract(problem)
    if atoms.flaw is not None:
        return
    kept = {"index", "disjoint", "pair", "eligible", "together", "apart", "pinned"}
    for grouping in groupings:
        draft = written(atoms, grouping)
        verdict = verify(problem, draft.grouping())
        assert not kept & {violation.rule for violation in verdict.violations}
        assert verdict.objective == draft.value
        assert verdict.feasible is (draft.off == 0)


def test_moves_end_when_told() -> None:
    """Between two steps, however far it has come."""
    asked = mended = 0
    for index in range(40):
        problem, _ = numbered_problem(SEED, index)
        atoms = contract(problem)
        if atoms.flaw is not None:
            continue
        for allowed in (0, 1, 1_000):
            draft, left = Draft(atoms), iter(range(allowed))
            begun_off = draft.off
            found = settle(
                draft,
                np.random.default_rng(0),
                60,
                lambda left=left: next(left, None) is None,  # type: ignore[misc]
            )
            assert found is (draft.off == 0)
            if allowed == 0:
                assert draft.off == begun_off
                asked += begun_off > 0
            mended += found and begun_off > 0
    assert asked > 5
    assert mended > 5
