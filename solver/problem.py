"""The formal problem: disjoint groups of items, each of one kind, of greatest total value.

The value of a group (S, k) is ::

    v(S, k) = open_values[k] + sum_i item_values[k, i] + sum_{ij} pair_values[k, ij]
              + sum_r curves[k, r](sum_i resources[r, i])

all in integers. A group is feasible iff its size and its resource totals are within bounds, every
item is eligible for the kind and every pair is allowed. A grouping is a set of disjoint feasible
groups that meets the bounds on group numbers, the shared limits, and the must-join, together,
apart and pinned rules. The empty grouping has value 0. ``solver.verify`` is the specification in
plain Python; this module only holds and checks the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from solver.errors import InvalidProblem
from solver.grouping import Group
from solver.validation import Checker

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
AbsentPairs = Literal["neutral", "forbidden"]

#: No total of a problem may leave +-2**62: sums of two such totals still fit int64.
MAX_TOTAL = 2**62
#: Stored for a resource without an upper bound; no valid total reaches it.
UNBOUNDED = MAX_TOTAL


@dataclass(frozen=True, slots=True)
class Curve:
    """An integer piecewise-linear function of a group's resource total, which may jump.

    Attributes
    ----------
    points : (x, y) pairs of integers, x ascending and starting at 0. Two points at one x are a
        jump: the earlier is the limit from the left, the later holds at x and to the right.
        Slopes between points are integers. Flat after the last point.
    """

    points: tuple[tuple[int, int], ...]

    def __init__(self, points: Iterable[Iterable[int]]) -> None:
        # Nothing is checked here: GroupingProblem reports every malformed curve together.
        object.__setattr__(self, "points", tuple(tuple(point) for point in points))

    def value(self, total: int) -> int:
        """Value at a resource total ``total`` >= 0, in plain Python integers."""
        last_x, last_y = self.points[0]
        if total < last_x:
            raise ValueError(f"a curve starts at x = {last_x}; it has no value at {total}")
        for x, y in self.points[1:]:
            if x > total:
                return last_y + (y - last_y) // (x - last_x) * (total - last_x)
            last_x, last_y = x, y
        return last_y


@dataclass(frozen=True, eq=False, repr=False)
class GroupingProblem:
    """Items, kinds, values and rules; immutable, normalised to int64 and bool arrays.

    Parameters
    ----------
    num_items : n, number of items.
    kinds : K distinct labels.
    item_values : int64 [K, n]; default 0.
    pairs : int32 [E, 2], i < j, unique; default none.
    pair_values : int64 [E] (the same in all kinds) or [K, E]; default 0.
    pair_allowed : bool [E] or [K, E]; default all True. A veto is data, never a large number.
    absent_pairs : whether unlisted pairs are worth 0 ("neutral") or may not group ("forbidden").
    open_values : int64 [K]; default 0.
    min_size, max_size : int64 [K]; default 1 and n.
    min_groups, max_groups : int64 [K]; default 0 and n.
    eligible : bool [K, n]; default all True.
    resources : int64 [R, n], >= 0; default R = 0.
    resource_min, resource_max : int64 [K, R]; default 0 and unbounded (``UNBOUNDED``).
    curves : {(k, r): Curve}; default none.
    shared_group_use, shared_item_use, shared_limit : int64 [L, K], [L, K, n], [L]; default L = 0.
        The uses may have either sign.
    must_join : bool [n]; default all False.
    together : tuples of two or more items that are all in one group or all out.
    apart : tuples of two or more items no two of which are ever in one group.
    pinned : groups that stay as they are.
    pinned_may_grow : whether pinned groups may gain items; one bool, or one per pin. Each pin is
        its own group: two pins never merge.

    Raises
    ------
    InvalidProblem
        With every fault found, each naming field, index and value.
    """

    num_items: int
    kinds: tuple[str, ...]
    item_values: IntArray = None  # type: ignore[assignment]
    pairs: npt.NDArray[np.int32] = None  # type: ignore[assignment]
    pair_values: IntArray = None  # type: ignore[assignment]
    pair_allowed: BoolArray = None  # type: ignore[assignment]
    absent_pairs: AbsentPairs = "neutral"
    open_values: IntArray = None  # type: ignore[assignment]
    min_size: IntArray = None  # type: ignore[assignment]
    max_size: IntArray = None  # type: ignore[assignment]
    min_groups: IntArray = None  # type: ignore[assignment]
    max_groups: IntArray = None  # type: ignore[assignment]
    eligible: BoolArray = None  # type: ignore[assignment]
    resources: IntArray = None  # type: ignore[assignment]
    resource_min: IntArray = None  # type: ignore[assignment]
    resource_max: IntArray = None  # type: ignore[assignment]
    curves: Mapping[tuple[int, int], Curve] = None  # type: ignore[assignment]
    shared_group_use: IntArray = None  # type: ignore[assignment]
    shared_item_use: IntArray = None  # type: ignore[assignment]
    shared_limit: IntArray = None  # type: ignore[assignment]
    must_join: BoolArray = None  # type: ignore[assignment]
    together: tuple[tuple[int, ...], ...] = ()
    apart: tuple[tuple[int, ...], ...] = ()
    pinned: tuple[Group, ...] = ()
    pinned_may_grow: bool | tuple[bool, ...] = False

    def __post_init__(self) -> None:
        checker = Checker()
        normalised = checker.normalise(self)
        if checker.faults:
            raise InvalidProblem(checker.faults)
        for name, value in normalised.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    # -- sizes ------------------------------------------------------------------------------

    @property
    def num_kinds(self) -> int:
        """K."""
        return len(self.kinds)

    @property
    def num_pairs(self) -> int:
        """E, the number of listed pairs."""
        return int(self.pairs.shape[0])

    @property
    def num_resources(self) -> int:
        """R."""
        return int(self.resources.shape[0])

    @property
    def num_shared_limits(self) -> int:
        """L."""
        return int(self.shared_limit.shape[0])

    # -- views ------------------------------------------------------------------------------

    def pair_values_of(self, kind: int) -> IntArray:
        """Pair values of one kind, int64 [E]."""
        return self.pair_values if self.pair_values.ndim == 1 else self.pair_values[kind]

    def pair_allowed_of(self, kind: int) -> BoolArray:
        """Whether each listed pair may group in one kind, bool [E]."""
        return self.pair_allowed if self.pair_allowed.ndim == 1 else self.pair_allowed[kind]

    @cached_property
    def pair_index(self) -> dict[tuple[int, int], int]:
        """Position of each listed pair (i < j) in ``pairs``."""
        return {(int(i), int(j)): e for e, (i, j) in enumerate(self.pairs.tolist())}

    @cached_property
    def pin_may_grow(self) -> tuple[bool, ...]:
        """Whether each pin may gain items, one bool a pin."""
        if isinstance(self.pinned_may_grow, bool):
            return (self.pinned_may_grow,) * len(self.pinned)
        return self.pinned_may_grow

    @cached_property
    def apart_pairs(self) -> frozenset[tuple[int, int]]:
        """All pairs (i < j) the ``apart`` rules keep out of one group."""
        return frozenset(
            (min(i, j), max(i, j))
            for rule in self.apart
            for at, i in enumerate(rule)
            for j in rule[at + 1 :]
        )

    @property
    def is_valueless(self) -> bool:
        """Whether nothing has a value, so that every grouping is worth 0."""
        fields = (self.item_values, self.pair_values, self.open_values)
        return not any(field.any() for field in fields) and not self.curves

    def curve_items(self) -> list[tuple[int, int, Curve]]:
        """(kind, resource, curve) triples in ascending order."""
        return [(k, r, self.curves[k, r]) for k, r in sorted(self.curves)]

    def arguments(self) -> dict[str, Any]:
        """Every constructor argument by name, as stored: ``GroupingProblem(**p.arguments())``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def replace(self, **changes: Any) -> GroupingProblem:
        """A copy with some arguments changed (checked anew)."""
        return GroupingProblem(**{**self.arguments(), **changes})

    def __repr__(self) -> str:
        return (
            f"GroupingProblem(num_items={self.num_items}, kinds={len(self.kinds)}, "
            f"pairs={self.num_pairs}, absent_pairs={self.absent_pairs!r}, "
            f"resources={self.num_resources}, curves={len(self.curves)}, "
            f"shared_limits={self.num_shared_limits}, pinned={len(self.pinned)})"
        )


__all__ = [
    "MAX_TOTAL",
    "UNBOUNDED",
    "AbsentPairs",
    "Curve",
    "Group",
    "GroupingProblem",
]
