"""The report on a graph: every figure against brute force, and nothing that is not proved."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import networkx as nx
import pytest
from cases import sample_case
from hypothesis import given
from hypothesis import strategies as st

from consortium.cliques import CliqueSearch
from consortium.compatibility import compatibility_graph
from consortium.graph_figures import FirmInGraph, graph_report


@st.composite
def graphs(draw: st.DrawFn) -> nx.Graph[str]:
    """Small graphs, thin and dense, with nodes in any order and pairs labelled with modes."""
    firms = draw(st.permutations([f"F{k}" for k in range(draw(st.integers(0, 8)))]))
    graph: nx.Graph[str] = nx.Graph(market="ZAF", modes="range;volume")
    graph.add_nodes_from(firms, name="n", town="t")
    for a, b in combinations(firms, 2):
        mode = draw(st.sampled_from(["", "", "range", "volume", "range+volume"]))
        if mode:
            graph.add_edge(a, b, mode=mode)
    return graph


def parts(graph: nx.Graph[str]) -> int:
    """Number of components, by spreading from each node."""
    left, found = set(graph), 0
    while left:
        found += 1
        reached = {left.pop()}
        while reached:
            node = reached.pop()
            near = {other for other in graph.adj[node] if other in left}
            left -= near
            reached |= near
    return found


def cliques(graph: nx.Graph[str], size: int) -> list[tuple[str, ...]]:
    """Every group of a size whose firms are all compatible in one mode."""
    return [
        group
        for group in combinations(sorted(graph), size)
        if any(
            all(
                graph.has_edge(a, b) and mode in graph.edges[a, b]["mode"].split("+")
                for a, b in combinations(group, 2)
            )
            for mode in ("range", "volume")
        )
    ]


@given(graphs(), st.integers(1, 5))
def test_every_figure_against_brute_force(graph: nx.Graph[str], size_min: int) -> None:
    report = graph_report(graph, size_min)
    ids, edges = sorted(graph), list(graph.edges)
    assert [firm.firm_id for firm in report.firms] == ids
    assert (report.num_firms, report.num_pairs) == (len(ids), len(edges))
    possible = len(list(combinations(ids, 2)))
    assert report.density == (len(edges) / possible if possible else None)
    degree = {firm: sum(firm in pair for pair in edges) for firm in ids}
    ordered = sorted(degree.values())
    assert {firm.firm_id: firm.degree for firm in report.firms} == degree
    if ids:
        middle = (ordered[(len(ids) - 1) // 2] + ordered[len(ids) // 2]) / 2
        expected: tuple[Any, ...] = (ordered[0], middle, ordered[-1])
    else:
        expected = (None, None, None)
    assert (report.degree_smallest, report.degree_median, report.degree_largest) == expected

    assert len(report.components) == parts(graph)
    assert sorted(firm for part in report.components for firm in part) == ids
    assert all(nx.is_connected(graph.subgraph(part)) for part in report.components)
    order = [(-len(part), part) for part in report.components]
    assert order == sorted(order)
    for firm in report.firms:
        assert firm.firm_id in report.components[firm.component - 1]
    assert report.isolated == tuple(firm for firm in ids if not degree[firm])

    def without(pair: tuple[str, str]) -> nx.Graph[str]:
        rest = graph.copy()
        rest.remove_edge(*pair)
        return rest

    bridges = {tuple(sorted(e)) for e in edges if parts(without(e)) > parts(graph)}
    assert report.bridges == tuple(sorted(bridges))
    joints = [
        firm
        for firm in ids
        if parts(graph.subgraph([other for other in ids if other != firm])) > parts(graph)
    ]
    assert report.articulation_firms == tuple(joints)
    assert [firm.firm_id for firm in report.firms if firm.articulation] == joints

    largest = max((size for size in range(9) if cliques(graph, size)), default=0) if ids else 0
    assert report.largest_clique == largest <= report.largest_clique_at_most
    inside = {firm for group in cliques(graph, size_min) for firm in group}
    assert {firm.firm_id for firm in report.firms if firm.in_clique} == inside
    assert None not in {firm.in_clique for firm in report.firms}
    assert report.num_in_clique == len(inside)

    def most_partners(firm: str) -> int:
        modes = [graph.edges[pair]["mode"].split("+") for pair in edges if firm in pair]
        return max(sum(mode in row for row in modes) for mode in ("range", "volume"))

    enough = [firm for firm in ids if most_partners(firm) >= size_min - 1]
    assert [firm.firm_id for firm in report.firms if firm.enough_partners] == enough
    assert report.num_enough_partners == len(enough)
    assert inside <= set(enough)


@given(graphs())
def test_core_numbers_by_their_definition(graph: nx.Graph[str]) -> None:
    for firm in graph_report(graph).firms:
        within = 0
        for k in range(1, 9):
            left = set(graph)
            while weak := {f for f in left if sum(o in left for o in graph.adj[f]) < k}:
                left -= weak
            within = k if firm.firm_id in left else within
        assert firm.core_number == within


def test_what_is_not_proved_is_none() -> None:
    """A search out of steps answers nothing about cliques; what needs no search stays."""
    graph: nx.Graph[str] = nx.relabel_nodes(nx.gnp_random_graph(40, 0.6, seed=1), str)
    known = graph_report(graph, 5)
    assert known.largest_clique is not None
    report = graph_report(graph, 5, steps=3)
    assert (report.largest_clique, report.num_in_clique) == (None, None)
    assert report.largest_clique_at_most == known.largest_clique_at_most >= known.largest_clique
    assert report.num_enough_partners == known.num_enough_partners
    assert {firm.in_clique for firm in report.firms} == {None}


def test_what_was_not_asked_is_none() -> None:
    report = graph_report(nx.path_graph(3))
    assert (report.size_min, report.num_enough_partners, report.num_in_clique) == (None,) * 3
    assert {(f.enough_partners, f.in_clique) for f in report.firms} == {(None, None)}
    with pytest.raises(ValueError, match="size_min is 0"):
        graph_report(nx.path_graph(3), 0)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_graph_does_not_matter(graph: nx.Graph[str], random: Any) -> None:
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))
    random.shuffle(nodes)
    random.shuffle(edges)
    other: nx.Graph[str] = nx.Graph(**graph.graph)
    other.add_nodes_from(nodes)
    other.add_edges_from((b, a, data) for a, b, data in edges)
    assert graph_report(other, 3) == graph_report(graph, 3)


@given(st.integers(2, 30), st.floats(0.2, 0.95), st.integers(0, 99), st.integers(1, 9))
def test_cliques_against_networkx(nodes: int, dense: float, seed: int, size: int) -> None:
    """Larger graphs: the clique number and who is in a clique, by the maximal cliques."""
    graph = nx.gnp_random_graph(nodes, dense, seed=seed)
    maximal = list(nx.find_cliques(graph))
    search = CliqueSearch(nodes, list(graph.edges))
    assert search.largest() == max(map(len, maximal))
    held = {node for clique in maximal if len(clique) >= size for node in clique}
    assert search.nodes_in_cliques(size) == [node in held for node in range(nodes)]
    for node in range(nodes):
        found = search.through(node, size)
        assert found is not None
        assert bool(found) == (node in held)
        if found:
            assert len(set(found)) == size
            assert node in found
            assert all(graph.has_edge(a, b) for a, b in combinations(found, 2))


def test_the_sample_and_its_frame() -> None:
    case = sample_case()
    graph = compatibility_graph(case, "ZAF")
    report = graph_report(graph, case.size_min)
    assert (report.market, report.modes, report.size_min) == ("ZAF", ("range",), 5)
    assert report.largest_clique == max(map(len, nx.find_cliques(graph)))
    frame = report.to_frame()
    assert list(frame.columns) == list(FirmInGraph.__slots__)
    assert list(frame["firm_id"]) == sorted(graph)
    assert frame["degree"].sum() == 2 * report.num_pairs
    assert list(graph_report(nx.Graph()).to_frame().columns) == list(frame.columns)
