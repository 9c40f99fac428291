"""Second goals: of all groupings worth nearly the most, the one that serves other goals best.

A best grouping is often one of many that are worth about as much. Given how much value may be given
up, the goals are taken in their order: the first is made as large as it can be, then the second
among the groupings that reach it, and so on; what is left of the choice goes to value again (the
epsilon-constraint method, taken lexicographically: Ehrgott, Multicriteria Optimization, 2005).

That a grouping is worth ``least`` or more is one row of a packing, because its loss against good
prices says what it is worth (``column_generation.budget``); and the groups that lose no more than
there is to give up are few enough to list. Where all of them are listed, and CP-SAT finishes, the
answer is proved; where they are too many, only groups that lose a part of it are chosen among, and
no bound is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from solver import cpsat
from solver.column_generation.atoms import contract
from solver.column_generation.budget import Packing, PackingModel
from solver.column_generation.columns import Columns, Prices, join, no_prices
from solver.column_generation.generation import Generation, first_columns
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import incumbent_columns
from solver.column_generation.restricted import Room
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.errors import ModelTooLarge, SolverDisagreement
from solver.events import Observer
from solver.grouping import Group, Grouping
from solver.interrupt import ctrl_c
from solver.limits import Limits
from solver.problem import GroupingProblem, IntArray
from solver.verification import verify

#: Groups that are chosen among at most, and the work units that listing them may cost.
MAX_LISTED, LISTING_UNITS = 100_000, 30_000_000
#: Rounds of cuts that sharpen the prices first: the better they are, the fewer groups are listed.
CUT_ROUNDS = 20
#: Parts, in percent, of what may be given up for which groups are listed, until one list is short
#: enough. Whole numbers: with floats the whole of what may be given up could be a little less.
PARTS_PERCENT = (100, 50, 25, 10, 3, 0)
#: Part of what is left that goals may take together; the rest is for value, at the goals reached.
GOALS_PART = 0.75
#: Work units of one choice, where no limit is set.
CHOICE_UNITS = 60_000_000


@dataclass(frozen=True, eq=False)
class Goal:
    """A goal that is a sum over the members and the pairs of a grouping's groups.

    Attributes
    ----------
    name : for readers.
    item_values : int64 [K, n], for each item in a group of the kind.
    pair_values : int64 [K, m], for each listed pair inside a group of the kind; none if left out.
    """

    name: str
    item_values: IntArray
    pair_values: IntArray | None = None

    def check(self, problem: GroupingProblem) -> None:
        """Raise ``ValueError`` unless the arrays are whole numbers of the problem's shape."""
        shapes = {"item_values": (self.item_values, problem.num_items)}
        if self.pair_values is not None:
            shapes["pair_values"] = (self.pair_values, len(problem.pairs))
        for name, (values, length) in shapes.items():
            wanted = (problem.num_kinds, length)
            if values.shape != wanted or not np.issubdtype(values.dtype, np.integer):
                raise ValueError(
                    f"{name} of the goal {self.name} is {values.dtype} {values.shape}; it must be "
                    f"whole numbers {wanted}"
                )

    def of(self, problem: GroupingProblem, grouping: Grouping) -> int:
        """What a grouping reaches of it."""
        total = 0
        for group in grouping:
            members = list(group.members)
            total += int(self.item_values[group.kind][members].sum())
            if self.pair_values is not None:
                inside = np.isin(problem.pairs, members).all(axis=1)
                total += int(self.pair_values[group.kind][inside].sum())
        return total


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one goal was reached.

    Attributes
    ----------
    goal : its name.
    before : what the grouping of most value reaches of it.
    value : what the answer reaches.
    bound : no grouping worth ``least`` that reaches the goals before it reaches more; ``None``
        where that is not known.
    """

    goal: str
    before: int
    value: int
    bound: int | None


@dataclass(frozen=True, slots=True)
class Refined:
    """The answer of ``refine``.

    Attributes
    ----------
    grouping, objective : the grouping, and what it is worth.
    goals : how far each goal was reached, in their order.
    stopped_by : "interrupt", "observer", "seconds" or "work" where that ended it; else ``None``.
    notes : what a reader should know.
    """

    grouping: Grouping
    objective: int
    goals: tuple[Reached, ...]
    stopped_by: str | None
    notes: tuple[str, ...]


def refine(
    problem: GroupingProblem,
    best: Grouping,
    least: int,
    goals: Sequence[Goal],
    limits: Limits | None = None,
    observer: Observer | None = None,
    least_group: int | None = None,
) -> Refined:
    """The grouping worth ``least`` or more that serves some goals best, in their order.

    Parameters
    ----------
    best : a feasible grouping worth ``least`` or more, to begin from.
    least : least value of the answer.
    goals : the first counts most.
    limits : of this run; with one worker and a work limit the answer is always the same.
    observer : called with events; returning ``False`` ends the run with the best grouping so far.
    least_group : least value of a group that holds no item which must join, unless it is one of
        ``best``; any if left out. Bounds are then of groupings of such groups.

    Raises
    ------
    ValueError
        If ``best`` is not feasible, or worth less than ``least``, or a goal's arrays are not whole
        numbers of the problem's shape.
    """
    for goal in goals:
        goal.check(problem)
    verdict = verify(problem, best)
    if not verdict.feasible or verdict.objective is None or verdict.objective < least:
        raise ValueError("the grouping to begin from must be feasible and worth `least` or more")
    context = SolveContext(problem, Limits() if limits is None else limits, best, observer)
    context.offer(best)
    if context.stopping():
        return _as_it_was(problem, best, verdict.objective, goals, context)
    try:
        with ctrl_c(context):
            return _Refinement(context, best, verdict.objective, least, goals, least_group).run()
    except ModelTooLarge as error:
        context.note(f"second goals: {error}")
        return _as_it_was(problem, best, verdict.objective, goals, context)


def _as_it_was(
    problem: GroupingProblem,
    best: Grouping,
    objective: int,
    goals: Sequence[Goal],
    context: SolveContext,
) -> Refined:
    """The grouping to begin from, with nothing proved of it."""
    values = [goal.of(problem, best) for goal in goals]
    reached = tuple(Reached(g.name, v, v, None) for g, v in zip(goals, values, strict=True))
    return Refined(best, objective, reached, context.stop_reason, tuple(context.notes))


class _Refinement:
    """One run of ``refine``."""

    def __init__(
        self,
        context: SolveContext,
        best: Grouping,
        objective: int,
        least: int,
        goals: Sequence[Goal],
        least_group: int | None,
    ) -> None:
        self.least_group = least_group
        self.context, self.problem = context, context.problem
        self.best, self.objective, self.least, self.goals = best, objective, least, goals
        self.atoms = contract(self.problem)
        self.search = GroupSearch(self.atoms, context)

    def run(self) -> Refined:
        context = self.context
        context.phase("second goals: prices")
        prices, bound = self._prices()
        context.phase("second goals: listing")
        columns, complete = self._list(prices, bound)
        if columns is None or context.stopping():
            if columns is None and not context.stopping():
                context.note("second goals: too many groups to choose among; none was looked for")
            return _as_it_was(self.problem, self.best, self.objective, self.goals, context)
        if not complete:
            context.note(
                "second goals: only groups near the best were chosen among, the others are too "
                "many; what more could be reached is not known"
            )
        context.phase("second goals: choosing")
        return self._choose(columns, prices, complete)

    def _prices(self) -> tuple[Prices, int | None]:
        """Good prices, and what they prove times their scale (``None`` if nothing)."""
        context, settings = self.context, EnumerationSettings()
        plain = no_prices(self.atoms, self.search.scale)
        if not self.search.can_bound:
            return no_prices(self.atoms, 1), None
        seeds = first_columns(self.atoms, self.search, settings)
        seeds = join([incumbent_columns(self.atoms, context), seeds])
        with Generation(self.atoms, self.search, context, settings, seeds) as generation:
            generation.run()
            for _ in range(CUT_ROUNDS):
                if context.stopping() or generation.answer is None or not generation.cut():
                    break
            found = generation.best
        return (plain, None) if found is None else (found.prices, found.bound)

    def _list(self, prices: Prices, bound: int | None) -> tuple[Columns | None, bool]:
        """Groups to choose among, and whether they are all that matter."""
        scale = prices.scale
        for part in PARTS_PERCENT:
            if self.context.stopping():
                return None, False
            floor = listing_floor(self.objective, self.least, part)
            least = -self.search.most_negative() if bound is None else scale * floor - bound
            # No group loses more than the search can count.
            loss = min(-least, self.search.most_negative())
            found = self.search.losing_at_most(prices, loss, MAX_LISTED, LISTING_UNITS)
            if found.complete and len(found.columns) <= MAX_LISTED:
                columns = found.columns
                if self.least_group is not None:
                    kept = columns.values >= self.least_group
                    columns = columns.take(kept | columns.some(self.atoms.must))
                columns = join([columns, incumbent_columns(self.atoms, self.context)])
                return columns, part == 100
            if bound is None:
                break
        return None, False

    def _choose(self, columns: Columns, prices: Prices, complete: bool) -> Refined:
        context, atoms, problem = self.context, self.atoms, self.problem
        uses = columns.uses(atoms)
        room = Room(problem.min_groups, atoms.max_groups, problem.shared_limit)
        packing = Packing(atoms, columns, uses, prices, room, self.least - 1)
        made = PackingModel(packing)
        if made.impossible:
            raise SolverDisagreement("no choice is said to be worth what a grouping at hand is")
        model, chosen = made.model, made.chosen
        values = self._incumbent_choice(columns)
        groups = [columns.group(atoms, c) for c in range(len(columns))]
        reached: list[Reached] = []
        for at, goal in enumerate(self.goals):
            worths = goal_values(problem, groups, goal)
            total = cp_model.LinearExpr.weighted_sum(chosen, worths.tolist())
            before = goal.of(problem, self.best)
            bound = None
            if not context.stopping():
                _hint(model, chosen, values)
                model.maximize(total)
                work, seconds = self._share(len(self.goals) - at)
                outcome = cpsat.run(
                    model, context, watched=chosen, max_work=work, max_seconds=seconds
                )
                if outcome.values is not None:
                    values = outcome.values
                bound = outcome.bound if complete else None
            value = sum(int(w) for w, one in zip(worths, values, strict=True) if one)
            reached.append(Reached(goal.name, before, value, bound))
            model.add(total >= value)
        cheapest = False
        if not context.stopping():
            _hint(model, chosen, values)
            model.minimize(made.loss)
            work, _ = self._share(0)
            outcome = cpsat.run(model, context, watched=chosen, max_work=work)
            values = values if outcome.values is None else outcome.values
            cheapest = outcome.status == "OPTIMAL" and complete
        if not cheapest:
            context.note("second goals: that they cannot be reached for less value is not proved")
        grouping = Grouping(group for group, one in zip(groups, values, strict=True) if one)
        return self._checked(grouping, reached)

    def _incumbent_choice(self, columns: Columns) -> tuple[int, ...]:
        """The grouping at hand as a choice: its groups are the last columns."""
        ours = len(self.best)
        return tuple(int(c >= len(columns) - ours) for c in range(len(columns)))

    def _share(self, goals_left: int) -> tuple[int | None, float | None]:
        """Work units, or seconds, of one choice; the last one, for value, keeps a part of both.

        Parameters
        ----------
        goals_left : goals not chosen for yet, this one among them; 0 for the last choice.
        """
        context = self.context
        work, seconds = context.remaining_work, context.remaining_seconds
        if work is None and seconds is None:
            return CHOICE_UNITS, None
        if not goals_left:
            return None, None
        part = GOALS_PART / goals_left
        return (
            None if work is None else max(1, int(work * part)),
            None if seconds is None else seconds * part,
        )

    def _checked(self, grouping: Grouping, reached: list[Reached]) -> Refined:
        """The answer, after every claim was seen to hold."""
        context, problem = self.context, self.problem
        verdict = verify(problem, grouping)
        if not verdict.feasible or verdict.objective is None or verdict.objective < self.least:
            raise SolverDisagreement("second goals led to a grouping that is not allowed")
        final = []
        for goal, row in zip(self.goals, reached, strict=True):
            value = goal.of(problem, grouping)
            if value < row.value or (row.bound is not None and value > row.bound):
                raise SolverDisagreement(f"the goal {goal.name} is {value}, not {row.value}")
            final.append(Reached(goal.name, row.before, value, row.bound))
        return Refined(
            grouping, verdict.objective, tuple(final), context.stop_reason, tuple(context.notes)
        )


def listing_floor(objective: int, least: int, percent: int) -> int:
    """What a grouping is worth that gives up so many percent of what may be given up; exact."""
    return objective - percent * (objective - least) // 100


def goal_values(problem: GroupingProblem, groups: Sequence[Group], goal: Goal) -> IntArray:
    """What each of some groups reaches of a goal, int64 [N]."""
    out = np.zeros(len(groups), np.int64)
    by_kind: dict[int, list[int]] = {}
    for c, group in enumerate(groups):
        by_kind.setdefault(group.kind, []).append(c)
    for kind, those in by_kind.items():
        each = goal.item_values[kind]
        for c in those:
            out[c] = each[list(groups[c].members)].sum()
        if goal.pair_values is None:
            continue
        n = problem.num_items
        square = np.zeros((n, n), np.int64)
        square[problem.pairs[:, 0], problem.pairs[:, 1]] = goal.pair_values[kind]
        square += square.T
        for c in those:
            members = list(groups[c].members)
            out[c] += square[np.ix_(members, members)].sum() // 2
    return out


def _hint(
    model: cp_model.CpModel, chosen: Sequence[cp_model.IntVar], values: Sequence[int]
) -> None:
    model.clear_hints()
    for variable, value in zip(chosen, values, strict=True):
        model.add_hint(variable, value)
