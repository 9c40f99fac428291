"""Rivals: whatever they answer is true. How good they are is the league's question."""

from __future__ import annotations

import random
import sys
import time
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from solver_spec.judging import numbered_problem

from benchmarks.generators import sample_problem, study_problem
from benchmarks.league import strategies
from benchmarks.league.contract import Answer, Strategy
from benchmarks.league.rivals import assignment, common, leiden, milp, pieces
from benchmarks.league.rivals.assignment_model import AssignmentModel, model_size
from benchmarks.league.rivals.kmeans import assigned
from benchmarks.league.rivals.states import State
from benchmarks.league.rivals.units import Units
from benchmarks.league.strategies import Ours, PlugInError, all_strategies
from solver import Curve, Grouping, GroupingProblem, Limits, verify

SEED = 20_261
EXACT = ("assignment", "highs", "scip")
HEURISTIC = ("lists", "kmeans", "spectral", "anneal")
#: Enough for the exact ones to end by themselves on a few items, and short for the others.
WORK = {"assignment": 5_000_000, "highs": 10_000_000, "scip": 10_000_000, "anneal": 60_000}


def strategy(name: str) -> Strategy:
    return all_strategies()[name]


def judged(runner: Strategy, problem: GroupingProblem, limits: Limits, best: Any) -> Answer:
    """An answer, of which every claim has been checked against brute force."""
    told: list[Grouping] = []
    answer = runner.solve(problem, limits, told.append)
    value = None if best is None else best.objective
    reported = [verify(problem, grouping) for grouping in told]
    assert all(verdict.feasible for verdict in reported)
    if answer.grouping is not None:
        verdict = verify(problem, answer.grouping)
        assert verdict.feasible, verdict.violations
        assert answer.objective is None or answer.objective == verdict.objective
        assert max(v.objective for v in reported) == verdict.objective
    else:
        assert not told
    if answer.infeasible:
        assert value is None
        assert answer.grouping is None
    if answer.bound is not None and value is not None:
        assert answer.bound >= value
    return answer


def problems_of(seed: int, count: int) -> list[tuple[GroupingProblem, Any]]:
    return [numbered_problem(seed, index, 6) for index in range(count)]


@pytest.fixture(scope="module")
def cases() -> list[tuple[GroupingProblem, Any]]:
    """Small problems with every field in use, and their optima by brute force."""
    return problems_of(SEED, 120)


@pytest.mark.parametrize("name", HEURISTIC)
def test_heuristics_tell_the_truth(name: str, cases: list[tuple[GroupingProblem, Any]]) -> None:
    runner = strategy(name)
    limits = Limits(work=WORK.get(name, 10_000), seed=3)
    found = best_found = feasible = 0
    for problem, best in cases[:60]:
        answer = judged(runner, problem, limits, best)
        assert answer.bound is None
        feasible += best is not None
        found += answer.grouping is not None
        best_found += best is not None and answer.objective == best.objective
    assert found >= 0.8 * feasible  # a rival that hardly ever finds anything is a straw man
    if name == "anneal":
        assert best_found >= 0.9 * feasible


@pytest.mark.parametrize("name", EXACT)
def test_exact_rivals_reach_the_optimum(
    name: str, cases: list[tuple[GroupingProblem, Any]]
) -> None:
    runner = strategy(name)
    closed = 0
    chosen = cases[:60]
    for problem, best in chosen:
        answer = judged(runner, problem, Limits(work=WORK[name]), best)
        if best is None:
            assert answer.infeasible
        elif answer.bound is not None and answer.bound == answer.objective:
            assert answer.objective == best.objective
        proved = answer.bound is not None and answer.bound == answer.objective
        closed += answer.infeasible or proved
    assert closed >= 0.95 * len(chosen)


#: Of ours those that compile nothing first; the others have tests enough of their own.
QUICK = ("exact", "greedy", "louvain", "random")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in strategies.IN_LEAGUE
    ],
)
def test_ours_tell_the_truth(name: str, cases: list[tuple[GroupingProblem, Any]]) -> None:
    for problem, best in cases[:8]:
        judged(Ours(name), problem, Limits(work=100_000), best)


@pytest.mark.parametrize("name", [*HEURISTIC, "assignment", "auto"])
def test_same_work_same_grouping(name: str) -> None:
    problem = sample_problem(60, 1)
    limits = Limits(work=300_000, seed=5)
    first, second = (strategy(name).solve(problem, limits, lambda grouping: None) for _ in range(2))
    assert first.grouping == second.grouping
    assert strategy(name).deterministic


def test_all_have_what_the_contract_asks() -> None:
    found = all_strategies()
    assert {*HEURISTIC, *EXACT, *strategies.IN_LEAGUE, "leiden", "timefold"} <= set(found)
    for name, each in found.items():
        assert isinstance(each, Strategy)
        assert (each.name, each.about != "") == (name, True)


def test_leiden_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leiden, "find_spec", lambda name: None)
    assert leiden.Leiden().unavailable() == "needs the packages igraph and leidenalg"


class _FakeLeiden:
    """Stands for leidenalg 0.12: the cap counts only when its enforcement is set."""

    obeys = True

    class Optimiser:
        community_constraint_enforcement = 0.0
        max_comm_size = 0

        def set_rng_seed(self, seed: int) -> None:
            pass

        def optimise_partition(self, partition: list[list[int]], n_iterations: int) -> None:
            size = len(partition)
            capped = _FakeLeiden.obeys and self.community_constraint_enforcement > 0
            most = self.max_comm_size if capped else size
            partition[:] = [list(range(at, min(at + most, size))) for at in range(0, size, most)]

    @staticmethod
    def CPMVertexPartition(graph: Any, **_: Any) -> list[list[int]]:
        return [[i] for i in range(graph.n)]


@pytest.fixture
def fake_leiden(monkeypatch: pytest.MonkeyPatch) -> type[_FakeLeiden]:
    monkeypatch.setitem(sys.modules, "igraph", SimpleNamespace(Graph=SimpleNamespace))
    monkeypatch.setitem(sys.modules, "leidenalg", _FakeLeiden)
    monkeypatch.setattr(_FakeLeiden, "obeys", True)
    return _FakeLeiden


def test_leiden_enforces_its_cap(
    fake_leiden: type[_FakeLeiden],
    cases: list[tuple[GroupingProblem, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = leiden.capped_communities(10, [[0, 1]], [1.0], 4, 0.5, 0)
    assert [len(members) for members in found] == [4, 4, 2]
    for problem, best in cases[:20]:
        judged(leiden.Leiden(), problem, Limits(work=5_000), best)
    monkeypatch.setattr(fake_leiden, "obeys", False)
    with pytest.raises(RuntimeError, match="max_comm_size"):
        leiden.capped_communities(10, [[0, 1]], [1.0], 4, 0.5, 0)


def test_leiden_itself(cases: list[tuple[GroupingProblem, Any]]) -> None:
    pytest.importorskip("leidenalg")
    for problem, best in cases[:20]:
        judged(leiden.Leiden(), problem, Limits(work=5_000), best)


def test_exact_rivals_build_nothing_that_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which counts as an answer of little worth: a refusal would count as no run."""
    problem = study_problem(60, 10, 2, 0)
    monkeypatch.setattr(assignment, "MAX_VARIABLES", 100)
    monkeypatch.setattr(milp, "MAX_VARIABLES", 100)
    for name in EXACT:
        assert not strategy(name).refuses(problem)
        answer = strategy(name).solve(problem, Limits(seconds=5), lambda grouping: None)
        assert answer.grouping == Grouping()
        assert answer.bound is None
        assert "variables" in " ".join(answer.notes)


def test_the_model_size_is_an_upper_bound(cases: list[tuple[GroupingProblem, Any]]) -> None:
    for problem, _ in cases[:40]:
        built = AssignmentModel(problem, common.Budget(Limits()))
        assert len(built.model.proto.variables) <= model_size(problem)


def test_pieces_are_the_curve() -> None:
    curve = Curve(((0, 1), (3, 7), (3, 20), (5, 16), (9, 16), (9, -4)))
    for most in (0, 2, 3, 4, 9, 15):
        found = pieces.curve_pieces(curve, most)
        worth = {
            t: p.value + p.slope * (t - p.low) for p in found for t in range(p.low, p.high + 1)
        }
        assert worth == {t: curve.value(t) for t in range(most + 1)}


def test_assignment_by_flow_keeps_sizes_and_is_cheapest() -> None:
    cost = np.array([[0.0, 5.0], [0.0, 1.0], [0.0, 3.0], [0.1, 0.2]])
    assert assigned(cost, 1, 2).tolist() == [0, 1, 0, 1]
    assert np.bincount(assigned(np.zeros((7, 3)), 2, 3), minlength=3).min() >= 2


def test_annealing_counts_exactly(cases: list[tuple[GroupingProblem, Any]]) -> None:
    """Values and feasibility of states after many random changes are those of ``verify``."""
    from benchmarks.league.rivals.anneal import _Run

    for problem, _ in cases[:60]:
        units = Units(problem)
        if units.flaw or (State(units) and units.flaw):
            continue
        best = common.Best(problem, lambda grouping: None)
        run = _Run(units, best, common.Budget(Limits(work=10)), random.Random(1))
        for _ in range(60 if units.free else 0):
            change = run._random_change()
            if change is not None:
                after = run.state.after(*change)
                run.state.apply(*change)
                assert after == (run.state.value, run.state.broken)
            verdict = verify(problem, run.state.grouping())
            assert verdict.objective == run.state.value
            assert verdict.feasible == (run.state.broken == 0), verdict.violations


class _Twin:
    name = "anneal"
    about = "a second one"
    deterministic = True

    def unavailable(self) -> str:
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Any) -> Answer:
        return Answer(None)


class _Newcomer(_Twin):
    name = "newcomer"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (f"{__name__}:_Twin", "is taken"),
        (f"{__name__}:Limits", "is no strategy"),
        ("no.such.module:Thing", "cannot be loaded"),
    ],
)
def test_a_bad_plug_in_is_named(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    point = EntryPoint("theirs", value, "grouping_strategies")
    object.__setattr__(point, "dist", SimpleNamespace(name="their-package"))
    monkeypatch.setattr(strategies, "plug_ins", lambda: [point])
    with pytest.raises(PlugInError, match=f"their-package.*{message}"):
        all_strategies()


def test_a_plug_in_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", f"{__name__}:_Newcomer", "grouping_strategies")
    monkeypatch.setattr(strategies, "plug_ins", lambda: [point])
    assert all_strategies()["newcomer"].about == "a second one"


def test_partition_refuses_what_it_is_not_made_for() -> None:
    assert "free grouping" in Ours("partition").refuses(study_problem(20, 5, 1, 0))
    with pytest.raises(ValueError, match="no strategy"):
        Ours("no such")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HEURISTIC, *EXACT])
def test_seconds_are_kept(name: str) -> None:
    problem = study_problem(300, 20, 3, 0)
    runner = strategy(name)
    began = time.monotonic()
    answer = runner.solve(problem, Limits(seconds=3), lambda grouping: None)
    # The league's own time limit has some slack too; a shared machine is not a clock.
    assert time.monotonic() - began < 4
    assert answer.grouping is None or verify(problem, answer.grouping).feasible


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HEURISTIC, *EXACT])
def test_fresh_problems(name: str, fresh_seed: int) -> None:
    for problem, best in problems_of(fresh_seed, 150):
        judged(strategy(name), problem, Limits(work=WORK.get(name, 10_000)), best)
