"""The workbook: every cent of the plan, text that is never a formula, the same bytes each time."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from cases import sample_case
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_fixtures import no_group, plan_of, renamed, two_groups

from consortium.case import Case
from consortium.documents.sheets import sheet_name
from consortium.documents.words import plain
from consortium.documents.workbook import save_workbook, workbook_bytes
from consortium.errors import OutputError
from consortium.plan import LeftOut, Plan, PlanConsortium, PlanTerm
from consortium.valuation import SUBSIDY_TERMS

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-2+3",
    '=HYPERLINK("http://x")',
    "http://example.com/a",
    "</t><f>1</f>",
    "_x0041_",
    "{=1}",
    "a\x00b\x1b[31m\r\nc\td",
    "\u202edesrever",
    "خان اینڈ سنز",
    "😀" * 300,
    "=" + "x" * 40_000,
    "007",
    "1e5",
    "TRUE",
)


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def cells(sheet: Any) -> list[Any]:
    return [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]


def words(sheet: Any) -> list[str]:
    return [cell.value for cell in cells(sheet) if isinstance(cell.value, str)]


def beside(sheet: Any, label: str, step: int) -> Any:
    """The value some columns right of the first cell with a label."""
    found = next(cell for cell in cells(sheet) if cell.value == label)
    return sheet.cell(found.row, found.column + step).value


def changed(plan: Plan, **fields: Any) -> Plan:
    return plan.model_copy(update=fields)


def first_group(plan: Plan, **fields: Any) -> Plan:
    group = plan.consortia[0].model_copy(update=fields)
    return changed(plan, consortia=(group, *plan.consortia[1:]))


@pytest.fixture(scope="module")
def case() -> Case:
    return sample_case()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return two_groups()


def test_sheets_in_reading_order(plan: Plan, case: Case) -> None:
    book = opened(workbook_bytes(plan, case))
    assert book.sheetnames == ["Proposals", "C1", "C2", "Left out", "Assumptions", "About"]


def test_same_plan_same_bytes(plan: Plan, case: Case) -> None:
    data = workbook_bytes(plan, case)
    assert data == workbook_bytes(Plan.from_json(plan.to_json()), case)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert {info.date_time[0] for info in parts.infolist()} == {1980}
        core = parts.read("docProps/core.xml").decode()
    assert re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core) == ["2026-01-01T00:00:00Z"] * 2


def test_terms_sum_to_the_worth_and_lead_to_the_surplus(plan: Plan, case: Case) -> None:
    book = opened(workbook_bytes(plan, case))
    for group in plan.consortia:
        sheet = book[group.id]
        at = next(cell.row for cell in cells(sheet) if cell.value == "Term")
        rows = [
            (sheet.cell(row, 1).value, sheet.cell(row, 3).value)
            for row in range(at + 1, at + 1 + len(group.terms))
        ]
        assert [round(value * 100) for _, value in rows] == [t.cents for t in group.terms]
        # Exactly the cents: the nearest floating-point number of a whole number of cents.
        assert all(
            value == term.cents / 100 for (_, value), term in zip(rows, group.terms, strict=True)
        )
        assert beside(sheet, "Worth: the sum of the terms", 2) == group.worth_cents / 100
        assert beside(sheet, "Surplus", 2) == group.surplus_cents / 100
        without = group.surplus_without_subsidy_cents
        assert beside(sheet, "Surplus without subsidy", 2) == without / 100
        subsidy = sum(t.cents for t in group.terms if t.name in SUBSIDY_TERMS)
        assert beside(sheet, "less the two subsidies", 2) == -subsidy / 100
        assert not any("The plan says" in text for text in words(sheet))


def test_money_is_numbers_in_dollars_with_two_decimals(plan: Plan, case: Case) -> None:
    sheet = opened(workbook_bytes(plan, case))["Proposals"]
    head = next(cell for cell in cells(sheet) if cell.value == "Worth (USD)")
    for at, group in enumerate(plan.consortia, start=1):
        cell = sheet.cell(head.row + at, head.column)
        assert cell.value == group.worth_cents / 100
        assert cell.data_type == "n"
        assert cell.number_format.startswith("#,##0.00")
    total = sheet.cell(head.row + 1 + len(plan.consortia), head.column + 1)
    assert total.value == plan.objective_cents / 100


def test_members_with_fees_and_the_most_they_pay(plan: Plan, case: Case) -> None:
    group = plan.consortia[1]
    sheet = opened(workbook_bytes(plan, case))[group.id]
    heads = [cell.value for cell in sheet[3]]
    assert heads[:4] == ["Firm", "Name", "Town", "Employees"]
    table = {
        row[0]: dict(zip(heads, row, strict=True))
        for row in sheet.iter_rows(min_row=4, max_row=3 + len(group.members), values_only=True)
    }
    assert tuple(table) == group.members
    for firm_id, row in table.items():
        firm = case.register.by_id[firm_id]
        assert row["Name"] == firm.name
        assert row["Worth alone (USD)"] == group.standalone_cents[firm_id] / 100
        for fee in group.fees:
            if fee.firm == firm_id:
                assert row[f"Fee in year {fee.year} (USD)"] == fee.cents / 100
                assert row[f"Fee in year {fee.year} (USD)"] <= row["Most it pays a year (USD)"]
        stated = firm.max_contribution_cents is not None
        assert row["Stated or assumed"] == ("stated" if stated else "assumed")
        held, missing = row["Certificates it holds"], row["Certificates to obtain"]
        assert (missing == "ISO 13485") == (firm_id in group.to_obtain)
        assert (held == "ISO 13485") == (firm_id not in group.to_obtain)
    assert any(row["Stated or assumed"] == "assumed" for row in table.values()) or all(
        case.register.by_id[firm].max_contribution_cents is not None for firm in group.members
    )
    assert all(
        "total surplus would fall" in row["What happens without it"] for row in table.values()
    )


def test_cash_by_year_is_charted(plan: Plan, case: Case) -> None:
    data = workbook_bytes(plan, case)
    group = plan.consortia[0]
    sheet = opened(data)["C1"]
    at = next(cell for cell in cells(sheet) if cell.value == "Year")
    for year, cost in enumerate(group.cost_by_year_cents, start=1):
        assert sheet.cell(at.row + year, at.column + 1).value == cost / 100
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        charts = [name for name in parts.namelist() if name.startswith("xl/charts/chart")]
        chart = parts.read("xl/charts/chart1.xml").decode()
    assert len(charts) == 2
    # "C1" is also the address of a cell; unquoted, the chart would point there.
    first = f"'C1'!$F${at.row + 1}:$F${at.row + len(group.cost_by_year_cents)}"
    assert f"<c:f>{first}</c:f>" in chart.replace("&apos;", "'")


def test_left_out_assumptions_and_about(plan: Plan, case: Case) -> None:
    book = opened(workbook_bytes(plan, case))
    rows = list(book["Left out"].iter_rows(min_row=3, values_only=True))
    assert [(row[0], row[3], row[5]) for row in rows] == [
        (row.firm, row.code, row.reason) for row in plan.left_out
    ]
    assert rows[0][1] == case.register.by_id[plan.left_out[0].firm].name
    facts = list(book["Assumptions"].iter_rows(min_row=3, values_only=True))
    assert facts == [(a.field, a.value, a.grade, a.source) for a in plan.assumptions]
    about = " ".join(words(book["About"]))
    for needed in (
        case.register.sha256,
        plan.created_with.ortools,
        "No expert has yet judged",
        "What is not checked",
        "60 seconds",
        plan.notes[0],
    ):
        assert needed in about


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Proved best: no other choice of consortia is worth more"),
        (
            {
                "status": "FEASIBLE",
                "bound_cents": 123_456,
                "gap_ppm": 5_301,
                "stopped_by": "seconds",
            },
            "at most USD 5,399 better exists (gap 0.54%)",
        ),
        (
            {"status": "FEASIBLE", "bound_cents": None, "gap_ppm": None, "stopped_by": "interrupt"},
            "Interrupted: the best plan so far, not proved best. No bound is known",
        ),
    ],
)
def test_status_in_words(plan: Plan, case: Case, fields: dict[str, Any], expected: str) -> None:
    # The objective is -4,163.75 here; the bound 1,234.56: 5,398.31 better, rounded up.
    told = " ".join(words(opened(workbook_bytes(changed(plan, **fields), case))["Proposals"]))
    assert plan.objective_cents == -416_375
    assert expected in told


def test_no_consortium_says_why_and_what_would_turn_it(case: Case) -> None:
    book = opened(workbook_bytes(no_group(case), case))
    assert book.sheetnames == ["Proposals", "Left out", "Assumptions", "About"]
    told = " ".join(words(book["Proposals"]))
    assert "South Africa: no consortium should form" in told
    assert "fell from USD 6,000 a year to USD 4,320 (28% less); at USD 4,380 it would not" in told
    assert "commission on sales and freight" in told


def test_prints_well(plan: Plan, case: Case) -> None:
    book = opened(workbook_bytes(plan, case))
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    for name in ("Proposals", "C1", "Left out", "Assumptions"):
        assert book[name].freeze_panes is not None
        assert book[name].print_title_rows is not None
    for sheet in book.worksheets:
        for row in sheet.row_dimensions.values():
            assert row.height is None or row.height <= 409


def test_names_are_never_formulas(case: Case, plan: Plan) -> None:
    members = [firm for group in plan.consortia for firm in group.members]
    outside = [row.firm for row in plan.left_out]
    names = dict(zip((*members, *outside), (*HOSTILE, *HOSTILE), strict=False))
    hostile = renamed(case, names)
    data = workbook_bytes(plan, hostile)
    book = opened(data)
    assert all(cell.data_type != "f" for sheet in book.worksheets for cell in cells(sheet))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert "<f>" not in parts.read(name).decode()
        links = [n for n in parts.namelist() if n.startswith("xl/worksheets/_rels")]
        assert not any(b"http" in parts.read(n).replace(b"http://schemas", b"") for n in links)
    for at, firm in enumerate(plan.consortia[0].members):
        cell = book["C1"].cell(4 + at, 2)
        assert cell.value == plain(names[firm])
        assert isinstance(cell.value, str)
        # Also after somebody edits the cell.
        assert bool(cell.quotePrefix) == (cell.value[0] in "=+-@")
    every = " ".join(text for sheet in book.worksheets for text in words(sheet))
    assert "خان اینڈ سنز" in every
    assert "\u202e" not in every
    assert "\x1b" not in every


@settings(max_examples=30)
@given(name=st.text(max_size=400), reason=st.text(max_size=100))
def test_any_text_survives(name: str, reason: str) -> None:
    case, firm = sample_case(), "S0001"
    row = LeftOut(firm=firm, code=name[:20] or "x", reason=reason)
    data = workbook_bytes(plan_of(case, (), left_out=[row]), renamed(case, {firm: name}))
    sheet = opened(data)["Left out"]
    shown = sheet.cell(3, 2).value or ""
    # The two libraries disagree about text that looks like an escaped character.
    if "_x" not in name:
        assert shown == plain(name)


@pytest.mark.parametrize(
    "names",
    [
        ("a/b:c*?[d]\\e", "history"),
        ("C1", "c1"),
        ("About", "Left out"),
        ("x" * 60, "x" * 61),
        ("'quoted'", ""),
        ("=1+1", "Ü خان"),
    ],
)
def test_any_id_gives_a_valid_sheet(case: Case, plan: Plan, names: tuple[str, str]) -> None:
    groups = tuple(
        group.model_copy(update={"id": name})
        for group, name in zip(plan.consortia, names, strict=True)
    )
    book = opened(workbook_bytes(changed(plan, consortia=groups), case))
    assert len(book.sheetnames) == 6
    assert len({name.lower() for name in book.sheetnames}) == 6
    assert all(0 < len(name) <= 31 for name in book.sheetnames)
    target = book["Proposals"]["A5"].hyperlink
    assert target is not None


@given(st.lists(st.text(max_size=50), max_size=12))
def test_sheet_names_are_apart(wanted: list[str]) -> None:
    taken: set[str] = {"about"}
    names = [sheet_name(name, taken) for name in wanted]
    assert len({name.lower() for name in names} | {"about"}) == len(names) + 1
    for name in names:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert not name.startswith("'")


def test_a_plan_that_does_not_add_up_is_not_covered_up(plan: Plan, case: Case) -> None:
    group = plan.consortia[0]
    terms = (*group.terms[1:], PlanTerm(name="gift", cents=1))
    sheet = opened(workbook_bytes(first_group(plan, terms=terms), case))["C1"]
    assert beside(sheet, "Worth: the sum of the terms", 2) == sum(t.cents for t in terms) / 100
    assert beside(sheet, "The plan says it is worth", 2) == group.worth_cents / 100


def test_another_register_is_told(plan: Plan, case: Case) -> None:
    book = opened(workbook_bytes(plan, renamed(case, {"S0001": "Other"})))
    assert any(text.startswith("Attention: ") for text in words(book["Proposals"]))


def test_firms_not_in_the_register(plan: Plan) -> None:
    case = sample_case(40, 7)
    book = opened(workbook_bytes(plan, case))
    assert "not in this register" in words(book["C1"])


def test_no_folder_of_the_register_is_written(plan: Plan, case: Case) -> None:
    moved = replace(case, register=replace(case.register, source="/home/someone/firms.xlsx"))
    book = opened(workbook_bytes(plan, moved))
    every = " ".join(text for sheet in book.worksheets for text in words(sheet))
    assert "firms.xlsx" in every
    assert "someone" not in every


def test_bare_consortium(plan: Plan, case: Case) -> None:
    """Nothing to pay, sell or say: still a sheet."""
    bare: dict[str, Any] = {
        "fees": (), "terms": (), "reasons": (), "member_reasons": (), "capacity": {},
        "certificates": {}, "to_obtain": {}, "cost_by_year_cents": (),
        "subsidy_by_year_cents": (), "sales_margin_by_year_cents": (),
        "self_financing_year": None,
    }  # fmt: skip
    group: PlanConsortium = plan.consortia[0].model_copy(update=bare)
    assert opened(workbook_bytes(plan_of(case, [group]), case)).sheetnames[1] == "C1"


def test_saved_workbook_is_the_same_bytes(tmp_path: Path) -> None:
    case, plan = sample_case(), two_groups()
    save_workbook(plan, case, tmp_path / "plan.xlsx")
    assert (tmp_path / "plan.xlsx").read_bytes() == workbook_bytes(plan, case)
    with pytest.raises(OutputError):
        save_workbook(plan, case, tmp_path / "no folder" / "plan.xlsx")
