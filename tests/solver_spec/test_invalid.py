"""``InvalidProblem`` names every fault at once; what merely cannot be met is not invalid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import InvalidProblem
from solver.errors import InvalidProblem as InvalidProblemOfErrors

from .problems import Arguments, build

LARGEST = 2**62


def sound_arguments() -> Arguments:
    """A valid problem that gives every field, for one fault at a time to be put in."""
    return {
        "num_items": 5,
        "kinds": ("A", "B"),
        "item_values": [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]],
        "pairs": [[0, 1], [0, 2], [3, 4]],
        "pair_values": [[1, 2, 3], [4, 5, 6]],
        "pair_allowed": [[True, True, False], [True, True, True]],
        "absent_pairs": "neutral",
        "open_values": [-3, -4],
        "min_size": [1, 2],
        "max_size": [3, 5],
        "min_groups": [0, 0],
        "max_groups": [2, 3],
        "eligible": [[True] * 5, [True, False, True, True, True]],
        "resources": [[1, 2, 3, 4, 5], [0, 1, 0, 1, 0]],
        "resource_min": [[0, 0], [1, 0]],
        "resource_max": [[15, 2], [LARGEST, LARGEST]],
        "curves": {(0, 1): [(0, 0), (1, 0), (1, 9), (3, 15)]},
        "shared_group_use": [[1, 2]],
        "shared_item_use": [[[1, 0, -1, 0, 1], [0, 0, 0, 0, 2]]],
        "shared_limit": [7],
        "must_join": [False, False, False, False, True],
        "together": ((0, 1),),
        "apart": ((1, 3),),
        "pinned": ((0, (0, 1)), (1, (4, 2))),
        "pinned_may_grow": (True, False),
    }


@dataclass(frozen=True)
class Flaw:
    """A change that makes ``sound_arguments`` invalid.

    ``fields`` are the fields a fault may name for it, ``seen`` what its index, value or message
    has to show.
    """

    name: str
    fields: frozenset[str]
    spoil: Callable[[Arguments], None]
    seen: str = ""


def _set(field: str, value: Any) -> Callable[[Arguments], None]:
    def spoil(arguments: Arguments) -> None:
        arguments[field] = value

    return spoil


def _at(field: str, *index: int, value: Any) -> Callable[[Arguments], None]:
    def spoil(arguments: Arguments) -> None:
        target = arguments[field]
        for i in index[:-1]:
            target = target[i]
        target[index[-1]] = value

    return spoil


def _flaw(name: str, fields: str, spoil: Callable[[Arguments], None], seen: str = "") -> Flaw:
    return Flaw(name, frozenset(fields.split()), spoil, seen)


def _curve(*points: tuple[Any, Any]) -> Callable[[Arguments], None]:
    return _set("curves", {(0, 1): list(points)})


SIX_WIDE = [[0] * 6, [0] * 6]

SHAPES = [
    _flaw("item_values_too_wide", "item_values", _set("item_values", SIX_WIDE), "6"),
    _flaw("item_values_flat", "item_values", _set("item_values", [1, 2, 3, 4, 5]), "5"),
    _flaw("item_values_ragged", "item_values", _set("item_values", [[1, 2], [3, 4, 5]])),
    _flaw("item_values_text", "item_values", _set("item_values", "many")),
    _flaw("pairs_of_three", "pairs", _set("pairs", [[0, 1, 2], [0, 2, 3], [2, 3, 4]]), "3"),
    _flaw("pair_values_too_short", "pair_values", _set("pair_values", [1, 2]), "2"),
    _flaw("pair_values_of_three_kinds", "pair_values", _set("pair_values", [[1, 2, 3]] * 3), "3"),
    _flaw("pair_allowed_too_long", "pair_allowed", _set("pair_allowed", [True] * 4), "4"),
    _flaw("open_values_too_long", "open_values", _set("open_values", [0, 0, 0]), "3"),
    _flaw("min_size_too_short", "min_size", _set("min_size", [1]), "1"),
    _flaw("max_size_too_long", "max_size", _set("max_size", [5, 5, 5]), "3"),
    _flaw("min_groups_too_long", "min_groups", _set("min_groups", [0, 0, 0]), "3"),
    _flaw("max_groups_nested", "max_groups", _set("max_groups", [[5, 5]])),
    _flaw("eligible_transposed", "eligible", _set("eligible", [[True] * 2] * 5), "5"),
    _flaw("resources_too_wide", "resources", _set("resources", SIX_WIDE), "6"),
    _flaw("resource_min_too_narrow", "resource_min", _set("resource_min", [[0], [0]]), "1"),
    _flaw("resource_max_too_tall", "resource_max", _set("resource_max", [[9, 9]] * 3), "3"),
    _flaw("shared_group_use_wide", "shared_group_use", _set("shared_group_use", [[1] * 3]), "3"),
    _flaw("shared_item_use_flat", "shared_item_use", _set("shared_item_use", [[0] * 5])),
    _flaw(
        "shared_limit_too_long",
        "shared_limit shared_group_use shared_item_use",
        _set("shared_limit", [7, 7]),
    ),
    _flaw("must_join_too_short", "must_join", _set("must_join", [True]), "1"),
    _flaw("pinned_may_grow_long", "pinned_may_grow", _set("pinned_may_grow", (True,) * 3)),
]

TYPES = [
    _flaw("num_items_fraction", "num_items", _set("num_items", 2.5), "2.5"),
    _flaw("num_items_text", "num_items", _set("num_items", "five"), "five"),
    _flaw("item_value_fraction", "item_values", _at("item_values", 1, 2, value=1.5), "1.5"),
    _flaw("item_value_nan", "item_values", _at("item_values", 0, 0, value=float("nan")), "nan"),
    _flaw("item_value_text", "item_values", _at("item_values", 0, 0, value="high")),
    _flaw("item_value_none", "item_values", _at("item_values", 0, 0, value=None)),
    _flaw("pair_fraction", "pairs", _at("pairs", 1, 1, value=2.5), "2.5"),
    _flaw("pair_value_fraction", "pair_values", _at("pair_values", 0, 1, value=0.25), "0.25"),
    _flaw("open_value_fraction", "open_values", _at("open_values", 1, value=-0.5), "-0.5"),
    _flaw("min_size_fraction", "min_size", _at("min_size", 1, value=1.5), "1.5"),
    _flaw("resource_fraction", "resources", _at("resources", 1, 1, value=0.5), "0.5"),
    _flaw("shared_limit_fraction", "shared_limit", _at("shared_limit", 0, value=6.5), "6.5"),
    _flaw("eligible_text", "eligible", _at("eligible", 0, 0, value="maybe")),
    _flaw("pair_allowed_fraction", "pair_allowed", _at("pair_allowed", 0, 0, value=0.5)),
    _flaw("must_join_count", "must_join", _at("must_join", 0, value=2)),
    _flaw("absent_pairs_word", "absent_pairs", _set("absent_pairs", "vetoed"), "vetoed"),
    _flaw("curve_key_of_one", "curves", _set("curves", {0: [(0, 0)]})),
    _flaw("curve_fraction", "curves", _curve((0, 0), (2, 1.5)), "1.5"),
    _flaw("together_fraction", "together", _set("together", ((0, 1.5),)), "1.5"),
    _flaw("apart_text", "apart", _set("apart", (("a", 1),))),
]

RANGES = [
    _flaw("num_items_negative", "num_items", _set("num_items", -1), "-1"),
    _flaw("pair_beyond", "pairs", _at("pairs", 2, 1, value=5), "5"),
    _flaw("pair_negative", "pairs", _at("pairs", 0, 0, value=-1), "-1"),
    _flaw("curve_of_no_kind", "curves", _set("curves", {(2, 0): [(0, 0)]}), "2"),
    _flaw("curve_of_no_resource", "curves", _set("curves", {(0, 2): [(0, 0)]}), "2"),
    _flaw("curve_of_negative_kind", "curves", _set("curves", {(-1, 0): [(0, 0)]}), "-1"),
    _flaw("together_beyond", "together", _set("together", ((0, 5),)), "5"),
    _flaw("apart_negative", "apart", _set("apart", ((1, -2),)), "-2"),
    _flaw("pin_member_beyond", "pinned", _set("pinned", ((0, (0, 1)), (1, (2, 7)))), "7"),
    _flaw("pin_member_negative", "pinned", _set("pinned", ((0, (0, 1)), (1, (-1, 4)))), "-1"),
    _flaw("pin_of_no_kind", "pinned", _set("pinned", ((0, (0, 1)), (2, (2, 4)))), "2"),
    _flaw("resource_negative", "resources", _at("resources", 0, 3, value=-4), "-4"),
    _flaw("min_size_zero", "min_size", _at("min_size", 0, value=0), "0"),
]

CONTRADICTIONS = [
    _flaw("pair_unordered", "pairs", _set("pairs", [[0, 1], [2, 0], [3, 4]]), "2"),
    _flaw("pair_of_one_item", "pairs", _set("pairs", [[0, 1], [2, 2], [3, 4]]), "2"),
    _flaw("pair_twice", "pairs", _set("pairs", [[0, 1], [3, 4], [0, 1]])),
    _flaw("min_size_above_max", "min_size max_size", _at("min_size", 0, value=4), "4"),
    _flaw("min_groups_above_max", "min_groups max_groups", _at("min_groups", 1, value=4), "4"),
    _flaw(
        "resource_min_above_max", "resource_min resource_max", _at("resource_min", 0, 1, value=3)
    ),
    _flaw("curve_without_points", "curves", _curve()),
    _flaw("curve_from_one", "curves", _curve((1, 0), (2, 0)), "1"),
    _flaw("curve_from_below", "curves", _curve((-1, 0), (2, 0)), "-1"),
    _flaw("curve_descending", "curves", _curve((0, 0), (3, 0), (2, 0)), "2"),
    _flaw("curve_three_at_one_x", "curves", _curve((0, 0), (1, 1), (1, 2), (1, 3)), "1"),
    _flaw("curve_three_at_zero", "curves", _curve((0, 0), (0, 2), (0, 3)), "0"),
    _flaw("curve_slope_of_a_half", "curves", _curve((0, 0), (2, 1))),
    _flaw("curve_slope_after_jump", "curves", _curve((0, 0), (2, 4), (2, 5), (5, 6))),
    _flaw("together_one", "together", _set("together", ((1,),)), "1"),
    _flaw("together_none", "together", _set("together", ((),))),
    _flaw("together_twice", "together", _set("together", ((2, 0, 2),)), "2"),
    _flaw("apart_one", "apart", _set("apart", ((3,),)), "3"),
    _flaw("apart_none", "apart", _set("apart", ((),))),
    _flaw("apart_twice", "apart", _set("apart", ((1, 1),)), "1"),
    _flaw("together_and_apart", "together apart", _set("apart", ((1, 0),))),
    _flaw(
        "inside_longer_tuples",
        "together apart",
        lambda a: a.update(together=((0, 1, 3),), apart=((1, 2, 3),)),
    ),
    _flaw("apart_inside_a_pin", "apart pinned", _set("apart", ((2, 3, 4),))),
    _flaw("pin_empty", "pinned", _set("pinned", ((0, (0, 1)), (1, ())))),
    _flaw("item_twice_in_a_pin", "pinned", _set("pinned", ((0, (0, 1)), (1, (4, 4)))), "4"),
    _flaw("item_in_two_pins", "pinned", _set("pinned", ((0, (0, 1)), (1, (1, 4)))), "1"),
]

FLAWS = SHAPES + TYPES + RANGES + CONTRADICTIONS

each_flaw = pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)


def test_sound_arguments_are_valid() -> None:
    """The starting point of every test below is accepted."""
    build(sound_arguments())


def test_one_exception_class() -> None:
    """``solver`` re-exports the class of ``solver.errors``."""
    assert InvalidProblem is InvalidProblemOfErrors


@each_flaw
def test_flaw_is_named(flaw: Flaw) -> None:
    """Each fault is refused with its field and with the value that was seen."""
    faults = _faults_of(flaw)
    named = [fault for fault in faults if fault.field in flaw.fields]
    assert named, [(fault.field, fault.message) for fault in faults]
    told = [f"{fault.index} {fault.value} {fault.message}" for fault in named]
    assert any(flaw.seen in text for text in told), told


@each_flaw
def test_flaw_is_named_alone(flaw: Flaw) -> None:
    """No sound field is blamed for another's fault."""
    if flaw.fields == {"num_items"}:
        pytest.skip("without a number of items no shape can be judged")
    # A flawed shape or index may make the rules that link two fields unreadable, but what is
    # then reported has to be one of the linked fields.
    linked = set(flaw.fields)
    for group in LINKED:
        if linked & group:
            linked |= group
    assert {fault.field for fault in _faults_of(flaw)} <= linked


LINKED = (
    {"pairs", "pair_values", "pair_allowed"},
    {"min_size", "max_size"},
    {"min_groups", "max_groups"},
    {"resources", "resource_min", "resource_max"},
    {"shared_group_use", "shared_item_use", "shared_limit"},
    {"together", "apart"},
    {"pinned", "pinned_may_grow"},
)


@given(st.lists(st.sampled_from([f for f in FLAWS if "num_items" not in f.fields]), min_size=2))
def test_all_flaws_are_named(flaws: list[Flaw]) -> None:
    """Faults of different fields are all listed at once."""
    arguments = sound_arguments()
    touched: set[str] = set()
    put_in = []
    for flaw in flaws:
        # One flaw to a family of fields: a second one could undo or hide the first.
        family = set(flaw.fields).union(*(group for group in LINKED if flaw.fields & group))
        if not touched & family:
            flaw.spoil(arguments)
            touched |= family
            put_in.append(flaw)
    with pytest.raises(InvalidProblem) as caught:
        build(arguments)
    named = {fault.field for fault in caught.value.faults}
    missing = [flaw.name for flaw in put_in if not named & flaw.fields]
    assert not missing


def test_one_field_lists_all_its_faults() -> None:
    """Three bad pairs are three faults, and the exception's text has every message."""
    arguments = sound_arguments()
    arguments["pairs"] = [[0, 9], [2, 1], [3, 3]]
    with pytest.raises(InvalidProblem) as caught:
        build(arguments)
    faults = [fault for fault in caught.value.faults if fault.field == "pairs"]
    assert len(faults) >= 3
    assert all(fault.message in str(caught.value) for fault in caught.value.faults)


def test_fault_tells_where() -> None:
    """A fault at one place gives its index and value."""
    arguments = sound_arguments()
    arguments["resources"][0][3] = -4
    with pytest.raises(InvalidProblem) as caught:
        build(arguments)
    (fault,) = caught.value.faults
    assert (fault.field, fault.index, fault.value) == ("resources", (0, 3), -4)


def _faults_of(flaw: Flaw) -> tuple[Any, ...]:
    arguments = sound_arguments()
    flaw.spoil(arguments)
    with pytest.raises(InvalidProblem) as caught:
        build(arguments)
    assert isinstance(caught.value.faults, tuple)
    return caught.value.faults


# -- totals ------------------------------------------------------------------------------------


def _one_kind(num_items: int, **fields: Any) -> Arguments:
    return {"num_items": num_items, "kinds": ("A",), **fields}


HALF = LARGEST // 2

TOO_LARGE = {
    "one_item": _one_kind(1, item_values=[[LARGEST + 1]]),
    "one_item_negative": _one_kind(1, item_values=[[-LARGEST - 1]]),
    "beyond_int64": _one_kind(1, item_values=[[2**63]]),
    "far_beyond_int64": _one_kind(2, item_values=[[0, 10**30]]),
    "unsigned": _one_kind(1, item_values=np.array([[2**64 - 1]], dtype=np.uint64)),
    "sum_of_items": _one_kind(2, item_values=[[HALF + 1, HALF + 1]]),
    "sum_of_negative_items": _one_kind(3, item_values=[[-HALF, -HALF, -HALF]]),
    "wraps_to_nothing": _one_kind(4, item_values=[[2**62] * 4]),
    "items_in_different_kinds": {
        "num_items": 2,
        "kinds": ("A", "B"),
        "item_values": [[HALF + 1, 0], [0, HALF + 1]],
    },
    "one_pair": _one_kind(2, pairs=[[0, 1]], pair_values=[LARGEST + 1]),
    "sum_of_pairs": _one_kind(3, pairs=[[0, 1], [0, 2], [1, 2]], pair_values=[HALF, HALF, HALF]),
    "item_and_pair": _one_kind(2, item_values=[[HALF, 0]], pairs=[[0, 1]], pair_values=[HALF + 1]),
    "one_opening": _one_kind(1, open_values=[-LARGEST - 1]),
    "two_openings": _one_kind(2, open_values=[-HALF - 1]),
    "opening_and_item": _one_kind(1, open_values=[HALF], item_values=[[HALF + 1]]),
    "curve": _one_kind(1, resources=[[1]], curves={(0, 0): [(0, LARGEST + 1)]}),
    "curve_beyond_int64": _one_kind(1, resources=[[1]], curves={(0, 0): [(0, 2**70)]}),
    "curve_twice": _one_kind(2, resources=[[1, 1]], curves={(0, 0): [(0, HALF + 1)]}),
    "curve_x_beyond_int64": _one_kind(1, resources=[[1]], curves={(0, 0): [(0, 0), (2**70, 0)]}),
    "one_resource": _one_kind(1, resources=[[LARGEST + 1]]),
    "sum_of_resource": _one_kind(3, resources=[[HALF, HALF, HALF]]),
    "shared_by_group": _one_kind(1, shared_group_use=[[LARGEST + 1]], shared_limit=[0]),
    "shared_by_groups": _one_kind(2, shared_group_use=[[HALF + 1]], shared_limit=[0]),
    "shared_by_items": _one_kind(3, shared_item_use=[[[HALF, HALF, HALF]]], shared_limit=[0]),
    "shared_negative": _one_kind(2, shared_item_use=[[[-HALF, -HALF - 1]]], shared_limit=[0]),
    "shared_limit_beyond_int64": _one_kind(1, shared_limit=[2**63]),
}


@pytest.mark.parametrize("arguments", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_totals_beyond_range_are_refused(arguments: Arguments) -> None:
    """A total that could pass 2**62 in size is a fault, never an overflow or a wrap."""
    with pytest.raises(InvalidProblem) as caught:
        build(arguments)
    assert caught.value.faults
    assert all(fault.message for fault in caught.value.faults)


LARGE_BUT_SOUND = {
    "one_item": _one_kind(1, item_values=[[2**60]]),
    "one_item_negative": _one_kind(1, item_values=[[-(2**60)]]),
    "two_items": _one_kind(2, item_values=[[2**59, -(2**59)]]),
    "one_pair": _one_kind(2, pairs=[[0, 1]], pair_values=[2**60]),
    "opening": _one_kind(1, open_values=[-(2**60)]),
    "curve": _one_kind(1, resources=[[1]], curves={(0, 0): [(0, 2**60)]}),
    "resource": _one_kind(1, resources=[[2**60]]),
    "curve_x_is_no_total": _one_kind(1, resources=[[1]], curves={(0, 0): [(0, 0), (2**60, 0)]}),
    "shared": _one_kind(1, shared_group_use=[[-(2**60)]], shared_limit=[2**60]),
}


@pytest.mark.parametrize("arguments", LARGE_BUT_SOUND.values(), ids=LARGE_BUT_SOUND.keys())
def test_large_totals_within_range_are_accepted(arguments: Arguments) -> None:
    """Far below the limit nothing is refused."""
    build(arguments)


# -- not invalid -------------------------------------------------------------------------------

MERELY_INFEASIBLE = {
    "must_join_eligible_nowhere": _one_kind(1, must_join=[True], eligible=[[False]]),
    "pin_too_small": _one_kind(2, min_size=[2], pinned=[(0, (0,))]),
    "pin_of_a_banned_pair": _one_kind(
        2, pairs=[[0, 1]], pair_allowed=[False], pinned=[(0, (0, 1))]
    ),
    "shared_limit_too_small": _one_kind(1, shared_limit=[-1]),
    "min_size_above_num_items": _one_kind(1, min_size=[2], max_size=[2], min_groups=[1]),
    "max_size_above_num_items": _one_kind(1, max_size=[9]),
    "min_groups_above_num_items": _one_kind(1, min_groups=[3], max_groups=[4]),
    "max_groups_above_num_items": _one_kind(1, max_groups=[9]),
    "together_and_apart_in_a_chain": _one_kind(3, together=((0, 1), (1, 2)), apart=((0, 2),)),
    "together_across_two_pins": _one_kind(2, together=((0, 1),), pinned=[(0, (0,)), (0, (1,))]),
    "apart_across_two_pins": _one_kind(2, apart=((0, 1),), pinned=[(0, (0,)), (0, (1,))]),
    "resource_min_out_of_reach": _one_kind(1, resources=[[1]], resource_min=[[5]], min_groups=[1]),
    "overlapping_together": _one_kind(3, together=((0, 1), (1, 0, 2))),
    "grow_flags_for_no_pins": _one_kind(1, pinned=(), pinned_may_grow=()),
}


@pytest.mark.parametrize("arguments", MERELY_INFEASIBLE.values(), ids=MERELY_INFEASIBLE.keys())
def test_what_cannot_be_met_is_not_invalid(arguments: Arguments) -> None:
    """Rules that cannot be met are for the solver to prove, not for the constructor to refuse."""
    build(arguments)
