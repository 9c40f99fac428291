"""Chains of dives: each begins with a dive of its own and goes on from parts of what it found.

A dive decides much by chance at its top. A *chain* keeps a part of the groups a dive chose, taken
at random, and dives again from there for as long as that brings something better: a large
neighbourhood search (Shaw, 1998) whose neighbourhoods are answered by dives, with pricing. Where a
chain brings nothing any more the next one begins elsewhere, as chains end in different optima; one
begins at the incumbent if that came from somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from solver.column_generation.diving import Diver
from solver.column_generation.packing import incumbent_columns

#: A dive keeps a part between these of the groups its chain has.
KEPT = 0.3, 0.7
#: A chain ends after so many dives in vain.
FRUITLESS = 6


@dataclass(slots=True)
class Chains:
    """The chains of one run.

    Attributes
    ----------
    diver : of a master that stays the same: chains are lists of its columns.
    rng : what parts are kept.
    units : work that all dives took.
    in_vain : dives since the last that was better than all before.
    """

    diver: Diver
    rng: np.random.Generator
    units: int = 0
    in_vain: int = 0
    _begun: int = 0
    _fruitless: int = 0
    _best: int | None = None  # of all chains
    _chosen: list[int] = field(default_factory=list)
    _value: int | None = None

    def dive(self) -> None:
        """One more dive."""
        began, before = self.diver.context.work, self._best
        if self._value is None or self._fruitless >= FRUITLESS:
            self._begin()
        else:
            kept = self.rng.random(len(self._chosen)) < self.rng.uniform(*KEPT)
            some = [c for c, keeps in zip(self._chosen, kept.tolist(), strict=True) if keeps]
            self._take(self.diver.dive(0, some, self._value))
        self.units += self.diver.context.work - began
        self.in_vain = self.in_vain + 1 if self._best == before else 0

    def _begin(self) -> None:
        """Begin a chain, at the incumbent if no chain found or began at that."""
        context, self._value, self._fruitless = self.diver.context, None, 0
        known = context.objective
        if self._begun and known is not None and (self._best is None or known > self._best):
            own = incumbent_columns(self.diver.master.atoms, context)
            self.diver.master.add(own)
            self._chosen, self._value, self._best = self.diver.master.places(own), known, known
            return
        number, self._begun = self._begun, self._begun + 1
        self._take(self.diver.dive(number, (), -(2**62)))

    def _take(self, found: list[int] | None) -> None:
        """Go on from a grouping if it is better than the chain's."""
        self._fruitless += 1
        if found is None:
            return
        value = sum(self.diver.master.columns.values[found].tolist())
        if self._value is None or value > self._value:
            self._chosen, self._value, self._fruitless = found, value, 0
            self._best = value if self._best is None else max(self._best, value)
