"""Finding violated inequalities of the partition polytope at a point of the relaxation.

With x_ij = 1 if i and j are in one class, partitions are the 0-1 points that meet the *triangle*
inequalities ``x_ij + x_ik - x_jk <= 1``. The *2-partition* inequalities with one atom on one side
(Groetschel & Wakabayashi, 1990),

    sum_{t in T} x_it - sum_{t < u in T} x_tu <= 1,

hold because a class that has i and s of T counts s - s (s - 1) / 2 <= 1; triangles are those with
two in T. Both are inequalities of a *star*: a centre and its leaves. Triangles are found by looking
at all of them, stars by greedy and exchange from every pair (centre, first leaf).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.problem import FloatArray, IntArray

#: Centre and leaves, leaves ascending.
Star = tuple[int, ...]

#: A row is worth adding if it is violated by this.
MIN_VIOLATION = 1e-3
#: Triangles found at once at most.
_ROOM = 200_000


def violated_triangles(x: FloatArray, at_most: int, on_a_pair: int) -> list[Star]:
    """Violated triangles, the most violated first, few of them on any one pair.

    Parameters
    ----------
    x : float [m, m], symmetric.
    at_most : number of triangles.
    on_a_pair : number of triangles on a pair.
    """
    stars, violation = all_violated_triangles(x, MIN_VIOLATION, _ROOM)
    order = np.argsort(-violation, kind="stable")
    chosen = spread(stars[order], len(x), at_most, on_a_pair)
    return [(i, j, k) for i, j, k in stars[order[chosen]].tolist()]


def violated_stars(x: FloatArray, at_most: int, on_a_pair: int) -> list[Star]:
    """Violated stars of three or more leaves, found heuristically; order as for triangles."""
    found: dict[Star, float] = {}
    leaves, sizes, centres, violation = grown_stars(x, MIN_VIOLATION * 10)
    for at, (centre, size) in enumerate(zip(centres.tolist(), sizes.tolist(), strict=True)):
        found[(centre, *sorted(leaves[at, :size].tolist()))] = float(violation[at])
    times: dict[tuple[int, int], int] = {}
    chosen = []
    for star in sorted(found, key=lambda star: (-found[star] / len(star) ** 0.5, star)):
        pairs = [(min(star[0], t), max(star[0], t)) for t in star[1:]]
        if max(times.get(pair, 0) for pair in pairs) >= on_a_pair:
            continue
        for pair in pairs:
            times[pair] = times.get(pair, 0) + 1
        chosen.append(star)
        if len(chosen) == at_most:
            break
    return chosen


@njit(cache=True)
def all_violated_triangles(x: FloatArray, least: float, room: int) -> tuple[IntArray, FloatArray]:
    """Triangles violated by more than ``least`` as (centre, leaf, leaf), and by how much."""
    n = len(x)
    stars = np.zeros((room, 3), np.int64)
    violation = np.zeros(room, np.float64)
    found = 0
    for i in range(n):
        for j in range(n):
            if j == i or x[i, j] <= least:
                continue
            for k in range(j + 1, n):
                if k == i:
                    continue
                over = x[i, j] + x[i, k] - x[j, k] - 1.0
                if over > least and found < room:
                    stars[found, 0], stars[found, 1], stars[found, 2] = i, j, k
                    violation[found] = over
                    found += 1
    return stars[:found], violation[:found]


@njit(cache=True)
def spread(stars: IntArray, n: int, at_most: int, on_a_pair: int) -> IntArray:
    """Positions of the first triangles such that no pair is in more than ``on_a_pair``."""
    times = np.zeros((n, n), np.int64)
    chosen = np.zeros(min(at_most, len(stars)), np.int64)
    number = 0
    for at in range(len(stars)):
        i, j, k = stars[at]
        most = max(times[i, j], times[i, k], times[j, k])
        if most >= on_a_pair or number == len(chosen):
            continue
        for a, b in ((i, j), (i, k), (j, k)):
            times[a, b] += 1
            times[b, a] += 1
        chosen[number] = at
        number += 1
    return chosen[:number]


@njit(cache=True)
def grown_stars(x: FloatArray, least: float) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """A star for every fractional pair (centre, first leaf), if it is violated.

    Leaves are added, and exchanged for others, while that raises the left side.

    Returns
    -------
    leaves : int64 [S, n]; sizes : int64 [S]; centres : int64 [S]; violation : float [S].
    """
    n = len(x)
    room = min(n * (n - 1), 4000)
    leaves = np.zeros((room, n), np.int64)
    sizes = np.zeros(room, np.int64)
    centres = np.zeros(room, np.int64)
    violation = np.zeros(room, np.float64)
    found = 0
    gain = np.zeros(n, np.float64)
    inside = np.zeros(n, np.bool_)
    for i in range(n):
        for first in range(n):
            if first == i or x[i, first] < 0.02 or x[i, first] > 0.98:
                continue
            inside[:] = False
            inside[first] = True
            size, left = 1, x[i, first]
            for t in range(n):
                gain[t] = x[i, t] - x[first, t] if t not in (i, first) else -1.0
            while True:
                best, best_gain = -1, 1e-6
                for t in range(n):
                    if not inside[t] and t != i and gain[t] > best_gain:
                        best, best_gain = t, gain[t]
                gone = -1
                if best < 0:
                    # Exchange: put in t, take out the one leaf it is closest to.
                    best_gain = 1e-6
                    for t in range(n):
                        if inside[t] or t == i or x[i, t] < 0.02:
                            continue
                        for u in range(n):
                            if inside[u] and u != first:
                                change = gain[t] + x[t, u] - gain[u]
                                if change > best_gain:
                                    best, gone, best_gain = t, u, change
                if best < 0:
                    break
                left += best_gain
                inside[best] = True
                size += 1
                if gone >= 0:
                    inside[gone] = False
                    size -= 1
                for t in range(n):
                    if t not in (i, best):
                        gain[t] -= x[best, t]
                    if gone >= 0 and t not in (i, gone):
                        gain[t] += x[gone, t]
            if size > 2 and left > 1.0 + least and found < room:
                at = 0
                for t in range(n):
                    if inside[t]:
                        leaves[found, at] = t
                        at += 1
                sizes[found], centres[found], violation[found] = size, i, left - 1.0
                found += 1
    return leaves[:found], sizes[:found], centres[:found], violation[:found]
