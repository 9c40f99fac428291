"""Clusters, markets and marketing plans: the facts a consortium's worth is computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from consortium.facts import Fact

#: Between the codes of a market and of a cluster.
OF = ":"
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


def split_code(text: str) -> tuple[str, str | None]:
    """A market's code or file, and the cluster named with it: "ZAF" of "ZAF:garments-lahore".

    ``None`` where no cluster is named.
    """
    whole, colon, cluster = text.rpartition(OF)
    # The path of a file may hold a colon of its own.
    return (whole, cluster) if colon and not is_file(text) else (text, None)


def country_of(code: str) -> str:
    """The country's code in a market's code."""
    return split_code(code)[0]


def is_file(code: str) -> bool:
    """Whether a market is named by a file of one's own."""
    return code.lower().endswith(".toml")
