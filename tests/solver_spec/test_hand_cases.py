"""Hand-worked cases: ``Curve.value``, ``verify`` and the oracle each agree with them."""

from __future__ import annotations

from typing import Any

import pytest

from solver import Curve, Group, Grouping, verify

from .hand_cases import CURVE_CASES, HAND_CASES, HandCase
from .oracle import best_grouping, curve_value, total_value, violated_rules
from .problems import build, neutral_fields, plain_fields

each_case = pytest.mark.parametrize("case", HAND_CASES, ids=lambda case: case.name)
each_curve = pytest.mark.parametrize(
    ("points", "values"),
    [(points, values) for _, _, points, values in CURVE_CASES],
    ids=[name for name, _, _, _ in CURVE_CASES],
)


@each_curve
def test_curve(points: list[tuple[int, int]], values: list[tuple[int, int]]) -> None:
    """``Curve.value`` at 0, around every breakpoint and beyond the end."""
    curve = Curve(points=tuple(points))
    assert [(x, curve.value(x)) for x, _ in values] == values


@each_curve
def test_oracle_curve(points: list[tuple[int, int]], values: list[tuple[int, int]]) -> None:
    """The oracle reads curves the same way."""
    assert [(x, curve_value(points, x)) for x, _ in values] == values


@each_case
def test_verify(case: HandCase) -> None:
    """``verify`` finds the value and exactly the broken rules."""
    verdict = verify(build(case.arguments), _grouping(case.groups))
    assert verdict.objective == case.value, case.why
    assert {violation.rule for violation in verdict.violations} == case.rules, case.why
    assert verdict.feasible is (not case.rules), case.why
    assert all(violation.message for violation in verdict.violations)


@each_case
def test_oracle(case: HandCase) -> None:
    """The oracle finds the value, the broken rules and the optimum."""
    problem = build(case.arguments)
    assert violated_rules(problem, case.groups) == case.rules, case.why
    if case.value is not None:
        assert total_value(problem, case.groups) == case.value, case.why
    best = best_grouping(problem)
    assert (None if best is None else best.objective) == case.optimum, case.why


@each_case
def test_values_are_python_integers(case: HandCase) -> None:
    """Values leave the solver as plain integers, which never wrap around."""
    objective = verify(build(case.arguments), _grouping(case.groups)).objective
    assert objective is None or type(objective) is int


def test_names_are_unique() -> None:
    """Every case can be asked for by its name."""
    names = [case.name for case in HAND_CASES]
    assert len(names) == len(set(names))


def test_grouping_is_canonical() -> None:
    """Members are sorted within a group and groups by smallest member, so equals are equal."""
    grouping = _grouping([(1, (5, 3)), (0, (4, 0))])
    assert grouping.groups == (Group(kind=0, members=(0, 4)), Group(kind=1, members=(3, 5)))
    assert grouping == _grouping([(0, (0, 4)), (1, (3, 5))])
    assert hash(grouping) == hash(_grouping([(0, (4, 0)), (1, (5, 3))]))
    assert grouping != _grouping([(1, (0, 4)), (1, (3, 5))])


def test_neutral_defaults() -> None:
    """Every field but the number of items and the kinds has the neutral default of the table."""
    fields = plain_fields(build({"num_items": 3, "kinds": ("A", "B")}))
    neutral: dict[str, Any] = neutral_fields(fields)
    assert {name: fields[name] for name in neutral} == neutral
    assert (fields["curves"], fields["pinned"]) == ({}, [])


def test_neutral_defaults_of_resources() -> None:
    """Resources without bounds have 0 and no upper bound, also when it is given as None."""
    for extra in ({}, {"resource_min": None, "resource_max": None}):
        arguments = {"num_items": 2, "kinds": ("A",), "resources": [[1, 2]], **extra}
        fields = plain_fields(build(arguments))
        assert fields["resource_min"] == [[0]]
        assert fields["resource_max"] == neutral_fields(fields)["resource_max"]


def _grouping(groups: Any) -> Grouping:
    return Grouping(tuple(Group(kind=kind, members=tuple(members)) for kind, members in groups))
