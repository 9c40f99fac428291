"""Light strategies: what people use instead, and starting points for the heavy ones.

``greedy``
    Grows a group around every seed by best marginal value (``search.growth``), takes the best,
    and goes on with the items that are left.
``louvain``
    Communities of the graph of positive pair values (Blondel et al. 2008, networkx), each cut into
    groups by the same growth.
``random``
    Random groups that keep the rules; the best of many tries.

None proves a bound. Each mends what is left broken by ``repair``'s single moves, and offers only
feasible groupings.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from solver.context import SolveContext
from solver.repair import settle
from solver.search.atoms import FREE, Atoms, contract
from solver.search.draft import Draft
from solver.search.growth import Grower, Growth

BoolArray = npt.NDArray[np.bool_]

#: Seeds tried a kind and round; more are thinned out evenly, best own values first.
_MAX_SEEDS = 400
#: Tries of ``random`` where the limits do not end it before.
_RANDOM_TRIES = 200
#: Tries after which it ends if none was feasible: each mends in vain for a long time.
_HOPELESS_TRIES = 20
#: Work units of one step of growth, measured at about 40 microseconds.
_UNITS_A_STEP = 40


def greedy(context: SolveContext) -> None:
    """Best group first, until none adds value; deterministic."""
    builder = _Builder(context)
    if builder.atoms.flaw is None:
        context.phase("greedy")
        draft = Draft(builder.atoms)
        builder.fill(draft, builder.everyone)
        builder.finish(draft, np.random.default_rng(0))


def louvain(context: SolveContext) -> None:
    """Communities of positive pair values, cut into groups."""
    builder = _Builder(context)
    if builder.atoms.flaw is None:
        context.phase("louvain")
        draft = Draft(builder.atoms)
        for community in _communities(builder.atoms, context.limits.seed):
            if context.stopping():
                break
            mask = np.zeros(builder.atoms.num_atoms, dtype=bool)
            mask[community] = True
            builder.fill(draft, mask)
        builder.finish(draft, context.rng())


def random_grouping(context: SolveContext) -> None:
    """Random groups within the rules; the best of many tries."""
    builder = _Builder(context)
    if builder.atoms.flaw is not None:
        return
    context.phase("random")
    rng = context.rng()
    for tried in range(_RANDOM_TRIES):
        if tried >= _HOPELESS_TRIES and context.objective is None:
            break
        draft = Draft(builder.atoms)
        builder.scatter(draft, rng)
        builder.finish(draft, rng)
        if context.stopping():
            break


class _Builder:
    """Builds drafts of one problem and offers what is feasible."""

    def __init__(self, context: SolveContext) -> None:
        self.context = context
        self.atoms = contract(context.problem)
        context.charge(100 + self.atoms.num_atoms + len(self.atoms.adj))
        self.grower = Grower(self.atoms)
        self.everyone = self.atoms.role == FREE

    def fill(self, draft: Draft, among: BoolArray) -> None:
        """Open the best group of some atoms again and again, while that adds value."""
        kinds = range(self.atoms.problem.num_kinds)
        grown: dict[tuple[int, int], Growth | None] = {}
        while not self.context.stopping():
            free = among & (np.array(draft.home) < 0)
            best: Growth | None = None
            for k in kinds:
                for a in self._seeds(k, free):
                    growth = self._grown(grown, a, k, free)
                    if growth is None or not draft.room_for(k, growth.atoms):
                        continue
                    if best is None or growth.value > best.value:
                        best = growth
                    if self.context.stopping():
                        return
            if best is None or not self._wanted(draft, best):
                return
            draft.open(best.kind, best.atoms)
            draft.commit()

    def scatter(self, draft: Draft, rng: np.random.Generator) -> None:
        """Open random groups around random seeds until a coin or the atoms say stop."""
        atoms = self.atoms
        scale = float(np.abs(atoms.pair_value).max(initial=1)) * 100.0 + 1.0
        stop_chance = float(rng.random()) / 2
        for a in rng.permutation(atoms.num_atoms).tolist():
            if draft.home[a] >= 0 or not self.everyone[a]:
                continue
            free = self.everyone & (np.array(draft.home) < 0)
            k = int(rng.integers(atoms.problem.num_kinds))
            noise = rng.random(atoms.num_atoms) * scale
            growth = self.grower.grow((a,), k, free, noise)
            self.context.charge(_UNITS_A_STEP * (1 + (growth.steps if growth else 0)))
            if growth is not None and draft.room_for(k, growth.atoms):
                draft.open(k, growth.atoms)
                draft.commit()
            if self.context.stopping() or rng.random() < stop_chance:
                return

    def finish(self, draft: Draft, rng: np.random.Generator) -> None:
        """Mend what is broken, and offer the draft if it keeps every rule."""
        steps = 60 + 2 * min(self.atoms.num_atoms, 500)
        if draft.off > 0:
            self.context.charge(_UNITS_A_STEP * steps)
            # These steps are charged beforehand: a work limit lets them end.
            by_work = self.context.limits.work is not None
            settle(draft, rng, steps, None if by_work else self.context.stopping)
        if draft.off == 0:
            self.context.offer(draft.grouping())

    def _grown(
        self, grown: dict[tuple[int, int], Growth | None], a: int, k: int, free: BoolArray
    ) -> Growth | None:
        """A growth, kept while all of its atoms are free."""
        known = grown.get((a, k))
        if known is not None and free[list(known.atoms)].all():
            return known
        if known is None and (a, k) in grown:
            return None  # fewer free atoms make no group where there was none
        growth = self.grower.grow((a,), k, free)
        self.context.charge(_UNITS_A_STEP * (1 + (growth.steps if growth else 0)))
        grown[a, k] = growth
        return growth

    def _seeds(self, kind: int, free: BoolArray) -> list[int]:
        """Free atoms that fit a kind, best own value first, at most ``_MAX_SEEDS``."""
        able = np.flatnonzero(free & self.atoms.fit[kind])
        order = able[np.argsort(-self.atoms.own[kind, able], kind="stable")]
        step = max(1, -(-len(order) // _MAX_SEEDS))
        chosen: list[int] = order[::step].tolist()
        return chosen

    def _wanted(self, draft: Draft, growth: Growth) -> bool:
        """Whether opening a group adds value, or brings an obliged draft nearer to its rules."""
        if growth.value > 0:
            return True
        before, mark = draft.off, draft.mark()
        draft.open(growth.kind, growth.atoms)
        nearer = draft.off < before
        draft.undo(mark)
        return nearer


def _communities(atoms: Atoms, seed: int) -> Iterable[list[int]]:
    """Louvain communities of the atoms, in the order of their first atoms."""
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(atoms.num_atoms))
    best = np.where(atoms.pair_bad, 0, atoms.pair_value).max(axis=0, initial=0)
    for a in range(atoms.num_atoms):
        for e in range(int(atoms.ptr[a]), int(atoms.ptr[a + 1])):
            b = int(atoms.adj[e])
            if a < b and best[e] > 0:
                graph.add_edge(a, b, weight=float(best[e]))
    found = nx.community.louvain_communities(graph, seed=seed)
    return sorted(sorted(community) for community in found)
