"""The tests find wrong strategies, and the line they print repeats what they found."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from solver import api

from . import wrong_strategies
from .checking import STRATEGIES, check
from .judging import numbered_problem, numbered_problem_code
from .reproduce import command_of, main
from .test_strategies import SEED

ROOT = Path(__file__).resolve().parents[2]
WRONG = ("bounds_too_low", "gives_up_too_soon", "forgets_the_last_group", "crashes")


def failure_of(strategy: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The first failure that the numbered problems find in a wrong strategy."""
    name = f"tests.solver_spec.wrong_strategies:{strategy}"
    monkeypatch.setitem(api._STRATEGIES, name, getattr(wrong_strategies, strategy))
    for index in range(100):
        problem, best = numbered_problem(SEED, index)
        origin, command = numbered_problem_code(SEED, index), command_of(SEED, index, name)
        try:
            check(problem, name, best, origin, command=command)
        except pytest.fail.Exception as failed:
            return str(failed)
    raise AssertionError(f"{strategy} was not found out")


@pytest.mark.parametrize("strategy", WRONG)
def test_a_wrong_strategy_is_found_and_the_line_printed_repeats_it(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line of a failure, given to a shell, ends in the same complaint."""
    command, complaint, *_ = failure_of(strategy, monkeypatch).splitlines()
    python, *arguments = shlex.split(command)
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert complaint in done.stdout + done.stderr


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_right_strategy_passes_the_same_command(
    strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is wrong where nothing is wrong, also for larger problems and other limits."""
    _, _, _, *arguments = shlex.split(command_of(SEED, 3, strategy, 9))
    assert main(arguments) == 0
    assert main([*arguments, "--work", "5000000", "--solve-seed", "7"]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")
