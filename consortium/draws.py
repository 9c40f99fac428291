"""Uncertainty shown: what becomes of each proposed consortium if the estimates are off.

Many figures are estimates with a range. In every draw each of them is drawn anew within its range
(triangular, most likely the value in use; figures independent of each other), and every proposed
consortium is valued again by the domain's own arithmetic. That tells in how many draws it still has
a surplus, and how much. Which figures decide it most is told by moving them one at a time to both
ends of their range. The groups themselves are not chosen anew: the question is whether the
proposal, once made, stands.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from consortium.case import Case, Kind
from consortium.errors import InputError, InputFault
from consortium.fact_changes import facts_of, with_facts
from consortium.facts import Fact
from consortium.plan import ConsortiumDraws, DecidingFact, Draws, PlanConsortium
from consortium.valuation import Valuer

#: Programme figures that estimate the world. The others are choices of the programme (sizes,
#: thresholds, subsidy) or rates that the register was read with, and are not drawn.
DRAWN_OF_PROGRAMME = (
    "discount_rate",
    "elasticity",
    "reachable_share",
    "commission",
    "retention",
    "manager_annual",
    "coordination_per_member",
    "coordination_per_pair",
    "synergy_per_pair",
    "range_bonus",
    "contribution_of_turnover",
    "contribution_floor",
    "contribution_ceiling",
    "spare_share",
)
#: More draws tell nothing more and take hours.
MOST_DRAWS = 100_000
#: Facts told of each consortium.
NUM_DECIDING = 3
#: Significant digits of a drawn value.
_DIGITS = 6
_NOTE = "redrawn within its range"
#: Rules that say whether members can pay.
_PAYING = ("fees", "joint_cost")


def drawn_facts(case: Case) -> tuple[Fact, ...]:
    """The figures that are drawn: numbers with a range, ordered by name."""
    return tuple(fact for fact in _ranged(case) if fact.low != fact.high)


def _ranged(case: Case) -> list[Fact]:
    """Numbers that say both ends of a range and are no choices of the programme, by name."""
    wanted = {f"programme.{name}" for name in DRAWN_OF_PROGRAMME}
    out = []
    for fact in facts_of(case):
        owner, _, field = fact.name.rpartition(".")
        if owner.startswith("programme") and fact.name not in wanted:
            continue
        if owner.startswith("certificate") and field != "cost":
            continue  # how long it takes decides who may join, and is a rule of the programme
        ranged = fact.low is not None and fact.high is not None
        if ranged and isinstance(fact.value, Decimal):
            out.append(fact)
    return sorted(out, key=lambda fact: fact.name)


def range_faults(case: Case) -> list[InputFault]:
    """What keeps figures from being drawn from their ranges.

    A range may reach to what the figure cannot be (a duty below 0), or not hold the value in use,
    which is to be the likeliest.
    Every limit on a single figure is an interval, so its ends speak for all that lies between them.
    """
    faults: list[InputFault] = []
    for fact in _ranged(case):
        low, high = _range(fact)
        if not low <= _number(fact) <= high:
            message = f"must lie within its range, {low:f} to {high:f}, to be drawn"
            faults.append(InputFault("--draws", message, column=fact.name, value=fact.text))
    facts = {fact.name: fact for fact in drawn_facts(case)}
    moved: list[dict[str, Decimal]] = [
        {name: end} for name, fact in facts.items() for end in _range(fact)
    ]
    # The one limit on two figures together.
    pair = [facts.get(f"programme.contribution_{name}") for name in ("floor", "ceiling")]
    if pair[0] is not None and pair[1] is not None:
        moved.append({pair[0].name: _range(pair[0])[1], pair[1].name: _range(pair[1])[0]})
    for values in moved:
        try:
            with_facts(case, values, "range of an estimate")
        except InputError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    return faults


def draw_values(facts: Sequence[Fact], number: int, seed: int) -> list[dict[str, Decimal]]:
    """So many draws of every fact, by name; the same seed gives the same draws.

    Each fact has a stream of its own, so its draws do not hang on which others there are: cases
    with and without a market, or before and after a change, are compared under the same draws.
    """
    table = []
    for fact in facts:
        rng = np.random.default_rng([seed, zlib.crc32(fact.name.encode())])
        low, high = _range(fact)
        if float(low) < float(high):
            table.append(rng.triangular(float(low), float(_number(fact)), float(high), number))
        else:  # narrower than floats can tell
            table.append(np.full(number, float(_number(fact))))
    return [
        {fact.name: _decimal(fact, row[at]) for fact, row in zip(facts, table, strict=True)}
        for at in range(number)
    ]


def draws_of(case: Case, consortia: Sequence[PlanConsortium], number: int, seed: int) -> Draws:
    """What becomes of proposed consortia in so many draws.

    Parameters
    ----------
    number : of draws, 1 to ``MOST_DRAWS``.
    seed : of the draws, 0 or more.

    Raises
    ------
    ValueError
        If the number or the seed is out of range.
    InputError
        If a figure cannot be drawn from its range (``range_faults``).
    """
    if number < 1:
        raise ValueError(f"{number} draws; at least one is needed")
    if number > MOST_DRAWS:
        raise ValueError(f"{number:,} draws; {MOST_DRAWS:,} are the most")
    faults = range_faults(case)
    if faults:
        raise InputError(faults)
    facts = drawn_facts(case)
    located = [(Kind(c.market, c.marketing_plan, c.mode), c.members) for c in consortia]
    surplus = np.zeros((number, len(located)), np.int64)
    pays = np.zeros((number, len(located)), np.bool_)
    for at, values in enumerate(draw_values(facts, number, seed)):
        valuer = Valuer(with_facts(case, values, _NOTE))
        for g, (kind, members) in enumerate(located):
            surplus[at, g] = valuer.value(kind, members).surplus_cents
            pays[at, g] = can_pay(valuer, kind, members)
    deciding = _deciding(case, facts, located)
    return Draws(
        draws=number,
        seed=seed,
        num_facts=len(facts),
        consortia=tuple(
            ConsortiumDraws(
                consortium=group.id,
                positive=int((surplus[:, g] > 0).sum()),
                can_pay=int(pays[:, g].sum()),
                surplus_p10_cents=_quantile(surplus[:, g], 10),
                surplus_p50_cents=_quantile(surplus[:, g], 50),
                surplus_p90_cents=_quantile(surplus[:, g], 90),
                deciding=deciding[g],
            )
            for g, group in enumerate(consortia)
        ),
    )


def can_pay(valuer: Valuer, kind: Kind, members: Sequence[str]) -> bool:
    """Whether the members can carry the launch years, each within what it would pay."""
    breaches = valuer.feasibility(kind, members)
    return not any(breach.rule in _PAYING for breach in breaches)


def _deciding(
    case: Case, facts: Sequence[Fact], located: Sequence[tuple[Kind, tuple[str, ...]]]
) -> list[tuple[DecidingFact, ...]]:
    """For each consortium the facts that move its surplus most, each at both ends of its range."""
    ends: list[tuple[Fact, list[int], list[int]]] = []
    for fact in facts:
        sides = []
        for value in _range(fact):
            valuer = Valuer(with_facts(case, {fact.name: value}, _NOTE))
            sides.append([valuer.value(kind, firms).surplus_cents for kind, firms in located])
        ends.append((fact, sides[0], sides[1]))
    out = []
    for g in range(len(located)):
        ranked = sorted(ends, key=lambda row: (-abs(row[2][g] - row[1][g]), row[0].name))
        out.append(
            tuple(
                DecidingFact(
                    fact=fact.name,
                    unit=fact.unit,
                    low=f"{fact.low:f}",
                    value=fact.text,
                    high=f"{fact.high:f}",
                    surplus_at_low_cents=low[g],
                    surplus_at_high_cents=high[g],
                )
                for fact, low, high in ranked[:NUM_DECIDING]
                if low[g] != high[g]
            )
        )
    return out


def _number(fact: Fact) -> Decimal:
    assert isinstance(fact.value, Decimal)
    return fact.value


def _range(fact: Fact) -> tuple[Decimal, Decimal]:
    assert fact.low is not None
    assert fact.high is not None
    return fact.low, fact.high


def _decimal(fact: Fact, value: float) -> Decimal:
    """A drawn value in few digits, inside its range."""
    low, high = _range(fact)
    return min(max(Decimal(f"{value:.{_DIGITS}g}"), low), high)


def _quantile(surplus: npt.NDArray[np.int64], percent: int) -> int:
    """The surplus that this percent of the draws do not exceed (the nearest rank above)."""
    ordered = sorted(surplus.tolist())
    return int(ordered[max(0, -(-len(ordered) * percent // 100) - 1)])
