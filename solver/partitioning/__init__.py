"""Free grouping, proved: strategy "partition" (see ``model`` for which problems these are).

``model`` recognises the structure; ``reduction`` decides what it can and splits the rest into
components; ``local_search`` finds partitions; ``relaxation`` bounds them by a linear programme over
pairs, in exact arithmetic, with the inequalities that ``separation`` finds; ``branching`` closes
what gap is left.
"""

from __future__ import annotations

from solver.context import SolveContext
from solver.problem import GroupingProblem


def applies(problem: GroupingProblem) -> bool:
    """Whether strategy "partition" can solve the problem; see ``model``."""
    from solver.partitioning import model

    return model.applies(problem)


def partition(context: SolveContext) -> None:
    """Strategy "partition"; see ``strategy``. numba and OR-Tools are loaded only when it runs."""
    from solver.partitioning.strategy import run_partition

    run_partition(context)


def partition_within_reach(context: SolveContext) -> bool:
    """The same, but what cannot be proved within the limits is left; returns whether nothing is."""
    from solver.partitioning.strategy import run_partition

    return run_partition(context, gives_up=True)


__all__ = ["applies", "partition", "partition_within_reach"]
