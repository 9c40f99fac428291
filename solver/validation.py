"""Checks and normalises the arguments of ``GroupingProblem``: every fault, not the first.

A fault is something that makes the arguments meaningless (wrong shape or type, an index out of
range, a malformed curve, totals that could overflow). Rules that merely cannot be met are not
faults: such a problem is INFEASIBLE, which a solve proves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import index as as_index
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from solver.errors import Fault
from solver.grouping import Group

if TYPE_CHECKING:
    from solver.problem import GroupingProblem

_LIMIT = 2**62
#: Faults of one field that are listed one by one; the rest are counted.
_MAX_LISTED = 20

Array = npt.NDArray[Any]


class Checker:
    """Collects faults while turning arguments into arrays."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(
        self, field: str, value: Any, message: str, index: tuple[int, ...] | None = None
    ) -> None:
        """Record one fault."""
        if isinstance(value, np.generic):
            value = value.item()
        self.faults.append(Fault(field, index, value, message))

    def normalise(self, problem: GroupingProblem) -> dict[str, Any]:
        """Normalised arguments by name; incomplete where faults were found."""
        out: dict[str, Any] = {}
        n = self._count("num_items", problem.num_items)
        kinds = self._kinds(problem.kinds)
        if n is None or kinds is None:
            return out
        num_kinds = len(kinds)
        out["num_items"], out["kinds"] = n, kinds
        if problem.absent_pairs not in ("neutral", "forbidden"):
            self.fault("absent_pairs", problem.absent_pairs, 'must be "neutral" or "forbidden"')

        def ints(name: str, shapes: list[tuple[int, ...]], default: int) -> Array | None:
            return self._array(name, getattr(problem, name), shapes, default, np.int64)

        def bools(name: str, shapes: list[tuple[int, ...]], default: bool) -> Array | None:
            return self._array(name, getattr(problem, name), shapes, default, np.bool_)

        out["item_values"] = ints("item_values", [(num_kinds, n)], 0)
        out["open_values"] = ints("open_values", [(num_kinds,)], 0)
        pairs = self._pairs(problem.pairs, n)
        out["pairs"] = pairs
        if pairs is not None:
            pair_shapes = [(len(pairs),), (num_kinds, len(pairs))]
            out["pair_values"] = ints("pair_values", pair_shapes, 0)
            out["pair_allowed"] = bools("pair_allowed", pair_shapes, True)
        out["eligible"] = bools("eligible", [(num_kinds, n)], True)
        out["must_join"] = bools("must_join", [(n,)], False)
        self._size_bounds(ints, out, num_kinds, n)
        num_resources = self._resources(problem, ints, out, num_kinds, n)
        out["curves"] = self._curves(problem.curves, num_kinds, num_resources)
        self._shared(problem, ints, out, num_kinds, n)
        out["together"] = self._item_sets("together", problem.together, n)
        out["apart"] = self._item_sets("apart", problem.apart, n)
        out["pinned"] = self._pins(problem.pinned, num_kinds, n)
        out["pinned_may_grow"] = self._may_grow(problem.pinned_may_grow, out["pinned"])
        self._contradictions(out)
        if not self.faults:
            self._totals(out)
        return out

    # -- one field at a time ----------------------------------------------------------------

    def _count(self, field: str, value: Any) -> int | None:
        if isinstance(value, (bool, np.bool_)):
            self.fault(field, value, "must be a whole number of items, 0 or more")
            return None
        try:
            number = as_index(value)
        except TypeError:
            self.fault(field, value, "must be a whole number of items, 0 or more")
            return None
        if not 0 <= number < 2**31:
            self.fault(field, number, "must be from 0 to 2**31 - 1")
            return None
        return number

    def _kinds(self, kinds: Any) -> tuple[str, ...] | None:
        if isinstance(kinds, str):
            self.fault(
                "kinds", kinds, 'must be a sequence of labels, e.g. ("A", "B"), not one text'
            )
            return None
        try:
            labels = tuple(kinds)
        except TypeError:
            self.fault("kinds", kinds, 'must be a sequence of labels, e.g. ("A", "B")')
            return None
        for at, label in enumerate(labels):
            if not isinstance(label, str):
                self.fault("kinds", label, "must be a text", (at,))
        if len(set(map(repr, labels))) != len(labels):
            self.fault("kinds", labels, "labels must be distinct")
        return labels

    def _array(
        self,
        field: str,
        value: Any,
        shapes: list[tuple[int, ...]],
        default: int | bool,
        dtype: type[np.int64] | type[np.bool_],
    ) -> Array | None:
        if value is None:
            return np.full(shapes[0], default, dtype=dtype)
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError, TypeError) as error:
            self.fault(field, value, f"is not a rectangular array of numbers ({error})")
            return None
        if array.size == 0 and array.shape not in shapes and any(0 in s for s in shapes):
            # [] stands for any array without entries.
            array = array.reshape(next(s for s in shapes if 0 in s))
        if array.shape not in shapes:
            wanted = " or ".join(str(list(shape)) for shape in shapes)
            self.fault(field, list(array.shape), f"has this shape; it must have shape {wanted}")
            return None
        if array.size == 0:
            return np.zeros(array.shape, dtype=dtype)
        return self._bools(field, array) if dtype is np.bool_ else self._ints(field, array)

    def _bools(self, field: str, array: Array) -> Array | None:
        if array.dtype != np.bool_:
            self.fault(field, str(array.dtype), "has this type; it must be bool (True or False)")
            return None
        return array.copy()

    def _ints(self, field: str, array: Array) -> Array | None:
        if array.dtype == object:
            return self._ints_one_by_one(field, array)
        if array.dtype.kind == "u":
            large = array > np.uint64(2**63 - 1)
            if large.any():
                where = tuple(int(i) for i in np.argwhere(large)[0])
                self.fault(field, array[where], "is outside int64", where)
                return None
            return array.astype(np.int64)
        if array.dtype.kind != "i":
            numeric = array.dtype.kind == "f"
            whole = array == np.floor(array) if numeric else np.zeros(array.shape, dtype=bool)
            # The first fraction is the fault to show; where all are whole, the type is.
            odd = np.argwhere(whole) if whole.all() else np.argwhere(~whole)
            first = tuple(int(i) for i in odd[0])
            self.fault(
                field,
                array[first],
                f"has type {array.dtype}; it must be whole numbers (scale them first)",
                first,
            )
            return None
        return array.astype(np.int64)

    def _ints_one_by_one(self, field: str, array: Array) -> Array | None:
        """Object arrays: Python integers beyond int64, or a mix of types."""
        good = True
        for where, value in np.ndenumerate(array):
            if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
                self.fault(field, value, "must be a whole number", where)
                good = False
            elif not -(2**63) <= value < 2**63:
                self.fault(field, value, "is outside int64", where)
                good = False
        return array.astype(np.int64) if good else None

    def _pairs(self, value: Any, n: int) -> Array | None:
        if value is None:
            return np.zeros((0, 2), dtype=np.int32)
        before = len(self.faults)
        array = np.asarray(value)
        if array.size == 0:
            return np.zeros((0, 2), dtype=np.int32)
        if array.ndim != 2 or array.shape[1] != 2:
            self.fault("pairs", list(array.shape), "has this shape; it must have shape [E, 2]")
            return None
        checked = self._ints("pairs", array)
        if checked is None:
            return None
        outside = (checked < 0) | (checked >= n)
        for e in np.flatnonzero(outside.any(axis=1))[:_MAX_LISTED]:
            self.fault("pairs", checked[e].tolist(), f"items must be from 0 to {n - 1}", (int(e),))
        for e in np.flatnonzero(checked[:, 0] >= checked[:, 1])[:_MAX_LISTED]:
            self.fault(
                "pairs", checked[e].tolist(), "must be ordered, first item below second", (int(e),)
            )
        if len(self.faults) == before:
            key = checked[:, 0] * np.int64(n) + checked[:, 1]
            order = np.argsort(key, kind="stable")
            repeated = order[1:][key[order][1:] == key[order][:-1]]
            for e in np.sort(repeated)[:_MAX_LISTED]:
                self.fault("pairs", checked[e].tolist(), "is listed twice", (int(e),))
        return checked.astype(np.int32) if len(self.faults) == before else None

    def _size_bounds(
        self,
        ints: Callable[[str, list[tuple[int, ...]], int], Array | None],
        out: dict[str, Any],
        num_kinds: int,
        n: int,
    ) -> None:
        for low_name, high_name, least, low_default in (
            ("min_size", "max_size", 1, 1),
            ("min_groups", "max_groups", 0, 0),
        ):
            low = ints(low_name, [(num_kinds,)], low_default)
            high = ints(high_name, [(num_kinds,)], max(n, low_default))
            out[low_name], out[high_name] = low, high
            if low is None or high is None:
                continue
            for k in range(num_kinds):
                if low[k] < least:
                    self.fault(low_name, low[k], f"must be {least} or more", (k,))
                if high[k] < low[k]:
                    self.fault(
                        high_name, high[k], f"is below {low_name}[{k}] = {int(low[k])}", (k,)
                    )

    def _resources(
        self,
        problem: GroupingProblem,
        ints: Callable[[str, list[tuple[int, ...]], int], Array | None],
        out: dict[str, Any],
        num_kinds: int,
        n: int,
    ) -> int | None:
        value: Any = problem.resources
        if value is None:
            num_resources = 0
            out["resources"] = np.zeros((0, n), dtype=np.int64)
        else:
            try:
                num_resources = len(value)
            except TypeError:
                self.fault("resources", value, f"must have shape [R, {n}]")
                return None
            resources = self._array("resources", value, [(num_resources, n)], 0, np.int64)
            out["resources"] = resources
            if resources is not None:
                for where in np.argwhere(resources < 0)[:_MAX_LISTED]:
                    index = tuple(int(i) for i in where)
                    self.fault("resources", resources[index], "must be 0 or more", index)
        shape: list[tuple[int, ...]] = [(num_kinds, num_resources)]
        low = ints("resource_min", shape, 0)
        high = ints("resource_max", shape, _LIMIT)
        if high is not None:
            high = np.minimum(high, _LIMIT)
        out["resource_min"], out["resource_max"] = low, high
        if low is not None and high is not None:
            for where in np.argwhere(low > high)[:_MAX_LISTED]:
                index = tuple(int(i) for i in where)
                place = ", ".join(map(str, index))
                self.fault(
                    "resource_max",
                    high[index],
                    f"is below resource_min[{place}] = {int(low[index])}",
                    index,
                )
        return num_resources

    def _curves(self, curves: Any, num_kinds: int, num_resources: int | None) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        if curves is None:
            return out
        if not isinstance(curves, Mapping):
            self.fault("curves", curves, "must map (kind, resource) to Curve")
            return out
        for key, curve in curves.items():
            try:
                k, r = (as_index(part) for part in key)
            except (TypeError, ValueError):
                self.fault("curves", key, "the key must be (kind, resource), two whole numbers")
                continue
            if not 0 <= k < num_kinds:
                self.fault("curves", k, f"the kind must be from 0 to {num_kinds - 1}", (k, r))
            if num_resources is not None and not 0 <= r < num_resources:
                self.fault(
                    "curves", r, f"the resource must be from 0 to {num_resources - 1}", (k, r)
                )
            message = _curve_fault(curve)
            if message:
                self.fault("curves", getattr(curve, "points", curve), message, (k, r))
            out[k, r] = curve
        return out

    def _shared(
        self,
        problem: GroupingProblem,
        ints: Callable[[str, list[tuple[int, ...]], int], Array | None],
        out: dict[str, Any],
        num_kinds: int,
        n: int,
    ) -> None:
        names = ("shared_limit", "shared_group_use", "shared_item_use")
        sizes = {}
        for name in names:
            value = getattr(problem, name)
            if value is None:
                continue
            try:
                sizes[name] = len(value)
            except TypeError:
                self.fault(name, value, "must be an array with one entry a shared limit")
        if sizes and "shared_limit" not in sizes and max(sizes.values()) > 0:
            self.fault("shared_limit", None, "is missing although shared uses are given")
            return
        num = sizes.get("shared_limit", 0)
        out["shared_limit"] = ints("shared_limit", [(num,)], 0)
        out["shared_group_use"] = ints("shared_group_use", [(num, num_kinds)], 0)
        out["shared_item_use"] = ints("shared_item_use", [(num, num_kinds, n)], 0)

    def _item_sets(self, field: str, rules: Any, n: int) -> tuple[tuple[int, ...], ...]:
        out = []
        try:
            listed = list(rules)
        except TypeError:
            self.fault(field, rules, "must be a sequence of tuples of items")
            return ()
        for at, rule in enumerate(listed):
            items = self._items(field, (at,), rule, n)
            if items is None:
                continue
            if len(items) < 2:
                self.fault(field, items, "needs two items or more", (at,))
            out.append(tuple(sorted(items)))
        return tuple(out)

    def _items(
        self, field: str, index: tuple[int, ...], items: Any, n: int
    ) -> tuple[int, ...] | None:
        try:
            members = tuple(as_index(i) for i in items)
        except TypeError:
            self.fault(field, items, "must be a tuple of whole numbers", index)
            return None
        good = True
        for i in members:
            if not 0 <= i < n:
                self.fault(field, i, f"items must be from 0 to {n - 1}", index)
                good = False
        if len(set(members)) != len(members):
            self.fault(field, members, "names an item twice", index)
            good = False
        return members if good else None

    def _pins(self, pinned: Any, num_kinds: int, n: int) -> tuple[Group, ...]:
        out: list[Group] = []
        seen: dict[int, int] = {}
        try:
            listed = list(pinned)
        except TypeError:
            self.fault("pinned", pinned, "must be a sequence of Group")
            return ()
        for at, pin in enumerate(listed):
            if not isinstance(pin, Group):
                self.fault("pinned", pin, "must be a Group(kind=..., members=...)", (at,))
                continue
            if not 0 <= pin.kind < num_kinds:
                self.fault("pinned", pin.kind, f"the kind must be from 0 to {num_kinds - 1}", (at,))
            if not pin.members:
                self.fault("pinned", pin.members, "a group has one item or more", (at,))
            if self._items("pinned", (at,), pin.members, n) is not None:
                for i in pin.members:
                    if i in seen:
                        self.fault("pinned", i, f"is in pin {seen[i]} already", (at,))
                    seen[i] = at
            out.append(pin)
        return tuple(out)

    def _may_grow(self, value: Any, pinned: tuple[Group, ...]) -> bool | tuple[bool, ...]:
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        try:
            flags = tuple(value)
        except TypeError:
            flags = (None,)
        if len(flags) != len(pinned) or not all(isinstance(f, (bool, np.bool_)) for f in flags):
            self.fault("pinned_may_grow", value, "must be one bool, or one bool for each pin")
            return False
        return tuple(bool(f) for f in flags)

    # -- rules over several fields ------------------------------------------------------------

    def _contradictions(self, out: dict[str, Any]) -> None:
        bound = [set(rule) for rule in out["together"]]
        for at, rule in enumerate(out["apart"]):
            for group in bound:
                both = sorted(group.intersection(rule))
                if len(both) > 1:
                    self.fault("apart", tuple(both), "these items are also together", (at,))
            for p, pin in enumerate(out["pinned"]):
                both = sorted(set(pin.members).intersection(rule))
                if len(both) > 1:
                    self.fault("apart", tuple(both), f"these items are in one pin ({p})", (at,))

    def _totals(self, out: dict[str, Any]) -> None:
        """Refuse problems in which a total could leave +-2**62.

        Everything is summed in Python integers: groups are disjoint, so each item and each pair
        counts once, and there are at most n groups.
        """
        n = out["num_items"]
        if not out["kinds"] or n == 0:
            return

        def most(array: Array, axis: int) -> int:
            """Sum over entries of the greatest absolute value over ``axis``."""
            if array.size == 0:
                return 0
            low, high = array.min(axis=axis).ravel(), array.max(axis=axis).ravel()
            if max(-int(low.min()), int(high.max())) * len(low) < _LIMIT:
                return int(np.maximum(-low, high).sum())  # cannot overflow, and is quicker
            return sum(
                max(abs(a), abs(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)
            )

        pair_values = np.atleast_2d(out["pair_values"])
        value = n * most(out["open_values"][:, None], 0) + most(out["item_values"], 0)
        value += most(pair_values, 0) if pair_values.size else 0
        steepest: dict[int, int] = {}
        for (_, r), curve in out["curves"].items():
            steepest[r] = max([steepest.get(r, 0), *(abs(y) for _, y in curve.points)])
        value += n * sum(steepest.values())
        if value >= _LIMIT:
            self.fault(
                "item_values, pair_values, open_values, curves",
                value,
                "the total value could reach this, beyond 2**62; scale the values down",
            )
        for r, row in enumerate(out["resources"]):
            total = sum(row.tolist())
            if total >= _LIMIT:
                self.fault("resources", total, "the total could reach this, beyond 2**62", (r,))
        for (k, r), curve in out["curves"].items():
            if curve.points[-1][0] >= _LIMIT:
                self.fault("curves", curve.points[-1][0], "x is beyond 2**62", (k, r))
        for s in range(len(out["shared_limit"])):
            use = n * most(out["shared_group_use"][s][:, None], 0)
            use += most(out["shared_item_use"][s], 0)
            if use >= _LIMIT:
                self.fault("shared_item_use", use, "use could reach this, beyond 2**62", (s,))
            if abs(int(out["shared_limit"][s])) > _LIMIT:
                self.fault("shared_limit", out["shared_limit"][s], "is beyond 2**62", (s,))


def _curve_fault(curve: Any) -> str | None:
    """What is wrong with a curve's points, or ``None``."""
    points = getattr(curve, "points", None)
    if not isinstance(points, tuple):
        return "must be a Curve"
    if not points:
        return "needs one point or more"
    for point in points:
        if len(point) != 2:
            return f"each point must be a pair (x, y), not {point!r}"
        for number in point:
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
                return f"points must be whole numbers, not {number!r}"
    if points[0][0] != 0:
        return f"must start at x = 0, not {points[0][0]}"
    for at in range(1, len(points)):
        (x0, y0), (x1, y1) = points[at - 1], points[at]
        if x1 < x0:
            return f"x must ascend, but {x1} comes after {x0}"
        if x1 == x0:
            if at >= 2 and points[at - 2][0] == x0:
                return f"has three points at x = {x0}; two make a jump"
        elif (int(y1) - int(y0)) % (int(x1) - int(x0)):
            return f"the slope from ({x0}, {y0}) to ({x1}, {y1}) is not a whole number"
    return None
