"""A grouping problem written in atoms: what the enumeration of groups works on.

An *atom* is a set of items that are in one group or all out. Two rules make atoms: ``together``
(transitively, where rules share an item) and pins, since a group that holds one member of a pin
holds them all. In atoms both rules vanish:

- values, sizes, resource quantities and uses of an atom are sums over its items, and the pair
  values inside an atom are its own;
- a pair of atoms is allowed iff every pair of items across it is, and ``apart`` only forbids
  pairs of atoms;
- a pin is an atom that must join, may only be in groups of the pin's kind, and is in conflict with
  the atoms of other pins; a pin that may not grow is in conflict with every other atom.

Exactly one group then holds each pin, because every must-join atom is covered exactly once.

Atoms are numbered in the order in which the search takes them as the root (the first atom) of a
group, but where pairs are many (``group_search.DENSE``): first the atoms that must join, so that
groups of later roots hold none, then a degeneracy order (Matula & Beck, 1983: repeatedly take an
atom of least degree), so that every atom has few later neighbours and the cliques rooted at it are
few.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from solver.classes import bound_items
from solver.errors import ModelTooLarge
from solver.grouping import Group
from solver.problem import BoolArray, Curve, GroupingProblem, IntArray

#: Pairs of atoms that are stored at most (a neutral problem stores them all).
MAX_PAIRS = 4_000_000
#: Larger than any resource total.
INFINITE = 2**62


@dataclass(frozen=True, slots=True)
class KindCurves:
    """Resource rules of one kind, as one extended curve a resource.

    A curve restricted to the totals its bounds allow is a list of linear *pieces* over disjoint
    ranges of whole numbers, ascending; outside of them no group is feasible. Resources that are
    neither bounded nor valued in the kind are left out.

    Attributes
    ----------
    resources : the resources that matter, A of them.
    constant : value of the curves that do not vary.
    start : int64 [A + 1], where the pieces of each resource begin.
    low, high : int64 [P], ranges of the pieces, both ends included.
    value, slope : int64 [P], value at ``low`` and slope of each piece.
    """

    resources: tuple[int, ...]
    constant: int
    start: IntArray
    low: IntArray
    high: IntArray
    value: IntArray
    slope: IntArray


@dataclass(frozen=True)
class Atoms:
    """A problem in atoms (see the module docstring); n atoms, E allowed pairs.

    Attributes
    ----------
    problem : the problem it was made from.
    items : the items of each atom, in root order.
    sizes : int64 [n], number of items.
    must : bool [n], whether the atom must be in a group.
    eligible : bool [K, n].
    values : int64 [K, n].
    resources : int64 [n, R], quantities (atoms first: the search reads them by atom).
    item_use : int64 [L, K, n], use of the shared limits.
    start, neighbours : int64 [n + 1] and int64 [E], the later neighbours of each atom, ascending.
    pair_values : int64 [1 or K, E], one row where all kinds agree.
    pair_allowed : bool [1 or K, E].
    curves : resource rules of each kind.
    impossible : why no grouping can be feasible, where the contraction shows it.
    """

    problem: GroupingProblem
    items: tuple[tuple[int, ...], ...]
    sizes: IntArray
    must: BoolArray
    eligible: BoolArray
    values: IntArray
    resources: IntArray
    item_use: IntArray
    start: IntArray
    neighbours: IntArray
    pair_values: IntArray
    pair_allowed: BoolArray
    curves: tuple[KindCurves, ...]
    impossible: str | None

    @property
    def num_atoms(self) -> int:
        """Number of atoms."""
        return len(self.items)

    @cached_property
    def atom_of(self) -> IntArray:
        """The atom of each item, int64 [num_items]."""
        out = np.zeros(self.problem.num_items, np.int64)
        for atom, items in enumerate(self.items):
            out[list(items)] = atom
        return out

    @cached_property
    def num_roots_obliged(self) -> int:
        """Number of atoms that must join; they come first."""
        return int(self.must.sum())

    @cached_property
    def droppable_kind(self) -> BoolArray:
        """Whether a group of the kind without must-join atoms can always be left out, bool [K].

        Leaving it out must break neither a minimum number of groups nor a shared limit, so no
        part of it may give to a limit (have a negative use).
        """
        problem = self.problem
        gives = (problem.shared_group_use < 0).any(axis=0)
        gives = gives | (self.item_use < 0).any(axis=(0, 2))
        kept: BoolArray = (problem.min_groups == 0) & ~gives
        return kept

    @cached_property
    def max_groups(self) -> IntArray:
        """Most groups of each kind, also by the number of items, int64 [K]."""
        problem = self.problem
        least = np.maximum(problem.min_size, 1)
        most: IntArray = np.minimum(problem.max_groups, problem.num_items // least)
        return most

    @cached_property
    def max_total_groups(self) -> int:
        """Most groups of all kinds together, by numbers, sizes and shared limits."""
        problem = self.problem
        usable = self.max_groups > 0
        if not usable.any():
            return 0
        least = max(1, int(problem.min_size[usable].min()))
        most = min(int(self.max_groups.sum()), problem.num_items // least)
        for s in range(problem.num_shared_limits):
            uses = []
            for k in np.flatnonzero(usable).tolist():
                size, per_item = max(1, int(problem.min_size[k])), problem.shared_item_use[s, k]
                cheapest = sum(sorted(per_item.tolist())[:size])
                # A negative use may make larger groups cheaper: then nothing is said here.
                uses.append(int(problem.shared_group_use[s, k]) + cheapest)
                if (per_item < 0).any():
                    uses.append(0)
            if min(uses) > 0:
                most = min(most, max(0, int(problem.shared_limit[s])) // min(uses))
        return most

    def group(self, kind: int, atoms: Any) -> Group:
        """The group of some atoms."""
        return Group(kind, [i for atom in atoms for i in self.items[atom]])


def contract(problem: GroupingProblem) -> Atoms:
    """Write a problem in atoms.

    Raises
    ------
    ModelTooLarge
        If there are more than ``MAX_PAIRS`` pairs of atoms.
    """
    items, impossible = _merge(problem)
    n, num_kinds = len(items), problem.num_kinds
    sizes = np.array([len(members) for members in items], np.int64)
    atom_of = np.zeros(problem.num_items, np.int64)
    for atom, members in enumerate(items):
        atom_of[list(members)] = atom

    def total(rows: IntArray) -> IntArray:
        """Sums over the items of each atom, along the last axis."""
        return sums(rows, atom_of, n)

    must = total(problem.must_join.astype(np.int64)) > 0
    eligible = total((~problem.eligible).astype(np.int64)) == 0
    values = total(problem.item_values)
    low, high, pair_values, pair_allowed = _pairs(problem, atom_of, sizes, values, eligible)
    conflict = np.zeros(len(low), np.bool_)
    pin_of = np.full(n, -1, np.int64)
    frozen = np.zeros(n, np.bool_)
    for p, pin in enumerate(problem.pinned):
        atom = int(atom_of[pin.members[0]])
        pin_of[atom] = p
        must[atom] = True
        eligible[np.arange(num_kinds) != pin.kind, atom] = False
        frozen[atom] = not problem.pin_may_grow[p]
    conflict = (pin_of[low] >= 0) & (pin_of[high] >= 0) | frozen[low] | frozen[high]
    # A pair matters in the kinds where it is allowed and both of its atoms may be.
    useful = np.zeros(len(low), np.bool_)
    for k in range(num_kinds):
        useful |= pair_allowed[min(k, len(pair_allowed) - 1)] & eligible[k, low] & eligible[k, high]
    keep = useful & ~conflict
    low, high = low[keep], high[keep]
    pair_values, pair_allowed = pair_values[:, keep], pair_allowed[:, keep]

    order = _root_order(n, low, high, must)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    first, second = np.minimum(rank[low], rank[high]), np.maximum(rank[low], rank[high])
    sort = np.lexsort((second, first))
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(first, minlength=n), out=start[1:])
    return Atoms(
        problem=problem,
        items=tuple(items[atom] for atom in order),
        sizes=sizes[order],
        must=must[order],
        eligible=np.ascontiguousarray(eligible[:, order]),
        values=np.ascontiguousarray(values[:, order]),
        resources=np.ascontiguousarray(total(problem.resources)[:, order].T),
        item_use=np.ascontiguousarray(total(problem.shared_item_use)[:, :, order]),
        start=start,
        neighbours=np.ascontiguousarray(second[sort]),
        pair_values=np.ascontiguousarray(pair_values[:, sort]),
        pair_allowed=np.ascontiguousarray(pair_allowed[:, sort]),
        curves=tuple(_kind_curves(problem, k) for k in range(num_kinds)),
        impossible=impossible,
    )


def sums(rows: IntArray, place: IntArray, number: int) -> IntArray:
    """Exact sums over the last axis of the entries of each place, int64 [..., number]."""
    out = np.zeros((number, *rows.shape[:-1]), np.int64)
    np.add.at(out, place, np.moveaxis(rows, -1, 0))
    return np.moveaxis(out, 0, -1)


def _merge(problem: GroupingProblem) -> tuple[list[tuple[int, ...]], str | None]:
    """The atoms' items, and why they show infeasibility, if they do."""
    gathered = bound_items(problem)
    home = {i: at for at, members in enumerate(gathered) for i in members}
    impossible = None
    seen: set[int] = set()
    for p, pin in enumerate(problem.pinned):
        at = home[pin.members[0]]
        if at in seen:
            impossible = f"items together with pin {p} belong to another pin"
        seen.add(at)
        if not problem.pin_may_grow[p] and len(gathered[at]) != len(pin.members):
            impossible = f"pin {p} may not grow, but an item must be together with its members"
    return [tuple(members) for members in gathered], impossible


def _pairs(
    problem: GroupingProblem,
    atom_of: IntArray,
    sizes: IntArray,
    values: IntArray,
    eligible: BoolArray,
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Pairs of atoms with their values and whether they are allowed.

    What is inside an atom goes to ``values`` and ``eligible``, which are changed in place.
    """
    n, forbidden = len(sizes), problem.absent_pairs == "forbidden"
    a, b = atom_of[problem.pairs[:, 0]], atom_of[problem.pairs[:, 1]]
    keys = np.minimum(a, b) * n + np.maximum(a, b)
    across = a != b
    if forbidden:
        wanted = np.unique(keys[across])
    else:
        if n * (n - 1) // 2 > MAX_PAIRS:
            raise ModelTooLarge(
                "pairs of items, as absent pairs are neutral", n * (n - 1) // 2, MAX_PAIRS
            )
        upper = np.triu_indices(n, 1)
        wanted = upper[0].astype(np.int64) * n + upper[1]
    if len(wanted) > MAX_PAIRS:
        raise ModelTooLarge("pairs of items", len(wanted), MAX_PAIRS)
    low, high = wanted // n, wanted % n
    at = np.searchsorted(wanted, keys[across])

    own_values = np.atleast_2d(problem.pair_values)
    own_allowed = np.atleast_2d(problem.pair_allowed)
    pair_values = sums(own_values[:, across], at, len(wanted))
    good = sums(own_allowed[:, across].astype(np.int64), at, len(wanted))
    bad = sums((~own_allowed[:, across]).astype(np.int64), at, len(wanted))
    allowed = good == sizes[low] * sizes[high] if forbidden else bad == 0
    for i, j in sorted(problem.apart_pairs):
        x, y = sorted((int(atom_of[i]), int(atom_of[j])))
        if x == y:
            eligible[:, x] = False
        else:
            found = int(np.searchsorted(wanted, x * n + y))
            if found < len(wanted) and wanted[found] == x * n + y:
                allowed[:, found] = False

    if not across.all() or (forbidden and (sizes > 1).any()):
        for k in range(problem.num_kinds):
            values[k] += sums(problem.pair_values_of(k)[~across], a[~across], n)
            ok = problem.pair_allowed_of(k)[~across]
            listed = sums(ok.astype(np.int64), a[~across], n)
            banned = sums((~ok).astype(np.int64), a[~across], n)
            eligible[k] &= banned == 0
            if forbidden:
                eligible[k] &= listed == sizes * (sizes - 1) // 2
    return low, high, pair_values, allowed


def _root_order(n: int, low: IntArray, high: IntArray, must: BoolArray) -> IntArray:
    """Must-join atoms first, then a degeneracy order of the rest; ties by index."""
    beside: list[list[int]] = [[] for _ in range(n)]
    for i, j in zip(low.tolist(), high.tolist(), strict=True):
        beside[i].append(j)
        beside[j].append(i)
    degree = [len(b) for b in beside]
    order = [atom for atom in range(n) if must[atom]]
    done = [bool(m) for m in must]
    for atom in order:
        for other in beside[atom]:
            degree[other] -= 1
    heap = [(degree[atom], atom) for atom in range(n) if not done[atom]]
    heapq.heapify(heap)
    while heap:
        d, atom = heapq.heappop(heap)
        if done[atom] or d != degree[atom]:
            continue
        done[atom] = True
        order.append(atom)
        for other in beside[atom]:
            if not done[other]:
                degree[other] -= 1
                heapq.heappush(heap, (degree[other], other))
    return np.array(order, np.int64)


def _kind_curves(problem: GroupingProblem, kind: int) -> KindCurves:
    resources: list[int] = []
    constant = 0
    start = [0]
    pieces: list[tuple[int, int, int, int]] = []
    for r in range(problem.num_resources):
        total = sum(problem.resources[r].tolist())
        least = int(problem.resource_min[kind, r])
        most = min(int(problem.resource_max[kind, r]), total)
        curve = problem.curves.get((kind, r), Curve(((0, 0),)))
        own = [
            (max(low, least), min(high, most), value + slope * (max(low, least) - low), slope)
            for low, high, value, slope in _pieces(curve)
            if max(low, least) <= min(high, most)
        ]
        if len(own) == 1 and own[0][0] == 0 and own[0][1] == total and own[0][3] == 0:
            constant += own[0][2]
            continue
        resources.append(r)
        pieces += own
        start.append(len(pieces))
    columns = np.array(pieces, np.int64).reshape(-1, 4).T
    low, high, value, slope = (np.ascontiguousarray(column) for column in columns)
    return KindCurves(
        tuple(resources), constant, np.array(start, np.int64), low, high, value, slope
    )


def _pieces(curve: Curve) -> list[tuple[int, int, int, int]]:
    """(low, high, value at low, slope) over whole numbers; a jump at x begins a piece at x."""
    points = curve.points
    out = []
    for (x, y), (next_x, next_y) in pairwise(points):
        if next_x > x:
            out.append((x, next_x - 1, y, (next_y - y) // (next_x - x)))
    out.append((points[-1][0], INFINITE, points[-1][1], 0))
    # Flat pieces that go on at the same value are one piece (single points are flat too).
    merged: list[tuple[int, int, int, int]] = []
    for low, high, value, slope in out:
        if merged and merged[-1][3] == slope == 0 and merged[-1][2] == value:
            merged[-1] = (merged[-1][0], high, value, 0)
        else:
            merged.append((low, high, value, slope))
    return merged
