"""Strategy "exact": the whole problem as one CP-SAT model, solved to a proof.

For small problems, and as a cross-check of every other method. The model (``exact_model``) says
exactly what ``verify`` says, so its bound is a bound of the problem, and its infeasibility the
problem's. A model that would be too large is not built: the strategy steps back with a note and
claims nothing.
"""

from __future__ import annotations

from typing import Any

from solver import cpsat
from solver.context import SolveContext
from solver.errors import ModelTooLarge, SolverDisagreement
from solver.exact_model import ExactModel

#: Clauses and implications belong in the relaxation (level 2): without them its bound is little
#: better than the sum of all gains.
PARAMETERS: dict[str, Any] = {"linearization_level": 2, "cp_model_probing_level": 0}

#: Several workers each follow a named recipe, and the first ones of CP-SAT's own portfolio keep
#: clauses out of the relaxation; from so many workers on, that portfolio has one that does not.
_FULL_PORTFOLIO = 8
_SMALL_PORTFOLIO = ["max_lp", "default_lp", "reduced_costs", "quick_restart", "no_lp", "core"]


def exact(context: SolveContext) -> None:
    """Solve the context's problem to optimality within its limits, or step back."""
    try:
        exact_model = ExactModel(context.problem)
    except ModelTooLarge as large:
        context.note(f"exact stepped back: {large}")
        return
    context.charge(exact_model.size)
    if context.grouping is not None:
        exact_model.hint(context.grouping)
    context.phase("exact")
    if context.stopping():
        return
    outcome = cpsat.run(
        exact_model.model,
        context,
        watched=exact_model.watched,
        decode=exact_model.decode,
        bound_of=lambda bound: bound,
        reach=exact_model.reach,
        parameters=_parameters(context.workers),
    )
    if outcome.status == "INFEASIBLE":
        context.prove_infeasible()
    elif outcome.status == "OPTIMAL" and context.objective is not None:
        if outcome.bound not in (None, context.objective):
            raise SolverDisagreement(
                f"CP-SAT calls {outcome.bound} optimal, its grouping is worth {context.objective}"
            )
        # Of very large values, and of none at all, CP-SAT reports no bound of its own.
        context.prove_bound(context.objective)


def _parameters(workers: int) -> dict[str, Any]:
    if 1 < workers < _FULL_PORTFOLIO:
        return {**PARAMETERS, "subsolvers": _SMALL_PORTFOLIO}
    return PARAMETERS
