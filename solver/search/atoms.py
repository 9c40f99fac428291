"""Atoms: a problem with everything that moves as one contracted to one.

Items bound by ``together`` rules, and the members of a pin, are always in one group or all out.
They become one *atom*, whose values, amounts and uses are the sums of its items'. What remains
for a heuristic are single atoms, pairs of atoms with a value and a ban for each kind, and pins
that are single atoms which never move. ``apart`` rules become bans. Only numpy is needed here, so
that the light strategies and ``repair`` can share it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from solver.classes import bound_items
from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Roles of an atom.
FREE, GROWING_PIN, FROZEN_PIN = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Atoms:
    """A contracted problem. m atoms, K kinds, R resources, L shared limits, P stored pairs.

    Attributes
    ----------
    problem : the problem itself.
    items : the sorted items of each atom; atoms are in the order of their first items.
    of_item : int64 [n], the atom of each item.
    size : int64 [m], number of items.
    must : int64 [m], number of items if one of them must join, else 0.
    role : int64 [m], ``FREE``, ``GROWING_PIN`` or ``FROZEN_PIN``.
    home_kind : int64 [m], the kind of a pin, -1 for other atoms.
    own : int64 [K, m], values of the items and of the pairs inside.
    fit : bool [K, m], whether a group of the kind may hold the atom at all.
    amount : int64 [m, R].
    use : int64 [K, m, L], use of the shared limits without the group's own.
    ptr, adj : int64 [m + 1], [2P], neighbours of each atom in ascending order.
    pair_value : int64 [1 or K, 2P]; one row where all kinds agree.
    pair_bad : bool [1 or K, 2P], pairs that may not group.
    absent_bad : whether pairs of atoms that are not stored may not group (they are worth 0).
    flaw : why the pins and ``together`` rules cannot all hold, or ``None``.
    """

    problem: GroupingProblem
    items: tuple[tuple[int, ...], ...]
    of_item: IntArray
    size: IntArray
    must: IntArray
    role: IntArray
    home_kind: IntArray
    own: IntArray
    fit: BoolArray
    amount: IntArray
    use: IntArray
    ptr: IntArray
    adj: IntArray
    pair_value: IntArray
    pair_bad: BoolArray
    absent_bad: bool
    flaw: str | None

    @property
    def num_atoms(self) -> int:
        """m."""
        return len(self.items)

    def grouping(self, groups: Iterable[tuple[int, Iterable[int]]]) -> Grouping:
        """The grouping of (kind, atoms) pairs."""
        return Grouping(
            Group(kind, [i for a in atoms for i in self.items[a]]) for kind, atoms in groups
        )


def contract(problem: GroupingProblem) -> Atoms:
    """Contract a problem to its atoms."""
    items = tuple(tuple(members) for members in bound_items(problem))
    num = len(items)
    of_item = np.zeros(problem.num_items, dtype=np.int64)
    for at, members in enumerate(items):
        of_item[list(members)] = at
    flaw: str | None = None
    size = np.bincount(of_item, minlength=num).astype(np.int64)
    must = np.zeros(num, dtype=np.int64)
    must[of_item[problem.must_join]] = 1
    role = np.zeros(num, dtype=np.int64)
    home_kind = np.full(num, -1, dtype=np.int64)
    for p, pin in enumerate(problem.pinned):
        at = int(of_item[pin.members[0]])
        grows = problem.pin_may_grow[p]
        if role[at]:
            flaw = flaw or f"pin {p} and another pin hold items that must be together"
        elif not grows and size[at] != len(pin.members):
            flaw = flaw or f"pin {p} may not grow but lacks items that must be together with it"
        role[at] = GROWING_PIN if grows else FROZEN_PIN
        home_kind[at] = pin.kind

    own = _add_up(problem.item_values, of_item, num)
    fit = _add_up(~problem.eligible, of_item, num) == 0
    fit &= size <= problem.max_size[:, None]
    amount = _add_up(problem.resources, of_item, num).T.copy()
    for r in range(problem.num_resources):
        fit &= amount[:, r] <= problem.resource_max[:, r, None]
    use = _add_up(problem.shared_item_use, of_item, num).transpose(1, 2, 0).copy()
    pairs = _pairs(problem, of_item, size, own, fit)
    for a in np.flatnonzero(role):
        if not fit[home_kind[a], a]:
            flaw = flaw or f"items {list(items[a])} are pinned to a kind that may not hold them"
        fit[np.arange(problem.num_kinds) != home_kind[a], a] = False
    return Atoms(
        problem, items, of_item, size, must * size, role, home_kind, own, fit, amount, use,
        *pairs, problem.absent_pairs == "forbidden", flaw,
    )  # fmt: skip


def _add_up(rows: npt.NDArray[Any], of_item: IntArray, num: int) -> IntArray:
    """Sum the last axis, one entry an item, to one entry an atom."""
    out = np.zeros((*rows.shape[:-1], num), dtype=np.int64)
    np.add.at(out, (..., of_item), rows.astype(np.int64))
    return out


def _pairs(
    problem: GroupingProblem, of_item: IntArray, size: IntArray, own: IntArray, fit: BoolArray
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Pairs of atoms in both directions; pairs inside an atom go into ``own`` and ``fit``."""
    num = len(size)
    forbidden = problem.absent_pairs == "forbidden"
    apart = np.array(sorted(problem.apart_pairs), dtype=np.int64).reshape(-1, 2)
    listed = problem.pairs.astype(np.int64).reshape(-1, 2)
    ends = of_item[np.concatenate([listed, apart])]
    low, high = ends.min(axis=1), ends.max(axis=1)
    num_listed = len(listed)
    values, allowed = np.atleast_2d(problem.pair_values), np.atleast_2d(problem.pair_allowed)
    from_rule = np.arange(len(ends)) >= num_listed

    inside = low == high
    atom_in, listed_in = low[inside], inside[:num_listed]
    np.add.at(own, (slice(None), low[:num_listed][listed_in]), values[:, listed_in])
    allowed_in = np.zeros((len(allowed), num), dtype=np.int64)
    banned_in = np.zeros((len(allowed), num), dtype=np.int64)
    np.add.at(allowed_in, (slice(None), low[:num_listed][listed_in]), allowed[:, listed_in])
    np.add.at(banned_in, (slice(None), low[:num_listed][listed_in]), ~allowed[:, listed_in])
    np.add.at(banned_in, (slice(None), atom_in[from_rule[inside]]), 1)
    fit &= banned_in == 0
    if forbidden:
        fit &= allowed_in == size * (size - 1) // 2

    between = ~inside
    keys, where = np.unique(low[between] * num + high[between], return_inverse=True)
    a, b = keys // max(num, 1), keys % max(num, 1)
    listed_out = between[:num_listed]
    of_listed, of_rule = where[: int(listed_out.sum())], where[int(listed_out.sum()) :]
    pair_value = np.zeros((len(values), len(keys)), dtype=np.int64)
    np.add.at(pair_value, (slice(None), of_listed), values[:, listed_out])
    count = np.zeros((len(allowed), len(keys)), dtype=np.int64)
    pair_bad: BoolArray
    if forbidden:
        np.add.at(count, (slice(None), of_listed), allowed[:, listed_out])
        pair_bad = count != size[a] * size[b]
    else:
        np.add.at(count, (slice(None), of_listed), ~allowed[:, listed_out])
        pair_bad = count > 0
    pair_bad[:, of_rule] = True

    # A pair that says no more than an absent one need not be stored.
    keep = ~pair_bad.all(axis=0) if forbidden else pair_bad.any(axis=0) | pair_value.any(axis=0)
    a, b, pair_value, pair_bad = a[keep], b[keep], pair_value[:, keep], pair_bad[:, keep]
    start, end = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((end, start))
    ptr = np.zeros(num + 1, dtype=np.int64)
    np.cumsum(np.bincount(start, minlength=num), out=ptr[1:])
    twice = np.tile(np.arange(len(a)), 2)[order]
    return (
        ptr,
        end[order].astype(np.int64),
        np.ascontiguousarray(pair_value[:, twice]),
        np.ascontiguousarray(pair_bad[:, twice]),
    )
