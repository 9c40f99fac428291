"""A kernel with its arrays: temperatures and prices from the data, groupings in and out."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from solver.grouping import Grouping
from solver.search.atoms import Atoms
from solver.search.draft import Draft
from solver.search.world import (
    BEST,
    BEST_HOME,
    BEST_KIND,
    CHANGE_COUNT,
    CHANGE_SUM,
    COOLING,
    HAS_BEST,
    LOWER,
    MIX,
    MOVES,
    NUM_CLASSES,
    OFF_AMOUNT,
    OFF_NUMBER,
    PRICE,
    RAISE,
    TEMPERATURE,
    TICKS,
    FloatArray,
    IntArray,
    world_of,
)

_NOTHING = np.zeros(0, dtype=np.int64)


class Engine:
    """The annealing kernel on one contracted problem.

    Attributes
    ----------
    world : the kernel's arrays.
    scale : mean change of value of a shift, float; the unit of temperature.
    """

    def __init__(self, atoms: Atoms, seed: int) -> None:
        from solver.search.annealing import run

        self._run = run
        self.atoms = atoms
        self.world = world_of(atoms, seed)
        self.world.ints[MIX : MIX + 7] = np.cumsum(_chances(atoms))
        self.scale = _typical_value(atoms)
        self._set_prices()

    # -- runs -----------------------------------------------------------------------------

    def load(self, groups: Iterable[tuple[int, Iterable[int]]]) -> None:
        """Put in the groups, (kind, atoms) each; pins among them."""
        home = np.full(self.atoms.num_atoms, -1, dtype=np.int64)
        kind = np.zeros(self.atoms.num_atoms + 2, dtype=np.int64)
        for g, (k, members) in enumerate(groups):
            kind[g] = k
            home[list(members)] = g
        self._run(self.world, home, kind, 0, 0)

    def load_best(self) -> None:
        """Return to the best grouping seen."""
        self._run(
            self.world,
            self.world.atom[:, BEST_HOME].copy(),
            self.world.group[:, BEST_KIND].copy(),
            0,
            0,
        )

    def begin(self, moves: int, hot: float, cold: float) -> None:
        """Set temperatures, in units of ``scale``, for an annealing of so many moves."""
        self.world.floats[TEMPERATURE] = hot * self.scale
        self.world.floats[COOLING] = math.exp(math.log(cold / hot) / max(1, moves // 64))
        self.world.ints[MOVES] = 0
        self._set_prices()

    def go(self, moves: int, ticks: int) -> None:
        """Anneal for so many moves, or until so many ticks are spent."""
        self._run(self.world, _NOTHING, _NOTHING, moves, int(self.world.ints[TICKS]) + ticks)

    def measure(self) -> None:
        """Take ``scale`` from the changes of value seen since the last measurement."""
        count = float(self.world.floats[CHANGE_COUNT])
        if count > 0 and self.world.floats[CHANGE_SUM] > 0:
            self.scale = float(self.world.floats[CHANGE_SUM]) / count
        self.world.floats[CHANGE_SUM] = self.world.floats[CHANGE_COUNT] = 0.0

    # -- answers --------------------------------------------------------------------------

    @property
    def ticks(self) -> int:
        """Ticks spent so far."""
        return int(self.world.ints[TICKS])

    @property
    def moves(self) -> int:
        """Moves made since ``begin``."""
        return int(self.world.ints[MOVES])

    @property
    def best(self) -> int | None:
        """Value of the best feasible grouping seen."""
        return int(self.world.ints[BEST]) if self.world.ints[HAS_BEST] else None

    def forget(self) -> None:
        """Forget the best grouping seen."""
        self.world.ints[HAS_BEST] = 0

    def best_grouping(self) -> Grouping:
        """The best feasible grouping seen."""
        return self.atoms.grouping(self.best_groups())

    def best_groups(self) -> list[tuple[int, list[int]]]:
        """The best feasible grouping seen, as (kind, atoms)."""
        groups: dict[int, list[int]] = {}
        for a, g in enumerate(self.world.atom[:, BEST_HOME].tolist()):
            if g >= 0:
                groups.setdefault(g, []).append(a)
        return [(int(self.world.group[g, BEST_KIND]), m) for g, m in groups.items()]

    # -- prices ---------------------------------------------------------------------------

    def _set_prices(self) -> None:
        """One broken unit costs several changes of value, to begin with and at least."""
        atoms, classes = self.atoms, int(self.world.ints[NUM_CLASSES])
        num = atoms.amount.shape[1]
        units = np.ones(classes)
        units[OFF_NUMBER] = 0.5
        if atoms.amount.size:
            units[OFF_AMOUNT : OFF_AMOUNT + num] = np.maximum(1.0, atoms.amount.mean(axis=0))
        if atoms.use.size:
            uses = np.abs(atoms.use).mean(axis=(0, 1))
            uses += np.abs(atoms.problem.shared_group_use).mean(axis=1)
            units[OFF_AMOUNT + num :] = np.maximum(1.0, uses)
        price = 4.0 * self.scale / units
        self.world.floats[PRICE:] = np.concatenate([price, price, 1e6 * price])
        rate = 64.0 / max(1, atoms.num_atoms)
        self.world.floats[RAISE] = min(1.15, math.exp(rate / 8))
        self.world.floats[LOWER] = max(0.97, math.exp(-rate / 32))


def _typical_value(atoms: Atoms) -> float:
    """Mean size of the values, before any change has been seen."""
    parts: list[FloatArray] = [
        np.abs(part).astype(np.float64)
        for part in (atoms.own, atoms.pair_value, atoms.problem.open_values)
    ]
    means = [float(part.mean()) for part in parts if part.size]
    return max(1.0, sum(means))


def _chances(atoms: Atoms) -> IntArray:
    """Chance of each move of ``Tables.mix``, of 1024."""
    recast = 24 if atoms.problem.num_kinds > 1 else 0
    # Where pairs are few, a shift looks at exchanges too.
    exchange = 150 if atoms.absent_bad else 340
    chances = np.array([0, exchange, 110, 30, 30, recast, 16], dtype=np.int64)
    chances[0] = 1024 - chances.sum()
    return chances


def pins_only(atoms: Atoms) -> list[tuple[int, list[int]]]:
    """The least grouping there is: the pins, (kind, atoms) each."""
    return [(held.kind, list(held.atoms)) for held in Draft(atoms).groups.values()]
