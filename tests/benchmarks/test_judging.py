"""What rows say together, by hand; and how alike groupings are."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_rows import row

from benchmarks.league.judging import (
    Best,
    Known,
    gap_to_best,
    gap_to_bound,
    is_proved,
    is_solved,
    judge,
)
from benchmarks.league.similarity import adjusted_rand_index, likeness, shared_pairs


def test_bound_below_anothers_answer_disqualifies() -> None:
    judged = judge(
        [
            row(strategy="exact", objective=120, bound=120),
            row(strategy="search", seed=1, objective=125),
            row(strategy="other", objective=100, bound=130),
        ],
        {},
    )
    bad, good, other = judged.rows
    assert bad.answer.verdict == "disqualified"
    assert bad.answer.reason == "bound 120 is beaten by 125 of search, seed 1"
    assert bad.answer.objective == 120  # what it answered is kept
    assert good.answer.verdict == other.answer.verdict == "ok"
    assert judged.best["f:a"] == Best(125, ("search",), 130, ("other",))
    assert not judged.best["f:a"].is_optimal


def test_a_bound_counts_only_against_its_own_instance() -> None:
    judged = judge([row("f:a", objective=5, bound=5), row("f:b", "search", objective=9)], {})
    assert [one.answer.verdict for one in judged.rows] == ["ok", "ok"]
    assert judged.best["f:a"].is_optimal
    assert judged.best["f:b"].bound is None


def test_bound_below_a_known_optimum_disqualifies() -> None:
    judged = judge([row(objective=5, bound=7)], {"f:a": Known(8, True, "paper of 2010")})
    assert judged.rows[0].answer.reason == "bound 7 is beaten by 8 of paper of 2010"


def test_a_value_nobody_verified_disqualifies_nobody() -> None:
    judged = judge([row(objective=5, bound=7)], {"f:a": Known(8, False, "paper of 2010")})
    assert judged.rows[0].answer.verdict == "ok"
    (remark,) = judged.remarks
    assert "bound 7" in remark
    assert "contradicts the value 8 (paper of 2010)" in remark
    assert judged.best["f:a"] == Best(8, ("paper of 2010",), None, ())


def test_values_of_the_disqualified_are_facts() -> None:
    """One that was over time, and one that told more than it answered, refute a bound."""
    late = row(objective=125)
    late = replace(late, answer=replace(late.answer, verdict="disqualified", reason="over time"))
    told = row(objective=90, seed=1)
    told = replace(told, answer=replace(told.answer, values=[90, 130]))
    claims = row(strategy="b", objective=110, bound=120)
    judged = judge([late, told, claims], {})
    assert [one.answer.verdict for one in judged.rows] == ["disqualified", "ok", "disqualified"]
    assert "bound 120 is beaten by 130" in judged.rows[2].answer.reason
    assert judged.best["f:a"].value == 130


def test_bound_without_a_grouping_is_judged_too() -> None:
    judged = judge([row(verdict="none", bound=4), row(strategy="other", objective=5)], {})
    assert judged.rows[0].answer.verdict == "disqualified"


def test_bound_below_its_own_answer() -> None:
    judged = judge([row(objective=5, bound=4)], {})
    assert judged.rows[0].answer.reason == "bound 4 is beaten by 5 of its own answer"
    assert judged.best["f:a"] == Best(5, (), None, ())  # the grouping was verified all the same


def test_false_claim_of_infeasibility() -> None:
    judged = judge([row(infeasible=True), row(strategy="other", objective=-5)], {})
    assert judged.rows[0].answer.reason == "infeasible is refuted by -5 of other, seed 0"
    assert not judged.best["f:a"].infeasible


def test_infeasibility_that_nobody_contradicts() -> None:
    judged = judge([row(infeasible=True), row(strategy="other", verdict="none")], {})
    assert judged.rows[0].answer.verdict == "ok"
    assert is_solved(judged.rows[0])
    assert is_proved(judged.rows[0])
    assert judged.best["f:a"] == Best(infeasible=True)


def test_refuted_optimum_is_reported_and_bounds_nothing() -> None:
    judged = judge(
        [row(objective=105), row(strategy="other", objective=90, bound=110)],
        {"f:a": Known(100, True, "a paper")},
    )
    assert [one.answer.verdict for one in judged.rows] == ["ok", "ok"]
    assert judged.best["f:a"] == Best(105, ("search",), 110, ("other",))
    assert judged.remarks == (
        "f:a: known optimum 100 (a paper) is refuted by the verified 105 of search, seed 0",
    )


def test_known_value_that_is_exceeded_is_no_refutation() -> None:
    judged = judge([row(objective=105)], {"f:a": Known(100, False, "a paper")})
    assert not judged.remarks
    assert judged.best["f:a"].value == 105


def test_known_infeasibility_refuted() -> None:
    judged = judge([row(objective=1)], {"f:a": Known(None, True, "a paper")})
    assert "known to be infeasible (a paper) is refuted" in judged.remarks[0]
    assert not judged.best["f:a"].infeasible


def test_known_optimum_is_a_bound() -> None:
    judged = judge([row(objective=100)], {"f:a": Known(100, True, "a paper")})
    assert judged.best["f:a"] == Best(100, ("search", "a paper"), 100, ("a paper",))


def test_disqualified_rows_stay_so_and_their_bounds_count_for_nothing() -> None:
    """A row with a broken grouping has no value: the referee verified none."""
    judged = judge(
        [row(verdict="disqualified", reason="rule", objective=None, bound=0), row(objective=3)], {}
    )
    assert judged.rows[0].answer.reason == "rule"
    assert judged.best["f:a"].value == 3
    assert judged.best["f:a"].bound is None


def test_nothing_known_is_none() -> None:
    judged = judge([row(verdict="none")], {"f:a": Known(None, False, "")})
    assert judged.best["f:a"] == Best()
    assert judge([], {}).rows == ()


def test_gaps() -> None:
    assert gap_to_best(90, 100) == pytest.approx(0.1)
    assert gap_to_best(-3, 0) == 3
    assert gap_to_best(-12, -10) == pytest.approx(0.2)
    assert gap_to_bound(100, 110) == pytest.approx(10 / 110)
    assert gap_to_best(None, 3) is gap_to_best(3, None) is gap_to_bound(3, None) is None


answers = st.lists(
    st.tuples(
        st.sampled_from(["ok", "none", "disqualified", "refused"]),
        st.none() | st.integers(-9, 9),
        st.none() | st.integers(-9, 9),
        st.booleans(),
    ),
    max_size=7,
)
facts = st.none() | st.builds(
    Known, st.none() | st.integers(-9, 9), st.booleans(), st.just("a paper")
)


@given(answers, facts)
def test_nothing_that_stands_contradicts_another(
    told: list[tuple[str, int | None, int | None, bool]], fact: Known | None
) -> None:
    rows = [
        row(
            strategy=f"s{place}",
            verdict=verdict,
            objective=None if infeasible or verdict != "ok" else value,
            bound=bound,
            infeasible=infeasible and verdict == "ok",
        )
        for place, (verdict, value, bound, infeasible) in enumerate(told)
    ]
    judged = judge(rows, {"f:a": fact} if fact else {})
    for before, after in zip(rows, judged.rows, strict=True):
        assert after.key == before.key
        if before.answer.verdict in ("disqualified", "refused"):
            assert after == before
    if not rows:
        return
    best = judged.best["f:a"]
    if best.value is not None:
        assert not best.infeasible
        assert best.bound is None or best.bound >= best.value
        for after in judged.rows:
            if after.answer.verdict == "ok" and after.answer.objective is not None:
                assert after.answer.objective <= best.value
            if after.answer.verdict in ("ok", "none"):
                bound = after.answer.bound
                sound = (bound is None or bound >= best.value) and not after.answer.infeasible
                # But for a value that is only said to be known: that is remarked upon.
                assert sound or any("contradicts" in one for one in judged.remarks)


def test_likeness_by_hand() -> None:
    one = [[0, [0, 1, 2]], [0, [3, 4]]]  # pairs 01 02 12 34
    other = [[1, [0, 1]], [0, [2, 3, 4]]]  # pairs 01 23 24 34
    assert shared_pairs(one, other) == pytest.approx(2 / 6)
    # N = 10, chance 4 * 4 / 10 = 1.6: (2 - 1.6) / (4 - 1.6)
    assert adjusted_rand_index(one, other, 5) == pytest.approx(1 / 6)
    # A sixth item alone: N = 15, chance 16 / 15.
    assert adjusted_rand_index(one, other, 6) == pytest.approx((2 - 16 / 15) / (4 - 16 / 15))


def test_likeness_at_the_edges() -> None:
    assert shared_pairs([], []) == adjusted_rand_index([], [], 4) == 1
    assert shared_pairs([], [[0, [0, 1]]]) == 0
    assert adjusted_rand_index([], [], 0) == 1
    whole = [[0, [0, 1, 2]]]
    assert adjusted_rand_index(whole, whole, 3) == 1
    assert adjusted_rand_index(whole, [], 3) == 0


def groups_of(labels: list[int]) -> list[list[object]]:
    """Label 0 is no group."""
    return [
        [0, [item for item, own in enumerate(labels) if own == label]]
        for label in sorted(set(labels) - {0})
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_likeness_counts_pairs(labels: list[tuple[int, int]]) -> None:
    one, other = groups_of([a for a, _ in labels]), groups_of([b for _, b in labels])
    both = either = 0
    for (a, b), (c, d) in combinations(labels, 2):
        both += (a == c != 0) and (b == d != 0)
        either += (a == c != 0) or (b == d != 0)
    assert shared_pairs(one, other) == (both / either if either else 1)
    rand = adjusted_rand_index(one, other, len(labels))
    assert -1 <= rand <= 1
    assert rand == adjusted_rand_index(other, one, len(labels))
    assert adjusted_rand_index(one, one, len(labels)) == 1


def test_likeness_of_strategies() -> None:
    one, other = [[0, [0, 1]]], [[0, [2, 3]]]
    rows = [
        row("f:a", "x", 0, objective=1, groups=one),
        row("f:a", "x", 1, objective=1, groups=other),
        row("f:a", "y", 0, objective=1, groups=one),
        row("f:b", "x", 0, objective=1, groups=one),
        row("f:b", "y", 0, objective=1, groups=other),
        row("f:c", "y", 0, verdict="disqualified", objective=1, groups=other),
    ]
    found = likeness(rows, ["x", "y", "z"], {"f:a": 5})
    assert found.shares == ((0.0, 0.5, None), (0.5, None, None), (None, None, None))
    assert found.counts == ((1, 2, 0), (2, 0, 0), (0, 0, 0))
