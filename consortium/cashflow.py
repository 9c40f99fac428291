"""What firms bring to a market and what a consortium pays year by year, in exact fractions.

``Figures`` holds the quantities of ``docs/model.md`` for one case: lots, demand limits,
certificates and yearly cash. ``valuation`` adds them up over the years, ``feasibility`` holds
groups to the rules. Nothing here is read from the solver's coefficients: these modules are the
second, independent account of the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from consortium.case import Case, Kind
from consortium.market import MarketCluster, MarketingPlan

#: Digits of a power with a broken exponent, and the guard digits it is computed with.
POWER_DIGITS, GUARD_DIGITS = 50, 20


@dataclass(frozen=True, slots=True)
class FamilyFigures:
    """One product family in one market.

    Attributes
    ----------
    lot_size_units : pieces (or pairs) in a lot.
    lot_price_cents : price of a lot.
    margin_cents_per_lot : what a lot leaves after variable cost and commission; may be negative.
    ramped_cents_per_lot : the same for one lot a year over the ramp, discounted (u).
    highest_unit_cost_cents : a firm whose piece costs more does not sell.
    minimum_lots : lots a year below which no buyer orders (M).
    member_limit_lots : most that counts of one member, before rounding down.
    """

    lot_size_units: int
    lot_price_cents: Fraction
    margin_cents_per_lot: Fraction
    ramped_cents_per_lot: int
    highest_unit_cost_cents: Fraction
    minimum_lots: int
    member_limit_lots: Fraction


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """One market; ``families`` in the cluster's order, yearly amounts from year 1.

    Attributes
    ----------
    code : market code.
    reach : share of the market that our duty-paid price reaches.
    certificates : each member needs all of these.
    families : by code, only those the market has facts on.
    establishment_cents, product_fee_cents : by year, per member and per member's family.
    max_consortia : number of consortia the market's demand carries.
    """

    code: str
    reach: Fraction
    certificates: tuple[str, ...]
    families: Mapping[str, FamilyFigures]
    establishment_cents: tuple[Fraction, ...]
    product_fee_cents: tuple[Fraction, ...]
    max_consortia: int


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of consortium; yearly amounts from year 1.

    Attributes
    ----------
    kind, market, plan : what it is.
    limit_lots : demand limit C by family.
    promotion_cents : joint promotion P_t.
    other_cents : other joint cost N_t.
    member_cents : a member's promotion, coordination and establishment fees.
    subsidy_joint_cents, subsidy_member_cents : subsidy on P_t and on one member's promotion.
    need_cents : joint cost that the members' fees must be able to carry, all amounts rounded first;
        under a common brand with the fees of listing every family the market has.
    listing_cents : fee of listing one family for the consortium, rounded; 0 where makers list their
        own.
    own_cents : what a member pays for itself before product fees, all amounts rounded first.
    """

    kind: Kind
    market: MarketFigures
    plan: MarketingPlan
    limit_lots: Mapping[str, int]
    promotion_cents: tuple[Fraction, ...]
    other_cents: tuple[Fraction, ...]
    member_cents: tuple[Fraction, ...]
    subsidy_joint_cents: tuple[int, ...]
    subsidy_member_cents: tuple[int, ...]
    need_cents: tuple[int, ...]
    listing_cents: tuple[int, ...]
    own_cents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FirmFigures:
    """One firm in one market.

    Attributes
    ----------
    counted_lots, alone_lots : lots a year by family, in a consortium (q) and alone; only above 0.
    missing : needed certificates it does not hold on the programme's day.
    missing_cents : what obtaining them costs in year 1, discounted.
    can_hold : whether it holds or can obtain every needed certificate.
    """

    counted_lots: Mapping[str, int]
    alone_lots: Mapping[str, int]
    missing: tuple[str, ...]
    missing_cents: int
    can_hold: bool


@dataclass(frozen=True, slots=True, order=True)
class Fee:
    """What one firm pays in one launch year, US cents."""

    firm: str
    year: int
    cents: int


class Figures:
    """The figures of one case, each worked out once, when it is first asked for.

    Attributes
    ----------
    case : the case.
    annuity : H, the sum of the discount factors.
    ramped_annuity : G, the sum of discount factor times ramp.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        programme = case.programme
        self.annuity = sum(programme.discount, Fraction(0))
        self.ramped_annuity = dot(programme.discount, programme.ramp.series)
        self._markets: dict[str, MarketFigures] = {}
        self._kinds: dict[Kind, KindFigures] = {}
        self._firms: dict[tuple[str, str], FirmFigures] = {}

    def present_cents(self, once: Fraction, annual: Fraction) -> int:
        """A cost paid in year 1 and one paid every year, discounted; one rounding."""
        return round(self.case.programme.discount[0] * once + self.annuity * annual)

    def market(self, code: str) -> MarketFigures:
        """Figures of a market; ``KeyError`` if it is not of the case."""
        if code not in self._markets:
            self._markets[code] = self._market(code)
        return self._markets[code]

    def kind(self, kind: Kind) -> KindFigures:
        """Figures of a kind; ``KeyError`` if its market or plan is not of the case."""
        if kind not in self._kinds:
            self._kinds[kind] = self._kind(kind)
        return self._kinds[kind]

    def firm(self, market_code: str, firm_id: str) -> FirmFigures:
        """Figures of a firm in a market; ``KeyError`` if either is not of the case."""
        key = (market_code, firm_id)
        if key not in self._firms:
            self._firms[key] = self._firm(market_code, firm_id)
        return self._firms[key]

    def experienced(self, firm_id: str) -> bool:
        """Whether a firm is known to have the export years that make it experienced."""
        years = self.case.register.by_id[firm_id].export_years
        return years is not None and years >= self.case.programme.experienced_years.exact

    def pay_cents(self, firm_id: str) -> int:
        """Most a firm pays a year: as stated, or a share of turnover between two bounds."""
        firm, programme = self.case.register.by_id[firm_id], self.case.programme
        if firm.max_contribution_cents is not None:
            return firm.max_contribution_cents
        floor = programme.contribution_floor.cents
        if firm.turnover_cents is None:
            return round(floor)
        share = programme.contribution_of_turnover.exact * firm.turnover_cents
        return round(min(max(share, floor), programme.contribution_ceiling.cents))

    def listings(self, kind: Kind, firm_ids: Iterable[str]) -> tuple[int, ...]:
        """Numbers of families that are listed for a fee together, so that it is rounded once.

        Every maker lists its own; under a common brand the consortium lists each family by itself.
        """
        supplied = [self.firm(kind.market, firm).counted_lots for firm in firm_ids]
        if self.kind(kind).plan.common_brand:
            return (1,) * len({family for lots in supplied for family in lots})
        return tuple(len(lots) for lots in supplied)

    def own_cost_cents(self, kind: Kind, firm_id: str) -> tuple[int, ...]:
        """What a member pays for itself, by year, net of its own subsidy."""
        figures = self.kind(kind)
        num_families = 0
        if not figures.plan.common_brand:
            num_families = len(self.firm(kind.market, firm_id).counted_lots)
        return tuple(
            own + round(num_families * fee)
            for own, fee in zip(figures.own_cents, figures.market.product_fee_cents, strict=True)
        )

    def fees(self, kind: Kind, firm_ids: Iterable[str]) -> tuple[Fee, ...]:
        """Fees of the launch years: own costs, and the joint cost by export sales.

        Nobody pays above its maximum; where the group cannot afford the kind, the fees fall short.
        """
        members = sorted(set(firm_ids))
        by_id = self.case.register.by_id
        figures = self.kind(kind)
        # The launch rule asks for every family the market has; what is paid is for those listed.
        unlisted = len(figures.market.families) - len(self.listings(kind, members))
        weights = {firm: by_id[firm].export_sales_cents or 0 for firm in members}
        fees: list[Fee] = []
        for year in self.case.programme.launch_years:
            pay = {firm: self.pay_cents(firm) for firm in members}
            own = {
                firm: min(self.own_cost_cents(kind, firm)[year - 1], pay[firm]) for firm in members
            }
            room = {firm: pay[firm] - own[firm] for firm in members}
            need = figures.need_cents[year - 1] - unlisted * figures.listing_cents[year - 1]
            joint = spread(need, weights, room)
            fees.extend(Fee(firm, year, own[firm] + joint[firm]) for firm in members)
        return tuple(fees)

    def _market(self, code: str) -> MarketFigures:
        programme, facts = self.case.programme, self.case.market_cluster(code)
        reach = reach_share(facts, programme.elasticity.exact)
        buyers = programme.reference_buyers.exact
        families = {}
        demand = reachable = Fraction(0)
        for family in self.case.cluster.families:
            if family.key not in facts.families:
                continue
            row = facts.families[family.key]
            lot_price = row.price.cents * family.lot_size
            left = row.contribution_share.exact - programme.commission.exact
            bought = buyers * row.purchase_per_buyer.cents
            families[family.key] = FamilyFigures(
                family.lot_size,
                lot_price,
                left * lot_price,
                round(self.ramped_annuity * left * lot_price),
                (1 - programme.commission.exact) * row.price.cents,
                math.ceil(row.minimum_order.cents / lot_price),
                programme.member_cap.exact * reach * bought / lot_price,
            )
            demand += row.demand.cents
            reachable += reach * min(programme.reachable_share.exact * row.demand.cents, bought)
        carried = 0
        if reachable:
            carried = math.floor(programme.consortia_share.exact * demand / reachable)
        return MarketFigures(
            code,
            reach,
            tuple(dict.fromkeys(facts.required_certificates.texts)),
            families,
            self._yearly(facts.establishment_fee_once.cents, facts.establishment_fee_annual.cents),
            self._yearly(facts.product_fee_once.cents, facts.product_fee_annual.cents),
            max(1, carried),
        )

    def _kind(self, kind: Kind) -> KindFigures:
        programme, facts = self.case.programme, self.case.market_cluster(kind.market)
        plan, market = self.case.plan(kind.plan), self.market(kind.market)
        limits = {}
        for key, family in market.families.items():
            row = facts.families[key]
            bought = min(
                programme.reachable_share.exact * row.demand.cents,
                plan.buyers.exact * row.purchase_per_buyer.cents,
            )
            limits[key] = math.floor(market.reach * bought / family.lot_price_cents)
        brand = Fraction(0) if plan.brand_once is None else plan.brand_once.cents
        promotion = self._yearly(
            plan.study_once.cents + plan.catalogue_once.cents + brand,
            plan.fair_annual.cents + plan.site_annual.cents,
        )
        other = self._yearly(
            facts.consortium_fee_once.cents,
            programme.manager_annual.cents
            + facts.consortium_fee_annual.cents
            + max(facts.licence_holder_annual.cents, plan.agent_annual.cents),
        )
        own_promotion = plan.member_promotion_annual.cents
        coordination = programme.coordination_per_member.cents
        rates = programme.subsidy_path.series
        cap_joint, cap_member = (
            programme.subsidy_cap_fixed.cents,
            programme.subsidy_cap_member.cents,
        )
        subsidy_joint = tuple(
            round(rate * min(amount, cap_joint))
            for rate, amount in zip(rates, promotion, strict=True)
        )
        subsidy_member = tuple(round(rate * min(own_promotion, cap_member)) for rate in rates)
        listing = tuple(plan.common_brand * round(fee) for fee in market.product_fee_cents)
        return KindFigures(
            kind,
            market,
            plan,
            limits,
            promotion,
            other,
            tuple(own_promotion + coordination + fee for fee in market.establishment_cents),
            subsidy_joint,
            subsidy_member,
            tuple(
                round(p) + round(n) - s + len(market.families) * fee
                for p, n, s, fee in zip(promotion, other, subsidy_joint, listing, strict=True)
            ),
            listing,
            tuple(
                round(own_promotion) + round(coordination) + round(fee) - subsidy
                for fee, subsidy in zip(market.establishment_cents, subsidy_member, strict=True)
            ),
        )

    def _firm(self, market_code: str, firm_id: str) -> FirmFigures:
        programme, market = self.case.programme, self.market(market_code)
        firm = self.case.register.by_id[firm_id]
        counted, alone = {}, {}
        for key, family in market.families.items():
            product = firm.product(key)
            if product is None or product.capacity_units_per_year is None:
                continue
            cost = product.unit_cost_cents
            if cost is not None and cost > family.highest_unit_cost_cents:
                continue
            spare = programme.spare_share.exact
            if product.spare_share_bp is not None:
                spare = Fraction(product.spare_share_bp, 10_000)
            free_lots = product.capacity_units_per_year * spare / family.lot_size_units
            kept_lots = min(free_lots * programme.retention.exact, family.member_limit_lots)
            if math.floor(kept_lots) > 0:
                counted[key] = math.floor(kept_lots)
            if math.floor(free_lots) > 0:
                alone[key] = math.floor(free_lots)
        held = {c.name for c in firm.certificates if c.valid_on(programme.day)}
        for facts in self.case.certificates.values():
            if facts.held_by is not None and held & set(facts.held_by.texts):
                held.add(facts.name)
        missing = tuple(name for name in market.certificates if name not in held)
        # A certificate nobody can tell the cost of costs nothing here and cannot be obtained.
        known = [self.case.certificates[name] for name in missing if name in self.case.certificates]
        cost_cents = sum((row.cost.cents for row in known), Fraction(0))
        limit_cents = programme.certificate_cost_share.exact * (firm.turnover_cents or 0)
        obtainable = (
            firm.turnover_cents is not None
            and len(known) == len(missing)
            and all(row.months.exact <= programme.certificate_months.exact for row in known)
            and cost_cents <= limit_cents
        )
        present_cents = self.present_cents(cost_cents, Fraction(0))
        return FirmFigures(counted, alone, missing, present_cents, not missing or obtainable)

    def _yearly(self, once: Fraction, annual: Fraction) -> tuple[Fraction, ...]:
        return tuple(annual + (once if t == 1 else 0) for t in self.case.programme.years)


def dot(left: Iterable[Fraction], right: Iterable[Fraction]) -> Fraction:
    """Sum of products of two series of one length."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def reach_share(facts: MarketCluster, elasticity: Fraction) -> Fraction:
    """Share of a market reached at our duty-paid price against the rivals'.

    Exact for a whole elasticity, else correct to ``POWER_DIGITS`` significant digits.
    """
    ratio = facts.price_ratio.exact * (1 + facts.rival_duty.exact) / (1 + facts.duty.exact)
    if ratio >= 1:
        return Fraction(1)
    if elasticity.denominator == 1:
        return ratio**elasticity.numerator
    wide = Context(prec=POWER_DIGITS + GUARD_DIGITS)
    base, exponent = (
        wide.divide(Decimal(x.numerator), Decimal(x.denominator)) for x in (ratio, elasticity)
    )
    return Fraction(Context(prec=POWER_DIGITS).plus(wide.power(base, exponent)))


def spread(
    total_cents: int, weights: Mapping[str, int], room_cents: Mapping[str, int]
) -> dict[str, int]:
    """Spread an amount by weights, nobody above its room.

    What would go above a firm's room goes to the others by the same weights, equally where the
    weights left are all 0. A negative total counts as 0, one above all room as all room.

    Parameters
    ----------
    total_cents : amount to spread.
    weights : by firm, 0 or more.
    room_cents : by firm, 0 or more, the same firms.

    Returns
    -------
    Whole cents by firm (largest remainder, ties by id); their sum is the total.
    """
    rest = min(max(total_cents, 0), sum(room_cents.values()))
    exact: dict[str, Fraction] = {}
    below = sorted(room_cents)
    while below:
        whole = sum(weights[firm] for firm in below)
        share = {
            firm: Fraction(rest * weights[firm], whole) if whole else Fraction(rest, len(below))
            for firm in below
        }
        full = [firm for firm in below if share[firm] > room_cents[firm]]
        if not full:
            exact.update(share)
            break
        for firm in full:
            exact[firm] = Fraction(room_cents[firm])
            rest -= room_cents[firm]
        below = [firm for firm in below if firm not in full]
    out = {firm: math.floor(exact[firm]) for firm in sorted(exact)}
    left = sum(exact.values()) - sum(out.values())
    # A broken share lies below its whole room, so one more cent never breaks it.
    for firm in sorted(out, key=lambda f: (out[f] - exact[f], f))[: int(left)]:
        out[firm] += 1
    return out
