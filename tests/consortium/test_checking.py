"""``check``: a plan as written passes; each kind of edit fails, and for the right reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cases import sample_case
from plan_fixtures import two_groups

from consortium.checking import check
from consortium.errors import InputError
from consortium.plan import Plan
from consortium.planner import propose
from solver import Limits

Content = dict[str, Any]
WORK = 60_000_000


@cache
def demo_plan() -> Plan:
    """The demo register's plan; two consortia (see README)."""
    return propose(sample_case(60, 1), Limits(work=WORK))


def content() -> Content:
    loaded: Content = json.loads(demo_plan().to_json())
    assert len(loaded["consortia"]) >= 2
    return loaded


def plan_of(changed: Content) -> Plan:
    return Plan.from_json(json.dumps(changed))


def test_the_plan_as_written_passes_both_ways() -> None:
    plan = demo_plan()
    alone = check(plan)
    assert alone.ok
    assert alone.scope == "consistent in itself"
    whole = check(plan, sample_case(60, 1))
    assert whole.ok, whole.failures
    assert whole.scope == "correct for this register"


def test_round_trip_keeps_every_byte() -> None:
    text = demo_plan().to_json()
    assert Plan.from_json(text).to_json() == text


def test_against_another_register_it_fails_on_the_hash() -> None:
    codes = {failure.code for failure in check(demo_plan(), sample_case(60, 2)).failures}
    assert codes


Edit = Callable[[Content], None]


def _set(path: str, value: Any) -> Edit:
    """Set a value at a dotted path; a callable value maps the old one."""

    def edit(plan: Content) -> None:
        *steps, last = path.split(".")
        target: Any = plan
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target[step]
        key: Any = int(last) if isinstance(target, list) else last
        target[key] = value(target[key]) if callable(value) else value

    return edit


def _move_member(plan: Content) -> None:
    """A member goes from the first consortium to the second, everywhere it is listed."""
    first, second = plan["consortia"][:2]
    firm = first["members"].pop(0)
    second["members"] = sorted([*second["members"], firm])


def _swap_in_left_out(plan: Content) -> None:
    """A firm left out takes a member's place in every list, as a careful hand would do it."""
    group = plan["consortia"][0]
    row = next(r for r in plan["left_out"] if r["code"] in ("adds_less", "incompatible"))
    old, new = group["members"][0], row["firm"]
    text = json.dumps(group).replace(f'"{old}"', f'"{new}"')
    group.clear()
    group.update(json.loads(text))
    group["members"].sort()
    row["firm"] = old
    plan["left_out"].sort(key=lambda r: r["firm"])


def _twice(plan: Content) -> None:
    plan["consortia"][1]["members"] = sorted(
        [*plan["consortia"][1]["members"], plan["consortia"][0]["members"][0]]
    )


def _drop_consortium(plan: Content) -> None:
    plan["consortia"].pop()


def _all_totals_up(plan: Content) -> None:
    """One term raised and every sum above it made to fit: only the register tells."""
    group = plan["consortia"][0]
    for place in (group["terms"][0],):
        place["cents"] += 1000
    for key in ("worth_cents", "surplus_cents", "surplus_without_subsidy_cents"):
        group[key] += 1000
    plan["objective_cents"] += 1000
    plan["bound_cents"] += 1000


def _fee_elsewhere(plan: Content) -> None:
    plan["consortia"][0]["fees"][0]["firm"] = plan["consortia"][1]["members"][0]


def _forget_left_out(plan: Content) -> None:
    plan["left_out"].pop(0)


def _double_left_out(plan: Content) -> None:
    plan["left_out"].append(plan["left_out"][0])


def _member_left_out(plan: Content) -> None:
    row = {"firm": plan["consortia"][0]["members"][0], "code": "adds_less", "reason": "x"}
    plan["left_out"].append(row)


def _order(plan: Content) -> None:
    plan["consortia"].reverse()


def _same_id(plan: Content) -> None:
    plan["consortia"][1]["id"] = plan["consortia"][0]["id"]


def _rename_firm(plan: Content) -> None:
    plan["consortia"][0]["members"][0] = "S9999"


def _outsider(plan: Content) -> None:
    """A firm that is no maker joins."""
    row = next(r for r in plan["left_out"] if r["code"] == "not_a_maker")
    plan["consortia"][0]["members"] = sorted([*plan["consortia"][0]["members"], row["firm"]])


def _do_not_form(plan: Content) -> None:
    plan["do_not_form"].append(
        {
            "market": "ZAF",
            "reason": "x",
            "turning_point": None,
            "other_turning_points": [],
            "tried": [],
        }
    )


def _drop_assumption(plan: Content) -> None:
    plan["assumptions"].pop()


def _more(cents: int) -> int:
    return cents + 1


def _longer(text: str) -> str:
    return f"{text}!"


FIRST = "consortia.0."
#: (name, edit, code of the failure that must be among those found, register needed to see it)
EDITS: tuple[tuple[str, Edit, str, bool], ...] = (
    ("member moved", _move_member, "members", False),
    ("member moved, seen with the register", _move_member, "worth_cents", True),
    ("left-out firm swapped in", _swap_in_left_out, "worth_cents", True),
    ("firm in two consortia", _twice, "disjoint", False),
    ("consortium dropped", _drop_consortium, "objective", False),
    ("term", _set(FIRST + "terms.0.cents", _more), "worth", False),
    ("term's name", _set(FIRST + "terms.0.name", _longer), "terms", True),
    ("worth", _set(FIRST + "worth_cents", _more), "worth", False),
    ("surplus", _set(FIRST + "surplus_cents", _more), "surplus", False),
    (
        "surplus without subsidy",
        _set(FIRST + "surplus_without_subsidy_cents", _more),
        "surplus_without_subsidy",
        False,
    ),
    ("subsidy flag", _set(FIRST + "lives_on_subsidy", lambda x: not x), "lives_on_subsidy", False),
    ("objective", _set("objective_cents", _more), "objective", False),
    ("totals that fit", _all_totals_up, "terms", True),
    ("fee", _set(FIRST + "fees.0.cents", _more), "fees", True),
    ("fee of a non-member", _fee_elsewhere, "fees", False),
    ("negative fee", _set(FIRST + "fees.0.cents", -1), "fees", False),
    ("register hash", _set("inputs.register_sha256", "0" * 64), "inputs", True),
    ("programme hash", _set("inputs.programme_sha256", "0" * 64), "inputs", True),
    ("rules hash", _set("inputs.rules_sha256", "0" * 64), "inputs", True),
    ("market hash", _set("inputs.markets.ZAF", "0" * 64), "inputs", True),
    ("bound below the objective", _set("bound_cents", 1), "bound", False),
    ("bound raised", _set("bound_cents", _more), "gap", False),
    ("gap", _set("gap_ppm", 5), "gap", False),
    ("status", _set("status", "FEASIBLE"), "status", False),
    ("graph size", _set("inputs.graph.kept_edges", 3), "graph", False),
    ("firm not in the register", _rename_firm, "unknown_firm", True),
    ("trader made a member", _outsider, "maker", True),
    ("left-out firm forgotten", _forget_left_out, "left_out", True),
    ("left-out firm twice", _double_left_out, "left_out", False),
    ("member listed as left out", _member_left_out, "left_out", False),
    ("left-out reason", _set("left_out.0.reason", _longer), "left_out", True),
    ("order of consortia", _order, "order", False),
    ("two consortia of one id", _same_id, "id", False),
    ("marketing plan", _set(FIRST + "marketing_plan", "catalogue"), "terms", True),
    ("unknown plan", _set(FIRST + "marketing_plan", "balloon"), "kind", True),
    ("market", _set(FIRST + "market", "KEN"), "market", False),
    ("capacity", _set(FIRST + "capacity", {"general": 1}), "capacity", True),
    ("cost of a year", _set(FIRST + "cost_by_year_cents.0", _more), "cost_by_year_cents", True),
    (
        "subsidy of a year",
        _set(FIRST + "subsidy_by_year_cents.0", 0),
        "subsidy_by_year_cents",
        True,
    ),
    ("stand-alone worth", _set(FIRST + "standalone_cents", {}), "members", False),
    ("reason", _set(FIRST + "reasons.0", _longer), "reasons", True),
    (
        "retention",
        _set(FIRST + "retention.expected_members_after_two_years_bp", 1),
        "retention",
        True,
    ),
    ("not forming although it forms", _do_not_form, "market", False),
    ("assumption dropped", _drop_assumption, "assumptions", True),
)


@pytest.mark.parametrize(
    ("name", "edit", "code", "needs_register"), EDITS, ids=[e[0] for e in EDITS]
)
def test_each_edit_fails_for_the_right_reason(
    name: str, edit: Edit, code: str, needs_register: bool
) -> None:
    changed = content()
    edit(changed)
    plan = plan_of(changed)
    verdict = check(plan, sample_case(60, 1) if needs_register else None)
    assert not verdict.ok, name
    assert code in {failure.code for failure in verdict.failures}, verdict.failures


def test_a_careful_swap_is_judged_on_its_merits() -> None:
    """A swap that breaks a rule names the rule; one that keeps them names the new worth."""
    changed = content()
    _swap_in_left_out(changed)
    verdict = check(plan_of(changed), sample_case(60, 1))
    assert any("recomputed" in failure.message for failure in verdict.failures)


BROKEN: tuple[tuple[str, str, str], ...] = (
    ("not JSON", "{", "not valid JSON"),
    ("empty", "", "not valid JSON"),
    ("another object", "{}", "Field required"),
    ("a list", "[]", "should be an object"),
    ("a key twice", '{"schema": 1, "schema": 2}', "twice"),
    ("NaN", '{"gap_ppm": NaN}', "no number"),
    ("too deep", "[" * 100_000, "not valid JSON"),
)


@pytest.mark.parametrize(("name", "text", "message"), BROKEN, ids=[b[0] for b in BROKEN])
def test_what_is_no_plan_is_refused_with_a_reason(name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Plan.from_json(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("objective_cents", 1.5),
        ("objective_cents", "12"),
        ("objective_cents", True),
        ("status", "GREAT"),
        ("schema", "consortium.plan/2"),
        ("consortia.0.members", "S0001"),
    ],
)
def test_wrong_types_are_refused_with_their_place(path: str, value: Any) -> None:
    changed = content()
    _set(path, value)(changed)
    with pytest.raises(InputError) as caught:
        plan_of(changed)
    assert path.partition(".")[0] in str(caught.value)


def test_a_wrong_fee_is_named_with_its_firm_and_year() -> None:
    plan = two_groups()
    group = plan.consortia[0]
    fee = group.fees[0]
    lower = fee.model_copy(update={"cents": fee.cents - 100})
    for fees, words in (
        ((lower, *group.fees[1:]), f"the fee of {fee.firm} in year {fee.year} is"),
        (group.fees[1:], f"the fee of {fee.firm} in year {fee.year} is absent"),
        (group.fees[::-1], "another order"),
    ):
        changed = group.model_copy(update={"fees": fees})
        edited = plan.model_copy(update={"consortia": (changed, *plan.consortia[1:])})
        failures = check(edited, sample_case()).failures
        assert any(f.code == "fees" and words in f.message for f in failures)
