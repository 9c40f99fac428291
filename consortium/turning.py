"""Not forming: the reasons, and changes of one fact that would turn the answer.

Facts are changed one at a time, in whole percents. A turning point is two neighbouring values of
one fact, both solved: at one no consortium is worth forming, at the other a group was found. That
the answer changes once only as the fact moves is not assumed in what is said: both sides are seen.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from consortium.case import Case
from consortium.formulation import Formulation, formulate, market_limit
from consortium.levers import Lever, levers
from consortium.market import Market
from consortium.plan import DoNotForm, TurningPoint
from consortium.wording import count, usd
from solver import Event, Limits, Result, Status, solve

#: Furthest a fact is moved, in percent of its value.
_FURTHEST_PERCENT = 100
_GROUPED_ELSEWHERE = (
    "Firms were grouped for another market; whether a consortium could form here alone was left "
    "open."
)
_FORMS_ALONE = "A consortium could form here, but the whole plan is worth no less without it."


def only_market(case: Case, code: str) -> Case:
    """The case with one market only; pins for other markets go with them."""
    market: Market = case.market(code)
    pins = tuple(pin for pin in case.rules.pins if pin.market == code)
    return replace(case, markets=(market,), rules=replace(case.rules, pins=pins))


class TurningSearch:
    """Limits and course of all searches of one plan.

    Parameters
    ----------
    limits : those of the plan. With seconds, all searches together get as many again; with work,
        each solve gets as much.
    wanted : whether to search at all.

    Attributes
    ----------
    notes : what a reader should know (an interruption, time that ran out).
    """

    def __init__(self, limits: Limits, wanted: bool) -> None:
        self.wanted = wanted
        self.notes: list[str] = []
        self._limits = limits
        self._end: float | None = None

    def forms(self, case: Case) -> bool | None:
        """``forms`` within what is left; raises ``_SearchEnds`` where nothing is."""
        limits = self._limits
        if limits.work is None and limits.seconds is not None:
            now = time.monotonic()
            if self._end is None:
                self._end = now + limits.seconds
            if now >= self._end:
                self._give_up("Not every turning point was searched: the time was used up.")
            limits = replace(limits, seconds=self._end - now)
        result = solve(formulate(case).problem, limits, observer=_until_one_forms)
        if result.stopped_by == "interrupt":
            self._give_up("Interrupted: not every turning point was searched.")
        return _answer(result)

    def _give_up(self, note: str) -> None:
        self.wanted = False
        self.notes.append(note)
        raise _SearchEnds


class _SearchEnds(Exception):
    """The search for turning points ends before it is through."""


def forms(case: Case, limits: Limits) -> bool | None:
    """Whether a consortium with a surplus exists; ``None`` where the limits leave it open.

    A group found is proof that one forms; that none does is said only when 0 is proved best.
    """
    return _answer(solve(formulate(case).problem, limits, observer=_until_one_forms))


def _until_one_forms(event: Event) -> bool:
    """Whether to go on: one group with a surplus is an answer, the best one is not asked for."""
    return event.objective is None or event.objective <= 0


def _answer(result: Result) -> bool | None:
    if result.objective is not None and result.objective > 0 and result.grouping:
        return True
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        return False
    return None


def turning_point(lever: Lever, answer_at: Callable[[Case], bool | None]) -> TurningPoint | None:
    """Neighbouring whole percents of one fact between which the answer turns, or ``None``.

    ``None`` also where a solve on the way stayed open: then nothing is claimed. The point found by
    halving is one where the answer turns; that it is the only one, or the nearest, is not claimed.

    Parameters
    ----------
    answer_at : whether a consortium forms in a case, proved; ``None`` where that is open.
    """
    sign = 1 if lever.rises else -1

    def answer(percent: int) -> bool | None:
        return answer_at(lever.apply(1 + Fraction(sign * percent, 100)))

    low, high = 0, _FURTHEST_PERCENT
    if answer(high) is not True:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        found = answer(middle)
        if found is None:
            return None
        low, high = (low, middle) if found else (middle, high)
    if low == 0 and answer(0) is not False:
        return None
    return TurningPoint(
        fact=lever.fact,
        label=lever.label,
        value=lever.value,
        does_not_form_at=lever.shown(1 + Fraction(sign * low, 100)),
        forms_at=lever.shown(1 + Fraction(sign * high, 100)),
        change_percent=sign * high,
        proved=True,
    )


def do_not_form(
    formulation: Formulation, result: Result, code: str, search: TurningSearch
) -> DoNotForm:
    """Why no consortium forms for a market, with the turning points found, smallest first."""
    case = only_market(formulation.case, code)
    found: list[TurningPoint] = []
    tried: list[str] = []
    elsewhere = result.grouping is not None and len(result.grouping) > 0
    reason = _GROUPED_ELSEWHERE
    if not elsewhere:
        reason = _reason(formulation, code, result.bound, result.status is Status.OPTIMAL)
    try:
        if elsewhere and search.wanted:
            # Firms of this market were grouped for another one; alone it might well form.
            alone = search.forms(case)
            if alone is False:
                reason = _reason(formulation, code, None, proved=True)
                elsewhere = False
            elif alone:
                reason = _FORMS_ALONE
        if not elsewhere and search.wanted and _searchable(case, code):
            for lever in levers(case, code):
                point = turning_point(lever, search.forms)
                tried.append(lever.label)
                if point is not None:
                    found.append(point)
    except _SearchEnds:
        pass  # the search has noted why; what it found stands
    found.sort(key=lambda p: (abs(p.change_percent), p.fact))
    return DoNotForm(
        market=code,
        reason=reason,
        turning_point=found[0] if found else None,
        other_turning_points=tuple(found[1:]),
        tried=tuple(tried),
    )


def _searchable(case: Case, code: str) -> bool:
    """Whether moving a fact could turn the answer at all."""
    obliged = case.rules.must_join or case.rules.pins
    products = any(firm.products for firm in case.register.firms)
    return not obliged and products and _number(case, code) > 0


def _number(case: Case, code: str) -> int:
    """Most consortia the rules allow in a market at all."""
    carried = case.programme.caseload.whole * case.programme.facilitators.whole
    return min(market_limit(case, code), carried)


def _reason(formulation: Formulation, code: str, most: int | None, proved: bool) -> str:
    """Who could join, and what is known; ``most`` bounds the whole plan, where it is known."""
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
    if not any(firm.products for firm in case.register.firms):
        return "The register lists no products, so no consortium could be judged at all."
    if _number(case, code) == 0:
        return f"{head} The rules or the facilitators' caseload allow no consortium in this market."
    if able < case.size_min:
        return f"{head} A consortium needs {case.size_min}."
    if proved:
        return (
            f"{head} It is proved that no group of {case.size_min} to {case.size_max} of them that "
            "the rules allow (compatible pairs, launch costs, budget) is worth more together than "
            "its members are alone."
        )
    bound = "no bound is known"
    if most is not None:
        bound = f"in all markets together at most {usd(most)} exists"
    return f"{head} No group with a surplus was found; that none exists is not proved ({bound})."
