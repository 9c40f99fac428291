"""Which groups may form, and which plans: every rule of ``docs/model.md`` in plain code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from consortium.case import Kind
from consortium.cashflow import Figures


class PairJudgement(Protocol):
    """What is asked of a pair's score: basis points, whether it may be a pair, and why not."""

    @property
    def score(self) -> int:
        """Score, basis points."""

    @property
    def allowed(self) -> bool:
        """Whether the pair is compatible."""

    @property
    def blocked(self) -> tuple[str, ...]:
        """Why it is not."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that does not hold.

    Attributes
    ----------
    rule : short code, e.g. "size", "certificates", "budget".
    firm : firm it is about, or ``None``.
    message : one sentence with the figures.
    """

    rule: str
    firm: str | None
    message: str


def group_breaches(
    figures: Figures,
    kind: Kind,
    firm_ids: Sequence[str],
    judge: Callable[[str, str], PairJudgement],
) -> tuple[Breach, ...]:
    """Every rule one consortium breaks.

    Parameters
    ----------
    figures : of the case.
    kind : market, plan and mode.
    firm_ids : members, in any order.
    judge : the score of two members in this kind's market and mode.
    """
    case = figures.case
    if kind not in case.kinds:
        return (Breach("kind", None, f"{kind.label} is no kind of this case"),)
    out = []
    for firm, times in sorted(Counter(firm_ids).items()):
        if firm not in case.register.by_id:
            out.append(Breach("known", firm, f"{firm} is no firm of the register"))
        if times > 1:
            out.append(Breach("twice", firm, f"{firm} is named {times} times"))
    size = len(set(firm_ids))
    if not case.size_min <= size <= case.size_max:
        bounds = f"{case.size_min} to {case.size_max}"
        out.append(Breach("size", None, f"{size} members; a consortium has {bounds}"))
    members = sorted(set(firm_ids) & set(case.register.by_id))
    for firm in members:
        out.extend(_firm_breaches(figures, kind, firm))
    out.extend(_money_breaches(figures, kind, members))
    if not any(figures.experienced(firm) for firm in members):
        years = case.programme.experienced_years.text
        out.append(Breach("experience", None, f"no member has {years} export years or more"))
    for firm_a, firm_b in combinations(members, 2):
        reasons = _pair_reasons(figures, kind, firm_a, firm_b, judge(firm_a, firm_b))
        if reasons:
            out.append(Breach("pair", None, f"{firm_a} and {firm_b}: {'; '.join(reasons)}"))
    for together in case.rules.together:
        inside = sorted(set(together) & set(firm_ids))
        if inside and len(inside) < len(set(together)):
            outside = ", ".join(sorted(set(together) - set(firm_ids)))
            message = f"{', '.join(inside)} must go together with {outside}"
            out.append(Breach("together", None, message))
    for apart in case.rules.apart:
        inside = sorted(set(apart) & set(firm_ids))
        if len(inside) > 1:
            message = f"{', '.join(inside)} must not be in one consortium"
            out.append(Breach("apart", None, message))
    return tuple(out)


def plan_breaches(
    figures: Figures, consortia: Sequence[tuple[Kind, tuple[str, ...]]]
) -> tuple[Breach, ...]:
    """Every rule a whole plan breaks, beyond those of each consortium by itself."""
    case = figures.case
    programme, rules = case.programme, case.rules
    out = []
    places = Counter(firm for _, firm_ids in consortia for firm in firm_ids)
    for firm, times in sorted(places.items()):
        if times > 1:
            out.append(Breach("disjoint", firm, f"{firm} is in {times} places of the plan"))
    for kind in sorted({kind for kind, _ in consortia} - set(case.kinds)):
        out.append(Breach("kind", None, f"{kind.label} is no kind of this case"))
    known = [(kind, firm_ids) for kind, firm_ids in consortia if kind in case.kinds]
    for code, number in sorted(Counter(kind.market for kind, _ in known).items()):
        most = figures.market(code).max_consortia
        if number > most:
            message = f"{number} consortia in {code}; its demand carries {most}"
            out.append(Breach("market_count", None, message))
        ruled = rules.max_consortia.get(code)
        if ruled is not None and number > ruled:
            message = f"{number} consortia in {code}; the rules allow {ruled}"
            out.append(Breach("max_consortia", None, message))
    load = programme.caseload.exact * programme.facilitators.exact
    if len(consortia) > load:
        message = f"{len(consortia)} consortia; the facilitators can serve {load}"
        out.append(Breach("caseload", None, message))
    if programme.budget is not None:
        spent = sum(subsidy_cents(figures, kind, firm_ids) for kind, firm_ids in known)
        if spent > programme.budget.cents:
            message = f"the subsidy is {usd(spent)}; the budget is USD {programme.budget.text}"
            out.append(Breach("budget", None, message))
    for firm in sorted(rules.must_join - set(places)):
        out.append(Breach("must_join", firm, f"{firm} must be in a consortium and is left out"))
    groups = [frozenset(firm_ids) for _, firm_ids in consortia]
    for together in rules.together:
        if not set(together).isdisjoint(places) and not any(g >= set(together) for g in groups):
            message = f"{', '.join(together)} go together or not at all"
            out.append(Breach("together", None, message))
    out.extend(_pin_breaches(figures, consortia))
    return tuple(out)


def subsidy_cents(figures: Figures, kind: Kind, firm_ids: Sequence[str]) -> int:
    """Undiscounted subsidy of a consortium over all years, as the budget counts it."""
    row = figures.kind(kind)
    return sum(row.subsidy_joint_cents) + len(set(firm_ids)) * sum(row.subsidy_member_cents)


def usd(cents: int) -> str:
    """An amount as readers write it."""
    return f"USD {cents // 100:,}.{cents % 100:02d}" if cents >= 0 else f"-{usd(-cents)}"


def _firm_breaches(figures: Figures, kind: Kind, firm_id: str) -> Iterator[Breach]:
    case = figures.case
    firm, row = case.register.by_id[firm_id], figures.firm(kind.market, firm_id)
    if firm.role not in ("maker", None):  # one whose role is not given counts as a maker
        yield Breach("maker", firm_id, f"{firm_id} is a {firm.role}; only makers join")
    if firm_id in case.rules.exclude:
        yield Breach("exclude", firm_id, f"{firm_id} is excluded by the rules")
    if not row.counted_lots:
        yield Breach("families", firm_id, f"{firm_id} sells no product family in {kind.market}")
    if not row.can_hold:
        names = ", ".join(row.missing)
        yield Breach("certificates", firm_id, f"{firm_id} lacks {names} and cannot obtain it")
    pay = figures.pay_cents(firm_id)
    own = figures.own_cost_cents(kind, firm_id)
    for year in case.programme.launch_years:
        if own[year - 1] > pay:
            message = f"{firm_id} pays at most {usd(pay)}; its own cost is {usd(own[year - 1])}"
            yield Breach("fees", firm_id, f"{message} in year {year}")


def _money_breaches(figures: Figures, kind: Kind, members: Sequence[str]) -> Iterator[Breach]:
    """Launch years in which the members together cannot pay the joint cost."""
    own = {firm: figures.own_cost_cents(kind, firm) for firm in members}
    for year in figures.case.programme.launch_years:
        room = sum(figures.pay_cents(firm) - own[firm][year - 1] for firm in members)
        need = figures.kind(kind).need_cents[year - 1]
        if room < need:
            message = f"members can add {usd(room)} in year {year}; the joint cost is {usd(need)}"
            yield Breach("joint_cost", None, message)


def _pair_reasons(
    figures: Figures, kind: Kind, firm_a: str, firm_b: str, pair: PairJudgement
) -> list[str]:
    """Why two firms are no pair; ties, channels and threshold are looked up here once more."""
    case = figures.case
    ties = case.register.ties_between.get((firm_a, firm_b), frozenset())
    channels = [
        {case.cluster.family(key).channel for key in figures.firm(kind.market, firm).counted_lots}
        for firm in (firm_a, firm_b)
    ]
    least = case.programme.threshold_range.bp
    if kind.mode == "volume":
        least = case.programme.threshold_volume.bp
    out = []
    if "veto" in ties:
        out.append("one refuses the other")
    if "same_owner" in ties:
        out.append("they have one owner")
    own = case.own_pairs
    if own is not None:
        if kind.mode not in own.pair(firm_a, firm_b):
            out.append("they are not among the pairs given")
    else:
        if channels[0].isdisjoint(channels[1]):
            out.append("they share no channel")
        if pair.score < least:
            out.append(f"their score {pair.score} is below {least}")
    if not pair.allowed and not out:
        out.append(", ".join(pair.blocked) or "they are not compatible")
    return out


def _pin_breaches(
    figures: Figures, consortia: Sequence[tuple[Kind, tuple[str, ...]]]
) -> Iterator[Breach]:
    """Pins that are not kept; two pins never share a consortium, one of them would be gone."""
    taken: set[int] = set()
    for pin in figures.case.rules.pins:
        kind, firms = Kind(pin.market, pin.plan, pin.mode), set(pin.firms)
        found = [
            index
            for index, (at, firm_ids) in enumerate(consortia)
            if at == kind
            and (set(firm_ids) >= firms if pin.may_grow else set(firm_ids) == firms)
            and index not in taken
        ]
        taken.update(found[:1])
        if not found:
            kept = "kept, others may join" if pin.may_grow else "kept as it is"
            message = f"{', '.join(pin.firms)} ({kind.label}) must be {kept}"
            yield Breach("pin", None, message)
