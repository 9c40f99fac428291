"""Strategy "auto", and ``SolveContext.limited``, which shares the limits among its parts."""

from __future__ import annotations

import threading
import time
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from solver_spec.checking import complaints
from solver_spec.judging import numbered_problem, numbered_problem_code, plain_groups

from solver import Event, EventKind, Group, Grouping, GroupingProblem, Limits, Status, solve, verify
from solver.auto import MANY, SMALL, _look_further
from solver.context import SolveContext, Strategy
from solver.families import clique_partitioning
from solver.neighbourhoods import improve_by_neighbourhoods

SEED = 20_250_304


def sparse(num_items: int, seed: int = 0, degree: int = 4) -> GroupingProblem:
    """A sparse graph whose other pairs may not group."""
    rng = np.random.default_rng(seed)
    every = np.array(list(combinations(range(num_items), 2)))
    some = np.sort(rng.choice(len(every), degree * num_items // 2, replace=False))
    return GroupingProblem(
        num_items=num_items,
        kinds=("a", "b"),
        item_values=rng.integers(-20, 5, (2, num_items)),
        pairs=every[some],
        pair_values=rng.integers(1, 60, len(some)),
        open_values=[-10, -15],
        max_size=[4, 5],
        absent_pairs="forbidden",
    )


def dense(num_items: int, seed: int = 0) -> GroupingProblem:
    """Every pair has a value, half of them below 0; large groups may form."""
    rng = np.random.default_rng(seed)
    pairs = list(combinations(range(num_items), 2))
    return GroupingProblem(
        num_items=num_items,
        kinds=("a", "b", "c"),
        item_values=rng.integers(-20, 20, (3, num_items)),
        pairs=pairs,
        pair_values=rng.integers(-50, 50, len(pairs)),
        max_size=[20, 12, 30],
    )


# -- small problems ------------------------------------------------------------------------------


def test_small_problems_are_settled() -> None:
    """Of up to nine items: always a proof, and the oracle's."""
    statuses = set()
    for index in range(60):
        problem, best = numbered_problem(SEED, index, 9)
        result = solve(problem, Limits(work=5_000_000))
        found = complaints(problem, result, best, complete=True)
        assert not found, (found, numbered_problem_code(SEED, index, 9))
        statuses.add(result.status)
    assert statuses == {Status.OPTIMAL, Status.INFEASIBLE}


def test_small_problems_are_settled_by_exact_alone() -> None:
    """No time is spent on a start where the proof comes at once."""
    phases: list[str] = []
    problem = sparse(SMALL)
    result = solve(problem, Limits(work=20_000_000), observer=lambda e: phases.append(e.phase))
    assert result.status is Status.OPTIMAL
    assert set(phases) <= {"start", "exact"}


# -- medium problems -----------------------------------------------------------------------------


def phases_of(events: list[Event]) -> list[str]:
    return [event.phase for event in events if event.kind is EventKind.PHASE]


@pytest.mark.parametrize(
    ("num_items", "start"),
    [
        (MANY, ["reduction", "greedy", "listing"]),
        (MANY + 1, ["reduction", "search", "listing"]),
    ],
)
def test_phases_of_a_medium_problem(num_items: int, start: list[str]) -> None:
    """A start by greedy, or by search where items are many; then the prover settles it."""
    events: list[Event] = []
    problem = sparse(num_items)
    result = solve(problem, Limits(work=30_000_000), observer=events.append)
    phases = phases_of(events)
    assert phases[: len(start)] == start
    assert result.status is Status.OPTIMAL
    assert result.stopped_by == "optimal"
    objectives = [e.objective for e in events if e.objective is not None]
    assert all(before <= after for before, after in pairwise(objectives))


def test_phases_where_nothing_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dense problem passes through the provers and ends, at its limit, with search."""
    monkeypatch.setattr("solver.auto.MANY", 20)
    events: list[Event] = []
    problem = dense(30)
    limits = Limits(work=1_500_000)
    result = solve(problem, limits, observer=events.append)
    phases = phases_of(events)
    assert phases[:3] == ["reduction", "search", "listing"]
    assert phases[-1] == "search"
    assert phases.index("listing") < len(phases) - 1
    assert result.status is Status.FEASIBLE
    assert result.grouping is not None
    assert verify(problem, result.grouping).feasible
    assert limits.work is not None
    # The last step may go beyond the limit, but not far.
    assert result.work < 1.5 * limits.work


def test_never_worse_than_its_own_start() -> None:
    """Greedy's answer is the least it can return; a given start as well."""
    problem = dense(30)
    greedy = solve(problem, Limits(work=1_000_000), strategy="greedy")
    assert greedy.grouping is not None
    for work in (1, 100_000, 500_000):
        result = solve(problem, Limits(work=work), start=greedy.grouping)
        assert result.objective is not None
        assert greedy.objective is not None
        assert result.objective >= greedy.objective


def test_same_work_same_answer() -> None:
    """With a work limit two solves agree in everything but seconds."""

    def answer(problem: GroupingProblem) -> Any:
        result = solve(problem, Limits(work=800_000, seed=3))
        groups = None if result.grouping is None else plain_groups(result.grouping)
        trace = [(point.work, point.objective, point.bound) for point in result.trace]
        return [groups, result.bound, result.status, result.work, result.notes, trace]

    for problem in (sparse(40), dense(25)):
        assert repr(answer(problem)) == repr(answer(problem))


@pytest.mark.parametrize("work", [1, 1000, 60_000, 62_000, 70_000])
def test_no_bound_where_cpsat_had_no_time(work: int) -> None:
    """CP-SAT stopped in presolve reports a bound of 0; it is none, and was once believed.

    The optimum is well above 0 (greedy finds more), so a bound of 0 would be wrong, and the
    empty start falsely optimal.
    """
    result = solve(dense(25), Limits(work=work), strategy="exact", start=Grouping())
    assert result.bound is None or result.bound > 1000
    assert result.status is Status.FEASIBLE


@pytest.mark.parametrize(
    ("stop_at", "many"), [("greedy", 40), ("search", 20), ("listing", 20), ("listing", 40)]
)
def test_observer_stops_the_whole_solve(
    stop_at: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end asked for in one part ends all parts."""
    monkeypatch.setattr("solver.auto.MANY", many)
    events: list[Event] = []

    def observe(event: Event) -> bool:
        events.append(event)
        return event.phase != stop_at

    result = solve(dense(30), Limits(work=20_000_000), observer=observe)
    assert result.stopped_by == "observer"
    assert events[-1].phase == stop_at
    assert result.status in (Status.FEASIBLE, Status.UNKNOWN)


def test_notes_reach_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parts note is in the result, once each and in order."""

    def noting(name: str) -> Any:
        def strategy(context: SolveContext, _turn: int = 0) -> None:
            context.note(f"{name} stepped back")
            context.charge(10)

        return strategy

    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", noting(name))
    monkeypatch.setattr("solver.auto.MANY", 15)
    result = solve(sparse(20), Limits(work=1_000_000))
    names = ("search", "greedy", "generate_columns", "exact")
    assert result.notes == tuple(f"{name} stepped back" for name in names)


def test_neighbourhoods_and_search_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where groups are cliques both go on until neither brings anything, for longer and longer."""
    turns: list[tuple[str, int]] = []

    def neighbourhoods(context: SolveContext, turn: int) -> bool:
        turns.append(("neighbourhoods", turn))
        context.charge(1_000)
        return False

    def search(context: SolveContext, _turn: int) -> None:
        turns.append(("search", context.remaining_work or 0))
        context.charge(context.remaining_work or 0 if len(turns) < 6 else 1)

    monkeypatch.setattr("solver.auto.improve_by_neighbourhoods", neighbourhoods)
    monkeypatch.setattr("solver.auto.search", search)
    context = SolveContext(sparse(20), Limits(work=100_000_000))
    context.offer(Grouping())
    _look_further(context)
    assert turns == [
        ("neighbourhoods", 0),
        ("search", 2_000_000),
        ("neighbourhoods", 1),
        ("search", 4_000_000),
        ("neighbourhoods", 2),
        ("search", 8_000_000),
    ]


def test_the_second_worker_looks_for_better_groupings(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock: it goes by neighbourhoods on its thread, and what it finds is the answer."""
    ended: list[tuple[str, int, int]] = []

    def neighbourhoods(context: SolveContext, turn: int) -> bool:
        began = context.objective or 0
        answered = improve_by_neighbourhoods(context, turn)
        ended.append((threading.current_thread().name, began, context.objective or 0))
        return answered

    def waits(context: SolveContext) -> None:
        assert not ended
        context.spare_a_worker()
        while not ended and not context.stopping():
            time.sleep(0.001)

    monkeypatch.setattr("solver.auto.MANY", 20)
    monkeypatch.setattr("solver.auto.improve_by_neighbourhoods", neighbourhoods)
    monkeypatch.setattr("solver.auto.search", lambda context, _turn=0: context.charge(1))
    monkeypatch.setattr("solver.auto.generate_columns", waits)
    monkeypatch.setattr("solver.auto.exact", lambda context, _turn=0: context.charge(1))
    problem = sparse(150, degree=10)
    result = solve(problem, Limits(seconds=60, workers=2))
    thread, began, reached = ended[0]
    assert thread.startswith("companion")
    assert reached > began > 0
    assert result.objective >= reached
    assert verify(problem, result.grouping).feasible


def test_many_cliques_go_by_regions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second worker, a short search before; parts come when columns have ended."""
    monkeypatch.setattr("solver.auto.LARGE", 100)
    monkeypatch.setattr("solver.auto.SPARSE", 2)
    for name in ("generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda context: context.charge(10))
    phases: list[str] = []
    problem = sparse(120)
    limits = Limits(work=1_000_000)
    result = solve(problem, limits, observer=lambda event: phases.append(event.phase))
    named = list(dict.fromkeys(phases))
    assert named[:4] == ["start", "reduction", "search", "parts"]
    assert result.objective > 0


def test_shares_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part sees its share of what is left, and the last search all of it."""
    seen: list[tuple[str, int | None]] = []

    def greedy_for_work(name: str) -> Any:
        def strategy(context: SolveContext, _turn: int = 0) -> None:
            seen.append((name, context.remaining_work))
            context.charge(context.remaining_work or 0)
            assert context.stopping()

        return strategy

    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", greedy_for_work(name))
    monkeypatch.setattr("solver.auto.MANY", 15)
    result = solve(sparse(20), Limits(work=100_000_000))
    expected = {
        "search": 2_000_000,
        "greedy": 1_000_000,
        "generate_columns": 67_900_000,
        "exact": 20_370_000,
        "search again": 2_000_000,
        "search for longer": 4_000_000,
        "search to the end": 2_730_000,
    }
    assert [name for name, _ in seen] == [name.split()[0] for name in expected]
    # Shares are of what the reduction, a few units, has left.
    assert [work for _, work in seen] == pytest.approx(list(expected.values()), abs=1_000)
    assert result.stopped_by == "work"
    assert result.work == 100_000_000


@pytest.mark.parametrize(
    ("found", "tried"), [(False, True), (True, False)], ids=["nothing", "something"]
)
@pytest.mark.parametrize("pinned", [False, True])
def test_greedy_where_the_first_search_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, found: bool, tried: bool, pinned: bool
) -> None:
    """Also where there is something of worth before it."""
    problem = sparse(20)
    if pinned:
        pin = Group(0, problem.pairs[int(problem.pair_values[0].argmax())].tolist())
        problem = problem.replace(pinned=[pin], pinned_may_grow=True)
    monkeypatch.setattr("solver.auto.prepared", lambda: True)
    best = solve(problem, Limits(work=30_000_000)).grouping
    assert best is not None
    ran: list[str] = []

    def searching(context: SolveContext, _turn: int = 0) -> None:
        ran.append("search")
        if found:
            context.offer(best)

    monkeypatch.setattr("solver.auto.MANY", 15)
    monkeypatch.setattr("solver.auto.search", searching)
    for name in ("greedy", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda _, name=name: ran.append(name))
    solve(problem, Limits(seconds=60, workers=1))
    assert ran[:2] == ["search", "greedy" if tried else "generate_columns"]
    assert ("greedy" in ran) is tried


def test_what_exact_does_not_prove_soon_goes_on_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A small problem is not left to "exact" for all of the limits."""
    given: list[int | None] = []

    def in_vain(context: SolveContext) -> None:
        given.append(context.remaining_work)
        context.charge(context.remaining_work or 0)

    monkeypatch.setattr("solver.auto.exact", in_vain)
    result = solve(sparse(SMALL), Limits(work=10_000_000))
    assert given == [5_000_000]
    assert result.status is Status.OPTIMAL


@pytest.mark.parametrize(
    ("seconds", "many", "tried"),
    [(2.0, 15, False), (2.0, 30, True), (200.0, 15, True), (None, 15, True)],
)
def test_no_large_model_for_a_few_seconds(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, many: int, tried: bool
) -> None:
    """Building it would take most of them; without a limit, or for few items, it is tried."""
    ran: list[str] = []
    monkeypatch.setattr("solver.auto.MANY", many)
    monkeypatch.setattr("solver.auto.compiled_in_time", lambda _: True)
    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda _, _turn=0, name=name: ran.append(name))
    result = solve(sparse(20), Limits(seconds=seconds, workers=1))
    assert "generate_columns" in ran
    assert ("exact" in ran) is tried
    assert any("left out" in note for note in result.notes) is not tried


@pytest.mark.parametrize("workers", [1, 2])
def test_an_answer_before_kernels_are_compiled(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Compiling may take all of the limit."""
    problem = sparse(40)
    monkeypatch.setattr("solver.auto.prepared", lambda: False)
    monkeypatch.setattr("solver.auto.compiled_in_time", lambda _: False)
    ran: list[str] = []
    for name in ("generate_columns", "exact", "search", "improve_by_neighbourhoods"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda *_, name=name: ran.append(name))
    result = solve(problem, Limits(seconds=60, workers=workers))
    assert result.objective is not None
    assert result.objective > 0
    assert ran == [] or workers == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_search_accompanies_the_provers(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """With two workers, on a thread of its own; what it finds is in the answer."""
    problem = sparse(20)
    best = solve(problem, Limits(work=30_000_000)).grouping
    assert best is not None
    threads: list[str] = []

    def searching(context: SolveContext, turn: int = 0) -> None:
        threads.append(threading.current_thread().name)
        if len(threads) == 3 - workers:  # one worker has a short search before
            context.offer(best)

    def proving(context: SolveContext) -> None:
        context.spare_a_worker()
        while workers == 2 and not threads and not context.stopping():
            pass

    monkeypatch.setattr("solver.auto.MANY", 15)
    monkeypatch.setattr("solver.auto.search", searching)
    for name in ("greedy", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", proving)
    result = solve(problem, Limits(seconds=60, workers=workers))
    assert result.grouping == best
    assert ("companion-second worker" in threads) is (workers == 2)


@pytest.mark.parametrize("reached", [True, False])
def test_no_prover_tries_what_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    """A free grouping that "partition" gives up is left to the search, for all that is left."""
    first, second = np.triu_indices(40, 1)
    values = np.random.default_rng(1).integers(-5, 6, len(first))
    problem = clique_partitioning(
        40, list(zip(first.tolist(), second.tolist(), strict=True)), values.tolist()
    )
    ran: list[str] = []

    def noted(name: str) -> Strategy:
        return lambda _, _turn=0: ran.append(name)

    monkeypatch.setattr("solver.auto.partition_within_reach", lambda _: reached)
    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", noted(name))
    solve(problem, Limits(seconds=60, workers=2))
    assert ("generate_columns" in ran, "exact" in ran) == (reached, reached)
    assert "search" in ran


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_all_workers_look_further(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Once the provers are done every worker has a search, and no two have the same seed."""
    problem = sparse(20)
    best = solve(problem, Limits(work=30_000_000)).grouping
    assert best is not None
    together = threading.Barrier(3)
    seeds: list[int] = []

    def looking(context: SolveContext) -> None:
        seeds.append(context.limits.seed)
        together.wait(60)
        context.offer(best)

    monkeypatch.setattr("solver.auto.MANY", 15)
    monkeypatch.setattr("solver.auto._look_further", looking)
    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda _: None)
    result = solve(problem, Limits(seconds=60, workers=3, seed=seed))
    assert result.grouping == best
    assert result.notes == ()
    assert len(set(seeds)) == 3 == len(seeds)
    assert seed in seeds


def test_nobody_who_still_looks_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that finds nothing more waits for the others, who may."""
    problem = sparse(20)
    best = solve(problem, Limits(work=30_000_000)).grouping
    assert best is not None
    given_up = threading.Event()

    def looking(context: SolveContext) -> None:
        if threading.current_thread() is threading.main_thread():
            given_up.set()
            return
        given_up.wait(60)
        time.sleep(0.1)
        context.offer(best)

    monkeypatch.setattr("solver.auto.MANY", 15)
    monkeypatch.setattr("solver.auto._look_further", looking)
    for name in ("greedy", "search", "generate_columns", "exact"):
        monkeypatch.setattr(f"solver.auto.{name}", lambda *_: None)
    result = solve(problem, Limits(seconds=60, workers=2))
    assert result.grouping == best


@pytest.mark.slow
def test_time_limit_is_kept() -> None:
    """150 items of all pairs: the clock ends it (3.3 s were measured; no gate on seconds)."""
    result = solve(dense(150), Limits(seconds=3.0))
    assert result.grouping is not None
    assert result.stopped_by in ("seconds", "optimal")


# -- SolveContext.limited ------------------------------------------------------------------------


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("solver.context.time.monotonic", made)
    return made


def context_of(**limits: Any) -> SolveContext:
    return SolveContext(GroupingProblem(num_items=1, kinds=("a",)), Limits(**limits))


def test_share_of_work_ends_the_part_only() -> None:
    context = context_of(work=100)
    with context.limited(30, None):
        assert context.remaining_work == 30
        context.charge(29)
        assert not context.stopping()
        context.charge(1)
        assert context.stopping()
        assert context.stop_reason is None
        assert context.remaining_work == 0
    assert not context.stopping()
    assert context.remaining_work == 70
    context.charge(70)
    assert context.stopping()
    assert context.stop_reason == "work"


def test_nested_shares_of_work() -> None:
    """An inner share never exceeds what the outer one has left."""
    context = context_of(work=100)
    with context.limited(50, None):
        with context.limited(10, None):
            context.charge(10)
            assert context.stopping()
        assert not context.stopping()
        with context.limited(1000, None):
            assert context.remaining_work == 40
        with context.limited(None, None):
            assert context.remaining_work == 40
            context.charge(40)
            assert context.stopping()
        assert context.stopping()
    assert not context.stopping()
    assert context.remaining_work == 50


def test_share_of_seconds_ends_the_part_only(clock: Clock) -> None:
    context = context_of(seconds=10.0)
    clock.now += 2
    with context.limited(None, 3.0):
        assert context.remaining_seconds == pytest.approx(3.0)
        assert context.remaining_work is None
        clock.now += 2.9
        assert not context.stopping()
        clock.now += 0.2
        assert context.stopping()
        assert context.stop_reason is None
    assert not context.stopping()
    assert context.remaining_seconds == pytest.approx(4.9)
    clock.now += 5
    assert context.stopping()
    assert context.stop_reason == "seconds"
    assert context.remaining_seconds == 0


def test_nested_shares_of_seconds(clock: Clock) -> None:
    context = context_of(seconds=10.0)
    with context.limited(None, 5.0):
        with context.limited(None, 1.0):
            clock.now += 1.5
            assert context.stopping()
        assert not context.stopping()
        with context.limited(None, 100.0):
            assert context.remaining_seconds == pytest.approx(3.5)
            clock.now += 4
            assert context.stopping()
        assert context.stopping()
    assert not context.stopping()
    assert context.remaining_seconds == pytest.approx(4.5)


def test_share_of_seconds_without_a_limit(clock: Clock) -> None:
    """A part may be limited where the solve is not."""
    context = context_of(seconds=None)
    assert context.remaining_seconds is None
    with context.limited(5, 2.0):
        assert context.remaining_seconds == pytest.approx(2.0)
        context.charge(10_000)
        assert not context.stopping()
        clock.now += 2
        assert context.stopping()
    assert context.remaining_seconds is None
    assert not context.stopping()


def test_the_clock_decides_nothing_with_a_work_limit(clock: Clock) -> None:
    context = context_of(work=100, seconds=1.0)
    with context.limited(None, 0.5):
        clock.now += 1000
        assert context.remaining_seconds is None
        assert context.remaining_work == 100
        assert not context.stopping()


def test_the_end_of_the_solve_within_a_part() -> None:
    """What ends the solve inside a part is remembered beyond it."""
    context = context_of(work=100)
    with context.limited(50, None):
        context.offer(Grouping())
        context.prove_bound(0)
        assert context.stopping()
    assert context.stopping()
    assert context.stop_reason == "optimal"


def test_limits_return_after_an_error() -> None:
    context = context_of(work=100)
    with pytest.raises(RuntimeError), context.limited(10, None):
        raise RuntimeError
    assert context.remaining_work == 100
