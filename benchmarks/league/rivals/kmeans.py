"""Size-constrained k-means: P. Bradley, K. Bennett, A. Demiriz, "Constrained k-means clustering",
Microsoft Research MSR-TR-2000-65.

The assignment step is a minimum cost flow: an item sends one unit to one centre, a centre takes at
least the smallest and at most the largest size of a group. The points are the spectral embedding
of positive pair values, for pair values are all that a grouping problem tells of likeness.
"""

from __future__ import annotations

import numpy as np

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, Rival, affinity, size_range
from benchmarks.league.rivals.embedding import (
    Points,
    clusters_of,
    distances,
    moved_centres,
    numbers_of_groups,
    spectral_embedding,
    spread_centres,
    unit_rows,
)
from benchmarks.league.rivals.fitter import Fitter
from solver import GroupingProblem, Limits

_DIMENSIONS = 24
_ROUNDS = 15
#: Rounds with other seeds while time is left; with more, nothing new comes.
_RESTARTS = 1_000
#: Squared distances become whole numbers of this many to 1.
_SCALE = 1_000_000


class KMeans(Rival):
    """K-means whose clusters have the sizes that groups may have."""

    name = "kmeans"
    about = "size-constrained k-means (Bradley, Bennett, Demiriz 2000) on a spectral embedding"

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Try several numbers of groups, and start again with other centres while time is left."""
        budget, best = Budget(limits), Best(problem, report)
        fitter = Fitter(problem, best, budget)
        free = [i for i in range(problem.num_items) if i not in fitter.pinned]
        if not free:
            fitter.finish([])
            return best.answer()
        low, high = size_range(problem)
        low = min(low, len(free))
        weights = affinity(problem)[free][:, free]
        embedding = unit_rows(spectral_embedding(weights, _DIMENSIONS))
        budget.spend(len(free) ** 2 * 2)
        rng = np.random.default_rng(limits.seed)
        numbers = numbers_of_groups(len(free), low, max(low, high))
        for _ in range(_RESTARTS):
            for k in numbers:
                if budget.over and fitter.tried:
                    return best.answer()
                home = constrained_kmeans(embedding, k, low, max(low, high), rng, budget)
                fitter.finish([[free[i] for i in c] for c in clusters_of(home, k)])
        return best.answer()


def constrained_kmeans(
    points: Points, k: int, low: int, high: int, rng: np.random.Generator, budget: Budget
) -> np.ndarray:
    """Cluster of each point, low to high points in each as far as their number allows."""
    centres = spread_centres(points, k, rng)
    home = np.full(len(points), -1, dtype=np.int64)
    for step in range(_ROUNDS):
        moved = assigned(distances(points, centres), low, high)
        budget.spend(5 * len(points) * k)
        if (moved == home).all():
            break
        home = moved
        if budget.over and step:
            break
        centres = moved_centres(points, centres, home)
    return home


def assigned(cost: Points, low: int, high: int) -> np.ndarray:
    """The cheapest assignment with low to high items a centre, by minimum cost flow.

    Each centre keeps ``low`` items for itself and passes what is above on to one sink.
    """
    from ortools.graph.python import min_cost_flow

    n, k = cost.shape
    low, high = min(low, n // k), max(high, -(-n // k))
    flow = min_cost_flow.SimpleMinCostFlow()
    items, centres, sink = np.arange(n), n + np.arange(k), n + k
    whole = np.rint(cost * _SCALE).astype(np.int64)
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        np.repeat(items, k).astype(np.int32),
        np.tile(centres, n).astype(np.int32),
        np.ones(n * k, dtype=np.int64),
        whole.ravel(),
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        centres.astype(np.int32),
        np.full(k, sink, dtype=np.int32),
        np.full(k, high - low, dtype=np.int64),
        np.zeros(k, dtype=np.int64),
    )
    supplies = np.concatenate([np.ones(n), np.full(k, -low), [-(n - k * low)]]).astype(np.int64)
    flow.set_nodes_supplies(np.arange(n + k + 1, dtype=np.int32), supplies)
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("the minimum cost flow of an assignment has a solution, but none came")
    return flow.flows(arcs).reshape(n, k).argmax(axis=1).astype(np.int64)
