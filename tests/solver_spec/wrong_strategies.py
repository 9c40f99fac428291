"""Strategies with a deliberate fault each, to see that the tests find it and say how to repeat it.

None is registered; ``package.module:function`` names them (see ``reproduce``).
"""

from __future__ import annotations

from solver.context import SolveContext
from solver.exact import exact


def bounds_too_low(context: SolveContext) -> None:
    """Call the incumbent optimal as soon as there is one."""
    if context.objective is not None:
        context.prove_bound(context.objective)
    else:
        exact(context)


def gives_up_too_soon(context: SolveContext) -> None:
    """Call every problem infeasible for which nothing is at hand."""
    if context.objective is None:
        context.prove_infeasible()


def forgets_the_last_group(context: SolveContext) -> None:
    """Report the value of a grouping from which a group was lost."""
    exact(context)
    if context.grouping is not None and len(context.grouping.groups) > 1:
        groups = context.grouping.groups[:-1]
        context.grouping = type(context.grouping)(groups)


def crashes(context: SolveContext) -> None:
    """Fail on some problems."""
    if context.problem.num_items % 2:
        raise ZeroDivisionError("an odd number of items")
    exact(context)
