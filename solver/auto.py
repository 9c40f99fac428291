"""Strategy "auto": chooses and combines the others by the size of the problem.

Small problems go to ``exact``, which proves them within its limits. Others get a quick start by
``greedy``; then ``enumerate`` proves what it can, after a short ``search`` where there are many
items and a good incumbent saves it work. What is left open goes to ``exact`` if its model is small
enough, and the rest of the limits to ``search``. Parts get shares of what is left: of the work
where a work limit is set, so that the clock decides nothing then, and else of the seconds.
"""

from __future__ import annotations

from solver.baselines import greedy
from solver.column_generation import enumerate_groups
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.search import search
from solver.search.driver import compiled_in_time

#: Up to so many items ``exact`` is quickest, and complete.
SMALL = 12
#: Above so many items a short search goes first.
MANY = 60
#: Most work of that search: a start for the provers, no more.
FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS = 2_000_000, 2.0
FIRST_SHARE = 0.1
#: Share of what is left that the provers may use, one after the other.
PROVER_SHARE = 0.7


def auto(context: SolveContext) -> None:
    """Solve with the strategies that fit the problem's size."""
    if context.problem.num_items <= SMALL:
        exact(context)
        if context.stopping():
            return
    _within(context, greedy, FIRST_SHARE)
    if context.problem.num_items > MANY and not context.stopping():
        # Compiling must not eat the share of the search, nor outlast the limits.
        if not compiled_in_time(context):
            return
        _within(context, _brief_search, FIRST_SHARE)
    for prover in (enumerate_groups, exact):
        _within(context, prover, PROVER_SHARE)
    _unless_stopping(context, search)


def _brief_search(context: SolveContext) -> None:
    with context.limited(FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS):
        search(context)


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
