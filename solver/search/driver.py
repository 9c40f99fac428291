"""The search strategy: annealing in cycles, from the incumbent and from scratch by turns.

Each cycle anneals once, from a temperature at which most changes of value pass to one at which
few do (both in units of the mean change of value, measured first); cycles grow longer until they
bring nothing. Where a table of gains can be kept, generations of pools take the place of the
cycles (see ``recombination``), the incumbent in every other pool. Kernels run in chunks between
looks at the limits, and improvements are offered as they come. No bound is claimed.
"""

from __future__ import annotations

import threading

import numpy as np

from solver.context import SolveContext
from solver.search import prepare, prepared
from solver.search.atoms import contract
from solver.search.engine import Engine, pins_only
from solver.search.recombination import PoolSearch
from solver.search.table import Groups, TableEngine, parts_of, tabulates

#: Cycles without an improvement after which the search ends, once a feasible grouping is known.
MAX_FRUITLESS = 6
#: Cycles after which it ends if none is known.
MAX_HOPELESS = 12
#: Moves of the first cycle per atom, how much longer each cycle is than the one before, and the
#: longest.
FIRST_MOVES, GROWTH, LONGEST = 600, 1.5, 200_000_000
#: Temperatures at both ends of a cycle, in units of the mean change of value.
HOT, COLD = 0.8, 0.03
#: Moves an atom of the cycles that make a start for generations.
START_MOVES = 100
#: Moves that measure the mean change of value.
TRIAL_MOVES = 2_000
#: Ticks a work unit (a microsecond) stands for; 130-300 ticks a move took 0.7-1.8 us.
TICKS_A_UNIT = 170
#: How far apart the seeds of two turns are: further than those of companions.
A_TURN = 1_000_003
#: Seconds between two looks at the limits while kernels are compiled.
_POLL_SECONDS = 0.02
#: Ticks between two looks at the limits, about a tenth of a second.
CHUNK_TICKS = 17_000_000


def run_search(context: SolveContext, turn: int = 0) -> None:
    """Improve groupings by annealing until limits or stagnation end it."""
    context.phase("search")
    atoms = contract(context.problem)
    context.charge(1000 + atoms.num_atoms + len(atoms.adj))
    if atoms.flaw is not None or context.stopping() or not compiled_in_time(context):
        return
    seed = (context.limits.seed + A_TURN * turn) % 2**31
    _Search(context, Engine(atoms, seed), seed).run()


def compiled_in_time(context: SolveContext) -> bool:
    """Compile the kernels, once a process; returns whether time is left then.

    Without a cache from an earlier process that takes some ten seconds. Where the clock counts it
    happens on another thread, so that a time limit, an observer or Ctrl-C need not wait for it; the
    compiling goes on then, and the next process finds its cache.
    """
    if prepared():
        return True
    if context.remaining_seconds is None:
        _join_compiling()
        prepare()
        return True
    compiling = _compile_beside()
    while compiling.is_alive():
        compiling.join(_POLL_SECONDS)
        if context.stopping():
            context.note("search: the limits ended while its kernels were being compiled")
            return False
    if compiling.trouble is not None:
        raise compiling.trouble
    return True


class _Compiling(threading.Thread):
    """Compiles the kernels; what goes wrong is carried to the solving thread, which raises it."""

    def __init__(self) -> None:
        super().__init__(name="compile-search")
        self.trouble: BaseException | None = None

    def run(self) -> None:
        """Compile."""
        try:
            prepare()
        except BaseException as error:
            self.trouble = error


#: The thread that compiles or has compiled. A solve that ended before it leaves it to the next one,
#: and one that begins beside another waits for the same: two that compile the same kernels at a
#: time would be in each other's way.
_compiling: _Compiling | None = None
_compiling_lock = threading.Lock()


def _compile_beside() -> _Compiling:
    """The thread that compiles, begun if there is none at work."""
    global _compiling  # noqa: PLW0603
    with _compiling_lock:
        if _compiling is None or not (_compiling.is_alive() or prepared()):
            _compiling = _Compiling()
            _compiling.start()
        return _compiling


def compiling_ended(context: SolveContext) -> bool:
    """Wait for a thread that another solve left compiling; returns whether time is left then.

    numba compiles one function at a time in a process: whoever needs another kernel meanwhile waits
    for that thread, and would do so without a look at the limits.
    """
    compiling = _compiling
    while compiling is not None and compiling.is_alive():
        compiling.join(_POLL_SECONDS)
        if context.stopping():
            context.note("the limits ended while another solve's kernels were being compiled")
            return False
    return True


def _join_compiling() -> None:
    """Wait for a thread that still compiles."""
    if _compiling is not None:
        _compiling.join()


class _Search:
    """One run of the strategy."""

    def __init__(self, context: SolveContext, engine: Engine, seed: int) -> None:
        self.context, self.engine, self._seed = context, engine, seed
        self.scratch = pins_only(engine.atoms)
        self._charged = 0

    def run(self) -> None:
        """Cycles, each from the incumbent or from scratch, or generations of pools."""
        context, engine = self.context, self.engine
        engine.load(self.scratch)
        engine.begin(TRIAL_MOVES, 1.0, 1.0)
        self._anneal(TRIAL_MOVES)
        if tabulates(engine.atoms):
            self._generations()
            return
        moves = float(FIRST_MOVES * max(1, engine.atoms.num_atoms))
        fruitless = cycle = 0
        while not context.stopping():
            known = context.objective is not None
            if fruitless >= (MAX_FRUITLESS if known else MAX_HOPELESS):
                return
            before = context.objective
            engine.measure()
            if cycle % 2 == 0 or not known:
                engine.load(self.scratch)
                engine.begin(int(moves), HOT, COLD)
            else:
                engine.load(self._incumbent())
                engine.begin(int(moves), HOT / 3, COLD)
            self._anneal(int(moves))
            fruitless = fruitless + 1 if context.objective == before else 0
            moves = min(moves * GROWTH, LONGEST)
            cycle += 1

    def _generations(self) -> None:
        """Short cycles until a grouping is feasible, and generations of pools from such starts."""
        context, atoms = self.context, self.engine.atoms
        table = TableEngine(atoms, parts_of(atoms), self._seed)
        context.charge(table.table.weight.size // 1000)
        pools = PoolSearch(context, table, np.random.default_rng(self._seed))
        moves = START_MOVES * max(1, atoms.num_atoms)
        fruitless = generation = 0
        while not context.stopping():
            known = context.objective is not None
            if fruitless >= (MAX_FRUITLESS if known else MAX_HOPELESS):
                return
            before = context.objective
            self.engine.forget()
            self.engine.measure()
            self.engine.load(self.scratch)
            self.engine.begin(moves, HOT, COLD)
            self._anneal(moves)
            if context.objective is None:
                fruitless, moves = fruitless + 1, 2 * moves
                continue
            start = self._incumbent()
            keep = start if generation % 2 == 0 else None
            if self.engine.best is not None:
                start = self.engine.best_groups()
            pools.generation(start, keep)
            fruitless = fruitless + 1 if context.objective == before else 0
            generation += 1

    def _anneal(self, moves: int) -> None:
        """Anneal in chunks, within the limits, and offer what is better after each."""
        context, engine = self.context, self.engine
        while engine.moves < moves and not context.stopping():
            left, ticks = context.remaining_work, CHUNK_TICKS
            if left is not None:
                ticks = min(ticks, left * TICKS_A_UNIT)
            at = engine.moves
            engine.go(moves - at, ticks)
            units = (engine.ticks - self._charged) // TICKS_A_UNIT
            self._charged += units * TICKS_A_UNIT
            context.charge(max(1, units))
            best = engine.best
            if best is not None and (context.objective is None or best > context.objective):
                context.offer(engine.best_grouping())
            if engine.moves == at:
                return  # nothing can move

    def _incumbent(self) -> Groups:
        """The incumbent's groups as (kind, atoms)."""
        grouping, of_item = self.context.grouping, self.engine.atoms.of_item
        assert grouping is not None
        return [
            (group.kind, sorted({int(of_item[i]) for i in group.members})) for group in grouping
        ]
