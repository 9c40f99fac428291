"""Columns: feasible groups as the columns of a set packing, many at a time.

``Columns`` keeps groups in flat arrays, so that millions fit. ``reduced_values`` is the price of
every column at integer dual prices, exact in int64; ``Prices`` says what such prices prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from solver.column_generation.atoms import Atoms
from solver.grouping import Group, Grouping
from solver.problem import BoolArray, IntArray

#: An odd number of atoms, the subject of a subset row (see ``odd_sets``).
OddSet = tuple[int, ...]
#: Least and greatest numbers of groups of each kind.
Numbers = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Columns:
    """N groups, in atoms.

    Attributes
    ----------
    kinds : int64 [N].
    values : int64 [N].
    start : int64 [N + 1], where each group's atoms begin.
    members : int64 [M], atoms; the root of each group comes first.
    """

    kinds: IntArray
    values: IntArray
    start: IntArray
    members: IntArray

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def roots(self) -> IntArray:
        """One atom of each group, int64 [N]."""
        return self.members[self.start[:-1]]

    @property
    def holder(self) -> IntArray:
        """The column of each entry of ``members``, int64 [M]."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def holding(self, atom: int) -> BoolArray:
        """Whether each column holds an atom, bool [N]."""
        out = np.zeros(len(self), np.bool_)
        out[self.holder[self.members == atom]] = True
        return out

    def some(self, marked: BoolArray) -> BoolArray:
        """Whether each column holds a marked atom, bool [N]; ``marked`` is bool [n]."""
        if not len(self):
            return np.zeros(0, np.bool_)
        held: BoolArray = np.logical_or.reduceat(marked[self.members], self.start[:-1])
        return held

    def atoms_of(self, column: int) -> list[int]:
        """Atoms of one group."""
        found: list[int] = self.members[self.start[column] : self.start[column + 1]].tolist()
        return found

    def take(self, which: IntArray | BoolArray) -> Columns:
        """Some of the columns, by position or mask."""
        if which.dtype == np.bool_:
            which = np.flatnonzero(which)
        lengths = np.diff(self.start)[which]
        start = np.zeros(len(which) + 1, np.int64)
        np.cumsum(lengths, out=start[1:])
        within = np.arange(start[-1]) - np.repeat(start[:-1], lengths)
        members = self.members[np.repeat(self.start[which], lengths) + within]
        return Columns(self.kinds[which], self.values[which], start, members)

    def uses(self, atoms: Atoms) -> IntArray:
        """Use of each shared limit by each column, int64 [L, N]."""
        out = np.empty((atoms.problem.num_shared_limits, len(self)), np.int64)
        for s in range(len(out)):
            out[s] = atoms.problem.shared_group_use[s][self.kinds]
            each = atoms.item_use[s][np.repeat(self.kinds, np.diff(self.start)), self.members]
            if len(self):
                out[s] += np.add.reduceat(each, self.start[:-1])
        return out

    def group(self, atoms: Atoms, column: int) -> Group:
        """One column as a group of items."""
        return atoms.group(int(self.kinds[column]), self.atoms_of(column))

    def grouping(self, atoms: Atoms, chosen: Sequence[int]) -> Grouping:
        """Some columns as a grouping."""
        return Grouping(self.group(atoms, column) for column in chosen)


def no_columns() -> Columns:
    """An empty set of columns."""
    empty = np.zeros(0, np.int64)
    return Columns(empty, empty, np.zeros(1, np.int64), empty)


def join(parts: Sequence[Columns]) -> Columns:
    """Columns of several sets, in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_columns()
    lengths = np.concatenate([np.diff(part.start) for part in parts])
    start = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=start[1:])
    return Columns(
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.values for part in parts]),
        start,
        np.concatenate([part.members for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """Integer dual prices of the packing's rows, all times ``scale``.

    A grouping is worth the prices of what it covers and uses plus the reduced values of its
    groups. Hence every feasible grouping is worth at most ``cost`` plus the reduced values of
    its groups, if prices of atoms that may stay out, of shared limits and of cuts are >= 0.

    Attributes
    ----------
    scale : the common factor.
    atoms : int64 [n]; >= 0 unless the atom must join.
    kinds : int64 [K], of either sign.
    shared : int64 [L], >= 0.
    cuts : int64 [C], >= 0, prices of subset rows: a group pays once for every two of its atoms
        that are in the cut's odd set.
    odd_sets : the C sets; each row is at most half the set's size, rounded down.
    """

    scale: int
    atoms: IntArray
    kinds: IntArray
    shared: IntArray
    cuts: IntArray
    odd_sets: tuple[OddSet, ...]

    def cost(self, atoms: Atoms, numbers: Numbers | None = None) -> int:
        """What the rows can be worth at most, times scale, in Python integers.

        Parameters
        ----------
        numbers : least and greatest numbers of groups of each kind; the problem's if left out.
        """
        problem = atoms.problem
        least, most = numbers or (problem.min_groups.tolist(), atoms.max_groups.tolist())
        total: int = sum(self.atoms.tolist()) + self._cost_of_cuts()
        for k, price in enumerate(self.kinds.tolist()):
            total += price * (most[k] if price > 0 else least[k])
        for s, price in enumerate(self.shared.tolist()):
            total += price * int(problem.shared_limit[s])
        return total

    def cuts_of_atoms(self, num_atoms: int) -> tuple[IntArray, IntArray]:
        """Where each atom's cuts begin, int64 [n + 1], and the cuts."""
        flat = np.array([atom for odd_set in self.odd_sets for atom in odd_set], np.int64)
        lengths = [len(odd_set) for odd_set in self.odd_sets]
        cut_of = np.repeat(np.arange(len(lengths)), np.array(lengths, np.int64))
        start = np.zeros(num_atoms + 1, np.int64)
        np.cumsum(np.bincount(flat, minlength=num_atoms), out=start[1:])
        return start, cut_of[np.argsort(flat, kind="stable")]

    def magnitude(self, atoms: Atoms) -> int:
        """The most that prices can change the reduced value of a group, in Python integers."""
        problem = atoms.problem
        total: int = sum(abs(price) for price in self.atoms.tolist()) + self._cost_of_cuts()
        total += max((abs(price) for price in self.kinds.tolist()), default=0)
        for s, price in enumerate(self.shared.tolist()):
            use = int(np.abs(problem.shared_group_use[s]).max(initial=0))
            use += sum(np.abs(problem.shared_item_use[s]).max(axis=0).tolist())
            total += abs(price) * use
        return total

    def _cost_of_cuts(self) -> int:
        prices = zip(self.cuts.tolist(), self.odd_sets, strict=True)
        return sum(price * (len(odd_set) // 2) for price, odd_set in prices)


def no_prices(atoms: Atoms, scale: int) -> Prices:
    """All prices 0."""
    problem = atoms.problem
    return Prices(
        scale,
        np.zeros(atoms.num_atoms, np.int64),
        np.zeros(problem.num_kinds, np.int64),
        np.zeros(problem.num_shared_limits, np.int64),
        np.zeros(0, np.int64),
        (),
    )


def proved_bound(
    atoms: Atoms, prices: Prices, best: IntArray, numbers: Numbers | None = None
) -> int:
    """Upper bound on every grouping, times scale, given each root's best reduced value.

    A group's root is one of its atoms, whichever. So groups of a grouping have different roots,
    and there are at most ``max_total_groups``.

    Parameters
    ----------
    best : int64 [n], at least the reduced value of every group of the root (or <= 0).
    numbers : least and greatest numbers of groups of each kind; the problem's if left out.
    """
    gains = sorted((max(0, value) for value in best.tolist()), reverse=True)
    gained: int = sum(gains[: atoms.max_total_groups])
    return prices.cost(atoms, numbers) + gained


def reduced_values(atoms: Atoms, columns: Columns, uses: IntArray, prices: Prices) -> IntArray:
    """scale * value less prices of each column, int64 [N].

    Parameters
    ----------
    uses : int64 [L, N], as ``columns.uses`` gives them.
    """
    offset = prices.scale * columns.values - prices.kinds[columns.kinds]
    for s, price in enumerate(prices.shared.tolist()):
        if price:
            offset -= price * uses[s]
    start, cut_of = prices.cuts_of_atoms(atoms.num_atoms)
    _subtract(columns.start, columns.members, prices.atoms, start, cut_of, prices.cuts, offset)
    return offset


def best_of_roots(atoms: Atoms, columns: Columns, prices: Prices, number: int) -> Columns:
    """The columns of greatest reduced value of each root."""
    if not len(columns):
        return columns
    reduced = reduced_values(atoms, columns, columns.uses(atoms), prices)
    roots = columns.roots
    order = np.lexsort((-reduced, roots))
    ordered = roots[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    within = np.arange(len(order)) - np.repeat(begins, np.diff(np.r_[begins, len(order)]))
    return columns.take(order[within < number])


@njit(cache=True, nogil=True)
def _subtract(
    start: IntArray,
    members: IntArray,
    prices: IntArray,
    cut_start: IntArray,
    cut_of: IntArray,
    cut_prices: IntArray,
    out: IntArray,
) -> None:
    """Subtract from ``out`` the prices of each column's atoms and of the cuts it is in."""
    met = np.zeros(cut_prices.shape[0], np.int64)
    for c in range(out.shape[0]):
        total = 0
        for at in range(start[c], start[c + 1]):
            i = members[at]
            total += prices[i]
            for q in range(cut_start[i], cut_start[i + 1]):
                met[cut_of[q]] += 1
                if met[cut_of[q]] % 2 == 0:
                    total += cut_prices[cut_of[q]]
        for at in range(start[c], start[c + 1]):
            i = members[at]
            for q in range(cut_start[i], cut_start[i + 1]):
                met[cut_of[q]] = 0
        out[c] -= total
