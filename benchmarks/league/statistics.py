"""Statistics of a league: profiles, ranks, tests, intervals, scaling.

Everything here works on matrices with a line for each instance and a column for each strategy, in
which less is better, ``inf`` is a failure and ``nan`` says that there is no run;
``benchmarks.league.sampling`` makes them from rows. Instances are the sample, not runs. Where a
number cannot be had it is ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Matrix = NDArray[np.float64]

#: Below as many instances the smallest two-sided p of the signed-rank test is above 0.05
#: (2 / 2^5 = 0.0625), so no difference could be significant.
LEAST_INSTANCES = 6
#: Up to as many differences the null distribution of the signed-rank test is counted out.
EXACT_UP_TO = 100
#: Digits to which differences are compared, so that noise of floats makes no ranks.
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its percentile interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's test of "all strategies do alike": statistic, p and the size of the sample."""

    statistic: float
    p: float
    instances: int
    strategies: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two strategies compared on the instances that both have run.

    Attributes
    ----------
    one, other : columns. mean : of ``cost of one - cost of other``; below 0 the one is better.
    instances : compared. wins, losses : of the one.
    p, holm : raw and Holm-corrected; ``None`` where there are not enough instances.
    """

    one: int
    other: int
    mean: float | None
    instances: int
    wins: int
    losses: int
    p: float | None
    holm: float | None


@dataclass(frozen=True, slots=True)
class Power:
    """``y = factor * n ** slope``, fitted to so many points."""

    slope: float
    factor: float
    points: int


def performance_profile(costs: Matrix, ratios: Sequence[float], shift: float = 0.0) -> Matrix:
    """Performance profiles (Dolan & Moré 2002).

    With the ratio ``r[p, s] = cost[p, s] / min over s of cost[p, s]``::

        rho_s(tau) = |{p : r[p, s] <= tau}| / |P|

    Parameters
    ----------
    costs : positive, in complete blocks (no ``nan``); 0 is taken too: 0 / 0 is 1. A failure has
        the ratio ``inf``, also where all fail.
    ratios : the taus. shift : is added to each cost, so that tiny costs make no huge ratios.

    Returns
    -------
    A line for each strategy, a column for each tau; without instances all are ``nan``.
    """
    shifted = costs + shift
    least = shifted.min(axis=1, keepdims=True) if costs.size else shifted
    ratio = np.full(shifted.shape, np.inf)
    np.divide(shifted, least, out=ratio, where=np.isfinite(shifted) & (least > 0))
    ratio[np.isfinite(shifted) & (shifted == least)] = 1.0
    return _share_within(ratio, ratios)


def data_profile(times: Matrix, budgets: Sequence[float]) -> Matrix:
    """Data profiles (Moré & Wild 2009), with seconds as the budget.

    ``d_s(a) = |{p : t[p, s] <= a}| / |P|``, where ``t`` is the time to the target. (They count
    evaluations over ``n + 1``; groupings have no such unit that strategies share.)

    Returns
    -------
    A line for each strategy, a column for each budget; without instances all are ``nan``.
    """
    return _share_within(times, budgets)


def _share_within(values: Matrix, limits: Sequence[float]) -> Matrix:
    """For each column and limit, the share of lines whose value is finite and within the limit.

    Each column has lines of its own: those that are not ``nan``.
    """
    count = (~np.isnan(values)).sum(axis=0).astype(float)
    ends = np.asarray(limits, dtype=float)
    within = (values[:, :, None] <= ends) & np.isfinite(values)[:, :, None]
    shares = np.full((values.shape[1], len(ends)), np.nan)
    np.divide(within.sum(axis=0), count[:, None], out=shares, where=count[:, None] > 0)
    return shares


def primal_gap(value: float | None, best: float) -> float:
    """Primal gap (Berthold 2013), within [0, 1].

    ``|best - value| / max(|best|, |value|)``; 0 where both are 0, 1 where the signs differ or
    there is no value.
    """
    if value is None or value * best < 0:
        return 1.0
    largest = max(abs(best), abs(value))
    return abs(best - value) / largest if largest else 0.0


def primal_integral(trace: Sequence[Sequence[float]], best: float, limit: float) -> float:
    """Primal integral (Berthold 2013) over the limit, within [0, 1].

    ``1/T * integral from 0 to T of p(t) dt``, where ``p(t)`` is the primal gap of the best value
    found until ``t``, and 1 before the first.

    Parameters
    ----------
    trace : [seconds, value]; what comes after the limit does not count.
    best : best known value. limit : T, above 0.
    """
    total, gap, since = 0.0, 1.0, 0.0
    for second, value in sorted((point[0], point[1]) for point in trace):
        if second >= limit:
            break
        moment = max(second, 0.0)
        total += gap * (moment - since)
        gap, since = min(gap, primal_gap(value, best)), moment
    return min((total + gap * (limit - since)) / limit, 1.0)


def time_to_target(
    trace: Sequence[Sequence[float]], best: int, target: float, limit: float = np.inf
) -> float:
    """Seconds until the gap ``(best - value) / max(|best|, 1)`` is at most the target, or ``inf``.

    Points after the limit do not count.
    """
    enough = best - target * max(abs(best), 1)
    times = (point[0] for point in trace if point[1] >= enough and point[0] <= limit)
    return min(times, default=float("inf"))


def complete_blocks(costs: Matrix) -> NDArray[np.bool_]:
    """Which instances all strategies have run: the lines without ``nan``."""
    return ~np.isnan(costs).any(axis=1)


def ranks(costs: Matrix) -> Matrix:
    """Ranks within each line, 1 the best; equal costs share the mean of their ranks."""
    if not costs.size:
        return np.zeros(costs.shape)
    return np.asarray(stats.rankdata(costs, method="average", axis=1), dtype=float)


def friedman(costs: Matrix) -> Friedman | None:
    """Friedman's test (1937) on complete blocks, corrected for ties.

    With ``N`` instances, ``k`` strategies and mean ranks ``R_j``::

        chi2 = 12 N / (k (k + 1)) * (sum R_j^2 - k (k + 1)^2 / 4)
               / (1 - sum(t^3 - t) / (N (k^3 - k)))

    where ``t`` are the sizes of the ties; ``k - 1`` degrees of freedom. ``None`` with fewer than
    two instances or strategies. Where all tie everywhere, nothing differs: statistic 0, p 1.
    """
    count, size = costs.shape
    if count < 2 or size < 2:
        return None
    table = ranks(costs)
    ties = sum(
        float((repeats**3 - repeats).sum())
        for repeats in (np.unique(line, return_counts=True)[1] for line in table)
    )
    correction = 1 - ties / (count * (size**3 - size))
    if correction <= 0:
        return Friedman(0.0, 1.0, count, size)
    spread = float((table.mean(axis=0) ** 2).sum()) - size * (size + 1) ** 2 / 4
    statistic = max(12 * count / (size * (size + 1)) * spread / correction, 0.0)
    return Friedman(statistic, float(stats.chi2.sf(statistic, size - 1)), count, size)


def signed_rank_p(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test (1945) on pairs of finite costs.

    Differences of 0 are left out (Wilcoxon's way), equal ones share the mean rank. Up to
    ``EXACT_UP_TO`` differences the distribution of the rank sum under all ``2^m`` signs is
    counted, ties included; above, the normal approximation with its correction for ties.

    ``None`` with fewer than ``LEAST_INSTANCES`` pairs; 1 where no pair differs.
    """
    differences = np.round(np.asarray(one, dtype=float) - np.asarray(other, dtype=float), DIGITS)
    if len(differences) < LEAST_INSTANCES:
        return None
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    if len(differences) > EXACT_UP_TO:
        return float(stats.wilcoxon(differences, method="asymptotic").pvalue)
    # Mean ranks are multiples of a half; twice them are whole.
    doubled = np.rint(2 * stats.rankdata(np.abs(differences))).astype(np.int64)
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[: len(chance) - rank]
        chance = (chance + shifted) / 2
    positive = int(doubled[differences > 0].sum())
    lower = min(positive, len(chance) - 1 - positive)
    return min(1.0, 2 * float(chance[: lower + 1].sum()))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Step-down correction for many tests (Holm 1979).

    With ``p_(1) <= ... <= p_(m)``: ``max over j <= i of min(1, (m - j + 1) p_(j))``. Tests that
    were not made (``None``) stay so and do not count.
    """
    made = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    so_far = 0.0
    for step, (p, place) in enumerate(made):
        so_far = max(so_far, min(1.0, (len(made) - step) * p))
        corrected[place] = so_far
    return corrected


def differences(costs: Matrix) -> list[Difference]:
    """Each two strategies compared by the signed-rank test, Holm-corrected over all pairs.

    Each pair is compared on the instances that both have run. Costs must be finite or ``nan``.
    """
    found: list[tuple[int, int, Matrix, float | None]] = []
    for one, other in combinations(range(costs.shape[1]), 2):
        pair = costs[complete_blocks(costs[:, [one, other]])][:, [one, other]]
        found.append((one, other, pair, signed_rank_p(pair[:, 0].tolist(), pair[:, 1].tolist())))
    corrected = holm([p for _, _, _, p in found])
    result = []
    for (one, other, pair, p), adjusted in zip(found, corrected, strict=True):
        delta = np.round(pair[:, 0] - pair[:, 1], DIGITS)
        mean = float(delta.mean()) if len(delta) else None
        won, lost = int((delta < 0).sum()), int((delta > 0).sum())
        result.append(Difference(one, other, mean, len(delta), won, lost, p, adjusted))
    return result


def bootstrap_interval(
    values: Sequence[float] | Matrix,
    *,
    seed: int = 0,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval | None:
    """Percentile interval of the mean (Efron 1979), drawing instances with replacement.

    The same values and seed give the same interval. ``None`` with fewer than two values. ``nan``
    is left out.
    """
    sample = np.asarray(values, dtype=float)
    sample = sample[~np.isnan(sample)]
    if len(sample) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(len(sample), size=(resamples, len(sample)))
    means = sample[drawn].mean(axis=1)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(float(sample.mean()), float(low), float(high))


def scaling(sizes: Sequence[float], values: Sequence[float]) -> Power | None:
    """Least-squares line through ``(log n, log y)``: its slope is the exponent of growth.

    Points that are not above 0 or not finite are left out. ``None`` with fewer than three
    different sizes.
    """
    points = [
        (n, y) for n, y in zip(sizes, values, strict=True) if n > 0 and y > 0 and np.isfinite(y)
    ]
    if len({n for n, _ in points}) < 3:
        return None
    x, y = np.log([n for n, _ in points]), np.log([y for _, y in points])
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return Power(slope, float(np.exp(y.mean() - slope * x.mean())), len(points))
