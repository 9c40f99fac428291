"""Arrays that the compiled search over groups works on; see ``kernels`` for the method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solver.problem import BoolArray, IntArray

FloatArray = npt.NDArray[np.float64]

#: Below every value; a threshold of NOTHING asks for every group.
NOTHING = -(2**62)

# Positions in ``SearchState.counters``.
ROOT_AT, DEPTH, FRESH, FOUND, MEMBERS, TICKS, ROOT_TICKS, ROOT_FOUND, CUT_SHORT = range(9)
NUM_COUNTERS = 9


class KindData(NamedTuple):
    """One kind's groups and their reduced values; n atoms, E pairs, A resources, P pieces.

    Values are scaled by an even factor; pair values by half of it.
    """

    start: IntArray  # [n + 1]
    neighbours: IntArray  # [E]
    half_pairs: IntArray  # [E]
    pair_factor: int  # 2; 1 if values are too large for a factor: then half_pairs are whole
    allowed: BoolArray  # [E]
    eligible: BoolArray  # [n]
    gain: IntArray  # [n], own value less prices
    size: IntArray  # [n], items
    quantity: IntArray  # [n, A]
    piece_start: IntArray  # [A + 1]
    piece_low: IntArray  # [P]
    piece_high: IntArray  # [P]
    piece_value: IntArray  # [P], at piece_low
    piece_slope: IntArray  # [P]
    step: FloatArray  # [A], squared length of one unit of multiplier in subgradient steps
    most: IntArray  # [A], largest multiplier that cannot overflow
    cut_start: IntArray  # [n + 1]
    cut_of: IntArray  # the subset rows of each atom
    cut_price: IntArray  # [C]
    constant: int  # value of opening less prices
    min_size: int
    max_size: int
    smallest: int  # items of the smallest and of the largest atom
    largest: int
    any_pairs: bool  # whether some pair value is not 0
    bounded: bool  # whether to bound at all; False lists everything


def in_order(data: KindData, order: IntArray) -> KindData:
    """The same groups with the atoms renumbered: atom ``order[a]`` becomes number a."""
    n = len(order)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    one = rank[np.repeat(np.arange(n), np.diff(data.start))]
    other = rank[data.neighbours]
    first, second = np.minimum(one, other), np.maximum(one, other)
    pairs = np.lexsort((second, first))
    holder = rank[np.repeat(np.arange(n), np.diff(data.cut_start))]
    return data._replace(
        start=_starts(first, n),
        neighbours=second[pairs],
        half_pairs=data.half_pairs[pairs],
        allowed=data.allowed[pairs],
        eligible=data.eligible[order],
        gain=data.gain[order],
        size=data.size[order],
        quantity=data.quantity[order],
        cut_start=_starts(holder, n),
        cut_of=data.cut_of[np.argsort(holder, kind="stable")],
    )


def _starts(places: IntArray, number: int) -> IntArray:
    """Where the entries of each place begin once they are sorted by place, int64 [number + 1]."""
    start = np.zeros(number + 1, np.int64)
    np.cumsum(np.bincount(places, minlength=number), out=start[1:])
    return start


class SearchState(NamedTuple):
    """Where a search stands; M most candidates of a root, D most atoms of a group."""

    counters: IntArray
    roots: IntArray  # the roots to search
    met: IntArray  # [C], atoms of the group so far in each subset row
    local: IntArray  # [M], atom of each local number
    beside: BoolArray  # [M, M], whether two local atoms may be in one group
    half: IntArray  # [M, M], half pair values
    atoms: IntArray  # [D + 1], atom added at each depth
    candidates: IntArray  # [D + 1, M]
    gains: IntArray  # [D + 1, M], own value and pairs with the group so far
    inherited: IntArray  # [D + 1, M], best half pairs from an earlier node
    scores: IntArray  # [D + 1, M]
    num_candidates: IntArray  # [D + 1]
    at: IntArray  # [D + 1], next candidate
    linear: IntArray  # [D + 1], value without curves
    base: IntArray  # [D + 1], linear + curve part of the bound
    items: IntArray  # [D + 1]
    totals: IntArray  # [D + 1, A]
    multipliers: IntArray  # [D + 1, A]
    found_members: IntArray  # atoms of the groups found, one group after the other
    found_start: IntArray  # [F + 1]
    found_value: IntArray  # [F]
