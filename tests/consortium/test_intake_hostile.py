"""Bad registers: every kind of fault is named with its place; nothing but InputError comes out."""

from __future__ import annotations

import codecs
import csv
import io
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.errors import InputError, InputFault
from consortium.facts import Fact
from consortium.intake import read_register, write_register
from consortium.register import CERTIFICATES, Firm, make_register

RATE = Fact("pkr_per_usd", Decimal(280), "PKR for one USD", 2025, "bank", "recalled")
HEAD = ["firm_id", "name", "cluster", "town", "employees"]
ROW = ["F1", "Khan", "surgical-sialkot", "Sialkot", 12]
TIES = ["firm_a", "firm_b", "kind"]
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def faults_of(path: Path) -> list[InputFault]:
    """Faults of a file; the file's bytes stay as they are."""
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(InputError) as caught:
        read_register(path, RATE)
    if path.is_file():
        assert path.read_bytes() == before
    assert str(caught.value)
    return list(caught.value.faults)


def fault_of(path: Path) -> InputFault:
    (fault,) = faults_of(path)
    return fault


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(
        path, {"strings_to_formulas": False, "nan_inf_to_errors": True}
    ) as made:
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                for index, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(number, index, cell, day)
                    else:
                        sheet.write(number, index, cell)
    return path


def firm_book(tmp_path: Path, **cells: Any) -> Path:
    """A workbook of one firm; cells replace its own or are added."""
    row = dict(zip(HEAD, ROW, strict=True)) | cells
    return book(tmp_path / "r.xlsx", firms=[list(row), list(row.values())])


def text_file(tmp_path: Path, data: str | bytes, name: str = "r.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def csv_file(tmp_path: Path, *rows: list[Any], name: str = "r.csv") -> Path:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return text_file(tmp_path, buffer.getvalue(), name)


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACK = "http://schemas.openxmlformats.org/package/2006"


def raw_parts(sheet: str, shared: str = "", name: str = "firms") -> dict[str, bytes]:
    """The parts of a workbook with one sheet, its XML as given."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACK}/content-types"><Override '
        f'PartName="/xl/workbook.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACK}/relationships"><Relationship Id="rId1" '
        f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
        f'<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACK}/relationships">'
        f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{shared}</sst>',
    }
    return {part: text.encode() for part, text in parts.items()}


def packed(path: Path, parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def cell_xml(place: str, value: Any) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def row_xml(number: int, cells: list[Any]) -> str:
    inner = "".join(cell_xml(f"{chr(65 + i)}{number}", cell) for i, cell in enumerate(cells))
    return f'<row r="{number}">{inner}</row>'


def raw_book(tmp_path: Path, sheet: str, shared: str = "") -> Path:
    return packed(tmp_path / "r.xlsx", raw_parts(sheet, shared))


def with_cell(tmp_path: Path, xml: str) -> Path:
    """A workbook of one firm with a further column "turnover_usd" whose cell F2 is given."""
    row = row_xml(2, ROW).replace("</row>", f"{xml}</row>")
    return raw_book(tmp_path, row_xml(1, [*HEAD, "turnover_usd"]) + row)


# -- files that are no register -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["r.xlsx", "r.csv"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    assert "has no firms" in fault_of(text_file(tmp_path, b"", name)).message


def test_header_only(tmp_path: Path) -> None:
    assert fault_of(book(tmp_path / "r.xlsx", firms=[HEAD])).message == "has no firms"
    assert fault_of(csv_file(tmp_path, HEAD)).message == "has no firms"
    assert fault_of(text_file(tmp_path, "\n , ,\n\n")).message == "has no firms"
    assert fault_of(book(tmp_path / "r.xlsx", firms=[])).message == "has no firms"


def test_missing_file_and_sheet(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "r.xlsx").message == "does not exist"
    path = book(tmp_path / "r.xlsx", Companies=[HEAD, ROW], ties=[TIES])
    assert fault_of(path).message == "has no sheet named firms; sheets found: Companies, ties"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "Firma.csv").write_text("x")
    assert "without firms.csv; .csv files in it: Firma.csv" in fault_of(tmp_path / "folder").message
    with pytest.raises(InputError, match=r"does not exist|cannot be read"):
        read_register(tmp_path / "a\0.csv", RATE)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r.pdf", "is a .pdf file"),
        ("r.xls", "old .xls format"),
        ("r.xlsm", "macros"),
        ("r.ods", "OpenDocument"),
        ("register", "has no ending"),
    ],
)
def test_other_formats(tmp_path: Path, name: str, message: str) -> None:
    assert message in fault_of(text_file(tmp_path, b"%PDF", name)).message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "is password-protected"),
        (OLE + bytes(600), "is in the old .xls format"),
        (b"firm_id,name\n", "is no Excel workbook"),
        (b"PK\x03\x04 and nothing more", "is a broken workbook"),
        (b"\0" * 2000, "is no Excel workbook"),
    ],
)
def test_no_workbooks(tmp_path: Path, data: bytes, message: str) -> None:
    assert message in fault_of(text_file(tmp_path, data, "r.xlsx")).message


def test_broken_workbooks(tmp_path: Path) -> None:
    whole = book(tmp_path / "whole.xlsx", firms=[HEAD, ROW]).read_bytes()
    for cut in (len(whole) // 3, len(whole) - 10):
        path = text_file(tmp_path, whole[:cut], "r.xlsx")
        assert "is a broken workbook" in fault_of(path).message
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"):
        parts = raw_parts(row_xml(1, HEAD))
        del parts[part]
        assert "broken" in fault_of(packed(tmp_path / "r.xlsx", parts)).message
    assert "broken" in fault_of(raw_book(tmp_path, '<row r="1"><c r="A1></row>')).message
    document = packed(tmp_path / "r.xlsx", {"word/document.xml": b"<a/>"})
    assert "is no Excel workbook" in fault_of(document).message
    odd = packed(tmp_path / "r.xlsx", raw_parts(row_xml(1, HEAD)), zipfile.ZIP_LZMA)
    assert "packed in a way" in fault_of(odd).message


def test_csv_that_is_a_workbook(tmp_path: Path) -> None:
    data = book(tmp_path / "a.xlsx", firms=[HEAD, ROW]).read_bytes()
    assert "ending .xlsx" in fault_of(text_file(tmp_path, data)).message


def test_too_large_a_file(tmp_path: Path) -> None:
    for name in ("r.csv", "r.xlsx"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(201 * 1024 * 1024)  # sparse
        with pytest.raises(InputError, match="larger than 200 MB"):
            read_register(tmp_path / name, RATE)


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX")
def test_pipes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.csv")
    with pytest.raises(InputError, match="is not a file"):
        read_register(tmp_path / "r.csv", RATE)


# -- files made to exhaust the machine ----------------------------------------------------------


def test_zip_bomb(tmp_path: Path) -> None:
    zeros = bytes(1024 * 1024)
    with zipfile.ZipFile(
        tmp_path / "r.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as archive:
        for name, data in raw_parts(row_xml(1, HEAD)).items():
            archive.writestr(name, data)
        with archive.open("xl/big.xml", "w") as part:
            for _ in range(520):
                part.write(zeros)
    assert "would unpack to" in fault_of(tmp_path / "r.xlsx").message


@pytest.mark.parametrize(
    "stray",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1048576'><c t='n' r='XFD1048576'><v>1</v></c></row>",
        '<row r="1048576"><c a=">" r="XFD1048576"><v>1</v></c></row>',
        '<row r="1048576"><c r="A1048576" a=">"><v>1</v></c><c r="XFD2"><v>1</v></c></row>',
        '<row r="1048575"/><row>' + "<c><v>1</v></c>" * 20 + "</row>",
        '<é:row xmlns:é="x" r="1048576"><é:c r="XFD1048576"><é:v>1</é:v></é:c></é:row>',
    ],
)
def test_stray_cell_far_away(tmp_path: Path, stray: str) -> None:
    """A sheet of a few bytes that spans 17 thousand million cells."""
    path = raw_book(tmp_path, row_xml(1, HEAD) + row_xml(2, ROW) + stray)
    assert "reaches to cell" in fault_of(path).message


def test_formatted_cells_far_away_are_harmless(tmp_path: Path) -> None:
    stray = '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    path = raw_book(tmp_path, row_xml(1, HEAD) + row_xml(2, ROW) + stray)
    assert len(read_register(path, RATE).firms) == 1


@pytest.mark.parametrize("index", ["1", "&#49;"])
def test_long_text_in_many_cells(tmp_path: Path, index: str) -> None:
    """One shared text of a megabyte in a thousand cells: a gigabyte, from five kilobytes."""
    cells = f'<c t="s"><v>{index}</v></c>' * 1000
    shared = f"<si/><si><t>{'a' * 1_000_000}</t></si>"
    path = raw_book(tmp_path, f"{row_xml(1, HEAD)}<row>{cells}</row>", shared)
    assert "repeats long texts" in fault_of(path).message


def test_expanding_entities(tmp_path: Path) -> None:
    parts = raw_parts(row_xml(1, HEAD))
    lines = ["<!DOCTYPE a [", '<!ENTITY a0 "aaaaaaaaaaaaaaaaaaaa">']
    lines += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 20}">' for i in range(1, 12)]
    book_xml = parts["xl/workbook.xml"].decode().replace('name="firms"', 'name="&a11;"')
    parts["xl/workbook.xml"] = ("\n".join([*lines, "]>"]) + book_xml).encode()
    assert fault_of(packed(tmp_path / "r.xlsx", parts)).message


def test_csv_of_delimiters(tmp_path: Path) -> None:
    assert "cells" in fault_of(text_file(tmp_path, b"," * 11_000_000)).message


# -- text files ---------------------------------------------------------------------------------


def test_utf16_without_mark(tmp_path: Path) -> None:
    data = ",".join(HEAD).encode("utf-16-le")
    assert "UTF-16 text without a byte-order mark" in fault_of(text_file(tmp_path, data)).message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (codecs.BOM_UTF16_LE + b"a", "UTF-16 text with errors"),
        (codecs.BOM_UTF32_LE + "a".encode("utf-32-le"), "UTF-32"),
        ("firm_id,name\nF1,Caf\xe9\n".encode("cp1252"), "byte 0xe9 in line 2"),
    ],
)
def test_other_encodings(tmp_path: Path, data: bytes, message: str) -> None:
    fault = fault_of(text_file(tmp_path, data))
    assert message in fault.message
    assert "CSV UTF-8" in fault.message


def test_quotation_marks(tmp_path: Path) -> None:
    head = ",".join(HEAD)
    path = text_file(tmp_path, f'{head}\nF1,"Khan,surgical-sialkot,Sialkot,3\nF2,A,b,c,1\n')
    assert [(f.row, "missing closing" in f.message) for f in faults_of(path)][-1] == (2, True)
    path = text_file(tmp_path, f'{head}\nF1,A,,X,1\nF2,"K"han,x,y,3\n')
    first, second = faults_of(path)
    assert (first.row, first.column) == (2, "cluster")
    assert (second.row, "write it twice" in second.message) == (3, True)


def test_rows_count_as_a_spreadsheet_counts(tmp_path: Path) -> None:
    """A cell of two lines is one row."""
    text = ",".join(HEAD) + '\nF1,"A\nB",surgical-sialkot,X,1\n\nF2,C,surgical-sialkot,X,many\n'
    first, second = faults_of(text_file(tmp_path, text))
    assert (first.row, first.column, first.value) == (2, "name", "A\nB")
    assert "line break" in first.message
    assert (second.row, second.column) == (4, "employees")


def test_short_and_long_rows(tmp_path: Path) -> None:
    rows = [["F1", "A"], ["F2", *ROW[1:], "", "", ""], ["F3", *ROW[1:], "more"]]
    faults = faults_of(csv_file(tmp_path, HEAD, *rows))
    places = [(f.row, f.column) for f in faults]
    assert places == [(2, "cluster"), (2, "town"), (2, "employees"), (4, "F")]
    assert faults[-1].value == "more"
    assert "without a header" in faults[-1].message


def test_short_row_of_optional_columns(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [*HEAD, "women_led", "role"], [*ROW, "yes"])
    assert read_register(path, RATE).firms[0].role is None


# -- headers ------------------------------------------------------------------------------------


def test_missing_column_is_one_fault(tmp_path: Path) -> None:
    rows = [[f"F{i}", *ROW[1:4]] for i in range(5)]
    fault = fault_of(book(tmp_path / "r.xlsx", firms=[HEAD[:4], *rows]))
    assert "column employees is missing" in fault.message


def test_two_headers_for_one_column(tmp_path: Path) -> None:
    head = [*HEAD, "Women led", "women-led", "turnover_usd", "Turnover (PKR)"]
    first, second = faults_of(book(tmp_path / "r.xlsx", firms=[head, ROW]))
    assert (first.column, first.row) == ("women-led", 1)
    assert "same column as 'Women led'" in first.message
    assert "in dollars and in rupees" in second.message


@pytest.mark.parametrize(
    "header",
    [
        "turnover_usd (million)", "turnover_usd ('000)", "turnover_usd (PKR)", "spare_share (%)",
        "employees (dozens)", "turnover_pkr (USD)", "turnover_pkr (lakh)",
    ],
)  # fmt: skip
def test_other_units_in_headers(tmp_path: Path, header: str) -> None:
    """A unit in brackets that is not the column's would be read wrongly by a factor."""
    if header.startswith("spare"):
        sheets = {"firms": [HEAD, ROW], "products": [["firm_id", "family", header]]}
    elif header.startswith("employees"):
        sheets = {"firms": [[*HEAD[:4], header], ROW]}
    else:
        sheets = {"firms": [[*HEAD, header], [*ROW, 1]]}
    fault = fault_of(book(tmp_path / "r.xlsx", **sheets))
    assert fault.column == header
    assert "names a unit" in fault.message


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1,200", "number expected; use 1200?"),
        ("1,20,000", "use 120000?"),
        ("1 200", "use 1200?"),
        ("1200 pcs", "use 1200?"),
        ("12k", "use 12000?"),
        ("$ 5", "use 5?"),
        ("0,5", "use 0.5?"),
        ("1.200,50", "use 1200.5?"),
        ("۱۲۰۰", "use 1200?"),
        ("PKR 5m", "use 5000000 in a column turnover_pkr?"),
        ("Rs. 2.5 lakh", "use 250000 in a column turnover_pkr?"),
        ("5/- Rs", "number expected"),
        ("n/a", "leave the cell empty"),
        ("-", "leave the cell empty"),
        ("many", "number expected"),
        ("1e400", "too large"),
        ("1e16", "too large"),
        (1.1e15, "too large"),
        ("1e9999", "number expected"),
        ("9" * 50, "number expected"),
        ("inf", "not a finite number"),
        ("NaN", "not a finite number"),
        (-1, "is negative"),
        ("-0.5", "is negative"),
        (True, "is yes or no"),
        (datetime(2024, 5, 1), "is a date"),
    ],
)
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_no_amounts(tmp_path: Path, cell: Any, message: str, kind: str) -> None:
    if kind == "xlsx":
        path = firm_book(tmp_path, turnover_usd=cell)
    elif isinstance(cell, str):
        path = csv_file(tmp_path, [*HEAD, "turnover_usd"], [*ROW, cell])
    else:
        pytest.skip("only workbooks have such cells")
    fault = fault_of(path)
    assert message in fault.message
    assert (fault.row, fault.column) == (2, "turnover_usd")
    assert fault.sheet == ("firms" if kind == "xlsx" else None)
    assert fault.value
    assert len(fault.value) <= 80


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "inf"])
def test_numbers_no_spreadsheet_writes(tmp_path: Path, number: str) -> None:
    fault = fault_of(with_cell(tmp_path, f'<c r="F2"><v>{number}</v></c>'))
    assert "is not a finite number" in fault.message


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("employees", 0, "1 or more"),
        ("employees", 2.5, "not a whole number; use 2 or 3?"),
        ("employees", -3, "is negative"),
        ("export_years", 201, "0 to 200"),
        ("hours_per_month", 745, "0 to 744"),
        ("management", 45, "write 0.45?"),
        ("management", "45%", "use 0.45?"),
        ("management", 1.2, "write 0.012?"),
        ("financial_health", 4500, "above 1"),
        ("financial_health", -0.1, "is negative"),
        ("women_led", "perhaps", "write yes or no"),
        ("women_led", 2, "write yes or no"),
        ("role", "retailer", "use maker, vendor or trader"),
        ("preferred_fee_mode", "half", "use export_share, size_share, flat or none"),
        ("cluster", "sialkot", "or surgical-sialkot"),
        ("countries", "South Africa", "three-letter country codes"),
        ("countries", "ZAF, KEN", "separate them by ;"),
        ("countries", "ZAF; zaf", "names ZAF twice"),
        ("priorities", "skills, finance", "separate them by ;"),
        ("priorities", "luck", "names luck, which is not known; use new_markets, "),
        ("priorities", "skills;design;finance;technology", "more than three"),
        ("certificates", "ISO 99", "known are ISO 9001, ISO 13485"),
        ("certificates", "FDA, WRAP", "separate several by ;"),
        ("certificates", "ISO 13485:2016", "the standard's edition"),
        ("certificates", "FDA:2027-02-30", "no calendar has"),
        ("certificates", "FDA:30/06/2027", "use FDA:2027-06-30?"),
        ("certificates", "FDA:soon", "write FDA:YYYY-MM-DD"),
        ("certificates", "FDA;fda", "names FDA twice"),
        ("name", True, "is yes or no"),
        ("firm_id", datetime(2026, 12, 10), "was made a date"),
        ("firm_id", "F" * 41, "at most 40 characters"),
        ("firm_id", "F\u200b1", "invisible character (U+200B)"),
        ("town", "#REF!", "is a spreadsheet error"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_used(tmp_path: Path, column: str, cell: Any, message: str) -> None:
    fault = fault_of(firm_book(tmp_path, **{column: cell}))
    assert message in fault.message
    assert (fault.sheet, fault.row, fault.column) == ("firms", 2, column)


def test_unknown_certificate_lists_the_known(tmp_path: Path) -> None:
    message = fault_of(firm_book(tmp_path, certificates="CE; Halal")).message
    assert all(name in message for name in CERTIFICATES)


@pytest.mark.parametrize(
    ("latitude", "longitude", "column", "message"),
    [
        (32.5, None, "latitude", "without a longitude"),
        (None, 74.5, "longitude", "without a latitude"),
        (91, 74.5, "latitude", "-90 to 90 degrees"),
        (32.5, "74 E", "longitude", "number expected"),
    ],
)
def test_places(tmp_path: Path, latitude: Any, longitude: Any, column: str, message: str) -> None:
    fault = fault_of(firm_book(tmp_path, latitude=latitude, longitude=longitude))
    assert fault.column == column
    assert message in fault.message


# -- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("char", "message"),
    [
        ("\0", "control character (U+0000)"),
        ("\x1b", "control character (U+001B)"),
        ("\u202e", "reverses the reading order (U+202E)"),
        ("\u2066", "reverses the reading order (U+2066)"),
        ("\u2028", "line break"),
        ("\ufffe", "no character"),
    ],
)
def test_characters_that_hide(tmp_path: Path, char: str, message: str) -> None:
    path = csv_file(tmp_path, HEAD, ["F1", f"Kh{char}an", *ROW[2:]])
    assert message in fault_of(path).message


def test_control_characters_in_a_workbook(tmp_path: Path) -> None:
    cells = row_xml(2, ["F1", "Khan\x01", *ROW[2:]])
    fault = fault_of(raw_book(tmp_path, row_xml(1, HEAD) + cells))
    assert "U+0001" in fault.message


@pytest.mark.parametrize(
    "name", ["چغتائی سرجیکل انسٹرومنٹس", "חברה", "شركة\u200f A", "می\u200cخواهم", "José, Ñandú"]
)
def test_right_to_left_text_is_welcome(tmp_path: Path, name: str) -> None:
    assert read_register(firm_book(tmp_path, name=name), RATE).firms[0].name == name
    assert (
        read_register(csv_file(tmp_path, HEAD, ["F1", name, *ROW[2:]]), RATE).firms[0].name == name
    )


def test_cell_of_two_megabytes(tmp_path: Path) -> None:
    text = "x" * 2_000_000
    sheet = row_xml(1, [*HEAD, "other_memberships"]) + row_xml(2, ["F1", text, *ROW[2:], text])
    name, member = faults_of(raw_book(tmp_path, sheet))
    for fault, column in ((name, "name"), (member, "other_memberships")):
        assert fault.column == column
        assert "too long a text (2,000,000 characters)" in fault.message
        assert fault.value == "x" * 79 + "…"
        assert len(str(fault)) < 400
    fault = fault_of(csv_file(tmp_path, HEAD, ROW, ["F2", text, *ROW[2:]]))
    assert (fault.row, "longer than 131,072 characters" in fault.message) == (3, True)


# -- formulas -----------------------------------------------------------------------------------


def test_texts_that_look_like_formulas(tmp_path: Path) -> None:
    """Never computed; texts again when written."""
    name = '=HYPERLINK("http://example.com","x")'
    register = read_register(firm_book(tmp_path, name=name), RATE)
    assert register.firms[0].name == name
    write_register(register, tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["firms"]
    assert (sheet["B2"].data_type, sheet["B2"].value) == ("s", name)
    assert (
        read_register(csv_file(tmp_path, HEAD, ["F1", name, *ROW[2:]]), RATE).firms[0].name == name
    )


def test_formulas_have_their_stored_results(tmp_path: Path) -> None:
    path = with_cell(tmp_path, '<c r="F2"><f>SUM(1,2)</f><v>3</v></c>')
    assert read_register(path, RATE).firms[0].turnover_cents == 300
    blank = with_cell(tmp_path, '<c r="F2" t="str"><f>IF(1,"")</f><v></v></c>')
    assert read_register(blank, RATE).firms[0].turnover_cents is None


@pytest.mark.parametrize("rest", ["<v/>", "<v></v>", ""])
@pytest.mark.parametrize("formula", ["<f>1+1</f>", '<f t="shared" si="0"/>'])
def test_formulas_nobody_computed(tmp_path: Path, formula: str, rest: str) -> None:
    """They would read as blank, that is as not known."""
    fault = fault_of(with_cell(tmp_path, f'<c r="F2">{formula}{rest}</c>'))
    assert (fault.row, fault.column) == (2, "turnover_usd")
    assert "no result stored" in fault.message


def test_formulas_of_other_libraries(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "firms"
    made.active.append(HEAD)
    made.active.append([*ROW[:4], "=6*2"])
    made.save(tmp_path / "r.xlsx")
    assert "no result stored" in fault_of(tmp_path / "r.xlsx").message
    with xlsxwriter.Workbook(tmp_path / "r.xlsx") as other:
        sheet = other.add_worksheet("firms")
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, [*ROW[:4], "=6*2"])  # stores 0 as its result
    assert "1 or more" in fault_of(tmp_path / "r.xlsx").message
    with xlsxwriter.Workbook(tmp_path / "r.xlsx") as other:
        sheet = other.add_worksheet("firms")
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ROW)
        sheet.write_formula(1, 4, "=6*2", None, 13)
    register = read_register(tmp_path / "r.xlsx", RATE)
    assert "stored by a program other than a spreadsheet" in register.conversions[0]


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#SPILL!"])
@pytest.mark.parametrize("form", ['<c r="F2" t="e">', "<c t='e' r='F2'>", '<c t="e">'])
def test_error_values(tmp_path: Path, error: str, form: str) -> None:
    """calamine reads them as blank."""
    fault = fault_of(with_cell(tmp_path, f"{form}<v>{error}</v></c>"))
    assert (fault.row, fault.column, fault.value) == (2, "turnover_usd", error)
    assert "is a spreadsheet error" in fault.message


# -- rows against each other --------------------------------------------------------------------


def test_duplicate_and_blank_ids(tmp_path: Path) -> None:
    rows = [ROW, ["", *ROW[1:]], ["F1 ", *ROW[1:4], "x"]]
    blank, twice, number = faults_of(book(tmp_path / "r.xlsx", firms=[HEAD, *rows]))
    assert (blank.row, blank.column, blank.message) == (
        3,
        "firm_id",
        "is empty; every row needs it",
    )
    assert (twice.row, twice.value) == (4, "F1")
    assert "the firm_id of row 2 too" in twice.message
    assert (number.row, number.column) == (4, "employees")


def test_products_against_firms(tmp_path: Path) -> None:
    firms = [HEAD, ROW, ["F2", "B", "nowhere", "X", 1], ["F3", *ROW[1:4], "x"]]
    products = [
        ["firm_id", "family", "hs6"],
        ["F1", "general", "90189"],
        ["F9", "general", "9018.90"],
        ["F1", "General", "90189000"],
        ["F1", "shoes", 12],
        ["F2", "anything", None],
        ["F3", "dental", None],
        [None, "dental", None],
    ]
    faults = faults_of(book(tmp_path / "r.xlsx", firms=firms, products=products))
    found = [(f.sheet, f.row, f.column, f.message.split(";")[0]) for f in faults]
    assert found == [
        ("firms", 3, "cluster", "is not known"),
        ("firms", 4, "employees", "number expected"),
        ("products", 2, "hs6", "is not six digits"),
        ("products", 3, "firm_id", "is no firm_id of the firms sheet"),
        ("products", 3, "hs6", "is not six digits"),
        ("products", 4, "family", "is a second general product of firm F1, which row 2 has"),
        ("products", 4, "hs6", "is not six digits"),
        ("products", 5, "family", "is not known"),
        ("products", 5, "hs6", "is not six digits"),
        ("products", 8, "firm_id", "is empty"),
    ]
    hints = [f.message.partition("; ")[2] for f in faults if f.column == "hs6"]
    assert hints == [
        "use 090189? (set the cell's format to Text)",
        "use 901890?",
        "use 901890?",
        "",
    ]
    assert "use general, dental" in faults[7].message


def test_ties_against_firms(tmp_path: Path) -> None:
    ties = [TIES, ["F1", "F1", "trust"], ["F1", "F8", "like"], ["F7", "", "veto"]]
    faults = faults_of(book(tmp_path / "r.xlsx", firms=[HEAD, ROW], ties=ties))
    assert [(f.row, f.column) for f in faults] == [
        (2, "firm_b"), (3, "firm_b"), (3, "kind"), (4, "firm_a"), (4, "firm_b"),
    ]  # fmt: skip
    assert "tied with itself" in faults[0].message
    assert "use worked_together, trust, same_owner, rival or veto" in faults[2].message


def test_one_fault_does_not_make_many(tmp_path: Path) -> None:
    """Without usable ids, products and ties are not blamed for naming unknown firms."""
    ties = [TIES, *([f"F{i}", "F9", "trust"] for i in range(5))]
    path = book(tmp_path / "r.xlsx", firms=[["code", *HEAD[1:]], ROW], ties=ties)
    assert "column firm_id is missing" in fault_of(path).message
    csv_file(tmp_path, *ties, name="r-ties.csv")
    assert fault_of(csv_file(tmp_path, HEAD)).message == "has no firms"
    text = f'{",".join(HEAD)}\n{",".join(map(str, ROW))}\nF2,"x"y'
    assert fault_of(text_file(tmp_path, text)).row == 3


def test_faults_of_several_text_files(tmp_path: Path) -> None:
    csv_file(tmp_path, HEAD, [*ROW[:4], "x"], name="r.csv")
    csv_file(tmp_path, TIES, ["F1", "F2", "veto"], name="r-ties.csv")
    first, second = faults_of(tmp_path / "r.csv")
    assert (first.source, first.row, first.column) == ("r.csv", 2, "employees")
    assert (second.source, second.row, second.column) == ("r-ties.csv", 2, "firm_b")


def test_long_lists_of_faults_are_cut_and_counted(tmp_path: Path) -> None:
    rows = [[f"F{i}", *ROW[1:4], "x"] for i in range(1000)]
    faults = faults_of(csv_file(tmp_path, HEAD, *rows))
    assert len(faults) == 201
    assert faults[-1].message.startswith("800 more faults not listed")
    assert [f.row for f in faults[:-1]] == list(range(2, 202))


def test_rate_must_be_usable(tmp_path: Path) -> None:
    zero = Fact("pkr_per_usd", Decimal(0), "PKR for one USD", 2025, "typo", "estimate")
    path = firm_book(tmp_path, turnover_pkr=5)
    with pytest.raises(InputError, match="must be above 0"):
        read_register(path, zero)


# -- anything at all ----------------------------------------------------------------------------


def _read_or_refuse(path: Path, data: bytes) -> None:
    """Reading gives a register or an InputError, and leaves the file alone."""
    path.write_bytes(data)
    faults: tuple[InputFault, ...] = ()
    try:
        assert read_register(path, RATE).firms
    except InputError as error:
        faults = error.faults
        assert faults
    assert len(faults) <= 201
    assert all(fault.message for fault in faults)
    assert path.read_bytes() == data


_FUZZ = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", ["r.xlsx", "r.csv"])
@pytest.mark.parametrize("start", [b"", b"PK\x03\x04", OLE, b"\xff\xfe", b"\xef\xbb\xbffirm_id,"])
@settings(_FUZZ, max_examples=20)
@given(rest=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, name: str, start: bytes, rest: bytes) -> None:
    _read_or_refuse(tmp_path / name, start + rest)


_CELLS = st.one_of(
    st.sampled_from(
        ["", *HEAD, *map(str, ROW), "F2", "-1", "1e999", "=1", '"', "\0", "\r", ";;", "#N/A"]
    ),
    st.text(max_size=8),
)  # fmt: skip


@_FUZZ
@given(
    rows=st.lists(st.lists(_CELLS, max_size=8), max_size=6),
    head=st.sampled_from([[], HEAD, [*HEAD, "certificates", "latitude", "turnover_pkr"]]),
    joint=st.sampled_from([",", ";", "\t", ",,"]),
)
def test_any_rows_of_text(
    tmp_path: Path, rows: list[list[str]], head: list[str], joint: str
) -> None:
    lines = [joint.join(row) for row in [head, *rows]]
    _read_or_refuse(tmp_path / "r.csv", "\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def good_book(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "r.xlsx"
    firms = [Firm(f"F{i}", f"Firm {i}", "surgical-sialkot", "X", i + 1) for i in range(5)]
    write_register(make_register(firms), path)
    return path.read_bytes()


_EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), min_size=1, max_size=4)


def _edited(data: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    for place, patch in edits:
        at = place % len(data)
        data = data[:at] + patch + data[at + max(1, len(patch)) :]
    return data


@_FUZZ
@given(edits=_EDITS)
def test_workbooks_with_changed_bytes(
    tmp_path: Path, good_book: bytes, edits: list[tuple[int, bytes]]
) -> None:
    _read_or_refuse(tmp_path / "r.xlsx", _edited(good_book, edits))


_XML = st.sampled_from(
    [b"<", b">", b'"', b"/>", b"<c ", b"</c>", b'r="', b"&#0;", b"-1", b"99999999", b't="e"']
)  # fmt: skip


@_FUZZ
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 10**6), st.one_of(_XML, st.binary(max_size=3))), max_size=4
    ),
    part=st.sampled_from(
        ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml",
         "xl/_rels/workbook.xml.rels", "[Content_Types].xml"]
    ),
)  # fmt: skip
def test_workbooks_with_changed_parts(
    tmp_path: Path, good_book: bytes, edits: list[tuple[int, bytes]], part: str
) -> None:
    """The archive is sound, its XML is not."""
    with zipfile.ZipFile(io.BytesIO(good_book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = _edited(parts[part], edits)
    made = packed(tmp_path / "made.xlsx", parts).read_bytes()
    _read_or_refuse(tmp_path / "r.xlsx", made)


def test_hostile_files_need_little_memory(tmp_path: Path) -> None:
    """In a process that may have 2 GB: the guards work before memory is taken."""
    resource = pytest.importorskip("resource")
    cells = '<c t="s"><v>0</v></c>' * 3000
    raw_book(tmp_path, f"<row>{cells}</row>", f"<si><t>{'a' * 2_000_000}</t></si>")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from consortium.errors import InputError\n"
        "from consortium.intake import read_register\n"
        "from consortium.programme import load_programme\n"
        "try: read_register(Path(sys.argv[1]), load_programme().pkr_per_usd)\n"
        "except InputError as error: print(error)\n"
    )
    assert resource
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "r.xlsx")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "repeats long texts" in done.stdout
