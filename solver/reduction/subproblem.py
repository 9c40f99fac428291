"""The part of a problem on some of its items, and how it goes back into the whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.grouping import Group
from solver.problem import GroupingProblem, IntArray


def subproblem(
    problem: GroupingProblem,
    items: IntArray,
    kinds: IntArray,
    pairs: IntArray,
    limits: IntArray,
    **changes: Any,
) -> GroupingProblem:
    """The problem on some items, with the rules that are about them.

    Parameters
    ----------
    items, kinds, limits : int64, ascending: what to keep. Pins must be inside or outside.
    pairs : int64, positions of the listed pairs among the items.
    changes : arguments of the smaller problem to use instead.
    """
    new_kind = {int(k): at for at, k in enumerate(kinds)}
    of_kind = {label: values[kinds] for label, values in _of_kinds(problem).items()}
    new_item = {int(i): at for at, i in enumerate(items)}
    pins = [p for p, pin in enumerate(problem.pinned) if pin.members[0] in new_item]
    arguments = {
        **of_kind,
        "num_items": len(items),
        "kinds": tuple(problem.kinds[k] for k in kinds),
        "item_values": problem.item_values[np.ix_(kinds, items)],
        "eligible": problem.eligible[np.ix_(kinds, items)],
        "pairs": np.searchsorted(items, problem.pairs[pairs]).reshape(-1, 2),
        "pair_values": _rows(problem.pair_values, kinds, pairs),
        "pair_allowed": _rows(problem.pair_allowed, kinds, pairs),
        "absent_pairs": problem.absent_pairs,
        "resources": problem.resources[:, items],
        "curves": {(new_kind[k], r): c for (k, r), c in problem.curves.items() if k in new_kind},
        "shared_group_use": problem.shared_group_use[np.ix_(limits, kinds)],
        "shared_item_use": problem.shared_item_use[np.ix_(limits, kinds, items)],
        "shared_limit": problem.shared_limit[limits],
        "must_join": problem.must_join[items],
        "together": _inside(problem.together, new_item),
        "apart": _inside(problem.apart, new_item),
        "pinned": tuple(
            Group(new_kind[pin.kind], [new_item[i] for i in pin.members])
            for pin in (problem.pinned[p] for p in pins)
        ),
        "pinned_may_grow": tuple(problem.pin_may_grow[p] for p in pins),
    }
    return GroupingProblem(**{**arguments, **changes})


def shared_use(problem: GroupingProblem, group: Group) -> IntArray:
    """What a group uses of each shared limit, int64 [L]."""
    items = problem.shared_item_use[:, group.kind, list(group.members)]
    used: IntArray = problem.shared_group_use[:, group.kind] + items.sum(axis=1)
    return used


def _of_kinds(problem: GroupingProblem) -> dict[str, IntArray]:
    names = ("open_values", "min_size", "max_size", "min_groups", "max_groups")
    return {name: getattr(problem, name) for name in (*names, "resource_min", "resource_max")}


def _rows(values: Any, kinds: IntArray, pairs: IntArray) -> Any:
    return values[pairs] if values.ndim == 1 else values[np.ix_(kinds, pairs)]


def _inside(rules: tuple[tuple[int, ...], ...], new: dict[int, int]) -> tuple[tuple[int, ...], ...]:
    """What rules say about some items; a rule on fewer than two says nothing."""
    kept = (tuple(new[i] for i in rule if i in new) for rule in rules)
    return tuple(rule for rule in kept if len(rule) > 1)
