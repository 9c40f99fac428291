"""Trouble: interrupts in every phase, failing observers, tiny limits, strange and huge problems.

Nothing here is gated on seconds. How late a solve ends is written by
``python -m tests.solver_spec.test_trouble N``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver import (
    Event,
    EventKind,
    Group,
    Grouping,
    GroupingProblem,
    InvalidProblem,
    Limits,
    Status,
    solve,
    verify,
)

from .checking import COMPLETE, STRATEGIES, check
from .medium import medium_problem
from .oracle import best_grouping

ROOT = Path(__file__).resolve().parents[2]
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
#: Ends a solve that never comes to the phase in which it would be stopped.
LONG = Limits(seconds=60, workers=1)


def dense_register(num_items: int, degree: int = 60) -> GroupingProblem:
    """Too dense to be proved in a second: near firms, two plans, a joint minimum order."""
    rng = np.random.default_rng(5)
    place = rng.random((num_items, 3))
    near = np.zeros((num_items, num_items), bool)
    for i in range(num_items):
        far = np.linalg.norm(place - place[i], axis=1)
        near[i, np.argpartition(far, degree)[:degree]] = True
    pairs = np.argwhere(np.triu(near | near.T, 1))
    return GroupingProblem(
        num_items=num_items,
        kinds=("fair", "agent"),
        pairs=pairs,
        pair_values=rng.integers(-30, 60, len(pairs)),
        absent_pairs="forbidden",
        item_values=rng.integers(-60, 40, (2, num_items)),
        open_values=[-100, -150],
        min_size=[4, 5],
        max_size=[8, 9],
        resources=[rng.integers(0, 100, num_items)],
        resource_min=[[150], [250]],
    )


# -- stopped in every phase ---------------------------------------------------------------------


def stopped(
    problem: GroupingProblem, strategy: str, number: int, how: str
) -> dict[str, Any] | None:
    """Solve, and stop in the phase of this number; ``None`` where there are not so many.

    ``how`` is "signal", a real SIGINT to this process a moment after the phase began, or
    "observer", which returns False from then on.
    """
    asked: list[tuple[float, float]] = []
    phases: list[str] = []

    def ask() -> None:
        asked.append((time.monotonic(), time.process_time()))
        os.kill(os.getpid(), signal.SIGINT)

    def observer(event: Event) -> bool | None:
        if event.kind is EventKind.PHASE:
            phases.append(event.phase)
            if len(phases) == number and how == "signal":
                hand.start()
        if len(phases) >= number and how == "observer":
            asked.append((time.monotonic(), time.process_time()))
            return False
        return None

    hand = threading.Timer(0.05, ask)
    result = solve(problem, LONG, strategy=strategy, observer=observer)
    ended = time.monotonic(), time.process_time()
    hand.cancel()
    if len(phases) < number:
        return None
    grouping = result.grouping
    return {
        "strategy": strategy,
        "phase": phases[number - 1],
        "stopped_by": result.stopped_by,
        "objective": result.objective,
        "bound": result.bound,
        "feasible": grouping is not None and verify(problem, grouping).feasible,
        "late": [round(end - at, 2) for end, at in zip(ended, asked[0], strict=True)]
        if asked
        else None,
    }


def all_stops(
    num_items: int, how: str, strategies: tuple[str, ...] = STRATEGIES, most: int = 8
) -> None:
    """Stop every strategy in each of its first phases, one line of JSON each."""
    problem = dense_register(num_items)
    for strategy in strategies:
        for number in range(1, most + 1 if strategy in COMPLETE else 2):
            line = stopped(problem, strategy, number, how)
            if line is None:
                break
            print(json.dumps(line), flush=True)


def stops(num_items: int, how: str, strategy: str, most: int = 8) -> list[dict[str, Any]]:
    code = (
        "from tests.solver_spec.test_trouble import all_stops;"
        f"all_stops({num_items}, {how!r}, ({strategy!r},), {most})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_sound(line: dict[str, Any], how: str) -> None:
    """Ended as asked, unless it ended by itself before, with what it had."""
    asked = {"signal": "interrupt", "observer": "observer"}[how]
    assert line["stopped_by"] in (asked, "optimal", "exhausted"), line
    assert line["feasible"], line  # nothing is obliged, so the empty grouping is always there
    if line["bound"] is not None:
        assert line["bound"] >= line["objective"], line


@pytest.mark.parametrize("how", ["signal", "observer"])
@pytest.mark.parametrize("strategy", ["auto", "search"])
def test_stopped_in_each_phase(strategy: str, how: str) -> None:
    lines = stops(150, how, strategy, most=4)
    for line in lines:
        assert_sound(line, how)
    asked = {"signal": "interrupt", "observer": "observer"}[how]
    assert any(line["stopped_by"] == asked for line in lines), lines
    assert len(lines) >= (3 if strategy == "auto" else 1), lines


@pytest.mark.slow
@pytest.mark.parametrize("how", ["signal", "observer"])
@pytest.mark.parametrize(
    ("num_items", "strategy"),
    [*((300, name) for name in STRATEGIES), (3000, "auto"), (3000, "columns")],
)
def test_every_strategy_stopped_in_each_phase(num_items: int, strategy: str, how: str) -> None:
    for line in stops(num_items, how, strategy):
        assert_sound(line, how)


class ObserverError(Exception):
    """What a faulty observer raises."""


@each_strategy
@pytest.mark.parametrize("number", [1, 2, 4])
def test_an_observers_error_reaches_the_caller(strategy: str, number: int) -> None:
    """It is raised from ``solve``, no thread stays behind, and the next solve is as ever."""
    problem = medium_problem(92, number)
    events = 0

    def observer(_event: Event) -> None:
        nonlocal events
        events += 1
        if events == number:
            raise ObserverError

    before = signal.getsignal(signal.SIGINT)
    try:
        solve(problem, Limits(work=100_000), strategy=strategy, observer=observer)
        assert events < number
    except ObserverError:
        assert events == number
    assert signal.getsignal(signal.SIGINT) is before
    assert "cp-sat" not in {thread.name for thread in threading.enumerate()}
    once, twice = (solve(problem, Limits(work=50_000), strategy=strategy) for _ in range(2))
    assert (once.grouping, once.bound) == (twice.grouping, twice.bound)


# -- limits --------------------------------------------------------------------------------------


@each_strategy
@pytest.mark.parametrize(
    "limits",
    [Limits(work=1), Limits(seconds=1e-6), Limits(seconds=0.01, workers=2)],
    ids=["one unit", "a microsecond", "ten milliseconds"],
)
def test_hardly_any_limit(strategy: str, limits: Limits) -> None:
    """What comes back is sound, whatever is known by then."""
    for index in range(6):
        problem = medium_problem(93, index)
        result = solve(problem, limits, strategy=strategy)
        if result.grouping is not None:
            assert verify(problem, result.grouping).feasible
        if None not in (result.bound, result.objective):
            assert result.bound >= result.objective  # type: ignore[operator]
        if limits.work == 1 and result.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            assert result.stopped_by == "work"


# -- strange problems ----------------------------------------------------------------------------

ONE = {"num_items": 1, "kinds": ("a",), "item_values": [[3]]}
FOUR = {"num_items": 4, "kinds": ("a",), "item_values": [[1, 2, 3, 4]]}
SIX_PAIRS = [[i, j] for i in range(4) for j in range(i + 1, 4)]
STRANGE: dict[str, tuple[dict[str, Any], int | None]] = {
    "no items": ({"num_items": 0, "kinds": ("a",)}, 0),
    "no items, a group wanted": (
        {"num_items": 0, "kinds": ("a",), "min_groups": [1], "max_groups": [1]},
        None,
    ),
    "no kinds": ({"num_items": 3, "kinds": ()}, 0),
    "no kinds, an item must join": (
        {"num_items": 2, "kinds": (), "must_join": [True, False]},
        None,
    ),
    "nothing at all": ({"num_items": 0, "kinds": ()}, 0),
    "one item": (ONE, 3),
    "one item, groups of two": ({**ONE, "min_size": [2], "max_size": [2]}, 0),
    "all pairs forbidden by absence": ({**FOUR, "absent_pairs": "forbidden"}, 10),
    "all pairs banned": ({**FOUR, "pairs": SIX_PAIRS, "pair_allowed": [False] * 6}, 10),
    "all pairs banned, groups of two": (
        {**FOUR, "absent_pairs": "forbidden", "min_size": [2], "must_join": [True] * 4},
        None,
    ),
    "no resources, but an empty table": ({**FOUR, "resources": np.zeros((0, 4), np.int64)}, 10),
    "a resource nobody has": ({**FOUR, "resources": [[0] * 4], "resource_min": [[1]]}, 0),
    "twice the same kind": (
        {
            "num_items": 4,
            "kinds": ("a", "b"),
            "item_values": [[1, 2, 3, 4]] * 2,
            "min_groups": [1, 1],
            "max_groups": [1, 1],
        },
        10,
    ),
    "no group of any kind": ({**FOUR, "max_groups": [0]}, 0),
    "no group, but one must join": (
        {**FOUR, "max_groups": [0], "must_join": [False, True, False, False]},
        None,
    ),
    "everything pinned": ({**FOUR, "pinned": (Group(0, (0, 1)), Group(0, (2, 3)))}, 10),
    "a limit below nothing": (
        {**FOUR, "shared_group_use": [[1]], "shared_limit": [-1]},
        None,
    ),
    "a limit below nothing that a group gives": (
        {**FOUR, "shared_group_use": [[-1]], "shared_limit": [-1], "open_values": [-9]},
        1,
    ),
    "only losses": ({**FOUR, "item_values": [[-1] * 4]}, 0),
    "only losses, all must join": (
        {**FOUR, "item_values": [[-1] * 4], "must_join": [True] * 4},
        -4,
    ),
    "values near the greatest allowed": (
        {**FOUR, "item_values": [[2**59, -(2**59), 2**59, 1]]},
        2**60 + 1,
    ),
}


@each_strategy
@pytest.mark.parametrize("name", STRANGE)
def test_strange_problems(name: str, strategy: str) -> None:
    arguments, optimum = STRANGE[name]
    problem = GroupingProblem(**arguments)
    best = best_grouping(problem)
    assert (best and best.objective) == optimum
    if name == "values near the greatest allowed":
        result = solve(problem, Limits(work=2_000_000), strategy=strategy)
        assert result.bound is None or result.bound >= 2**60 + 1
        assert result.status is not Status.INFEASIBLE
        assert (result.objective == result.bound) == (result.status is Status.OPTIMAL)
    else:
        check(problem, strategy, best, name)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("item_values", {"item_values": [[2**61, 2**61, 2**61, 0]]}),
        ("item_values", {"item_values": [[-(2**61), -(2**61), -(2**61), 0]]}),
        ("pair_values", {"pairs": SIX_PAIRS, "pair_values": [2**60] * 6}),
        ("open_values", {"open_values": [2**61]}),
        ("resources", {"resources": [[2**61] * 4]}),
        ("shared", {"shared_item_use": [[[2**61] * 4]], "shared_limit": [0]}),
        ("shared", {"shared_group_use": [[2**61]], "shared_limit": [0]}),
        ("curves", {"resources": [[1] * 4], "curves": {(0, 0): ((0, 0), (1, 2**61))}}),
    ],
)
def test_totals_that_could_overflow_are_refused(field: str, arguments: dict[str, Any]) -> None:
    """At construction, with the field named and the reason."""
    from .problems import build

    with pytest.raises(InvalidProblem) as refused:
        build({"num_items": 4, "kinds": ("a",), **arguments})
    assert field in str(refused.value)
    assert "2**62" in str(refused.value)


# -- memory --------------------------------------------------------------------------------------


def test_a_model_too_large_is_not_built_and_the_note_says_so() -> None:
    """Twenty thousand items without a graph: no square of them is ever stored."""
    code = (
        "import resource\n"
        "from solver import GroupingProblem, Limits, solve\n"
        "from tests.solver_spec.checking import COMPLETE\n"
        "problem = GroupingProblem(num_items=20_000, kinds=('a',), max_size=[5],\n"
        "                          item_values=[[-1] * 20_000])\n"
        "for name in COMPLETE:\n"
        "    result = solve(problem, Limits(work=100_000), strategy=name)\n"
        "    print(name, result.objective, *result.notes)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, megabytes = done.stdout.splitlines()
    told = {line.split()[0]: line for line in lines}
    assert all(line.split()[1] == "0" for line in lines)
    assert "stepped back" in told["exact"]
    assert "limit of" in told["enumerate"]
    assert int(megabytes) < 3000  # the square alone would be 3,200 as int64


def test_start_of_strange_shape_does_no_harm() -> None:
    """Empty groups and unknown indices in a start are repaired or passed over."""
    problem = medium_problem(94, 0)
    for start in (Grouping(), Grouping([Group(0, ())]), Grouping([Group(99, (0,))])):
        result = solve(problem, Limits(work=100_000), strategy="greedy", start=start)
        assert result.grouping is None or verify(problem, result.grouping).feasible


if __name__ == "__main__":
    for way in ("signal", "observer"):
        all_stops(int(sys.argv[1]), way)
