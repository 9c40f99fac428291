"""Local search for every field of the problem: annealing over atoms, in numba.

``atoms`` contracts what moves as one; ``world`` lays the problem out as a few wide arrays;
``kernels``, ``moves`` and ``openings`` change one grouping and keep its sums exact in int64;
``annealing`` is the loop and the compiled entry to these; ``engine`` is its Python handle.
``driver`` is the strategy.

Where all kinds have the same pair values and bans, absent pairs are neutral and nothing but sums
counts (no curves, no shared limits), what every atom is worth in every group is kept in a table,
and a move is priced by looking it up: ``table_kernels`` anneals so, ``table`` is its Python handle,
and ``recombination`` keeps a pool of groupings and anneals what two of them disagree on.

``draft`` and ``growth`` are the plain-Python counterparts for light strategies and ``repair``.
"""

from __future__ import annotations

import threading

from solver.context import SolveContext


def search(context: SolveContext, turn: int = 0) -> None:
    """Strategy "search"; see ``driver``. numba is loaded only when it runs.

    Searches of one solve with the same ``turn`` begin alike.
    """
    from solver.search.driver import run_search

    run_search(context, turn)


def prepare() -> None:
    """Load and compile the kernels, so that a timed part does not pay for it."""
    import numpy as np

    from solver.problem import GroupingProblem
    from solver.search.atoms import contract
    from solver.search.engine import Engine
    from solver.search.table import TableEngine, parts_of

    problem = GroupingProblem(num_items=2, kinds=("a",), item_values=np.ones((1, 2), dtype=int))
    engine = Engine(contract(problem), 0)
    engine.load([])
    engine.go(1, 1)
    TableEngine(engine.atoms, parts_of(engine.atoms), 0).go(0, 0)
    _prepared.set()


_prepared = threading.Event()


def prepared() -> bool:
    """Whether ``prepare`` has done its work in this process."""
    return _prepared.is_set()


__all__ = ["prepare", "prepared", "search"]
