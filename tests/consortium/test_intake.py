"""Registers go to files and come back the same; what reading changes or leaves is listed."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.errors import InputError, OutputError
from consortium.facts import Fact
from consortium.intake import read_register, register_files, write_register
from consortium.intake.table import SPACES
from consortium.register import (
    CERTIFICATES,
    FEE_MODES,
    FIRM_COLUMNS,
    PRIORITIES,
    PRODUCT_COLUMNS,
    ROLES,
    TIE_KINDS,
    Certificate,
    Firm,
    Product,
    Register,
    Tie,
    make_register,
)

RATE = Fact("pkr_per_usd", Decimal(280), "PKR for one USD", 2025, "bank", "recalled")
FAMILIES = ("general", "dental", "orthopaedic", "micro", "single_use")
ENDINGS = (".xlsx", ".csv", "")
HEAD = ["firm_id", "name", "cluster", "town", "employees"]
ROW = ["F1", "Khan & Sons #1", "surgical-sialkot", "Sialkot", 12]


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    """A workbook, made by XlsxWriter with its own defaults."""
    with xlsxwriter.Workbook(path) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def text_file(path: Path, rows: list[list[Any]], delimiter: str = ",") -> Path:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    path.write_bytes(buffer.getvalue().encode())
    return path


def firm_with(tmp_path: Path, **cells: Any) -> Firm:
    """The firm read from a workbook row with some further cells."""
    path = book(tmp_path / "r.xlsx", firms=[[*HEAD, *cells], [*ROW, *cells.values()]])
    return read_register(path, RATE).firms[0]


def product_with(tmp_path: Path, **cells: Any) -> Product:
    """The product read from a workbook row with some further cells."""
    head, row = ["firm_id", "family", *cells], ["F1", "general", *cells.values()]
    path = book(tmp_path / "r.xlsx", firms=[HEAD, ROW], products=[head, row])
    return read_register(path, RATE).firms[0].products[0]


# -- there and back -----------------------------------------------------------------------------

_CHARS = st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Cn"], codec="utf-8")
_TRICKY = st.sampled_from(
    [
        "=1+1", "'=1+1", "''=x", "'", "@SUM(A1)", "+92 300", "-", "-5", "1e5", "007", "TRUE", "yes",
        "_x0041_", "<b>&amp;\"'", "a,b", 'say "no"', "چغتائی سرجیکل", "O\u200cNE", "http://x.y",
        "#1", "12/05/2024", "N/A", "\U0001f600", "a\u2003b", "None", "ISO 9001", "'a'",
    ]
)  # fmt: skip


def _texts(most: int, exclude: str = "") -> st.SearchStrategy[str]:
    plain = st.one_of(_TRICKY, st.text(_CHARS, min_size=1, max_size=min(most, 30)))
    return plain.filter(lambda t: t == t.strip(SPACES) != "" and not set(exclude) & set(t))


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


_IDS = _texts(40).filter(lambda t: "\u200c" not in t)
_CENTS = _maybe(st.integers(0, 10**17) | st.integers(0, 10**9))
_POINTS = _maybe(st.integers(0, 10_000))
_CODES = st.text("ABCXYZ", min_size=3, max_size=3)
_CERTIFICATES = st.lists(
    st.builds(Certificate, st.sampled_from(CERTIFICATES), _maybe(st.dates())),
    max_size=4,
    unique_by=lambda c: c.name,
).map(lambda found: tuple(sorted(found, key=lambda c: c.name)))
_PRODUCTS = st.lists(
    st.builds(
        Product,
        st.sampled_from(FAMILIES),
        _maybe(st.from_regex(r"[0-9]{6}", fullmatch=True)),
        _maybe(st.integers(0, 10**15)),
        _POINTS,
        _CENTS,
        _CENTS,
        _maybe(st.integers(0, 3650)),
        _POINTS,
    ),
    max_size=3,
    unique_by=lambda p: p.family,
).map(lambda found: tuple(sorted(found, key=lambda p: p.family)))


@st.composite
def _firms(draw: st.DrawFn, firm_id: str) -> Firm:
    degrees = st.floats(-90, 90).map(lambda x: x + 0.0)
    place = draw(_maybe(st.tuples(degrees, degrees))) or (None, None)
    return Firm(
        firm_id=firm_id,
        name=draw(_texts(200)),
        cluster="surgical-sialkot",
        town=draw(_texts(100)),
        employees=draw(st.integers(1, 10**15)),
        latitude=place[0],
        longitude=place[1],
        role=draw(_maybe(st.sampled_from(ROLES))),
        turnover_cents=draw(_CENTS),
        export_sales_cents=draw(_CENTS),
        export_years=draw(_maybe(st.integers(0, 200))),
        countries=tuple(sorted(draw(st.sets(_CODES, max_size=3)))),
        certificates=draw(_CERTIFICATES),
        financial_health_bp=draw(_POINTS),
        management_bp=draw(_POINTS),
        max_contribution_cents=draw(_CENTS),
        preferred_fee_mode=draw(_maybe(st.sampled_from(FEE_MODES))),
        hours_per_month=draw(_maybe(st.integers(0, 744))),
        priorities=tuple(draw(st.lists(st.sampled_from(PRIORITIES), max_size=3, unique=True))),
        target_markets=tuple(draw(st.lists(_CODES, max_size=3, unique=True))),
        women_led=draw(_maybe(st.booleans())),
        new_exporter=draw(_maybe(st.booleans())),
        other_memberships=tuple(draw(st.lists(_texts(200, ";"), max_size=2, unique=True))),
        products=draw(_PRODUCTS),
    )


@st.composite
def _registers(draw: st.DrawFn) -> Register:
    ids = draw(st.lists(_IDS, min_size=1, max_size=4, unique=True))
    firms = [draw(_firms(firm_id)) for firm_id in ids]
    pairs = [(a, b) for a in ids for b in ids if a < b]
    ties = st.builds(lambda p, k: Tie(*p, k), st.sampled_from(pairs), st.sampled_from(TIE_KINDS))
    return make_register(firms, draw(st.lists(ties, max_size=4)) if pairs else [])


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(register=_registers())
def test_round_trip(register: Register, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"register{ending}"
    write_register(register, path)
    again = read_register(path, RATE)
    assert again.firms == register.firms
    assert again.ties == register.ties
    assert again.sha256 == register.sha256
    assert again.conversions == ()


def _one(**changes: Any) -> Register:
    firm = Firm("F1", "Khan", "surgical-sialkot", "Sialkot", 12)
    return make_register([replace(firm, **changes)])


def test_same_register_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at another time and in another time zone."""
    register = _one(name="=1+1", turnover_cents=123_456)
    for ending in ENDINGS:
        write_register(register, tmp_path / f"a{ending}")
    monkeypatch.setenv("TZ", "Asia/Karachi")
    time.tzset()
    time.sleep(2.1)  # zip archives keep times to two seconds
    for ending in ENDINGS:
        write_register(register, tmp_path / f"b{ending}")
    monkeypatch.undo()
    time.tzset()
    for ending in ENDINGS:
        one, two = (register_files(tmp_path / f"{n}{ending}").values() for n in "ab")
        assert [f.read_bytes() for f in one] == [f.read_bytes() for f in two]


def test_workbook_as_another_library_sees_it(tmp_path: Path) -> None:
    write_register(_one(name="=1+1", women_led=True), tmp_path / "r.xlsx")
    made = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert made.sheetnames == ["firms", "products", "ties"]
    sheet = made["firms"]
    assert [cell.value for cell in sheet[1]] == [column.name for column in FIRM_COLUMNS]
    assert sheet["A1"].font.bold
    assert sheet.freeze_panes == "B2"
    assert sheet["B2"].data_type == "s"  # a text, no formula
    assert sheet["B2"].value == "=1+1"
    lists = {str(v.sqref)[0]: v.formula1 for v in sheet.data_validations.dataValidation}
    assert lists["H"] == '"maker,vendor,trader"'
    assert '"yes,no"' in lists.values()
    kinds = made["ties"].data_validations.dataValidation[0]
    assert kinds.formula1 == '"worked_together,trust,same_owner,rival,veto"'


def test_csv_texts_cannot_run_as_formulas(tmp_path: Path) -> None:
    write_register(_one(name='=HYPERLINK("x")', latitude=-1.5, longitude=2.0), tmp_path / "r.csv")
    line = (tmp_path / "r.csv").read_text("utf-8-sig").splitlines()[1]
    assert line.startswith('F1,"\'=HYPERLINK(""x"")",')
    assert ",-1.5,2.0," in line  # numbers stay numbers


def test_csv_has_siblings(tmp_path: Path) -> None:
    register = make_register(
        [Firm("F1", "A", "surgical-sialkot", "X", 1, products=(Product("micro"),))]
    )
    write_register(register, tmp_path / "mine.csv")
    names = {"mine.csv", "mine-products.csv", "mine-ties.csv"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert {file.name for file in register_files(tmp_path / "mine.csv").values()} == names
    (tmp_path / "mine-products.csv").unlink()
    assert read_register(tmp_path / "mine.csv", RATE).firms[0].products == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"other_memberships": ("a;b",)}, "other_memberships"),
        ({"name": " A"}, "name: ' A' would become 'A'"),
        ({"name": "a\0"}, "control character"),
        ({"name": ""}, "is empty"),
        ({"name": "x" * 201}, "too long"),
        ({"employees": 0}, "out of range"),
        ({"cluster": "nowhere"}, "is not known"),
        ({"latitude": 1.0}, "stands without a longitude"),
        ({"countries": ("ZAF", "DEU")}, "countries"),
        ({"products": (Product("nothing"),)}, "families"),
    ],
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_would_not_read_back_is_not_written(
    tmp_path: Path, changes: dict[str, Any], message: str, ending: str
) -> None:
    with pytest.raises(OutputError, match=message):
        write_register(_one(**changes), tmp_path / f"r{ending}")
    assert list(tmp_path.iterdir()) == []


def test_writing_elsewhere_fails_whole(tmp_path: Path) -> None:
    for name, message in (
        ("r.pdf", "ending"),
        ("no/r.xlsx", "no folder"),
        ("no/r", "cannot be written"),
    ):
        with pytest.raises(OutputError, match=message):
            write_register(_one(), tmp_path / name)
    with pytest.raises(OutputError, match="no firms"):
        write_register(make_register([]), tmp_path / "r.csv")
    assert list(tmp_path.iterdir()) == []
    write_register(_one(), tmp_path / "r.csv")
    with pytest.raises(OutputError, match="is the input"):
        write_register(_one(), tmp_path / "r.csv", inputs=[tmp_path / "r.csv"])


# -- headers ------------------------------------------------------------------------------------


def test_headers_are_spelled_freely(tmp_path: Path) -> None:
    head = [
        "Firm ID", "NAME*", "cluster ", "Town", "Employees (people)", "Turnover (USD)",
        "Management (0-1)", "Women-led (yes/no)", "hours per month", "Latitude (degrees)",
        "LONGITUDE",
    ]  # fmt: skip
    row = [*ROW, 100, 0.5, "no", 3, 32.5, 74.5]
    register = read_register(book(tmp_path / "r.xlsx", Firms=[head, row]), RATE)
    firm = register.firms[0]
    assert (firm.turnover_cents, firm.management_bp, firm.women_led) == (10_000, 5000, False)
    assert (firm.hours_per_month, firm.latitude, firm.longitude) == (3, 32.5, 74.5)
    assert register.conversions == ()


def test_what_is_not_used_is_said(tmp_path: Path) -> None:
    sheets = {"firms": [[*HEAD, "Remarks"], [*ROW, "late"]], "Notes": [["x"]]}
    register = read_register(book(tmp_path / "r.xlsx", **sheets), RATE)
    assert register.conversions == (
        "sheet Notes is not used",
        "sheet firms: column 'Remarks' is not used",
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    text_file(folder / "firms.csv", [HEAD, ROW])
    (folder / "other.csv").write_text("x")
    assert read_register(folder, RATE).conversions == ("file other.csv is not used",)


def test_leading_blank_rows_and_columns(tmp_path: Path) -> None:
    rows = [[], [], ["", *HEAD], [], ["", *ROW], []]
    assert len(read_register(book(tmp_path / "r.xlsx", firms=rows), RATE).firms) == 1
    bad = [*rows[:4], ["", *ROW[:4], "many"]]
    with pytest.raises(InputError, match="sheet firms, row 5, column employees: 'many'"):
        read_register(book(tmp_path / "r.xlsx", firms=bad), RATE)


# -- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "cents", "rounded"),
    [
        (12, 1200, False),
        (0, 0, False),
        (0.1 + 0.2, 30, False),
        ("1234.56", 123_456, False),
        (0.125, 12, True),
        (0.135, 14, True),
        ("1e3", 100_000, False),
        (1e15, 10**17, False),
        ("0.005000000000000000000000000000000001", 1, True),
    ],
)
def test_money_is_cents_half_to_even(tmp_path: Path, cell: Any, cents: int, rounded: bool) -> None:
    path = book(tmp_path / "r.xlsx", firms=[[*HEAD, "turnover_usd"], [*ROW, cell]])
    register = read_register(path, RATE)
    assert register.firms[0].turnover_cents == cents
    note = "sheet firms, column turnover_usd: digits below a cent were rounded away in row 2"
    assert register.conversions == ((note,) if rounded else ())


def test_rupees_are_converted_and_said(tmp_path: Path) -> None:
    head = [*HEAD, "Turnover PKR", "max_contribution_pkr_per_year (Rs)"]
    register = read_register(book(tmp_path / "r.xlsx", firms=[head, [*ROW, 1_000_000, 1]]), RATE)
    assert register.firms[0].turnover_cents == 357_143
    assert register.firms[0].max_contribution_cents == 0  # 0.357 cents
    first, second = register.conversions
    assert first == (
        "sheet firms, column Turnover PKR: rupees turned into US dollars at 280 PKR for one USD "
        "(2025, bank), to the nearest cent"
    )
    assert "max_contribution_pkr_per_year" in second
    assert product_with(tmp_path, unit_cost_pkr=280).unit_cost_cents == 100


@pytest.mark.parametrize(
    ("cell", "points", "rounded"),
    [(1, 10_000, False), (0.30000000000000004, 3000, False), ("0.25", 2500, False),
     (0.12345, 1234, True), (1.0000000000000002, 10_000, False), (0, 0, False)],
)  # fmt: skip
def test_scores_are_basis_points(tmp_path: Path, cell: Any, points: int, rounded: bool) -> None:
    path = book(tmp_path / "r.xlsx", firms=[[*HEAD, "management"], [*ROW, cell]])
    register = read_register(path, RATE)
    assert register.firms[0].management_bp == points
    assert bool(register.conversions) == rounded


def test_many_roundings_make_one_note(tmp_path: Path) -> None:
    rows = [[f"F{i}", *ROW[1:], 0.001] for i in range(20)]
    path = book(tmp_path / "r.xlsx", firms=[[*HEAD, "turnover_usd"], *rows])
    (note,) = read_register(path, RATE).conversions
    assert note.endswith("in row 2, 3, 4, 5, 6 and 15 more")


@pytest.mark.parametrize("cell", ["yes", "Yes", "TRUE", True, 1, "1", "y"])
def test_yes(tmp_path: Path, cell: Any) -> None:
    assert firm_with(tmp_path, women_led=cell).women_led is True


@pytest.mark.parametrize("cell", ["no", "NO", "false", False, 0, "0", "n"])
def test_no(tmp_path: Path, cell: Any) -> None:
    assert firm_with(tmp_path, new_exporter=cell).new_exporter is False


def test_blank_is_missing_not_zero(tmp_path: Path) -> None:
    names = [column.name for column in FIRM_COLUMNS[5:]]
    firm = firm_with(tmp_path, **dict.fromkeys(names, "  "))
    assert firm == Firm("F1", "Khan & Sons #1", "surgical-sialkot", "Sialkot", 12)
    names = [column.name for column in PRODUCT_COLUMNS[2:]]
    assert product_with(tmp_path, **dict.fromkeys(names)) == Product("general")


def test_numbers_as_codes(tmp_path: Path) -> None:
    """A code typed as a number is its digits, however the file stores it."""
    rows = {
        "firms": [HEAD, [101, 786, *ROW[2:]], [102, "B", *ROW[2:]]],
        "products": [["firm_id", "family", "hs6"], ["101", "general", 901890]],
        "ties": [["firm_a", "firm_b", "kind"], [102, 101, "Worked together"]],
    }
    register = read_register(book(tmp_path / "r.xlsx", **rows), RATE)
    assert [firm.firm_id for firm in register.firms] == ["101", "102"]
    assert register.firms[0].name == "786"
    assert register.firms[0].products[0].hs6 == "901890"
    assert register.ties == (Tie("101", "102", "worked_together"),)


def test_certificates(tmp_path: Path) -> None:
    cell = "iso13485: 2027-06-30 ; CE MDR;FDA;"
    assert firm_with(tmp_path, certificates=cell).certificates == (
        Certificate("CE-MDR"),
        Certificate("FDA"),
        Certificate("ISO 13485", date(2027, 6, 30)),
    )


def test_lists_and_choices(tmp_path: Path) -> None:
    firm = firm_with(
        tmp_path,
        countries="zaf; DEU",
        target_markets="ZAF;KEN",
        priorities="Skills; new markets",
        role="Maker",
        preferred_fee_mode="EXPORT SHARE",
        other_memberships="PSGMEA, north; B",
    )
    assert firm.countries == ("DEU", "ZAF")
    assert firm.target_markets == ("ZAF", "KEN")
    assert firm.priorities == ("skills", "new_markets")
    assert (firm.role, firm.preferred_fee_mode) == ("maker", "export_share")
    assert firm.other_memberships == ("PSGMEA, north", "B")


def test_contradictory_and_repeated_ties(tmp_path: Path) -> None:
    rows = [["F1", "F2", "trust"], ["F2", "F1", "veto"], ["F2", "F1", "trust"]]
    firms = [HEAD, ROW, ["F2", *ROW[1:]]]
    ties = [["firm_a", "firm_b", "kind"], *rows]
    register = read_register(book(tmp_path / "r.xlsx", firms=firms, ties=ties), RATE)
    assert register.ties_between == {("F1", "F2"): {"trust", "veto"}}
    assert register.conversions == ("sheet ties: row 4 says again what a row above it says",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_text_files_as_spreadsheets_save_them(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    """UTF-8 with and without byte-order mark, UTF-16 with it; comma, semicolon or tab."""
    path = text_file(tmp_path / "r.csv", [HEAD, ["F1", "چغتائی; Sons, Ltd", *ROW[2:]]], delimiter)
    text = path.read_bytes().decode()
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text).encode(encoding))
    assert read_register(path, RATE).firms[0].name == "چغتائی; Sons, Ltd"


def test_the_input_is_not_touched(tmp_path: Path) -> None:
    path = book(tmp_path / "r.xlsx", firms=[HEAD, ROW])
    path.chmod(0o400)
    before, when = path.read_bytes(), path.stat().st_mtime_ns
    read_register(path, RATE)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, when)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_large_registers_read_quickly(tmp_path: Path) -> None:
    """20,000 firms in 15 columns; processor time, as other work shares the machine."""
    extra = [
        "role", "turnover_usd", "export_sales_usd", "export_years", "countries", "certificates",
        "financial_health", "management", "hours_per_month", "women_led",
    ]  # fmt: skip
    cells = [
        "maker", 12_345.5, 999.99, 7, "DEU;USA", "ISO 13485:2027-06-30;FDA", 0.4567, 0.3, 12, "no",
    ]  # fmt: skip
    rows = [[f"F{i}", f"Firm {i}", *ROW[2:], *cells] for i in range(20_000)]
    path = book(tmp_path / "r.xlsx", firms=[[*HEAD, *extra], *rows])
    began = time.process_time()
    register = read_register(path, RATE)
    assert time.process_time() - began < 5
    assert len(register.firms) == 20_000
