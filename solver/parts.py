"""Large problems by parts: regions solved at the same time, again and again with other borders.

Each round cuts the items into regions (``solver.regions``) that hold every group of the grouping at
hand whole. A region is a problem of its own: its items, and of shared limits and group numbers what
its groups use now plus a share of what is left. So the answers of all regions make one feasible
grouping, and none is worse than before. The next round draws other borders, over which groups can
then form: a large neighbourhood search (Shaw, 1998) whose neighbourhoods are taken in parallel.

Regions run through a ``concurrent.futures.Executor``. A worker that dies costs its work: the region
keeps its groups, and the run goes on. No bound is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import get_all_start_methods, get_context

import numpy as np

from solver.api import solve, strategy_named
from solver.context import SolveContext
from solver.errors import SolverDisagreement
from solver.grouping import Group, Grouping
from solver.limits import Limits
from solver.problem import GroupingProblem, IntArray
from solver.reduction.components import gathered
from solver.reduction.reduction import Reduction
from solver.reduction.subproblem import shared_use, subproblem
from solver.regions import regions
from solver.within import Within

#: Items of a region. On a sparse graph of 3,000 items (degree 20, 3 kinds), with 8 million units of
#: work, regions of 300 by "columns" came within 0.8% of the optimum, regions of 500 by "search"
#: within 9.9%, and "search" on the whole within 7.0%.
PART_ITEMS = 300
#: Work units and seconds for an item of a region in the first round; each round allows more.
UNITS_AN_ITEM, SECONDS_AN_ITEM, GROWTH = 2_000, 0.002, 1.5
#: Seconds of a region at least, if there are so many: a fresh process first loads its kernels.
LEAST_SECONDS = 3.0
#: Rounds in a row without a better grouping after which the run ends.
MAX_FRUITLESS = 3
#: Times that broken processes of our own are replaced.
MAX_LOST = 3
#: Seconds between two looks at the limits while regions are solved elsewhere, and looks between two
#: events for the observer.
_POLL_SECONDS, _LOOKS_AN_EVENT = 0.05, 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back from a region: its grouping and the work it cost."""

    grouping: Grouping | None
    work: int


@dataclass(frozen=True, slots=True)
class Region:
    """A region to solve; ``start`` are its groups now."""

    part: Reduction
    start: Grouping


def solve_region(
    problem: GroupingProblem, limits: Limits, strategy: str, start: Grouping
) -> Answer:
    """Solve one region, wherever that is; never worse than its start."""
    result = solve(problem, limits, strategy, start)
    return Answer(result.grouping, result.work)


def improve_by_parts(
    context: SolveContext,
    strategy: str | None = None,
    executor: Executor | None = None,
    part_items: int = PART_ITEMS,
) -> None:
    """Improve the grouping at hand by regions until limits or stagnation end it.

    Parameters
    ----------
    strategy : name of the strategy for the regions; left out, "columns" where groups are cliques
        of listed pairs, and else "search".
    executor : where regions run; left out, in processes of this machine as ``context.workers``
        says, or right here for one. Problems, limits and answers are pickled.
    part_items : items of a region, about.
    """
    if context.grouping is None:
        from solver.baselines import greedy

        greedy(context)
    if context.grouping is None:
        context.note("parts: no feasible grouping to begin with was found")
        return
    if strategy is None:
        strategy = "columns" if context.problem.absent_pairs == "forbidden" else "search"
    context.phase("parts")
    place = _Place(context, executor)
    try:
        fruitless = number = 0
        while fruitless < MAX_FRUITLESS and not context.stopping():
            before = context.objective
            _round(context, place, strategy, part_items, number)
            number += 1
            fruitless = fruitless + 1 if context.objective == before else 0
    finally:
        place.close()


def _round(
    context: SolveContext, place: _Place, strategy: str, part_items: int, number: int
) -> None:
    grouping = context.grouping
    assert grouping is not None
    problem = context.problem
    context.charge(1 + (problem.num_items + problem.num_pairs) // 10)
    rng = np.random.default_rng([context.limits.seed, number])
    found = cut(problem, grouping, regions(problem, grouping, part_items, rng))
    limits = _limits(context, [r.part.problem.num_items for r in found], place.workers, number)
    answers = place.run(found, limits, strategy)
    groups: list[Group] = []
    for region, answer in zip(found, answers, strict=True):
        best = region.start if answer is None or answer.grouping is None else answer.grouping
        groups += region.part.lift(best).groups
    joined = Grouping(groups)
    if joined != grouping:
        context.offer(joined)


def _limits(context: SolveContext, sizes: Sequence[int], workers: int, number: int) -> list[Limits]:
    """Limits for each region: its share of a round, of what is left at most."""
    growth, total = GROWTH**number, sum(sizes)
    work, seconds = context.remaining_work, context.remaining_seconds
    out = []
    for at, size in enumerate(sizes):
        seed = (context.limits.seed + 7_919 * number + at) % 2**31
        if work is not None:
            units = min(UNITS_AN_ITEM * growth * size, work * size / total)
            out.append(Limits(seconds=None, work=max(1, int(units)), workers=1, seed=seed))
        else:
            wanted = max(LEAST_SECONDS, SECONDS_AN_ITEM * size) * growth
            most = math.inf if seconds is None else seconds * workers * size / total
            out.append(Limits(seconds=max(0.05, min(wanted, most)), workers=1, seed=seed))
    return out


def cut(problem: GroupingProblem, grouping: Grouping, place: IntArray) -> list[Region]:
    """The regions as problems, each with its share of group numbers and shared limits.

    Parameters
    ----------
    grouping : a feasible grouping whose groups are not cut.
    place : int64 [n], the region of each item.
    """
    number = int(place.max(initial=-1)) + 1
    members = gathered(place, number)
    ends = place[problem.pairs]
    same = ends[:, 0] == ends[:, 1]
    pairs = gathered(np.where(same, ends[:, 0], number), number + 1)[:number]
    sizes = np.bincount(place, minlength=number)
    counts = np.zeros((problem.num_kinds, number), np.int64)
    used = np.zeros((problem.num_shared_limits, number), np.int64)
    starts: list[list[int]] = [[] for _ in range(number)]
    for at, group in enumerate(grouping):
        r = int(place[group.members[0]])
        starts[r].append(at)
        counts[group.kind, r] += 1
        used[:, r] += shared_use(problem, group)
    in_use = counts.sum(axis=1)
    more = np.array([_shares(slack, sizes) for slack in (problem.max_groups - in_use).tolist()])
    fewer = np.array([_shares(slack, sizes) for slack in (in_use - problem.min_groups).tolist()])
    spare = [_shares(int(s), sizes) for s in problem.shared_limit - used.sum(axis=1)]
    limits = used + np.array(spare, np.int64).reshape(used.shape)
    kinds, every = np.arange(problem.num_kinds), np.arange(problem.num_shared_limits)
    out = []
    for r, items in enumerate(members):
        smaller = subproblem(
            problem,
            items,
            kinds,
            pairs[r],
            every,
            max_groups=counts[:, r] + more[:, r],
            min_groups=np.maximum(0, counts[:, r] - fewer[:, r]),
            shared_limit=limits[:, r],
        )
        part = Reduction(problem, smaller, items, kinds)
        out.append(Region(part, part.lower(Grouping(grouping.groups[at] for at in starts[r]))))
    return out


def _shares(amount: int, sizes: IntArray) -> list[int]:
    """Whole shares of an amount, 0 or more, in proportion to sizes; they add up to it."""
    total = max(1, int(sizes.sum()))
    # Differences of rounded running totals: exact, and every share within 1 of its due.
    reached = [amount * int(size) // total for size in np.cumsum(sizes)]
    return [high - low for low, high in pairwise([0, *reached])]


class _Place:
    """Where regions are solved: through an executor as long as there is one, or right here."""

    def __init__(self, context: SolveContext, executor: Executor | None) -> None:
        self._context = context
        self._executor = executor
        # The clock decides nothing where a work limit is set: then one region after the other.
        self._own = 0 if executor is not None or context.workers < 2 else context.workers
        self._lost = 0
        self.workers = max(1, self._own, getattr(executor, "_max_workers", 1))
        if self._own:
            self._executor = self._pool()

    def _pool(self) -> Executor | None:
        """Processes of our own, fresh ones: a copy of this one would hold its threads' locks."""
        method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        try:
            return ProcessPoolExecutor(self._own, get_context(method))
        except (OSError, ValueError, AssertionError) as error:
            self._context.note(f"parts: no processes ({error}); regions are solved one by one")
            return None

    def close(self) -> None:
        """End the processes of our own; what they are still at is not waited for."""
        pool = self._executor
        if not self._own or pool is None:
            return
        processes = list((getattr(pool, "_processes", None) or {}).values())
        # Not ``cancel_futures``: a pool that finds its processes gone fails on cancelled ones.
        pool.shutdown(wait=False)
        for process in processes:
            process.terminate()

    def run(
        self, regions: Sequence[Region], limits: Sequence[Limits], strategy: str
    ) -> list[Answer | None]:
        """The answer of each region, ``None`` where there is none."""
        answers: list[Answer | None] = [None] * len(regions)
        executor = self._executor
        if executor is None:
            for at, region in enumerate(regions):
                if self._context.stopping():
                    break
                answers[at] = self._here(region, limits[at], strategy)
            return answers
        waiting: dict[Future[Answer], int] = {}
        failure: Exception | None = None
        try:
            for at, region in enumerate(regions):
                problem = region.part.problem
                task = executor.submit(solve_region, problem, limits[at], strategy, region.start)
                waiting[task] = at
        except RuntimeError as error:  # it broke, or was shut down
            failure = error
        looks = 0
        while waiting:
            done, _ = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED)
            for task in done:
                at = waiting.pop(task)
                try:
                    answer = task.result()
                except SolverDisagreement:
                    raise
                except (Exception, CancelledError) as error:
                    failure = error if isinstance(error, Exception) else failure
                else:
                    answers[at] = answer
                    self._context.charge(answer.work)
            looks += 1
            if looks % _LOOKS_AN_EVENT == 0:
                self._context.phase("parts")  # so that an observer can stop the run
            if self._ended():
                if not self._own:  # ``close`` ends ours, with all they have to do
                    for task in waiting:
                        task.cancel()
                break
        if failure is not None:
            self._replace(failure)
        return answers

    def _ended(self) -> bool:
        """Whether to wait no longer. With a work limit all answers count, however late."""
        if self._context.limits.work is None:
            return self._context.stopping()
        return self._context.stop_reason in ("interrupt", "observer")

    def _replace(self, failure: Exception) -> None:
        """A worker died, or its task failed: go on without what it did."""
        self._lost += 1
        self._context.note(f"parts: a worker failed ({type(failure).__name__}); its work is lost")
        if not isinstance(failure, RuntimeError):  # broken executors are
            return
        if self._own and self._lost <= MAX_LOST:
            self._executor = self._pool()
        else:
            self._context.note("parts: no workers are left; regions are solved one by one")
            self._executor = None
            self.workers = 1

    def _here(self, region: Region, limits: Limits, strategy: str) -> Answer:
        """Solve a region in this process, within the limits of the solve around it."""
        inner = Within(self._context, region.part)
        inner.limits = replace(self._context.limits, gap=0.0, seed=limits.seed)
        inner.offer(region.start)
        before = self._context.work
        with self._context.limited(limits.work, limits.seconds):
            if not inner.stopping():
                strategy_named(strategy)(inner)
        return Answer(inner.grouping, self._context.work - before)
