"""Items as points: the spectral embedding of positive pair values, and plain k-means.

The embedding is that of Ng, Jordan and Weiss, "On spectral clustering: analysis and an algorithm",
NIPS 2001: the leading eigenvectors of D^-1/2 W D^-1/2, each item's row scaled to length 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

Points = npt.NDArray[np.float64]

#: Items up to which all eigenvectors are computed at once, which is quicker and never fails.
_DENSE = 400


def spectral_embedding(weights: csr_matrix, dimensions: int) -> Points:
    """Rows of the leading eigenvectors, float [n, dimensions], most important first; not scaled."""
    n = weights.shape[0]
    degree = np.asarray(weights.sum(axis=1)).ravel()
    scale = np.where(degree > 0, 1 / np.sqrt(np.maximum(degree, 1e-300)), 0.0)
    matrix = diags(scale) @ weights @ diags(scale)
    wanted = max(1, min(dimensions, n))
    if n <= _DENSE or wanted >= n - 1:
        _, vectors = np.linalg.eigh(matrix.toarray())
        return vectors[:, ::-1][:, :wanted]
    try:
        values, vectors = eigsh(matrix, k=wanted, which="LA", v0=np.ones(n), maxiter=20 * n)
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
        if not len(values):
            return np.ones((n, 1))
    return vectors[:, np.argsort(-values, kind="stable")]


def unit_rows(points: Points) -> Points:
    """Rows scaled to length 1; a row of nothing stays."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(length > 1e-12, length, 1.0)


def distances(points: Points, centres: Points) -> Points:
    """Squared distances, float [n, k]."""
    square = (points**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * points @ centres.T
    return np.maximum(square, 0.0)


def spread_centres(points: Points, k: int, rng: np.random.Generator) -> Points:
    """First centres: each far from those before (k-means++, Arthur and Vassilvitskii 2007)."""
    chosen = [int(rng.integers(len(points)))]
    nearest = distances(points, points[chosen])[:, 0]
    for _ in range(k - 1):
        total = nearest.sum()
        chance = nearest / total if total > 1e-12 else np.full(len(points), 1 / len(points))
        chosen.append(int(rng.choice(len(points), p=chance)))
        nearest = np.minimum(nearest, distances(points, points[chosen[-1:]])[:, 0])
    return points[chosen].copy()


def moved_centres(points: Points, centres: Points, home: npt.NDArray[np.int64]) -> Points:
    """The mean of each centre's points; a centre without points stays."""
    total = np.zeros_like(centres)
    np.add.at(total, home, points)
    count = np.bincount(home, minlength=len(centres))[:, None]
    return np.where(count > 0, total / np.maximum(count, 1), centres)


def lloyd(points: Points, k: int, rng: np.random.Generator, rounds: int = 50) -> list[list[int]]:
    """Clusters of plain k-means."""
    centres = spread_centres(points, k, rng)
    home = np.full(len(points), -1, dtype=np.int64)
    for _ in range(rounds):
        nearest = distances(points, centres).argmin(axis=1)
        if (nearest == home).all():
            break
        home = nearest
        centres = moved_centres(points, centres, home)
    return clusters_of(home, k)


def clusters_of(home: npt.NDArray[np.int64], k: int) -> list[list[int]]:
    """Members of each cluster, without the empty ones."""
    found: list[list[int]] = [[] for _ in range(k)]
    for i, c in enumerate(home.tolist()):
        found[c].append(i)
    return [members for members in found if members]


def numbers_of_groups(n: int, low: int, high: int, at_most: int = 7) -> list[int]:
    """Numbers of groups worth trying for sizes low to high: from the middle outwards."""
    least, most = max(1, -(-n // high)), max(1, n // low)
    least = min(least, most)
    tried = sorted({round(x) for x in np.geomspace(least, most, at_most)})
    middle = (least * most) ** 0.5
    return sorted(tried, key=lambda k: (abs(np.log(k / middle)), k))
