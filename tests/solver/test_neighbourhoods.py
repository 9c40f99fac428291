"""Neighbourhoods: a few groups taken apart and chosen anew, until one that holds everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from solver_spec.judging import grouping_of, numbered_problem, numbered_problem_code
from solver_spec.medium import medium_problem
from solver_spec.oracle import feasible_groupings
from solver_spec.rings import ring

from solver import Group, Grouping, GroupingProblem, Limits, solve, verify
from solver import neighbourhoods as under_test
from solver.context import SolveContext
from solver.events import Event
from solver.neighbourhoods import _Search, improve_by_neighbourhoods

SEED = 20_260_512


def improved(problem: GroupingProblem, start: Grouping, work: int = 20_000_000) -> SolveContext:
    """The context after a run from a start."""
    context = SolveContext(problem, Limits(work=work))
    context.offer(start)
    improve_by_neighbourhoods(context)
    return context


def test_from_any_start_to_the_optimum_over_all_fields() -> None:
    """Tiny problems end with a neighbourhood that holds everything, so at the optimum."""
    changed = 0
    for index in range(120):
        problem, best = numbered_problem(SEED, index, 7)
        if best is None:
            continue
        for one in feasible_groupings(problem, 3):
            if not one.groups:
                continue
            context = improved(problem, grouping_of(one.groups))
            assert context.objective == best.objective, numbered_problem_code(SEED, index, 7)
            changed += one.objective < best.objective
    assert changed > 50


def test_the_smallest_neighbourhoods_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growing from pairs of groups, an optimum that another method proves is reached."""
    monkeypatch.setattr(under_test, "FIRST_GROUPS", 2)
    problem = ring(40)
    proved = solve(problem, Limits(work=50_000_000), "columns")
    assert proved.status == "OPTIMAL"
    start = solve(problem, Limits(work=50_000_000), "greedy")
    assert start.grouping is not None
    assert start.objective is not None
    assert proved.objective is not None
    assert start.objective < proved.objective
    context = improved(problem, start.grouping)
    assert context.objective == proved.objective
    # It claims nothing about the whole.
    assert context.bound is None


def test_what_belongs_together_is_never_cut() -> None:
    problem = ring(60, together=((3, 30), (30, 45)), pinned=(Group(0, (20, 21)),))
    start = solve(problem, Limits(work=1_000_000), "greedy").grouping
    assert start is not None
    context = SolveContext(problem, Limits(work=10_000_000))
    context.offer(start)
    search = _Search(context, 0)
    places = [set(group.members) for group in start]
    cut_through = 0
    for _ in range(50):
        inside = set(np.flatnonzero(search._neighbourhood(2)).tolist())
        assert inside
        for unit in ({3, 30, 45}, {20, 21}, *places):
            assert unit <= inside or not unit & inside
        cut_through += len(inside) < 60
    assert cut_through == 50


def test_others_keep_their_groups_and_what_they_use() -> None:
    """Whatever the order of neighbourhoods, every grouping offered is feasible and better."""
    for index in range(10):
        problem = medium_problem(SEED, index)
        start = solve(problem, Limits(work=300_000), "greedy").grouping
        if start is None or not start.groups:
            continue
        seen: list[int] = []

        def watch(event: Event, seen: list[int] = seen) -> bool:
            if event.objective is not None:
                seen.append(event.objective)
            return True

        context = SolveContext(problem, Limits(work=3_000_000), observer=watch)
        context.offer(start)
        improve_by_neighbourhoods(context)
        assert seen == sorted(seen)
        assert context.grouping is not None
        assert verify(problem, context.grouping).objective == seen[-1]


def test_an_observer_ends_it() -> None:
    problem = ring(120)
    start = solve(problem, Limits(work=1_000_000), "greedy").grouping
    assert start is not None
    events = 0

    def watch(event: Event) -> bool:
        nonlocal events
        events += event.phase == "neighbourhoods"
        return events < 5

    context = SolveContext(problem, Limits(work=50_000_000), observer=watch)
    context.offer(start)
    improve_by_neighbourhoods(context)
    assert context.stop_reason == "observer"
    assert events == 5


def test_it_ends_within_its_work() -> None:
    problem = ring(200)
    start = solve(problem, Limits(work=1_000_000), "greedy").grouping
    assert start is not None
    context = improved(problem, start, work=500_000)
    assert context.work < 1_000_000
    again = improved(problem, start, work=500_000)
    assert again.grouping == context.grouping


def test_a_better_grouping_of_somebody_else_is_taken_over() -> None:
    """What a companion tells is gone on from; nothing of the old grouping is mixed in."""
    problem = ring(40)
    best = solve(problem, Limits(work=50_000_000), "columns").grouping
    start = solve(problem, Limits(work=50_000_000), "greedy").grouping
    assert best is not None
    assert start is not None

    class Told(SolveContext):
        asked = 0

        def stopping(self) -> bool:
            self.asked += 1
            if self.asked == 2:
                self.offer(best)
            return super().stopping()

    context = Told(problem, Limits(work=20_000_000))
    context.offer(start)
    improve_by_neighbourhoods(context)
    assert context.grouping is not None
    assert context.objective == verify(problem, best).objective


def test_without_limits_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where neighbourhoods can neither bring anything nor grow."""
    monkeypatch.setattr(under_test, "FIRST_GROUPS", 2)
    problem = ring(60)
    start = solve(problem, Limits(work=1_000_000), "greedy").grouping
    assert start is not None
    solved = _Search._solve
    asked: list[int] = []

    def unanswered_above_five(search: _Search, inside: Any) -> tuple[int, bool]:
        number = sum(bool(inside[group.members[0]]) for group in search._groups)
        asked.append(number)
        gained, proved = solved(search, inside)
        return gained, proved and number <= 5

    monkeypatch.setattr(_Search, "_solve", unanswered_above_five)
    context = SolveContext(problem, Limits(seconds=None))
    context.offer(start)
    assert improve_by_neighbourhoods(context) is False
    assert max(asked) > 5
    # Another turn goes other ways, and ends too.
    first = list(asked)
    asked.clear()
    assert improve_by_neighbourhoods(context, 1) is False
    assert asked != first


def test_without_a_grouping_it_says_so() -> None:
    context = SolveContext(ring(20), Limits(work=1_000))
    improve_by_neighbourhoods(context)
    assert context.grouping is None
    assert any("neighbourhoods" in note for note in context.notes)
    context.offer(Grouping())
    improve_by_neighbourhoods(context)
    assert context.objective == 0
