"""Branch and bound, best bound first, every bound proved in integers.

A branch's relaxation gives a bound and tells which groups can still be in a better grouping of the
branch; where these are few, CP-SAT decides them, and otherwise the branch is split (``branch``).
The largest bound of the open branches bounds the problem at any time, and is published as it falls.

The relaxation is either one over the pool (``pool.PoolRelaxation``), whose pricing is a pass over
flat arrays, or one over all groups (``PricedRelaxation``), whose pricing searches within the branch
(``branch_search``): branch and price (Barnhart, Johnson, Nemhauser, Savelsbergh & Vance, 1998).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Protocol

from solver.column_generation.atoms import Atoms
from solver.column_generation.branch import Branch, everything
from solver.column_generation.columns import Columns
from solver.column_generation.generation import Generation
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import pack_some
from solver.column_generation.pool import Solved
from solver.column_generation.proof import Proof
from solver.column_generation.restricted import complete
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.problem import IntArray

#: With so few groups left CP-SAT decides a branch.
FEW = 300
_NO_BOUND = 2**62


class Relaxation(Protocol):
    """What a tree needs of a relaxation."""

    @property
    def atoms(self) -> Atoms:
        """The problem."""

    @property
    def search(self) -> GroupSearch:
        """The search over all groups."""

    @property
    def context(self) -> SolveContext:
        """The run."""

    @property
    def columns(self) -> Columns:
        """The groups it has met."""

    @property
    def beaten(self) -> int | None:
        """What a grouping must be worth more than, if anything."""

    def solve(self, branch: Branch, among: IntArray | None = None) -> Solved | None:
        """The relaxation of a branch; ``None`` if that is not possible (any more).

        Parameters
        ----------
        among : what a branch that this one is part of has left of the groups.
        """

    def left(self, branch: Branch, solved: Solved, most: int | None) -> Columns | None:
        """Groups that may be in a better grouping of the branch; ``None`` if too many."""

    def look_around(self, number: int) -> None:
        """Look for a better incumbent near the branch solved last."""


@dataclass(frozen=True, slots=True)
class PricedRelaxation:
    """The relaxation over all groups, by column generation within each branch."""

    atoms: Atoms
    search: GroupSearch
    context: SolveContext
    generation: Generation
    settings: EnumerationSettings

    @property
    def columns(self) -> Columns:
        """The groups it has met."""
        return self.generation.columns

    @property
    def beaten(self) -> int | None:
        """The incumbent's value."""
        return self.context.objective

    def solve(self, branch: Branch, among: IntArray | None = None) -> Solved | None:
        """The relaxation of a branch; ``None`` if that is not possible (any more)."""
        del among
        generation = self.generation
        generation.enter(branch)
        generation.run()
        if self.context.stopping() or generation.answer is None:
            return None
        best = generation.best
        if best is None:
            return Solved(_NO_BOUND, _NO_BOUND, generation.answer, None)
        return Solved(best.bound // best.prices.scale, best.bound, generation.answer, best.prices)

    def left(self, branch: Branch, solved: Solved, most: int | None) -> Columns | None:
        """Groups that may be in a better grouping of the branch; ``None`` if too many.

        ``branch`` must be the one solved last.
        """
        settings, objective = self.settings, self.context.objective
        best = self.generation.best
        if objective is None or best is None:
            return None
        number, units = settings.max_pool, settings.pool_units
        if most is not None:
            number, units = most, settings.branch_units
        least = best.prices.scale * (objective + 1) - best.bound
        found = self.generation.search.within(best.prices, least, number, units)
        return found.columns if found.complete else None

    def look_around(self, number: int) -> None:
        """Look for a better incumbent near the branch solved last."""
        answer = self.generation.answer
        if self.atoms.num_atoms <= self.settings.max_dived_atoms:
            self.generation.diver().dive(number % 2)
        if answer is not None and not self.context.stopping():
            seconds = self.settings.completion_seconds
            complete(self.atoms, self.columns, answer.weights, number, self.context, seconds)


def explore(
    relaxation: Relaxation, packing_units: int, max_branches: int | None, proof: Proof
) -> bool:
    """Prove the best grouping of the relaxation's groups; whether the run is over.

    These must be all groups that can be in a grouping worth more than ``relaxation.beaten``.

    Parameters
    ----------
    packing_units : work for one packing.
    max_branches : branches after which to give up.
    proof : is told what is proved.
    """
    context, atoms = relaxation.context, relaxation.atoms
    # No grouping is worth less: a bound below proves that a branch has none.
    worst = -atoms.max_total_groups * relaxation.search.largest
    numbered = 0
    open_branches: list[tuple[int, int, Branch, IntArray | None]] = []

    def push(bound: int, branch: Branch, among: IntArray | None) -> None:
        nonlocal numbered
        numbered += 1
        heapq.heappush(open_branches, (-bound, -numbered, branch, among))

    push(_NO_BOUND, everything(atoms), None)
    while open_branches and not context.stopping():
        best = -open_branches[0][0]
        if best < _NO_BOUND:
            context.prove_bound(best if relaxation.beaten is None else max(best, relaxation.beaten))
            if context.stopping():
                return True
        if max_branches is not None and numbered > 2 * max_branches:
            return False
        _, _, branch, among = heapq.heappop(open_branches)
        solved = relaxation.solve(branch, among)
        if solved is None:
            return context.stopping()
        if solved.prices is not None:
            proof.bounded(branch, solved.prices, solved.left is not None)
        bound = min(best, solved.bound)
        if bound < worst or (relaxation.beaten is not None and bound <= relaxation.beaten):
            continue
        few = relaxation.left(branch, solved, FEW)
        if few is not None and _pack(relaxation, few, packing_units, branch, solved):
            continue
        if context.stopping():
            return True
        children = branch.split(relaxation.columns, solved.answer.weights)
        if children is None:
            rest = relaxation.left(branch, solved, None)
            if rest is None or not _pack(relaxation, rest, None, branch, solved):
                return context.stopping()
            continue
        proof.split(branch, children)
        for child in children:
            push(bound, child, solved.left)
        splits = numbered // 2  # the root is 1, and each brings two
        if splits & (splits - 1) == 0:
            relaxation.look_around(splits.bit_length() - 1)
    if not context.stopping():
        if relaxation.beaten is None:
            context.prove_infeasible()
        else:
            context.prove_bound(relaxation.beaten)
    return True


def _pack(
    relaxation: Relaxation, columns: Columns, units: int | None, branch: Branch, solved: Solved
) -> bool:
    """Find a better incumbent among columns of a branch; whether the best one is known then."""
    return pack_some(
        relaxation.atoms,
        columns,
        relaxation.context,
        units,
        branch,
        solved.prices,
        relaxation.beaten,
    )
