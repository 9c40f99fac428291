"""Repeat the check of one numbered problem in one command, as a failing test prints it.

    python -m tests.solver_spec.reproduce 41 17 exact

draws problem 17 of seed 41, solves it by ``exact`` with the limits the tests use, prints the
problem as TOML and the result, and says what is wrong with it. It ends with code 1 if anything
is. A strategy that is not registered is named by its place, ``package.module:function``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from solver import strategies
from solver.api import register_strategy

from .checking import COMPLETE, complaints, run
from .judging import numbered_problem
from .problems import to_toml

MAX_ITEMS = 6


def command_of(seed: int, index: int, strategy: str, max_items: int = MAX_ITEMS) -> str:
    """The command, to be given in the folder that holds ``tests``."""
    command = f"python -m tests.solver_spec.reproduce {seed} {index} {strategy}"
    return command if max_items == MAX_ITEMS else f"{command} --max-items {max_items}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Repeat one check; returns 0 if all is well and 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("index", type=int)
    parser.add_argument("strategy")
    parser.add_argument("--max-items", type=int, default=MAX_ITEMS)
    parser.add_argument("--work", type=int, help="work units; what the tests give if left out")
    parser.add_argument("--solve-seed", type=int, default=0, help="seed of the solve")
    options = parser.parse_args(arguments)

    if ":" in options.strategy and options.strategy not in strategies():
        module, _, function = options.strategy.partition(":")
        register_strategy(options.strategy, getattr(import_module(module), function))
    problem, best = numbered_problem(options.seed, options.index, options.max_items)
    print(to_toml(problem))
    print(f"oracle: {best}")
    result = run(problem, options.strategy, work=options.work, seed=options.solve_seed)
    print(f"{options.strategy}: {result}")
    found = complaints(problem, result, best, complete=options.strategy in COMPLETE)
    print("\n".join(found) or "nothing is wrong")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
