"""``check_bound`` confirms what is true and proved, and nothing else, held against the oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver import (
    Certificate,
    Grouping,
    GroupingProblem,
    ItemPrices,
    ProofNode,
    check_bound,
    verify,
)
from solver.column_generation import branching
from solver.column_generation.atoms import contract
from solver.column_generation.columns import no_columns
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.pool import PoolRelaxation
from solver.column_generation.proof import Proof
from solver.column_generation.settings import EnumerationSettings
from solver.column_generation.strategy import generate_columns
from solver.context import SolveContext
from solver.limits import Limits

from .checking import AMPLE_WORK
from .judging import numbered_problem, numbered_problem_code
from .oracle import Optimum
from .proofs import damaged, random_certificate

# Each sends a small problem through another part of the engine.
WAYS = {
    "listed": EnumerationSettings(),
    "few": EnumerationSettings(max_listed=0),
    "few and branched": EnumerationSettings(max_listed=0, few_packed=0),
    "priced": EnumerationSettings(max_listed=0, few_chosen=0),
    "branched": EnumerationSettings(max_packed=0),
    "priced and branched": EnumerationSettings(max_listed=0, few_chosen=0, max_packed=0),
    "not listed": EnumerationSettings(max_listed=0, few_chosen=0, max_pool=0, max_window=0),
}


def proved(
    problem: GroupingProblem, settings: EnumerationSettings, work: int = AMPLE_WORK
) -> SolveContext:
    context = SolveContext(problem, Limits(work=work, workers=1))
    generate_columns(context, settings)
    return context


def _is_true(bound: int, best: Optimum | None) -> bool:
    return best is None or bound >= best.objective


def _check_any_tree(seed: int, number: int) -> None:
    """On small problems the search of the leaves is complete: true bounds are confirmed too."""
    problem, best = numbered_problem(seed, number, 5)
    rng = np.random.default_rng([seed, number, 1])
    optimum = 0 if best is None else best.objective
    for bound in (optimum, optimum - 1, optimum + int(rng.integers(-20, 20))):
        certificate = random_certificate(rng, problem, bound)
        told = f"{numbered_problem_code(seed, number, 5)}\n{certificate}"
        checked = check_bound(problem, certificate)
        assert checked.confirmed == _is_true(bound, best), (checked, told)
        assert checked.bound == bound
        if checked.better is not None:
            verdict = verify(problem, checked.better)
            assert verdict.feasible, told
            assert verdict.objective is not None
            assert verdict.objective > bound, told
        assert checked.confirmed or checked.better is not None, (checked, told)


def _check_engine(seed: int, number: int, way: str, repeats: int, work: int = AMPLE_WORK) -> bool:
    """What the engine proves is confirmed; damaged or with a lower claim, nothing false is."""
    problem, best = numbered_problem(seed, number, 6)
    context = proved(problem, WAYS[way], work)
    if context.infeasible or context.bound is None:
        return False
    told = f"{way}: {numbered_problem_code(seed, number, 6)}"
    certificate = context.certificate
    assert certificate is not None, told
    assert certificate.bound == context.bound
    assert Certificate.from_json(certificate.to_json()) == certificate
    checked = check_bound(problem, certificate)
    assert checked.confirmed, (checked, told)
    if best is None:
        return True
    rng = np.random.default_rng([seed, number, 2])
    false = replace(certificate, bound=best.objective - 1)
    assert not check_bound(problem, false).confirmed, told
    for _ in range(repeats):
        worse = damaged(rng, false)
        assert not check_bound(problem, worse).confirmed, (worse, told)
        worse = damaged(rng, worse)
        assert not check_bound(problem, worse).confirmed, (worse, told)
    return True


@pytest.mark.parametrize("number", range(60))
def test_any_tree_confirms_what_is_true(number: int) -> None:
    _check_any_tree(41, number)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(20))
def test_any_tree_confirms_what_is_true_in_bulk(hundred: int) -> None:
    for number in range(100):
        _check_any_tree(42, 100 * hundred + number)


@pytest.mark.parametrize("way", WAYS)
def test_engine_is_confirmed(way: str) -> None:
    confirmed = [_check_engine(43, number, way, 6) for number in range(25)]
    assert sum(confirmed) > 10, "too few problems with a bound"


@pytest.mark.parametrize("way", ["few", "few and branched", "priced"])
def test_what_was_proved_before_a_stop_is_confirmed(way: str) -> None:
    for number in range(60):
        _check_engine(46, number, way, 1, work=3_000 * (number + 2))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_engine_is_confirmed_in_bulk(way: str) -> None:
    for number in range(300):
        _check_engine(44, number, way, 10)


def test_branches_are_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Branch and bound without packing: trees with decisions of several kinds."""
    monkeypatch.setattr(branching, "FEW", -1)
    steps: set[str] = set()
    for number in range(160):
        problem, best = numbered_problem(45, number, 7)
        context = SolveContext(problem, Limits(work=AMPLE_WORK, workers=1))
        atoms = contract(problem)
        search = GroupSearch(atoms, context)
        pool = search.every(10_000, 1_000_000).columns
        if atoms.impossible is not None or not len(pool):
            continue
        proof = Proof(atoms)
        proof.listed(None)
        context.certify = proof.certificate
        with PoolRelaxation(
            atoms, search, context, pool, no_columns(), [], EnumerationSettings()
        ) as relaxation:
            branching.explore(relaxation, 1_000, None, proof)
        certificate = context.certificate
        if certificate is None:
            continue
        told = numbered_problem_code(45, number, 7)
        assert check_bound(problem, certificate).confirmed, told
        if best is not None:
            false = replace(certificate, bound=best.objective - 1)
            assert not check_bound(problem, false).confirmed, told
        steps.update(node.step for node in certificate.nodes)
    assert steps == {"close", "list", "number", "item", "pair", "kind"}


def test_work_limit_is_honest() -> None:
    problem, best = numbered_problem(43, 9, 6)
    assert best is not None
    certificate = random_certificate(np.random.default_rng(0), problem, best.objective)
    whole = check_bound(problem, certificate)
    assert whole.confirmed
    short = check_bound(problem, certificate, work=whole.work - 1)
    assert not short.confirmed
    assert short.reason == f"not confirmed within the work limit of {whole.work - 1}"
    assert check_bound(problem, certificate, work=whole.work).confirmed


def test_empty_problem() -> None:
    problem = GroupingProblem(num_items=0, kinds=())
    certificate = certificate_of_nothing()
    assert check_bound(problem, certificate).confirmed
    refuted = check_bound(problem, replace(certificate, bound=-1))
    assert not refuted.confirmed
    assert refuted.better == Grouping()


def certificate_of_nothing() -> Certificate:
    return Certificate(0, (), (ItemPrices(1, (), (), ()),), (ProofNode("close", (0,)),))
