"""Certificates by hand: what each step proves, what is refused, and the JSON form."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from solver import (
    Certificate,
    Grouping,
    GroupingProblem,
    ItemPrices,
    Limits,
    ProofNode,
    check_bound,
    solve,
)

#: Three items in a row, a value of 2 for each pair of them, groups of two: one fits, worth 2.
TRIANGLE = GroupingProblem(
    num_items=3,
    kinds=("only",),
    pairs=[[0, 1], [0, 2], [1, 2]],
    pair_values=[2, 2, 2],
    open_values=[0],
    min_size=[2],
    max_size=[2],
    max_groups=[1],
)

CLOSE = ProofNode("close", (0,))


def prices(
    items: tuple[int, ...] = (0, 0, 0),
    kinds: tuple[int, ...] = (0,),
    cuts: tuple[tuple[int, ...], ...] = (),
    scale: int = 1,
) -> ItemPrices:
    return ItemPrices(scale, items, kinds, (), cuts)


def closed(bound: int, *given: ItemPrices) -> Certificate:
    return Certificate(bound, (0, 1, 2), given, (CLOSE,))


@pytest.mark.parametrize(
    "given",
    [
        prices(items=(1, 1, 1)),  # proves 3; the search of the leaf does the rest
        prices(kinds=(2,)),
        prices(cuts=((0, 1, 2, 2),)),
        prices(),
        prices(items=(5, 5, 5), kinds=(-8,), scale=1),
    ],
)
def test_prices_close_a_leaf(given: ItemPrices) -> None:
    assert check_bound(TRIANGLE, closed(2, given)).confirmed
    assert check_bound(TRIANGLE, closed(3, given)).confirmed
    refuted = check_bound(TRIANGLE, closed(1, given))
    assert not refuted.confirmed
    assert refuted.reason == "a grouping is worth 2"
    assert refuted.better is not None
    assert len(refuted.better) == 1


def test_steps() -> None:
    nodes = (
        ProofNode("list", (0,), (1,)),
        ProofNode("number", (0, 0), (2, 3)),
        CLOSE,
        ProofNode("item", (1,), (4, 5)),
        ProofNode("pair", (0, 1), (6, 7)),
        CLOSE,
        CLOSE,
        CLOSE,
    )
    certificate = Certificate(2, (2, 0, 1), (prices(items=(1, 1, 1)),), nodes)
    assert check_bound(TRIANGLE, certificate).confirmed
    assert not check_bound(TRIANGLE, replace(certificate, bound=1)).confirmed


def test_no_grouping_at_all() -> None:
    """Where nothing is feasible, any bound is true, and can be confirmed."""
    problem = TRIANGLE.replace(must_join=[True, True, True])
    certificate = closed(-100, prices(items=(-60, -60, -60)))
    assert check_bound(problem, certificate).confirmed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"order": (0, 1, 1)}, "the order does not name every item once"),
        ({"order": (0, 1)}, "the order does not name every item once"),
        ({"prices": (prices(items=(1, 1)),)}, "prices 0: not a price for each"),
        ({"prices": (prices(scale=0),)}, "prices 0: the scale is not positive"),
        ({"prices": (prices(cuts=((0, 0, 1, 1),)),)}, "prices 0: a cut is not on an odd number"),
        ({"prices": (prices(cuts=((0, 1, 3, 1),)),)}, "prices 0: a cut is not on an odd number"),
        ({"prices": (prices(cuts=((0, 1, 2, 1, 3, 1),)),)}, "prices 0: a cut is not on an odd"),
        ({"prices": (prices(cuts=((0, 1, 2, -1),)),)}, "prices 0: a price of a cut is negative"),
        ({"prices": (prices(items=(-1, 0, 0)),)}, "the price of item 0 is negative"),
        ({"nodes": ()}, "there is no proof"),
        ({"nodes": (ProofNode("guess", (0,)),)}, "node 0: unknown step 'guess'"),
        ({"nodes": (ProofNode("close", (1,)),)}, "node 0: no such prices"),
        ({"nodes": (ProofNode("list", (0,), (0,)),)}, "node 0: a child is not further on"),
        ({"nodes": (ProofNode("item", (0,), (1,)), CLOSE)}, "node 0: wrong number"),
        ({"nodes": (ProofNode("item", (3,), (1, 1)), CLOSE)}, "node 0: no such item"),
        ({"nodes": (ProofNode("kind", (1, 0), (1, 1)), CLOSE)}, "node 0: no such kind"),
        ({"nodes": (ProofNode("kind", (0, 3), (1, 1)), CLOSE)}, "node 0: no such item"),
        ({"nodes": (ProofNode("number", (1, 0), (1, 1)), CLOSE)}, "node 0: no such kind"),
    ],
)
def test_what_proves_nothing(change: dict[str, Any], reason: str) -> None:
    certificate = replace(closed(2, prices()), **change)
    checked = check_bound(TRIANGLE, certificate)
    assert not checked.confirmed
    assert checked.reason.startswith(reason)


def test_shared_limit_prices() -> None:
    problem = TRIANGLE.replace(
        max_groups=[3],
        min_size=[1],
        item_values=[[3, 3, 3]],
        shared_group_use=[[0]],
        shared_item_use=[[[1, 1, 1]]],
        shared_limit=[2],
    )
    given = replace(prices(), shared=(4,))
    assert check_bound(problem, closed(8, given)).confirmed
    assert not check_bound(problem, closed(7, given)).confirmed
    negative = check_bound(problem, closed(8, replace(given, shared=(-1,))))
    assert negative.reason == "prices 0: a price of a shared limit is negative"


def test_result_carries_it() -> None:
    result = solve(TRIANGLE, Limits(work=1_000_000), strategy="columns")
    assert result.bound == 2
    assert isinstance(result.certificate, Certificate)
    assert check_bound(TRIANGLE, result.certificate).confirmed
    for strategy in ("exact", "greedy"):
        assert solve(TRIANGLE, Limits(work=1_000_000), strategy=strategy).certificate is None


def test_json() -> None:
    certificate = Certificate(
        2**70,
        (2, 0, 1),
        (prices(items=(-(2**80), 0, 1), cuts=((0, 1, 2, 5),)),),
        (ProofNode("pair", (0, 1), (1, 2)), CLOSE, CLOSE),
    )
    assert Certificate.from_json(certificate.to_json()) == certificate


@pytest.mark.parametrize(
    "change",
    [
        {"bound": 1.5},
        {"bound": True},
        {"bound": None},
        {"format": 2},
        {"order": [0, 1, "2"]},
        {"nodes": [["close", [0]]]},
        {"nodes": [[0, [0], []]]},
        {"prices": [[]]},
        {"extra": 1},
    ],
)
def test_json_that_is_none(change: dict[str, Any]) -> None:
    fields = {**json.loads(closed(2, prices()).to_json()), **change}
    with pytest.raises(ValueError, match="must"):
        Certificate.from_json(json.dumps(fields))
    with pytest.raises(ValueError, match="JSON"):
        Certificate.from_json("{")


def test_floats_are_no_proof() -> None:
    with pytest.raises(ValueError, match="whole number"):
        check_bound(TRIANGLE, closed(2, prices(items=(0.5, 0, 0))))  # type: ignore[arg-type]


def test_it_needs_no_engine() -> None:
    """Checking loads no compiler, no solver library and nothing of the engine."""
    code = (
        "import sys; from solver import check_bound; "
        "bad = {'numba', 'ortools', 'solver.column_generation'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_better_grouping_may_be_empty() -> None:
    refuted = check_bound(TRIANGLE, closed(-1, prices(items=(2, 2, 2))))
    assert not refuted.confirmed
    assert isinstance(refuted.better, Grouping)
