"""Cut the items of a large problem into compact regions of about equal size.

Regions grow breadth first over the pairs that may be worth something, each from the edge of the one
before, so that few good groups are cut. What must stay in one region (the groups of a grouping at
hand, items that are to be together, pins) is never cut.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from numba import njit

from solver.grouping import Grouping
from solver.problem import GroupingProblem, IntArray
from solver.reduction.components import labels_of, link


def regions(
    problem: GroupingProblem, grouping: Grouping, size: int, rng: np.random.Generator
) -> IntArray:
    """The region of each item, int64 [n].

    Parameters
    ----------
    grouping : its groups are not cut.
    size : items of a region; a region may exceed it by the last thing that joined, and the last
        region may be smaller.
    rng : where regions begin.
    """
    n = problem.num_items
    whole = [group.members for group in grouping]
    whole += [*problem.together, *(pin.members for pin in problem.pinned)]
    unit = units(problem, whole)
    by_unit = np.argsort(unit, kind="stable")
    unit_start = np.zeros(int(unit.max(initial=-1)) + 2, np.int64)
    np.cumsum(np.bincount(unit), out=unit_start[1:])
    start, other = neighbours(problem)
    return _grown(rng.permutation(n), unit, unit_start, by_unit, start, other, size)


def units(problem: GroupingProblem, whole: Iterable[tuple[int, ...]]) -> IntArray:
    """The unit of each item, int64 [n], numbered from 0: what is to stay whole is in one."""
    home = np.arange(problem.num_items)
    for members in whole:
        link(home, np.array([(members[0], i) for i in members[1:]], np.int64).reshape(-1, 2))
    return labels_of(home)


def neighbours(problem: GroupingProblem) -> tuple[IntArray, npt.NDArray[np.int32]]:
    """Items next to each item by pairs that draw them together: start [n + 1], and the items."""
    n = problem.num_items
    allowed = np.atleast_2d(problem.pair_allowed).any(axis=0)
    if problem.absent_pairs == "neutral":
        allowed &= (np.atleast_2d(problem.pair_values) > 0).any(axis=0)
    pairs = problem.pairs[allowed]
    first = np.concatenate([pairs[:, 0], pairs[:, 1]])
    second = np.concatenate([pairs[:, 1], pairs[:, 0]])
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(first, minlength=n), out=start[1:])
    return start, second[np.argsort(first, kind="stable")]


@njit(cache=True)
def _grown(
    order: IntArray,
    unit: IntArray,
    unit_start: IntArray,
    by_unit: IntArray,
    start: IntArray,
    other: npt.NDArray[np.int32],
    size: int,
) -> IntArray:
    """Regions grown over neighbours, int64 [n]; ``order`` says where to begin anew."""
    n = len(order)
    region = np.full(n, -1, np.int64)
    queue = np.empty(n, np.int64)
    waiting = np.zeros(n, np.bool_)
    head = tail = begun = 0
    at = filled = 0
    for _ in range(n):
        # The next item: the queue's first that is free, or else the next one to begin with.
        while head < tail and region[queue[head]] >= 0:
            head += 1
        if head < tail:
            seed = queue[head]
        else:
            while begun < n and region[order[begun]] >= 0:
                begun += 1
            if begun == n:
                break
            seed = order[begun]
        if filled >= size:
            # A new region begins at the edge of the last one; the rest of the edge waits no more.
            for q in range(head, tail):
                waiting[queue[q]] = False
            head = tail = 0
            at += 1
            filled = 0
        for u in range(unit_start[unit[seed]], unit_start[unit[seed] + 1]):
            i = by_unit[u]
            region[i] = at
            filled += 1
            for e in range(start[i], start[i + 1]):
                j = other[e]
                if region[j] < 0 and not waiting[j] and tail < n:
                    waiting[j] = True
                    queue[tail] = j
                    tail += 1
    return region
