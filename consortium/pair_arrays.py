"""The compatibility score of many pairs at once, from arrays over firms.

Every function takes two integer index arrays that broadcast together: a column of rows and a row
of columns for a block of the pair matrix, or two flat arrays for a list of pairs. Nothing here is
n x n. Floats appear in the size and proximity parts only, with the operations of ``criteria`` in
their order, so that rounding gives the same basis points.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consortium.case import Case
from consortium.criteria import (
    FORBIDDING_TIES,
    POSITIVE_TIES,
    READY_BP,
    goals_bp,
    proximity_bp,
)
from consortium.register import Register, TieKind
from consortium.scale import Scale
from consortium.traits import FULL, HALF, Traits

Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]
Parts = dict[str, Ints]

_UNKNOWN, _NO, _YES = 0, 1, 2
# Products of two firms' lots times 20,000 stay within 63 bits below this; Python integers serve
# the absurd registers above it.
_LOTS_OF_INT64 = 2**24


@dataclass(frozen=True, eq=False)
class FirmArrays:
    """Traits of n firms as arrays, in ascending order of ``firm_id``.

    Attributes
    ----------
    scale : the programme's figures.
    lots : [n, families] counted lots; Python integers where products would overflow.
    families, channels : [n] bit masks of what is sold and of the buyers it goes to.
    points : [n, priorities] points by priority, 0 where not named.
    ranks, names_market, experience : [n] three states: unknown, no, yes ("yes" for ``ranks``:
        the firm gives priorities).
    log_employees : [n].
    management : [n] basis points, -1 where unknown.
    finance, time, readiness : [n] basis points.
    place : [n, 3] on the unit sphere, not a number where unknown.
    town : [n] number of the town.
    """

    scale: Scale
    lots: NDArray[Any]
    families: NDArray[np.int64]
    channels: NDArray[np.int64]
    points: NDArray[np.int8]
    ranks: NDArray[np.int8]
    names_market: NDArray[np.int8]
    experience: NDArray[np.int8]
    log_employees: NDArray[np.float64]
    management: NDArray[np.int32]
    finance: NDArray[np.int32]
    time: NDArray[np.int32]
    readiness: NDArray[np.int32]
    place: NDArray[np.float64]
    town: NDArray[np.int32]


def firm_arrays(case: Case, scale: Scale, traits: Sequence[Traits]) -> FirmArrays:
    """Arrays over firms, in the order of ``traits``."""
    n = len(traits)
    keys = case.cluster.family_keys
    buyers = sorted({case.cluster.family(key).channel for key in keys})
    priorities = sorted({name for firm in traits for name in firm.points})
    towns = {town: k for k, town in enumerate(sorted({firm.town for firm in traits}))}
    points = np.zeros((n, len(priorities)), np.int8)
    for k, name in enumerate(priorities):
        points[:, k] = [firm.points.get(name, 0) for firm in traits]
    most = max((sum(firm.lots) for firm in traits), default=0)
    lots = np.array([firm.lots for firm in traits], np.int64 if most < _LOTS_OF_INT64 else object)
    nowhere = (np.nan,) * 3
    return FirmArrays(
        scale=scale,
        lots=lots.reshape(n, len(keys)),
        families=_masks(keys, [firm.families for firm in traits]),
        channels=_masks(buyers, [firm.channels for firm in traits]),
        points=points,
        ranks=_states([bool(firm.points) or None for firm in traits]),
        names_market=_states([firm.names_market for firm in traits]),
        experience=_states([firm.experienced for firm in traits]),
        log_employees=np.array([firm.log_employees for firm in traits], np.float64),
        management=np.array(
            [-1 if f.management_bp is None else f.management_bp for f in traits], np.int32
        ),
        finance=np.array([firm.finance_bp for firm in traits], np.int32),
        time=np.array([firm.time_bp for firm in traits], np.int32),
        readiness=np.array([READY_BP[firm.certificate] for firm in traits], np.int32),
        place=np.array([firm.place or nowhere for firm in traits], np.float64).reshape(n, 3),
        town=np.array([towns[firm.town] for firm in traits], np.int32),
    )


def _masks(names: Sequence[str], held: Sequence[frozenset[str]]) -> NDArray[np.int64]:
    bits = {name: 1 << k for k, name in enumerate(names)}
    return np.array([sum(bits[name] for name in some) for some in held], np.int64)


def _states(values: Sequence[bool | None]) -> NDArray[np.int8]:
    return np.array([_UNKNOWN if v is None else _YES if v else _NO for v in values], np.int8)


class TieRows:
    """Ties among n firms, one row of the pair matrix at a time.

    Parameters
    ----------
    register : every tie counts for shared partners, also those with firms outside ``firm_ids``.
    firm_ids : the n firms, ascending.
    """

    def __init__(self, scale: Scale, register: Register, firm_ids: Sequence[str]) -> None:
        self.scale = scale
        self.n = len(firm_ids)
        position = {firm_id: k for k, firm_id in enumerate(firm_ids)}
        partners: dict[str, set[str]] = {}
        self._direct: dict[TieKind, list[list[int]]] = {
            kind: [[] for _ in firm_ids] for kind in (*scale.trust_bp, *FORBIDDING_TIES)
        }
        for tie in register.ties:
            if tie.kind in POSITIVE_TIES:
                partners.setdefault(tie.firm_a, set()).add(tie.firm_b)
                partners.setdefault(tie.firm_b, set()).add(tie.firm_a)
            a, b = position.get(tie.firm_a), position.get(tie.firm_b)
            if a is not None and b is not None:
                self._direct[tie.kind][a].append(b)
                self._direct[tie.kind][b].append(a)
        self._thirds = [sorted(partners.get(firm_id, ())) for firm_id in firm_ids]
        self._near = {
            third: np.array(sorted(position[f] for f in around if f in position), np.intp)
            for third, around in partners.items()
        }

    def trust(self, i: int) -> NDArray[np.int32]:
        """Trust criterion of firm i with each of the n, [n] basis points."""
        row = np.full(self.n, HALF, np.int32)
        for third in self._thirds[i]:
            row[self._near[third]] = self.scale.shared_partner_bp
        # The kind that counts first is set last.
        for kind, worth in reversed(self.scale.trust_bp.items()):
            row[self._direct[kind][i]] = worth
        return row

    def marked(self, i: int, kinds: Collection[TieKind]) -> Bools:
        """Firms tied to i by any of some kinds, [n]."""
        row = np.zeros(self.n, np.bool_)
        for kind in kinds:
            row[self._direct[kind][i]] = True
        return row

    def trust_of_pairs(self, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        """Trust of a list of pairs sorted by the first, [pairs, 2] to [pairs] basis points."""
        out = np.empty(len(pairs), np.int32)
        firsts, starts = np.unique(pairs[:, 0], return_index=True)
        bounds = pairwise([*starts.tolist(), len(pairs)])
        for i, (start, end) in zip(firsts.tolist(), bounds, strict=True):
            out[start:end] = self.trust(i)[pairs[start:end, 1]]
        return out


def common_parts(firms: FirmArrays, i: Ints, j: Ints, trust: Ints) -> Parts:
    """Every criterion but complementarity, which alone depends on the mode; basis points."""
    return {
        "goals": _goals(firms, i, j),
        "size": _size(firms, i, j),
        "finance": np.minimum(firms.finance[i], firms.finance[j]),
        "trust": trust,
        "readiness": (firms.readiness[i] + firms.readiness[j]) // 2,
        "experience": _experience(firms, i, j),
        "proximity": _proximity(firms, i, j),
        "time": np.minimum(firms.time[i], firms.time[j]),
    }


def complementarity(firms: FirmArrays, mode: str, i: Ints, j: Ints) -> Ints:
    """Complementarity in a mode, basis points; 0 without a common channel."""
    parts = _common_shares(firms, i, j) if mode == "volume" else _different_families(firms, i, j)
    return np.where(share_channel(firms, i, j), parts, np.int32(0))


def share_channel(firms: FirmArrays, i: Ints, j: Ints) -> Bools:
    """Whether both sell to the same kind of buyer."""
    common: Bools = (firms.channels[i] & firms.channels[j]) != 0
    return common


def weighted(weights: dict[str, int], parts: Parts) -> Ints:
    """Sum of weight x part over the criteria given, basis points squared (fits 32 bits)."""
    first, *others = (np.int32(weights[name]) * part for name, part in parts.items())
    total: Ints = first
    for term in others:
        total = total + term
    return total


def affinity(firms: FirmArrays, weights: dict[str, int], i: Ints, j: Ints, parts: Parts) -> Ints:
    """What the sparsifier calls near, 0 to 10,000 squared; ``parts`` as of ``common_parts``."""
    size = np.rint(FULL * _size_part(firms, i, j)).astype(np.int32)
    management = _management(firms, i, j)
    near = {"size": size, "management": management}
    return weighted(weights, {**near, "proximity": parts["proximity"], "goals": parts["goals"]})


def _goals(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    points = [*range(7), None]
    named = [0, 1, 2, None]
    table = np.array(
        [[goals_bp(firms.scale, p, m) for m in named] for p in points], np.int32
    ).ravel()
    common = np.zeros(np.broadcast_shapes(i.shape, j.shape), np.int8)
    for k in range(firms.points.shape[1]):
        column = firms.points[:, k]
        common += np.minimum(column[i], column[j])
    common[_either_unknown(firms.ranks, i, j)] = 7
    market = (firms.names_market[i] == _YES).astype(np.int8) + (firms.names_market[j] == _YES)
    market[_either_unknown(firms.names_market, i, j)] = 3
    goals: Ints = table[common.astype(np.intp) * 4 + market]
    return goals


def _either_unknown(states: NDArray[np.int8], i: Ints, j: Ints) -> Bools:
    unknown: Bools = (states[i] == _UNKNOWN) | (states[j] == _UNKNOWN)
    return unknown


def _management(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    a, b = firms.management[i], firms.management[j]
    return np.where((a < 0) | (b < 0), np.int32(HALF), FULL - np.abs(a - b))


def _size_part(firms: FirmArrays, i: Ints, j: Ints) -> NDArray[np.float64]:
    apart = np.abs(firms.log_employees[i] - firms.log_employees[j])
    return np.maximum(0.0, 1.0 - apart / firms.scale.size_ratio_log)


def _size(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    share = firms.scale.size_share_bp
    rest = FULL - share
    exact = share * _size_part(firms, i, j) + _management(firms, i, j) * rest / FULL
    return np.rint(exact).astype(np.int32)


def _experience(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    a, b = firms.experience[i], firms.experience[j]
    neither = np.where((a == _UNKNOWN) | (b == _UNKNOWN), np.int32(HALF), np.int32(0))
    return np.where((a == _YES) | (b == _YES), np.int32(FULL), neither)


def _proximity(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    squared = np.zeros(np.broadcast_shapes(i.shape, j.shape))
    for axis in range(3):
        apart = firms.place[:, axis][i] - firms.place[:, axis][j]
        squared += apart * apart
    unknown = np.isnan(squared)
    squared[unknown] = 0.0
    same_town = firms.town[i] == firms.town[j]
    without = np.where(same_town, np.int32(firms.scale.same_town_bp), np.int32(HALF))
    return np.where(unknown, without, proximity_bp(firms.scale, squared))


def _different_families(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    """1 - Jaccard of the families sold."""
    most = firms.lots.shape[1] + 1
    table = np.zeros((most, most), np.int32)
    for either in range(1, most):
        common = np.arange(either + 1)
        table[either, : either + 1] = _rounded((either - common) * FULL, either)
    a, b = firms.families[i], firms.families[j]
    either_count = np.bitwise_count(a | b).astype(np.intp)
    different: Ints = table.ravel()[either_count * most + np.bitwise_count(a & b)]
    return different


def _common_shares(firms: FirmArrays, i: Ints, j: Ints) -> Ints:
    """Sum of the smaller shares of counted lots, over one denominator."""
    totals = np.maximum(firms.lots.sum(axis=1), 1)
    common: Any = 0
    for k in range(firms.lots.shape[1]):
        column = firms.lots[:, k]
        common = common + np.minimum(column[i] * totals[j], column[j] * totals[i])
    return _rounded(common * FULL, totals[i] * totals[j]).astype(np.int32)


def _rounded(numerator: NDArray[Any], denominator: NDArray[Any] | int) -> NDArray[Any]:
    """Exact quotient of integers, rounded half-even."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    up = (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))
    rounded: NDArray[Any] = quotient + up
    return rounded
