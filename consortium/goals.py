"""Second goals of a plan: how many firms it serves, of which sort, and how well they fit.

Surplus comes first; given how much of it may be given up, the goals are taken in the order they are
named (``solver.second_goals``). A goal is counted here twice over: as coefficients for the solver,
and by name and pair for the plan, which ``check`` counts again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from consortium.case import Case, Kind
from consortium.errors import PlanDefect
from consortium.formulation import Formulation
from consortium.plan import SecondGoal, SecondGoals
from consortium.register import Firm
from consortium.valuation import Valuer
from solver import Goal, Limits, Observer, Reached, Result, refine
from solver.grouping import Grouping


@dataclass(frozen=True, slots=True)
class GoalKind:
    """A goal that can be asked for.

    Attributes
    ----------
    key, label : its name on the command line, and for readers.
    counts : whether a member counts, for a goal that counts members; else ``None``.
    """

    key: str
    label: str
    counts: Callable[[Firm], bool] | None


#: The goals, by name. Cohesion is the sum of the scores (basis points) of all pairs of members.
GOALS: dict[str, GoalKind] = {
    goal.key: goal
    for goal in (
        GoalKind("firms_served", "firms in a consortium", lambda firm: True),
        GoalKind("new_exporters", "new exporters in a consortium", lambda f: bool(f.new_exporter)),
        GoalKind("women_led", "women-led firms in a consortium", lambda f: bool(f.women_led)),
        GoalKind("cohesion", "scores of all pairs of members", None),
    )
}


def most_given_up(surplus_cents: int, give_up: Fraction) -> int:
    """Most surplus that may be given up for the goals, whole cents."""
    return int(give_up * abs(surplus_cents))


def goal_value(valuer: Valuer, key: str, consortia: Iterable[tuple[Kind, Sequence[str]]]) -> int:
    """What some consortia reach of a goal, counted firm by firm or pair by pair."""
    goal, by_id = GOALS[key], valuer.case.register.by_id
    total = 0
    for kind, members in consortia:
        if goal.counts is not None:
            total += sum(goal.counts(by_id[firm]) for firm in members)
        else:
            total += sum(valuer.pair(kind, a, b).score for a, b in combinations(members, 2))
    return total


def solver_goal(formulation: Formulation, key: str) -> Goal:
    """A goal as coefficients of the formal problem."""
    goal, case = GOALS[key], formulation.case
    num_kinds, n = len(formulation.kinds), len(formulation.firm_ids)
    if goal.counts is None:
        return Goal(key, np.zeros((num_kinds, n), np.int64), formulation.pair_scores)
    firms = (case.register.by_id[firm] for firm in formulation.firm_ids)
    row = np.array([goal.counts(firm) for firm in firms], np.int64)
    return Goal(key, np.tile(row, (num_kinds, 1)))


def serve_goals(
    formulation: Formulation,
    result: Result,
    keys: Sequence[str],
    give_up: Fraction,
    limits: Limits,
    observer: Observer | None = None,
) -> tuple[Grouping, SecondGoals, tuple[str, ...]]:
    """The grouping that serves the goals best, what a plan says of it, and notes.

    As in every plan, no group is taken whose members do better alone, but where a rule obliges.

    Parameters
    ----------
    result : of the solve for surplus, with a grouping.
    keys : names of goals, the first counts most.
    give_up : most surplus given up for them, as a share of what ``result`` has; of it whole parts
        per million count, as the plan states it, so that ``check`` allows what was allowed here.
    limits : of this search.
    """
    assert result.grouping is not None
    assert result.objective is not None
    give_up_ppm = int(give_up * 1_000_000)
    least = result.objective - most_given_up(result.objective, Fraction(give_up_ppm, 1_000_000))
    goals = [solver_goal(formulation, key) for key in keys]
    found = refine(
        formulation.problem, result.grouping, least, goals, limits, observer, least_group=0
    )
    rows = tuple(_row(formulation, found.grouping, row) for row in found.goals)
    # A plan that was not proved best may be bettered on the way.
    most = max(result.objective, found.objective)
    told = SecondGoals(
        give_up_ppm=give_up_ppm,
        most_surplus_cents=most,
        given_up_cents=most - found.objective,
        goals=rows,
    )
    notes = [*found.notes]
    if found.stopped_by is not None:
        notes.append(f"The search for second goals ended early ({found.stopped_by}).")
    missing = _unknown(formulation.case, keys)
    return found.grouping, told, (*notes, *missing)


def _row(formulation: Formulation, grouping: Grouping, row: Reached) -> SecondGoal:
    """One goal of the plan, counted again by the domain's own arithmetic."""
    consortia = formulation.consortia(grouping)
    counted = goal_value(Valuer(formulation.case), row.goal, consortia)
    if counted != row.value:
        raise PlanDefect(f"the goal {row.goal} is {counted}, the solver says {row.value}")
    return SecondGoal(
        goal=row.goal,
        label=GOALS[row.goal].label,
        before=row.before,
        value=row.value,
        at_most=row.bound,
    )


def _unknown(case: Case, keys: Sequence[str]) -> list[str]:
    """Goals that the register does not tell of every firm."""
    out = []
    for key in keys:
        if key in ("new_exporters", "women_led"):
            column = "new_exporter" if key == "new_exporters" else "women_led"
            number = sum(getattr(firm, column) is None for firm in case.register.firms)
            if number:
                out.append(f"{column} is not known of {number:,} firms, which count as no.")
    return out
