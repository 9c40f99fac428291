"""What a consortium is worth, term by term, to the cent: the domain's own arithmetic.

The formulas are those of ``docs/model.md``. The solver's coefficients are a second, separate
account of them; nothing here uses those. ``Valuer`` keeps what is worked out for one case; the
functions below it are for a single question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from consortium.case import Case, Kind
from consortium.cashflow import Fee, Figures, dot
from consortium.feasibility import Breach, PairJudgement, group_breaches, plan_breaches
from consortium.register import Firm
from consortium.retention import Retention, retention_of

if TYPE_CHECKING:
    from consortium.compatibility import PairScorer

__all__ = [
    "Breach",
    "Fee",
    "Retention",
    "Term",
    "Valuation",
    "Valuer",
    "cohesion_bp",
    "feasibility",
    "plan_feasibility",
    "retention",
    "standalone_worth",
    "value_consortium",
]

#: The terms a subsidy pays.
SUBSIDY_TERMS = ("subsidy on joint promotion", "subsidy on members' promotion")
#: ``score(case, market_code, mode, firm_a, firm_b)``, ids ascending.
ScorePair = Callable[[Case, str, str, Firm, Firm], PairJudgement]


@dataclass(frozen=True, slots=True)
class Term:
    """One named part of a worth, US cents."""

    name: str
    cents: int


@dataclass(frozen=True)
class Valuation:
    """What one consortium is worth and how its cash runs.

    Attributes
    ----------
    terms : named parts in the order of ``docs/model.md``, those of 0 left out.
    worth_cents : their sum.
    standalone_cents : what each member is worth alone.
    surplus_cents, surplus_without_subsidy_cents : worth less the members' stand-alone worth,
        with and without the two subsidy terms.
    lives_on_subsidy : whether the latter is negative.
    families : families that reach their minimum order, in the cluster's order.
    capacity : counted units a year by family.
    certificates : members that hold a needed certificate, by certificate.
    to_obtain : certificates still to obtain, by member that lacks any.
    cost_by_year_cents : cash the consortium and its members pay for it, undiscounted, without
        certificates and without the pairs' time.
    subsidy_by_year_cents : subsidy paid, undiscounted, as a budget counts it.
    sales_margin_by_year_cents : margin on sales and range bonus, undiscounted.
    self_financing_year : first year from which the margin always covers cost less subsidy.
    fees : what members pay in the launch years, by year and firm.
    """

    terms: tuple[Term, ...]
    worth_cents: int
    standalone_cents: dict[str, int]
    surplus_cents: int
    surplus_without_subsidy_cents: int
    lives_on_subsidy: bool
    families: tuple[str, ...]
    capacity: dict[str, int]
    certificates: dict[str, tuple[str, ...]]
    to_obtain: dict[str, tuple[str, ...]]
    cost_by_year_cents: tuple[int, ...]
    subsidy_by_year_cents: tuple[int, ...]
    sales_margin_by_year_cents: tuple[int, ...]
    self_financing_year: int | None
    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True)
class _KindTerms:
    """Terms of a kind that do not depend on who is in; those of a member are for one member."""

    joint: dict[str, int]
    member: dict[str, int]


class Valuer:
    """Values consortia of one case and remembers what they share.

    Parameters
    ----------
    case : the case.
    score : scores a pair; as ``consortium.compatibility.score_pair`` does when left out.
    """

    def __init__(self, case: Case, score: ScorePair | None = None) -> None:
        self.case = case
        self.figures = Figures(case)
        self._score = score
        self._scorers: dict[str, PairScorer] = {}
        self._pairs: dict[tuple[str, str, str, str], PairJudgement] = {}
        self._kind_terms: dict[tuple[str, str], _KindTerms] = {}
        self._standalone: dict[str, int] = {}

    def pair(self, kind: Kind, firm_a: str, firm_b: str) -> PairJudgement:
        """The score of two firms in a kind's market and mode."""
        key = (kind.market, kind.mode, min(firm_a, firm_b), max(firm_a, firm_b))
        if key not in self._pairs:
            by_id = self.case.register.by_id
            firms = (by_id[key[2]], by_id[key[3]])
            if self._score is not None:
                self._pairs[key] = self._score(self.case, kind.market, kind.mode, *firms)
            else:
                self._pairs[key] = self._scorer(kind.market).score(kind.mode, *firms)
        return self._pairs[key]

    def value(self, kind: Kind, firm_ids: Sequence[str]) -> Valuation:
        """Value a consortium, feasible or not; ``KeyError`` for a firm or kind not of the case."""
        members = sorted(set(firm_ids))
        figures = self.figures.kind(kind)
        firms = {firm: self.figures.firm(kind.market, firm) for firm in members}
        supplied = {
            key: sum(row.counted_lots.get(key, 0) for row in firms.values())
            for key in figures.market.families
        }
        sold = self._sold_lots(kind, supplied)
        num_products = sum(self.figures.listings(kind, members))
        terms = self._terms(kind, members, sold)
        worth = sum(term.cents for term in terms)
        subsidy = sum(term.cents for term in terms if term.name in SUBSIDY_TERMS)
        standalone = {firm: self.standalone(firm) for firm in members}
        surplus = worth - sum(standalone.values())
        costs = tuple(
            round(p + n + len(members) * own + num_products * fee)
            for p, n, own, fee in zip(
                figures.promotion_cents,
                figures.other_cents,
                figures.member_cents,
                figures.market.product_fee_cents,
                strict=True,
            )
        )
        subsidies = tuple(
            joint + len(members) * own
            for joint, own in zip(
                figures.subsidy_joint_cents, figures.subsidy_member_cents, strict=True
            )
        )
        margins = self._margins(kind, sold)
        return Valuation(
            terms=terms,
            worth_cents=worth,
            standalone_cents=standalone,
            surplus_cents=surplus,
            surplus_without_subsidy_cents=surplus - subsidy,
            lives_on_subsidy=surplus < subsidy,
            families=tuple(sold),
            capacity={
                key: lots * figures.market.families[key].lot_size_units
                for key, lots in supplied.items()
                if lots
            },
            certificates={
                name: tuple(firm for firm in members if name not in firms[firm].missing)
                for name in figures.market.certificates
            },
            to_obtain={firm: row.missing for firm, row in firms.items() if row.missing},
            cost_by_year_cents=costs,
            subsidy_by_year_cents=subsidies,
            sales_margin_by_year_cents=margins,
            self_financing_year=first_covered_year(costs, subsidies, margins),
            fees=self.figures.fees(kind, members),
        )

    def standalone(self, firm_id: str) -> int:
        """What a firm is worth exporting alone: its best kind, or 0."""
        if firm_id not in self._standalone:
            alone = [0]
            if self.figures.experienced(firm_id):
                # The mode plays no part alone.
                ways = {(kind.market, kind.plan): kind for kind in self.case.kinds}
                alone += [
                    self._alone_cents(kind, firm_id)
                    for kind in ways.values()
                    if not self.case.plan(kind.plan).common_brand
                    and self.figures.firm(kind.market, firm_id).can_hold
                ]
            self._standalone[firm_id] = max(alone)
        return self._standalone[firm_id]

    def cohesion_bp(self, kind: Kind, firm_ids: Sequence[str]) -> int:
        """How well a group fits: mean and lowest score, weighted; 0 without pairs."""
        pairs = combinations(sorted(set(firm_ids)), 2)
        scores = [self.pair(kind, *pair).score for pair in pairs]
        if not scores:
            return 0
        weight = self.case.programme.criteria["cohesion_mean"].exact
        return round(weight * Fraction(sum(scores), len(scores)) + (1 - weight) * min(scores))

    def retention(self, kind: Kind, firm_ids: Sequence[str], fees: Iterable[Fee]) -> Retention:
        """Chances that members leave, given the launch-year fees."""
        return retention_of(self.figures, firm_ids, fees, lambda a, b: self.pair(kind, a, b).score)

    def feasibility(self, kind: Kind, firm_ids: Sequence[str]) -> tuple[Breach, ...]:
        """Every rule one consortium breaks."""
        return group_breaches(self.figures, kind, firm_ids, lambda a, b: self.pair(kind, a, b))

    def plan_feasibility(
        self, consortia: Sequence[tuple[Kind, tuple[str, ...]]]
    ) -> tuple[Breach, ...]:
        """Every rule a whole plan breaks, beyond those of each consortium by itself."""
        return plan_breaches(self.figures, consortia)

    def _scorer(self, market_code: str) -> PairScorer:
        if market_code not in self._scorers:
            from consortium.compatibility import PairScorer

            self._scorers[market_code] = PairScorer(self.case, market_code)
        return self._scorers[market_code]

    def _terms(self, kind: Kind, members: Sequence[str], sold: dict[str, int]) -> tuple[Term, ...]:
        figures, programme = self.figures, self.case.programme
        fixed = self._terms_of(kind)
        cents = dict(fixed.joint)
        for name in fixed.member:
            cents[name] = len(members) * fixed.member[name]
        # These two differ by member; the dictionary keeps their place in the order of the page.
        cents["product fees"] = sum(
            self._product_fees(kind, number) for number in figures.listings(kind, members)
        )
        cents["certificates to obtain"] = -sum(
            figures.firm(kind.market, firm).missing_cents for firm in members
        )
        synergy_cents = figures.annuity * programme.synergy_per_pair.cents
        coordination_cents = figures.annuity * programme.coordination_per_pair.cents
        fits = [Fraction(self.pair(kind, *two).score, 10_000) for two in combinations(members, 2)]
        cents["synergy of pairs"] = sum(round(synergy_cents * fit) for fit in fits)
        cents["coordination of pairs"] = -sum(round(coordination_cents * (1 - c)) for c in fits)
        families = figures.market(kind.market).families
        for key, lots in sold.items():
            cents[f"sales of {key}"] = lots * families[key].ramped_cents_per_lot
        bonus_cents = round(figures.ramped_annuity * programme.range_bonus.cents)
        for key in sold:
            cents[f"range bonus of {key}"] = bonus_cents
        return tuple(Term(name, value) for name, value in cents.items() if value)

    def _terms_of(self, kind: Kind) -> _KindTerms:
        key = (kind.market, kind.plan)
        if key in self._kind_terms:
            return self._kind_terms[key]
        figures, programme = self.figures.kind(kind), self.case.programme
        facts, plan = self.case.market_cluster(kind.market), figures.plan
        none = Fraction(0)
        cost = self.figures.present_cents
        paid = [
            d * s for d, s in zip(programme.discount, programme.subsidy_path.series, strict=True)
        ]
        cap_joint, cap_member = (
            programme.subsidy_cap_fixed.cents,
            programme.subsidy_cap_member.cents,
        )
        promotion = plan.member_promotion_annual.cents
        joint = {
            "study and catalogue": -cost(plan.study_once.cents + plan.catalogue_once.cents, none),
            "fair stand": -cost(none, plan.fair_annual.cents),
            "web site": -cost(none, plan.site_annual.cents),
            "common brand": -cost(none if plan.brand_once is None else plan.brand_once.cents, none),
            "manager": -cost(none, programme.manager_annual.cents),
            "market registration": -cost(
                facts.consortium_fee_once.cents, facts.consortium_fee_annual.cents
            ),
            "licence holder or agent": -cost(
                none, max(facts.licence_holder_annual.cents, plan.agent_annual.cents)
            ),
            "subsidy on joint promotion": round(
                dot(paid, (min(amount, cap_joint) for amount in figures.promotion_cents))
            ),
        }
        member = {
            "members' promotion": -cost(none, promotion),
            "coordination of members": -cost(none, programme.coordination_per_member.cents),
            "establishment fees": -cost(
                facts.establishment_fee_once.cents, facts.establishment_fee_annual.cents
            ),
            "product fees": 0,
            "certificates to obtain": 0,
            "subsidy on members' promotion": round(sum(paid) * min(promotion, cap_member)),
        }
        self._kind_terms[key] = _KindTerms(joint, member)
        return self._kind_terms[key]

    def _alone_cents(self, kind: Kind, firm_id: str) -> int:
        """What a firm makes of one kind alone: no manager, subsidy, coordination or bonus."""
        fixed, firm = self._terms_of(kind), self.figures.firm(kind.market, firm_id)
        families = self.figures.market(kind.market).families
        sold = self._sold_lots(kind, firm.alone_lots)
        return (
            fixed.joint["study and catalogue"]
            + fixed.joint["fair stand"]
            + fixed.joint["web site"]
            + fixed.joint["market registration"]
            + fixed.joint["licence holder or agent"]
            + fixed.member["members' promotion"]
            + fixed.member["establishment fees"]
            + self._product_fees(kind, len(firm.alone_lots))
            - firm.missing_cents
            + sum(lots * families[key].ramped_cents_per_lot for key, lots in sold.items())
        )

    def _sold_lots(self, kind: Kind, supplied_lots: Mapping[str, int]) -> dict[str, int]:
        """Lots sold a year in full, by family that reaches its minimum order."""
        figures = self.figures.kind(kind)
        sold = {}
        for key, lots in supplied_lots.items():
            limit = figures.limit_lots[key]
            if min(lots, limit) >= figures.market.families[key].minimum_lots:
                sold[key] = min(lots, limit)
        return sold

    def _product_fees(self, kind: Kind, num_families: int) -> int:
        facts = self.case.market_cluster(kind.market)
        return -self.figures.present_cents(
            num_families * facts.product_fee_once.cents,
            num_families * facts.product_fee_annual.cents,
        )

    def _margins(self, kind: Kind, sold_lots: dict[str, int]) -> tuple[int, ...]:
        families = self.figures.market(kind.market).families
        full = len(sold_lots) * self.case.programme.range_bonus.cents
        for key, lots in sold_lots.items():
            full += lots * families[key].margin_cents_per_lot
        return tuple(round(share * full) for share in self.case.programme.ramp.series)


def first_covered_year(
    costs: Sequence[int], subsidies: Sequence[int], margins: Sequence[int]
) -> int | None:
    """First year from which the margin covers cost less subsidy to the end, or ``None``.

    Parameters
    ----------
    costs, subsidies, margins : by year from year 1, US cents.
    """
    first = None
    for year in range(len(costs), 0, -1):
        if margins[year - 1] < costs[year - 1] - subsidies[year - 1]:
            break
        first = year
    return first


def value_consortium(
    case: Case, kind: Kind, firm_ids: Sequence[str], score: ScorePair | None = None
) -> Valuation:
    """Value one consortium; for many of one case use ``Valuer``."""
    return Valuer(case, score).value(kind, firm_ids)


def feasibility(
    case: Case, kind: Kind, firm_ids: Sequence[str], score: ScorePair | None = None
) -> tuple[Breach, ...]:
    """Every rule one consortium breaks."""
    return Valuer(case, score).feasibility(kind, firm_ids)


def plan_feasibility(
    case: Case, consortia: Sequence[tuple[Kind, tuple[str, ...]]]
) -> tuple[Breach, ...]:
    """Every rule a whole plan breaks, beyond those of each consortium by itself."""
    return Valuer(case).plan_feasibility(consortia)


def standalone_worth(case: Case, firm: str) -> int:
    """What a firm is worth exporting alone, US cents."""
    return Valuer(case).standalone(firm)


def retention(
    case: Case,
    kind: Kind,
    firm_ids: Sequence[str],
    fees: Iterable[Fee],
    score: ScorePair | None = None,
) -> Retention:
    """Chances that members leave, given the launch-year fees."""
    return Valuer(case, score).retention(kind, firm_ids, fees)


def cohesion_bp(
    case: Case, kind: Kind, firm_ids: Sequence[str], score: ScorePair | None = None
) -> int:
    """How well a group fits, basis points: .7 of the mean and .3 of the lowest pair score."""
    return Valuer(case, score).cohesion_bp(kind, firm_ids)
