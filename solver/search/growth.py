"""Growing one group from a seed by best marginal value, for the light strategies and ``repair``.

Single additions look bad where a curve pays only from a minimum order on, or where a group lacks a
needed certificate. So candidates are scored with the upper concave hull of each curve (which is
what a total may still become worth) and with a bonus for what the group lacks; the group grows
on, and the best *feasible prefix* by true value is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from solver.problem import Curve
from solver.search.atoms import FREE, Atoms

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

#: Growth goes on this many atoms beyond the best feasible prefix.
_PATIENCE = 12


@dataclass(frozen=True, slots=True)
class Growth:
    """A feasible group: its value, kind, atoms, and the steps it took to find."""

    value: int
    kind: int
    atoms: tuple[int, ...]
    steps: int


def concave_hull(curve: Curve, most: int) -> list[tuple[int, int]]:
    """Corners of the least concave function above a curve on 0..most, by falling slopes.

    Upper hull of the curve's corners on the whole numbers of the range, each jump also with the
    last value before it (Andrew's monotone chain).
    """
    xs = {0, most}
    for at, (x, _) in enumerate(curve.points):
        xs.add(x)
        if at and curve.points[at - 1][0] == x and x > 0:
            xs.add(x - 1)
    hull: list[tuple[int, int]] = []
    for x in sorted(x for x in xs if x <= most):
        point = (x, curve.value(x))
        while len(hull) > 1 and _right_turn_missing(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _right_turn_missing(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) <= (c[1] - b[1]) * (b[0] - a[0])


class Grower:
    """Grows groups of one contracted problem; see the module docstring."""

    def __init__(self, atoms: Atoms) -> None:
        problem = atoms.problem
        self.atoms = atoms
        self._mark = np.full(atoms.num_atoms, -1, dtype=np.int64)
        self._everyone = np.flatnonzero(atoms.role == FREE)
        self._curves: list[list[tuple[int, Curve, FloatArray, FloatArray]]] = [
            [] for _ in problem.kinds
        ]
        for k, r, curve in problem.curve_items():
            most = sum(problem.resources[r].tolist())
            corners = np.array(concave_hull(curve, most), dtype=np.float64)
            self._curves[k].append((r, curve, corners[:, 0].copy(), corners[:, 1].copy()))
        # A lacking resource outweighs the values of a whole group of usual size.
        worth = np.abs(atoms.pair_value).max(initial=0) + np.abs(atoms.own).max(initial=0)
        self._bonus = 10.0 * float(worth) + 1.0

    def grow(
        self,
        seeds: tuple[int, ...],
        kind: int,
        free: BoolArray,
        noise: FloatArray | None = None,
    ) -> Growth | None:
        """The best feasible group found around some seeds, or ``None``.

        Parameters
        ----------
        seeds : atoms the group begins with, which may group.
        free : bool [m], atoms that may be added.
        noise : float [m], added to the candidates' scores in units of a typical value.
        """
        atoms, problem = self.atoms, self.atoms.problem
        if not atoms.fit[kind, list(seeds)].all():
            return None
        values = atoms.pair_value[kind if len(atoms.pair_value) > 1 else 0]
        bad = atoms.pair_bad[kind if len(atoms.pair_bad) > 1 else 0]
        if atoms.absent_bad:
            pool = atoms.adj[atoms.ptr[seeds[0]] : atoms.ptr[seeds[0] + 1]]
        else:
            pool = self._everyone
        pool = pool[free[pool] & atoms.fit[kind, pool]]
        open_pool = ~np.isin(pool, seeds)
        gain = atoms.own[kind, pool].copy()

        members: list[int] = []
        linear = int(problem.open_values[kind])
        size, amounts = 0, np.zeros(problem.num_resources, dtype=np.int64)
        low, high = int(problem.min_size[kind]), int(problem.max_size[kind])
        least, most = problem.resource_min[kind], problem.resource_max[kind]
        best: tuple[int, int] | None = None
        link_of_seed = 0
        while True:
            if len(members) < len(seeds):
                a = seeds[len(members)]
                link_of_seed = int(atoms.own[kind, a]) + self._link(a, members, values)
                linear += link_of_seed
            else:
                a, at = self._pick(kind, pool, open_pool, gain, size, amounts, noise)
                if at < 0:
                    break
                open_pool[at] = False
                linear += int(gain[at])
            members.append(a)
            size += int(atoms.size[a])
            amounts = amounts + atoms.amount[a]
            self._spread(a, pool, open_pool, gain, values, bad)
            if len(members) < len(seeds):
                continue
            if low <= size <= high and (amounts >= least).all() and (amounts <= most).all():
                value = linear + sum(c.value(int(amounts[r])) for r, c, _, _ in self._curves[kind])
                if best is None or value > best[0]:
                    best = (value, len(members))
            if best is not None and len(members) >= best[1] + _PATIENCE:
                break
        if best is None:
            return None
        return Growth(best[0], kind, tuple(members[: best[1]]), len(members))

    def _link(self, a: int, members: list[int], values: IntArray) -> int:
        start, end = int(self.atoms.ptr[a]), int(self.atoms.ptr[a + 1])
        inside = np.isin(self.atoms.adj[start:end], members)
        return int(values[start:end][inside].sum())

    def _spread(
        self,
        a: int,
        pool: IntArray,
        open_pool: BoolArray,
        gain: IntArray,
        values: IntArray,
        bad: BoolArray,
    ) -> None:
        """Tell the candidates that an atom has joined."""
        start, end = int(self.atoms.ptr[a]), int(self.atoms.ptr[a + 1])
        beside = self.atoms.adj[start:end]
        self._mark[beside] = np.arange(start, end)
        where = self._mark[pool]
        linked = where >= 0
        gain[linked] += values[where[linked]]
        open_pool[linked] &= ~bad[where[linked]]
        if self.atoms.absent_bad:
            open_pool &= linked
        self._mark[beside] = -1

    def _pick(
        self,
        kind: int,
        pool: IntArray,
        open_pool: BoolArray,
        gain: IntArray,
        size: int,
        amounts: IntArray,
        noise: FloatArray | None,
    ) -> tuple[int, int]:
        """The candidate of best score and its place in the pool, or (-1, -1)."""
        problem, atoms = self.atoms.problem, self.atoms
        ok = open_pool & (size + atoms.size[pool] <= problem.max_size[kind])
        for r in range(problem.num_resources):
            ok &= amounts[r] + atoms.amount[pool, r] <= problem.resource_max[kind, r]
        if not ok.any():
            return -1, -1
        score = gain.astype(np.float64)
        for r, _, xs, ys in self._curves[kind]:
            now = float(amounts[r])
            after = now + atoms.amount[pool, r]
            score += np.interp(after, xs, ys) - np.interp(now, xs, ys)
        for r in range(problem.num_resources):
            lack = int(problem.resource_min[kind, r]) - int(amounts[r])
            if lack > 0:
                score += self._bonus * (np.minimum(atoms.amount[pool, r], lack) / lack)
        if noise is not None:
            score += noise[pool]
        score[~ok] = -np.inf
        at = int(np.argmax(score))
        return int(pool[at]), at
