"""Problems of 20 to 60 items over all fields: too large for the oracle, within reach of proofs.

Like ``problems``, these are planted: a hidden grouping of near items comes first, and every rule
admits it, mostly with little to spare. So nearly all are feasible, limits bind, and the optimum is
seldom the hidden grouping. One in ten has one rule tightened below it and may be infeasible.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from solver import GroupingProblem

from .problems import UNBOUNDED, build

KINDS = ("ZAF-fair", "KEN-agent", "ARE-web")
Group = tuple[int, list[int]]


def medium_problem(seed: int, index: int) -> GroupingProblem:
    """Medium problem number ``index`` of a seed; each number stands on its own."""
    return build(_Medium(np.random.default_rng([seed, index])).arguments)


class _Medium:
    """One draw: a method a family of fields, each adding to ``arguments``."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.num_kinds = int(rng.integers(1, 4))
        # Absent pairs are mostly forbidden, as in registers; neutral ones allow far more groups.
        self.forbidden = self.chance(0.75)
        self.n = int(rng.integers(20, 61 if self.forbidden else 31))
        self.unit = int(rng.choice([1, 1, 100, 999_983]))
        self.arguments: dict[str, Any] = {"num_items": self.n, "kinds": KINDS[: self.num_kinds]}
        self.near = self._near()
        self.planted = self._planted()
        self.sizes()
        self.values()
        self.eligibility()
        self.resources()
        self.group_numbers()
        self.shared_limits()
        self.obligations()
        if self.chance(0.1):
            self.tighten()

    # -- helpers ---------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def whole(self, low: int, high: int, *shape: int) -> Any:
        """Integers of ``low..high``, one or an array of them."""
        drawn = self.rng.integers(low, high + 1, shape or None)
        return drawn.tolist() if shape else int(drawn)

    def groups_of(self, kind: int) -> list[list[int]]:
        return [members for k, members in self.planted if k == kind]

    def _near(self) -> list[set[int]]:
        place = self.rng.random((self.n, 2))
        far = np.linalg.norm(place[:, None] - place[None], axis=2)
        np.fill_diagonal(far, 9)
        degree = self.whole(4, 9 if self.n <= 40 else 7)
        near: list[set[int]] = [set() for _ in range(self.n)]
        for i in range(self.n):
            for j in np.argsort(far[i], kind="stable")[:degree].tolist():
                near[i].add(j)
                near[j].add(i)
        return near

    def _planted(self) -> list[Group]:
        free, planted = set(range(self.n)), []
        for _ in range(self.whole(2, max(2, self.n // 7))):
            if not free:
                break
            first = int(self.rng.choice(sorted(free)))
            others = sorted(self.near[first] & free)
            self.rng.shuffle(others)
            members = sorted([first, *others[: self.whole(1, 3)]])
            free -= set(members)
            planted.append((self.whole(0, self.num_kinds - 1), members))
        for _, members in planted:
            for i, j in combinations(members, 2):
                self.near[i].add(j)
                self.near[j].add(i)
        return planted

    # -- fields ----------------------------------------------------------------------------

    def sizes(self) -> None:
        least, most = [], []
        for k in range(self.num_kinds):
            sizes = [len(members) for members in self.groups_of(k)]
            least.append(min([self.whole(1, 3), *sizes]))
            most.append(max([least[-1], self.whole(3, 5), *sizes]))
        self.arguments |= {"min_size": least, "max_size": most}

    def values(self) -> None:
        pairs = [(i, j) for i in range(self.n) for j in sorted(self.near[i]) if i < j]
        unit = self.unit
        rows = self.num_kinds if self.chance(0.4) else 0
        values = [[unit * v for v in self.whole(-6, 12, len(pairs))] for _ in range(max(1, rows))]
        inside = {pair for _, members in self.planted for pair in combinations(members, 2)}
        self.arguments |= {
            "pairs": [list(pair) for pair in pairs],
            "pair_values": values if rows else values[0],
            "absent_pairs": "forbidden" if self.forbidden else "neutral",
            "item_values": [
                [unit * v for v in self.whole(-9, 5, self.n)] for _ in range(self.num_kinds)
            ],
            "open_values": [unit * v for v in self.whole(-20, 0, self.num_kinds)],
        }
        if self.chance(0.5):
            banned = [self.chance(0.1) and pair not in inside for pair in pairs]
            self.arguments["pair_allowed"] = [not ban for ban in banned]

    def eligibility(self) -> None:
        if self.chance(0.7):
            rows = []
            for k in range(self.num_kinds):
                needed = {i for members in self.groups_of(k) for i in members}
                rows.append([i in needed or self.chance(0.8) for i in range(self.n)])
            self.arguments["eligible"] = rows

    def resources(self) -> None:
        """A certificate one member needs, capacity with a minimum order, fees up to a ceiling."""
        certified = [int(self.chance(0.3)) for _ in range(self.n)]
        for _, members in self.planted:
            certified[members[0]] = 1
        capacity = self.whole(0, 300, self.n)
        fees = self.whole(0, 9, self.n)
        least, most = [], []
        for k in range(self.num_kinds):
            totals = [sum(capacity[i] for i in members) for members in self.groups_of(k)]
            paid = [sum(fees[i] for i in members) for members in self.groups_of(k)]
            least.append([self.whole(0, 1), min([self.whole(0, 400), *totals]), 0])
            ceiling = max([self.whole(12, 30), *paid]) if self.chance(0.6) else UNBOUNDED
            most.append([UNBOUNDED, UNBOUNDED, ceiling])
        self.arguments |= {
            "resources": [certified, capacity, fees],
            "resource_min": least,
            "resource_max": most,
        }
        curves = {}
        for k in range(self.num_kinds):
            if self.chance(0.7):
                # Nothing below the minimum order, then a rise, flat where demand is met.
                order, more, jump = self.whole(50, 400), self.whole(50, 400), self.whole(2, 25)
                slope = max(1, self.unit // 40)
                top = self.unit * jump + slope * more
                curves[k, 1] = [
                    (0, 0),
                    (order, 0),
                    (order, self.unit * jump),
                    (order + more, top),
                ]
            if self.chance(0.4):
                # A cost for having any, which every further unit lessens.
                curves[k, 2] = [(0, 0), (1, 0), (1, -12 * self.unit), (13, 0)]
        if curves:
            self.arguments["curves"] = curves

    def group_numbers(self) -> None:
        counts = [len(self.groups_of(k)) for k in range(self.num_kinds)]
        if self.chance(0.4):
            self.arguments["min_groups"] = [min(self.whole(0, 2), count) for count in counts]
        if self.chance(0.5):
            self.arguments["max_groups"] = [count + self.whole(0, 2) for count in counts]

    def shared_limits(self) -> None:
        if not self.chance(0.7):
            return
        number = self.whole(1, 2)
        group_use = self.whole(-1, 6, number, self.num_kinds)
        item_use = self.whole(-1, 4, number, self.num_kinds, self.n)
        limits = []
        for s in range(number):
            used = sum(
                group_use[s][k] + sum(item_use[s][k][i] for i in members)
                for k, members in self.planted
            )
            limits.append(used + self.whole(0, 8))
        self.arguments |= {
            "shared_group_use": group_use,
            "shared_item_use": item_use,
            "shared_limit": limits,
        }

    def obligations(self) -> None:
        home = {i: g for g, (_, members) in enumerate(self.planted) for i in members}
        if self.chance(0.5):
            self.arguments["must_join"] = [i in home and self.chance(0.25) for i in range(self.n)]
        together = [members[:2] for _, members in self.planted if self.chance(0.15)]
        apart = []
        for _ in range(self.whole(0, 3)):
            i, j = sorted(self.rng.choice(self.n, 2, replace=False).tolist())
            if home.get(i, -1) != home.get(j, -2):
                apart.append([i, j])
        if together:
            self.arguments["together"] = together
        if apart:
            self.arguments["apart"] = apart
        if self.chance(0.4):
            pins = [group for group in self.planted if self.chance(0.4)]
            grow = [self.chance(0.5) for _ in pins]
            if pins:
                self.arguments["pinned"] = [
                    (k, members[:-1] if grows and len(members) > 2 else members)
                    for (k, members), grows in zip(pins, grow, strict=True)
                ]
                self.arguments["pinned_may_grow"] = tuple(grow)

    def tighten(self) -> None:
        """One rule that the hidden grouping breaks."""
        if "shared_limit" in self.arguments and self.chance(0.5):
            self.arguments["shared_limit"][0] -= self.whole(5, 40)
        else:
            must = self.whole(0, self.n - 1)
            self.arguments["must_join"] = [
                i == must or joins
                for i, joins in enumerate(self.arguments.get("must_join", [False] * self.n))
            ]
            self.arguments["min_size"] = [4] * self.num_kinds
            self.arguments["max_size"] = [5] * self.num_kinds
