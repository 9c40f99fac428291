"""The model that a practitioner would write first, for CP-SAT: items assigned to numbered slots.

A slot g is a place for one group of a given kind k(g); there are as many of a kind as sizes and
``max_groups`` allow. The Booleans are ::

    z[g]        slot g holds a group
    x[i, g]     item i is in it
    y[i, j, g]  both i and j are in it, for pairs that are worth something

Curves are sums over their straight pieces, one of which a used slot chooses. Slots of one kind are
used in order, and that is all the symmetry breaking there is. Pins have slots of their own.
(Slots whose kind is a variable too would need every x and y once more for each kind, as values
depend on the kind: fixed kinds give the smaller model.)
"""

from __future__ import annotations

import math
import threading

from benchmarks.league.contract import Answer, Report
from benchmarks.league.rivals.assignment_model import AssignmentModel, model_size
from benchmarks.league.rivals.common import Best, Budget, TooLate
from solver import Grouping, GroupingProblem, Limits

#: Variables above which no model is built: it would take gigabytes.
MAX_VARIABLES = 2_000_000
#: Bounds come as doubles; beyond this they may be off by more than rounding mends.
_EXACT = 2**46
#: Seconds CP-SAT takes to read one item's share of one slot.
_SECONDS_A_TERM = 1e-5


class Assignment:
    """Plain assignment model, solved by CP-SAT."""

    name = "assignment"
    about = "CP-SAT on the plain model: items to numbered slots, pair products, curves by pieces"
    deterministic = True

    def unavailable(self) -> str:
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        budget, best = Budget(limits), Best(problem, report)  # the clock runs while CP-SAT loads
        from ortools.sat.python import cp_model

        # Also where it can do no more: a grouping of no other groups is better than no answer.
        pins_only = best.offer(Grouping(problem.pinned))
        if (variables := model_size(problem)) > MAX_VARIABLES:
            return best.answer(
                f"its model would have {variables:,} variables, above {MAX_VARIABLES:,}"
            )
        try:
            model = AssignmentModel(problem, budget)
            if budget.over:
                raise TooLate
        except TooLate:
            return best.answer("the limits ended before the model was built")

        class Told(cp_model.CpSolverSolutionCallback):
            def on_solution_callback(self) -> None:
                best.offer(model.grouping(self.boolean_value))

        if pins_only:
            model.hint_pins_only()
        solver = cp_model.CpSolver()
        settings = solver.parameters
        settings.num_workers = limits.effective_workers
        settings.random_seed = limits.seed
        settings.catch_sigint_signal = False
        settings.relative_gap_limit = limits.gap
        # Compared in doubles: without this, OPTIMAL is decided in whole numbers, however large.
        settings.absolute_gap_limit = 0.0
        # google/or-tools issue 5293: this rule may add in 32 bits and call a wrong answer OPTIMAL.
        settings.presolve_inclusion_work_limit = 0
        if limits.work is not None:
            settings.max_deterministic_time = max(budget.remaining, 1e-6)
        elif limits.seconds is not None:
            # It looks at its clock only after it has read and copied the model.
            reading = _SECONDS_A_TERM * len(model.slots) * problem.num_items
            settings.max_time_in_seconds = max(0.93 * budget.remaining - reading, 0.001)
        # A run that ends before its search begins has the bound 0, which it never proved.
        heard = threading.Event()
        solver.best_bound_callback = lambda _: heard.set()
        status = solver.solve(model.model, Told())
        if status == cp_model.INFEASIBLE:
            return best.answer(infeasible=True)
        if status == cp_model.MODEL_INVALID:
            return best.answer(f"CP-SAT refuses the model: {model.model.validate()[:200]}")
        bound = None
        if status == cp_model.OPTIMAL and (limits.gap == 0 or not model.has_objective):
            bound = best.objective
        elif model.has_objective and heard.is_set() and model.reach < _EXACT:
            bound = math.floor(solver.best_objective_bound + 0.25)
        return best.answer(bound=bound)
