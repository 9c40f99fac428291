"""Clusters, markets and marketing plans: the facts a consortium's worth is computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from consortium.errors import InputError, InputFault
from consortium.facts import DATA, Fact, FactReader, read_toml

#: What a market's origin ends in once some of its figures were changed in Python.
CHANGED = ", changed"


@dataclass(frozen=True, slots=True)
class Family:
    """A product family of a cluster.

    Attributes
    ----------
    key, label : short code, and name for readers.
    hs6 : six-digit codes its goods fall under.
    channel : the kind of buyer it is sold to; firms of one channel can sell together.
    lot_size : pieces (or pairs) in a lot, the unit quantities are counted in.
    """

    key: str
    label: str
    hs6: tuple[str, ...]
    channel: str
    lot_size: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of firms in one place and trade; ``families`` in their order of size."""

    key: str
    label: str
    unit: str
    families: tuple[Family, ...]

    @property
    def family_keys(self) -> tuple[str, ...]:
        """Codes of the families."""
        return tuple(family.key for family in self.families)

    def family(self, key: str) -> Family:
        """The family with a code; ``KeyError`` if there is none."""
        for family in self.families:
            if family.key == key:
                return family
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class FamilyMarket:
    """What one market pays for one product family.

    Attributes
    ----------
    price : USD a piece, before freight and duty.
    demand : USD a year the market imports (D).
    purchase_per_buyer : USD a year one buyer takes.
    contribution_share : share of the price left after the maker's variable cost.
    minimum_order : USD a year below which no buyer orders (MOQ).
    """

    price: Fact
    demand: Fact
    purchase_per_buyer: Fact
    contribution_share: Fact
    minimum_order: Fact


@dataclass(frozen=True, slots=True)
class MarketCluster:
    """What one market asks of one cluster. Fees are US dollars.

    Attributes
    ----------
    duty, rival_duty : ours, and the import-share-weighted duty of rivals (shares).
    price_ratio : rivals' price before duty relative to ours (chi).
    freight_share : freight as a share of price.
    consortium_fee_once, consortium_fee_annual : regulatory cost per consortium: the only class
        that grouping saves.
    licence_holder_annual : local licence holder or representative a year; the dearer of this
        and the plan's agent is paid, one firm can be both.
    establishment_fee_once, establishment_fee_annual : per member's site.
    product_fee_once, product_fee_annual : per family a member sells.
    required_certificates : each member holds or obtains all of these.
    families : by family code.
    """

    duty: Fact
    rival_duty: Fact
    price_ratio: Fact
    freight_share: Fact
    consortium_fee_once: Fact
    consortium_fee_annual: Fact
    licence_holder_annual: Fact
    establishment_fee_once: Fact
    establishment_fee_annual: Fact
    product_fee_once: Fact
    product_fee_annual: Fact
    required_certificates: Fact
    families: Mapping[str, FamilyMarket]

    def facts(self) -> Iterator[Fact]:
        """Every fact, families last."""
        for row in fields(self):
            if row.name != "families":
                yield getattr(self, row.name)
        for family in self.families.values():
            yield from (getattr(family, row.name) for row in fields(family))


@dataclass(frozen=True, slots=True)
class Incomplete:
    """What is known of a market for a cluster where it is too little to propose anything.

    Attributes
    ----------
    why : what is missing.
    known : the facts there are.
    """

    why: str
    known: tuple[Fact, ...]


@dataclass(frozen=True)
class Market:
    """A target market.

    Attributes
    ----------
    code, name : ISO alpha-3 code and English name.
    clusters : what it asks of each cluster that we have all facts for, by cluster code.
    incomplete : clusters that we have some facts for.
    origin : "shipped", or the name of the user's file.
    only : the cluster it is meant for, where one was named ("ZAF:garments-lahore").
    """

    code: str
    name: str
    clusters: Mapping[str, MarketCluster]
    origin: str = "shipped"
    incomplete: Mapping[str, Incomplete] = field(default_factory=dict)
    only: str | None = None

    def asked_for(self, cluster: str) -> bool:
        """Whether the market is meant for a cluster; all of them unless one was named."""
        return self.only is None or self.only == cluster

    def only_for(self, cluster: str) -> Market:
        """This market for one cluster only."""
        known = {cluster: self.clusters[cluster]} if cluster in self.clusters else {}
        part = {cluster: self.incomplete[cluster]} if cluster in self.incomplete else {}
        return replace(self, clusters=known, incomplete=part, only=cluster)

    def facts(self) -> Iterator[Fact]:
        """Every fact of the market."""
        for cluster in self.clusters.values():
            yield from cluster.facts()
        for part in self.incomplete.values():
            yield from part.known

    def facts_for(self, cluster: str) -> tuple[Fact, ...]:
        """What is known of the market for a cluster, be it enough or not."""
        if cluster in self.clusters:
            return tuple(self.clusters[cluster].facts())
        return self.incomplete[cluster].known if cluster in self.incomplete else ()

    def no_data(self, cluster: str) -> str | None:
        """Why nothing can be proposed for a cluster in this market; ``None`` if it can."""
        if cluster in self.clusters:
            return None
        told = f"no data on {cluster} in this market"
        part = self.incomplete.get(cluster)
        return told if part is None else f"{told}: {part.why}"

    @cached_property
    def sha256(self) -> str:
        """Hash of code, name and facts."""
        return facts_sha256({"code": self.code, "name": self.name}, self.facts())

    def sha256_for(self, cluster: str) -> str:
        """Hash of code, name and the facts for one cluster: what a plan for it depends on."""
        head = {"code": self.code, "name": self.name, "cluster": cluster}
        return facts_sha256(head, iter(self.facts_for(cluster)))


@dataclass(frozen=True, slots=True)
class MarketingPlan:
    """How a consortium sells in a market. US dollars.

    Attributes
    ----------
    study_once, catalogue_once : paid in year 1.
    fair_annual, site_annual : joint promotion every year.
    agent_annual : a sales agent, every year (not promotion).
    member_promotion_annual : each member's own promotion, every year.
    buyers : buyers the plan brings.
    brand_once : a common brand, paid in year 1; ``None`` where members sell under their own names.
        Under a common brand the consortium lists each family once, instead of every maker its own.
    """

    key: str
    label: str
    study_once: Fact
    catalogue_once: Fact
    fair_annual: Fact
    site_annual: Fact
    agent_annual: Fact
    member_promotion_annual: Fact
    buyers: Fact
    brand_once: Fact | None = None

    @property
    def common_brand(self) -> bool:
        """Whether the consortium sells under one brand."""
        return self.brand_once is not None

    def facts(self) -> Iterator[Fact]:
        """Every fact of the plan."""
        for row in fields(self)[2:]:
            fact = getattr(self, row.name)
            if fact is not None:
                yield fact


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What it takes to obtain a certificate.

    Attributes
    ----------
    cost, months : USD once, and months until it is held.
    held_by : certificates any of which will do, for one that is a name for several; else ``None``.
    """

    name: str
    cost: Fact
    months: Fact
    held_by: Fact | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Certificates any of which meets this one."""
        others = () if self.held_by is None else self.held_by.texts
        return (self.name, *others)

    def facts(self) -> Iterator[Fact]:
        """Every fact of the certificate."""
        yield self.cost
        yield self.months
        if self.held_by is not None:
            yield self.held_by


def facts_sha256(head: Mapping[str, Any], facts: Iterator[Fact]) -> str:
    """Hash of some facts (values, units, years, sources and grades)."""
    rows = [[f.name, f.text, f.unit, f.year, f.source, f.grade] for f in facts]
    text = json.dumps({"head": dict(head), "facts": rows}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# -- reading ------------------------------------------------------------------------------------


@cache
def load_clusters() -> dict[str, Cluster]:
    """The clusters we know, by code."""
    out = {}
    for path in sorted((DATA / "clusters").glob("*.toml")):
        table = read_toml(path)
        families = tuple(
            Family(key, row["label"], tuple(row["hs6"]), row["channel"], row["lot_size"])
            for key, row in table["families"].items()
        )
        out[path.stem] = Cluster(path.stem, table["label"], table["unit"], families)
    return out


@cache
def load_plans() -> dict[str, MarketingPlan]:
    """The marketing plans, by code."""
    reader = FactReader("plans.toml")
    out = {}
    for key, table in read_toml(DATA / "plans.toml").items():
        facts = {
            field.name: reader.fact(f"plan.{key}.{field.name}", table.get(field.name))
            for field in fields(MarketingPlan)[2:]
            if field.name != "brand_once" or "brand_once" in table
        }
        out[key] = MarketingPlan(key, table["label"], **facts)  # type: ignore[arg-type]
    reader.raise_faults()
    return out


@cache
def load_certificates() -> dict[str, CertificateFacts]:
    """What certificates take to obtain, by name."""
    reader = FactReader("certificates.toml")
    out = {}
    for name, table in read_toml(DATA / "certificates.toml").items():
        cost = reader.fact(f"certificate.{name}.cost", table.get("cost"))
        months = reader.fact(f"certificate.{name}.months", table.get("months"))
        held_by = None
        if "held_by" in table:
            held_by = reader.fact(f"certificate.{name}.held_by", table["held_by"])
        if cost is not None and months is not None:
            out[name] = CertificateFacts(name, cost, months, held_by)
    reader.raise_faults()
    return out


@cache
def load_markets() -> dict[str, Market]:
    """The shipped markets, by code."""
    return {
        path.stem: read_market(path, origin="shipped")
        for path in sorted((DATA / "markets").glob("*.toml"))
    }


def find_market(code: str) -> Market:
    """A shipped market by its code, or that of a file of one's own (``my-zaf.toml``).

    A cluster may be named with the code or the file ("ZAF:garments-lahore"): then the market is for
    it only.

    Raises
    ------
    InputError
        If we have no facts on it; the message lists the markets we have. With every fault of a
        file.
    """
    if code.lower().endswith(".toml"):
        return read_market(Path(code))
    markets = load_markets()
    whole, cluster = code, ""
    if ":" in code:  # the last one: a path may hold one of its own
        code, _, cluster = code.rpartition(":")
    if cluster and cluster not in load_clusters():
        known = ", ".join(load_clusters())
        message = f"is no cluster we know; known: {known}"
        raise InputError([InputFault("--market", message, value=whole)])
    if code.lower().endswith(".toml"):
        return read_market(Path(code)).only_for(cluster) if cluster else read_market(Path(code))
    if code not in markets:
        known = ", ".join(f"{m.code} ({m.name})" for m in markets.values())
        raise InputError(
            [
                InputFault(
                    "--market",
                    f"is not a market we have facts on; known: {known}, or a market file (.toml)",
                    value=code,
                )
            ]
        )
    return markets[code].only_for(cluster) if cluster else markets[code]


def country_of(code: str) -> str:
    """The country's code in a market's code: "ZAF" in "ZAF:garments-lahore"."""
    return code.partition(":")[0]


def market_file(code: str) -> Path:
    """The file of a shipped market by its code, or one's own.

    Raises
    ------
    InputError
        As ``find_market``, if we have no such market.
    """
    if code.lower().endswith(".toml"):
        return Path(code)
    return DATA / "markets" / f"{find_market(code).code}.toml"


def read_market(path: Path, origin: str | None = None) -> Market:
    """Read a market file.

    Raises
    ------
    InputError
        With every fault: a missing or unknown key, a value that is no fact, an impossible figure.
    """
    return market_from(read_toml(path), path.name, origin)


def market_from(content: Mapping[str, Any], source: str, origin: str | None = None) -> Market:
    """The market that the content of a market file describes.

    Parameters
    ----------
    content : the file, parsed with decimals kept exactly.
    source : its name, for messages.
    origin : "shipped", or the name as which a user's own file is shown (``source``).

    Raises
    ------
    InputError
        As ``read_market``.
    """
    reader = FactReader(source)
    table = dict(content)
    code, name = table.pop("code", None), table.pop("name", None)
    for key, value in (("code", code), ("name", name)):
        if not isinstance(value, str) or not value:
            reader.fault(key, "must be a text", value)
    clusters, incomplete = {}, {}
    for cluster_key, cluster_table in table.pop("clusters", {}).items():
        cluster = load_clusters().get(cluster_key)
        if cluster is None:
            known = ", ".join(load_clusters())
            reader.fault(f"clusters.{cluster_key}", f"is an unknown cluster; known: {known}")
            continue
        prefix, rows = f"{code}.{cluster_key}", dict(cluster_table)
        if "incomplete" in rows:
            incomplete[cluster_key] = _incomplete(reader, prefix, rows)
            continue
        found = _market_cluster(reader, prefix, cluster, rows)
        if found is not None:
            clusters[cluster_key] = found
    for unknown in table:
        reader.fault(unknown, "is unknown; a market has code, name and clusters")
    reader.raise_faults()
    shown = source if origin is None else origin
    return Market(str(code), str(name), clusters, shown, incomplete)


def _incomplete(reader: FactReader, prefix: str, rows: dict[str, Any]) -> Incomplete:
    """A part of a market file that says itself that facts are missing."""
    why = rows.pop("incomplete")
    if not isinstance(why, str) or not why.strip():
        reader.fault(f"{prefix}.incomplete", "must say what is missing", why)
    names = {field.name for field in fields(MarketCluster)} - {"families"}
    known = []
    for name, table in rows.items():
        if name not in names:
            reader.fault(f"{prefix}.{name}", f"is unknown here; known: {', '.join(sorted(names))}")
            continue
        fact = reader.fact(f"{prefix}.{name}", table)
        if fact is not None:
            known.append(fact)
            _plausible_fact(reader, name, fact)
    return Incomplete(str(why), tuple(known))


def _market_cluster(
    reader: FactReader, prefix: str, cluster: Cluster, table: dict[str, Any]
) -> MarketCluster | None:
    family_tables = table.pop("families", {})
    names = [field.name for field in fields(MarketCluster) if field.name != "families"]
    facts = {name: reader.fact(f"{prefix}.{name}", table.pop(name, None)) for name in names}
    for unknown in table:
        reader.fault(f"{prefix}.{unknown}", "is unknown")
    families: dict[str, FamilyMarket] = {}
    for key, given in family_tables.items():
        place = f"{prefix}.{key}"
        if key not in cluster.family_keys:
            known = ", ".join(cluster.family_keys)
            reader.fault(place, f"is no family of {cluster.key}; known: {known}")
            continue
        rows = dict(given)
        family = {
            field.name: reader.fact(f"{place}.{field.name}", rows.pop(field.name, None))
            for field in fields(FamilyMarket)
        }
        for unknown in rows:
            reader.fault(f"{place}.{unknown}", "is unknown")
        if all(family.values()):
            families[key] = FamilyMarket(**family)  # type: ignore[arg-type]
    if not all(facts.values()):
        return None
    found = MarketCluster(**facts, families=families)  # type: ignore[arg-type]
    plausible_market(reader, found)
    return found


def plausible_market(reader: FactReader, found: MarketCluster) -> None:
    """Tell the reader of figures that cannot be meant: a tariff of 450%, a negative price."""
    for row in fields(MarketCluster):
        if row.name != "families":
            _plausible_fact(reader, row.name, getattr(found, row.name))
    for family in found.families.values():
        for fact in (family.price, family.purchase_per_buyer, family.minimum_order):
            if fact.exact <= 0:
                reader.fault(f"{fact.name}.value", "must be above 0", fact.text)
        if family.demand.exact < 0:
            reader.fault(f"{family.demand.name}.value", "must be 0 or more", family.demand.text)
        if not 0 <= family.contribution_share.exact <= 1:
            reader.fault(f"{family.contribution_share.name}.value", "must be a share from 0 to 1")


def _plausible_fact(reader: FactReader, name: str, fact: Fact) -> None:
    """One figure of a market for a cluster, by the name of its field."""
    place = f"{fact.name}.value"
    if name in ("duty", "rival_duty", "freight_share"):
        if not 0 <= fact.exact <= 3:
            reader.fault(place, "must be a share from 0 to 3 (0.45 is 45%)", fact.text)
    elif name == "price_ratio":
        if not 0 < fact.exact <= 10:
            reader.fault(place, "must be above 0, up to 10", fact.text)
    elif name != "required_certificates" and fact.exact < 0:
        reader.fault(place, "must be 0 or more", fact.text)
