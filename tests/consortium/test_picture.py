"""The picture: groups apart, nobody drawn inside a group it is not in, the same bytes each time."""

from __future__ import annotations

import itertools
import math
import struct
import subprocess
import sys
from functools import cache
from typing import Any

import networkx as nx
import pytest
from cases import sample_case
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_fixtures import plan_of, two_groups

from consortium.compatibility import compatibility_graph
from consortium.documents import picture
from consortium.documents.layout import chosen_firms, hull, positions
from consortium.documents.picture import groups_png
from consortium.plan import Plan


@cache
def sample_graph(firms: int = 60, seed: int = 1) -> Any:
    return compatibility_graph(sample_case(firms, seed), "ZAF")


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything written outside the drawings."""
    out: list[str] = []
    write = picture._words

    def listen(figure: Any, place: Any, words: str, size: float, **style: Any) -> None:
        out.append(words)
        write(figure, place, words, size, **style)

    monkeypatch.setattr(picture, "_words", listen)
    return out


def random_graph(firms: int, pairs: int, seed: int, market: str = "ZAF") -> Any:
    graph = nx.gnm_random_graph(firms, pairs, seed=seed)
    graph = nx.relabel_nodes(graph, {at: f"F{at:04d}" for at in graph})
    nx.set_edge_attributes(graph, 6_000, "score")
    graph.graph["market"] = market
    return graph


def grouped(plan: Plan, *groups: tuple[str, ...]) -> Plan:
    """The plan with other members and ids in order."""
    made = tuple(
        plan.consortia[0].model_copy(update={"id": f"C{at}", "members": group})
        for at, group in enumerate(groups, start=1)
    )
    return plan.model_copy(update={"consortia": made})


def test_title_says_what_is_drawn(told: list[str]) -> None:
    groups_png([sample_graph()], two_groups())
    assert told[0] == "Compatible firms for South Africa: 17 firms, 127 pairs; 2 consortia"
    assert "no map" in told[1]


def test_without_a_plan_only_the_graph(told: list[str]) -> None:
    groups_png([sample_graph()], None)
    assert told[0] == "Compatible firms for South Africa: 17 firms, 127 pairs"


def test_plan_that_forms_none(told: list[str]) -> None:
    groups_png([sample_graph()], plan_of(sample_case(), ()))
    assert told[0].endswith("; no consortium")


def test_same_input_same_bytes_whatever_the_readers_settings() -> None:
    import matplotlib as mpl

    once = groups_png([sample_graph()], two_groups())
    before = dict(mpl.rcParams)
    theirs: dict[str, Any] = {
        "font.size": 30, "font.family": "serif", "axes.facecolor": "black", "text.color": "red",
        "lines.linewidth": 9, "figure.dpi": 30, "savefig.dpi": 30, "legend.fontsize": 3,
        "savefig.facecolor": "blue", "lines.markersize": 40, "patch.linewidth": 7,
        "savefig.bbox": "tight", "text.usetex": True, "axes.titlesize": 40,
        "figure.constrained_layout.use": True,
    }  # fmt: skip
    with mpl.rc_context(theirs):
        again = groups_png([sample_graph()], two_groups())
    assert again == once
    assert dict(mpl.rcParams) == before
    assert b"Software" not in once
    assert b"tIME" not in once


def test_no_pyplot_no_window() -> None:
    code = (
        "import sys, networkx as nx; from consortium.documents.picture import groups_png; "
        "groups_png([nx.complete_graph(['a', 'b'])], None); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_panels_side_by_side(told: list[str]) -> None:
    one = size(groups_png([sample_graph()], None))
    graphs = [sample_graph(), random_graph(8, 12, 1, "XYZ"), random_graph(0, 0, 1, "ABC")]
    two = size(groups_png(graphs[:2], two_groups()))
    assert two == (2 * one[0], one[1])
    assert told[-2].startswith("Compatible firms for XYZ: 8 firms, 12 pairs; no consortium")
    wide, high = size(groups_png([*graphs, sample_graph()], None))
    assert (round(wide / high, 2), high > wide / 3) == (round(3 * one[0] / (2 * one[1]), 2), True)


def test_no_firm_and_no_market(told: list[str]) -> None:
    assert size(groups_png([random_graph(0, 0, 1)], None))[0] > 1_000
    assert told == [
        "Compatible firms for South Africa: 0 firms, 0 pairs",
        told[1],
        "No eligible firm",
    ]
    groups_png([], None)
    assert "nothing to draw" in told[-1]


@pytest.mark.parametrize(("firms", "pairs"), [(1, 0), (2, 1), (3, 0), (12, 3), (90, 20)])
def test_small_and_thin_graphs(firms: int, pairs: int) -> None:
    groups_png([random_graph(firms, pairs, 2)], None)


def test_large_graphs_draw_the_groups_and_say_what_is_missing(told: list[str]) -> None:
    graph = random_graph(900, 9_000, 3)
    group = tuple(sorted(nx.ego_graph(graph, "F0500"))[:7])
    groups_png([graph], grouped(two_groups(), group))
    assert "900 firms (500 not drawn), 9,000 pairs; 1 consortium" in told[0]
    assert "the 400 that best fit the members" in told[1]
    chosen = chosen_firms(graph, [group], 400)
    assert len(chosen) == 400
    assert set(group) <= set(chosen)
    near = {other for firm in group for other in graph[firm]}
    assert near <= set(chosen)


def test_sparsified_graphs_say_so(told: list[str]) -> None:
    graph = random_graph(20, 60, 1)
    graph.graph["rule_edges"] = 1_234
    groups_png([graph], None)
    assert "Of 1,234 pairs the nearest were kept" in told[1]


@pytest.mark.parametrize(
    "ids",
    [
        ("$a_b$", "\\frac{1}{2}", "$$", "%d {x}"),
        ("خان", "漢字", "😀", "\u202ex"),
        ("", " ", "\n", "x" * 40),
    ],
)
def test_ids_are_drawn_as_text_the_font_has(ids: tuple[str, ...]) -> None:
    """Warnings are errors here: a missing glyph or a formula would fail."""
    graph = nx.complete_graph(list(ids))
    graph.graph["market"] = "ZAF"
    groups_png([graph], grouped(two_groups(), ids[:3]))
    groups_png([graph], None)


def test_members_that_are_not_in_the_graph_are_passed_over(told: list[str]) -> None:
    groups_png([random_graph(9, 20, 1)], two_groups())
    assert told[0].endswith("9 firms, 20 pairs; no consortium")


def inside(outline: Any, x: float, y: float) -> bool:
    """Whether a point is inside a convex outline, counter-clockwise."""
    for (ax, ay), (bx, by) in itertools.pairwise([*outline.tolist(), outline[0].tolist()]):
        if (bx - ax) * (y - ay) - (by - ay) * (x - ax) < 0:
            return False
    return True


@settings(max_examples=25)
@given(
    firms=st.integers(10, 60),
    dense=st.floats(0, 1),
    sizes=st.lists(st.integers(1, 9), max_size=4),
    seed=st.integers(0, 99),
)
def test_nobody_is_inside_a_group_it_is_not_in(
    firms: int, dense: float, sizes: list[int], seed: int
) -> None:
    graph = random_graph(firms, int(dense * firms * (firms - 1) / 2), seed)
    ids = iter(sorted(graph))
    groups = [group for n in sizes if (group := list(itertools.islice(ids, n)))]
    points = positions(graph, groups)
    for group in groups:
        assert set(group) <= set(points)
        outline = hull([points[firm] for firm in group], 0.8)
        for firm, (x, y) in points.items():
            assert inside(outline, x, y) == (firm in group)
    apart = [math.dist(points[a], points[b]) for a, b in itertools.combinations(points, 2)]
    assert min(apart, default=1.0) > 0.5
    assert positions(graph, groups) == points


def test_hull_is_padded_and_rounded() -> None:
    outline = hull([(0.0, 0.0)], 1.0)
    assert len(outline) == 48
    assert all(math.isclose(math.hypot(x, y), 1.0) for x, y in outline.tolist())
