"""Cliques of small graphs, exactly or not at all: a search counts its steps and stops at a limit.

Adjacency is one Python integer a node, whose bits are the neighbours: sets of hundreds of firms are
then cut with one operation, and the same graph always takes the same steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

#: A step is one node tried; so many take about a second.
MOST_STEPS = 200_000


class CliqueSearch:
    """Looks for cliques in one graph with one purse of steps for all questions.

    Parameters
    ----------
    num_nodes : nodes are 0 to ``num_nodes`` - 1.
    edges : pairs of different nodes, in any order.
    steps : how many nodes may be tried in all; beyond that every answer is ``None``.
    """

    def __init__(
        self, num_nodes: int, edges: Collection[tuple[int, int]], steps: int = MOST_STEPS
    ) -> None:
        self.steps_left = steps
        self.near = [0] * num_nodes
        for a, b in edges:
            self.near[a] |= 1 << b
            self.near[b] |= 1 << a

    def through(self, node: int, size: int) -> tuple[int, ...] | None:
        """A clique of ``size`` nodes that holds a node; () if none does, ``None`` if not known."""
        if size <= 1:
            return (node,)
        found = self._search(self._core(self.near[node], size - 1), size - 1)
        return (*found, node) if found else found

    def nodes_in_cliques(self, size: int) -> list[bool | None]:
        """For each node whether some clique of ``size`` nodes holds it; ``None`` if not known."""
        everyone = (1 << len(self.near)) - 1
        candidates = self._core(everyone, size)
        out: list[bool | None] = [False] * len(self.near)
        for node in _bits(candidates):
            if out[node]:
                continue
            found = self.through(node, size)
            if found is None:
                out[node] = None
            for member in found or ():
                out[member] = True  # one clique answers for all who are in it
        return out

    def largest(self) -> int | None:
        """Nodes of a largest clique; ``None`` if not known."""
        everyone = (1 << len(self.near)) - 1
        size = 1 if self.near else 0
        while size:
            found = self._search(self._core(everyone, size + 1), size + 1)
            if found is None:
                return None
            if not found:
                break
            size = len(found)
        return size

    def _core(self, among: int, size: int) -> int:
        """Nodes left when those with fewer than ``size`` - 1 neighbours left are taken away."""
        while True:
            weak = 0
            for node in _bits(among):
                if (self.near[node] & among).bit_count() < size - 1:
                    weak |= 1 << node
            if not weak:
                return among
            among &= ~weak

    def _search(self, among: int, size: int) -> tuple[int, ...] | None:
        """A clique of ``size`` nodes in a set; () if it holds none, ``None`` out of steps."""
        if size <= 0:
            return ()
        # Nodes of one colour are no neighbours, so a clique takes one of each colour at most:
        # only nodes whose colour is the size-th or later can open a clique so large.
        for node, colour in reversed(self._coloured(among)):
            if colour < size:
                return ()
            self.steps_left -= 1
            if self.steps_left < 0:
                return None
            if size == 1:
                return (node,)
            found = self._search(among & self.near[node], size - 1)
            if found is None or found:
                return None if found is None else (*found, node)
            among &= ~(1 << node)
        return ()

    def _coloured(self, among: int) -> Sequence[tuple[int, int]]:
        """Nodes with their colours 1, 2, ..., greedily, by colour."""
        out = []
        colour = 0
        while among:
            colour += 1
            free = among
            while free:
                node = (free & -free).bit_length() - 1
                out.append((node, colour))
                among &= ~(1 << node)
                free &= ~(1 << node) & ~self.near[node]
        return out


def _bits(nodes: int) -> Iterator[int]:
    while nodes:
        low = nodes & -nodes
        yield low.bit_length() - 1
        nodes ^= low
