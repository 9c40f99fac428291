"""``reduce``: apply the rules until none changes anything, and remember the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from solver.errors import InvalidProblem
from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem, IntArray
from solver.reduction import fitting, rules
from solver.reduction.draft import Draft, Stop

Rule = Callable[[Draft], bool]

#: In the order in which they are tried: cheap ones first, so that costly ones see less.
RULES: tuple[Rule, ...] = (
    rules.settle_pins,
    rules.mark_apart,
    rules.bind_items,
    rules.drop_items,
    rules.close_kinds,
    rules.check_numbers,
    rules.narrow_sizes,
    fitting.fit_items,
    fitting.fit_pairs,
    rules.fit_limits,
    rules.loosen_resources,
    rules.drop_limits,
    rules.drop_dominated_kinds,
)


@dataclass(frozen=True, slots=True)
class Reduction:
    """A smaller problem and the way between the two.

    Every feasible grouping of ``problem``, lifted, is feasible in the original and worth
    ``constant`` more; some best grouping of the original is the lift of one.

    Attributes
    ----------
    original : the problem that was reduced.
    problem : the smaller one; the original where ``infeasible``.
    items, kinds : int64, original numbers of the items and kinds of ``problem``.
    fixed : groups that belong to every grouping and are not in ``problem``.
    constant : their value.
    moved_to : kinds that are gone because another one, of the original, is at least as good.
    infeasible : why no grouping is feasible, where the rules show it.
    counts : numbers of what was left out, by name ("items", "pairs", ...).
    """

    original: GroupingProblem
    problem: GroupingProblem
    items: IntArray
    kinds: IntArray
    fixed: tuple[Group, ...] = ()
    constant: int = 0
    moved_to: Mapping[int, int] = field(default_factory=dict)
    infeasible: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def lift(self, grouping: Grouping) -> Grouping:
        """The grouping of the original problem that a grouping of the smaller one stands for."""
        items, kinds = self.items.tolist(), self.kinds.tolist()
        lifted = [Group(kinds[g.kind], [items[i] for i in g.members]) for g in grouping]
        return Grouping([*self.fixed, *lifted])

    def lower(self, grouping: Grouping) -> Grouping:
        """What is left of a grouping of the original problem in the smaller one.

        A feasible grouping becomes a feasible one worth at least as much, less ``constant``; of any
        other, unknown indices and what is gone are left out.
        """
        new_item, new_kind = self.renumbering
        groups = []
        for group in grouping:
            members = [new_item[i] for i in group.members if i in new_item]
            if group.kind in new_kind and members:
                groups.append(Group(new_kind[group.kind], members))
        return Grouping(groups)

    @property
    def renumbering(self) -> tuple[dict[int, int], dict[int, int]]:
        """New numbers of the items and kinds that are left, of a kind also that which took over."""
        new_kind = _inverse(self.kinds)
        for old in self.moved_to:
            kind = old
            while kind in self.moved_to:
                kind = self.moved_to[kind]
            if kind in new_kind:
                new_kind[old] = new_kind[kind]
        return _inverse(self.items), new_kind

    @property
    def changes_nothing(self) -> bool:
        """Whether the problem is the original."""
        return self.problem is self.original

    def summary(self) -> str:
        """What was left out, in words for a reader: "12 items, 340 pairs"; empty if nothing."""
        return ", ".join(f"{number} {what}" for what, number in self.counts.items())


def _inverse(numbers: IntArray) -> dict[int, int]:
    return {int(old): new for new, old in enumerate(numbers.tolist())}


def unreduced(problem: GroupingProblem) -> Reduction:
    """The reduction that changes nothing."""
    return Reduction(problem, problem, np.arange(problem.num_items), np.arange(problem.num_kinds))


def reduce(
    problem: GroupingProblem, rules: Sequence[Rule] = RULES, stop: Stop | None = None
) -> Reduction:
    """Apply rules over and over until none changes anything.

    Parameters
    ----------
    rules : the rules, in order.
    stop : asked between steps of some ten milliseconds; once it says so, what has been reached is
        returned.
    """
    draft = Draft(problem) if stop is None else Draft(problem, stop)
    changed = True
    while changed and not draft.stop():
        changed = False
        for rule in rules:
            changed |= rule(draft)
            if draft.infeasible is not None:
                return _infeasible(draft)
            if draft.stop():
                break
    if not draft.counts and not draft.fixed:
        return unreduced(problem)
    try:
        smaller, items, kinds = draft.written()
    except InvalidProblem:
        # Values near the limit of int64 cannot be moved between fields.
        return unreduced(problem)
    return Reduction(
        problem,
        smaller,
        items,
        kinds,
        tuple(draft.fixed),
        draft.constant,
        draft.moved_to,
        None,
        draft.counts,
    )


def _infeasible(draft: Draft) -> Reduction:
    problem = draft.problem
    none = np.zeros(0, np.int64)
    return Reduction(problem, problem, none, none, infeasible=draft.infeasible, counts=draft.counts)
