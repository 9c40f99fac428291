"""Which allowed pairs of a large register are kept: each firm's nearest partners by affinity.

A threshold alone never thins the graph, and the partners of highest *score* make hubs of able
firms and break cliques; affinity (size, place, goals, management) is geometric and does neither.
A pair is kept when either firm is among the other's nearest: mutual lists would strand firms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest(
    affinity: NDArray[np.integer[Any]], allowed: NDArray[np.bool_], count: int
) -> NDArray[np.bool_]:
    """The ``count`` allowed columns of largest affinity in each row; ties go to the first columns.

    Parameters
    ----------
    affinity : [rows, n] not negative, below 2**31.
    allowed : [rows, n] which columns may be chosen.
    count : columns to choose in a row, 1 or more.

    Returns
    -------
    [rows, n] the chosen columns; all allowed ones where they are ``count`` or fewer.
    """
    n = affinity.shape[1]
    if n <= count:
        return allowed
    # One integer orders by affinity, then by column: no two allowed columns are equal.
    key = affinity.astype(np.int64) * n + np.arange(n - 1, -1, -1)
    key[~allowed] = -1
    least = np.partition(key, n - count, axis=1)[:, n - count]
    chosen: NDArray[np.bool_] = allowed & (key >= least[:, None])
    return chosen
