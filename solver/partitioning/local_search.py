"""Partitions of good value: annealing of single moves, then merges and moves to a local optimum.

The value of every atom's ties to every class is kept up to date, so a proposed move is one
subtraction and only an accepted one costs O(m). Pairs that are apart are given a value so low that
no allowed partition is worse than one that breaks the rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

from solver.partitioning.model import FreeGrouping
from solver.problem import IntArray

#: uint64 [1], a random generator.
State = npt.NDArray[np.uint64]

#: Moves proposed in one kernel call at most, about 50 milliseconds.
CHUNK = 400_000
#: Looks at an atom's tie to a class in one call of a descent, of the same length.
DESCENT_LOOKS = 40_000_000
#: Temperatures at both ends, in units of the mean size of the values that are not 0.
HOT, COLD = 1.0, 0.05
#: Total that no partition's value may reach with the values of pairs apart.
_MOST = 2**61


class LocalSearch:
    """Searches partitions of one free grouping.

    Attributes
    ----------
    moves : proposed since they were last charged (a look at every class counts as several).
    """

    def __init__(self, free: FreeGrouping, seed: int) -> None:
        self._free = free
        most = int(np.maximum(free.value, 0).sum()) // 2 + 1
        fits = most * free.num_atoms**2 < _MOST
        self._value = np.where(free.apart, -most if fits else 0, free.value)
        sizes = np.abs(free.value[free.value != 0])
        self._unit = float(sizes.mean()) if sizes.size else 1.0
        self._state = np.array([seed + 88172645463325252], np.uint64)
        self.moves = 0

    def settle(self, labels: IntArray, stopping: Callable[[], bool]) -> IntArray:
        """The local optimum of moves and merges from a partition, or what is on the way to it."""
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        while True:
            looks = descend(self._value, labels, DESCENT_LOOKS)
            self.moves += looks // 10
            if looks < DESCENT_LOOKS or stopping():
                return labels
            labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)

    def anneal(self, labels: IntArray, moves: int, part: float, parts: float) -> IntArray:
        """One stretch of an annealing: from temperature step ``part`` to the next of ``parts``."""
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        hot = HOT * (COLD / HOT) ** (part / parts)
        cold = HOT * (COLD / HOT) ** ((part + 1) / parts)
        anneal(self._value, labels, moves, hot * self._unit, cold * self._unit, self._state)
        self.moves += moves
        return labels

    def singletons(self) -> IntArray:
        """Every atom alone."""
        return np.arange(self._free.num_atoms, dtype=np.int64)


@njit(cache=True)
def _ties(value: IntArray, labels: IntArray) -> tuple[IntArray, IntArray]:
    """Value of every atom's ties to every class, int64 [m, m + 1], and the sizes of classes."""
    m = len(labels)
    ties = np.zeros((m, m + 1), np.int64)
    size = np.zeros(m + 1, np.int64)
    for i in range(m):
        size[labels[i]] += 1
        for j in range(m):
            if j != i:
                ties[i, labels[j]] += value[i, j]
    return ties, size


@njit(cache=True)
def _move(
    value: IntArray, labels: IntArray, ties: IntArray, size: IntArray, i: int, to: int
) -> None:
    home = labels[i]
    for k in range(len(labels)):
        if k != i:
            ties[k, home] -= value[i, k]
            ties[k, to] += value[i, k]
    size[home] -= 1
    size[to] += 1
    labels[i] = to


@njit(cache=True)
def anneal(
    value: IntArray,
    labels: IntArray,
    moves: int,
    hot: float,
    cold: float,
    state: npt.NDArray[np.uint64],
) -> None:
    """Anneal ``labels`` in place over so many proposals; ends at the best partition seen.

    Parameters
    ----------
    value : int64 [m, m]. labels : int64 [m], below m. hot, cold : temperatures.
    state : uint64 [1], the generator (xorshift64*, Marsaglia, 2003; Vigna, 2016).
    """
    m = len(labels)
    ties, size = _ties(value, labels)
    empty = m
    best = labels.copy()
    gained = best_gained = np.int64(0)
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    temperature = hot
    for _ in range(moves):
        temperature *= cooling
        word = state[0]
        word ^= word >> np.uint64(12)
        word ^= word << np.uint64(25)
        word ^= word >> np.uint64(27)
        state[0] = word
        word *= np.uint64(2685821657736338717)
        i = int((word >> np.uint64(48)) % np.uint64(m))
        pick = int(((word >> np.uint64(32)) & np.uint64(0xFFFF)) % np.uint64(m + 1))
        chance = np.float64(np.int64(word & np.uint64(0xFFFFFFFF))) / 4294967296.0
        home = labels[i]
        to = int(labels[pick]) if pick < m and pick != i else empty
        if to == home or (to == empty and size[home] == 1):
            continue
        change = ties[i, to] - ties[i, home]
        if change < 0 and chance >= np.exp(change / temperature):
            continue
        _move(value, labels, ties, size, i, to)
        gained += change
        if to == empty:
            for g in range(m + 1):
                if size[g] == 0:
                    empty = g
                    break
        if gained > best_gained:
            best_gained = gained
            best[:] = labels
    labels[:] = best


@njit(cache=True)
def descend(value: IntArray, labels: IntArray, most: int) -> int:
    """Move atoms, then merge classes, while either gains; in place.

    Returns
    -------
    Looks at a tie taken; ``most`` or more if it was stopped by them.
    """
    m = len(labels)
    ties, size = _ties(value, labels)
    looks = m * m
    while looks < most:
        looks += m * m
        changed = False
        for i in range(m):
            home, best, to = labels[i], np.int64(0), -1
            for g in range(m + 1):
                if g != home and (size[g] > 0 or size[home] > 1):
                    change = ties[i, g] - ties[i, home]
                    if change > best:
                        best, to = change, g
            if to >= 0:
                _move(value, labels, ties, size, i, to)
                changed = True
        if changed:
            continue
        between = np.zeros((m + 1, m + 1), np.int64)
        for i in range(m):
            for g in range(m + 1):
                between[labels[i], g] += ties[i, g]
        looks += 2 * m * m
        highest, first, second = np.int64(0), -1, -1
        for g in range(m + 1):
            for h in range(g + 1, m + 1):
                if size[g] > 0 and size[h] > 0 and between[g, h] > highest:
                    highest, first, second = between[g, h], g, h
        if first < 0:
            return min(looks, most - 1)
        for i in range(m):
            if labels[i] == second:
                _move(value, labels, ties, size, i, first)
    return looks
