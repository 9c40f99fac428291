"""A common brand lists each family once: cost, curve, launch rule and fees, by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from cases import sample_case
from test_formulation import agree, random_groups

from consortium.case import Case, Kind, make_case
from consortium.checking import check
from consortium.fact_changes import with_facts
from consortium.formulation import formulate
from consortium.market_files import find_market, load_plans
from consortium.money import sales_curve
from consortium.planner import propose
from consortium.sample import sample_register
from consortium.valuation import Valuer
from solver import Limits

AGENT, BRAND = Kind("ZAF", "agent", "range"), Kind("ZAF", "brand", "range")
WORK = Limits(work=60_000_000, workers=1)


def dear_case(once: int = 900, annual: int = 0) -> Case:
    """South Africa as if a product cost a fee."""
    market = "ZAF.surgical-sialkot"
    changes = {f"{market}.product_fee_once": once, f"{market}.product_fee_annual": annual}
    return with_facts(sample_case(), changes, "test")


def test_terms_differ_by_the_brand_and_by_what_is_listed_twice() -> None:
    """Agent and brand are one plan but for the brand, and fees by family instead of by maker."""
    case = dear_case(once=900, annual=70)
    valuer = Valuer(case)
    formulation = formulate(case)
    discount = case.programme.discount
    each = discount[0] * 90_000 + sum(discount) * 7_000
    brand = round(discount[0] * 300_000)
    seen = 0
    for group in random_groups(formulation, 4, 40):
        members = [formulation.firm_ids[i] for i in group.members]
        plain, branded = valuer.value(AGENT, members), valuer.value(BRAND, members)
        by_firm = [valuer.figures.firm("ZAF", firm).counted_lots for firm in members]
        families = {key for lots in by_firm for key in lots}
        terms = {t.name: t.cents for t in plain.terms}
        others = {t.name: t.cents for t in branded.terms}
        # A maker's fees are one part of the worth, a family's are one: each is rounded once.
        assert terms.pop("product fees") == -sum(round(each * len(lots)) for lots in by_firm)
        assert others.pop("product fees") == -round(each) * len(families)
        assert others.pop("common brand") == -brand
        # The brand is joint promotion, so it is subsidised within the cap.
        subsidy = "subsidy on joint promotion"
        first = case.programme.subsidy_path.series[0]
        assert others.pop(subsidy) - terms.pop(subsidy) == pytest.approx(
            float(discount[0] * first * 300_000), abs=1
        )
        assert terms == others
        assert plain.standalone_cents == branded.standalone_cents
        seen += len(families) < sum(len(lots) for lots in by_firm)
    assert seen > 20


def test_the_launch_rule_asks_for_every_family_and_fees_for_those_listed() -> None:
    """Fees never exceed what is needed, and the joint cost grows by the families listed."""
    case = dear_case(once=500, annual=0)
    valuer = Valuer(case)
    figures = valuer.figures.kind(BRAND)
    num_families = len(figures.market.families)
    plain = Valuer(sample_case()).figures.kind(BRAND)
    assert figures.need_cents[0] - plain.need_cents[0] == num_families * 50_000
    assert figures.need_cents[1] == plain.need_cents[1]
    formulation = formulate(case)
    checked = 0
    for group in random_groups(formulation, 5, 60):
        members = [formulation.firm_ids[i] for i in group.members]
        if any(b.rule in ("fees", "joint_cost") for b in valuer.feasibility(BRAND, members)):
            continue
        worth = valuer.value(BRAND, members)
        listed = {k for firm in members for k in valuer.figures.firm("ZAF", firm).counted_lots}
        own = sum(valuer.figures.own_cost_cents(BRAND, firm)[0] for firm in members)
        paid = sum(fee.cents for fee in worth.fees if fee.year == 1)
        need = plain.need_cents[0] + len(listed) * 50_000
        assert paid == own + need
        checked += 1
    assert checked > 3


@pytest.mark.parametrize("seed", range(1, 4))
def test_both_accounts_agree_to_the_cent(seed: int) -> None:
    """With fees once and yearly, for every plan, values and verdicts are the same."""
    agree(dear_case(once=313, annual=17), seed, 150)


def test_markets_that_charge_by_product_agree_too() -> None:
    case = make_case(sample_register("autoparts-lahore", 60, 1), [find_market("NGA")])
    agree(case, 2, 150)


def test_a_curve_with_a_fee_by_hand() -> None:
    """Nothing at 0, the fee from the first lot, sales above the minimum order, flat past demand."""
    curve = sales_curve((10, 7, 3, 5), 4)
    assert curve is not None
    assert [curve.value(x) for x in range(8)] == [0, -4, -4, 33, 43, 53, 53, 53]
    first = sales_curve((10, 7, 1, 5), 4)
    assert first is not None
    assert [first.value(x) for x in range(7)] == [0, 13, 23, 33, 43, 53, 53]
    alone = sales_curve(None, 4)
    assert alone is not None
    assert [alone.value(x) for x in (0, 1, 9)] == [0, -4, -4]
    assert sales_curve(None, 0) is None


def test_a_brand_pays_where_listing_is_dear_and_not_where_it_is_free() -> None:
    """Where products cost nothing the brand only costs; where they are dear it is chosen."""
    free = propose(sample_case(), WORK, turning_points=False)
    assert all(group.marketing_plan != "brand" for group in free.consortia)
    case = dear_case(once=1_000)
    plan = propose(case, WORK, turning_points=False)
    assert plan.status == "OPTIMAL"
    assert "brand" in {group.marketing_plan for group in plan.consortia}
    assert check(plan, case).ok
    without = replace(case, plans=tuple(p for p in case.plans if not p.common_brand))
    less = propose(without, WORK, turning_points=False)
    assert less.objective_cents < plan.objective_cents


def test_a_firm_alone_has_no_common_brand() -> None:
    """Stand-alone worth is the same with and without brand plans."""
    case = dear_case(once=5_000)
    without = replace(case, plans=tuple(p for p in case.plans if not p.common_brand))
    for firm in case.register.firms[:30]:
        assert Valuer(case).standalone(firm.firm_id) == Valuer(without).standalone(firm.firm_id)


def test_the_brand_is_the_agents_plan_otherwise() -> None:
    """The two plans differ by the brand alone, so that a comparison is of the brand."""
    plans = load_plans()
    agent, brand = plans["agent"], plans["brand"]
    assert brand.brand_once is not None
    assert brand.brand_once.value > Decimal(0)
    for name in ("study_once", "catalogue_once", "fair_annual", "site_annual", "agent_annual"):
        assert getattr(agent, name).exact == getattr(brand, name).exact
    assert agent.buyers.exact == brand.buyers.exact
    assert agent.member_promotion_annual.exact == brand.member_promotion_annual.exact
    assert Fraction(brand.brand_once.cents) == 300_000
