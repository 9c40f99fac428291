"""Files of clusters, markets, plans and certificates: read, checked, and found by code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from consortium.errors import InputError, InputFault
from consortium.facts import DATA, Fact, FactReader, read_toml
from consortium.market import (
    CertificateFacts,
    Cluster,
    Family,
    FamilyMarket,
    Incomplete,
    Market,
    MarketCluster,
    MarketingPlan,
    is_file,
    split_code,
)


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
    named, cluster = split_code(code)
    if cluster is not None and cluster not in load_clusters():
        known = ", ".join(load_clusters())
        message = f"is no cluster we know; known: {known}"
        raise InputError([InputFault("--market", message, value=code)])
    if is_file(named):
        market = read_market(Path(named))
    elif named in load_markets():
        market = load_markets()[named]
    else:
        known = ", ".join(f"{m.code} ({m.name})" for m in load_markets().values())
        message = f"is not a market we have facts on; known: {known}, or a market file (.toml)"
        raise InputError([InputFault("--market", message, value=named)])
    return market if cluster is None else market.only_for(cluster)


def market_file(code: str) -> Path:
    """The file of a shipped market by its code, or one's own.

    Raises
    ------
    InputError
        As ``find_market``, if we have no such market.
    """
    if is_file(code):
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
    if isinstance(code, str) and code and not re.fullmatch(r"[A-Za-z0-9_-]+", code):
        reader.fault("code", "must be of letters, digits, - and _ only, e.g. ZAF", code)
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
