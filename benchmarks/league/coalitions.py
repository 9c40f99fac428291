"""The best partition of items into coalitions of given values, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True)  # type: ignore[untyped-decorator]
def best_structure(values: npt.NDArray[np.int64], n: int) -> int:  # pragma: no cover
    """Best partition by f(S) = max over T in S with S's lowest item of v(T) + f(S without T)."""
    best = np.zeros(1 << n, np.int64)
    for mask in range(1, 1 << n):
        lowest = mask & -mask
        rest = mask ^ lowest
        part = rest
        found = values[mask - 1]  # of the whole of it; the loop goes through its smaller parts
        while part:
            part = (part - 1) & rest
            value = values[(part | lowest) - 1] + best[rest ^ part]
            found = max(found, value)
        best[mask] = found
    return int(best[-1])
