"""The specification of feasibility and value, in plain Python integers.

Written before any solver and sharing no code with one: every strategy's answer passes through
here before ``solve`` returns it. It reads the problem's data item by item, without vector tricks,
so that it can be compared with the docstring of ``solver.problem`` line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule a grouping breaks.

    Attributes
    ----------
    rule : "index", "disjoint", "size", "resource", "eligible", "pair", "num_groups",
        "shared_limit", "must_join", "together", "apart" or "pinned".
    message : the numbers involved.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a grouping is feasible, what it is worth, and every rule it breaks.

    Attributes
    ----------
    feasible : no rule is broken.
    objective : total value, also of an infeasible grouping; ``None`` where an index is out of
        range, so that there is no value.
    violations : every broken rule.
    """

    feasible: bool
    objective: int | None
    violations: tuple[Violation, ...]


def group_value(problem: GroupingProblem, group: Group) -> int:
    """v(S, k) of ``solver.problem`` for one group, in Python integers."""
    kind, members = group.kind, group.members
    pair_values = problem.pair_values_of(kind)
    total = int(problem.open_values[kind])
    for i in members:
        total += int(problem.item_values[kind, i])
    for pair in _pairs(members):
        e = problem.pair_index.get(pair)
        if e is not None:
            total += int(pair_values[e])
    for (k, r), curve in problem.curves.items():
        if k == kind:
            total += curve.value(sum(int(problem.resources[r, i]) for i in members))
    return total


def verify(problem: GroupingProblem, grouping: Grouping) -> Verdict:
    """Check a grouping against every rule of the problem and add up its value."""
    violations = list(_index_violations(problem, grouping))
    if violations:
        return Verdict(False, None, tuple(violations))
    for group in grouping:
        violations.extend(group_violations(problem, group))
    violations.extend(_grouping_violations(problem, grouping))
    objective = sum(group_value(problem, group) for group in grouping)
    return Verdict(not violations, objective, tuple(violations))


def _pairs(members: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """All pairs (i < j) of sorted members; a repeated member makes no pair with itself."""
    for at, i in enumerate(members):
        for j in members[at + 1 :]:
            if i != j:
                yield i, j


def _index_violations(problem: GroupingProblem, grouping: Grouping) -> Iterator[Violation]:
    for group in grouping:
        if not 0 <= group.kind < problem.num_kinds:
            yield Violation("index", f"kind {group.kind} is not in 0..{problem.num_kinds - 1}")
        for i in group.members:
            if not 0 <= i < problem.num_items:
                yield Violation("index", f"item {i} is not in 0..{problem.num_items - 1}")


def group_violations(problem: GroupingProblem, group: Group) -> Iterator[Violation]:
    """Every rule one group breaks by itself (its indices must be in range)."""
    k, members = group.kind, group.members
    name = f"group {list(members)} of kind {k}"
    low, high = int(problem.min_size[k]), int(problem.max_size[k])
    if not members:
        yield Violation("size", f"a group of kind {k} has no members")
    elif not low <= len(members) <= high:
        yield Violation("size", f"{name} has {len(members)} members, not {low} to {high}")
    for r in range(problem.num_resources):
        total = sum(int(problem.resources[r, i]) for i in members)
        least, most = int(problem.resource_min[k, r]), int(problem.resource_max[k, r])
        if not least <= total <= most:
            yield Violation(
                "resource", f"{name} has {total} of resource {r}, not {least} to {most}"
            )
    for i in members:
        if not problem.eligible[k, i]:
            yield Violation("eligible", f"item {i} may not be in a group of kind {k}")
    allowed = problem.pair_allowed_of(k)
    for pair in _pairs(members):
        e = problem.pair_index.get(pair)
        if e is None:
            if problem.absent_pairs == "forbidden":
                yield Violation("pair", f"pair {pair} is absent, which forbids it ({name})")
        elif not allowed[e]:
            yield Violation("pair", f"pair {pair} is not allowed in kind {k}")
        if pair in problem.apart_pairs:
            yield Violation("apart", f"items {pair[0]} and {pair[1]} are in one group ({name})")


def _grouping_violations(problem: GroupingProblem, grouping: Grouping) -> Iterator[Violation]:
    times = Counter(i for group in grouping for i in group.members)
    for i, count in sorted(times.items()):
        if count > 1:
            yield Violation("disjoint", f"item {i} is grouped {count} times")

    numbers = Counter(group.kind for group in grouping)
    for k in range(problem.num_kinds):
        low, high = int(problem.min_groups[k]), int(problem.max_groups[k])
        if not low <= numbers[k] <= high:
            yield Violation("num_groups", f"{numbers[k]} groups of kind {k}, not {low} to {high}")

    for s in range(problem.num_shared_limits):
        use = 0
        for group in grouping:
            use += int(problem.shared_group_use[s, group.kind])
            for i in group.members:
                use += int(problem.shared_item_use[s, group.kind, i])
        limit = int(problem.shared_limit[s])
        if use > limit:
            yield Violation("shared_limit", f"shared limit {s} is used {use}, above {limit}")

    for i in range(problem.num_items):
        if problem.must_join[i] and not times[i]:
            yield Violation("must_join", f"item {i} must join a group and is in none")

    for rule in problem.together:
        holding = [group for group in grouping if set(rule).intersection(group.members)]
        if holding and not all(set(rule) <= set(group.members) for group in holding):
            yield Violation("together", f"items {list(rule)} are neither all in one group nor out")

    taken: set[int] = set()
    for p, pin in enumerate(problem.pinned):
        home = None
        for at, group in enumerate(grouping):
            exact = group == pin
            grown = set(group.members) >= set(pin.members) and group.kind == pin.kind
            if at not in taken and (exact or (problem.pin_may_grow[p] and grown)):
                home = at
                break
        if home is None:
            how = "kept whole" if problem.pin_may_grow[p] else "kept as it is"
            yield Violation(
                "pinned", f"pinned group {list(pin.members)} of kind {pin.kind} is not {how}"
            )
        else:
            taken.add(home)
