"""The depth-first search over the groups of one kind, compiled.

Every group has a *root*, its first atom in the order of the search: that of ``atoms``, or by score
where pairs are many (``group_search.DENSE``). The search takes root after
root, keeps the later neighbours that may join as *candidates*, and adds one candidate after
the other; the candidates of a child are those behind it in the parent's list that may be with it.
So each clique is met exactly once (Carraghan & Pardalos, 1990; Makino & Uno, 2004).

A group S is worth its reduced value: constant + own values + pair values + the curves of its
resource totals, all less the dual prices where there are any. Let S be the group so far, T the
atoms still to be added, Q the totals of S. For any multipliers lam (one a resource)

    phi_r(Q_r + q_r(T)) <= max_x [ phi_r(x) - lam_r (x - Q_r) ] + lam_r q_r(T),

x running over the totals that bounds allow and candidates reach. Hence ::

    value(S + T) <= value(S) + sum_r max_x[...] + sum of the best scores of |T| candidates,
    score(i) = own value and pairs with S + lam . q(i) + half of its best pairs among candidates,

the Lagrangian bound, where lower bounds of resources take part through the x that are allowed.
Scores in falling order also bound every sibling: T whose first atom is the a-th candidate.
Everything is exact in int64: values carry a common even factor, so that half a pair value and a
multiplier smaller than 1 are whole numbers. Multipliers are improved at each node by a few
subgradient steps (Held & Karp, 1971; step length by Polyak, 1969, towards the threshold), in
floats, which is harmless: any multipliers give a valid bound.

Priced subset rows (``master``) lower the value of a group by their price for every two of the row's
atoms that it holds. Where S holds an odd number of them, T pays for its 1st, 3rd, 5th ... of them,
so at least half of the price for each; the bound charges that.

The search stops and goes on where its caller wants: its whole state is in arrays. Nothing here is
Python-only or numba-only, so ``search.py_func`` runs as the plain function in tests. All that it
is compiled from is in this file, positions and fields too: numba's cache notices changes of this
file only, and an old search over a new layout would prove nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from solver.problem import BoolArray, FloatArray, IntArray

# What ``search`` returns.
DONE, OUT_OF_TICKS, BUFFER_FULL = 0, 1, 2
#: Below every value; a threshold of NOTHING asks for every group.
NOTHING = -(2**62)

# Positions in ``SearchState.counters``.
ROOT_AT, DEPTH, FRESH, FOUND, MEMBERS, TICKS, ROOT_TICKS, ROOT_FOUND, CUT_SHORT = range(9)
NUM_COUNTERS = 9


class KindData(NamedTuple):
    """One kind's groups and their reduced values; n atoms, E pairs, A resources, P pieces.

    Values are scaled by an even factor; pair values by half of it.
    """

    start: IntArray  # [n + 1]
    neighbours: IntArray  # [E]
    half_pairs: IntArray  # [E]
    pair_factor: int  # 2; 1 if values are too large for a factor: then half_pairs are whole
    allowed: BoolArray  # [E]
    eligible: BoolArray  # [n]
    gain: IntArray  # [n], own value less prices
    size: IntArray  # [n], items
    quantity: IntArray  # [n, A]
    piece_start: IntArray  # [A + 1]
    piece_low: IntArray  # [P]
    piece_high: IntArray  # [P]
    piece_value: IntArray  # [P], at piece_low
    piece_slope: IntArray  # [P]
    step: FloatArray  # [A], squared length of one unit of multiplier in subgradient steps
    most: IntArray  # [A], largest multiplier that cannot overflow
    cut_start: IntArray  # [n + 1]
    cut_of: IntArray  # the subset rows of each atom
    cut_price: IntArray  # [C]
    constant: int  # value of opening less prices
    min_size: int
    max_size: int
    smallest: int  # items of the smallest and of the largest atom
    largest: int
    any_pairs: bool  # whether some pair value is not 0
    bounded: bool  # whether to bound at all; False lists everything


class SearchState(NamedTuple):
    """Where a search stands; M most candidates of a root, D most atoms of a group."""

    counters: IntArray
    roots: IntArray  # the roots to search
    met: IntArray  # [C], atoms of the group so far in each subset row
    local: IntArray  # [M], atom of each local number
    beside: BoolArray  # [M, M], whether two local atoms may be in one group
    half: IntArray  # [M, M], half pair values
    atoms: IntArray  # [D + 1], atom added at each depth
    candidates: IntArray  # [D + 1, M]
    gains: IntArray  # [D + 1, M], own value and pairs with the group so far
    inherited: IntArray  # [D + 1, M], best half pairs from an earlier node
    scores: IntArray  # [D + 1, M]
    num_candidates: IntArray  # [D + 1]
    at: IntArray  # [D + 1], next candidate
    linear: IntArray  # [D + 1], value without curves
    base: IntArray  # [D + 1], linear + curve part of the bound
    items: IntArray  # [D + 1]
    totals: IntArray  # [D + 1, A]
    multipliers: IntArray  # [D + 1, A]
    found_members: IntArray  # atoms of the groups found, one group after the other
    found_start: IntArray  # [F + 1]
    found_value: IntArray  # [F]


@njit(cache=True)
def curve_total(
    totals: IntArray,
    piece_start: IntArray,
    piece_low: IntArray,
    piece_high: IntArray,
    piece_value: IntArray,
    piece_slope: IntArray,
) -> tuple[bool, int]:
    """Whether resource totals are allowed, and the value of their curves."""
    value = 0
    for r in range(totals.shape[0]):
        x = totals[r]
        inside = False
        for p in range(piece_start[r], piece_start[r + 1]):
            if piece_low[p] <= x <= piece_high[p]:
                value += piece_value[p] + piece_slope[p] * (x - piece_low[p])
                inside = True
                break
        if not inside:
            return False, 0
    return True, value


@njit(cache=True)
def curve_at(
    r: int,
    x: int,
    piece_start: IntArray,
    piece_low: IntArray,
    piece_high: IntArray,
    piece_value: IntArray,
    piece_slope: IntArray,
) -> int:
    """The value of one resource's curve at a total; NOTHING where that is not allowed."""
    for p in range(piece_start[r], piece_start[r + 1]):
        if piece_low[p] <= x <= piece_high[p]:
            return int(piece_value[p] + piece_slope[p] * (x - piece_low[p]))
    return NOTHING


@njit(cache=True)
def with_atom(
    atom: int,
    totals: IntArray,
    quantity: IntArray,
    piece_start: IntArray,
    piece_low: IntArray,
    piece_high: IntArray,
    piece_value: IntArray,
    piece_slope: IntArray,
    values: IntArray,
) -> int:
    """The value of the curves with one more atom; NOTHING if a total is not allowed then.

    ``values`` are those without it, each NOTHING where the total alone is not allowed.
    """
    total = 0
    for r in range(totals.shape[0]):
        value = values[r]
        if quantity[atom, r] != 0:
            value = curve_at(
                r,
                totals[r] + quantity[atom, r],
                piece_start,
                piece_low,
                piece_high,
                piece_value,
                piece_slope,
            )
        if value == NOTHING:
            return NOTHING
        total += value
    return total


@njit(cache=True)
def conjugate(
    totals: IntArray,
    reach: IntArray,
    multipliers: IntArray,
    piece_start: IntArray,
    piece_low: IntArray,
    piece_high: IntArray,
    piece_value: IntArray,
    piece_slope: IntArray,
    best_at: IntArray,
) -> tuple[bool, int]:
    """Sum over resources of max phi(x) - lam (x - total), x from the total to total + reach.

    Where each maximum lies goes to ``best_at``. False if no x is allowed.
    """
    value = 0
    for r in range(totals.shape[0]):
        low, high, lam = totals[r], totals[r] + reach[r], multipliers[r]
        best, where = NOTHING, np.int64(-1)
        for p in range(piece_start[r], piece_start[r + 1]):
            left, right = max(low, piece_low[p]), min(high, piece_high[p])
            if left > right:
                continue
            y = piece_value[p] + piece_slope[p] * (left - piece_low[p]) - lam * (left - low)
            if y > best:
                best, where = y, left
            y += (piece_slope[p] - lam) * (right - left)
            if y > best:
                best, where = y, right
        if where < 0:
            return False, 0
        value += best
        best_at[r] = where
    return True, value


@njit(cache=True)
def open_root(data: KindData, state: SearchState, root: int, where: IntArray) -> int:
    """Set up a root's candidates and their pairs; returns the number of steps it took."""
    count = 0
    steps = 1
    size = data.size[root]
    for e in range(data.start[root], data.start[root + 1]):
        j = data.neighbours[e]
        if data.allowed[e] and data.eligible[j] and size + data.size[j] <= data.max_size:
            state.local[count] = j
            state.candidates[1, count] = count
            state.gains[1, count] = data.gain[j] + data.pair_factor * data.half_pairs[e]
            where[j] = count
            count += 1
    for a in range(count):
        state.beside[a, :count] = False
        state.half[a, :count] = 0
    for a in range(count):
        i = state.local[a]
        steps += data.start[i + 1] - data.start[i]
        for e in range(data.start[i], data.start[i + 1]):
            b = where[data.neighbours[e]]
            if b >= 0 and data.allowed[e]:
                state.beside[a, b] = True
                state.beside[b, a] = True
                state.half[a, b] = data.half_pairs[e]
                state.half[b, a] = data.half_pairs[e]
    for a in range(count):
        where[state.local[a]] = -1
    state.atoms[1] = root
    state.num_candidates[1] = count
    state.linear[1] = data.constant + data.gain[root]
    state.items[1] = size
    for r in range(data.quantity.shape[1]):
        state.totals[1, r] = data.quantity[root, r]
    return int(steps + count * (count >> 2))


@njit(cache=True)
def best_pairs(
    candidates: IntArray,
    count: int,
    half: IntArray,
    forced: int,
    most: int,
    best: IntArray,
    out: IntArray,
    inherit: IntArray,
) -> None:
    """Half of the best pairs each candidate can have among the others.

    ``out`` takes at least ``forced`` partners and at most ``most``, for this node; ``inherit``
    counts only pairs of positive value, which stays valid with fewer candidates and partners.
    """
    for a in range(count):
        x = candidates[a]
        kept = 0
        for b in range(count):
            if b == a:
                continue
            y = half[x, candidates[b]]
            if kept < most or y > best[most - 1]:
                at = kept if kept < most else most - 1
                while at > 0 and best[at - 1] < y:
                    best[at] = best[at - 1]
                    at -= 1
                best[at] = y
                if kept < most:
                    kept += 1
        total = 0
        positive = 0
        for at in range(kept):
            if best[at] > 0:
                positive += best[at]
            if at < forced or best[at] > 0:
                total += best[at]
        out[a] = total
        inherit[a] = positive


@njit(cache=True)
def top_scores(scores: IntArray, count: int, forced: int, most: int, top: IntArray) -> int:
    """Positions of the best ``most`` scores, falling; how many count: positive ones or forced."""
    kept = 0
    for a in range(count):
        y = scores[a]
        if kept < most or y > scores[top[most - 1]]:
            at = kept if kept < most else most - 1
            while at > 0 and scores[top[at - 1]] < y:
                top[at] = top[at - 1]
                at -= 1
            top[at] = a
            if kept < most:
                kept += 1
    while kept > forced and scores[top[kept - 1]] <= 0:
        kept -= 1
    return kept


@njit(cache=True)
def enter_cuts(
    atom: int, cut_start: IntArray, cut_of: IntArray, cut_price: IntArray, met: IntArray
) -> int:
    """Count an atom into its subset rows; returns the prices where it makes another two."""
    paid = 0
    for q in range(cut_start[atom], cut_start[atom + 1]):
        c = cut_of[q]
        met[c] += 1
        if met[c] & 1 == 0:
            paid += cut_price[c]
    return paid


@njit(cache=True)
def leave_cuts(atom: int, cut_start: IntArray, cut_of: IntArray, met: IntArray) -> None:
    """Take an atom out of its subset rows."""
    for q in range(cut_start[atom], cut_start[atom + 1]):
        met[cut_of[q]] -= 1


@njit(cache=True, nogil=True)
def search(
    data: KindData,
    state: SearchState,
    threshold: IntArray,
    best: IntArray,
    raise_after: int,
    max_ticks: int,
    max_root_ticks: int,
    shallow_steps: int,
    deep_steps: int,
) -> int:
    """Go on with a search; see the module docstring.

    Parameters
    ----------
    data, state : what to search, and where it stands (changed in place).
    threshold : int64 [n], least reduced value of the groups wanted of each root.
    best : int64 [n], best reduced value met at each root (changed in place).
    raise_after : after so many groups of a root its threshold rises above the best of them. A
        finished root has its best group in ``best``, if that reaches the first threshold.
    max_ticks : work after which to return (a tick is about 1.4 nanoseconds).
    max_root_ticks : work after which a root is left unfinished (``counters[CUT_SHORT]``).
    shallow_steps, deep_steps : subgradient steps at the first two depths, and below.

    Returns
    -------
    DONE, OUT_OF_TICKS or BUFFER_FULL (empty the found groups, then call again).
    """
    counters = state.counters
    num_atoms = data.size.shape[0]
    num_resources = data.quantity.shape[1]
    most_members = state.atoms.shape[0]
    buffer_groups = state.found_value.shape[0]
    where = np.full(num_atoms, -1, np.int64)
    reach = np.zeros(num_resources, np.int64)
    largest_part = np.zeros(num_resources, np.int64)
    best_at = np.zeros(num_resources, np.int64)
    curve_values = np.zeros(num_resources, np.int64)
    slack = np.zeros(num_resources, np.float64)
    kept_multipliers = np.zeros(num_resources, np.int64)
    pair_part = np.zeros(state.local.shape[0] + 1, np.int64)
    top = np.zeros(state.local.shape[0] + 1, np.int64)
    sorting = np.zeros(state.local.shape[0] + 1, np.int64)
    cuts = data.cut_price.shape[0] > 0
    ticks = 0
    d = counters[DEPTH]
    while True:
        if d == 0:
            counters[DEPTH] = 0
            if ticks >= max_ticks:
                counters[TICKS] += ticks
                return OUT_OF_TICKS
            if counters[ROOT_AT] >= state.roots.shape[0]:
                counters[TICKS] += ticks
                return DONE
            root = state.roots[counters[ROOT_AT]]
            counters[ROOT_AT] += 1
            counters[ROOT_TICKS] = 0
            counters[ROOT_FOUND] = 0
            ticks += 20
            if not data.eligible[root] or data.size[root] > data.max_size:
                continue
            ticks += 4 * open_root(data, state, root, where)
            if cuts:
                state.met[:] = 0
                state.linear[1] -= enter_cuts(
                    root, data.cut_start, data.cut_of, data.cut_price, state.met
                )
            for r in range(num_resources):
                state.multipliers[1, r] = state.multipliers[0, r]
            counters[FRESH] = 1
            d = 1

        root = state.atoms[1]
        leave = False
        if counters[FRESH] == 1:
            if ticks >= max_ticks or (
                counters[FOUND] >= buffer_groups
                or counters[MEMBERS] + most_members > state.found_members.shape[0]
            ):
                full = ticks < max_ticks
                counters[DEPTH] = d
                counters[TICKS] += ticks
                return BUFFER_FULL if full else OUT_OF_TICKS
            counters[FRESH] = 0
            before = ticks
            count = state.num_candidates[d]
            ticks += 40 + 6 * num_resources

            # -- the group itself
            if state.items[d] >= data.min_size:
                allowed, value = curve_total(
                    state.totals[d],
                    data.piece_start,
                    data.piece_low,
                    data.piece_high,
                    data.piece_value,
                    data.piece_slope,
                )
                value += state.linear[d]
                if allowed and value >= threshold[root]:
                    at = counters[MEMBERS]
                    for q in range(1, d + 1):
                        state.found_members[at] = state.atoms[q]
                        at += 1
                    counters[MEMBERS] = at
                    state.found_value[counters[FOUND]] = value
                    counters[FOUND] += 1
                    state.found_start[counters[FOUND]] = at
                    best[root] = max(best[root], value)
                    counters[ROOT_FOUND] += 1
                    if counters[ROOT_FOUND] >= raise_after:
                        threshold[root] = max(threshold[root], best[root] + 1)

            # -- candidates that still fit
            room = data.max_size - state.items[d]
            kept = 0
            fitting = 0
            for r in range(num_resources):
                reach[r] = 0
                largest_part[r] = 0
            if room > 0:
                for a in range(count):
                    x = state.candidates[d, a]
                    i = state.local[x]
                    if data.size[i] > room:
                        continue
                    fits = True
                    for r in range(num_resources):
                        last = data.piece_start[r + 1] - 1
                        if (
                            last < data.piece_start[r]
                            or state.totals[d, r] + data.quantity[i, r] > data.piece_high[last]
                        ):
                            fits = False
                            break
                    if not fits:
                        continue
                    state.candidates[d, kept] = x
                    state.gains[d, kept] = state.gains[d, a]
                    state.inherited[d, kept] = state.inherited[d, a]
                    kept += 1
                    fitting += data.size[i]
                    for r in range(num_resources):
                        reach[r] += data.quantity[i, r]
                        largest_part[r] = max(largest_part[r], data.quantity[i, r])
                # No more atoms than the size that is left: a jump further up is out of reach.
                for r in range(num_resources):
                    if largest_part[r] < reach[r] // (room // data.smallest + 1):
                        reach[r] = largest_part[r] * (room // data.smallest)
            ticks += count * (4 + num_resources)
            count = kept
            state.num_candidates[d] = count
            state.at[d] = 0
            alive = count > 0 and state.items[d] + fitting >= data.min_size
            for r in range(num_resources):
                first = data.piece_start[r]
                if (
                    first == data.piece_start[r + 1]
                    or state.totals[d, r] + reach[r] < data.piece_low[first]
                ):
                    alive = False
            if alive and data.bounded and room >= 2 * data.smallest:
                # -- the bound
                most = min(count, room // data.smallest)
                lacking = data.min_size - state.items[d]
                forced = 1
                if lacking > 0:
                    forced = max(1, (lacking + data.largest - 1) // data.largest)
                pairs = data.any_pairs and most > 1
                if pairs:
                    if d <= 2 or count <= 16:
                        best_pairs(
                            state.candidates[d],
                            count,
                            state.half,
                            forced - 1,
                            most - 1,
                            sorting,
                            pair_part,
                            state.inherited[d],
                        )
                        ticks += 2 * count * count
                    else:
                        for a in range(count):
                            pair_part[a] = state.inherited[d, a]
                else:
                    pair_part[:count] = 0
                if cuts:
                    # Where the group holds an odd number, every other one pays: half each.
                    for a in range(count):
                        i = state.local[state.candidates[d, a]]
                        for q in range(data.cut_start[i], data.cut_start[i + 1]):
                            ticks += 1
                            if state.met[data.cut_of[q]] & 1 == 1:
                                pair_part[a] -= data.cut_price[data.cut_of[q]] // 2
                steps = shallow_steps if d <= 2 else deep_steps
                goal = threshold[root]
                lowest = -NOTHING
                step = 0
                final = False
                while True:
                    ticks += count * (3 + num_resources) + 12 * num_resources
                    for a in range(count):
                        i = state.local[state.candidates[d, a]]
                        score = state.gains[d, a] + pair_part[a]
                        for r in range(num_resources):
                            score += state.multipliers[d, r] * data.quantity[i, r]
                        state.scores[d, a] = score
                    possible, curve_part = conjugate(
                        state.totals[d],
                        reach,
                        state.multipliers[d],
                        data.piece_start,
                        data.piece_low,
                        data.piece_high,
                        data.piece_value,
                        data.piece_slope,
                        best_at,
                    )
                    if not possible:
                        alive = False
                        break
                    state.base[d] = state.linear[d] + curve_part
                    chosen = top_scores(state.scores[d], count, forced, most, top)
                    bound = state.base[d]
                    for q in range(chosen):
                        bound += state.scores[d, top[q]]
                    if final:
                        break
                    if bound < goal:
                        alive = False
                        break
                    if bound < lowest:
                        lowest = bound
                        for r in range(num_resources):
                            kept_multipliers[r] = state.multipliers[d, r]
                    if step >= steps:
                        if bound == lowest:
                            break
                        final = True
                        for r in range(num_resources):
                            state.multipliers[d, r] = kept_multipliers[r]
                        continue
                    step += 1
                    length = 0.0
                    for r in range(num_resources):
                        total = state.totals[d, r] - best_at[r]
                        for q in range(chosen):
                            total += data.quantity[state.local[state.candidates[d, top[q]]], r]
                        slack[r] = total
                        length += slack[r] * slack[r] * data.step[r]
                    if length == 0.0:
                        break
                    move = (float(bound - goal) + 1.0) / length
                    for r in range(num_resources):
                        wish = state.multipliers[d, r] - move * slack[r] * data.step[r]
                        cap = data.most[r]
                        state.multipliers[d, r] = np.int64(max(-cap, min(cap, np.rint(wish))))
                if d == 1:
                    for r in range(num_resources):
                        state.multipliers[0, r] = state.multipliers[1, r]
                if alive:
                    # A candidate that takes even the best groups with it below the goal leaves:
                    # it adds to the best choice, or stands in for the least of that.
                    spare = bound - goal
                    least = state.scores[d, top[chosen - 1]]
                    if chosen == most or least < 0:
                        spare -= least
                    kept = 0
                    for a in range(count):
                        if spare + state.scores[d, a] >= 0:
                            state.candidates[d, kept] = state.candidates[d, a]
                            state.gains[d, kept] = state.gains[d, a]
                            state.inherited[d, kept] = state.inherited[d, a]
                            state.scores[d, kept] = state.scores[d, a]
                            kept += 1
                    count = kept
                    state.num_candidates[d] = count
                    # Insertion sort: the lists of parents are nearly in this order.
                    ticks += 8 * count
                    for a in range(1, count):
                        score = state.scores[d, a]
                        x = state.candidates[d, a]
                        gain = state.gains[d, a]
                        half = state.inherited[d, a]
                        at = a
                        while at > 0 and state.scores[d, at - 1] < score:
                            state.scores[d, at] = state.scores[d, at - 1]
                            state.candidates[d, at] = state.candidates[d, at - 1]
                            state.gains[d, at] = state.gains[d, at - 1]
                            state.inherited[d, at] = state.inherited[d, at - 1]
                            at -= 1
                        state.scores[d, at] = score
                        state.candidates[d, at] = x
                        state.gains[d, at] = gain
                        state.inherited[d, at] = half
            counters[ROOT_TICKS] += ticks - before
            if counters[ROOT_TICKS] > max_root_ticks:
                counters[CUT_SHORT] += 1
                d = 0
                continue
            leave = not alive

        # -- the next child, or back
        a = state.at[d]
        count = state.num_candidates[d]
        room = data.max_size - state.items[d]
        if data.bounded and not leave and room < 2 * data.smallest:
            # One more atom at most: the groups themselves tell what a bound would.
            ticks += 4 * num_resources
            for r in range(num_resources):
                curve_values[r] = curve_at(
                    r,
                    state.totals[d, r],
                    data.piece_start,
                    data.piece_low,
                    data.piece_high,
                    data.piece_value,
                    data.piece_slope,
                )
            while a < count:
                i = state.local[state.candidates[d, a]]
                value = with_atom(
                    i,
                    state.totals[d],
                    data.quantity,
                    data.piece_start,
                    data.piece_low,
                    data.piece_high,
                    data.piece_value,
                    data.piece_slope,
                    curve_values,
                )
                ticks += 2 * num_resources
                if value > NOTHING and state.items[d] + data.size[i] >= data.min_size:
                    value += state.linear[d] + state.gains[d, a]
                    if cuts:
                        # An atom that others were joined to may be in a row more than once.
                        value -= enter_cuts(
                            i, data.cut_start, data.cut_of, data.cut_price, state.met
                        )
                        leave_cuts(i, data.cut_start, data.cut_of, state.met)
                    if value >= threshold[root]:
                        break
                a += 1
        if a >= count:
            leave = True
        elif data.bounded and not leave and room >= 2 * data.smallest:
            most = room // data.smallest
            lacking = data.min_size - state.items[d]
            forced = 1
            if lacking > 0:
                forced = max(1, (lacking + data.largest - 1) // data.largest)
            bound = state.base[d]
            for q in range(a, min(count, a + most)):
                score = state.scores[d, q]
                if q - a >= forced and score <= 0:
                    break
                bound += score
            ticks += 5
            if count - a < forced or bound < threshold[root]:
                leave = True
        if leave:
            if cuts:
                leave_cuts(state.atoms[d], data.cut_start, data.cut_of, state.met)
            d -= 1
            continue
        state.at[d] = a + 1
        x = state.candidates[d, a]
        i = state.local[x]
        state.atoms[d + 1] = i
        state.linear[d + 1] = state.linear[d] + state.gains[d, a]
        if cuts:
            state.linear[d + 1] -= enter_cuts(
                i, data.cut_start, data.cut_of, data.cut_price, state.met
            )
        state.items[d + 1] = state.items[d] + data.size[i]
        for r in range(num_resources):
            state.totals[d + 1, r] = state.totals[d, r] + data.quantity[i, r]
            state.multipliers[d + 1, r] = state.multipliers[d, r]
        kept = 0
        for b in range(a + 1, count):
            y = state.candidates[d, b]
            if state.beside[x, y]:
                state.candidates[d + 1, kept] = y
                state.gains[d + 1, kept] = state.gains[d, b] + data.pair_factor * state.half[x, y]
                state.inherited[d + 1, kept] = state.inherited[d, b]
                kept += 1
        ticks += 3 * (count - a)
        state.num_candidates[d + 1] = kept
        counters[FRESH] = 1
        d += 1
