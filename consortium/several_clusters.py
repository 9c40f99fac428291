"""Registers that hold firms of several clusters: one case, so that budget and caseload are shared.

Firms of different clusters sell to different buyers and never share a consortium, but facilitators
and the budget serve all of them. So such a case has one market for each pair of market and cluster,
called "ZAF:garments-lahore", and a cluster made of all of them, whose families are all theirs.
Everything else (eligibility, pairs, worth, limits on numbers) follows from that: a firm has no
product in the markets of another cluster, and families of different clusters share no channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from consortium.market import OF, Cluster, Market
from consortium.market_files import load_clusters

#: Between clusters of a register.
AND = "+"


def merged_cluster(keys: Iterable[str]) -> Cluster:
    """The cluster of a register: the one it holds, or all of them as one.

    Raises
    ------
    KeyError
        If one is unknown.
    """
    known = load_clusters()
    parts = [known[key] for key in sorted(set(keys))]
    if len(parts) == 1:
        return parts[0]
    units = {part.unit for part in parts}
    return Cluster(
        key=AND.join(part.key for part in parts),
        label=" and ".join(part.label for part in parts),
        unit=units.pop() if len(units) == 1 else "unit",
        families=tuple(family for part in parts for family in part.families),
    )


def split_markets(
    markets: Sequence[Market], keys: Iterable[str]
) -> tuple[tuple[Market, ...], tuple[str, ...]]:
    """Markets for the clusters of a register, and notes on pairs that we have no facts on.

    Markets stay as they are where there is one cluster, or one that is unknown, or where they are
    split already.
    """
    clusters = sorted(set(keys))
    if len(clusters) < 2 or not load_clusters().keys() >= set(clusters):
        return tuple(markets), ()
    whole = merged_cluster(clusters).key
    out: list[Market] = []
    notes: list[str] = []
    for market in markets:
        if whole in market.clusters:
            out.append(market)
            continue
        for key in clusters:
            if key in market.clusters:
                out.append(
                    replace(
                        market,
                        code=f"{market.code}{OF}{key}",
                        name=f"{market.name}, {load_clusters()[key].label}",
                        clusters={whole: market.clusters[key]},
                        incomplete={},
                    )
                )
            elif market.asked_for(key):
                notes.append(f"{market.code}: {market.no_data(key)}; its firms are not considered.")
    return tuple(out), tuple(notes)
