"""Reversible reductions: a smaller problem with the same best value, and the way back.

``reduce`` takes out what can be in no feasible group and what never binds; ``split`` separates what
nothing couples. Every rule is exact: integers decide, and a rule that cannot tell changes nothing.
See ``draft`` for the state that rules work on, ``rules`` and ``fitting`` for the rules, and
``solver.within`` for running a strategy on what is left.
"""

from __future__ import annotations

from solver.reduction.components import split
from solver.reduction.reduction import RULES, Reduction, reduce

__all__ = ["RULES", "Reduction", "reduce", "split"]
