"""The way of large problems: its prices, its bound and its regions, on problems of oracle size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from solver_spec.judging import numbered_problem
from solver_spec.medium import medium_problem

from solver import Grouping, Limits, solve, verify
from solver.column_generation import EnumerationSettings, enumerate_groups, region_search
from solver.column_generation.approach import approach
from solver.column_generation.ascent import ascend, by_root, no_duals, rounded
from solver.column_generation.atoms import contract
from solver.column_generation.columns import no_prices, proved_bound, reduced_values
from solver.column_generation.generation import Generation, first_columns
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import first_that_fit
from solver.column_generation.proof import Proof
from solver.context import SolveContext

LIMITS = Limits(work=5_000_000)
ALONE = EnumerationSettings(max_listed=0, large=1, largest_master=0)
ALL = 10**9


def test_prices_prove_a_bound_that_is_never_below_the_optimum() -> None:
    """All groups known, the value that the method reports is the bound that its prices prove."""
    for index in range(60):
        problem, optimum = numbered_problem(31, index)
        atoms = contract(problem)
        if optimum is None or atoms.impossible is not None:
            continue
        context = SolveContext(problem, LIMITS)
        search = GroupSearch(atoms, context)
        if not search.can_bound:
            continue
        columns = by_root(
            search.improving(no_prices(atoms, search.scale), -(2**60), ALL, ALL, ALL).columns
        )
        duals = ascend(atoms, columns, no_duals(atoms), 200, 0.1, context)
        prices = rounded(atoms, duals, search.scale)
        if not search.accepts(prices):
            continue
        best = np.zeros(atoms.num_atoms, np.int64)
        np.maximum.at(
            best, columns.roots, reduced_values(atoms, columns, columns.uses(atoms), prices)
        )
        bound = proved_bound(atoms, prices, best) / prices.scale
        assert bound >= optimum.objective, index
        # Prices are rounded up: groups that give to a limit gain by that, all others lose.
        shared = np.abs(problem.shared_limit).sum() + np.abs(columns.uses(atoms)).sum()
        rounding = float(atoms.num_atoms + atoms.max_groups.sum() + shared) / prices.scale
        assert bound <= duals.value + rounding + 1e-9 * abs(duals.value), index


def test_a_worse_relaxation_leaves_the_better_proof_alone() -> None:
    """What proves the published bound is not given up for prices that prove less."""
    times = 0
    for index in range(40):
        problem, optimum = numbered_problem(31, index)
        atoms = contract(problem)
        if optimum is None or atoms.impossible is not None:
            continue
        context = SolveContext(problem, LIMITS)
        search = GroupSearch(atoms, context)
        seeds = first_columns(atoms, search, ALONE) if search.can_bound else []
        if not len(seeds):
            continue
        proof = Proof(atoms)
        kept = no_prices(atoms, search.scale)
        proof.listed(kept)
        context.prove_bound(optimum.objective)
        with Generation(atoms, search, context, ALONE, seeds, (), proof) as generation:
            generation.run()
            relaxed = generation.best
        if relaxed is None or relaxed.bound // relaxed.prices.scale <= optimum.objective:
            continue
        times += 1
        certificate = proof.certificate(optimum.objective)
        assert certificate is not None
        assert [node.step for node in certificate.nodes] == ["list", "close"]
        assert len(certificate.prices) == 1
    assert times > 3


def test_the_way_alone_is_feasible_and_its_bound_true() -> None:
    for index in range(150):
        problem, optimum = numbered_problem(32, index)
        context = SolveContext(problem, LIMITS)
        enumerate_groups(context, ALONE)
        if optimum is None:
            assert context.grouping is None
            continue
        assert not context.infeasible, index
        if context.grouping is not None:
            assert verify(problem, context.grouping).feasible
            assert context.objective is not None
            assert context.objective <= optimum.objective
        assert context.bound is None or context.bound >= optimum.objective, index


def beginning(context: SolveContext) -> Callable[[], region_search.Regions] | None:
    """What makes regions of a problem's first columns; ``None`` where there are none."""
    atoms = contract(context.problem)
    search = GroupSearch(atoms, context)
    if atoms.impossible is not None or not search.can_bound:
        return None
    seeds = first_columns(atoms, search, EnumerationSettings())
    if not len(seeds):
        return None
    return partial(region_search.Regions, atoms, context, seeds, no_prices(atoms, search.scale))


def test_regions_find_feasible_groupings() -> None:
    """Begun without an incumbent, most problems get one; none is better than the best."""
    improved = 0
    for index in range(80):
        problem, optimum = numbered_problem(33, index, 8)
        context = SolveContext(problem, LIMITS)
        begin = beginning(context)
        if optimum is None or begin is None:
            continue
        begin().run()
        improved += context.grouping is not None
        if context.objective is not None:
            assert context.objective <= optimum.objective
    assert improved > 10


@pytest.mark.parametrize("workers", [1, 3])
def test_regions_at_the_same_time_keep_every_rule(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any grouping, also a poor one, answers of several regions together are feasible."""
    monkeypatch.setattr(region_search, "REGION_PAIRS", 1)
    improved = several = 0
    make_choices = region_search.best_choices

    def counted(atoms: Any, choices: Any, *others: Any) -> Any:
        nonlocal several
        several += len(choices) > 1
        return make_choices(atoms, choices, *others)

    monkeypatch.setattr(region_search, "best_choices", counted)
    for index in range(30):
        problem = medium_problem(36, index)
        start = solve(problem, Limits(work=300_000), "greedy").grouping
        context = SolveContext(problem, Limits(seconds=30, workers=workers))
        begin = beginning(context)
        if start is None or begin is None:
            continue
        for given in (Grouping(), start):
            if verify(problem, given).feasible:
                context.offer(given)
                break
        before = context.objective
        # An infeasible grouping would be refused with an error.
        begin().run()
        assert context.objective is not None
        assert before is not None
        improved += context.objective > before
    assert improved > 10
    assert (several > 10) is (workers > 1)


def test_regions_begun_infeasible_offer_only_what_is_feasible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A grouping somebody else finds meanwhile makes nothing of their own feasible."""
    monkeypatch.setattr(region_search, "REGION_PAIRS", 1)
    infeasible = 0
    passed = region_search.Regions._pass
    for index in range(60):
        problem = medium_problem(37, index)
        start = solve(problem, Limits(work=300_000), "greedy").grouping
        context = SolveContext(problem, LIMITS)
        begin = beginning(context)
        if start is None or begin is None:
            continue
        run = begin()
        if run._is_feasible(first_that_fit(run._atoms, run._columns, run._uses, context)):
            continue
        infeasible += 1

        def told(number: int, run: Any = run, start: Grouping = start) -> None:
            run._context.offer(start)
            passed(run, number)

        monkeypatch.setattr(run, "_pass", told)
        run.run()
        assert context.objective is not None
    assert infeasible > 5


def test_same_work_same_answer() -> None:
    for index in range(10):
        problem, _ = numbered_problem(34, index, 8)
        answers = []
        for _ in range(2):
            context = SolveContext(problem, LIMITS)
            enumerate_groups(context, ALONE)
            answers.append((context.grouping, context.bound))
        assert answers[0] == answers[1]


def test_handed_on_groups_hold_the_incumbent() -> None:
    for index in range(20):
        problem, _ = numbered_problem(35, index, 8)
        atoms = contract(problem)
        context = SolveContext(problem, LIMITS)
        search = GroupSearch(atoms, context)
        if atoms.impossible is not None or not search.can_bound:
            continue
        settings = EnumerationSettings()
        seeds = first_columns(atoms, search, settings)
        if len(seeds):
            handed, _ = approach(atoms, search, context, settings, seeds, Proof(atoms))
            groups = {handed.group(atoms, c) for c in range(len(handed))}
            assert context.grouping is None or set(context.grouping) <= groups
