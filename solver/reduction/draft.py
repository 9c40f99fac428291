"""The state that reduction rules work on: a problem's fields with marks, renumbered only once.

Rules never renumber anything: they close kinds, take items out, take away eligibility and
permission, loosen bounds. ``written`` then makes the smaller problem in one step. Everything keeps
the original numbering until then, so that any order of rules is as good as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from solver.grouping import Group
from solver.problem import UNBOUNDED, BoolArray, Curve, GroupingProblem, IntArray

#: Whether to leave off; asked between steps of some ten milliseconds.
Stop = Callable[[], bool]


@dataclass(slots=True)
class Totals:
    """Amounts of one resource in one kind's groups.

    Attributes
    ----------
    ascending : int64, amounts of the eligible items.
    least, most : the total of any group lies between, by sizes and by the bounds.
    """

    ascending: IntArray
    least: int
    most: int


@dataclass
class Draft:
    """See the module docstring; n items, K kinds, E pairs, R resources, L shared limits.

    Attributes
    ----------
    item : bool [n], still there. kind : bool [K], may have groups.
    limit : bool [L] and resource : bool [R], still there.
    eligible : bool [K, n]; False wherever the item or the kind is gone.
    allowed : bool [K, E].
    fixed : groups that are in every grouping and no longer in the problem.
    constant : what they are worth.
    moved_to : the kind that takes over the groups of a dominated one.
    infeasible : why no grouping is feasible, once that is known.
    counts : how much each kind of thing was reduced.
    effort : neighbours looked at so far for pairs; rules may give up at some number.
    """

    problem: GroupingProblem
    stop: Stop = field(default=lambda: False)
    fixed: list[Group] = field(default_factory=list)
    constant: int = 0
    moved_to: dict[int, int] = field(default_factory=dict)
    infeasible: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    apart_marked: bool = False
    effort: int = 0

    def __post_init__(self) -> None:
        problem = self.problem
        self.item: BoolArray = np.ones(problem.num_items, np.bool_)
        self.kind: BoolArray = np.ones(problem.num_kinds, np.bool_)
        self.limit: BoolArray = np.ones(problem.num_shared_limits, np.bool_)
        self.resource: BoolArray = np.ones(problem.num_resources, np.bool_)
        self.eligible: BoolArray = problem.eligible.copy()
        shape = (problem.num_kinds, problem.num_pairs)
        self.allowed: BoolArray = np.broadcast_to(problem.pair_allowed, shape).copy()
        self.open_values: IntArray = problem.open_values.copy()
        self.item_values: IntArray = problem.item_values.copy()
        self.min_size: IntArray = problem.min_size.copy()
        self.max_size: IntArray = problem.max_size.copy()
        self.min_groups: IntArray = problem.min_groups.copy()
        self.max_groups: IntArray = problem.max_groups.copy()
        self.resource_min: IntArray = problem.resource_min.copy()
        self.resource_max: IntArray = problem.resource_max.copy()
        self.curves: dict[tuple[int, int], Curve] = dict(problem.curves)
        self.shared_limit: IntArray = problem.shared_limit.copy()
        self.pins: list[int] = list(range(len(problem.pinned)))
        # Rules that look at one kind's groups need not look again while the kind is unchanged.
        self.changes: IntArray = np.zeros(problem.num_kinds, np.int64)
        self._seen: dict[str, IntArray] = {}
        self._pairs_seen: dict[int, tuple[BoolArray, IntArray]] = {}
        self._sorted: dict[tuple[int, int], tuple[int, IntArray]] = {}

    # -- what rules do ----------------------------------------------------------------------

    def count(self, what: str, number: int) -> bool:
        """Note that so many things were reduced; returns whether there were any."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + int(number)
        return number > 0

    def fail(self, reason: str) -> None:
        """No grouping is feasible."""
        self.infeasible = self.infeasible or reason

    def close(self, kind: int, reason: str) -> None:
        """A kind that can have no group."""
        self.kind[kind] = False
        self.eligible[kind] = False
        self.changes[kind] += 1
        label = self.problem.kinds[kind]
        if self.min_groups[kind] > 0:
            self.fail(f"kind {label!r} needs {int(self.min_groups[kind])} groups, but {reason}")
        if any(self.problem.pinned[p].kind == kind for p in self.pins):
            self.fail(f"a group of kind {label!r} is pinned, but {reason}")

    def bar(self, kind: int, items: BoolArray) -> int:
        """Take the eligibility of marked items for a kind; returns how many had it."""
        gone = self.eligible[kind] & items
        number = int(gone.sum())
        if number:
            self.eligible[kind, gone] = False
            self.changes[kind] += 1
        return number

    def unchanged(self, rule: str) -> BoolArray:
        """Kinds that have not changed since a rule asked last, bool [K]."""
        seen = self._seen.get(rule)
        self._seen[rule] = self.changes.copy()
        if seen is None:
            return np.zeros(len(self.changes), np.bool_)
        same: BoolArray = seen == self.changes
        return same

    # -- what rules ask ---------------------------------------------------------------------

    @property
    def forbids(self) -> bool:
        """Whether absent pairs may not group."""
        return self.problem.absent_pairs == "forbidden"

    def open_kinds(self) -> list[int]:
        """The kinds that may have groups."""
        found: list[int] = np.flatnonzero(self.kind).tolist()
        return found

    def useful(self, kind: int) -> BoolArray:
        """The listed pairs that may be in a group of a kind, bool [E]."""
        one, other = self.problem.pairs.T
        eligible = self.eligible[kind]
        marked: BoolArray = self.allowed[kind] & eligible[one] & eligible[other]
        return marked

    def num_eligible(self, kind: int) -> int:
        """Number of items that may be in a group of a kind."""
        return int(self.eligible[kind].sum())

    def most_groups(self, kind: int) -> int:
        """Most groups of a kind, by its own bound and by its items."""
        by_items = self.num_eligible(kind) // max(1, int(self.min_size[kind]))
        return min(int(self.max_groups[kind]), by_items)

    def totals(self, kind: int, resource: int) -> Totals:
        """Amounts of a resource in groups of a kind."""
        number = self.num_eligible(kind)  # items only ever leave, so it tells versions apart
        if self._sorted.get((kind, resource), (-1,))[0] != number:
            eligible = self.problem.resources[resource][self.eligible[kind]]
            self._sorted[kind, resource] = (number, np.sort(eligible))
        amounts = self._sorted[kind, resource][1]
        fewest, most = int(self.min_size[kind]), int(self.max_size[kind])
        low = int(amounts[:fewest].sum())
        high = int(amounts[max(0, len(amounts) - most) :].sum())
        return Totals(
            amounts,
            max(low, int(self.resource_min[kind, resource])),
            min(high, int(self.resource_max[kind, resource])),
        )

    def bounded(self, kind: int) -> list[int]:
        """Resources with a bound in a kind."""
        bound = (self.resource_min[kind] > 0) | (self.resource_max[kind] < UNBOUNDED)
        found: list[int] = np.flatnonzero(bound & self.resource).tolist()
        return found

    def where(self, low: IntArray, high: IntArray) -> IntArray:
        """Positions of pairs (low < high) in the list of pairs, -1 where they are not listed."""
        keys, order = self._keys
        wanted = low.astype(np.int64) * self.problem.num_items + high
        if not len(keys):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: IntArray = np.where(keys[at] == wanted, order[at], -1)
        return found

    @cached_property
    def _keys(self) -> tuple[IntArray, IntArray]:
        pairs = self.problem.pairs.astype(np.int64)
        keys = pairs[:, 0] * self.problem.num_items + pairs[:, 1]
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def beside(
        self, useful: BoolArray
    ) -> tuple[IntArray, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Marked pairs from both sides.

        Returns
        -------
        start : int64 [n + 1], where each item's neighbours begin.
        other, pair : int32, the neighbours, ascending, and the positions of the pairs.
        """
        first, second, pair = self._both_sides
        marked = useful[pair]
        start = np.zeros(self.problem.num_items + 1, np.int64)
        np.cumsum(np.bincount(first[marked], minlength=self.problem.num_items), out=start[1:])
        return start, second[marked], pair[marked]

    @cached_property
    def _both_sides(self) -> tuple[npt.NDArray[np.int32], ...]:
        """All listed pairs from both sides, ordered by first and second item."""
        pairs = self.problem.pairs
        first = np.concatenate([pairs[:, 0], pairs[:, 1]])
        second = np.concatenate([pairs[:, 1], pairs[:, 0]])
        order = np.argsort(first.astype(np.int64) * self.problem.num_items + second)
        return first[order], second[order], (order % max(1, len(pairs))).astype(np.int32)

    def touched(self, kind: int, useful: BoolArray, sizes: IntArray) -> BoolArray:
        """Items whose pairs have changed since ``looked_at``, bool [n]; all at first."""
        out = np.ones(self.problem.num_items, np.bool_)
        seen = self._pairs_seen.get(kind)
        if seen is not None and (seen[1] == sizes).all():
            out[:] = False
            out[self.problem.pairs[seen[0] & ~useful].ravel()] = True
        return out

    def looked_at(self, kind: int, useful: BoolArray, sizes: IntArray) -> None:
        """Note that the pairs of a kind all fit, given these sizes."""
        self._pairs_seen[kind] = (useful.copy(), sizes)

    # -- the smaller problem ----------------------------------------------------------------

    def written(self) -> tuple[GroupingProblem, IntArray, IntArray]:
        """The reduced problem, and the original numbers of its items and kinds.

        Raises
        ------
        InvalidProblem
            If moving values between fields made a total too large to be checked.
        """
        problem = self.problem
        items, kinds = np.flatnonzero(self.item), np.flatnonzero(self.kind)
        resources, limits = np.flatnonzero(self.resource), np.flatnonzero(self.limit)
        new_item = np.full(problem.num_items, -1, np.int64)
        new_item[items] = np.arange(len(items))
        new_kind = {int(k): at for at, k in enumerate(kinds)}
        new_resource = {int(r): at for at, r in enumerate(resources)}
        pairs, allowed = self._pairs(kinds)
        values = problem.pair_values
        values = values[pairs] if values.ndim == 1 else values[np.ix_(kinds, pairs)]
        apart = () if self.apart_marked and self.forbids else problem.apart
        reduced = GroupingProblem(
            num_items=len(items),
            kinds=tuple(problem.kinds[k] for k in kinds),
            item_values=self.item_values[np.ix_(kinds, items)],
            pairs=new_item[problem.pairs[pairs]].reshape(-1, 2).astype(np.int32),
            pair_values=values,
            pair_allowed=allowed,
            absent_pairs=problem.absent_pairs,
            open_values=self.open_values[kinds],
            min_size=self.min_size[kinds],
            max_size=self._loosest(self.max_size, 1)[kinds],
            min_groups=self.min_groups[kinds],
            max_groups=self._loosest(self.max_groups, self.min_size)[kinds],
            eligible=self.eligible[np.ix_(kinds, items)],
            resources=problem.resources[np.ix_(resources, items)],
            resource_min=self.resource_min[np.ix_(kinds, resources)],
            resource_max=self.resource_max[np.ix_(kinds, resources)],
            curves={
                (new_kind[k], new_resource[r]): curve
                for (k, r), curve in self.curves.items()
                if k in new_kind
            },
            shared_group_use=problem.shared_group_use[np.ix_(limits, kinds)],
            shared_item_use=problem.shared_item_use[np.ix_(limits, kinds, items)],
            shared_limit=self.shared_limit[limits],
            must_join=problem.must_join[items],
            together=_renumbered(problem.together, new_item),
            apart=_renumbered(apart, new_item),
            pinned=tuple(
                Group(new_kind[pin.kind], new_item[list(pin.members)].tolist())
                for pin in (problem.pinned[p] for p in self.pins)
            ),
            pinned_may_grow=tuple(problem.pin_may_grow[p] for p in self.pins),
        )
        return reduced, items, kinds

    def _loosest(self, most: IntArray, each: IntArray | int) -> IntArray:
        """Upper bounds, those that never bind as neutral as they can be."""
        reachable = self.eligible.sum(axis=1) // np.maximum(1, each)
        neutral = np.maximum(int(self.item.sum()), np.minimum(most, self.problem.num_items))
        return np.where(most >= reachable, np.maximum(neutral, 1), most)

    def _pairs(self, kinds: IntArray) -> tuple[IntArray, BoolArray]:
        """The listed pairs to keep, and where they are allowed, [E'] or [K', E']."""
        one, other = self.problem.pairs.T
        meeting = np.zeros((len(kinds), len(one)), np.bool_)
        for at, k in enumerate(kinds):
            meeting[at] = self.eligible[k][one] & self.eligible[k][other]
        allowed = self.allowed[kinds]
        if self.forbids:
            keep = (meeting & allowed).any(axis=0)
        else:
            # An absent pair is allowed and worth 0, so only other pairs need a line.
            values = np.atleast_2d(self.problem.pair_values)
            values = values if len(values) == 1 else values[kinds]
            keep = (meeting & ((values != 0) | ~allowed)).any(axis=0)
        pairs = np.flatnonzero(keep)
        allowed, meeting = allowed[:, pairs], meeting[:, pairs]
        somewhere: BoolArray = np.asarray((allowed & meeting).any(axis=0))
        if (allowed[meeting] == np.broadcast_to(somewhere, meeting.shape)[meeting]).all():
            return pairs, somewhere
        return pairs, allowed


def _renumbered(rules: tuple[tuple[int, ...], ...], new: IntArray) -> tuple[tuple[int, ...], ...]:
    """Rules on the items that are left; a rule on fewer than two says nothing."""
    kept = (tuple(int(new[i]) for i in rule if new[i] >= 0) for rule in rules)
    return tuple(rule for rule in kept if len(rule) > 1)
