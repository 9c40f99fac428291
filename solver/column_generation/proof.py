"""Keeps what a run has proved, and writes it down as a certificate in items.

The course of a run is a tree already: the groups may have been listed once and for all and then
dropped by prices, again and again (a chain of lists), and what is left may have been branched on.
A leaf closes by the last prices of its branch. ``Proof.certificate`` can be asked for at any time:
what is proved later adds to it, or takes its place where it proves more, so it proves at least what
had been published before. A list that may come to nothing is kept in a proof of its own, which is
adopted once it has lowered the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.certificate import Certificate, ItemPrices, ProofNode
from solver.column_generation.atoms import Atoms
from solver.column_generation.branch import Branch, everything
from solver.column_generation.columns import Prices

#: A tree of more nodes is not kept.
MOST_NODES = 100_000


@dataclass(slots=True)
class _Part:
    """A branch: its prices, or those of the branch it was split from, and what it was split into.

    Attributes
    ----------
    prices : prices that bound it.
    children : its branches, none at a leaf.
    lists : whether the groups that the prices exclude are left out in its branches.
    """

    prices: Prices
    children: tuple[Branch, ...] = ()
    lists: bool = False


class Proof:
    """What has been proved so far."""

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms
        self._root = everything(atoms)
        self._chain: list[Prices] = []
        self._best: Prices | None = None
        self._parts: dict[Branch, _Part] = {}

    def relaxed(self, prices: Prices) -> None:
        """These prices bound the problem better than all that was published before."""
        self._chain, self._best, self._parts = [], prices, {}

    def listed(self, prices: Prices | None) -> None:
        """The groups that these prices do not exclude (or all that there are) have been listed."""
        self._chain = [] if prices is None else [prices]
        self._best, self._parts = prices, {}

    def narrowed(self, prices: Prices) -> None:
        """These prices bound the groupings of listed groups, and have excluded some groups."""
        self._chain.append(prices)
        self._best = prices

    def adopt(self, other: Proof) -> None:
        """Know what another proof knows, and nothing else."""
        self._chain, self._best, self._parts = other._chain, other._best, other._parts

    def bounded(self, branch: Branch, prices: Prices, lists: bool) -> None:
        """These prices bound a branch; groups that they exclude may be left out in its branches."""
        self._parts[branch] = _Part(prices, lists=lists)

    def split(self, branch: Branch, children: tuple[Branch, ...]) -> None:
        """A bounded branch has been split in two; its prices bound both."""
        part = self._parts.get(branch)
        if part is not None and branch not in children and len(self._parts) < MOST_NODES:
            part.children = children
            for child in children:
                self._parts[child] = _Part(part.prices)

    def certificate(self, bound: int) -> Certificate | None:
        """The certificate of a bound, from all that is known by now; ``None`` if that is nothing.

        Parameters
        ----------
        bound : a proved bound, in the problem's units.
        """
        if self._best is None and self._root not in self._parts:
            return None
        writer = _Writer(self._atoms)
        for prices in self._chain:
            writer.add("list", (writer.place(prices),), 1)
        # Parents come before children: (position of the parent's entry, branch).
        if self._root not in self._parts:
            assert self._best is not None
            writer.add("close", (writer.place(self._best),), 0)
        else:
            self._write_tree(writer)
        return Certificate(
            int(bound), writer.order(), tuple(writer.prices), tuple(writer.finished())
        )

    def _write_tree(self, writer: _Writer) -> None:
        """In the order in which ``finished`` hands out children: breadth first."""
        waiting = [(self._root, False)]
        for branch, listed in waiting:
            part = self._parts[branch]
            step = _step(part.children) if part.children else None
            if step is None:
                writer.add("close", (writer.place(part.prices),), 0)
            elif part.lists and not listed:
                writer.add("list", (writer.place(part.prices),), 1)
                waiting.append((branch, True))
            else:
                name, subject, swapped = step
                writer.add(name, writer.items_of(name, subject), 2)
                children = part.children[::-1] if swapped else part.children
                waiting += [(child, False) for child in children]


class _Writer:
    """Nodes in breadth-first order, and each price once."""

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms
        self._first = [items[0] for items in atoms.items]
        self._places: dict[int, int] = {}
        self._nodes: list[tuple[str, tuple[int, ...], int]] = []
        self.prices: list[ItemPrices] = []

    def order(self) -> tuple[int, ...]:
        """Items in the order of the atoms."""
        return tuple(i for items in self._atoms.items for i in items)

    def add(self, step: str, subject: tuple[int, ...], children: int) -> None:
        """A node with so many children, which will be the next nodes without a parent."""
        self._nodes.append((step, subject, children))

    def finished(self) -> list[ProofNode]:
        """All nodes, with their children's positions."""
        out, free = [], 1
        for step, subject, number in self._nodes:
            out.append(ProofNode(step, subject, tuple(range(free, free + number))))
            free += number
        return out

    def items_of(self, step: str, subject: tuple[int, ...]) -> tuple[int, ...]:
        """A step's subject, with the first item of each atom."""
        if step == "number":
            return subject
        if step == "kind":
            return subject[0], self._first[subject[1]]
        return tuple(self._first[atom] for atom in subject)

    def place(self, prices: Prices) -> int:
        """The position of prices; an atom's price is that of its first item."""
        known = self._places.get(id(prices))
        if known is None:
            known = self._places[id(prices)] = len(self.prices)
            self.prices.append(self._in_items(prices))
        return known

    def _in_items(self, prices: Prices) -> ItemPrices:
        items = np.zeros(self._atoms.problem.num_items, np.int64)
        items[self._first] = prices.atoms
        cuts = zip(prices.odd_sets, prices.cuts.tolist(), strict=True)
        return ItemPrices(
            scale=int(prices.scale),
            items=tuple(items.tolist()),
            kinds=tuple(prices.kinds.tolist()),
            shared=tuple(prices.shared.tolist()),
            cuts=tuple(
                (*(self._first[atom] for atom in odd_set), price)
                for odd_set, price in cuts
                if price
            ),
        )


def _step(children: tuple[Branch, ...]) -> tuple[str, tuple[int, ...], bool] | None:
    """The step that splits into two branches, and whether they are in the other order.

    ``None`` if it is no step that certificates know.
    """
    one, other = children
    for k, (a, b) in enumerate(zip(one.most, other.most, strict=True)):
        if a != b or one.least[k] != other.least[k]:
            fewer = one if (a, one.least[k]) < (b, other.least[k]) else other
            return "number", (k, fewer.most[k]), fewer is other
    # The branch in which the atom is in a group of the kind bans it from all other kinds.
    for first, second in ((one, other), (other, one)):
        banned = second.banned - first.banned
        if len(banned) == 1 and first.covered >= second.covered:
            (place,) = banned
            return "kind", place, first is other
    only = one.covered ^ other.covered
    if only:
        return "item", tuple(sorted(only)), only <= other.covered
    for first, second in ((one, other), (other, one)):
        pairs = set(first.joined) - set(second.joined)
        if pairs:
            (pair,) = pairs
            return "pair", pair, first is other
    return None
