"""Where the firms of a compatibility graph are drawn: groups apart, partners near one another.

Distances say who fits whom. Places on the ground play no part: this is no map.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import networkx as nx

Points = dict[str, tuple[float, float]]
_SEED = 20_260_101
#: Room around a firm; a step between members of a group. In the drawing's units.
_ROOM, _STEP = 0.62, 1.15
#: A group's label stands above its ring: its half width, the height of its upper edge over the
#: ring, and how far the ring stands below the middle of the two.
_LABEL, _ABOVE, _BELOW = 1.6, 1.35, 0.35
_WIDER = 1.4  # the page is wider than high
_PUSHES = 300


def positions(graph: nx.Graph[str], groups: Sequence[Sequence[str]], zoom: float = 1.0) -> Points:
    """Positions of all firms with a partner: each group a ring, the others around them.

    A group is first placed as one body, drawn towards its neighbours; bodies are then pushed
    apart until none overlap, so no firm is drawn inside a group it is not in.

    Parameters
    ----------
    graph : compatible pairs; firms without any are left to the caller unless grouped.
    groups : disjoint groups of firms of the graph.
    zoom : how much larger than the others groups are drawn, so that their labels can be read.
    """
    inside = {firm: at for at, group in enumerate(groups) for firm in group}
    singles = [f for f in graph if f not in inside and graph.degree(f) > 0]
    bodies: list[Any] = [*range(len(groups)), *singles]
    if not bodies:
        return {}
    rings = [
        zoom * math.hypot(_LABEL, ring_radius(len(group)) + _ABOVE - _BELOW) for group in groups
    ]
    radii = np.array([*rings, *[_ROOM] * len(singles)])
    centres = _apart(_attracted(graph, inside, bodies), radii)
    out: Points = {}
    for body, (x, y) in zip(bodies, centres.tolist(), strict=True):
        if isinstance(body, int):
            out.update(_ring(groups[body], x, y - zoom * _BELOW, zoom))
        else:
            out[body] = (x, y)
    return out


def ring_radius(members: int) -> float:
    """Radius of the ring on which members stand a step apart."""
    if members < 2:
        return 0.0
    return _STEP / (2 * math.sin(math.pi / members))


def _ring(group: Sequence[str], x: float, y: float, zoom: float) -> Points:
    radius = zoom * ring_radius(len(group))
    turn = 2 * math.pi / max(1, len(group))
    return {
        firm: (x + radius * math.sin(at * turn), y + radius * math.cos(at * turn))
        for at, firm in enumerate(sorted(group))
    }


def _attracted(
    graph: nx.Graph[str], inside: Mapping[str, int], bodies: Sequence[Any]
) -> NDArray[np.float64]:
    """Centres of the bodies by networkx's spring layout, bodies with many pairs near each other."""
    import networkx as nx

    known = set(bodies)
    springs = nx.Graph()
    springs.add_nodes_from(bodies)
    for a, b in graph.edges:
        one, two = inside.get(a, a), inside.get(b, b)
        if one == two or one not in known or two not in known:
            continue
        weight = springs[one][two]["weight"] if springs.has_edge(one, two) else 0
        springs.add_edge(one, two, weight=weight + 1)
    for one, two, data in springs.edges(data=True):
        # A group has many pairs because it is large; that alone should not draw a firm to it.
        sizes = [1 if isinstance(body, str) else 5 for body in (one, two)]
        data["weight"] /= sizes[0] * sizes[1]
    if len(bodies) == 1:
        return np.zeros((1, 2))
    # A body in the middle that holds the parts of an unconnected graph together.
    middle = ("middle",)
    springs.add_weighted_edges_from((middle, body, 0.1) for body in bodies)
    placed = nx.spring_layout(springs, seed=_SEED, iterations=80, weight="weight")
    return np.array([placed[body] for body in bodies])


def _apart(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the layout to the room needed, then push overlapping bodies apart."""
    centres = centres - centres.mean(axis=0)
    # A long thin layout is brought nearer to the proportions of the page.
    spread = np.sqrt((centres**2).mean(axis=0)) + 1e-9
    wider = float(np.clip(_WIDER * spread[1] / spread[0], 0.4, 2.5)) ** 0.5
    centres = centres * np.array([wider, 1 / wider])
    # A disc of evenly spread bodies has this mean square distance from its middle.
    wanted = math.sqrt(float((radii**2).sum()) * 1.5 / 2)
    out: NDArray[np.float64] = centres * (
        wanted / (math.sqrt(float((centres**2).sum(axis=1).mean())) or 1.0)
    )
    needed = radii[:, None] + radii[None, :]
    # The smaller of two bodies gives way.
    area = radii**2
    yields = 0.8 * area[None, :] / (area[:, None] + area[None, :])
    for _ in range(_PUSHES):
        between = out[:, None, :] - out[None, :, :]
        distance = np.sqrt((between**2).sum(axis=2))
        np.fill_diagonal(distance, np.inf)
        overlap = needed - distance
        if float(overlap.max(initial=0.0)) < 1e-3:
            break
        overlap = np.clip(overlap, 0.0, None)
        # Bodies in one point part along a line that depends on their order only.
        stuck = distance < 1e-9
        angles = np.arange(len(out)) * 2.399963
        between[stuck] = np.stack([np.cos(angles), np.sin(angles)], axis=1)[np.nonzero(stuck)[0]]
        distance[stuck] = 1.0
        out = out + (between * (yields * overlap / distance)[:, :, None]).sum(axis=1)
    return out


def hull(points: Iterable[tuple[float, float]], pad: float) -> NDArray[np.float64]:
    """The convex hull of discs around points: a padded, rounded outline, counter-clockwise."""
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    rim = pad * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cloud = np.concatenate([np.array(point) + rim for point in points])
    ordered = cloud[np.lexsort((cloud[:, 1], cloud[:, 0]))].tolist()
    return np.array([*_chain(ordered)[:-1], *_chain(ordered[::-1])[:-1]])


def _chain(points: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """One half of the convex hull of points in order (Andrew's monotone chain)."""
    out: list[Sequence[float]] = []
    for p in points:
        while len(out) > 1 and (
            (out[-1][0] - out[-2][0]) * (p[1] - out[-2][1])
            - (out[-1][1] - out[-2][1]) * (p[0] - out[-2][0])
            <= 0
        ):
            out.pop()
        out.append(p)
    return out


def chosen_firms(graph: nx.Graph[str], groups: Sequence[Sequence[str]], most: int) -> list[str]:
    """The firms worth drawing where there are too many: groups, their best partners, the rest.

    Ordered by whether they are in a group, then by how well they fit a member, then by pairs.
    """
    members = {firm for group in groups for firm in group}
    if len(graph) <= most:
        return sorted(graph)
    fit = {
        firm: max(
            (data.get("score", 0) for o, data in graph[firm].items() if o in members), default=0
        )
        for firm in graph
    }
    ranked = sorted(graph, key=lambda f: (f not in members, -fit[f], -graph.degree(f), f))
    return sorted(ranked[: max(most, len(members))])
