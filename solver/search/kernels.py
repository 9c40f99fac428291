"""What a grouping costs and how it changes, one atom at a time, compiled by numba.

Every change of a ``World``'s grouping goes through ``open_group``, ``close_group``, ``put``,
``take`` and ``recast``, which keep all sums exact; a log undoes them in reverse. ``price_change``
tells what one atom leaving or joining a group would change without doing it, in O(R).

The functions are plain Python as well (``NUMBA_DISABLE_JIT=1``) and give the same trajectory: the
generator is our own, noise comes from tables, and no function whose rounding may differ between
libraries is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numba
import numpy as np

from solver.search.world import (
    ABSENT_BAD,
    AFTER,
    AMOUNT,
    BEFORE,
    CLOSED,
    COUNT,
    CURVE,
    CURVED,
    END,
    FAR,
    GROUP_USE,
    HEAD,
    HELD,
    HOME,
    HULL,
    ITEMS,
    KIND,
    LEAST,
    LIMIT,
    LINEAR,
    LIVE,
    LIVE_AT,
    LOG,
    LOGGED,
    MAX_GROUPS,
    MAX_SIZE,
    MIN_GROUPS,
    MIN_SIZE,
    MOST,
    MUST,
    NUM_CLASSES,
    NUM_LIMITS,
    NUM_LIVE,
    NUM_RESOURCES,
    NUM_RULED,
    NUMBER,
    OFF,
    OFF_AMOUNT,
    OFF_MUST,
    OFF_NUMBER,
    OFF_SIZE,
    OPEN,
    OPENED,
    OTHER,
    OWN,
    PAIR_BAD,
    PAIR_VALUE,
    PRICE,
    PUT,
    RANDOM,
    RECAST,
    RESOURCE,
    ROBBED,
    ROLE,
    RULED,
    SHORT,
    SIZE,
    SIZE_OFF,
    SPENT,
    START,
    STEP,
    STRIDE,
    TAKEN,
    TICKS,
    TOTAL,
    USE,
    VALUE,
)

if TYPE_CHECKING:
    from solver.search.world import IntArray, World

Function = TypeVar("Function", bound=Callable[..., object])

_LOW_57_BITS, _LOW_31_BITS = 2**57 - 1, 2**31 - 1


def compiled(function: Function) -> Function:
    """Compile a helper of ``annealing.run``, which alone is cached, callable from kernels only.

    Without reference counting and wrappers for Python compiling takes half the time, and moves
    run three times as fast. Helpers therefore may not allocate. Literal arguments would compile a
    helper once more for each; they are passed as ``np.int64(1)``.
    """
    options: dict[str, Any] = {
        "_nrt": False,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }
    made: Function = numba.njit(**options)(function)
    return made


@compiled
def bits(w: World) -> int:
    """31 random bits, by xorshift64 (Marsaglia 2003)."""
    x = w.ints[RANDOM]
    x ^= x << 13
    x ^= (x >> 7) & _LOW_57_BITS  # int64 shifts in its sign
    x ^= x << 17
    w.ints[RANDOM] = x
    return (x >> 33) & _LOW_31_BITS


@compiled
def draw(w: World, bound: int) -> int:
    """A number of 0..bound-1, where bound < 2**31."""
    return (bits(w) * bound) >> 31


@compiled
def pair_of(w: World, i: int, j: int) -> int:
    """Place of the pair of two atoms in ``pair``, or -1 where it is not stored."""
    if w.table.shape[0] > 0:
        return np.int64(w.table[i, j])
    low, high = w.atom[i, START], w.atom[i, END] - 1
    while low <= high:
        middle = (low + high) >> 1
        if w.pair[middle, OTHER] == j:
            return middle
        if w.pair[middle, OTHER] < j:
            low = middle + 1
        else:
            high = middle - 1
    return np.int64(-1)


@compiled
def curve_at(w: World, k: int, r: int, total: int) -> int:
    """Value of a kind's curve at a resource total; 0 where there is none."""
    at = RESOURCE + STRIDE * r + CURVE
    p, end = w.kind[k, at], w.kind[k, at + 1]
    if p == end:
        return np.int64(0)
    while p + 1 < end and w.point[p + 1, 0] <= total:
        p += 1
    value = w.point[p, 1]
    if p + 1 < end and total > w.point[p, 0]:
        slope = (w.point[p + 1, 1] - value) // (w.point[p + 1, 0] - w.point[p, 0])
        value += slope * (total - w.point[p, 0])
    return value


@compiled
def hull_at(w: World, k: int, r: int, total: int) -> float:
    """Value of the concave hull of a kind's curve at a resource total; 0 where there is none."""
    at = RESOURCE + STRIDE * r + HULL
    p, end = w.kind[k, at], w.kind[k, at + 1]
    if p == end:
        return 0.0
    while p + 1 < end and w.point[p + 1, 0] <= total:
        p += 1
    value = float(w.point[p, 1])
    if p + 1 < end:
        rise = float(w.point[p + 1, 1]) - value
        value += rise * (float(total - w.point[p, 0]) / float(w.point[p + 1, 0] - w.point[p, 0]))
    return value


@compiled
def link(w: World, i: int, g: int, k: int, skip: int) -> tuple[int, int, int]:
    """What joins an atom with the atoms of a group but for itself and ``skip`` (may be itself).

    Returns
    -------
    Value of its pairs in kind ``k``, number of banned partners, one of these (or -1).
    """
    absent_bad = w.ints[ABSENT_BAD]
    value_at, bad_at = w.kind[k, PAIR_VALUE], w.kind[k, PAIR_BAD]
    total, against, one = np.int64(0), np.int64(0), np.int64(-1)
    start, end = w.atom[i, START], w.atom[i, END]
    if not absent_bad and 2 * (end - start) < w.group[g, COUNT]:
        for e in range(start, end):
            j = w.pair[e, OTHER]
            if w.atom[j, HOME] == g and j != skip:
                if w.pair[e, bad_at]:
                    against += 1
                    one = j
                else:
                    total += w.pair[e, value_at]
        w.ints[TICKS] += end - start
        return total, against, one
    j = w.group[g, HEAD]
    while j >= 0:
        if j != i and j != skip:  # noqa: PLR1714
            e = pair_of(w, i, j)
            if e < 0:
                if absent_bad:
                    against += 1
                    one = j
            elif w.pair[e, bad_at]:
                against += 1
                one = j
            else:
                total += w.pair[e, value_at]
        j = w.atom[j, AFTER]
    w.ints[TICKS] += w.group[g, COUNT]
    return total, against, one


@compiled
def size_off(w: World, k: int, size: int) -> int:
    """How far a size is off the bounds of a kind."""
    return max(0, w.kind[k, MIN_SIZE] - size, size - w.kind[k, MAX_SIZE])


@compiled
def amount_off(w: World, k: int, r: int, amount: int) -> int:
    """How far an amount is off the bounds of a kind."""
    at = RESOURCE + STRIDE * r
    far = max(0, w.kind[k, at + LEAST] - amount, amount - w.kind[k, at + MOST])
    return min(w.ints[FAR], far)


@compiled
def number_off(w: World, k: int, number: int) -> int:
    """How far a number of groups is off the bounds of a kind."""
    return max(0, w.kind[k, MIN_GROUPS] - number, number - w.kind[k, MAX_GROUPS])


@compiled
def refresh(w: World, g: int) -> None:
    """Set the curves and the broken rules of a group from its totals."""
    k = w.group[g, KIND]
    off_at, short = w.ints[OFF], w.ints[SHORT]
    off = size_off(w, k, w.group[g, SIZE])
    w.ints[off_at + OFF_SIZE] += off - w.group[g, SIZE_OFF]
    w.group[g, SIZE_OFF] = off
    curved = np.int64(0)
    for x in range(w.kind[k, NUM_RULED]):
        r = w.kind[k, w.ints[RULED] + x]
        amount = w.group[g, TOTAL + r]
        curved += curve_at(w, k, r, amount)
        off = amount_off(w, k, r, amount)
        w.ints[off_at + OFF_AMOUNT + r] += off - w.group[g, short + r]
        w.group[g, short + r] = off
    w.ints[VALUE] += curved - w.group[g, CURVED]
    w.group[g, CURVED] = curved


@compiled
def renumber(w: World, k: int, change: int) -> None:
    """Count one group of a kind more or less, with its own value and use of the shared limits."""
    before = w.kind[k, NUMBER]
    w.ints[w.ints[OFF] + OFF_NUMBER] += number_off(w, k, before + change) - number_off(w, k, before)
    w.kind[k, NUMBER] = before + change
    w.ints[VALUE] += change * w.kind[k, OPEN]
    for limit in range(w.ints[NUM_LIMITS]):
        spend(w, limit, change * w.kind[k, w.ints[GROUP_USE] + limit])


@compiled
def spend(w: World, limit: int, change: int) -> None:
    """Use more or less of a shared limit."""
    if change != 0:
        at = w.ints[OFF] + OFF_AMOUNT + w.ints[NUM_RESOURCES] + limit
        spent = w.ints[SPENT] + limit
        before = w.ints[spent] - w.ints[w.ints[LIMIT] + limit]
        w.ints[at] += max(0, before + change) - max(0, before)
        w.ints[spent] += change


@compiled
def note(w: World, what: int, i: int, g: int, value: int) -> None:
    """Remember a change for ``undo``."""
    at = w.ints[LOG] + 4 * w.ints[LOGGED]
    w.ints[at] = what
    w.ints[at + 1] = i
    w.ints[at + 2] = g
    w.ints[at + 3] = value
    w.ints[LOGGED] += 1


@compiled
def open_group(w: World, k: int) -> int:
    """Begin an empty group; it must not stay empty."""
    g = w.group[w.ints[NUM_LIVE], LIVE]
    w.ints[NUM_LIVE] += 1
    w.group[g, HEAD] = -1
    w.group[g, KIND] = k
    for column in (COUNT, SIZE, HELD, LINEAR, CURVED, SIZE_OFF):
        w.group[g, column] = 0
    for r in range(w.ints[NUM_RESOURCES]):
        w.group[g, TOTAL + r] = 0
        w.group[g, w.ints[SHORT] + r] = 0
    renumber(w, k, np.int64(1))
    refresh(w, g)
    note(w, np.int64(OPENED), g, g, k)
    return g


@compiled
def close_group(w: World, g: int) -> None:
    """End an empty group."""
    k, off_at = w.group[g, KIND], w.ints[OFF]
    renumber(w, k, np.int64(-1))
    w.ints[VALUE] -= w.group[g, CURVED]
    w.ints[off_at + OFF_SIZE] -= w.group[g, SIZE_OFF]
    for r in range(w.ints[NUM_RESOURCES]):
        w.ints[off_at + OFF_AMOUNT + r] -= w.group[g, w.ints[SHORT] + r]
    # The group changes places with the last live one and is the next to be opened.
    last = w.ints[NUM_LIVE] - 1
    other, at = w.group[last, LIVE], w.group[g, LIVE_AT]
    w.group[at, LIVE] = other
    w.group[last, LIVE] = g
    w.group[other, LIVE_AT] = at
    w.group[g, LIVE_AT] = last
    w.ints[NUM_LIVE] = last
    note(w, np.int64(CLOSED), g, g, k)


@compiled
def change_member(w: World, i: int, g: int, linked: int, sign: int) -> None:
    """Add what an atom brings to a group, or take it away."""
    k = w.group[g, KIND]
    value = sign * (linked + w.atom[i, w.ints[OWN] + k])
    w.group[g, COUNT] += sign
    w.group[g, SIZE] += sign * w.atom[i, ITEMS]
    w.group[g, LINEAR] += value
    w.ints[VALUE] += value
    w.ints[w.ints[OFF] + OFF_MUST] -= sign * w.atom[i, MUST]
    for r in range(w.ints[NUM_RESOURCES]):
        w.group[g, TOTAL + r] += sign * w.atom[i, AMOUNT + r]
    limits = w.ints[NUM_LIMITS]
    for limit in range(limits):
        spend(w, limit, sign * w.atom[i, w.ints[USE] + k * limits + limit])
    refresh(w, g)


@compiled
def put(w: World, i: int, g: int, linked: int) -> None:
    """Put an atom that is outside into a group, given the value of its pairs there."""
    head = w.group[g, HEAD]
    w.atom[i, AFTER] = head
    w.atom[i, BEFORE] = -1
    if head >= 0:
        w.atom[head, BEFORE] = i
    w.group[g, HEAD] = i
    w.atom[i, HOME] = g
    change_member(w, i, g, linked, np.int64(1))
    note(w, np.int64(PUT), i, g, linked)


@compiled
def take(w: World, i: int, linked: int) -> None:
    """Take an atom out of its group, given the value of its pairs there."""
    g, after, before = w.atom[i, HOME], w.atom[i, AFTER], w.atom[i, BEFORE]
    if before >= 0:
        w.atom[before, AFTER] = after
    else:
        w.group[g, HEAD] = after
    if after >= 0:
        w.atom[after, BEFORE] = before
    w.atom[i, HOME] = -1
    change_member(w, i, g, linked, np.int64(-1))
    note(w, np.int64(TAKEN), i, g, linked)


@compiled
def recast(w: World, g: int, k: int, linear: int) -> None:
    """Give a group another kind, given the value of its atoms and pairs in it."""
    before, limits = w.group[g, KIND], w.ints[NUM_LIMITS]
    note(w, np.int64(RECAST), before, g, w.group[g, LINEAR])
    renumber(w, before, np.int64(-1))
    renumber(w, k, np.int64(1))
    i = w.group[g, HEAD]
    while i >= 0:
        for limit in range(limits):
            at = w.ints[USE] + limit
            spend(w, limit, w.atom[i, at + k * limits] - w.atom[i, at + before * limits])
        i = w.atom[i, AFTER]
    for r in range(w.ints[NUM_RESOURCES]):
        # The new kind may have no rule for a resource that is off in the old one.
        w.ints[w.ints[OFF] + OFF_AMOUNT + r] -= w.group[g, w.ints[SHORT] + r]
        w.group[g, w.ints[SHORT] + r] = 0
    w.ints[VALUE] += linear - w.group[g, LINEAR]
    w.group[g, LINEAR] = linear
    w.group[g, KIND] = k
    refresh(w, g)


@compiled
def undo(w: World) -> None:
    """Take back everything in the log."""
    entry = w.ints[LOGGED] - 1
    while entry >= 0:
        at = w.ints[LOG] + 4 * entry
        what, i, g, value = w.ints[at], w.ints[at + 1], w.ints[at + 2], w.ints[at + 3]
        if what == PUT:
            take(w, i, value)
        elif what == TAKEN:
            put(w, i, g, value)
        elif what == OPENED:
            close_group(w, g)
        elif what == CLOSED:
            open_group(w, value)
        else:
            recast(w, g, i, value)
        entry -= 1
    w.ints[LOGGED] = 0


@compiled
def dissolve(w: World, g: int) -> None:
    """Take all atoms out of a group and close it."""
    i = w.group[g, HEAD]
    while i >= 0:
        take(w, i, link(w, i, g, w.group[g, KIND], i)[0])
        i = w.group[g, HEAD]
    close_group(w, g)


@compiled
def price_change(w: World, g: int, k: int, out: int, into: int) -> int:
    """What a group's curves and rules change when an atom leaves and another joins (-1: none).

    ``g`` = -1 is a new group of kind ``k``; a group left empty closes. Changes of broken rules and
    of uses are added to the STEP block; numbers of groups are left to the caller.

    Returns
    -------
    Change of the value of curves and of opening.
    """
    step, short, limits = w.ints[STEP], w.ints[SHORT], w.ints[NUM_LIMITS]
    size, value = np.int64(0), np.int64(0)
    new = g < 0
    closes = not new and out >= 0 and into < 0 and w.group[g, COUNT] == 1
    if not new:
        size = w.group[g, SIZE]
        value -= w.group[g, CURVED]
        w.ints[step + OFF_SIZE] -= w.group[g, SIZE_OFF]
    if out >= 0:
        size -= w.atom[out, ITEMS]
    if into >= 0:
        size += w.atom[into, ITEMS]
    if not closes:
        w.ints[step + OFF_SIZE] += size_off(w, k, size)
    for x in range(w.kind[k, NUM_RULED]):
        r = w.kind[k, w.ints[RULED] + x]
        amount = np.int64(0)
        if not new:
            amount = w.group[g, TOTAL + r]
            w.ints[step + OFF_AMOUNT + r] -= w.group[g, short + r]
        if out >= 0:
            amount -= w.atom[out, AMOUNT + r]
        if into >= 0:
            amount += w.atom[into, AMOUNT + r]
        if not closes:
            value += curve_at(w, k, r, amount)
            w.ints[step + OFF_AMOUNT + r] += amount_off(w, k, r, amount)
    sign = np.int64(new) - np.int64(closes)
    value += sign * w.kind[k, OPEN]
    for limit in range(limits):
        use = sign * w.kind[k, w.ints[GROUP_USE] + limit]
        at = w.ints[USE] + k * limits + limit
        if out >= 0:
            use -= w.atom[out, at]
        if into >= 0:
            use += w.atom[into, at]
        w.ints[step + w.ints[NUM_CLASSES] + limit] += use
    return value


@compiled
def total_price(w: World, value: int, missing: int, opened: int, closed: int) -> float:
    """Change of value less the price of the change of broken rules in the STEP block.

    ``missing`` is the change of must-join items outside; ``opened`` and ``closed`` are the kinds
    of a group that opens and of one that closes, or -1.
    """
    step, classes = w.ints[STEP], w.ints[NUM_CLASSES]
    w.ints[step + OFF_MUST] += missing
    if opened != closed:
        if opened >= 0:
            number = w.kind[opened, NUMBER]
            w.ints[step + OFF_NUMBER] += number_off(w, opened, number + 1)
            w.ints[step + OFF_NUMBER] -= number_off(w, opened, number)
        if closed >= 0:
            number = w.kind[closed, NUMBER]
            w.ints[step + OFF_NUMBER] += number_off(w, closed, number - 1)
            w.ints[step + OFF_NUMBER] -= number_off(w, closed, number)
    for limit in range(w.ints[NUM_LIMITS]):
        before = w.ints[w.ints[SPENT] + limit] - w.ints[w.ints[LIMIT] + limit]
        after = before + w.ints[step + classes + limit]
        at = step + OFF_AMOUNT + w.ints[NUM_RESOURCES] + limit
        w.ints[at] = max(0, after) - max(0, before)
    price = float(value)
    for c in range(classes):
        if w.ints[step + c] != 0:
            price -= w.floats[PRICE + c] * w.ints[step + c]
    return price


@compiled
def worth(w: World) -> float:
    """Value less the price of everything that is broken."""
    price = float(w.ints[VALUE])
    for c in range(w.ints[NUM_CLASSES]):
        price -= w.floats[PRICE + c] * w.ints[w.ints[OFF] + c]
    return price


@compiled
def broken(w: World) -> bool:
    """Whether any rule is broken."""
    for c in range(w.ints[NUM_CLASSES]):  # noqa: SIM110 - numba compiles no generators here
        if w.ints[w.ints[OFF] + c] != 0:
            return True
    return False


@compiled
def load(w: World, home: IntArray, kind: IntArray) -> None:
    """Replace the grouping: group of each atom or -1, int64 [m]; kinds of the groups, int64 [G].

    Groups may break rules, but not hold an atom of no fit or a banned pair.
    """
    off_at = w.ints[OFF]
    for c in range(w.ints[NUM_CLASSES]):
        w.ints[off_at + c] = 0
    w.ints[VALUE] = 0
    w.ints[NUM_LIVE] = 0
    w.ints[LOGGED] = 0
    for g in range(w.group.shape[0]):
        w.group[g, LIVE] = g
        w.group[g, LIVE_AT] = g
        w.group[g, ROBBED] = -1
    for k in range(w.kind.shape[0]):
        w.kind[k, NUMBER] = 0
        w.ints[off_at + OFF_NUMBER] += number_off(w, k, np.int64(0))
    for limit in range(w.ints[NUM_LIMITS]):
        w.ints[w.ints[SPENT] + limit] = 0
        at = off_at + OFF_AMOUNT + w.ints[NUM_RESOURCES] + limit
        w.ints[at] = max(0, -w.ints[w.ints[LIMIT] + limit])
    for i in range(home.shape[0]):
        w.atom[i, HOME] = -1
        w.ints[off_at + OFF_MUST] += w.atom[i, MUST]
    for i in range(home.shape[0]):
        if home[i] >= 0:
            # ROBBED serves as the map from the given numbers of groups to those opened here.
            g = w.group[home[i], ROBBED]
            if g < 0:
                g = open_group(w, kind[home[i]])
                w.group[home[i], ROBBED] = g
            put(w, i, g, link(w, i, g, w.group[g, KIND], i)[0])
            w.group[g, HELD] = max(w.group[g, HELD], w.atom[i, ROLE])
            w.ints[LOGGED] = 0
