"""Why these firms together, why each of them, and why not the others.

Every sentence is computed from the same numbers as the plan: members and firms left out are tried
out (taken away, added, swapped in) and the change of surplus is stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from consortium.case import Case, Kind
from consortium.compatibility import PairScorer
from consortium.eligibility import (
    certificate_state,
    certificate_words,
    counted_lots,
    experienced,
    families_sold,
    headroom_cents,
    lot_price,
)
from consortium.formulation import Formulation
from consortium.money import MoneyOfKind
from consortium.plan import LeftOut, MemberReason
from consortium.register import Firm
from consortium.valuation import Valuation, Valuer
from consortium.wording import count, listed, usd
from solver.grouping import Group, Grouping
from solver.verification import group_value, group_violations, verify

#: Slack below this part of the need makes affordability the binding rule.
_TIGHT_SHARE = 0.10


def group_reasons(
    valuer: Valuer, kind: Kind, worth: Valuation, members: Sequence[str]
) -> list[str]:
    """Why these firms together: the two largest terms, what is shared, and the binding rule."""
    case = valuer.case
    gains = sorted((t for t in worth.terms if t.cents > 0), key=lambda t: (-t.cents, t.name))[:2]
    parts = listed([f"{usd(term.cents)} from {_term_label(case, term.name)}" for term in gains])
    years = len(case.programme.years)
    out = [f"Over {count(years, 'year')}, in today's money, they gain most {parts}."]
    joint = sum(MoneyOfKind(case, kind).open_parts())
    alone = sum(worth.standalone_cents.values())
    out.append(
        f"They share {usd(-joint)} of joint costs; each for itself, without manager or subsidy, "
        f"the members would be worth {usd(alone)} in all."
    )
    out.append(binding_rule(case, kind, members))
    return out


def _term_label(case: Case, name: str) -> str:
    for family in case.cluster.families:
        if name.endswith(f" of {family.key}"):
            return f"{name.removesuffix(family.key)}{family.label}"
    return name


def binding_rule(case: Case, kind: Kind, members: Sequence[str]) -> str:
    """The rule that comes first in the way of another group: one sentence."""
    firms = [case.register.by_id[firm] for firm in members]
    money = MoneyOfKind(case, kind)
    tightest: tuple[float, int, int] | None = None
    for at, year in enumerate(case.programme.launch_years):
        need = money.need_of_year(year)
        slack = sum(headroom_cents(case, kind, firm)[at] for firm in firms) - need
        if need > 0 and (tightest is None or slack / need < tightest[0]):
            tightest = (slack / need, year, slack)
    leaders = [firm.firm_id for firm in firms if experienced(case, firm)]
    if tightest is not None and tightest[0] < _TIGHT_SHARE:
        return (
            f"What binds is money: in year {tightest[1]} their contributions exceed the launch "
            f"costs by only {usd(tightest[2])}."
        )
    if len(leaders) == 1:
        return f"What binds is experience: {leaders[0]} is the only experienced exporter."
    full = _saturated(case, kind, firms)
    if len(members) == case.size_max:
        return f"What binds is size: {len(members)} members is the most allowed."
    if full:
        return (
            f"What binds is demand: {listed(full)} already reach what the plan's buyers take, so "
            "more capacity there would bring nothing."
        )
    if len(members) == case.size_min:
        return f"What binds is size: {len(members)} members is the fewest allowed."
    return "No rule of size, launch costs, experience or demand is at its limit."


def _saturated(case: Case, kind: Kind, firms: Sequence[Firm]) -> list[str]:
    money = MoneyOfKind(case, kind)
    out = []
    for family in money.market.families:
        sales = money.sales(family)
        total = sum(counted_lots(case, kind.market, firm, family) for firm in firms)
        if sales is not None and total >= sales[3]:
            out.append(case.cluster.family(family).label)
    return out


def member_reasons(
    valuer: Valuer, kind: Kind, worth: Valuation, members: Sequence[str]
) -> list[MemberReason]:
    """For each member: what it brings, and what the others would lose without it."""
    case = valuer.case
    market = case.market_cluster(kind.market)
    out = []
    for firm_id in members:
        firm = case.register.by_id[firm_id]
        brings = []
        for family in families_sold(case, kind.market, firm):
            lots = counted_lots(case, kind.market, firm, family)
            cents = int(lots * lot_price(case, market, family))
            brings.append(f"{case.cluster.family(family).label} for {usd(cents)} a year")
        if experienced(case, firm):
            brings.append(f"{count(firm.export_years or 0, 'export year')}")
        state = certificate_state(case, kind.market, firm)
        needed = listed(
            [certificate_words(case, name) for name in market.required_certificates.texts if name]
        )
        if needed:
            brings.append(needed if state == "held" else f"{needed}, which it has yet to obtain")
        rest = [f for f in members if f != firm_id]
        breaches = valuer.feasibility(kind, rest)
        if breaches:
            without = f"The others could not go on as they are: {breaches[0].message}"
        else:
            change = valuer.value(kind, rest).surplus_cents - worth.surplus_cents
            verb = "fall" if change <= 0 else "rise"
            without = f"The total surplus would {verb} by {usd(abs(change))}."
        out.append(MemberReason(firm=firm_id, brings=listed(brings, 9), without_it=without))
    return out


@dataclass(frozen=True, slots=True)
class _Try:
    """A firm put into a consortium: the change of surplus, and how."""

    change: int
    how: str
    name: str
    group: Group


def left_out_reasons(
    formulation: Formulation,
    consortia: Sequence[tuple[str, Kind, Sequence[str]]],
    gives_up: bool = False,
) -> list[LeftOut]:
    """For each firm in no consortium: why not, tried out against every consortium.

    Parameters
    ----------
    consortia : (id, kind, members) of every consortium of the plan.
    gives_up : whether the plan gives up surplus for second goals (``plan.gives_up``).
    """
    case = formulation.case
    inside = {firm for _, _, members in consortia for firm in members}
    partners = _partners(formulation)
    scorers = {market.code: PairScorer(case, market.code) for market in case.markets}
    out = []
    for firm in case.register.firms:
        if firm.firm_id not in inside:
            code, reason = _why_out(formulation, partners, scorers, consortia, firm, gives_up)
            out.append(LeftOut(firm=firm.firm_id, code=code, reason=reason))
    return out


def _partners(formulation: Formulation) -> dict[str, set[str]]:
    """Compatible firms of each item, over all markets and modes."""
    out: dict[str, set[str]] = {firm: set() for firm in formulation.firm_ids}
    for i, j in formulation.problem.pairs.tolist():
        a, b = formulation.firm_ids[i], formulation.firm_ids[j]
        out[a].add(b)
        out[b].add(a)
    return out


def _why_out(
    formulation: Formulation,
    partners: dict[str, set[str]],
    scorers: Mapping[str, PairScorer],
    consortia: Sequence[tuple[str, Kind, Sequence[str]]],
    firm: Firm,
    gives_up: bool,
) -> tuple[str, str]:
    case = formulation.case
    # By code, so that the order in which markets are asked for changes no reason.
    codes = sorted(market.code for market in case.markets)
    shut = [formulation.shut_out.get((firm.firm_id, code)) for code in codes]
    if all(why is not None for why in shut):
        # A market of another cluster, or for other products, says least.
        first = min(filter(None, shut), key=lambda why: why.code == "no_product")
        return first.code, first.reason
    needed = case.size_min - 1
    have = len(partners.get(firm.firm_id, ()))
    if have < needed:
        return (
            "few_partners",
            f"{count(have, 'firm is', 'firms are')} compatible with it; a consortium needs "
            f"{needed} others.",
        )
    if not consortia:
        return "no_consortium", "No consortium is proposed; see the reasons for the market."
    tries = sorted(_tries(formulation, consortia, firm), key=lambda t: (-t.change, t.how))
    best = next((t for t in tries if t.change <= 0 or _allowed(formulation, consortia, t)), None)
    if best is not None:
        if best.change > 0 and gives_up:
            return (
                "given_up",
                f"{best.how} would raise the surplus by {usd(best.change)}; this plan gives up "
                "surplus for its second goals.",
            )
        if best.change > 0:
            return (
                "could_improve",
                f"{best.how} would raise the surplus by {usd(best.change)}: this plan is not "
                "proved best.",
            )
        return "adds_less", f"{best.how} would lower the surplus by {usd(-best.change)}."
    loose = [row for row in consortia if not _frozen(case, row[2])]
    if not loose:
        return "fixed", "The rules file fixes every consortium as it is."
    return "incompatible", _closest(case, scorers, loose, firm)


def _tries(
    formulation: Formulation,
    consortia: Sequence[tuple[str, Kind, Sequence[str]]],
    firm: Firm,
) -> Iterator[_Try]:
    """The firm added to, or swapped into, each consortium where every rule of the group holds."""
    problem, item_of = formulation.problem, formulation.item_of
    kind_of = {kind: k for k, kind in enumerate(formulation.kinds)}
    pinned = {f for pin in formulation.case.rules.pins for f in pin.firms}
    bound = {f for rule in formulation.case.rules.together for f in rule}
    bound |= formulation.case.rules.must_join | pinned
    item = item_of.get(firm.firm_id)
    if item is None or firm.firm_id in bound:
        return
    for name, kind, members in consortia:
        k = kind_of[kind]
        if not problem.eligible[k, item] or not item_of.keys() >= set(members):
            continue  # an edited plan may hold firms that can be in no consortium
        items = [item_of[f] for f in members]
        now = group_value(problem, Group(k, items))
        joined = Group(k, [*items, item])
        if _frozen(formulation.case, members):
            continue
        if not any(group_violations(problem, joined)):
            change = group_value(problem, joined) - now
            yield _Try(change, f"Joining {name}", name, joined)
        for other in members:
            if other in bound:
                continue
            swapped = Group(k, [item if i == item_of[other] else i for i in items])
            if not any(group_violations(problem, swapped)):
                change = group_value(problem, swapped) - now
                yield _Try(change, f"Taking the place of {other} in {name}", name, swapped)


def _frozen(case: Case, members: Sequence[str]) -> bool:
    """Whether the rules file fixes a consortium as it is."""
    return any(set(p.firms) <= set(members) and not p.may_grow for p in case.rules.pins)


def _allowed(
    formulation: Formulation, consortia: Sequence[tuple[str, Kind, Sequence[str]]], one: _Try
) -> bool:
    """Whether the whole plan keeps every rule (budget, numbers) with one group exchanged."""
    others = [(kind, members) for name, kind, members in consortia if name != one.name]
    groups = [*formulation.grouping(others), one.group]
    return verify(formulation.problem, Grouping(groups)).feasible


def _closest(
    case: Case,
    scorers: Mapping[str, PairScorer],
    consortia: Sequence[tuple[str, Kind, Sequence[str]]],
    firm: Firm,
) -> str:
    """The consortium with the fewest obstacles, and the first of them."""
    found: list[tuple[int, str, str]] = []
    for name, kind, members in consortia:
        obstacles = []
        for other in members:
            score = scorers[kind.market].score(kind.mode, firm, case.register.by_id[other])
            if not score.allowed:
                obstacles.append(f"{other} ({listed(score.blocked)})")
        if obstacles:
            who = count(len(obstacles), "member")
            found.append(
                (
                    len(obstacles),
                    name,
                    f"It does not go with {who} of {name}, such as {obstacles[0]}.",
                )
            )
        else:
            found.append(
                (
                    0,
                    name,
                    f"It goes with every member of {name}, but no place can be made for it there "
                    "within all rules (size, launch costs, experience, the rules file).",
                )
            )
    return min(found)[2]
