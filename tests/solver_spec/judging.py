"""Shared between the tests: groupings to and from plain groups, disturbed groupings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from solver import Group, Grouping, GroupingProblem

from .oracle import Optimum, PlainGroup, best_grouping
from .problems import Source, random_problem


def grouping_of(groups: Iterable[PlainGroup]) -> Grouping:
    """The solver's grouping of plain groups."""
    return Grouping(tuple(Group(kind=kind, members=tuple(members)) for kind, members in groups))


def plain_groups(grouping: Any) -> list[PlainGroup]:
    """Plain groups of a solver's grouping."""
    return [(int(g.kind), tuple(int(i) for i in g.members)) for g in grouping.groups]


def numbered_problem(
    seed: int, index: int, max_items: int = 6
) -> tuple[GroupingProblem, Optimum | None]:
    """Problem number ``index`` of a seed with its optimum; each number stands on its own."""
    problem = random_problem(np.random.default_rng([seed, index]), max_items)
    return problem, best_grouping(problem)


def numbered_problem_code(seed: int, index: int, max_items: int = 6) -> str:
    """Code of one line that makes the same problem again."""
    return f"random_problem(np.random.default_rng([{seed}, {index}]), {max_items})"


def some_grouping(source: Source, num_items: int, num_kinds: int) -> list[PlainGroup]:
    """Any disjoint groups, feasible or not."""
    home: dict[int, list[int]] = {}
    for i in range(num_items):
        label = source.integer(0, 3)
        if label:
            home.setdefault(label, []).append(i)
    return [(source.integer(0, num_kinds - 1), tuple(members)) for members in home.values()]


DISTURBANCES = (
    "move_item",
    "add_item",
    "leave",
    "change_kind",
    "drop_group",
    "split",
    "merge",
    "open_group",
    "item_twice",
    "unknown_item",
    "unknown_kind",
)


def disturb(
    source: Source, groups: Sequence[PlainGroup], num_items: int, num_kinds: int
) -> list[PlainGroup]:
    """One small change of a grouping; the same grouping where that change is impossible."""
    changed = [(kind, set(members)) for kind, members in groups]
    outside = sorted(set(range(num_items)).difference(*(members for _, members in changed)))
    how = source.pick(DISTURBANCES)
    if how == "open_group" and outside:
        changed.append((source.integer(0, num_kinds - 1), {source.pick(outside)}))
    if not changed:
        return list(groups)
    g = source.integer(0, len(changed) - 1)
    h = source.integer(0, len(changed) - 1)
    (kind, members), (other_kind, others) = changed[g], changed[h]
    item = source.pick(sorted(members))
    if how == "move_item" and g != h and len(members) > 1:
        members.remove(item)
        others.add(item)
    elif how == "add_item" and outside:
        members.add(source.pick(outside))
    elif how == "leave" and len(members) > 1:
        members.remove(item)
    elif how == "change_kind":
        changed[g] = (source.integer(0, num_kinds - 1), members)
    elif how == "drop_group":
        del changed[g]
    elif how == "split" and len(members) > 1:
        members.remove(item)
        changed.append((kind, {item}))
    elif how == "merge" and g != h:
        changed[h] = (other_kind, members | others)
        del changed[g]
    elif how == "item_twice" and g != h:
        others.add(item)
    elif how == "unknown_item":
        members.add(source.pick((num_items, -1, num_items + 5)))
    elif how == "unknown_kind":
        changed[g] = (source.pick((num_kinds, -1)), members)
    return [(kind, tuple(sorted(members))) for kind, members in changed]
