"""Made problems to measure the solver on: the study's, the domain's shape, and the domain's own.

- ``study_problem``: firms in a latent space with a sparse graph, the instances on which the method
  was chosen; the random stream is the study's, so results compare with its tables.
- ``register_problem``: what ``consortium.formulation`` makes of a register, for as many markets as
  wanted: minimum-order curves by family, money members can pay, experience, size 5 to 9.
- ``sample_problem``: what the domain itself makes of a sample register, one market.

The same arguments give the same problem. Nothing here was fitted to what a solver answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from solver import Curve, GroupingProblem

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# -- the study's instances --------------------------------------------------------------------

#: Share of the nearest pairs that is kept as compatible.
KEEP = 0.75
CERTIFICATES = 12
NEEDED_CERTIFICATES = 3
SMALLEST, LARGEST = 3, 8
#: At most so many groups, were every group of five firms: a share of all firms stays out.
GROUP_SHARE = 0.6


def study_problem(n: int, degree: int, markets: int, seed: int) -> GroupingProblem:
    """A study instance: n firms in a 3-D latent space, absent pairs forbidden, sizes 3 to 8.

    Parameters
    ----------
    n, degree : firms, and compatible firms of one on average.
    markets : kinds of group.
    seed : of the random stream.

    Every market has a fixed cost, least and most joint capacity, three certificates some member
    must hold, a greatest number of groups and a demand; one budget is shared.
    """
    rng = np.random.default_rng(seed)
    # The order of the draws is part of the instance: another order is another instance.
    points = rng.random((n, 3))
    pairs = _nearest_pairs(points, min(n - 1, round(degree / KEEP)))
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    pairs = pairs[np.argsort(length, kind="stable")][: int(n * degree / 2 / KEEP)]
    pairs = pairs[rng.random(len(pairs)) < KEEP]
    base = rng.normal(1.5, 3.0, len(pairs))
    factor = rng.uniform(0.6, 1.4, markets)
    pair_values = _hundredths(base[:, None] * factor + rng.normal(0, 1.0, (len(pairs), markets)))
    own = rng.normal(-0.5, 2.5, n)
    item_values = _hundredths(own[:, None] + rng.normal(0, 1.5, (n, markets)))
    capacity = np.maximum(5, np.rint(np.exp(rng.normal(3.0, 0.6, n)))).astype(np.int64)
    holds = np.array([rng.random(n) < 0.3 for _ in range(CERTIFICATES)]).astype(np.int64)
    cost = _hundredths(rng.uniform(8, 16, markets))
    mean = capacity.mean()
    least = np.rint(rng.uniform(3.2, 4.5, markets) * mean).astype(np.int64)
    most = np.rint(rng.uniform(8, 12, markets) * mean).astype(np.int64)
    needed = np.zeros((markets, CERTIFICATES), dtype=np.int64)
    for k in range(markets):
        needed[k, rng.choice(CERTIFICATES, NEEDED_CERTIFICATES, replace=False)] = 1
    groups = np.maximum(1, np.rint(np.full(markets, GROUP_SHARE * n / 5.0 / markets)))
    groups = groups.astype(np.int64)
    demand = np.rint(groups * mean * 5).astype(np.int64)
    budget = int(0.9 * (groups * cost).sum())

    used = np.flatnonzero(needed.any(axis=0))
    unbounded = capacity.sum()
    item_use = np.zeros((markets + 1, markets, n), dtype=np.int64)
    item_use[np.arange(markets), np.arange(markets)] = capacity
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return GroupingProblem(
        num_items=n,
        kinds=tuple(f"market {k}" for k in range(markets)),
        item_values=item_values.T.copy(),
        pairs=pairs[order].astype(np.int32),
        pair_values=pair_values[order].T.copy(),
        absent_pairs="forbidden",
        open_values=-cost,
        min_size=np.full(markets, SMALLEST),
        max_size=np.full(markets, LARGEST),
        max_groups=groups,
        resources=np.vstack([capacity, holds[used]]),
        resource_min=np.column_stack([least, needed[:, used]]),
        resource_max=np.column_stack([most, np.full((markets, len(used)), unbounded)]),
        shared_group_use=np.vstack([np.zeros((markets, markets), dtype=np.int64), cost]),
        shared_item_use=item_use,
        shared_limit=np.append(demand, budget),
    )


def _nearest_pairs(points: FloatArray, neighbours: int) -> IntArray:
    """Pairs (i < j), ascending, of which one is among the other's nearest; int64 [E, 2]."""
    n = len(points)
    _, index = cKDTree(points).query(points, k=neighbours + 1)
    first = np.repeat(np.arange(n), neighbours)
    second = index[:, 1:].ravel().astype(np.int64)
    codes = np.unique(np.minimum(first, second) * n + np.maximum(first, second))
    return np.stack([codes // n, codes % n], axis=1)


def _hundredths(values: FloatArray) -> IntArray:
    return np.rint(100 * values).astype(np.int64)


# -- the domain's shape -----------------------------------------------------------------------

MEMBERS = (5, 9)
#: Firms above which the domain keeps only the nearest pairs, and how many of them.
SPARSIFY_ABOVE, NEAREST = 150, 30
#: Share of a register's firms that may join in one market.
ABLE = 0.3
LEAST_PAIR, PAIR_RANGE = -1_800, 12_300


@dataclass(frozen=True, slots=True)
class _Plan:
    """One marketing plan: cents, and how much of a family it can sell, in minimum orders.

    Attributes
    ----------
    opening : value of opening a group.
    member : value of any member, before certificates and what it earns alone.
    needs : what members must be able to pay in each launch year.
    row : which of the market's payable rows (one per launch year) it looks at.
    reach : minimum orders after which a family's sales are flat.
    """

    name: str
    opening: int
    member: int
    needs: tuple[int, int]
    row: int
    reach: float


PLANS = (
    _Plan("catalogue", -4_450_000, -171_000, (1_390_000, 1_140_000), 0, 2.5),
    _Plan("fair", -7_260_000, -297_000, (1_730_000, 1_670_000), 1, 9.0),
    _Plan("agent", -5_320_000, -192_000, (1_670_000, 1_400_000), 2, 9.0),
    _Plan("fair+agent", -8_340_000, -297_000, (2_030_000, 1_970_000), 1, 14.0),
)
#: What member promotion takes off the money left for joint costs, by payable row and launch year.
PROMOTION = ((0, 4_500), (15_000, 28_500), (2_500, 8_500))
UPGRADE = 535_700
MINIMUM_ORDER = 218_000
RANGE_BONUS = 97_000


def register_problem(
    firms: int,
    markets: int,
    seed: int,
    *,
    families: int = 5,
    nearest: int = NEAREST,
    carried: int | None = None,
    budget: bool = False,
) -> GroupingProblem:
    """A problem shaped as the domain's own, for many markets; values in cents.

    Parameters
    ----------
    firms, markets : K = 4 kinds a market (one per marketing plan). Some 30% of the firms may join
        in one market; firms that may join nowhere are no items, as in the domain.
    families : product families; R = markets x (families + 6) + 1. A firm makes one to four.
    nearest : neighbours kept a firm where more than 150 may join.
    carried : groups the facilitators can carry; four a market when left out.
    budget : add a shared limit on subsidy, which groups and members both use.
    """
    rng = np.random.default_rng(seed)
    size = rng.normal(0.0, 1.0, firms)
    # Who is able: larger firms more often, and nearly the same firms in every market.
    fitness = 0.6 * size + rng.normal(0.0, 1.0, firms)
    scores = fitness[:, None] + rng.normal(0.0, 0.5, (firms, markets))
    able = scores >= np.quantile(scores, 1 - ABLE, axis=0)
    items = np.flatnonzero(able.any(axis=1))
    able, size = able[items].T, size[items]
    n, kinds = len(items), markets * len(PLANS)
    market_of = np.repeat(np.arange(markets), len(PLANS))

    payable = np.clip(np.exp(rng.normal(12.2, 0.9, n) + 0.3 * size), 60_000, 1_160_000)
    made = _families_made(rng, n, families)
    capacity = made * np.exp(rng.normal(0.5, 0.8, (families, n)) + 0.3 * size)
    alone = np.where(size > 1.0, rng.uniform(0, 3_000_000, n), 0)
    traits = rng.random((n, 5))
    experienced = rng.random(n) < 0.8

    rows: list[IntArray] = []
    least: dict[tuple[int, int], int] = {}
    curves: dict[tuple[int, int], Curve] = {}
    eligible = np.zeros((kinds, n), dtype=bool)
    item_values = np.zeros((kinds, n), dtype=np.int64)
    open_values = np.zeros(kinds, dtype=np.int64)
    graphs: list[tuple[IntArray, IntArray]] = []
    cents_a_lot = np.exp(rng.uniform(np.log(300), np.log(2_600), families))
    for m in range(markets):
        price, cost, money = rng.uniform(0.8, 1.25), rng.uniform(0.8, 1.2), rng.uniform(0.9, 1.1)
        kinds_here = range(m * len(PLANS), (m + 1) * len(PLANS))
        for f in range(families):
            value = max(1, round(price * cents_a_lot[f]))
            order = max(2, round(MINIMUM_ORDER * rng.uniform(0.7, 1.4) / value))
            lots = np.minimum(capacity[f] * order, 4.8 * order).astype(np.int64)
            for k, plan in zip(kinds_here, PLANS, strict=True):
                flat = order + max(1, int(order * (plan.reach - 1) * rng.uniform(0.7, 1.4)))
                curves[k, len(rows)] = Curve(
                    (
                        (0, 0),
                        (order, 0),
                        (order, RANGE_BONUS + value * order),
                        (flat, RANGE_BONUS + value * flat),
                    )
                )
            rows.append(lots)
        left = [[np.rint(payable - away) for away in both] for both in PROMOTION]
        where = len(rows)
        for row in left:
            able_to_pay = able[m] & (np.array(row) >= 0).all(axis=0)
            rows += [np.where(able_to_pay, year, 0).astype(np.int64) for year in row]
        missing = rng.random(n) < 0.6
        for k, plan in zip(kinds_here, PLANS, strict=True):
            eligible[k] = able[m] & (np.array(left[plan.row]) >= 0).all(axis=0)
            open_values[k] = round(plan.opening * cost)
            item_values[k] = np.rint(plan.member - UPGRADE * missing - alone)
            for year, need in enumerate(plan.needs):
                least[k, where + 2 * plan.row + year] = round(need * money)
        graphs.append(_market_graph(rng, traits, np.flatnonzero(able[m]), nearest))
    rows.append(experienced.astype(np.int64))
    resource_min = np.zeros((kinds, len(rows)), dtype=np.int64)
    for at, need in least.items():
        resource_min[at] = need
    resource_min[:, -1] = 1

    pairs, pair_values, pair_allowed = _union(graphs, n, market_of)
    a_market = np.minimum(11, rng.integers(3, 12, markets))
    group_use = [(market_of == m).astype(np.int64) for m in range(markets)]
    group_use.append(np.ones(kinds, dtype=np.int64))
    limits = [*a_market.tolist(), 4 * markets if carried is None else carried]
    item_use = np.zeros((len(limits), kinds, n), dtype=np.int64)
    if budget:
        group_use.append(np.rint(-0.5 * open_values).astype(np.int64))
        a_member = np.full((1, kinds, n), 60_000, dtype=np.int64)
        item_use = np.concatenate([item_use, a_member])
        limits.append(int(-0.25 * open_values.mean() * limits[-1]))
    return GroupingProblem(
        num_items=n,
        kinds=tuple(f"market {m}|{plan.name}" for m in range(markets) for plan in PLANS),
        item_values=item_values,
        pairs=pairs,
        pair_values=pair_values,
        pair_allowed=pair_allowed,
        absent_pairs="forbidden",
        open_values=open_values,
        min_size=np.full(kinds, MEMBERS[0]),
        max_size=np.full(kinds, MEMBERS[1]),
        max_groups=a_market[market_of],
        eligible=eligible,
        resources=np.array(rows),
        resource_min=resource_min,
        curves=curves,
        shared_group_use=np.array(group_use),
        shared_item_use=item_use,
        shared_limit=np.array(limits),
    )


def _families_made(rng: np.random.Generator, n: int, families: int) -> npt.NDArray[np.bool_]:
    """Which families each firm makes: one to four, the first ones oftener; bool [families, n]."""
    weight = 1.0 / (1.0 + 0.25 * np.arange(families))
    # The smallest keys win: exponential keys divided by weights draw without replacement.
    keys = rng.exponential(1.0, (families, n)) / weight[:, None]
    rank = np.argsort(np.argsort(keys, axis=0), axis=0)
    return rank < rng.integers(1, 5, n)


def _market_graph(
    rng: np.random.Generator, traits: FloatArray, able: IntArray, nearest: int
) -> tuple[IntArray, IntArray]:
    """Pairs of one market (int64 [E, 2], items) and what each is worth (int64 [E])."""
    seen = traits[able] + rng.normal(0.0, 0.1, (len(able), traits.shape[1]))
    if len(able) > SPARSIFY_ABOVE:
        pairs = _nearest_pairs(seen, min(nearest, len(able) - 1))
    else:
        pairs = np.argwhere(np.triu(np.ones((len(able), len(able)), dtype=bool), 1))
        pairs = pairs[rng.random(len(pairs)) < 0.9]
    length = np.linalg.norm(seen[pairs[:, 0]] - seen[pairs[:, 1]], axis=1)
    closeness = np.clip(1.0 - length + rng.normal(0.0, 0.1, len(length)), 0.0, 1.0)
    return able[pairs], np.rint(LEAST_PAIR + PAIR_RANGE * closeness).astype(np.int64)


def _union(
    graphs: list[tuple[IntArray, IntArray]], n: int, market_of: IntArray
) -> tuple[npt.NDArray[np.int32], IntArray, npt.NDArray[np.bool_]]:
    """All markets' pairs, with each kind's values and permissions."""
    codes = [pairs[:, 0] * n + pairs[:, 1] for pairs, _ in graphs]
    union = np.unique(np.concatenate(codes))
    values = np.zeros((len(market_of), len(union)), dtype=np.int64)
    allowed = np.zeros((len(market_of), len(union)), dtype=bool)
    for k, m in enumerate(market_of):
        at = np.searchsorted(union, codes[m])
        values[k, at], allowed[k, at] = graphs[m][1], True
    return np.stack([union // n, union % n], axis=1).astype(np.int32), values, allowed


# -- the domain itself ------------------------------------------------------------------------


def sample_problem(
    firms: int, seed: int, *, cluster: str = "surgical-sialkot", market: str = "ZAF"
) -> GroupingProblem:
    """What the domain makes of its own sample register, with its default graph and one market."""
    from consortium.case import make_case
    from consortium.formulation import formulate
    from consortium.market_files import find_market
    from consortium.sample import sample_register

    case = make_case(sample_register(cluster, firms, seed), [find_market(market)])
    return formulate(case).problem


def without_item(problem: GroupingProblem, item: int) -> GroupingProblem:
    """The problem after one item has left: it is eligible for no kind; the indices stay."""
    eligible = problem.eligible.copy()
    eligible[:, item] = False
    return problem.replace(eligible=eligible)
