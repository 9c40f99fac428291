"""Strategy "auto": chooses and combines the others by the size of the problem.

Small problems go to ``exact`` at once, which proves them. Others get a quick start by ``greedy``
and ``search``, then ``enumerate``, which proves what it can; what that leaves open goes to
``exact`` if its model is small enough, and the rest of the limits to ``search``. Shares of the
limits are shares of work where a work limit is set, so the clock decides nothing then.
"""

from __future__ import annotations

from solver.baselines import greedy
from solver.context import SolveContext, Strategy
from solver.enumeration import enumerate_groups
from solver.exact import exact
from solver.search import search

#: Up to so many items ``exact`` is quickest, and complete.
SMALL = 12
#: Work of the first search: a start for the provers, no more.
FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS = 2_000_000, 2.0
#: Share of what is left that the provers may use, one after the other.
PROVER_SHARE = 0.7


def auto(context: SolveContext) -> None:
    """Solve with the strategies that fit the problem's size."""
    if context.problem.num_items <= SMALL:
        exact(context)
        if context.stopping():
            return
    _within(context, greedy, 0.1)
    with context.limited(FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS):
        _unless_stopping(context, search)
    for prover in (enumerate_groups, exact):
        _within(context, prover, PROVER_SHARE)
    _unless_stopping(context, search)


def _within(context: SolveContext, strategy: Strategy, share: float) -> None:
    """Run a strategy with a share of what is left of the limits."""
    work, seconds = context.remaining_work, context.remaining_seconds
    with context.limited(
        None if work is None else int(work * share), None if seconds is None else seconds * share
    ):
        _unless_stopping(context, strategy)


def _unless_stopping(context: SolveContext, strategy: Strategy) -> None:
    if not context.stopping():
        strategy(context)
