"""A problem in plain Python, the decisions of a branch, and items that go together (*blocks*)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from solver.problem import Curve, GroupingProblem

#: A linear piece of a curve: totals ``low..high``, value at ``low``, slope.
Piece = tuple[int, int, int, int]


class OutOfWork(Exception):
    """The check would take more work than it may."""


class Work:
    """Counts steps; a step is about as long as a few additions in Python.

    Attributes
    ----------
    done : steps so far.
    limit : most steps.
    """

    def __init__(self, limit: int) -> None:
        self.done = 0
        self.limit = limit

    def spend(self, steps: int) -> None:
        """Count some steps.

        Raises
        ------
        OutOfWork
            If these are too many.
        """
        self.done += steps
        if self.done > self.limit:
            raise OutOfWork


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the steps from the root to a node have decided.

    Attributes
    ----------
    least, most : bounds on the number of groups of each kind.
    covered, out : items that are in a group, or in none.
    joined, parted : pairs of items; each group holds both or neither, or never both.
    banned : (kind, item) pairs; no group of the kind holds the item.
    """

    least: tuple[int, ...]
    most: tuple[int, ...]
    covered: frozenset[int] = frozenset()
    out: frozenset[int] = frozenset()
    joined: tuple[tuple[int, int], ...] = ()
    parted: tuple[tuple[int, int], ...] = ()
    banned: frozenset[tuple[int, int]] = frozenset()

    def admits(self, kind: int, members: frozenset[int]) -> bool:
        """Whether a group keeps the decisions."""
        if self.most[kind] <= 0 or not self.out.isdisjoint(members):
            return False
        if any(k == kind and i in members for k, i in self.banned):
            return False
        if any((i in members) != (j in members) for i, j in self.joined):
            return False
        return not any(i in members and j in members for i, j in self.parted)


class Facts:
    """The fields of a problem as lists of Python integers and booleans.

    Attributes
    ----------
    problem : the problem.
    max_groups : most groups of each kind, also by the number of items.
    pieces : by kind, the (resource, pieces) that bound or value a group; a total that is in no
        piece makes the group infeasible.
    pins : (kind, members, may grow) of each pin.
    linked : sets of items that are in one group, whichever, or all in none.
    other names : as in ``GroupingProblem``.
    """

    def __init__(self, problem: GroupingProblem) -> None:
        self.problem = problem
        self.num_items = problem.num_items
        self.num_kinds = problem.num_kinds
        kinds = range(self.num_kinds)
        self.open_values: list[int] = problem.open_values.tolist()
        self.item_values: list[list[int]] = problem.item_values.tolist()
        self.pairs: list[tuple[int, int]] = [(i, j) for i, j in problem.pairs.tolist()]
        self.pair_values: list[list[int]] = [problem.pair_values_of(k).tolist() for k in kinds]
        self.pair_allowed: list[list[bool]] = [problem.pair_allowed_of(k).tolist() for k in kinds]
        self.absent_forbidden = problem.absent_pairs == "forbidden"
        self.min_size: list[int] = [max(1, size) for size in problem.min_size.tolist()]
        self.max_size: list[int] = problem.max_size.tolist()
        self.min_groups: list[int] = problem.min_groups.tolist()
        self.max_groups: list[int] = [
            min(most, self.num_items // self.min_size[k])
            for k, most in enumerate(problem.max_groups.tolist())
        ]
        self.eligible: list[list[bool]] = problem.eligible.tolist()
        self.resources: list[list[int]] = problem.resources.tolist()
        self.shared_group_use: list[list[int]] = problem.shared_group_use.tolist()
        self.shared_item_use: list[list[list[int]]] = problem.shared_item_use.tolist()
        self.shared_limit: list[int] = problem.shared_limit.tolist()
        self.must_join: list[bool] = problem.must_join.tolist()
        self.apart = problem.apart_pairs
        self.pins = [
            (pin.kind, frozenset(pin.members), problem.pin_may_grow[p])
            for p, pin in enumerate(problem.pinned)
        ]
        self.linked = [*problem.together, *(pin.members for pin in problem.pinned)]
        self.pieces = [self._pieces(k) for k in kinds]

    def root_decisions(self) -> Decisions:
        """Nothing decided."""
        return Decisions(tuple(self.min_groups), tuple(self.max_groups))

    def _pieces(self, kind: int) -> list[tuple[int, list[Piece]]]:
        out = []
        for r, quantities in enumerate(self.resources):
            total = sum(quantities)
            least = int(self.problem.resource_min[kind, r])
            most = min(total, int(self.problem.resource_max[kind, r]))
            curve = self.problem.curves.get((kind, r))
            if curve is not None or least > 0 or most < total:
                out.append((r, pieces_of(curve, least, most)))
        return out

    def most_groups(self, most: Sequence[int]) -> int:
        """Most groups in all, by their numbers, the sizes and the shared limits."""
        usable = [k for k in range(self.num_kinds) if most[k] > 0]
        if not usable:
            return 0
        number = min(sum(most[k] for k in usable), self.num_items)
        number = min(number, self.num_items // min(self.min_size[k] for k in usable))
        for s, limit in enumerate(self.shared_limit):
            cheapest = min(self._least_use(s, k) for k in usable)
            if cheapest > 0:
                number = min(number, max(0, limit) // cheapest)
        return number

    def _least_use(self, limit: int, kind: int) -> int:
        """A group of the kind uses at least so much of a shared limit (or: unknown, 0)."""
        uses = sorted(self.shared_item_use[limit][kind])
        if uses and uses[0] < 0:
            return 0
        return self.shared_group_use[limit][kind] + sum(uses[: self.min_size[kind]])


def pieces_of(curve: Curve | None, least: int, most: int) -> list[Piece]:
    """A curve (or 0) over the totals ``least..most``, piece by piece."""
    points = ((0, 0),) if curve is None else curve.points
    ends = [*points, (max(most, points[-1][0]) + 1, points[-1][1])]
    out = []
    for (x, y), (next_x, next_y) in pairwise(ends):
        low, high = max(x, least), min(next_x - 1, most)
        if low <= high:
            slope = (next_y - y) // (next_x - x)
            out.append((low, high, y + slope * (low - x), slope))
    return out


def classes(num_items: int, links: Iterable[Sequence[int]]) -> list[int]:
    """The least item that each item is linked to, directly or through others."""
    home = list(range(num_items))

    def least(i: int) -> int:
        while home[i] != i:
            i = home[i]
        return i

    for link in links:
        for i in link[1:]:
            a, b = least(link[0]), least(i)
            home[max(a, b)] = min(a, b)
    return [least(i) for i in range(num_items)]


def obliged_items(facts: Facts, decisions: Decisions) -> frozenset[int]:
    """Items that are in a group of every grouping of a branch."""
    home = classes(facts.num_items, [*facts.linked, *decisions.joined])
    sure = {home[i] for i in range(facts.num_items) if facts.must_join[i]}
    sure |= {home[i] for i in decisions.covered}
    sure |= {home[i] for _, members, _ in facts.pins for i in members}
    return frozenset(i for i in range(facts.num_items) if home[i] in sure)


class Blocks:
    """Items that are in one group or all in none, as one: ``together``, pins and joined pairs.

    Attributes
    ----------
    facts, decisions : what they were made from.
    items : the items of each block; blocks are in the order of their first items.
    obliged : whether each block is in a group of every grouping.
    usable : by kind, whether a group of the kind may hold the block.
    values : by kind, the value of each block: its items and the pairs inside.
    beside : by kind and block, the blocks that a group may hold beside it, and the value of the
        pairs across.
    """

    def __init__(
        self, facts: Facts, decisions: Decisions, order: Sequence[int], work: Work
    ) -> None:
        self.facts = facts
        self.decisions = decisions
        n = facts.num_items
        work.spend(n + (1 + len(facts.pairs)) * (1 + facts.num_kinds))
        home = classes(n, [*facts.linked, *decisions.joined])
        gathered: dict[int, list[int]] = {}
        for i in order:
            gathered.setdefault(home[i], []).append(i)
        self.items = [tuple(members) for members in gathered.values()]
        self.block_of = [0] * n
        for block, members in enumerate(self.items):
            for i in members:
                self.block_of[i] = block
        obliged = obliged_items(facts, decisions)
        self.obliged = [members[0] in obliged for members in self.items]
        self.usable = [self._usable(kind) for kind in range(facts.num_kinds)]
        self.values = [
            [sum(facts.item_values[kind][i] for i in members) for members in self.items]
            for kind in range(facts.num_kinds)
        ]
        self.beside: list[list[dict[int, int]]] = []
        conflicts = self._conflicts()
        for kind in range(facts.num_kinds):
            self.beside.append(self._beside(kind, conflicts, work))

    def sums(self, numbers: Sequence[int]) -> list[int]:
        """The sum of a number of each item, over each block."""
        return [sum(numbers[i] for i in members) for members in self.items]

    def nowhere(self) -> bool:
        """Whether some obliged block fits no kind, so that the branch is empty."""
        return any(
            obliged and not any(row[block] for row in self.usable)
            for block, obliged in enumerate(self.obliged)
        )

    def _usable(self, kind: int) -> list[bool]:
        facts, decisions = self.facts, self.decisions
        out = [
            decisions.most[kind] > 0
            and len(members) <= facts.max_size[kind]
            and all(
                facts.eligible[kind][i]
                and i not in decisions.out
                and (kind, i) not in decisions.banned
                for i in members
            )
            for members in self.items
        ]
        for i, j in (*facts.apart, *decisions.parted):
            if self.block_of[i] == self.block_of[j]:
                out[self.block_of[i]] = False
        seen = set()
        for pin_kind, pinned, may_grow in facts.pins:
            block = self.block_of[min(pinned)]
            other_items = len(self.items[block]) > len(pinned)
            if block in seen or pin_kind != kind or (other_items and not may_grow):
                out[block] = False
            seen.add(block)
        return out

    def _conflicts(self) -> set[tuple[int, int]]:
        """Ordered pairs of blocks that are in one group in no kind, but for what pairs say."""
        facts = self.facts
        out = set()
        for i, j in (*facts.apart, *self.decisions.parted):
            out.add((self.block_of[i], self.block_of[j]))
        pinned = [(self.block_of[min(members)], grows) for _, members, grows in facts.pins]
        for block, grows in pinned:
            others = range(len(self.items)) if not grows else [other for other, _ in pinned]
            out |= {(block, other) for other in others}
        return out | {(b, a) for a, b in out}

    def _beside(
        self, kind: int, conflicts: set[tuple[int, int]], work: Work
    ) -> list[dict[int, int]]:
        """Also adds the pairs inside blocks to ``values``."""
        facts, usable = self.facts, self.usable[kind]
        worth: dict[tuple[int, int], int] = {}
        listed: dict[tuple[int, int], int] = {}
        banned: set[tuple[int, int]] = set()
        for (i, j), value, allowed in zip(
            facts.pairs, facts.pair_values[kind], facts.pair_allowed[kind], strict=True
        ):
            a, b = self.block_of[i], self.block_of[j]
            pair = (min(a, b), max(a, b))
            worth[pair] = worth.get(pair, 0) + value
            listed[pair] = listed.get(pair, 0) + 1
            if not allowed:
                banned.add(pair)
        for block, members in enumerate(self.items):
            size = len(members)
            self.values[kind][block] += worth.pop((block, block), 0)
            missing = listed.pop((block, block), 0) < size * (size - 1) // 2
            if (block, block) in banned or (missing and facts.absent_forbidden):
                usable[block] = False
        out: list[dict[int, int]] = [{} for _ in self.items]
        if facts.absent_forbidden:
            pairs: Iterable[tuple[int, int]] = [
                pair
                for pair, number in listed.items()
                if number == len(self.items[pair[0]]) * len(self.items[pair[1]])
            ]
        else:
            blocks = [block for block in range(len(self.items)) if usable[block]]
            work.spend(len(blocks) ** 2)
            pairs = ((a, b) for a in blocks for b in blocks if a < b)
        for pair in pairs:
            a, b = pair
            if usable[a] and usable[b] and pair not in banned and pair not in conflicts:
                out[a][b] = out[b][a] = worth.get(pair, 0)
        return out
