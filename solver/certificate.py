"""The certificate of a bound: what a stranger needs in order to confirm it.

A certificate claims that no feasible grouping is worth more than ``bound``, and says why by a tree.
Each inner node splits the groupings in two, so that every grouping is in a branch, or lists the
groups that a better grouping can be made of; each leaf gives dual prices that show that no grouping
of its branch is worth more. Everything is in items of the problem and in whole numbers.

Why prices prove something (weak duality): write p(g) for what a group g pays for the items it
holds, its kind, the shared limits it uses and the cuts it is in. Then ::

    scale * value(grouping) = sum of (scale * value(g) - p(g)) over its groups + sum of p(g)

The last sum is at most the prices times the limits of their rows (the *cost*), so the grouping is
worth at most the cost plus its groups' *reduced values* scale * value(g) - p(g). A cut is a subset
row (Jepsen, Petersen, Spoorendonk & Pisinger, 2008) over an odd number of items: a group counts
once for every two of them that it holds, and a grouping's groups count at most (their number - 1)/2
together. A group pays the cut's price as often as it counts.

``solver.check_bound`` confirms a certificate without any code of the engine that made it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Version of the JSON form.
FORMAT = 1

#: Number of entries of ``subject`` and of children of each kind of step.
STEPS = {
    "number": (2, 2),
    "item": (1, 2),
    "kind": (2, 2),
    "pair": (2, 2),
    "list": (1, 1),
    "close": (1, 0),
}


@dataclass(frozen=True, slots=True)
class ItemPrices:
    """Integer dual prices, all times ``scale`` > 0.

    Attributes
    ----------
    scale : the common factor.
    items : a price for each item, >= 0 unless the item is in a group of every grouping concerned.
    kinds : a price for each kind, of either sign.
    shared : a price for each shared limit, >= 0.
    cuts : (i, j, ..., price) for each subset row: an odd number of different items, at least 3, and
        a price >= 0.
    """

    scale: int
    items: tuple[int, ...]
    kinds: tuple[int, ...]
    shared: tuple[int, ...]
    cuts: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ProofNode:
    """One step of a proof.

    Attributes
    ----------
    step : one of
        "number": subject (k, m): at most m groups of kind k, or more;
        "item": subject (i,): item i is in a group, or in none;
        "kind": subject (k, i): item i is in a group of kind k, or in none of that kind;
        "pair": subject (i, j): every group holds both items or neither, or no group holds both;
        "list": subject (p,): a better grouping is made of groups that prices p do not exclude;
        "close": subject (p,): prices p show that there is no better grouping.
    subject : see ``step``; p is a position in ``Certificate.prices``.
    children : positions in ``Certificate.nodes``, greater than the node's own, in the order above.
    """

    step: str
    subject: tuple[int, ...]
    children: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A claimed bound and its proof.

    Attributes
    ----------
    bound : no feasible grouping is worth more, in the problem's units.
    order : every item once. The first item of a group in this order is its root; prices can give
        a sharper bound, and are quicker to check, in one order than in another.
    prices : what the steps refer to.
    nodes : the tree, its root first.
    """

    bound: int
    order: tuple[int, ...]
    prices: tuple[ItemPrices, ...]
    nodes: tuple[ProofNode, ...]

    def to_json(self) -> str:
        """As one JSON object."""
        return json.dumps(
            {
                "format": FORMAT,
                "bound": self.bound,
                "order": self.order,
                "prices": [
                    {
                        "scale": prices.scale,
                        "items": prices.items,
                        "kinds": prices.kinds,
                        "shared": prices.shared,
                        "cuts": prices.cuts,
                    }
                    for prices in self.prices
                ],
                "nodes": [[node.step, node.subject, node.children] for node in self.nodes],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """What ``to_json`` wrote.

        Raises
        ------
        ValueError
            If the text is not JSON, or not of this form; whether it proves anything, and whether
            it fits a problem, is for ``check_bound`` to say.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a certificate must be JSON: {error}") from error
        fields = _object(raw, "certificate", ("format", "bound", "order", "prices", "nodes"))
        if fields["format"] != FORMAT:
            raise ValueError(f"a certificate must have format {FORMAT}, not {fields['format']!r}")
        return cls(
            bound=_integer(fields["bound"], "bound"),
            order=_integers(fields["order"], "order"),
            prices=tuple(
                _prices(entry, f"prices[{at}]")
                for at, entry in enumerate(_list(fields["prices"], "prices"))
            ),
            nodes=tuple(
                _node(entry, f"nodes[{at}]")
                for at, entry in enumerate(_list(fields["nodes"], "nodes"))
            ),
        )


def _prices(raw: Any, name: str) -> ItemPrices:
    fields = _object(raw, name, ("scale", "items", "kinds", "shared", "cuts"))
    cuts = []
    for at, cut in enumerate(_list(fields["cuts"], f"{name}.cuts")):
        numbers = _integers(cut, f"{name}.cuts[{at}]")
        if len(numbers) < 4 or len(numbers) % 2:
            raise ValueError(f"{name}.cuts[{at}] must be an odd number of items and a price")
        cuts.append(numbers)
    return ItemPrices(
        scale=_integer(fields["scale"], f"{name}.scale"),
        items=_integers(fields["items"], f"{name}.items"),
        kinds=_integers(fields["kinds"], f"{name}.kinds"),
        shared=_integers(fields["shared"], f"{name}.shared"),
        cuts=tuple(cuts),
    )


def _node(raw: Any, name: str) -> ProofNode:
    parts = _list(raw, name)
    if len(parts) != 3 or not isinstance(parts[0], str):
        raise ValueError(f"{name} must be a step, its subject and its children")
    subject, children = _integers(parts[1], name), _integers(parts[2], name)
    return ProofNode(parts[0], subject, children)


def _object(raw: Any, name: str, keys: Sequence[str]) -> dict[str, Any]:
    if not isinstance(raw, dict) or sorted(raw) != sorted(keys):
        raise ValueError(f"{name} must be an object with {', '.join(keys)}")
    return raw


def _list(raw: Any, name: str) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError(f"{name} must be a list")
    return raw


def _integer(raw: Any, name: str) -> int:
    if type(raw) is not int:
        raise ValueError(f"{name} must be a whole number, not {raw!r}")
    return raw


def _integers(raw: Any, name: str) -> tuple[int, ...]:
    return tuple(_integer(number, name) for number in _list(raw, name))
