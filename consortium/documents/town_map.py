"""Where firms are drawn on the page of a graph: towns by their coordinates, firms around them.

North is up and towns keep their directions; where their firms would cover one another, towns are
pushed apart, so distances are not to scale. No firm covers another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

#: Room between two marks, and below a mark for its id, in the drawing's units (pixels at 100%).
_GAP, _ID_ROOM = 7.0, 18.0
#: Around a town, over it for its name, and a letter's width in the name.
_PAD, _NAME_ROOM, _LETTER = 10.0, 20.0, 7.2
_MARGIN, _LEAST_WIDTH = 24.0, 420.0
_PUSHES = 2_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A firm to place: its id, town, size of its mark, and its place where that is known."""

    firm_id: str
    town: str
    radius: float
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Town:
    """A town as drawn: its name, how many firms stand in it, its middle and radius."""

    name: str
    num_firms: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class TownMap:
    """Places in a drawing of some width and height; y grows downwards.

    Attributes
    ----------
    width, height : of the drawing.
    places : middle of each firm's mark.
    towns : towns with a place on the ground, by name.
    row : top left corner of the row of firms without coordinates, or ``None`` without such firms.
    """

    width: float
    height: float
    places: dict[str, tuple[float, float]]
    towns: tuple[Town, ...]
    row: tuple[float, float] | None


def town_map(spots: Sequence[Spot], with_ids: bool) -> TownMap:
    """Place firms.

    Parameters
    ----------
    spots : firms, with unique ids; a town lies in the middle of those of its firms that have
        coordinates, and firms without stand in a row of their own.
    with_ids : whether there must be room for an id below each mark.
    """
    below = _ID_ROOM if with_ids else 0.0
    pitch = 2 * max((spot.radius for spot in spots), default=1.0) + _GAP + below
    by_town: dict[str, list[Spot]] = {}
    homeless = []
    for spot in sorted(spots, key=lambda s: (-s.radius, s.firm_id)):
        if spot.latitude is None or spot.longitude is None:
            homeless.append(spot)
        else:
            by_town.setdefault(spot.town, []).append(spot)
    names = sorted(by_town)
    packs = [_packed(len(by_town[name]), pitch) for name in names]
    radii = [
        max((math.hypot(x, y) for x, y in pack), default=0.0) + pitch / 2 + _PAD for pack in packs
    ]
    # A town needs room for its name too.
    rooms = [
        max(radius + _NAME_ROOM, _LETTER * (len(name) + 12) / 2)
        for name, radius in zip(names, radii, strict=True)
    ]
    centres = _apart(_projected([by_town[name] for name in names], sum(rooms)), rooms)
    left = min((x - room for (x, _), room in zip(centres, rooms, strict=True)), default=0.0)
    top = min((y - room for (_, y), room in zip(centres, rooms, strict=True)), default=0.0)
    wide = max((x + room for (x, _), room in zip(centres, rooms, strict=True)), default=0.0) - left
    high = max((y + room for (_, y), room in zip(centres, rooms, strict=True)), default=0.0) - top
    width = max(wide, _LEAST_WIDTH) + 2 * _MARGIN
    shift = (width - wide) / 2 - left, _MARGIN - top
    places, towns = {}, []
    for name, centre, pack, radius in zip(names, centres, packs, radii, strict=True):
        x, y = centre[0] + shift[0], centre[1] + shift[1]
        towns.append(Town(name, len(pack), round(x, 1), round(y, 1), round(radius, 1)))
        for spot, (dx, dy) in zip(by_town[name], pack, strict=True):
            places[spot.firm_id] = round(x + dx, 1), round(y + dy, 1)
    height = high + 2 * _MARGIN if names else _MARGIN
    row = None
    if homeless:
        row = _MARGIN, height
        abreast = max(1, int((width - 2 * _MARGIN) // pitch))
        first = height + _NAME_ROOM + pitch / 2
        for at, spot in enumerate(sorted(homeless, key=lambda s: s.firm_id)):
            line, column = divmod(at, abreast)
            x = _MARGIN + (column + 0.5) * pitch
            places[spot.firm_id] = round(x, 1), round(first + line * pitch, 1)
        height = first + ((len(homeless) - 1) // abreast + 0.5) * pitch + _MARGIN
    return TownMap(round(width, 1), round(height, 1), places, tuple(towns), row)


def _packed(number: int, pitch: float) -> list[tuple[float, float]]:
    """Points of a hexagonal grid nearest to the middle, each ``pitch`` from its neighbours."""
    reach = math.isqrt(number) + 2
    points = [
        (pitch * (i + j / 2), pitch * j * math.sqrt(3) / 2)
        for j in range(-reach, reach + 1)
        for i in range(-2 * reach, 2 * reach + 1)
    ]
    # Rounded, so that points equally far are in the order of their angles on every machine.
    points.sort(key=lambda p: (round(math.hypot(*p), 3), round(math.atan2(p[1], p[0]), 6)))
    chosen = points[:number]
    middle = fmean(x for x, _ in chosen), fmean(y for _, y in chosen)
    return [(x - middle[0], y - middle[1]) for x, y in chosen]


def _projected(towns: Sequence[Sequence[Spot]], rooms: float) -> list[tuple[float, float]]:
    """Middles of towns: degrees of longitude shrunk by the cosine of the latitude; north up."""
    middles = [
        (fmean(s.longitude or 0.0 for s in town), fmean(s.latitude or 0.0 for s in town))
        for town in towns
    ]
    if not middles:
        return []
    shrink = math.cos(math.radians(fmean(latitude for _, latitude in middles)))
    flat = [(longitude * shrink, -latitude) for longitude, latitude in middles]
    xs, ys = zip(*flat, strict=True)
    extent = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    # About as wide as the towns would be in a square: most of them can then stay in place.
    scale = 1.2 * rooms / math.sqrt(len(middles)) / extent
    return [((x - xs[0]) * scale, (y - ys[0]) * scale) for x, y in flat]


def _apart(
    centres: Sequence[tuple[float, float]], radii: Sequence[float]
) -> list[tuple[float, float]]:
    """Push discs that overlap apart, two by two; the smaller of two gives way more."""
    out = list(centres)
    for _ in range(_PUSHES):
        moved = False
        for b in range(len(out)):
            for a in range(b):
                dx, dy = out[b][0] - out[a][0], out[b][1] - out[a][1]
                far = math.hypot(dx, dy)
                lack = radii[a] + radii[b] - far
                if lack <= 1e-6:
                    continue
                moved = True
                if far < 1e-9:  # towns in one point part along a line given by their order
                    dx, dy, far = math.cos(b), math.sin(b), 1.0
                share = radii[a] ** 2 / (radii[a] ** 2 + radii[b] ** 2)
                step = (lack + 1e-3) / far
                out[b] = out[b][0] + dx * step * share, out[b][1] + dy * step * share
                out[a] = out[a][0] - dx * step * (1 - share), out[a][1] - dy * step * (1 - share)
        if not moved:
            break
    return out
