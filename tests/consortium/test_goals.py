"""Second goals: their price is stated, they are counted twice, and what is proved is so."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from cases import sample_case

from consortium.case import Kind
from consortium.checking import check
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.documents.words import proof_sentence, second_goal_sentences
from consortium.formulation import formulate
from consortium.goals import GOALS, goal_value, most_given_up, solver_goal
from consortium.plan import Plan, gives_up
from consortium.planner import propose
from consortium.valuation import Valuer
from solver import Limits

WORK = Limits(work=100_000_000, workers=1)
ROOT = Path(__file__).parents[2]
DEMO = ROOT / "consortium" / "data" / "registers" / "sialkot-demo.xlsx"


def proposed(*then: str, give_up: float = 0.4) -> Plan:
    """The demo's plan with second goals."""
    return propose(sample_case(), WORK, then=then, give_up=give_up, turning_points=False)


@pytest.fixture(scope="module")
def plain() -> Plan:
    """The plan of most surplus."""
    return propose(sample_case(), WORK, turning_points=False)


def located(plan: Plan) -> list[tuple[Kind, tuple[str, ...]]]:
    return [(Kind(c.market, c.marketing_plan, c.mode), c.members) for c in plan.consortia]


def test_more_firms_are_served_for_a_stated_price(plain: Plan) -> None:
    """The goal rises, the price is the surplus given up, and the plan checks."""
    plan = proposed("firms_served")
    told = plan.second_goals
    assert told is not None
    (row,) = told.goals
    served = sum(len(group.members) for group in plan.consortia)
    assert row.value == served > row.before == sum(len(g.members) for g in plain.consortia)
    assert row.at_most == row.value
    assert told.most_surplus_cents == plain.objective_cents
    assert told.given_up_cents == plain.objective_cents - plan.objective_cents > 0
    assert plan.status == "FEASIBLE"
    assert plan.bound_cents == plain.bound_cents
    verdict = check(plan, sample_case())
    assert verdict.ok, verdict.failures
    assert "given up here for second goals" in proof_sentence(plan)
    assert f"{row.value}, against {row.before}" in second_goal_sentences(plan)[1]


def test_a_share_of_many_digits_is_kept_as_the_plan_states_it(plain: Plan) -> None:
    """A price that only the digits beyond parts per million allow is not paid; the plan checks."""
    told = proposed("firms_served").second_goals
    assert told is not None
    price, most = told.given_up_cents, plain.objective_cents
    # Just enough for the same plan, and above what its whole parts per million allow.
    share = (Decimal(price) / most).quantize(Decimal("1e-9"), ROUND_UP)
    assert most_given_up(most, Fraction(int(share * 1_000_000), 1_000_000)) < price
    plan = propose(sample_case(), WORK, then=["firms_served"], give_up=share, turning_points=False)
    assert plan.second_goals is not None
    assert plan.second_goals.given_up_cents < price
    verdict = check(plan, sample_case())
    assert verdict.ok, verdict.failures


def test_a_firm_that_would_raise_the_surplus_is_told_of_the_goals() -> None:
    """A plan that gives surplus up on purpose is not said to be short of a proof."""
    case = sample_case(60, 3)
    plan = propose(case, WORK, then=["cohesion"], give_up=0.6, turning_points=False)
    assert gives_up(plan.second_goals)
    assert plan.second_goals is not None
    assert plan.second_goals.goals[0].at_most == plan.second_goals.goals[0].value
    rows = [row for row in plan.left_out if "would raise the surplus" in row.reason]
    assert rows
    assert {row.code for row in rows} == {"given_up"}
    assert all("for its second goals" in row.reason for row in rows)
    assert check(plan, case).ok
    # The same consortia without second goals are just not the best.
    bare = plan.model_copy(update={"second_goals": None})
    told = {failure.place for failure in check(bare, case).failures if failure.code == "left_out"}
    assert told == {row.firm for row in rows}


def test_nothing_may_be_given_up(plain: Plan) -> None:
    """With nothing to give up the plan is one of most surplus, and stays proved."""
    plan = proposed("cohesion", give_up=0.0)
    assert plan.objective_cents == plain.objective_cents
    assert plan.status == "OPTIMAL"
    assert plan.second_goals is not None
    assert plan.second_goals.given_up_cents == 0


def test_the_order_of_goals_decides() -> None:
    """The first goal is as large as it is alone; the second one is no larger than it is alone."""
    both = proposed("cohesion", "firms_served").second_goals
    cohesion, firms = proposed("cohesion").second_goals, proposed("firms_served").second_goals
    assert both is not None
    assert cohesion is not None
    assert firms is not None
    assert both.goals[0].value == cohesion.goals[0].value
    assert both.goals[1].value <= firms.goals[0].value


@pytest.mark.parametrize("key", GOALS)
def test_coefficients_count_what_is_counted_by_name(key: str, plain: Plan) -> None:
    """A goal's coefficients and its count firm by firm, or pair by pair, agree."""
    case = sample_case()
    formulation, valuer = formulate(case), Valuer(case)
    goal = solver_goal(formulation, key)
    consortia = located(plain)
    assert goal.of(formulation.problem, formulation.grouping(consortia)) == goal_value(
        valuer, key, consortia
    )
    kind, members = consortia[0]
    by_hand = {
        "firms_served": len(members),
        "new_exporters": sum(case.register.by_id[f].new_exporter is True for f in members),
        "women_led": sum(case.register.by_id[f].women_led is True for f in members),
        "cohesion": sum(valuer.pair(kind, a, b).score for a, b in combinations(members, 2)),
    }
    assert goal_value(valuer, key, consortia[:1]) == by_hand[key]


def test_check_finds_a_goal_that_was_edited() -> None:
    """Counts, price and bound of second goals are checked."""
    plan = proposed("firms_served")
    told = plan.second_goals
    assert told is not None
    row = told.goals[0]
    for wrong in (
        told.model_copy(update={"given_up_cents": told.given_up_cents - 1}),
        told.model_copy(update={"give_up_ppm": 1}),
        told.model_copy(
            update={"goals": (row.model_copy(update={"value": row.value + 1, "at_most": None}),)}
        ),
        told.model_copy(update={"goals": (row.model_copy(update={"at_most": row.value - 1}),)}),
        told.model_copy(update={"goals": (row.model_copy(update={"label": "more"}),)}),
    ):
        verdict = check(plan.model_copy(update={"second_goals": wrong}), sample_case())
        assert "second_goals" in {failure.code for failure in verdict.failures}


def test_no_consortium_no_second_goal() -> None:
    """Where none forms there is nothing to choose among, and the plan says so."""
    case = sample_case()
    none = replace(case, rules=replace(case.rules, max_consortia={"ZAF": 0}))
    plan = propose(none, WORK, then=["cohesion"], turning_points=False)
    assert plan.second_goals is None
    assert any("second goals" in note for note in plan.notes)


@pytest.mark.parametrize("then", [("surplus",), ("cohesion", "cohesion")])
def test_goals_that_are_not_are_refused(then: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="second goals"):
        propose(sample_case(), WORK, then=then)


def test_the_command_line_tells_goals_and_refuses_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = ["propose", str(DEMO), "--market", "ZAF", "--work", "100000000", "--workers", "1"]
    assert code_of([*base, "--then", "firms_served", "--give-up", "0.4"]) == DONE
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(r"Firms in a consortium: \d+, against \d+ in the plan of most surplus", out)
    assert "up to 40% might be" in out
    wrong = [*base, "--then", "jobs", "--then", "cohesion", "--then", "cohesion", "--give-up", "9"]
    assert code_of(wrong) == BAD_INPUT
    told = capsys.readouterr().err
    assert told.startswith("3 things need mending")
    for words in ("'jobs'", "named twice", "share from 0 to 1"):
        assert words in told


def test_no_consortium_does_worse_together_for_a_goal() -> None:
    """However much may be given up, no group is taken whose members do better alone."""
    for goal in ("cohesion", "firms_served"):
        plan = proposed(goal, give_up=1.0)
        assert all(group.surplus_cents >= 0 for group in plan.consortia)
        assert check(plan, sample_case()).ok


def test_an_empty_plan_that_is_not_proved_is_not_called_best() -> None:
    """Stopped at once, nothing is known, and the note says no more."""
    plan = propose(sample_case(), Limits(work=1), then=["cohesion"], turning_points=False)
    assert plan.consortia == ()
    assert plan.bound_cents is None
    assert any("within the limits" in note for note in plan.notes)
    assert not any("No consortium has a surplus" in note for note in plan.notes)


def test_ctrl_c_after_the_solve_keeps_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found stays; what was not searched is said."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("consortium.planner.serve_goals", interrupted)
    monkeypatch.setattr("consortium.planner.draws_of", interrupted)
    plan = propose(sample_case(), WORK, then=["cohesion"], draws=3, turning_points=False)
    assert plan.status == "OPTIMAL"
    assert plan.consortia
    assert (plan.second_goals, plan.draws) == (None, None)
    told = [note for note in plan.notes if note.startswith("Interrupted")]
    assert len(told) == 2


def test_check_finds_goals_that_cannot_be() -> None:
    plan = proposed("firms_served")
    told = plan.second_goals
    assert told is not None
    for changes in ({"give_up_ppm": 10**40}, {"goals": told.goals * 2}, {"goals": ()}):
        wrong = plan.model_copy(update={"second_goals": told.model_copy(update=changes)})
        assert "second_goals" in {f.code for f in check(wrong, sample_case()).failures}
