"""Published families of grouping problems, each as the special case it is.

Everything is in integers; whoever holds published decimals scales them by a power of ten that
loses no digit. Pairs worth 0 are not listed: an absent pair is worth 0 too.

- Clique partitioning (correlation clustering, modularity): M. Grötschel, Y. Wakabayashi, "A
  cutting plane algorithm for a clustering problem", Mathematical Programming 45, 1989.
- Weighted cluster editing: the same; its cost is the sum of the positive values less the value.
- Maximally diverse grouping: M. Gallego et al., Journal of the Operational Research Society 64,
  2013. Capacitated clustering: A. Martínez-Gavara et al., 2015.
- Quadratic multiple knapsack: A. Hiley, B. Julstrom, GECCO 2006.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from solver.problem import GroupingProblem

IntArray = npt.NDArray[np.int64]
#: Least and most of one group: of its members, or of their weights.
Bounds = Sequence[tuple[int, int]]


def clique_partitioning(
    num_items: int, pairs: npt.ArrayLike, values: npt.ArrayLike, forbidden: npt.ArrayLike = ()
) -> GroupingProblem:
    """Split all items into any number of groups of greatest total pair value.

    Parameters
    ----------
    pairs, values : int [E, 2] with i < j, and int [E].
    forbidden : int [F, 2], pairs that are never in one group.
    """
    listed, listed_values = _listed(pairs, values)
    never = np.asarray(forbidden, dtype=np.int32).reshape(-1, 2)
    return GroupingProblem(
        num_items=num_items,
        kinds=("group",),
        pairs=np.concatenate([listed, never]),
        pair_values=np.concatenate([listed_values, np.zeros(len(never), dtype=np.int64)]),
        pair_allowed=np.arange(len(listed) + len(never)) < len(listed),
        must_join=np.ones(num_items, dtype=bool),
    )


def modularity(num_items: int, edges: npt.ArrayLike) -> GroupingProblem:
    """Communities of greatest modularity Q, as clique partitioning.

    Parameters
    ----------
    edges : int [m, 2] with i < j, a simple graph.

    A pair is worth 2m [edge] - k_i k_j (k the degrees), so that
    Q = (2 value - sum of k_i squared) / (2m)^2.
    """
    graph = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    degree = np.bincount(graph.ravel(), minlength=num_items)
    first, second = np.triu_indices(num_items, 1)
    linked = np.zeros((num_items, num_items), dtype=np.int64)
    linked[graph[:, 0], graph[:, 1]] = 2 * len(graph)
    values = linked[first, second] - degree[first] * degree[second]
    return clique_partitioning(num_items, np.stack([first, second], axis=1), values)


def maximally_diverse_grouping(
    num_items: int, pairs: npt.ArrayLike, values: npt.ArrayLike, sizes: Bounds
) -> GroupingProblem:
    """Split all items into exactly ``len(sizes)`` groups, group g of least to most members.

    Groups with equal bounds are one kind: their order means nothing.
    """
    listed, listed_values = _listed(pairs, values)
    kinds, low, high, number = _kinds(sizes)
    return GroupingProblem(
        num_items=num_items,
        kinds=kinds,
        pairs=listed,
        pair_values=listed_values,
        min_size=low,
        max_size=high,
        min_groups=number,
        max_groups=number,
        must_join=np.ones(num_items, dtype=bool),
    )


def capacitated_clustering(
    num_items: int,
    pairs: npt.ArrayLike,
    values: npt.ArrayLike,
    weights: npt.ArrayLike,
    loads: Bounds,
) -> GroupingProblem:
    """Split all items into ``len(loads)`` groups, the weights of group g from least to most.

    A group whose least load is 0 may stay empty, that is, not be formed.
    """
    listed, listed_values = _listed(pairs, values)
    kinds, low, high, number = _kinds(loads)
    return GroupingProblem(
        num_items=num_items,
        kinds=kinds,
        pairs=listed,
        pair_values=listed_values,
        resources=np.asarray(weights, dtype=np.int64).reshape(1, num_items),
        resource_min=low[:, None],
        resource_max=high[:, None],
        min_groups=np.where(low > 0, number, 0),
        max_groups=number,
        must_join=np.ones(num_items, dtype=bool),
    )


def quadratic_multiple_knapsack(
    item_values: npt.ArrayLike,
    pairs: npt.ArrayLike,
    values: npt.ArrayLike,
    weights: npt.ArrayLike,
    capacities: Sequence[int],
) -> GroupingProblem:
    """Pack some of the items into knapsacks; pairs count inside one knapsack.

    Parameters
    ----------
    item_values, weights : int [n].
    capacities : of each knapsack; equal ones are one kind.
    """
    listed, listed_values = _listed(pairs, values)
    own = np.asarray(item_values, dtype=np.int64)
    kinds, _, high, number = _kinds([(0, capacity) for capacity in capacities])
    return GroupingProblem(
        num_items=len(own),
        kinds=kinds,
        item_values=np.tile(own, (len(kinds), 1)),
        pairs=listed,
        pair_values=listed_values,
        resources=np.asarray(weights, dtype=np.int64).reshape(1, len(own)),
        resource_max=high[:, None],
        max_groups=number,
    )


def _listed(pairs: npt.ArrayLike, values: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], IntArray]:
    """The pairs that are worth something."""
    ends: npt.NDArray[Any] = np.asarray(pairs).reshape(-1, 2)
    worth = np.asarray(values, dtype=np.int64).reshape(-1)
    kept = worth != 0
    return ends[kept].astype(np.int32), worth[kept]


def _kinds(bounds: Bounds) -> tuple[tuple[str, ...], IntArray, IntArray, IntArray]:
    """One kind for each distinct pair of bounds: labels, least, most, how many groups."""
    counted = sorted(Counter((int(low), int(high)) for low, high in bounds).items())
    labels = tuple(f"{low} to {high}" for (low, high), _ in counted)
    low, high = (np.array([at[end] for at, _ in counted], dtype=np.int64) for end in (0, 1))
    return labels, low, high, np.array([times for _, times in counted], dtype=np.int64)
