"""The linear relaxation of choosing groups (the *master*), its cuts and its dual prices.

One variable a column; rows: every atom in at most one group (exactly one if it must join), the
bounds on group numbers, the shared limits, and *subset rows* over odd sets of atoms (``odd_sets``):
half the sum of the atoms' rows, rounded down.

GLOP solves it in floats; nothing it says is believed. ``integer_prices`` turns its duals into whole
numbers of the right sign, and a bound is then computed from these in exact arithmetic
(``columns.proved_bound``), valid whatever the duals.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.math_opt.python import mathopt

from solver.column_generation.atoms import Atoms
from solver.column_generation.branch import Branch
from solver.column_generation.branch_search import BranchSearch
from solver.column_generation.columns import Columns, OddSet, Prices, join, no_columns
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.odd_sets import violated_odd_sets
from solver.context import SolveContext
from solver.problem import FloatArray, IntArray

#: Cost of leaving a row unmet, in units of the largest group value.
UNMET_COST = 10.0
#: Most cuts added at once (or one for so many atoms, if that is more), and most of these on one
#: atom.
MAX_NEW_CUTS, ATOMS_A_CUT, MAX_CUTS_AN_ATOM = 100, 20, 6
#: Prices beyond this are cut off; ``GroupSearch.accepts`` refuses such sizes.
_HUGE = 2.0**61


@dataclass(frozen=True, slots=True)
class LpAnswer:
    """A solved master.

    Attributes
    ----------
    value : of the relaxation over the columns, in the problem's units.
    unmet : sum of the unmet parts of rows; the relaxation has no solution if it stays positive.
    weights : float [columns], the share of each column.
    atoms, kinds, shared, cuts : duals of the rows, in the problem's units.
    """

    value: float
    unmet: float
    weights: FloatArray
    atoms: FloatArray
    kinds: FloatArray
    shared: FloatArray
    cuts: FloatArray


class Master:
    """A master that grows by columns and cuts."""

    def __init__(self, atoms: Atoms, context: SolveContext, unit: int) -> None:
        self.atoms = atoms
        self.context = context
        self.columns: Columns = no_columns()
        self.odd_sets: list[OddSet] = []
        self._unit = float(max(1, unit))
        self._unmet_cost = UNMET_COST
        self._known: dict[tuple[int, frozenset[int]], int] = {}
        self._variables: list[Any] = []
        self._rows_changed = False
        self._position: dict[int, int] = {}
        self._fixed: list[int] = []
        self._blocked: list[int] = []
        self._unmet: dict[int, Any] = {}
        problem = atoms.problem
        model = mathopt.Model(name="groups")
        model.objective.is_maximize = True
        self._model = model
        self._atom_rows = [
            model.add_linear_constraint(lb=1.0 if must else -math.inf, ub=1.0)
            for must in atoms.must.tolist()
        ]
        self._kind_rows = [
            model.add_linear_constraint(lb=float(low), ub=float(high))
            for low, high in zip(problem.min_groups, atoms.max_groups, strict=True)
        ]
        self._shared_scale = [
            float(
                max(1, np.abs(problem.shared_group_use[s]).max(), np.abs(atoms.item_use[s]).max())
            )
            for s in range(problem.num_shared_limits)
        ]
        self._shared_rows = [
            model.add_linear_constraint(ub=float(limit) / scale)
            for limit, scale in zip(problem.shared_limit, self._shared_scale, strict=True)
        ]
        self._cut_rows: list[Any] = []
        self._cuts_of: dict[int, list[int]] = {}
        self._free = atoms.must
        for row in (*self._atom_rows, *self._kind_rows):
            if row.lower_bound > 0:
                self._allow_unmet(row, 1.0)
        for s, row in enumerate(self._shared_rows):
            if problem.shared_limit[s] < 0:
                self._allow_unmet(row, -1.0)
        self._solver = mathopt.IncrementalSolver(model, mathopt.SolverType.GLOP)
        # Turning MathOpt's answers into Python objects takes longer than GLOP: ask for little.
        self._wanted = mathopt.ModelSolveParameters(
            variable_values_filter=mathopt.VariableFilter(skip_zero_values=True),
            dual_values_filter=mathopt.LinearConstraintFilter(skip_zero_values=True),
            reduced_costs_filter=mathopt.VariableFilter(filtered_items=()),
        )

    def close(self) -> None:
        """Free the solver."""
        self._solver.close()

    def add(self, columns: Columns) -> int:
        """Add the columns that are not in it yet; returns their number."""
        fresh = []
        for c in range(len(columns)):
            key = _key(columns, c)
            if key not in self._known:
                self._known[key] = len(self._known)
                fresh.append(c)
        added = columns.take(np.array(fresh, np.int64))
        uses = added.uses(self.atoms)
        for c in range(len(added)):
            variable = self._model.add_variable(lb=0.0)
            self._model.objective.set_linear_coefficient(
                variable, float(added.values[c]) / self._unit
            )
            members = added.atoms_of(c)
            for atom in members:
                self._atom_rows[atom].set_coefficient(variable, 1.0)
            self._kind_rows[added.kinds[c]].set_coefficient(variable, 1.0)
            for s, row in enumerate(self._shared_rows):
                row.set_coefficient(variable, float(uses[s, c]) / self._shared_scale[s])
            for cut, number in Counter(
                q for i in members for q in self._cuts_of.get(i, ())
            ).items():
                if number > 1:
                    self._cut_rows[cut].set_coefficient(variable, float(number // 2))
            self._position[variable.id] = len(self._variables)
            self._variables.append(variable)
            self._rows_changed = False
        self.columns = join([self.columns, added]) if len(self.columns) else added
        self.context.charge(20 * len(added))
        return len(added)

    def places(self, columns: Columns) -> list[int]:
        """The numbers of columns that are in it."""
        return [self._known[_key(columns, c)] for c in range(len(columns))]

    def add_violated(self, weights: FloatArray) -> int:
        """Add violated subset rows at an LP solution; returns their number."""
        found = self._violated(weights)
        self.add_cuts(found)
        return len(found)

    def add_cuts(self, odd_sets: list[OddSet]) -> None:
        """Add the subset rows of some odd sets of atoms."""
        self._rows_changed = self._rows_changed or bool(odd_sets)
        holders: list[list[int]] = [[] for _ in range(self.atoms.num_atoms)]
        for c, atom in zip(
            self.columns.holder.tolist(), self.columns.members.tolist(), strict=True
        ):
            holders[atom].append(c)
        for odd_set in odd_sets:
            row = self._model.add_linear_constraint(ub=float(len(odd_set) // 2))
            times = Counter(c for atom in odd_set for c in holders[atom])
            for c, number in times.items():
                if number > 1:
                    row.set_coefficient(self._variables[c], float(number // 2))
            for atom in odd_set:
                self._cuts_of.setdefault(atom, []).append(len(self.odd_sets))
            self.odd_sets.append(odd_set)
            self._cut_rows.append(row)

    def restrict(self, branch: Branch) -> None:
        """Turn to a branch: rows get its bounds, columns that it does not allow are left out."""
        self._rows_changed = True
        self._free = self.atoms.must.copy()
        self._free[sorted(branch.covered)] = True
        for row, free in zip(self._atom_rows, self._free.tolist(), strict=True):
            self._bound_below(row, 1.0 if free else -math.inf)
        numbers = zip(self._kind_rows, branch.least, branch.most, strict=True)
        for row, least, most in numbers:
            self._bound_below(row, float(least))
            if row.upper_bound != most:
                row.upper_bound = float(most)
        allowed = branch.allows(self.columns).tolist()
        for variable, allows in zip(self._variables, allowed, strict=True):
            most_weight = math.inf if allows else 0.0
            if variable.upper_bound != most_weight:
                variable.upper_bound = most_weight

    def fix(self, columns: list[int]) -> None:
        """Choose some columns."""
        self._rows_changed = True
        for c in columns:
            self._variables[c].lower_bound = 1.0
            self._fixed.append(c)

    def block(self, columns: list[int]) -> None:
        """Leave some columns out, where they are not chosen."""
        kept = set(self._fixed).union(self._blocked)
        for c in columns:
            if c not in kept:
                self._rows_changed = True
                self._variables[c].upper_bound = 0.0
                self._blocked.append(c)

    def release(self) -> None:
        """Take back what ``fix`` and ``block`` did."""
        self._rows_changed = True
        for c in self._fixed:
            self._variables[c].lower_bound = 0.0
        for c in self._blocked:
            self._variables[c].upper_bound = math.inf
        self._fixed.clear()
        self._blocked.clear()

    def raise_unmet_cost(self, factor: float) -> None:
        """Make unmet rows dearer."""
        self._unmet_cost *= factor
        for variable in self._unmet.values():
            self._model.objective.set_linear_coefficient(variable, -self._unmet_cost)

    def solve(self) -> LpAnswer | None:
        """Solve it; ``None`` if the time is up or GLOP finds no precise solution."""
        result = self._run_glop(self._warm_start())
        if result is None and not self.context.stopping():
            # The warm start may have led astray; begin anew, and another way.
            self._solver.close()
            self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
            result = self._run_glop(
                mathopt.SolveParameters(lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX)
            )
        self._rows_changed = False
        if result is None:
            return None
        found = result.variable_values()
        unmet = sum(max(0.0, found.get(variable, 0.0)) for variable in self._unmet.values())
        weights = np.zeros(len(self._variables))
        for variable, weight in found.items():
            at = self._position.get(variable.id)
            if at is not None:
                weights[at] = weight
        return LpAnswer(
            value=float(weights @ self.columns.values),
            unmet=unmet,
            weights=weights,
            atoms=self._duals(result, self._atom_rows),
            kinds=self._duals(result, self._kind_rows),
            shared=self._duals(result, self._shared_rows) / np.array(self._shared_scale),
            cuts=self._duals(result, self._cut_rows),
        )

    def integer_prices(self, answer: LpAnswer, scale: int) -> Prices:
        """The duals of an answer as whole numbers of the right sign, times scale."""

        def whole(duals: FloatArray) -> IntArray:
            return np.clip(np.ceil(scale * duals), -_HUGE, _HUGE).astype(np.int64)

        atoms, cuts = whole(answer.atoms), np.maximum(whole(answer.cuts), 0)
        # Every group is priced against every cut that is named here.
        priced = np.flatnonzero(cuts).tolist()
        return Prices(
            scale,
            np.where(self._free, atoms, np.maximum(atoms, 0)),
            whole(answer.kinds),
            np.maximum(whole(answer.shared), 0),
            cuts[priced],
            tuple(self.odd_sets[c] for c in priced),
        )

    # -- inside -------------------------------------------------------------------------------

    def _warm_start(self) -> mathopt.SolveParameters:
        """Parameters that let GLOP begin where it ended.

        It keeps its basis only if neither presolve nor scaling changes the matrix between; then
        the basis stays primal feasible when columns come, dual feasible when rows or bounds do.
        """
        dual = self._rows_changed
        return mathopt.SolveParameters(
            presolve=mathopt.Emphasis.OFF,
            scaling=mathopt.Emphasis.OFF,
            lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX
            if dual
            else mathopt.LPAlgorithm.PRIMAL_SIMPLEX,
        )

    def _run_glop(self, parameters: mathopt.SolveParameters) -> Any:
        """An optimal result, or ``None``."""
        parameters.random_seed = self.context.limits.seed
        seconds = self.context.remaining_seconds
        if seconds is not None:
            parameters.time_limit = datetime.timedelta(seconds=max(seconds, 0.01))
        self.context.charge(2000 + len(self._variables))
        try:
            result = self._solver.solve(params=parameters, model_params=self._wanted)
        except AttributeError as error:
            # GLOP's "ABNORMAL" comes as a status that MathOpt 9.15 fails to turn into its own
            # error; the caller tries another way, and steps back with a note after that.
            if "canonical_code" not in str(error):
                raise
            return None
        rows = len(self._atom_rows) + len(self._cut_rows)
        iterations = int(result.solve_stats.simplex_iterations)
        self.context.charge(iterations * (20 + rows // 12))
        return result if result.termination.reason == mathopt.TerminationReason.OPTIMAL else None

    def _bound_below(self, row: Any, least: float) -> None:
        if row.lower_bound != least:
            row.lower_bound = least
        if least > 0:
            self._allow_unmet(row, 1.0)

    def _allow_unmet(self, row: Any, coefficient: float) -> None:
        if row.id in self._unmet:
            return
        variable = self._model.add_variable(lb=0.0)
        row.set_coefficient(variable, coefficient)
        self._model.objective.set_linear_coefficient(variable, -self._unmet_cost)
        self._unmet[row.id] = variable

    def _duals(self, result: Any, rows: list[Any]) -> FloatArray:
        found = result.dual_values()
        return np.array([found.get(row, 0.0) for row in rows], np.float64) * self._unit

    def _violated(self, weights: FloatArray) -> list[OddSet]:
        columns = self.columns.take(np.arange(len(weights)))
        most = max(MAX_NEW_CUTS, self.atoms.num_atoms // ATOMS_A_CUT)
        chosen: list[OddSet] = []
        times: Counter[int] = Counter()
        known = set(self.odd_sets)
        for _, odd_set in violated_odd_sets(columns, weights, self.context):
            if odd_set in known or max(times[atom] for atom in odd_set) >= MAX_CUTS_AN_ATOM:
                continue
            times.update(odd_set)
            chosen.append(odd_set)
            if len(chosen) == most:
                break
        return chosen


def _key(columns: Columns, c: int) -> tuple[int, frozenset[int]]:
    """What makes a column the same as another."""
    return int(columns.kinds[c]), frozenset(columns.atoms_of(c))


def usable_prices(
    master: Master, answer: LpAnswer, search: GroupSearch | BranchSearch
) -> Prices | None:
    """Integer prices at the largest scale that cannot overflow; ``None`` if there is none."""
    scale = search.scale
    while scale >= 2:
        prices = master.integer_prices(answer, scale)
        if search.accepts(prices):
            return prices
        scale //= 2
    return None
