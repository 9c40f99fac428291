"""The compatibility score: one pair by hand, and the two implementations against one another.

The hand pair, for surgical instruments to South Africa (basis points):

complementarity: A sells general and dental, B general: range 1 - 1/2 = 5,000. Volume: A counts
    12,000 * .5 * .85 / 12 = 425 lots of general and 4,800 * .5 * .85 / 12 = 170 of dental (below
    the member cap), B general only: 425/595 = 7,143.
goals: points of A 3, 2, 1, of B for the first two 2, 3: min 2 + 2 = 4 of 6; one of the two names
    the market: (4/6 + .625)/2 = 6,458.
size: 40 and 20 employees, ln 2/ln 8 = 1/3; management .6 and .8: .6 * 2/3 + .4 * .8 = 7,200.
finance: A .8/2 + (900/1,500)/2 = .7; B .5/2 + (1.2% of 120,000 = 1,440 of 1,500)/2 = .73: 7,000.
trust: C worked with A and trusts B: 7,000.
readiness: A holds ISO 13485; B can buy it for 6,000 = 5% of 120,000: 7,500.
experience: A has five years: 10,000.
proximity: .1 degree of latitude = 11.1195 km: exp(-.444780) = 6,410.
time: A 8 hours, B unknown, counts half: 5,000.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium import compatibility, pair_arrays
from consortium.case import Case, make_case
from consortium.compatibility import (
    CompatiblePairs,
    PairScorer,
    compatibility_graph,
    compatible_pairs,
    pair_reason,
    score_pair,
    write_graph,
)
from consortium.criteria import proximity_bp
from consortium.eligibility import families_sold, ineligible
from consortium.errors import OutputError
from consortium.market_files import find_market
from consortium.pair_reasons import reason_of
from consortium.programme import CRITERIA, MODES, Programme, load_programme
from consortium.register import (
    PRIORITIES,
    TIE_KINDS,
    Certificate,
    Firm,
    Product,
    Register,
    Tie,
    make_register,
)
from consortium.sample import sample_register
from consortium.scale import scale_of

FAMILIES = ("dental", "general", "micro", "orthopaedic", "single_use")
ISO = (Certificate("ISO 13485"),)


def firm(firm_id: str, **given_values: Any) -> Firm:
    values: dict[str, Any] = {"employees": 20, "town": "Sialkot"} | given_values
    return Firm(firm_id, f"Firm {firm_id}", "surgical-sialkot", **values)


def case_of(register: Register, programme: Programme | None = None) -> Case:
    return make_case(register, [find_market("ZAF")], programme)


HAND_A = firm(
    "A",
    employees=40,
    latitude=32.5,
    longitude=74.5,
    export_years=5,
    certificates=ISO,
    financial_health_bp=8_000,
    management_bp=6_000,
    max_contribution_cents=90_000,
    hours_per_month=8,
    priorities=("new_markets", "certification", "finance"),
    target_markets=("KEN", "ZAF"),
    products=(
        Product("dental", capacity_units_per_year=4_800, spare_share_bp=5_000),
        Product("general", capacity_units_per_year=12_000, spare_share_bp=5_000),
    ),
)
HAND_B = firm(
    "B",
    latitude=32.6,
    longitude=74.5,
    turnover_cents=12_000_000,
    financial_health_bp=5_000,
    management_bp=8_000,
    priorities=("certification", "new_markets"),
    target_markets=("KEN",),
    products=(Product("general", capacity_units_per_year=9_000, spare_share_bp=5_000),),
)
HAND_C = firm("C")
PAYING = firm(
    "P",
    certificates=ISO,
    max_contribution_cents=500_000,
    products=(Product("general", capacity_units_per_year=9_000),),
)
HAND_TIES = (Tie("A", "C", "worked_together"), Tie("B", "C", "trust"))


def hand_case(*ties: Tie, a: Firm = HAND_A, b: Firm = HAND_B) -> Case:
    return case_of(make_register([a, b, HAND_C], [*HAND_TIES, *ties]))


def hand_score(case: Case, mode: str = "range") -> compatibility.PairScore:
    return score_pair(case, "ZAF", mode, case.register.by_id["A"], case.register.by_id["B"])


def test_hand_pair() -> None:
    """Every criterion of the hand pair, and its two scores."""
    in_range = hand_score(hand_case())
    assert in_range.components == {
        "complementarity": 5_000,
        "goals": 6_458,
        "size": 7_200,
        "finance": 7_000,
        "trust": 7_000,
        "readiness": 7_500,
        "experience": 10_000,
        "proximity": 6_410,
        "time": 5_000,
    }
    assert tuple(in_range.components) == CRITERIA
    # 1,000 + 1,162.44 + 1,080 + 840 + 840 + 750 + 500 + 320.5 + 150 = 6,642.94
    assert in_range.score == 6_642
    assert in_range.allowed
    assert in_range.blocked == ()
    assert in_range.missing == (
        "B export_years",
        "B max_contribution_usd_per_year",
        "B hours_per_month",
    )
    volume = hand_score(hand_case(), "volume")
    assert volume.components == in_range.components | {"complementarity": 7_143}
    assert volume.score == 7_071  # 6,642.94 + .2 * 2,143 = 7,071.54


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["worked_together", "rival"], 10_000),
        (["trust", "rival"], 9_000),
        (["rival"], 1_000),
        (["same_owner"], 7_000),
        ([], 7_000),
    ],
)
def test_trust_takes_the_first_tie_that_holds(kinds: list[Any], expected: int) -> None:
    """Worked together, trust, rivalry, a shared partner: in this order."""
    case = hand_case(*(Tie("A", "B", kind) for kind in kinds))
    assert hand_score(case).components["trust"] == expected


@pytest.mark.parametrize("kind", ["rival", "veto", "same_owner"])
def test_only_friendly_ties_make_a_partner_shared(kind: Any) -> None:
    """A third firm that one of the two only competes with, refuses or owns brings no trust."""
    ties = [Tie("A", "C", "worked_together"), Tie("B", "C", kind)]
    case = case_of(make_register([HAND_A, HAND_B, HAND_C], ties))
    assert hand_score(case).components["trust"] == 5_000


def test_blocked_pairs_say_why() -> None:
    """Ties, channel and score each forbid a pair by themselves and are all named."""
    case = hand_case(Tie("A", "B", "veto"), Tie("A", "B", "same_owner"))
    assert hand_score(case).blocked == ("veto", "same owner")
    case = hand_case(b=replace(HAND_B, products=()))
    found = hand_score(case)
    assert found.components["complementarity"] == 0
    assert found.blocked == ("no common channel",)  # 6,642.94 - 1,000 is still above 5,500
    strict = hand_case().with_programme(
        load_programme().changed("threshold_range", Decimal("0.7"), "test")
    )
    assert hand_score(strict).blocked == ("score 6,642 below 7,000",)
    assert not hand_score(strict).allowed


def test_missing_inputs_count_half() -> None:
    """Two firms of which nothing is known but town, employees and products."""
    products = (Product("general", capacity_units_per_year=9_000),)
    case = case_of(make_register([firm("A", products=products), firm("B", products=products)]))
    found = hand_score(case)
    assert found.components == {
        "complementarity": 0,
        "goals": 5_000,
        "size": 8_000,  # the same number of employees; management difference .5
        "finance": 3_500,  # half health, 300 of 1,500 USD
        "trust": 5_000,
        "readiness": 0,
        "experience": 5_000,
        "proximity": 8_000,
        "time": 5_000,
    }
    assert len(found.missing) == 16


def test_mode_and_pair_must_make_sense() -> None:
    """An unknown mode, or a firm with itself, is an error."""
    case = hand_case()
    with pytest.raises(ValueError, match="known are range, volume"):
        score_pair(case, "ZAF", "both", HAND_A, HAND_B)
    with pytest.raises(ValueError, match="paired with itself"):
        score_pair(case, "ZAF", "range", HAND_A, HAND_A)
    with pytest.raises(ValueError, match="mode 'both'"):
        compatible_pairs(case, "ZAF", "both", ["A"])
    with pytest.raises(ValueError, match="mode 'both'"):
        compatibility_graph(case, "ZAF", "both")


# Random registers: few different values, so that ties of every kind are common.

_maybe_bp = st.sampled_from([None, 0, 3_333, 5_000, 7_777, 10_000])


@st.composite
def _firms(draw: st.DrawFn, firm_id: str) -> Firm:
    some = draw(st.sets(st.sampled_from(FAMILIES), max_size=4))
    capacity = st.sampled_from([None, 0, 40, 1_000, 12_345, 10**9])
    products = tuple(
        Product(
            family,
            capacity_units_per_year=draw(capacity),
            spare_share_bp=draw(_maybe_bp),
            unit_cost_cents=draw(st.sampled_from([None, 20, 10**6])),
        )
        for family in sorted(some)
    )
    located = draw(st.sampled_from([None, (32.5, 74.5), (32.45, 74.52), (-90.0, 0.0), "any"]))
    if located == "any":
        located = (draw(st.floats(-90, 90)), draw(st.floats(-180, 180)))
    latitude, longitude = located or (None, None)
    return firm(
        firm_id,
        employees=draw(st.sampled_from([1, 8, 20, 21]) | st.integers(1, 100_000)),
        town=draw(st.sampled_from(["Sialkot", "Daska"])),
        latitude=latitude,
        longitude=longitude,
        turnover_cents=draw(st.sampled_from([None, 0, 12_000_000, 55_512_345])),
        export_years=draw(st.sampled_from([None, 0, 2, 3])),
        certificates=draw(st.sampled_from([(), ISO])),
        financial_health_bp=draw(_maybe_bp),
        management_bp=draw(_maybe_bp),
        max_contribution_cents=draw(st.sampled_from([None, 0, 1, 99_999, 150_000])),
        hours_per_month=draw(st.sampled_from([None, 0, 3, 10, 744])),
        priorities=tuple(draw(st.lists(st.sampled_from(PRIORITIES[:4]), max_size=3, unique=True))),
        target_markets=draw(st.sampled_from([(), ("ZAF",), ("KEN",), ("KEN", "ZAF")])),
        products=products,
    )


@st.composite
def _cases(draw: st.DrawFn, max_firms: int = 7) -> Case:
    """A case with two channels, its own thresholds and often a sparsifier that bites."""
    ids = [f"F{k}" for k in range(draw(st.integers(1, max_firms)))]
    firms = [draw(_firms(firm_id)) for firm_id in ids]
    pairs = list(combinations(ids, 2))
    ties = []
    if pairs:
        tie = st.tuples(st.sampled_from(pairs), st.sampled_from(TIE_KINDS))
        ties = [Tie(a, b, kind) for (a, b), kind in draw(st.lists(tie, max_size=12))]
    programme = load_programme()
    share = st.sampled_from(["0", "0.3", "0.5", "0.55"])
    for name, values in {
        "threshold_range": share,
        "threshold_volume": share,
        "sparsify_above": st.sampled_from(["0", "4", "150"]),
        "sparsify_nearest": st.sampled_from(["1", "2", "3", "30"]),
        "elasticity": st.sampled_from(["4", "3.5"]),
    }.items():
        programme = programme.changed(name, Decimal(draw(values)), "test")
    case = case_of(make_register(firms, ties), programme)
    families = tuple(
        replace(family, channel="dental dealer") if family.key in ("dental", "micro") else family
        for family in case.cluster.families
    )
    # The shipped clusters may have one channel only; this is where a case keeps its cluster.
    case.__dict__["cluster"] = replace(case.cluster, families=families)
    return case


def _plain_pairs(case: Case, mode: str, ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """What ``compatible_pairs`` should keep, from plain scores and affinities."""
    scorer = PairScorer(case, "ZAF")
    by_id = case.register.by_id
    allowed = {}
    for a, b in combinations(sorted(ids), 2):
        found = scorer.score(mode, by_id[a], by_id[b])
        if found.allowed:
            allowed[a, b] = found.score
    if len(ids) <= case.programme.sparsify_above.whole:
        return allowed
    friendly = {
        (tie.firm_a, tie.firm_b)
        for tie in case.register.ties
        if tie.kind in ("worked_together", "trust")
    }
    kept = {pair for pair in allowed if pair in friendly}
    for one in ids:
        near = sorted(
            (-scorer.affinity(by_id[one], by_id[other]), other)
            for other in ids
            if (min(one, other), max(one, other)) in allowed
        )
        for _, other in near[: case.programme.sparsify_nearest.whole]:
            kept.add((min(one, other), max(one, other)))
    return {pair: allowed[pair] for pair in sorted(kept)}


def _named(found: CompatiblePairs) -> dict[tuple[str, str], int]:
    return {
        (found.firm_ids[i], found.firm_ids[j]): score
        for (i, j), score in zip(found.pairs.tolist(), found.scores.tolist(), strict=True)
    }


@given(_cases(), st.sampled_from(MODES), st.data())
def test_arrays_equal_plain_python(case: Case, mode: str, data: st.DataObject) -> None:
    """Any candidates, any gaps in the register: the same pairs with the same basis points."""
    every = [f.firm_id for f in case.register.firms]
    ids = data.draw(st.lists(st.sampled_from(every), unique=True))
    found = compatible_pairs(case, "ZAF", mode, ids)
    assert _named(found) == _plain_pairs(case, mode, ids)
    assert found.firm_ids == tuple(sorted(ids))
    assert found.pairs.dtype == np.int32
    assert found.scores.dtype == np.int64
    assert found.pairs.shape == (found.kept_edges, 2)
    assert found.pairs.tolist() == sorted(found.pairs.tolist())
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert found.sparsified == (len(ids) > case.programme.sparsify_above.whole)


@given(_cases(), st.sampled_from(MODES))
def test_components_equal_plain_python(case: Case, mode: str) -> None:
    """Each criterion of the arrays is the plain one, allowed or not; also with Python integers."""
    scorer = PairScorer(case, "ZAF")
    firms = case.register.firms
    ids = [f.firm_id for f in firms]
    ties = pair_arrays.TieRows(scorer.scale, case.register, ids)
    i, j = np.arange(len(ids))[:, None], np.arange(len(ids))[None, :]
    trust = np.stack([ties.trust(k) for k in range(len(ids))])
    traits = [scorer.traits(f) for f in firms]
    before = pair_arrays._LOTS_OF_INT64
    for most in (before, 1):
        pair_arrays._LOTS_OF_INT64 = most
        try:
            arrays = pair_arrays.firm_arrays(case, scorer.scale, traits)
        finally:
            pair_arrays._LOTS_OF_INT64 = before
        parts = dict(pair_arrays.common_parts(arrays, i, j, trust))
        near = pair_arrays.affinity(arrays, case.programme.weights_bp("affinity"), i, j, parts)
        parts["complementarity"] = pair_arrays.complementarity(arrays, mode, i, j)
        for a, b in combinations(range(len(ids)), 2):
            expected = scorer.score(mode, firms[a], firms[b])
            for x, y in ((a, b), (b, a)):
                assert {name: int(parts[name][x, y]) for name in CRITERIA} == expected.components
                assert near[x, y] == scorer.affinity(firms[a], firms[b])


@given(_cases(max_firms=4), st.sampled_from(MODES))
def test_order_of_the_two_makes_no_difference(case: Case, mode: str) -> None:
    """score(a, b) = score(b, a), parts are shares, and forbidding ties always forbid."""
    for a, b in combinations(case.register.firms, 2):
        found = score_pair(case, "ZAF", mode, a, b)
        assert found == score_pair(case, "ZAF", mode, b, a)
        assert all(0 <= part <= 10_000 for part in found.components.values())
        ties = case.register.ties_between.get((a.firm_id, b.firm_id), frozenset())
        assert not (found.allowed and ties & {"veto", "same_owner"})
        assert found.allowed == (not found.blocked)


@given(_cases(), st.sampled_from(MODES))
def test_sparsifier_only_thins_and_strands_nobody(case: Case, mode: str) -> None:
    """Kept pairs are rule pairs; friendly ones stay; whoever had a partner still has one."""
    ids = [f.firm_id for f in case.register.firms]
    all_kept = case.with_programme(case.programme.changed("sparsify_above", Decimal(150), "test"))
    all_kept.__dict__["cluster"] = case.cluster
    rule = _named(compatible_pairs(all_kept, "ZAF", mode, ids))
    found = compatible_pairs(case, "ZAF", mode, ids)
    kept = _named(found)
    assert kept.items() <= rule.items()
    assert found.rule_edges == len(rule)
    assert {f for pair in kept for f in pair} == {f for pair in rule for f in pair}
    for tie in case.register.ties:
        pair = (tie.firm_a, tie.firm_b)
        assert tie.kind not in ("worked_together", "trust") or (pair in rule) == (pair in kept)


@given(_cases(), st.sampled_from(MODES), st.randoms(use_true_random=False))
def test_names_do_not_matter(case: Case, mode: str, random: Any) -> None:
    """Renamed firms have the same pairs; with the sparsifier, when their order stays."""
    ids = [f.firm_id for f in case.register.firms]
    names = [f"N{k:02d}" for k in range(len(ids))]
    if len(ids) <= case.programme.sparsify_above.whole:
        random.shuffle(names)
    new = dict(zip(ids, names, strict=True))
    register = make_register(
        [replace(f, firm_id=new[f.firm_id]) for f in case.register.firms],
        [Tie(new[t.firm_a], new[t.firm_b], t.kind) for t in case.register.ties],
    )
    renamed = case_of(register, case.programme)
    renamed.__dict__["cluster"] = case.cluster
    expected = {
        tuple(sorted((new[a], new[b]))): score
        for (a, b), score in _named(compatible_pairs(case, "ZAF", mode, ids)).items()
    }
    assert _named(compatible_pairs(renamed, "ZAF", mode, names)) == expected


@pytest.mark.parametrize("ids", [[], ["A"], ["A", "A"]])
def test_too_few_firms_for_a_pair(ids: list[str]) -> None:
    """No firm or one firm: no pairs, of the right shape."""
    found = compatible_pairs(hand_case(), "ZAF", "range", ids)
    assert found.firm_ids == tuple(sorted(set(ids)))
    assert found.pairs.shape == (0, 2)
    assert found.scores.shape == (0,)
    assert (found.rule_edges, found.kept_edges) == (0, 0)


def test_unknown_firm_is_an_error() -> None:
    """A firm that the register does not hold is not passed over."""
    with pytest.raises(KeyError):
        compatible_pairs(hand_case(), "ZAF", "range", ["A", "Z"])


def test_equal_affinity_goes_to_the_lower_id() -> None:
    """Eight firms alike in everything, one neighbour each: the lowest id that is not itself."""
    products = (Product("general", capacity_units_per_year=9_000),)
    firms = [firm(f"F{k}", certificates=ISO, products=products) for k in range(8)]
    programme = load_programme()
    for name, value in {"sparsify_above": 7, "sparsify_nearest": 1, "threshold_range": 0}.items():
        programme = programme.changed(name, Decimal(value), "test")
    case = case_of(make_register(firms), programme)
    found = compatible_pairs(case, "ZAF", "range", [f.firm_id for f in firms])
    assert found.pairs.tolist() == [[0, k] for k in range(1, 8)]
    assert (found.rule_edges, found.kept_edges, found.sparsified) == (28, 7, True)


def test_proximity_is_one_function_for_one_and_for_many() -> None:
    """A single chord, a slice of chords and all of them round alike."""
    chords = np.random.default_rng(5).random(5_000) ** 8 * 4.0
    scale = scale_of(load_programme())
    together = proximity_bp(scale, chords)
    assert together.tolist() == [
        int(proximity_bp(scale, np.array([x]))[0]) for x in chords.tolist()
    ]
    assert together[::3].tolist() == proximity_bp(scale, chords[::3]).tolist()
    assert proximity_bp(scale, np.array([0.0, 4.0, 4.0000001])).tolist() == [10_000, 0, 0]
    # One degree of a great circle is 111.195 km.
    degree = 2 * math.sin(math.radians(1) / 2)
    assert proximity_bp(scale, np.array([degree**2]))[0] == round(1e4 * math.exp(-111.1949 / 25))


def test_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one row, of seven, and one block of all rows give the same pairs."""
    register = sample_register("surgical-sialkot", 250, 3)
    programme = load_programme().changed("sparsify_nearest", Decimal(4), "test")
    case = case_of(register, programme)
    ids = [f.firm_id for f in register.firms]
    expected = compatible_pairs(case, "ZAF", "range", ids)
    assert expected.sparsified
    for cells in (1, 7 * len(ids)):
        monkeypatch.setattr(compatibility, "_BLOCK_CELLS", cells)
        found = compatible_pairs(case, "ZAF", "range", ids)
        assert found.pairs.tolist() == expected.pairs.tolist()
        assert found.scores.tolist() == expected.scores.tolist()
        assert found.rule_edges == expected.rule_edges


# The graph.


@pytest.fixture(scope="module")
def sample_case() -> Case:
    programme = load_programme().changed("modes", ("range", "volume"), "test")
    programme = programme.changed("sparsify_above", Decimal(30), "test")
    programme = programme.changed("sparsify_nearest", Decimal(5), "test")
    return case_of(sample_register("surgical-sialkot", 200, 1), programme)


def test_graph_of_one_mode(sample_case: Case) -> None:
    """Nodes are the eligible firms; edges are the compatible pairs with plain components."""
    case = sample_case
    eligible = [f for f in case.register.firms if ineligible(case, "ZAF", f) is None]
    graph = compatibility_graph(case, "ZAF", "volume")
    assert list(graph.nodes) == [f.firm_id for f in eligible]
    found = compatible_pairs(case, "ZAF", "volume", graph.nodes)
    assert {(a, b): d["score"] for a, b, d in graph.edges(data=True)} == _named(found)
    for a, b, data in graph.edges(data=True):
        by_id = case.register.by_id
        plain = score_pair(case, "ZAF", "volume", by_id[a], by_id[b])
        assert data["components"] == plain.components
        assert data["reason"] == pair_reason(plain, case)
        assert data["mode"] == "volume"
    assert graph.graph == {
        "market": "ZAF",
        "modes": "volume",
        "threshold_bp": 5_000,
        "rule_edges": found.rule_edges,
        "kept_edges": found.kept_edges,
        "sparsified": True,
        "register_sha256": case.register.sha256,
    }
    for one in eligible:
        node = graph.nodes[one.firm_id]
        assert node["families"].split(";") == list(families_sold(case, "ZAF", one))
        assert ("latitude" in node) == (one.latitude is not None)
        assert node["certificate_state"] in ("held", "obtainable")


def test_graph_of_both_modes(sample_case: Case) -> None:
    """Each edge says where it is kept, and shows the better of those modes."""
    case = sample_case
    graph = compatibility_graph(case, "ZAF")
    kept = {mode: _named(compatible_pairs(case, "ZAF", mode, graph.nodes)) for mode in MODES}
    assert set(graph.edges) == kept["range"].keys() | kept["volume"].keys()
    seen = set()
    for a, b, data in graph.edges(data=True):
        scores = {mode: kept[mode][a, b] for mode in MODES if (a, b) in kept[mode]}
        seen.add(data["mode"])
        assert data["mode"] == "+".join(scores)
        assert data["score"] == max(scores.values())
        better = max(scores, key=lambda mode: scores[mode])
        by_id = case.register.by_id
        plain = score_pair(case, "ZAF", better, by_id[a], by_id[b])
        assert data["components"] == plain.components
    assert seen == {"range", "volume", "range+volume"}
    assert graph.graph["threshold_bp"] == 5_000
    assert graph.graph["kept_edges"] == graph.number_of_edges()


def test_graph_without_eligible_firms() -> None:
    """Nobody is eligible: an empty graph, which every format can hold."""
    graph = compatibility_graph(case_of(make_register([HAND_C])), "ZAF")
    assert (len(graph), graph.number_of_edges()) == (0, 0)
    assert graph.graph["rule_edges"] == 0


def test_reason_names_two_strong_parts_and_the_weakest() -> None:
    """Plain words; what forbids the pair comes first; half a point is no weakness."""
    case = hand_case(Tie("A", "B", "worked_together"))
    assert pair_reason(hand_score(case), case) == (
        "Worked together before, fairly similar size and management; no weak point known."
    )
    case = hand_case(Tie("A", "B", "rival"), Tie("A", "B", "veto"))
    assert pair_reason(hand_score(case), case) == (
        "Not allowed (veto). Fairly similar size and management, partly similar goals and target "
        "markets; weakest point: rivalry between them."
    )


@given(st.sampled_from(MODES), st.lists(st.integers(0, 10_000), min_size=9, max_size=9))
def test_every_part_has_words(mode: str, values: list[int]) -> None:
    """Whatever the parts, there is a sentence."""
    components = dict(zip(CRITERIA, values, strict=True))
    sentence = reason_of(components, mode, load_programme().weights_bp())
    assert sentence[0].isupper()
    assert sentence.endswith(".")


# Files.


@pytest.fixture
def hostile_graph() -> nx.Graph[str]:
    """Names that try to be formulas, markup and control characters."""
    names = ("=HYPERLINK(0)", 'a & b <"c">', "line\nbreak\r\x01", "-5", "'=1")
    firms = [replace(PAYING, firm_id=f"+{k}<&", name=name) for k, name in enumerate(names)]
    programme = load_programme().changed("threshold_range", Decimal(0), "test")
    return compatibility_graph(case_of(make_register(firms), programme), "ZAF", "range")


def _plain_edges(graph: nx.Graph[str]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(a, b): data for a, b, data in graph.edges(data=True)}


def test_json_round_trip(sample_case: Case, tmp_path: Path) -> None:
    """Node-link JSON gives the graph back; the same graph gives the same bytes."""
    graph = compatibility_graph(sample_case, "ZAF")
    write_graph(graph, tmp_path / "graph.json")
    text = (tmp_path / "graph.json").read_text(encoding="utf-8")
    back = nx.node_link_graph(json.loads(text), edges="edges")
    assert back.graph == graph.graph
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert _plain_edges(back) == _plain_edges(graph)
    write_graph(compatibility_graph(sample_case, "ZAF"), tmp_path / "again.JSON")
    assert (tmp_path / "again.JSON").read_bytes() == (tmp_path / "graph.json").read_bytes()


def test_graphml_round_trip(sample_case: Case, tmp_path: Path) -> None:
    """networkx reads the GraphML back with every attribute and type; components are flat."""
    graph = compatibility_graph(sample_case, "ZAF")
    write_graph(graph, tmp_path / "graph.graphml")
    back = nx.read_graphml(tmp_path / "graph.graphml")
    extra = back.graph.keys() - graph.graph.keys()
    assert {k: v for k, v in back.graph.items() if k not in extra} == graph.graph
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    for (a, b), data in _plain_edges(graph).items():
        flat = {k: v for k, v in data.items() if k != "components"} | data["components"]
        assert back.edges[a, b] == flat


def test_graphml_holds_hostile_text(hostile_graph: nx.Graph[str], tmp_path: Path) -> None:
    """Markup is escaped; a character that XML cannot hold is replaced."""
    write_graph(hostile_graph, tmp_path / "graph.graphml")
    back = nx.read_graphml(tmp_path / "graph.graphml")
    names = [data["name"] for _, data in back.nodes(data=True)]
    assert names == ["=HYPERLINK(0)", 'a & b <"c">', "line\nbreak\r\ufffd", "-5", "'=1"]
    assert list(back.nodes) == list(hostile_graph.nodes)


def test_csv_runs_no_formula(hostile_graph: nx.Graph[str], tmp_path: Path) -> None:
    """Cells that begin like a formula get an apostrophe, plain numbers do not."""
    write_graph(hostile_graph, tmp_path / "graph.csv")
    data = (tmp_path / "graph.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(rows) == hostile_graph.number_of_edges() == 10
    assert {row["firm_a"] for row in rows} == {f"'+{k}<&" for k in range(4)}
    names = {row[side] for row in rows for side in ("name_a", "name_b")}
    assert names == {"'=HYPERLINK(0)", 'a & b <"c">', "line\nbreak\r\x01", "-5", "''=1"}
    for row, (_, _, edge) in zip(rows, hostile_graph.edges(data=True), strict=True):
        assert {name: int(row[name]) for name in CRITERIA} == edge["components"]
        assert (int(row["score_bp"]), row["mode"]) == (edge["score"], "range")


@pytest.mark.parametrize("ending", ["graphml", "json", "csv"])
def test_empty_graph_is_written(ending: str, tmp_path: Path) -> None:
    """A graph with no firm is a file like any other."""
    graph = compatibility_graph(case_of(make_register([HAND_C])), "ZAF")
    write_graph(graph, tmp_path / f"graph.{ending}")
    assert (tmp_path / f"graph.{ending}").stat().st_size > 0


def test_unwritable_graphs(hostile_graph: nx.Graph[str], tmp_path: Path) -> None:
    """An unknown ending and the input itself are refused, and nothing is written."""
    with pytest.raises(OutputError, match=r"\.graphml, \.json, \.csv"):
        write_graph(hostile_graph, tmp_path / "graph.xls")
    source = tmp_path / "firms.csv"
    source.write_text("firm_id", encoding="utf-8")
    with pytest.raises(OutputError, match="is the input"):
        write_graph(hostile_graph, source, [source])
    assert source.read_text(encoding="utf-8") == "firm_id"
    assert [path.name for path in tmp_path.iterdir()] == ["firms.csv"]


@pytest.mark.slow
def test_large_register() -> None:
    """3,600 firms: little memory, sparse as designed, and plain scores on a sample of the edges."""
    register = sample_register("surgical-sialkot", 3_600, 1)
    case = case_of(register)
    ids = [f.firm_id for f in register.firms]
    tracemalloc.start()
    found = compatible_pairs(case, "ZAF", "range", ids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * 2**20
    friendly = sum(tie.kind in ("worked_together", "trust") for tie in register.ties)
    assert found.kept_edges <= 30 * len(ids) + friendly
    assert found.rule_edges > 10 * found.kept_edges
    scorer = PairScorer(case, "ZAF")
    chosen = np.random.default_rng(1).choice(found.kept_edges, 2_000, replace=False)
    for edge in chosen.tolist():
        i, j = found.pairs[edge].tolist()
        plain = scorer.score("range", register.firms[i], register.firms[j])
        assert (plain.score, plain.allowed) == (found.scores[edge], True)
    graph = compatibility_graph(case, "ZAF")
    degrees = [degree for _, degree in graph.degree()]
    assert min(degrees) >= 30
    assert max(degrees) < len(degrees) / 3  # no hub is everyone's neighbour
