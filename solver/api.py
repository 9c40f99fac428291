"""``solve``: one door to every strategy, and the last check of every answer."""

from __future__ import annotations

import time
from importlib import import_module

from solver.context import SolveContext, Strategy
from solver.errors import SolverDisagreement, UnknownStrategy
from solver.events import Observer
from solver.grouping import Grouping
from solver.interrupt import ctrl_c
from solver.limits import Limits
from solver.problem import GroupingProblem
from solver.result import Result, Status
from solver.reuse import ItemMap, Reuse
from solver.verification import verify

#: Strategies by name: where each lives, loaded on first use.
_STRATEGIES: dict[str, str | Strategy] = {
    "auto": "solver.auto:auto",
    "exact": "solver.exact:exact",
    "columns": "solver.column_generation:generate_columns",
    "enumerate": "solver.column_generation:enumerate_groups",
    "partition": "solver.partitioning:partition",
    "search": "solver.search:search",
    "greedy": "solver.baselines:greedy",
    "louvain": "solver.baselines:louvain",
    "random": "solver.baselines:random_grouping",
}


def strategies() -> tuple[str, ...]:
    """Names of the registered strategies."""
    return tuple(_STRATEGIES)


def register_strategy(name: str, strategy: Strategy) -> None:
    """Add a strategy under a new name.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    if name in _STRATEGIES:
        raise ValueError(f"a strategy named {name!r} is registered already")
    _STRATEGIES[name] = strategy


def strategy_named(name: str) -> Strategy:
    """The strategy registered under a name.

    Raises
    ------
    UnknownStrategy
        If there is none; the message lists the names.
    """
    try:
        found = _STRATEGIES[name]
    except KeyError:
        known = ", ".join(strategies())
        raise UnknownStrategy(f"no strategy is named {name!r}; there are {known}") from None
    if isinstance(found, str):
        module, _, function = found.partition(":")
        loaded: Strategy = getattr(import_module(module), function)
        return loaded
    return found


def solve(
    problem: GroupingProblem,
    limits: Limits | None = None,
    strategy: str = "auto",
    start: Grouping | None = None,
    observer: Observer | None = None,
    reuse: Result | None = None,
    item_map: ItemMap | None = None,
) -> Result:
    """Find a grouping of greatest value, with the best bound the strategy can prove.

    Parameters
    ----------
    problem : what to solve.
    limits : when to stop; ``Limits()`` when left out.
    strategy : name of a registered strategy.
    start : a grouping to begin from, whole or partial, feasible or not. The answer is never worse
        than a feasible start.
    observer : called with an ``Event`` on the solving thread; returning ``False`` stops the solve.
    reuse : result of a solve of nearly the same problem, with the same kinds. Its grouping is a
        start (if no other is given), and strategies may take up its groups and cuts. All are
        checked and valued anew, so a stale or foreign result costs time and harms nothing.
    item_map : with ``reuse``, the number in this problem of each item of that one, ``None`` for an
        item that is gone; the same numbers if left out.

    Raises
    ------
    UnknownStrategy
        If no strategy has that name.
    SolverDisagreement
        If a strategy's claim and ``verify`` differ: a defect, never returned as a plan.
    """
    began = time.monotonic()
    run = strategy_named(strategy)
    carried = _carried(reuse, item_map)
    if start is None and carried is not None:
        start = carried.start(problem)
    return solve_by(run, strategy, problem, limits, start, observer, began, carried)


def solve_by(
    run: Strategy,
    name: str,
    problem: GroupingProblem,
    limits: Limits | None = None,
    start: Grouping | None = None,
    observer: Observer | None = None,
    began: float | None = None,
    carried: Reuse | None = None,
) -> Result:
    """``solve`` by a function that need not be registered; ``name`` is what the result says."""
    limits = Limits() if limits is None else limits
    context = SolveContext(problem, limits, start, observer, began, carried)
    with ctrl_c(context):
        try:
            if not _trivial(context):
                _offer_least(context)
                if start is not None:
                    _offer_start(context, start)
                if not context.stopping():
                    run(context)
        except KeyboardInterrupt:
            context.interrupt()
    return _result(context, name)


def _carried(reuse: Result | None, item_map: ItemMap | None) -> Reuse | None:
    """What an earlier result hands on, in this problem's numbers."""
    if reuse is None:
        return None
    kept = reuse.reuse if isinstance(reuse.reuse, Reuse) else Reuse()
    groups = dict.fromkeys([*(reuse.grouping or ()), *kept.groups])
    carried = Reuse(reuse.grouping, tuple(groups), kept.cuts)
    return carried if item_map is None else carried.moved(item_map)


def _trivial(context: SolveContext) -> bool:
    """Without items or kinds the empty grouping is the only one."""
    problem = context.problem
    if problem.num_items and problem.num_kinds:
        return False
    empty = Grouping()
    if verify(problem, empty).feasible:
        context.offer(empty)
        context.prove_bound(0)
    else:
        context.prove_infeasible()
    return True


def _offer_least(context: SolveContext) -> None:
    """The pins and nothing else is an answer wherever the rules allow it."""
    least = Grouping(context.problem.pinned)
    if verify(context.problem, least).feasible:
        context.offer(least)


def _offer_start(context: SolveContext, start: Grouping) -> None:
    if verify(context.problem, start).feasible:
        context.offer(start)
        return
    from solver.repair import repair

    repaired = repair(context.problem, start)
    if repaired is not None:
        context.offer(repaired)


def _result(context: SolveContext, strategy: str) -> Result:
    context.stopping()
    if context.infeasible:
        status = Status.INFEASIBLE
    elif context.grouping is None:
        status = Status.UNKNOWN
    elif context.objective == context.bound:
        status = Status.OPTIMAL
    else:
        status = Status.FEASIBLE
    if context.grouping is not None:
        verdict = verify(context.problem, context.grouping)
        if not verdict.feasible or verdict.objective != context.objective:
            raise SolverDisagreement(f"{strategy}: the answer does not pass verify: {verdict}")
    return Result(
        status=status,
        grouping=context.grouping,
        objective=context.objective,
        bound=None if context.infeasible else context.bound,
        stopped_by=context.stop_reason or "exhausted",
        strategy=strategy,
        seconds=context.seconds,
        work=context.work,
        trace=tuple(context.trace),
        certificate=None if context.infeasible else context.certificate,
        notes=tuple(context.notes),
        reuse=context.kept,
    )
