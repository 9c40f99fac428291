"""The moves of the annealing on single atoms and single groups, compiled by numba.

Shift and exchange are those of graph partitioning (Kernighan & Lin 1970); a shift that one banned
partner hinders becomes an exchange with it (an ejection). They are priced before anything changes.
Merging, splitting, ending and recasting change the grouping first and are undone if rejected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solver.search.kernels import (
    bits,
    broken,
    close_group,
    compiled,
    dissolve,
    draw,
    link,
    open_group,
    pair_of,
    price_change,
    put,
    recast,
    take,
    total_price,
    undo,
    worth,
)
from solver.search.world import (
    ABSENT_BAD,
    ACCEPTED,
    AFTER,
    BEST,
    BEST_HOME,
    BEST_KIND,
    CHANGE_COUNT,
    CHANGE_SUM,
    COUNT,
    END,
    FIT,
    FRESH,
    GROUP_MARK,
    GUMBEL,
    HAS_BEST,
    HEAD,
    HELD,
    HOME,
    KIND,
    LIVE,
    LOGGED,
    LUCK,
    MET,
    MET_VALUE,
    MUST,
    NUM_CLASSES,
    NUM_LIMITS,
    NUM_LIVE,
    NUM_LUCK,
    OTHER,
    OWN,
    PAIR_BAD,
    PAIR_VALUE,
    ROBBED,
    ROLE,
    STAMP,
    START,
    STEP,
    STRONG,
    TEMPERATURE,
    TICKS,
    VALUE,
)

if TYPE_CHECKING:
    from solver.search.world import World


#: Atoms of more neighbours meet groups at random where pairs are few.
_SCANNED = 128


@compiled
def look(w: World) -> None:
    """Notice a best feasible grouping; it is written down before it is left."""
    if (not w.ints[HAS_BEST] or w.ints[VALUE] > w.ints[BEST]) and not broken(w):
        w.ints[BEST] = w.ints[VALUE]
        w.ints[HAS_BEST] = 1
        w.ints[FRESH] = 1


@compiled
def keep_best(w: World) -> None:
    """Write down the present grouping, if it is the best and not yet written down."""
    if w.ints[FRESH]:
        for i in range(w.atom.shape[0]):
            w.atom[i, BEST_HOME] = w.atom[i, HOME]
        for at in range(w.ints[NUM_LIVE]):
            g = w.group[at, LIVE]
            w.group[g, BEST_KIND] = w.group[g, KIND]
        w.ints[FRESH] = 0


@compiled
def accepts(w: World, change: float) -> bool:
    """Metropolis: accept with probability min(1, exp(change / temperature))."""
    return change >= -w.floats[TEMPERATURE] * w.floats[LUCK + (bits(w) & (NUM_LUCK - 1))]


@compiled
def decide(w: World, before: float) -> None:
    """Keep a move that has been made, or undo it, by what the grouping was worth before."""
    if accepts(w, worth(w) - before):
        w.ints[ACCEPTED] += 1
        w.ints[LOGGED] = 0
        look(w)
    else:
        undo(w)


@compiled
def neighbour(w: World, i: int) -> int:
    """A random neighbour, the strong ones more often; -1 if there is none."""
    start = w.atom[i, START]
    degree = w.atom[i, END] - start
    if degree == 0:
        return np.int64(-1)
    at = draw(w, degree)
    if (bits(w) & 3) > 0:
        at = min(at, draw(w, degree))
    return w.pair[start + at, STRONG]


@compiled
def member(w: World, g: int) -> int:
    """A random atom of a group."""
    i = w.group[g, HEAD]
    for _ in range(draw(w, w.group[g, COUNT])):
        i = w.atom[i, AFTER]
    return i


@compiled
def target(w: World, i: int) -> int:
    """A group an atom may want to join, or -1."""
    if not w.ints[ABSENT_BAD] and (bits(w) & 7) == 0:
        if w.ints[NUM_LIVE] == 0:
            return np.int64(-1)
        return w.group[draw(w, w.ints[NUM_LIVE]), LIVE]
    j = neighbour(w, i)
    if j < 0:
        return np.int64(-1)
    return w.atom[j, HOME]


@compiled
def meet(w: World, i: int) -> int:
    """List the other groups in which an atom has at most one banned partner; returns how many.

    They are in the list of groups, each with its MET pairs and their MET_VALUE.
    """
    w.ints[STAMP] += 1
    stamp, own, num = w.ints[STAMP], w.atom[i, HOME], 0
    for e in range(w.atom[i, START], w.atom[i, END]):
        g = w.atom[w.pair[e, OTHER], HOME]
        if g >= 0 and g != own:
            if w.group[g, GROUP_MARK] != stamp:
                w.group[g, GROUP_MARK] = stamp
                w.group[g, MET] = 0
                w.group[g, MET_VALUE] = 0
                w.group[num, ROBBED] = g
                num += 1
            k = w.group[g, KIND]
            if not w.pair[e, w.kind[k, PAIR_BAD]]:
                w.group[g, MET] += 1
                w.group[g, MET_VALUE] += w.pair[e, w.kind[k, PAIR_VALUE]]
    w.ints[TICKS] += w.atom[i, END] - w.atom[i, START]
    kept = 0
    for x in range(num):
        g = w.group[x, ROBBED]
        if (
            w.group[g, COUNT] - w.group[g, MET] <= 1
            and w.group[g, HELD] != 2
            and w.atom[i, w.ints[FIT] + w.group[g, KIND]]
        ):
            w.group[kept, ROBBED] = g
            kept += 1
    return kept


@compiled
def heat_bath(w: World, i: int) -> None:
    """Choose among all groups an atom may join, with or without an exchange, leaving and staying.

    Each choice has its Boltzmann weight (Gibbs sampling, by Gumbel noise on each).
    """
    nobody, zero = np.int64(-1), np.int64(0)
    num, a = meet(w, i), w.atom[i, HOME]
    if num == 0 and a < 0:
        return
    left, ka = zero, nobody
    if a >= 0:
        ka = w.group[a, KIND]
        left = link(w, i, a, ka, i)[0]
    best_b, best_j, best_swapped, best_joined, best_joined_j = nobody, nobody, False, zero, zero
    heat, moved = w.floats[TEMPERATURE], False
    best = heat * gumbel(w)
    if a >= 0:
        score = price_relocation(w, i, nobody, nobody, left, zero, nobody, False, zero)
        score += heat * gumbel(w)
        if score > best:
            best, moved = score, True
    for x in range(num):
        b = w.group[x, ROBBED]
        k, joined = w.group[b, KIND], w.group[b, MET_VALUE]
        if w.group[b, COUNT] == w.group[b, MET]:
            score = price_relocation(w, i, b, k, left, joined, nobody, False, zero)
            score += heat * gumbel(w)
            if score > best:
                best, moved, best_b, best_j = score, True, b, nobody
                best_swapped, best_joined, best_joined_j = False, joined, zero
            j = member(w, b)
            e = pair_of(w, i, j)
            if e >= 0:
                joined -= w.pair[e, w.kind[k, PAIR_VALUE]]
        else:
            j = link(w, i, b, k, i)[2]
        if w.atom[j, ROLE] != 0:
            continue
        score = price_relocation(w, i, b, k, left, joined, j, False, zero) + heat * gumbel(w)
        if score > best:
            best, moved, best_b, best_j = score, True, b, j
            best_swapped, best_joined, best_joined_j = False, joined, zero
        if a >= 0 and w.atom[j, w.ints[FIT] + ka]:
            joined_j, against, _ = link(w, j, a, ka, i)
            if against == 0:
                score = price_relocation(w, i, b, k, left, joined, j, True, joined_j)
                score += heat * gumbel(w)
                if score > best:
                    best, moved, best_b, best_j = score, True, b, j
                    best_swapped, best_joined, best_joined_j = True, joined, joined_j
    if moved:
        k = nobody
        if best_b >= 0:
            k = w.group[best_b, KIND]
        make_relocation(w, i, best_b, k, left, best_joined, best_j, best_swapped, best_joined_j)


@compiled
def gumbel(w: World) -> float:
    """Gumbel noise."""
    return w.floats[GUMBEL + (bits(w) & (NUM_LUCK - 1))]


@compiled
def clear_step(w: World) -> None:
    """Begin to price a move."""
    for c in range(w.ints[NUM_CLASSES] + w.ints[NUM_LIMITS]):
        w.ints[w.ints[STEP] + c] = 0


@compiled
def shift(w: World, i: int) -> None:
    """Move an atom to another group, to a new one, or out, ejecting one that is banned with it."""
    a, nobody = w.atom[i, HOME], np.int64(-1)
    what = bits(w) & 15
    if what > 1:
        if w.ints[ABSENT_BAD] and w.atom[i, END] - w.atom[i, START] <= _SCANNED:
            heat_bath(w, i)
            return
        b = target(w, i)
        if b < 0 or b == a:
            return
        k = w.group[b, KIND]
        if not w.atom[i, w.ints[FIT] + k] or w.group[b, HELD] == 2:
            return
        joined, against, one = link(w, i, b, k, i)
        if against == 0:
            relocate(w, i, b, k, joined, nobody)
        elif against == 1 and w.atom[one, ROLE] == 0:
            relocate(w, i, b, k, joined, one)
    elif what == 1:
        k = draw(w, w.kind.shape[0])
        alone = a >= 0 and w.group[a, COUNT] == 1 and w.group[a, KIND] == k
        if w.atom[i, w.ints[FIT] + k] and not alone:
            relocate(w, i, nobody, k, np.int64(0), nobody)
    elif a >= 0:
        relocate(w, i, nobody, nobody, np.int64(0), nobody)


@compiled
def exchange(w: World, i: int) -> None:
    """Put an atom in the place of another, which goes to where the atom was, or out."""
    b = target(w, i)
    if b < 0 or b == w.atom[i, HOME]:
        return
    k = w.group[b, KIND]
    if not w.atom[i, w.ints[FIT] + k] or w.group[b, HELD] == 2:
        return
    joined, against, j = link(w, i, b, k, i)
    if against == 0:
        j = member(w, b)
        e = pair_of(w, i, j)
        if e >= 0:
            joined -= w.pair[e, w.kind[k, PAIR_VALUE]]
    if against < 2 and w.atom[j, ROLE] == 0:
        relocate(w, i, b, k, joined, j)


@compiled
def relocate(w: World, i: int, b: int, k: int, joined_i: int, j: int) -> None:
    """Price one relocation (see ``price_relocation``), and make it if it is accepted."""
    a = w.atom[i, HOME]
    left_i, joined_j, swapped = np.int64(0), np.int64(0), False
    if a >= 0:
        ka = w.group[a, KIND]
        left_i = link(w, i, a, ka, i)[0]
        if j >= 0 and w.atom[j, w.ints[FIT] + ka] and (bits(w) & 7) > 0:
            joined_j, against, _ = link(w, j, a, ka, i)
            swapped = against == 0
    if accepts(w, price_relocation(w, i, b, k, left_i, joined_i, j, swapped, joined_j)):
        make_relocation(w, i, b, k, left_i, joined_i, j, swapped, joined_j)


@compiled
def price_relocation(
    w: World,
    i: int,
    b: int,
    k: int,
    left_i: int,
    joined_i: int,
    j: int,
    swapped: bool,
    joined_j: int,
) -> float:
    """What moving atom ``i`` to group ``b`` of kind ``k`` is worth.

    ``b`` = -1 is a new group, ``k`` = -1 is out. If ``j`` is not -1, it makes room and goes to
    where ``i`` was if it is ``swapped``, or out. ``left`` and ``joined`` are values of pairs.
    """
    nobody, own = np.int64(-1), w.ints[OWN]
    a = w.atom[i, HOME]
    value, missing, opened, closed = np.int64(0), np.int64(0), nobody, nobody
    clear_step(w)
    if j >= 0:
        value -= link(w, j, b, k, j)[0] + w.atom[j, own + k]
        missing += w.atom[j, MUST]
    if a >= 0:
        ka = w.group[a, KIND]
        value -= left_i + w.atom[i, own + ka]
        missing += w.atom[i, MUST]
        if swapped:
            value += price_change(w, a, ka, i, j) + joined_j + w.atom[j, own + ka]
            missing -= w.atom[j, MUST]
        else:
            value += price_change(w, a, ka, i, nobody)
            if w.group[a, COUNT] == 1:
                closed = ka
    if k >= 0:
        value += price_change(w, b, k, j, i) + joined_i + w.atom[i, own + k]
        missing -= w.atom[i, MUST]
        if b < 0:
            opened = k
    if j >= 0:
        w.floats[CHANGE_SUM] += abs(float(value))
        w.floats[CHANGE_COUNT] += 1.0
    return total_price(w, value, missing, opened, closed)


@compiled
def make_relocation(
    w: World,
    i: int,
    b: int,
    k: int,
    left_i: int,
    joined_i: int,
    j: int,
    swapped: bool,
    joined_j: int,
) -> None:
    """Make a move that has been priced."""
    w.ints[ACCEPTED] += 1
    keep_best(w)
    a = w.atom[i, HOME]
    if b < 0 and k >= 0:
        b = open_group(w, k)
    if a >= 0:
        take(w, i, left_i)
    if j >= 0:
        take(w, j, link(w, j, b, k, j)[0])
    if k >= 0:
        put(w, i, b, joined_i)
    if swapped:
        put(w, j, a, joined_j)
    elif a >= 0 and w.group[a, COUNT] == 0:
        close_group(w, a)
    w.ints[LOGGED] = 0
    look(w)


@compiled
def merge(w: World, g: int) -> None:
    """Move all atoms of a group into a neighbouring one."""
    h = target(w, member(w, g))
    if h < 0 or h == g:
        return
    if w.group[g, HELD] > 0:
        g, h = h, g
    if w.group[g, HELD] > 0 or w.group[h, HELD] == 2:
        return
    k = w.group[h, KIND]
    keep_best(w)
    before = worth(w)
    i = w.group[g, HEAD]
    while i >= 0:
        after = w.atom[i, AFTER]
        joined, against, _ = link(w, i, h, k, i)
        if against > 0 or not w.atom[i, w.ints[FIT] + k]:
            undo(w)
            return
        take(w, i, link(w, i, g, w.group[g, KIND], i)[0])
        put(w, i, h, joined)
        i = after
    close_group(w, g)
    decide(w, before)


@compiled
def split(w: World, g: int) -> None:
    """Part a group in two around a random atom."""
    if w.group[g, COUNT] < 2 or w.group[g, HELD] == 2:
        return
    i, k = member(w, g), w.group[g, KIND]
    if w.atom[i, ROLE] != 0:
        return
    keep_best(w)
    before = worth(w)
    h = open_group(w, k)
    take(w, i, link(w, i, g, k, i)[0])
    put(w, i, h, np.int64(0))
    j = w.group[g, HEAD]
    while j >= 0:
        after = w.atom[j, AFTER]
        if w.atom[j, ROLE] == 0 and w.group[g, COUNT] > 1:
            there, here = link(w, j, h, k, j)[0], link(w, j, g, k, j)[0]
            if there > here or (there == here and (bits(w) & 1) > 0):
                take(w, j, here)
                put(w, j, h, there)
        j = after
    decide(w, before)


@compiled
def recasting(w: World, g: int) -> None:
    """Give a group another kind."""
    k = draw(w, w.kind.shape[0])
    if k == w.group[g, KIND] or w.group[g, HELD] > 0:
        return
    own, twice = np.int64(0), np.int64(0)
    i = w.group[g, HEAD]
    while i >= 0:
        joined, against, _ = link(w, i, g, k, i)
        if against > 0 or not w.atom[i, w.ints[FIT] + k]:
            return
        own += w.atom[i, w.ints[OWN] + k]
        twice += joined
        i = w.atom[i, AFTER]
    keep_best(w)
    before = worth(w)
    recast(w, g, k, own + twice // 2)
    decide(w, before)


@compiled
def ending(w: World, g: int) -> None:
    """Take all atoms of a group out."""
    if w.group[g, HELD] > 0:
        return
    keep_best(w)
    before = worth(w)
    dissolve(w, g)
    decide(w, before)
