"""Classes of what must be together: union-find with path halving (Tarjan & van Leeuwen 1984)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from solver.problem import GroupingProblem


def classes(number: int, links: Iterable[Sequence[int]]) -> list[list[int]]:
    """The classes of 0 .. number - 1 in which the members of each link are together.

    Each class is ascending, and they are in the order of their first members.
    """
    leader = list(range(number))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for link in links:
        for i in link[1:]:
            first, second = sorted((find(link[0]), find(i)))
            leader[second] = first
    out: dict[int, list[int]] = {}
    for i in range(number):
        out.setdefault(find(i), []).append(i)
    return list(out.values())


def bound_items(problem: GroupingProblem) -> list[list[int]]:
    """Classes of items that ``together`` rules and pins hold in one group, or all out."""
    return classes(problem.num_items, (*problem.together, *(pin.members for pin in problem.pinned)))
