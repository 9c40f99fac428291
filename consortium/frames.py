"""Tables for notebooks: plans, registers, facts and compatibility graphs as pandas DataFrames.

Every function takes what it tells of and nothing else, and gives one table. Columns carry their
units (``_cents`` are US cents, ``_bp`` basis points, ``_ppm`` parts per million) and stand in the
same order with the same types for an empty table too, so tables of many plans can be joined. Money
stays in whole cents, so sums are the plan's own; ``in_usd`` turns a table into dollars for reading.
What is not known is missing, never 0. The members of a plan are ``Plan.to_frame``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from consortium.facts import Fact
from consortium.plan import Plan
from consortium.programme import CRITERIA
from consortium.register import Register

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

# pandas' nullable types: a whole number or a yes/no that is missing stays one.
_TEXT, _WHOLE, _YES_NO, _NUMBER = "string", "Int64", "boolean", "Float64"
_CENTS = "_cents"


# -- plans ----------------------------------------------------------------------------------------


def consortia_frame(plan: Plan) -> pd.DataFrame:
    """One row a consortium: market, kind, size, worth, surplus, and how likely it is to last.

    ``surplus_cents`` sums to the plan's objective. ``self_financing_year`` is the first year in
    which sales carry the costs, missing where there is none; lists are joined by ;.
    """
    columns = {
        "consortium": _TEXT,
        "market": _TEXT,
        "marketing_plan": _TEXT,
        "mode": _TEXT,
        "num_members": _WHOLE,
        "members": _TEXT,
        "families": _TEXT,
        "worth_cents": _WHOLE,
        "standalone_cents": _WHOLE,
        "surplus_cents": _WHOLE,
        "surplus_without_subsidy_cents": _WHOLE,
        "lives_on_subsidy": _YES_NO,
        "self_financing_year": _WHOLE,
        "cohesion_bp": _WHOLE,
        "expected_members_after_two_years_bp": _WHOLE,
        "chance_at_least_min_after_two_years_bp": _WHOLE,
    }
    rows = [
        (
            group.id,
            group.market,
            group.marketing_plan,
            group.mode,
            len(group.members),
            ";".join(group.members),
            ";".join(group.families),
            group.worth_cents,
            sum(group.standalone_cents.values()),
            group.surplus_cents,
            group.surplus_without_subsidy_cents,
            group.lives_on_subsidy,
            group.self_financing_year,
            group.cohesion_bp,
            group.retention.expected_members_after_two_years_bp,
            group.retention.chance_at_least_min_after_two_years_bp,
        )
        for group in plan.consortia
    ]
    return _table(columns, rows)


def terms_frame(plan: Plan) -> pd.DataFrame:
    """One row a term of a consortium's worth; the terms of a consortium sum to its worth."""
    columns = {"consortium": _TEXT, "term": _TEXT, "cents": _WHOLE}
    rows = [(group.id, term.name, term.cents) for group in plan.consortia for term in group.terms]
    return _table(columns, rows)


def fees_frame(plan: Plan) -> pd.DataFrame:
    """One row a member and launch year: what it pays in that year."""
    columns = {"consortium": _TEXT, "firm": _TEXT, "year": _WHOLE, "fee_cents": _WHOLE}
    rows = [(group.id, f.firm, f.year, f.cents) for group in plan.consortia for f in group.fees]
    return _table(columns, rows)


def years_frame(plan: Plan) -> pd.DataFrame:
    """One row a consortium and year, from 1: costs, subsidy and margin on sales, undiscounted."""
    columns = {
        "consortium": _TEXT,
        "year": _WHOLE,
        "cost_cents": _WHOLE,
        "subsidy_cents": _WHOLE,
        "sales_margin_cents": _WHOLE,
    }
    rows: list[tuple[Any, ...]] = []
    for group in plan.consortia:
        series = zip(
            group.cost_by_year_cents,
            group.subsidy_by_year_cents,
            group.sales_margin_by_year_cents,
            strict=True,
        )
        rows.extend((group.id, year, *cents) for year, cents in enumerate(series, start=1))
    return _table(columns, rows)


def member_reasons_frame(plan: Plan) -> pd.DataFrame:
    """One row a member: what it brings, and what its leaving would cost, in sentences."""
    columns = {"consortium": _TEXT, "firm": _TEXT, "brings": _TEXT, "without_it": _TEXT}
    rows = [
        (group.id, reason.firm, reason.brings, reason.without_it)
        for group in plan.consortia
        for reason in group.member_reasons
    ]
    return _table(columns, rows)


def left_out_frame(plan: Plan) -> pd.DataFrame:
    """One row a firm in no consortium: a code to count by, and the reason as a sentence."""
    columns = {"firm": _TEXT, "code": _TEXT, "reason": _TEXT}
    return _table(columns, [(row.firm, row.code, row.reason) for row in plan.left_out])


def do_not_form_frame(plan: Plan) -> pd.DataFrame:
    """One row a turning point of a market in which none should form, the nearest first (rank 1).

    A market without a known turning point has one row, with rank and figures missing. Values are
    texts with their unit, ``change_percent`` is that of the fact's value.
    """
    columns = {
        "market": _TEXT,
        "reason": _TEXT,
        "rank": _WHOLE,
        "fact": _TEXT,
        "label": _TEXT,
        "value": _TEXT,
        "does_not_form_at": _TEXT,
        "forms_at": _TEXT,
        "change_percent": _WHOLE,
        "proved": _YES_NO,
    }
    rows: list[tuple[Any, ...]] = []
    for row in plan.do_not_form:
        points = [] if row.turning_point is None else [row.turning_point]
        points += row.other_turning_points
        for rank, point in enumerate(points, start=1):
            figures = (point.fact, point.label, point.value, point.does_not_form_at, point.forms_at)
            ends = (point.change_percent, point.proved)
            rows.append((row.market, row.reason, rank, *figures, *ends))
        if not points:
            rows.append((row.market, row.reason, *[None] * (len(columns) - 2)))
    return _table(columns, rows)


def assumptions_frame(plan: Plan) -> pd.DataFrame:
    """One row a figure that the plan assumes: value with unit, grade and source."""
    columns = {"field": _TEXT, "value": _TEXT, "grade": _TEXT, "source": _TEXT}
    rows = [(row.field, row.value, row.grade, row.source) for row in plan.assumptions]
    return _table(columns, rows)


def second_goals_frame(plan: Plan) -> pd.DataFrame:
    """One row a second goal, in their order; no row where the plan has none.

    ``before`` is what the plan of most surplus reaches, ``at_most`` what none can exceed (missing
    where not proved): firms, or basis points for cohesion. ``given_up_cents`` is the price of all
    the goals together, so it is the same in every row.
    """
    columns = {
        "goal": _TEXT,
        "label": _TEXT,
        "before": _WHOLE,
        "value": _WHOLE,
        "at_most": _WHOLE,
        "give_up_ppm": _WHOLE,
        "most_surplus_cents": _WHOLE,
        "given_up_cents": _WHOLE,
    }
    told = plan.second_goals
    if told is None:
        return _table(columns, [])
    rows = [
        (
            row.goal,
            row.label,
            row.before,
            row.value,
            row.at_most,
            told.give_up_ppm,
            told.most_surplus_cents,
            told.given_up_cents,
        )
        for row in told.goals
    ]
    return _table(columns, rows)


def draws_frame(plan: Plan) -> pd.DataFrame:
    """One row a consortium: what became of it when the estimates were redrawn; else none.

    ``num_positive`` counts draws with a surplus above 0, ``num_can_pay`` those in which the members
    can carry the launch years. 10, 50 and 90 percent of the draws do not exceed the three
    surpluses.
    """
    columns = {
        "consortium": _TEXT,
        "num_draws": _WHOLE,
        "num_facts": _WHOLE,
        "num_positive": _WHOLE,
        "num_can_pay": _WHOLE,
        "surplus_p10_cents": _WHOLE,
        "surplus_p50_cents": _WHOLE,
        "surplus_p90_cents": _WHOLE,
    }
    told = plan.draws
    if told is None:
        return _table(columns, [])
    rows = [
        (
            row.consortium,
            told.draws,
            told.num_facts,
            row.positive,
            row.can_pay,
            row.surplus_p10_cents,
            row.surplus_p50_cents,
            row.surplus_p90_cents,
        )
        for row in told.consortia
    ]
    return _table(columns, rows)


def deciding_facts_frame(plan: Plan) -> pd.DataFrame:
    """One row a consortium and fact that moves its surplus most (rank 1), of a plan with draws.

    The surplus is told at both ends of the fact's range, everything else as used; ``low``,
    ``value`` and ``high`` are in ``unit``.
    """
    columns = {
        "consortium": _TEXT,
        "rank": _WHOLE,
        "fact": _TEXT,
        "unit": _TEXT,
        "low": _TEXT,
        "value": _TEXT,
        "high": _TEXT,
        "surplus_at_low_cents": _WHOLE,
        "surplus_at_high_cents": _WHOLE,
    }
    rows = [
        (
            row.consortium,
            rank,
            fact.fact,
            fact.unit,
            fact.low,
            fact.value,
            fact.high,
            fact.surplus_at_low_cents,
            fact.surplus_at_high_cents,
        )
        for row in (() if plan.draws is None else plan.draws.consortia)
        for rank, fact in enumerate(row.deciding, start=1)
    ]
    return _table(columns, rows)


# -- registers ------------------------------------------------------------------------------------


def firms_frame(register: Register) -> pd.DataFrame:
    """One row a firm, with the fields of ``Firm`` but its products; lists are joined by ;.

    A certificate with a last valid day is written as in register files, "ISO 13485:2027-06-30".
    """
    columns = {
        "firm_id": _TEXT,
        "name": _TEXT,
        "cluster": _TEXT,
        "town": _TEXT,
        "employees": _WHOLE,
        "latitude_degrees": _NUMBER,
        "longitude_degrees": _NUMBER,
        "role": _TEXT,
        "turnover_cents": _WHOLE,
        "export_sales_cents": _WHOLE,
        "export_years": _WHOLE,
        "countries": _TEXT,
        "certificates": _TEXT,
        "financial_health_bp": _WHOLE,
        "management_bp": _WHOLE,
        "max_contribution_cents": _WHOLE,
        "preferred_fee_mode": _TEXT,
        "hours_per_month": _WHOLE,
        "priorities": _TEXT,
        "target_markets": _TEXT,
        "women_led": _YES_NO,
        "new_exporter": _YES_NO,
        "other_memberships": _TEXT,
        "families": _TEXT,
    }
    rows = []
    for firm in register.firms:
        held = (f"{c.name}:{c.expires}" if c.expires else c.name for c in firm.certificates)
        special = {
            "certificates": ";".join(held),
            "families": ";".join(product.family for product in firm.products),
        }
        row = []
        for name in columns:
            field = name.removesuffix("_degrees")
            value = special[field] if field in special else getattr(firm, field)
            row.append(";".join(value) if isinstance(value, tuple) else value)
        rows.append(row)
    return _table(columns, rows)


def products_frame(register: Register) -> pd.DataFrame:
    """One row a firm and product family, with the fields of ``Product``."""
    columns = {
        "firm_id": _TEXT,
        "family": _TEXT,
        "hs6": _TEXT,
        "capacity_units_per_year": _WHOLE,
        "spare_share_bp": _WHOLE,
        "unit_cost_cents": _WHOLE,
        "unit_price_cents": _WHOLE,
        "lead_time_days": _WHOLE,
        "reject_rate_bp": _WHOLE,
    }
    rows = [
        [firm.firm_id, *(getattr(product, name) for name in list(columns)[1:])]
        for firm in register.firms
        for product in firm.products
    ]
    return _table(columns, rows)


def ties_frame(register: Register) -> pd.DataFrame:
    """One row a tie between two firms, the lower id first."""
    columns = {"firm_a": _TEXT, "firm_b": _TEXT, "kind": _TEXT}
    return _table(columns, [(tie.firm_a, tie.firm_b, tie.kind) for tie in register.ties])


# -- facts ----------------------------------------------------------------------------------------


def facts_frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """One row a figure, with its unit, year, grade, source and range.

    ``value`` is the text as written, ``number`` the same as a number, missing for texts and yearly
    paths. ``low`` and ``high`` are numbers in the same unit.

    Parameters
    ----------
    facts : for example ``market.facts_for(cluster)``, ``programme.facts()`` or ``facts_of(case)``.
    """
    columns = {
        "name": _TEXT,
        "value": _TEXT,
        "number": _NUMBER,
        "unit": _TEXT,
        "year": _WHOLE,
        "grade": _TEXT,
        "source": _TEXT,
        "low": _NUMBER,
        "high": _NUMBER,
    }
    rows = [
        (
            fact.name,
            fact.text,
            float(fact.value) if isinstance(fact.value, Decimal) else None,
            fact.unit,
            fact.year,
            fact.grade,
            fact.source,
            None if fact.low is None else float(fact.low),
            None if fact.high is None else float(fact.high),
        )
        for fact in facts
    ]
    return _table(columns, rows)


# -- graphs ---------------------------------------------------------------------------------------


def pairs_frame(graph: nx.Graph[str]) -> pd.DataFrame:
    """One row a compatible pair, the lower id first: score, mode, and a column a criterion.

    Scores and criteria are basis points; whatever an edge does not carry is missing, so a graph
    that did not come from ``compatibility_graph`` can be read too.
    """
    columns = {
        "firm_a": _TEXT,
        "firm_b": _TEXT,
        "score_bp": _WHOLE,
        "mode": _TEXT,
        "reason": _TEXT,
        **{f"{name}_bp": _WHOLE for name in CRITERIA},
    }
    rows: list[tuple[Any, ...]] = []
    for a, b, data in graph.edges(data=True):
        parts: Mapping[str, int] = data.get("components", {})
        told = (data.get("score"), data.get("mode"), data.get("reason"))
        rows.append((min(a, b), max(a, b), *told, *(parts.get(name) for name in CRITERIA)))
    rows.sort(key=lambda row: (row[0], row[1]))
    return _table(columns, rows)


# -- every table ----------------------------------------------------------------------------------


def in_usd(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with every column of cents in US dollars, its name ending in "usd"."""
    money = [name for name in frame.columns if _is_cents(str(name))]
    out = frame.copy()
    for name in money:
        out[name] = frame[name] / 100
    return out.rename(columns={name: str(name).removesuffix("cents") + "usd" for name in money})


def _is_cents(name: str) -> bool:
    return name == _CENTS[1:] or name.endswith(_CENTS)


def _table(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """A table whose columns have these types, whether there are rows or not."""
    import pandas as pd

    # As objects first: a missing whole number must not make floats of its column.
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    return frame.astype(dict(columns))
