"""What is done by hand: a sorted list, cut into groups.

Somebody sorts the list by sector, then by size, and goes down it: an item that may be with those
taken so far joins them, until the group has a typical size; each group gets the kind that is worth
most, and a group that breaks a rule, or is worth less than nothing, is dropped.

A grouping problem has no attributes, so they are made of its resources:

- the sector of an item is the resource of which it holds most, relative to the mean of all items
  (of the resources with curves, which are what a group sells or saves by; of any where none has
  one; one sector where there are no resources);
- its size is the sum of its resources relative to their means, in four bands of equally many.
"""

from __future__ import annotations

import numpy as np

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, Rival, size_range
from benchmarks.league.rivals.fitter import Fitter
from solver import GroupingProblem, Limits

_BANDS = 4
#: Nobody makes groups larger than this by hand, whatever is allowed.
_LARGEST = 12


class Lists(Rival):
    """Groups cut from a list sorted by sector and size, as is done by hand."""

    name = "lists"
    about = "by hand: a list sorted by sector and size band, cut into groups of a typical size"

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Cut at the typical size first, then at each other allowed size."""
        budget, best = Budget(limits), Best(problem, report)
        fitter = Fitter(problem, best, budget)
        order = [i for i in sorted_list(problem) if i not in fitter.pinned]
        low, high = size_range(problem)
        high = max(low, min(high, _LARGEST))
        typical = (low + high) / 2
        for size in sorted(range(low, high + 1), key=lambda s: (abs(s - typical), s)):
            if budget.over and fitter.tried:
                break
            fitter.finish(cut(fitter, order, size))
        return best.answer()


def sorted_list(problem: GroupingProblem) -> list[int]:
    """Items by sector, then by size band, largest first, then by number."""
    n = problem.num_items
    if not problem.num_resources or not n:
        return list(range(n))
    mean = problem.resources.mean(axis=1, keepdims=True)
    relative = problem.resources / np.where(mean > 0, mean, 1.0)
    with_curves = sorted({r for _, r in problem.curves})
    sector = relative[with_curves or slice(None)].argmax(axis=0)
    size = relative.sum(axis=0)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    band = rank * _BANDS // n
    return np.lexsort((np.arange(n), band, sector)).tolist()


def cut(fitter: Fitter, order: list[int], size: int) -> list[list[int]]:
    """Groups of a size from the list, each of items that may all be together in some kind."""
    rules = fitter.rules
    kinds = [k for k in range(fitter.problem.num_kinds) if fitter.problem.max_groups[k]]
    groups: list[list[int]] = []
    waiting = list(order)
    while waiting:
        group, left = [waiting[0]], []
        still = [k for k in kinds if fitter.problem.eligible[k, waiting[0]]] or kinds
        for at, i in enumerate(waiting[1:], 1):
            if len(group) >= size:
                left += waiting[at:]
                break
            fits = [
                k
                for k in still
                if fitter.problem.eligible[k, i] and not any(rules.banned(k, i, j) for j in group)
            ]
            if fits or not kinds:
                group.append(i)
                still = fits
            else:
                left.append(i)
        fitter.budget.spend(len(waiting) - len(left) + 2 * len(left))
        groups.append(group)
        waiting = left
        if fitter.budget.over:
            break
    return groups
