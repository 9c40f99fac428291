"""Groups made of clusters.

A clustering knows pair values and sizes only. What turns it into a grouping is the same for every
clustering rival, so that the league compares clusterings and nothing else:

1. pins stay, and items that must be together go where the first of them is;
2. each cluster is offered to every kind: who may not be in that kind's groups leaves, whoever
   breaks most pair rules first, then whoever adds least, down to the greatest size;
3. the groups that are worth most are taken first, as long as shared limits and the numbers of
   groups allow;
4. ``solver.repair`` mends what the clustering broke, and groups that cost more than they bring,
   and that no rule asks for, are given up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from benchmarks.league.rivals.common import Best, Budget, PairRules, together_sets
from solver import Group, Grouping, GroupingProblem
from solver.repair import repair
from solver.verification import group_value, group_violations


class Fitter:
    """Makes groupings of clusters; see the module docstring."""

    def __init__(self, problem: GroupingProblem, best: Best, budget: Budget) -> None:
        self.problem, self.best, self.budget = problem, best, budget
        self.rules = PairRules(problem)
        self.partners = together_sets(problem)
        self.pinned = {i for pin in problem.pinned for i in pin.members}
        self.tried = 0  # clusterings that were finished
        self._slowest_repair = 0.0

    def finish(self, clusters: Iterable[Iterable[int]]) -> None:
        """Offer the best that can be made of clusters."""
        self.tried += 1
        tidy = self._tidy(clusters)
        offers = [self._options(cluster) for cluster in tidy if not self.budget.over]
        chosen = self._chosen([option for option, _ in offers])
        self.best.offer(chosen)
        raw = Grouping([*self.problem.pinned, *(rest for _, rest in offers if rest is not None)])
        # ``repair`` hears no clock: it is left out where it might end too late. A first time it is
        # taken to be as slow as it was seen to be; what it costs in work is its number of steps.
        likely = max(self._slowest_repair, self._repair_guess())
        if self.best.grouping is not None and likely > self.budget.remaining:
            return
        began = time.monotonic()
        mended = repair(self.problem, raw)
        self.budget.spend(int(1e6 * self._repair_guess()))
        if self.budget.work is None:
            self._slowest_repair = max(self._slowest_repair, 1.2 * (time.monotonic() - began))
        if mended is not None:
            self.best.offer(mended)
            self.best.offer(self._pruned(mended))

    def _repair_guess(self) -> float:
        """Seconds that repair may take: steps of moves, each over the problem's atoms."""
        return 2e-4 * (60 + 2 * min(self.problem.num_items, 500))

    def _tidy(self, clusters: Iterable[Iterable[int]]) -> list[list[int]]:
        """Clusters without pinned items, with sets that belong together in one of them."""
        home: dict[int, int] = {}
        for c, cluster in enumerate(clusters):
            for i in cluster:
                home[i] = c
        tidy: dict[int, list[int]] = {}
        for i, c in sorted(home.items()):
            there = self.partners[i]
            if not self.pinned.intersection(there):
                tidy.setdefault(home.get(there[0], c), []).append(i)
        return list(tidy.values())

    def _options(self, cluster: Sequence[int]) -> tuple[list[tuple[int, Group]], Group | None]:
        """Feasible groups of a cluster, best first, and what repair should begin from."""
        feasible: list[tuple[int, Group]] = []
        broken: list[tuple[int, int, Group]] = []
        for k in range(self.problem.num_kinds):
            if not self.problem.max_groups[k]:
                continue
            members = self.trimmed(k, cluster)
            self.budget.spend(20 + 10 * len(members) + len(members) ** 2 + len(cluster))
            if not members:
                continue
            group = Group(k, members)
            worth = group_value(self.problem, group)
            if any(True for _ in group_violations(self.problem, group)):
                broken.append((len(members), worth, group))
            else:
                feasible.append((worth, group))
        feasible.sort(key=lambda option: (-option[0], option[1].kind))
        if feasible:
            return feasible, feasible[0][1]
        least_broken = max(broken, key=lambda b: (b[0], b[1], -b[2].kind), default=None)
        return [], None if least_broken is None else least_broken[2]

    def trimmed(self, kind: int, cluster: Iterable[int]) -> list[int]:
        """A cluster's items that may form one group of a kind, at most its greatest size."""
        rules, problem = self.rules, self.problem
        able = problem.eligible[kind]
        inside = [i for i in cluster if all(able[j] for j in self.partners[i])]
        foes = {i: {j for j in inside if j != i and rules.banned(kind, i, j)} for i in inside}
        while inside and any(foes.values()):
            worst = max(inside, key=lambda i: len(foes[i]))
            for i in self.partners[worst]:
                for j in foes.pop(i, ()):
                    if j in foes:
                        foes[j].discard(i)
            inside = [i for i in inside if i in foes]
        most = int(problem.max_size[kind])
        while len(inside) > most:
            gains = {
                i: int(problem.item_values[kind, i])
                + sum(rules.value(kind, i, j) for j in inside if j != i)
                for i in inside
            }
            self.budget.spend(len(inside) ** 2 // 4)
            leaving = set(self.partners[min(inside, key=gains.__getitem__)])
            inside = [i for i in inside if i not in leaving]
        return inside

    def _chosen(self, offers: Sequence[Sequence[tuple[int, Group]]]) -> Grouping:
        """Of each offer one group at most, of most worth first."""
        problem = self.problem
        groups = list(problem.pinned)
        counts = [0] * problem.num_kinds
        use = np.zeros(problem.num_shared_limits, dtype=np.int64)
        for group in groups:
            counts[group.kind] += 1
            use += self._use(group)
        taken: set[int] = set()
        ranked = sorted(
            ((worth, at, group) for at, offer in enumerate(offers) for worth, group in offer),
            key=lambda row: (-row[0], row[1], row[2].kind),
        )
        for worth, at, group in ranked:
            wanted = worth > 0 or counts[group.kind] < problem.min_groups[group.kind]
            wanted = wanted or any(problem.must_join[i] for i in group.members)
            if at in taken or not wanted or counts[group.kind] >= problem.max_groups[group.kind]:
                continue
            used = self._use(group)
            if ((use + used > problem.shared_limit) & (used > 0)).any():
                continue
            taken.add(at)
            groups.append(group)
            counts[group.kind] += 1
            use += used
        return Grouping(groups)

    def _use(self, group: Group) -> np.ndarray:
        """What a group uses of each shared limit."""
        problem, k = self.problem, group.kind
        return problem.shared_group_use[:, k] + problem.shared_item_use[:, k, group.members].sum(1)

    @cached_property
    def _pins(self) -> set[tuple[int, int]]:
        return {(pin.kind, i) for pin in self.problem.pinned for i in pin.members}

    def _pruned(self, grouping: Grouping) -> Grouping:
        """The grouping without the groups that cost more than they bring and that none asks for."""
        problem, kept = self.problem, list(grouping)
        counts = np.bincount([g.kind for g in kept], minlength=problem.num_kinds)
        use = sum((self._use(g) for g in kept), np.zeros(problem.num_shared_limits, np.int64))
        for worth, group in sorted(
            ((group_value(problem, g), g) for g in grouping), key=lambda r: (r[0], r[1].sort_key)
        ):
            k = group.kind
            without = use - self._use(group)
            if (
                worth < 0
                and counts[k] > problem.min_groups[k]
                and not any(problem.must_join[i] or (k, i) in self._pins for i in group.members)
                and (without <= problem.shared_limit).all()
            ):
                kept.remove(group)
                counts[k] -= 1
                use = without
        return Grouping(kept)
