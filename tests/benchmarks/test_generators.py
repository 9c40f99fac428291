"""Made problems: the same arguments give the same problem, of the shape they promise."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.generators import (
    register_problem,
    sample_problem,
    study_problem,
    without_item,
)
from solver import GroupingProblem
from solver.reduction import reduce


def same(one: GroupingProblem, other: GroupingProblem) -> bool:
    mine, theirs = one.arguments(), other.arguments()
    return all(np.array_equal(mine[name], theirs[name]) for name in mine if name != "curves") and (
        dict(one.curves) == dict(other.curves)
    )


def test_study_stream_is_pinned() -> None:
    """Sums of the study's own instance: another order of draws would change them."""
    problem = study_problem(300, 20, 3, 0)
    assert problem.num_pairs == 3001
    assert int(problem.pair_values.sum()) == 1_248_159
    assert int(problem.item_values.sum()) == -38_338
    assert problem.open_values.tolist() == [-1167, -1277, -1014]
    assert problem.shared_limit.tolist() == [1474, 1474, 1474, 37346]


@pytest.mark.parametrize("seed", [0, 7])
def test_same_arguments_same_problem(seed: int) -> None:
    assert same(study_problem(60, 10, 2, seed), study_problem(60, 10, 2, seed))
    assert same(register_problem(60, 2, seed), register_problem(60, 2, seed))
    assert not same(register_problem(60, 2, seed), register_problem(60, 2, seed + 1))


def test_small_study_problems_are_possible() -> None:
    for n in (2, 5, 9):
        assert study_problem(n, 20, 2, 1).num_items == n


def test_register_has_the_domains_shape() -> None:
    """One market: as many kinds, resources, curves and shared limits as the domain makes.

    But for the common brand: where products cost no fee, as here, another plan is never worse.
    """
    made, real = register_problem(300, 1, 1), sample_problem(300, 1)
    for shape in ("num_resources", "num_shared_limits", "absent_pairs"):
        assert getattr(made, shape) == getattr(real, shape)
    left = reduce(real).problem
    assert made.num_kinds == real.num_kinds - 1 >= left.num_kinds
    assert len(made.curves) * real.num_kinds == len(real.curves) * made.num_kinds
    assert {len(curve.points) for _, _, curve in made.curve_items()} == {4}
    assert set(made.min_size.tolist()) == set(real.min_size.tolist())
    assert set(made.max_size.tolist()) == set(real.max_size.tolist())
    assert 0.8 < made.num_items / real.num_items < 1.25


def test_register_grows_to_many_kinds_and_resources() -> None:
    problem = register_problem(300, 10, 1, families=10, budget=True)
    assert (problem.num_kinds, problem.num_resources) == (40, 161)
    assert len(problem.curves) == 400
    assert problem.num_shared_limits == 12
    assert not problem.pair_allowed.all()
    assert problem.pair_allowed.any(axis=0).all()


def test_an_item_leaves() -> None:
    problem = study_problem(30, 10, 2, 1)
    left = without_item(problem, 3)
    assert not left.eligible[:, 3].any()
    assert left.eligible.sum() == problem.eligible.sum() - problem.num_kinds
