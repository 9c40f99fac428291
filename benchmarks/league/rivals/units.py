"""Cells of simulated annealing: groups of units, with exact values and how much they break.

A *unit* is a set of items that are always together: a together set, a pin, or one item. A *cell*
is a group of units; cells are never changed, only replaced, so a move that is not accepted costs
nothing to take back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.league.rivals.common import PairRules, together_sets
from solver import Group, Grouping, GroupingProblem

#: What is broken is counted in whole thousandths: sums of fractions would drift.
UNIT = 1000


@dataclass(slots=True, eq=False)
class Cell:
    """A group: units, totals, value, and how much it breaks of what one group must keep."""

    kind: int
    members: list[int]
    size: int
    totals: list[int]
    own: int
    pin: int
    value: int = 0
    broken: int = 0
    use: list[int] = field(default_factory=list)


class Units:
    """The problem in units, in plain lists, for quick changes of single cells.

    Attributes
    ----------
    flaw : why nothing is feasible, "" where nothing is known to forbid it.
    free : units that may move. near : of each unit, those it may share a group with and of which
        the problem says something.
    """

    def __init__(self, problem: GroupingProblem) -> None:
        self.problem = problem
        self.flaw = ""
        self.num_kinds = problem.num_kinds
        self.low, self.high = problem.min_size.tolist(), problem.max_size.tolist()
        self.absent_banned = problem.absent_pairs == "forbidden"
        self.items: list[tuple[int, ...]] = []
        self.pin_of: list[int] = []
        self._gather()
        self.movable = [pin < 0 for pin in self.pin_of]
        self.free = [u for u, free in enumerate(self.movable) if free]
        self._pairs()
        kinds, units = range(self.num_kinds), range(len(self.items))
        rules = PairRules(problem)
        self.fits = [[self._fits(rules, k, u) for u in units] for k in kinds]
        self.own = [[self._own(rules, k, u) for u in units] for k in kinds]
        self.amounts = [
            [int(row[list(members)].sum()) for row in problem.resources] for members in self.items
        ]
        self.must = [bool(problem.must_join[list(members)].any()) for members in self.items]
        self.use = [
            [problem.shared_item_use[:, k, list(members)].sum(axis=1).tolist() for k in kinds]
            for members in self.items
        ]
        self.group_use = problem.shared_group_use.T.tolist()
        self.open_value = problem.open_values.tolist()
        self._read_resources()

    # -- reading the problem ---------------------------------------------------------------------

    def _gather(self) -> None:
        """Units: items that are together or in one pin."""
        problem = self.problem
        sets = [set(members) for members in together_sets(problem)]
        for pin in problem.pinned:
            union = set().union(*(sets[i] for i in pin.members))
            for i in union:
                sets[i] = union
        pin_at = {i: p for p, pin in enumerate(problem.pinned) for i in pin.members}
        self.unit_of = [-1] * problem.num_items
        for i in range(problem.num_items):
            if self.unit_of[i] >= 0:
                continue
            pins = {pin_at[j] for j in sets[i] if j in pin_at}
            if len(pins) > 1:
                self.flaw = "items of two pins must be together"
            for p in pins:
                if not problem.pin_may_grow[p] and len(sets[i]) > len(problem.pinned[p].members):
                    self.flaw = "a pin that may not grow must have others with it"
            for j in sets[i]:
                self.unit_of[j] = len(self.items)
            self.items.append(tuple(sorted(sets[i])))
            self.pin_of.append(min(pins, default=-1))

    def _pairs(self) -> None:
        """Pair values and bans between units, by partner."""
        problem, of = self.problem, self.unit_of
        varied = problem.pair_values.ndim == 2 or problem.pair_allowed.ndim == 2
        rows = self.num_kinds if varied else 1
        values = [problem.pair_values_of(k).tolist() for k in range(rows)]
        allowed = [problem.pair_allowed_of(k).tolist() for k in range(rows)]
        self.link: list[dict[int, int]] = [{} for _ in self.items]
        listed: list[int] = []
        sums: list[list[int]] = [[] for _ in range(rows)]
        open_to: list[list[bool]] = [[] for _ in range(rows)]

        def place(u: int, v: int) -> int:
            at = self.link[u].get(v)
            if at is None:
                at = self.link[u][v] = self.link[v][u] = len(listed)
                listed.append(0)
                for row in range(rows):
                    sums[row].append(0)
                    open_to[row].append(True)
            return at

        for e, (i, j) in enumerate(problem.pairs.tolist()):
            u, v = of[i], of[j]
            if u == v:
                continue
            at = place(u, v)
            listed[at] += 1
            for row in range(rows):
                sums[row][at] += values[row][e]
                if not allowed[row][e]:
                    open_to[row][at] = False
        shut = [(of[i], of[j]) for i, j in problem.apart_pairs if of[i] != of[j]]
        if self.absent_banned:
            for u, partners in enumerate(self.link):
                for v, at in partners.items():
                    if u < v and listed[at] < len(self.items[u]) * len(self.items[v]):
                        shut.append((u, v))
        for u, v in shut:
            at = place(u, v)
            for row in range(rows):
                open_to[row][at] = False
        self.pair_value = sums if varied else sums * self.num_kinds
        self.pair_open = open_to if varied else open_to * self.num_kinds
        anywhere = [any(column) for column in zip(*open_to, strict=True)]
        self.near = [[v for v, at in links.items() if anywhere[at]] for links in self.link]

    def _fits(self, rules: PairRules, k: int, u: int) -> bool:
        members = self.items[u]
        if not all(self.problem.eligible[k, i] for i in members):
            return False
        return not any(rules.banned(k, i, j) for i in members for j in members if i < j)

    def _own(self, rules: PairRules, k: int, u: int) -> int:
        members = self.items[u]
        pairs = sum(rules.value(k, i, j) for i in members for j in members if i < j)
        return pairs + sum(int(self.problem.item_values[k, i]) for i in members)

    def _read_resources(self) -> None:
        """Of each kind the resources that have a bound or a curve."""
        problem = self.problem
        most = problem.resources.sum(axis=1)
        self.bounded: list[list[tuple[int, int, int]]] = []
        self.curved: list[list[tuple[int, list[int], list[int], list[int]]]] = []
        for k in range(self.num_kinds):
            self.bounded.append(
                [
                    (r, int(problem.resource_min[k, r]), int(problem.resource_max[k, r]))
                    for r in range(problem.num_resources)
                    if problem.resource_min[k, r] > 0 or problem.resource_max[k, r] < most[r]
                ]
            )
            curves = []
            for r in range(problem.num_resources):
                if (k, r) in problem.curves:
                    # Of two points at one x the later holds: there ``bisect_right`` ends.
                    x, y = zip(*problem.curves[k, r].points, strict=True)
                    slopes = [
                        (y[at + 1] - y[at]) // (x[at + 1] - x[at]) if x[at + 1] > x[at] else 0
                        for at in range(len(x) - 1)
                    ]
                    curves.append((r, list(x), list(y), [*slopes, 0]))
            self.curved.append(curves)

    # -- cells -----------------------------------------------------------------------------------

    def cell(self, kind: int, members: Sequence[int], pin: int = -1) -> Cell | None:
        """A cell of some units, or ``None`` where a ban or the greatest size forbids it."""
        made: Cell | None = Cell(kind, [], 0, [0] * self.problem.num_resources, 0, pin)
        for u in members:
            made = self.changed(made, None, u)
            if made is None:
                return None
        return made

    def changed(self, cell: Cell, out: int | None, in_: int | None) -> Cell | None:
        """A cell without one unit and with another; ``None`` where that is not allowed."""
        k = cell.kind
        if cell.pin >= 0 and cell.members and not self.problem.pin_may_grow[cell.pin]:
            return None
        members, size, totals, own = cell.members, cell.size, cell.totals, cell.own
        pair_value = self.pair_value[k]
        if out is not None:
            members = [m for m in members if m != out]
            links = self.link[out]
            own -= self.own[k][out] + sum(pair_value[links[m]] for m in members if m in links)
            size -= len(self.items[out])
            totals = [a - b for a, b in zip(totals, self.amounts[out], strict=True)]
        if in_ is not None:
            size += len(self.items[in_])
            if size > self.high[k] or not self.fits[k][in_]:
                return None
            links, pair_open = self.link[in_], self.pair_open[k]
            for m in members:
                at = links.get(m)
                if at is None:
                    if self.absent_banned:
                        return None
                elif pair_open[at]:
                    own += pair_value[at]
                else:
                    return None
            own += self.own[k][in_]
            members = [*members, in_]
            totals = [a + b for a, b in zip(totals, self.amounts[in_], strict=True)]
        made = Cell(k, members, size, totals, own, cell.pin)
        self._weigh(made)
        return made

    def _weigh(self, cell: Cell) -> None:
        """Set a cell's value and what it breaks: a broken rule counts, and so does how much."""
        k, totals = cell.kind, cell.totals
        value = cell.own + self.open_value[k]
        for r, x, y, slopes in self.curved[k]:
            at = bisect_right(x, totals[r]) - 1
            value += y[at] + slopes[at] * (totals[r] - x[at])
        broken = 0.0
        if cell.size < self.low[k]:
            broken += 0.3 + (self.low[k] - cell.size) / self.low[k]
        for r, least, most in self.bounded[k]:
            total = totals[r]
            if total < least:
                broken += 0.3 + (least - total) / least
            elif total > most:
                broken += 0.3 + (total - most) / (total or 1)
        cell.value, cell.broken = value, round(UNIT * broken)
        if self.group_use[k]:
            rows = (self.use[u][k] for u in cell.members)
            cell.use = [sum(column) for column in zip(self.group_use[k], *rows, strict=True)]

    def grouping(self, cells: Iterable[Cell]) -> Grouping:
        """The solver's grouping of cells."""
        return Grouping(
            Group(cell.kind, [i for u in cell.members for i in self.items[u]]) for cell in cells
        )
