"""The restricted master in whole numbers, by HiGHS: a good choice among the columns met so far.

Where thousands of columns are at hand and most are of some use, a branch and cut over the linear
relaxation finds the best choice in seconds that CP-SAT looks for in vain. It computes in floats, so
it only suggests: the choice is verified like any other, and no bound is taken from it.
"""

from __future__ import annotations

import datetime
import threading
from typing import Any

import numpy as np
from ortools.math_opt.python import mathopt

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns
from solver.context import SolveContext
from solver.verification import verify

#: Seconds between two looks at the limits while HiGHS is at work, which cannot be stopped.
_POLL_SECONDS = 0.02
#: Work units for an iteration of the simplex method, by rows.
_UNITS_A_ROW = 0.1


def choose(atoms: Atoms, columns: Columns, context: SolveContext, seconds: float) -> None:
    """Offer the best choice among some columns that HiGHS finds.

    With a work limit it looks at the root only, and its clock decides nothing; else it may take
    some seconds, on a thread that is left behind if the solve must end before.
    """
    if not len(columns) or (context.problem.min_groups > atoms.max_groups).any():
        return
    model, variables = _model(atoms, columns)
    parameters = mathopt.SolveParameters(random_seed=context.limits.seed)
    if context.limits.work is not None:
        parameters.node_limit = 1
    else:
        left = context.remaining_seconds
        seconds = seconds if left is None else min(seconds, left)
        parameters.time_limit = datetime.timedelta(seconds=max(seconds, 0.01))
    answers: list[Any] = []

    def work() -> None:
        try:
            answers.append(mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=work, name="highs")
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_SECONDS)
        if context.limits.work is None and context.stopping():
            return
    (answer,) = answers
    if isinstance(answer, Exception):
        # MathOpt 9.15 masks what HiGHS says; nothing is lost but this suggestion.
        context.note(
            f"columns: HiGHS failed on a restricted master: {answer.__context__ or answer}"
        )
        return
    iterations = int(answer.solve_stats.simplex_iterations)
    context.charge(len(columns) + int(iterations * (10 + _UNITS_A_ROW * atoms.num_atoms)))
    if not answer.has_primal_feasible_solution():
        return
    values = answer.variable_values()
    chosen = [c for c, variable in enumerate(variables) if values[variable] > 0.5]
    worth = sum(columns.values[chosen].tolist())
    if context.objective is not None and worth <= context.objective:
        return
    grouping = columns.grouping(atoms, chosen)
    if verify(context.problem, grouping).feasible:
        context.offer(grouping)


def _model(atoms: Atoms, columns: Columns) -> tuple[mathopt.Model, list[mathopt.Variable]]:
    """One Boolean a column, and the packing's rows."""
    problem = atoms.problem
    model = mathopt.Model(name="restricted master")
    variables = [model.add_binary_variable() for _ in range(len(columns))]
    rows = [
        model.add_linear_constraint(lb=1.0 if must else 0.0, ub=1.0) for must in atoms.must.tolist()
    ]
    kinds = [
        model.add_linear_constraint(lb=float(least), ub=float(most))
        for least, most in zip(problem.min_groups.tolist(), atoms.max_groups.tolist(), strict=True)
    ]
    limits = [model.add_linear_constraint(ub=float(most)) for most in problem.shared_limit.tolist()]
    for atom, c in zip(columns.members.tolist(), columns.holder.tolist(), strict=True):
        rows[atom].set_coefficient(variables[c], 1.0)
    for kind, variable in zip(columns.kinds.tolist(), variables, strict=True):
        kinds[kind].set_coefficient(variable, 1.0)
    for row, uses in zip(limits, columns.uses(atoms).tolist(), strict=True):
        for variable, use in zip(variables, uses, strict=True):
            if use:
                row.set_coefficient(variable, float(use))
    # HiGHS's tolerances are absolute: values go to a common size.
    unit = float(np.abs(columns.values).max(initial=1)) / 1000.0
    model.maximize(
        mathopt.LinearSum(
            (value / unit) * variable
            for value, variable in zip(columns.values.tolist(), variables, strict=True)
        )
    )
    return model, variables
