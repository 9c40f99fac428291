"""The pool: all groups that can still matter, tightened by cuts until it can be packed.

A grouping better than the incumbent is worth at most bound + (reduced value of g) if it contains
the group g, at any integer prices. So groups whose reduced value is below incumbent + 1 - bound
leave the pool (Baldacci, Christofides & Mingozzi, 2008), and every better bound, or incumbent,
empties it further. Since all groups are at hand, a relaxation over the pool needs no search: its
pricing is one pass over flat arrays, cuts included.
"""

from __future__ import annotations

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import (
    Columns,
    no_prices,
    proved_bound,
    reduced_values,
)
from solver.column_generation.generation import TOLERANCE, offer_if_whole, usable_prices
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import Master, Triple
from solver.column_generation.packing import improve, incumbent_columns
from solver.context import SolveContext
from solver.problem import IntArray


def tighten(
    atoms: Atoms,
    search: GroupSearch,
    pool: Columns,
    context: SolveContext,
    seeds: Columns,
    triples: list[Triple],
    enough: int,
    packing_units: int,
) -> tuple[Columns, list[Triple]]:
    """Cut and filter the pool until at most ``enough`` groups remain or cuts do not help.

    Parameters
    ----------
    seeds, triples : groups (of the pool or not) and cuts the relaxation begins with.
    packing_units : work for looking for a better incumbent, once.

    Returns
    -------
    The groups that remain, and the triples of the cuts.
    """
    unit = int(np.abs(pool.values).max(initial=1))
    master = Master(atoms, context, unit)
    try:
        master.add(incumbent_columns(atoms, context))
        master.add(seeds)
        uses = pool.uses(atoms)
        if not len(master.columns):
            values = reduced_values(atoms, pool, uses, no_prices(atoms, 1))
            master.add(_best_of_places(atoms, pool, values, -(2**62)))
        master.add_cuts(triples)
        last: float | None = None
        while len(pool) and not context.stopping():
            answer = master.solve()
            prices = None if answer is None else usable_prices(master, answer, search)
            if answer is None or prices is None:
                break
            reduced = reduced_values(atoms, pool, uses, prices)
            context.charge(1 + len(pool.members) // 100)
            least = max(1, prices.scale * unit // TOLERANCE)
            if master.add(_best_of_places(atoms, pool, reduced, least)):
                continue
            roots = np.full(atoms.num_atoms, least - 1, np.int64)
            np.maximum.at(roots, pool.roots, reduced)
            bound = proved_bound(atoms, prices, roots)
            value = bound // prices.scale
            # The pool's bound is the problem's, unless the incumbent is better than the pool.
            context.prove_bound(
                value if context.objective is None else max(value, context.objective)
            )
            offer_if_whole(context, master, answer)
            if last is None and not context.stopping():
                improve(atoms, master.columns, context, packing_units)
            if context.stopping():
                break
            if context.objective is not None:
                keep = reduced >= prices.scale * (context.objective + 1) - bound
                pool, uses = pool.take(keep), uses[:, keep]
            if len(pool) <= enough:
                break
            now = bound / prices.scale
            gap = now - context.objective if context.objective is not None else abs(now)
            stalled = last is not None and last - now < gap / 50
            last = now
            if stalled or not master.add_violated(answer.weights):
                break
    finally:
        master.close()
    return pool, master.triples


def _best_of_places(atoms: Atoms, pool: Columns, reduced: IntArray, least: int) -> Columns:
    """The best column of each root and kind, if its reduced value is ``least`` or more."""
    good = np.flatnonzero(reduced >= least)
    place = pool.roots[good] * atoms.problem.num_kinds + pool.kinds[good]
    order = np.lexsort((-reduced[good], place))
    first = np.ones(len(order), np.bool_)
    first[1:] = place[order][1:] != place[order][:-1]
    return pool.take(good[order[first]])
