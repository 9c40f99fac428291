"""What one solve hands to the next: groups worth having at hand, and cuts that helped.

After a small change (an item gone, a value changed) most groups that mattered still matter. They
are carried in items and kinds, not in any strategy's own numbering, and nothing about them is
believed: each is checked and valued anew in the problem at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem
from solver.verification import group_violations

#: Where each old item is now: a new number, or none (``None``, or missing) if it is gone.
ItemMap = Mapping[int, int | None] | Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Reuse:
    """Groups and cuts of an earlier solve; opaque to callers.

    Attributes
    ----------
    grouping : the best grouping, or ``None``.
    groups : groups that were of use, best known ones included.
    cuts : the odd sets of items of subset-row cuts (see ``solver.certificate``).
    """

    grouping: Grouping | None = None
    groups: tuple[Group, ...] = ()
    cuts: tuple[tuple[int, ...], ...] = ()

    def moved(self, items: ItemMap, kinds: ItemMap | None = None) -> Reuse:
        """The same in a problem with other numbers.

        Groups go on without items that are gone; groups of kinds that are gone go too.

        Parameters
        ----------
        items, kinds : the new number of each old item and kind; kinds keep theirs if left out.
        """
        new_item, new_kind = _known(items), None if kinds is None else _known(kinds)
        moved: dict[Group, None] = {}
        for group in self.groups:
            moved.update(dict.fromkeys(_moved(group, new_item, new_kind)))
        cuts = [cut for cut in self.cuts if all(i in new_item for i in cut)]
        kept = None
        if self.grouping is not None:
            kept = Grouping(g for old in self.grouping for g in _moved(old, new_item, new_kind))
        new_cuts = tuple(tuple(sorted(new_item[i] for i in cut)) for cut in cuts)
        return Reuse(kept, tuple(moved), new_cuts)

    def start(self, problem: GroupingProblem) -> Grouping | None:
        """The groups of the best grouping that are still feasible by themselves."""
        if self.grouping is None:
            return None
        return Grouping(group for group in self.grouping if fits(problem, group))


def joined(parts: Iterable[Reuse]) -> Reuse:
    """What several solves on parts of one problem hand on together."""
    groups: dict[Group, None] = {}
    cuts: dict[tuple[int, ...], None] = {}
    for part in parts:
        groups.update(dict.fromkeys(part.groups))
        cuts.update(dict.fromkeys(part.cuts))
    return Reuse(None, tuple(groups), tuple(cuts))


def fits(problem: GroupingProblem, group: Group) -> bool:
    """Whether a group's numbers exist in a problem and it breaks no rule by itself."""
    members = group.members
    known = 0 <= group.kind < problem.num_kinds and bool(members)
    if not known or not 0 <= members[0] <= members[-1] < problem.num_items:
        return False
    return next(iter(group_violations(problem, group)), None) is None


def _known(numbers: ItemMap) -> dict[int, int]:
    pairs = numbers.items() if isinstance(numbers, Mapping) else enumerate(numbers)
    return {old: int(new) for old, new in pairs if new is not None}


def _moved(group: Group, items: dict[int, int], kinds: dict[int, int] | None) -> list[Group]:
    kind = group.kind if kinds is None else kinds.get(group.kind)
    members = [items[i] for i in group.members if i in items]
    return [] if kind is None or not members else [Group(kind, members)]
