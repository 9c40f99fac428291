"""Synthetic registers: the same for a seed, shaped as published, and valid registers throughout."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from consortium.errors import InputError
from consortium.market_files import load_clusters
from consortium.register import (
    CERTIFICATES,
    FEE_MODES,
    PRIORITIES,
    ROLES,
    TIE_KINDS,
    Firm,
    Product,
    Register,
)
from consortium.sample import MOST_FIRMS, sample_register
from consortium.sample_profile import load_profile, sample_clusters

CLUSTER = "surgical-sialkot"
CLUSTERS = ("autoparts-lahore", "footwear-lahore", "garments-lahore", CLUSTER)
AS_OF = date(2026, 1, 1)
FOR, AGAINST = {"worked_together", "trust", "same_owner"}, {"rival", "veto"}


@pytest.fixture(scope="module")
def register() -> Register:
    return sample_register(CLUSTER, 3600, 1)


@pytest.fixture(scope="module")
def makers(register: Register) -> list[Firm]:
    return [firm for firm in register.firms if firm.role == "maker"]


@pytest.fixture(scope="module")
def exporters(register: Register) -> list[Firm]:
    return [firm for firm in register.firms if firm.export_sales_cents]


def rank_correlation(pairs: list[tuple[float | None, float | None]]) -> float:
    """Spearman's coefficient over the pairs that are known."""
    known = np.array([pair for pair in pairs if None not in pair], dtype=float)
    ranks = np.argsort(np.argsort(known, axis=0, kind="stable"), axis=0, kind="stable")
    return float(np.asarray(np.corrcoef(ranks.T))[0, 1])


def share_missing(values: list[object]) -> float:
    return sum(value is None for value in values) / len(values)


# -- determinism --------------------------------------------------------------------------------


def test_same_bytes_in_processes_with_different_hash_seeds() -> None:
    code = (
        "from consortium.sample import sample_register as s\n"
        f"print(s({CLUSTER!r}, 300, 7).sha256, s({CLUSTER!r}, 41, 8).sha256)"
    )
    here = sample_register(CLUSTER, 300, 7).sha256, sample_register(CLUSTER, 41, 8).sha256
    for hash_seed in ("1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert tuple(run.stdout.split()) == here


def test_seeds_and_global_state() -> None:
    np.random.seed(5)
    first = sample_register(CLUSTER, 50, 1)
    np.random.seed(6)
    assert sample_register(CLUSTER, 50, 1) == first
    assert sample_register(CLUSTER, 50, 2).sha256 != first.sha256


# -- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("num_firms", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("seed", range(3))
def test_small_registers(cluster: str, num_firms: int, seed: int) -> None:
    small = sample_register(cluster, num_firms, seed)
    assert [firm.firm_id for firm in small.firms] == [f"S{i + 1:04d}" for i in range(num_firms)]
    check_invariants(small)


@pytest.mark.parametrize(
    ("cluster", "num_firms", "seed", "words"),
    [
        ("steel-nowhere", 10, 1, ["steel-nowhere", CLUSTER]),
        (CLUSTER, 0, 1, ["--firms"]),
        (CLUSTER, -3, 1, ["--firms"]),
        (CLUSTER, MOST_FIRMS + 1, 1, ["--firms", "100,000"]),
        (CLUSTER, 10, -1, ["--seed"]),
        ("../data", 0, -1, ["../data", "--firms", "--seed"]),
    ],
)
def test_bad_arguments_name_every_fault(
    cluster: str, num_firms: int, seed: int, words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        sample_register(cluster, num_firms, seed)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_names_suffice_for_the_largest_register(cluster: str) -> None:
    profile = load_profile(cluster)
    parts = [profile.texts(f"names.{part}") for part in ("first", "middle", "last", "endings")]
    assert all(len(set(part)) == len(part) for part in parts)
    assert np.prod([len(part) for part in parts]) >= MOST_FIRMS


def test_quick() -> None:
    sample_register(CLUSTER, 10, 0)
    start = time.perf_counter()
    sample_register(CLUSTER, 3600, 3)
    assert time.perf_counter() - start < 3


# -- profile ------------------------------------------------------------------------------------


def test_every_cluster_has_a_profile() -> None:
    assert sample_clusters() == CLUSTERS == tuple(sorted(load_clusters()))


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_parameter_is_a_fact_that_says_where_it_comes_from(cluster: str) -> None:
    for fact in load_profile(cluster).facts.values():
        assert fact.source.strip()
        if fact.grade == "sourced":
            assert "[" in fact.source, fact.name
        if fact.grade == "estimate":
            assert "estimate" in fact.source or "[" in fact.source, fact.name


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_profile_speaks_of_what_the_register_knows(cluster: str) -> None:
    profile = load_profile(cluster)
    assert set(profile.names_under("products.families")) == set(
        load_clusters()[cluster].family_keys
    )
    assert set(profile.facts) <= set(load_profile(CLUSTER).facts) | {
        key for key in profile.facts if key.startswith(("published.", "products.families.", "cert"))
    }
    assert set(profile.names_under("certificates.names")) <= set(CERTIFICATES)
    assert set(profile.texts("money.fee_modes")) == set(FEE_MODES)
    assert set(profile.texts("wishes.priorities")) <= set(PRIORITIES)
    for key in ("roles.shares", "towns.shares", "products.counts", "wishes.target_counts"):
        assert profile.numbers(key).sum() == pytest.approx(1), key
    codes = profile.texts("export.countries")
    assert len(set(codes)) == len(codes) == len(profile.numbers("export.country_weights"))
    targets = profile.texts("wishes.targets")
    assert len(set(targets)) == len(targets) == len(profile.numbers("wishes.target_weights"))


# -- a valid register ---------------------------------------------------------------------------


def check_invariants(register: Register) -> None:
    key = register.firms[0].cluster
    cluster, profile = load_clusters()[key], load_profile(key)
    ids = [firm.firm_id for firm in register.firms]
    assert ids == sorted(set(ids))
    assert len({firm.name for firm in register.firms}) == len(ids)
    towns = set(profile.texts("towns.names"))
    named = set(profile.names_under("certificates.names"))
    for firm in register.firms:
        assert firm.cluster == key
        assert {certificate.name for certificate in firm.certificates} <= named
        assert firm.town in towns
        assert firm.employees >= 1
        assert firm.role is None or firm.role in ROLES
        assert (firm.latitude is None) == (firm.longitude is None)
        check_money_and_scores(firm)
        check_lists(firm)
        assert firm.role not in ("vendor", "trader") or not firm.products
        assert firm.role != "maker" or 1 <= len(firm.products) <= 4
        families = [product.family for product in firm.products]
        assert families == sorted(set(families))
        for product in firm.products:
            assert product.hs6 is None or product.hs6 in cluster.family(product.family).hs6
            check_product(product)
    pairs = [(tie.firm_a, tie.firm_b, tie.kind) for tie in register.ties]
    assert pairs == sorted(set(pairs))
    for a, b, kind in pairs:
        assert a < b
        assert {a, b} <= set(register.by_id)
        assert kind in TIE_KINDS
    for kinds in register.ties_between.values():
        assert not (kinds & FOR and kinds & AGAINST)


def check_money_and_scores(firm: Firm) -> None:
    assert firm.turnover_cents is None or firm.turnover_cents > 0
    if firm.turnover_cents is not None and firm.export_sales_cents is not None:
        assert 0 <= firm.export_sales_cents <= firm.turnover_cents
    if firm.max_contribution_cents is not None:
        assert 300_00 <= firm.max_contribution_cents <= 12_000_00
    for score in (firm.financial_health_bp, firm.management_bp):
        assert score is None or 0 <= score <= 10_000
    assert firm.export_years is None or 0 <= firm.export_years <= 70
    if firm.export_years is not None and firm.new_exporter is not None:
        assert firm.new_exporter == (firm.export_years == 0)
    if firm.export_sales_cents == 0:
        assert not firm.countries
    assert firm.hours_per_month is None or 2 <= firm.hours_per_month <= 40


def check_lists(firm: Firm) -> None:
    assert list(firm.countries) == sorted(set(firm.countries))
    names = [certificate.name for certificate in firm.certificates]
    assert names == sorted(set(names))
    assert set(names) <= set(CERTIFICATES)
    assert "CE-MDR" not in names or "ISO 13485" in names
    assert "IATF 16949" not in names or "ISO 9001" in names
    assert len(set(firm.priorities)) == len(firm.priorities) in (0, 3)
    assert set(firm.priorities) <= set(PRIORITIES)
    assert len(set(firm.target_markets)) == len(firm.target_markets) <= 4
    assert firm.preferred_fee_mode is None or firm.preferred_fee_mode in FEE_MODES
    for code in (*firm.countries, *firm.target_markets):
        assert len(code) == 3
        assert code.isascii()
        assert code.isupper()


def check_product(product: Product) -> None:
    assert product.capacity_units_per_year is None or product.capacity_units_per_year >= 100
    assert product.spare_share_bp is None or 1000 <= product.spare_share_bp <= 5000
    assert product.unit_cost_cents is None or product.unit_cost_cents > 0
    assert product.unit_price_cents is None or product.unit_price_cents > 0
    assert product.lead_time_days is None or 15 <= product.lead_time_days <= 180
    assert product.reject_rate_bp is None or 0 <= product.reject_rate_bp <= 2500


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_register_is_valid(cluster: str) -> None:
    check_invariants(sample_register(cluster, 3600, 1))


def test_values_are_plain_python(register: Register) -> None:
    # A numpy number hashes and prints otherwise than the int it equals.
    plain = (int, float, str, bool, tuple, type(None))
    for firm in register.firms[:400]:
        values = [getattr(firm, name) for name in Firm.__slots__]
        values += [getattr(p, name) for p in firm.products for name in Product.__slots__]
        assert all(type(value) in plain for value in values)


@pytest.fixture(scope="module", params=CLUSTERS)
def every_maker(request: pytest.FixtureRequest) -> list[Firm]:
    """The makers of a register of each cluster."""
    return [f for f in sample_register(request.param, 3600, 1).firms if f.role == "maker"]


# -- published figures --------------------------------------------------------------------------


def test_workers_and_sizes_as_published(register: Register, makers: list[Firm]) -> None:
    facts = load_profile(CLUSTER).facts
    workers = np.array([firm.employees for firm in register.firms])
    low, high = facts["published.workers"].low, facts["published.workers"].high
    assert low is not None
    assert high is not None
    assert float(low) <= workers.sum() <= float(high)
    assert np.median(workers) < 25  # "rest small" [38]
    large, medium = facts["published.large_from"].whole, facts["published.medium_from"].whole
    scale = len(makers) / facts["published.units"].whole
    made = np.array([firm.employees for firm in makers])
    assert 20 * scale <= (made >= large).sum() <= 42 * scale  # about 30 [38]
    assert 110 * scale <= ((made >= medium) & (made < large)).sum() <= 200 * scale  # 150 [38]


def test_exporting_makers_have_15_to_700_workers(exporters: list[Firm]) -> None:
    workers = [firm.employees for firm in exporters if firm.role == "maker"]
    assert min(workers) >= 15
    assert 400 < max(workers) <= 700


def test_roles_and_exporters_as_published(
    register: Register, exporters: list[Firm], makers: list[Firm]
) -> None:
    assert 0.61 <= len(makers) / 3600 <= 0.70
    known = 1 - share_missing([firm.export_sales_cents for firm in register.firms])
    assert 1800 <= len(exporters) / known <= 2100  # more than 1,800 [37]


def test_exports_as_published(register: Register, exporters: list[Firm]) -> None:
    known = 1 - share_missing([firm.export_sales_cents for firm in register.firms])
    exports = sum(firm.export_sales_cents or 0 for firm in exporters) / 100 / known
    assert 340e6 <= exports <= 450e6  # 362-421 million [40][42], plus a seed's luck with the large
    workers = sum(firm.employees for firm in register.firms)
    assert 2700 <= exports / workers <= 4200


def test_turnover_a_worker(makers: list[Firm]) -> None:
    known = [firm for firm in makers if firm.turnover_cents is not None]
    each = [(firm.turnover_cents or 0) / 100 / firm.employees for firm in known]
    assert 3000 <= np.median(each) <= 5000
    assert np.quantile(each, 0.02) >= 1500
    assert np.quantile(each, 0.98) <= 10_500


def test_the_usa_comes_first_and_south_africa_is_a_modest_wish(
    exporters: list[Firm], makers: list[Firm]
) -> None:
    sold = Counter(code for firm in exporters for code in firm.countries)
    assert sold.most_common(1)[0][0] == "USA"
    wishes = [firm.target_markets for firm in makers if firm.target_markets]
    assert 0.1 <= np.mean(["ZAF" in named for named in wishes]) <= 0.3


def test_fee_modes_as_in_the_trial(register: Register) -> None:
    modes = [firm.preferred_fee_mode for firm in register.firms if firm.preferred_fee_mode]
    for mode, share in zip(FEE_MODES, (0.40, 0.23, 0.22, 0.14), strict=True):
        assert modes.count(mode) / len(modes) == pytest.approx(share / 0.99, abs=0.03)


def test_priorities_are_marketing_and_markets_first(makers: list[Firm]) -> None:
    first = Counter(firm.priorities[0] for firm in makers if firm.priorities)
    assert [name for name, _ in first.most_common(2)] == ["export_marketing", "new_markets"]


def test_certificates_are_the_exception_and_some_have_lapsed(register: Register) -> None:
    small = [firm for firm in register.firms if firm.role == "maker" and firm.employees < 50]
    assert np.mean([bool(firm.certificates) for firm in small]) < 0.5  # "often lack" [49]
    dated = [c for firm in register.firms for c in firm.certificates if c.expires]
    assert 0.03 <= np.mean([not c.valid_on(AS_OF) for c in dated]) <= 0.13
    ends = [c.expires for c in dated if c.expires]
    assert min(ends) >= date(2025, 7, 1)
    assert max(ends) <= date(2029, 6, 30)


def test_product_prices_costs_and_capacity(makers: list[Firm]) -> None:
    profile = load_profile(CLUSTER)
    products = [product for firm in makers for product in firm.products]
    counts = Counter(product.family for product in products)
    assert counts.most_common(1)[0][0] == "general"
    assert set(counts) == set(load_clusters()[CLUSTER].family_keys)
    for family in counts:
        prices = [p.unit_price_cents for p in products if p.family == family and p.unit_price_cents]
        price = profile.number(f"products.families.{family}.price") * 100
        assert np.median(prices) == pytest.approx(price, rel=0.06)
    left = np.array(
        [
            1 - p.unit_cost_cents / p.unit_price_cents
            for p in products
            if p.unit_cost_cents is not None and p.unit_price_cents is not None
        ]
    )
    assert left.mean() == pytest.approx(0.33, abs=0.02)
    assert 0 < (left < 0).mean() < 0.02
    spare = [p.spare_share_bp for p in products if p.spare_share_bp is not None]
    assert 2500 <= np.mean(spare) <= 3500


def test_capacity_agrees_with_turnover(makers: list[Firm]) -> None:
    checked = 0
    for firm in makers:
        full = [
            p.capacity_units_per_year * p.unit_price_cents
            for p in firm.products
            if p.capacity_units_per_year is not None and p.unit_price_cents is not None
        ]
        turnover = firm.turnover_cents
        if len(full) < len(firm.products) or turnover is None or turnover < 20_000_00:
            continue
        checked += 1
        assert 0.5 <= turnover / sum(full) <= 0.9  # utilisation, and capacity rounded
    assert checked > 1000


def test_contributions(makers: list[Firm]) -> None:
    shares = [
        firm.max_contribution_cents / firm.turnover_cents
        for firm in makers
        if firm.max_contribution_cents is not None
        and firm.turnover_cents is not None
        and 300_00 < firm.max_contribution_cents < 12_000_00
    ]
    assert np.median(shares) == pytest.approx(0.012, rel=0.15)
    missing = share_missing([firm.max_contribution_cents for firm in makers])
    assert 0.10 <= missing <= 0.20


def test_gaps_are_everywhere_but_in_required_columns(register: Register) -> None:
    kept = {"firm_id", "name", "cluster", "town", "employees"}
    first = register.firms[0]
    optional = [name for name in Firm.__slots__ if not isinstance(getattr(first, name), tuple)]
    for name in sorted(set(optional) - kept):
        assert 0 < share_missing([getattr(firm, name) for firm in register.firms]) < 0.25, name
    products = [product for firm in register.firms for product in firm.products]
    for name in Product.__slots__[1:]:
        assert 0 < share_missing([getattr(product, name) for product in products]) < 0.3, name


def test_rare_traits(register: Register) -> None:
    assert 0.01 <= np.mean([bool(firm.women_led) for firm in register.firms]) <= 0.06
    assert 0.01 <= np.mean([bool(firm.other_memberships) for firm in register.firms]) <= 0.07


# -- correlations -------------------------------------------------------------------------------

Number = Callable[[Firm], float | None]


def certificates(firm: Firm) -> float:
    return len(firm.certificates)


def export_share(firm: Firm) -> float | None:
    if firm.turnover_cents is None or firm.export_sales_cents is None:
        return None
    return firm.export_sales_cents / firm.turnover_cents


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (lambda f: f.employees, lambda f: f.turnover_cents, 0.75, 0.99),
        (lambda f: f.employees, lambda f: f.management_bp, 0.2, 0.7),
        (lambda f: f.employees, lambda f: f.financial_health_bp, 0.1, 0.6),
        (lambda f: f.management_bp, lambda f: f.financial_health_bp, 0.3, 0.8),
        (lambda f: f.employees, export_share, 0.03, 0.5),
        (lambda f: f.export_years, export_share, 0.05, 0.6),
        (lambda f: f.employees, lambda f: f.export_years, 0.05, 0.5),
        (lambda f: f.employees, lambda f: len(f.countries), 0.1, 0.6),
        (lambda f: f.export_years, lambda f: len(f.countries), 0.05, 0.6),
        (lambda f: f.employees, certificates, 0.1, 0.6),
        (lambda f: f.management_bp, certificates, 0.1, 0.6),
        (lambda f: f.turnover_cents, lambda f: f.max_contribution_cents, 0.5, 0.99),
        (lambda f: f.management_bp, lambda f: f.hours_per_month, 0.02, 0.5),
        (lambda f: f.employees, lambda f: len(f.products), 0.05, 0.5),
    ],
)
def test_correlations_among_exporting_makers(
    exporters: list[Firm], one: Number, other: Number, low: float, high: float
) -> None:
    made = [firm for firm in exporters if firm.role == "maker"]
    assert low < rank_correlation([(one(firm), other(firm)) for firm in made]) < high


def test_management_cuts_rejects_and_lead_times(makers: list[Firm]) -> None:
    rows = [(firm.management_bp, product) for firm in makers for product in firm.products]
    assert rank_correlation([(skill, p.reject_rate_bp) for skill, p in rows]) < -0.2
    assert rank_correlation([(skill, p.lead_time_days) for skill, p in rows]) < -0.1


def test_larger_firms_make_single_use_and_better_managed_ones_micro(makers: list[Firm]) -> None:
    def mean(family: str, of: Number) -> float:
        known = [of(firm) for firm in makers if firm.product(family) is not None]
        return float(np.mean([value for value in known if value is not None]))

    def log_size(firm: Firm) -> float:
        return float(np.log(firm.employees))

    assert mean("single_use", log_size) > mean("general", log_size)
    assert mean("micro", lambda f: f.management_bp) > mean("general", lambda f: f.management_bp)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (lambda f: f.employees, lambda f: f.turnover_cents, 0.7, 0.99),
        (lambda f: f.employees, lambda f: f.management_bp, 0.2, 0.7),
        (lambda f: f.management_bp, lambda f: f.financial_health_bp, 0.3, 0.8),
        (lambda f: f.employees, lambda f: f.export_years, 0.03, 0.6),
        (lambda f: f.employees, lambda f: len(f.countries), 0.03, 0.7),
        (lambda f: f.management_bp, certificates, 0.05, 0.6),
        (lambda f: f.turnover_cents, lambda f: f.max_contribution_cents, 0.5, 0.99),
        (lambda f: f.employees, lambda f: len(f.products), 0.05, 0.6),
    ],
)
def test_correlations_in_every_cluster(
    every_maker: list[Firm], one: Number, other: Number, low: float, high: float
) -> None:
    assert low < rank_correlation([(one(firm), other(firm)) for firm in every_maker]) < high


def test_prices_and_costs_in_every_cluster(every_maker: list[Firm]) -> None:
    """Median prices are the profile's, and the mean contribution too."""
    profile = load_profile(every_maker[0].cluster)
    products = [product for firm in every_maker for product in firm.products]
    for family in profile.names_under("products.families"):
        cents = [p.unit_price_cents for p in products if p.family == family and p.unit_price_cents]
        assert len(cents) > 100
        stated = 100 * profile.number(f"products.families.{family}.price")
        assert np.median(cents) == pytest.approx(stated, rel=0.1)
    left = [
        1 - p.unit_cost_cents / p.unit_price_cents
        for p in products
        if p.unit_cost_cents is not None and p.unit_price_cents is not None
    ]
    assert np.mean(left) == pytest.approx(profile.number("products.contribution"), abs=0.02)


def firms_of(cluster: str) -> list[Firm]:
    return list(sample_register(cluster, 3600, 1).firms)


def test_garment_units_are_large_or_small_as_published() -> None:
    """12% of the units are large [41]."""
    facts = load_profile("garments-lahore").facts
    makers = [firm for firm in firms_of("garments-lahore") if firm.role == "maker"]
    large = np.mean([firm.employees >= facts["published.large_from"].exact for firm in makers])
    assert large == pytest.approx(float(facts["published.large_share"].exact), abs=0.04)


def test_footwear_prices_hold_beside_the_published_mean() -> None:
    """Exports over pairs is about USD 7 [44], canvas and rubber included: leather is dearer."""
    facts = load_profile("footwear-lahore").facts
    mean = float(facts["published.exports"].exact / facts["published.pairs"].exact)
    assert mean == pytest.approx(7, abs=0.1)
    cents = [
        product.unit_price_cents
        for firm in firms_of("footwear-lahore")
        for product in firm.products
        if product.unit_price_cents is not None
    ]
    assert mean < np.mean(cents) / 100 < 2.2 * mean


def test_few_makers_of_auto_parts_are_large_and_few_export() -> None:
    """About 90% are small and medium [45][46]; the count of exporters is of registered ones."""
    facts = load_profile("autoparts-lahore").facts
    makers = [firm for firm in firms_of("autoparts-lahore") if firm.role == "maker"]
    small = np.mean([firm.employees < facts["published.large_from"].exact for firm in makers])
    assert small == pytest.approx(float(facts["published.small_share"].exact), abs=0.05)
    exporting = np.mean([bool(firm.export_sales_cents) for firm in makers])
    listed = float(facts["published.exporters"].exact / facts["published.makers"].exact)
    assert listed < exporting < 0.3


# -- ties ---------------------------------------------------------------------------------------


def kilometres(a: Firm, b: Firm) -> float | None:
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return None
    east = (a.longitude - b.longitude) * np.cos(np.radians(a.latitude))
    return float(np.hypot(a.latitude - b.latitude, east) * 111.195)


def test_ties_are_sparse_near_and_alike(register: Register) -> None:
    n = len(register.firms)
    assert 2 <= 2 * len(register.ties_between) / n <= 3
    degrees = Counter(firm_id for pair in register.ties_between for firm_id in pair)
    assert 8 <= max(degrees.values()) <= 40
    assert 0.03 <= 1 - len(degrees) / n <= 0.2
    kinds = Counter(tie.kind for tie in register.ties)
    assert set(kinds) == set(TIE_KINDS)
    assert kinds["veto"] < 0.03 * n
    assert kinds["same_owner"] < 0.03 * n
    assert kinds["worked_together"] > kinds["trust"] > kinds["rival"] > kinds["veto"]
    worked = [
        (register.by_id[tie.firm_a], register.by_id[tie.firm_b])
        for tie in register.ties
        if tie.kind == "worked_together"
    ]
    tied = [km for a, b in worked if (km := kilometres(a, b)) is not None]
    firms = register.firms
    any_two = [km for a, b in pairwise(firms) if (km := kilometres(a, b)) is not None]
    assert np.median(tied) < 0.3 * np.median(any_two)


def test_vendors_work_for_makers_and_rivals_make_the_same(register: Register) -> None:
    for tie in register.ties:
        one, other = register.by_id[tie.firm_a], register.by_id[tie.firm_b]
        if tie.kind == "worked_together":
            assert not one.role == other.role == "vendor"
        elif tie.kind == "rival":
            assert {p.family for p in one.products} & {p.family for p in other.products}


def test_trust_overlaps_with_having_worked_together(register: Register) -> None:
    trusted = [kinds for kinds in register.ties_between.values() if "trust" in kinds]
    assert 0.5 < np.mean(["worked_together" in kinds for kinds in trusted]) < 0.95
