"""Bound and incumbent of large problems before any LP: prices by subgradients, then regions.

Rounds of ``ascent`` on the known groups, and of an exact search for better ones at its prices. Each
search proves a bound. A root's search asks only for groups better than the best known one of this
root, which prunes more the better the known groups are.
"""

from __future__ import annotations

import numpy as np

from solver.column_generation.ascent import ascend, by_root, no_duals, rounded
from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import (
    Columns,
    best_of_roots,
    join,
    proved_bound,
    reduced_values,
)
from solver.column_generation.generation import Relaxation
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import incumbent_columns, offer_first
from solver.column_generation.proof import Proof
from solver.column_generation.region_search import Regions
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext

#: Rounds at most; one that lowers the bound by less than its LEAST_GAIN-th part is the last.
ROUNDS, LEAST_GAIN = 12, 5_000
#: Subgradient steps of a round, and the first target's distance in the first and in later rounds.
STEPS, FIRST_REACH, REACH = 600, 0.1, 0.03
#: New groups of a root in a round.
GROUPS_PER_ROOT = 5
#: Groups an atom may have, on average, among those handed on.
HANDED_ON = 3


def approach(
    atoms: Atoms,
    search: GroupSearch,
    context: SolveContext,
    settings: EnumerationSettings,
    seeds: Columns,
    proof: Proof,
) -> tuple[Columns, Relaxation | None]:
    """Prove a bound and find an incumbent; returns the most promising groups and what is proved."""
    context.phase("subgradients")
    pool, duals = seeds, no_duals(atoms)
    proved: Relaxation | None = None
    for number in range(ROUNDS):
        pool = by_root(pool)
        duals = ascend(atoms, pool, duals, STEPS, REACH if number else FIRST_REACH, context)
        prices = rounded(atoms, duals, search.scale)
        while prices.scale > 2 and not search.accepts(prices):
            prices = rounded(atoms, duals, prices.scale // 2)
        if context.stopping() or not search.accepts(prices):
            break
        known = np.zeros(atoms.num_atoms, np.int64)
        reduced = reduced_values(atoms, pool, pool.uses(atoms), prices)
        np.maximum.at(known, pool.roots, reduced)
        offer_first(atoms, pool, reduced, context)
        # Hard roots of the first rounds are left early: prices far from good make them hard.
        units = settings.root_units[0] * (1 if number < 2 else 1_000)
        found = search.improving(prices, known + 1, units, settings.large_pricing_units)
        if context.stopping() or found.too_many:
            break
        pool = join([pool, best_of_roots(atoms, found.columns, prices, GROUPS_PER_ROOT)])
        if not found.complete:
            continue
        bound = proved_bound(atoms, prices, np.maximum(found.best, known))
        value = bound // prices.scale
        gained = None if proved is None else proved.bound // proved.prices.scale - value
        if gained is None or gained > 0:
            proved = Relaxation(prices, bound)
            if context.bound is None or value < context.bound:
                proof.relaxed(prices)
            context.prove_bound(value)
        if gained is not None and gained <= abs(value) // LEAST_GAIN:
            break
    if proved is None or context.stopping():
        return seeds, proved
    prices = proved.prices
    context.phase("regions")
    Regions(atoms, context, pool, prices).run()
    order = np.argsort(-reduced_values(atoms, pool, pool.uses(atoms), prices), kind="stable")
    handed = pool.take(order[: HANDED_ON * atoms.num_atoms])
    return join([incumbent_columns(atoms, context), handed]), proved
