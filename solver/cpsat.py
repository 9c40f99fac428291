"""One way to run CP-SAT: limits, progress, cancelling and determinism in one place.

CP-SAT runs on a helper thread; the solving thread waits, passes its news on to the context and
stops it when the context says so. An observer is therefore called from the solving thread only,
and Ctrl-C (which Python handles only between bytecodes of the main thread) works at once.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ortools.sat.python import cp_model

from solver.context import SolveContext
from solver.errors import SolverError
from solver.grouping import Grouping
from solver.limits import WORK_PER_DETERMINISTIC_SECOND

#: CP-SAT decides in whole numbers but reports a bound as a double, of a rescaled and shifted
#: objective: a few roundings, each of 2**-53 of numbers up to twice the objective's reach. Below
#: this reach they come to less than a quarter, and rounding gives the whole number back. (At 1.4e14
#: version 9.15 was seen to report a bound of ...998 for a true ...999.)
MAX_EXACT_REACH = 2**46
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CpSatOutcome:
    """What one run of CP-SAT proved.

    Attributes
    ----------
    status : "OPTIMAL", "FEASIBLE", "INFEASIBLE" or "UNKNOWN".
    bound : proved bound on the model's objective, a whole number: an upper one where the model
        maximises, a lower one where it minimises. ``None`` where there is none, or none that a
        double holds exactly.
    values : values of the watched variables in the last solution, or ``None``.
    """

    status: str
    bound: int | None
    values: tuple[int, ...] | None


class _News(cp_model.CpSolverSolutionCallback):
    """Hands each solution's watched values to the solving thread."""

    def __init__(self, watched: Sequence[Any], inbox: queue.Queue[tuple[str, Any]]) -> None:
        super().__init__()
        self._watched = watched
        self._inbox = inbox

    def on_solution_callback(self) -> None:
        values = tuple(self.value(v) for v in self._watched)
        self._inbox.put(("values", (values, self.deterministic_time)))


def run(
    model: cp_model.CpModel,
    context: SolveContext,
    watched: Sequence[Any] = (),
    decode: Callable[[tuple[int, ...]], Grouping] | None = None,
    bound_of: Callable[[int], int] | None = None,
    max_work: int | None = None,
    max_seconds: float | None = None,
    reach: int | None = None,
    parameters: dict[str, Any] | None = None,
) -> CpSatOutcome:
    """Solve a model within the context's limits.

    Parameters
    ----------
    watched : variables whose values each solution reports.
    decode : turns watched values into a grouping, offered to the context at once.
    bound_of : turns a proved bound of the model into one of the problem, published at once.
        Leave out where the model is a restriction, whose bound says nothing of the problem.
    max_work, max_seconds : tighter limits of this run; the clock only counts without a work limit.
    reach : no value of the objective is further from 0; read from the model when left out.
    parameters : further CP-SAT parameters; a list extends a repeated one.

    Raises
    ------
    SolverError
        If CP-SAT calls the model invalid (a defect of ours).
    """
    solver = cp_model.CpSolver()
    settings = solver.parameters
    settings.num_workers = context.workers
    settings.random_seed = context.limits.seed
    settings.catch_sigint_signal = False
    # Compared in doubles; without it OPTIMAL is decided in whole numbers, however large.
    settings.absolute_gap_limit = 0.0
    # One presolve rule adds coefficients in 32 bits and may call a wrong answer OPTIMAL
    # (google/or-tools issue 5293); it is switched off.
    settings.presolve_inclusion_work_limit = 0
    for name, value in (parameters or {}).items():
        if isinstance(value, list):
            getattr(settings, name).extend(value)
        else:
            setattr(settings, name, value)
    work_left = _least(context.remaining_work, max_work)
    if work_left is not None:
        settings.max_deterministic_time = max(work_left, 1) / WORK_PER_DETERMINISTIC_SECOND
    seconds_left = context.remaining_seconds
    if seconds_left is not None:
        # The context's own clock decides; were CP-SAT's a little ahead of it, the run would seem
        # to have ended by itself.
        seconds_left += 2 * _POLL_SECONDS
    if context.limits.work is None:
        seconds_left = _least(seconds_left, max_seconds)
    if seconds_left is not None:
        settings.max_time_in_seconds = max(seconds_left, 0.001)

    if context.stopping():
        return CpSatOutcome("UNKNOWN", None, None)
    inbox: queue.Queue[tuple[str, Any]] = queue.Queue()
    callback = _News(watched, inbox) if watched or decode is not None else None
    has_bound = False
    if model.has_objective():
        has_bound = (_reach(model) if reach is None else reach) < MAX_EXACT_REACH
    heard_bound = threading.Event()

    def hear(value: float) -> None:
        heard_bound.set()
        inbox.put(("bound", value))

    if has_bound:
        solver.best_bound_callback = hear

    def work() -> None:
        try:
            inbox.put(("end", solver.solve(model, callback)))
        except BaseException as error:  # carried to the solving thread, which raises it
            inbox.put(("error", error))

    thread = threading.Thread(target=work, name="cp-sat", daemon=True)
    thread.start()
    try:
        last, heard_at, status = _listen(context, solver, inbox, decode, bound_of)
    except BaseException:
        # An observer's error, a disagreement, an insisting Ctrl-C: no thread stays behind.
        while thread.is_alive():
            solver.stop_search()
            thread.join(_POLL_SECONDS)
        raise
    thread.join()
    # Told to stop, CP-SAT goes on for a while that depends on the clock; only what it had spent
    # when its last solution came is the same every time.
    spent = heard_at if _late(context) else solver.response_proto.deterministic_time
    context.charge(max(1, math.ceil(spent * WORK_PER_DETERMINISTIC_SECOND)))
    name = solver.status_name(status)
    if name == "MODEL_INVALID":
        raise SolverError(f"CP-SAT calls the model invalid: {model.validate()[:500]}")
    bound = None
    # A run that ends before the search begins leaves the response's bound at its default, 0, which
    # is no bound; nothing has been heard then.
    open_end = name in ("FEASIBLE", "UNKNOWN") and heard_bound.is_set()
    if has_bound and (name == "OPTIMAL" or open_end):
        bound = _whole(solver.best_objective_bound)
        if bound is not None and bound_of is not None and not _late(context):
            context.prove_bound(bound_of(bound))
    proved = name in ("OPTIMAL", "INFEASIBLE")
    if proved and _late(context) and context.stop_reason != "optimal":
        # What made it so was not listened to any more.
        name = "UNKNOWN" if last is None else "FEASIBLE"
    return CpSatOutcome(name, bound, last)


def _listen(
    context: SolveContext,
    solver: cp_model.CpSolver,
    inbox: queue.Queue[tuple[str, Any]],
    decode: Callable[[tuple[int, ...]], Grouping] | None,
    bound_of: Callable[[int], int] | None,
) -> tuple[tuple[int, ...] | None, float, Any]:
    """Pass news on until CP-SAT ends.

    Returns its last solution, the deterministic time when it was found, and the status.
    """
    last: tuple[int, ...] | None = None
    heard_at = 0.0
    while True:
        if context.stopping():
            solver.stop_search()
        try:
            what, content = inbox.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if what == "end":
            return last, heard_at, content
        if what == "error":
            raise SolverError(f"CP-SAT failed: {content}") from content
        if _late(context):
            continue
        if what == "values":
            last, heard_at = content
            if decode is not None:
                context.offer(decode(last))
        elif bound_of is not None:
            bound = _whole(content)
            if bound is not None:
                context.prove_bound(bound_of(bound))


def _late(context: SolveContext) -> bool:
    """Whether news comes after the stop of a deterministic solve, and so by chance of timing."""
    return context.limits.work is not None and context.stop_reason is not None


def _least(a: Any, b: Any) -> Any:
    """The smaller of two limits, where ``None`` is no limit."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _reach(model: cp_model.CpModel) -> int:
    """No value of the objective is further from 0 than this."""
    objective, variables = model.proto.objective, model.proto.variables
    reach = math.ceil(abs(objective.offset))
    for at, weight in zip(objective.vars, objective.coeffs, strict=True):
        domain = list(variables[at].domain)  # its own [-1] is not the last entry
        reach += abs(weight) * max(abs(domain[0]), abs(domain[-1]))
    return reach


def _whole(value: float) -> int | None:
    """A bound as a whole number; ``None`` where there is none yet."""
    return math.floor(value + 0.25) if abs(value) < MAX_EXACT_REACH else None
