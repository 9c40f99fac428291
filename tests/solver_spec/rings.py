"""A problem whose groups form near each other and share one limit, of any size."""

from __future__ import annotations

from typing import Any

import numpy as np

from solver import GroupingProblem


def ring(num_items: int, seed: int = 0, **changes: Any) -> GroupingProblem:
    """Near items on a ring know each other; two kinds, few groups of one."""
    rng = np.random.default_rng(seed)
    near = {tuple(sorted((i, (i + d) % num_items))) for i in range(num_items) for d in range(1, 5)}
    pairs = sorted(near)
    arguments: dict[str, Any] = {
        "num_items": num_items,
        "kinds": ("a", "b"),
        "item_values": rng.integers(-20, 10, (2, num_items)),
        "pairs": pairs,
        "pair_values": rng.integers(-5, 40, len(pairs)),
        "open_values": [-30, -10],
        "min_size": [2, 2],
        "max_size": [5, 4],
        "max_groups": [num_items, num_items // 10],
        "shared_group_use": [[3, 1]],
        "shared_limit": [num_items // 3],
        "absent_pairs": "forbidden",
    }
    return GroupingProblem(**{**arguments, **changes})
