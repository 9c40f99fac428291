"""A case with some of its figures changed: by name, whatever they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, TypeVar

from consortium.case import Case
from consortium.facts import Fact, FactReader, NewValue
from consortium.market import (
    CHANGED,
    CertificateFacts,
    FamilyMarket,
    Market,
    MarketCluster,
    MarketingPlan,
)
from consortium.market_files import plausible_market
from consortium.programme import Programme, plausible_programme

_Holder = TypeVar(
    "_Holder", FamilyMarket, Market, MarketCluster, MarketingPlan, CertificateFacts, Programme
)


def facts_of(case: Case) -> Iterator[Fact]:
    """Every figure the case rests on: of markets (for its cluster), plans, certificates, programme.

    Certificates are those that a market of the case asks for.
    """
    asked = set()
    for market in case.markets:
        cluster = case.market_cluster(market.code)
        yield from cluster.facts()
        asked |= set(cluster.required_certificates.texts)
    for name in sorted(asked & case.certificates.keys()):
        yield from case.certificates[name].facts()
    for plan in case.plans:
        yield from plan.facts()
    yield from case.programme.facts()


def with_facts(case: Case, values: Mapping[str, NewValue], note: str) -> Case:
    """The case with the figures of these names at other values.

    Parameters
    ----------
    values : new value by name of the fact, e.g. "ZAF.surgical-sialkot.duty", in the fact's unit.
    note : why, for the source of the changed facts.

    Raises
    ------
    KeyError
        If a name is no figure of the case.
    TypeError
        If a value is not of the fact's sort (``Fact.changed``).
    InputError
        If a value cannot be meant (a duty of 450%, a path with a year too few), as in a file.
    """
    unknown = sorted(set(values) - {fact.name for fact in facts_of(case)})
    if unknown:
        raise KeyError(", ".join(unknown))
    changed, reader = moved(case, values, note), FactReader(note)
    for market, before in zip(changed.markets, case.markets, strict=True):
        if market is not before:
            plausible_market(reader, changed.market_cluster(market.code))
    if changed.programme is not case.programme:
        plausible_programme(reader, changed.programme)
    holders: list[MarketingPlan | CertificateFacts] = [
        *changed.plans,
        *changed.certificates.values(),
    ]
    for holder in holders:
        for fact in holder.facts():
            if fact.name in values and isinstance(fact.value, Decimal) and fact.value < 0:
                reader.fault(f"{fact.name}.value", "must be 0 or more", fact.text)
    reader.raise_faults()
    return changed


def moved(case: Case, values: Mapping[str, NewValue], note: str) -> Case:
    """As ``with_facts``, wherever the values lie: a turning point may be where no figure can be."""
    return replace(
        case,
        markets=tuple(_market(market, case.cluster.key, values, note) for market in case.markets),
        plans=tuple(_changed(plan, values, note) for plan in case.plans),
        certificates={n: _changed(c, values, note) for n, c in case.certificates.items()},
        programme=_changed(case.programme, values, note),
    )


def _market(market: Market, key: str, values: Mapping[str, NewValue], note: str) -> Market:
    """The market with figures for one cluster changed; itself where none is named."""
    old = market.clusters[key]
    families = {name: _changed(f, values, note) for name, f in old.families.items()}
    new = replace(_changed(old, values, note), families=families)
    if new == old:
        return market
    origin = market.origin if market.origin.endswith(CHANGED) else market.origin + CHANGED
    return replace(market, clusters={**market.clusters, key: new}, origin=origin)


def _changed(holder: _Holder, values: Mapping[str, NewValue], note: str) -> _Holder:
    """The record with those of its facts changed that are named; tables of facts included."""
    changes: dict[str, Any] = {}
    for row in fields(holder):
        held = getattr(holder, row.name)
        if isinstance(held, Fact) and held.name in values:
            changes[row.name] = held.changed(values[held.name], note)
        elif isinstance(holder, Programme) and isinstance(held, Mapping):
            table = {
                name: fact.changed(values[fact.name], note) if fact.name in values else fact
                for name, fact in held.items()
            }
            if table != held:
                changes[row.name] = table
    return replace(holder, **changes) if changes else holder
