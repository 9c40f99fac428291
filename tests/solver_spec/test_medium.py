"""On medium problems, which no oracle reaches, independent exact methods agree.

``exact`` is one CP-SAT model of the whole problem; ``enumerate`` and ``columns`` price groups and
prove a bound by duality. They share neither model nor bound. Wherever two of them claim a proof,
the proofs must say the same, and no bound may be below any answer. So that nothing passes for want
of claims, the claims are counted. ``search`` and ``auto`` are held against the same bounds.
"""

from __future__ import annotations

from collections import Counter

import pytest

from solver import GroupingProblem, Limits, Result, Status, solve, verify

from .checking import STRATEGIES
from .judging import plain_groups
from .medium import medium_problem
from .oracle import total_value, violated_rules

SEED = 77
PROVERS = tuple(name for name in ("exact", "enumerate", "columns") if name in STRATEGIES)
WORK = {"exact": 2_000_000, "enumerate": 2_000_000, "columns": 2_000_000}
LIGHT_WORK = 100_000
PROVED = (Status.OPTIMAL, Status.INFEASIBLE)


def compared(indices: range) -> Counter[str]:
    """Solve the problems by all provers, compare, and count what was claimed."""
    seen: Counter[str] = Counter()
    for index in indices:
        problem = medium_problem(SEED, index)
        told = f"medium_problem({SEED}, {index})"
        results = {name: solve(problem, Limits(work=WORK[name]), strategy=name) for name in PROVERS}
        results["search"] = solve(problem, Limits(work=LIGHT_WORK), strategy="search")
        agree(problem, results, told)
        proofs = [name for name in PROVERS if results[name].status in PROVED]
        seen["problems"] += 1
        seen.update(proofs)
        if len(proofs) > 1:
            first = results[proofs[0]]
            seen["agreed"] += 1
            seen["agreed infeasible"] += first.status is Status.INFEASIBLE
            seen["agreed, two groups or more"] += len(first.grouping or ()) > 1
    return seen


def agree(problem: GroupingProblem, results: dict[str, Result], told: str) -> None:
    """Proofs say the same, and every bound is above every answer."""
    for name, result in results.items():
        if result.grouping is not None:
            assert verify(problem, result.grouping).feasible, (told, name)
            groups = plain_groups(result.grouping)
            assert not violated_rules(problem, groups), (told, name)
            assert total_value(problem, groups) == result.objective, (told, name)
    claims = {(r.status, r.objective) for r in results.values() if r.status in PROVED}
    assert len(claims) <= 1, (told, claims)
    answers = {name: r.objective for name, r in results.items() if r.objective is not None}
    bounds = {name: r.bound for name, r in results.items() if r.bound is not None}
    infeasible = [name for name, r in results.items() if r.status is Status.INFEASIBLE]
    assert not (infeasible and answers), (told, infeasible, answers)
    if answers and bounds:
        assert max(answers.values()) <= min(bounds.values()), (told, answers, bounds)


def test_some_medium_problems() -> None:
    seen = compared(range(8))
    assert seen["agreed"] >= 6, seen


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_medium_problems(chunk: int) -> None:
    """Two hundred in all; at least seven in ten of each chunk proved twice."""
    seen = compared(range(25 * chunk, 25 * (chunk + 1)))
    print(dict(seen))
    assert seen["agreed"] >= 18, seen
    assert seen["agreed, two groups or more"] >= 12, seen


def test_medium_problems_use_every_field() -> None:
    """What is compared is not the plain case: each field is in many problems."""
    seen: Counter[str] = Counter()
    for index in range(200):
        problem = medium_problem(SEED, index)
        assert 20 <= problem.num_items <= 60
        seen.update(
            name
            for name, used in {
                "curves": bool(problem.curves),
                "pins": bool(problem.pinned),
                "pins that may grow": any(problem.pin_may_grow),
                "together": bool(problem.together),
                "apart": bool(problem.apart),
                "must_join": problem.must_join.any(),
                "eligible": not problem.eligible.all(),
                "pair_allowed": not problem.pair_allowed.all(),
                "values by kind": problem.pair_values.ndim == 2,
                "shared limits": problem.num_shared_limits > 0,
                "shared gifts": (problem.shared_item_use < 0).any(),
                "min_groups": problem.min_groups.any(),
                "max_groups": (problem.max_groups < problem.num_items).any(),
                "neutral": problem.absent_pairs == "neutral",
                "several kinds": problem.num_kinds > 1,
            }.items()
            if used
        )
    assert len(seen) == 15
    assert min(seen.values()) >= 20, seen
