"""Spectral clustering: A. Ng, M. Jordan, Y. Weiss, "On spectral clustering", NIPS 2001.

As many leading eigenvectors as clusters, rows scaled to length 1, plain k-means. It knows nothing
of sizes: clusters are cut to them, and mended, afterwards.
"""

from __future__ import annotations

import numpy as np

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, Rival, affinity, size_range
from benchmarks.league.rivals.embedding import (
    lloyd,
    numbers_of_groups,
    spectral_embedding,
    unit_rows,
)
from benchmarks.league.rivals.fitter import Fitter
from solver import GroupingProblem, Limits

#: Rounds with other seeds while time is left; with more, nothing new comes.
_RESTARTS = 1_000
#: More eigenvectors than this are not computed: beyond, they are noise and take long.
_MOST_DIMENSIONS = 200


class Spectral(Rival):
    """Spectral clustering for several numbers of clusters, then repair."""

    name = "spectral"
    about = "spectral clustering (Ng, Jordan, Weiss 2001) of positive pair values, then repair"

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Try several numbers of clusters, and start again with other centres while time is left.

        One decomposition serves all numbers of clusters: it takes longest.
        """
        budget, best = Budget(limits), Best(problem, report)
        fitter = Fitter(problem, best, budget)
        free = [i for i in range(problem.num_items) if i not in fitter.pinned]
        if not free:
            fitter.finish([])
            return best.answer()
        low, high = size_range(problem)
        numbers = numbers_of_groups(len(free), min(low, len(free)), high)
        weights = affinity(problem)[free][:, free]
        vectors = spectral_embedding(weights, min(max(numbers), _MOST_DIMENSIONS))
        budget.spend(len(free) ** 2 * 2)
        rng = np.random.default_rng(limits.seed)
        for _ in range(_RESTARTS):
            for k in numbers:
                if budget.over and fitter.tried:
                    return best.answer()
                clusters = lloyd(unit_rows(vectors[:, :k]), k, rng)
                budget.spend(len(free) * k)
                fitter.finish([[free[i] for i in cluster] for cluster in clusters])
        return best.answer()
