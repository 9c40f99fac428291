"""Strategy "auto": chooses and combines the others by the size and the structure of the problem.

Small problems go to ``exact``, which proves them within its limits. Others are reduced and split
first (``within.run_reduced``); what is left gets a quick start by ``greedy`` (unless an earlier
solve left a grouping), and by ``parts`` where items are very many. Then the provers take their
turns: ``partition`` for free groupings, ``columns`` for everything, ``exact`` if its model is small
enough. Where items are many, two workers let ``search`` go on beside them the whole time, and the
two exchange groupings (``companion``); one worker searches shortly before, and for the rest of the
limits at the end.

Parts get shares of what is left: of the work where a work limit is set, so that the clock decides
nothing then, and else of the seconds.
"""

from __future__ import annotations

from solver.baselines import greedy
from solver.column_generation import generate_columns
from solver.companion import Companion
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.partitioning import applies, partition
from solver.parts import improve_by_parts
from solver.search import search
from solver.search.driver import compiled_in_time
from solver.within import run_reduced

#: Up to so many items ``exact`` is quickest, and complete.
SMALL = 12
#: Above so many items a short search goes first.
MANY = 60
#: Above so many items that search goes by parts.
VERY_MANY = 10_000
#: Most work of that search: a start for the provers, no more.
FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS = 2_000_000, 2.0
FIRST_SHARE = 0.1
#: Share of what is left that the provers may use, one after the other.
PROVER_SHARE = 0.7
#: Their share where a search accompanies them, and that of parts.
ACCOMPANIED_SHARE, PARTS_SHARE = 0.9, 0.3


def auto(context: SolveContext) -> None:
    """Solve with the strategies that fit the problem's size and structure."""
    if context.problem.num_items <= SMALL:
        exact(context)
    if not context.stopping():
        run_reduced(context, _combined)


def _combined(context: SolveContext) -> None:
    many = context.problem.num_items > MANY
    accompanied = many and context.workers > 1
    if context.grouping is None or context.reuse is None:
        _within(context, greedy, FIRST_SHARE)
    if many and not context.stopping():
        # Compiling must not eat the share of the search, nor outlast the limits.
        if not compiled_in_time(context):
            return
        if context.problem.num_items > VERY_MANY:
            _within(context, improve_by_parts, PARTS_SHARE)
        elif not accompanied:
            _within(context, _brief_search, FIRST_SHARE)
    if accompanied and not context.stopping():
        with Companion(context, search, "search"):
            _prove(context, ACCOMPANIED_SHARE)
    else:
        _prove(context, PROVER_SHARE)
    _unless_stopping(context, search)


def _prove(context: SolveContext, share: float) -> None:
    """Let the provers take their turns."""
    provers: list[Strategy] = [generate_columns, exact]
    if applies(context.problem):
        provers.insert(0, partition)
    for prover in provers:
        _within(context, prover, share)


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
