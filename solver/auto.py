"""Strategy "auto": chooses and combines the others by the size and the structure of the problem.

Small problems go to ``exact``, which mostly proves them soon. What is not is reduced and split
first (``within.run_reduced``). What is left gets a quick start: by ``greedy`` (unless an earlier
solve left a grouping), and by ``parts`` where items are very many; or, where a single worker has
many items, by a short ``search``, and by ``greedy`` if that finds nothing. Then the provers take
their turns: ``partition`` for free groupings, ``columns`` for everything, ``exact`` if its model is
small enough; a free grouping whose gap is out of reach of the first is left to the search. Where
items are many, a second worker looks for better groupings beside them, and the two exchange what
they find (``companion``). When the provers are done all workers look further for the rest of the
limits, each with a seed of its own. Better groupings come from ``search``; where groups are
cliques, from ``neighbourhoods`` with ``search`` by turns, and then ``columns`` has all workers
until it spares one, since its searches over groups use them. Where items or cliques are very many
it has them all the time, and ``parts`` follows.

Parts get shares of what is left: of the work where a work limit is set, so that the clock decides
nothing then, and else of the seconds.
"""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack

from solver.baselines import greedy
from solver.column_generation import generate_columns
from solver.column_generation.settings import EnumerationSettings
from solver.companion import Companion
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.neighbourhoods import applies as neighbourhoods_apply
from solver.neighbourhoods import improve_by_neighbourhoods
from solver.partitioning import applies, partition_within_reach
from solver.parts import improve_by_parts
from solver.search import prepared, search
from solver.search.driver import compiled_in_time, compiling_ended
from solver.within import run_reduced

#: Up to so many items ``exact`` is quickest, and mostly complete within this share of the limits.
SMALL, SMALL_SHARE = 12, 0.5
#: Above so many items there is a search before the provers, or beside them.
MANY = 30
#: Above so many items that search goes by parts.
VERY_MANY = 10_000
#: Most work of that search, a start for the provers and no more; and of ``greedy``.
FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS = 2_000_000, 2.0
GREEDY_WORK, GREEDY_SECONDS = 1_000_000, 1.0
#: Shares of what is left that the two may use.
FIRST_SHARE, GREEDY_SHARE = 0.2, 0.1
#: Share of what is left that the provers may use, one after the other.
PROVER_SHARE = 0.7
#: Their share where a search accompanies them, and that of parts.
ACCOMPANIED_SHARE, PARTS_SHARE = 0.9, 0.3
#: Of so few seconds ``exact`` gets none where items are many: building its model may take one.
EXACT_SECONDS = 3.0
#: Pairs are few where so many times as many are less than the items squared.
SPARSE = 16
#: Problems of so many items, or of so many pairs that ``columns`` goes by regions, are large.
LARGE = 5_000
#: Seconds between two looks at whether others have found something.
_POLL_SECONDS = 0.02
_SIZES = EnumerationSettings()


def auto(context: SolveContext) -> None:
    """Solve with the strategies that fit the problem's size and structure."""
    if context.problem.num_items <= SMALL:
        _within(context, exact, SMALL_SHARE)
    if not context.stopping() and compiling_ended(context):
        run_reduced(context, _combined)


def _combined(context: SolveContext) -> None:
    problem = context.problem
    many = problem.num_items > MANY
    # Of large sparse problems ``columns`` has a use for all workers, and for all the time.
    large = problem.num_items >= LARGE or problem.num_pairs >= _SIZES.large_pairs
    sparse = SPARSE * problem.num_pairs <= problem.num_items**2
    alone = large and sparse and neighbourhoods_apply(problem)
    accompanied = many and not alone and context.workers > 1
    # ``partition`` has no use for a second worker; ``columns`` has while it searches groups.
    waits = accompanied and neighbourhoods_apply(problem) and not applies(problem)
    searches = many and not accompanied and problem.num_items <= VERY_MANY
    by_parts = problem.num_items > VERY_MANY and not (alone or waits)
    compiles = searches or by_parts or (accompanied and not waits)
    # Where the clock counts, compiling may take all of it: then there is to be an answer before.
    unready = context.remaining_seconds is not None and not prepared()
    if (not searches or unready) and (context.grouping is None or context.reuse is None):
        _within(context, _brief_greedy, GREEDY_SHARE)
    # Compiling must not eat the share of the search, nor outlast the limits.
    if context.stopping() or (compiles and not compiled_in_time(context)):
        return
    if by_parts:
        _within(context, improve_by_parts, PARTS_SHARE)
    elif searches:
        before = context.objective
        _within(context, _brief_search, FIRST_SHARE)
        if context.objective == before and not unready:
            _within(context, _brief_greedy, GREEDY_SHARE)
    if accompanied and not context.stopping():
        with Companion(context, _beside, "second worker", waits):
            _prove(context, ACCOMPANIED_SHARE)
            _look_further_together(context)
        return
    _prove(context, 1.0 if alone else PROVER_SHARE)
    if alone:
        _unless_stopping(context, improve_by_parts)
    _look_further_together(context)


def _prove(context: SolveContext, share: float) -> None:
    """Let the provers take their turns."""
    out_of_reach = False

    def partition(inner: SolveContext) -> None:
        nonlocal out_of_reach
        out_of_reach = not partition_within_reach(inner)

    provers: list[Strategy] = [generate_columns, exact]
    if applies(context.problem):
        provers.insert(0, partition)
    for prover in provers:
        # What is out of reach of the relaxation for free groupings is so of the others.
        if out_of_reach:
            return
        left = context.remaining_seconds  # of this part, where the problem has several
        short = left is not None and share * left < EXACT_SECONDS
        if prover is exact and short and context.problem.num_items > MANY:
            context.note("exact: left out, as building its model would take what is left")
            return
        _within(context, prover, share)
        if not context.stopping():
            context.spare_a_worker()


def _brief_greedy(context: SolveContext) -> None:
    with context.limited(GREEDY_WORK, GREEDY_SECONDS):
        greedy(context)


def _brief_search(context: SolveContext) -> None:
    with context.limited(FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS):
        search(context)


def _beside(context: SolveContext) -> None:
    """What a second worker does all the time."""
    if neighbourhoods_apply(context.problem) and context.objective is None:
        _brief_search(context)
    _unless_stopping(context, _look_further)


def _look_further_together(context: SolveContext) -> None:
    """Look for better groupings with all workers that are left, each in its own order."""
    with ExitStack() as together:
        for number in range(context.workers - 1):
            name = f"worker {number + 3}"
            together.enter_context(Companion(context, _look_further, name, seed=number + 2))
        _unless_stopping(context, _look_further)
        while context.accompanied and not context.stopping():
            time.sleep(_POLL_SECONDS)


def _look_further(context: SolveContext) -> None:
    """Look for better groupings until nothing brings any."""
    if context.objective is None or not neighbourhoods_apply(context.problem):
        search(context, 1)
    if not neighbourhoods_apply(context.problem):
        return
    work, seconds = FIRST_SEARCH_WORK, FIRST_SEARCH_SECONDS
    done_with: int | None = None
    for turn in itertools.count():
        before = context.objective
        if before is None or context.stopping():
            return
        if before != done_with and improve_by_neighbourhoods(context, turn):
            done_with = context.objective
        with context.limited(work, seconds):
            if not context.stopping():
                search(context, turn + 2)
            cut_short = context.stopping()
        if context.objective == before and not cut_short:
            return
        work, seconds = 2 * work, 2 * seconds


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
