"""Large problems by parts: regions, their shares of the rules, executors and what goes wrong."""

from __future__ import annotations

import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import pytest
from solver_spec.checking import complaints
from solver_spec.judging import grouping_of, numbered_problem, numbered_problem_code
from solver_spec.oracle import feasible_groupings
from solver_spec.rings import ring

from solver import Group, Grouping, GroupingProblem, Limits, api, solve, verify
from solver.context import SolveContext
from solver.parts import _shares, cut, improve_by_parts, solve_region
from solver.regions import regions

SEED = 20_260_304


@pytest.fixture
def solve_by_parts(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(problem: GroupingProblem, limits: Limits, start: Any = None, **options: Any) -> Any:
        def strategy(context: SolveContext) -> None:
            improve_by_parts(context, **{"strategy": "search", **options})

        monkeypatch.setitem(api._STRATEGIES, "parts", strategy)
        return solve(problem, limits, strategy="parts", start=start)

    return run


def test_regions_cut_nothing_that_belongs_together() -> None:
    problem = ring(200, together=((3, 150),), pinned=(Group(0, (20, 21, 22)),))
    grouping = Grouping([Group(0, (20, 21, 22)), Group(0, (60, 61, 62)), Group(1, (198, 199))])
    for seed in range(5):
        place = regions(problem, grouping, 30, np.random.default_rng(seed))
        assert place.min() == 0
        assert (np.bincount(place) > 0).all()
        assert np.bincount(place)[:-1].min() >= 30
        assert np.bincount(place).max() < 30 + 5
        assert place[3] == place[150]
        for group in grouping:
            assert len(set(place[list(group.members)])) == 1
    # A region is compact: few pairs lead out of it.
    ends = place[problem.pairs]
    assert (ends[:, 0] != ends[:, 1]).mean() < 0.25


def test_regions_shift() -> None:
    problem = ring(100)
    places = [regions(problem, Grouping(), 20, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert (places[0] == places[1]).all()
    assert (places[0] != places[2]).any()


@pytest.mark.parametrize("amount", [0, 1, 7, 10**18])
def test_shares_add_up(amount: int) -> None:
    shares = _shares(amount, np.array([3, 0, 5, 1, 1]))
    assert sum(shares) == amount
    assert min(shares) >= 0
    assert shares[1] == 0


def test_regions_answers_make_a_feasible_whole() -> None:
    """Any feasible groupings of the regions together are feasible, over all fields."""
    several = 0
    for index in range(150):
        problem, best = numbered_problem(SEED, index, 7)
        if best is None:
            continue
        rng = np.random.default_rng(index)
        for one in feasible_groupings(problem, 4):
            grouping = grouping_of(one.groups)
            found = cut(problem, grouping, regions(problem, grouping, 2, rng))
            several += len(found) > 1
            value, groups = 0, []
            for region in found:
                assert verify(region.part.problem, region.start).feasible
                *_, last = feasible_groupings(region.part.problem, 8)
                value += last.objective
                groups += region.part.lift(grouping_of(last.groups)).groups
            verdict = verify(problem, Grouping(groups))
            assert verdict.feasible, (verdict, numbered_problem_code(SEED, index, 7))
            assert verdict.objective == value
    assert several > 50


@pytest.mark.parametrize("strategy", ["search", "exact"])
def test_random_problems(strategy: str, solve_by_parts: Any) -> None:
    for index in range(40):
        problem, best = numbered_problem(SEED + 1, index, 7)
        result = solve_by_parts(problem, Limits(work=60_000), strategy=strategy, part_items=3)
        found = complaints(problem, result, best)
        assert not found, (found, numbered_problem_code(SEED + 1, index, 7))


def test_rounds_improve_on_each_other(solve_by_parts: Any) -> None:
    """Other borders let groups form that the first ones cut."""
    problem = ring(120)
    result = solve_by_parts(problem, Limits(work=20_000_000), strategy="columns", part_items=30)
    values = [point.objective for point in result.trace]
    assert len(values) > 2
    best = solve(problem, Limits(work=20_000_000), strategy="columns")
    assert result.objective >= 0.9 * (best.objective or 0) > 0


def test_same_work_same_answer(solve_by_parts: Any) -> None:
    """Right here, and on threads: shares of work decide, not who is quicker."""
    problem = ring(120)
    limits = Limits(work=400_000)
    results = [solve_by_parts(problem, limits, part_items=40) for _ in range(2)]
    assert results[0].grouping == results[1].grouping
    assert results[0].work == results[1].work
    with ThreadPoolExecutor(2) as executor:
        threads = [
            solve_by_parts(problem, limits, part_items=40, executor=executor) for _ in range(2)
        ]
    assert threads[0].grouping == threads[1].grouping


def test_never_worse_than_its_start(solve_by_parts: Any) -> None:
    problem = ring(60)
    start = solve(problem, Limits(work=300_000), strategy="search")
    result = solve_by_parts(problem, Limits(work=100_000), start.grouping, part_items=20)
    assert result.objective >= (start.objective or 0)


class Unlucky(Executor):
    """Every other task is lost; or the whole executor breaks."""

    def __init__(self, breaks: bool) -> None:
        self.breaks = breaks
        self.tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        future: Future[Any] = Future()
        if self.tasks % 2:
            error = BrokenProcessPool("died") if self.breaks else MemoryError("no room")
            future.set_exception(error)
        else:
            future.set_result(fn(*pickle.loads(pickle.dumps(args)), **kwargs))
        return future


@pytest.mark.parametrize("breaks", [True, False])
def test_a_worker_that_dies_costs_its_work(breaks: bool, solve_by_parts: Any) -> None:
    problem = ring(120)
    unlucky = Unlucky(breaks)
    result = solve_by_parts(problem, Limits(work=2_000_000), part_items=30, executor=unlucky)
    assert result.objective > 0
    assert any("a worker failed" in note for note in result.notes)
    assert any("no workers are left" in note for note in result.notes) == breaks


def test_an_executor_that_is_shut_down(solve_by_parts: Any) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    limits = Limits(work=300_000)
    assert solve_by_parts(ring(60), limits, part_items=30, executor=executor).objective > 0


def test_regions_travel() -> None:
    problem = ring(60)
    found = cut(problem, Grouping(), regions(problem, Grouping(), 20, np.random.default_rng(0)))
    region = found[0]
    task = pickle.loads(pickle.dumps((region.part.problem, Limits(work=50_000), "greedy")))
    answer = solve_region(*task, region.start)
    assert answer.grouping is not None
    assert verify(region.part.problem, answer.grouping).feasible


@pytest.mark.slow
def test_processes_of_our_own(solve_by_parts: Any) -> None:
    result = solve_by_parts(ring(200), Limits(seconds=30, workers=2), part_items=50)
    assert result.objective > 0
    assert not [note for note in result.notes if "failed" in note]


@pytest.mark.slow
def test_processes_of_others(solve_by_parts: Any) -> None:
    with ProcessPoolExecutor(2) as executor:
        limits = Limits(work=1_000_000)
        result = solve_by_parts(ring(200), limits, part_items=50, executor=executor)
    assert result.objective > 0


def test_an_observer_ends_it(solve_by_parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def strategy(context: SolveContext) -> None:
        with ThreadPoolExecutor(1) as executor:
            improve_by_parts(context, None, executor, part_items=30)

    monkeypatch.setitem(api._STRATEGIES, "parts", strategy)
    phases: list[str] = []

    def observe(event: Any) -> bool:
        phases.append(event.phase)
        return phases.count("parts") < 2

    result = solve(ring(200), Limits(seconds=60), strategy="parts", observer=observe)
    assert result.stopped_by == "observer"
