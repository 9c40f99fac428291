"""Certificates at random: well-formed ones with any tree and prices, and damaged ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver import Certificate, GroupingProblem, ItemPrices, ProofNode

from .problems import RandomSource, Source


def random_certificate(
    rng: np.random.Generator, problem: GroupingProblem, bound: int
) -> Certificate:
    """Any tree of decisions and lists, any prices of the right sign, any order."""
    source = RandomSource(rng)
    order = tuple(int(i) for i in rng.permutation(problem.num_items))
    prices = tuple(_prices(source, problem) for _ in range(source.integer(1, 3)))
    nodes: list[ProofNode] = []
    _grow(source, problem, nodes, source.integer(0, 4), len(prices))
    return Certificate(bound, order, prices, tuple(nodes))


def _prices(source: Source, problem: GroupingProblem) -> ItemPrices:
    largest = max(1, int(np.abs(problem.pair_values).max(initial=1)))
    scale = source.pick((1, 2, 7, 1000))
    most = source.pick((0, scale, scale * largest, 3 * scale * largest))

    def price(signed: bool) -> int:
        # Many prices of 0, as duals have.
        return source.integer(-most if signed else 0, most) if source.flag(0.6) else 0

    cuts = []
    for _ in range(source.integer(0, 2) if problem.num_items > 2 else 0):
        three = sorted({source.integer(0, problem.num_items - 1) for _ in range(3)})
        if len(three) == 3:
            cuts.append((three[0], three[1], three[2], price(False)))
    return ItemPrices(
        scale=scale,
        items=tuple(price(bool(must)) for must in problem.must_join.tolist()),
        kinds=tuple(price(True) for _ in problem.kinds),
        shared=tuple(price(False) for _ in range(problem.num_shared_limits)),
        cuts=tuple(cuts),
    )


def _grow(
    source: Source, problem: GroupingProblem, nodes: list[ProofNode], depth: int, num_prices: int
) -> int:
    """Append a subtree; returns its position."""
    at = len(nodes)
    step = source.pick(("close", "list", "number", "item", "kind", "pair")) if depth else "close"
    item = problem.num_items - 1
    subject: tuple[int, ...] = {
        "number": (source.integer(0, problem.num_kinds - 1), source.integer(-1, 3)),
        "item": (source.integer(0, item),),
        "kind": (source.integer(0, problem.num_kinds - 1), source.integer(0, item)),
        "pair": (source.integer(0, item), source.integer(0, item)),
    }.get(step, (source.integer(0, num_prices - 1),))
    nodes.append(ProofNode(step, subject))
    number = {"close": 0, "list": 1}.get(step, 2)
    children = [_grow(source, problem, nodes, depth - 1, num_prices) for _ in range(number)]
    nodes[at] = ProofNode(step, subject, tuple(children))
    return at


def damaged(rng: np.random.Generator, certificate: Certificate) -> Certificate:
    """One change somewhere, mostly small; the result need not be well-formed."""
    source = RandomSource(rng)
    prices, nodes = list(certificate.prices), list(certificate.nodes)
    p = source.integer(0, len(prices) - 1)
    v = source.integer(0, len(nodes) - 1)
    how = source.pick(
        ("item", "kind", "shared", "cut", "scale", "order", "step", "subject", "children", "drop")
    )
    old, node = prices[p], nodes[v]
    change = source.pick((-1, 1, -old.scale, old.scale, 5 * old.scale, -100 * old.scale))
    if how == "item":
        prices[p] = replace(old, items=_changed(source, old.items, change))
    elif how == "kind":
        prices[p] = replace(old, kinds=_changed(source, old.kinds, change))
    elif how == "shared" and old.shared:
        prices[p] = replace(old, shared=_changed(source, old.shared, change))
    elif how == "cut":
        most = len(old.items) - 1
        three = [source.integer(0, most) for _ in range(3)]
        prices[p] = replace(old, cuts=(*old.cuts, (three[0], three[1], three[2], change)))
    elif how == "scale":
        prices[p] = replace(old, scale=source.pick((0, -1, 1, old.scale // 2, old.scale + 1)))
    elif how == "order":
        order = _changed(source, certificate.order, source.pick((-1, 1)))
        return replace(certificate, order=order)
    elif how == "step":
        step = source.pick(("close", "list", "number", "item", "kind", "pair", "none"))
        nodes[v] = replace(node, step=step)
    elif how == "subject":
        nodes[v] = replace(node, subject=_changed(source, node.subject, source.pick((-1, 1, 9))))
    elif how == "children" and node.children:
        nodes[v] = replace(node, children=_changed(source, node.children, source.pick((-1, 1))))
    elif how == "drop" and len(nodes) > 1:
        del nodes[v]
    return replace(certificate, prices=tuple(prices), nodes=tuple(nodes))


def _changed(source: Source, numbers: tuple[int, ...], change: int) -> tuple[int, ...]:
    at = source.integer(0, len(numbers) - 1)
    return (*numbers[:at], numbers[at] + change, *numbers[at + 1 :])
