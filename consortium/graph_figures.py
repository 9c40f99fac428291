"""What a compatibility graph says as a whole: who has partners enough, and which pairs hold it.

Everything here is exact. What would take too long to prove is ``None``, never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from consortium.cliques import MOST_STEPS, CliqueSearch

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


@dataclass(frozen=True, slots=True)
class FirmInGraph:
    """One firm's place in the graph.

    Attributes
    ----------
    firm_id, name, town : of the register.
    degree : firms it may be in one consortium with.
    component : number of its component, 1 for the largest.
    core_number : largest k for which it is in a set of firms that each have k partners in the set.
    articulation : whether its component falls apart when it leaves.
    enough_partners : whether it has, in one mode, partners for a consortium of the least size;
        ``None`` where no least size was given.
    in_clique : whether it is in some group of the least size whose firms are all compatible in one
        mode; ``None`` where no least size was given or it would take too long to prove.
    """

    firm_id: str
    name: str
    town: str
    degree: int
    component: int
    core_number: int
    articulation: bool
    enough_partners: bool | None
    in_clique: bool | None


@dataclass(frozen=True)
class GraphReport:
    """A compatibility graph in figures; see ``graph_report``.

    Attributes
    ----------
    market : code of the market it is for; empty where the graph names none.
    modes : modes of the graph.
    num_firms, num_pairs : nodes and edges.
    density : pairs as a share of all pairs there could be, 0..1; ``None`` below two firms.
    degree_smallest, degree_median, degree_largest : partners a firm has; ``None`` without firms.
    components : connected components, the largest first, equal ones by their lowest firm id.
    isolated : firms without a partner.
    bridges : pairs whose loss splits a component, each with the lower id first.
    articulation_firms : firms whose leaving splits a component.
    largest_clique : firms of a largest group that is compatible throughout in one mode; ``None``
        where it would take too long to prove.
    largest_clique_at_most : what that number cannot exceed: largest core number + 1.
    size_min : least size of a consortium that was asked about, or ``None``.
    num_enough_partners : firms with at least ``size_min`` - 1 partners in one mode, or ``None``.
    num_in_clique : firms in some compatible group of ``size_min`` firms; ``None`` where that is not
        known of every firm.
    firms : every firm, ids ascending.
    """

    market: str
    modes: tuple[str, ...]
    num_firms: int
    num_pairs: int
    density: float | None
    degree_smallest: int | None
    degree_median: float | None
    degree_largest: int | None
    components: tuple[tuple[str, ...], ...]
    isolated: tuple[str, ...]
    bridges: tuple[tuple[str, str], ...]
    articulation_firms: tuple[str, ...]
    largest_clique: int | None
    largest_clique_at_most: int
    size_min: int | None
    num_enough_partners: int | None
    num_in_clique: int | None
    firms: tuple[FirmInGraph, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a firm, with the fields of ``FirmInGraph``."""
        import pandas as pd

        columns = list(FirmInGraph.__slots__)
        rows = [[getattr(firm, name) for name in columns] for firm in self.firms]
        return pd.DataFrame(rows, columns=columns)


def graph_report(
    graph: nx.Graph[str], size_min: int | None = None, steps: int = MOST_STEPS
) -> GraphReport:
    """Describe a compatibility graph.

    Where pairs are labelled with modes, cliques and "enough partners" are counted within one mode:
    a consortium has one.

    Parameters
    ----------
    graph : as ``compatibility_graph`` makes it.
    size_min : least size of a consortium, ``case.size_min``; what depends on it is ``None`` when
        left out.
    steps : limit on the search for cliques; beyond it what is not proved is ``None``.

    Raises
    ------
    ValueError
        If ``size_min`` is below 1.
    """
    import networkx as nx

    if size_min is not None and size_min < 1:
        raise ValueError(f"size_min is {size_min}; a consortium has at least 1 member")
    ids = sorted(graph)
    degree = {firm: int(graph.degree(firm)) for firm in ids}
    components = sorted(
        (tuple(sorted(part)) for part in nx.connected_components(graph)),
        key=lambda part: (-len(part), part),
    )
    component = {firm: at for at, part in enumerate(components, 1) for firm in part}
    core = nx.core_number(graph)
    joints = set(nx.articulation_points(graph))
    by_mode = _searches(graph, ids, steps)
    # Once one mode's answer is not known, a larger clique there cannot be ruled out.
    largest = [search.largest() for search in by_mode]
    enough, inside = _least_size(by_mode, len(ids), size_min)
    n, pairs = len(ids), graph.number_of_edges()
    return GraphReport(
        market=str(graph.graph.get("market", "")),
        modes=tuple(_modes(graph)),
        num_firms=n,
        num_pairs=pairs,
        density=2 * pairs / (n * (n - 1)) if n > 1 else None,
        degree_smallest=min(degree.values(), default=None),
        degree_median=float(median(degree.values())) if degree else None,
        degree_largest=max(degree.values(), default=None),
        components=tuple(components),
        isolated=tuple(firm for firm in ids if degree[firm] == 0),
        bridges=tuple(sorted((min(a, b), max(a, b)) for a, b in nx.bridges(graph))),
        articulation_firms=tuple(sorted(joints)),
        largest_clique=_largest(largest),
        largest_clique_at_most=max(core.values(), default=-1) + 1,
        size_min=size_min,
        num_enough_partners=_count(enough) if size_min is not None else None,
        num_in_clique=_count(inside) if size_min is not None else None,
        firms=tuple(
            FirmInGraph(
                firm_id=firm,
                name=str(graph.nodes[firm].get("name", "")),
                town=str(graph.nodes[firm].get("town", "")),
                degree=degree[firm],
                component=component[firm],
                core_number=int(core[firm]),
                articulation=firm in joints,
                enough_partners=enough[at],
                in_clique=inside[at],
            )
            for at, firm in enumerate(ids)
        ),
    )


def _modes(graph: nx.Graph[str]) -> list[str]:
    return [mode for mode in str(graph.graph.get("modes", "")).split(";") if mode]


def _searches(graph: nx.Graph[str], ids: Sequence[str], steps: int) -> list[CliqueSearch]:
    """One clique search a mode; a pair without a mode counts in every one."""
    place = {firm: at for at, firm in enumerate(ids)}
    modes = _modes(graph) or [""]

    def has(data: dict[str, Any], mode: str) -> bool:
        label = data.get("mode")
        return label is None or mode in str(label).split("+")

    out = []
    for mode in modes:
        edges = [
            (place[a], place[b])
            for a, b, data in graph.edges(data=True)
            if len(modes) == 1 or has(data, mode)
        ]
        out.append(CliqueSearch(len(ids), edges, steps))
    return out


def _least_size(
    by_mode: Sequence[CliqueSearch], num_firms: int, size_min: int | None
) -> tuple[list[bool | None], list[bool | None]]:
    """For each firm whether it has partners for the least size, and whether a clique holds it."""
    if size_min is None:
        return [None] * num_firms, [None] * num_firms
    enough: list[bool | None] = [
        any(search.near[at].bit_count() >= size_min - 1 for search in by_mode)
        for at in range(num_firms)
    ]
    found = [search.nodes_in_cliques(size_min) for search in by_mode]
    return enough, [_either([mode[at] for mode in found]) for at in range(num_firms)]


def _either(answers: Sequence[bool | None]) -> bool | None:
    """Whether any is true; not known where none is and one is not known."""
    if any(answers):
        return True
    return None if None in answers else False


def _largest(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return max(known) if len(known) == len(sizes) else None


def _count(answers: Sequence[bool | None]) -> int | None:
    return None if None in answers else sum(answer is True for answer in answers)
