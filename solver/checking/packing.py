"""Is there a choice of disjoint listed groups worth more than a claim? A search on a budget.

By weak duality (see ``solver.certificate``) a grouping worth the claim and one unit more can lose
only so much (the budget) against the cost of the prices: each chosen group loses minus its reduced
value, each item left out its price, and each cut, shared limit or number of groups its price times
what is left of it. The search decides the item with the fewest ways to decide it, and every
decision spends some of the budget.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from solver.certificate import ItemPrices
from solver.checking.facts import Decisions, Facts, Work

#: Of more groups the sets of least use would take too much memory (a bit for each two groups).
MOST_SORTED = 20_000


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A feasible group.

    Attributes
    ----------
    kind : its kind.
    members : its items.
    value : its value.
    """

    kind: int
    members: frozenset[int]
    value: int


class Pricing:
    """Reduced values of listed groups at some prices."""

    def __init__(self, facts: Facts, prices: ItemPrices, work: Work) -> None:
        self._facts = facts
        self._prices = prices
        self._work = work
        self._cuts_of: dict[int, list[int]] = {}
        for cut, (*items, price) in enumerate(prices.cuts):
            for i in items:
                if price:
                    self._cuts_of.setdefault(i, []).append(cut)

    def cuts_in(self, group: ListedGroup) -> dict[int, int]:
        """The cuts (of positive price) that a group counts in, and how often."""
        met: dict[int, int] = {}
        for i in group.members:
            for cut in self._cuts_of.get(i, ()):
                met[cut] = met.get(cut, 0) + 1
        return {cut: number // 2 for cut, number in sorted(met.items()) if number > 1}

    def reduced(self, group: ListedGroup) -> int:
        """scale * value less what the group pays."""
        prices = self._prices
        self._work.spend(3 + len(group.members))
        total = prices.scale * group.value - prices.kinds[group.kind]
        total -= sum(prices.items[i] for i in group.members)
        total -= sum(prices.cuts[cut][-1] * times for cut, times in self.cuts_in(group).items())
        for s, price in enumerate(prices.shared):
            if price:
                total -= price * use_of(self._facts, s, group)
        return total


def use_of(facts: Facts, limit: int, group: ListedGroup) -> int:
    """What a group uses of a shared limit."""
    row = facts.shared_item_use[limit][group.kind]
    return facts.shared_group_use[limit][group.kind] + sum(row[i] for i in group.members)


class BudgetSearch:
    """Looks for disjoint groups that lose no more than a budget.

    Groups are numbered by what they lose, and sets of groups are the bits of an integer.
    """

    def __init__(
        self,
        facts: Facts,
        decisions: Decisions,
        obliged: frozenset[int],
        prices: ItemPrices,
        groups: Sequence[ListedGroup],
        work: Work,
    ) -> None:
        self._facts = facts
        self._decisions = decisions
        self._obliged = obliged
        self._prices = prices
        self._work = work
        pricing = Pricing(facts, prices, work)
        loss = {id(group): max(0, -pricing.reduced(group)) for group in groups}
        self._groups = sorted(groups, key=lambda group: loss[id(group)])
        self._loss = [loss[id(group)] for group in self._groups]
        self._holding = [0] * facts.num_items
        self._of_kind = [0] * facts.num_kinds
        self._in_cut = [0] * len(prices.cuts)
        for g, group in enumerate(self._groups):
            self._of_kind[group.kind] |= 1 << g
            for i in group.members:
                self._holding[i] |= 1 << g
            for cut in pricing.cuts_in(group):
                self._in_cut[cut] |= 1 << g
        self._uses = [
            [use_of(facts, s, group) for group in self._groups]
            for s in range(len(facts.shared_limit))
        ]
        # Limits that every group adds to: what is used can only grow.
        self._growing = [
            (s, *_by_use(uses))
            for s, uses in enumerate(self._uses)
            if min(uses, default=0) >= 0 and len(uses) <= MOST_SORTED
        ]
        # What each cut of positive price is worth in all.
        self._cuts = [
            (cut, price * (len(items) // 2))
            for cut, (*items, price) in enumerate(prices.cuts)
            if price > 0
        ]
        self._words = 1 + len(groups) // 256

    def find(self, budget: int, claim: int) -> list[ListedGroup] | None:
        """A feasible choice of groups worth more than the claim; ``None`` if there is none.

        Parameters
        ----------
        budget : such a choice loses no more than this.
        """
        everything = (1 << len(self._groups)) - 1
        undecided = tuple(i for i in range(self._facts.num_items) if i not in self._decisions.out)
        stack: list[tuple[int, int, tuple[int, ...], tuple[int, ...]]] = [
            (everything, budget, undecided, ())
        ]
        while stack:
            alive, left, items, chosen = stack.pop()
            narrowed = self._narrow(alive, left, items, chosen)
            if narrowed is None:
                continue
            alive, left, items = narrowed
            if not alive:
                better = self._checked(chosen, claim)
                if better is not None:
                    return better
                continue
            stack.extend(self._choices(alive, left, items, chosen))
        return None

    # -- inside -------------------------------------------------------------------------------

    def _narrow(
        self, alive: int, left: int, items: tuple[int, ...], chosen: tuple[int, ...]
    ) -> tuple[int, int, tuple[int, ...]] | None:
        """Drop groups that lose too much, and items with no way but out, until nothing changes.

        ``None`` if the budget does not last.
        """
        prices, words = self._prices, self._words
        alive = self._fitting(alive, chosen)
        while True:
            self._work.spend(words * (len(items) + len(self._cuts) + self._facts.num_kinds) + 1)
            kept, spare = [], left
            for i in items:
                held = alive & self._holding[i]
                if held:
                    kept.append(i)
                elif i in self._obliged:
                    return None
                else:
                    left -= prices.items[i]
            # What is lost beside the groups, at least.
            spare = left - self._rest(alive, chosen)
            if spare < 0:
                return None
            fitting = alive & ((1 << bisect_right(self._loss, spare)) - 1)
            if fitting == alive:
                return alive, left, tuple(kept)
            alive, items = fitting, tuple(kept)

    def _rest(self, alive: int, chosen: tuple[int, ...]) -> int:
        """What cuts, numbers of groups and shared limits cost at least."""
        prices, decisions = self._prices, self._decisions
        picked = 0
        for g in chosen:
            picked |= 1 << g
        possible = alive | picked
        # A row that no group counts in any more is short of all it could be worth.
        total = sum(worth for cut, worth in self._cuts if not self._in_cut[cut] & possible)
        for k, price in enumerate(prices.kinds):
            if price > 0:
                number = (self._of_kind[k] & possible).bit_count()
                total += price * max(0, decisions.most[k] - number)
            elif price < 0:
                number = (self._of_kind[k] & picked).bit_count()
                total -= price * max(0, number - decisions.least[k])
        if not alive:
            for s, price in enumerate(prices.shared):
                if price:
                    used = sum(self._uses[s][g] for g in chosen)
                    total += price * max(0, self._facts.shared_limit[s] - used)
        return total

    def _choices(
        self, alive: int, left: int, items: tuple[int, ...], chosen: tuple[int, ...]
    ) -> list[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
        """Decide the item with the fewest ways; the cheapest way comes last.

        Items that may stay out for nothing come last: leaving them out says little.
        """
        prices = self._prices
        self._work.spend(self._words * len(items))

        def ways(i: int) -> tuple[bool, int, int, int]:
            price, obliged = prices.items[i], i in self._obliged
            number = (alive & self._holding[i]).bit_count()
            number += not obliged and price <= left
            return price == 0 and not obliged, number, -price, i

        item = min(items, key=ways)
        held = alive & self._holding[item]
        out = []
        others = tuple(i for i in items if i != item)
        if item not in self._obliged and prices.items[item] <= left:
            out.append((alive & ~held, left - prices.items[item], others, chosen))
        while held:
            g = held.bit_length() - 1
            held ^= 1 << g
            group = self._groups[g]
            rest = alive
            for i in group.members:
                rest &= ~self._holding[i]
            self._work.spend(self._words * len(group.members))
            free = tuple(i for i in others if i not in group.members)
            out.append((rest, left - self._loss[g], free, (*chosen, g)))
        return out

    def _fitting(self, alive: int, chosen: tuple[int, ...]) -> int:
        """The groups that numbers of groups and shared limits still admit."""
        self._work.spend(self._words * (self._facts.num_kinds + len(self._growing)))
        for k, most in enumerate(self._decisions.most):
            if sum(1 for g in chosen if self._groups[g].kind == k) >= most:
                alive &= ~self._of_kind[k]
        for s, uses, masks in self._growing:
            room = self._facts.shared_limit[s] - sum(self._uses[s][g] for g in chosen)
            alive &= masks[bisect_right(uses, room)]
        return alive

    def _checked(self, chosen: tuple[int, ...], claim: int) -> list[ListedGroup] | None:
        """The chosen groups if they are feasible together and worth more than the claim."""
        facts, decisions = self._facts, self._decisions
        groups = [self._groups[g] for g in chosen]
        if sum(group.value for group in groups) <= claim:
            return None
        for k in range(facts.num_kinds):
            number = sum(1 for group in groups if group.kind == k)
            if not decisions.least[k] <= number <= decisions.most[k]:
                return None
        for s, limit in enumerate(facts.shared_limit):
            if sum(self._uses[s][g] for g in chosen) > limit:
                return None
        return groups


def _by_use(uses: list[int]) -> tuple[list[int], list[int]]:
    """The uses, ascending, and the groups of the least 0, 1, 2, ... of them."""
    order = sorted(range(len(uses)), key=lambda g: uses[g])
    masks = [0]
    for g in order:
        masks.append(masks[-1] | 1 << g)
    return [uses[g] for g in order], masks
