"""A mixed-integer programme on representatives, for HiGHS and for SCIP.

A group is represented by its lowest-numbered item r, after the asymmetric representatives
formulation of M. Campêlo, V. Campos, R. Corrêa, Discrete Applied Mathematics 156, 2008: ::

    x[r, k, r]      a group of kind k has r as its lowest item
    x[r, k, i]      i > r is in it
    y[r, k, i, j]   i and j, both above r, are in it, for pairs that are worth something

Products are linearised, a curve is a choice of one of its straight pieces. Everything is a multiple
of ``unit``, the greatest common divisor of all values, and is given to the solver divided by it.

What comes back is in floating point. A grouping is read from it, checked exactly and counted anew.
A bound d becomes the whole number floor(d + 1e-9 |d| + 1e-6 (1 + c)), c the largest coefficient of
the objective: a relative error of the sum, and one variable's slip by the solvers' tolerance of
1e-6. "Optimal" is said only where that bound is the grouping's exact value. That is how safe floats
get without exact arithmetic; the league checks it against everybody's answers.
"""

from __future__ import annotations

import datetime
import threading
from dataclasses import replace
from typing import Any

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.common import Best, Budget, TooLate
from benchmarks.league.rivals.milp_model import RepresentativesModel
from solver import Grouping, GroupingProblem, Limits

#: Variables above which no model is built.
MAX_VARIABLES = 1_000_000
#: The solver's share of the seconds that are left: both look at the clock late.
_FOR_SOLVER = 0.92


class _OnRepresentatives:
    """One model, whichever solver; see ``Highs`` and ``Scip``."""

    name = ""
    about = ""
    #: Neither ends by a count of its own that bounds its time, so work is taken as time.
    deterministic = False
    solver_type = ""

    def unavailable(self) -> str:
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        if limits.work is not None:
            limits = replace(limits, seconds=max(limits.work / 1e6, 1e-3), work=None)
        budget, best = Budget(limits), Best(problem, report)  # the clock runs while it loads
        from ortools.math_opt.python import mathopt

        best.offer(Grouping(problem.pinned))
        try:
            if reason := _too_large(problem, budget):
                return best.answer(reason)
            model = RepresentativesModel(problem, budget)
        except TooLate:
            return best.answer("the limits ended before the model was built")
        parameters = mathopt.SolveParameters(
            time_limit=datetime.timedelta(seconds=max(_FOR_SOLVER * budget.remaining, 1e-3)),
            relative_gap_tolerance=limits.gap,
            absolute_gap_tolerance=0.0,
        )
        if self.solver_type == "GSCIP":
            parameters.threads = 1
            parameters.random_seed = limits.seed
        outcome: list[Any] = []

        def run() -> None:
            solver = getattr(mathopt.SolverType, self.solver_type)
            try:
                outcome.append(mathopt.solve(model.model, solver, params=parameters))
            except Exception as error:
                outcome.append(error)

        # Within one step of presolve or of the first relaxation both hear no clock, for seconds:
        # then the answer is given without them, and what they may have found is lost. The process
        # ends when they have ended (a daemon thread would make it abort).
        thread = threading.Thread(target=run, name=self.name)
        thread.start()
        thread.join(budget.remaining)
        if not outcome:
            return best.answer("the solver did not end when its time was over")
        result = outcome[0]
        if isinstance(result, Exception):
            # MathOpt hides the solver's own error behind an AttributeError of its wrapper.
            cause = result.__context__ or result
            return best.answer(f"{self.solver_type} failed: {str(cause)[:200]}")
        reason = result.termination.reason
        if reason == mathopt.TerminationReason.INFEASIBLE:
            return best.answer(infeasible=best.grouping is None)
        wrong = 0
        for solution in result.solutions:
            primal = solution.primal_solution
            if primal is not None:
                wrong += not best.offer(model.grouping(primal.variable_values))
        notes = ("a solution broke a rule when rounded",) if wrong else ()
        dual = result.termination.objective_bounds.dual_bound
        return best.answer(*notes, bound=model.whole_bound(dual))


def _too_large(problem: GroupingProblem, budget: Budget) -> str:
    """Why no model is built, if it is not."""
    if problem.num_items > 5000:
        return "its matrix of permitted pairs would have more than 25 million entries"
    size = RepresentativesModel.size(problem, MAX_VARIABLES, budget)
    if size > MAX_VARIABLES:
        return f"its model would have more than {MAX_VARIABLES:,} variables"
    return ""


class Highs(_OnRepresentatives):
    """HiGHS; its threads cannot be set through MathOpt, nor its seed."""

    name = "highs"
    about = "HiGHS on a mixed-integer programme with representatives and linearised products"
    solver_type = "HIGHS"


class Scip(_OnRepresentatives):
    """SCIP, as Google builds it, with one thread."""

    name = "scip"
    about = "SCIP on a mixed-integer programme with representatives and linearised products"
    solver_type = "GSCIP"
