"""``verify`` against the oracle's own rule-by-rule judgement, on good and bad groupings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from solver import Grouping, GroupingProblem, verify

from .judging import disturb, grouping_of, numbered_problem, numbered_problem_code, some_grouping
from .oracle import RULES, PlainGroup, best_grouping, total_value, violated_rules
from .problems import HypothesisSource, RandomSource, build, problems, to_toml

SEED = 20_250_101

# Of an item in two groups these rules have no clear reading; only "disjoint" is compared then.
UNCLEAR_UNLESS_DISJOINT = frozenset({"must_join", "together", "apart", "pinned"})


def check_verdict(
    problem: GroupingProblem, groups: Sequence[PlainGroup], origin: str = ""
) -> frozenset[str]:
    """Compare ``verify`` with the oracle on one grouping; the oracle's broken rules."""
    verdict = verify(problem, grouping_of(groups))
    expected = violated_rules(problem, groups)
    told = f"{origin}\ngroups = {groups}\n{to_toml(problem)}{verdict}"

    assert verdict.feasible is (not expected), told
    named = {violation.rule for violation in verdict.violations}
    assert named <= RULES, told
    assert all(violation.message for violation in verdict.violations), told
    if "index" in expected:
        assert "index" in named, told
        return expected
    unclear = UNCLEAR_UNLESS_DISJOINT if "disjoint" in expected else frozenset()
    assert named - unclear == expected - unclear, told
    assert verdict.objective == total_value(problem, groups), told
    return expected


@given(problems(), st.data())
def test_any_grouping(problem: GroupingProblem, data: st.DataObject) -> None:
    """Any disjoint groups get the oracle's verdict."""
    source = HypothesisSource(data.draw)
    check_verdict(problem, some_grouping(source, problem.num_items, len(problem.kinds)))


@given(problems(), st.data())
def test_disturbed_optimum(problem: GroupingProblem, data: st.DataObject) -> None:
    """The optimum is feasible with its value; after small changes the verdicts still agree."""
    best = best_grouping(problem)
    groups: list[PlainGroup] = [] if best is None else list(best.groups)
    if best is not None:
        verdict = verify(problem, grouping_of(groups))
        note(to_toml(problem))
        assert verdict.feasible
        assert verdict.violations == ()
        assert verdict.objective == best.objective
    source = HypothesisSource(data.draw)
    for _ in range(data.draw(st.integers(1, 3))):
        groups = disturb(source, groups, problem.num_items, len(problem.kinds))
        if "index" in check_verdict(problem, groups):
            break


def _disturbed(seed: int, indices: Iterable[int]) -> Counter[str]:
    """Check many disturbed groupings; how often each rule was broken, and "" for none."""
    seen: Counter[str] = Counter()
    for index in indices:
        problem, best = numbered_problem(seed, index)
        num_kinds = len(problem.kinds)
        source = RandomSource(np.random.default_rng([seed, index, 1]))
        origin = numbered_problem_code(seed, index)
        start = some_grouping(source, problem.num_items, num_kinds)
        if best is not None:
            start = list(best.groups)
        seen.update(check_verdict(problem, start, origin) or [""])
        for _ in range(10):
            groups = disturb(source, start, problem.num_items, num_kinds)
            seen.update(check_verdict(problem, groups, origin) or [""])
    return seen


def test_every_rule_is_tried() -> None:
    """Over many disturbed groupings every rule is broken often, so none goes untested."""
    seen = _disturbed(SEED, range(400))
    assert {rule for rule in (*RULES, "") if seen[rule] < 10} == set(), seen


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_many_disturbed_groupings(chunk: int) -> None:
    """The same for 10,000 problems."""
    _disturbed(SEED, range(400 + 480 * chunk, 400 + 480 * (chunk + 1)))


def test_empty_group_is_not_feasible() -> None:
    """A group is non-empty: one without members is refused at the latest by ``verify``."""
    problem = GroupingProblem(num_items=2, kinds=("A",))
    try:
        grouping = grouping_of([(0, ())])
    except ValueError:
        return
    assert not verify(problem, grouping).feasible


def test_member_twice_in_a_group_is_not_feasible() -> None:
    """A member listed twice is refused, or not counted twice."""
    problem = build({"num_items": 2, "kinds": ("A",), "item_values": [[5, 1]]})
    try:
        grouping = grouping_of([(0, (0, 0))])
    except ValueError:
        return
    verdict = verify(problem, grouping)
    assert not verdict.feasible or (verdict.objective == 5 and grouping == grouping_of([(0, (0,))]))


def test_grouping_is_frozen() -> None:
    """Groupings and groups are data that nobody changes in place."""
    grouping = grouping_of([(0, (0,))])
    with pytest.raises(FrozenInstanceError):
        grouping.groups = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        grouping.groups[0].kind = 1  # type: ignore[misc]


def test_empty_grouping_of_nothing_obliged() -> None:
    """The empty grouping is feasible with value 0 where nothing is asked."""
    verdict = verify(GroupingProblem(num_items=3, kinds=("A",)), Grouping(()))
    assert (verdict.feasible, verdict.objective, verdict.violations) == (True, 0, ())
