"""What every strategy promises, checked on small problems against the oracle.

There are 500 numbered problems by default: the strategies that settle every small problem do
all of them, the others share them out. ``--runslow`` gives every strategy 20,000, as many with a
seed nobody has used before (printed at the head of the run), and some larger ones. A failure
begins with the one command that repeats it; the problem follows as TOML, and a reduced problem
that fails in the same way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from solver import GroupingProblem, Result, Status, verify

from .checking import AMPLE_WORK, INCOMPLETE, STRATEGIES, check, complaints, reproducer, run
from .hand_cases import HAND_CASES, HandCase
from .judging import (
    disturb,
    grouping_of,
    numbered_problem,
    numbered_problem_code,
    plain_groups,
    some_grouping,
)
from .oracle import best_grouping, feasible_groupings, violated_rules
from .problems import RandomSource, build, problems, random_problem
from .reproduce import command_of

SEED = 41
NUM_PROBLEMS = 500
CHUNK = 50
NUM_SLOW_PROBLEMS = 20_000
NUM_LARGER_PROBLEMS = 1_000
SLOW_CHUNK = 250

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


# -- correctness -------------------------------------------------------------------------------


@each_strategy
@pytest.mark.parametrize("case", HAND_CASES, ids=lambda case: case.name)
def test_hand_case(case: HandCase, strategy: str) -> None:
    """Every strategy keeps its promises on the hand-worked cases."""
    problem = build(case.arguments)
    best = best_grouping(problem)
    assert (best and best.objective) == case.optimum
    check(problem, strategy, best, f"build({case.arguments})")


# A failing problem is cut down by ``reduced``, which is faster than Hypothesis's own shrinking.
@each_strategy
@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(problem=problems())
def test_any_problem(strategy: str, problem: GroupingProblem) -> None:
    """Every strategy keeps its promises on whatever Hypothesis thinks of."""
    check(problem, strategy, best_grouping(problem), "from_toml(...)")


@each_strategy
@pytest.mark.parametrize("chunk", range(NUM_PROBLEMS // CHUNK))
def test_numbered_problems(chunk: int, strategy: str) -> None:
    """Every strategy keeps its promises on its share of 500 random problems."""
    mine: Sequence[int] = _numbers(chunk, CHUNK)
    if strategy in INCOMPLETE:
        mine = mine[INCOMPLETE.index(strategy) :: len(INCOMPLETE)]
    _check_numbered(SEED, mine, strategy)


@each_strategy
def test_ample_work(strategy: str) -> None:
    """Ample work breaks no promise either, also where less would have done."""
    for index in range(3):
        problem, best = _remembered_problem(SEED + 8, index)
        check(problem, strategy, best, numbered_problem_code(SEED + 8, index), work=AMPLE_WORK)


@pytest.mark.slow
@each_strategy
@pytest.mark.parametrize("chunk", range(NUM_SLOW_PROBLEMS // SLOW_CHUNK))
def test_many_numbered_problems(chunk: int, strategy: str) -> None:
    """Every strategy keeps its promises on 20,000 random problems."""
    _check_numbered(SEED, _numbers(chunk, SLOW_CHUNK), strategy)


@pytest.mark.slow
@each_strategy
@pytest.mark.parametrize("chunk", range(NUM_LARGER_PROBLEMS // CHUNK))
def test_larger_numbered_problems(chunk: int, strategy: str) -> None:
    """The same for problems of up to nine items, where enumeration is still workable."""
    _check_numbered(SEED + 1, _numbers(chunk, CHUNK), strategy, max_items=9)


@pytest.mark.slow
@each_strategy
@pytest.mark.parametrize("chunk", range(NUM_SLOW_PROBLEMS // SLOW_CHUNK))
def test_fresh_problems(chunk: int, strategy: str, fresh_seed: int) -> None:
    """The same for 20,000 problems nobody has seen before; ``--fresh-seed`` repeats a run."""
    _check_numbered(fresh_seed, _numbers(chunk, SLOW_CHUNK), strategy)


def _numbers(chunk: int, size: int) -> range:
    return range(chunk * size, (chunk + 1) * size)


# The strategies of one chunk run one after another and so share its problems and optima.
_remembered_problem = lru_cache(maxsize=2 * SLOW_CHUNK)(numbered_problem)


def _check_numbered(seed: int, indices: Iterable[int], strategy: str, max_items: int = 6) -> None:
    for index in indices:
        problem, best = _remembered_problem(seed, index, max_items)
        check(
            problem,
            strategy,
            best,
            numbered_problem_code(seed, index, max_items),
            command=command_of(seed, index, strategy, max_items),
        )


# -- determinism -------------------------------------------------------------------------------

DETERMINISM_PROBLEMS = range(12)


@each_strategy
def test_same_work_and_seed_same_grouping(strategy: str) -> None:
    """A second solve with the same work and seed gives the same answer, also on another seed."""
    for index in DETERMINISM_PROBLEMS:
        problem = random_problem(np.random.default_rng([SEED + 2, index]), max_items=8)
        for seed in (0, 5):
            once, twice = (run(problem, strategy, seed=seed) for _ in range(2))
            told = reproducer(problem, strategy, numbered_problem_code(SEED + 2, index, 8))
            assert _answer(once) == _answer(twice), told


@each_strategy
def test_same_grouping_in_another_process(strategy: str) -> None:
    """Another process with another hash seed gives the same answers."""
    root = Path(__file__).resolve().parents[2]
    code = (
        "import json; from tests.solver_spec.test_strategies import answers_for_comparison;"
        f"print(json.dumps(answers_for_comparison({strategy!r})))"
    )
    if __name__.partition(".")[0] != "tests":
        # Without tests/__init__.py the package is found from inside tests.
        code = code.replace("tests.solver_spec", "solver_spec", 1)
    paths = [str(root), str(root / "tests"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONHASHSEED": "12345",
        },
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    here = json.loads(json.dumps(answers_for_comparison(strategy)))
    assert there == here


def answers_for_comparison(strategy: str) -> list[Any]:
    """Answers of a strategy to a few problems, to compare between processes."""
    drawn = (random_problem(np.random.default_rng([SEED + 3, i]), max_items=8) for i in range(12))
    return [_answer(run(problem, strategy)) for problem in drawn]


def _answer(result: Result) -> list[Any]:
    groups = None if result.grouping is None else plain_groups(result.grouping)
    return [result.status.name, groups, result.objective, result.bound]


# -- start -------------------------------------------------------------------------------------

NUM_STARTS = 25


@each_strategy
def test_never_worse_than_a_feasible_start(strategy: str) -> None:
    """Given a feasible start, good or poor, the answer is at least as good."""
    for index in range(NUM_STARTS):
        problem, best = _remembered_problem(SEED + 4, index)
        feasible = feasible_groupings(problem, at_most=40)
        for start in (best, *feasible[::20]):
            if start is not None:
                check(
                    problem,
                    strategy,
                    best,
                    numbered_problem_code(SEED + 4, index),
                    start=grouping_of(start.groups),
                    start_value=start.objective,
                )


@each_strategy
def test_partial_and_infeasible_starts(strategy: str) -> None:
    """A start that is partial, broken or arbitrary is repaired or passed over, never returned."""
    for index in range(NUM_STARTS):
        problem, best = _remembered_problem(SEED + 5, index)
        source = RandomSource(np.random.default_rng([SEED + 5, index, 1]))
        sizes = problem.num_items, len(problem.kinds)
        starts = [some_grouping(source, *sizes), []]
        if best is not None:
            starts.append(list(best.groups[1:]))
            starts.append(disturb(source, best.groups, *sizes))
        for start in starts:
            rules = violated_rules(problem, start)
            if "index" not in rules:
                check(
                    problem,
                    strategy,
                    best,
                    numbered_problem_code(SEED + 5, index),
                    start=grouping_of(start),
                    start_value=None if rules else verify(problem, grouping_of(start)).objective,
                )


# -- observer ----------------------------------------------------------------------------------


@dataclass
class Watcher:
    """An observer that stops the solve after so many events and remembers the best told."""

    stop_after: int | None
    num_events: int = 0
    best_objective: int | None = None

    def __call__(self, event: Any) -> bool | None:
        """Count an event; False from the last wanted one on."""
        self.num_events += 1
        objective = getattr(event, "objective", None)
        if objective is not None:
            told = (objective, self.best_objective)
            self.best_objective = max(value for value in told if value is not None)
        return False if self.stop_after is not None and self.num_events >= self.stop_after else None


@each_strategy
@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_observer_stops(strategy: str, stop_after: int) -> None:
    """Returning False ends the solve with a sound result, no worse than what was told before."""
    num_events = 0
    for index in range(NUM_STARTS):
        problem, best = _remembered_problem(SEED + 6, index)
        watcher = Watcher(stop_after)
        result = run(problem, strategy, observer=watcher)
        found = complaints(problem, result, best, start_value=watcher.best_objective)
        origin = numbered_problem_code(SEED + 6, index)
        assert not found, [*found, reproducer(problem, strategy, origin)]
        num_events += watcher.num_events
    assert num_events, "no event on any problem"


@each_strategy
@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_observer_is_not_asked_again(strategy: str, stop_after: int) -> None:
    """Whoever has said stop hears no more: a closed progress window must not be called."""
    for index in range(NUM_STARTS):
        problem, _ = _remembered_problem(SEED + 6, index)
        watcher = Watcher(stop_after)
        run(problem, strategy, observer=watcher)
        origin = numbered_problem_code(SEED + 6, index)
        assert watcher.num_events <= stop_after, reproducer(problem, strategy, origin)


@each_strategy
def test_observer_runs_in_the_solving_thread(strategy: str) -> None:
    """Events come in the thread that called ``solve``, whatever the strategy runs beside it."""
    for index in range(NUM_STARTS):
        problem, _ = _remembered_problem(SEED + 6, index)
        threads: set[int] = set()
        run(problem, strategy, observer=lambda _, seen=threads: seen.add(threading.get_ident()))
        assert threads <= {threading.get_ident()}


@each_strategy
def test_observer_that_only_watches(strategy: str) -> None:
    """An observer that returns None or True changes nothing in the answer."""
    for index in range(NUM_STARTS):
        problem, _ = _remembered_problem(SEED + 7, index)
        watcher = Watcher(stop_after=None)
        told = reproducer(problem, strategy, numbered_problem_code(SEED + 7, index))
        alone = _answer(run(problem, strategy))
        assert _answer(run(problem, strategy, observer=watcher)) == alone, told
        assert _answer(run(problem, strategy, observer=lambda event: True)) == alone, told
        assert watcher.best_objective in (None, alone[2]), told


# -- what is not asked of a strategy -------------------------------------------------------------


def test_unknown_strategy_is_refused() -> None:
    """A name nobody registered is an error, not a default."""
    problem = GroupingProblem(num_items=1, kinds=("A",))
    with pytest.raises(Exception, match="no-such-strategy"):
        run(problem, "no-such-strategy")


def test_the_judge_itself() -> None:
    """``complaints`` finds each kind of false claim about a problem with optimum 3."""
    problem = build({"num_items": 1, "kinds": ("A",), "item_values": [[3]]})
    best = best_grouping(problem)
    group, nothing = grouping_of([(0, (0,))]), grouping_of([])

    def claim(
        status: Status, grouping: Any, objective: int | None, bound: int | None, **other: Any
    ) -> Sequence[str]:
        gap = None
        if objective is not None and bound is not None:
            gap = (bound - objective) / max(abs(bound), abs(objective), 1)
        result: Any = _Claim(status, grouping, objective, bound, gap)
        return complaints(problem, result, best, **other)

    assert not claim(Status.OPTIMAL, group, 3, 3, complete=True, start_value=3)
    assert not claim(Status.FEASIBLE, nothing, 0, 7)
    assert not claim(Status.UNKNOWN, None, None, None)
    assert claim(Status.OPTIMAL, nothing, 0, 0)
    assert claim(Status.OPTIMAL, group, 3, 4)
    assert claim(Status.FEASIBLE, nothing, 0, 2)
    assert claim(Status.FEASIBLE, group, 4, None)
    assert claim(Status.FEASIBLE, nothing, 0, None, complete=True)
    assert claim(Status.FEASIBLE, nothing, 0, None, start_value=1)
    assert claim(Status.FEASIBLE, grouping_of([(0, (0,)), (0, (0,))]), 6, None)
    assert claim(Status.INFEASIBLE, None, None, None)
    assert claim(Status.UNKNOWN, group, 3, None)
    assert claim(Status.UNKNOWN, None, 0, None)


@dataclass
class _Claim:
    """The parts of a ``Result`` that ``complaints`` reads."""

    status: Status
    grouping: Any
    objective: int | None
    bound: int | None
    gap: float | None
    trace: tuple[Any, ...] = ()
