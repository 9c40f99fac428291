"""The best choice among given groups: a set packing with side constraints, by CP-SAT or HiGHS.

Atoms are in at most one chosen group (in exactly one if they must join), the numbers of groups and
the shared limits hold. CP-SAT proves, from a bound downwards (``budget``); HiGHS finds good choices
among thousands of groups where there are no good prices (``restricted``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.branch import Branch
from solver.column_generation.budget import Packed, Packing
from solver.column_generation.columns import (
    Columns,
    Prices,
    join,
    no_columns,
    no_prices,
    reduced_values,
)
from solver.column_generation.restricted import Room, choose
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.limits import WORK_PER_DETERMINISTIC_SECOND
from solver.problem import BoolArray, IntArray
from solver.verification import group_value, verify

#: Above so many columns HiGHS looks for a good choice.
MANY = 1_500
#: Seconds that it gets for a unit of the work that CP-SAT would get.
SECONDS_A_UNIT = 4e-6
#: The first window is a 2**NARROWEST-th part of the bound.
NARROWEST = 14


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


def first_that_fit(
    atoms: Atoms, columns: Columns, uses: IntArray, context: SolveContext
) -> BoolArray:
    """A choice, bool [N]: columns of value in their order, each if those before leave it room.

    Parameters
    ----------
    uses : int64 [L, N], as ``columns.uses`` gives them.
    """
    room = atoms.problem.shared_limit.astype(object)  # a use below 0 may take it beyond int64
    left = atoms.max_groups.tolist()
    taken = np.zeros(atoms.num_atoms, np.bool_)
    chosen = np.zeros(len(columns), np.bool_)
    start, kinds = columns.start.tolist(), columns.kinds.tolist()
    for c in np.flatnonzero(columns.values > 0).tolist():
        members = columns.members[start[c] : start[c + 1]]
        use = uses[:, c]
        fits = ((use <= 0) | (use <= room)).all()
        if left[kinds[c]] and not taken[members].any() and fits:
            chosen[c] = True
            taken[members] = True
            left[kinds[c]] -= 1
            room = room - use
    context.charge(2 * len(columns))
    return chosen


def offer_first(atoms: Atoms, columns: Columns, worth: IntArray, context: SolveContext) -> None:
    """Offer the first columns that fit, by falling worth [N], if that is better and feasible."""
    by_worth = columns.take(np.argsort(-worth, kind="stable"))
    chosen = first_that_fit(atoms, by_worth, by_worth.uses(atoms), context)
    if context.objective is None or sum(by_worth.values[chosen].tolist()) > context.objective:
        grouping = by_worth.grouping(atoms, np.flatnonzero(chosen).tolist())
        if verify(context.problem, grouping).feasible:
            context.offer(grouping)


def improve(atoms: Atoms, columns: Columns, context: SolveContext, units: int) -> None:
    """Look for a better incumbent among some columns, within some work."""
    if not len(columns):
        return
    left = context.remaining_work
    # With a work limit HiGHS has a limit of nodes and none of work: only where there is plenty.
    if len(columns) > MANY and (left is None or left >= units):
        choose(atoms, columns, context, SECONDS_A_UNIT * units)
        return
    columns = join([columns, incumbent_columns(atoms, context)])
    _run(_packing(atoms, columns, context, None), context, units)


def descend(
    atoms: Atoms,
    columns: Columns,
    prices: Prices,
    bound: int | None,
    context: SolveContext,
    units: int | None,
    floor: int | None = None,
    most: int | None = None,
) -> bool:
    """Pack by the columns that lose little against prices, then by more, down to the incumbent.

    Columns that lose more than a window are in no grouping worth more than bound - window, so each
    packing either finds the best grouping or lowers the bound by its window.

    Parameters
    ----------
    columns : with a ``bound``, all that can be in a grouping worth more than the incumbent and than
        ``floor``.
    bound : what the prices prove, times their scale; ``None`` if the columns are only some.
    units : of work for one packing, if limited.
    most : columns of one packing, if limited.

    Returns
    -------
    Whether no packing met its own limits. With a bound, unless the run is ending, this is now at
    ``floor`` or the incumbent.
    """
    scale = prices.scale
    reduced = reduced_values(atoms, columns, columns.uses(atoms), prices)
    order = np.argsort(-reduced, kind="stable")
    falling = -reduced[order]
    top = prices.cost(atoms) if bound is None else bound
    window = max(abs(top) >> NARROWEST, scale)
    while not context.stopping():
        before = context.objective
        known = [value for value in (before, floor) if value is not None]
        wanted = (top - window) // scale
        last = bool(known) and wanted <= max(known) + 1
        if last:
            wanted = max(known) + 1
        number = int(np.searchsorted(falling, top - scale * wanted, side="right"))
        beat: int | None = wanted - 1
        if not known and number == len(columns):
            beat, last = None, True
        if most is not None and number > most:
            return False
        inside = columns.take(np.sort(order[:number]))
        if bound is not None:
            if not pack(atoms, inside, context, prices, beat, units):
                return False
        else:
            found = _run(_packing(atoms, inside, context, prices, beat), context, units)
            if context.objective != before or not found.decided:
                return False
        if last:
            return True
        window *= 4
    return True


def pack_some(
    atoms: Atoms,
    columns: Columns,
    context: SolveContext,
    units: int | None,
    branch: Branch,
    prices: Prices | None,
    beat: int | None = None,
) -> bool:
    """Find a better incumbent among the columns of a branch; whether the best one is known then.

    Parameters
    ----------
    units : of work, if limited.
    prices : dual prices of the branch, for losses (see ``budget``).
    beat : only what is worth more counts.
    """
    packing = _packing(atoms, columns, context, prices, beat)
    must = atoms.must.copy()
    must[sorted(branch.covered)] = True
    room = replace(packing.room, least=np.array(branch.least), most=np.array(branch.most))
    return _run(replace(packing, must=must, room=room), context, units).decided


def pack(
    atoms: Atoms,
    columns: Columns,
    context: SolveContext,
    prices: Prices | None = None,
    beat: int | None = None,
    units: int | None = None,
) -> bool:
    """The best choice among some columns, proved; whether it was found.

    The columns must be all that can be in a grouping worth more than the incumbent and more than
    ``beat``. What holds for them is then published as holding for the problem.

    Parameters
    ----------
    prices : dual prices of the problem, for losses (see ``budget``).
    units : of work, if limited.

    Raises
    ------
    ModelTooLarge
        If sums could leave int64.
    """
    packing = _packing(atoms, columns, context, prices, beat)
    found = _run(packing, context, units, whole=True)
    if found.status == "OPTIMAL" and context.objective is not None:
        # Once a bound has met the incumbent, CP-SAT's later solutions are not listened to.
        if context.stop_reason != "optimal":
            context.prove_bound(context.objective)
    elif found.status == "INFEASIBLE":
        if packing.beat is None:
            context.prove_infeasible()
        else:
            context.prove_bound(packing.beat)
    return found.decided


def _packing(
    atoms: Atoms,
    columns: Columns,
    context: SolveContext,
    prices: Prices | None,
    beat: int | None = None,
) -> Packing:
    """A choice among some columns that is worth more than the incumbent, and than ``beat``."""
    problem = atoms.problem
    if beat is None or (context.objective is not None and context.objective > beat):
        beat = context.objective
    return Packing(
        atoms,
        columns,
        columns.uses(atoms),
        no_prices(atoms, 1) if prices is None else prices,
        Room(problem.min_groups, atoms.max_groups, problem.shared_limit),
        beat,
    )


def _run(packing: Packing, context: SolveContext, units: int | None, whole: bool = False) -> Packed:
    """Run a packing within some units of work; without prices where these are too large."""
    seconds = None if units is None else units / WORK_PER_DETERMINISTIC_SECOND
    try:
        return packing.run(context, whole=whole, max_work=units, max_seconds=seconds)
    except ModelTooLarge:
        plain = replace(packing, prices=no_prices(packing.atoms, 1))
        return plain.run(context, whole=whole, max_work=units, max_seconds=seconds)
