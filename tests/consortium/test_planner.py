"""Proposals end to end: proved, checked, explained, and the same bytes twice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from cases import case_with, sample_case

from consortium.case import Case
from consortium.checking import check
from consortium.errors import NoPlan
from consortium.plan import Plan
from consortium.planner import propose
from consortium.programme import load_programme
from consortium.rules import Pin, Rules
from consortium.turning import forms, levers
from solver import Event, Limits

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
