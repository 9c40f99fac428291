"""The best choice among given groups: a set packing with side constraints, by CP-SAT.

One Boolean a column. Atoms are in at most one chosen group (in exactly one if they must join), the
numbers of groups and the shared limits hold. Whole-number data throughout, divided by common
divisors first, so that values far above 2**31 stay easy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from ortools.sat.python import cp_model

from solver import cpsat
from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, join, no_columns
from solver.column_generation.master import Triple
from solver.column_generation.restricted import choose
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.grouping import Grouping
from solver.limits import WORK_PER_DETERMINISTIC_SECOND
from solver.problem import IntArray
from solver.verification import group_value

#: Above so many columns HiGHS looks for a good choice.
MANY = 1_500
#: Seconds that it gets for a unit of the work that CP-SAT would get.
SECONDS_A_UNIT = 4e-6
#: CP-SAT wants every sum within int64; we stay well inside.
_MAX_SUM = 2**61


def incumbent_columns(atoms: Atoms, context: SolveContext) -> Columns:
    """The incumbent's groups as columns."""
    grouping = context.grouping
    if grouping is None or not len(grouping):
        return no_columns()
    kinds, values, members, lengths = [], [], [], [0]
    for group in grouping:
        kinds.append(group.kind)
        values.append(group_value(context.problem, group))
        members += sorted({int(atoms.atom_of[i]) for i in group.members})
        lengths.append(len(members))
    return Columns(*(np.array(part, np.int64) for part in (kinds, values, lengths, members)))


def improve(atoms: Atoms, columns: Columns, context: SolveContext, units: int) -> None:
    """Look for a better incumbent among some columns, within some work."""
    if not len(columns):
        return
    left = context.remaining_work
    if len(columns) > MANY and (left is None or left >= units):
        choose(atoms, columns, context, SECONDS_A_UNIT * units)
        return
    own = incumbent_columns(atoms, context)
    hint = range(len(columns), len(columns) + len(own))
    _pack(atoms, join([columns, own]), context, False, hint, (), units)


def pack_some(atoms: Atoms, columns: Columns, context: SolveContext, units: int | None) -> bool:
    """Find the best choice among some columns within some work; whether that was achieved."""
    status, _ = _pack(atoms, columns, context, False, (), (), units)
    return status in ("OPTIMAL", "INFEASIBLE")


def pack(
    atoms: Atoms, columns: Columns, context: SolveContext, triples: Iterable[Triple] = ()
) -> None:
    """The best choice among some columns and the incumbent's groups, proved.

    The columns must be all that can matter: some optimum of the problem is made of them and of
    the incumbent's groups, if any grouping is feasible. What holds for them is then published as
    holding for the problem.

    Parameters
    ----------
    triples : atoms whose subset rows (see ``master``) are added as cliques.

    Raises
    ------
    ModelTooLarge
        If sums could leave int64.
    """
    own = incumbent_columns(atoms, context)
    hint = range(len(columns), len(columns) + len(own))
    status, best = _pack(atoms, join([columns, own]), context, True, hint, triples)
    # Once a bound has met the incumbent, CP-SAT's later solutions are not listened to.
    if status == "OPTIMAL" and best is not None and context.stop_reason != "optimal":
        context.prove_bound(best)
    if status == "INFEASIBLE":
        context.prove_infeasible()


def _pack(
    atoms: Atoms,
    columns: Columns,
    context: SolveContext,
    whole: bool,
    hint: Sequence[int],
    triples: Iterable[Triple],
    max_work: int | None = None,
) -> tuple[str, int | None]:
    """CP-SAT's status on some columns, and the value of the best choice."""
    problem = atoms.problem
    holders = _holders(atoms, columns)
    if any(must and not held for must, held in zip(atoms.must.tolist(), holders, strict=True)):
        return "INFEASIBLE", None
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in range(len(columns))]
    for must, held in zip(atoms.must.tolist(), holders, strict=True):
        if must:
            model.add_exactly_one(chosen[c] for c in held)
        elif len(held) > 1:
            model.add_at_most_one(chosen[c] for c in held)
    for triple in triples:
        times = Counter(c for atom in triple for c in holders[atom])
        model.add_at_most_one(chosen[c] for c, number in times.items() if number > 1)
    for k in range(problem.num_kinds):
        own = np.flatnonzero(columns.kinds == k).tolist()
        least, most = int(problem.min_groups[k]), int(atoms.max_groups[k])
        if least > len(own) or least > most:
            return "INFEASIBLE", None
        # Disjoint groups cannot be more than items allow; only a tighter number is a row.
        items = problem.num_items // max(1, int(problem.min_size[k]))
        if least > 0 or most < min(items, len(own)):
            model.add_linear_constraint(sum(chosen[c] for c in own), least, most)
    uses = columns.uses(atoms)
    for s in range(problem.num_shared_limits):
        row, divisor, _ = _divide(uses[s], f"use of shared limit {s}")
        limit = int(problem.shared_limit[s]) // divisor
        if sum(value for value in row if value > 0) > limit:
            model.add(cp_model.LinearExpr.weighted_sum(chosen, row) <= limit)
    worth, unit, reach = _divide(columns.values, "values of the groups")
    # Stopped early, CP-SAT reports a bound of 0 that nobody proved. No choice is worth more than
    # ``reach``: with that much taken off, 0 is a true bound.
    model.maximize(cp_model.LinearExpr.weighted_sum(chosen, worth) - reach)
    if hint:
        begin = set(hint)
        for c, variable in enumerate(chosen):
            model.add_hint(variable, c in begin)

    best: int | None = None

    def decode(values: tuple[int, ...]) -> Grouping:
        nonlocal best
        picked = [c for c, value in enumerate(values) if value]
        best = sum(columns.values[picked].tolist())
        return columns.grouping(atoms, picked)

    def bound_of(value: int) -> int:
        return (value + reach) * unit

    outcome = cpsat.run(
        model,
        context,
        watched=chosen,
        decode=decode,
        bound_of=bound_of if whole else None,
        max_work=max_work,
        max_seconds=None if max_work is None else max_work / WORK_PER_DETERMINISTIC_SECOND,
        reach=2 * reach,
    )
    return outcome.status, best


def _holders(atoms: Atoms, columns: Columns) -> list[list[int]]:
    """The columns that hold each atom."""
    order = np.argsort(columns.members, kind="stable")
    holder = columns.holder[order]
    ends = np.cumsum(np.bincount(columns.members, minlength=atoms.num_atoms))
    return [part.tolist() for part in np.split(holder, ends[:-1])]


def _divide(numbers: IntArray, what: str) -> tuple[list[int], int, int]:
    """Numbers without their common divisor, the divisor, and the sum of their sizes."""
    divisor = max(1, int(np.gcd.reduce(numbers))) if len(numbers) else 1
    row: list[int] = (numbers // divisor).tolist()
    size = sum(abs(number) for number in row)
    if size > _MAX_SUM:
        raise ModelTooLarge(what, size, _MAX_SUM)
    return row, divisor, size
