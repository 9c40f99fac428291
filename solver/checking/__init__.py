"""Confirms the certificate of a bound, for anyone who does not trust the engine that made it.

Plain loops over Python integers, and no code of any solver:

- ``facts`` reads a problem and the decisions of a branch;
- ``groups`` finds the groups of large reduced value, by branch and bound;
- ``packing`` looks for disjoint groups that are worth more than the claim, on a budget;
- ``bounds`` walks the certificate's tree; ``check_bound`` is its face.
"""

from solver.checking.bounds import BoundCheck as BoundCheck
from solver.checking.bounds import check_bound as check_bound
