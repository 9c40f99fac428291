"""One consortium's sheet: its members, why they go together, and every number of its worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter

from consortium.case import Case
from consortium.documents.sheets import DECIMAL, PERCENT, WHOLE, Sheet, Styles
from consortium.documents.words import (
    MODES,
    enough_members,
    families_brought,
    family_label,
    firm_name,
    heading,
    in_order,
    percent,
    plain,
    self_financing,
    sentence,
    term_short,
)
from consortium.eligibility import contribution_cents
from consortium.plan import PlanConsortium
from consortium.valuation import SUBSIDY_TERMS
from consortium.wording import count, usd_exact

_CHART_SIZE = {"width": 590, "height": 300}
_COLOURS = {"Cost": "#B5563C", "Subsidy": "#E0B040", "Margin on sales": "#2F7F6F"}


@dataclass(frozen=True)
class _Place:
    """Columns of the sheet; they move with the number of launch years."""

    years: tuple[int, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        fees = [12] * len(self.years)
        return (8, 22, 13, 10, 15, 12, 14, 13, *fees, 12, 9, 9, 34, 26)

    @property
    def heads(self) -> tuple[str, ...]:
        fees = [f"Fee in year {year} (USD)" for year in self.years]
        return (
            "Firm",
            "Name",
            "Town",
            "Employees",
            "Families it brings",
            "Certificates it holds",
            "Certificates to obtain",
            "Worth alone (USD)",
            *fees,
            "Most it pays a year (USD)",
            "Stated or assumed",
            "Chance it leaves in a year",
            "What it brings",
            "What happens without it",
        )


def consortium_sheet(
    book: xlsxwriter.Workbook, styles: Styles, name: str, case: Case, group: PlanConsortium
) -> None:
    """Add the sheet of one consortium to a workbook."""
    years = tuple(sorted({fee.year for fee in group.fees}))
    place = _Place(years)
    sheet = Sheet(book, styles, name, heading(case, group), place.widths)
    sheet.paragraph(_summary(case, group))
    sheet.heads(sheet.row, 0, place.heads)
    sheet.row += 1
    sheet.raw.freeze_panes(1, 1)
    sheet.raw.repeat_rows(0)
    for firm_id in group.members:
        _member(sheet, case, group, years, firm_id)
    _totals(sheet, group, years)
    sheet.section("Why together")
    for reason in group.reasons:
        sheet.paragraph(f"•  {sentence(reason)}")
    sheet.row += 1
    top = sheet.row
    # Printed, the members fill a page and their numbers the next; no table is torn.
    sheet.raw.set_h_pagebreaks([top])
    left = _terms(sheet, case, group, top)
    middle = _years(sheet, group, top)
    _chart(book, sheet, group, top)
    middle = _capacity(sheet, case, group, middle + 1)
    middle = _key_figures(sheet, case, group, middle + 1)
    sheet.row = max(left, middle)


def _summary(case: Case, group: PlanConsortium) -> str:
    lives = " It lives on the subsidy." if group.lives_on_subsidy else ""
    chance = percent(group.retention.chance_at_least_min_after_two_years_bp)
    return (
        f"Worth {usd_exact(group.worth_cents)}, surplus {usd_exact(group.surplus_cents)}; without "
        f"subsidy {usd_exact(group.surplus_without_subsidy_cents)}.{lives} It carries its own "
        f"costs {self_financing(group)}. {enough_members(case, group).capitalize()}: {chance}."
    )


def _member(
    sheet: Sheet, case: Case, group: PlanConsortium, years: Sequence[int], firm_id: str
) -> None:
    row = sheet.row
    firm = case.register.by_id.get(firm_id)
    why = next((r for r in group.member_reasons if r.firm == firm_id), None)
    held = sorted(name for name, firms in group.certificates.items() if firm_id in firms)
    families = [] if firm is None else families_brought(case, group.market, firm)
    sheet.text(row, 0, firm_id)
    sheet.text(row, 1, firm_name(case, firm_id))
    if firm is None:
        sheet.text(row, 2, "not in this register")
        sheet.blank(row, 3)
    else:
        sheet.text(row, 2, firm.town)
        sheet.number(row, 3, firm.employees, WHOLE)
    sheet.text(row, 4, ", ".join(families))
    sheet.text(row, 5, ", ".join(held) or "–")
    sheet.text(row, 6, ", ".join(group.to_obtain.get(firm_id, ())) or "–")
    sheet.money(row, 7, group.standalone_cents.get(firm_id))
    fees = {fee.year: fee.cents for fee in group.fees if fee.firm == firm_id}
    for column, year in enumerate(years, start=8):
        sheet.money(row, column, fees.get(year))
    column = 8 + len(years)
    sheet.money(row, column, None if firm is None else contribution_cents(case, firm))
    stated = firm is not None and firm.max_contribution_cents is not None
    sheet.text(row, column + 1, "" if firm is None else "stated" if stated else "assumed")
    leaving = group.retention.leaving_bp_per_year.get(firm_id)
    if leaving is None:
        sheet.blank(row, column + 2)
    else:
        sheet.number(row, column + 2, leaving / 10_000, PERCENT)
    sheet.text(row, column + 3, "" if why is None else sentence(why.brings))
    sheet.text(row, column + 4, "" if why is None else sentence(why.without_it))
    sheet.row += 1


def _totals(sheet: Sheet, group: PlanConsortium, years: Sequence[int]) -> None:
    row = sheet.row
    for column in range(sheet.last + 1):
        sheet.blank(row, column, "total")
    sheet.text(row, 1, "All members", "total")
    sheet.money(row, 7, sum(group.standalone_cents.values()), "total")
    for column, year in enumerate(years, start=8):
        paid = sum(fee.cents for fee in group.fees if fee.year == year)
        sheet.money(row, column, paid, "total")
    sheet.row += 1


def _terms(sheet: Sheet, case: Case, group: PlanConsortium, row: int) -> int:
    """Terms of the worth down to the surplus; the sums are ours, in whole cents."""
    sheet.text(row, 0, "From the terms to the surplus (today's money)", "section")
    row += 1
    sheet.wide_text(row, 0, 1, "Term", "head")
    sheet.text(row, 2, "USD", "head")
    row += 1
    worth = sum(term.cents for term in group.terms)
    alone = sum(group.standalone_cents.values())
    subsidy = sum(term.cents for term in group.terms if term.name in SUBSIDY_TERMS)
    lines = [(term_short(case, term.name), term.cents, "cell") for term in group.terms]
    lines.append(("Worth: the sum of the terms", worth, "total"))
    if worth != group.worth_cents:
        lines.append(("The plan says it is worth", group.worth_cents, "warning"))
    lines.append(("less worth alone of members", -alone, "cell"))
    lines.append(("Surplus", worth - alone, "total"))
    if worth - alone != group.surplus_cents:
        lines.append(("The plan says the surplus is", group.surplus_cents, "warning"))
    lines.append(("less the two subsidies", -subsidy, "cell"))
    lines.append(("Surplus without subsidy", worth - alone - subsidy, "total"))
    if worth - alone - subsidy != group.surplus_without_subsidy_cents:
        lines.append(
            ("The plan says, without subsidy", group.surplus_without_subsidy_cents, "warning")
        )
    for label, cents, style in lines:
        sheet.wide_text(row, 0, 1, label, style)
        sheet.money(row, 2, cents, style)
        row += 1
    return row


def _by_year(group: PlanConsortium) -> list[tuple[int, int, int]]:
    """(cost, subsidy, margin) by year; a plan edited by hand may have series of unequal length."""
    series = (
        group.cost_by_year_cents,
        group.subsidy_by_year_cents,
        group.sales_margin_by_year_cents,
    )
    longest = max(len(line) for line in series)
    padded = [(*line, *[0] * (longest - len(line))) for line in series]
    return list(zip(*padded, strict=True))


def _years(sheet: Sheet, group: PlanConsortium, row: int) -> int:
    sheet.text(
        row, 4, "Cash by year (USD, not discounted, without members' certificates)", "section"
    )
    heads = ("Year", *_COLOURS, "Left over")
    sheet.heads(row + 1, 4, heads)
    row += 2
    totals = [0, 0, 0, 0]
    for year, (cost, subsidy, margin) in enumerate(_by_year(group), start=1):
        left = margin + subsidy - cost
        sheet.text(row, 4, f"Year {year}")
        for at, cents in enumerate((cost, subsidy, margin, left)):
            sheet.money(row, 5 + at, cents)
            totals[at] += cents
        row += 1
    sheet.text(row, 4, "All years", "total")
    for at, cents in enumerate(totals):
        sheet.money(row, 5 + at, cents, "total")
    row += 1
    sheet.text(row, 4, f"It carries its own costs {self_financing(group)}.", "plain")
    return row + 1


def _chart(book: xlsxwriter.Workbook, sheet: Sheet, group: PlanConsortium, top: int) -> None:
    first, last = top + 2, top + 1 + len(_by_year(group))
    if last < first:
        return
    chart = book.add_chart({"type": "column"})
    for at, (label, colour) in enumerate(_COLOURS.items()):
        chart.add_series(
            {
                "name": label,
                "categories": [sheet.name, first, 4, last, 4],
                "values": [sheet.name, first, 5 + at, last, 5 + at],
                "fill": {"color": colour},
                "gap": 80,
                "overlap": 0,
            }
        )
    chart.set_title(
        {
            "name": "Cost, subsidy and margin by year, USD",
            "name_font": {"size": 11, "bold": True},
            "overlay": False,
        }
    )
    chart.set_y_axis(
        {
            "num_format": "#,##0",
            "major_gridlines": {"visible": True, "line": {"color": "#DDE3E8"}},
            "line": {"none": True},
        }
    )
    chart.set_legend({"position": "bottom"})
    chart.set_size(_CHART_SIZE)
    label = f"Columns of cost, subsidy and margin by year for {plain(group.id)}"
    # Beside single-line rows only: rows that grow would stretch it.
    sheet.raw.insert_chart(
        top, 10, chart, {"object_position": 2, "description": label, "x_offset": 12}
    )


def _capacity(sheet: Sheet, case: Case, group: PlanConsortium, row: int) -> int:
    unit = case.cluster.unit
    sheet.text(row, 4, f"What they can supply a year ({unit}s)", "section")
    sheet.wide_text(row + 1, 4, 5, "Family", "head")
    sheet.heads(row + 1, 6, (f"{unit.capitalize()}s a year", "Sold"))
    row += 2
    for key in in_order(case, group.capacity):
        sheet.wide_text(row, 4, 5, family_label(case, key))
        sheet.number(row, 6, group.capacity[key], WHOLE)
        sheet.text(row, 7, "yes" if key in group.families else "too few")
        row += 1
    sheet.text(
        row, 4, "Too few: below the least that buyers order, so nothing of it counts.", "plain"
    )
    return row + 1


def _key_figures(sheet: Sheet, case: Case, group: PlanConsortium, row: int) -> int:
    sheet.text(row, 4, "How firm it is", "section")
    row += 1
    stays = group.retention
    figures = (
        ("Cohesion", group.cohesion_bp / 10_000, PERCENT),
        (
            "Members expected after two years",
            stays.expected_members_after_two_years_bp / 10_000,
            DECIMAL,
        ),
        (
            f"Chance that {min(case.size_min, len(group.members))} or more remain after two years",
            stays.chance_at_least_min_after_two_years_bp / 10_000,
            PERCENT,
        ),
    )
    for label, value, number in figures:
        sheet.wide_text(row, 4, 6, label)
        sheet.number(row, 7, value, number)
        row += 1
    mode = MODES.get(group.mode, plain(group.mode))
    sheet.text(
        row, 4, f"They sell {mode}; {count(len(group.families), 'family', 'families')}.", "plain"
    )
    return row + 1
