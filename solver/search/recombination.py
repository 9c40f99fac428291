"""Annealing of a pool of groupings and of what they disagree on, with the table of gains.

A generation is a pool of groupings, each annealed from the same start. Two of them are then
recombined: their groups are matched by overlap, and what both agree on is held while the rest
anneals (the backbone idea of Lai & Hao 2016 and the overlap of partitions of Galinier & Hao 1999);
a short annealing of everything follows, and the result takes the place of the worst. Every child
keeps all rules, as only moves that keep them are made. When the pool agrees, the next generation
begins with annealings twice as long.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from solver.context import SolveContext
from solver.search.table import Groups, TableEngine

#: Groupings in a pool.
POOL = 6
#: Moves an atom of the first annealings, and where many items are exchanged because sizes or
#: resources limit groups; from how many items that is so.
FIRST_MOVES, FIRST_EXCHANGES, MANY = 1000, 6000, 100
#: Shares of moves that are made for the worse: where an annealing begins (of many items that are
#: exchanged: .06 left 0.4-0.7% on 240 of them and .15 left 0.05-0.5%, but on 400-500 free items .15
#: was as much worse), where one begins that keeps most of a grouping, and where annealing ends.
HOT, HOT_EXCHANGES, MIDDLE, COLD = 0.06, 0.15, 0.005, 0.0005
#: Moves that measure such a share, at most, and an atom.
TRIAL_MOVES, TRIAL_MOVES_AN_ATOM = 20_000, 200
#: A pool agrees when parents differ in fewer atoms, or after so many children in vain.
ALIKE, MAX_FRUITLESS = 0.03, 25
#: Ticks of a work unit (a microsecond): 4.2 to 5.7 ns a tick were measured.
TICKS_A_UNIT = 200
#: Ticks between two looks at the limits, about 50 ms.
CHUNK_TICKS = 10_000_000


class PoolSearch:
    """Generations of pools on one table."""

    def __init__(
        self, context: SolveContext, engine: TableEngine, rng: np.random.Generator
    ) -> None:
        self.context, self.engine, self._rng = context, engine, rng
        problem = context.problem
        limited = problem.num_resources > 0 or (problem.max_size < problem.num_items).any()
        exchanged = limited and problem.num_items > MANY
        self._hot = HOT_EXCHANGES if exchanged else HOT
        self._length = FIRST_EXCHANGES if exchanged else FIRST_MOVES
        self._charged = 0
        self._pool: list[tuple[int, Groups]] = []

    def generation(self, start: Groups, keep: Groups | None) -> None:
        """Anneal a pool from a start and recombine it until it agrees.

        ``keep`` is annealed so that most of it is kept, and is of the pool.
        """
        engine, num = self.engine, len(self.engine.table.weight)
        engine.load(start)
        engine.restrict(None)
        moves = min(TRIAL_MOVES, TRIAL_MOVES_AN_ATOM * num)
        hot = self._temperature(self._hot, engine.typical_change(), moves)
        engine.load(start)
        self._anneal(self._length * num, hot, hot / 20)
        engine.load(engine.best_groups())
        middle = self._temperature(MIDDLE, hot / 2, moves)
        engine.load(engine.best_groups())
        cold = max(self._temperature(COLD, hot / 8, moves), hot / 50)
        self._pool = []
        if keep is not None:
            engine.load(keep)
            self._anneal(self._length * num, middle, cold)
            self._pool.append((engine.best, engine.best_groups()))
        while len(self._pool) < POOL and not self.context.stopping():
            engine.load(start)
            self._anneal(self._length * num, hot, cold)
            self._pool.append((engine.best, engine.best_groups()))
        fruitless = 0
        while fruitless < MAX_FRUITLESS and not self.context.stopping():
            first, second = (self._pool[x][1] for x in self._rng.choice(POOL, 2, replace=False))
            free = disagreement(first, second, num)
            engine.load(first)
            if free.any():
                engine.restrict(free)
                self._anneal(self._length * int(free.sum()), hot, cold)
                engine.load(engine.best_groups())
                engine.restrict(None)
            self._anneal(self._length * num // 2, middle, cold)
            worst = min(range(POOL), key=lambda x: self._pool[x][0])
            values = [value for value, _ in self._pool]
            fruitless += 1 + (MAX_FRUITLESS // 4 if free.mean() < ALIKE else 0)
            if engine.best > values[worst] and engine.best not in values:
                self._pool[worst] = (engine.best, engine.best_groups())
                fruitless = 0
        self._length *= 2

    def _anneal(self, moves: int, hot: float, cold: float) -> None:
        """Anneal in chunks, within the limits, and offer the best if it is the incumbent then."""
        engine, context = self.engine, self.context
        engine.begin(moves, hot, min(cold, hot))
        while engine.moves < moves and not context.stopping():
            at = engine.moves
            engine.go(moves - at, self._room())
            self._charge()
            if engine.moves == at:
                break
        if context.objective is None or engine.best > context.objective:
            context.offer(engine.atoms.grouping(engine.best_groups()))

    def _temperature(self, share: float, guess: float, moves: int) -> float:
        """About the temperature at which a share of moves is made for the worse."""
        low = high = guess
        shared = self._hotness(guess, moves)
        factor = 0.5 if shared > share else 2.0
        for _ in range(12):
            following = high * factor
            hotter = self._hotness(following, moves) > share
            low, high = high, following
            if hotter is (factor > 1):
                break
        return (low * high) ** 0.5

    def _hotness(self, temperature: float, moves: int) -> float:
        """Share of moves that are made for the worse at a temperature."""
        if self.context.stopping():
            return 0.0
        share = self.engine.hotness(temperature, moves, self._room())
        self._charge()
        return share

    def _room(self) -> int:
        left = self.context.remaining_work
        return CHUNK_TICKS if left is None else min(CHUNK_TICKS, left * TICKS_A_UNIT)

    def _charge(self) -> None:
        units = (self.engine.ticks - self._charged) // TICKS_A_UNIT
        self._charged += units * TICKS_A_UNIT
        self.context.charge(max(1, units))


def disagreement(first: Groups, second: Groups, num: int) -> npt.NDArray[np.bool_]:
    """Atoms that two groupings place differently, bool [m], groups matched by overlap.

    The pair of groups of greatest overlap is matched first, and so on; being outside is matched
    with being outside.
    """
    one, other = np.zeros(num, dtype=np.int64), np.zeros(num, dtype=np.int64)
    for home, groups in ((one, first), (other, second)):
        for g, (_, members) in enumerate(groups):
            home[members] = g + 1
    overlap, times = np.unique(one * (len(second) + 1) + other, return_counts=True)
    match, taken = {0: 0}, {0}
    for code in overlap[np.argsort(-times, kind="stable")].tolist():
        a, b = divmod(code, len(second) + 1)
        if a not in match and b not in taken:
            match[a] = b
            taken.add(b)
    matched = np.array([match.get(g, -1) for g in range(len(first) + 1)], dtype=np.int64)
    differs: npt.NDArray[np.bool_] = matched[one] != other
    return differs
