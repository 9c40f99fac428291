"""Strategies that people use instead of ours, one module an idea, as competent as described."""

from __future__ import annotations

from benchmarks.league.contract import Strategy


def rivals() -> tuple[Strategy, ...]:
    """One of each rival, whether or not it can run here."""
    from benchmarks.league.rivals.anneal import Anneal
    from benchmarks.league.rivals.assignment import Assignment
    from benchmarks.league.rivals.kmeans import KMeans
    from benchmarks.league.rivals.leiden import Leiden
    from benchmarks.league.rivals.lists import Lists
    from benchmarks.league.rivals.milp import Highs, Scip
    from benchmarks.league.rivals.spectral import Spectral
    from benchmarks.league.rivals.timefold import Timefold

    by_graph = (Lists(), KMeans(), Spectral(), Leiden())
    return (*by_graph, Anneal(), Timefold(), Assignment(), Highs(), Scip())
