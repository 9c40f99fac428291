"""The restricted master by HiGHS: as good as the best choice, never trusted."""

from __future__ import annotations

import threading
from itertools import combinations

import numpy as np
import pytest
from solver_spec.judging import numbered_problem

from solver import GroupingProblem, Limits
from solver.column_generation import restricted
from solver.column_generation.atoms import contract
from solver.column_generation.branch import everything
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.restricted import Choice, Room, best_choices, choose, complete
from solver.context import SolveContext

SEED, ALL = 7_310, 10**9


@pytest.mark.parametrize("limits", [Limits(work=10**9), Limits(seconds=60)], ids=["work", "clock"])
def test_all_groups_give_the_optimum(limits: Limits) -> None:
    """Of problems over every field; an incumbent is only ever replaced by a better one."""
    met = 0
    for index in range(60):
        problem, best = numbered_problem(SEED, index, 6)
        atoms = contract(problem)
        context = SolveContext(problem, limits)
        found = GroupSearch(atoms, context).every(ALL, ALL)
        if atoms.impossible is not None or not len(found.columns):
            continue
        choose(atoms, found.columns, context, 5.0)
        assert context.bound is None
        assert not context.notes
        if context.objective is not None and best is not None:
            met += 1
            # Groups worth nothing that nobody demands are not listed; no grouping needs them.
            assert context.objective == best.objective
    assert met > 15


def test_a_failure_is_told_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("no licence")

    monkeypatch.setattr(restricted.mathopt, "solve", fails)
    problem = GroupingProblem(num_items=3, kinds=("a",), item_values=[[1, 2, 3]], max_size=[1])
    context = SolveContext(problem, Limits(work=10**6))
    atoms = contract(problem)
    choose(atoms, GroupSearch(atoms, context).every(ALL, ALL).columns, context, 5.0)
    assert context.objective is None
    assert context.notes == ["columns: HiGHS failed on a restricted master: no licence"]


def test_what_outlives_a_stopped_solve_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS cannot be told to stop: the solve goes on without it, the interpreter may not end."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> None:
        begun.set()
        context.interrupt()
        go_on.wait(30)
        raise ValueError("too late")

    monkeypatch.setattr(restricted.mathopt, "solve", slow)
    problem = GroupingProblem(num_items=3, kinds=("a",), item_values=[[1, 2, 3]], max_size=[1])
    context = SolveContext(problem, Limits(work=10**6))
    atoms = contract(problem)
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    choose(atoms, columns, context, 5.0)
    assert begun.wait(10)
    (left,) = [thread for thread in threading.enumerate() if thread.name == "highs"]
    try:
        assert not left.daemon
        assert context.notes == []
    finally:
        go_on.set()
        left.join()


def test_columns_met_after_the_solution_are_not_split() -> None:
    """Pricing may end with columns that the last solution does not know."""
    pairs = list(combinations(range(3), 2))
    problem = GroupingProblem(
        num_items=3, kinds=("a",), pairs=pairs, pair_values=[2, 2, 2], max_size=[2]
    )
    atoms = contract(problem)
    context = SolveContext(problem, Limits(work=10**6))
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    assert len(columns) > 2
    children = everything(atoms).split(columns, np.array([0.5, 0.5]))
    assert children is None or len(children) == 2


def test_room_is_kept() -> None:
    """Numbers of groups and shared limits of a part, in whole numbers; atoms that must join too."""
    problem = GroupingProblem(
        num_items=4,
        kinds=("a",),
        item_values=[[5, 4, 3, -2]],
        max_size=[1],
        must_join=[False, False, False, True],
        shared_group_use=[[2]],
        shared_limit=[100],
    )
    atoms = contract(problem)
    context = SolveContext(problem, Limits(work=10**6))
    columns = GroupSearch(atoms, context).every(ALL, ALL).columns
    uses = columns.uses(atoms)

    def worth(least: int, most: int, shared: int) -> int | None:
        room = Room(np.array([least]), np.array([most]), np.array([shared]))
        (chosen,) = best_choices(atoms, [Choice(columns, uses, room)], context, 5.0)
        return None if chosen is None else int(columns.values[chosen].sum())

    assert worth(0, 4, 100) == 10
    assert worth(0, 3, 100) == 7
    assert worth(0, 4, 5) == 3
    assert worth(0, 4, 1) is None
    assert worth(0, 0, 100) is None
    assert worth(3, 2, 100) is None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_completions_keep_what_a_solution_chooses(number: int) -> None:
    """Random solutions over every field: offered is only what is feasible, and it is found."""
    rng = np.random.default_rng([SEED, number])
    met = kept = 0
    for index in range(60):
        problem, best = numbered_problem(SEED, index, 6)
        atoms = contract(problem)
        context = SolveContext(problem, Limits(work=10**9))
        columns = GroupSearch(atoms, context).every(ALL, ALL).columns
        if atoms.impossible is not None or not len(columns):
            continue
        # One column is chosen for good, and columns that come later are not known to the solution.
        weights = np.full(max(1, len(columns) - 1), 0.5)
        one = int(rng.integers(len(weights)))
        weights[one] = 1.0
        complete(atoms, columns, weights, number, context, 5.0)
        assert context.bound is None
        if context.grouping is None or best is None:
            continue
        met += 1
        assert context.objective is not None
        assert context.objective <= best.objective
        kept += columns.group(atoms, one) in context.grouping
    assert met > 10
    if number == 0:
        assert kept == met
