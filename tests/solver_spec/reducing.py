"""Cut a failing problem down to the part that makes it fail.

Hypothesis shrinks a sequence of choices, in which taking out one item touches every field.
Here the fields themselves are cut: items, kinds, resources, limits, pairs, pins, then whole
fields, then single numbers, for as long as the problem still fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from solver import GroupingProblem, InvalidProblem

from .problems import UNBOUNDED, Arguments, build, neutral_fields, plain_fields

Fails = Callable[[GroupingProblem], bool]

NUMBERS = (
    "open_values",
    "item_values",
    "pair_values",
    "resources",
    "resource_min",
    "resource_max",
    "shared_group_use",
    "shared_item_use",
    "shared_limit",
    "min_size",
    "max_size",
    "min_groups",
    "max_groups",
)


def reduced(problem: GroupingProblem, fails: Fails, max_tries: int = 1500) -> GroupingProblem:
    """A smaller problem that still fails; the same one if no cut keeps it failing.

    Parameters
    ----------
    problem
        A problem that fails.
    fails
        Whether a problem still fails in the way that matters.
    max_tries
        Cuts to try before giving up on making it smaller still.
    """
    fields = plain_fields(problem)
    tries = 0
    cutting = True
    while cutting:
        cutting = False
        for cut in (
            _without_items,
            _without_kinds,
            _without_rows,
            _with_neutral_fields,
            _with_smaller_numbers,
            _with_simpler_curves,
        ):
            position, candidates = 0, list(cut(fields))
            while position < len(candidates) and tries < max_tries:
                tries += 1
                smaller = _built(candidates[position])
                if smaller is not None and fails(smaller):
                    # Go on from the same position in the smaller problem, not from the start:
                    # what could not be cut before seldom can be cut now.
                    fields = plain_fields(smaller)
                    candidates = list(cut(fields))
                    cutting = True
                else:
                    position += 1
    return build(_arguments(fields))


def _arguments(fields: Arguments) -> Arguments:
    neutral = neutral_fields(fields)
    return {name: value for name, value in fields.items() if value != neutral.get(name, ...)}


def _built(fields: Arguments) -> GroupingProblem | None:
    try:
        return build(_arguments(fields))
    except InvalidProblem:
        return None


def _without(values: list[Any], at: int) -> list[Any]:
    return values[:at] + values[at + 1 :]


def _rows_without(rows: list[list[Any]], at: int) -> list[list[Any]]:
    return [_without(row, at) for row in rows]


def _without_items(fields: Arguments) -> Iterator[Arguments]:
    n = fields["num_items"]
    for gone in reversed(range(n if n > 1 else 0)):
        kept = [i for i in range(n) if i != gone]
        new = {i: at for at, i in enumerate(kept)}

        def renamed(items: list[int], new: dict[int, int] = new, gone: int = gone) -> list[int]:
            return [new[i] for i in items if i != gone]

        cut = deepcopy(fields)
        for at in reversed(range(len(cut["pairs"]))):
            if gone in cut["pairs"][at]:
                _drop_pair(cut, at)
        cut["pairs"] = [renamed(pair) for pair in cut["pairs"]]
        for name in ("item_values", "eligible", "resources"):
            cut[name] = _rows_without(cut[name], gone)
        cut["shared_item_use"] = [_rows_without(rows, gone) for rows in cut["shared_item_use"]]
        cut["must_join"] = _without(cut["must_join"], gone)
        for name in ("together", "apart"):
            cut[name] = [items for items in map(renamed, cut[name]) if len(items) > 1]
        cut["pinned"] = [[kind, renamed(members)] for kind, members in cut["pinned"]]
        for at in reversed(range(len(cut["pinned"]))):
            if not cut["pinned"][at][1]:
                _drop_pin(cut, at)
        # A bound that was neutral, so as good as absent, stays neutral.
        for name in ("max_size", "max_groups"):
            cut[name] = [n - 1 if most == n else most for most in cut[name]]
        cut["num_items"] = n - 1
        yield cut


def _without_kinds(fields: Arguments) -> Iterator[Arguments]:
    num_kinds = len(fields["kinds"])
    for gone in reversed(range(num_kinds if num_kinds > 1 else 0)):
        cut = deepcopy(fields)
        for name in (
            *("kinds", "open_values", "item_values", "min_size", "max_size"),
            *("min_groups", "max_groups", "eligible", "resource_min", "resource_max"),
        ):
            cut[name] = _without(cut[name], gone)
        for name in ("pair_values", "pair_allowed"):
            if cut[name] and isinstance(cut[name][0], list):
                cut[name] = _without(cut[name], gone)
        for name in ("shared_group_use", "shared_item_use"):
            cut[name] = _rows_without(cut[name], gone)
        cut["curves"] = {
            (k - (k > gone), r): points for (k, r), points in cut["curves"].items() if k != gone
        }
        for at in reversed(range(len(cut["pinned"]))):
            if cut["pinned"][at][0] == gone:
                _drop_pin(cut, at)
        cut["pinned"] = [[kind - (kind > gone), members] for kind, members in cut["pinned"]]
        yield cut


def _without_rows(fields: Arguments) -> Iterator[Arguments]:
    for gone in reversed(range(len(fields["resources"]))):
        cut = deepcopy(fields)
        cut["resources"] = _without(cut["resources"], gone)
        for name in ("resource_min", "resource_max"):
            cut[name] = _rows_without(cut[name], gone)
        cut["curves"] = {
            (k, r - (r > gone)): points for (k, r), points in cut["curves"].items() if r != gone
        }
        yield cut
    for gone in reversed(range(len(fields["shared_limit"]))):
        cut = deepcopy(fields)
        for name in ("shared_group_use", "shared_item_use", "shared_limit"):
            cut[name] = _without(cut[name], gone)
        yield cut
    for name, drop in (("pairs", _drop_pair), ("pinned", _drop_pin)):
        for gone in reversed(range(len(fields[name]))):
            cut = deepcopy(fields)
            drop(cut, gone)
            yield cut
    for name in ("together", "apart"):
        for gone in reversed(range(len(fields[name]))):
            yield {**deepcopy(fields), name: _without(fields[name], gone)}
        for at, items in enumerate(fields[name]):
            for i in items if len(items) > 2 else ():
                cut = deepcopy(fields)
                cut[name][at].remove(i)
                yield cut
    for key in fields["curves"]:
        cut = deepcopy(fields)
        del cut["curves"][key]
        yield cut


def _drop_pair(fields: Arguments, gone: int) -> None:
    fields["pairs"] = _without(fields["pairs"], gone)
    for name in ("pair_values", "pair_allowed"):
        if isinstance(fields[name][0], list):
            fields[name] = _rows_without(fields[name], gone)
        else:
            fields[name] = _without(fields[name], gone)


def _drop_pin(fields: Arguments, gone: int) -> None:
    fields["pinned"] = _without(fields["pinned"], gone)
    if isinstance(fields["pinned_may_grow"], list):
        fields["pinned_may_grow"] = _without(fields["pinned_may_grow"], gone)


def _with_neutral_fields(fields: Arguments) -> Iterator[Arguments]:
    for name, neutral in neutral_fields(fields).items():
        if fields[name] != neutral and name not in ("pairs", "resources", "shared_limit"):
            yield {**deepcopy(fields), name: neutral}
    for name in ("eligible", "pair_allowed", "must_join"):
        neutral = name != "must_join"
        for path, value in _leaves(fields[name]):
            if value is not neutral:
                yield _changed(fields, (name, *path), neutral)


def _with_smaller_numbers(fields: Arguments) -> Iterator[Arguments]:
    for name in NUMBERS:
        for path, value in _leaves(fields[name]):
            if name in ("max_size", "max_groups") and value >= fields["num_items"]:
                continue  # a bound that binds nothing is simpler than a smaller one
            for smaller in _smaller(value):
                yield _changed(fields, (name, *path), smaller)


def _with_simpler_curves(fields: Arguments) -> Iterator[Arguments]:
    for key, points in fields["curves"].items():
        for gone in reversed(range(len(points))):
            yield _changed(fields, ("curves", key), _without(points, gone))
        # All equal numbers at once: a jump stays a jump and a flat part stays flat.
        for axis in (0, 1):
            for value in dict.fromkeys(point[axis] for point in points):
                for smaller in _smaller(value):
                    moved = [list(point) for point in points]
                    for point in moved:
                        point[axis] = smaller if point[axis] == value else point[axis]
                    yield _changed(fields, ("curves", key), moved)


def _smaller(value: int) -> list[int]:
    """Numbers to try instead, most wanted first; a bound that is unbounded stays so."""
    if value in (0, UNBOUNDED):
        return []
    halved = abs(value) // 2 * (1 if value > 0 else -1)
    closer = value - 1 if value > 0 else value + 1
    return list(dict.fromkeys((0, 1, halved, closer)))[: 4 if value != 1 else 1]


def _leaves(value: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*path, at))
    else:
        yield path, value


def _changed(fields: Arguments, path: tuple[Any, ...], value: Any) -> Arguments:
    cut = deepcopy(fields)
    target: Any = cut
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return cut
