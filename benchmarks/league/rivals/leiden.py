"""Leiden communities of capped size: V. Traag, L. Waltman, N. van Eck, "From Louvain to Leiden",
Scientific Reports 9, 2019, by its authors' packages igraph and leidenalg.

The packages are licensed under the GPL and therefore no dependency; they are imported only when
the strategy runs. ``max_comm_size`` alone is ignored without a word since leidenalg 0.12: only
``community_constraint_enforcement`` makes it count, and as a penalty only (with 1, sizes of 40 were
seen under a cap of 8); earlier versions have no such attribute and need none. The sizes are checked
in either case.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, affinity, size_range
from benchmarks.league.rivals.fitter import Fitter
from solver import GroupingProblem, Limits

#: Rounds with other seeds while time is left; with more, nothing new comes.
_RESTARTS = 1_000
#: Resolutions tried, relative to the mean value of a pair: how good a pair must be to count.
_RESOLUTIONS = (0.5, 0.2, 1.0, 0.05, 1.5)
_ITERATIONS = 4
_ENFORCEMENT = "community_constraint_enforcement"


class Leiden:
    """Leiden communities no larger than the largest group."""

    name = "leiden"
    about = "size-capped Leiden communities (Traag et al. 2019) of positive pair values"
    deterministic = True

    def unavailable(self) -> str:
        if find_spec("igraph") is None or find_spec("leidenalg") is None:
            return "needs the packages igraph and leidenalg"
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Try several resolutions, and start again with other seeds while time is left."""
        budget, best = Budget(limits), Best(problem, report)
        fitter = Fitter(problem, best, budget)
        free = [i for i in range(problem.num_items) if i not in fitter.pinned]
        weights = affinity(problem)[free][:, free].tocoo()
        upper = weights.row < weights.col
        edges = np.stack([weights.row[upper], weights.col[upper]], axis=1).tolist()
        values = weights.data[upper]
        if not edges:
            fitter.finish([[i] for i in free])
            return best.answer()
        _, high = size_range(problem)
        mean = float(values.mean())
        for restart in range(_RESTARTS):
            for resolution in _RESOLUTIONS:
                if budget.over and fitter.tried:
                    return best.answer()
                seed = (limits.seed + restart) % 2**31
                communities = capped_communities(
                    len(free), edges, (values / mean).tolist(), high, resolution, seed
                )
                budget.spend(_ITERATIONS * (len(edges) + len(free)))
                fitter.finish([[free[i] for i in members] for members in communities])
        return best.answer()


def capped_communities(
    n: int,
    edges: list[list[int]],
    weights: list[float],
    largest: int,
    resolution: float,
    seed: int,
) -> list[list[int]]:
    """Communities of at most ``largest`` members, by the constant Potts model.

    Its resolution is a price of each pair inside, so that communities can be as small as groups
    are; modularity cannot resolve these in a large graph.

    Raises
    ------
    RuntimeError
        If the package ignored the cap.
    """
    import igraph
    import leidenalg

    graph = igraph.Graph(n=n, edges=edges)
    partition = leidenalg.CPMVertexPartition(
        graph, weights=weights, resolution_parameter=resolution
    )
    optimiser: Any = leidenalg.Optimiser()
    optimiser.set_rng_seed(seed)
    optimiser.max_comm_size = largest
    if hasattr(type(optimiser), _ENFORCEMENT):
        # A penalty against the gain of pairs: it must outweigh the best of them.
        setattr(optimiser, _ENFORCEMENT, 1_000 * max(1.0, *weights))
    optimiser.optimise_partition(partition, n_iterations=_ITERATIONS)
    communities = [list(members) for members in partition if len(members)]
    if any(len(members) > largest for members in communities):
        raise RuntimeError(f"leidenalg made a community above max_comm_size = {largest}")
    return communities
