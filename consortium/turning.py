"""Not forming: the reasons, and the smallest change of one fact that would turn the answer.

Facts are changed one at a time, in whole percents. A turning point is two neighbouring values of
one fact, both solved: at one no consortium is worth forming, at the other a group was found. That
the answer changes once only as the fact moves is not assumed in what is said: both sides are seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from consortium.case import Case
from consortium.facts import Fact
from consortium.formulation import Formulation, formulate
from consortium.market import FamilyMarket, Market, MarketCluster
from consortium.plan import DoNotForm, TurningPoint
from consortium.wording import count, usd
from solver import Limits, Result, Status, solve

#: Furthest a fact is moved, in percent of its value.
_FURTHEST_PERCENT = 100


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
        ("freight_share", "freight"),
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


def only_market(case: Case, code: str) -> Case:
    """The case with one market only; pins for other markets go with them."""
    market: Market = case.market(code)
    pins = tuple(pin for pin in case.rules.pins if pin.market == code)
    return replace(case, markets=(market,), rules=replace(case.rules, pins=pins))


def forms(case: Case, limits: Limits) -> bool | None:
    """Whether a consortium with a surplus exists; ``None`` where the limits leave it open.

    A group found is proof that one forms; that none does is said only when 0 is proved best.
    """
    result = solve(formulate(case).problem, limits)
    if result.objective is not None and result.objective > 0 and result.grouping:
        return True
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        return False
    return None


def turning_point(lever: Lever, limits: Limits) -> TurningPoint | None:
    """Neighbouring whole percents of one fact between which the answer turns, or ``None``.

    ``None`` also where a solve on the way stayed open: then nothing is claimed.
    """
    sign = 1 if lever.rises else -1
    # A fact cannot fall below nothing; it is moved to at most twice its value.
    low, high = 0, _FURTHEST_PERCENT

    def at(percent: int) -> Fraction:
        return 1 + Fraction(sign * percent, 100)

    if forms(lever.apply(at(high)), limits) is not True:
        return None
    proved = True
    while high - low > 1:
        middle = (low + high) // 2
        answer = forms(lever.apply(at(middle)), limits)
        if answer is True:
            high = middle
        else:
            proved = answer is False
            low = middle
    if low == 0:
        proved = forms(lever.apply(at(0)), limits) is False
    return TurningPoint(
        fact=lever.fact,
        label=lever.label,
        value=lever.value,
        does_not_form_at=lever.shown(at(low)),
        forms_at=lever.shown(at(high)),
        change_percent=sign * high,
        proved=proved,
    )


def do_not_form(
    formulation: Formulation, result: Result, code: str, limits: Limits, search: bool
) -> DoNotForm:
    """Why no consortium forms for a market, with the smallest turning point found."""
    case = only_market(formulation.case, code)
    elsewhere = result.grouping is not None and len(result.grouping) > 0
    if elsewhere and forms(case, limits) is not False:
        # Firms of this market were grouped for another one; alone it might well form.
        reason = "The firms that could form a consortium here are worth more in another market."
        return DoNotForm(
            market=code, reason=reason, turning_point=None, other_turning_points=(), tried=()
        )
    found: list[TurningPoint] = []
    tried: list[str] = []
    free = not (case.rules.must_join or case.rules.pins)
    if search and free:
        for lever in levers(case, code):
            tried.append(lever.label)
            point = turning_point(lever, limits)
            if point is not None:
                found.append(point)
    found.sort(key=lambda p: (abs(p.change_percent), p.fact))
    return DoNotForm(
        market=code,
        reason=_reason(formulation, result, code),
        turning_point=found[0] if found else None,
        other_turning_points=tuple(found[1:]),
        tried=tuple(tried),
    )


def _reason(formulation: Formulation, result: Result, code: str) -> str:
    case = formulation.case
    total = len(case.register.firms)
    why = Counter(
        reason.code for (_, market), reason in formulation.shut_out.items() if market == code
    )
    able = total - sum(why.values())
    words = {
        "excluded": ("is excluded by the rules", "are excluded by the rules"),
        "not_a_maker": ("is not a maker", "are not makers"),
        "no_product": ("has no product for the market", "have no product for the market"),
        "too_costly": (
            "makes at a cost above what the market pays",
            "make at a cost above what the market pays",
        ),
        "certificate": ("cannot hold the needed certificate",) * 2,
        "cannot_pay": (
            "cannot pay its own costs in the launch years",
            "cannot pay their own costs in the launch years",
        ),
    }
    detail = "; ".join(
        f"{number:,} {words[key][number != 1]}" for key, number in sorted(why.items())
    )
    head = f"Of {count(total, 'firm')} {able} could join" + (f" ({detail})." if detail else ".")
    if able < case.size_min:
        return f"{head} A consortium needs {case.size_min}."
    if result.status is Status.OPTIMAL:
        return (
            f"{head} It is proved that no allowed group of {case.size_min} to {case.size_max} of "
            f"them is worth more together than its members are alone."
        )
    bound = "no bound is known" if result.bound is None else f"at most {usd(result.bound)} exists"
    return f"{head} No group with a surplus was found; that none exists is not proved ({bound})."
