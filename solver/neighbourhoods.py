"""Large neighbourhood search: a few groups at a time are taken apart and chosen anew, exactly.

A neighbourhood is some groups of the grouping at hand that lie near each other, with the items near
them that are in no group. Its items are a problem of their own, with what the other groups leave of
numbers of groups and of shared limits; ``columns`` answers it, mostly with a proof, and the answer
takes the place of those groups (Shaw, 1998). Neighbourhoods begin small. Where none brings anything
any more they grow, and where one is not answered within its share of work they shrink; a run ends
where they can neither bring anything nor grow, or once one is answered that holds everything.

This finds what other searches do not: an exchange of a dozen groups that no sequence of small moves
leads to, since most of what lies between breaks a rule. It serves where groups are cliques of
listed pairs, of which there are few enough to list the good ones.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from solver.column_generation import generate_columns
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.grouping import Grouping
from solver.problem import BoolArray, GroupingProblem, IntArray
from solver.reduction.reduction import Reduction
from solver.reduction.subproblem import shared_use, subproblem
from solver.regions import neighbours, units
from solver.reuse import Reuse
from solver.within import Within

#: Groups of a neighbourhood at first (a part of all if these are few), and at least.
FIRST_GROUPS, FIRST_PART, LEAST_GROUPS = 8, 0.3, 2
#: A neighbourhood grows by this factor once so many neighbourhoods brought nothing that together
#: they hold this part of all groups, and shrinks by that factor where one is not answered.
GROWTH, ENOUGH, SHRINKING = 1.4, 0.7, 0.85
#: Work units for one neighbourhood at most; where the clock counts, seconds at most, and the part
#: of the seconds that are left.
MOST_UNITS, MOST_SECONDS, MOST_SHARE = 3_000_000, 5.0, 0.1
#: How much more, or less, likely than its links say a group is to be taken along.
LUCK = 0.5
#: Items of the problem for which one more improvement passes between two offers: an offer checks
#: the whole grouping in plain Python.
ITEMS_AN_OFFER = 1_000
#: A start is at hand, and neighbourhoods are small: no long lists without prices, and no dives.
SETTINGS = EnumerationSettings(listing_units=20_000, dives=0, dives_of_few=0)


def applies(problem: GroupingProblem) -> bool:
    """Whether groups are cliques of listed pairs."""
    return problem.absent_pairs == "forbidden"


def improve_by_neighbourhoods(context: SolveContext, turn: int = 0) -> bool:
    """Improve the grouping at hand; whether no run from what it is then can bring more.

    An empty grouping is left as it is. No bound is claimed.

    Parameters
    ----------
    turn : another one goes other ways.
    """
    if context.grouping is None:
        context.note("neighbourhoods: no feasible grouping to begin with was found")
        return True
    context.phase("neighbourhoods")
    context.charge(1 + context.problem.num_pairs // 10)
    return _Search(context, turn).run()


class _Search:
    """One run: the grouping at hand, and how large neighbourhoods are."""

    def __init__(self, context: SolveContext, turn: int) -> None:
        self._context = context
        self._rng = np.random.default_rng((context.limits.seed, turn))
        self._start, self._other = neighbours(context.problem)
        self._unit = _units(context)
        self._take_over()
        self._size = max(LEAST_GROUPS, min(FIRST_GROUPS, FIRST_PART * len(self._groups)))

    def run(self) -> bool:
        """Neighbourhood after neighbourhood; whether one that holds everything was answered.

        Of an empty grouping nothing can be taken apart, which counts as answered.
        """
        context, fruitless, unsaid = self._context, 0, 0
        unanswered = math.inf  # so many groups were too many for the grouping at hand
        while not context.stopping():
            if context.objective is not None and context.objective > self._value:
                self._take_over()
                unanswered = math.inf
            if not self._groups:
                return True
            number = min(len(self._groups), int(self._size))
            inside = self._neighbourhood(number)
            gained, proved = self._solve(inside)
            if gained:
                unanswered, fruitless = math.inf, 0
                unsaid += 1
                if unsaid * ITEMS_AN_OFFER >= context.problem.num_items:
                    self._offer()
                    unsaid = 0
            if context.stopping():
                break
            if not proved:
                if number <= LEAST_GROUPS:
                    break
                self._size = max(LEAST_GROUPS, self._size * SHRINKING)
                unanswered, fruitless = number, 0
            elif inside.all():
                self._offer()
                return True
            elif not gained:
                fruitless += number
                if fruitless >= ENOUGH * len(self._groups):
                    self._size, fruitless = self._size * GROWTH, 0
                    if int(self._size) >= unanswered:
                        break
        self._offer()
        return False

    # -- inside -------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Go on from the incumbent."""
        context = self._context
        assert context.grouping is not None
        assert context.objective is not None
        self._groups = list(context.grouping)
        self._value = context.objective
        self._place()

    def _place(self) -> None:
        """Note where each item is: int64 [n], a group or -1."""
        self._home = np.full(self._context.problem.num_items, -1, np.int64)
        for at, group in enumerate(self._groups):
            self._home[list(group.members)] = at

    def _offer(self) -> None:
        context = self._context
        if context.objective is None or self._value > context.objective:
            context.offer(Grouping(self._groups))

    def _neighbourhood(self, number: int) -> BoolArray:
        """Items of so many groups that are near each other, and those near them in no group."""
        home, groups = self._home, self._groups
        if number == len(groups):
            return np.ones(len(home), np.bool_)
        luck = self._rng.uniform(1.0 - LUCK, 1.0 + LUCK, len(groups))
        luck /= np.bincount(home[home >= 0], minlength=len(groups))
        links = np.zeros(len(groups) + 1)
        near = np.zeros(len(home), np.bool_)
        inside = np.zeros(len(home), np.bool_)
        taken = np.zeros(len(groups), np.bool_)
        first = int(self._rng.integers(len(home)))
        members: tuple[int, ...] = (first,)
        if home[first] >= 0:
            members = groups[home[first]].members
            taken[home[first]] = True
        while True:
            inside[list(members)] = True
            for i in members:
                beside = self._other[self._start[i] : self._start[i + 1]]
                near[beside] = True
                np.add.at(links, home[beside], 1.0)
            if taken.sum() == number:
                break
            following = int(np.where(taken, -1.0, links[:-1] * luck).argmax())
            taken[following] = True
            members = groups[following].members
        inside |= near & (home < 0)
        if self._unit is not None:
            # A unit is in one group, or in none: if some of it is inside, all of it is.
            inside = np.isin(self._unit, np.unique(self._unit[inside]))
        self._context.charge(1 + number * (10 + len(groups) // 100) + len(home) // 100)
        return inside

    def _solve(self, inside: BoolArray) -> tuple[int, bool]:
        """Choose anew inside; what was gained, and whether nothing better is possible there."""
        context, problem = self._context, self._context.problem
        items = np.flatnonzero(inside)
        pairs = np.flatnonzero(inside[problem.pairs].all(axis=1))
        held = [inside[group.members[0]] for group in self._groups]
        kept = [group for group, mine in zip(self._groups, held, strict=True) if not mine]
        own = [group for group, mine in zip(self._groups, held, strict=True) if mine]
        kinds, every = np.arange(problem.num_kinds), np.arange(problem.num_shared_limits)
        used = sum((shared_use(problem, group) for group in kept), np.zeros_like(every))
        numbers = np.bincount([g.kind for g in kept], minlength=problem.num_kinds).astype(np.int64)
        smaller = subproblem(
            problem,
            items,
            kinds,
            pairs,
            every,
            max_groups=problem.max_groups - numbers,
            min_groups=np.maximum(0, problem.min_groups - numbers),
            shared_limit=problem.shared_limit - used,
        )
        context.charge(1 + (problem.num_pairs + len(pairs) * problem.num_kinds) // 100)
        inner = _Neighbourhood(context, Reduction(problem, smaller, items, kinds))
        inner.offer(inner.reduction.lower(Grouping(own)))
        before = inner.objective
        left = context.remaining_seconds
        seconds = MOST_SECONDS if left is None else min(MOST_SECONDS, MOST_SHARE * left)
        with context.limited(MOST_UNITS, seconds):
            generate_columns(inner, SETTINGS)
        assert inner.grouping is not None
        assert inner.objective is not None
        assert before is not None
        gained = inner.objective - before
        if gained:
            self._groups = kept + list(inner.reduction.lift(inner.grouping))
            self._value += gained
            self._place()
        return gained, inner.bound is not None and inner.bound <= inner.objective


class _Neighbourhood(Within):
    """The context of a neighbourhood: what happens in it is nobody's business but its own."""

    def __init__(self, parent: SolveContext, reduction: Reduction) -> None:
        super().__init__(parent, reduction, alone=True)
        self.limits = replace(parent.limits, gap=0.0)

    def phase(self, name: str) -> None:
        """Give the observer a chance to end the solve, and no more."""
        del name
        self.parent.phase("neighbourhoods")

    def note(self, text: str) -> None:
        """Nothing about a neighbourhood concerns the reader of the result."""

    def remember(self, reuse: Reuse) -> None:
        """Nothing is kept."""


def _units(context: SolveContext) -> IntArray | None:
    """The unit of each item that must be where others are; ``None`` if there are none."""
    problem = context.problem
    if not problem.together and not problem.pinned:
        return None
    return units(problem, [*problem.together, *(pin.members for pin in problem.pinned)])
