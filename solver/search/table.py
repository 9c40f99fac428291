"""The table kernel with its arrays: what problems it fits, and groupings in and out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from solver.search.atoms import FREE, FROZEN_PIN, Atoms
from solver.search.table_kernels import (
    BEST,
    BEST_HOME,
    BEST_KIND,
    BOUND,
    BRINGS,
    COOLING,
    COUNT,
    FIT,
    FRESH,
    HAS_BEST,
    HELD,
    HOME,
    KIND,
    LIVE,
    LIVE_AT,
    LOAD,
    LUCK,
    MAX_GROUPS,
    MIN_GROUPS,
    MOVABLE,
    MOVES,
    NUM_LIVE,
    NUM_LOADS,
    NUM_LUCK,
    NUM_MOVABLE,
    NUMBER,
    OPEN,
    OWN,
    RANDOM,
    ROLE,
    SWAPS,
    TEMPERATURE,
    TICKS,
    VALUE,
    WORSENED,
    Table,
    run,
)
from solver.search.world import generator_seed

IntArray = npt.NDArray[np.int64]

#: Most atoms a table is kept for: two arrays of m squared int64.
MAX_ATOMS = 3000
#: No bound of a load is tighter than this.
_FAR = 2**62

Groups = list[tuple[int, list[int]]]


def tabulates(atoms: Atoms) -> bool:
    """Whether a table of gains can be kept.

    Pair values and bans must be alike in all kinds, absent pairs neutral, and there may be neither
    curves nor shared limits.
    """
    problem = atoms.problem
    return (
        0 < atoms.num_atoms <= MAX_ATOMS
        and not atoms.absent_bad
        and len(atoms.pair_value) == 1
        and len(atoms.pair_bad) == 1
        and not problem.curves
        and problem.num_shared_limits == 0
    )


@dataclass(frozen=True, eq=False)
class Parts:
    """What a table is made of.

    Attributes
    ----------
    weight, ban : int64 [m, m], values and bans of pairs.
    own, fit : int64 [m, K], value of an atom in a kind, and whether it may hold it.
    loads : int64 [m, 1 + R], items and resources an atom brings.
    must : bool [m], atoms that may not stay out.
    role : int64 [m], role of an atom (see ``atoms``).
    """

    weight: IntArray
    ban: IntArray
    own: IntArray
    fit: IntArray
    loads: IntArray
    must: npt.NDArray[np.bool_]
    role: IntArray


def parts_of(atoms: Atoms) -> Parts:
    """The parts of a contracted problem."""
    num = atoms.num_atoms
    weight, ban = np.zeros((2, num, num), dtype=np.int64)
    start = np.repeat(np.arange(num), np.diff(atoms.ptr))
    weight[start, atoms.adj] = atoms.pair_value[0]
    ban[start, atoms.adj] = atoms.pair_bad[0]
    return Parts(
        weight,
        ban,
        atoms.own.T.copy(),
        atoms.fit.T.astype(np.int64),
        np.column_stack([atoms.size, atoms.amount]),
        atoms.must > 0,
        atoms.role,
    )


class TableEngine:
    """The kernel on the parts of one problem; groups are (kind, atoms) each."""

    def __init__(self, atoms: Atoms, parts: Parts, seed: int) -> None:
        problem, num = atoms.problem, len(parts.weight)
        kinds, num_loads = problem.num_kinds, parts.loads.shape[1]
        bans = num if parts.ban.any() else 0
        movable = np.flatnonzero(parts.role == FREE)
        ints = np.zeros(MOVABLE + len(movable), dtype=np.int64)
        ints[RANDOM] = generator_seed(seed)
        ints[NUM_LOADS], ints[NUM_MOVABLE] = num_loads, len(movable)
        ints[FIT], ints[BRINGS] = OWN + kinds + 1, OWN + 2 * (kinds + 1)
        ints[MOVABLE:] = movable
        atom = np.zeros((num, ints[BRINGS] + num_loads), dtype=np.int64)
        atom[:, ROLE] = parts.role
        atom[:, OWN : OWN + kinds] = parts.own
        atom[:, ints[FIT] : ints[FIT] + kinds] = parts.fit
        atom[:, ints[FIT] + kinds] = ~parts.must
        atom[:, ints[BRINGS] :] = parts.loads
        kind = np.zeros((kinds + 1, BOUND + 2 * num_loads), dtype=np.int64)
        kind[:kinds, OPEN] = problem.open_values
        kind[:kinds, MIN_GROUPS], kind[:kinds, MAX_GROUPS] = problem.min_groups, problem.max_groups
        kind[:kinds, BOUND], kind[:kinds, BOUND + 1] = problem.min_size, problem.max_size
        kind[:kinds, BOUND + 2 :: 2] = problem.resource_min
        kind[:kinds, BOUND + 3 :: 2] = problem.resource_max
        kind[kinds, BOUND + 1 :: 2] = _FAR
        chance = (np.arange(NUM_LUCK) + 0.5) / NUM_LUCK
        self.atoms, self.parts = atoms, parts
        self.table = Table(
            parts.weight,
            np.zeros((num + 2, num), dtype=np.int64),
            parts.ban[:bans, :bans],
            np.zeros((num + 2 if bans else 0, bans), dtype=np.int64),
            atom,
            np.zeros((num + 2, LOAD + num_loads), dtype=np.int64),
            kind,
            ints,
            np.concatenate([np.zeros(LUCK), -np.log(chance)]),
        )
        # Without bounds that hold atoms in place exchanges add little to shifts.
        bounded = (kind[:kinds, BOUND::2] > parts.loads.min(axis=0)).any() or (
            kind[:kinds, BOUND + 1 :: 2] < parts.loads.sum(axis=0)
        ).any()
        fixed = (kind[:kinds, BOUND] == kind[:kinds, BOUND + 1]).all()
        ints[SWAPS] = 1000 if fixed else 512 if bounded else 64

    def load(self, groups: Groups) -> None:
        """Put in a grouping that breaks no rule; the best one seen is forgotten."""
        t, num = self.table, len(self.table.weight)
        kinds = len(t.kind) - 1
        home = np.full(num, num + 1, dtype=np.int64)
        t.slot[:] = 0
        t.slot[num + 1, KIND] = kinds
        t.kind[:, NUMBER] = 0
        t.gain[:] = 0
        t.against[:] = 0
        value = 0
        for s, (k, members) in enumerate(groups):
            home[members] = s
            t.gain[s] = t.weight[members].sum(axis=0)
            if t.ban.size:
                t.against[s] = t.ban[members].sum(axis=0)
            t.slot[s, [COUNT, KIND, HELD]] = len(members), k, self.parts.role[members].max()
            t.kind[k, NUMBER] += 1
            value += int(t.kind[k, OPEN] + t.atom[members, OWN + k].sum())
            value += int(t.gain[s, members].sum()) // 2
        np.add.at(t.slot[:, LOAD:], home, t.atom[:, t.ints[BRINGS] :])
        t.slot[:, LIVE] = t.slot[:, LIVE_AT] = np.arange(num + 2)
        t.atom[:, HOME] = t.atom[:, BEST_HOME] = home
        t.slot[:, BEST_KIND] = t.slot[:, KIND]
        t.ints[NUM_LIVE], t.ints[VALUE], t.ints[BEST], t.ints[FRESH] = len(groups), value, value, 0
        t.ints[HAS_BEST] = 1

    def restrict(self, free: npt.NDArray[np.bool_] | None) -> None:
        """Let only some atoms move, bool [m], or all again (``None``)."""
        t = self.table
        loose = self.parts.role == FREE
        if free is not None:
            loose &= free
        movable = np.flatnonzero(loose)
        t.ints[NUM_MOVABLE] = len(movable)
        t.ints[MOVABLE : MOVABLE + len(movable)] = movable
        t.atom[:, ROLE] = np.where(loose, FREE, FROZEN_PIN)

    def hotness(self, temperature: float, moves: int, ticks: int) -> float:
        """Share of moves that are made for the worse at a temperature, measured in some moves."""
        before = int(self.table.ints[WORSENED])
        self.begin(moves, temperature, temperature)
        self.go(moves, ticks)
        return (int(self.table.ints[WORSENED]) - before) / max(1, self.moves)

    def typical_change(self) -> float:
        """Mean size of the values of pairs and atoms, as a first guess of a temperature."""
        sizes = [np.abs(part).mean() for part in (self.table.weight, self.parts.own)]
        return max(1.0, float(sum(sizes)))

    def begin(self, moves: int, hot: float, cold: float) -> None:
        """Set temperatures for an annealing of so many moves."""
        self.table.floats[TEMPERATURE] = hot
        self.table.floats[COOLING] = math.exp(math.log(cold / hot) / max(1, moves // 64))
        self.table.ints[MOVES] = 0

    def go(self, moves: int, ticks: int) -> None:
        """Anneal for so many moves, or until so many ticks are spent."""
        run(self.table, moves, int(self.table.ints[TICKS]) + ticks)

    @property
    def ticks(self) -> int:
        """Ticks spent so far."""
        return int(self.table.ints[TICKS])

    @property
    def moves(self) -> int:
        """Moves made since ``begin``."""
        return int(self.table.ints[MOVES])

    @property
    def best(self) -> int:
        """Value of the best grouping seen since ``load``."""
        return int(self.table.ints[BEST])

    def best_groups(self) -> Groups:
        """The best grouping seen since ``load``."""
        groups: dict[int, list[int]] = {}
        home = self.table.atom[:, BEST_HOME].tolist()
        for a, s in enumerate(home):
            if s <= len(home):
                groups.setdefault(s, []).append(a)
        return [(int(self.table.slot[s, BEST_KIND]), m) for s, m in groups.items()]
