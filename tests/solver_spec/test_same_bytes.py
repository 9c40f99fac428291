"""Same problem, seed, strategy and work: the same bytes, in any process and with any workers.

All that a result says is compared but seconds: status, groups, numbers, work, trace and notes.
``Limits(work=...)`` uses one worker whatever it is given, so one and two give the same bytes;
without a work limit the clock decides and nothing of the kind is promised.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from solver import GroupingProblem, Limits, Result, solve

from .checking import STRATEGIES
from .medium import medium_problem
from .problems import random_problem

ROOT = Path(__file__).resolve().parents[2]
SEED = 91
PROCESSES = (("0", 1), ("12345", 2))


def small(index: int) -> GroupingProblem:
    return random_problem(np.random.default_rng([SEED, index]), max_items=8)


def medium(index: int) -> GroupingProblem:
    return medium_problem(SEED, index)


#: Problems with the work they get: enough to end, and so little that it ends in the middle.
CASES: tuple[tuple[Callable[[int], GroupingProblem], range, int], ...] = (
    (small, range(5), 100_000),
    (medium, range(2), 150_000),
    (medium, range(2, 4), 20_000),
)


def told(result: Result) -> str:
    """All of a result that must be the same."""
    trace = [(point.work, point.objective, point.bound) for point in result.trace]
    parts = (result.status, result.grouping, result.objective, result.bound)
    return repr((*parts, result.stopped_by, result.strategy, result.work, trace, result.notes))


def answers(workers: int) -> list[str]:
    """What every strategy says of every case, one line each."""
    return [
        told(solve(make(index), Limits(work=work, workers=workers, seed=3), strategy=strategy))
        for strategy in STRATEGIES
        for make, indices, work in CASES
        for index in indices
    ]


def in_another_process(hash_seed: str, workers: int) -> bytes:
    code = "from tests.solver_spec.test_same_bytes import answers; print(*answers({}), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code.format(workers)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def outputs() -> list[bytes]:
    return [in_another_process(*process) for process in PROCESSES]


def test_same_bytes_in_every_process_and_with_any_workers(outputs: list[bytes]) -> None:
    first, *others = outputs
    number = sum(len(indices) for _, indices, _ in CASES)
    assert len(first.splitlines()) == number * len(STRATEGIES)
    for other in others:
        for line, same in zip(first.splitlines(), other.splitlines(), strict=True):
            assert line == same
        assert first == other


def test_same_bytes_after_other_solves(outputs: list[bytes]) -> None:
    """What ran before in the process leaves no trace in an answer."""
    assert "\n".join([*answers(1), ""]).encode() == outputs[0]
