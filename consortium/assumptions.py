"""What a plan assumes: every fact it uses, and every input that was missing."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.case import Case
from consortium.fact_changes import facts_of
from consortium.plan import Assumption
from consortium.register import Firm
from consortium.wording import listed


def assumptions(case: Case) -> tuple[Assumption, ...]:
    """Missing inputs first, then facts by name, each with value, unit, grade and source."""
    rows = list(_missing(case))
    for fact in sorted(facts_of(case), key=lambda f: f.name):
        rows.append(
            Assumption(
                field=fact.name,
                value=f"{fact.text} {fact.unit}",
                grade=fact.grade,
                source=f"{fact.source} ({fact.year})",
            )
        )
    return tuple(rows)


def _missing(case: Case) -> Iterator[Assumption]:
    """One row per register column that some maker leaves blank, with what is assumed instead."""
    makers = [f for f in case.register.firms if (f.role or "maker") == "maker"]
    programme = case.programme
    stated = programme.contribution_of_turnover.exact * 100
    rules: tuple[tuple[str, str], ...] = (
        ("role", "counted as a maker"),
        ("latitude", "distance unknown: 0.8 of the proximity score in the same town, else 0.5"),
        ("turnover_cents", "cannot show that it could pay for a certificate"),
        ("export_years", "counted as fewer than the years that make an experienced exporter"),
        ("export_sales_cents", "weight 0 when fees are shared by export sales"),
        ("financial_health_bp", "0.5 in the finance score"),
        ("management_bp", "0.5 in the part of the size score that compares management"),
        (
            "max_contribution_cents",
            f"{float(stated):g}% of turnover within the programme's floor and ceiling",
        ),
        ("hours_per_month", "0.5 in the time score"),
        ("priorities", "0.5 in the part of the goals score that compares priorities"),
        ("target_markets", "0.5 in the part of the goals score that compares markets"),
    )
    for field, instead in rules:
        blank = [firm.firm_id for firm in makers if getattr(firm, field) in (None, ())]
        yield from _row(field, instead, blank)
    products: tuple[tuple[str, str], ...] = (
        ("capacity_units_per_year", "the product is not counted"),
        ("spare_share_bp", f"{programme.spare_share.text} of capacity counts as free"),
        ("unit_cost_cents", "the product passes the cost screen"),
    )
    for field, instead in products:
        blank = [
            f"{firm.firm_id} {product.family}"
            for firm in makers
            for product in firm.products
            if getattr(product, field) is None
        ]
        yield from _row(field, instead, blank)
    dateless = [firm.firm_id for firm in makers if _undated(firm)]
    yield from _row("certificate dates", "the certificate counts as valid", dateless)


def _undated(firm: Firm) -> bool:
    return any(certificate.expires is None for certificate in firm.certificates)


def _row(field: str, instead: str, blank: list[str]) -> Iterator[Assumption]:
    if blank:
        name = field.removesuffix("_cents").removesuffix("_bp")
        yield Assumption(
            field=f"register.{name}",
            value=instead,
            grade="missing",
            source=f"not given for {listed(blank, 12)} ({len(blank)} in all)",
        )
