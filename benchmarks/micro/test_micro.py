"""Micro-benchmarks: kernels of the search, pricing, the graph, ``verify`` and the formulation.

``python -m pytest benchmarks/micro`` prints seconds a call; with ``--benchmark-autosave`` and
``--benchmark-compare`` two states of the code are compared on one machine. Nothing here gates.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.generators import sample_problem, study_problem
from consortium.case import Case, make_case
from consortium.compatibility import compatibility_graph, compatible_pairs
from consortium.eligibility import ineligible
from consortium.formulation import formulate
from consortium.market_files import find_market
from consortium.sample import sample_register
from consortium.valuation import Valuer
from solver import Grouping, GroupingProblem, Limits, solve, verify
from solver.reduction import reduce

SIZES = (100, 300, 1_000)


@pytest.fixture(scope="module", params=SIZES)
def study(request: pytest.FixtureRequest) -> tuple[GroupingProblem, Grouping]:
    """A study problem and a greedy answer to it."""
    problem = study_problem(request.param, 20, 3, 0)
    result = solve(problem, Limits(work=2_000_000), "greedy")
    assert result.grouping is not None
    return problem, result.grouping


@pytest.fixture(scope="module", params=SIZES)
def case(request: pytest.FixtureRequest) -> Case:
    """A sample register for South Africa."""
    register = sample_register("surgical-sialkot", request.param, 1)
    return make_case(register, [find_market("ZAF")])


def test_verify(benchmark: Any, study: tuple[GroupingProblem, Grouping]) -> None:
    """The specification, on a greedy answer."""
    assert benchmark(verify, *study).feasible


def test_reduce(benchmark: Any, study: tuple[GroupingProblem, Grouping]) -> None:
    """All rules of reduction."""
    assert benchmark(reduce, study[0]).problem.num_items


@pytest.mark.parametrize("strategy", ["greedy", "search", "columns"])
def test_a_second_of_work(
    benchmark: Any, study: tuple[GroupingProblem, Grouping], strategy: str
) -> None:
    """A million units: how far a unit is from its microsecond."""
    limits = Limits(work=1_000_000)
    solve(study[0], limits, strategy)  # loads or compiles kernels
    result = benchmark.pedantic(solve, (study[0], limits, strategy), rounds=3)
    benchmark.extra_info["objective"] = result.objective
    assert result.grouping is not None


def test_pairs(benchmark: Any, case: Case) -> None:
    """Scores of all pairs of the firms that may join, and which are kept."""
    able = [f.firm_id for f in case.register.firms if ineligible(case, "ZAF", f) is None]
    assert benchmark(compatible_pairs, case, "ZAF", "range", able).firm_ids


def test_graph(benchmark: Any, case: Case) -> None:
    """The networkx graph with its reasons."""
    assert benchmark(compatibility_graph, case, "ZAF").number_of_nodes()


def test_formulate(benchmark: Any, case: Case) -> None:
    """From a register to a formal problem."""
    assert benchmark(formulate, case).problem.num_items


def test_valuation(benchmark: Any, case: Case) -> None:
    """The worth of one consortium, term by term."""
    formulation = formulate(case)
    result = solve(formulation.problem, Limits(work=1_000_000), "random")
    assert result.grouping is not None
    ((kind, members), *_) = formulation.consortia(result.grouping)
    assert benchmark(Valuer(case).value, kind, members).worth_cents


def test_sample_problem(benchmark: Any) -> None:
    """Making a register of 300 firms and its problem."""
    assert benchmark(sample_problem, 300, 1).num_items
