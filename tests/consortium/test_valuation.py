"""A consortium's worth against figures worked out by hand, and each rule broken once.

The hand case (all in US dollars unless cents are named). Two years at 25%: discount factors .8 and
.64, H = 1.44; ramp .2, 1, so G = .8*.2 + .64*1 = .8; only year 1 is a launch year.

Market XYZ: our duty 25%, the rivals' 0, equal prices, elasticity 2: reach = (1/1.25)^2 = .64.
Reachable share 1%, commission 5%, retention .8, member cap .5, four reference buyers. Plan "stall"
brings two buyers. Lots are 12 pieces.

general: price 2.50, a lot 30. C = floor(.64*min(10,000, 2*6,000)/30) = floor(213.3) = 213.
    M = ceil(1,000/30) = 34. One member counts up to .5*.64*4*6,000/30 = 256 lots.
    u = .8*(.35-.05)*3,000 cents = 720 cents a lot.
dental: price 1, a lot 12. C = floor(.64*min(600, 2*500)/12) = 32. M = 300/12 = 25.
    One member: .5*.64*4*500/12 = 53.3. u = .8*(.45-.05)*1,200 = 384 cents.
micro: price 3.33, a lot 39.96. C = floor(.64*600/39.96) = 9 < M = ceil(400/39.96) = 11: never sold.
    One member: .5*.64*4*500/39.96 = 16.02.

A: general 6,000 pieces, half spare: 3,000*.8/12 = 200 lots counted, 250 alone.
B: general 2,400, half spare: 1,200*.8/12 = 80; dental 600 at the programme's 30%: 180*.8/12 = 12.
C: dental 1,000 at 30%: 300*.8/12 = 20; micro 1,200, all spare: min(80, 16.02) = 16.
So Q: general 280 (sold 213), dental 32 (sold 32), micro 16 (unsold); 1 + 2 + 2 = 5 products.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.case import Case, Kind, make_case
from consortium.cashflow import reach_share, spread
from consortium.facts import Fact
from consortium.market import CertificateFacts, FamilyMarket, Market, MarketCluster, MarketingPlan
from consortium.market_files import load_markets
from consortium.programme import Programme, load_programme
from consortium.register import Certificate, Firm, Product, Tie, make_register
from consortium.rules import Pin, Rules
from consortium.valuation import (
    Breach,
    Fee,
    Term,
    Valuer,
    cohesion_bp,
    feasibility,
    first_covered_year,
    plan_feasibility,
    retention,
    standalone_worth,
    value_consortium,
)

CLUSTER = "surgical-sialkot"
STALL = Kind("XYZ", "stall", "range")
MAIL = Kind("XYZ", "mail", "range")


# -- building -----------------------------------------------------------------------------------


def fact(value: Any) -> Fact:
    if isinstance(value, tuple):
        value = tuple(x if isinstance(x, str) else Decimal(str(x)) for x in value)
    elif not isinstance(value, str):
        value = Decimal(str(value))
    return Fact("test", value, "any", 2025, "this test", "estimate")


def programme(**changes: Any) -> Programme:
    values: dict[str, Any] = {
        "horizon_years": 2,
        "discount_rate": 0.25,
        "ramp": (0.2, 1),
        "subsidy_path": (0.75, 0.5),
        "subsidy_cap_fixed": 4000,
        "subsidy_cap_member": 250,
        "elasticity": 2,
        "reachable_share": 0.01,
        "commission": 0.05,
        "retention": 0.8,
        "member_cap": 0.5,
        "manager_annual": 1000,
        "coordination_per_member": 100,
        "coordination_per_pair": 50,
        "synergy_per_pair": 40,
        "range_bonus": 300,
        "size_min": 2,
        "size_max": 4,
        "facilitators": 1,
        **changes,
    }
    facts: dict[str, Any] = {name: fact(value) for name, value in values.items()}
    return replace(load_programme(), **facts)


def family(price: Any, demand: Any, purchase: Any, share: Any, order: Any) -> FamilyMarket:
    return FamilyMarket(*(fact(x) for x in (price, demand, purchase, share, order)))


def market(families: Mapping[str, FamilyMarket] | None = None, **changes: Any) -> Market:
    values: dict[str, Any] = {
        "duty": 0.25,
        "rival_duty": 0,
        "price_ratio": 1,
        "freight_share": 0.04,
        "consortium_fee_once": 400,
        "consortium_fee_annual": 100,
        "licence_holder_annual": 600,
        "establishment_fee_once": 50,
        "establishment_fee_annual": 20,
        "product_fee_once": 30,
        "product_fee_annual": 10,
        "required_certificates": ("ISO 13485",),
        **changes,
    }
    code = values.pop("code", "XYZ")
    if families is None:
        families = {
            "general": family(2.5, 1_000_000, 6_000, 0.35, 1_000),
            "dental": family(1, 60_000, 500, 0.45, 300),
            "micro": family(3.33, 60_000, 500, 0.35, 400),
        }
    facts = {name: fact(value) for name, value in values.items()}
    return Market(code, "Test", {CLUSTER: MarketCluster(**facts, families=families)}, "test")


def plan(key: str, *usd: Any) -> MarketingPlan:
    """Study, catalogue, fair, site, agent and a member's promotion; two buyers."""
    amounts = (*usd, 2)
    return MarketingPlan(key, key, *(fact(x) for x in amounts))


PLANS = (
    plan("stall", 1000, 500.55, 3000, 200, 700, 300),
    plan("mail", 0, 0, 0, 0, 0, 10),
)


def firm(firm_id: str, *products: Product, **changes: Any) -> Firm:
    values: dict[str, Any] = {"role": "maker", "max_contribution_cents": 300_000, **changes}
    return Firm(firm_id, firm_id, CLUSTER, "Sialkot", 20, products=products, **values)


ISO = (Certificate("ISO 13485", date(2026, 1, 1)),)  # valid to the end of the programme's day
FIRM_A = firm(
    "A",
    Product("general", None, 6_000, 5_000),
    export_sales_cents=3_000_000,
    export_years=5,
    certificates=ISO,
)
FIRM_B = firm(
    "B",
    Product("dental", None, 600),
    Product("general", None, 2_400, 5_000),
    turnover_cents=1_000_000,
    export_sales_cents=1_000_000,
    export_years=2,
    max_contribution_cents=200_000,
    certificates=(Certificate("ISO 13485", date(2025, 12, 31)),),  # one day too old
)
FIRM_C = firm(
    "C",
    Product("dental", None, 1_000, 3_000),
    Product("micro", None, 1_200, 10_000),
    turnover_cents=20_000_000,
    max_contribution_cents=None,  # 1.2% of turnover: 2,400
    certificates=(Certificate("ISO 13485"),),
)


def case_of(
    *firms: Firm,
    ties: tuple[Tie, ...] = (),
    rules: Rules | None = None,
    markets: tuple[Market, ...] = (),
    plans: tuple[MarketingPlan, ...] = PLANS,
    cost: Any = 500,
    months: Any = 12,
    **changes: Any,
) -> Case:
    case = make_case(
        make_register(firms or (FIRM_A, FIRM_B, FIRM_C), ties),
        markets or (market(),),
        programme(**changes),
        rules,
    )
    certificates = {"ISO 13485": CertificateFacts("ISO 13485", fact(cost), fact(months))}
    return replace(case, plans=plans, certificates=certificates)


@dataclass(frozen=True)
class Pair:
    score: int
    allowed: bool = True
    blocked: tuple[str, ...] = ()


SCORES = {("A", "B"): 6_001, ("A", "C"): 7_000, ("B", "C"): 5_000}


def score(case: Case, market_code: str, mode: str, firm_a: Firm, firm_b: Firm) -> Pair:
    assert firm_a.firm_id < firm_b.firm_id
    return Pair(SCORES.get((firm_a.firm_id, firm_b.firm_id), 9_000))


def good(case: Case, market_code: str, mode: str, firm_a: Firm, firm_b: Firm) -> Pair:
    return Pair(9_000)


def terms_of(case: Case, kind: Kind = STALL, members: str = "ABC") -> dict[str, int]:
    return {t.name: t.cents for t in value_consortium(case, kind, tuple(members), score).terms}


# -- worth --------------------------------------------------------------------------------------


def test_every_term_by_hand() -> None:
    value = value_consortium(case_of(), STALL, ("A", "B", "C"), score)
    assert value.terms == (
        Term("study and catalogue", -120_044),  # .8 * 1,500.55
        Term("fair stand", -432_000),  # 1.44 * 3,000
        Term("web site", -28_800),  # 1.44 * 200
        Term("manager", -144_000),  # 1.44 * 1,000
        Term("market registration", -46_400),  # .8 * 400 + 1.44 * 100
        Term("licence holder or agent", -100_800),  # 1.44 * max(600, 700)
        # .8 * .75 * min(4,700.55, 4,000) + .64 * .5 * 3,200 = 2,400 + 1,024
        Term("subsidy on joint promotion", 342_400),
        Term("members' promotion", -129_600),  # 3 * 1.44 * 300
        Term("coordination of members", -43_200),  # 3 * 1.44 * 100
        Term("establishment fees", -20_640),  # 3 * (.8 * 50 + 1.44 * 20)
        Term("product fees", -19_200),  # 5 * (.8 * 30 + 1.44 * 10)
        Term("certificates to obtain", -40_000),  # B: .8 * 500
        Term("subsidy on members' promotion", 69_000),  # 3 * (.8 * .75 + .64 * .5) * 250
        # 1.44 * 4,000 cents * score: 3,456.576 -> 3,457; 4,032; 2,880
        Term("synergy of pairs", 10_369),
        # 1.44 * 5,000 cents * (1 - score): 2,879.28 -> 2,879; 2,160; 3,600
        Term("coordination of pairs", -8_639),
        Term("sales of general", 153_360),  # 213 * 720 cents
        Term("sales of dental", 12_288),  # 32 * 384 cents
        Term("range bonus of general", 24_000),  # .8 * 300
        Term("range bonus of dental", 24_000),
    )
    assert value.worth_cents == -497_906  # the sum of the above
    # A alone, by mail, sells min(250, 213) lots: 153,360 cents, less the licence holder 86,400,
    # registration 46,400, promotion 1.44 * 10, establishment 6,880 and one product 3,840.
    # B has two export years, C an unknown number.
    assert value.standalone_cents == {"A": 8_400, "B": 0, "C": 0}
    assert value.surplus_cents == -506_306
    assert value.surplus_without_subsidy_cents == -917_706
    assert value.lives_on_subsidy
    assert value.families == ("general", "dental")
    assert value.capacity == {"general": 280 * 12, "dental": 32 * 12, "micro": 16 * 12}
    assert list(value.capacity) == ["general", "dental", "micro"]
    assert value.certificates == {"ISO 13485": ("A", "C")}
    assert value.to_obtain == {"B": ("ISO 13485",)}


def test_every_year_by_hand() -> None:
    value = value_consortium(case_of(), STALL, ("A", "B", "C"), score)
    # Year 1: joint promotion 4,700.55; other joint 1,000 + 100 + 700 + 400; three members at
    # 300 + 100 + 50 + 20; five products at 30 + 10. Year 2 without what is paid once.
    assert value.cost_by_year_cents == (851_055, 631_000)
    # .75 * 4,000 + 3 * .75 * 250; .5 * 3,200 + 3 * .5 * 250
    assert value.subsidy_by_year_cents == (356_250, 197_500)
    # In full: 213 * 30 * .3 + 32 * 12 * .4 + 2 * 300 = 2,670.60; a fifth of it in year 1
    assert value.sales_margin_by_year_cents == (53_412, 267_060)
    assert value.self_financing_year is None
    # Own costs: 300 + 100 + 70 - 187.50 = 282.50 and 40 a product. Joint need: 4,700.55 + 2,200
    # - 3,000 = 3,900.55; three quarters of it would take A above its 3,000, the rest goes to B.
    assert value.fees == (Fee("A", 1, 300_000), Fee("B", 1, 158_555), Fee("C", 1, 36_250))
    assert sum(fee.cents for fee in value.fees) == 851_055 - 356_250


def test_order_and_repetition_do_not_matter() -> None:
    case = case_of()
    values = {
        repr(value_consortium(case, STALL, ids, score)) for ids in permutations(("A", "B", "C"))
    }
    values.add(repr(value_consortium(case, STALL, ("C", "A", "B", "A"), score)))
    assert len(values) == 1


@pytest.mark.parametrize(
    ("lots", "sold"), [(33, 0), (34, 34), (35, 35), (212, 212), (213, 213), (214, 213)]
)
def test_minimum_order_and_demand_limit(lots: int, sold: int) -> None:
    """M - 1, M, M + 1; C - 1, C, C + 1."""
    one = replace(FIRM_A, products=(Product("general", None, lots * 12, 10_000),))
    value = value_consortium(case_of(one, retention=1), STALL, ("A",), score)
    terms = {term.name: term.cents for term in value.terms}
    assert value.capacity == {"general": lots * 12}
    assert terms.get("sales of general", 0) == sold * 720
    assert terms.get("range bonus of general", 0) == (24_000 if sold else 0)
    assert value.families == (("general",) if sold else ())


def test_demand_below_the_minimum_order_sells_nothing() -> None:
    """C = 9 < M = 11 although 16 lots are offered."""
    assert "sales of micro" not in terms_of(case_of())
    assert value_consortium(case_of(), STALL, ("C",), score).families == ()


def test_member_limit_counts() -> None:
    """.5 * .64 * 4 * 500 / 39.96 = 16.02 lots of micro, whatever C can make."""
    big = replace(FIRM_C, products=(Product("micro", None, 10**9, 10_000),))
    assert value_consortium(case_of(big), STALL, ("C",), score).capacity == {"micro": 16 * 12}


def test_what_stops_a_firm_from_selling() -> None:
    """(1 - .05) * 2.50 = 2.375: a piece may cost 237 cents, not 238."""
    products = {
        237: 200,
        None: 200,
        238: 0,
    }
    for unit_cost, lots in products.items():
        row = Product("general", None, 6_000, 5_000, unit_cost)
        value = value_consortium(case_of(replace(FIRM_A, products=(row,))), STALL, ("A",), score)
        assert value.capacity == ({"general": lots * 12} if lots else {})
    even = market({"general": family(2, 10**9, 10**7, 0.35, 1_000)})  # to the cent: 1.90
    for unit_cost, sold in {190: True, 191: False}.items():
        row = Product("general", None, 6_000, 5_000, unit_cost)
        case = case_of(replace(FIRM_A, products=(row,)), markets=(even,))
        assert bool(value_consortium(case, STALL, ("A",), score).capacity) is sold
    silent = replace(
        FIRM_A, products=(Product("general"), Product("orthopaedic", None, 9_000, 9_000))
    )
    value = value_consortium(case_of(silent), STALL, ("A",), score)
    assert value.capacity == {}
    assert "product fees" not in {term.name for term in value.terms}


def test_less_than_a_lot_is_no_family() -> None:
    """Eleven pieces a year: nothing is sold and no product is registered, together or alone."""
    few = replace(FIRM_A, products=(Product("general", None, 11, 10_000),))
    case = case_of(few, retention=1)
    found = Valuer(case).figures.firm("XYZ", "A")
    assert (found.counted_lots, found.alone_lots) == ({}, {})
    assert "product fees" not in terms_of(case, members="A")


@pytest.mark.parametrize(
    ("dollars", "cents"), [(0.01, 0), (0.03, -2), (0.05, -2), (0.07, -4), (0.070002, -4)]
)
def test_halves_round_to_even(dollars: float, cents: int) -> None:
    """One year at 100%: the discount factor is one half."""
    plans = (plan("stall", dollars, 0, 0, 0, 0, 0),)
    case = case_of(plans=plans, horizon_years=1, discount_rate=1, ramp=(1,), subsidy_path=(0,))
    assert terms_of(case).get("study and catalogue", 0) == cents


def test_a_part_is_rounded_once_for_a_member_and_once_for_a_lot() -> None:
    """Half a cent a member: three members pay 3 * round(.5) = 0, three halves never meet."""
    plans = (plan("stall", 0, 0, 0, 0, 0, 0.01),)
    half: dict[str, Any] = {
        "horizon_years": 1,
        "discount_rate": 1,
        "ramp": (1,),
        "subsidy_path": (0,),
    }
    assert "members' promotion" not in terms_of(case_of(plans=plans, **half))
    # Half of 30% of 5 cents * 12 = 9 cents a lot; of 4.25 cents: 7.65 -> 8 cents, times 213 lots.
    cheap = {"general": family(0.0425, 10**9, 10**9, 0.35, 0.01)}
    case = case_of(markets=(market(cheap),), **half)
    lots = 200 + 80
    assert terms_of(case)["sales of general"] == lots * 8


def test_study_and_catalogue_are_one_part() -> None:
    """Half a cent each, rounded apart they would be 0: together one cent."""
    plans = (plan("stall", 0.01, 0.01, 0, 0, 0, 0),)
    case = case_of(plans=plans, horizon_years=1, discount_rate=1, ramp=(1,), subsidy_path=(0,))
    assert terms_of(case)["study and catalogue"] == -1


def test_dearer_of_licence_holder_and_agent() -> None:
    assert terms_of(case_of())["licence holder or agent"] == -100_800
    dear = market(licence_holder_annual=800)
    assert terms_of(case_of(markets=(dear,)))["licence holder or agent"] == -115_200


def test_no_subsidy_after_its_path_ends() -> None:
    case = case_of(horizon_years=5, ramp=(0, 0.3, 0.7, 1, 1), subsidy_path=(0.75, 0.6, 0.5, 0, 0))
    value = value_consortium(case, STALL, ("A", "B", "C"), score)
    assert value.subsidy_by_year_cents[3:] == (0, 0)
    assert all(value.subsidy_by_year_cents[:3])
    terms = {term.name: term.cents for term in value.terms}
    # .8 * .75 * 4,000 + .64 * .6 * 3,200 + .512 * .5 * 3,200 = 2,400 + 1,228.80 + 819.20
    assert terms["subsidy on joint promotion"] == 444_800
    assert case.programme.launch_years == (1, 2)
    assert {fee.year for fee in value.fees} == {1, 2}


def test_surplus_with_and_without_subsidy() -> None:
    """A consortium of rich margins is carried by sales; its year is the first of no return."""
    rich = {"general": family(250, 10**9, 10**7, 0.35, 1_000)}
    case = case_of(
        markets=(market(rich),), horizon_years=4, ramp=(0, 1, 0, 1), subsidy_path=(0.75, 0, 0, 0)
    )
    value = value_consortium(case, STALL, ("A", "B"), score)
    assert value.surplus_without_subsidy_cents > 0
    assert not value.lives_on_subsidy
    assert value.self_financing_year == 4
    cents = {term.name: term.cents for term in value.terms}
    subsidy = cents["subsidy on joint promotion"] + cents["subsidy on members' promotion"]
    assert value.surplus_cents - value.surplus_without_subsidy_cents == subsidy


@pytest.mark.parametrize(
    ("margins", "year"),
    [((0, 70, 100), 2), ((0, 69, 100), 3), ((60, 70, 100), 1), ((60, 70, 99), None), ((), None)],
)
def test_self_financing_year(margins: tuple[int, ...], year: int | None) -> None:
    """Costs of 100 less subsidies of 40, 30 and 0; to cover them exactly is enough."""
    num_years = len(margins)
    assert first_covered_year((100,) * num_years, (40, 30, 0)[:num_years], margins) == year


def test_nothing_costs_and_yields_nothing() -> None:
    """A surplus of exactly 0 without subsidy does not live on it."""
    fees = [name for name in MarketCluster.__dataclass_fields__ if "fee" in name]
    free = market({}, licence_holder_annual=0, **dict.fromkeys(fees, 0))
    none: dict[str, Any] = dict.fromkeys(("manager_annual", "coordination_per_member"), 0)
    case = case_of(
        FIRM_A,
        markets=(free,),
        plans=(plan("stall", 0, 0, 0, 0, 0, 0),),
        **none,
    )
    value = value_consortium(case, STALL, ("A",), score)
    assert value.terms == ()
    assert value.surplus_cents == value.surplus_without_subsidy_cents == 0
    assert not value.lives_on_subsidy
    assert value.self_financing_year == 1


@pytest.mark.parametrize(("ratio", "rival_duty", "reach"), [(1, 0.25, 1), (2, 0, 1), (1, 0, 0.64)])
def test_reach_compares_duty_paid_prices(ratio: float, rival_duty: float, reach: float) -> None:
    facts = market(price_ratio=ratio, rival_duty=rival_duty).clusters[CLUSTER]
    assert reach_share(facts, Fraction(2)) == Fraction(str(reach))


def test_broken_elasticity_takes_fifty_digits() -> None:
    """.8 ^ 2.5 = .64 * sqrt(.8); sqrt(80 * 10^100) gives the digits."""
    found = reach_share(market().clusters[CLUSTER], Fraction(5, 2))
    digits = math.isqrt(80 * 10**118)  # sqrt(.8) * 10^60
    exact = Fraction(digits, 10**60) * Fraction(64, 100)
    assert abs(found - exact) <= Fraction(1, 2 * 10**50)
    assert (found * 10**50).denominator == 1


# -- alone --------------------------------------------------------------------------------------


def test_standalone_needs_export_years() -> None:
    assert standalone_worth(case_of(), "A") == 8_400
    assert standalone_worth(case_of(replace(FIRM_A, export_years=3)), "A") == 8_400
    assert standalone_worth(case_of(replace(FIRM_A, export_years=2)), "A") == 0
    assert standalone_worth(case_of(replace(FIRM_A, export_years=None)), "A") == 0


def test_standalone_pays_for_certificates() -> None:
    """.8 * 10.50 = 8.40 turns A's 84 to 75.60; a firm that cannot obtain them has 0."""
    bare = replace(FIRM_A, certificates=(), turnover_cents=10**9)
    assert standalone_worth(case_of(bare, cost=10.50), "A") == 8_400 - 840
    assert standalone_worth(case_of(bare, cost=500), "A") == 0  # worth less than nothing
    assert standalone_worth(case_of(replace(bare, turnover_cents=None), cost=10.50), "A") == 0
    assert standalone_worth(case_of(bare, cost=10.50, months=19), "A") == 0


def test_standalone_pays_the_plan_and_the_market() -> None:
    """Every joint cost of ten dollars costs A 1.44 * 10, or .8 * 10 if paid once."""
    for index, once in enumerate((True, True, False, False)):
        costs = [0, 0, 0, 0]
        costs[index] = 10
        case = case_of(plans=(plan("mail", *costs, 0, 10),))
        assert standalone_worth(case, "A") == 8_400 - (800 if once else 1_440)
    dearer = case_of(plans=(plan("mail", 0, 0, 0, 0, 610, 10),))  # agent above 600
    assert standalone_worth(dearer, "A") == 8_400 - 1_440


def test_standalone_looks_at_every_market() -> None:
    """The better market counts; one whose certificate is out of reach counts nothing."""
    free = market(code="ABC", licence_holder_annual=0)  # saves 1.44 * 600
    shut = market(code="DEF", licence_holder_annual=0, required_certificates=("CE-MDR",))
    assert standalone_worth(case_of(markets=(market(), free)), "A") == 8_400 + 86_400
    assert standalone_worth(case_of(markets=(market(), shut)), "A") == 8_400


def test_standalone_sells_from_the_minimum_order() -> None:
    """33 lots alone are too few, even where a consortium would sell them."""
    small = replace(FIRM_A, products=(Product("general", None, 34 * 12 - 1, 10_000),))
    cheap = market(licence_holder_annual=0, consortium_fee_once=0, consortium_fee_annual=0)
    assert standalone_worth(case_of(small, markets=(cheap,)), "A") == 0
    enough = replace(FIRM_A, products=(Product("general", None, 34 * 12, 10_000),))
    # 34 * 720 less promotion 1,440, establishment 6,880, one product 3,840; no range bonus
    assert standalone_worth(case_of(enough, markets=(cheap,)), "A") == 12_320


# -- fees ---------------------------------------------------------------------------------------


def test_fees_are_equal_without_export_sales() -> None:
    """3,900.55 by two is 1,950.275: the odd half cent of each goes to the lower id."""
    idle = (replace(FIRM_A, export_sales_cents=None), replace(FIRM_B, export_sales_cents=0))
    rows = [replace(row, max_contribution_cents=10**6) for row in idle]
    value = value_consortium(case_of(*rows), STALL, ("A", "B"), score)
    assert value.fees == (Fee("A", 1, 32_250 + 195_028), Fee("B", 1, 36_250 + 195_027))


def test_fees_stop_at_what_firms_pay() -> None:
    """A group that cannot afford the kind pays all it has, and no more."""
    poor = replace(FIRM_A, max_contribution_cents=10_000)  # below its own cost of 322.50
    value = value_consortium(case_of(poor, FIRM_B), STALL, ("A", "B"), score)
    assert value.fees == (Fee("A", 1, 10_000), Fee("B", 1, 200_000))


def test_stated_and_assumed_contributions() -> None:
    """1.2% of turnover, from 300 to 12,000; 300 where turnover is unknown; stated as it is."""
    figures = {None: 30_000, 100: 30_000, 20_000_000: 240_000, 10**9: 1_200_000}
    for turnover, pay in figures.items():
        row = replace(FIRM_C, turnover_cents=turnover)
        assert Valuer(case_of(row)).figures.pay_cents("C") == pay
    stated = replace(FIRM_C, max_contribution_cents=0)
    assert Valuer(case_of(stated)).figures.pay_cents("C") == 0


amounts = st.integers(0, 10**6)


@given(st.integers(-100, 10**6), st.dictionaries(st.text("abcdef"), st.tuples(amounts, amounts)))
def test_spread(total: int, firms: dict[str, tuple[int, int]]) -> None:
    """All is placed, nobody above its room, and by weight to within a cent."""
    weights = {name: weight for name, (weight, _) in firms.items()}
    rooms = {name: room for name, (_, room) in firms.items()}
    got = spread(total, weights, rooms)
    assert list(got) == sorted(firms)
    assert sum(got.values()) == min(max(total, 0), sum(rooms.values()))
    assert all(0 <= got[name] <= rooms[name] for name in firms)
    weighty = [name for name in firms if weights[name]]
    below = [name for name in weighty if got[name] < rooms[name]]
    if below:
        # One price per weight fits all: those below their room pay it, the others at most.
        assert not any(got[name] for name in firms if not weights[name])
        low = max(Fraction(got[name] - 1, weights[name]) for name in weighty)
        high = min(Fraction(got[name] + 1, weights[name]) for name in below)
        assert low <= high
    else:
        idle = [name for name in firms if not weights[name] and got[name] < rooms[name]]
        paid = [got[name] for name in firms if not weights[name]]
        assert all(got[name] >= max(paid) - 1 for name in idle)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 10**8),
            st.none() | st.integers(0, 10**6),
            st.none() | st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_fees_pay_the_launch_years(rows: list[tuple[int | None, int | None, int | None]]) -> None:
    """Affordable groups pay cost less subsidy to the cent; nobody pays above its maximum."""
    firms = [
        firm(
            f"F{index}",
            Product("general", None, 2_400, 5_000),
            export_sales_cents=sales,
            max_contribution_cents=pay,
            turnover_cents=turnover,
            certificates=ISO,
        )
        for index, (sales, pay, turnover) in enumerate(rows)
    ]
    case = case_of(*firms, horizon_years=3, ramp=(0, 0.3, 1), subsidy_path=(0.75, 0.6, 0.5))
    valuer = Valuer(case, good)
    ids = tuple(row.firm_id for row in firms)
    value = valuer.value(STALL, ids)
    broken = {breach.rule for breach in valuer.feasibility(STALL, ids)}
    paid = dict.fromkeys(case.programme.launch_years, 0)
    assert len(value.fees) == len(paid) * len(ids)
    for fee in value.fees:
        assert 0 <= fee.cents <= valuer.figures.pay_cents(fee.firm)
        paid[fee.year] += fee.cents
    owed = {
        year: value.cost_by_year_cents[year - 1] - value.subsidy_by_year_cents[year - 1]
        for year in paid
    }
    if broken.isdisjoint({"fees", "joint_cost"}):
        assert paid == owed
    else:
        assert any(paid[year] < owed[year] for year in paid)


# -- who may join -------------------------------------------------------------------------------

RICH: dict[str, Any] = {"max_contribution_cents": 1_000_000}
ROWS = (
    replace(FIRM_A, **RICH),
    replace(FIRM_B, **RICH),
    replace(FIRM_C, **RICH),
    replace(FIRM_A, firm_id="D", **RICH),
    replace(FIRM_A, firm_id="E", **RICH),
)


def rules_broken(case: Case, members: str = "ABC", kind: Kind = STALL) -> list[tuple[str, Any]]:
    found = feasibility(case, kind, tuple(members), good)
    assert all(breach.message for breach in found)
    return [(breach.rule, breach.firm) for breach in found]


def swapped(**changes: Any) -> Case:
    """The good case with firm B changed."""
    return case_of(ROWS[0], replace(ROWS[1], **changes), *ROWS[2:])


def test_a_good_group_breaks_nothing() -> None:
    assert rules_broken(case_of(*ROWS)) == []


def test_unknown_kind() -> None:
    for kind in (replace(STALL, plan="sail"), replace(STALL, mode="volume")):
        assert rules_broken(case_of(*ROWS), kind=kind) == [("kind", None)]


def test_unknown_firm_and_firm_named_twice() -> None:
    assert rules_broken(case_of(*ROWS), "ABXX") == [("known", "X"), ("twice", "X")]


def test_size() -> None:
    assert rules_broken(case_of(*ROWS), "A") == [("size", None)]
    assert rules_broken(case_of(*ROWS), "AB") == []
    assert rules_broken(case_of(*ROWS), "ABCD") == []
    assert rules_broken(case_of(*ROWS), "ABCDE") == [("size", None)]


def test_size_of_the_rules_file() -> None:
    rules = Rules(size_min=3, size_max=5)
    assert rules_broken(case_of(*ROWS, rules=rules), "AB") == [("size", None)]
    assert rules_broken(case_of(*ROWS, rules=rules), "ABCDE") == []


@pytest.mark.parametrize("role", ["vendor", "trader"])
def test_only_makers(role: Any) -> None:
    """A firm whose role is not given counts as a maker."""
    assert rules_broken(swapped(role=role)) == [("maker", "B")]
    assert rules_broken(swapped(role=None)) == []


def test_excluded() -> None:
    rules = Rules(exclude=frozenset({"B"}))
    assert rules_broken(case_of(*ROWS, rules=rules)) == [("exclude", "B")]


def test_sells_nothing() -> None:
    """Without a family there is no channel to share either."""
    assert ("families", "B") in rules_broken(swapped(products=()))


def test_certificate_out_of_reach() -> None:
    """500 is 5% of 10,000; one cent less turnover is too little."""
    assert rules_broken(swapped(turnover_cents=999_999)) == [("certificates", "B")]
    assert rules_broken(swapped(turnover_cents=None)) == [("certificates", "B")]
    assert rules_broken(case_of(*ROWS, months=18)) == []
    assert rules_broken(case_of(*ROWS, months=19)) == [("certificates", "B")]


def test_certificate_nobody_knows() -> None:
    shut = market(required_certificates=("ISO 13485", "FDA"))
    found = rules_broken(case_of(*ROWS, markets=(shut,)))
    assert found == [("certificates", "A"), ("certificates", "B"), ("certificates", "C")]


def test_all_missing_certificates_count_together() -> None:
    """Two of 300 are above 5% of 10,000, each alone is not."""
    both = market(required_certificates=("CE-MDR", "ISO 13485", "CE-MDR"))
    case = swapped(turnover_cents=1_000_000)
    facts = {n: CertificateFacts(n, fact(300), fact(12)) for n in ("CE-MDR", "ISO 13485")}
    case = replace(case, markets=(both,), certificates=facts)
    assert ("certificates", "B") in rules_broken(case)
    assert rules_broken(replace(case, markets=(market(),))) == []


def test_certificate_expired() -> None:
    """The last valid day counts; B's ended the day before and must be obtained."""
    case = case_of()
    assert Valuer(case).figures.firm("XYZ", "A").missing == ()
    assert Valuer(case).figures.firm("XYZ", "B").missing == ("ISO 13485",)
    assert Valuer(case).figures.firm("XYZ", "C").missing == ()
    later = case_of(as_of="2026-01-02")
    assert value_consortium(later, STALL, ("A", "C"), score).certificates == {"ISO 13485": ("C",)}


def test_own_cost_above_what_a_firm_pays() -> None:
    """B's own cost in year 1 is 362.50."""
    assert rules_broken(swapped(max_contribution_cents=36_250)) == []
    assert rules_broken(swapped(max_contribution_cents=36_249)) == [("fees", "B")]


def test_joint_cost_above_what_members_add() -> None:
    """A adds what is above 322.50; the joint need is 3,900.55; B has nothing to add."""
    rows = (
        replace(FIRM_A, max_contribution_cents=32_250 + 390_055),
        replace(FIRM_B, max_contribution_cents=36_250),
    )
    assert rules_broken(case_of(*rows), "AB") == []
    short = replace(rows[0], max_contribution_cents=32_250 + 390_054)
    assert rules_broken(case_of(short, rows[1]), "AB") == [("joint_cost", None)]


def test_experience() -> None:
    assert rules_broken(case_of(*ROWS), "BC") == [("experience", None)]


@pytest.mark.parametrize(("mode", "least"), [("range", 5_500), ("volume", 5_000)])
def test_pair_below_the_threshold(mode: str, least: int) -> None:
    case = case_of(*ROWS, modes=("range", "volume"))
    kind = replace(STALL, mode=mode)
    assert feasibility(case, kind, ("A", "B"), lambda *_: Pair(least)) == ()
    found = feasibility(case, kind, ("A", "B"), lambda *_: Pair(least - 1))
    assert [breach.rule for breach in found] == ["pair"]


@pytest.mark.parametrize("tie", ["veto", "same_owner"])
def test_pair_barred_by_a_tie(tie: Any) -> None:
    case = case_of(*ROWS, ties=(Tie("C", "A", tie),))
    assert rules_broken(case) == [("pair", None)]


def test_pair_the_score_bars() -> None:
    found = feasibility(case_of(*ROWS), STALL, ("A", "B"), lambda *_: Pair(9_999, False, ("far",)))
    assert found == (Breach("pair", None, "A and B: far"),)


def test_together_and_apart() -> None:
    rules = Rules(together=(("A", "D"),), apart=(("B", "C", "E"),))
    assert rules_broken(case_of(*ROWS, rules=rules)) == [("together", None), ("apart", None)]
    assert rules_broken(case_of(*ROWS, rules=rules), "ADB") == []
    assert rules_broken(case_of(*ROWS, rules=rules), "CB") == [
        ("experience", None),
        ("apart", None),
    ]


# -- whole plans --------------------------------------------------------------------------------


def plan_broken(case: Case, *groups: str, kinds: tuple[Kind, ...] = ()) -> list[tuple[str, Any]]:
    chosen = kinds or (STALL,) * len(groups)
    found = plan_feasibility(case, list(zip(chosen, map(tuple, groups), strict=True)))
    assert all(breach.message for breach in found)
    return [(breach.rule, breach.firm) for breach in found]


# .05 * 1,120,000 = 56,000 of demand; consortia of four buyers reach
# .64 * (10,000 + 600 + 600) = 7,168 each: floor(7.8) = 7.
def test_consortia_in_a_market() -> None:
    assert Valuer(case_of()).figures.market("XYZ").max_consortia == 7
    plans = {7: [], 8: [("market_count", None)]}
    case = case_of(*ROWS, caseload=100)
    for number, expected in plans.items():
        found = plan_feasibility(case, [(STALL, ())] * number)
        assert [(breach.rule, breach.firm) for breach in found] == expected
    bare = market({"general": family(2.5, 0, 6_000, 0.35, 1_000)})
    assert Valuer(case_of(markets=(bare,))).figures.market("XYZ").max_consortia == 1
    tiny = case_of(consortia_share=0.001)
    assert Valuer(tiny).figures.market("XYZ").max_consortia == 1


def test_a_good_plan_breaks_nothing() -> None:
    assert plan_broken(case_of(*ROWS), "AB", "CD") == []
    assert plan_broken(case_of(*ROWS)) == []


def test_disjointness() -> None:
    assert plan_broken(case_of(*ROWS), "AB", "BC") == [("disjoint", "B")]


def test_unknown_kind_in_a_plan() -> None:
    case = case_of(*ROWS, budget=10**6)
    found = plan_broken(case, "AB", kinds=(replace(STALL, market="ZZZ"),))
    assert found == [("kind", None)]


def test_caseload() -> None:
    case = case_of(*ROWS, caseload=1)
    assert plan_broken(case, "AB") == []
    assert plan_broken(case, "AB", "CD") == [("caseload", None)]
    assert plan_broken(case_of(*ROWS, caseload=1, facilitators=2), "AB", "CD") == []


def test_most_consortia_of_the_rules_file() -> None:
    rules = Rules(max_consortia={"XYZ": 1, "ABC": 0})
    assert plan_broken(case_of(*ROWS, rules=rules), "AB") == []
    assert plan_broken(case_of(*ROWS, rules=rules), "AB", "CD") == [("max_consortia", None)]


def test_budget() -> None:
    """Three members: 3,562.50 + 1,975.00 = 5,537.50, undiscounted."""
    assert plan_broken(case_of(*ROWS, budget=5537.50), "ABC") == []
    assert plan_broken(case_of(*ROWS, budget=5537.49), "ABC") == [("budget", None)]
    # Two consortia of 4,600 joint and 312.50 a member, 9,200 + 5 * 312.50
    assert plan_broken(case_of(*ROWS, budget=10762.50), "ABC", "DE") == []
    assert plan_broken(case_of(*ROWS, budget=10762.49), "ABC", "DE") == [("budget", None)]


def test_must_join() -> None:
    rules = Rules(must_join=frozenset({"A", "E"}))
    assert plan_broken(case_of(*ROWS, rules=rules), "AB") == [("must_join", "E")]


def test_together_over_a_plan() -> None:
    case = case_of(*ROWS, rules=Rules(together=(("A", "D"),)))
    assert plan_broken(case, "AB", "CD") == [("together", None)]
    assert plan_broken(case, "AB") == [("together", None)]
    assert plan_broken(case, "AD", "BC") == []
    assert plan_broken(case, "BC") == []


def test_pins() -> None:
    kept = case_of(*ROWS, rules=Rules(pins=(Pin("XYZ", "stall", "range", ("A", "B")),)))
    assert plan_broken(kept, "BA", "CD") == []
    assert plan_broken(kept, "ABC") == [("pin", None)]
    assert plan_broken(kept, "CD") == [("pin", None)]
    assert plan_broken(kept, "AB", kinds=(MAIL,)) == [("pin", None)]
    pins = (
        Pin("XYZ", "stall", "range", ("A", "B"), True),
        Pin("XYZ", "stall", "range", ("C",), True),
    )
    grown = case_of(*ROWS, rules=Rules(pins=pins))
    assert plan_broken(grown, "ABD", "CE") == []
    assert plan_broken(grown, "AB", "CE") == []
    assert plan_broken(grown, "AD", "CE") == [("pin", None)]
    assert plan_broken(grown, "ABC") == [("pin", None)]  # one consortium cannot be both


# -- reports ------------------------------------------------------------------------------------


def test_cohesion() -> None:
    """.7 * 18,001 / 3 + .3 * 5,000 = 5,700.2."""
    assert cohesion_bp(case_of(), STALL, ("A", "B", "C"), score) == 5_700
    assert cohesion_bp(case_of(), STALL, ("A", "B"), score) == 6_001
    assert cohesion_bp(case_of(), STALL, ("A",), score) == 0


def test_retention_by_hand() -> None:
    case = case_of()
    fees = value_consortium(case, STALL, ("A", "B", "C"), score).fees
    found = retention(case, STALL, ("A", "B", "C"), fees, score)
    # .15 * exp(-1.5 * (mean score - .6) + .5 * (fee / most - .5)), three members
    hazards = {
        "A": 0.15 * math.exp(-1.5 * (0.65005 - 0.6) + 0.5 * (1 - 0.5)),
        "B": 0.15 * math.exp(-1.5 * (0.55005 - 0.6) + 0.5 * (1585.55 / 2000 - 0.5)),
        "C": 0.15 * math.exp(-1.5 * (0.6 - 0.6) + 0.5 * (362.5 / 2400 - 0.5)),
    }
    leaving = {name: round(10_000 * (1 - math.exp(-h))) for name, h in hazards.items()}
    assert found.leaving_bp_per_year == leaving == {"A": 1636, "B": 1707, "C": 1184}
    a, b, c = (Fraction(10_000 - bp, 10_000) ** 2 for bp in leaving.values())
    assert found.expected_members_after_two_years_bp == round(10_000 * (a + b + c))
    two = a * b * (1 - c) + a * (1 - b) * c + (1 - a) * b * c + a * b * c
    assert found.chance_at_least_min_after_two_years_bp == round(10_000 * two)


def test_retention_falls_with_size_and_has_bounds() -> None:
    """Two above eight members multiply the hazard by exp(.08); no more than 1 counts."""
    firms = [replace(ROWS[0], firm_id=f"F{index:02}") for index in range(10)]
    case = case_of(*firms)
    ids = tuple(row.firm_id for row in firms)
    flat = [retention(case, STALL, ids[:size], (), good) for size in (1, 8, 10)]
    base = 0.15 * math.exp(0.5 * -0.5)
    for found, hazard in zip(
        flat,
        (base, base * math.exp(-1.5 * 0.3), base * math.exp(-1.5 * 0.3 + 0.04 * 2)),
        strict=True,
    ):
        expected = round(10_000 * (1 - math.exp(-hazard)))
        assert set(found.leaving_bp_per_year.values()) == {expected}
    assert flat[0].chance_at_least_min_after_two_years_bp == 0  # one member, two needed
    terms = dict(case.programme.hazard, base=fact(10**9), fee_slope=fact(10**9))
    wild = case.with_programme(replace(case.programme, hazard=terms))
    fees = [Fee(name, 1, 1_000_000) for name in ids]
    found = retention(wild, STALL, ids, fees, good)
    assert set(found.leaving_bp_per_year.values()) == {round(10_000 * (1 - math.exp(-1)))}
    tame = case.with_programme(replace(case.programme, hazard=dict(terms, base=fact(-1))))
    found = retention(tame, STALL, ids, fees, good)
    assert set(found.leaving_bp_per_year.values()) == {0}
    assert found.expected_members_after_two_years_bp == 100_000
    assert found.chance_at_least_min_after_two_years_bp == 10_000


def test_a_firm_that_pays_nothing_has_no_fee_share() -> None:
    rows = (replace(FIRM_A, max_contribution_cents=0), FIRM_C)
    found = retention(case_of(*rows), STALL, ("A", "C"), (), score)
    assert found.leaving_bp_per_year["A"] == found.leaving_bp_per_year["C"]


# -- shipped facts ------------------------------------------------------------------------------


def shipped_case(num_firms: int) -> Case:
    families = ("general", "dental", "orthopaedic", "micro", "single_use")
    firms = [
        firm(
            f"S{index:03}",
            *(Product(name, None, 20_000 + 1_000 * index, 4_000) for name in families),
            turnover_cents=60_000_000 + 7_654_321 * index,
            export_sales_cents=10_000_000 + 1_234_567 * index,
            export_years=index,
        )
        for index in range(num_firms)
    ]
    return make_case(make_register(firms), (load_markets()["ZAF"],))


@pytest.mark.parametrize("plan_key", ["catalogue", "fair", "agent", "fair+agent"])
def test_shipped_facts(plan_key: str) -> None:
    """Totals agree with the terms and the years, whatever the plan."""
    case = shipped_case(9)
    kind = Kind("ZAF", plan_key, "range")
    ids = tuple(row.firm_id for row in case.register.firms)
    value = value_consortium(case, kind, ids, good)
    assert value.worth_cents == sum(term.cents for term in value.terms)
    assert value.surplus_cents == value.worth_cents - sum(value.standalone_cents.values())
    assert 0 not in [term.cents for term in value.terms]
    # Discounting the yearly figures gives the worth back, but for rounding, pairs and certificates.
    aside = sum(
        term.cents for term in value.terms if "pairs" in term.name or "certificates" in term.name
    )
    years = zip(
        case.programme.discount,
        value.sales_margin_by_year_cents,
        value.subsidy_by_year_cents,
        value.cost_by_year_cents,
        strict=True,
    )
    cash = sum((d * (m + s - c) for d, m, s, c in years), Fraction(0))
    num_lots = sum(value.capacity.values()) // 12
    assert abs(value.worth_cents - aside - cash) <= 50 + num_lots / 2


def test_scores_come_from_the_compatibility_module() -> None:
    """Left out, the score is that of ``score_pair``; a pair is scored once."""
    from consortium.compatibility import score_pair

    case = shipped_case(5)
    kind = Kind("ZAF", "agent", "range")
    ids = tuple(row.firm_id for row in case.register.firms)
    assert value_consortium(case, kind, ids) == value_consortium(case, kind, ids, score_pair)
    assert feasibility(case, kind, ids) == feasibility(case, kind, ids, score_pair)
    valuer = Valuer(case)
    assert valuer.pair(kind, ids[1], ids[0]) is valuer.pair(kind, ids[0], ids[1])
