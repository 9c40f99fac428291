"""Which firms can be together: the compatibility score, the pairs it allows, and their graph.

Arrays first: the pair matrix is swept in blocks of rows, so memory grows with firms and edges only.
The networkx graph is built from what is kept, and its sentences only then. Formulas:
docs/model.md; the score of one pair in plain Python is in ``criteria``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consortium.case import Case
from consortium.criteria import (
    FORBIDDING_TIES,
    POSITIVE_TIES,
    PairScore,
    PairScorer,
    score_pair,
    threshold_bp,
)
from consortium.eligibility import ineligible
from consortium.graph_files import write_graph
from consortium.pair_arrays import (
    FirmArrays,
    TieRows,
    affinity,
    common_parts,
    complementarity,
    firm_arrays,
    share_channel,
    weighted,
)
from consortium.pair_reasons import pair_reason, reason_of
from consortium.programme import CRITERIA, MODES
from consortium.scale import Scale, scale_of
from consortium.sparsifier import nearest
from consortium.traits import FULL, Traits, traits_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "CompatiblePairs",
    "PairScore",
    "PairScorer",
    "compatibility_graph",
    "compatible_pairs",
    "pair_reason",
    "score_pair",
    "write_graph",
]

Codes = NDArray[np.int64]
# Cells of a block: its arrays stay in a processor's cache, and some tens of them in 100 MB.
_BLOCK_CELLS = 2**18


@dataclass(frozen=True, eq=False)
class CompatiblePairs:
    """The pairs that may be in one consortium, for one market and mode.

    Attributes
    ----------
    market, mode : what they are for.
    firm_ids : the firms asked about, ascending.
    pairs : [pairs, 2] int32 positions in ``firm_ids``, first below second, sorted.
    scores : [pairs] int64 basis points.
    rule_edges : pairs allowed by the rule (score, ties, channel).
    kept_edges : pairs left by the sparsifier; all of them where it was not needed.
    threshold_bp : score from which a pair is allowed; 0 where the case has pairs of its own.
    sparsified : whether there were firms enough for the sparsifier.
    """

    market: str
    mode: str
    firm_ids: tuple[str, ...]
    pairs: NDArray[np.int32]
    scores: NDArray[np.int64]
    rule_edges: int
    kept_edges: int
    threshold_bp: int
    sparsified: bool


@dataclass(frozen=True, eq=False)
class _Found:
    """What a sweep of the pair matrix finds: per mode sorted codes i*n + j, i < j, and scores."""

    codes: dict[str, Codes]
    scores: dict[str, NDArray[np.int64]]
    rule_edges: dict[str, int]
    rule_edges_any_mode: int
    sparsified: bool


def compatible_pairs(
    case: Case, market_code: str, mode: str, firm_ids: Iterable[str]
) -> CompatiblePairs:
    """The compatible pairs among some firms of the register.

    Parameters
    ----------
    case : register, programme and markets.
    market_code : a market of the case.
    mode : "range" or "volume".
    firm_ids : firms that are candidates, in any order; eligibility is the caller's business.

    Raises
    ------
    ValueError
        If the mode is unknown.
    """
    threshold = threshold_bp(case, mode)
    scale = scale_of(case.programme)
    ids, traits = _candidates(case, scale, market_code, firm_ids)
    firms, ties = firm_arrays(case, scale, traits), TieRows(scale, case.register, ids)
    found = _find(case, market_code, (mode,), ids, firms, ties)
    pairs, scores = _positions(found.codes[mode], len(ids)), found.scores[mode]
    pairs.setflags(write=False)
    scores.setflags(write=False)
    return CompatiblePairs(
        market=market_code,
        mode=mode,
        firm_ids=ids,
        pairs=pairs,
        scores=scores,
        rule_edges=found.rule_edges[mode],
        kept_edges=len(pairs),
        threshold_bp=threshold,
        sparsified=found.sparsified,
    )


def compatibility_graph(case: Case, market: str, mode: str | None = None) -> nx.Graph[str]:
    """The graph of compatible pairs among the firms eligible for a market.

    Nodes are firm ids with ``name``, ``town``, ``employees``, ``families`` (joined by ;),
    ``experienced``, ``certificate_state`` and, where known, ``latitude`` and ``longitude``.
    Edges have ``score`` (basis points, of the better mode), where there are several modes
    ``score_range`` and ``score_volume`` (of the modes in which the pair is kept),
    ``components`` (basis points by criterion, in the better mode), ``mode`` ("range", "volume"
    or "range+volume": where the pair is kept) and ``reason``. The graph has ``market``,
    ``modes`` (joined by ;), ``threshold_bp`` (the lowest of the modes), ``rule_edges`` (allowed
    in any mode), ``kept_edges``, ``sparsified`` and ``register_sha256``.

    Parameters
    ----------
    case : register, programme and markets.
    market : a market of the case.
    mode : "range" or "volume"; the programme's modes when left out.

    Raises
    ------
    ValueError
        If the mode is unknown.
    """
    import networkx as nx

    chosen = case.programme.modes.texts if mode is None else (mode,)
    lowest = min(threshold_bp(case, m) for m in chosen)
    modes = tuple(m for m in MODES if m in chosen)
    eligible = [
        firm.firm_id for firm in case.register.firms if ineligible(case, market, firm) is None
    ]
    scale = scale_of(case.programme)
    ids, traits = _candidates(case, scale, market, eligible)
    firms, ties = firm_arrays(case, scale, traits), TieRows(scale, case.register, ids)
    found = _find(case, market, modes, ids, firms, ties)
    graph = nx.Graph(market=market, modes=";".join(modes), threshold_bp=lowest)
    graph.add_nodes_from((t.firm_id, _node(case, t)) for t in traits)
    graph.add_edges_from(_edges(case, modes, ids, firms, ties, found))
    graph.graph["rule_edges"] = found.rule_edges_any_mode
    graph.graph["kept_edges"] = graph.number_of_edges()
    graph.graph["sparsified"] = found.sparsified
    graph.graph["register_sha256"] = case.register.sha256
    return graph


def _candidates(
    case: Case, scale: Scale, market_code: str, firm_ids: Iterable[str]
) -> tuple[tuple[str, ...], list[Traits]]:
    ids = tuple(sorted(set(firm_ids)))
    return ids, [traits_of(case, scale, market_code, case.register.by_id[f]) for f in ids]


def _find(
    case: Case,
    market_code: str,
    modes: Sequence[str],
    ids: Sequence[str],
    firms: FirmArrays,
    ties: TieRows,
) -> _Found:
    """The pairs by the rule and the sparsifier, or the case's own."""
    if case.own_pairs is not None:
        return _listed(case, market_code, modes, ids)
    return _sweep(case, modes, firms, ties)


def _sweep(case: Case, modes: Sequence[str], firms: FirmArrays, ties: TieRows) -> _Found:
    """Score every pair, block by block, and keep the codes of those that stay."""
    n = ties.n
    programme = case.programme
    sparsified = n > programme.sparsify_above.whole
    weights, nearness = programme.weights_bp(), programme.weights_bp("affinity")
    codes: dict[str, list[Codes]] = {mode: [np.empty(0, np.int64)] for mode in modes}
    scores: dict[str, list[Codes]] = {mode: [np.empty(0, np.int64)] for mode in modes}
    rule_edges = dict.fromkeys(modes, 0)
    in_any_mode = 0
    columns = np.arange(n)[None, :]
    for rows in _blocks(n):
        i = rows[:, None]
        upper = columns > i
        forbidden = np.stack([ties.marked(row, FORBIDDING_TIES) for row in rows.tolist()])
        may = share_channel(firms, i, columns) & ~forbidden & (columns != i)
        parts = common_parts(firms, i, columns, np.stack([ties.trust(r) for r in rows.tolist()]))
        common = weighted(weights, parts)
        if sparsified:
            near = affinity(firms, nearness, i, columns, parts)
            tied = np.stack([ties.marked(row, POSITIVE_TIES) for row in rows.tolist()])
        in_some = np.zeros_like(may)
        for mode in modes:
            own = {"complementarity": complementarity(firms, mode, i, columns)}
            score = (common + weighted(weights, own)) // FULL
            allowed = may & (score >= threshold_bp(case, mode))
            in_some |= allowed
            rule_edges[mode] += int(np.count_nonzero(allowed & upper))
            if sparsified:
                kept = nearest(near, allowed, programme.sparsify_nearest.whole) | (allowed & tied)
            else:
                kept = allowed & upper
            down, across = np.nonzero(kept)
            first, second = rows[down], across
            code = np.minimum(first, second) * n + np.maximum(first, second)
            codes[mode].append(code.astype(np.int64))
            scores[mode].append(score[down, across].astype(np.int64))
        in_any_mode += int(np.count_nonzero(in_some & upper))
    kept_codes, kept_scores = {}, {}
    for mode in modes:
        # Either firm may have chosen the other: one code, one score.
        kept_codes[mode], where = np.unique(np.concatenate(codes[mode]), return_index=True)
        kept_scores[mode] = np.concatenate(scores[mode])[where]
    return _Found(kept_codes, kept_scores, rule_edges, in_any_mode, sparsified)


def _listed(case: Case, market_code: str, modes: Sequence[str], ids: Sequence[str]) -> _Found:
    """The case's own pairs among some firms, as a sweep would find them; none is left out."""
    assert case.own_pairs is not None
    place, n = {firm: at for at, firm in enumerate(ids)}, len(ids)
    scorer, by_id = PairScorer(case, market_code), case.register.by_id
    codes: dict[str, list[int]] = {mode: [] for mode in modes}
    scores: dict[str, list[int]] = {mode: [] for mode in modes}
    for a, b in sorted(case.own_pairs.pairs):
        if a not in place or b not in place:
            continue
        for mode in modes:
            pair = scorer.score(mode, by_id[a], by_id[b])
            if pair.allowed:
                codes[mode].append(place[a] * n + place[b])
                scores[mode].append(pair.score)
    in_any_mode = len(set().union(*codes.values()))
    return _Found(
        {mode: np.array(found, np.int64) for mode, found in codes.items()},
        {mode: np.array(found, np.int64) for mode, found in scores.items()},
        {mode: len(found) for mode, found in codes.items()},
        in_any_mode,
        False,
    )


def _blocks(n: int) -> Iterator[NDArray[np.intp]]:
    """Rows of the pair matrix, in blocks."""
    height = max(1, _BLOCK_CELLS // max(1, n))
    for start in range(0, n, height):
        yield np.arange(start, min(n, start + height))


def _positions(codes: Codes, n: int) -> NDArray[np.int32]:
    """Codes as pairs, [pairs] to [pairs, 2]."""
    first, second = np.divmod(codes, max(1, n))
    return np.stack([first, second], axis=1).astype(np.int32)


def _node(case: Case, traits: Traits) -> dict[str, Any]:
    firm = case.register.by_id[traits.firm_id]
    keys = case.cluster.family_keys
    node: dict[str, Any] = {
        "name": firm.name,
        "town": firm.town,
        "employees": firm.employees,
        "families": ";".join(key for key in keys if key in traits.families),
        "experienced": bool(traits.experienced),
        "certificate_state": traits.certificate,
    }
    if firm.latitude is not None and firm.longitude is not None:
        node["latitude"], node["longitude"] = firm.latitude, firm.longitude
    return node


def _edges(
    case: Case,
    modes: Sequence[str],
    ids: Sequence[str],
    firms: FirmArrays,
    ties: TieRows,
    found: _Found,
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Edges of the graph with their data, sorted by the two ids."""
    codes = np.unique(np.concatenate([found.codes[mode] for mode in modes]))
    best = np.full(len(codes), -1, np.int64)
    better = np.zeros(len(codes), np.intp)
    kept_in = np.zeros((len(codes), len(modes)), np.bool_)
    in_mode = np.zeros((len(codes), len(modes)), np.int64)
    for m, mode in enumerate(modes):
        where = np.searchsorted(codes, found.codes[mode])
        kept_in[where, m] = True
        in_mode[where, m] = found.scores[mode]
        higher = where[found.scores[mode] > best[where]]
        better[higher] = m
        best[where] = np.maximum(best[where], found.scores[mode])
    pairs = _positions(codes, len(ids))
    i, j = pairs[:, 0], pairs[:, 1]
    parts = common_parts(firms, i, j, ties.trust_of_pairs(pairs))
    by_mode = [complementarity(firms, mode, i, j) for mode in modes]
    parts["complementarity"] = np.choose(better, by_mode)
    table = np.stack([parts[name] for name in CRITERIA], axis=1)
    labels = [
        "+".join(m for m, kept in zip(modes, row, strict=True) if kept) for row in kept_in.tolist()
    ]
    weights = case.programme.weights_bp()
    scores = [
        {f"score_{m}": s for m, s, kept in zip(modes, row, mask, strict=True) if kept}
        for row, mask in zip(in_mode.tolist(), kept_in.tolist(), strict=True)
    ]
    rows = zip(
        pairs.tolist(), best.tolist(), better.tolist(), labels, scores, table.tolist(), strict=True
    )
    for (a, b), score, m, label, each, values in rows:
        components = dict(zip(CRITERIA, values, strict=True))
        yield (
            ids[a],
            ids[b],
            {
                "score": score,
                "components": components,
                "mode": label,
                **(each if len(modes) > 1 else {}),
                "reason": reason_of(components, modes[m], weights),
            },
        )
