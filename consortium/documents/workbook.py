"""The workbook a trade body hands out: every proposal with every number behind it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import xlsxwriter

from consortium.case import Case
from consortium.documents.consortium_sheet import consortium_sheet
from consortium.documents.glossary import FIGURES, NOT_CHECKED, TERMS
from consortium.documents.sheets import PERCENT, WHOLE, Sheet, Styles, sheet_name
from consortium.documents.words import (
    GRADES,
    LEFT_OUT_LABELS,
    NOT_JUDGED,
    draws_sentences,
    family_label,
    firm_name,
    grade_sentence,
    market_name,
    none_formed,
    plain,
    plan_label,
    proof_sentence,
    second_goal_sentences,
)
from consortium.files import write_atomically
from consortium.plan import Plan, PlanConsortium
from consortium.wording import count, listed, usd_exact

# A fixed day: the same plan gives the same bytes.
_CREATED = datetime(2026, 1, 1)
_FIXED_SHEETS = ("Proposals", "Left out", "Assumptions", "About")
_REPORT_LENGTH = 4_000
_OTHER_REGISTER = "the plan was made for another register, so names and towns may be wrong"


def workbook_bytes(plan: Plan, case: Case) -> bytes:
    """The workbook (.xlsx) of a plan.

    Parameters
    ----------
    plan : the proposal.
    case : the case it was made for; names, towns and labels come from it.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    markets = listed([plain(m.name) for m in case.markets], 3)
    book.set_properties({"title": f"Export consortia for {markets}", "created": _CREATED})
    styles = Styles(book)
    taken = {name.lower() for name in _FIXED_SHEETS}
    names = [sheet_name(group.id, taken) for group in plan.consortia]
    _proposals(book, styles, plan, case, names)
    for name, group in zip(names, plan.consortia, strict=True):
        consortium_sheet(book, styles, name, case, group)
    _left_out(book, styles, plan, case)
    _assumptions(book, styles, plan)
    _about(book, styles, plan, case)
    book.close()
    return out.getvalue()


def save_workbook(plan: Plan, case: Case, path: str | Path) -> None:
    """Write the workbook (.xlsx) of a plan, whole or not at all; arguments as ``workbook_bytes``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_atomically(Path(path), workbook_bytes(plan, case))


# -- Proposals ------------------------------------------------------------------------------------


def _proposals(
    book: xlsxwriter.Workbook, styles: Styles, plan: Plan, case: Case, names: Sequence[str]
) -> None:
    markets = listed([plain(m.name) for m in case.markets], 3)
    title = f"Export consortia for {markets}: {plain(case.cluster.label)}"
    widths = (11, 13, 18, 9, 24, 13, 13, 13, 10, 24, 12, 12, 13)
    sheet = Sheet(book, styles, "Proposals", title, widths)
    sheet.paragraph(f"Status of the plan: {proof_sentence(plan)}")
    sheet.paragraph(_register_sentence(plan, case))
    if case.register.sha256 != plan.inputs.register_sha256:
        sheet.paragraph(f"Attention: {_OTHER_REGISTER}.")
    if plan.consortia:
        sheet.table_heads(
            (
                "Consortium",
                "Market",
                "How it sells",
                "Members",
                "Who",
                "Worth (USD)",
                "Surplus (USD)",
                "Surplus without subsidy (USD)",
                "Lives on the subsidy",
                "Families it sells",
                "Lowest fee in a launch year (USD)",
                "Highest fee in a launch year (USD)",
                "Chance that enough members remain after two years",
            ),
            frozen_columns=1,
        )
        for name, group in zip(names, plan.consortia, strict=True):
            _proposal(sheet, case, name, group)
        _proposal_totals(sheet, plan)
    if plan.draws is not None:
        for name, group in zip(names, plan.consortia, strict=True):
            sheet.section(f"{name}: if the estimates are off")
            for words in draws_sentences(case, plan, group.id):
                sheet.paragraph(f"•  {words}")
    if plan.second_goals is not None:
        sheet.section("Second goals, in their order")
        for words in second_goal_sentences(plan):
            sheet.paragraph(f"•  {words}")
    for row in plan.do_not_form:
        market = plain(market_name(case, row.market))
        sheet.section(f"{market}: no consortium should form")
        for at, sentence in enumerate(none_formed(case, row)):
            sheet.paragraph(sentence if at == 0 else f"•  {sentence}")
    _left_out_counts(sheet, plan)
    sheet.row += 1
    sheet.paragraph(f"{NOT_JUDGED} {grade_sentence(plan)}")
    sheet.paragraph("Every word and number is explained on the sheet About.")


def _register_sentence(plan: Plan, case: Case) -> str:
    register = case.register
    # Only the file's name: where it lay is nobody's business.
    source = plain(register.source.replace("\\", "/").rpartition("/")[2]) or "register"
    firms = count(len(register.firms), "firm")
    pairs = count(plan.inputs.graph.kept_edges, "compatible pair")
    return (
        f"Register: {source} ({firms}, {pairs}; fingerprint {plan.inputs.register_sha256[:12]}, in "
        "full on the sheet About)."
    )


def _proposal(sheet: Sheet, case: Case, name: str, group: PlanConsortium) -> None:
    row = sheet.row
    sheet.link(row, 0, name, group.id)
    sheet.text(row, 1, market_name(case, group.market))
    sheet.text(row, 2, plan_label(case, group.marketing_plan))
    sheet.number(row, 3, len(group.members), WHOLE)
    sheet.text(row, 4, ", ".join(group.members))
    sheet.money(row, 5, group.worth_cents)
    sheet.money(row, 6, group.surplus_cents)
    sheet.money(row, 7, group.surplus_without_subsidy_cents)
    sheet.text(row, 8, "yes" if group.lives_on_subsidy else "no")
    sheet.text(row, 9, ", ".join(family_label(case, key) for key in group.families))
    fees = [fee.cents for fee in group.fees]
    sheet.money(row, 10, min(fees, default=None))
    sheet.money(row, 11, max(fees, default=None))
    chance = group.retention.chance_at_least_min_after_two_years_bp
    sheet.number(row, 12, chance / 10_000, PERCENT)
    sheet.row += 1


def _proposal_totals(sheet: Sheet, plan: Plan) -> None:
    row = sheet.row
    for column in range(sheet.last + 1):
        sheet.blank(row, column, "total")
    sheet.text(row, 0, "All", "total")
    sheet.number(row, 3, sum(len(group.members) for group in plan.consortia), WHOLE, "total")
    sheet.money(row, 5, sum(group.worth_cents for group in plan.consortia), "total")
    sheet.money(row, 6, sum(group.surplus_cents for group in plan.consortia), "total")
    without = sum(group.surplus_without_subsidy_cents for group in plan.consortia)
    sheet.money(row, 7, without, "total")
    sheet.row += 1


def _left_out_counts(sheet: Sheet, plan: Plan) -> None:
    if not plan.left_out:
        return
    sheet.section(f"{count(len(plan.left_out), 'firm')} left out, by reason")
    for code, number in Counter(row.code for row in plan.left_out).most_common():
        sheet.wide_text(sheet.row, 0, 3, _code_label(code))
        sheet.number(sheet.row, 4, number, WHOLE)
        sheet.row += 1
    sheet.paragraph("The sheet Left out names each of them with its reason.")


def _code_label(code: str) -> str:
    return LEFT_OUT_LABELS.get(code, plain(code))


# -- Left out, Assumptions ------------------------------------------------------------------------


def _left_out(book: xlsxwriter.Workbook, styles: Styles, plan: Plan, case: Case) -> None:
    sheet = Sheet(
        book, styles, "Left out", "Firms in no consortium, and why", (12, 34, 18, 16, 34, 80)
    )
    top = sheet.row
    sheet.table_heads(("Firm", "Name", "Town", "Code", "In short", "Reason"), frozen_columns=1)
    for row in plan.left_out:
        firm = case.register.by_id.get(row.firm)
        sheet.text(sheet.row, 0, row.firm)
        sheet.text(sheet.row, 1, firm_name(case, row.firm))
        sheet.text(sheet.row, 2, "" if firm is None else plain(firm.town))
        sheet.text(sheet.row, 3, row.code)
        sheet.text(sheet.row, 4, _code_label(row.code))
        sheet.text(sheet.row, 5, plain(row.reason, _REPORT_LENGTH))
        sheet.row += 1
    if plan.left_out:
        sheet.raw.autofilter(top, 0, sheet.row - 1, sheet.last)
    else:
        sheet.paragraph("Every firm of the register is in a consortium.")


def _assumptions(book: xlsxwriter.Workbook, styles: Styles, plan: Plan) -> None:
    sheet = Sheet(book, styles, "Assumptions", "Every figure the plan assumes", (46, 44, 12, 84))
    top = sheet.row
    sheet.table_heads(("Figure", "Value", "Grade", "Source"))
    for row in plan.assumptions:
        sheet.text(sheet.row, 0, plain(row.field))
        sheet.text(sheet.row, 1, plain(row.value, _REPORT_LENGTH))
        sheet.text(sheet.row, 2, row.grade)
        sheet.text(sheet.row, 3, plain(row.source, _REPORT_LENGTH))
        sheet.row += 1
    if plan.assumptions:
        sheet.raw.autofilter(top, 0, sheet.row - 1, sheet.last)


# -- About ----------------------------------------------------------------------------------------


def _about(book: xlsxwriter.Workbook, styles: Styles, plan: Plan, case: Case) -> None:
    sheet = Sheet(book, styles, "About", "About this workbook", (34, 120))
    sheet.paragraph(NOT_JUDGED)
    _pairs(sheet, "What the words mean", FIGURES)
    _pairs(sheet, "Terms of the worth, in today's money", TERMS)
    grades = Counter(str(row.grade) for row in plan.assumptions)
    _pairs(
        sheet,
        "Grades of the assumptions",
        [(f"{grade}: {grades[grade]:,}", words) for grade, words in GRADES.items()],
    )
    sheet.paragraph("A number in brackets, such as [61], is a source of the software's list.")
    sheet.section("What is not checked")
    for sentence in NOT_CHECKED:
        sheet.paragraph(f"•  {sentence}")
    if plan.notes:
        sheet.section("Notes of the run")
        for note in plan.notes:
            sheet.paragraph(f"•  {plain(note, _REPORT_LENGTH)}")
    _pairs(sheet, "How the plan was made", _made(plan))
    _pairs(sheet, "Fingerprints of the inputs (SHA-256)", _hashes(plan, case))
    sheet.paragraph(
        "Anyone with the plan (the .json file beside this workbook) and the register can compute "
        "every figure again: consortium check PLAN --register REGISTER"
    )


def _pairs(sheet: Sheet, label: str, rows: Sequence[tuple[str, str]]) -> None:
    sheet.section(label)
    for name, words in rows:
        sheet.text(sheet.row, 0, name)
        sheet.text(sheet.row, 1, words)
        sheet.row += 1


def _made(plan: Plan) -> list[tuple[str, str]]:
    made, limits = plan.created_with, plan.limits
    seconds = "none" if limits.seconds is None else f"{limits.seconds:g} seconds"
    work = "none" if limits.work is None else f"{limits.work:,}"
    out = [
        (
            "software",
            f"{made.package} {made.version}, Python {made.python}, ortools {made.ortools}",
        ),
        ("format of the plan", plan.schema_),
        ("outcome", f"{plan.status}, stopped by {plan.stopped_by}: {proof_sentence(plan)}"),
        ("total surplus", usd_exact(plan.objective_cents)),
        ("proved upper bound", "none" if plan.bound_cents is None else usd_exact(plan.bound_cents)),
        ("time limit", seconds),
        ("work limit", work),
        ("gap to stop at", f"{limits.gap:.2%}"),
        ("seed, threads, strategy", f"{limits.seed}, {limits.workers}, {limits.strategy}"),
    ]
    for part in plan.inputs.graph.parts:
        kept = f"{part.kept_edges:,} compatible pairs of {count(part.firms, 'eligible firm')}"
        if part.sparsified:
            kept += f" kept, of {part.rule_edges:,}: the bound holds for these"
        score = f"pairs score {part.threshold_bp / 100:g}% or more"
        if plan.inputs.pairs_sha256 is not None:
            score = f"as given in {plain(plan.inputs.pairs_origin or '')}"
        out.append((f"compatible pairs, {part.market} {part.mode}", f"{kept}; {score}"))
    return out


def _hashes(plan: Plan, case: Case) -> list[tuple[str, str]]:
    inputs = plan.inputs
    same = case.register.sha256 == inputs.register_sha256
    return [
        ("register", inputs.register_sha256 + ("" if same else f" ({_OTHER_REGISTER})")),
        ("programme", inputs.programme_sha256),
        ("rules", inputs.rules_sha256),
        *(
            (f"market {code}", f"{sha} ({plain(inputs.market_origins.get(code, 'not known'))})")
            for code, sha in sorted(inputs.markets.items())
        ),
        ("marketing plans and certificates", inputs.plans_sha256),
        *(() if inputs.pairs_sha256 is None else (("pairs", inputs.pairs_sha256),)),
    ]
