"""A run in its own process: the honest are left alone, liars are found, each for his reason."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from league_plugins import LIARS, install

import solver.search
from benchmarks.league.contract import Answer
from benchmarks.league.judging import judge
from benchmarks.league.match import _warm, play, referee
from benchmarks.league.rows import Key, Row
from benchmarks.league.strategies import Ours
from solver import Group, Grouping, GroupingProblem, Limits
from solver.context import SolveContext
from solver.partitioning import partition_within_reach

INSTANCE = "study:60,10,2,0"


def key(strategy: str, **changes: object) -> Key:
    usual = Key(INSTANCE, strategy, 0, 1.0, None, 4_000, 1, "code")
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(install(folder)))


@pytest.mark.usefixtures("plugins")
def test_the_honest_are_left_alone() -> None:
    row = play(key("honest"))
    assert row.answer.verdict == "ok", row.answer.reason
    assert row.answer.objective == row.answer.bound == row.answer.values[-1]
    assert row.answer.values[0] == 0
    assert row.measured.seconds > 0
    assert row.measured.peak_mb > 50
    assert [value for _, value in row.measured.trace] == row.answer.values
    assert Row.from_line(row.to_line()) == row


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("name", LIARS)
def test_each_liar_is_found(name: str) -> None:
    memory = 800 if name == "eats-memory" else 4_000
    row = play(key(name, memory_mb=memory))
    assert row.answer.verdict == "disqualified"
    assert LIARS[name][1] in row.answer.reason


@pytest.mark.usefixtures("plugins")
def test_a_liar_costs_nobody_else_anything() -> None:
    """The rows of the others on the same instance stand, and a false bound is judged by theirs."""
    rows = [play(key("honest")), play(key("crashes")), play(key("greedy"))]
    honest = rows[0].answer
    assert honest.objective is not None
    low = dataclasses.replace(
        rows[2].answer, objective=0, groups=[], values=[], bound=honest.objective - 1
    )
    rows[2] = dataclasses.replace(rows[2], answer=low)
    judged = judge(rows, {})
    verdicts = {row.key.strategy: row.answer for row in judged.rows}
    assert verdicts["honest"].verdict == "ok"
    assert verdicts["crashes"].verdict == "disqualified"
    assert verdicts["greedy"].verdict == "disqualified"
    assert str(honest.objective) in verdicts["greedy"].reason


def test_the_same_work_gives_the_same_answer() -> None:
    rows = [play(key("search", work=100_000, seconds=30.0)) for _ in range(2)]
    assert rows[0].deterministic
    assert rows[0].fixed() == rows[1].fixed()
    assert rows[0].answer.verdict == "ok"


@pytest.mark.usefixtures("plugins")
def test_what_is_not_of_its_sort_is_refused_not_disqualified() -> None:
    row = play(key("particular"))
    assert row.answer.verdict == "refused"
    assert "three kinds" in row.answer.reason


def test_what_is_too_large_counts_as_an_answer() -> None:
    row = play(key("highs", instance="study:6000,4,2,0", work=50_000, seconds=30.0))
    assert (row.answer.verdict, row.answer.objective) == ("ok", 0)
    assert "million" in row.answer.notes[0]


PAIR = GroupingProblem(
    num_items=3, kinds=("a",), pairs=[(0, 1), (1, 2)], pair_values=[5, 7], max_size=[2]
)
BOTH, LATER = Grouping([Group(0, [0, 1])]), Grouping([Group(0, [1, 2])])


@pytest.mark.parametrize(
    ("answer", "told", "verdict", "reason"),
    [
        (Answer(LATER), [(0.1, BOTH)], "ok", ""),
        (Answer(LATER, 7, 7), [], "ok", ""),
        (Answer(LATER, 8), [], "disqualified", "claims 8, its grouping is worth 7"),
        (Answer(LATER, 7, 6), [], "disqualified", "6 is below its own answer, 7"),
        (Answer(BOTH, 5, 6), [(0.1, LATER)], "disqualified", "6 is below its own answer, 7"),
        (Answer(None), [], "none", ""),
        (Answer(None, bound=9), [], "none", ""),
        (Answer(None), [(0.1, BOTH)], "disqualified", "told groupings and answered none"),
        (Answer(None, infeasible=True), [], "ok", ""),
        (Answer(BOTH, infeasible=True), [], "disqualified", "says infeasible and gives"),
        (Answer(Grouping([Group(0, [0, 1, 2])])), [], "disqualified", "infeasible:"),
        (Answer(Grouping([Group(1, [0])])), [], "disqualified", "infeasible:"),
        (Answer(LATER), [(0.1, "x")], "disqualified", "told no Grouping but str"),
        (Answer("x"), [], "disqualified", "its grouping is no Grouping"),  # type: ignore[arg-type]
        (Answer(LATER, True), [], "disqualified", "its objective is no int but bool"),
    ],
)
def test_referee(
    answer: Answer, told: list[tuple[float, object]], verdict: str, reason: str
) -> None:
    found, trace = referee(PAIR, answer, told)
    assert found.verdict == verdict
    assert reason in found.reason
    assert found.values == [value for _, value in trace]
    if verdict == "ok" and not answer.infeasible:
        assert found.objective == 7


def test_any_note_fits_a_row() -> None:
    found, _ = referee(PAIR, Answer(LATER, notes=("a\u2028b\ud800",)), [])
    assert found.notes == ["a\u2028b?"]


def test_a_bound_of_any_size_fits_a_row() -> None:
    found, _ = referee(PAIR, Answer(LATER, bound=10**400), [])
    assert found.verdict == "disqualified"
    assert "bound" in found.reason


def test_warming_leaves_nothing_to_compile_to_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of ``auto``, which searches only where a problem is not done before."""
    monkeypatch.setattr(solver.search, "_prepared", threading.Event())
    searched: list[int] = []

    def counting(context: SolveContext) -> bool:
        searched.append(context.problem.num_items)
        return partition_within_reach(context)

    monkeypatch.setattr("solver.auto.partition_within_reach", counting)
    _warm(Ours("auto"), Limits(seconds=5, workers=1))
    assert solver.search.prepared()
    assert searched == [40]
