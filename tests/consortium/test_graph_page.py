"""The page of a graph: whole in itself, safe with hostile names, complete, the same bytes."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from cases import sample_case
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_fixtures import plan_of, renamed, two_groups

from consortium.case import Case, make_case
from consortium.compatibility import compatibility_graph
from consortium.criteria import score_pair
from consortium.documents import graph_page
from consortium.documents.graph_page import CRITERION_LABELS, graph_html, script_json
from consortium.documents.town_map import Spot, town_map
from consortium.market_files import find_market, load_clusters
from consortium.own_pairs import OwnPairs, own_pair
from consortium.programme import CRITERIA, load_programme
from consortium.register import make_register
from consortium.sample import sample_register
from consortium.wording import usd

WEB = Path(graph_page.__file__).parents[1] / "data" / "web"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>\u2028\u2029&amp;\"'`${alert(1)}",
    "{{script}} {{data}} {{nothing}}",
    "\u202egnirts\x00\x1b[31m",
)


class Parsed(HTMLParser):
    """Elements with their attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("type") or tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data


def data_of(page: bytes) -> Any:
    return json.loads(Parsed(page.decode()).texts["application/json"])


@cache
def sample_page(planned: bool = False) -> bytes:
    case = sample_case()
    return graph_html(case, compatibility_graph(case, "ZAF"), two_groups() if planned else None)


def both_modes(firms: int, **figures: int) -> Case:
    programme = load_programme().changed("modes", ("range", "volume"), "test")
    for name, value in figures.items():
        programme = programme.changed(name, Decimal(value), "test")
    register = sample_register("surgical-sialkot", firms, 1)
    return make_case(register, [find_market("ZAF")], programme)


@pytest.mark.parametrize("planned", [False, True])
def test_nothing_is_fetched(planned: bool) -> None:
    """No address, no element or style that loads anything, and a policy that forbids the rest."""
    page = Parsed(sample_page(planned).decode())
    text = sample_page(planned).decode().lower()
    for loading in ("http:", "https:", "//www", "url(", "@import", "import(", "fetch(", "srcdoc"):
        assert loading not in text
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "audio")
        assert not {"src", "href", "action", "data"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    [policy] = [a["content"] for t, a in page.elements if a.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def test_the_script_makes_no_markup() -> None:
    script = (WEB / "graph.js").read_text(encoding="utf-8")
    for maker in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert maker not in script
    assert "</" not in script


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    """The page has the same elements as with a tame name, and the name is in its data."""
    case = sample_case()
    ids = sorted(compatibility_graph(case, "ZAF"))
    bad = renamed(case, dict.fromkeys(ids, name))
    towns = [replace(firm, town=name) for firm in bad.register.firms]
    bad = replace(bad, register=make_register(towns, case.register.ties))
    page = graph_html(bad, compatibility_graph(bad, "ZAF"), two_groups()).decode()
    assert Parsed(page).elements == Parsed(sample_page(True).decode()).elements
    assert page.lower().count("</script") == 2
    firms = data_of(page.encode())["firms"]
    kept = re.sub("[\u202a-\u202e]", "", name)
    kept = " ".join(re.sub("[\x00-\x1f\u2028\u2029]", " ", kept).split())
    assert {firm["name"] for firm in firms} == {kept}
    assert {firm["town"] for firm in firms} == {kept}


@given(st.text())
def test_json_cannot_end_its_element(text: str) -> None:
    written = script_json({"text": text})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"text": text}


def test_same_graph_same_bytes() -> None:
    case = sample_case()
    graph = compatibility_graph(case, "ZAF")
    other: nx.Graph[str] = nx.Graph(**graph.graph)
    other.add_nodes_from(reversed(list(graph.nodes(data=True))))
    other.add_edges_from((b, a, data) for a, b, data in reversed(list(graph.edges(data=True))))
    assert graph_html(case, graph) == sample_page()
    assert graph_html(case, other) == sample_page()


@pytest.mark.parametrize("case", [sample_case(), both_modes(60)])
def test_every_pair_with_its_score_points_and_reason(case: Case) -> None:
    graph = compatibility_graph(case, "ZAF")
    data = data_of(graph_html(case, graph))
    ids = [firm["id"] for firm in data["firms"]]
    assert ids == sorted(graph)
    seen = {}
    for a, b, score, reason, modes, *parts in data["pairs"]:
        label = "+".join(data["modes"][m].split(":")[0] for m in modes)
        components = dict(zip(CRITERIA, parts, strict=True))
        seen[ids[a], ids[b]] = (score, data["reasons"][reason], label, components)
    assert seen == {
        (min(a, b), max(a, b)): (e["score"], e["reason"], e["mode"], e["components"])
        for a, b, e in graph.edges(data=True)
    }
    scores = [pair[2] for pair in data["pairs"]]
    assert scores == sorted(scores, reverse=True)
    weights = case.programme.weights_bp()
    assert data["criteria"] == [[CRITERION_LABELS[name], weights[name]] for name in CRITERIA]


def test_pairs_of_ones_own_are_not_judged_by_our_threshold() -> None:
    """A pair that is not on the list is told so, whatever its score; given scores are named."""
    plain_case = sample_case()
    listed = dict.fromkeys(
        sorted((min(a, b), max(a, b)) for a, b in compatibility_graph(plain_case, "ZAF").edges())[
            ::2
        ],
        own_pair(),
    )
    case = replace(plain_case, own_pairs=OwnPairs(listed, "pairs.csv"))
    page = graph_html(case, compatibility_graph(case, "ZAF"))
    data = data_of(page)
    assert "The pairs are those of pairs.csv." in page.decode()
    assert "in the place of the points" not in page.decode()
    assert "The two are not among the pairs given." in data["whys"]
    assert not [why for why in data["whys"] if "that is needed" in why]
    scored = {pair: own_pair(7_000) for pair in listed}
    case = replace(plain_case, own_pairs=OwnPairs(scored, "graph"))
    page = graph_html(case, compatibility_graph(case, "ZAF"))
    assert "in the place of the points" in page.decode()
    assert {pair[2] for pair in data_of(page)["pairs"]} == {7_000}


@pytest.mark.parametrize("case", [sample_case(), both_modes(60)])
def test_every_other_pair_with_why_not(case: Case) -> None:
    graph = compatibility_graph(case, "ZAF")
    data = data_of(graph_html(case, graph))
    ids, flat = [firm["id"] for firm in data["firms"]], data["apart"]
    told = {(ids[flat[i]], ids[flat[i + 1]]): flat[i + 2 : i + 4] for i in range(0, len(flat), 4)}
    assert told.keys() == {
        pair for pair in combinations(sorted(graph), 2) if not graph.has_edge(*pair)
    }
    assert told
    by_id = case.register.by_id
    for (a, b), (score, why) in told.items():
        modes = graph.graph["modes"].split(";")
        plain = [score_pair(case, "ZAF", mode, by_id[a], by_id[b]) for mode in modes]
        assert score == max(one.score for one in plain)
        blocked = max(plain, key=lambda one: one.score).blocked
        sentence = data["whys"][why].lower()
        assert ("refuses" in sentence) == ("veto" in blocked)
        assert ("one owner" in sentence) == ("same owner" in blocked)
        assert ("kinds of buyers" in sentence) == ("no common channel" in blocked)
        assert ("below the" in sentence) == any(word.startswith("score") for word in blocked)


def test_pairs_dropped_in_a_large_register_are_told_apart() -> None:
    case = both_modes(200, sparsify_above=30, sparsify_nearest=5)
    graph = compatibility_graph(case, "ZAF")
    page = graph_html(case, graph)
    data = data_of(page)
    why = next(at for at, text in enumerate(data["whys"]) if "nearest partners" in text)
    dropped = sum(data["apart"][i + 3] == why for i in range(0, len(data["apart"]), 4))
    assert dropped == graph.graph["rule_edges"] - graph.number_of_edges() > 0
    assert f"Of {graph.graph['rule_edges']:,} pairs that the rules allow" in page.decode()


def test_firms_as_a_reader_needs_them() -> None:
    case = sample_case()
    data = data_of(sample_page())
    labels = {family.key: family.label for family in case.cluster.families}
    largest = max(data["firms"], key=lambda firm: firm["r"])
    for firm in data["firms"]:
        record = case.register.by_id[firm["id"]]
        assert firm["name"] == record.name
        assert firm["employees"] == f"{record.employees} employees"
        sold = [data["families"][f]["label"] for f in firm["families"]]
        node = compatibility_graph(case, "ZAF").nodes[firm["id"]]
        assert sold == [labels[key] for key in node["families"].split(";")]
        assert firm["main"] in firm["families"]
        assert record.employees <= case.register.by_id[largest["id"]].employees


@pytest.mark.parametrize("cluster", sorted(load_clusters()))
def test_families_differ_without_colour(cluster: str) -> None:
    """Letters of their own, in an ink that stands out (contrast 4.5 or more)."""
    code = next(c for c in ("ZAF", "ARE", "USA", "KEN", "DEU") if _knows(c, cluster))
    case = make_case(sample_register(cluster, 40, 1), [find_market(code)])
    families = data_of(graph_html(case, compatibility_graph(case, code)))["families"]
    assert len({family["short"] for family in families}) == len(families)
    assert len({family["colour"] for family in families}) == len(families)
    for family in families:
        assert 1 < len(family["short"]) <= 3
        assert contrast(family["colour"], family["ink"]) >= 4.5


def _knows(code: str, cluster: str) -> bool:
    return cluster in find_market(code).clusters


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_consortia_of_the_plan() -> None:
    plan = two_groups()
    data = data_of(sample_page(True))
    assert [group["id"] for group in data["groups"]] == ["C1", "C2"]
    for shown, group in zip(data["groups"], plan.consortia, strict=True):
        assert {data["firms"][m]["id"] for m in shown["members"]} == set(group.members)
        assert f"Surplus {usd(group.surplus_cents)} over 5 years" in shown["surplus"]
        for firm in data["firms"]:
            inside = firm["group"] == data["groups"].index(shown)
            assert inside == (firm["id"] in group.members)
    outlines = {(group["colour"], group["dash"]) for group in data["groups"]}
    assert len(outlines) == 2
    assert data_of(sample_page())["groups"] == []


def test_members_that_are_not_in_the_graph_are_named() -> None:
    plan = two_groups()
    first = plan.consortia[0]
    case = sample_case()
    graph = compatibility_graph(case, "ZAF")
    graph.remove_node(first.members[0])
    [shown] = data_of(graph_html(case, graph, plan_of(case, [first])))["groups"]
    assert shown["strange"] == [first.members[0]]
    assert len(shown["members"]) == len(first.members) - 1


def test_empty_graph_and_wrong_graph() -> None:
    case = sample_case()
    graph = compatibility_graph(case, "ZAF")
    empty = nx.Graph(**graph.graph)
    assert data_of(graph_html(case, empty))["firms"] == []
    assert "0 firms may join; 0 pairs" in graph_html(case, empty).decode()
    with pytest.raises(ValueError, match="no market of this case"):
        graph_html(case, nx.Graph(market="KEN"))
    graph.add_node("X9")
    with pytest.raises(ValueError, match="X9"):
        graph_html(case, graph)


def test_large_registers_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_page, "_MOST_FIRMS", 16)
    case = sample_case()
    graph = compatibility_graph(case, "ZAF")
    page = graph_html(case, graph, two_groups())
    firms = [firm["id"] for firm in data_of(page)["firms"]]
    assert len(firms) == 16 < len(graph)
    assert {f for group in two_groups().consortia for f in group.members} <= set(firms)
    assert "Shown are the 16 firms that best fit the plan" in page.decode()


def test_size_and_speed_of_a_large_page() -> None:
    """About 300 firms and 6,000 pairs: small enough to send by mail."""
    case = sample_case(1_000)
    graph = compatibility_graph(case, "ZAF")
    assert len(graph) > 280
    assert graph.number_of_edges() > 6_000
    assert len(graph_html(case, graph)) < 2_000_000


# Places.

# Far apart, near, and in one point: towns that would overlap are the hard case.
_degrees = st.one_of(
    st.none(),
    st.sampled_from([32.0, 32.001, 32.01]),
    st.floats(-80, 80).map(lambda x: round(x, 3)),
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.floats(5, 21), _degrees, _degrees), max_size=40
    ),
    st.booleans(),
)
def test_no_firm_covers_another(rows: list[tuple[Any, ...]], with_ids: bool) -> None:
    """Nor leaves the drawing; firms without a place stand in the row, the others in their town."""
    spots = [Spot(f"F{k:02d}", *row) for k, row in enumerate(rows)]
    drawn = town_map(spots, with_ids)
    assert drawn == town_map(spots[::-1], with_ids)
    assert drawn.places.keys() == {spot.firm_id for spot in spots}
    for one, other in combinations(spots, 2):
        gap = math.dist(drawn.places[one.firm_id], drawn.places[other.firm_id])
        assert gap >= one.radius + other.radius + 2
    towns = {town.name: town for town in drawn.towns}
    for spot in spots:
        x, y = drawn.places[spot.firm_id]
        assert spot.radius <= x <= drawn.width - spot.radius
        assert spot.radius <= y <= drawn.height - spot.radius
        if spot.latitude is None or spot.longitude is None:
            assert drawn.row is not None
            assert y > drawn.row[1]
            assert all(y > town.y + town.radius for town in drawn.towns)
        else:
            town = towns[spot.town]
            assert math.dist((x, y), (town.x, town.y)) <= town.radius - spot.radius
    for town, near in combinations(drawn.towns, 2):
        assert math.dist((town.x, town.y), (near.x, near.y)) >= town.radius + near.radius - 0.5


def test_towns_in_one_point_are_drawn_apart() -> None:
    """Three crowded towns with the same coordinates, beside a far one that sets the scale."""
    spots = [Spot(f"{town}{k}", town, 20, 32.0, 74.0) for town in "ABC" for k in range(12)]
    drawn = town_map([*spots, Spot("D", "D", 20, 34.0, 74.0)], True)
    for one, other in combinations(drawn.towns, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) >= one.radius + other.radius


def test_north_is_up_and_east_is_right() -> None:
    """Four far towns keep their directions."""
    places = {"N": (33.0, 74.5), "S": (32.0, 74.5), "W": (32.5, 74.0), "E": (32.5, 75.0)}
    spots = [Spot(name, name, 10, *place) for name, place in places.items()]
    towns = {town.name: town for town in town_map(spots, True).towns}
    assert towns["N"].y < min(towns["W"].y, towns["E"].y)
    assert towns["S"].y > max(towns["W"].y, towns["E"].y)
    assert towns["W"].x < min(towns["N"].x, towns["S"].x)
    assert towns["E"].x > max(towns["N"].x, towns["S"].x)
