"""Annealing with a table of gains: what every atom is worth in every group, compiled by numba.

For problems whose group values are sums over atoms and pairs alone. A move is priced in O(R) by
looking its gains up, and a move that is made updates two rows of the table in O(m); the table is
that of Kernighan & Lin (1970), kept for all groups as in Palubeckis et al. (2015) for diverse
grouping. Every rule always holds: moves that would break one are not made.

Being outside is one more group, of a kind of its own, whose row of the table stays 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

IntArray = Any  #: int64; see ``world`` for why no numpy type is named.
FloatArray = Any  #: float64

#: Entries of the table of exponential noise.
NUM_LUCK = 4096
#: Moves between two changes of temperature.
PERIOD = 64
#: Ticks of a proposed move; a move that is made costs one more for every four atoms. A tick is
#: about 4 ns.
TICKS_A_MOVE = 5

# Columns of Table.atom: group, group in the best grouping, role; then the value in each kind, then
# whether each kind may hold the atom, then the loads it brings (items, then resources).
HOME, BEST_HOME, ROLE, OWN = range(4)
# Columns of Table.slot: atoms, kind, role of the pin inside; the slots in use first and then the
# free ones, and the inverse; kind in the best grouping; then the loads.
COUNT, KIND, HELD, LIVE, LIVE_AT, BEST_KIND, LOAD = range(7)
# Columns of Table.kind: value of opening, least, most and present number of groups; then least and
# most of each load by turns.
OPEN, MIN_GROUPS, MAX_GROUPS, NUMBER, BOUND = range(5)
# Entries of Table.ints.
(
    RANDOM, VALUE, BEST, HAS_BEST, FRESH, TICKS, MOVES, NUM_LIVE, NUM_MOVABLE, NUM_LOADS, FIT,
    BRINGS, SWAPS, WORSENED, MOVABLE,
) = range(15)  # fmt: skip
# Entries of Table.floats.
TEMPERATURE, COOLING, LUCK = range(3)

_LOW_57_BITS, _LOW_31_BITS = 2**57 - 1, 2**31 - 1


class Table(NamedTuple):
    """A contracted problem of m atoms and K kinds, one grouping of it, and its gains.

    There are m + 1 slots for groups, and slot m + 1 of kind K is being outside.

    Attributes
    ----------
    weight : int64 [m, m], pair values, 0 on the diagonal.
    gain : int64 [m + 2, m], sum of an atom's pair values with the atoms of a slot.
    ban : int64 [m, m], 1 where a pair may not group; [0, 0] if there are no bans.
    against : int64 [m + 2, m], number of an atom's bans in a slot; [0, 0] if there are no bans.
    atom, slot, kind, ints, floats : see the columns above.
    """

    weight: IntArray
    gain: IntArray
    ban: IntArray
    against: IntArray
    atom: IntArray
    slot: IntArray
    kind: IntArray
    ints: IntArray
    floats: FloatArray


def _compiled(function: Any) -> Any:
    # As in ``kernels``: helpers that allocate nothing compile faster and run faster so.
    options: dict[str, Any] = {
        "_nrt": False,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }
    return numba.njit(**options)(function)


@_compiled
def _bits(t: Table) -> int:
    """31 random bits, by xorshift64 (Marsaglia 2003)."""
    x = t.ints[RANDOM]
    x ^= x << 13
    x ^= (x >> 7) & _LOW_57_BITS  # int64 shifts in its sign
    x ^= x << 17
    t.ints[RANDOM] = x
    return (x >> 33) & _LOW_31_BITS


@_compiled
def _holds(t: Table, s: int, k: int, out: int, into: int) -> bool:
    """Whether a slot of kind ``k`` keeps its bounds when an atom leaves and another joins."""
    for r in range(t.ints[NUM_LOADS]):
        load = t.slot[s, LOAD + r]
        if out >= 0:
            load -= t.atom[out, t.ints[BRINGS] + r]
        if into >= 0:
            load += t.atom[into, t.ints[BRINGS] + r]
        if load < t.kind[k, BOUND + 2 * r] or load > t.kind[k, BOUND + 2 * r + 1]:
            return False
    return True


@_compiled
def _put(t: Table, i: int, s: int, sign: int) -> None:
    """Add an atom to a slot (sign 1) or take it away (-1), and tell all atoms."""
    num = t.atom.shape[0]
    k = t.slot[s, KIND]
    t.ints[VALUE] += sign * (t.gain[s, i] + t.atom[i, OWN + k])
    t.slot[s, COUNT] += sign
    for r in range(t.ints[NUM_LOADS]):
        t.slot[s, LOAD + r] += sign * t.atom[i, t.ints[BRINGS] + r]
    if s == num + 1:
        return
    if sign > 0:
        for x in range(num):
            t.gain[s, x] += t.weight[i, x]
    else:
        for x in range(num):
            t.gain[s, x] -= t.weight[i, x]
    if t.ban.shape[0] > 0:
        for x in range(num):
            t.against[s, x] += sign * t.ban[i, x]
    if t.slot[s, COUNT] == np.int64(sign > 0):
        # It opens or closes, and changes places with the first free or the last live slot.
        last = t.ints[NUM_LIVE] - np.int64(sign < 0)
        other, at = t.slot[last, LIVE], t.slot[s, LIVE_AT]
        t.slot[at, LIVE] = other
        t.slot[last, LIVE] = s
        t.slot[other, LIVE_AT] = at
        t.slot[s, LIVE_AT] = last
        t.ints[NUM_LIVE] += sign
        t.ints[VALUE] += sign * t.kind[k, OPEN]
        t.kind[k, NUMBER] += sign


@_compiled
def _keep_best(t: Table) -> None:
    """Write the present grouping down, if it is the best and not yet written down."""
    if t.ints[FRESH]:
        for i in range(t.atom.shape[0]):
            t.atom[i, BEST_HOME] = t.atom[i, HOME]
        for s in range(t.slot.shape[0]):
            t.slot[s, BEST_KIND] = t.slot[s, KIND]
        t.ints[FRESH] = 0


@_compiled
def _make(t: Table, i: int, b: int, j: int) -> None:
    """Move atom ``i`` to slot ``b``, and ``j``, unless it is -1, from there to where ``i`` was."""
    a = t.atom[i, HOME]
    _keep_best(t)
    if j >= 0:
        _put(t, j, b, np.int64(-1))
    _put(t, i, b, np.int64(1))
    _put(t, i, a, np.int64(-1))
    t.atom[i, HOME] = b
    if j >= 0:
        _put(t, j, a, np.int64(1))
        t.atom[j, HOME] = a
    t.ints[TICKS] += t.atom.shape[0] >> 2
    if not t.ints[HAS_BEST] or t.ints[VALUE] > t.ints[BEST]:
        t.ints[BEST] = t.ints[VALUE]
        t.ints[HAS_BEST] = 1
        t.ints[FRESH] = 1


def _run(t: Table, moves: int, max_ticks: int) -> None:
    """Anneal for so many moves or until so many ticks have been counted."""
    num, kinds = t.atom.shape[0], t.kind.shape[0] - 1
    nobody = np.int64(-1)
    outside, fit, banned = num + 1, t.ints[FIT], t.ban.shape[0] > 0
    for _ in range(moves):
        if t.ints[TICKS] >= max_ticks or t.ints[NUM_MOVABLE] == 0:
            break
        t.ints[MOVES] += 1
        t.ints[TICKS] += TICKS_A_MOVE
        if t.ints[MOVES] % PERIOD == 0:
            t.floats[TEMPERATURE] *= t.floats[COOLING]
        what = _bits(t)
        i = t.ints[MOVABLE + ((_bits(t) * t.ints[NUM_MOVABLE]) >> 31)]
        a = t.atom[i, HOME]
        ka = t.slot[a, KIND]
        j, swap = nobody, False
        if what & 15 == 0:
            k = (_bits(t) * kinds) >> 31
            b = t.slot[t.ints[NUM_LIVE], LIVE]
            if t.kind[k, NUMBER] >= t.kind[k, MAX_GROUPS] or (
                a != outside and t.slot[a, COUNT] == 1 and ka == k
            ):
                continue
            t.slot[b, KIND] = k
        elif what & 15 == 1:
            b, k = outside, kinds
        else:
            swap = ((what >> 5) & 1023) < t.ints[SWAPS]
            j = (_bits(t) * num) >> 31
            b = t.atom[j, HOME]
            # A group's chance to be chosen must not grow with its size, or annealing favours large
            # groups; a partner leads to its group only where it is liked.
            if not swap and t.ints[NUM_LIVE] > 0 and (what & 16 or t.weight[i, j] <= 0):
                b = t.slot[(_bits(t) * t.ints[NUM_LIVE]) >> 31, LIVE]
            k = t.slot[b, KIND]
        if b == a or not t.atom[i, fit + k] or t.slot[b, HELD] == 2:
            continue
        closes = a != outside and t.slot[a, COUNT] == 1
        if not swap:
            if closes:
                stays = t.kind[ka, NUMBER] > t.kind[ka, MIN_GROUPS]
            else:
                stays = _holds(t, a, ka, i, nobody)
            if not stays or not _holds(t, b, k, nobody, i):
                continue
        change = t.gain[b, i] + t.atom[i, OWN + k] - t.gain[a, i] - t.atom[i, OWN + ka]
        if swap:
            if j < 0 or t.atom[j, ROLE] != 0 or not t.atom[j, fit + ka]:
                continue
            change += t.gain[a, j] + t.atom[j, OWN + ka] - t.gain[b, j] - t.atom[j, OWN + k]
            if a != outside:
                change -= t.weight[i, j]
            if b != outside:
                change -= t.weight[i, j]
        else:
            j = nobody
            if closes:
                change -= t.kind[ka, OPEN]
            if b != outside and t.slot[b, COUNT] == 0:
                change += t.kind[k, OPEN]
        if change < -t.floats[TEMPERATURE] * t.floats[LUCK + (_bits(t) & (NUM_LUCK - 1))]:
            continue
        if swap and not (_holds(t, b, k, j, i) and _holds(t, a, ka, i, j)):
            continue
        if banned:
            mutual = t.ban[i, j] if swap else 0
            if t.against[b, i] > mutual or (swap and t.against[a, j] > mutual):
                continue
        t.ints[WORSENED] += np.int64(change < 0)
        _make(t, i, b, j)
    _keep_best(t)


def _cached(function: Any) -> Any:
    options: dict[str, Any] = {"_nrt": False, "nogil": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache is writable
        return numba.njit(**options)(function)


#: (table, moves, max_ticks): see ``_run``. Its helpers are all in this file, which is what numba
#: looks at to tell whether its cache is stale.
run = _cached(_run)
