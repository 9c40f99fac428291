"""The linear relaxation of a free grouping, and the bound that is proved from its duals.

One variable a pair of atoms, 0 <= x_ij <= 1, fixed by branching; rows are stars (``separation``).
GLOP solves it in floats and nothing it says is believed. Any multipliers y >= 0 of the rows
``a_r x <= 1`` give, by Lagrangian (linear programming) duality,

    value of every partition <= sum_r y_r + sum_ij max of c_ij x_ij over the bounds of x_ij,
    c_ij = w_ij - sum_r y_r a_r,ij,

so the duals are rounded to whole multiples of 1 / scale and the right side is summed in int64. The
reduced costs c_ij also say what a pair's other value would cost: a pair whose other value would
bring the bound below a value asked for is fixed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from ortools.math_opt.python import mathopt

from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.partitioning.model import FreeGrouping
from solver.partitioning.separation import Star
from solver.problem import FloatArray, IntArray

#: int8 [m, m], symmetric: pairs that are together (1), apart (-1) or free (0).
Fixings = npt.NDArray[np.int8]

#: Pairs above which no relaxation is made: its rows would never be enough within limits.
MAX_PAIRS = 150_000
#: Simplex iterations between two looks at the limits.
SLICE = 1500
#: Sums of values and sums of multipliers, each times ``scale``, stay below this.
_MOST = 2**60
#: Pair values are scaled down to this for GLOP.
_LARGEST = 1e4
#: Scale of the multipliers, as far as int64 allows.
_SCALE = 2**24


@dataclass(frozen=True, slots=True)
class Bound:
    """A proved bound at one branch.

    Attributes
    ----------
    scaled : the bound times ``scale``.
    reduced : int64 [m, m], upper triangle: reduced costs times ``scale``.
    scale : what one unit of value is.
    """

    scaled: int
    reduced: IntArray
    scale: int

    @property
    def value(self) -> int:
        """The bound in units of value."""
        return self.scaled // self.scale

    def fix(self, fixed: Fixings, at_least: int) -> Fixings:
        """Fixings (1 together, -1 apart, 0 free) that every partition of that value keeps.

        Parameters
        ----------
        fixed : int8 [m, m], symmetric, for which the bound was proved.
        """
        slack = self.scaled - self.scale * at_least
        upper = np.zeros_like(fixed)
        upper[self.reduced > slack] = 1
        upper[-self.reduced > slack] = -1
        upper = np.where(fixed == 0, np.triu(upper, 1), 0)
        return fixed + upper + upper.T


class Relaxation:
    """A relaxation that grows by rows.

    Attributes
    ----------
    stars : the rows.
    """

    def __init__(self, free: FreeGrouping, context: SolveContext) -> None:
        m = free.num_atoms
        self._free, self._context = free, context
        largest = max(1, int(np.abs(free.value).max(initial=0)))
        self._unit = max(1.0, largest / _LARGEST)
        total = sum(int(row.sum()) for row in np.abs(free.value).astype(object))
        if total > _MOST:
            raise ModelTooLarge("sum of the sizes of pair values", total, _MOST)
        self.scale = min(_SCALE, _MOST // max(1, total))
        self._most_multiplier = self.scale * largest
        self.stars: list[Star] = []
        self._idle: list[int] = []
        self._rows: list[Any] = []
        self._known: set[Star] = set()
        self._model = mathopt.Model(name="pairs")
        self._model.objective.is_maximize = True
        self._variables: dict[tuple[int, int], Any] = {}
        likes = (free.value > 0).astype(np.float64)
        near = ((likes @ likes) > 0) | (free.value > 0)
        pairs = np.argwhere(np.triu(near & ~free.apart, 1)).tolist()
        if len(pairs) > MAX_PAIRS:
            raise ModelTooLarge("pairs of the relaxation", len(pairs), MAX_PAIRS)
        for i, j in pairs:
            self._variable(i, j)
        self._fixed: Fixings = np.zeros((m, m), np.int8)
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)

    def close(self) -> None:
        """Free the solver."""
        self._solver.close()

    def add(self, stars: list[Star]) -> int:
        """Add rows that are not in it yet; returns their number."""
        before = len(self.stars)
        for star in stars:
            if star in self._known:
                continue
            row = self._model.add_linear_constraint(ub=1.0)
            for at, t in enumerate(star[1:], start=1):
                self._enter(row, star[0], t, 1.0)
                for u in star[at + 1 :]:
                    self._enter(row, t, u, -1.0)
            self._known.add(star)
            self.stars.append(star)
            self._idle.append(0)
            self._rows.append(row)
        self._context.charge(10 * (len(self.stars) - before))
        return len(self.stars) - before

    def restrict(self, fixed: Fixings) -> None:
        """Turn to a branch: int8 [m, m], 1 together, -1 apart, 0 free."""
        changed = np.triu(fixed != self._fixed, 1)
        for i, j in zip(*(a.tolist() for a in np.nonzero(changed)), strict=True):
            variable = self._variables.get((i, j))
            if variable is None and fixed[i, j] == 1:
                variable = self._variable(i, j)
            if variable is not None:
                variable.lower_bound = 1.0 if fixed[i, j] == 1 else 0.0
                variable.upper_bound = 0.0 if fixed[i, j] == -1 else 1.0
        self._fixed = fixed.copy()

    def solve(self) -> tuple[FloatArray, Bound] | None:
        """x, float [m, m], and the bound proved; ``None`` if stopped or GLOP is not precise."""
        result = self._run(mathopt.LPAlgorithm.DUAL_SIMPLEX)
        if result is None and not self._context.stopping():
            self._solver.close()
            self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
            result = self._run(mathopt.LPAlgorithm.PRIMAL_SIMPLEX)
        if result is None:
            return None
        x = np.zeros(self._fixed.shape)
        pairs = np.array(list(self._variables), np.int64).reshape(-1, 2)
        x[pairs[:, 0], pairs[:, 1]] = result.variable_values(list(self._variables.values()))
        duals = np.array(result.dual_values(self._rows), np.float64) * self._unit
        multipliers = self._whole(duals)
        for at, multiplier in enumerate(multipliers.tolist()):
            self._idle[at] = 0 if multiplier else self._idle[at] + 1
        return np.clip(x + x.T, 0.0, 1.0), self.bound(multipliers)

    def bound(self, multipliers: IntArray) -> Bound:
        """The bound that whole, nonnegative multipliers of the rows prove, times ``scale``."""
        leaves, starts = _lists(self.stars)
        sizes = np.diff(starts).astype(np.float64)
        if float(multipliers.astype(np.float64) @ (sizes * (sizes - 1) / 2)) > _MOST:
            multipliers = np.zeros_like(multipliers)  # sums might leave int64
        reduced = reduced_values(
            np.where(self._free.apart, 0, self._free.value) * self.scale,
            leaves,
            starts,
            multipliers,
        )
        free = (self._fixed == 0) & ~self._free.apart
        best = np.where(free, np.maximum(reduced, 0), np.where(self._fixed == 1, reduced, 0))
        scaled = int(multipliers.sum()) + int(np.triu(best, 1).sum())
        return Bound(scaled, reduced, self.scale)

    def drop_idle(self, solves: int) -> int:
        """Drop the rows that were idle in so many solves or more; returns their number."""
        kept = [at for at, idle in enumerate(self._idle) if idle < solves]
        dropped = len(self.stars) - len(kept)
        if dropped:
            for at, idle in enumerate(self._idle):
                if idle >= solves:
                    self._model.delete_linear_constraint(self._rows[at])
                    self._known.discard(self.stars[at])
            self.stars = [self.stars[at] for at in kept]
            self._rows = [self._rows[at] for at in kept]
            self._idle = [self._idle[at] for at in kept]
        return dropped

    # -- inside -------------------------------------------------------------------------------

    def _variable(self, i: int, j: int) -> Any:
        variable = self._model.add_variable(lb=0.0, ub=1.0)
        value = float(self._free.value[i, j]) / self._unit
        self._model.objective.set_linear_coefficient(variable, value)
        self._variables[i, j] = variable
        return variable

    def _enter(self, row: Any, i: int, j: int, coefficient: float) -> None:
        i, j = min(i, j), max(i, j)
        if self._free.apart[i, j]:
            return
        variable = self._variables.get((i, j))
        if variable is None:
            variable = self._variable(i, j)
            if self._fixed[i, j] == -1:
                variable.upper_bound = 0.0
        row.set_coefficient(variable, coefficient)

    def _whole(self, duals: FloatArray) -> IntArray:
        """Multipliers from duals: rounded, of the right sign, no larger than is ever of use."""
        scaled = np.rint(np.maximum(duals, 0.0) * self.scale)
        whole: IntArray = np.minimum(scaled, float(self._most_multiplier)).astype(np.int64)
        return whole

    def _run(self, algorithm: mathopt.LPAlgorithm) -> Any:
        """An optimal result, or ``None``; in slices, between which the limits are looked at.

        GLOP keeps its basis between slices and after new rows if nothing changes the matrix, as
        presolve and scaling would.
        """
        still = 0
        while not self._context.stopping() and still < 3:
            parameters = mathopt.SolveParameters(
                lp_algorithm=algorithm,
                presolve=mathopt.Emphasis.OFF,
                scaling=mathopt.Emphasis.OFF,
                iteration_limit=SLICE,
                random_seed=self._context.limits.seed,
            )
            seconds = self._context.remaining_seconds
            if seconds is not None:
                parameters.time_limit = datetime.timedelta(seconds=max(seconds, 0.01))
            try:
                result = self._solver.solve(params=parameters)
            except AttributeError as error:
                # MathOpt 9.15 fails to turn GLOP's "ABNORMAL" into an error of its own.
                if "canonical_code" not in str(error):
                    raise
                return None
            iterations = int(result.solve_stats.simplex_iterations)
            self._context.charge(500 + iterations * (10 + len(self._rows) // 30))
            reason = result.termination.reason
            if reason == mathopt.TerminationReason.OPTIMAL:
                return result
            if reason not in (
                mathopt.TerminationReason.NO_SOLUTION_FOUND,
                mathopt.TerminationReason.FEASIBLE,
            ):
                return None
            still = 0 if iterations else still + 1
        return None


def _lists(stars: list[Star]) -> tuple[IntArray, IntArray]:
    """Stars laid end to end, and where each begins (and the end)."""
    atoms = np.array([a for star in stars for a in star], np.int64)
    starts = np.zeros(len(stars) + 1, np.int64)
    np.cumsum([len(star) for star in stars], out=starts[1:])
    return atoms, starts


@njit(cache=True)
def reduced_values(
    value: IntArray, atoms: IntArray, starts: IntArray, multipliers: IntArray
) -> IntArray:
    """``value`` less the rows times their multipliers, int64 [m, m], upper triangle only."""
    reduced = value.copy()
    for r in range(len(multipliers)):
        y = multipliers[r]
        if y == 0:
            continue
        low, high = starts[r], starts[r + 1]
        centre = atoms[low]
        for at in range(low + 1, high):
            t = atoms[at]
            reduced[min(centre, t), max(centre, t)] -= y
            for other in range(at + 1, high):
                u = atoms[other]
                reduced[min(t, u), max(t, u)] += y
    return reduced
