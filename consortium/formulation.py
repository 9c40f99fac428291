"""From a case to a ``GroupingProblem`` and back; the only place where money is scaled for a solver.

Items are firms, kinds are (market, marketing plan, mode). Each named part of docs/model.md becomes
one coefficient, rounded half-even to a cent once (``round`` of a ``Fraction`` is half-even):

- ``open_values``: the joint costs and the subsidy on them;
- ``item_values``: a member's costs and subsidy, and minus its stand-alone worth;
- ``pair_values``: synergy and coordination of a pair;
- ``curves``: sales and range bonus of a family, over the group's counted lots.

Resources: counted lots per (market, family); what members can pay per launch year; experience.
``valuation`` computes the same worth its own way; tests hold the two to the same cent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from consortium.case import Case, Kind
from consortium.compatibility import CompatiblePairs, PairScorer, compatible_pairs
from consortium.eligibility import (
    Ineligible,
    counted_lots,
    experienced,
    families_sold,
    headroom_cents,
    ineligible,
    missing_certificates,
    reach,
    upgrade_cents,
)
from consortium.money import MoneyOfKind, sales_curve, standalone_cents
from solver.grouping import Group, Grouping
from solver.problem import UNBOUNDED, Curve, GroupingProblem

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Formulation:
    """A case as a formal problem, with the way back.

    Attributes
    ----------
    case : where it came from.
    kinds : kind by index of the problem.
    firm_ids : firm by item index, ascending.
    problem : the formal problem; values are surplus in cents.
    graphs : compatible pairs by (market, mode).
    pair_scores : int64 [kinds, pairs], compatibility score of the problem's pairs, basis points; 0
        where the kind does not allow the pair.
    shut_out : why a firm cannot join in a market, by (firm_id, market).
    resource_names, limit_names : what each resource and shared limit stands for.
    """

    case: Case
    kinds: tuple[Kind, ...]
    firm_ids: tuple[str, ...]
    problem: GroupingProblem
    graphs: dict[tuple[str, str], CompatiblePairs]
    pair_scores: IntArray
    shut_out: dict[tuple[str, str], Ineligible]
    resource_names: tuple[str, ...]
    limit_names: tuple[str, ...]

    @cached_property
    def item_of(self) -> dict[str, int]:
        """Item index by firm_id."""
        return {firm: i for i, firm in enumerate(self.firm_ids)}

    def consortia(self, grouping: Grouping) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
        """Kinds and members of a grouping, in its order."""
        return tuple(
            (self.kinds[group.kind], tuple(self.firm_ids[i] for i in group.members))
            for group in grouping
        )

    def grouping(self, consortia: Iterable[tuple[Kind, Sequence[str]]]) -> Grouping:
        """A grouping from kinds and members; unknown kinds and firms are left out."""
        kind_of = {kind: k for k, kind in enumerate(self.kinds)}
        groups = []
        for kind, firms in consortia:
            members = [self.item_of[f] for f in firms if f in self.item_of]
            if kind in kind_of and members:
                groups.append(Group(kind_of[kind], members))
        return Grouping(groups)


def market_limit(case: Case, code: str) -> int:
    """Most consortia a market's demand carries."""
    market, programme = case.market_cluster(code), case.programme
    share, buyers = programme.reachable_share.exact, programme.reference_buyers.exact
    demand, served = Fraction(0), Fraction(0)
    for facts in market.families.values():
        demand += facts.demand.cents
        served += min(share * facts.demand.cents, buyers * facts.purchase_per_buyer.cents)
    served *= reach(programme, market)
    shared = programme.consortia_share.exact * demand
    limit = max(1, math.floor(shared / served)) if served else 1
    return min(limit, case.rules.max_consortia.get(code, limit))


def formulate(case: Case, keep_pairs: Iterable[tuple[str, str]] = ()) -> Formulation:
    """Turn a case into a formal problem.

    Parameters
    ----------
    keep_pairs : pairs of firms the sparsifier must not drop (those of a start plan); pairs of
        pinned and together rules are always kept. A pair the rule forbids stays forbidden.
    """
    shut_out: dict[tuple[str, str], Ineligible] = {}
    nodes: dict[str, tuple[str, ...]] = {}
    for market in case.markets:
        able = []
        for firm in case.register.firms:
            why = ineligible(case, market.code, firm)
            if why is None:
                able.append(firm.firm_id)
            else:
                shut_out[firm.firm_id, market.code] = why
        nodes[market.code] = tuple(able)
    graphs = {
        (market.code, mode): compatible_pairs(case, market.code, mode, nodes[market.code])
        for market in case.markets
        for mode in case.programme.modes.texts
    }
    kinds = case.kinds
    firm_ids = _items(case, nodes)
    return _Builder(case, kinds, firm_ids, graphs, shut_out, tuple(keep_pairs)).build()


def _items(case: Case, nodes: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Firms that may join somewhere, and those a rule obliges (so that a conflict is proved)."""
    wanted = {firm for able in nodes.values() for firm in able}
    wanted |= case.rules.must_join
    wanted |= {firm for pin in case.rules.pins for firm in pin.firms}
    # A firm bound to one that cannot join must stay an item, or the bond would be lost.
    before = -1
    while before != len(wanted):
        before = len(wanted)
        for rule in case.rules.together:
            if wanted.intersection(rule):
                wanted.update(rule)
    return tuple(sorted(wanted))


class _Builder:
    """Builds the arrays of one formulation."""

    def __init__(
        self,
        case: Case,
        kinds: tuple[Kind, ...],
        firm_ids: tuple[str, ...],
        graphs: dict[tuple[str, str], CompatiblePairs],
        shut_out: dict[tuple[str, str], Ineligible],
        keep_pairs: tuple[tuple[str, str], ...],
    ) -> None:
        self.case, self.kinds, self.firm_ids = case, kinds, firm_ids
        self.graphs, self.shut_out, self.keep_pairs = graphs, shut_out, keep_pairs
        self.firms = [case.register.by_id[firm] for firm in firm_ids]
        self.item_of = {firm: i for i, firm in enumerate(firm_ids)}
        self.money = {kind: MoneyOfKind(case, kind) for kind in kinds}
        self.num_items, self.num_kinds = len(firm_ids), len(kinds)

    def build(self) -> Formulation:
        headroom = self._headroom()
        eligible = self._eligible(headroom)
        resources, names, low, curves = self._resources(headroom, eligible)
        pairs, pair_scores, pair_allowed = self._pairs()
        pair_values = np.where(pair_allowed, self._worth_by_score()[pair_scores], 0)
        group_use, item_use, limits, limit_names = self._shared()
        rules = self.case.rules
        kind_of = {kind: k for k, kind in enumerate(self.kinds)}
        n, num_kinds = self.num_items, self.num_kinds
        most = np.array(
            [min(market_limit(self.case, kind.market), n) for kind in self.kinds], dtype=np.int64
        )
        problem = GroupingProblem(
            num_items=n,
            kinds=tuple(kind.label for kind in self.kinds),
            item_values=self._item_values(),
            pairs=pairs,
            pair_values=pair_values,
            pair_allowed=pair_allowed,
            absent_pairs="forbidden",
            open_values=np.array(
                [sum(m.open_parts()) + m.open_subsidy() for m in self.money.values()],
                dtype=np.int64,
            ),
            min_size=np.full(num_kinds, self.case.size_min, dtype=np.int64),
            max_size=np.full(num_kinds, self.case.size_max, dtype=np.int64),
            max_groups=most,
            eligible=eligible,
            resources=resources,
            resource_min=low,
            resource_max=np.full(low.shape, UNBOUNDED, dtype=np.int64),
            curves=curves,
            shared_group_use=group_use,
            shared_item_use=item_use,
            shared_limit=limits,
            must_join=np.array([f in rules.must_join for f in self.firm_ids], dtype=bool),
            together=self._sets(rules.together),
            apart=self._sets(rules.apart),
            pinned=tuple(
                Group(kind_of[Kind(p.market, p.plan, p.mode)], [self.item_of[f] for f in p.firms])
                for p in rules.pins
            ),
            pinned_may_grow=tuple(p.may_grow for p in rules.pins) if rules.pins else False,
        )
        return Formulation(
            self.case,
            self.kinds,
            self.firm_ids,
            problem,
            self.graphs,
            pair_scores,
            self.shut_out,
            names,
            limit_names,
        )

    def _headroom(self) -> dict[Kind, IntArray]:
        """What each firm can add to joint costs, int64 [n, launch years], by kind."""
        years = len(self.case.programme.launch_years)
        out: dict[Kind, IntArray] = {}
        seen: dict[tuple[str, Fraction, bool], IntArray] = {}
        for kind in self.kinds:
            # Plans of one market with the same member promotion leave the same headroom.
            money = self.money[kind]
            key = (kind.market, money.member_promotion, money.plan.common_brand)
            if key not in seen:
                rows = [headroom_cents(self.case, kind, firm) for firm in self.firms]
                seen[key] = np.array(rows, dtype=np.int64).reshape(self.num_items, years)
            out[kind] = seen[key]
        return out

    def _eligible(self, headroom: dict[Kind, IntArray]) -> npt.NDArray[np.bool_]:
        out = np.zeros((self.num_kinds, self.num_items), dtype=bool)
        for k, kind in enumerate(self.kinds):
            able = [(firm, kind.market) not in self.shut_out for firm in self.firm_ids]
            out[k] = np.array(able, dtype=bool) & (headroom[kind] >= 0).all(axis=1)
        return out

    def _resources(
        self, headroom: dict[Kind, IntArray], eligible: npt.NDArray[np.bool_]
    ) -> tuple[IntArray, tuple[str, ...], IntArray, dict[tuple[int, int], Curve]]:
        rows: list[IntArray] = []
        names: list[str] = []
        needs: dict[tuple[int, int], int] = {}
        curves: dict[tuple[int, int], Curve] = {}
        for market in self.case.markets:
            for family in self.case.market_cluster(market.code).families:
                r = len(rows)
                lots = [counted_lots(self.case, market.code, firm, family) for firm in self.firms]
                rows.append(np.array(lots, dtype=np.int64))
                names.append(f"lots of {family} for {market.code}")
                for k, kind in enumerate(self.kinds):
                    sales = self.money[kind].sales(family) if kind.market == market.code else None
                    fee = self.money[kind].family_fee() if kind.market == market.code else 0
                    curve = sales_curve(sales, fee)
                    if curve is not None:
                        curves[k, r] = curve
        payable: dict[bytes, int] = {}
        for k, kind in enumerate(self.kinds):
            for at, year in enumerate(self.case.programme.launch_years):
                money = self.money[kind]
                need = money.need_of_year(year)
                row = np.where(eligible[k], headroom[kind][:, at], 0).astype(np.int64)
                found = payable.get(row.tobytes())
                if found is None:
                    found = len(rows)
                    payable[row.tobytes()] = found
                    rows.append(row)
                    names.append(f"payable in year {year} ({kind.market}, {kind.plan})")
                needs[k, found] = max(need, needs.get((k, found), 0))
        experience = len(rows)
        rows.append(np.array([experienced(self.case, f) for f in self.firms], dtype=np.int64))
        names.append("experienced exporters")
        low = np.zeros((self.num_kinds, len(rows)), dtype=np.int64)
        for (k, r), need in needs.items():
            low[k, r] = need
        low[:, experience] = 1
        resources = np.array(rows, dtype=np.int64).reshape(len(rows), self.num_items)
        return resources, tuple(names), low, curves

    def _item_values(self) -> IntArray:
        case = self.case
        out = np.zeros((self.num_kinds, self.num_items), dtype=np.int64)
        alone = [standalone_cents(case, firm, self.money) for firm in self.firms]
        for k, kind in enumerate(self.kinds):
            money = self.money[kind]
            shared = money.member_subsidy()
            shared -= round(money.over_years(case.programme.coordination_per_member.cents))
            for i, firm in enumerate(self.firms):
                sold = len(families_sold(case, kind.market, firm))
                missing = missing_certificates(case, kind.market, firm)
                known = tuple(name for name in missing if name in case.certificates)
                own = 0 if money.plan.common_brand else sold
                parts = money.member_parts(own, upgrade_cents(case, known))
                out[k, i] = sum(parts) + shared - alone[i]
        return out

    def _pairs(self) -> tuple[npt.NDArray[np.int32], IntArray, npt.NDArray[np.bool_]]:
        """Union of the graphs' edges, with each kind's scores and permissions."""
        n = self.num_items
        codes: dict[tuple[str, str], IntArray] = {}
        scores: dict[tuple[str, str], IntArray] = {}
        for key, graph in self.graphs.items():
            at = np.array([self.item_of[f] for f in graph.firm_ids], dtype=np.int64)
            i, j = at[graph.pairs[:, 0]], at[graph.pairs[:, 1]]
            code, score = self._with_kept(key, i * n + j, graph.scores.astype(np.int64))
            codes[key], scores[key] = code, score
        union = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *codes.values()]))
        pair_scores = np.zeros((self.num_kinds, len(union)), dtype=np.int64)
        pair_allowed = np.zeros((self.num_kinds, len(union)), dtype=bool)
        for k, kind in enumerate(self.kinds):
            key = (kind.market, kind.mode)
            where = np.searchsorted(union, codes[key])
            pair_allowed[k, where] = True
            pair_scores[k, where] = scores[key]
        pairs = np.stack([union // max(n, 1), union % max(n, 1)], axis=1).astype(np.int32)
        return pairs, pair_scores, pair_allowed

    def _with_kept(
        self, key: tuple[str, str], code: IntArray, score: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Add allowed pairs of pins, together rules and ``keep_pairs`` the sparsifier dropped."""
        n = self.num_items
        market, mode = key
        present = set(code.tolist())
        extra: dict[int, int] = {}
        wanted = [pin.firms for pin in self.case.rules.pins]
        wanted += [*self.case.rules.together, *self.keep_pairs]
        by_id, scorer = self.case.register.by_id, PairScorer(self.case, market)
        for firms in wanted:
            known = sorted(f for f in firms if f in self.item_of)
            for at, a in enumerate(known):
                for b in known[at + 1 :]:
                    pair = self.item_of[a] * n + self.item_of[b]
                    if pair in present or pair in extra:
                        continue
                    found = scorer.score(mode, by_id[a], by_id[b])
                    if found.allowed:
                        extra[pair] = found.score
        if not extra:
            return code, score
        code = np.concatenate([code, np.array(sorted(extra), dtype=np.int64)])
        added = np.array([extra[pair] for pair in sorted(extra)], dtype=np.int64)
        score = np.concatenate([score, added])
        order = np.argsort(code, kind="stable")
        return code[order], score[order]

    def _worth_by_score(self) -> IntArray:
        """Cents of a pair by its score 0..10,000: synergy less coordination, each rounded."""
        programme = self.case.programme
        total: Fraction = sum(programme.discount, Fraction(0))
        gain = total * programme.synergy_per_pair.cents
        cost = total * programme.coordination_per_pair.cents
        return np.array(
            [round(gain * c / 10_000) - round(cost * (10_000 - c) / 10_000) for c in range(10_001)],
            dtype=np.int64,
        )

    def _shared(self) -> tuple[IntArray, IntArray, IntArray, tuple[str, ...]]:
        case, num_kinds, n = self.case, self.num_kinds, self.num_items
        group_use: list[list[int]] = []
        limits: list[int] = []
        names: list[str] = []
        for market in case.markets:
            group_use.append([int(kind.market == market.code) for kind in self.kinds])
            limits.append(market_limit(case, market.code))
            names.append(f"consortia for {market.code}")
        group_use.append([1] * num_kinds)
        limits.append(case.programme.caseload.whole * case.programme.facilitators.whole)
        names.append("consortia the facilitators can carry")
        item_use = np.zeros((len(limits), num_kinds, n), dtype=np.int64)
        budget = case.programme.budget
        if budget is not None:
            years = case.programme.years
            group_use.append(
                [sum(self.money[k].subsidy_of_year(t) for t in years) for k in self.kinds]
            )
            each = [sum(self.money[k].member_subsidy_of_year(t) for t in years) for k in self.kinds]
            spent = np.repeat(np.array(each, dtype=np.int64)[:, None], n, axis=1)
            item_use = np.concatenate([item_use, spent[None]])
            limits.append(math.floor(budget.cents))
            names.append("subsidy budget")
        return (
            np.array(group_use, dtype=np.int64),
            item_use,
            np.array(limits, dtype=np.int64),
            tuple(names),
        )

    def _sets(self, rules: tuple[tuple[str, ...], ...]) -> tuple[tuple[int, ...], ...]:
        """Rules on sets of firms, as item sets (firms that are no items cannot be grouped)."""
        out = []
        for rule in rules:
            items = tuple(self.item_of[f] for f in rule if f in self.item_of)
            if len(items) > 1:
                out.append(items)
        return tuple(out)
