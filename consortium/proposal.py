"""One consortium of a plan, written out from its kind and members alone.

The planner writes plans with it and ``check`` writes them anew to compare, so a plan holds nothing
about a consortium that cannot be recomputed without a solver.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.case import Kind
from consortium.explanation import group_reasons, member_reasons
from consortium.plan import PlanConsortium, PlanFee, PlanRetention, PlanTerm
from consortium.valuation import Valuer


def write_out(valuer: Valuer, name: str, kind: Kind, members: Sequence[str]) -> PlanConsortium:
    """The plan's record of a consortium; ``members`` in any order."""
    firms = tuple(sorted(members))
    worth = valuer.value(kind, firms)
    stays = valuer.retention(kind, firms, worth.fees)
    return PlanConsortium(
        id=name,
        market=kind.market,
        marketing_plan=kind.plan,
        mode=kind.mode,
        members=firms,
        worth_cents=worth.worth_cents,
        terms=tuple(PlanTerm(name=term.name, cents=term.cents) for term in worth.terms),
        standalone_cents=dict(worth.standalone_cents),
        surplus_cents=worth.surplus_cents,
        surplus_without_subsidy_cents=worth.surplus_without_subsidy_cents,
        lives_on_subsidy=worth.lives_on_subsidy,
        families=tuple(worth.families),
        capacity=dict(worth.capacity),
        certificates={key: tuple(value) for key, value in worth.certificates.items()},
        to_obtain={key: tuple(value) for key, value in worth.to_obtain.items()},
        cohesion_bp=valuer.cohesion_bp(kind, firms),
        cost_by_year_cents=tuple(worth.cost_by_year_cents),
        subsidy_by_year_cents=tuple(worth.subsidy_by_year_cents),
        sales_margin_by_year_cents=tuple(worth.sales_margin_by_year_cents),
        self_financing_year=worth.self_financing_year,
        fees=tuple(PlanFee(firm=f.firm, year=f.year, cents=f.cents) for f in worth.fees),
        retention=PlanRetention(
            leaving_bp_per_year=dict(stays.leaving_bp_per_year),
            expected_members_after_two_years_bp=stays.expected_members_after_two_years_bp,
            chance_at_least_min_after_two_years_bp=stays.chance_at_least_min_after_two_years_bp,
        ),
        reasons=tuple(group_reasons(valuer, kind, worth, firms)),
        member_reasons=tuple(member_reasons(valuer, kind, worth, firms)),
    )
