"""Strategy "enumerate": all groups that can matter, then the best choice among them, proved.

Few groups
    They are simply listed (``group_search``) and packed (``packing``). A group worth nothing that
    nobody obliges to be there is left out (``Atoms.droppable_kind``).

Many groups
    1. *Relaxation* (``generation``): the linear relaxation of the packing over all groups,
       without listing them.
    2. *Bound* (``columns.Prices``): its dual prices, rounded to integers, prove a bound in
       exact arithmetic (Lagrange).
    3. *Reduced-cost enumeration*: groups whose reduced value is below incumbent + 1 - bound are
       in no better grouping; the others are listed. This is the *pool*.
    4. *Cuts* (``pool``): subset rows tighten the relaxation over the pool and empty it further.
    5. *Branching* (``branching``) where the pool is still large.
    6. *Packing*: CP-SAT finds the best choice among what remains, or proves that none is better.

Thousands of atoms
    Before that, ``approach``: prices by subgradients (``ascent``) and exact searches at them prove
    a bound close to the relaxation's without an LP; CP-SAT improves an incumbent region by region
    (``regions``). Above ``EnumerationSettings.largest_master`` atoms the run ends there.

All but step 1 prove in exact integers; floats only suggest prices. Where a step meets its limits
the strategy says so in a note and leaves the incumbent and the bound it has proved.
"""

from solver.column_generation.settings import EnumerationSettings
from solver.column_generation.strategy import enumerate_groups

__all__ = ["EnumerationSettings", "enumerate_groups"]
