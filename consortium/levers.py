"""Levers: the facts whose change might turn "do not form", and the case with one of them moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from consortium.case import Case
from consortium.facts import Fact
from consortium.market import FamilyMarket, MarketCluster


@dataclass(frozen=True, slots=True)
class Lever:
    """A fact that can be moved, and how.

    Attributes
    ----------
    fact, label : its name, and what a reader calls it.
    value : today's value as text.
    rises : whether the answer is expected to turn as it rises (else as it falls).
    apply : the case with the fact at a factor of today's value.
    shown : the value at a factor, as text.
    """

    fact: str
    label: str
    value: str
    rises: bool
    apply: Callable[[Fraction], Case]
    shown: Callable[[Fraction], str]


def levers(case: Case, code: str) -> Iterator[Lever]:
    """The facts worth moving for a market: margin, demand, price, duty, fees, costs, members."""
    market = case.market_cluster(code)
    yield _family_lever(case, code, "contribution_share", "maker's contribution", True)
    yield _family_lever(case, code, "purchase_per_buyer", "what a buyer takes a year", True)
    yield _market_lever(case, code, "price_ratio", "rivals' price against ours", True)
    for name, label in (
        ("duty", "duty on our goods"),
        ("licence_holder_annual", "licence holder's yearly price"),
        ("establishment_fee_annual", "yearly fee per establishment"),
        ("establishment_fee_once", "fee per establishment once"),
        ("product_fee_once", "fee per product once"),
        ("consortium_fee_annual", "yearly registration fee"),
    ):
        fact: Fact = getattr(market, name)
        if fact.exact:
            yield _market_lever(case, code, name, label, False)
    for name, label, rises in (
        ("manager_annual", "manager's yearly pay", False),
        ("contribution_of_turnover", "what firms pay where they state no maximum", True),
        ("subsidy_cap_fixed", "most subsidy a year on joint promotion", True),
        ("commission", "commission on sales", False),
    ):
        yield _programme_lever(case, name, label, rises)
    yield _plan_lever(case, "agent_annual", "agent's yearly pay")
    yield _plan_lever(case, "fair_annual", "yearly cost of the fair stand")


def _scaled(fact: Fact, factor: Fraction) -> Decimal:
    value = fact.exact * factor
    return Decimal(value.numerator) / Decimal(value.denominator)


def _percent(factor: Fraction) -> str:
    return f"{float(factor * 100):g}% of today's"


def _family_lever(case: Case, code: str, name: str, label: str, rises: bool) -> Lever:
    families = case.market_cluster(code).families

    def apply(factor: Fraction) -> Case:
        changed: dict[str, FamilyMarket] = {}
        for key, family in families.items():
            fact: Fact = getattr(family, name)
            moved = fact.changed(_scaled(fact, factor), _percent(factor))
            changed[key] = replace(family, **{name: moved})
        return _with_market(case, code, replace(case.market_cluster(code), families=changed))

    def shown(factor: Fraction) -> str:
        values = {_scaled(getattr(f, name), factor).normalize() for f in families.values()}
        unit = getattr(next(iter(families.values())), name).unit
        if len(values) == 1:
            return f"{next(iter(values)):f} {unit}"
        return f"{_percent(factor)} in every family"

    return Lever(f"{code}.*.{name}", label, shown(Fraction(1)), rises, apply, shown)


def _market_lever(case: Case, code: str, name: str, label: str, rises: bool) -> Lever:
    fact: Fact = getattr(case.market_cluster(code), name)

    def apply(factor: Fraction) -> Case:
        changes: dict[str, Any] = {name: fact.changed(_scaled(fact, factor), _percent(factor))}
        return _with_market(case, code, replace(case.market_cluster(code), **changes))

    return Lever(fact.name, label, f"{fact.text} {fact.unit}", rises, apply, _shown(fact))


def _programme_lever(case: Case, name: str, label: str, rises: bool) -> Lever:
    fact: Fact = getattr(case.programme, name)

    def apply(factor: Fraction) -> Case:
        return case.with_programme(
            case.programme.changed(name, _scaled(fact, factor), _percent(factor))
        )

    return Lever(fact.name, label, f"{fact.text} {fact.unit}", rises, apply, _shown(fact))


def _plan_lever(case: Case, name: str, label: str) -> Lever:
    """A cost that several marketing plans share, moved in all of them."""
    fact: Fact = max((getattr(plan, name) for plan in case.plans), key=lambda f: f.exact)

    def apply(factor: Fraction) -> Case:
        plans = []
        for plan in case.plans:
            own: Fact = getattr(plan, name)
            changes: dict[str, Any] = {name: own.changed(_scaled(own, factor), _percent(factor))}
            plans.append(replace(plan, **changes))
        return replace(case, plans=tuple(plans))

    return Lever(f"plan.*.{name}", label, f"{fact.text} {fact.unit}", False, apply, _shown(fact))


def _shown(fact: Fact) -> Callable[[Fraction], str]:
    return lambda factor: f"{_scaled(fact, factor).normalize():f} {fact.unit}"


def _with_market(case: Case, code: str, facts: MarketCluster) -> Case:
    markets = tuple(
        replace(market, clusters={**market.clusters, case.cluster.key: facts})
        if market.code == code
        else market
        for market in case.markets
    )
    return replace(case, markets=markets)
