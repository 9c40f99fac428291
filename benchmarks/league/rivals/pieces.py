"""What the exact rivals share: curves as straight pieces, bans by partner, largest totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solver import Curve, GroupingProblem


class Piece(NamedTuple):
    """Worth ``value + slope * (total - low)`` for whole totals ``low`` to ``high``."""

    low: int
    high: int
    value: int
    slope: int


def curve_pieces(curve: Curve, most: int) -> list[Piece]:
    """The straight pieces of a curve over whole totals 0 to ``most``.

    A piece ends one before the next point's x: what holds there, also at a jump, is the next
    piece's. From the last point on the curve is flat.
    """
    points = curve.points
    pieces = []
    for (x, y), (end, end_y) in zip(points, [*points[1:], (most + 1, points[-1][1])], strict=True):
        high = min(end - 1, most)
        if high >= x:
            is_last = (x, y) == points[-1]
            pieces.append(Piece(x, high, y, 0 if is_last else (end_y - y) // (end - x)))
    return pieces


def most_total(weights: Sequence[int], most_members: int) -> int:
    """The greatest total of so many members."""
    return sum(sorted(weights, reverse=True)[:most_members])


def allowed_matrix(problem: GroupingProblem, kind: int) -> npt.NDArray[np.bool_]:
    """Whether two items may be in one group of a kind, bool [n, n]; an item and itself may not."""
    n = problem.num_items
    first, second = problem.pairs.T
    allowed = np.full((n, n), problem.absent_pairs == "neutral")
    allowed[first, second] = allowed[second, first] = problem.pair_allowed_of(kind)
    for i, j in problem.apart_pairs:
        allowed[i, j] = allowed[j, i] = False
    able = problem.eligible[kind]
    allowed &= able[:, None] & able
    np.fill_diagonal(allowed, False)
    return allowed


def partner_lists(
    problem: GroupingProblem, kind: int
) -> tuple[list[list[int]] | None, list[list[int]]]:
    """Of each item its partners, or ``None`` where bans are fewer; and those it is banned with.

    The second list is empty where the first is given.
    """
    allowed = allowed_matrix(problem, kind)
    able = problem.eligible[kind]
    banned = ~allowed & able[:, None] & able
    np.fill_diagonal(banned, False)
    if allowed.sum() < banned.sum():
        return [np.flatnonzero(row).tolist() for row in allowed], []
    return None, [np.flatnonzero(row).tolist() for row in banned]
