"""Timefold as a rival: its Java score is the specification's, and its answers are true."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from test_rivals import SEED, judged, problems_of

from benchmarks.generators import study_problem
from benchmarks.league import code
from benchmarks.league.rivals import timefold, timefold_java
from benchmarks.league.rivals.common import Best, Budget
from benchmarks.league.rivals.units import Units
from solver import Group, Grouping, GroupingProblem, Limits, verify

LACKING = timefold.Timefold().unavailable()
needs_timefold = pytest.mark.skipif(bool(LACKING), reason=LACKING)


@pytest.fixture(scope="module")
def cases() -> list[tuple[GroupingProblem, Any]]:
    return problems_of(SEED, 150)


# -- what it needs -------------------------------------------------------------------------------


def _fake_jdk(home: Path, release: str) -> Path:
    for file in (home / "bin" / "javac", timefold_java._library(home)):
        file.parent.mkdir(parents=True)
        file.write_text("", encoding="utf-8")
        file.chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{release}"\n', encoding="utf-8")
    return home


def test_it_says_that_it_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timefold, "find_spec", lambda name: None)
    assert timefold.Timefold().unavailable() == "needs the package timefold"
    monkeypatch.setattr(timefold, "find_spec", lambda name: name)
    monkeypatch.setattr(timefold_java, "find_spec", lambda name: None)
    assert timefold.Timefold().unavailable() == "needs the package timefold"


@pytest.mark.parametrize("release", ["17.0.15", "21", "1.8.0_402", "11.0.2", "none"])
def test_it_says_that_it_needs_a_jdk(
    release: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(timefold, "find_spec", lambda name: name)
    monkeypatch.setattr(timefold_java, "jars", lambda: ["a.jar"])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    needed = "needs a JDK, 17 or later (javac on the PATH or JAVA_HOME)"
    assert timefold.Timefold().unavailable() == needed
    _fake_jdk(tmp_path, release)
    enough = release in ("17.0.15", "21")
    assert timefold.Timefold().unavailable() == ("" if enough else needed)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert timefold.Timefold().unavailable() == ("" if enough else needed)
    # Without its virtual machine it is none.
    timefold_java._library(tmp_path).unlink()
    assert timefold.Timefold().unavailable() == needed


def test_its_java_counts_as_code_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(timefold.__file__).parent
    assert {here / f"{name}.java" for name in timefold_java._SOURCES} == set(here.glob("*.java"))
    code.code_of.cache_clear()
    with_java = code.code_of("timefold"), code.code_of("anneal")
    monkeypatch.setattr(code, "FOREIGN", {})
    code.code_of.cache_clear()
    without = code.code_of("timefold"), code.code_of("anneal")
    code.code_of.cache_clear()
    assert with_java[0] != without[0]
    assert with_java[1] == without[1]


# -- the score -----------------------------------------------------------------------------------


def _begun(problem: GroupingProblem, groups: list[tuple[int, list[int]]]) -> bool:
    """Whether a group that is no pin is short of what its kind asks for."""
    return any(
        len(members) < problem.min_size[k]
        or (problem.resources[:, members].sum(axis=1) < problem.resource_min[k]).any()
        for k, members in groups[len(problem.pinned) :]
        if members
    )


@needs_timefold
def test_the_java_score_is_that_of_the_specification(
    cases: list[tuple[GroupingProblem, Any]],
) -> None:
    checked = infeasible = begun = 0
    for index, (problem, _) in enumerate(cases):
        units = Units(problem)
        if units.flaw or timefold._flaw_of_pins(units):
            continue
        rng, start = random.Random(index), timefold_java.seating(units)
        run = timefold._Run(units, Best(problem, lambda _: None), Budget(Limits()), 0.0)
        slots = [int(slot) for slot in start.slots]
        for _ in range(20):
            chosen = [rng.choice([*slots, -1]) for _ in units.free]
            hard, medium, soft = start.scored(timefold_java._ints(chosen))
            inside = [list(pin.members) for pin in problem.pinned]
            inside += [[] for _ in run.kinds[len(inside) :]]
            for unit, slot in zip(units.free, chosen, strict=True):
                if slot >= 0:
                    inside[slot] += units.items[unit]
            for at, pin in enumerate(problem.pinned):
                inside[at] += set(units.items[units.unit_of[pin.members[0]]]) - set(pin.members)
            groups = list(zip(run.kinds, inside, strict=True))
            verdict = verify(problem, run.grouping(chosen))
            if _begun(problem, groups):
                begun += 1
                # Bans among those who wait count too; what is no group has no value.
                assert medium == verdict.objective
                assert hard < 0 or verdict.feasible
                continue
            plain = verify(problem, Grouping(Group(k, m) for k, m in groups if m))
            assert plain == verdict
            assert (hard == 0, medium, soft) == (plain.feasible, plain.objective, 0)
            checked += 1
            infeasible += not plain.feasible
    assert checked > 1_000
    assert infeasible > 500
    assert checked - infeasible > 100
    assert begun > 100


@needs_timefold
def test_totals_near_the_greatest_do_not_overflow() -> None:
    """None of a valid problem can leave +-2**62: it would have been refused."""
    huge = 2**59
    problem = GroupingProblem(
        3,
        ("a",),
        item_values=[[huge, huge, -huge]],
        pairs=[(0, 1), (1, 2)],
        pair_values=[huge, huge],
        resources=[[huge, huge, huge]],
        resource_max=[[2 * huge]],
        shared_item_use=[[[huge, huge, huge]]],
        shared_group_use=[[0]],
        shared_limit=[1],
    )
    answer = timefold.Timefold().solve(problem, Limits(work=10_000), lambda grouping: None)
    assert answer.grouping == Grouping()
    loose = problem.replace(shared_limit=[2**62])
    answer = judged(timefold.Timefold(), loose, Limits(work=10_000), None)
    assert answer.objective == 3 * huge


# -- answers -------------------------------------------------------------------------------------


@needs_timefold
def test_it_tells_the_truth(cases: list[tuple[GroupingProblem, Any]]) -> None:
    found = best_found = feasible = 0
    for problem, best in cases[:80]:
        answer = judged(timefold.Timefold(), problem, Limits(work=80_000, seed=3), best)
        assert answer.bound is None
        if best is None:
            assert answer.grouping is None
            continue
        assert answer.objective is None or answer.objective <= best.objective
        feasible += 1
        found += answer.grouping is not None
        best_found += answer.objective == best.objective
    assert found >= 0.8 * feasible
    assert best_found >= 0.7 * feasible


#: Also what a process of it leaves: no word, and a clean end.
ONCE = """
from benchmarks.generators import sample_problem
from benchmarks.league.rivals.timefold import Timefold
from solver import Limits
told = []
answer = Timefold().solve(sample_problem(60, 1), Limits(work=300_000, seed=5), told.append)
assert told and answer.grouping == told[-1]
print(answer.objective, answer.grouping)
"""


@needs_timefold
def test_same_work_same_grouping_in_any_process(tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    said = []
    for hashing in ("1", "2"):
        path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", ONCE],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hashing},
        )
        assert (done.returncode, done.stderr) == (0, "")
        said.append(done.stdout)
    assert said[0] == said[1]
    assert said[0].count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert timefold.Timefold.deterministic


@needs_timefold
def test_it_ends_within_its_seconds_and_tells_on_the_way() -> None:
    timefold_java.java()  # starting Java is not timed in the league
    problem = study_problem(100, 20, 3, 0)
    told: list[float] = []
    began = time.monotonic()
    answer = timefold.Timefold().solve(
        problem, Limits(seconds=3), lambda grouping: told.append(time.monotonic() - began)
    )
    assert time.monotonic() - began < 4  # a shared machine is not a clock
    assert answer.grouping is not None
    assert len([seconds for seconds in told if 0.01 < seconds < 2]) >= 2


@needs_timefold
def test_what_is_too_large_is_answered_by_the_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = study_problem(40, 8, 2, 0)
    monkeypatch.setattr(timefold, "_FOR_HANDOVER", 0.0)
    for limits in (Limits(work=10_000), Limits(seconds=1)):
        answer = judged(timefold.Timefold(), problem, limits, None)
        assert answer.grouping == Grouping()
        assert "too large" in " ".join(answer.notes)


@needs_timefold
def test_too_little_memory_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(units: Units) -> Any:
        raise timefold_java.java().OutOfMemory("Java heap space")

    monkeypatch.setattr(timefold_java, "seating", full)
    answer = judged(timefold.Timefold(), study_problem(40, 8, 2, 0), Limits(seconds=2), None)
    assert answer.grouping == Grouping()
    assert "memory" in " ".join(answer.notes)


class _Search:
    """One that hears nothing, or has failed."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure, self.stopped = failure, False

    def ended(self, milliseconds: int) -> bool:
        time.sleep(milliseconds / 1000)
        return self._failure is not None

    def failure(self) -> Exception | None:
        return self._failure

    def news(self) -> None:
        return None

    def stop(self) -> None:
        self.stopped = True


@needs_timefold
def test_a_search_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = _Search(None)
    monkeypatch.setattr(timefold_java.java(), "SeatingSearch", lambda *_: stuck)
    began = time.monotonic()
    answer = judged(timefold.Timefold(), study_problem(40, 8, 2, 0), Limits(seconds=1), None)
    assert time.monotonic() - began < 2
    assert stuck.stopped
    assert answer.grouping == Grouping()
    assert "did not end" in " ".join(answer.notes)


@needs_timefold
def test_a_fault_of_java_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = _Search(ValueError("of Java"))
    monkeypatch.setattr(timefold_java.java(), "SeatingSearch", lambda *_: failed)
    with pytest.raises(ValueError, match="of Java"):
        timefold.Timefold().solve(study_problem(40, 8, 2, 0), Limits(work=10_000), lambda _: None)


@needs_timefold
def test_where_nothing_can_be_chosen() -> None:
    pinned = GroupingProblem(2, ("a",), pinned=(Group(0, (0, 1)),))
    shut = GroupingProblem(2, ("a",), max_groups=[0])
    for problem in (pinned, shut):
        answer = judged(timefold.Timefold(), problem, Limits(work=10_000), None)
        assert answer.grouping == Grouping(problem.pinned)
        assert not answer.notes
