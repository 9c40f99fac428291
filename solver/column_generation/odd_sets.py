"""Violated subset rows over odd sets of atoms.

Every atom is in one chosen group at most. Add up these rows over an odd set S of atoms, halve, and
round down: the groups count once for every two atoms of S that they hold, and together at most
(|S| - 1) / 2 (subset rows: Jepsen, Petersen, Spoorendonk & Pisinger, 2008, for three atoms; they
are the zero-half cuts of the atoms' rows, Caprara & Fischetti, 1996). A solution of the relaxation
violates the row if

    sum of the slacks of S's rows  +  weight of the columns that hold an odd number of S  <  1,

twice the violation being what is missing. So one looks for sets that almost all fractional columns
hold an even number of: elimination modulo 2 (Koster, Zymolka & Kutschka, 2009). Rows are bit
patterns over the fractional columns; column after column, heavy ones first, a tight row is added
to all others that hold the column. Each sum of rows met on the way, over an odd number of atoms,
is a candidate. Other orders of the columns lead to other sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.classes import classes
from solver.column_generation.columns import Columns, OddSet
from solver.context import SolveContext
from solver.problem import FloatArray

#: A row must be violated by this.
MIN_VIOLATION = 0.02
#: Sets of more atoms make pricing slow and its bounds weak.
LARGEST = 25
#: Weights this near to 0 or 1 are whole.
_WHOLE = 1e-7
#: Rows of more slack than this are in no sum.
_MAX_SLACK = 0.5
#: Orders of the columns tried at most, and additions of rows that they may take all together.
ORDERS, MAX_ADDITIONS = 8, 1_000_000
#: A set of one atom more must be violated by so much more to be preferred.
_A_MEMBER = 0.01


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of rows, modulo 2.

    Attributes
    ----------
    columns : bits of the columns that hold an odd number of its atoms.
    atoms : bits of the rows in it.
    slack : the sum of their slacks, or more.
    """

    columns: int
    atoms: int
    slack: float

    def plus(self, other: _Sum) -> _Sum:
        """The sum of both."""
        return _Sum(
            self.columns ^ other.columns, self.atoms ^ other.atoms, self.slack + other.slack
        )


def violated_odd_sets(
    columns: Columns, weights: FloatArray, context: SolveContext
) -> list[tuple[float, OddSet]]:
    """Odd sets whose rows a solution violates, and by how much; the best first.

    Parameters
    ----------
    weights : float [N], of each column; no atom is in columns of more than 1 together.
    """
    fractional = np.flatnonzero((weights > _WHOLE) & (weights < 1.0 - _WHOLE))
    found: dict[OddSet, float] = {}
    additions = 0
    for part in _components(columns.take(fractional)):
        inside = columns.take(fractional[part])
        most = MAX_ADDITIONS - additions
        search = _PartSearch(inside, weights[fractional[part]], most, context)
        found.update(search.run())
        additions += search.additions
        if additions > MAX_ADDITIONS or context.stopping():
            break
    context.charge(1 + additions // 2)
    ranked = [(violation - _A_MEMBER * len(s), s) for s, violation in found.items()]
    return [(found[s], s) for _, s in sorted(ranked, key=lambda entry: (-entry[0], entry[1]))]


def _components(columns: Columns) -> list[list[int]]:
    """Positions of columns that share atoms, directly or by way of others."""
    holder: dict[int, int] = {}
    places = zip(columns.holder.tolist(), columns.members.tolist(), strict=True)
    return classes(len(columns), ((c, holder.setdefault(atom, c)) for c, atom in places))


class _PartSearch:
    """The elimination on one component."""

    def __init__(
        self, columns: Columns, weights: FloatArray, max_additions: int, context: SolveContext
    ) -> None:
        self.additions = 0
        self._context = context
        self._weights: list[float] = weights.tolist()
        self._max_additions = max_additions
        patterns: dict[int, int] = {}
        loads: dict[int, float] = {}
        for c, atom in zip(columns.holder.tolist(), columns.members.tolist(), strict=True):
            patterns[atom] = patterns.get(atom, 0) | 1 << c
            loads[atom] = loads.get(atom, 0.0) + self._weights[c]
        # Of atoms that the same columns hold one is enough.
        alike = {pattern: atom for atom, pattern in sorted(patterns.items(), reverse=True)}
        self._atoms = sorted(alike.values())
        self._rows = [
            _Sum(patterns[atom], 1 << at, max(0.0, 1.0 - loads[atom]))
            for at, atom in enumerate(self._atoms)
            if 1.0 - loads[atom] < _MAX_SLACK
        ]
        self._loose = {row.atoms: row.slack for row in self._rows if row.slack > 0.0}
        self._found: dict[int, float] = {}

    def run(self) -> dict[OddSet, float]:
        """The violated sets met, and by how much each is."""
        rng = np.random.default_rng(0)
        heavy = np.array(self._weights)
        cost = 0
        for number in range(ORDERS):
            if self.additions + cost > self._max_additions:
                break
            before = self.additions
            blurred = heavy if not number else heavy + rng.normal(0.0, 0.2, len(heavy))
            self._eliminate(np.argsort(-blurred, kind="stable").tolist())
            cost = self.additions - before
        return {
            tuple(atom for at, atom in enumerate(self._atoms) if atoms >> at & 1): violation
            for atoms, violation in self._found.items()
        }

    def _eliminate(self, order: list[int]) -> None:
        """Column after column, leave it in one row only."""
        waiting, done = self._rows, list[_Sum]()
        for c in order:
            if self._context.stopping():
                return
            bit = 1 << c
            holding = [row for row in waiting if row.columns & bit]
            if not holding:
                continue
            pivot = min(holding, key=lambda row: (row.slack, row.atoms.bit_count(), row.atoms))
            waiting = self._add(pivot, [row for row in waiting if row is not pivot], bit)
            done = [*self._add(pivot, done, bit), pivot]

    def _add(self, pivot: _Sum, rows: list[_Sum], bit: int) -> list[_Sum]:
        """The rows, with the pivot added to those that hold a column."""
        out = []
        for row in rows:
            if not row.columns & bit:
                out.append(row)
                continue
            self.additions += 1
            total = row.plus(pivot)
            if total.slack < 1.0:
                self._look_at(total)
                out.append(total)
        return out

    def _look_at(self, row: _Sum) -> None:
        size = row.atoms.bit_count()
        if size % 2 == 0 or not 3 <= size <= LARGEST or row.atoms in self._found:
            return
        missing = 1.0
        if row.slack > 0.0:
            # A row that was added twice is not in the sum, but its slack is.
            missing -= sum(slack for bit, slack in self._loose.items() if row.atoms & bit)
        rest = row.columns
        while rest and missing > 0.0:
            bit = rest & -rest
            missing -= self._weights[bit.bit_length() - 1]
            rest ^= bit
        if missing >= 2.0 * MIN_VIOLATION:
            self._found[row.atoms] = missing / 2.0
