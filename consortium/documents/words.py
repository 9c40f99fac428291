"""Sentences that the workbook, the picture and the cards share, in a reader's words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from consortium.case import Case
from consortium.eligibility import families_sold
from consortium.plan import DoNotForm, Plan, PlanConsortium, TurningPoint
from consortium.register import Firm
from consortium.wording import count, listed, usd

#: The register's own limit; longer names come only from cases built in Python.
NAME_LENGTH = 200
SENTENCE_LENGTH = 2_000
#: Codes of firms left out, as a heading over their reasons.
LEFT_OUT_LABELS = {
    "excluded": "excluded by the rules file",
    "not_a_maker": "not a maker",
    "no_product": "no product for the market",
    "too_costly": "unit cost above what the market pays",
    "certificate": "needed certificate out of reach",
    "cannot_pay": "cannot pay its own costs in the launch years",
    "few_partners": "too few compatible firms",
    "no_consortium": "no consortium is worth forming",
    "could_improve": "would add to a consortium; the plan is not proved best",
    "given_up": "would raise the surplus, some of which is given up for second goals",
    "adds_less": "would lower the surplus",
    "fixed": "every consortium is fixed by the rules file",
    "incompatible": "does not go with some member of each consortium",
}
#: What grades of assumptions mean, in the order they are listed.
GRADES = {
    "sourced": "taken from the source named",
    "estimate": "an estimate of ours or of the source",
    "recalled": "recalled, to be verified before use",
    "missing": "not in the register; the value says what is assumed instead",
}
MODES = {
    "range": "different products for one kind of buyer",
    "volume": "the same products pooled to meet larger orders",
}
NOT_JUDGED = (
    "No expert has yet judged these figures; many of them are estimates. Discuss them before "
    "anyone signs."
)
_FIGURE = re.compile(r"(-?\d+(?:\.\d+)?) (.+)", re.DOTALL)
_OF_TODAY = re.compile(r"(\d+(?:\.\d+)?)% of today's in every family")
# Marks that turn the direction of the text around them, and so can disguise a cell or a line.
_TURNING_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def plain(text: str, most: int = NAME_LENGTH) -> str:
    """Text safe to show: one line, no control characters, at most ``most`` characters.

    Escape sequences would reach the terminal, lone surrogates would break every encoder, and
    marks of direction can disguise what a cell says.
    """
    head = text[: 4 * most + 100]
    kept = (
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in head
        if c not in _TURNING_MARKS and unicodedata.category(c) != "Cs"
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def sentence(text: str) -> str:
    """Safe text with a first letter in capitals and a full stop at the end."""
    words = plain(text, SENTENCE_LENGTH)
    stop = "" if words.endswith((".", "…")) or not words else "."
    return words[:1].upper() + words[1:] + stop


def market_name(case: Case, code: str) -> str:
    """The market's English name; the code where the case does not have it."""
    return next((m.name for m in case.markets if m.code == code), code)


def plan_label(case: Case, key: str) -> str:
    """The marketing plan's label; its code where the case does not have it."""
    return next((p.label for p in case.plans if p.key == key), key)


def families_brought(case: Case, market: str, firm: Firm) -> list[str]:
    """Short names of the families a firm brings to a market: what it makes and can sell there."""
    if all(known.code != market for known in case.markets):
        return []
    return [family_short(key) for key in families_sold(case, market, firm)]


def family_label(case: Case, key: str) -> str:
    """The product family's label; its code where the cluster does not have it."""
    return next((f.label for f in case.cluster.families if f.key == key), key)


def family_short(key: str) -> str:
    """A product family in one or two words."""
    return key.replace("_", " ")


def in_order(case: Case, keys: Iterable[str]) -> list[str]:
    """Product families in the cluster's order: a plan read from JSON has them by the alphabet."""
    known = case.cluster.family_keys
    return sorted(keys, key=lambda k: (known.index(k) if k in known else len(known), k))


def term_short(case: Case, name: str) -> str:
    """A term of the worth with its family in one or two words."""
    for key in case.cluster.family_keys:
        if name.endswith(f" of {key}"):
            return name.removesuffix(key) + family_short(key)
    return plain(name)


def firm_name(case: Case, firm_id: str) -> str:
    """The firm's name, safe to show; empty where the register does not have it."""
    firm = case.register.by_id.get(firm_id)
    return "" if firm is None else plain(firm.name)


def heading(case: Case, group: PlanConsortium) -> str:
    """``C1 · South Africa · joint fair stand · 7 members``."""
    parts = (
        plain(group.id),
        plain(market_name(case, group.market)),
        plain(plan_label(case, group.marketing_plan)),
        count(len(group.members), "member"),
    )
    return " · ".join(parts)


# -- how good the plan is -------------------------------------------------------------------------


def proof_state(plan: Plan) -> str:
    """``proved best``, ``at most USD x better exists (gap y%)`` or ``no bound is known``."""
    if plan.status == "OPTIMAL":
        return "proved best"
    if plan.bound_cents is None:
        return "no bound is known"
    # Rounded up, as "at most" must be.
    better = -((plan.objective_cents - plan.bound_cents) // 100) * 100
    gap = "" if plan.gap_ppm is None else f" (gap {-(-plan.gap_ppm // 100) / 100:.2f}%)"
    return f"at most {usd(better)} better exists{gap}"


def proof_sentence(plan: Plan) -> str:
    """What is proved about the plan, in one or two sentences."""
    pairs = _pairs(plan)
    if plan.status == "OPTIMAL":
        what = "no choice of consortia is worth more than forming none"
        if plan.consortia:
            what = "no other choice of consortia is worth more"
        return f"Proved best: {what} (for the {pairs})."
    told = plan.second_goals
    if told is not None and told.most_surplus_cents == plan.bound_cents:
        return (
            f"Proved: the most surplus is {usd(told.most_surplus_cents)} (for the {pairs}); "
            f"{usd(told.given_up_cents)} of it is given up here for second goals."
        )
    if plan.stopped_by in ("interrupt", "observer"):
        head = "Interrupted: the best plan so far, not proved best"
    else:
        head = f"Not proved best ({_stop(plan)})"
    if plan.bound_cents is None:
        return f"{head}. No bound is known: how much better another plan could be is open."
    return f"{head}: {proof_state(plan)}, for the {pairs}."


def fact_label(case: Case, name: str) -> str:
    """A figure's name for readers: "price of dental instruments, ZAF"."""
    parts = name.split(".")
    field = parts[-1].replace("_", " ")
    if parts[0] == "plan":
        return f"{field}, {plan_label(case, parts[1])}"
    if parts[0] == "programme":
        return field
    if parts[0] == "certificate":
        return f"{field} of {plain('.'.join(parts[1:-1]))}"
    if len(parts) == 4:
        return f"{field} of {family_label(case, parts[2])}, {plain(parts[0])}"
    return f"{field}, {plain(parts[0])}"


def draws_sentences(case: Case, plan: Plan, consortium: str) -> list[str]:
    """What becomes of one consortium if the estimates are off; nothing where none were drawn."""
    told = plan.draws
    row = None if told is None else {r.consortium: r for r in told.consortia}.get(consortium)
    if told is None or row is None:
        return []
    out = [
        f"A surplus in {row.positive:,} of {told.draws:,} draws of all {told.num_facts:,} "
        f"estimates within their ranges; in {row.can_pay:,} the members can carry the launch "
        "years.",
        f"Half of the draws give {usd(row.surplus_p50_cents)} or less, a tenth "
        f"{usd(row.surplus_p10_cents)} or less, a tenth {usd(row.surplus_p90_cents)} or more.",
    ]
    for fact in row.deciding:
        out.append(
            f"{sentence(fact_label(case, fact.fact))[:-1]} (in use {fact.value} {fact.unit}): at "
            f"{fact.low} the surplus is {usd(fact.surplus_at_low_cents)}, at {fact.high} "
            f"{usd(fact.surplus_at_high_cents)}."
        )
    return out


def second_goal_sentences(plan: Plan) -> list[str]:
    """What the plan reaches of its second goals, what is proved of that, and the price."""
    told = plan.second_goals
    if told is None:
        return []
    share = f"{told.give_up_ppm / 10_000:g}%"
    paid = f"{usd(told.given_up_cents)} of {usd(told.most_surplus_cents)}"
    if told.most_surplus_cents:
        paid += f" ({told.given_up_cents / abs(told.most_surplus_cents):.2%})"
    out = [f"Surplus given up for them: {paid}; up to {share} might be."]
    # Of a plan that was not proved best only that it was found first is known.
    best = told.most_surplus_cents == plan.bound_cents
    first = "of most surplus" if best else "found first"
    for at, row in enumerate(told.goals):
        proved = "how much more could be reached is not known"
        if row.at_most == row.value:
            proved = "proved the most within that"
        elif row.at_most is not None:
            proved = f"at most {row.at_most:,} within that"
        if at:
            proved += ", the goals before it kept"
        out.append(
            f"{sentence(row.label)[:-1]}: {row.value:,}, against {row.before:,} in the plan "
            f"{first}; {proved}."
        )
    return out


def _pairs(plan: Plan) -> str:
    graph = plan.inputs.graph
    pairs = count(graph.kept_edges, "compatible pair")
    if graph.kept_edges < graph.rule_edges:
        return f"{pairs} kept of {graph.rule_edges:,}"
    return pairs


def _stop(plan: Plan) -> str:
    limits = plan.limits
    seconds = "" if limits.seconds is None else f" of {limits.seconds:g} s"
    words = {
        "seconds": f"the time limit{seconds} was reached",
        "work": "the work limit was reached",
        "gap": f"it was to stop at a gap of {limits.gap:.2%}",
        "exhausted": "the strategy had no more to try",
    }
    return words.get(plan.stopped_by, f"stopped by {plain(plan.stopped_by)}")


def grade_sentence(plan: Plan) -> str:
    """How many assumptions are of which grade."""
    grades = Counter(row.grade for row in plan.assumptions)
    parts = (
        f"{grades['sourced']:,} sourced",
        count(grades["estimate"], "estimate"),
        f"{grades['recalled']:,} recalled",
        f"{grades['missing']:,} for what the register does not say",
    )
    sentence = f"The plan rests on {count(len(plan.assumptions), 'assumption')}: {listed(parts)}."
    for code, origin in sorted(plan.inputs.market_origins.items()):
        if origin != "shipped":
            sentence += f" The figures on {plain(code)} are those of {plain(origin)}, a user's own."
    return sentence


# -- one consortium -------------------------------------------------------------------------------


def self_financing(group: PlanConsortium) -> str:
    """From which year the margin carries the consortium's costs."""
    years = len(group.cost_by_year_cents)
    if group.self_financing_year is None:
        return f"not within {count(years, 'year')}"
    return f"from year {group.self_financing_year}"


def enough_members(case: Case, group: PlanConsortium) -> str:
    """Label of the chance that the fewest members allowed remain."""
    size = min(case.size_min, len(group.members))
    return f"chance that {size} or more of {len(group.members)} members remain after two years"


def percent(basis_points: int) -> str:
    """Basis points as percent, with one decimal."""
    return f"{basis_points / 100:.1f}%"


# -- forming none ---------------------------------------------------------------------------------


def turning_sentence(point: TurningPoint) -> str:
    """A turning point in plain words, with both sides."""
    what = plain(point.label)
    if not what.startswith("what "):
        what = f"the {what}"
    rises = point.change_percent >= 0
    verb, word = ("rose", "more") if rises else ("fell", "less")
    change = f"{abs(point.change_percent)}% {word}"
    today = _OF_TODAY.fullmatch(point.value)
    forms_at, other = (_OF_TODAY.fullmatch(t) for t in (point.forms_at, point.does_not_form_at))
    if today and forms_at and other:
        head = f"It would form if {what} {verb} by {abs(point.change_percent)}% in every family"
        near = abs(Decimal(other[1]) - 100)
        at = f"at {near:g}% {word}" if near else "today"
    else:
        value, new, near_value = _figures(point.value, point.forms_at, point.does_not_form_at)
        head = f"It would form if {what} {verb} from {value} to {new} ({change})"
        at = "today" if _figures(point.value)[0] == near_value else f"at {near_value}"
    if point.proved:
        return f"{head}; {at} it would not: both were solved."
    return f"{head}; {at} none was found, but that none exists there is not proved."


def _figures(*texts: str) -> list[str]:
    """Values with units as a reader writes them; a unit's tail is said once."""
    out: list[str] = []
    said = ""
    for text in texts:
        found = _FIGURE.fullmatch(text)
        if found is None:
            out.append(plain(text))
            continue
        number, unit = Decimal(found[1]), plain(found[2])
        sign = "-" if number < 0 else ""
        if unit == "USD" or unit.startswith("USD "):
            cents = "" if number == number.to_integral_value() else ".2f"
            figure = f"{sign}USD {abs(number):,{cents or '.0f'}}"
            tail = unit.removeprefix("USD")
        elif unit == "share" or unit.startswith("share "):
            figure = f"{(number * 100).normalize():f}%"
            tail = unit.removeprefix("share")
        elif unit == "ratio":
            figure, tail = f"{number.normalize():f}", ""
        else:
            figure, tail = f"{number.normalize():f}", f" {unit}"
        out.append(figure if tail == said and len(out) > 0 else figure + tail)
        said = tail
    return out


def none_formed(case: Case, row: DoNotForm) -> list[str]:
    """Why no consortium forms in a market, and what would turn it: sentences."""
    out = [plain(row.reason, SENTENCE_LENGTH)]
    if row.turning_point is not None:
        out.append(turning_sentence(row.turning_point))
    out.extend(turning_sentence(point) for point in row.other_turning_points)
    turned = [row.turning_point, *row.other_turning_points]
    labels = {point.label for point in turned if point is not None}
    rest = [plain(label) for label in row.tried if label not in labels]
    if rest:
        out.append(
            "Each moved alone, by up to 100%, these were not seen to turn the answer: "
            f"{listed(rest, len(rest))}."
        )
    return out
