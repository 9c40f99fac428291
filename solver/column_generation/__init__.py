"""Strategies "columns" and "enumerate": the best choice among all groups, proved.

A grouping is a set packing: choose groups (*columns*) so that every item is in one at most and the
numbers of groups and the shared limits hold. "enumerate" lists all groups and leaves the choice to
CP-SAT. "columns" does so too where they are few, and otherwise never lists them all. To read on, in
this order:

1. *Atoms* (``atoms``): pins and items that go together become one, so both rules vanish.
2. *Pricing* (``kernels``, run by ``group_search``): the groups of greatest value less dual prices,
   exact, by a depth-first search over cliques with a Lagrangian bound; the groups of each first
   atom by themselves, so that workers share the atoms among them.
3. *Master* (``master``): the linear relaxation over the columns met so far, by GLOP. Master and
   pricing in turn are column generation (Gilmore & Gomory, 1961; ``generation``).
4. *Bound* (``columns.Prices``): dual prices rounded to integers prove a bound in exact arithmetic
   at any moment (Lagrange; Lasdon, 1970), converged or not. Floats only suggest prices.
5. *Cuts* (``odd_sets``): subset rows over odd sets of atoms tighten the relaxation; pricing
   carries their prices (Jepsen, Petersen, Spoorendonk & Pisinger, 2008).
6. *Reduced-cost enumeration* (``pool``): groups whose reduced value is below incumbent + 1 - bound
   are in no better grouping (Baldacci, Christofides & Mingozzi, 2008). The others are listed where
   they are few enough: the *pool*, over which pricing is one pass.
7. *Packing* (``packing``, ``budget``): CP-SAT, told what a choice loses against the prices, finds
   the best choice among the groups that are left, or proves that none is better. It begins with the
   groups that lose least, a window below the bound: each window lowers the bound or ends the run,
   so no incumbent is needed.
8. *Completing* and *diving* (``restricted``, ``diving``, ``chains``): where a window takes too
   long, whole solutions near the relaxation's, by HiGHS or by choosing columns for good and pricing
   again; then from a part of what was chosen.
9. *Branching* (``branch``, ``branching``): by numbers of groups, atoms, pairs of atoms (Ryan &
   Foster, 1981) and kinds of atoms; best bound first, over the pool or, where that cannot be
   listed, over all groups, with pricing inside each branch (``branch_search``).

Few groups from very many
    Where a grouping has few groups and the search takes seconds, ``few_groups`` goes another way:
    prices from quick searches, chains of dives, one list of all groups that lose little against
    the prices, and cuts, packing and branching among these; then a longer list.

Thousands of atoms
    Before that, ``approach``: prices by subgradients (``ascent``) and exact searches at them prove
    a bound close to the relaxation's without an LP; HiGHS improves an incumbent region by region,
    as many at the same time as there are workers (``region_search``). Above
    ``EnumerationSettings.largest_master`` atoms the run ends there.

What was proved is kept as it is proved (``proof``), for a certificate; groups and cuts are handed
on to a later solve (``recall``).

Where a step meets its limits the strategy says so in a note and leaves the incumbent and the bound
it has proved.
"""

from solver.column_generation.settings import EnumerationSettings
from solver.column_generation.strategy import enumerate_groups, generate_columns

__all__ = ["EnumerationSettings", "enumerate_groups", "generate_columns"]
