"""The table of gains: exact sums, rules that always hold, and what a pool recombines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solver_spec.problems import random_problem

from solver import Group, GroupingProblem, Limits, solve, verify
from solver.search.atoms import contract
from solver.search.engine import pins_only
from solver.search.recombination import disagreement
from solver.search.table import Groups, TableEngine, parts_of, tabulates
from solver.search.table_kernels import COUNT, HOME, KIND, LIVE, LOAD, NUM_LIVE, NUMBER, VALUE

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_261_124


def dense_problem(num_items: int, seed: int, **changes: Any) -> GroupingProblem:
    """Pairs of both signs and two kinds with sizes and loads, bans, sets and a pin that grows."""
    rng = np.random.default_rng([SEED, seed])
    first, second = np.triu_indices(num_items, 1)
    values = rng.integers(-20, 25, len(first))
    arguments: dict[str, Any] = {
        "num_items": num_items,
        "kinds": ("a", "b"),
        "item_values": rng.integers(-30, 30, (2, num_items)),
        "pairs": np.stack([first, second], axis=1),
        "pair_values": values,
        "pair_allowed": rng.random(len(first)) < 0.95,
        "open_values": [-10, 15],
        "max_size": [8, 12],
        "resources": rng.integers(0, 9, (1, num_items)),
        "resource_max": [[40], [60]],
        "max_groups": [4, 2],
        "must_join": rng.random(num_items) < 0.2,
        "together": ((0, 1),),
        "apart": ((2, 3, 4),),
    }
    arguments["pair_allowed"][0] = True
    return GroupingProblem(**{**arguments, **changes})


def started(problem: GroupingProblem, seed: int = 0) -> TableEngine | None:
    """A table with a feasible grouping in it, or ``None`` if there is none at hand."""
    atoms = contract(problem)
    if atoms.flaw is not None or not tabulates(atoms):
        return None
    grouping = solve(problem, Limits(work=30_000), strategy="search").grouping
    if grouping is None:
        return None
    engine = TableEngine(atoms, parts_of(atoms), seed)
    engine.load(
        [(g.kind, sorted({int(atoms.of_item[i]) for i in g.members})) for g in grouping.groups]
    )
    return engine


def present(engine: TableEngine) -> Groups:
    home = engine.table.atom[:, HOME]
    live = engine.table.slot[: int(engine.table.ints[NUM_LIVE]), LIVE].tolist()
    return [(int(engine.table.slot[s, KIND]), np.flatnonzero(home == s).tolist()) for s in live]


def check(engine: TableEngine) -> None:
    """All sums are those of the grouping itself, it breaks no rule, and ``verify`` agrees."""
    groups, t = present(engine), engine.table
    rebuilt = TableEngine(engine.atoms, engine.parts, 1)
    rebuilt.load(groups)
    assert t.ints[VALUE] == rebuilt.table.ints[VALUE]
    assert (t.kind[:, NUMBER] == rebuilt.table.kind[:, NUMBER]).all()
    live = t.slot[: len(groups), LIVE]
    for part, again in ((t.gain, rebuilt.table.gain), (t.against, rebuilt.table.against)):
        assert (part[live[: len(part)]] == again[: len(groups)][: len(part)]).all()
    assert (t.slot[live, COUNT] == rebuilt.table.slot[: len(groups), COUNT]).all()
    assert (t.slot[live, LOAD:] == rebuilt.table.slot[: len(groups), LOAD:]).all()
    for told, value in ((groups, int(t.ints[VALUE])), (engine.best_groups(), engine.best)):
        verdict = verify(engine.atoms.problem, engine.atoms.grouping(told))
        assert verdict.feasible, verdict
        assert verdict.objective == value


def test_sums_stay_exact_and_rules_hold_on_random_problems() -> None:
    """Over every field a table takes; moves are checked at several temperatures."""
    tabulated = 0
    for index in range(200):
        engine = started(random_problem(np.random.default_rng([SEED, index]), 9), index)
        if engine is None:
            continue
        tabulated += 1
        for temperature in (1000.0, 3.0):
            engine.begin(200, temperature, temperature / 2)
            engine.go(200, 10**9)
            check(engine)
    assert tabulated >= 10


@pytest.mark.parametrize("seed", range(4))
def test_sums_stay_exact_on_more_items(seed: int) -> None:
    pin = Group(0, (7, 8))
    allowed = np.ones(40 * 39 // 2, dtype=bool)
    fixed = {"pinned": (pin,), "pinned_may_grow": bool(seed % 2), "pair_allowed": allowed}
    engine = started(dense_problem(40, seed, **(fixed if seed > 1 else {})), seed)
    assert engine is not None
    for part in range(30):
        engine.begin(500, 60.0 / (part + 1), 50.0 / (part + 1))
        engine.go(500, 10**9)
        check(engine)


def test_held_atoms_stay() -> None:
    engine = started(dense_problem(30, 1))
    assert engine is not None
    before = {a: g for g, (_, members) in enumerate(present(engine)) for a in members}
    free = np.arange(engine.atoms.num_atoms) % 2 == 0
    engine.restrict(free)
    engine.begin(3000, 50.0, 20.0)
    engine.go(3000, 10**9)
    check(engine)
    after = {a: g for g, (_, members) in enumerate(present(engine)) for a in members}
    held = [a for a in before if not free[a]]
    for a in held:
        assert a in after
        assert {b for b in held if before[b] == before[a]} == {
            b for b in held if after.get(b) == after[a]
        }


def digests() -> list[str]:
    """Digests of everything the kernel writes; for another process."""
    made = []
    for seed in range(3):
        atoms = contract(dense_problem(14, seed, must_join=np.zeros(14, dtype=bool)))
        engine = TableEngine(atoms, parts_of(atoms), seed)
        engine.load(pins_only(atoms))
        engine.begin(3000, 40.0, 1.0)
        engine.go(3000, 10**9)
        digest = sha256()
        for array in engine.table:
            digest.update(np.ascontiguousarray(array).tobytes())
        made.append(digest.hexdigest())
    return made


def test_compiled_kernel_does_what_plain_python_does() -> None:
    paths = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", "import json, test_table; print(json.dumps(test_table.digests()))"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == digests()


def test_disagreement() -> None:
    """Matched by overlap: atom 2 changes groups, 5 leaves, 6 stays out; names do not matter."""
    first: Groups = [(0, [0, 1, 2]), (0, [3, 4, 5])]
    second: Groups = [(0, [2, 3, 4]), (0, [0, 1])]
    assert np.flatnonzero(disagreement(first, second, 7)).tolist() == [2, 5]
    assert not disagreement(first, first[::-1], 7).any()
    assert disagreement([], first, 7).sum() == 6


def test_a_trap_for_single_moves_is_left() -> None:
    """CP-Lib's am-n-a: pairs (i, n + i) look good, but the first n together are worth n(a+n-3)."""
    half, edge = 20, 3
    pairs = [(i, j) for i in range(2 * half) for j in range(i + 1, 2 * half)]
    values = []
    for i, j in pairs:
        if j < half:
            values.append(edge if j - i in (1, half - 1) else 2)
        else:
            values.append(edge + 1 if j == i + half else -(half**2 + 2 * half * edge))
    problem = GroupingProblem(
        num_items=2 * half,
        kinds=("group",),
        pairs=pairs,
        pair_values=values,
        must_join=[True] * (2 * half),
    )
    found = solve(problem, Limits(work=1_000_000), strategy="search")
    assert found.objective == half * (edge + half - 3)
