"""Tables for notebooks: every figure of the plan is in them, with its unit, also when empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from decimal import Decimal

import networkx as nx
import pandas as pd
import pytest
from cases import sample_case
from plan_fixtures import CONTRIBUTION, LICENCE, PURCHASES, no_group, plan_of, two_groups

import consortium as co
from consortium import frames
from consortium.draws import draws_of
from consortium.plan import DoNotForm, Plan, SecondGoal, SecondGoals
from consortium.programme import CRITERIA
from consortium.register import Certificate, Firm, Product, Tie

OF_PLAN: tuple[Callable[[Plan], pd.DataFrame], ...] = (
    co.consortia_frame,
    co.terms_frame,
    co.fees_frame,
    co.years_frame,
    co.member_reasons_frame,
    co.left_out_frame,
    co.do_not_form_frame,
    co.assumptions_frame,
    co.second_goals_frame,
    co.draws_frame,
    co.deciding_facts_frame,
)
UNITS = ("_cents", "_bp", "_ppm", "_percent", "_year", "_degrees", "_per_month", "_days", "_years")
#: Whole numbers whose unit is their name.
COUNTS = {"year", "rank", "employees", "before", "value", "at_most", "cents"}


def full_plan() -> Plan:
    """A plan with everything a plan can have."""
    case, plan = sample_case(), two_groups()
    goal = SecondGoal(goal="women_led", label="women", before=3, value=4, at_most=None)
    shut = DoNotForm(
        market="KEN",
        reason="why",
        turning_point=LICENCE,
        other_turning_points=(CONTRIBUTION, PURCHASES),
        tried=(),
    )
    unknown = shut.model_copy(
        update={"market": "NGA", "turning_point": None, "other_turning_points": ()}
    )
    return plan.model_copy(
        update={
            "second_goals": SecondGoals(
                give_up_ppm=10_000, most_surplus_cents=90, given_up_cents=7, goals=(goal,)
            ),
            "draws": draws_of(case, plan.consortia, 5, 1),
            "do_not_form": (shut, unknown),
        }
    )


def empty_plan() -> Plan:
    """A plan with nothing in it."""
    plan = plan_of(sample_case(), (), left_out=())
    return plan.model_copy(update={"assumptions": ()})


def own_register() -> co.Register:
    """One firm of which everything is known, and one of which hardly anything is."""
    known = Firm(
        "A",
        "Alpha",
        "surgical-sialkot",
        "Sialkot",
        12,
        latitude=32.5,
        longitude=74.5,
        turnover_cents=2**53 + 1,
        countries=("DEU", "USA"),
        certificates=(Certificate("CE-MDR"), Certificate("ISO 13485", date(2027, 6, 30))),
        women_led=False,
        products=(Product("dental", "901890", 9, 5_000), Product("general")),
    )
    bare = Firm("B", "Beta", "surgical-sialkot", "Daska", 3)
    return co.make_register([known, bare], [Tie("B", "A", "rival")])


def every_frame(empty: bool) -> Iterator[pd.DataFrame]:
    plan = empty_plan() if empty else full_plan()
    yield from (make(plan) for make in OF_PLAN)
    register = co.Register(()) if empty else own_register()
    yield from (co.firms_frame(register), co.products_frame(register), co.ties_frame(register))
    yield co.facts_frame(() if empty else co.facts_of(sample_case()))
    graph = nx.Graph() if empty else co.compatibility_graph(sample_case(), "ZAF")
    yield co.pairs_frame(graph)


def test_an_empty_table_has_the_columns_and_types_of_a_full_one() -> None:
    for full, empty in zip(every_frame(empty=False), every_frame(empty=True), strict=True):
        assert len(full)
        assert len(empty) == 0
        assert list(full.columns) == list(empty.columns)
        assert list(full.dtypes) == list(empty.dtypes)
        assert len(pd.concat([empty, full])) == len(full)


def test_whole_numbers_name_their_unit() -> None:
    for frame in every_frame(empty=False):
        for name in frame.columns[frame.dtypes == "Int64"]:
            known = name in COUNTS or name.startswith("num_") or "_per_year" in name
            assert known or name.endswith(UNITS), name


def test_every_table_is_on_the_face() -> None:
    made = {name for name in vars(frames) if name.endswith("_frame") or name == "in_usd"}
    assert {name for name in dir(co) if name.endswith("_frame") or name == "in_usd"} == made


def test_sums_are_the_plans_figures() -> None:
    plan = full_plan()
    groups = {group.id: group for group in plan.consortia}
    consortia = co.consortia_frame(plan).set_index("consortium")
    assert consortia["surplus_cents"].sum() == plan.objective_cents
    alone = consortia["worth_cents"] - consortia["standalone_cents"]
    assert (alone == consortia["surplus_cents"]).all()
    assert (
        consortia["num_members"].sum() == len(plan.to_frame()) == len(co.member_reasons_frame(plan))
    )
    terms = co.terms_frame(plan).groupby("consortium")["cents"].sum()
    assert (terms == consortia["worth_cents"]).all()
    fees = co.fees_frame(plan).groupby(["consortium", "year"])["fee_cents"].sum()
    years = co.years_frame(plan).groupby("consortium").sum()
    for name, group in groups.items():
        for year in (1, 2):
            paid = sum(fee.cents for fee in group.fees if fee.year == year)
            assert fees[name, year] == paid > 0
        assert years.loc[name, "cost_cents"] == sum(group.cost_by_year_cents)
        assert years.loc[name, "subsidy_cents"] == sum(group.subsidy_by_year_cents)
        assert years.loc[name, "sales_margin_cents"] == sum(group.sales_margin_by_year_cents)
        stays = group.retention.expected_members_after_two_years_bp
        assert consortia.loc[name, "expected_members_after_two_years_bp"] == stays


def test_whoever_is_left_out_and_whatever_is_assumed_has_a_row() -> None:
    plan = full_plan()
    out = co.left_out_frame(plan)
    assert list(out["firm"]) == [row.firm for row in plan.left_out]
    assert out["reason"].str.len().gt(0).all()
    grades = co.assumptions_frame(plan)["grade"].value_counts()
    assert grades["estimate"] == sum(row.grade == "estimate" for row in plan.assumptions)


def test_turning_points_in_their_order_and_a_market_without_one() -> None:
    rows = co.do_not_form_frame(full_plan())
    assert list(rows["market"]) == ["KEN", "KEN", "KEN", "NGA"]
    assert list(rows["label"][:3]) == [LICENCE.label, CONTRIBUTION.label, PURCHASES.label]
    assert list(rows["rank"][:3]) == [1, 2, 3]
    assert rows.loc[0, "forms_at"] == "4320 USD a year"
    assert rows.loc[3, ["rank", "fact", "change_percent", "proved"]].isna().all()
    assert len(co.do_not_form_frame(no_group(sample_case()))) == 3


def test_second_goals_and_draws() -> None:
    plan = full_plan()
    goals = co.second_goals_frame(plan)
    assert goals.loc[0, "value"] == 4
    assert goals.loc[0, "at_most"] is pd.NA
    assert goals.loc[0, "given_up_cents"] == 7
    draws, deciding = co.draws_frame(plan), co.deciding_facts_frame(plan)
    assert plan.draws is not None
    for at, told in enumerate(plan.draws.consortia):
        assert draws.loc[at, "num_positive"] == told.positive
        assert draws.loc[at, "surplus_p50_cents"] == told.surplus_p50_cents
        mine = deciding[deciding["consortium"] == told.consortium]
        assert list(mine["fact"]) == [fact.fact for fact in told.deciding]
    assert (draws["num_draws"] == 5).all()


def test_a_register_as_tables() -> None:
    register = own_register()
    firms = co.firms_frame(register).set_index("firm_id")
    assert firms.loc["A", "turnover_cents"] == 2**53 + 1  # exact: no float on the way
    assert firms.loc["A", "certificates"] == "CE-MDR;ISO 13485:2027-06-30"
    assert firms.loc["A", "countries"] == "DEU;USA"
    assert firms.loc["A", "families"] == "dental;general"
    assert firms.loc["A", "latitude_degrees"] == 32.5
    assert firms.loc["B", ["latitude_degrees", "turnover_cents", "women_led"]].isna().all()
    assert not firms.loc["A", "women_led"]
    named = {name.removesuffix("_degrees") for name in firms.reset_index().columns}
    assert named == {field.name for field in fields(Firm)} - {"products"} | {"families"}
    products = co.products_frame(register)
    assert set(products.columns) == {"firm_id"} | {field.name for field in fields(Product)}
    assert list(products["capacity_units_per_year"].isna()) == [False, True]
    assert co.ties_frame(register).to_numpy().tolist() == [["A", "B", "rival"]]


def test_facts_keep_value_unit_and_grade() -> None:
    case = sample_case()
    frame = co.facts_frame(case.market("ZAF").facts_for(case.cluster.key)).set_index("name")
    duty = case.market_cluster("ZAF").duty
    assert frame.loc[duty.name, "value"] == duty.text
    assert frame.loc[duty.name, "number"] == float(duty.exact)
    assert frame.loc[duty.name, ["unit", "year", "grade", "source"]].tolist() == [
        duty.unit,
        duty.year,
        duty.grade,
        duty.source,
    ]
    programme = co.facts_frame(case.programme.facts()).set_index("name")
    assert programme.loc["programme.subsidy_path", "number"] is pd.NA
    ranged = programme.loc["programme.commission"]
    assert ranged["low"] <= ranged["number"] <= ranged["high"]


def test_pairs_with_a_column_a_criterion() -> None:
    graph = co.compatibility_graph(sample_case(), "ZAF")
    frame = co.pairs_frame(graph)
    assert len(frame) == graph.number_of_edges()
    assert (frame["firm_a"] < frame["firm_b"]).all()
    row = frame.iloc[0]
    data = graph.edges[row["firm_a"], row["firm_b"]]
    assert row["score_bp"] == data["score"]
    assert [row[f"{name}_bp"] for name in CRITERIA] == [data["components"][n] for n in CRITERIA]
    bare = co.pairs_frame(nx.Graph([("b", "a")]))
    assert bare[["firm_a", "firm_b"]].to_numpy().tolist() == [["a", "b"]]
    assert bare.iloc[0, 2:].isna().all()


def test_dollars_for_reading() -> None:
    plan = full_plan()
    usd = co.in_usd(co.consortia_frame(plan))
    assert usd.loc[0, "surplus_usd"] == plan.consortia[0].surplus_cents / 100
    assert not any("cents" in name for name in usd.columns)
    assert list(co.in_usd(co.terms_frame(plan)).columns) == ["consortium", "term", "usd"]


def test_members_of_an_empty_plan() -> None:
    full, empty = two_groups().to_frame(), empty_plan().to_frame()
    assert list(empty.columns) == [name for name in full.columns if not name.startswith("fee_")]


def test_a_changed_fact_takes_plain_numbers_as_written() -> None:
    case = sample_case()
    duty = case.market_cluster("ZAF").duty
    moved = co.with_facts(case, {duty.name: 0.1, "programme.size_max": 8}, "test")
    assert moved.market_cluster("ZAF").duty.value == Decimal("0.1")
    assert moved.size_max == 8
    path = case.programme.changed("subsidy_path", [0.5, 0, 0, 0, 0], "test").subsidy_path
    assert path.value == tuple(map(Decimal, ("0.5", "0", "0", "0", "0")))
    for wrong in ("0.1", [0.1], float("nan"), True):
        with pytest.raises(TypeError):
            duty.changed(wrong, "test")
    with pytest.raises(TypeError, match="subsidy_path"):
        case.programme.changed("subsidy_path", 0, "test")


def test_firms_leave_with_their_ties_and_changed_figures_stay() -> None:
    case = sample_case()
    tie = case.register.ties[0]
    moved = co.with_facts(case, {"programme.size_max": 8, "plan.agent.buyers": 9}, "test")
    left = moved.without(tie.firm_a, "S0002")
    assert set(case.register.by_id) - set(left.register.by_id) == {tie.firm_a, "S0002"}
    assert all(tie.firm_a not in (t.firm_a, t.firm_b) for t in left.register.ties)
    assert (left.size_max, left.plan("agent").buyers.whole) == (8, 9)
    with pytest.raises(KeyError, match="S9999"):
        case.without("S9999")
    with pytest.raises(co.InputError, match="no firms"):
        case.without(*case.register.by_id)


def test_a_rule_about_a_firm_that_is_not_there_is_a_fault() -> None:
    register, markets = sample_case().register, sample_case().markets
    rules = co.Rules(apart=(("S0001", "S9999"),), exclude=frozenset({"S9998"}))
    with pytest.raises(co.InputError) as caught:
        co.load_case(register, markets, rules=rules)
    assert {fault.value for fault in caught.value.faults} == {"S9998", "S9999"}
    ruled = co.load_case(register, markets, rules=co.Rules(exclude=frozenset({"S0001"})))
    with pytest.raises(co.InputError, match="S0001"):
        ruled.without("S0001")


def test_the_demo_register_is_read_by_its_path_alone() -> None:
    register = co.read_register(str(co.demo_register_path()))
    assert register.sha256 == sample_case(60, 1).register.sha256


def test_work_is_a_shorthand_and_not_beside_limits() -> None:
    from solver import Limits

    with pytest.raises(ValueError, match="not both"):
        co.propose(sample_case(), Limits(work=1), work=1)
    plan = co.propose(sample_case(12, 1), work=100_000, turning_points=False)
    assert (plan.limits.work, plan.limits.seconds) == (100_000, None)
