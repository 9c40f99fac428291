"""Free grouping: the part of the formal problem that is a partition of items by pair values.

Where nothing bounds the groups but pair rules, a grouping is a partition of the items and its value
the sum of the pair values inside its classes (clique partitioning, Groetschel & Wakabayashi, 1989;
correlation clustering, Bansal, Blum & Chawla, 2004; modularity and weighted cluster editing are
the same up to a constant). ``free_grouping`` recognises such problems and contracts what must be
together:

- items ``together`` or in one pin are one *atom*; its own and inner pair values are constant;
- ``apart``, disallowed and forbidden absent pairs keep two atoms apart, as does a pin that may not
  grow or another pin;
- an atom that may stay out and would not lose by being a group alone counts as joined: staying out
  is worth 0, which being alone matches or beats. Where singletons are too small a group, single
  items worth 0 that need not join are left out instead, at the same value;
- an item that is not eligible stays out, with all of its atom.

Everything else (several kinds, opening values, curves, shared limits, bounds that can bind) is not
of this structure, and ``free_grouping`` returns ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.classes import bound_items
from solver.grouping import Group, Grouping
from solver.problem import BoolArray, GroupingProblem, IntArray

#: The matrix of pair values is dense; above so many items it would be too large.
MAX_ITEMS = 2000


@dataclass(frozen=True, slots=True)
class FreeGrouping:
    """Atoms to be partitioned.

    Attributes
    ----------
    value : int64 [m, m], symmetric, diagonal 0; value of having two atoms in one class, 0 where
        they are apart.
    apart : bool [m, m], symmetric, pairs of atoms that are never in one class.
    members : items (of the problem, or atoms of the grouping this one was made from) of each atom.
    constant : value of the atoms themselves.
    """

    value: IntArray
    apart: BoolArray
    members: tuple[tuple[int, ...], ...]
    constant: int

    @property
    def num_atoms(self) -> int:
        """m."""
        return len(self.members)

    def worth(self, labels: IntArray) -> int | None:
        """Value of a partition given by class labels, int64 [m]; ``None`` if it is not allowed."""
        same = labels[:, None] == labels[None, :]
        if (self.apart & same).any():
            return None
        return self.constant + int(np.triu(np.where(same, self.value, 0), 1).sum())


def applies(problem: GroupingProblem) -> bool:
    """Whether the problem is a free grouping, so that strategy "partition" can prove it."""
    return free_grouping(problem) is not None


def free_grouping(problem: GroupingProblem) -> FreeGrouping | None:
    """The problem as a partition of atoms; ``None`` if it is not one, or contradicts itself."""
    if problem.num_items > MAX_ITEMS or not _groups_are_free(problem):
        return None
    classes = bound_items(problem)
    pinned = {i for pin in problem.pinned for i in pin.members}
    must = problem.must_join.copy()
    must[list(pinned)] = True
    eligible = problem.eligible[0]
    inside = [items for items in classes if eligible[list(items)].all()]
    outside = [i for items in classes if not eligible[list(items)].all() for i in items]
    if (
        must[outside].any()
        or len(inside) > problem.max_groups[0]
        or not _resources_are_free(problem, inside)
    ):
        return None
    value, apart = _item_pairs(problem)
    own = [
        int(problem.item_values[0, list(items)].sum()) + int(value[np.ix_(items, items)].sum()) // 2
        for items in inside
    ]
    for items, worth in zip(inside, own, strict=True):
        if apart[np.ix_(items, items)].any():
            return None
        alone = len(items) >= problem.min_size[0]
        if not alone and (must[list(items)].any() or worth != 0 or len(items) > 1):
            return None
        if worth < 0 and not must[list(items)].any():
            return None
    used = np.array([i for items in inside for i in items], np.int64)
    atom = np.repeat(np.arange(len(inside)), [len(items) for items in inside])
    gather = np.zeros((len(inside), len(inside)), np.int64)
    np.add.at(gather, (atom[:, None], atom[None, :]), value[np.ix_(used, used)])
    barred = np.zeros(gather.shape, np.bool_)
    np.logical_or.at(barred, (atom[:, None], atom[None, :]), apart[np.ix_(used, used)])
    np.fill_diagonal(barred, False)
    np.fill_diagonal(gather, 0)
    return FreeGrouping(
        np.where(barred, 0, gather), barred, tuple(tuple(items) for items in inside), sum(own)
    )


def grouping_of(problem: GroupingProblem, free: FreeGrouping, labels: IntArray) -> Grouping:
    """The partition as a grouping; classes too small to be groups stay out."""
    groups: dict[int, list[int]] = {}
    for label, items in zip(labels.tolist(), free.members, strict=True):
        groups.setdefault(label, []).extend(items)
    least = int(problem.min_size[0])
    return Grouping(Group(0, items) for items in groups.values() if len(items) >= least)


def labels_of(free: FreeGrouping, grouping: Grouping) -> IntArray:
    """Class labels, int64 [m], of a feasible grouping; who stays out is alone."""
    home = {i: g for g, group in enumerate(grouping) for i in group.members}
    return np.array(
        [home.get(items[0], len(grouping) + a) for a, items in enumerate(free.members)], np.int64
    )


def _groups_are_free(problem: GroupingProblem) -> bool:
    """Whether nothing but pairs, items and resources bears on a group."""
    return (
        problem.num_kinds == 1
        and problem.num_items > 0
        and problem.open_values[0] == 0
        and problem.min_size[0] <= 2
        and problem.max_size[0] >= problem.num_items
        and problem.min_groups[0] <= 0
        and not problem.curves
        and problem.num_shared_limits == 0
    )


def _resources_are_free(problem: GroupingProblem, classes: list[list[int]]) -> bool:
    """Whether every atom alone, and all of them together, are within the resource bounds."""
    for r in range(problem.num_resources):
        totals = [int(problem.resources[r, items].sum()) for items in classes]
        if totals and (
            min(totals) < problem.resource_min[0, r] or sum(totals) > problem.resource_max[0, r]
        ):
            return False
    return True


def _item_pairs(problem: GroupingProblem) -> tuple[IntArray, BoolArray]:
    """Pair values and bars between items, [n, n] each."""
    n = problem.num_items
    value = np.zeros((n, n), np.int64)
    apart = np.zeros((n, n), np.bool_)
    first, second = problem.pairs.astype(np.int64).T
    value[first, second] = value[second, first] = problem.pair_values_of(0)
    if problem.absent_pairs == "forbidden":
        apart[:] = True
        np.fill_diagonal(apart, False)
        apart[first, second] = apart[second, first] = False
    barred = ~problem.pair_allowed_of(0)
    apart[first[barred], second[barred]] = apart[second[barred], first[barred]] = True
    for i, j in problem.apart_pairs:
        apart[i, j] = apart[j, i] = True
    pin_of = np.full(n, -1, np.int64)
    for p, (pin, grows) in enumerate(zip(problem.pinned, problem.pin_may_grow, strict=True)):
        pin_of[list(pin.members)] = p
        if not grows:
            outside = np.setdiff1d(np.arange(n), pin.members)
            members = np.array(pin.members)
            apart[np.ix_(members, outside)] = apart[np.ix_(outside, members)] = True
    apart |= (pin_of[:, None] >= 0) & (pin_of[None, :] >= 0) & (pin_of[:, None] != pin_of[None, :])
    return value, apart
