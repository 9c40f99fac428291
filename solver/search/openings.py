"""Openings: a move that grows a whole new group around a seed, at other groups' expense.

Without them groups with a least size or a needed certificate are hardly ever reached, as every
step towards them breaks a rule. Candidates are the seed's strong neighbours and some at random;
they are scored like ``growth.Grower`` scores them (concave hulls of the curves, price of what is
lacking), with Gumbel noise, and the prefix of best value is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solver.search.kernels import (
    amount_off,
    bits,
    close_group,
    compiled,
    curve_at,
    dissolve,
    draw,
    hull_at,
    link,
    open_group,
    pair_of,
    put,
    size_off,
    take,
    worth,
)
from solver.search.moves import decide, gumbel, keep_best
from solver.search.world import (
    ABSENT_BAD,
    AMOUNT,
    CANDIDATE,
    CHOSEN,
    COUNT,
    CURVED,
    END,
    FIT,
    GAIN,
    HELD,
    HOME,
    ITEMS,
    KIND,
    LINEAR,
    LINK,
    LIVE_AT,
    LOSS,
    MARK,
    MAX_CANDIDATES,
    MAX_SIZE,
    MIN_SIZE,
    MOVABLE,
    MUST,
    NUM_LIVE,
    NUM_MOVABLE,
    NUM_RESOURCES,
    NUM_RULED,
    OFF_AMOUNT,
    OFF_MUST,
    OFF_SIZE,
    OPEN,
    OWN,
    PAIR_BAD,
    PAIR_VALUE,
    PRICE,
    ROBBED,
    ROLE,
    RULED,
    SHORT,
    SIZE,
    SIZE_OFF,
    STAMP,
    START,
    STRONG,
    SUMS,
    TEMPERATURE,
    TICKS,
)

if TYPE_CHECKING:
    from solver.search.world import World

#: Of a seed's neighbours the strongest are always candidates; the others are drawn at random.
_STRONGEST = 32
#: Candidates that need not be neighbours, where absent pairs are worth 0.
_STRANGERS = 16
#: An opening grows this far beyond its best prefix.
_PATIENCE = 4
#: How much of the temperature is noise, and of the price of a lack is bonus, in the scores of
#: candidates. With a full bonus whatever is lacking would be filled first, whoever brings it:
#: that cost 5% of the value on cliques with certificates.
_NOISE, _BONUS = 0.5, 0.05


@compiled
def opening(w: World, i: int) -> None:
    """Open a group around a seed; groups robbed below what they need are dissolved."""
    k = draw(w, w.kind.shape[0])
    if not w.atom[i, w.ints[FIT] + k]:
        return
    length = grow(w, i, k, gather(w, i, k, (bits(w) & 3) > 0))
    if length == 1 and w.atom[i, HOME] >= 0 and w.group[w.atom[i, HOME], COUNT] == 1:
        return
    keep_best(w)
    before = worth(w)
    g = open_group(w, k)
    robbed = 0
    for x in range(length):
        j = w.atom[x, CHOSEN]
        h = w.atom[j, HOME]
        if h >= 0:
            take(w, j, link(w, j, h, w.group[h, KIND], j)[0])
            w.group[robbed, ROBBED] = h
            robbed += 1
        put(w, j, g, w.atom[x, LINK])
    for x in range(robbed):
        h = w.group[x, ROBBED]
        if w.group[h, LIVE_AT] >= w.ints[NUM_LIVE]:
            continue  # robbed twice and closed already
        if w.group[h, COUNT] == 0:
            close_group(w, h)
        elif w.group[h, HELD] == 0:
            off = w.group[h, SIZE_OFF]
            for r in range(w.ints[NUM_RESOURCES]):
                off += w.group[h, w.ints[SHORT] + r]
            if off > 0:
                dissolve(w, h)
    decide(w, before)


@compiled
def gather(w: World, i: int, k: int, steal: bool) -> int:
    """Collect candidates for an opening at a seed; returns how many."""
    w.ints[STAMP] += 1
    stamp = w.ints[STAMP]
    w.atom[i, MARK] = stamp
    start = w.atom[i, START]
    degree = w.atom[i, END] - start
    tries, strangers = min(degree, MAX_CANDIDATES), np.int64(0)
    if not w.ints[ABSENT_BAD]:
        tries = min(tries, MAX_CANDIDATES - _STRANGERS)
        strangers = min(w.ints[NUM_MOVABLE], _STRANGERS)
    num = 0
    for c in range(tries + strangers):
        if c >= tries:
            j = w.ints[w.ints[MOVABLE] + draw(w, w.ints[NUM_MOVABLE])]
        elif degree > tries and c >= _STRONGEST:
            j = w.pair[start + _STRONGEST + draw(w, degree - _STRONGEST), STRONG]
        else:
            j = w.pair[start + c, STRONG]
        if w.atom[j, MARK] == stamp or w.atom[j, ROLE] != 0 or not w.atom[j, w.ints[FIT] + k]:
            continue
        w.atom[j, MARK] = stamp
        h = w.atom[j, HOME]
        if h >= 0 and not steal:
            continue
        gain = w.atom[j, w.ints[OWN] + k]
        e = pair_of(w, i, j)
        if e >= 0:
            if w.pair[e, w.kind[k, PAIR_BAD]]:
                continue
            gain += w.pair[e, w.kind[k, PAIR_VALUE]]
        if h >= 0:
            # Roughly: most of the atom's share of its group.
            group = float(w.group[h, LINEAR] + w.group[h, CURVED])
            loss = 0.8 * group * w.atom[j, ITEMS] / w.group[h, SIZE]
        else:
            loss = -w.floats[PRICE + OFF_MUST] * w.atom[j, MUST]
        w.ints[CANDIDATE + num] = j
        w.ints[GAIN + num] = gain
        w.floats[LOSS + num] = loss
        num += 1
    w.ints[TICKS] += tries + strangers
    return num


@compiled
def grow(w: World, i: int, k: int, num: int) -> int:
    """Choose the members of an opening, seed first; returns how many."""
    for r in range(w.ints[NUM_RESOURCES]):
        w.ints[w.ints[SUMS] + r] = w.atom[i, AMOUNT + r]
    size, linear = w.atom[i, ITEMS], w.atom[i, w.ints[OWN] + k]
    w.atom[0, CHOSEN] = i
    w.atom[0, LINK] = 0
    length, best_length, losses = 1, 1, 0.0
    best = prefix_worth(w, k, size, linear)
    while num > 0 and length < best_length + _PATIENCE + w.kind[k, MIN_SIZE]:
        c = best_candidate(w, k, size, num)
        if c < 0:
            break
        j, gain = w.ints[CANDIDATE + c], w.ints[GAIN + c]
        w.atom[length, CHOSEN] = j
        w.atom[length, LINK] = gain - w.atom[j, w.ints[OWN] + k]
        length += 1
        linear += gain
        losses += w.floats[LOSS + c]
        size += w.atom[j, ITEMS]
        for r in range(w.ints[NUM_RESOURCES]):
            w.ints[w.ints[SUMS] + r] += w.atom[j, AMOUNT + r]
        price = prefix_worth(w, k, size, linear) - losses
        if price > best:
            best, best_length = price, length
        w.ints[CANDIDATE + c] = -1
        num = remaining(w, j, k, num)
    return best_length


@compiled
def prefix_worth(w: World, k: int, size: int, linear: int) -> float:
    """Worth of a new group alone, of some size and linear value, and amounts as in SUMS."""
    value = float(w.kind[k, OPEN] + linear) - w.floats[PRICE + OFF_SIZE] * size_off(w, k, size)
    for x in range(w.kind[k, NUM_RULED]):
        r = w.kind[k, w.ints[RULED] + x]
        amount = w.ints[w.ints[SUMS] + r]
        value += float(curve_at(w, k, r, amount))
        value -= w.floats[PRICE + OFF_AMOUNT + r] * amount_off(w, k, r, amount)
    return value


@compiled
def best_candidate(w: World, k: int, size: int, num: int) -> int:
    """The candidate of best score, noise included, or -1 if none has room."""
    pick, most = np.int64(-1), 0.0
    for c in range(num):
        j = w.ints[CANDIDATE + c]
        if size + w.atom[j, ITEMS] > w.kind[k, MAX_SIZE]:
            continue
        score = float(w.ints[GAIN + c]) - w.floats[LOSS + c]
        for x in range(w.kind[k, NUM_RULED]):
            r = w.kind[k, w.ints[RULED] + x]
            amount = w.ints[w.ints[SUMS] + r]
            after = amount + w.atom[j, AMOUNT + r]
            score += hull_at(w, k, r, after) - hull_at(w, k, r, amount)
            off = amount_off(w, k, r, after) - amount_off(w, k, r, amount)
            score -= _BONUS * w.floats[PRICE + OFF_AMOUNT + r] * off
        score += _NOISE * w.floats[TEMPERATURE] * gumbel(w)
        if pick < 0 or score > most:
            pick, most = np.int64(c), score
    w.ints[TICKS] += num
    return pick


@compiled
def remaining(w: World, j: int, k: int, num: int) -> int:
    """Keep the candidates that may be with a new member, with what it adds to them."""
    kept = 0
    for c in range(num):
        x = w.ints[CANDIDATE + c]
        if x < 0:
            continue
        gain = np.int64(0)
        e = pair_of(w, j, x)
        if e >= 0:
            if w.pair[e, w.kind[k, PAIR_BAD]]:
                continue
            gain = w.pair[e, w.kind[k, PAIR_VALUE]]
        elif w.ints[ABSENT_BAD]:
            continue
        w.ints[CANDIDATE + kept] = x
        w.ints[GAIN + kept] = w.ints[GAIN + c] + gain
        w.floats[LOSS + kept] = w.floats[LOSS + c]
        kept += 1
    w.ints[TICKS] += num
    return kept
