"""Whole valid problems over all fields, for Hypothesis and for bulk runs, and as TOML.

One generator serves both: it asks a ``Source`` for integers and flags, and the source is
either Hypothesis (which shrinks towards low integers and cleared flags, so towards neutral
fields) or a seeded numpy generator (fast). Most problems are *planted*: a hidden grouping is
drawn first and every rule is then loosened just enough to admit it, so that tight and
feasible problems are common; the rest is left to chance and often infeasible.

"Arguments" below are the keyword arguments of ``GroupingProblem`` as plain lists, with a
curve as its points and a pin as ``(kind, members)``.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Protocol, TypeVar

import numpy as np
from hypothesis import strategies as st

from solver import Curve, Group, GroupingProblem

UNBOUNDED = 2**62
KIND_NAMES = ("ZAF-fair", "KEN-agent", "ARE-web")

T = TypeVar("T")
Arguments = dict[str, Any]


class Source(Protocol):
    """Where the generator's choices come from; the first or lowest choice is the simplest."""

    def integer(self, low: int, high: int) -> int:
        """Any integer of ``low..high``."""
        ...

    def size(self, most: int) -> int:
        """A number of items of ``1..most``."""
        ...

    def flag(self, chance: float) -> bool:
        """True with about this chance; False is the simpler answer."""
        ...

    def pick(self, options: Sequence[T]) -> T:
        """One of the options; the first is the simplest."""
        ...


class HypothesisSource:
    """Choices drawn, and so shrunk, by Hypothesis."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw: Any = draw

    def integer(self, low: int, high: int) -> int:
        """Any integer of ``low..high``, shrinking towards 0 or the nearest bound."""
        return self._draw(st.integers(low, high))

    def size(self, most: int) -> int:
        """Any number of items, shrinking towards one."""
        return self._draw(st.integers(1, most))

    def flag(self, chance: float) -> bool:
        """Compare a twentieth, so that 0 and hence False is the simplest."""
        return self._draw(st.integers(0, 19)) >= 20 * (1 - chance)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, shrinking towards the first."""
        return self._draw(st.sampled_from(options))


class RandomSource:
    """Choices drawn from a seeded numpy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def integer(self, low: int, high: int) -> int:
        """Any integer of ``low..high``, uniformly."""
        return int(self._rng.integers(low, high + 1))

    def size(self, most: int) -> int:
        """The larger of two draws: very small problems find little."""
        return max(self.integer(1, most), self.integer(1, most))

    def flag(self, chance: float) -> bool:
        """True with exactly this chance."""
        return bool(self._rng.random() < chance)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, uniformly."""
        return options[int(self._rng.integers(len(options)))]


def build(arguments: Mapping[str, Any]) -> GroupingProblem:
    """The problem with these plain arguments (curves as points, pins as pairs)."""
    fields = dict(arguments)
    if "curves" in fields:
        fields["curves"] = {
            key: Curve(points=tuple((x, y) for x, y in points))
            for key, points in fields["curves"].items()
        }
    if "pinned" in fields:
        fields["pinned"] = tuple(
            Group(kind=kind, members=tuple(members)) for kind, members in fields["pinned"]
        )
    return GroupingProblem(**fields)


@st.composite
def problem_arguments(draw: st.DrawFn, max_items: int = 6) -> Arguments:
    """Arguments of a valid problem; neutral fields are left out."""
    return generate(HypothesisSource(draw), max_items)


@st.composite
def problems(draw: st.DrawFn, max_items: int = 6) -> GroupingProblem:
    """Valid problems of up to so many items over all fields, feasible and infeasible."""
    return build(generate(HypothesisSource(draw), max_items))


def random_problem(rng: np.random.Generator, max_items: int = 6) -> GroupingProblem:
    """One random valid problem of up to so many items; the same for the same generator state."""
    return build(generate(RandomSource(rng), max_items))


def generate(source: Source, max_items: int) -> Arguments:
    """Draw the arguments of one valid problem."""
    return _Generator(source, max_items).arguments


class _Generator:
    """One draw: a method a field or a family of fields, each adding to ``arguments``."""

    def __init__(self, source: Source, max_items: int) -> None:
        self.source = source
        self.num_items = source.size(max_items)
        self.num_kinds = source.integer(1, len(KIND_NAMES))
        # Large units find floats and 32-bit integers where exact arithmetic was promised.
        self.value_unit = source.pick((1, 1, 1, 1, 1, 1000, 999_983, 10**9))
        self.arguments: Arguments = {
            "num_items": self.num_items,
            "kinds": KIND_NAMES[: self.num_kinds],
        }
        self.loosen = not source.flag(0.6)
        self.planted = self._planted()
        self.sizes()
        self.group_numbers()
        self.item_values()
        self.pairs()
        self.eligibility()
        self.resources()
        self.shared_limits()
        self.obligations()

    # -- helpers ---------------------------------------------------------------------------

    def _planted(self) -> list[tuple[int, tuple[int, ...]]]:
        out_allowed = not self.source.flag(0.25)
        home: dict[int, list[int]] = {}
        for i in range(self.num_items):
            label = self.source.integer(0 if out_allowed else 1, 3)
            if label:
                home.setdefault(label, []).append(i)
        return [
            (self.source.integer(0, self.num_kinds - 1), tuple(members))
            for members in home.values()
        ]

    def _planted_of(self, kind: int) -> list[tuple[int, ...]]:
        """Groups of a kind that the rules must admit."""
        return [members for k, members in self.planted if k == kind] if self.loosen else []

    def _kind_row(self, low: int, high: int) -> list[int]:
        return [self.source.integer(low, high) for _ in range(self.num_kinds)]

    def _item_row(self, low: int, high: int) -> list[int]:
        return [self.source.integer(low, high) for _ in range(self.num_items)]

    def _some_items(self, most: int) -> tuple[int, ...]:
        """Two or more distinct items in any order; fewer if chance repeats one."""
        size = self.source.integer(2, most)
        drawn = [self.source.integer(0, self.num_items - 1) for _ in range(size)]
        return tuple(dict.fromkeys(drawn))

    # -- fields ----------------------------------------------------------------------------

    def sizes(self) -> None:
        """``min_size`` and ``max_size``; either may be given without the other."""
        source, n = self.source, self.num_items
        with_min, with_max = source.flag(0.4), source.flag(0.4)
        if not (with_min or with_max):
            return
        least, most = [], []
        for k in range(self.num_kinds):
            sizes = [len(members) for members in self._planted_of(k)]
            low = source.integer(1, 3) if with_min else 1
            low = min([low, *sizes])
            high = low + source.integer(0, 3) if with_max else n
            high = max([high, *sizes])
            least.append(low if with_max else min(low, n))
            most.append(high)
        if with_min:
            self.arguments["min_size"] = least
        if with_max:
            self.arguments["max_size"] = most

    def group_numbers(self) -> None:
        """``min_groups`` and ``max_groups``; either may be given without the other."""
        source, n = self.source, self.num_items
        with_min, with_max = source.flag(0.25), source.flag(0.3)
        least, most = [], []
        for k in range(self.num_kinds):
            low = source.integer(0, 2) if with_min else 0
            high = low + source.integer(0, 2) if with_max else n
            if self.loosen:
                count = len(self._planted_of(k))
                low, high = min(low, count), max(high, count)
            least.append(low if with_max else min(low, n))
            most.append(high)
        if with_min:
            self.arguments["min_groups"] = least
        if with_max:
            self.arguments["max_groups"] = most

    def item_values(self) -> None:
        """``item_values`` and ``open_values``."""
        unit = self.value_unit
        if self.source.flag(0.8):
            self.arguments["item_values"] = [
                [unit * v for v in self._item_row(-6, 8)] for _ in range(self.num_kinds)
            ]
        if self.source.flag(0.7):
            self.arguments["open_values"] = [unit * v for v in self._kind_row(-14, 3)]

    def pairs(self) -> None:
        """``pairs`` of any density and order, with values and bans shared or per kind."""
        source = self.source
        density = source.pick((0.0, 0.5, 0.8, 1.0, 1.0, 0.2))
        forbidden = source.flag(0.25)
        pairs = [pair for pair in combinations(range(self.num_items), 2) if source.flag(density)]
        if forbidden:
            self.arguments["absent_pairs"] = "forbidden"
            inside = {
                pair
                for k in range(self.num_kinds)
                for members in self._planted_of(k)
                for pair in combinations(members, 2)
            }
            pairs = sorted({*pairs, *inside})
        if source.flag(0.2):
            pairs.reverse()
        if not pairs:
            return
        self.arguments["pairs"] = [list(pair) for pair in pairs]
        if source.flag(0.9):
            rows = [
                [self.value_unit * source.integer(-8, 12) for _ in pairs]
                for _ in range(self.num_kinds if source.flag(0.4) else 0)
            ]
            self.arguments["pair_values"] = rows or [
                self.value_unit * source.integer(-8, 12) for _ in pairs
            ]
        if source.flag(0.3):
            self.pair_bans(pairs)

    def pair_bans(self, pairs: Sequence[tuple[int, int]]) -> None:
        """``pair_allowed``, never against a planted group."""
        inside = [
            {pair for members in self._planted_of(k) for pair in combinations(members, 2)}
            for k in range(self.num_kinds)
        ]
        if self.source.flag(0.5):
            self.arguments["pair_allowed"] = [
                [not self.source.flag(0.25) or pair in inside[k] for pair in pairs]
                for k in range(self.num_kinds)
            ]
        else:
            anywhere = set().union(*inside)
            self.arguments["pair_allowed"] = [
                not self.source.flag(0.25) or pair in anywhere for pair in pairs
            ]

    def eligibility(self) -> None:
        """``eligible``, never against a planted group."""
        if not self.source.flag(0.35):
            return
        rows = []
        for k in range(self.num_kinds):
            needed = {i for members in self._planted_of(k) for i in members}
            rows.append([not self.source.flag(0.25) or i in needed for i in range(self.num_items)])
        self.arguments["eligible"] = rows

    def resources(self) -> None:
        """``resources`` with bounds and curves."""
        source = self.source
        if not source.flag(0.55):
            return
        num_resources = source.integer(1, 2)
        # Of an item at most so much: certificates, a few units, and hundreds of units.
        scales = [source.pick((1, 6, 300)) for _ in range(num_resources)]
        quantities = [self._item_row(0, scale) for scale in scales]
        self.arguments["resources"] = quantities

        def totals(k: int, r: int) -> list[int]:
            return [sum(quantities[r][i] for i in members) for members in self._planted_of(k)]

        with_min, with_max = source.flag(0.4), source.flag(0.4)
        least: list[list[int]] = []
        most: list[list[int]] = []
        for k in range(self.num_kinds):
            lows, highs = [], []
            for r, scale in enumerate(scales):
                low = source.integer(0, 2 * scale) if with_min else 0
                high = low + source.integer(0, 3 * scale)
                lows.append(min([low, *totals(k, r)]))
                bounded = with_max and not source.flag(0.3)
                highs.append(max([high, *totals(k, r)]) if bounded else UNBOUNDED)
            least.append(lows)
            most.append(highs)
        if with_min:
            self.arguments["resource_min"] = least
        if with_max:
            self.arguments["resource_max"] = most

        curves = {
            (k, r): self._curve_points(scale)
            for k in range(self.num_kinds)
            for r, scale in enumerate(scales)
            if source.flag(0.5)
        }
        if curves:
            self.arguments["curves"] = curves

    def _curve_points(self, scale: int) -> list[tuple[int, int]]:
        """Slopes and jumps of any sign in any order, so also convex, concave and flat parts."""
        source = self.source
        x, y = 0, self.value_unit * source.integer(-3, 3)
        points = [(x, y)]
        after_jump = False
        for _ in range(source.integer(0, 4)):
            if not after_jump and source.flag(0.4):
                y += self.value_unit * source.integer(-6, 9)
                after_jump = True
            else:
                step = source.integer(1, max(1, scale))
                x += step
                # Over hundreds of units a slope of 1 already outweighs the other values.
                steepest = 1 if scale > 100 else 4
                slope = source.integer(-steepest, steepest) * max(1, self.value_unit // scale)
                y += step * slope
                after_jump = False
            points.append((x, y))
        return points

    def shared_limits(self) -> None:
        """``shared_group_use``, ``shared_item_use`` and ``shared_limit``, of both signs."""
        source = self.source
        if not source.flag(0.35):
            return
        num_shared = source.integer(1, 2)
        unit = source.pick((1, 1, 1000))
        with_group, with_item = source.flag(0.7), source.flag(0.8)
        group_use = [
            [unit * v for v in self._kind_row(-2, 5)] if with_group else [0] * self.num_kinds
            for _ in range(num_shared)
        ]
        item_use = [
            [
                [unit * v for v in self._item_row(-2, 4)] if with_item else [0] * self.num_items
                for _ in range(self.num_kinds)
            ]
            for _ in range(num_shared)
        ]
        limits = []
        for s in range(num_shared):
            planted_use = sum(
                group_use[s][k] + sum(item_use[s][k][i] for i in members)
                for k, members in self.planted
            )
            limit = unit * source.integer(-4, 10)
            if self.loosen:
                limit = planted_use if source.flag(0.4) else max(limit, planted_use)
            limits.append(limit)
        if with_group:
            self.arguments["shared_group_use"] = group_use
        if with_item:
            self.arguments["shared_item_use"] = item_use
        self.arguments["shared_limit"] = limits

    def obligations(self) -> None:
        """``must_join``, ``pinned``, ``together`` and ``apart``."""
        source = self.source
        home = {i: g for g, (_, members) in enumerate(self.planted) for i in members}
        if source.flag(0.35):
            chance = 1.0 if source.flag(0.3) else 0.3
            self.arguments["must_join"] = [
                source.flag(chance) and (not self.loosen or i in home)
                for i in range(self.num_items)
            ]
        pins = self._pins() if source.flag(0.3) else []

        together: list[tuple[int, ...]] = []
        if source.flag(0.25):
            together = [self._some_items(3) for _ in range(source.integer(1, 2))]
        if self.loosen:
            together = [items for items in together if len({home.get(i) for i in items}) == 1]
        together = [items for items in together if len(items) > 1]

        apart: list[tuple[int, ...]] = []
        if source.flag(0.3):
            apart = [self._some_items(4) for _ in range(source.integer(1, 2))]
        if self.loosen:
            apart = [
                items
                for items in apart
                if all(home.get(i) != home.get(j) or i not in home for i, j in _pairs_of(items))
            ]
        # Pairs both together and apart, and apart inside a pin, are invalid, not infeasible.
        joined = {pair for items in together for pair in _pairs_of(items)}
        joined |= {pair for _, members in pins for pair in _pairs_of(members)}
        apart = [items for items in apart if len(items) > 1 and not joined & _pairs_of(items)]
        if together:
            self.arguments["together"] = together
        if apart:
            self.arguments["apart"] = apart

    def _pins(self) -> list[tuple[int, tuple[int, ...]]]:
        source = self.source
        per_pin, grow = source.flag(0.4), source.flag(0.5)
        pins: list[tuple[int, tuple[int, ...]]] = []
        may_grow: list[bool] = []
        groups = self.planted
        if not self.loosen:
            groups = [(source.integer(0, self.num_kinds - 1), m) for _, m in self.planted]
        for kind, members in groups:
            if not source.flag(0.6):
                continue
            this_grows = source.flag(0.5) if per_pin else grow
            if this_grows or not self.loosen:
                core = tuple(i for i in members if not source.flag(0.4)) or members[:1]
            else:
                core = members
            pins.append((kind, core))
            may_grow.append(this_grows)
        if pins:
            self.arguments["pinned"] = pins
            self.arguments["pinned_may_grow"] = tuple(may_grow) if per_pin else grow
        return pins


def _pairs_of(items: Sequence[int]) -> set[tuple[int, int]]:
    return set(combinations(sorted(items), 2))


# -- TOML ------------------------------------------------------------------------------------


def to_toml(problem: GroupingProblem) -> str:
    """Readable TOML of a problem, neutral fields left out; ``from_toml`` reads it back.

    An unbounded ``resource_max`` is written ``inf``.
    """
    fields = plain_fields(problem)
    neutral = neutral_fields(fields)
    # As an infinite float, which TOML can write, rather than nineteen digits.
    for row in (*fields["resource_max"], *neutral["resource_max"]):
        row[:] = [math.inf if most == UNBOUNDED else most for most in row]
    lines = [f"num_items = {fields['num_items']}", f"kinds = {_toml(fields['kinds'])}"]
    lines += [
        f"{name} = {_toml(fields[name])}"
        for name in fields
        if name in neutral and fields[name] != neutral[name]
    ]
    for (k, r), points in sorted(fields["curves"].items()):
        lines += ["", "[[curve]]", f"kind = {k}", f"resource = {r}", f"points = {_toml(points)}"]
    for kind, members in fields["pinned"]:
        lines += ["", "[[pinned]]", f"kind = {kind}", f"members = {_toml(members)}"]
    return "\n".join(lines) + "\n"


def from_toml(text: str) -> GroupingProblem:
    """The problem that ``to_toml`` wrote, or that was written by hand in the same form."""
    arguments = tomllib.loads(text)
    arguments["kinds"] = tuple(arguments["kinds"])
    if "resource_max" in arguments:
        arguments["resource_max"] = [
            [UNBOUNDED if most == math.inf else most for most in row]
            for row in arguments["resource_max"]
        ]
    curves = arguments.pop("curve", [])
    if curves:
        arguments["curves"] = {(c["kind"], c["resource"]): c["points"] for c in curves}
    pins = arguments.pop("pinned", [])
    if pins:
        arguments["pinned"] = [(pin["kind"], pin["members"]) for pin in pins]
    for name in ("together", "apart"):
        if name in arguments:
            arguments[name] = tuple(tuple(items) for items in arguments[name])
    if isinstance(arguments.get("pinned_may_grow"), list):
        arguments["pinned_may_grow"] = tuple(arguments["pinned_may_grow"])
    return build(arguments)


def plain_fields(problem: GroupingProblem) -> Arguments:
    """All fields as plain numbers, lists and pairs, in the constructor's order.

    Pair fields and ``pinned_may_grow`` come in their one-row or one-flag form where all kinds
    or pins agree, so that equal meanings compare equal.
    """

    def lists(value: Any) -> Any:
        return np.asarray(value).tolist()

    def one_row(value: Any) -> list[Any]:
        rows = np.asarray(value)
        if rows.ndim == 2:
            rows = rows[0] if (rows == rows[0]).all() else rows
        return list(rows.tolist())

    grow: Any = problem.pinned_may_grow
    if isinstance(grow, Sequence | np.ndarray):
        flags = [bool(g) for g in grow]
        grow = flags[0] if len(set(flags)) == 1 else flags or False
    return {
        "num_items": int(problem.num_items),
        "kinds": [str(kind) for kind in problem.kinds],
        "open_values": lists(problem.open_values),
        "item_values": lists(problem.item_values),
        "pairs": np.asarray(problem.pairs).reshape(-1, 2).tolist(),
        "pair_values": one_row(problem.pair_values),
        "pair_allowed": one_row(problem.pair_allowed),
        "absent_pairs": str(problem.absent_pairs),
        "min_size": lists(problem.min_size),
        "max_size": lists(problem.max_size),
        "min_groups": lists(problem.min_groups),
        "max_groups": lists(problem.max_groups),
        "eligible": lists(problem.eligible),
        "resources": lists(problem.resources),
        "resource_min": lists(problem.resource_min),
        "resource_max": lists(problem.resource_max),
        "curves": {
            (int(k), int(r)): [[int(x), int(y)] for x, y in curve.points]
            for (k, r), curve in problem.curves.items()
        },
        "shared_group_use": lists(problem.shared_group_use),
        "shared_item_use": lists(problem.shared_item_use),
        "shared_limit": lists(problem.shared_limit),
        "must_join": lists(problem.must_join),
        "together": [[int(i) for i in items] for items in problem.together],
        "apart": [[int(i) for i in items] for items in problem.apart],
        "pinned": [[int(pin.kind), [int(i) for i in pin.members]] for pin in problem.pinned],
        "pinned_may_grow": bool(grow) if not isinstance(grow, list) else grow,
    }


def neutral_fields(fields: Mapping[str, Any]) -> Arguments:
    """What each field that may be left out is worth when it is, for sizes like these."""
    n, num_kinds = fields["num_items"], len(fields["kinds"])
    num_pairs, num_resources = len(fields["pairs"]), len(fields["resources"])
    num_shared = len(fields["shared_limit"])
    return {
        "open_values": [0] * num_kinds,
        "item_values": [[0] * n] * num_kinds,
        "pairs": [],
        "pair_values": [0] * num_pairs,
        "pair_allowed": [True] * num_pairs,
        "absent_pairs": "neutral",
        "min_size": [1] * num_kinds,
        "max_size": [n] * num_kinds,
        "min_groups": [0] * num_kinds,
        "max_groups": [n] * num_kinds,
        "eligible": [[True] * n] * num_kinds,
        "resources": [],
        "resource_min": [[0] * num_resources] * num_kinds,
        "resource_max": [[UNBOUNDED] * num_resources for _ in range(num_kinds)],
        "shared_group_use": [[0] * num_kinds] * num_shared,
        "shared_item_use": [[[0] * n] * num_kinds] * num_shared,
        "shared_limit": [],
        "must_join": [False] * n,
        "together": [],
        "apart": [],
        "pinned_may_grow": False,
    }


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)
    return str(value)


def random_odd_set(rng: np.random.Generator, number: int) -> tuple[int, ...]:
    """Three, five or seven of so many, in order; ``number`` is 3 or more."""
    size = int(rng.choice([size for size in (3, 5, 7) if size <= number]))
    return tuple(sorted(rng.choice(number, size, replace=False).tolist()))
