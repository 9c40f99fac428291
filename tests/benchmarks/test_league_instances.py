"""Instances by name: the same name is the same problem, and what is said to be known is true."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.instances import InstancesMissing, Published, instances_root
from benchmarks.league.coalitions import best_structure
from benchmarks.league.instances import (
    DISTRIBUTIONS,
    FAMILIES,
    UnknownInstance,
    _known_of,
    expanded,
    fingerprint,
    load,
    sampled_published,
)
from solver import Limits, Status, solve

SMALL = (
    "register:surgical-sialkot,ZAF,60,1",
    "register:garments-lahore,ZAF+DEU,40,2,pairs=all",
    "register:autoparts-lahore,ARE,60,1,nearest=4",
    "shape:60,2,0",
    "shape:60,2,0,budget=tight",
    "study:40,8,2,1",
    "planted:20,1",
    "planted:20,1,noise=20",
    "trap:6,3",
    "free:12,9,4",
    "coalitions:gamma,5,1",
)


@pytest.mark.parametrize("name", SMALL)
def test_a_name_is_one_problem(name: str) -> None:
    one, other = load(name), load(name)
    assert fingerprint(one.problem) == fingerprint(other.problem)
    assert one.family == name.partition(":")[0]
    assert 0 < one.density <= 1 or one.family == "coalitions"


def test_fingerprints_tell_problems_apart() -> None:
    names = [*SMALL, "study:40,8,2,0", "free:12,9,5", "planted:20,2"]
    prints = [fingerprint(load(name).problem) for name in names]
    assert len(set(prints)) == len(prints)
    problem = load("study:40,8,2,1").problem
    values = problem.item_values.copy()
    values[0, 0] += 1
    assert fingerprint(problem.replace(item_values=values)) != fingerprint(problem)


@pytest.mark.parametrize(
    "name",
    [
        *(f"planted:{n},{seed}" for n in (3, 9, 24) for seed in (0, 1)),
        *(f"trap:{n},{a}" for n in (4, 5, 8) for a in (1, 3, 6)),
        *(f"coalitions:{name},5,2" for name in DISTRIBUTIONS),
    ],
)
def test_what_is_known_is_the_optimum(name: str) -> None:
    instance = load(name)
    assert instance.known.is_optimal
    result = solve(instance.problem, Limits(work=50_000_000))
    assert result.status is Status.OPTIMAL
    assert result.objective == instance.known.value


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_best_structure_against_all_partitions(n: int, random: object) -> None:
    values = [random.randint(-50, 50) for _ in range(2**n - 1)]  # type: ignore[attr-defined]

    def partitions(items: list[int]) -> list[list[list[int]]]:
        if not items:
            return [[]]
        head, rest = items[0], items[1:]
        out = []
        for mask in range(2 ** len(rest)):
            own = [head, *(x for at, x in enumerate(rest) if mask >> at & 1)]
            left = [x for at, x in enumerate(rest) if not mask >> at & 1]
            out += [[own, *others] for others in partitions(left)]
        return out

    best = max(
        sum(values[sum(1 << i for i in part) - 1] for part in structure)
        for structure in partitions(list(range(n)))
    )
    assert best_structure(np.array(values), n) == best


def test_dozens_of_thousands_of_coalitions() -> None:
    """The optimum is known, and the problem is as it was said."""
    instance = load("coalitions:uniform,15,0")
    assert instance.problem.num_kinds == 2**15 - 1
    assert instance.known.is_optimal
    grand = int(instance.problem.open_values[-1])
    assert instance.known.value is not None
    assert instance.known.value >= grand


def test_options_change_what_they_say() -> None:
    few, every = (
        load(f"register:autoparts-lahore,ARE,60,1,{option}").problem.num_pairs
        for option in ("nearest=2", "pairs=all")
    )
    assert few < every
    loose, tight = load("shape:60,2,0").problem, load("shape:60,2,0,budget=tight").problem
    assert tight.num_shared_limits == loose.num_shared_limits + 1


@pytest.mark.parametrize(
    "name",
    [
        "",
        "study",
        "study:",
        "study:1,2",
        "study:x,10,2,0",
        "nothing:1",
        "trap:2,1",
        "coalitions:ndcs,21,0",
        "coalitions:unheard,5,0",
        "register:nowhere,ZAF,60,1",
        "register:surgical-sialkot,XXX,60,1",
        "register:surgical-sialkot,ZAF,60,1,pairs=some",
        "shape:60,1,0,budget=huge",
        "free:5,3,0,more=1",
        "trap:4,9223372036854775807",
        "planted:0,0",
        "study:3,5,0,0",
    ],
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UnknownInstance):
        load(name)


def test_patterns() -> None:
    assert expanded("trap:5,2") == ["trap:5,2"]
    assert expanded("a:{1,2},x,{0..2}") == [f"a:{i},x,{j}" for i in (1, 2) for j in (0, 1, 2)]
    assert expanded("{a,b}") == ["a", "b"]
    with pytest.raises(ValueError, match="no range of whole numbers"):
        expanded("a:{x..y}")


PUBLISHED = Published(
    name="a",
    family="mdgp/X",
    n=5,
    path=Path("a"),
    best_known=Decimal("1342.17"),
    is_optimal=True,
    grade="A",
    minimise=False,
    paper_seconds=None,
)


@pytest.mark.parametrize(
    ("best", "scale", "offset", "minimise", "value", "is_optimal"),
    [
        ("120", 1, None, False, 120, True),
        ("120", 1, 500, True, 380, True),
        ("1342.17", 100, None, False, 134_217, True),
        # Printed with fewer digits than there are: at least half a digit below was reached.
        ("1342.17", 10_000, None, False, 13_421_650, False),
        ("120", 100, 50_000, True, 50_000 - 12_050, False),
    ],
)
def test_published_values(
    best: str, scale: int, offset: int | None, minimise: bool, value: int, is_optimal: bool
) -> None:
    one = dataclasses.replace(PUBLISHED, best_known=Decimal(best), minimise=minimise)
    known = _known_of(one, scale, offset)
    assert (known.value, known.is_optimal) == (value, is_optimal)
    assert _known_of(dataclasses.replace(one, grade="W"), scale, offset).value is None


def test_published_instances_at_hand() -> None:
    try:
        instances_root()
    except InstancesMissing as missing:
        pytest.skip(str(missing))
    names = sampled_published(1, 60)
    assert len({name.split("/")[0] for name in names}) >= 4
    for name in names:
        instance = load(name)
        assert instance.known.value is not None
        assert instance.family.startswith("published/")
        if instance.known.is_optimal:
            result = solve(instance.problem, Limits(work=3_000_000))
            assert result.objective is not None
            assert result.objective <= instance.known.value
            assert result.bound is None or result.bound >= instance.known.value
    with pytest.raises(UnknownInstance):
        load("published:cpp/none")


def test_every_family_is_named_in_the_docs() -> None:
    from benchmarks.league import instances

    assert instances.__doc__ is not None
    for family in FAMILIES:
        assert f"\n{family}:" in instances.__doc__
