"""Draws: facts stay within their ranges, counts are those of plain valuations, seeds repeat."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from cases import sample_case
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.case import Case, Kind
from consortium.checking import check
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.draws import DRAWN_OF_PROGRAMME, draw_values, drawn_facts, draws_of, range_faults
from consortium.errors import InputError
from consortium.fact_changes import facts_of, with_facts
from consortium.facts import DATA, parse_toml
from consortium.levers import levers
from consortium.market_files import market_from
from consortium.plan import Plan
from consortium.planner import propose
from consortium.valuation import Valuer
from solver import Limits

WORK = Limits(work=60_000_000, workers=1, seed=5)
DEMO = Path(__file__).parents[2] / "consortium" / "data" / "registers" / "sialkot-demo.xlsx"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return propose(sample_case(), WORK, turning_points=False, draws=40)


def surplus(case: Case, plan: Plan, at: int) -> int:
    group = plan.consortia[at]
    kind = Kind(group.market, group.marketing_plan, group.mode)
    return Valuer(case).value(kind, group.members).surplus_cents


def test_counts_are_those_of_valuations_made_one_by_one(plan: Plan) -> None:
    """Each draw is a case of its own, valued from nothing."""
    told, case = plan.draws, sample_case()
    assert told is not None
    assert (told.draws, told.seed) == (40, 5)
    values = draw_values(drawn_facts(case), 40, 5)
    for at, row in enumerate(told.consortia):
        found = sorted(surplus(with_facts(case, v, "test"), plan, at) for v in values)
        assert row.positive == sum(cents > 0 for cents in found)
        assert (row.surplus_p10_cents, row.surplus_p50_cents, row.surplus_p90_cents) == (
            found[3],
            found[19],
            found[35],
        )


def test_deciding_facts_move_the_surplus_most(plan: Plan) -> None:
    """Both ends are seen, and no other fact moves it more."""
    told, case = plan.draws, sample_case()
    assert told is not None
    ends: dict[str, list[Case]] = {}
    for fact in drawn_facts(case):
        assert fact.low is not None
        assert fact.high is not None
        ends[fact.name] = [
            with_facts(case, {fact.name: value}, "test") for value in (fact.low, fact.high)
        ]
    for at, row in enumerate(told.consortia):
        swings = {name: [surplus(end, plan, at) for end in both] for name, both in ends.items()}
        largest = sorted((abs(high - low) for low, high in swings.values()), reverse=True)
        assert len(row.deciding) == 3
        for place, fact_told in enumerate(row.deciding):
            low, high = swings[fact_told.fact]
            assert [fact_told.surplus_at_low_cents, fact_told.surplus_at_high_cents] == [low, high]
            assert abs(high - low) == largest[place]


@settings(max_examples=15, deadline=None)
@given(number=st.integers(1, 30), seed=st.integers(0, 2**31))
def test_draws_stay_within_ranges_and_repeat(number: int, seed: int) -> None:
    facts = drawn_facts(sample_case())
    values = draw_values(facts, number, seed)
    assert values == draw_values(facts, number, seed)
    assert len(values) == number
    for fact in facts:
        assert fact.low is not None
        assert fact.high is not None
        assert all(fact.low <= row[fact.name] <= fact.high for row in values)
    # A fact's draws do not hang on the others, nor on how many are asked for.
    more = draw_values(facts[:5], number + 3, seed)
    assert [{f.name: row[f.name] for f in facts[:5]} for row in values] == more[:number]
    assert values != draw_values(facts, number, seed + 1)


def test_what_is_drawn_is_an_estimate_of_the_world() -> None:
    """Choices of the programme are not drawn, nor is what has no range."""
    names = {fact.name for fact in drawn_facts(sample_case())}
    assert "programme.size_min" not in names
    assert "programme.threshold_range" not in names
    assert "programme.pkr_per_usd" not in names
    assert "certificate.ISO 13485.months" not in names
    assert {"certificate.ISO 13485.cost", "ZAF.surgical-sialkot.price_ratio"} <= names
    drawn = {f"programme.{name}" for name in DRAWN_OF_PROGRAMME}
    assert {name for name in names if name.startswith("programme.")} == drawn


def test_with_facts_changes_what_is_named_and_nothing_else() -> None:
    """Every kind of figure can be changed by name; the others stay as they are."""
    case = sample_case()
    wanted = {
        "ZAF.surgical-sialkot.duty": Decimal("0.1"),
        "ZAF.surgical-sialkot.dental.price": Decimal("9"),
        "plan.fair.fair_annual": Decimal("1"),
        "certificate.ISO 13485.cost": Decimal("2"),
        "programme.elasticity": Decimal("3"),
        "programme.criteria.names_one": Decimal("0.5"),
    }
    changed = with_facts(case, wanted, "test")
    before = {fact.name: fact for fact in facts_of(case)}
    after = {fact.name: fact for fact in facts_of(changed)}
    assert before.keys() == after.keys()
    for name, fact in after.items():
        if name in wanted:
            assert fact.value == wanted[name]
            assert fact.source == "changed: test"
        else:
            assert fact == before[name]
    with pytest.raises(KeyError, match=r"ZAF\.x"):
        with_facts(case, {"ZAF.x": Decimal(1)}, "test")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ZAF.surgical-sialkot.duty", 4.5, "share from 0 to 3"),
        ("ZAF.surgical-sialkot.duty", -3, "share from 0 to 3"),
        ("ZAF.surgical-sialkot.dental.price", 0, "above 0"),
        ("programme.subsidy_path", [0.5, 0.5, 0.5], "one entry a year: 5"),
        ("programme.commission", 2, "share from 0 to 1"),
        ("plan.fair.fair_annual", -1, "0 or more"),
        ("certificate.ISO 13485.cost", -1, "0 or more"),
    ],
)
def test_with_facts_refuses_what_a_file_may_not_say(
    name: str, value: float | list[float], told: str
) -> None:
    with pytest.raises(InputError) as raised:
        with_facts(sample_case(), {name: value}, "test")
    assert told in str(raised.value)
    assert name.rpartition(".")[2] in str(raised.value)


def test_a_market_with_changed_figures_says_so() -> None:
    """Its hash differs and its origin is told; the others keep theirs."""
    case = sample_case()
    once = with_facts(case, {"ZAF.surgical-sialkot.duty": 0.1}, "test")
    twice = with_facts(once, {"ZAF.surgical-sialkot.duty": 0.2}, "test")
    assert [c.markets[0].origin for c in (once, twice)] == ["shipped, changed"] * 2
    other = with_facts(case, {"programme.elasticity": 3}, "test")
    assert other.markets == case.markets


def test_with_facts_does_what_a_lever_does() -> None:
    """Two ways to move one figure lead to the same case."""
    case = sample_case()
    lever = next(lever for lever in levers(case, "ZAF") if lever.fact.endswith("price_ratio"))
    moved = lever.apply(Fraction(11, 10))
    value = moved.market_cluster("ZAF").price_ratio.value
    other = with_facts(case, {lever.fact: value}, "110% of today's")
    assert other.market_cluster("ZAF") == moved.market_cluster("ZAF")


def test_check_makes_the_draws_again(plan: Plan) -> None:
    assert plan.draws is not None
    assert check(plan, sample_case()).ok
    first = plan.draws.consortia[0]
    for changes in (
        {"positive": first.positive - 1},
        {"positive": 41},
        {"surplus_p10_cents": first.surplus_p90_cents + 1},
        {"deciding": first.deciding[1:]},
    ):
        rows = (first.model_copy(update=changes), *plan.draws.consortia[1:])
        wrong = plan.model_copy(update={"draws": plan.draws.model_copy(update={"consortia": rows})})
        assert "draws" in {failure.code for failure in check(wrong, sample_case()).failures}


@pytest.mark.parametrize("changes", [{"draws": 0}, {"draws": 10**12}, {"seed": -1}])
def test_draws_that_cannot_be_made_again_are_a_failure(plan: Plan, changes: dict[str, int]) -> None:
    """An edited number or seed neither keeps counts unchecked nor keeps check from ending."""
    assert plan.draws is not None
    rows = tuple(
        row.model_copy(update={"positive": 0, "can_pay": 0}) for row in plan.draws.consortia
    )
    told = plan.draws.model_copy(update={**changes, "consortia": rows})
    wrong = plan.model_copy(update={"draws": told})
    for case in (None, sample_case()):
        assert "draws" in {failure.code for failure in check(wrong, case).failures}


def with_range(low: str, high: str) -> Case:
    """The sample case with another range of our rivals' duty, which is 0."""
    shipped = (DATA / "markets" / "ZAF.toml").read_text(encoding="utf-8")
    head, name, rest = shipped.partition("[clusters.surgical-sialkot]")
    line = re.search(r"^rival_duty = .*$", rest, re.MULTILINE)
    assert line is not None
    other = re.sub(r"low = \S+, high = \S+", f"low = {low}, high = {high}", line[0])
    text = f"{head}{name}{rest.replace(line[0], other)}"
    return replace(sample_case(), markets=(market_from(parse_toml(text, "my.toml"), "my.toml"),))


def test_a_range_that_reaches_too_far_is_told_before_the_solve() -> None:
    """A duty below 0 cannot be drawn; without draws the range is nobody's concern."""
    case = with_range("-0.05", "0.05")
    (fault,) = range_faults(case)
    assert "rival_duty" in str(fault)
    assert "'-0.05' must be a share from 0 to 3" in str(fault)
    events = []
    with pytest.raises(InputError, match="rival_duty"):
        propose(case, WORK, draws=2, observer=events.append)  # type: ignore[arg-type]
    assert events == []
    with pytest.raises(InputError, match="rival_duty"):
        draws_of(case, (), 2, 1)
    assert range_faults(sample_case()) == range_faults(with_range("0", "0.05")) == []


def test_two_ranges_may_not_contradict_each_other() -> None:
    """The least contribution might be drawn above the largest one."""
    case = sample_case()
    floor = replace(case.programme.contribution_floor, high=Decimal(7_000))  # ceiling: from 6,000
    both = case.with_programme(replace(case.programme, contribution_floor=floor))
    (fault,) = range_faults(both)
    assert "is above contribution_ceiling" in str(fault)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        ("0.01", "0.05", "must lie within its range, 0.01 to 0.05"),
        ("0.05", "0.01", "within its range"),
    ],
)
def test_a_value_lies_within_its_range(low: str, high: str, told: str, plan: Plan) -> None:
    """Else the value in use would not be the likeliest; a file read for no draws may say so."""
    (fault,) = range_faults(with_range(low, high))
    assert told in str(fault)
    with pytest.raises(InputError, match="rival_duty"):
        draws_of(with_range(low, high), (), 2, 1)
    messages = [failure.message for failure in check(plan, with_range(low, high)).failures]
    assert any("the draws cannot be made again" in message for message in messages)


def test_no_consortium_no_rows() -> None:
    """Where none forms the draws are of nothing."""
    case = sample_case()
    none = replace(case, rules=replace(case.rules, max_consortia={"ZAF": 0}))
    plan = propose(none, WORK, turning_points=False, draws=2)
    assert plan.draws is not None
    assert plan.draws.consortia == ()


def test_fewer_than_none_are_refused() -> None:
    for number in (-1, 10**12):
        with pytest.raises(ValueError, match="draws"):
            propose(sample_case(), WORK, draws=number)
    with pytest.raises(ValueError, match="are the most"):
        draws_of(sample_case(), (), 10**12, 1)
    with pytest.raises(ValueError, match="at least one"):
        draws_of(sample_case(), (), 0, 1)


def test_the_command_line_tells_draws(capsys: pytest.CaptureFixture[str]) -> None:
    base = ["propose", str(DEMO), "--market", "ZAF", "--work", "60000000", "--no-turning-points"]
    assert code_of([*base, "--draws", "5"]) == DONE
    out = " ".join(capsys.readouterr().out.split())
    assert "of 5 draws of all 76 estimates within their ranges" in out
    assert code_of([*base, "--draws", "-3"]) == BAD_INPUT
    assert "'-3'" in capsys.readouterr().err
