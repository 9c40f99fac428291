"""Pricing inside a branch: decisions on atoms become a smaller problem in atoms.

Every decision of a ``Branch`` that pricing must keep turns into one in which it no longer shows:

- atoms *joined* (Ryan & Foster, 1981) become one: its first atom carries the sums of values,
  sizes, quantities, uses and prices, and is in a pair where all of them are allowed to be;
- atoms *parted* lose their pair;
- an atom *excluded*, or *banned* from a kind, is not eligible there, and an atom that was merged
  into another is eligible nowhere.

So the search over groups needs to know nothing of branches, and what it proves for the smaller
problem holds for all groups that the branch allows. Numbers do not change: atom a of the smaller
problem is a itself, with all that was joined to it. Prices go in by adding up, columns come out by
writing the merged atoms in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.classes import classes
from solver.column_generation.atoms import Atoms, sums
from solver.column_generation.branch import Branch
from solver.column_generation.columns import Columns, Prices
from solver.column_generation.group_search import Found, GroupSearch
from solver.problem import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class BranchSearch:
    """The groups of a branch, for any prices of the whole problem.

    Attributes
    ----------
    first : int64 [n], the atom that stands for each atom.
    inner : the search over the smaller problem.
    """

    first: IntArray
    inner: GroupSearch

    @property
    def scale(self) -> int:
        """Largest common factor of the values."""
        return self.inner.scale

    def accepts(self, prices: Prices) -> bool:
        """Whether reduced values at these prices cannot overflow."""
        return self.inner.accepts(self._inside(prices))

    def improving(
        self, prices: Prices, least: int, root_units: int, max_units: int, groups_per_root: int = 1
    ) -> Found:
        """As ``GroupSearch.improving``, for the groups of the branch."""
        found = self.inner.improving(
            self._inside(prices), least, root_units, max_units, groups_per_root
        )
        return replace(found, columns=self._whole(found.columns))

    def within(self, prices: Prices, least: int, max_groups: int, max_units: int) -> Found:
        """As ``GroupSearch.within``, for the groups of the branch."""
        found = self.inner.within(self._inside(prices), least, max_groups, max_units)
        return replace(found, columns=self._whole(found.columns))

    def _inside(self, prices: Prices) -> Prices:
        atoms = np.zeros_like(prices.atoms)
        np.add.at(atoms, self.first, prices.atoms)
        first: list[int] = self.first.tolist()
        odd_sets = tuple(tuple(first[a] for a in odd_set) for odd_set in prices.odd_sets)
        return replace(prices, atoms=atoms, odd_sets=odd_sets)

    def _whole(self, columns: Columns) -> Columns:
        """Columns with every atom written out; roots stay first."""
        number = np.bincount(self.first, minlength=len(self.first))
        if number.max(initial=1) <= 1 or not len(columns):
            return columns
        parts = np.argsort(self.first, kind="stable")
        part_start = np.cumsum(number) - number
        lengths = number[columns.members]
        entry = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=entry[1:])
        within = np.arange(entry[-1]) - np.repeat(entry[:-1], lengths)
        members = parts[np.repeat(part_start[columns.members], lengths) + within]
        return Columns(columns.kinds, columns.values, entry[columns.start], members)


def search_branch(search: GroupSearch, branch: Branch) -> BranchSearch:
    """The search over the groups a branch allows."""
    atoms, first = restricted(search.atoms, branch)
    return BranchSearch(first, search.on(atoms))


def restricted(atoms: Atoms, branch: Branch) -> tuple[Atoms, IntArray]:
    """The atoms of a branch (see the module docstring), and which atom stands for each."""
    n = atoms.num_atoms
    first = _classes(n, branch.joined)
    eligible = _all_of(atoms.eligible, first)
    eligible[:, first[sorted(branch.excluded)]] = False
    eligible[np.array(branch.most) == 0] = False
    for k, atom in sorted(branch.banned):
        eligible[k, first[atom]] = False
    parted = [(int(first[i]), int(first[j])) for i, j in branch.parted]
    for i, j in parted:
        if i == j:
            eligible[:, i] = False
    dead = first != np.arange(n)
    if not branch.joined:
        allowed = atoms.pair_allowed
        if parted:
            allowed = allowed.copy()
            low = np.repeat(np.arange(n), np.diff(atoms.start))
            keys, wanted = low * n + atoms.neighbours, _keys(parted, n)
            allowed[:, np.isin(keys, wanted)] = False
        return replace(atoms, eligible=eligible, pair_allowed=allowed), first

    number = np.bincount(first, minlength=n)
    low = first[np.repeat(np.arange(n), np.diff(atoms.start))]
    high = first[atoms.neighbours]
    inside = low == high
    values = _sums(atoms.values, first)
    kinds = range(atoms.problem.num_kinds)
    for k in kinds:
        row = min(k, len(atoms.pair_values) - 1)
        values[k] += _sums(atoms.pair_values[row][inside], low[inside], n)
        row = min(k, len(atoms.pair_allowed) - 1)
        listed = _sums(atoms.pair_allowed[row][inside].astype(np.int64), low[inside], n)
        eligible[k] &= listed == number * (number - 1) // 2
    eligible[:, dead] = False
    keys, at = np.unique(
        np.minimum(low, high)[~inside] * n + np.maximum(low, high)[~inside], return_inverse=True
    )
    one, other = keys // n, keys % n
    pair_values = _sums(atoms.pair_values[:, ~inside], at, len(keys))
    good = _sums(atoms.pair_allowed[:, ~inside].astype(np.int64), at, len(keys))
    allowed = good == number[one] * number[other]
    allowed[:, np.isin(keys, _keys(parted, n))] = False
    keep = allowed.any(axis=0)
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(one[keep], minlength=n), out=start[1:])
    out = replace(
        atoms,
        sizes=_sums(atoms.sizes, first),
        must=_sums(atoms.must.astype(np.int64), first) > 0,
        eligible=eligible,
        values=values,
        resources=np.ascontiguousarray(_sums(atoms.resources.T, first).T),
        item_use=_sums(atoms.item_use, first),
        start=start,
        neighbours=np.ascontiguousarray(other[keep]),
        pair_values=np.ascontiguousarray(pair_values[:, keep]),
        pair_allowed=np.ascontiguousarray(allowed[:, keep]),
    )
    # The search divides by the least size, and a merged atom has none.
    out.sizes[dead] = atoms.sizes[dead]
    return out, first


def _classes(n: int, joined: tuple[tuple[int, int], ...]) -> IntArray:
    """The least atom of each class of joined atoms, int64 [n]."""
    first = np.zeros(n, np.int64)
    for members in classes(n, joined):
        first[members] = members[0]
    return first


def _keys(pairs: list[tuple[int, int]], n: int) -> IntArray:
    return np.array([min(pair) * n + max(pair) for pair in pairs], np.int64)


def _all_of(marks: BoolArray, first: IntArray) -> BoolArray:
    """Whether all atoms of each class are marked, bool [K, n]."""
    missing = _sums((~marks).astype(np.int64), first)
    out: BoolArray = missing == 0
    return out


def _sums(rows: IntArray, place: IntArray, number: int | None = None) -> IntArray:
    return sums(rows, place, len(place) if number is None else number)
