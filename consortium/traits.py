"""What the compatibility score needs to know of one firm, for one market; computed once a firm.

Both implementations of the score (``criteria``, one pair; ``pair_arrays``, many) start from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from consortium.case import Case
from consortium.eligibility import (
    CertificateState,
    certificate_state,
    contribution_cents,
    counted_lots,
    experienced,
)
from consortium.market import country_of
from consortium.register import Firm
from consortium.scale import Scale

FULL, HALF = 10_000, 5_000
POINTS_BY_RANK = (3, 2, 1)


@dataclass(frozen=True, slots=True)
class Traits:
    """One firm as the score sees it.

    Attributes
    ----------
    firm_id, town : as in the register.
    lots : counted lots a year by family, in the cluster's order.
    families, channels : families sold in the market, and the kinds of buyer they go to.
    points : 3, 2, 1 by priority; empty where the register gives none.
    names_market : whether the market is among its targets, ``None`` where it names no market.
    log_employees : natural logarithm of the number of employees.
    management_bp : basis points or ``None``.
    finance_bp, time_bp : the firm's own side of these criteria; missing parts count half.
    certificate : "held", "obtainable" or "out of reach".
    experienced : ``None`` where export years are not known.
    place : point on the unit sphere, or ``None`` without coordinates.
    """

    firm_id: str
    town: str
    lots: tuple[int, ...]
    families: frozenset[str]
    channels: frozenset[str]
    points: dict[str, int]
    names_market: bool | None
    log_employees: float
    management_bp: int | None
    finance_bp: int
    time_bp: int
    certificate: CertificateState
    experienced: bool | None
    place: tuple[float, float, float] | None


def traits_of(case: Case, scale: Scale, market_code: str, firm: Firm) -> Traits:
    """The traits of a firm for a market of the case."""
    keys = case.cluster.family_keys
    lots = tuple(counted_lots(case, market_code, firm, key) for key in keys)
    families = frozenset(key for key, quantity in zip(keys, lots, strict=True) if quantity > 0)
    seasoned: bool | None = experienced(case, firm)
    if not seasoned and firm.export_years is None:
        seasoned = None
    return Traits(
        firm_id=firm.firm_id,
        town=firm.town,
        lots=lots,
        families=families,
        channels=frozenset(case.cluster.family(key).channel for key in families),
        points=_priority_points(firm),
        names_market=country_of(market_code) in firm.target_markets
        if firm.target_markets
        else None,
        log_employees=math.log(firm.employees),
        management_bp=firm.management_bp,
        finance_bp=_finance_bp(case, scale, firm),
        time_bp=_time_bp(scale, firm),
        certificate=certificate_state(case, market_code, firm),
        experienced=seasoned,
        place=_unit_vector(firm),
    )


def missing_inputs(firm: Firm) -> tuple[str, ...]:
    """Columns of the firms sheet that the score uses and the register leaves empty."""
    absent = {
        "latitude": firm.latitude is None or firm.longitude is None,
        "export_years": firm.export_years is None,
        "financial_health": firm.financial_health_bp is None,
        "management": firm.management_bp is None,
        "max_contribution_usd_per_year": firm.max_contribution_cents is None,
        "hours_per_month": firm.hours_per_month is None,
        "priorities": not firm.priorities,
        "target_markets": not firm.target_markets,
    }
    return tuple(name for name, is_absent in absent.items() if is_absent)


def _priority_points(firm: Firm) -> dict[str, int]:
    points: dict[str, int] = {}
    for name, worth in zip(firm.priorities, POINTS_BY_RANK, strict=False):
        points.setdefault(name, worth)
    return points


def _finance_bp(case: Case, scale: Scale, firm: Firm) -> int:
    """Half health, half willingness to pay. Rounding is monotone: the minimum may follow it."""
    health = HALF if firm.financial_health_bp is None else firm.financial_health_bp
    pays = min(Fraction(1), Fraction(contribution_cents(case, firm), scale.pay_cents))
    return round(Fraction(health, 2) + HALF * pays)


def _time_bp(scale: Scale, firm: Firm) -> int:
    if firm.hours_per_month is None:
        return HALF
    return min(FULL, firm.hours_per_month * FULL // scale.hours)


def _unit_vector(firm: Firm) -> tuple[float, float, float] | None:
    if firm.latitude is None or firm.longitude is None:
        return None
    north, east = math.radians(firm.latitude), math.radians(firm.longitude)
    return (math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north))
