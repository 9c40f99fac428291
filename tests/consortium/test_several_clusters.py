"""Registers of several clusters: one proposal, with budget and caseload shared among them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from consortium.case import Case, load_case, make_case
from consortium.checking import check
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.errors import InputError
from consortium.intake import write_register
from consortium.market_files import find_market, market_file
from consortium.plan import Plan
from consortium.planner import propose
from consortium.programme import Programme, load_programme
from consortium.register import Register, make_register
from consortium.rules import Pin, Rules
from consortium.sample import sample_register
from consortium.sample_profile import sample_clusters
from solver import Limits

WORK = Limits(work=100_000_000, workers=1)
BOTH = "autoparts-lahore+surgical-sialkot"


def programme(caseload: int) -> Programme:
    return load_programme().changed("caseload", Decimal(caseload), "test")


def together(caseload: int = 8) -> Case:
    return make_case(sample_register(BOTH, 100, 1), [find_market("ZAF")], programme(caseload))


def alone(key: str, caseload: int = 8) -> Case:
    """The firms of one cluster of the same register."""
    whole = sample_register(BOTH, 100, 1)
    firms = [firm for firm in whole.firms if firm.cluster == key]
    ids = {firm.firm_id for firm in firms}
    ties = [tie for tie in whole.ties if {tie.firm_a, tie.firm_b} <= ids]
    return make_case(make_register(firms, ties), [find_market("ZAF")], programme(caseload))


def quick(case: Case) -> Plan:
    plan = propose(case, WORK, turning_points=False)
    assert plan.status == "OPTIMAL"
    return plan


def test_with_room_for_all_the_clusters_do_not_meet() -> None:
    """Nothing is shared that binds: the plan is that of each cluster beside the others."""
    plan, case = quick(together()), together()
    parts = [quick(alone(key)) for key in BOTH.split("+")]
    assert plan.objective_cents == sum(part.objective_cents for part in parts)
    assert {g.market for g in plan.consortia} == {
        "ZAF:autoparts-lahore",
        "ZAF:surgical-sialkot",
    }
    assert sorted(g.members for g in plan.consortia) == sorted(
        g.members for part in parts for g in part.consortia
    )
    for group in plan.consortia:
        cluster = group.market.partition(":")[2]
        assert {case.register.by_id[f].cluster for f in group.members} == {cluster}
    verdict = check(plan, case)
    assert verdict.ok, verdict.failures


def test_one_facilitator_serves_the_cluster_where_it_brings_most() -> None:
    """The caseload is shared, so the better of the clusters' best consortia is taken."""
    plan = quick(together(caseload=1))
    best = [quick(alone(key, caseload=1)).objective_cents for key in BOTH.split("+")]
    assert len(plan.consortia) == 1
    assert plan.objective_cents == max(best)


def test_markets_may_be_asked_for_one_cluster(tmp_path: Path) -> None:
    """Files, rules by a market's code for a cluster, and check by the command line."""
    register, out = tmp_path / "firms.xlsx", tmp_path / "plan"
    write_register(sample_register(BOTH, 100, 1), register)
    rules = tmp_path / "rules.toml"
    rules.write_text('[max_consortia]\n"ZAF:autoparts-lahore" = 1\n', encoding="utf-8")
    run = ["propose", str(register), "--work", "100000000", "--no-turning-points", "-o", str(out)]
    ask = ["-m", "ZAF", "-m", "ARE:autoparts-lahore", "-m", "KEN"]
    assert code_of([*run, *ask, "--rules", str(rules)]) == DONE
    plan = Plan.load(f"{out}.json")
    assert sorted(plan.inputs.markets) == [
        "ARE:autoparts-lahore",
        "KEN:surgical-sialkot",
        "ZAF:autoparts-lahore",
        "ZAF:surgical-sialkot",
    ]
    assert sum(g.market == "ZAF:autoparts-lahore" for g in plan.consortia) <= 1
    # KEN was asked for all clusters, ARE for one only: one note.
    told = [note for note in plan.notes if "no data" in note]
    assert len(told) == 1
    assert told[0].startswith("KEN: no data on autoparts-lahore")
    checking = ["check", f"{out}.json", "--register", str(register), "--rules", str(rules)]
    assert code_of(checking) == DONE


def test_the_graph_is_of_one_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register, out = tmp_path / "firms.xlsx", tmp_path / "pairs.csv"
    write_register(sample_register(BOTH, 100, 1), register)
    assert code_of(["graph", str(register), "-m", "ZAF", "-o", str(out)]) == BAD_INPUT
    assert "name one market of ZAF:autoparts-lahore" in capsys.readouterr().err
    assert code_of(["graph", str(register), "-m", "ZAF:autoparts-lahore", "-o", str(out)]) == DONE
    rows = out.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert rows
    assert all(row.startswith("A") and row.split(",")[1].startswith("A") for row in rows)


def test_what_is_asked_in_vain_is_refused() -> None:
    """No cluster with facts, an unknown one, one without firms, a market twice."""
    register = sample_register(BOTH, 100, 1)
    for markets, told in (
        (["DEU"], "no data on autoparts-lahore in this market"),
        (["ZAF:garments"], "is no cluster we know"),
        (["ZAF:garments-lahore"], "of which there is no firm"),
        (["ZAF", "ZAF:surgical-sialkot"], "is named twice"),
    ):
        with pytest.raises(InputError) as raised:
            load_case(register, markets)
        assert told in str(raised.value), raised.value
    one = sample_register("surgical-sialkot", 20, 1)
    with pytest.raises(InputError, match="of which there is no firm"):
        load_case(one, ["ZAF:garments-lahore"])
    assert load_case(one, ["ZAF:surgical-sialkot"]).markets[0].code == "ZAF"


def test_reasons_do_not_hang_on_the_order_of_markets() -> None:
    """Why a firm is left out is told the same, however markets are ordered."""
    register: Register = sample_register("surgical-sialkot", 60, 1)
    markets = [find_market(code) for code in ("ZAF", "KEN", "NGA")]
    first, second = (
        propose(make_case(register, chosen), WORK, turning_points=False)
        for chosen in (markets, markets[::-1])
    )
    assert first.left_out == second.left_out
    assert check(first, make_case(register, markets[::-1])).ok


def test_samples_of_all_clusters() -> None:
    """About as many firms of each, told apart by the first letter of their ids."""
    register = sample_register("all", 42, 3)
    assert len(register.firms) == 42
    by_cluster = {key: [f for f in register.firms if f.cluster == key] for key in sample_clusters()}
    assert sorted(len(firms) for firms in by_cluster.values()) == [10, 10, 11, 11]
    for key, firms in by_cluster.items():
        assert {f.firm_id[0] for f in firms} == {key[0].upper()}
    assert register.sha256 == sample_register("all", 42, 3).sha256
    for bad, told in (
        (("surgical-sialkot+surgical-sialkot", 9), "twice"),
        (("all", 3), "one for each cluster"),
        (("surgical-sialkot+tents", 9), "tents"),
        (("all", 0), "1 to"),
    ):
        with pytest.raises(InputError, match=told):
            sample_register(*bad, 1)


def test_a_file_of_ones_own_may_be_named_with_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the graph asks for is the user's figures, not ours under the market's code."""
    register, own = tmp_path / "firms.xlsx", tmp_path / "my.toml"
    own.write_bytes(market_file("ZAF").read_bytes())
    write_register(sample_register(BOTH, 60, 1), register)
    run = ["graph", str(register), "--report", "--json", "-m"]
    assert code_of([*run, str(own)]) == BAD_INPUT
    told = capsys.readouterr().err
    named = f"{own}:surgical-sialkot"
    assert named in told
    assert code_of([*run, named]) == DONE
    assert json.loads(capsys.readouterr().out)["report"]["market"] == "ZAF:surgical-sialkot"
    market = find_market(named)
    assert (market.origin, list(market.clusters)) == ("my.toml", ["surgical-sialkot"])
    with pytest.raises(InputError, match="no cluster we know"):
        find_market(f"{own}:shoes")


def test_rules_made_in_python_that_contradict_are_refused() -> None:
    """As in a file: a pin whose firms must be apart, and a set both together and apart."""
    register = sample_register("surgical-sialkot", 20, 1)
    a, b = (firm.firm_id for firm in register.firms[:2])
    for rules in (
        Rules(apart=((a, b),), pins=(Pin("ZAF", "fair", "range", (a, b)),)),
        Rules(apart=((a, b),), together=((a, b),)),
    ):
        with pytest.raises(InputError, match="apart"):
            make_case(register, [find_market("ZAF")], None, rules)
