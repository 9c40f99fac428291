"""Good dual prices of large relaxations without an LP solver: a subgradient method.

At prices y >= 0 of the rows of the packing, every grouping is worth at most ::

    L(y) = cost(y) + sum over roots of max(0, best reduced value of the root's groups at y),

the Lagrangian bound of ``columns.proved_bound``; its least value is that of the linear relaxation
(Geoffrion, 1974). Over a set of known groups one evaluation of L is one pass over flat arrays, so
thousands of steps take less than one simplex solution of a master with ten thousand rows. The
steps are Polyak's (1969) towards a target below the best value met, each row in its own unit of
length; without progress the target comes nearer. (Averaged subgradients ended far from the optimum
on sparse registers of 3,000 items, plain ones within 0.03%.)

Floats throughout: what comes out are suggestions, to be rounded and priced exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, Prices
from solver.context import SolveContext
from solver.problem import BoolArray, FloatArray, IntArray

#: Steps without a better value after which the target comes nearer, and by which factor.
PATIENCE, NEARER = 30, 0.66
#: Entries of the columns that one work unit passes (two nanoseconds each).
ENTRIES_PER_UNIT = 500
#: Work units between two questions whether to stop.
CHUNK_UNITS = 50_000


@dataclass(frozen=True, slots=True)
class Duals:
    """Prices of the rows in the problem's units.

    Attributes
    ----------
    atoms, kinds, shared : float [n], [K], [L].
    value : L over the columns they were found for.
    """

    atoms: FloatArray
    kinds: FloatArray
    shared: FloatArray
    value: float


def no_duals(atoms: Atoms) -> Duals:
    """All prices 0."""
    problem = atoms.problem
    shared = np.zeros(problem.num_shared_limits)
    return Duals(np.zeros(atoms.num_atoms), np.zeros(problem.num_kinds), shared, np.inf)


def rounded(atoms: Atoms, duals: Duals, scale: int) -> Prices:
    """Integer prices of the right signs."""

    def whole(values: FloatArray) -> IntArray:
        return np.ceil(np.clip(scale * values, -(2.0**61), 2.0**61)).astype(np.int64)

    own = whole(duals.atoms)
    return Prices(
        scale,
        np.where(atoms.must, own, np.maximum(own, 0)),
        whole(duals.kinds),
        np.maximum(whole(duals.shared), 0),
        np.zeros(0, np.int64),
        (),
    )


def ascend(
    atoms: Atoms, columns: Columns, begin: Duals, steps: int, reach: float, context: SolveContext
) -> Duals:
    """Better prices for some columns; the context's limits may end it early.

    Parameters
    ----------
    columns : sorted by root (``by_root``).
    reach : how far below the best value the first target lies, as a share of it.
    """
    problem = atoms.problem
    uses = np.ascontiguousarray(columns.uses(atoms).T.astype(np.float64))
    typical = (uses**2).mean(axis=0) if len(columns) else np.ones(uses.shape[1])
    best = begin.atoms.copy(), begin.kinds.copy(), begin.shared.copy()
    now = begin.atoms.copy(), begin.kinds.copy(), begin.shared.copy()
    course = np.array([np.inf, 0.0, reach])
    at_once = max(1, CHUNK_UNITS * ENTRIES_PER_UNIT // (len(columns.members) + atoms.num_atoms))
    while steps > 0 and not context.stopping():
        number = min(steps, at_once)
        _ascend(
            columns.start,
            columns.members,
            columns.kinds,
            columns.values.astype(np.float64),
            uses,
            atoms.must,
            problem.min_groups.astype(np.float64),
            atoms.max_groups.astype(np.float64),
            problem.shared_limit.astype(np.float64),
            1.0 / np.maximum(1.0, max(1, atoms.max_total_groups) * typical),
            best,
            now,
            course,
            number,
        )
        steps -= number
        entries = number * (len(columns.members) + atoms.num_atoms)
        context.charge(1 + entries // ENTRIES_PER_UNIT)
    return Duals(*best, float(course[0]))


def by_root(columns: Columns) -> Columns:
    """The same columns sorted by root."""
    return columns.take(np.argsort(columns.roots, kind="stable"))


@njit(cache=True, nogil=True)
def _ascend(
    start: IntArray,
    members: IntArray,
    kinds: IntArray,
    values: FloatArray,
    uses: FloatArray,
    must: BoolArray,
    least: FloatArray,
    most: FloatArray,
    limits: FloatArray,
    shared_unit: FloatArray,
    best: tuple[FloatArray, FloatArray, FloatArray],
    now: tuple[FloatArray, FloatArray, FloatArray],
    course: FloatArray,
    steps: int,
) -> None:
    """Go some steps on; everything is changed in place.

    Parameters
    ----------
    best, now : the best prices met and the present ones, of atoms, kinds and shared limits.
    course : L at the best prices, steps since they were met, and the target's distance.
    """
    best_own, best_kind, best_shared = best
    own, kind, shared = now
    n, num_kinds, num_shared = own.shape[0], kind.shape[0], shared.shape[0]
    slope_own, slope_kind = np.empty(n), np.empty(num_kinds)
    slope_shared = np.empty(num_shared)
    for _ in range(steps):
        # -- L and a subgradient
        value = 0.0
        slope_own[:] = 1.0
        for i in range(n):
            value += own[i]
        for k in range(num_kinds):
            slope_kind[k] = 0.0
            value += kind[k] * (most[k] if kind[k] > 0.0 else least[k])
        for s in range(num_shared):
            slope_shared[s] = limits[s]
            value += shared[s] * limits[s]
        c = 0
        number = start.shape[0] - 1
        while c < number:
            root = members[start[c]]
            top, chosen = 0.0, -1
            while c < number and members[start[c]] == root:
                worth = values[c] - kind[kinds[c]]
                for s in range(num_shared):
                    worth -= shared[s] * uses[c, s]
                for at in range(start[c], start[c + 1]):
                    worth -= own[members[at]]
                if worth > top:
                    top, chosen = worth, c
                c += 1
            if chosen >= 0:
                value += top
                slope_kind[kinds[chosen]] -= 1.0
                for s in range(num_shared):
                    slope_shared[s] -= uses[chosen, s]
                for at in range(start[chosen], start[chosen + 1]):
                    slope_own[members[at]] -= 1.0
        for k in range(num_kinds):
            over = most[k] + slope_kind[k]
            under = least[k] + slope_kind[k]
            if kind[k] > 0.0 or over < 0.0:
                slope_kind[k] = over
            elif kind[k] < 0.0 or under > 0.0:
                slope_kind[k] = under
            else:
                slope_kind[k] = 0.0

        # -- the target
        if not value >= course[0] - 1e-9 * abs(course[0]):
            course[0], course[1] = value, 0.0
            best_own[:], best_kind[:], best_shared[:] = own, kind, shared
        else:
            course[1] += 1.0
            if course[1] >= PATIENCE:
                course[1] = 0.0
                course[2] *= NEARER
                own[:], kind[:], shared[:] = best_own, best_kind, best_shared
                continue
        target = course[0] - course[2] * max(1.0, abs(course[0]))

        # -- the step; prices at 0 that would fall below it do not count
        length = 0.0
        for i in range(n):
            if own[i] <= 0.0 and slope_own[i] > 0.0 and not must[i]:
                slope_own[i] = 0.0
            length += slope_own[i] * slope_own[i]
        for k in range(num_kinds):
            length += slope_kind[k] * slope_kind[k] / max(1.0, most[k])
        for s in range(num_shared):
            if shared[s] <= 0.0 and slope_shared[s] > 0.0:
                slope_shared[s] = 0.0
            length += slope_shared[s] * slope_shared[s] * shared_unit[s]
        if length <= 1e-12:
            return
        t = (value - target) / length
        for i in range(n):
            own[i] -= t * slope_own[i]
            if own[i] < 0.0 and not must[i]:
                own[i] = 0.0
        for k in range(num_kinds):
            before = kind[k]
            kind[k] -= t * slope_kind[k] / max(1.0, most[k])
            if before * kind[k] < 0.0:
                kind[k] = 0.0
        for s in range(num_shared):
            shared[s] = max(0.0, shared[s] - t * slope_shared[s] * shared_unit[s])
