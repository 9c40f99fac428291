"""How alike two groupings of one instance are.

Two strategies may reach the same value with other groups, and nearly the same groups may differ
in value. Both measures here look at pairs of items; the kinds of the groups do not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from benchmarks.league.judging import is_verified
from benchmarks.league.rows import Row

#: A grouping as in a row: [kind, [items]] for each group.
Groups = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of items within a group: of the one, of the other, and of both."""

    one: int
    other: int
    both: int


def shared_pairs(one: Groups, other: Groups) -> float:
    """Jaccard index of the pairs within groups: ``|A ∩ B| / |A ∪ B|``.

    Items without a group are in no pair. Two groupings without any pair are alike: 1.
    """
    pairs = _pairs(one, other)
    union = pairs.one + pairs.other - pairs.both
    return pairs.both / union if union else 1.0


def adjusted_rand_index(one: Groups, other: Groups, num_items: int) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985) of two groupings of ``num_items`` items.

    With ``a`` and ``b`` pairs within the groups of each, ``m`` within those of both and
    ``N = n (n - 1) / 2`` pairs in all::

        ARI = (m - a b / N) / ((a + b) / 2 - a b / N)

    1 for the same partition, about 0 for two that have nothing to do with each other, possibly
    below 0. Items without a group are groups of their own. Where the quotient is 0 / 0 (both have
    only single items, or both are one group) the partitions are the same: 1.
    """
    pairs = _pairs(one, other)
    total = comb(num_items, 2)
    # All over N: whole numbers until the division, so that equal partitions give exactly 1.
    chance = pairs.one * pairs.other
    numerator = 2 * (pairs.both * total - chance)
    denominator = (pairs.one + pairs.other) * total - 2 * chance
    return numerator / denominator if denominator else 1.0


def _pairs(one: Groups, other: Groups) -> _Pairs:
    label = {item: place for place, (_, items) in enumerate(other) for item in items}
    both = 0
    for _, items in one:
        together = Counter(label[item] for item in items if item in label)
        both += sum(comb(count, 2) for count in together.values())
    return _Pairs(_within(one), _within(other), both)


def _within(groups: Groups) -> int:
    return sum(comb(len(items), 2) for _, items in groups)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the groupings of each two strategies are, as a mean over instances.

    Attributes
    ----------
    strategies : names, in the order of both axes.
    shares, rand : Jaccard index of pairs and adjusted Rand index; ``None`` where no instance has
        groupings of both. On the diagonal: the first two seeds of the one strategy.
    counts : number of instances compared.
    """

    strategies: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]
    rand: tuple[tuple[float | None, ...], ...]
    counts: tuple[tuple[int, ...], ...]


def likeness(
    rows: Iterable[Row], strategies: Sequence[str], num_items: Mapping[str, int]
) -> Likeness:
    """Compare the verified groupings of each two strategies, instance by instance.

    Each strategy is stood for by its lowest seed with a grouping; the diagonal compares that with
    the next seed. ``num_items`` is by instance; one that is not in it has the items that any of
    its groupings names.
    """
    found: dict[str, dict[str, list[Groups]]] = {}
    for row in sorted(rows, key=lambda row: (row.key.instance, row.key.strategy, row.key.seed)):
        if is_verified(row) and row.answer.groups is not None:
            of = found.setdefault(row.key.instance, {})
            of.setdefault(row.key.strategy, []).append(row.answer.groups)
    size = len(strategies)
    sums = [[[0.0, 0.0, 0.0] for _ in range(size)] for _ in range(size)]
    for instance, of in found.items():
        items = num_items.get(instance) or _items_named(of.values())
        for i, first in enumerate(strategies):
            for j in range(i, size):
                one, other = of.get(first, []), of.get(strategies[j], [])
                if i == j:
                    other = other[1:]
                if not one or not other:
                    continue
                share = shared_pairs(one[0], other[0])
                rand = adjusted_rand_index(one[0], other[0], items)
                for cell in (sums[i][j], sums[j][i]) if i != j else (sums[i][i],):
                    cell[0] += share
                    cell[1] += rand
                    cell[2] += 1
    return Likeness(
        tuple(strategies),
        tuple(tuple(_mean(c[0], c[2]) for c in line) for line in sums),
        tuple(tuple(_mean(c[1], c[2]) for c in line) for line in sums),
        tuple(tuple(int(c[2]) for c in line) for line in sums),
    )


def _mean(total: float, count: float) -> float | None:
    return total / count if count else None


def _items_named(of: Iterable[list[Groups]]) -> int:
    """Items that any of the groupings names, from 0 on."""
    items = [item for many in of for groups in many for _, members in groups for item in members]
    return 1 + max(items, default=0)
