"""Branch and bound over the pool, best bound first, every bound proved in integers.

A branch's relaxation over the pool, with the cuts met so far, gives a bound and leaves out the
groups that cannot be in a better grouping of the branch; where few are left, CP-SAT decides them.
The largest bound of the open branches bounds the problem at any time.
"""

from __future__ import annotations

import heapq

from solver.column_generation.branch import Branch, everything
from solver.column_generation.packing import improve, pack_some
from solver.column_generation.pool import PoolRelaxation
from solver.column_generation.proof import Proof

#: With so few groups left CP-SAT decides a branch.
FEW = 300


def explore(
    relaxation: PoolRelaxation, packing_units: int, max_branches: int | None, proof: Proof
) -> bool:
    """Prove the best grouping of pool groups; whether the run is over.

    The pool must hold all that can matter.

    Parameters
    ----------
    packing_units : work for one packing.
    max_branches : branches after which to give up.
    proof : is told what is proved.
    """
    context, atoms = relaxation.context, relaxation.atoms
    numbered = 0
    open_branches: list[tuple[int, int, Branch]] = []

    def push(bound: int, branch: Branch) -> None:
        nonlocal numbered
        numbered += 1
        heapq.heappush(open_branches, (-bound, -numbered, branch))

    push(2**62, everything(atoms))
    while open_branches and not context.stopping():
        best = -open_branches[0][0]
        if numbered > 1:
            context.prove_bound(best if context.objective is None else max(best, context.objective))
            if context.stopping():
                return True
        if max_branches is not None and numbered > 2 * max_branches:
            return False
        _, _, branch = heapq.heappop(open_branches)
        solved = relaxation.solve(branch)
        if solved is None:
            return context.stopping()
        proof.bounded(branch, solved.prices)
        if context.objective is not None and solved.bound <= context.objective:
            continue
        if len(solved.left) <= FEW and pack_some(
            atoms, relaxation.pool.take(solved.left), context, packing_units
        ):
            continue
        children = branch.split(relaxation.columns, solved.answer.weights)
        if children is None:
            if not pack_some(atoms, relaxation.pool.take(solved.left), context, None):
                return context.stopping()
            continue
        proof.split(branch, children)
        for child in children:
            push(min(best, solved.bound), child)
        if numbered & (numbered - 1) == 0:
            improve(atoms, relaxation.columns, context, packing_units)
    if not context.stopping():
        if context.objective is None:
            context.prove_infeasible()
        else:
            context.prove_bound(context.objective)
    return True
