"""The restricted master in whole numbers, by HiGHS: a good choice among the columns met so far.

Where thousands of columns are at hand and most are of some use, a branch and cut over the linear
relaxation finds the best choice in seconds that CP-SAT looks for in vain. It computes in floats, so
it only suggests: a choice is checked in whole numbers, and no bound is taken from it.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.math_opt.python import mathopt

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, join
from solver.context import SolveContext
from solver.problem import BoolArray, FloatArray, IntArray
from solver.verification import verify

#: Seconds between two looks at the limits while HiGHS is at work, which cannot be stopped.
_POLL_SECONDS = 0.02
#: Columns of so much weight stay in a completion, but for this share of them.
SURE, RELEASED = 0.99, 0.1
#: What is left of a shared limit stays below this.
MAX_ROOM = 2**61
#: Work units for an iteration of the simplex method, by rows.
_UNITS_A_ROW = 0.1


@dataclass(frozen=True, slots=True)
class Room:
    """What a choice may use.

    Attributes
    ----------
    least, most : int64 [K], numbers of groups of each kind.
    shared : int64 [L], of each shared limit; may be below 0.
    """

    least: IntArray
    most: IntArray
    shared: IntArray


def choose(atoms: Atoms, columns: Columns, context: SolveContext, seconds: float) -> None:
    """Offer the best choice among some columns that HiGHS finds."""
    problem = atoms.problem
    room = Room(problem.min_groups, atoms.max_groups, problem.shared_limit)
    if np.bincount(columns.members, minlength=atoms.num_atoms)[atoms.must].min(initial=1) < 1:
        return
    (chosen,) = best_choices(atoms, [Choice(columns, columns.uses(atoms), room)], context, seconds)
    if chosen is not None:
        _offer(atoms, columns.take(chosen), context)


def _offer(atoms: Atoms, columns: Columns, context: SolveContext) -> None:
    """Offer the grouping of all these columns if it is better, and feasible."""
    worth = sum(columns.values.tolist())
    if context.objective is not None and worth <= context.objective:
        return
    grouping = columns.grouping(atoms, range(len(columns)))
    if verify(context.problem, grouping).feasible:
        context.offer(grouping)


def room_beside(atoms: Atoms, kept: Columns, uses: IntArray) -> Room | None:
    """The room that columns leave to others; ``None`` if they leave none, or numbers are too large.

    Parameters
    ----------
    uses : int64 [L, kept], as ``columns.uses`` gives them.
    """
    problem = atoms.problem
    numbers = np.bincount(kept.kinds, minlength=problem.num_kinds)
    # In Python integers: what others use may be as large as the limit.
    shared = [
        int(limit) - sum(row)
        for limit, row in zip(problem.shared_limit, uses.tolist(), strict=True)
    ]
    if (numbers > atoms.max_groups).any() or max(map(abs, shared), default=0) > MAX_ROOM:
        return None
    return Room(
        np.maximum(0, problem.min_groups - numbers),
        atoms.max_groups - numbers,
        np.array(shared, np.int64),
    )


def complete(
    atoms: Atoms,
    columns: Columns,
    weights: FloatArray,
    number: int,
    context: SolveContext,
    seconds: float,
) -> None:
    """Offer the best completion of a relaxation's solution that HiGHS finds.

    Columns that the solution chooses for good stay, but for some; what is left is much smaller than
    the problem (relaxation induced neighbourhoods: Danna, Rothberg & Le Pape, 2005).

    Parameters
    ----------
    weights : float [M], the solution; columns after the first M were met later.
    number : of the attempt: from the second on a tenth of the chosen columns, another every time,
        does not stay.
    """
    chosen = np.flatnonzero(weights >= SURE)
    if number:
        rng = np.random.default_rng((context.limits.seed, number))
        chosen = chosen[rng.random(len(chosen)) >= RELEASED]
    stay = columns.take(chosen)
    if len(np.unique(stay.members)) < len(stay.members):
        return
    free = np.ones(atoms.num_atoms, np.bool_)
    free[stay.members] = False
    rest = columns.take(~columns.some(~free))
    room = room_beside(atoms, stay, stay.uses(atoms))
    if room is None:
        return
    (found,) = best_choices(atoms, [Choice(rest, rest.uses(atoms), room)], context, seconds)
    if found is not None:
        _offer(atoms, join([stay, rest.take(found)]), context)


@dataclass(frozen=True, slots=True)
class Choice:
    """Columns to choose among, and the room for them.

    Attributes
    ----------
    columns : disjoint ones are chosen, so that atoms of theirs that must join are covered.
    uses : int64 [L, N], as ``columns.uses`` gives them.
    room : kept in whole numbers.
    """

    columns: Columns
    uses: IntArray
    room: Room


def best_choices(
    atoms: Atoms,
    choices: Sequence[Choice],
    context: SolveContext,
    seconds: float,
    gap: float = 0.0,
) -> list[BoolArray | None]:
    """The best of each choice that HiGHS finds, bool [N]; ``None`` where there is none.

    They are made at the same time, on a thread each. With a work limit HiGHS looks at the root
    only, and its clock decides nothing; else it may take some seconds. If the solve must end before
    HiGHS does, its threads are left behind.

    Parameters
    ----------
    gap : part of its value by which a choice may be worse than the best.
    """
    if context.stopping():
        return [None] * len(choices)
    models = [_model(atoms, choice) if _may_be(choice) else None for choice in choices]
    found: list[BoolArray | None] = [None] * len(choices)
    for at, answer in enumerate(_answers(models, context, seconds, gap)):
        if answer is None:
            continue
        choice, (_, variables) = choices[at], models[at]  # type: ignore[misc]
        iterations = int(answer.solve_stats.simplex_iterations)
        rows = len(np.unique(choice.columns.members))
        context.charge(len(variables) + int(iterations * (10 + _UNITS_A_ROW * rows)))
        if answer.has_primal_feasible_solution():
            chosen: BoolArray = np.array(answer.variable_values(variables), np.float64) > 0.5
            if _fits(atoms, choice, chosen):
                found[at] = chosen
    return found


def _may_be(choice: Choice) -> bool:
    return len(choice.columns) > 0 and bool((choice.room.least <= choice.room.most).all())


def _answers(
    models: Sequence[tuple[mathopt.Model, list[mathopt.Variable]] | None],
    context: SolveContext,
    seconds: float,
    gap: float,
) -> list[Any]:
    """HiGHS's answer to each model, ``None`` where there is none."""
    # Left alone HiGHS ends at a gap of 1/10,000, which is often most of what is left.
    parameters = mathopt.SolveParameters(
        random_seed=context.limits.seed, relative_gap_tolerance=gap, absolute_gap_tolerance=0.0
    )
    if context.limits.work is not None:
        parameters.node_limit = 1
    else:
        left = context.remaining_seconds
        seconds = seconds if left is None else min(seconds, left)
        parameters.time_limit = datetime.timedelta(seconds=max(seconds, 0.01))
    answers: list[Any] = [None] * len(models)

    def work(at: int, model: mathopt.Model) -> None:
        try:
            answers[at] = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
        except Exception as error:
            answers[at] = error

    threads = [
        threading.Thread(target=work, args=(at, made[0]), name="highs")
        for at, made in enumerate(models)
        if made is not None
    ]
    for thread in threads:
        thread.start()
    # With a work limit only an observer or Ctrl-C ends this early. HiGHS cannot be told to stop, so
    # it may outlive the solve by its own limit; no daemons, as an interpreter that ends under
    # compiled code of theirs aborts ("terminate called without an active exception").
    for thread in threads:
        while thread.is_alive() and not context.stopping():
            thread.join(_POLL_SECONDS)
    answers = list(answers)  # what still runs may write to the other one
    for at, answer in enumerate(answers):
        if isinstance(answer, Exception):
            # MathOpt 9.15 masks what HiGHS says; nothing is lost but this suggestion.
            reason = answer.__context__ or answer
            context.note(f"columns: HiGHS failed on a restricted master: {reason}")
            answers[at] = None
    return answers


def _model(atoms: Atoms, choice: Choice) -> tuple[mathopt.Model, list[mathopt.Variable]]:
    """One Boolean a column, and the packing's rows."""
    columns, uses, room = choice.columns, choice.uses, choice.room
    model = mathopt.Model(name="restricted master")
    variables = [model.add_binary_variable() for _ in range(len(columns))]
    rows = {
        atom: model.add_linear_constraint(lb=1.0 if atoms.must[atom] else 0.0, ub=1.0)
        for atom in np.unique(columns.members).tolist()
    }
    numbers = zip(room.least.tolist(), room.most.tolist(), strict=True)
    kinds = [model.add_linear_constraint(lb=float(low), ub=float(high)) for low, high in numbers]
    limits = [model.add_linear_constraint(ub=float(most)) for most in room.shared.tolist()]
    for atom, c in zip(columns.members.tolist(), columns.holder.tolist(), strict=True):
        rows[atom].set_coefficient(variables[c], 1.0)
    for kind, variable in zip(columns.kinds.tolist(), variables, strict=True):
        kinds[kind].set_coefficient(variable, 1.0)
    for row, amounts in zip(limits, uses.tolist(), strict=True):
        for variable, use in zip(variables, amounts, strict=True):
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


def _fits(atoms: Atoms, choice: Choice, chosen: BoolArray) -> bool:
    """Whether chosen columns keep every row, in whole numbers."""
    own, room = choice.columns.take(chosen), choice.room
    held = np.bincount(own.members, minlength=atoms.num_atoms)
    obliged = np.unique(choice.columns.members)
    obliged = obliged[atoms.must[obliged]]
    numbers = np.bincount(own.kinds, minlength=len(room.most))
    used = [sum(row) for row in choice.uses[:, chosen].tolist()]
    return bool(
        held.max(initial=0) <= 1
        and held[obliged].min(initial=1) == 1
        and (numbers >= room.least).all()
        and (numbers <= room.most).all()
        and all(use <= most for use, most in zip(used, room.shared.tolist(), strict=True))
    )
