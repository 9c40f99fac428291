"""Turns drawn arrays into a register's firms: what firms state, want and leave blank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from consortium.market import Cluster
from consortium.register import ROLES, Certificate, FeeMode, Firm, Product
from consortium.sample_firms import (
    VENDOR,
    Bools,
    Ints,
    Population,
    Products,
    clipped,
    ranked,
)
from consortium.sample_profile import Floats, Profile

# Names of fields as the profile's table of gaps has them.
_FIRM_GAPS = (
    "role",
    "coordinates",
    "turnover",
    "export_sales",
    "export_years",
    "countries",
    "certificates",
    "financial_health",
    "management",
    "max_contribution",
    "preferred_fee_mode",
    "hours_per_month",
    "priorities",
    "target_markets",
    "women_led",
    "new_exporter",
)
_PRODUCT_GAPS = (
    "hs6",
    "capacity",
    "spare_share",
    "unit_cost",
    "unit_price",
    "lead_time",
    "reject_rate",
)


def write_firms(
    rng: np.random.Generator,
    profile: Profile,
    cluster: Cluster,
    drawn: Population,
    products: Products,
    ids: Sequence[str],
    names: Sequence[str],
) -> list[Firm]:
    """Firms of a register.

    Parameters
    ----------
    rng : source of chance.
    profile, cluster : what the firms are drawn from, and the families they make.
    drawn, products : the firms as arrays.
    ids, names : one per firm.
    """
    streams = rng.spawn(5)
    gaps = _gaps(streams[0], profile, drawn, _FIRM_GAPS)
    made = _products(streams[1], profile, cluster, drawn, products)
    held = _certificates(streams[2], profile, drawn)
    money, wishes = streams[3], streams[4]
    n = drawn.num_firms
    towns = profile.texts("towns.names")
    codes = profile.texts("export.countries")
    management = _score_bp(profile, "management", drawn.management)
    health = _score_bp(profile, "health", drawn.health)
    contribution = _contribution(money, profile, drawn)
    modes = profile.texts("money.fee_modes")
    mode = money.choice(len(modes), n, p=profile.shares("money.fee_mode_shares"))
    hours = profile.number("money.hours_median") * np.exp(
        profile.number("money.hours_on_management") * drawn.management
        + profile.number("money.hours_spread") * money.standard_normal(n)
    )
    hours = np.rint(clipped(hours, profile.span("money.hours_range")))
    priorities = _priorities(wishes, profile, drawn)
    targets = _targets(wishes, profile, drawn)
    women_led = wishes.random(n) < profile.number("wishes.women_led")
    groups = profile.texts("wishes.groups")
    elsewhere = wishes.random(n) < profile.number("wishes.member_elsewhere")
    group = wishes.integers(0, len(groups), n)

    out = []
    for i in range(n):
        no = {name: bool(gaps[name][i]) for name in _FIRM_GAPS}
        years = int(drawn.export_years[i])
        abroad = drawn.countries[i, : drawn.num_countries[i]]
        fee_mode: FeeMode = modes[mode[i]]  # the profile lists FEE_MODES only
        out.append(
            Firm(
                firm_id=ids[i],
                name=names[i],
                cluster=cluster.key,
                town=towns[drawn.town[i]],
                employees=int(drawn.employees[i]),
                latitude=None if no["coordinates"] else round(float(drawn.latitude[i]), 4),
                longitude=None if no["coordinates"] else round(float(drawn.longitude[i]), 4),
                role=None if no["role"] else ROLES[drawn.role[i]],
                turnover_cents=None if no["turnover"] else int(drawn.turnover[i]) * 100,
                export_sales_cents=None if no["export_sales"] else int(drawn.export_sales[i]) * 100,
                export_years=None if no["export_years"] else years,
                countries=() if no["countries"] else tuple(sorted(codes[c] for c in abroad)),
                certificates=() if no["certificates"] else held[i],
                financial_health_bp=None if no["financial_health"] else int(health[i]),
                management_bp=None if no["management"] else int(management[i]),
                max_contribution_cents=None
                if no["max_contribution"]
                else int(contribution[i]) * 100,
                preferred_fee_mode=None if no["preferred_fee_mode"] else fee_mode,
                hours_per_month=None if no["hours_per_month"] else int(hours[i]),
                priorities=() if no["priorities"] else priorities[i],
                target_markets=() if no["target_markets"] else targets[i],
                women_led=None if no["women_led"] else bool(women_led[i]),
                # As the column is defined: never exported, or began this year.
                new_exporter=None if no["new_exporter"] else years == 0,
                other_memberships=(groups[group[i]],) if elsewhere[i] else (),
                products=made[i],
            )
        )
    return out


def _gaps(
    rng: np.random.Generator,
    profile: Profile,
    drawn: Population,
    names: Sequence[str],
    slots: int = 1,
) -> dict[str, Bools]:
    """By field, where its value is missing: firms, or firms by slot."""
    shape = (drawn.num_firms, slots)
    care = np.exp(profile.number("missing.on_management") * drawn.management)[:, None]
    out = {}
    for name in names:
        missing = rng.random(shape) < profile.number(f"missing.{name}") * care
        out[name] = missing[:, 0] if slots == 1 else missing
    return out


def _score_bp(profile: Profile, name: str, standard: Floats) -> Ints:
    """A score from 0 to 1, stated in hundredths, as basis points."""
    score = profile.number(f"scores.{name}_mean") + (
        profile.number(f"scores.{name}_spread") * standard
    )
    return np.rint(clipped(score, profile.span("scores.score_range")) * 100).astype(np.int64) * 100


def _contribution(rng: np.random.Generator, profile: Profile, drawn: Population) -> Ints:
    """The most a firm would pay, USD a year."""
    step = profile.number("money.contribution_rounding")
    wanted = (
        drawn.turnover
        * profile.number("money.contribution_of_turnover")
        * np.exp(profile.number("money.contribution_spread") * rng.standard_normal(drawn.num_firms))
    )
    span = profile.span("money.contribution_range")
    return clipped(np.rint(wanted / step) * step, span).astype(np.int64)


def _priorities(
    rng: np.random.Generator, profile: Profile, drawn: Population
) -> list[tuple[str, ...]]:
    codes = profile.texts("wishes.priorities")
    vendor = (drawn.role == VENDOR)[:, None]
    weights = np.where(
        vendor,
        np.log(profile.shares("wishes.vendor_priority_weights")),
        np.log(profile.shares("wishes.priority_weights")),
    )
    lacks = ~drawn.held.any(axis=1)
    weights[:, codes.index("certification")] += profile.number("wishes.uncertified_push") * lacks
    return [tuple(codes[c] for c in row[:3]) for row in ranked(rng, weights)]


def _targets(
    rng: np.random.Generator, profile: Profile, drawn: Population
) -> list[tuple[str, ...]]:
    codes = profile.texts("wishes.targets")
    weights = np.log(profile.shares("wishes.target_weights"))
    order = ranked(rng, np.tile(weights, (drawn.num_firms, 1)))
    shares = profile.shares("wishes.target_counts")
    count = 1 + rng.choice(len(shares), drawn.num_firms, p=shares)
    silent = rng.random(drawn.num_firms) < profile.number("wishes.vendor_no_target")
    count = np.where((drawn.role == VENDOR) & silent, 0, count)
    return [tuple(codes[c] for c in row[:k]) for row, k in zip(order, count.tolist(), strict=True)]


def _certificates(
    rng: np.random.Generator, profile: Profile, drawn: Population
) -> list[tuple[Certificate, ...]]:
    names = profile.names_under("certificates.names")
    shape = drawn.held.shape
    lapsed = rng.random(shape) < profile.number("certificates.lapsed_share")
    undated = rng.random(shape) < profile.number("certificates.undated_share")
    start, turn, end = (
        date.fromisoformat(profile.text(f"certificates.{key}"))
        for key in ("lapsed_from", "valid_from", "valid_to")
    )
    before = rng.integers(0, (turn - start).days, shape)
    after = rng.integers(0, (end - turn).days + 1, shape)
    yearly = [profile.text(f"certificates.names.{name}.yearly") == "yes" for name in names]

    def expires(i: int, j: int) -> date | None:
        if undated[i, j]:
            return None
        if yearly[j]:
            return date(turn.year - 1 if lapsed[i, j] else turn.year, 12, 31)
        if lapsed[i, j]:
            return start + timedelta(days=int(before[i, j]))
        return turn + timedelta(days=int(after[i, j]))

    ascending = sorted(range(len(names)), key=lambda j: names[j])
    return [
        tuple(Certificate(names[j], expires(i, j)) for j in ascending if drawn.held[i, j])
        for i in range(drawn.num_firms)
    ]


def _products(
    rng: np.random.Generator,
    profile: Profile,
    cluster: Cluster,
    drawn: Population,
    products: Products,
) -> list[tuple[Product, ...]]:
    families = [cluster.family(key) for key in profile.names_under("products.families")]
    slots = products.family.shape[1]
    no = _gaps(rng, profile, drawn, _PRODUCT_GAPS, slots)
    code = rng.random(products.family.shape)

    def product(i: int, j: int) -> Product:
        family = families[products.family[i, j]]
        return Product(
            family=family.key,
            hs6=None if no["hs6"][i, j] else family.hs6[int(code[i, j] * len(family.hs6))],
            capacity_units_per_year=None if no["capacity"][i, j] else int(products.capacity[i, j]),
            # Shares are stated in hundredths, rejects in tenths of a hundredth.
            spare_share_bp=None
            if no["spare_share"][i, j]
            else round(float(products.spare[i, j]) * 100) * 100,
            unit_cost_cents=None if no["unit_cost"][i, j] else int(products.cost_cents[i, j]),
            unit_price_cents=None if no["unit_price"][i, j] else int(products.price_cents[i, j]),
            lead_time_days=None if no["lead_time"][i, j] else int(products.lead_days[i, j]),
            reject_rate_bp=None
            if no["reject_rate"][i, j]
            else round(float(products.reject[i, j]) * 1000) * 10,
        )

    return [
        tuple(sorted((product(i, j) for j in range(products.count[i])), key=lambda p: p.family))
        for i in range(drawn.num_firms)
    ]
