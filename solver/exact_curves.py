"""Integer pieces of a curve over the totals a group can attain.

A curve is linear on each integer range [x, x' - 1] between consecutive points, and flat from its
last point on; at a jump the later point holds, so such a range never contains the left limit.
Clipping every range to attainable totals leaves few and tight pieces: often a constant each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

from solver.problem import Curve

#: Subset sums are enumerated as bits up to this many; beyond, only their range is used.
_MAX_BITS = 1 << 14


@dataclass(frozen=True, slots=True)
class Piece:
    """Worth ``value + slope * (total - low)`` for integer totals ``low`` to ``high``."""

    low: int
    high: int
    value: int
    slope: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A superset of the totals a group can attain, within ``low`` to ``high``.

    Attributes
    ----------
    bits : bit t is set where t * unit can be attained, or ``None`` for every whole number.
    """

    low: int
    high: int
    unit: int = 1
    bits: int | None = None

    def clip(self, low: int, high: int) -> tuple[int, int] | None:
        """Least and greatest attainable total from ``low`` to ``high``."""
        low, high = max(low, self.low), min(high, self.high)
        if low > high:
            return None
        if self.bits is None:
            return low, high
        first = -(-low // self.unit)
        inside = self.bits >> first & ((1 << max(0, high // self.unit - first + 1)) - 1)
        if not inside:
            return None
        lowest = (inside & -inside).bit_length() - 1
        return (first + lowest) * self.unit, (first + inside.bit_length() - 1) * self.unit


def attainable_totals(
    base: int, quantities: Iterable[int], most_added: int, low: int, high: int
) -> Totals:
    """Totals of ``base`` and up to ``most_added`` of the quantities, from ``low`` to ``high``."""
    given = sorted((q for q in quantities if q), reverse=True)
    high = min(high, base + sum(given[: max(0, most_added)]))
    low = max(low, base)
    unit = gcd(base, *given) or 1
    if high // unit >= _MAX_BITS:
        return Totals(low, high)
    full = (1 << high // unit + 1) - 1 if high >= 0 else 0
    bits = 1 << base // unit
    for q in given:
        bits |= bits << q // unit & full
    return Totals(low, high, unit, bits & full)


def curve_pieces(curve: Curve, totals: Totals) -> list[Piece]:
    """Pieces of a curve over attainable totals, neighbours on one line joined."""
    points = curve.points
    pieces: list[Piece] = []
    for at, (x, y) in enumerate(points):
        if at + 1 < len(points):
            next_x, next_y = points[at + 1]
            if next_x == x:
                continue
            last, slope = next_x - 1, (next_y - y) // (next_x - x)
        else:
            last, slope = totals.high, 0
        ends = totals.clip(x, last)
        if ends is None:
            continue
        low, high = ends
        value = y + slope * (low - x)
        pieces.append(Piece(low, high, value, slope if high > low else 0))
    joined: list[Piece] = []
    for piece in pieces:
        both = _on_one_line(joined[-1], piece) if joined else None
        if both is None:
            joined.append(piece)
        else:
            joined[-1] = both
    return joined


def _on_one_line(left: Piece, right: Piece) -> Piece | None:
    """One piece for two neighbours that lie on one line of whole slope, else ``None``."""
    width, rise = right.low - left.low, right.value - left.value
    if rise % width:
        return None
    slope = rise // width
    if any(piece.high > piece.low and piece.slope != slope for piece in (left, right)):
        return None
    return Piece(left.low, right.high, left.value, slope)
