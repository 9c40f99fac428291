"""``split``: independent components, each a problem of its own.

Two items belong together if they may be in one group, or if a rule over several groups couples
them: a shared limit that both use, or a bound on the number of groups of a kind that both may be
in, unless the components could not exceed it however they tried.

Where absent pairs are neutral any two items that share a kind may be in one group. But if groups
may be cut in two at no loss (any size, nothing paid for opening, no totals to reach, values of
totals that do not fall when totals are split), then only pairs of positive value hold a best group
together, and items join by these alone; clique partitioning and modularity are such problems.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit

from solver.problem import BoolArray, Curve, GroupingProblem, IntArray
from solver.reduction.reduction import Reduction
from solver.reduction.subproblem import subproblem


def split(problem: GroupingProblem, least_items: int = 1) -> list[Reduction]:
    """Parts of a problem that can be solved each for itself; their values add up.

    The union of groupings of the parts is a grouping of the whole, feasible iff all of them are; a
    best one is among these.

    Parameters
    ----------
    least_items : small components share a part until it has so many items.
    """
    labels = components(problem)
    if not len(labels) or labels.max() == 0:
        return [_whole(problem)]
    sizes = np.bincount(labels)
    part_of = np.zeros(len(sizes), np.int64)
    filled = part = 0
    for at, size in enumerate(sizes.tolist()):
        if filled >= least_items:
            part, filled = part + 1, 0
        part_of[at] = part
        filled += size
    if part == 0:
        return [_whole(problem)]
    place = part_of[labels]
    return _parts(problem, place, part + 1)


def _whole(problem: GroupingProblem) -> Reduction:
    return Reduction(problem, problem, np.arange(problem.num_items), np.arange(problem.num_kinds))


def _parts(problem: GroupingProblem, place: IntArray, number: int) -> list[Reduction]:
    """The parts, given the part of each item."""
    members = gathered(place, number)
    ends = place[problem.pairs]
    same = ends[:, 0] == ends[:, 1]
    pairs = gathered(np.where(same, ends[:, 0], number), number + 1)[:number]
    used: list[BoolArray] = [
        np.asarray(problem.eligible[:, items].any(axis=1)) for items in members
    ]
    # What no item has anything to do with must hold somewhere.
    used[0] |= ~problem.eligible.any(axis=1)
    for pin in problem.pinned:
        used[place[pin.members[0]]][pin.kind] = True
    uses = [_limits_used(problem, items, kinds) for items, kinds in zip(members, used, strict=True)]
    uses[0] |= ~np.logical_or.reduce(uses)
    out = []
    for at, items in enumerate(members):
        kinds = np.flatnonzero(used[at])
        limits = np.flatnonzero(uses[at])
        smaller = subproblem(problem, items, kinds, pairs[at], limits)
        out.append(Reduction(problem, smaller, items, kinds))
    return out


def gathered(place: IntArray, number: int) -> list[IntArray]:
    """Positions of the entries of each place, ascending."""
    order = np.argsort(place, kind="stable")
    return np.split(order, np.cumsum(np.bincount(place, minlength=number))[:-1])


def _limits_used(problem: GroupingProblem, items: IntArray, kinds: BoolArray) -> BoolArray:
    """Shared limits that groups of some items can use, bool [L]."""
    by_group = ((problem.shared_group_use != 0) & kinds).any(axis=1)
    eligible = problem.eligible[:, items]
    by_item = np.array(
        [bool(((use[:, items] != 0) & eligible).any()) for use in problem.shared_item_use], np.bool_
    )
    both: BoolArray = by_group | by_item if len(by_item) else by_group
    return both


def components(problem: GroupingProblem) -> IntArray:
    """The component of each item, numbered by their first items, int64 [n]."""
    n = problem.num_items
    home = np.arange(n)
    _link_groups(problem, home)
    for s in range(problem.num_shared_limits):
        uses = (problem.shared_item_use[s] != 0) | (problem.shared_group_use[s] != 0)[:, None]
        link(home, _chain(np.flatnonzero((uses & problem.eligible).any(axis=0))))
    linked = problem.min_groups < 0
    while True:
        labels = labels_of(home)
        binding = ~linked & _numbers_bind(problem, labels)
        if not binding.any():
            return labels
        for k in np.flatnonzero(binding):
            link(home, _chain(np.flatnonzero(problem.eligible[k])))
        linked |= binding


def _link_groups(problem: GroupingProblem, home: IntArray) -> None:
    """Link items that may be in one group of a best grouping."""
    one, other = problem.pairs.T
    rules = [np.array(rule, np.int64) for rule in problem.together]
    rules += [np.array(pin.members, np.int64) for pin in problem.pinned]
    for rule in rules:
        link(home, _chain(rule))
    by_pairs = problem.absent_pairs == "forbidden"
    divisible = not by_pairs and groups_divide(problem)
    if not (by_pairs or divisible):
        for k in range(problem.num_kinds):
            link(home, _chain(np.flatnonzero(problem.eligible[k])))
        return
    for k in range(problem.num_kinds):
        eligible = problem.eligible[k]
        useful = problem.pair_allowed_of(k) & eligible[one] & eligible[other]
        if divisible:
            useful = useful & (problem.pair_values_of(k) > 0)
        link(home, problem.pairs[useful].astype(np.int64))


def groups_divide(problem: GroupingProblem) -> bool:
    """Whether any group may be cut in two without loss, but for pairs of positive value."""
    room = problem.max_groups >= problem.eligible.sum(axis=1)
    free = (problem.min_size == 1) & room & (problem.open_values >= 0)
    unbound = (problem.resource_min == 0).all() and (problem.shared_group_use <= 0).all()
    falls = any(not _divides(curve) for curve in problem.curves.values())
    return bool(free.all() and unbound and not falls)


def _divides(curve: Curve) -> bool:
    """Whether f(x + y) <= f(x) + f(y): if f is concave, and not negative at 0."""
    if curve.value(0) < 0:
        return False
    slopes = []
    for (x, y), (next_x, next_y) in pairwise(curve.points):
        if next_x == x and next_y != y and x > 0:
            return False
        if next_x > x:
            slopes.append((next_y - y) // (next_x - x))
    slopes.append(0)
    return all(before >= after for before, after in pairwise(slopes))


def _numbers_bind(problem: GroupingProblem, labels: IntArray) -> BoolArray:
    """Kinds whose number of groups couples components, bool [K]."""
    out = np.zeros(problem.num_kinds, np.bool_)
    for k in range(problem.num_kinds):
        sizes = np.bincount(labels[problem.eligible[k]])
        most = int((sizes // max(1, int(problem.min_size[k]))).sum())
        several = np.count_nonzero(sizes) > 1
        out[k] = several and (problem.min_groups[k] > 0 or problem.max_groups[k] < most)
    return out


def _chain(items: IntArray) -> IntArray:
    """Pairs that connect some items, int64 [., 2]."""
    return np.column_stack([items[:-1], items[1:]]).astype(np.int64)


@njit(cache=True)
def link(home: IntArray, pairs: IntArray) -> None:
    """Unite the sets of both items of each pair; the smaller number stands for the set."""
    for at in range(len(pairs)):
        i, j = pairs[at, 0], pairs[at, 1]
        while home[i] != i:
            home[i] = home[home[i]]
            i = home[i]
        while home[j] != j:
            home[j] = home[home[j]]
            j = home[j]
        if i < j:
            home[j] = i
        else:
            home[i] = j


def labels_of(home: IntArray) -> IntArray:
    """Sets numbered in the order of their first items, int64 [n]."""
    root = home
    while (root[root] != root).any():
        root = root[root]
    return np.unique(root, return_inverse=True)[1].astype(np.int64)
