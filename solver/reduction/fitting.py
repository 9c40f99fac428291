"""Items and pairs that can be in no feasible group of a kind, by who may be in it with them.

Take an item i of a kind's group. Its other members are among the items that may be in one group
with i; so these must be enough to reach the least size, the largest of their amounts enough for the
least totals, and the smallest few enough for the greatest totals. The same holds for a pair, whose
fellow members are neighbours of both. Where absent pairs are forbidden these sets are small, and
taking out pairs makes them smaller again; the rules are therefore applied in place and repeated
(as in the preprocessing of clique problems: Verma, Buchanan & Butenko, 2015).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from solver.problem import BoolArray, IntArray
from solver.reduction.draft import Draft

#: Neighbours looked at in one call of a kernel, some ten milliseconds.
_CHUNK = 4_000_000
#: Neighbours looked at for pairs at most, in all: some seconds.
_MAX_LOOKED_AT = 200_000_000


def fit_items(draft: Draft) -> bool:
    """Take eligibility from items that no feasible group of the kind can hold."""
    barred = 0
    same = draft.unchanged("fit_items")
    for k in draft.open_kinds():
        if same[k] or draft.stop():
            continue
        fits = (
            _fitting_among_neighbours(draft, k) if draft.forbids else _fitting_among_all(draft, k)
        )
        barred += draft.bar(k, ~fits)
    return draft.count("eligibilities", barred)


def _fitting_among_all(draft: Draft, kind: int) -> BoolArray:
    """Whether each item fits, where all items that are not banned may be together, bool [n]."""
    problem, eligible = draft.problem, draft.eligible[kind]
    fewest, most = int(draft.min_size[kind]), int(draft.max_size[kind])
    one, other = problem.pairs.T
    banned = problem.pairs[~draft.allowed[kind] & eligible[one] & eligible[other]].ravel()
    fellows = int(eligible.sum()) - 1 - np.bincount(banned, minlength=problem.num_items)
    fits: BoolArray = fellows + 1 >= fewest
    for r in draft.bounded(kind):
        ascending, amounts = draft.totals(kind, r).ascending, problem.resources[r]
        # The fellows' largest and smallest amounts; the item itself may be among them, which
        # makes the test weaker, not wrong.
        largest = int(ascending[max(0, len(ascending) - most + 1) :].sum()) if most > 1 else 0
        smallest = int(ascending[: fewest - 1].sum())
        fits &= amounts + largest >= draft.resource_min[kind, r]
        fits &= amounts + smallest <= draft.resource_max[kind, r]
    return fits


def _fitting_among_neighbours(draft: Draft, kind: int) -> BoolArray:
    """Whether each item fits, where only listed pairs may be together, bool [n]."""
    start, other, _ = draft.beside(draft.useful(kind))
    rules = _bounds(draft, kind)
    fits = np.zeros(draft.problem.num_items, np.bool_)
    items = np.flatnonzero(draft.eligible[kind])
    for low, high in _chunks(np.diff(start)[items]):
        fits[items[low:high]] = _items_fit(items[low:high], start, other, *rules)
    return fits


def fit_pairs(draft: Draft) -> bool:
    """Forbid pairs that no feasible group of the kind can hold."""
    barred = 0
    same = draft.unchanged("fit_pairs")
    for k in draft.open_kinds():
        if same[k] or draft.stop():
            continue
        fits = _pairs_fit(draft, k) if draft.forbids else _heavy_pairs_fit(draft, k)
        gone = draft.useful(k) & ~fits
        number = int(gone.sum())
        if number:
            draft.allowed[k, gone] = False
            draft.changes[k] += 1
        barred += number
    return draft.count("pairs", barred)


def _heavy_pairs_fit(draft: Draft, kind: int) -> BoolArray:
    """Whether each listed pair fits by its own size and amounts, bool [E]."""
    problem = draft.problem
    one, other = problem.pairs.T
    fits = np.full(problem.num_pairs, bool(draft.max_size[kind] >= 2))
    others = max(0, int(draft.min_size[kind]) - 2)
    for r in draft.bounded(kind):
        amounts = problem.resources[r]
        smallest = int(draft.totals(kind, r).ascending[:others].sum())
        fits &= amounts[one] + amounts[other] + smallest <= draft.resource_max[kind, r]
    return fits


def _pairs_fit(draft: Draft, kind: int) -> BoolArray:
    """Whether each listed pair fits, where only listed pairs may be together, bool [E].

    Pairs that do not fit go, and whatever shares an item with them is looked at again.
    """
    problem = draft.problem
    useful = draft.useful(kind)
    rules = _bounds(draft, kind)
    if draft.max_size[kind] < 2:
        return np.zeros(problem.num_pairs, np.bool_)
    if draft.min_size[kind] <= 2 and not len(rules[1]):
        return useful
    touched = draft.touched(kind, useful, rules[3])
    fits = useful.copy()
    start, other, pair = draft.beside(useful)
    # Looking at an item's pairs means looking at the neighbours of its neighbours.
    cost = np.add.reduceat(np.r_[np.diff(start)[other], 0], start[:-1]) * (np.diff(start) > 0) + 1
    while touched.any():
        draft.effort += int(cost[touched].sum())
        if draft.effort > _MAX_LOOKED_AT:
            break
        before = fits.copy()
        for low, high in _chunks(cost):
            if draft.stop():
                return fits
            _clear_unfit_pairs(low, high, start, other, pair, touched, fits, *rules)
        touched = np.zeros(problem.num_items, np.bool_)
        touched[problem.pairs[before & ~fits].ravel()] = True
    draft.looked_at(kind, fits, rules[3])
    return fits


def _chunks(costs: IntArray) -> list[tuple[int, int]]:
    """Ranges of positions that cost about ``_CHUNK`` each."""
    reached = np.cumsum(costs)
    out, at = [], 0
    while at < len(costs):
        begun = int(reached[at - 1]) if at else 0
        end = max(at + 1, int(np.searchsorted(reached, begun + _CHUNK)))
        out.append((at, end))
        at = end
    return out


def _bounds(draft: Draft, kind: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Amounts of the bounded resources, int64 [n, A], their bounds, int64 [A] each, and sizes."""
    bounded = draft.bounded(kind)
    amounts = np.ascontiguousarray(draft.problem.resources[bounded].T)
    sizes = np.array([draft.min_size[kind], draft.max_size[kind]], np.int64)
    return amounts, draft.resource_min[kind][bounded], draft.resource_max[kind][bounded], sizes


@njit(cache=True)
def _items_fit(
    items: IntArray,
    start: IntArray,
    other: npt.NDArray[np.int32],
    amounts: IntArray,
    least: IntArray,
    most: IntArray,
    sizes: IntArray,
) -> BoolArray:
    """Whether each of some items and its neighbours can make a group, bool [items]."""
    out = np.zeros(len(items), np.bool_)
    for at in range(len(items)):
        i = items[at]
        fellows = other[start[i] : start[i + 1]]
        out[at] = len(fellows) + 1 >= sizes[0]
        for a in range(len(least)):
            own = amounts[i, a]
            if not out[at]:
                break
            out[at] = _reaches(fellows, amounts, a, least[a] - own, most[a] - own, sizes, 1)
    return out


@njit(cache=True)
def _reaches(
    fellows: npt.NDArray[np.int32],
    amounts: IntArray,
    a: int,
    least: int,
    most: int,
    sizes: IntArray,
    inside: int,
) -> bool:
    """Whether the largest amounts reach ``least`` and the smallest stay within ``most``."""
    fewest, largest = max(0, sizes[0] - inside), min(len(fellows), sizes[1] - inside)
    # In most cases whichever members come first do.
    total = 0
    for at in range(largest):
        if total >= least:
            break
        total += amounts[fellows[at], a]
    first = 0
    for at in range(fewest):
        first += amounts[fellows[at], a]
    if total >= least and first <= most:
        return True
    own = np.empty(len(fellows), np.int64)
    for at in range(len(fellows)):
        own[at] = amounts[fellows[at], a]
    own.sort()
    return bool(own[len(own) - largest :].sum() >= least and own[:fewest].sum() <= most)


@njit(cache=True)
def _clear_unfit_pairs(
    low: int,
    high: int,
    start: IntArray,
    other: npt.NDArray[np.int32],
    pair: npt.NDArray[np.int32],
    touched: BoolArray,
    fits: BoolArray,
    amounts: IntArray,
    least: IntArray,
    most: IntArray,
    sizes: IntArray,
) -> None:
    """Clear ``fits`` for pairs that, with their common neighbours, can make no group.

    Of the pairs whose lower item is from ``low`` to below ``high`` those with a touched item are
    looked at; a pair that does not fit is no pair any more.
    """
    beside = np.zeros(len(touched), np.bool_)
    fellows = np.empty(len(touched), np.int32)
    for i in range(low, high):
        some = touched[i]
        for x in range(start[i], start[i + 1]):
            some |= other[x] > i and touched[other[x]]
        if not some:
            continue
        for x in range(start[i], start[i + 1]):
            beside[other[x]] = fits[pair[x]]
        for x in range(start[i], start[i + 1]):
            j = other[x]
            if j < i or not beside[j] or not (touched[i] or touched[j]):
                continue
            number = 0
            for y in range(start[j], start[j + 1]):
                # Without a branch, which could not be predicted.
                fellows[number] = other[y]
                number += beside[other[y]] & fits[pair[y]]
            good = number + 2 >= sizes[0]
            for a in range(len(least)):
                if not good:
                    break
                own = amounts[i, a] + amounts[j, a]
                good = _reaches(
                    fellows[:number], amounts, a, least[a] - own, most[a] - own, sizes, 2
                )
            if not good:
                fits[pair[x]] = False
                beside[j] = False
        for x in range(start[i], start[i + 1]):
            beside[other[x]] = False
