"""Who would be the best next firm: every other firm beside a group, and what its joining changes.

Surplus and rules are those of ``valuation``, the domain's own arithmetic; nothing is estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consortium.case import Case, Kind
from consortium.criteria import PairScorer
from consortium.eligibility import Ineligible, ineligible
from consortium.errors import InputError, InputFault
from consortium.feasibility import Breach
from consortium.pair_reasons import pair_reason
from consortium.valuation import Valuer
from consortium.wording import listed

if TYPE_CHECKING:
    import pandas as pd

#: Rules that a firm more may mend; a size above the most is told apart where it is used.
_MENDED_BY_MORE = frozenset({"size", "joint_cost", "experience", "together"})


@dataclass(frozen=True, slots=True)
class Misfit:
    """A member that a firm may not be in one consortium with.

    Attributes
    ----------
    member : the member's id.
    score_bp : their compatibility score, basis points.
    reason : one sentence.
    """

    member: str
    score_bp: int
    reason: str


@dataclass(frozen=True, slots=True)
class NextFirm:
    """One firm that could be asked to join a group.

    Attributes
    ----------
    firm_id, name, town : of the register.
    may_join : whether nothing is against the firm: it is eligible, goes with every member, and
        with it the group breaks no rule that further firms could not mend.
    whole : whether the group with it breaks no rule at all, so that it may form.
    ineligible : why no consortium for the market can have the firm, or ``None``.
    misfits : members it is not compatible with, ids ascending.
    breaches : every rule the group with it breaks.
    against : those of them that are of this firm's making and that no further firm can mend.
    surplus_cents : surplus of the group with it, US cents.
    change_cents : that less the surplus of the group without it; negative where it costs the group.
    """

    firm_id: str
    name: str
    town: str
    may_join: bool
    whole: bool
    ineligible: Ineligible | None
    misfits: tuple[Misfit, ...]
    breaches: tuple[Breach, ...]
    against: tuple[Breach, ...]
    surplus_cents: int
    change_cents: int


@dataclass(frozen=True)
class NextFirms:
    """A group and the firms that could join it; see ``best_next_firms``.

    Attributes
    ----------
    kind : market, marketing plan and mode.
    members : the group, ids ascending.
    surplus_cents : its surplus as it is, US cents.
    breaches : every rule it breaks as it is.
    firms : firms looked at, by change descending, then by id.
    num_may_join, num_may_not : how many firms may join and may not, those beyond the limit too.
    """

    kind: Kind
    members: tuple[str, ...]
    surplus_cents: int
    breaches: tuple[Breach, ...]
    firms: tuple[NextFirm, ...]
    num_may_join: int
    num_may_not: int

    @property
    def may_join(self) -> tuple[NextFirm, ...]:
        """Those of ``firms`` that may join, in their order."""
        return tuple(firm for firm in self.firms if firm.may_join)

    @property
    def may_not(self) -> tuple[NextFirm, ...]:
        """Those of ``firms`` that may not join, in their order."""
        return tuple(firm for firm in self.firms if not firm.may_join)

    def to_frame(self) -> pd.DataFrame:
        """One row a firm: whether it may join, surplus and change in cents, and why not.

        ``obstacles`` are sentences, empty for a firm that may join; ``broken_rules`` are the codes
        of every rule that the group with it breaks, with commas between.
        """
        import pandas as pd

        columns = ["firm_id", "name", "town", "may_join", "whole", "surplus_cents", "change_cents"]
        rows = [
            [
                *(getattr(firm, name) for name in columns),
                " ".join(obstacles(firm)),
                ",".join(sorted({breach.rule for breach in firm.breaches})),
            ]
            for firm in self.firms
        ]
        return pd.DataFrame(rows, columns=[*columns, "obstacles", "broken_rules"])


def best_next_firms(
    case: Case,
    kind: Kind,
    members: Iterable[str],
    among: Iterable[str] | None = None,
    limit: int | None = 10,
) -> NextFirms:
    """Rank the firms that could join a group by what each changes in its surplus.

    A firm that makes the surplus fall is listed with its negative change. Compatibility is the
    rule's (score, ties, channel), also where a large register's graph keeps fewer pairs.

    Parameters
    ----------
    case : register, programme, markets and rules.
    kind : market, marketing plan and mode of the case.
    members : ids of at least two firms of the register.
    among : ids of the firms to look at; every other firm of the register when left out.
    limit : at most so many firms that may join, and as many that may not; all when ``None``.

    Raises
    ------
    InputError
        With ``.faults``: unknown kind, unknown or repeated members, fewer than two of them, unknown
        firms to look at, or a limit below 1.
    """
    members = list(members)
    wanted = None if among is None else list(among)
    faults = kind_faults(case, kind.market, kind.plan, kind.mode) + member_faults(case, members)
    known = case.register.by_id
    for firm_id in sorted({firm for firm in wanted or () if firm not in known}):
        faults.append(InputFault("among", "is no firm of the register", value=firm_id))
    if limit is not None and limit < 1:
        faults.append(InputFault("limit", "must be at least 1, or None for all", value=str(limit)))
    if faults:
        raise InputError(faults)
    group = tuple(sorted(members))
    valuer, scorer = Valuer(case), PairScorer(case, kind.market)
    surplus, breaches = valuer.value(kind, group).surplus_cents, valuer.feasibility(kind, group)
    rest = sorted(set(known if wanted is None else wanted) - set(group))
    rows = [_next(valuer, scorer, kind, group, firm, surplus, breaches) for firm in rest]
    rows.sort(key=lambda row: (-row.change_cents, row.firm_id))
    may = [row for row in rows if row.may_join]
    may_not = [row for row in rows if not row.may_join]
    shown = {row.firm_id for row in may[:limit] + may_not[:limit]}
    return NextFirms(
        kind=kind,
        members=group,
        surplus_cents=surplus,
        breaches=breaches,
        firms=tuple(row for row in rows if row.firm_id in shown),
        num_may_join=len(may),
        num_may_not=len(may_not),
    )


def best_kind(
    case: Case,
    market: str,
    members: Sequence[str],
    plan: str | None = None,
    mode: str | None = None,
) -> Kind:
    """The kind in which some firms have the largest surplus; the first of equal ones.

    Parameters
    ----------
    case : register, programme, markets and rules.
    market : a market of the case.
    members : ids of firms of the register.
    plan, mode : a marketing plan and a mode to keep to; all of the case when left out.

    Raises
    ------
    InputError
        If the market, plan or mode is not of the case, or the members cannot be a group.
    """
    faults = kind_faults(case, market, plan, mode) + member_faults(case, members)
    if faults:
        raise InputError(faults)
    valuer = Valuer(case)
    kinds = [
        kind
        for kind in case.kinds
        if kind.market == market and plan in (None, kind.plan) and mode in (None, kind.mode)
    ]
    return max(kinds, key=lambda kind: valuer.value(kind, members).surplus_cents)


def member_faults(case: Case, members: Sequence[str], source: str = "members") -> list[InputFault]:
    """Everything that keeps some ids from being a group one can add to; ``source`` names them."""
    out = []
    for firm_id, times in Counter(members).items():
        if firm_id not in case.register.by_id:
            message = "is no firm of the register; firm ids are in its column firm_id"
            out.append(InputFault(source, message, value=firm_id))
        if times > 1:
            out.append(InputFault(source, f"is named {times} times", value=firm_id))
    if len(set(members)) < 2:
        seen = ",".join(members)
        message = "name at least two firms, their ids with commas between: S0001,S0002"
        out.append(InputFault(source, message, value=seen))
    return out


def kind_faults(
    case: Case, market: str, plan: str | None, mode: str | None, prefix: str = ""
) -> list[InputFault]:
    """Everything in which a market, marketing plan and mode are not of a case.

    Parameters
    ----------
    prefix : stands before their names in messages: "--" on the command line.
    """
    codes = [known.code for known in case.markets]
    plans, modes = [known.key for known in case.plans], case.programme.modes.texts
    out = []
    if market not in codes:
        message = f"is no market of this case; it has {listed(codes)}"
        out.append(InputFault(f"{prefix}market", message, value=market))
    if plan is not None and plan not in plans:
        message = f"is no marketing plan; known are {', '.join(plans)}"
        out.append(InputFault(f"{prefix}plan", message, value=plan))
    if mode is not None and mode not in modes:
        message = f"is not of this programme; it has {', '.join(modes)}"
        out.append(InputFault(f"{prefix}mode", message, value=mode))
    return out


def obstacles(firm: NextFirm) -> list[str]:
    """What is against a firm, in sentences, the weightiest first; none for one that may join."""
    out = []
    if firm.ineligible is not None:
        out.append(firm.ineligible.reason)
    out.extend(f"{misfit.member}: {misfit.reason}" for misfit in firm.misfits)
    # Misfits are told above; what makes a firm ineligible is told once.
    told = {"pair"} if firm.ineligible is None else {"pair", *_TOLD[firm.ineligible.code]}
    out.extend(f"{breach.message}." for breach in firm.against if breach.rule not in told)
    return out


#: Codes of ineligibility, with the rules of ``feasibility`` that say the same.
_TOLD: dict[str, tuple[str, ...]] = {
    "excluded": ("exclude",),
    "not_a_maker": ("maker",),
    "no_product": ("families",),
    "too_costly": ("families",),
    "certificate": ("certificates",),
    "cannot_pay": ("fees",),
}


def _next(
    valuer: Valuer,
    scorer: PairScorer,
    kind: Kind,
    group: tuple[str, ...],
    firm_id: str,
    surplus_cents: int,
    before: tuple[Breach, ...],
) -> NextFirm:
    case = valuer.case
    firm = case.register.by_id[firm_id]
    misfits = []
    for member in group:
        if not valuer.pair(kind, member, firm_id).allowed:
            score = scorer.score(kind.mode, case.register.by_id[member], firm)
            misfits.append(Misfit(member, score.score, pair_reason(score, case)))
    larger = (*group, firm_id)
    breaches = valuer.feasibility(kind, larger)
    cannot = ineligible(case, kind.market, firm)
    # What the group breaks already is not this firm's doing.
    against = tuple(
        breach
        for breach in breaches
        if breach not in before and not _mendable(case, breach, len(larger))
    )
    changed = valuer.value(kind, larger).surplus_cents
    return NextFirm(
        firm_id=firm_id,
        name=firm.name,
        town=firm.town,
        may_join=cannot is None and not misfits and not against,
        whole=not breaches,
        ineligible=cannot,
        misfits=tuple(misfits),
        breaches=breaches,
        against=against,
        surplus_cents=changed,
        change_cents=changed - surplus_cents,
    )


def _mendable(case: Case, breach: Breach, size: int) -> bool:
    """Whether a group may still keep the rule when further firms join."""
    if size >= case.size_max and breach.rule != "size":
        return False  # no further firm may join
    if breach.rule == "size":
        return size < case.size_min
    return breach.rule in _MENDED_BY_MORE
