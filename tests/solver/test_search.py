"""The annealing search: compiled kernels against plain Python, exact sums, and its answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solver_spec.judging import numbered_problem, numbered_problem_code, plain_groups
from solver_spec.problems import random_problem

from solver import (
    Curve,
    Event,
    EventKind,
    Group,
    Grouping,
    GroupingProblem,
    Limits,
    Result,
    Status,
    solve,
    verify,
)
from solver.families import clique_partitioning
from solver.search import driver
from solver.search.atoms import contract
from solver.search.engine import Engine, pins_only
from solver.search.world import (
    AFTER,
    COUNT,
    CURVED,
    HEAD,
    HELD,
    HOME,
    KIND,
    LINEAR,
    LIVE,
    NUM_CLASSES,
    NUM_LIMITS,
    NUM_LIVE,
    NUM_RESOURCES,
    NUMBER,
    OFF,
    SHORT,
    SIZE,
    SIZE_OFF,
    SPENT,
    TOTAL,
    VALUE,
)

SEED = 20_250_301
ROOT = Path(__file__).resolve().parents[2]
SHORT_RUN = Limits(work=20_000)


def annealed(problem: GroupingProblem, moves: int, seed: int = 0) -> Engine | None:
    """An engine after two annealings from the pins, or ``None`` if the pins contradict."""
    atoms = contract(problem)
    if atoms.flaw is not None:
        return None
    engine = Engine(atoms, seed)
    for hot in (1.0, 0.5):
        engine.load(pins_only(atoms))
        engine.begin(moves, hot, 0.05)
        engine.go(moves, 10**9)
        engine.measure()
    return engine


def clusters(num_items: int, size: int, seed: int = 0) -> GroupingProblem:
    """Cliques of good pairs with some links between them; two kinds, curves and a least size."""
    rng = np.random.default_rng(seed)
    values: dict[tuple[int, int], int] = {}
    for first in range(0, num_items, size):
        members = range(first, min(first + size, num_items))
        values.update(
            {(i, j): int(rng.integers(-5, 40)) for i in members for j in members if i < j}
        )
    for _ in range(2 * num_items):
        i, j = sorted(rng.choice(num_items, 2, replace=False).tolist())
        values.setdefault((i, j), int(rng.integers(-30, 30)))
    pairs = sorted(values)
    return GroupingProblem(
        num_items=num_items,
        kinds=("a", "b"),
        item_values=rng.integers(-20, 10, (2, num_items)),
        pairs=pairs,
        pair_values=[values[pair] for pair in pairs],
        open_values=[-30, -50],
        min_size=[3, 2],
        max_size=[8, 12],
        resources=rng.integers(0, 20, (1, num_items)),
        curves={
            (0, 0): Curve([(0, 0), (40, 0), (40, 60), (100, 120)]),
            (1, 0): Curve([(0, 0), (60, 60), (90, 60)]),
        },
    )


def shared_limit(num_items: int = 20) -> GroupingProblem:
    """A problem with every sort of rule at once, beyond the size of the random ones."""
    base = clusters(num_items, 5, seed=7)
    return base.replace(
        shared_group_use=[[2, 1]],
        shared_item_use=np.ones((1, 2, num_items), dtype=np.int64),
        shared_limit=[num_items],
        must_join=[i % 7 == 0 for i in range(num_items)],
        together=((0, 1), (5, 6, 7)),
        apart=((2, 11, 16),),
        pinned=(Group(0, (10, 12, 13)),),
        pinned_may_grow=True,
        min_groups=[0, 1],
    )


# -- compiled and plain --------------------------------------------------------------------------


def digests(uncached: bool = False) -> list[str]:
    """Digests of everything the kernels write, over several problems; for another process."""
    if uncached:
        from solver.search.annealing import run

        assert type(run._cache).__name__ == "NullCache"
    drawn = [random_problem(np.random.default_rng([SEED, index]), 8) for index in range(30)]
    made = []
    for problem, moves in [*((p, 400) for p in drawn), (shared_limit(), 1500)]:
        engine = annealed(problem, moves, seed=3)
        if engine is not None:
            digest = sha256()
            for array in engine.world:
                digest.update(np.ascontiguousarray(array).tobytes())
            made.append(digest.hexdigest())
    return made


def answers() -> list[Any]:
    """Groupings found, for another process."""
    drawn = [random_problem(np.random.default_rng([SEED + 1, index]), 8) for index in range(15)]
    found = [solve(problem, SHORT_RUN, strategy="search").grouping for problem in drawn]
    longer = solve(clusters(60, 6), Limits(work=150_000), strategy="search")
    found.append(longer.grouping)
    return [None if grouping is None else plain_groups(grouping) for grouping in found]


def in_another_process(expression: str, root: Path = ROOT, **environment: str) -> Any:
    """The value of an expression over this module, from a fresh interpreter, through JSON."""
    paths = [str(root), str(ROOT / "tests"), str(Path(__file__).parent)]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import json, test_search; print(json.dumps(test_search.{expression}))",
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_compiled_kernels_do_what_plain_python_does() -> None:
    """Every integer, float and group of the world agrees bit by bit after thousands of moves."""
    here = digests()
    assert len(here) > 20
    assert in_another_process("digests()", NUMBA_DISABLE_JIT="1") == here


def test_hash_seed_changes_nothing() -> None:
    """Two processes with different hash seeds give the same groupings."""
    once, twice = (in_another_process("answers()", PYTHONHASHSEED=seed) for seed in ("1", "77"))
    assert once == twice
    assert once == json.loads(json.dumps(answers()))


def test_all_who_need_the_kernels_wait_for_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that compile the same kernels at a time would be in each other's way."""
    going = threading.Event()
    monkeypatch.setattr(driver, "prepare", lambda: going.wait(60))
    monkeypatch.setattr(driver, "prepared", lambda: False)
    monkeypatch.setattr(driver, "_compiling", None)
    together = threading.Barrier(8)
    met: list[object] = []

    def asks() -> None:
        together.wait(60)
        met.append(driver._compile_beside())

    threads = [threading.Thread(target=asks) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    going.set()
    assert len(met) == 8
    assert len(set(met)) == 1


@pytest.mark.parametrize("strategy", ["auto", "columns", "partition"])
def test_what_another_solve_compiles_does_not_hold_up_this_one(
    monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """numba compiles one function at a time: waiting for that must not outlast the limits."""
    ends = threading.Event()
    compiling = threading.Thread(target=ends.wait, args=(60,))
    monkeypatch.setattr(driver, "_compiling", compiling)
    compiling.start()
    pairs = [(i, j) for i in range(20) for j in range(i + 1, 20)]
    problem = clique_partitioning(20, pairs, [(7 * i + 3 * j) % 11 - 5 for i, j in pairs])
    try:
        result = solve(problem, Limits(seconds=2.0), strategy)
        assert compiling.is_alive()
    finally:
        ends.set()
        compiling.join()
    assert any("another solve's kernels" in note for note in result.notes)
    again = solve(problem, Limits(seconds=60), strategy)
    assert again.grouping is not None
    assert not any("another solve's kernels" in note for note in again.notes)


def cold_solve() -> list[Any]:
    """Seconds and notes of a solve of one second that has to compile; for another process."""
    result = solve(clusters(60, 6), Limits(seconds=1.0), strategy="search")
    return [result.seconds, result.objective, list(result.notes)]


@pytest.mark.slow
def test_compiling_does_not_outlast_the_limit(tmp_path: Path) -> None:
    """Without a cache compiling takes long; a time limit ends the solve in the middle of it.

    1.0 s were measured; that the note is there tells that it was not waited for.
    """
    _, objective, notes = in_another_process("cold_solve()", NUMBA_CACHE_DIR=str(tmp_path))
    assert objective is not None
    assert any("compiled" in note for note in notes)


@pytest.mark.slow
def test_unwritable_cache_folders_do_no_harm(tmp_path: Path) -> None:
    """Where numba can write no cache the kernels are compiled for the process alone.

    Slow, as they are compiled anew, in a copy of the package. Each cache folder is, or lies under,
    a plain file: even root cannot write there.
    """
    copied = shutil.copytree(
        ROOT / "solver", tmp_path / "solver", ignore=shutil.ignore_patterns("__pycache__")
    )
    (copied / "search" / "__pycache__").write_text("")
    below = str(copied / "search" / "__pycache__" / "cache")
    found = in_another_process(
        "digests(True)",
        root=tmp_path,
        NUMBA_CACHE_DIR=below,
        XDG_CACHE_HOME=below,
        HOME=below,
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert found == digests()


def test_no_cache_locator_falls_back() -> None:
    """Numba's refusal to cache at all is caught; nothing is compiled here, so this is quick."""
    code = (
        "import numba.core.caching as caching;"
        "caching.CacheImpl._locator_classes = [];"
        "from solver.search.annealing import run;"
        "print(type(run._cache).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "NullCache"


# -- sums ----------------------------------------------------------------------------------------


def sums(engine: Engine) -> dict[str, Any]:
    """All sums of the present grouping, with groups named by their atoms and not their slots."""
    world, ints = engine.world, engine.world.ints
    totals = slice(TOTAL, TOTAL + 2 * int(ints[NUM_RESOURCES]))
    groups = []
    for g in world.group[: int(ints[NUM_LIVE]), LIVE].tolist():
        row = world.group[g]
        members = np.flatnonzero(world.atom[:, HOME] == g).tolist()
        columns = (COUNT, SIZE, KIND, HELD, LINEAR, CURVED, SIZE_OFF)
        groups.append((members, [int(row[c]) for c in columns], row[totals].tolist()))
    off, spent = int(ints[OFF]), int(ints[SPENT])
    return {
        "value": int(ints[VALUE]),
        "off": ints[off : off + int(ints[NUM_CLASSES])].tolist(),
        "spent": ints[spent : spent + int(ints[NUM_LIMITS])].tolist(),
        "number": world.kind[:, NUMBER].tolist(),
        "groups": sorted(groups),
    }


def present(engine: Engine) -> list[tuple[int, list[int]]]:
    """The present groups as (kind, atoms), read from HOME and KIND alone."""
    home = engine.world.atom[:, HOME].tolist()
    return [
        (int(engine.world.group[g, KIND]), [a for a, at in enumerate(home) if at == g])
        for g in sorted({g for g in home if g >= 0})
    ]


def check_sums(engine: Engine, told: str) -> None:
    rebuilt = Engine(engine.atoms, 99)
    rebuilt.load(present(engine))
    assert sums(engine) == sums(rebuilt), told
    world = engine.world
    assert int(world.ints[SHORT]) == TOTAL + engine.atoms.problem.num_resources
    for g in world.group[: int(world.ints[NUM_LIVE]), LIVE].tolist():
        listed, i = [], int(world.group[g, HEAD])
        while i >= 0:
            listed.append(i)
            i = int(world.atom[i, AFTER])
        assert sorted(listed) == np.flatnonzero(world.atom[:, HOME] == g).tolist(), told
        assert listed, told
    # The value is the value of the specification, whether or not rules are broken.
    grouping = engine.atoms.grouping(present(engine))
    verdict = verify(engine.atoms.problem, grouping)
    assert verdict.objective == sums(engine)["value"], told
    assert verdict.feasible is not any(sums(engine)["off"]), (told, verdict)


def check_best(engine: Engine, told: str) -> None:
    if engine.best is not None:
        verdict = verify(engine.atoms.problem, engine.best_grouping())
        assert verdict.feasible, (told, verdict)
        assert verdict.objective == engine.best, told


def test_sums_stay_exact() -> None:
    """After annealing all sums are what the grouping itself says, and ``verify`` agrees."""
    num_feasible = 0
    for index in range(250):
        problem = random_problem(np.random.default_rng([SEED + 2, index]), 9)
        engine = annealed(problem, 300, seed=index)
        if engine is not None:
            told = numbered_problem_code(SEED + 2, index, 9)
            check_sums(engine, told)
            check_best(engine, told)
            num_feasible += engine.best is not None
    assert num_feasible > 150


@pytest.mark.parametrize("problem", [shared_limit(), clusters(60, 6)], ids=["rules", "clusters"])
def test_sums_stay_exact_on_more_items(problem: GroupingProblem) -> None:
    """The same at many moments of longer runs, amid broken rules."""
    atoms = contract(problem)
    engine = Engine(atoms, 5)
    engine.load(pins_only(atoms))
    engine.begin(40_000, 1.0, 0.03)
    for _ in range(40):
        engine.go(1000, 10**9)
        check_sums(engine, "")
        check_best(engine, "")
    assert engine.best is not None
    engine.load_best()
    assert sums(engine)["value"] == engine.best
    assert not any(sums(engine)["off"])


def test_neighbours_by_bisection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the table of all pairs, as in very large problems, every step is the same."""
    with_table = annealed(shared_limit(), 3000)
    monkeypatch.setattr("solver.search.world.MAX_TABLED_ATOMS", 0)
    without = annealed(shared_limit(), 3000)
    assert with_table is not None
    assert without is not None
    assert without.world.table.size == 0
    assert sums(with_table) == sums(without)
    assert (with_table.world.ints == without.world.ints).all()


# -- quality -------------------------------------------------------------------------------------


def test_small_optima_are_found() -> None:
    """Measured: 244 of 244 on another seed; the gate leaves a little room."""
    hit = num_feasible = 0
    for index in range(150):
        problem, best = numbered_problem(SEED + 3, index)
        if best is None:
            continue
        num_feasible += 1
        result = solve(problem, Limits(work=200_000), strategy="search")
        assert result.status is not Status.INFEASIBLE
        assert result.bound is None
        hit += result.objective == best.objective
    assert num_feasible > 100
    assert hit >= 0.98 * num_feasible


def test_at_least_as_good_as_greedy() -> None:
    """On 60 items in sparse cliques a short search is no worse, and mostly better."""
    better = 0
    for seed in range(4):
        problem = clusters(60, 6, seed)
        greedy = solve(problem, Limits(work=1_000_000), strategy="greedy").objective
        found = solve(problem, Limits(work=300_000), strategy="search").objective
        assert greedy is not None
        assert found is not None
        assert found >= greedy
        better += found > greedy
    assert better >= 2


def test_another_seed_is_another_run_of_the_same_quality() -> None:
    """Seeds change the course; each is repeatable."""
    problem = clusters(60, 6)
    values = []
    for seed in (0, 1, 2**31 - 1):
        limits = Limits(work=300_000, seed=seed)
        once, twice = (solve(problem, limits, strategy="search") for _ in range(2))
        assert once.grouping == twice.grouping
        assert once.work == twice.work
        values.append(once.objective or 0)
    assert min(values) >= 0.9 * max(values) > 0


# -- corners -------------------------------------------------------------------------------------


def searched(problem: GroupingProblem, **options: Any) -> Result:
    return solve(problem, SHORT_RUN, strategy="search", **options)


def test_nothing_can_move() -> None:
    """Where all items are pinned the pins are the answer, and the search ends of itself."""
    pins = (Group(0, (0, 1)), Group(1, (2,)))
    problem = GroupingProblem(
        num_items=3, kinds=("a", "b"), item_values=[[1, 2, 3], [4, 5, 6]], pinned=pins
    )
    result = solve(problem, Limits(work=10_000_000), strategy="search")
    assert (result.grouping, result.objective) == (Grouping(pins), 9)
    assert result.stopped_by == "exhausted"


def test_nothing_can_move_and_rules_are_broken() -> None:
    """The same with pins that break a shared limit: no grouping, no claim."""
    problem = GroupingProblem(
        num_items=2,
        kinds=("a",),
        pinned=(Group(0, (0, 1)),),
        shared_group_use=[[1]],
        shared_item_use=[[[1, 1]]],
        shared_limit=[2],
    )
    result = solve(problem, Limits(work=10_000_000), strategy="search")
    assert (result.status, result.grouping) == (Status.UNKNOWN, None)


def test_no_pairs() -> None:
    """Without pairs every item of positive value joins, in groups within the sizes."""
    problem = GroupingProblem(
        num_items=7, kinds=("a",), item_values=[[5, -1, 3, -2, 8, 1, 0]], max_size=[2]
    )
    assert searched(problem).objective == 17


def test_no_pairs_where_absent_pairs_may_not_group() -> None:
    problem = GroupingProblem(
        num_items=4, kinds=("a",), item_values=[[5, 2, 3, -2]], absent_pairs="forbidden"
    )
    result = searched(problem)
    assert result.objective == 10
    assert result.grouping is not None
    assert len(result.grouping) == 3


@pytest.mark.parametrize(("values", "expected"), [((5, -2, 1), 14), ((-5, -5, -5), 0)])
def test_all_items_together(values: tuple[int, ...], expected: int) -> None:
    """One set of all items is one atom: all in (with 10 for its pairs) or all out."""
    problem = GroupingProblem(
        num_items=3,
        kinds=("a",),
        item_values=[values],
        pairs=[(0, 1), (0, 2), (1, 2)],
        pair_values=[4, 4, 2],
        together=((0, 1, 2),),
    )
    assert searched(problem).objective == expected


def test_all_items_together_in_too_large_a_set() -> None:
    """An atom larger than any group stays out, and one that must join leaves no grouping."""
    problem = GroupingProblem(
        num_items=3, kinds=("a",), item_values=[[1, 1, 1]], together=((0, 1, 2),), max_size=[2]
    )
    assert searched(problem).grouping == Grouping()
    result = searched(problem.replace(must_join=[True, False, False]))
    assert (result.status, result.grouping) == (Status.UNKNOWN, None)


def test_must_join_with_tight_resources() -> None:
    """Twelve items that must join fill four groups to the last unit in one way only."""
    amounts = [9, 8, 7, 6, 1, 2, 3, 4, 5, 5, 5, 5]
    problem = GroupingProblem(
        num_items=12,
        kinds=("a",),
        resources=[amounts],
        resource_min=[[15]],
        resource_max=[[15]],
        min_size=[3],
        max_size=[3],
        must_join=[True] * 12,
    )
    result = solve(problem, Limits(work=400_000), strategy="search")
    assert result.grouping is not None
    for group in result.grouping:
        assert sum(amounts[i] for i in group.members) == 15


def test_flawed_pins_claim_nothing() -> None:
    """Two pins whose items must be together cannot be kept; the search says nothing."""
    problem = GroupingProblem(
        num_items=4, kinds=("a",), pinned=(Group(0, (0,)), Group(0, (1,))), together=((0, 1),)
    )
    result = searched(problem)
    assert (result.status, result.bound) == (Status.UNKNOWN, None)


def test_values_near_the_greatest_allowed() -> None:
    """Sums stay in int64 and exact where values are as large as a problem may have."""
    large = 2**59
    problem = GroupingProblem(
        num_items=4,
        kinds=("a",),
        item_values=[[large, -large + 1, large, 0]],
        pairs=[(0, 1), (0, 2)],
        pair_values=[large, -large],
    )
    assert searched(problem).objective == 2 * large + 1


# -- observer and start --------------------------------------------------------------------------


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_observer_stops(stop_after: int) -> None:
    """No event after the one that was answered with False, and what was told is kept."""
    events: list[Event] = []

    def observe(event: Event) -> bool:
        events.append(event)
        return len(events) < stop_after

    result = solve(clusters(60, 6), Limits(work=50_000_000), strategy="search", observer=observe)
    assert result.stopped_by == "observer"
    assert len(events) == stop_after
    # ``solve`` offers the empty grouping before any strategy begins.
    assert events[0].kind is EventKind.INCUMBENT
    assert [e.phase for e in events[1:2]] == ["search"] * (stop_after > 1)
    assert result.objective == events[-1].objective


def test_start_is_never_worsened() -> None:
    """A start is improved or kept, however little work there is."""
    problem = clusters(60, 6)
    good = solve(problem, Limits(work=1_000_000), strategy="search")
    assert good.grouping is not None
    poor = Grouping(list(good.grouping)[:1])
    for work in (1, 500, 30_000):
        for start in (good.grouping, poor, Grouping()):
            value = verify(problem, start).objective
            result = solve(problem, Limits(work=work, seed=1), strategy="search", start=start)
            assert value is not None
            assert result.objective is not None
            assert result.objective >= value
