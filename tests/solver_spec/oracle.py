"""Brute force for small grouping problems, written from the formal statement alone.

Nothing of ``solver`` is imported: a problem is anything that carries the constructor's
field names as attributes, and groups are plain ``(kind, members)`` pairs. Two halves that
share only the reading of the fields keep each other honest (``test_oracle.py``):

- ``total_value`` and ``violated_rules`` judge one given grouping, rule by rule;
- ``best_grouping`` and ``feasible_groupings`` enumerate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

PlainGroup = tuple[int, tuple[int, ...]]

RULES = frozenset(
    {
        "index",
        "disjoint",
        "size",
        "resource",
        "eligible",
        "pair",
        "num_groups",
        "shared_limit",
        "must_join",
        "together",
        "apart",
        "pinned",
    }
)


@dataclass(frozen=True)
class Optimum:
    """The best total value and one grouping that has it."""

    objective: int
    groups: tuple[PlainGroup, ...]


@dataclass(frozen=True)
class _Pin:
    kind: int
    members: frozenset[int]
    may_grow: bool


@dataclass(frozen=True)
class Facts:
    """A problem's fields as plain Python integers, booleans, lists and dicts."""

    num_items: int
    num_kinds: int
    num_resources: int
    num_shared: int
    open_values: list[int]
    item_values: list[list[int]]
    pair_values: list[dict[tuple[int, int], int]]
    banned_pairs: list[set[tuple[int, int]]]
    absent_forbidden: bool
    min_size: list[int]
    max_size: list[int]
    min_groups: list[int]
    max_groups: list[int]
    eligible: list[list[bool]]
    resources: list[list[int]]
    resource_min: list[list[int]]
    resource_max: list[list[int]]
    curves: dict[tuple[int, int], list[tuple[int, int]]]
    shared_group_use: list[list[int]]
    shared_item_use: list[list[list[int]]]
    shared_limit: list[int]
    must_join: list[bool]
    together: list[tuple[int, ...]]
    apart: list[tuple[int, ...]]
    pins: list[_Pin]


def plain(value: Any) -> Any:
    """Nested lists of Python numbers instead of an array; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def per_kind(rows: Any, num_kinds: int) -> list[list[Any]]:
    """Spread a pair field of shape [E] or [K, E] to one list per kind."""
    rows = list(plain(rows))
    if rows and isinstance(plain(rows[0]), list | tuple):
        return [list(plain(row)) for row in rows]
    return [rows] * num_kinds


def read(problem: Any) -> Facts:
    """Read a problem's fields by the names its constructor takes.

    Parameters
    ----------
    problem
        A ``GroupingProblem``, or any object with the same attributes.
    """
    num_kinds = len(problem.kinds)
    pairs = [(int(i), int(j)) for i, j in plain(problem.pairs)]
    # With no pair at all the shape of [K, 0] and [0] arrays says nothing.
    values = per_kind(problem.pair_values, num_kinds) if pairs else [[]] * num_kinds
    allowed = per_kind(problem.pair_allowed, num_kinds) if pairs else [[]] * num_kinds
    grow = plain(problem.pinned_may_grow)
    grow_of_pin = list(grow) if isinstance(grow, list | tuple) else [grow] * len(problem.pinned)
    pins = [
        _Pin(
            kind=int(pin.kind),
            members=frozenset(int(i) for i in pin.members),
            may_grow=bool(grow_of_pin[p]),
        )
        for p, pin in enumerate(problem.pinned)
    ]
    resources = list(plain(problem.resources))
    limits = list(plain(problem.shared_limit))
    return Facts(
        num_items=int(problem.num_items),
        num_kinds=num_kinds,
        num_resources=len(resources),
        num_shared=len(limits),
        open_values=list(plain(problem.open_values)),
        item_values=list(plain(problem.item_values)),
        pair_values=[dict(zip(pairs, row, strict=True)) for row in values],
        banned_pairs=[
            {pair for pair, ok in zip(pairs, row, strict=True) if not ok} for row in allowed
        ],
        absent_forbidden=str(problem.absent_pairs) == "forbidden",
        min_size=list(plain(problem.min_size)),
        max_size=list(plain(problem.max_size)),
        min_groups=list(plain(problem.min_groups)),
        max_groups=list(plain(problem.max_groups)),
        eligible=list(plain(problem.eligible)),
        resources=resources,
        resource_min=list(plain(problem.resource_min)),
        resource_max=list(plain(problem.resource_max)),
        curves={
            (int(k), int(r)): [(int(x), int(y)) for x, y in curve.points]
            for (k, r), curve in problem.curves.items()
        },
        shared_group_use=list(plain(problem.shared_group_use)),
        shared_item_use=list(plain(problem.shared_item_use)),
        shared_limit=limits,
        must_join=list(plain(problem.must_join)),
        together=[tuple(int(i) for i in items) for items in problem.together],
        apart=[tuple(int(i) for i in items) for items in problem.apart],
        pins=pins,
    )


def curve_value(points: Sequence[tuple[int, int]], x: int) -> int:
    """Value of a piecewise-linear curve at ``x >= 0``.

    The last point at or left of ``x`` rules, so the later of two points at one x holds there.
    """
    at = max(p for p, (point_x, _) in enumerate(points) if point_x <= x)
    left_x, left_y = points[at]
    if at + 1 == len(points):
        return left_y
    right_x, right_y = points[at + 1]
    slope, rest = divmod(right_y - left_y, right_x - left_x)
    if rest:
        raise ValueError(f"slope after point {at} of {points} is not an integer")
    return left_y + slope * (x - left_x)


def resource_total(facts: Facts, resource: int, members: Iterable[int]) -> int:
    """How much of a resource the members bring together."""
    return sum(facts.resources[resource][i] for i in members)


def group_value(facts: Facts, kind: int, members: Sequence[int]) -> int:
    """Value of one group: opening, items, pairs, curves."""
    value = facts.open_values[kind]
    value += sum(facts.item_values[kind][i] for i in members)
    pair_values = facts.pair_values[kind]
    value += sum(pair_values.get(pair, 0) for pair in combinations(sorted(members), 2))
    for (k, r), points in facts.curves.items():
        if k == kind:
            value += curve_value(points, resource_total(facts, r, members))
    return value


def group_faults(facts: Facts, kind: int, members: Sequence[int]) -> set[str]:
    """Rules that a group breaks on its own."""
    broken: set[str] = set()
    if not facts.min_size[kind] <= len(members) <= facts.max_size[kind]:
        broken.add("size")
    for r in range(facts.num_resources):
        total = resource_total(facts, r, members)
        if not facts.resource_min[kind][r] <= total <= facts.resource_max[kind][r]:
            broken.add("resource")
    if not all(facts.eligible[kind][i] for i in members):
        broken.add("eligible")
    for pair in combinations(sorted(members), 2):
        absent = pair not in facts.pair_values[kind]
        if pair in facts.banned_pairs[kind] or (absent and facts.absent_forbidden):
            broken.add("pair")
    return broken


def shared_use(facts: Facts, shared: int, kind: int, members: Iterable[int]) -> int:
    """What one group takes of a shared limit (may be negative: it then gives)."""
    per_item = facts.shared_item_use[shared][kind]
    return facts.shared_group_use[shared][kind] + sum(per_item[i] for i in members)


def total_value(problem: Any, groups: Iterable[PlainGroup]) -> int:
    """Sum of the groups' values, whether or not the grouping is feasible."""
    facts = problem if isinstance(problem, Facts) else read(problem)
    return sum(group_value(facts, kind, members) for kind, members in groups)


def violated_rules(problem: Any, groups: Iterable[PlainGroup]) -> frozenset[str]:
    """Names of all rules that a grouping breaks; empty when it is feasible.

    Indices out of range stop the reading: then the answer is ``{"index"}`` alone.
    """
    facts = problem if isinstance(problem, Facts) else read(problem)
    groups = [(kind, tuple(members)) for kind, members in groups]
    for kind, members in groups:
        if not 0 <= kind < facts.num_kinds or not all(0 <= i < facts.num_items for i in members):
            return frozenset({"index"})

    broken: set[str] = set()
    home: dict[int, int] = {}
    for g, (kind, members) in enumerate(groups):
        broken |= group_faults(facts, kind, members)
        for i in members:
            if i in home:
                broken.add("disjoint")
            home[i] = g

    counts = Counter(kind for kind, _ in groups)
    for k in range(facts.num_kinds):
        if not facts.min_groups[k] <= counts[k] <= facts.max_groups[k]:
            broken.add("num_groups")
    for s in range(facts.num_shared):
        if sum(shared_use(facts, s, k, members) for k, members in groups) > facts.shared_limit[s]:
            broken.add("shared_limit")
    if any(must and i not in home for i, must in enumerate(facts.must_join)):
        broken.add("must_join")
    if any(len({home.get(i) for i in items}) > 1 for items in facts.together):
        broken.add("together")
    for items in facts.apart:
        homes = [home[i] for i in items if i in home]
        if len(homes) != len(set(homes)):
            broken.add("apart")
    if not _keeps_pins(facts, groups, home):
        broken.add("pinned")
    return frozenset(broken)


def _keeps_pins(facts: Facts, groups: Sequence[PlainGroup], home: dict[int, int]) -> bool:
    taken: set[int] = set()
    for pin in facts.pins:
        homes = {home.get(i) for i in pin.members}
        if len(homes) != 1 or None in homes:
            return False
        (g,) = homes
        assert g is not None
        kind, members = groups[g]
        if g in taken or kind != pin.kind or not pin.members <= set(members):
            return False
        if not pin.may_grow and pin.members != set(members):
            return False
        taken.add(g)
    return True


@dataclass(frozen=True)
class _Candidate:
    """A group that may be in a feasible grouping, with what it adds to every total."""

    mask: int
    group: PlainGroup
    totals: tuple[int, ...]


class _Search:
    """Depth first over the items: the smallest undecided item stays out or names its group.

    Pins, together and apart speak about one group at a time, and must_join about one item,
    so they thin out the candidates. Every other rule of a grouping (group numbers, shared
    limits) has the form "a sum over the groups is at least a threshold", as has the wish to
    beat the best value found. ``most`` is the largest such sum that the free items could still
    add if that were the only rule, so cutting where even this falls short loses nothing,
    whatever the signs.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.all_items = (1 << facts.num_items) - 1
        self.thresholds: list[int] = []
        limited: list[int] = []
        fewest: list[int] = []
        most: list[int] = []
        for s in range(facts.num_shared):
            limited.append(s)
            self.thresholds.append(-facts.shared_limit[s])
        for k in range(facts.num_kinds):
            if facts.min_groups[k] > 0:
                fewest.append(k)
                self.thresholds.append(facts.min_groups[k])
        for k in range(facts.num_kinds):
            if facts.max_groups[k] < facts.num_items:
                most.append(k)
                self.thresholds.append(-facts.max_groups[k])
        self.must = [bool(m) for m in facts.must_join]
        for pin in facts.pins:
            for i in pin.members:
                self.must[i] = True

        self.by_first_item: list[list[_Candidate]] = [[] for _ in range(facts.num_items)]
        for mask in range(1, self.all_items + 1):
            members = tuple(i for i in range(facts.num_items) if mask >> i & 1)
            if not self._allowed(members):
                continue
            for k in range(facts.num_kinds):
                if group_faults(facts, k, members) or not self._suits_pins(k, members):
                    continue
                totals = (
                    group_value(facts, k, members),
                    *(-shared_use(facts, s, k, members) for s in limited),
                    *(int(k == kind) for kind in fewest),
                    *(-int(k == kind) for kind in most),
                )
                self.by_first_item[members[0]].append(_Candidate(mask, (k, members), totals))
        self._most: list[dict[int, int | None]] = [{0: 0} for _ in range(1 + len(self.thresholds))]

    def _allowed(self, members: Sequence[int]) -> bool:
        inside = set(members)
        for items in self.facts.together:
            if len(inside & set(items)) not in (0, len(set(items))):
                return False
        return all(len(inside & set(items)) <= 1 for items in self.facts.apart)

    def _suits_pins(self, kind: int, members: Sequence[int]) -> bool:
        touched = [pin for pin in self.facts.pins if pin.members & set(members)]
        if not touched:
            return True
        if len(touched) > 1:
            return False
        (pin,) = touched
        if kind != pin.kind or not pin.members <= set(members):
            return False
        return pin.may_grow or pin.members == set(members)

    def most(self, total: int, free: int) -> int | None:
        """Largest sum of one total over disjoint candidates among ``free``; None if none fits."""
        known = self._most[total]
        if free in known:
            return known[free]
        first = (free & -free).bit_length() - 1
        best = None if self.must[first] else self.most(total, free & ~(1 << first))
        for candidate in self.by_first_item[first]:
            if candidate.mask & ~free == 0:
                rest = self.most(total, free & ~candidate.mask)
                if rest is not None and (best is None or rest + candidate.totals[total] > best):
                    best = rest + candidate.totals[total]
        known[free] = best
        return best

    def _reachable(self, sums: Sequence[int], free: int) -> bool:
        for t, threshold in enumerate(self.thresholds, start=1):
            rest = self.most(t, free)
            if rest is None or sums[t] + rest < threshold:
                return False
        return self.most(0, free) is not None

    def walk(self, better_only: bool) -> Iterator[tuple[int, tuple[PlainGroup, ...]]]:
        """Feasible groupings with their values; if ``better_only``, each beats all before it."""
        best: int | None = None
        start = (0,) * (1 + len(self.thresholds))
        stack: list[tuple[int, tuple[int, ...], tuple[PlainGroup, ...]]] = [
            (self.all_items, start, ())
        ]
        while stack:
            free, sums, groups = stack.pop()
            if not self._reachable(sums, free):
                continue
            if better_only and best is not None:
                rest = self.most(0, free)
                if rest is None or sums[0] + rest <= best:
                    continue
            if not free:
                best = sums[0]
                yield sums[0], groups
                continue
            first = (free & -free).bit_length() - 1
            if not self.must[first]:
                stack.append((free & ~(1 << first), sums, groups))
            for candidate in self.by_first_item[first]:
                if candidate.mask & ~free == 0:
                    added = tuple(a + b for a, b in zip(sums, candidate.totals, strict=True))
                    stack.append((free & ~candidate.mask, added, (*groups, candidate.group)))


def best_grouping(problem: Any) -> Optimum | None:
    """Optimum by enumeration, or None when no grouping is feasible.

    Raises
    ------
    AssertionError
        If the enumeration's answer fails the rule-by-rule judgement: the oracle is wrong.
    """
    facts = read(problem)
    last: Optimum | None = None
    for objective, groups in _Search(facts).walk(better_only=True):
        last = Optimum(objective, groups)
    if last is not None:
        assert not violated_rules(facts, last.groups), (last, violated_rules(facts, last.groups))
        assert total_value(facts, last.groups) == last.objective, last
    return last


def feasible_groupings(problem: Any, at_most: int | None = None) -> list[Optimum]:
    """Feasible groupings with their values, in no particular order, at most so many."""
    found = _Search(read(problem)).walk(better_only=False)
    return [Optimum(objective, groups) for objective, groups in islice(found, at_most)]
