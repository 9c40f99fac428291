"""Proposals end to end: proved, checked, explained, and the same bytes twice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cases import case_with, sample_case

from consortium.case import Case
from consortium.checking import check
from consortium.errors import NoPlan
from consortium.facts import Fact
from consortium.levers import levers
from consortium.plan import Plan
from consortium.planner import propose
from consortium.programme import load_programme
from consortium.register import make_register
from consortium.rules import Pin, Rules
from consortium.turning import forms
from solver import Event, Limits, solve

WORK = Limits(work=60_000_000)
ROOT = Path(__file__).parents[2]


def contribution_at(case: Case, share: str) -> Case:
    """The case with another contribution share in every family."""
    market = case.markets[0]
    facts = market.clusters[case.cluster.key]
    families = {
        key: replace(f, contribution_share=f.contribution_share.changed(Decimal(share), "test"))
        for key, f in facts.families.items()
    }
    facts = replace(facts, families=families)
    return replace(case, markets=(replace(market, clusters={case.cluster.key: facts}),))


def test_the_demo_is_proved_best_and_checks() -> None:
    case = sample_case(60, 1)
    plan = propose(case, WORK)
    assert plan.status == "OPTIMAL"
    assert plan.bound_cents == plan.objective_cents > 0
    assert check(plan, case).ok
    members = [firm for group in plan.consortia for firm in group.members]
    assert len(members) == len(set(members))
    assert len(members) + len(plan.left_out) == 60
    for group in plan.consortia:
        assert 5 <= len(group.members) <= 9
        assert len(group.reasons) == 3
        assert {row.firm for row in group.member_reasons} == set(group.members)
    assert all(row.reason for row in plan.left_out)
    # In a proved plan no firm left out could improve it.
    assert "could_improve" not in {row.code for row in plan.left_out}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("firms", [60, 150, 300])
def test_sample_registers_give_plans_that_check(firms: int, seed: int) -> None:
    """Valuation equals the solver's value to the cent (the planner insists), check passes."""
    case = sample_case(firms, seed)
    plan = propose(case, Limits(work=20_000_000), turning_points=False)
    verdict = check(plan, case)
    assert verdict.ok, verdict.failures
    assert plan.bound_cents is None or plan.bound_cents >= plan.objective_cents


_SCRIPT = """
import sys
from cases import sample_case
from consortium.planner import propose
from solver import Limits
sys.stdout.write(propose(sample_case(60, 3), Limits(work=20_000_000, seed=5)).to_json())
"""


def test_same_bytes_in_another_process_under_another_hash_seed() -> None:
    outputs = set()
    for hash_seed in ("0", "4242"):
        path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert Plan.from_json(outputs.pop()).consortia


def test_do_not_form_has_a_turning_point_seen_on_both_sides() -> None:
    """With a contribution of 15% nothing forms; the point named turns the answer both ways."""
    case = contribution_at(sample_case(60, 1), "0.15")
    plan = propose(case, WORK)
    assert plan.consortia == ()
    assert plan.status == "OPTIMAL"
    assert plan.objective_cents == 0
    (row,) = plan.do_not_form
    assert "proved" in row.reason
    point = row.turning_point
    assert point is not None
    assert point.proved
    lever = next(lever for lever in levers(case, "ZAF") if lever.fact == point.fact)
    sign = 1 if point.change_percent > 0 else -1
    from fractions import Fraction

    assert forms(lever.apply(1 + Fraction(point.change_percent, 100)), WORK) is True
    assert forms(lever.apply(1 + Fraction(point.change_percent - sign, 100)), WORK) is False
    assert check(plan, case).ok


def test_no_eligible_firm_is_an_answer_with_counts() -> None:
    """A day on which every certificate has lapsed, and no firm may spend on one."""
    programme = load_programme().changed("certificate_cost_share", Decimal(0), "test")
    programme = programme.changed("as_of", "2090-01-01", "test")
    plan = propose(case_with(programme=programme), WORK, turning_points=False)
    assert plan.consortia == ()
    assert "cannot hold the needed certificate" in plan.do_not_form[0].reason


def test_rules_are_kept_and_explained() -> None:
    free = propose(sample_case(60, 1), WORK)
    first = free.consortia[0].members
    rules = Rules(
        apart=((first[0], first[1]),),
        exclude=frozenset({first[2]}),
        size_min=5,
        size_max=6,
        max_consortia={"ZAF": 1},
    )
    case = case_with(rules)
    plan = propose(case, WORK)
    assert check(plan, case).ok
    assert len(plan.consortia) <= 1
    members = {firm for group in plan.consortia for firm in group.members}
    assert first[2] not in members
    assert not {first[0], first[1]} <= members
    assert plan.objective_cents <= free.objective_cents
    out = {row.firm: row.code for row in plan.left_out}
    assert out[first[2]] == "excluded"


def test_a_pinned_consortium_stays() -> None:
    free = propose(sample_case(60, 1), WORK)
    group = free.consortia[-1]
    pin = Pin(group.market, group.marketing_plan, group.mode, group.members)
    case = case_with(Rules(pins=(pin,), max_consortia={"ZAF": 1}))
    plan = propose(case, WORK)
    assert [c.members for c in plan.consortia] == [group.members]
    assert check(plan, case).ok


def test_must_join_of_a_trader_is_a_contradiction_with_its_reason() -> None:
    out = next(f.firm_id for f in sample_case().register.firms if f.role == "trader")
    with pytest.raises(NoPlan) as caught:
        propose(case_with(Rules(must_join=frozenset({out}))), WORK)
    assert caught.value.proved
    text = str(caught.value)
    assert out in text
    assert "trader" in text


def test_start_is_never_made_worse() -> None:
    case = sample_case(60, 2)
    plan = propose(case, WORK)
    again = propose(case, Limits(work=1_000), start=plan, strategy="greedy")
    assert again.objective_cents >= plan.objective_cents
    assert check(again, case).ok


def test_observer_can_stop_and_keeps_the_best() -> None:
    seen: list[Event] = []

    def observer(event: Event) -> bool:
        seen.append(event)
        return not (event.objective or 0) > 0

    case = sample_case(60, 1)
    plan = propose(case, Limits(seconds=30), observer=observer)
    assert seen
    assert plan.stopped_by == "observer"
    assert plan.objective_cents > 0
    assert check(plan, case).ok


def test_frames_hold_one_row_a_member() -> None:
    frame = propose(sample_case(60, 1), WORK).to_frame()
    assert set(frame.columns) >= {"consortium", "firm", "fee_year_1_cents", "fee_year_2_cents"}
    assert frame["firm"].is_unique


def test_a_rule_that_allows_none_is_the_reason_and_nothing_else() -> None:
    """Not "no group is worth more": the demo has groups that are."""
    plan = propose(case_with(Rules(max_consortia={"ZAF": 0})), WORK)
    (row,) = plan.do_not_form
    assert "allow no consortium" in row.reason
    assert "proved" not in row.reason
    assert row.tried == ()


def test_a_register_without_products_is_not_judged() -> None:
    case = sample_case(60, 1)
    firms = [replace(firm, products=()) for firm in case.register.firms]
    bare = replace(case, register=make_register(firms, case.register.ties))
    (row,) = propose(bare, WORK).do_not_form
    assert "lists no products" in row.reason
    assert row.tried == ()


def test_a_budget_keeps_reasons_true() -> None:
    """A firm the budget has no room for is not said to improve a proved plan."""
    programme = load_programme()
    budget = Fact("programme.budget", Decimal(10_650), "USD", 2025, "test", "estimate")
    case = case_with(programme=replace(programme, budget=budget))
    plan = propose(case, WORK)
    assert plan.status == "OPTIMAL"
    assert "could_improve" not in {row.code for row in plan.left_out}
    assert check(plan, case).ok


def test_fixed_consortia_are_the_reason_for_others() -> None:
    free = propose(sample_case(60, 1), WORK)
    pins = tuple(Pin(c.market, c.marketing_plan, c.mode, c.members) for c in free.consortia)
    plan = propose(case_with(Rules(pins=pins, max_consortia={"ZAF": len(pins)})), WORK)
    codes = {row.code for row in plan.left_out}
    assert "fixed" in codes
    assert "adds_less" not in codes


def test_a_start_that_breaks_a_rule_is_said() -> None:
    free = propose(sample_case(60, 1), WORK)
    first = free.consortia[0].members
    case = case_with(Rules(apart=((first[0], first[1]),)))
    plan = propose(case, WORK, start=free)
    assert any("start plan breaks a rule" in note for note in plan.notes)
    assert check(plan, case).ok


def test_a_proved_plan_cannot_leave_out_a_firm_that_improves_it() -> None:
    """``check`` refutes "proved best" where an allowed exchange is worth more."""
    case = sample_case(60, 1)
    short = propose(case, Limits(work=1), strategy="greedy", turning_points=False)
    if not any(row.code == "could_improve" for row in short.left_out):
        short = propose(case, Limits(work=2_000), strategy="random", turning_points=False)
    better = any(row.code == "could_improve" for row in short.left_out)
    claimed = short.model_copy(
        update={"status": "OPTIMAL", "bound_cents": short.objective_cents, "gap_ppm": 0}
    )
    assert check(claimed, case).ok is not better


def twin_markets() -> Case:
    """South Africa twice, under two codes: what forms in one might as well form in the other."""
    case = sample_case(60, 1)
    twin = replace(case.markets[0], code="TWN", name="Twin")
    return replace(case, markets=(case.markets[0], twin))


def test_of_twin_markets_the_empty_one_is_not_called_worthless() -> None:
    """Firms grouped for one market say nothing of the other until it is solved alone."""
    case = twin_markets()
    case = replace(case, rules=Rules(max_consortia={"TWN": 0}))
    (row,) = propose(case, WORK).do_not_form
    assert row.market == "TWN"
    assert "allow no consortium" in row.reason
    case = replace(case, programme=case.programme.changed("caseload", Decimal(1), "test"))
    case = replace(case, rules=Rules())
    (row,) = propose(case, WORK).do_not_form
    assert "could form here" in row.reason
    (row,) = propose(case, WORK, turning_points=False).do_not_form
    assert "left open" in row.reason
    assert "proved" not in row.reason


def test_a_search_cut_short_claims_no_more_than_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the other market is solved alone leaves the question open, and says so."""
    from consortium import turning

    def interrupted(*arguments: Any, **options: Any) -> Any:
        return replace(solve(*arguments, **options), stopped_by="interrupt")

    case = twin_markets()
    case = replace(case, programme=case.programme.changed("caseload", Decimal(1), "test"))
    monkeypatch.setattr(turning, "solve", interrupted)
    plan = propose(case, WORK)
    assert "left open" in plan.do_not_form[0].reason
    assert any("Interrupted" in note for note in plan.notes)
