"""What a firm can bring to a market, and why it cannot join: counted lots, certificates, money.

Formulas: docs/model.md. ``valuation`` computes the same quantities on its own, so that each checks
the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Literal

from consortium.case import Case, Kind
from consortium.market import MarketCluster
from consortium.programme import Programme
from consortium.register import Firm
from consortium.wording import listed

CertificateState = Literal["held", "obtainable", "out of reach"]


@dataclass(frozen=True, slots=True)
class Ineligible:
    """Why a firm cannot join any consortium for a market.

    Attributes
    ----------
    code : "excluded", "not_a_maker", "no_product", "too_costly", "certificate" or "cannot_pay".
    reason : one sentence for the firm's file, with the numbers.
    """

    code: str
    reason: str


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base ** exponent: exact for whole exponents, to 50 significant digits otherwise."""
    if exponent.denominator == 1:
        return base**exponent.numerator
    with localcontext(Context(prec=60)):
        root = Decimal(base.numerator) / Decimal(base.denominator)
        raised = root ** (Decimal(exponent.numerator) / Decimal(exponent.denominator))
    with localcontext(Context(prec=50)):
        return Fraction(+raised)


def reach(programme: Programme, market: MarketCluster) -> Fraction:
    """Part of demand our duty-paid price can win, 0..1."""
    ratio = market.price_ratio.exact * (1 + market.rival_duty.exact) / (1 + market.duty.exact)
    return min(Fraction(1), power(ratio, programme.elasticity.exact))


def lot_price(case: Case, market: MarketCluster, family: str) -> Fraction:
    """Price of one lot, in cents."""
    return market.families[family].price.cents * case.cluster.family(family).lot_size


def _sellable(case: Case, market: MarketCluster, firm: Firm, family: str) -> bool:
    """Whether the firm makes the family at a cost the market's price covers."""
    product = firm.product(family)
    if product is None or family not in market.families or not product.capacity_units_per_year:
        return False
    most = (1 - case.programme.commission.exact) * market.families[family].price.cents
    return product.unit_cost_cents is None or product.unit_cost_cents <= most


def spare_share(case: Case, firm: Firm, family: str) -> Fraction:
    """Part of capacity free for a consortium: the product's, else the programme's."""
    product = firm.product(family)
    if product is None or product.spare_share_bp is None:
        return case.programme.spare_share.exact
    return Fraction(product.spare_share_bp, 10_000)


def alone_lots(case: Case, code: str, firm: Firm, family: str) -> int:
    """Lots a year the firm could sell by itself: no retention factor, no member cap."""
    market = case.market_cluster(code)
    product = firm.product(family)
    if product is None or not _sellable(case, market, firm, family):
        return 0
    capacity = product.capacity_units_per_year or 0
    lot = case.cluster.family(family).lot_size
    return math.floor(capacity * spare_share(case, firm, family) / lot)


def counted_lots(case: Case, code: str, firm: Firm, family: str) -> int:
    """Lots a year that count towards a consortium's total."""
    market = case.market_cluster(code)
    product = firm.product(family)
    if product is None or not _sellable(case, market, firm, family):
        return 0
    programme = case.programme
    capacity = product.capacity_units_per_year or 0
    lot = case.cluster.family(family).lot_size
    own = capacity * spare_share(case, firm, family) * programme.retention.exact / lot
    sold = reach(programme, market) * programme.reference_buyers.exact
    sold *= market.families[family].purchase_per_buyer.cents / lot_price(case, market, family)
    return math.floor(min(own, programme.member_cap.exact * sold))


def families_sold(case: Case, code: str, firm: Firm) -> tuple[str, ...]:
    """Families the firm brings to a market, in the cluster's order."""
    return tuple(f for f in case.cluster.family_keys if counted_lots(case, code, firm, f) > 0)


def missing_certificates(case: Case, code: str, firm: Firm) -> tuple[str, ...]:
    """Certificates the market needs and the firm does not hold on the programme's day."""
    held = {c.name for c in firm.certificates if c.valid_on(case.programme.day)}
    needed = case.market_cluster(code).required_certificates.texts
    return tuple(name for name in needed if name and held.isdisjoint(_ways(case, name)))


def _ways(case: Case, name: str) -> tuple[str, ...]:
    """Certificates any of which meets a needed one."""
    return case.certificates[name].ways if name in case.certificates else (name,)


def certificate_state(case: Case, code: str, firm: Firm) -> CertificateState:
    """Whether the firm holds, can obtain, or cannot obtain what the market needs."""
    missing = missing_certificates(case, code, firm)
    if not missing:
        return "held"
    if any(name not in case.certificates for name in missing) or firm.turnover_cents is None:
        return "out of reach"
    months = max(case.certificates[name].months.exact for name in missing)
    limit = case.programme.certificate_cost_share.exact * firm.turnover_cents
    in_time = months <= case.programme.certificate_months.exact
    return "obtainable" if in_time and upgrade_cents(case, missing) <= limit else "out of reach"


def upgrade_cents(case: Case, missing: tuple[str, ...]) -> Fraction:
    """Cost of obtaining certificates, in cents, undiscounted."""
    return sum((case.certificates[name].cost.cents for name in missing), Fraction(0))


def contribution_cents(case: Case, firm: Firm) -> int:
    """Most the firm will pay in a year: stated, or a share of turnover within bounds."""
    if firm.max_contribution_cents is not None:
        return firm.max_contribution_cents
    programme = case.programme
    floor, ceiling = programme.contribution_floor.cents, programme.contribution_ceiling.cents
    share = programme.contribution_of_turnover.exact * (firm.turnover_cents or 0)
    return round(min(max(share, floor), ceiling))


def product_fees_cents(case: Case, kind: Kind, firm: Firm, year: int) -> Fraction:
    """Per-product fees the firm itself pays in a year for the families it sells, in cents."""
    code = kind.market
    market = case.market_cluster(code)
    if case.plan(kind.plan).common_brand:
        return Fraction(0)
    each = market.product_fee_annual.cents
    if year == 1:
        each += market.product_fee_once.cents
    return each * len(families_sold(case, code, firm)) if each else Fraction(0)


def headroom_cents(case: Case, kind: Kind, firm: Firm) -> tuple[int, ...]:
    """What the firm can add to joint costs in each launch year, after its own; may be negative."""
    programme, market = case.programme, case.market_cluster(kind.market)
    promotion = case.plan(kind.plan).member_promotion_annual.cents
    subsidised = min(promotion, programme.subsidy_cap_member.cents)
    pay = contribution_cents(case, firm)
    out = []
    for year in programme.launch_years:
        establishment = market.establishment_fee_annual.cents
        if year == 1:
            establishment += market.establishment_fee_once.cents
        own = round(promotion) + round(programme.coordination_per_member.cents)
        own += round(establishment)
        subsidy = round(programme.subsidy_path.series[year - 1] * subsidised)
        fees = round(product_fees_cents(case, kind, firm, year))
        out.append(pay - own + subsidy - fees)
    return tuple(out)


def experienced(case: Case, firm: Firm) -> bool:
    """Whether the firm is known to have exported long enough to lead others."""
    return (firm.export_years or 0) >= case.programme.experienced_years.whole


def ineligible(case: Case, code: str, firm: Firm) -> Ineligible | None:
    """Why the firm cannot join a consortium of any kind for a market, or ``None`` if it can."""
    if firm.firm_id in case.rules.exclude:
        return Ineligible("excluded", "The rules file leaves this firm out.")
    if (firm.role or "maker") != "maker":
        return Ineligible("not_a_maker", f"It is a {firm.role}; consortia are of makers.")
    if not families_sold(case, code, firm):
        return _nothing_to_sell(case, code, firm)
    if certificate_state(case, code, firm) == "out of reach":
        return _certificate_reason(case, code, firm)
    kinds = [kind for kind in case.kinds if kind.market == code]
    if all(min(headroom_cents(case, kind, firm), default=0) < 0 for kind in kinds):
        return _cannot_pay(case, kinds, firm)
    return None


def _cannot_pay(case: Case, kinds: list[Kind], firm: Firm) -> Ineligible:
    pay = contribution_cents(case, firm)
    short = min(-min(headroom_cents(case, kind, firm), default=0) for kind in kinds)
    stated = "states" if firm.max_contribution_cents is not None else "is assumed to have"
    return Ineligible(
        "cannot_pay",
        f"It {stated} USD {pay / 100:,.0f} a year for a consortium; its own costs in the launch "
        f"years are at least USD {short / 100:,.0f} above that in every marketing plan.",
    )


def _nothing_to_sell(case: Case, code: str, firm: Firm) -> Ineligible:
    market = case.market_cluster(code)
    if not firm.products:
        return Ineligible("no_product", "The register lists no product of this firm.")
    with_capacity = [
        p for p in firm.products if p.family in market.families and p.capacity_units_per_year
    ]
    if not with_capacity:
        return Ineligible(
            "no_product",
            f"None of its products has both a stated capacity and a market in {code}.",
        )
    dear = [p for p in with_capacity if not _sellable(case, market, firm, p.family)]
    if dear:
        product = dear[0]
        price = market.families[product.family].price
        label = case.cluster.family(product.family).label
        return Ineligible(
            "too_costly",
            f"Its unit cost of USD {(product.unit_cost_cents or 0) / 100:.2f} for {label} "
            f"is above what {code} pays after commission (price USD {price.text}).",
        )
    return Ineligible("no_product", "It would bring less than one lot a year in every family.")


def certificate_words(case: Case, name: str) -> str:
    """A certificate in a sentence: its name, or "a social audit" for what is a name for several."""
    return f"a {name}" if _ways(case, name)[1:] else name


def _named(case: Case, name: str) -> str:
    """The same, with those that will do instead."""
    others = _ways(case, name)[1:]
    words = certificate_words(case, name)
    return f"{words} ({listed(others, word='or')})" if others else words


def _certificate_reason(case: Case, code: str, firm: Firm) -> Ineligible:
    missing = missing_certificates(case, code, firm)
    names = " and ".join(_named(case, name) for name in missing)
    if any(name not in case.certificates for name in missing):
        why = "we have no facts on obtaining it"
    elif firm.turnover_cents is None:
        why = "its turnover is not known, so we cannot tell whether it could pay for it"
    else:
        cost = upgrade_cents(case, missing) / 100
        share = case.programme.certificate_cost_share.exact * 100
        turnover = Fraction(firm.turnover_cents, 100)
        why = (
            f"obtaining it costs about USD {float(cost):,.0f}, more than {float(share):g}% of its "
            f"turnover of USD {float(turnover):,.0f}"
        )
        months = max(case.certificates[name].months.exact for name in missing)
        if months > case.programme.certificate_months.exact:
            why = f"obtaining it takes {float(months):g} months"
    return Ineligible("certificate", f"It does not hold {names}, which {code} needs, and {why}.")
