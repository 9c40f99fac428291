"""What can be decided before any relaxation: components and pairs that are together.

*Components.* Of an optimal partition, a class that spans two components of the graph of pairs with
positive value that may group can be split along them: only pairs worth 0 or less are lost. So each
component is solved alone.

*Joining.* A pair ij is in one class of some optimal partition if every partition that parts them
can be changed, at no loss, into one that does not (persistency: Lange, Karrenbauer & Andres, 2018;
for cluster editing: Boecker, Briesemeister & Klau, 2011). Let A and B be what i and j share their
classes with. Three changes join them,

    move i to j's class         gains  w_ij + w(i, B) - w(i, A)
    move j to i's class         gains  w_ij + w(j, A) - w(j, B)
    make {i, j} a class alone   gains  w_ij - w(i, A) - w(j, B)

and if an average of the gains cannot be negative, one of them is not. Every k other than i and j is
in A, in B or in neither, so the worst case is a sum over k, for each average taken here:

    the first (or second) alone   w_ij >= sum_k |w_ik|
    the third alone               w_ij >= sum_k max(0, w_ik, w_jk)
    the first two               2 w_ij >= sum_k |w_ik - w_jk|          (near twins)
    all three                   3 w_ij >= sum_k max(0, 2 w_ik - w_jk, 2 w_jk - w_ik)

A k that is apart from i cannot be in A, and one apart from j not in B; and i cannot move to a class
with such a k, nor j. All in integers, one pair at a time: a join changes the values that the
next one looks at. Twins worth 0 together are joined only if they have a friend in common: joining
strangers would be no loss, and no sense.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from solver.partitioning.model import FreeGrouping
from solver.problem import BoolArray, IntArray

#: Most passes over all pairs.
MAX_PASSES = 20
#: Pairs worth 0 are looked at up to so many atoms: in a large sparse matrix they are nearly all.
MAX_ATOMS_FOR_TWINS = 400


def reduce(
    free: FreeGrouping, stopping: Callable[[], bool], charge: Callable[[int], None]
) -> list[FreeGrouping]:
    """Components after joining, each with atoms of ``free`` as members; constants add up.

    Parameters
    ----------
    stopping, charge : asked and told between rows of the matrix; stopping early is sound.
    """
    joined = _join(free, stopping, charge)
    parts = []
    for atoms in components(joined.value, joined.apart):
        at = np.ix_(atoms, atoms)
        members = tuple(joined.members[a] for a in atoms)
        parts.append(FreeGrouping(joined.value[at], joined.apart[at], members, 0))
    return parts


def joined_value(free: FreeGrouping, parts: list[FreeGrouping]) -> int:
    """Value of the joins: what a partition of ``free`` into the parts' atoms is worth."""
    labels = np.zeros(free.num_atoms, np.int64)
    number = 0
    for part in parts:
        for members in part.members:
            labels[list(members)] = number
            number += 1
    worth = free.worth(labels)
    assert worth is not None
    return worth


def components(value: IntArray, apart: BoolArray) -> list[list[int]]:
    """Components of the graph of pairs with positive value, atoms ascending."""
    linked = (value > 0) & ~apart
    seen = np.zeros(len(value), np.bool_)
    found = []
    for start in range(len(value)):
        if seen[start]:
            continue
        seen[start] = True
        stack, atoms = [start], []
        while stack:
            atom = stack.pop()
            atoms.append(atom)
            fresh = np.flatnonzero(linked[atom] & ~seen)
            seen[fresh] = True
            stack.extend(fresh.tolist())
        found.append(sorted(atoms))
    return found


def _join(
    free: FreeGrouping, stopping: Callable[[], bool], charge: Callable[[int], None]
) -> FreeGrouping:
    m = free.num_atoms
    value, apart = free.value.copy(), free.apart.copy()
    alive = np.ones(m, np.bool_)
    members = [[a] for a in range(m)]
    for _ in range(MAX_PASSES):
        changed = False
        for i in range(m):
            while alive[i]:
                j = partner(value, apart, alive, i)
                charge(1 + m * m // 1000)
                if j < 0 or stopping():
                    break
                contract(value, apart, i, j)
                alive[j] = False
                members[i] += members[j]
                changed = True
            if stopping():
                break
        if not changed or stopping():
            break
    kept = np.flatnonzero(alive)
    at = np.ix_(kept, kept)
    return FreeGrouping(
        np.where(apart[at], 0, value[at]),
        apart[at],
        tuple(tuple(sorted(members[a])) for a in kept),
        0,
    )


@njit(cache=True)
def contract(value: IntArray, apart: BoolArray, i: int, j: int) -> None:
    """Make j part of i, in place; j's own row and column are left as they are."""
    for k in range(len(value)):
        if k not in (i, j):
            value[i, k] += value[j, k]
            value[k, i] = value[i, k]
            apart[i, k] |= apart[j, k]
            apart[k, i] = apart[i, k]


@njit(cache=True)
def partner(value: IntArray, apart: BoolArray, alive: BoolArray, i: int) -> int:
    """An atom that is with i in some optimal partition by the criteria above; -1 if none shows."""
    n = len(value)
    least = 0 if n <= MAX_ATOMS_FOR_TWINS else 1
    for j in range(n):
        if j == i or not alive[j] or apart[i, j] or value[i, j] < least:
            continue
        w = value[i, j]
        liked = w > 0
        move_i = move_j = True
        cost_i = cost_j = cost_alone = cost_both = cost_all = 0
        for k in range(n):
            if k in (i, j) or not alive[k]:
                continue
            a, b = value[i, k], value[j, k]
            if apart[i, k] and apart[j, k]:
                continue
            if apart[i, k]:  # k may be in B only, and then i cannot move
                move_i = False
                cost_j += max(0, b)
                cost_alone += max(0, b)
            elif apart[j, k]:
                move_j = False
                cost_i += max(0, a)
                cost_alone += max(0, a)
            else:
                cost_i += abs(a)
                cost_j += abs(b)
                cost_alone += max(0, a, b)
                cost_both += abs(a - b)
                cost_all += max(0, 2 * a - b, 2 * b - a)
            liked |= a > 0
            one = cost_alone <= w or (move_i and cost_i <= w) or (move_j and cost_j <= w)
            several = move_i and move_j and (cost_both <= 2 * w or cost_all <= 3 * w)
            if not (one or several):
                break
        else:
            if liked:
                return j
    return -1
