"""Levers: the facts whose change might turn "do not form", and the case with one of them moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from consortium.case import Case
from consortium.fact_changes import moved
from consortium.facts import Fact


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
    yield _single_lever(case, market.price_ratio, "rivals' price against ours", True)
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
            yield _single_lever(case, fact, label, False)
    for name, label, rises in (
        ("manager_annual", "manager's yearly pay", False),
        ("contribution_of_turnover", "what firms pay where they state no maximum", True),
        ("subsidy_cap_fixed", "most subsidy a year on joint promotion", True),
        ("commission", "commission on sales", False),
    ):
        yield _single_lever(case, getattr(case.programme, name), label, rises)
    yield _plan_lever(case, "agent_annual", "agent's yearly pay")
    yield _plan_lever(case, "fair_annual", "yearly cost of the fair stand")


def _scaled(fact: Fact, factor: Fraction) -> Decimal:
    value = fact.exact * factor
    return Decimal(value.numerator) / Decimal(value.denominator)


def _percent(factor: Fraction) -> str:
    return f"{float(factor * 100):g}% of today's"


def _family_lever(case: Case, code: str, name: str, label: str, rises: bool) -> Lever:
    facts = [getattr(family, name) for family in case.market_cluster(code).families.values()]

    def shown(factor: Fraction) -> str:
        values = {_scaled(fact, factor).normalize() for fact in facts}
        if len(values) == 1:
            return f"{next(iter(values)):f} {facts[0].unit}"
        return f"{_percent(factor)} in every family"

    return _lever(case, f"{code}.*.{name}", label, rises, facts, shown)


def _single_lever(case: Case, fact: Fact, label: str, rises: bool) -> Lever:
    return _lever(case, fact.name, label, rises, [fact], _shown(fact))


def _plan_lever(case: Case, name: str, label: str) -> Lever:
    """A cost that several marketing plans share, moved in all of them."""
    facts = [getattr(plan, name) for plan in case.plans]
    largest: Fact = max(facts, key=lambda fact: fact.exact)
    return _lever(case, f"plan.*.{name}", label, False, facts, _shown(largest))


def _lever(
    case: Case,
    name: str,
    label: str,
    rises: bool,
    facts: Sequence[Fact],
    shown: Callable[[Fraction], str],
) -> Lever:
    """Some facts that are moved by one factor."""

    def apply(factor: Fraction) -> Case:
        values = {fact.name: _scaled(fact, factor) for fact in facts}
        return moved(case, values, _percent(factor))

    return Lever(name, label, shown(Fraction(1)), rises, apply, shown)


def _shown(fact: Fact) -> Callable[[Fraction], str]:
    return lambda factor: f"{_scaled(fact, factor).normalize():f} {fact.unit}"
