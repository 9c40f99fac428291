"""A part of the packings: what branching has decided so far.

Four kinds of decision split a fractional relaxation, and each is kept by leaving out columns or by
the bounds of a row, so the relaxation stays a packing: how many groups a kind has; whether an atom
is in a group; whether two atoms are in one group (Ryan & Foster, 1981); and whether an atom is in
a group of a kind. Together they are complete: where none of these sums is fractional, two columns
of positive weight that share an atom have the same kind (by the last) and the same atoms (by the
pairs), so they are one column, of weight 1 (by the atoms).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns
from solver.problem import BoolArray, FloatArray, IntArray

#: Sums this near to a whole number count as whole.
WHOLE = 0.01


@dataclass(frozen=True, slots=True)
class Branch:
    """Decisions; without any, all packings.

    Attributes
    ----------
    least, most : bounds on the number of groups of each kind.
    covered, excluded : atoms that must, or must not, be in a group.
    joined, parted : pairs of atoms that are in one group or both out, or never in one group.
    banned : (kind, atom): the atom is in no group of the kind.
    """

    least: tuple[int, ...]
    most: tuple[int, ...]
    covered: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()
    joined: tuple[tuple[int, int], ...] = ()
    parted: tuple[tuple[int, int], ...] = ()
    banned: frozenset[tuple[int, int]] = frozenset()

    def allows(self, columns: Columns) -> BoolArray:
        """Whether each column keeps the decisions on atoms, bool [N]."""
        out = np.ones(len(columns), np.bool_)
        for atom in sorted(self.excluded):
            out &= ~columns.holding(atom)
        for i, j in self.joined:
            out &= columns.holding(i) == columns.holding(j)
        for i, j in self.parted:
            out &= ~(columns.holding(i) & columns.holding(j))
        for k, atom in sorted(self.banned):
            out &= (columns.kinds != k) | ~columns.holding(atom)
        for k, most in enumerate(self.most):
            if most == 0:
                out &= columns.kinds != k
        return out

    def split(self, columns: Columns, weights: FloatArray) -> tuple[Branch, Branch] | None:
        """Two branches that exclude a fractional solution; ``None`` if nothing is fractional.

        Parameters
        ----------
        weights : float [M], the solution; columns after the first M were met later.
        """
        columns = columns.take(np.arange(len(weights)))
        return self.split_numbers(columns, weights) or self._split_atoms(columns, weights)

    def split_numbers(self, columns: Columns, weights: FloatArray) -> tuple[Branch, Branch] | None:
        """Split by the number of groups of a kind (more first), if one is fractional."""
        numbers = np.bincount(columns.kinds, weights, len(self.least)).astype(np.float64)
        at, far = _most_fractional(numbers)
        if far <= WHOLE:
            return None
        low = int(numbers[at])
        return (
            replace(self, least=_set(self.least, at, max(self.least[at], low + 1))),
            replace(self, most=_set(self.most, at, min(self.most[at], low))),
        )

    def _split_atoms(self, columns: Columns, weights: FloatArray) -> tuple[Branch, Branch] | None:
        used = np.flatnonzero(weights > 1e-6)
        columns, weights = columns.take(used), weights[used]
        atoms, place = np.unique(columns.members, return_inverse=True)
        inside = np.zeros((len(atoms), len(columns)))
        inside[place, columns.holder] = 1.0
        cover = inside @ weights
        together = np.triu((inside * weights) @ inside.T, 1)
        at, far = _most_fractional(cover)
        pair, pair_far = _most_fractional(together.ravel())
        if max(far, pair_far) <= WHOLE:
            return self._split_kinds(columns, weights, inside, atoms)
        if far >= pair_far:
            atom = int(atoms[at])
            return (
                replace(self, covered=self.covered | {atom}),
                replace(self, excluded=self.excluded | {atom}),
            )
        i, j = int(atoms[pair // len(atoms)]), int(atoms[pair % len(atoms)])
        return (
            replace(self, joined=(*self.joined, (i, j))),
            replace(self, parted=(*self.parted, (i, j))),
        )

    def _split_kinds(
        self, columns: Columns, weights: FloatArray, inside: FloatArray, atoms: IntArray
    ) -> tuple[Branch, Branch] | None:
        """Split by whether an atom is in a group of a kind; ``inside`` is float [atoms, N]."""
        num_kinds = len(self.least)
        shares = np.zeros((num_kinds, len(columns)))
        shares[columns.kinds, np.arange(len(columns))] = weights
        at, far = _most_fractional((inside @ shares.T).ravel())
        if far <= WHOLE:
            return None
        atom, kind = int(atoms[at // num_kinds]), at % num_kinds
        others = frozenset((k, atom) for k in range(num_kinds) if k != kind)
        return (
            replace(self, covered=self.covered | {atom}, banned=self.banned | others),
            replace(self, banned=self.banned | {(kind, atom)}),
        )


def everything(atoms: Atoms) -> Branch:
    """The branch without decisions."""
    problem = atoms.problem
    return Branch(tuple(problem.min_groups.tolist()), tuple(atoms.max_groups.tolist()))


def _most_fractional(sums: FloatArray) -> tuple[int, float]:
    """Position of the sum furthest from a whole number, and how far it is."""
    if not len(sums):
        return 0, 0.0
    far = np.abs(sums - np.rint(sums))
    at = int(far.argmax())
    return at, float(far[at])


def _set(bounds: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*bounds[:at], value, *bounds[at + 1 :])
