"""Walks the tree of a certificate and confirms every leaf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from solver.certificate import STEPS, Certificate, ItemPrices, ProofNode
from solver.checking.facts import Blocks, Decisions, Facts, OutOfWork, Work, obliged_items
from solver.checking.groups import KindSearch
from solver.checking.packing import BudgetSearch, ListedGroup, Pricing
from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem
from solver.verification import group_value, verify

#: Steps that a check may take unless told otherwise.
WORK = 200_000_000


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """What became of a check.

    Attributes
    ----------
    confirmed : whether the bound is proved.
    bound : the bound claimed, in the problem's units.
    reason : why it is not confirmed; empty if it is.
    better : a feasible grouping worth more than the claim, where one was met.
    work : steps taken.
    """

    confirmed: bool
    bound: int
    reason: str
    better: Grouping | None
    work: int


class _NotProved(Exception):
    """Says why a certificate proves nothing; carries a better grouping, where one was met."""

    def __init__(self, reason: str, better: Grouping | None = None) -> None:
        super().__init__(reason)
        self.better = better


def check_bound(problem: GroupingProblem, certificate: Certificate, work: int = WORK) -> BoundCheck:
    """Confirm that no feasible grouping is worth more than a certificate claims.

    Nothing in the certificate is believed: every group is priced anew, in exact integers.

    Parameters
    ----------
    work : steps after which to give up; ten million take some seconds.

    Returns
    -------
    Whether it is confirmed and, if not, why. A bound that is not confirmed may still be true.

    Raises
    ------
    TypeError, ValueError
        If the certificate holds anything but whole numbers where these are due.
    """
    account = Work(work)
    # Through JSON, so that all numbers are plain integers.
    plain = Certificate.from_json(certificate.to_json())
    reason, better = "", None
    try:
        _Check(problem, plain, account).run()
    except _NotProved as failure:
        reason, better = str(failure), failure.better
    except OutOfWork:
        reason = f"not confirmed within the work limit of {work}"
    return BoundCheck(not reason, plain.bound, reason, better, account.done)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node with what is known there.

    Attributes
    ----------
    node : its position.
    decisions : taken on the way.
    groups : all that a better grouping can be made of; ``None`` for all groups there are.
    """

    node: int
    decisions: Decisions
    groups: list[ListedGroup] | None


class _Check:
    """One check."""

    def __init__(self, problem: GroupingProblem, certificate: Certificate, work: Work) -> None:
        self._problem = problem
        self._certificate = certificate
        self._work = work
        self._facts = Facts(problem)
        self._require_shape()
        self._position = [0] * problem.num_items
        for at, i in enumerate(certificate.order):
            self._position[i] = at

    def run(self) -> None:
        """Return if the claim is proved.

        Raises
        ------
        _NotProved
            If it is not.
        OutOfWork
            If it takes too long.
        """
        stack = [_Place(0, self._facts.root_decisions(), None)]
        while stack:
            place = stack.pop()
            self._work.spend(1)
            node, decisions = self._certificate.nodes[place.node], place.decisions
            if any(a > b for a, b in zip(decisions.least, decisions.most, strict=True)):
                continue
            if node.step == "close":
                self._close(place, node)
            elif node.step == "list":
                groups = self._left(place, self._certificate.prices[node.subject[0]])
                if groups is not None:
                    stack.append(_Place(node.children[0], decisions, groups))
            else:
                for child, decided in zip(node.children, _split(decisions, node), strict=True):
                    stack.append(_Place(child, decided, place.groups))

    # -- the form -----------------------------------------------------------------------------

    def _require_shape(self) -> None:
        facts, certificate = self._facts, self._certificate
        if sorted(certificate.order) != list(range(facts.num_items)):
            raise _NotProved("the order does not name every item once")
        for p, prices in enumerate(certificate.prices):
            fault = self._fault_of_prices(prices)
            if fault:
                raise _NotProved(f"prices {p}: {fault}")
        if not certificate.nodes:
            raise _NotProved("there is no proof")
        for at, node in enumerate(certificate.nodes):
            fault = self._fault_of_node(at, node)
            if fault:
                raise _NotProved(f"node {at}: {fault}")

    def _fault_of_prices(self, prices: ItemPrices) -> str:
        facts = self._facts
        expected = facts.num_items, facts.num_kinds, len(facts.shared_limit)
        if (len(prices.items), len(prices.kinds), len(prices.shared)) != expected:
            return "not a price for each item, kind and shared limit"
        if prices.scale <= 0:
            return "the scale is not positive"
        if min(prices.shared, default=0) < 0:
            return "a price of a shared limit is negative"
        for cut in prices.cuts:
            items = cut[:-1]
            different = len({*items}) == len(items) >= 3 and len(items) % 2 == 1
            if not different or not all(0 <= i < facts.num_items for i in items):
                return "a cut is not on an odd number of items"
            if cut[-1] < 0:
                return "a price of a cut is negative"
        return ""

    def _fault_of_node(self, at: int, node: ProofNode) -> str:
        facts, certificate = self._facts, self._certificate
        if node.step not in STEPS:
            return f"unknown step {node.step!r}"
        if (len(node.subject), len(node.children)) != STEPS[node.step]:
            return "wrong number of subjects or children"
        if not all(at < child < len(certificate.nodes) for child in node.children):
            return "a child is not further on"
        if node.step == "number":
            return "" if 0 <= node.subject[0] < facts.num_kinds else "no such kind"
        if node.step == "kind" and not 0 <= node.subject[0] < facts.num_kinds:
            return "no such kind"
        if node.step in ("item", "kind", "pair"):
            items = node.subject[1:] if node.step == "kind" else node.subject
            known = all(0 <= i < facts.num_items for i in items)
            return "" if known else "no such item"
        return "" if 0 <= node.subject[0] < len(certificate.prices) else "no such prices"

    # -- what prices prove --------------------------------------------------------------------

    def _close(self, place: _Place, node: ProofNode) -> None:
        """Return if no grouping of the branch is worth more than the claim."""
        prices = self._certificate.prices[node.subject[0]]
        budget, groups = self._budget(place, prices), None
        if budget >= 0:
            groups = self._within(place, prices, budget)
        if groups is None:
            return
        decisions = place.decisions
        obliged = obliged_items(self._facts, decisions)
        search = BudgetSearch(self._facts, decisions, obliged, prices, groups, self._work)
        found = search.find(budget, self._certificate.bound)
        if found is None:
            return
        better = Grouping(Group(group.kind, group.members) for group in found)
        verdict = verify(self._problem, better)
        if verdict.feasible:
            raise _NotProved(f"a grouping is worth {verdict.objective}", better)
        raise _NotProved(f"node {place.node}: its prices do not prove the bound")

    def _left(self, place: _Place, prices: ItemPrices) -> list[ListedGroup] | None:
        """What a better grouping can be made of; ``None`` if there is none."""
        budget = self._budget(place, prices)
        return None if budget < 0 else self._within(place, prices, budget)

    def _budget(self, place: _Place, prices: ItemPrices) -> int:
        """What a grouping worth more than the claim may lose; negative if there is none.

        Groups of positive reduced value may win something back; the budget has it in advance, as
        much as groups of different roots can.
        """
        facts, decisions = self._facts, place.decisions
        obliged = obliged_items(facts, decisions)
        self._work.spend(facts.num_items)
        if not obliged.isdisjoint(decisions.out):
            return -1
        cost = sum(price * (len(items) // 2) for *items, price in prices.cuts)
        for i, price in enumerate(prices.items):
            if price < 0 and i not in obliged:
                raise _NotProved(f"the price of item {i} is negative, and it may stay out")
            if i not in decisions.out:
                cost += price
        for k, price in enumerate(prices.kinds):
            cost += price * (decisions.most[k] if price > 0 else decisions.least[k])
        for price, limit in zip(prices.shared, facts.shared_limit, strict=True):
            cost += price * limit
        target = prices.scale * (self._certificate.bound + 1)
        if place.groups is None:
            blocks = self._blocks(decisions)
            if blocks.nowhere():
                return -1
            gains = self._best_of_all(blocks, prices)
        else:
            gains = self._best_of_listed(place.groups, decisions, prices)
        gains.sort(reverse=True)
        return cost + sum(gains[: facts.most_groups(decisions.most)]) - target

    def _within(self, place: _Place, prices: ItemPrices, budget: int) -> list[ListedGroup]:
        """The groups that lose no more than a budget."""
        if place.groups is not None:
            pricing = Pricing(self._facts, prices, self._work)
            admitted = place.decisions.admits
            return [
                group
                for group in place.groups
                if admitted(group.kind, group.members) and pricing.reduced(group) >= -budget
            ]
        out: list[ListedGroup] = []
        blocks = self._blocks(place.decisions)
        for kind in range(self._facts.num_kinds):
            if place.decisions.most[kind] <= 0:
                continue

            def keep(members: tuple[int, ...], _: int, kind: int = kind) -> int:
                items = frozenset(i for block in members for i in blocks.items[block])
                self._work.spend(20 * len(items))
                value = group_value(self._problem, Group(kind, items))
                out.append(ListedGroup(kind, items, value))
                return -budget

            search = KindSearch(blocks, kind, prices, self._work)
            for root in search.roots(-budget):
                search.run(root, -budget, keep)
        return out

    def _best_of_all(self, blocks: Blocks, prices: ItemPrices) -> list[int]:
        """The greatest positive reduced value of each root, or 0."""
        best = [0] * len(blocks.items)
        for kind in range(self._facts.num_kinds):
            if blocks.decisions.most[kind] <= 0:
                continue
            search = KindSearch(blocks, kind, prices, self._work)
            for root in search.roots(1):

                def raise_best(_: tuple[int, ...], reduced: int, root: int = root) -> int:
                    best[root] = reduced
                    return reduced + 1

                search.run(root, best[root] + 1, raise_best)
        return best

    def _best_of_listed(
        self, groups: Sequence[ListedGroup], decisions: Decisions, prices: ItemPrices
    ) -> list[int]:
        """The same among listed groups."""
        pricing = Pricing(self._facts, prices, self._work)
        best = [0] * self._facts.num_items
        for group in groups:
            if decisions.admits(group.kind, group.members):
                root = min(self._position[i] for i in group.members)
                best[root] = max(best[root], pricing.reduced(group))
        return best

    def _blocks(self, decisions: Decisions) -> Blocks:
        return Blocks(self._facts, decisions, self._certificate.order, self._work)


def _split(decisions: Decisions, node: ProofNode) -> tuple[Decisions, Decisions]:
    """The decisions of both children."""
    if node.step == "number":
        kind, number = node.subject
        most, least = list(decisions.most), list(decisions.least)
        most[kind] = min(most[kind], number)
        least[kind] = max(least[kind], number + 1)
        return replace(decisions, most=tuple(most)), replace(decisions, least=tuple(least))
    if node.step == "item":
        (item,) = node.subject
        return (
            replace(decisions, covered=decisions.covered | {item}),
            replace(decisions, out=decisions.out | {item}),
        )
    if node.step == "kind":
        kind, item = node.subject
        others = {(k, item) for k in range(len(decisions.most)) if k != kind}
        return (
            replace(
                decisions,
                covered=decisions.covered | {item},
                banned=decisions.banned | others,
            ),
            replace(decisions, banned=decisions.banned | {(kind, item)}),
        )
    i, j = node.subject
    return (
        replace(decisions, joined=(*decisions.joined, (i, j))),
        replace(decisions, parted=(*decisions.parted, (i, j))),
    )
