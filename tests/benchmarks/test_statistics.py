"""Every statistic by hand, and what must hold of each for all numbers."""

from __future__ import annotations

from itertools import pairwise
from math import inf, isfinite, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from synthetic_rows import row

from benchmarks.league.judging import Known, judge
from benchmarks.league.sampling import sample_of
from benchmarks.league.statistics import (
    Matrix,
    bootstrap_interval,
    complete_blocks,
    data_profile,
    differences,
    friedman,
    holm,
    performance_profile,
    primal_gap,
    primal_integral,
    ranks,
    scaling,
    signed_rank_p,
    time_to_target,
)

costs = st.tuples(st.integers(1, 8), st.integers(1, 4)).flatmap(
    lambda shape: arrays(
        float, shape, elements=st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.5, inf])
    )
)  # fmt: skip
finite = st.tuples(st.integers(2, 8), st.integers(2, 4)).flatmap(
    lambda shape: arrays(float, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
)


def test_performance_profile_by_hand() -> None:
    times = np.array([[1.0, 2.0], [6.0, 2.0], [inf, 5.0], [inf, inf]])
    # Ratios: (1, 2), (3, 1), (inf, 1), (inf, inf).
    found = performance_profile(times, [1, 2, 3, 1e9])
    assert found.tolist() == [[0.25, 0.25, 0.5, 0.5], [0.5, 0.75, 0.75, 0.75]]


def test_performance_profile_of_zeros_and_with_a_shift() -> None:
    gaps = np.array([[0.0, 0.1], [0.0, 0.0]])
    assert performance_profile(gaps, [1, 1e9]).tolist() == [[1, 1], [0.5, 0.5]]
    # (0 + 0.1, 0.1 + 0.1): the ratio is 2.
    assert performance_profile(gaps, [1.9, 2.1], shift=0.1).tolist() == [[1, 1], [0.5, 1]]


def test_profiles_of_nothing() -> None:
    assert np.isnan(performance_profile(np.zeros((0, 2)), [1])).all()
    assert data_profile(np.zeros((0, 2)), [1, 2]).shape == (2, 2)
    assert performance_profile(np.zeros((3, 0)), [1]).shape == (0, 1)


@given(costs)
def test_performance_profile_properties(times: Matrix) -> None:
    taus = [1.0, 1.5, 2.0, 10.0, 1e12]
    found = performance_profile(times, taus)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()
    # At ratio 1 stands how often it is the best; somebody is wherever somebody finishes.
    best = times.min(axis=1, keepdims=True)
    assert found[:, 0] == pytest.approx(((times == best) & np.isfinite(times)).mean(axis=0))
    assert found[:, 0].sum() >= np.isfinite(best).mean() - 1e-9
    assert (found[:, -1] <= np.isfinite(times).mean(axis=0) + 1e-9).all()


def test_data_profile_by_hand() -> None:
    times = np.array([[1.0, nan], [3.0, 2.0], [inf, 4.0]])
    found = data_profile(times, [0.5, 1, 2, 3, inf])
    assert found[0] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert found[1] == pytest.approx([0, 0, 0.5, 0.5, 1])  # of the two that it ran


@given(costs)
def test_data_profile_properties(times: Matrix) -> None:
    found = data_profile(times, [0.0, 0.5, 1.0, 5.0, 100.0])
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert found[:, -1] == pytest.approx(np.isfinite(times).mean(axis=0))


def test_primal_gap_by_hand() -> None:
    assert primal_gap(None, 10) == 1
    assert primal_gap(0, 0) == 0
    assert primal_gap(-1, 10) == 1
    assert primal_gap(8, 10) == pytest.approx(0.2)
    assert primal_gap(-20, -10) == pytest.approx(0.5)
    assert primal_gap(0, 10) == 1


def test_primal_integral_by_hand() -> None:
    # 1 until 2 s, then 0.5 until 6 s, then 0 until 10 s: (2 + 2 + 0) / 10.
    assert primal_integral([[2, 50], [6, 100]], 100, 10) == pytest.approx(0.4)
    assert primal_integral([], 100, 10) == 1
    assert primal_integral([[0, 100]], 100, 10) == 0
    assert primal_integral([[12, 100]], 100, 10) == 1  # after the limit
    assert primal_integral([[5, 0]], 0, 10) == pytest.approx(0.5)


points = st.lists(st.tuples(st.floats(0, 20), st.integers(-50, 50)), max_size=6)


@given(points, st.integers(-50, 50), st.floats(0.1, 15))
def test_primal_integral_properties(
    trace: list[tuple[float, int]], best: int, limit: float
) -> None:
    found = primal_integral(trace, best, limit)
    assert 0 <= found <= 1
    assert primal_integral([*trace, (0.0, best)], best, limit) == pytest.approx(0, abs=1e-12)
    assert primal_integral(trace, best, limit) <= primal_integral(trace[1:], best, limit) + 1e-9


def test_time_to_target_by_hand() -> None:
    trace = [[1, 90], [2, 99], [3, 100]]
    assert time_to_target(trace, 100, 0.01) == 2
    assert time_to_target(trace, 100, 0.0) == 3
    assert time_to_target(trace, 100, 0.1) == 1
    assert time_to_target(trace, 101, 0.0) == inf
    assert time_to_target(trace, 100, 0.0, limit=2.5) == inf
    assert time_to_target([[1, -101]], -100, 0.01) == 1


def test_ranks_with_ties() -> None:
    table = ranks(np.array([[0.0, 0.0, 3.0], [2.0, inf, inf], [3.0, 2.0, 1.0]]))
    assert table.tolist() == [[1.5, 1.5, 3], [1, 2.5, 2.5], [3, 2, 1]]
    assert ranks(np.zeros((0, 3))).shape == (0, 3)


@given(costs)
def test_ranks_sum_up(table: Matrix) -> None:
    size = table.shape[1]
    assert ranks(table).sum(axis=1) == pytest.approx(size * (size + 1) / 2)


def test_complete_blocks() -> None:
    table = np.array([[1.0, nan], [inf, 1.0]])
    assert complete_blocks(table).tolist() == [False, True]


def test_friedman_by_hand() -> None:
    # Ranks 1 2 3 three times and 2 1 3: means 1.25, 1.75, 3.
    table = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3], [2, 1, 3]], dtype=float)
    found = friedman(table)
    assert found is not None
    # 12 * 4 / 12 * (1.25^2 + 1.75^2 + 9 - 12) = 4 * 1.625
    assert found.statistic == pytest.approx(6.5)
    assert found.p == pytest.approx(np.exp(-3.25))  # of two degrees of freedom
    assert (found.instances, found.strategies) == (4, 3)


def test_friedman_without_enough() -> None:
    assert friedman(np.zeros((1, 3))) is None
    assert friedman(np.zeros((5, 1))) is None
    same = friedman(np.zeros((5, 3)))
    assert same is not None
    assert (same.statistic, same.p) == (0, 1)


@given(finite)
def test_friedman_is_scipys(table: Matrix) -> None:
    found = friedman(table)
    assert found is not None
    if table.shape[1] > 2 and (table != table[:, :1]).any():
        assert found.statistic == pytest.approx(
            stats.friedmanchisquare(*table.T).statistic, abs=1e-9
        )


def test_signed_rank_by_hand() -> None:
    # Six differences of one sign: 2 / 2^6.
    assert signed_rank_p([1, 2, 3, 4, 5, 6], [0] * 6) == pytest.approx(2 / 64)
    # Ranks 1..6, the smallest negative: rank sums 1 and 20; 2 of 64 subsets sum to at most 1.
    assert signed_rank_p([-1, 2, 3, 4, 5, 6], [0] * 6) == pytest.approx(2 * 2 / 64)
    # Ties and a 0: five equal differences, four up: rank 3 each, sums 12 and 3; 1 + 5 of 32.
    assert signed_rank_p([1, 1, 1, 1, -1, 0], [0] * 6) == pytest.approx(2 * 6 / 32)


def test_signed_rank_without_enough() -> None:
    assert signed_rank_p([1, 2, 3, 4, 5], [0] * 5) is None
    assert signed_rank_p([3.0] * 6, [3.0] * 6) == 1
    assert signed_rank_p([], []) is None


def test_signed_rank_of_many_is_near_the_exact() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(0.2, 1, 120), np.zeros(120)
    approximate = signed_rank_p(one.tolist(), other.tolist())
    assert approximate == pytest.approx(stats.wilcoxon(one, method="exact").pvalue, rel=0.05)


@given(st.lists(st.integers(-40, 40), min_size=6, max_size=20, unique_by=abs))
def test_signed_rank_is_scipys(deltas: list[int]) -> None:
    found = signed_rank_p([float(d) for d in deltas], [0.0] * len(deltas))
    kept = [d for d in deltas if d]
    assert found == pytest.approx(stats.wilcoxon(kept, method="exact").pvalue)


def test_holm_by_hand() -> None:
    # Sorted 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.5 * 1; the third is below the second's 0.06: 0.06.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.4, None, 0.6]) == [0.8, None, 0.8]
    assert holm([]) == []


@given(st.lists(st.none() | st.floats(0, 1), max_size=10))
def test_holm_properties(raw: list[float | None]) -> None:
    corrected = holm(raw)
    pairs = [(p, q) for p, q in zip(raw, corrected, strict=True) if p is not None]
    assert [q is None for q in corrected] == [p is None for p in raw]
    for p, q in pairs:
        assert q is not None
        assert p <= q <= 1
    in_order = [q for _, q in sorted(pairs, key=lambda pair: pair[0])]
    assert all(a <= b for a, b in pairwise(in_order))


def test_differences_of_strategies() -> None:
    table = np.array([[0.0, 0.1 * i, nan if i > 4 else 0.0] for i in range(1, 8)])
    found = differences(table)
    assert [(one.one, one.other) for one in found] == [(0, 1), (0, 2), (1, 2)]
    first, second, third = found
    assert (first.wins, first.losses, first.instances) == (7, 0, 7)
    assert first.mean == pytest.approx(-0.4)
    assert first.p == first.holm == pytest.approx(2 / 128)  # the only test that was made
    assert second.p is third.p is second.holm is None
    assert second.instances == 4


def test_bootstrap_interval() -> None:
    found = bootstrap_interval([0.0, 1.0] * 50)
    assert found is not None
    assert found.mean == 0.5
    # Standard error 0.05: the interval is about 0.4 to 0.6.
    assert found.low == pytest.approx(0.4, abs=0.02)
    assert found.high == pytest.approx(0.6, abs=0.02)
    assert found == bootstrap_interval([0.0, 1.0] * 50)
    assert found != bootstrap_interval([0.0, 1.0] * 50, resamples=99)
    assert bootstrap_interval([0.5]) is bootstrap_interval([nan, 0.5]) is None
    same = bootstrap_interval([0.25] * 4)
    assert same is not None
    assert (same.low, same.mean, same.high) == (0.25, 0.25, 0.25)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_bootstrap_stays_within_the_values(values: list[float]) -> None:
    found = bootstrap_interval(values, resamples=50)
    assert found is not None
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_scaling_by_hand() -> None:
    found = scaling([10, 100, 1000, 50], [0.3, 30, 3000, 0])
    assert found is not None
    assert found.slope == pytest.approx(2)
    assert found.factor == pytest.approx(0.003)
    assert found.points == 3  # the 0 has no logarithm
    assert scaling([10, 10, 100], [1, 2, 3]) is None
    assert scaling([], []) is None


@given(st.floats(-2, 3), st.floats(0.01, 100))
def test_scaling_finds_the_power(slope: float, factor: float) -> None:
    sizes = [10.0, 30.0, 200.0]
    found = scaling(sizes, [factor * n**slope for n in sizes])
    assert found is not None
    assert found.slope == pytest.approx(slope, abs=1e-6)
    assert found.factor == pytest.approx(factor, rel=1e-5)


def test_sample_takes_medians_of_seeds_and_counts_failures() -> None:
    rows = [
        row("f:a", "x", 0, objective=100, seconds=2),
        row("f:a", "x", 1, objective=90, seconds=4, trace=[[1, 80], [3, 90]]),
        row("f:a", "x", 2, objective=50, seconds=9),
        row("f:a", "y", 0, verdict="none"),
        row("f:b", "x", 0, objective=7, bound=14),
        row("f:b", "y", 0, verdict="refused"),
        row("f:c", "x", 0, verdict="none"),
        row("f:d", "y", 0, infeasible=True, seconds=4),
        row("f:d", "x", 0, verdict="none"),
    ]
    sample = sample_of(judge(rows, {"f:a": Known(100, True, "a paper")}))
    assert sample.instances == ("f:a", "f:b", "f:d")
    assert sample.unknown == ("f:c",)
    assert sample.strategies == ("x", "y")
    gaps, costs_of, bounds = sample.gaps(), sample.costs(), sample.bound_gaps()
    assert gaps[0].tolist() == pytest.approx([0.1, 1])
    assert gaps[1, 0] == 0
    assert isnan(gaps[1, 1])
    assert gaps[2].tolist() == [1, 0]
    assert costs_of[0, 1] == inf
    assert bounds[1, 0] == pytest.approx(0.5)
    assert isnan(bounds[2, 0])
    assert sample.times(0.1)[0].tolist() == [3, inf]
    assert sample.times(0.0)[0].tolist() == [inf, inf]
    assert sample.integrals()[0, 1] == 1
    assert sample.integrals()[2].tolist() == [1, 0.4]


def test_gap_far_below_is_cut_but_ranks_before_none() -> None:
    rows = [row("f:a", "x", objective=-9), row("f:a", "y", verdict="none")]
    sample = sample_of(judge([*rows, row("f:a", "z", objective=1)], {}))
    assert sample.gaps().tolist() == [[1, 1, 0]]
    assert ranks(sample.costs()).tolist() == [[2, 3, 1]]
    assert isfinite(sample.costs()[0, 0])
