"""Draws the firms of a synthetic register as arrays: one row per firm, before any value is missing.

A chain from size: workers drive management, management and size drive health, turnover, export
years and share, certificates and products. Whoever reads the arrays sees complete firms; ``sample``
turns them into a register with gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consortium.register import ROLES
from consortium.sample_profile import Floats, Profile

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
MAKER, VENDOR, TRADER = range(len(ROLES))
KM_PER_DEGREE = 111.195  # of latitude, on a sphere of 6,371 km


@dataclass(frozen=True)
class Population:
    """Drawn firms; every array has one row per firm.

    Attributes
    ----------
    role : index into ``ROLES``.
    exporting : whether the firm exports.
    employees : workers.
    size : ln(workers / reference workers).
    management, health : standard scores.
    town : index into the profile's towns.
    latitude, longitude : degrees.
    east_km, north_km : place relative to the first town.
    turnover, export_sales : USD a year.
    export_years : years of export, 0 where the firm does not.
    countries : ranks of the profile's countries, best first.
    num_countries : how many of them the firm exports to.
    held : one column per certificate of the profile.
    """

    role: Ints
    exporting: Bools
    employees: Ints
    size: Floats
    management: Floats
    health: Floats
    town: Ints
    latitude: Floats
    longitude: Floats
    east_km: Floats
    north_km: Floats
    turnover: Floats
    export_sales: Floats
    export_years: Ints
    countries: Ints
    num_countries: Ints
    held: Bools

    @property
    def num_firms(self) -> int:
        """Number of firms."""
        return len(self.role)


@dataclass(frozen=True)
class Products:
    """Product rows: firm by slot, slot 0 the family with the largest sales in expectation.

    Only the first ``count`` slots of a firm are real; vendors and traders have none.
    """

    count: Ints
    family: Ints
    capacity: Ints
    spare: Floats
    cost_cents: Ints
    price_cents: Ints
    lead_days: Ints
    reject: Floats


def draw_population(rng: np.random.Generator, profile: Profile, num_firms: int) -> Population:
    """Firms without their products and ties."""
    n = num_firms
    place, kind, people, money, trade, papers = rng.spawn(6)
    role = kind.choice(len(ROLES), n, p=profile.shares("roles.shares")).astype(np.int64)
    exporting = kind.random(n) < profile.numbers("roles.exporting")[role]
    # The groups of the profile: exporting maker, other maker, vendor, trader.
    group = np.where(role == MAKER, np.where(exporting, 0, 1), role + 1)
    employees = _workers(people, profile, group)
    size = np.log(employees / profile.number("size.reference_workers"))
    management = profile.number("scores.management_on_size") * size + profile.number(
        "scores.management_noise"
    ) * people.standard_normal(n)
    health = (
        profile.number("scores.health_on_size") * size
        + profile.number("scores.health_on_management") * management
        + profile.number("scores.health_noise") * people.standard_normal(n)
    )
    per_worker = profile.numbers("turnover.per_worker")[group] * np.exp(
        profile.number("turnover.on_size") * size
        + profile.number("turnover.on_management") * management
        + profile.number("turnover.spread") * money.standard_normal(n)
    )
    step = profile.number("turnover.rounding")
    turnover = np.maximum(np.rint(employees * per_worker / step), 1) * step
    years = np.where(exporting, _export_years(trade, profile, size), 0)
    share = np.where(exporting, _export_share(trade, profile, size, years), 0.0)
    countries, num_countries = _countries(trade, profile, size, years)
    num_countries = np.where(exporting, num_countries, 0)
    exports_to = _sells_to(countries, num_countries, len(profile.texts("export.countries")))
    held = _certificates(papers, profile, size, management, exporting, exports_to)
    town, latitude, longitude, east_km, north_km = _places(place, profile, n)
    return Population(
        role=role,
        exporting=exporting,
        employees=employees,
        size=size,
        management=management,
        health=health,
        town=town,
        latitude=latitude,
        longitude=longitude,
        east_km=east_km,
        north_km=north_km,
        turnover=turnover,
        export_sales=np.rint(turnover * share),
        export_years=years,
        countries=countries,
        num_countries=num_countries,
        held=held,
    )


def ranked(rng: np.random.Generator, log_weights: Floats) -> Ints:
    """Columns of each row in random order, drawn without replacement by weight (Gumbel's way)."""
    keys = log_weights + rng.gumbel(size=log_weights.shape)
    return np.argsort(-keys, axis=1, kind="stable").astype(np.int64)


def clipped(values: Floats, span: tuple[float, float]) -> Floats:
    """Values cut to a lowest and a highest."""
    return np.clip(values, *span)


def _workers(rng: np.random.Generator, profile: Profile, group: NDArray[np.int64]) -> Ints:
    """Workers: lognormal by group, drawn again while outside the group's range."""
    median, spread = profile.numbers("size.median")[group], profile.numbers("size.spread")[group]
    lowest, highest = profile.numbers("size.lowest")[group], profile.numbers("size.highest")[group]
    workers = np.zeros(len(group))
    left = np.arange(len(group))
    while len(left):
        drawn = np.rint(median[left] * np.exp(spread[left] * rng.standard_normal(len(left))))
        workers[left] = drawn
        left = left[(drawn < lowest[left]) | (drawn > highest[left])]
    return workers.astype(np.int64)


def _export_years(rng: np.random.Generator, profile: Profile, size: Floats) -> Ints:
    n = len(size)
    age = profile.number("export.age_median") * np.exp(
        profile.number("export.age_on_size") * size
        + profile.number("export.age_spread") * rng.standard_normal(n)
    )
    age = clipped(age, profile.span("export.age_range"))
    years = np.rint(age * (1 - rng.uniform(*profile.span("export.first_share"), n)))
    # A firm that began lately may be of any age: size and age say little of it.
    recent = rng.random(n) < profile.number("export.recent_share")
    first = rng.integers(0, 3, n)
    return np.where(recent, np.minimum(years, first), years).astype(np.int64)


def _export_share(rng: np.random.Generator, profile: Profile, size: Floats, years: Ints) -> Floats:
    odds = (
        profile.number("export.share_intercept")
        + profile.number("export.share_on_size") * size
        + profile.number("export.share_on_years") * _log_years(years)
        + profile.number("export.share_noise") * rng.standard_normal(len(size))
    )
    return clipped(_logistic(odds), profile.span("export.share_range"))


def _countries(
    rng: np.random.Generator, profile: Profile, size: Floats, years: Ints
) -> tuple[Ints, Ints]:
    n = len(size)
    mean = profile.number("export.extra_countries") * np.exp(
        profile.number("export.extra_on_size") * size
        + profile.number("export.extra_on_years") * _log_years(years)
    )
    count = np.minimum(1 + rng.poisson(mean), int(profile.number("export.most_countries")))
    weights = np.log(profile.shares("export.country_weights"))
    return ranked(rng, np.tile(weights, (n, 1))), count.astype(np.int64)


def _sells_to(order: Ints, count: Ints, num_countries: int) -> Bools:
    """Firm by country: whether it exports there."""
    flags = np.zeros((len(order), num_countries), dtype=np.bool_)
    chosen = np.arange(num_countries) < count[:, None]
    np.put_along_axis(flags, order, chosen, axis=1)
    return flags


def _certificates(
    rng: np.random.Generator,
    profile: Profile,
    size: Floats,
    management: Floats,
    exporting: Bools,
    exports_to: Bools,
) -> Bools:
    names = profile.names_under("certificates.names")
    codes = profile.texts("export.countries")
    # One draw shared by a firm's certificates: whoever takes the trouble once does so again.
    common = profile.number("certificates.common_noise") * rng.standard_normal(len(size))
    held: Mapping[str, Bools] = {}
    for name in names:
        key = f"certificates.names.{name}"
        base, on_size, on_management, on_export, on_market = profile.numbers(f"{key}.log_odds")
        wanted = [codes.index(code) for code in profile.texts(f"{key}.markets")]
        there = exports_to[:, wanted].any(axis=1)
        odds = base + on_size * size + on_management * management + common
        has = rng.random(len(size)) < _logistic(odds + on_export * exporting + on_market * there)
        requires = profile.text(f"{key}.requires")
        held = {**held, name: has & held[requires] if requires else has}
    return np.stack([held[name] for name in names], axis=1)


def _places(
    rng: np.random.Generator, profile: Profile, n: int
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    town = rng.choice(len(profile.texts("towns.names")), n, p=profile.shares("towns.shares"))
    scatter = profile.numbers("towns.scatter_km")[town]
    north, east = profile.numbers("towns.latitudes"), profile.numbers("towns.longitudes")
    km_per_degree_east = KM_PER_DEGREE * np.cos(np.radians(north[0]))
    latitude = north[town] + scatter * rng.standard_normal(n) / KM_PER_DEGREE
    longitude = east[town] + scatter * rng.standard_normal(n) / km_per_degree_east
    return (
        town.astype(np.int64),
        latitude,
        longitude,
        (longitude - east[0]) * km_per_degree_east,
        (latitude - north[0]) * KM_PER_DEGREE,
    )


def draw_products(rng: np.random.Generator, profile: Profile, firms: Population) -> Products:
    """Product rows whose capacity x price x utilisation adds up to the firm's turnover."""
    n = firms.num_firms
    choice, figures = rng.spawn(2)
    keys = profile.names_under("products.families")
    shares = profile.shares("products.counts")
    slots = min(len(shares), len(keys))
    appetite = (
        profile.number("products.count_on_size") * (firms.size - firms.size.mean())
        + profile.number("products.count_on_management") * firms.management
        + choice.standard_normal(n)
    )
    spread = float(appetite.std()) or 1.0
    cuts = [NormalDist().inv_cdf(x) for x in np.cumsum(shares)[: slots - 1]]
    count = 1 + np.searchsorted(np.array(cuts), (appetite - appetite.mean()) / spread)
    count = np.where(firms.role == MAKER, count, 0).astype(np.int64)

    def by_family(name: str) -> Floats:
        return np.array([profile.number(f"products.families.{key}.{name}") for key in keys])

    wish = (
        np.log(by_family("weight"))
        + by_family("on_size") * firms.size[:, None]
        + by_family("on_management") * firms.management[:, None]
    )
    family = ranked(choice, wish)[:, :slots]
    real = np.arange(slots) < count[:, None]
    part = profile.numbers("products.sales_by_rank")[:slots] * np.exp(
        profile.number("products.sales_noise") * choice.standard_normal((n, slots))
    )
    part = np.where(real, part, 0)
    part = part / np.maximum(part.sum(axis=1, keepdims=True), 1e-9)
    return _figures(figures, profile, firms, count, family, by_family("price"), part)


def _figures(
    rng: np.random.Generator,
    profile: Profile,
    firms: Population,
    count: Ints,
    family: Ints,
    family_price: Floats,
    part: Floats,
) -> Products:
    shape = family.shape
    skill = firms.management[:, None]

    def noise(name: str) -> Floats:
        return profile.number(f"products.{name}") * rng.standard_normal(shape)

    def shaped(name: str) -> Floats:
        level = profile.number(f"products.{name}_median") * np.exp(
            profile.number(f"products.{name}_on_management") * skill + noise(f"{name}_spread")
        )
        return clipped(level, profile.span(f"products.{name}_range"))

    lift = profile.number("products.price_on_management") * skill
    price = np.rint(family_price[family] * np.exp(lift + noise("price_spread")) * 100)
    price = np.maximum(price, 1)
    left = (
        profile.number("products.contribution")
        + profile.number("products.contribution_on_management") * skill
        + noise("contribution_spread")
    )
    left = clipped(left, profile.span("products.contribution_range"))
    used = rng.uniform(*profile.span("products.utilisation"), firms.num_firms)[:, None]
    step = profile.number("products.capacity_rounding")
    pieces = firms.turnover[:, None] * part / (price / 100 * used)
    spare = clipped(1 - used + noise("spare_noise"), profile.span("products.spare_range"))
    return Products(
        count=count,
        family=family,
        capacity=(np.maximum(np.rint(pieces / step), 1) * step).astype(np.int64),
        spare=spare,
        cost_cents=np.rint(price * (1 - left)).astype(np.int64),
        price_cents=price.astype(np.int64),
        lead_days=np.rint(shaped("lead")).astype(np.int64),
        reject=shaped("reject"),
    )


def _log_years(years: Ints) -> Floats:
    """ln(years / 10), with half a year for none."""
    return np.log(np.maximum(years, 0.5) / 10)


def _logistic(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-odds))
