"""Yearly money of one kind of consortium, and what a firm is worth alone: the solver's account.

Each named part of docs/model.md is summed over the years with discounting in exact fractions and
rounded half-even to a cent once. ``formulation`` turns the parts into coefficients; ``cashflow``
and ``valuation`` are a second, separate account of the same money.
"""

from __future__ import annotations

import math
from fractions import Fraction

from consortium.case import Case, Kind
from consortium.eligibility import (
    alone_lots,
    certificate_state,
    experienced,
    lot_price,
    missing_certificates,
    reach,
    upgrade_cents,
)
from consortium.market import MarketCluster, MarketingPlan
from consortium.register import Firm
from solver.problem import Curve


class MoneyOfKind:
    """Yearly money of one kind, in exact cents; every array has one entry a year.

    Attributes
    ----------
    promotion : joint promotion P_t.
    other : other joint cost N_t.
    member_promotion : p, a member's promotion a year.
    """

    def __init__(self, case: Case, kind: Kind) -> None:
        self.case, self.kind = case, kind
        self.programme = case.programme
        self.market: MarketCluster = case.market_cluster(kind.market)
        self.plan: MarketingPlan = case.plan(kind.plan)
        self.discount = self.programme.discount
        self.total_discount: Fraction = sum(self.discount, Fraction(0))
        plan, market = self.plan, self.market
        self.brand = Fraction(0) if plan.brand_once is None else plan.brand_once.cents
        once = plan.study_once.cents + plan.catalogue_once.cents + self.brand
        yearly = plan.fair_annual.cents + plan.site_annual.cents
        self.representative = max(market.licence_holder_annual.cents, plan.agent_annual.cents)
        steady = self.programme.manager_annual.cents + market.consortium_fee_annual.cents
        steady += self.representative
        years = self.programme.years
        self.promotion = tuple(yearly + (once if t == 1 else 0) for t in years)
        self.other = tuple(
            steady + (market.consortium_fee_once.cents if t == 1 else 0) for t in years
        )
        self.member_promotion = plan.member_promotion_annual.cents

    def over_years(self, amount: Fraction) -> Fraction:
        """A yearly amount, discounted and summed."""
        return amount * self.total_discount

    def once_and_yearly(self, once: Fraction, yearly: Fraction) -> Fraction:
        """An amount in year 1 and one every year, discounted and summed."""
        return self.discount[0] * once + self.over_years(yearly)

    def subsidy_of_year(self, year: int) -> int:
        """Subsidy on joint promotion in a year, undiscounted, whole cents."""
        cap = self.programme.subsidy_cap_fixed.cents
        rate = self.programme.subsidy_path.series[year - 1]
        return round(rate * min(self.promotion[year - 1], cap))

    def need_of_year(self, year: int) -> int:
        """Joint cost of a year that members must cover, net of subsidy, whole cents."""
        joint = round(self.promotion[year - 1]) + round(self.other[year - 1])
        if self.plan.common_brand:
            # What is listed depends on who joins; the rule asks for every family the market has.
            listed = self.market.product_fee_annual.cents
            listed += self.market.product_fee_once.cents if year == 1 else 0
            joint += len(self.market.families) * round(listed)
        return joint - self.subsidy_of_year(year)

    def family_fee(self) -> int:
        """Fees of listing a family for the consortium, discounted; 0 without a common brand."""
        market = self.market
        if not self.plan.common_brand:
            return 0
        return round(
            self.once_and_yearly(market.product_fee_once.cents, market.product_fee_annual.cents)
        )

    def member_subsidy_of_year(self, year: int) -> int:
        """Subsidy on one member's promotion in a year, undiscounted, whole cents."""
        cap = self.programme.subsidy_cap_member.cents
        return round(self.programme.subsidy_path.series[year - 1] * min(self.member_promotion, cap))

    def open_parts(self, manager: bool = True) -> list[int]:
        """Joint costs by named part, in whole cents (negative)."""
        plan, market = self.plan, self.market
        parts = [
            -round(self.discount[0] * (plan.study_once.cents + plan.catalogue_once.cents)),
            -round(self.over_years(plan.fair_annual.cents)),
            -round(self.over_years(plan.site_annual.cents)),
            -round(self.discount[0] * self.brand),
            -round(
                self.once_and_yearly(
                    market.consortium_fee_once.cents, market.consortium_fee_annual.cents
                )
            ),
            -round(self.over_years(self.representative)),
        ]
        if manager:
            parts.append(-round(self.over_years(self.programme.manager_annual.cents)))
        return parts

    def open_subsidy(self) -> int:
        """Discounted subsidy on joint promotion."""
        cap, path = self.programme.subsidy_cap_fixed.cents, self.programme.subsidy_path.series
        terms = zip(self.discount, path, self.promotion, strict=True)
        return round(sum((d * s * min(p, cap) for d, s, p in terms), Fraction(0)))

    def member_subsidy(self) -> int:
        """Discounted subsidy on one member's promotion."""
        capped = min(self.member_promotion, self.programme.subsidy_cap_member.cents)
        path = self.programme.subsidy_path.series
        rates = zip(self.discount, path, strict=True)
        return round(sum((d * s * capped for d, s in rates), Fraction(0)))

    def member_parts(self, num_families: int, upgrade: Fraction) -> list[int]:
        """Costs of one member that it would also bear alone, by named part (negative)."""
        market = self.market
        product = self.once_and_yearly(
            market.product_fee_once.cents, market.product_fee_annual.cents
        )
        establishment = self.once_and_yearly(
            market.establishment_fee_once.cents, market.establishment_fee_annual.cents
        )
        return [
            -round(self.over_years(self.member_promotion)),
            -round(establishment),
            -round(num_families * product),
            -round(self.discount[0] * upgrade),
        ]

    def sales(self, family: str) -> tuple[int, int, int, int] | None:
        """Slope (cents a lot), bonus (cents), minimum order and demand limit (lots) of a family.

        ``None`` where the demand limit is below the minimum order: nothing can be sold.
        """
        facts, programme = self.market.families[family], self.programme
        price = lot_price(self.case, self.market, family)
        bought = min(
            programme.reachable_share.exact * facts.demand.cents,
            self.plan.buyers.exact * facts.purchase_per_buyer.cents,
        )
        limit = math.floor(reach(programme, self.market) * bought / price)
        least = math.ceil(facts.minimum_order.cents / price)
        if limit < least:
            return None
        ramped = sum(
            (d * r for d, r in zip(self.discount, programme.ramp.series, strict=True)), Fraction(0)
        )
        margin = facts.contribution_share.exact - programme.commission.exact
        return (
            round(ramped * margin * price),
            round(ramped * programme.range_bonus.cents),
            least,
            limit,
        )


def sales_curve(sales: tuple[int, int, int, int] | None, fee: int = 0) -> Curve | None:
    """Sales and bonus over the group's lots, less the fee of listing the family.

    0 below the minimum order and flat past the demand; the fee falls due from the first lot on.
    ``None`` where neither matters.

    Parameters
    ----------
    sales : as ``MoneyOfKind.sales`` gives them.
    fee : as ``MoneyOfKind.family_fee`` gives it, cents.
    """
    points = [(0, 0)]
    if fee:
        points += [(1, 0), (1, -fee)]
    if sales is not None:
        slope, bonus, least, limit = sales
        if not (fee and least == 1):
            points.append((least, -fee))
        else:
            points.pop()
        points.append((least, slope * least + bonus - fee))
        if limit > least:
            points.append((limit, slope * limit + bonus - fee))
    return Curve(points) if len(points) > 1 else None


def standalone_cents(case: Case, firm: Firm, money: dict[Kind, MoneyOfKind]) -> int:
    """Stand-alone worth of a firm: its best kind alone, unsubsidised, or 0.

    A firm alone has no common brand.
    """
    if not experienced(case, firm):
        return 0
    best = 0
    for kind, amounts in money.items():
        if amounts.plan.common_brand:
            continue
        if certificate_state(case, kind.market, firm) == "out of reach":
            continue
        lots = {f: alone_lots(case, kind.market, firm, f) for f in amounts.market.families}
        upgrade = upgrade_cents(case, missing_certificates(case, kind.market, firm))
        num_families = sum(1 for q in lots.values() if q > 0)
        worth = sum(amounts.open_parts(manager=False))
        worth += sum(amounts.member_parts(num_families, upgrade))
        for family, q in lots.items():
            sales = amounts.sales(family)
            if sales is not None and q >= sales[2]:
                worth += sales[0] * min(q, sales[3])
        best = max(best, worth)
    return best
