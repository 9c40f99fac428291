"""Pairs of one's own go through the whole chain: read, propose, graph, check."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from cases import sample_case

from consortium.case import load_case
from consortium.checking import check
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.compatibility import compatibility_graph, compatible_pairs
from consortium.criteria import PairScorer
from consortium.eligibility import ineligible
from consortium.errors import InputError
from consortium.own_pairs import (
    OwnPairs,
    own_pair,
    pairs_of_function,
    pairs_of_graph,
    read_pairs,
)
from consortium.plan import Plan
from consortium.planner import propose
from consortium.register import Firm, Register, make_register
from solver import Limits

DEMO = Path(__file__).parents[2] / "consortium" / "data" / "registers" / "sialkot-demo.xlsx"
WORK = Limits(work=60_000_000, workers=1)
HEAD = "firm_a,firm_b,score_bp,mode\n"

Captured = pytest.CaptureFixture[str]


def test_the_graph_we_write_read_back_gives_the_same_plan(tmp_path: Path, capsys: Captured) -> None:
    """Our own pairs, written and given back, lead to the same consortia; check needs the list."""
    pairs, mine, ours = tmp_path / "pairs.csv", tmp_path / "mine", tmp_path / "ours"
    assert code_of(["graph", str(DEMO), "--market", "ZAF", "-o", str(pairs)]) == DONE
    run = ["propose", str(DEMO), "--market", "ZAF", "--work", "60000000", "--workers", "1"]
    assert code_of([*run, "-o", str(ours)]) == DONE
    assert code_of([*run, "--pairs", str(pairs), "-o", str(mine)]) == DONE
    first, second = Plan.load(f"{ours}.json"), Plan.load(f"{mine}.json")
    assert first.consortia == second.consortia
    assert first.objective_cents == second.objective_cents == second.bound_cents
    assert second.inputs.pairs_origin == "pairs.csv"
    assert second.inputs.graph.threshold_bp == 0
    base = ["check", f"{mine}.json", "--register", str(DEMO)]
    capsys.readouterr()
    assert code_of([*base, "--pairs", str(pairs)]) == DONE
    assert "every check passed" in capsys.readouterr().out
    assert code_of(base) == BAD_INPUT
    assert "pairs of pairs.csv; give them" in capsys.readouterr().err
    # The same plan is not right for other pairs.
    fewer = tmp_path / "fewer.csv"
    lines = pairs.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    fewer.write_text("".join(lines[:-20]), encoding="utf-8")
    assert code_of([*base, "--pairs", str(fewer)]) == BAD_INPUT
    # Neither is the list ever written over.
    assert code_of(["graph", str(DEMO), "-m", "ZAF", "--pairs", str(pairs), "-o", str(pairs)]) == 2


def demo() -> Register:
    """The demo's register."""
    return load_case(DEMO, ["ZAF"]).register


def test_exactly_the_pairs_given_are_compatible() -> None:
    """No threshold, no channel, no sparsifier; a score where given, ours where not."""
    plain = sample_case()
    able = [f.firm_id for f in plain.register.firms if ineligible(plain, "ZAF", f) is None]
    rng = np.random.default_rng(3)
    chosen = [pair for pair in combinations(sorted(able), 2) if rng.random() < 0.3]
    ties = plain.register.ties_between
    given = {
        pair: own_pair(
            int(rng.integers(0, 10_001)) if rng.random() < 0.5 else None,
            frozenset({"range"}) if rng.random() < 0.7 else frozenset({"volume"}),
        )
        for pair in chosen
    }
    case = replace(plain, own_pairs=OwnPairs(given, "test"))
    scorer, by_id = PairScorer(plain, "ZAF"), plain.register.by_id
    for mode in ("range", "volume"):
        found = compatible_pairs(case, "ZAF", mode, able)
        told = {
            (found.firm_ids[i], found.firm_ids[j]): score
            for (i, j), score in zip(found.pairs.tolist(), found.scores.tolist(), strict=True)
        }
        right = {}
        for (a, b), pair in given.items():
            if mode in pair and not {"veto", "same_owner"} & ties.get((a, b), frozenset()):
                ours = scorer.score(mode, by_id[a], by_id[b]).score
                right[a, b] = ours if pair[mode] is None else pair[mode]
        assert told == right
        assert (found.rule_edges, found.kept_edges, found.sparsified) == (
            len(right),
            len(right),
            False,
        )
        graph = compatibility_graph(case, "ZAF", mode)
        assert {tuple(sorted(edge)) for edge in graph.edges} == set(right)
        assert {tuple(sorted((a, b))): s for a, b, s in graph.edges(data="score")} == right


def test_a_veto_forbids_a_pair_that_is_given() -> None:
    case = sample_case()
    veto = next(tie for tie in case.register.ties if tie.kind in ("veto", "same_owner"))
    pair = (veto.firm_a, veto.firm_b)
    owned = replace(case, own_pairs=OwnPairs({pair: own_pair(10_000)}, "test"))
    firms = [case.register.by_id[firm] for firm in pair]
    score = PairScorer(owned, "ZAF").score("range", firms[0], firms[1])
    assert not score.allowed


def test_a_plan_over_a_function_of_ones_own_checks() -> None:
    """Firms of one town go together, whatever they make: the plan has no other pairs."""
    case = sample_case()

    def same_town(a: Firm, b: Firm) -> int | None:
        return 9_000 if a.town == b.town else None

    owned = replace(case, own_pairs=pairs_of_function(same_town, case.register))
    plan = propose(owned, WORK, turning_points=False)
    assert plan.status == "OPTIMAL"
    assert plan.consortia
    towns = [{case.register.by_id[f].town for f in group.members} for group in plan.consortia]
    assert all(len(named) == 1 for named in towns)
    assert check(plan, owned).ok
    assert not check(plan, case).ok
    edges = nx.Graph()
    edges.add_edges_from((a, b, {"score": np.int64(9_000)}) for a, b in owned.own_pairs.pairs)  # type: ignore[union-attr]
    assert pairs_of_graph(edges, case.register).pairs == owned.own_pairs.pairs  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "S0001,S9999,,\n", ["row 2", "firm_b", "'S9999'", "no firm_id of the register"]),
        (HEAD + "S0001,S0001,,\n", ["row 2", "cannot be paired with itself"]),
        (HEAD + "S0001,S0002,0.8,\n", ["score_bp", "'0.8'", "0 to 10,000"]),
        (HEAD + "S0001,S0002,10001,\n", ["score_bp", "'10001'"]),
        (HEAD + "S0001,S0002,-1,\n", ["score_bp", "'-1'"]),
        (HEAD + "S0001,S0002,,bulk\n", ["mode", "'bulk'", "range or volume"]),
        (HEAD + "S0001,S0002,1,\nS0002,S0001,2,\n", ["row 3", "row 2 gives this pair otherwise"]),
        (HEAD, ["names no pair"]),
        ("", ["firm_a", "firm_b"]),
        ("a,b\nS0001,S0002\n", ["no column firm_a and no column firm_b"]),
        (HEAD + "S0001\n", ["firm_b", "no firm_id"]),
    ],
)
def test_a_list_with_a_fault_is_refused_with_its_place(
    text: str, told: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_pairs(path, demo())
    message = "\n".join(str(fault) for fault in raised.value.faults)
    for words in told:
        assert words in message, message


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Register, rules and pairs are read together."""
    path = tmp_path / "pairs.csv"
    path.write_text(HEAD + "x,y,z,q\n" * 60, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_case(DEMO, ["XXX"], pairs=path)
    assert len(raised.value.faults) == 102
    assert "140 more faults" in str(raised.value.faults[-1])
    with pytest.raises(InputError, match="cannot be read"):
        load_case(DEMO, ["ZAF"], pairs=tmp_path / "none.csv")


def test_semicolons_and_blank_rows_are_read(tmp_path: Path) -> None:
    """As a spreadsheet of another country writes it."""
    path = tmp_path / "pairs.csv"
    path.write_text("firm_a;firm_b;score_bp\n;;\nS0002;S0001;7,500\n\n", encoding="utf-8-sig")
    found = read_pairs(path, demo())
    assert found.pairs == {("S0001", "S0002"): own_pair(7_500)}


@pytest.mark.parametrize("given", ["high", 0.5, 10_001, float("nan")])
def test_a_function_that_gives_no_score_is_refused(given: object) -> None:
    firms = [Firm(f"F{i}", f"F{i}", "surgical-sialkot", "Sialkot", 9) for i in range(3)]
    register = make_register(firms, [])
    with pytest.raises(InputError) as raised:
        pairs_of_function(lambda a, b: given, register)  # type: ignore[arg-type,return-value]
    assert len(raised.value.faults) == 3


def test_two_modes_written_and_read_back_give_the_same_plan(tmp_path: Path) -> None:
    """Each mode keeps its own score; a row a mode says the same."""
    programme, pairs = tmp_path / "two.toml", tmp_path / "pairs.csv"
    programme.write_text(
        'name = "two"\nmodes = { value = ["range", "volume"], unit = "modes", year = 2025, '
        'source = "test", grade = "estimate" }\n',
        encoding="utf-8",
    )
    graph = ["graph", str(DEMO), "-m", "ZAF", "--programme", str(programme), "-o", str(pairs)]
    assert code_of(graph) == DONE
    case = load_case(DEMO, ["ZAF"], programme)
    owned = load_case(DEMO, ["ZAF"], programme, pairs=pairs)
    given = owned.own_pairs.pairs.values()  # type: ignore[union-attr]
    assert any(len(set(pair.values())) == 2 for pair in given)
    able = [f.firm_id for f in case.register.firms if ineligible(case, "ZAF", f) is None]
    for mode in ("range", "volume"):
        ours, theirs = (compatible_pairs(one, "ZAF", mode, able) for one in (case, owned))
        assert ours.pairs.tolist() == theirs.pairs.tolist()
        assert ours.scores.tolist() == theirs.scores.tolist()
    plans = [propose(one, WORK, turning_points=False) for one in (case, owned)]
    assert plans[0].consortia == plans[1].consortia
    rows = tmp_path / "rows.csv"
    rows.write_text(HEAD + "S0001,S0002,7000,range\nS0001,S0002,6000,volume\n", encoding="utf-8")
    read = read_pairs(rows, case.register)
    assert read.pair("S0002", "S0001") == {"range": 7000, "volume": 6000}
    assert pairs_of_graph(compatibility_graph(case, "ZAF"), case.register).pairs == (
        owned.own_pairs.pairs  # type: ignore[union-attr]
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04 rest", "is an Excel workbook; save its sheet"),
        ((HEAD + 'S0001,S0002,"5,,5",\n').encode(), "0 to 10,000"),
        ((HEAD + 'S0001,S0002,"55,5",\n').encode(), "0 to 10,000"),
        (b"firm_a,firm_b,score_bp,score_bp\nS0001,S0002,1,2\n", "stands twice in the header"),
    ],
)
def test_what_would_be_a_guess_is_refused(data: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=told):
        read_pairs(path, demo())


def test_pairs_of_another_mode_only_are_refused(tmp_path: Path) -> None:
    """The programme has no volume mode, so no pair of the list would count."""
    path = tmp_path / "pairs.csv"
    path.write_text(HEAD + "S0001,S0002,,volume\n", encoding="utf-8")
    with pytest.raises(InputError, match="no pair for the programme's modes"):
        load_case(DEMO, ["ZAF"], pairs=path)
