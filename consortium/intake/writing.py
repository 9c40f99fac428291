"""Writes registers as workbooks and .csv files that read back to the same register."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from consortium.errors import InputError, OutputError
from consortium.facts import Fact
from consortium.files import write_all_atomically
from consortium.intake.reading import build_register
from consortium.intake.table import Faults, Table
from consortium.intake.textfile import guard
from consortium.register import (
    FEE_MODES,
    ROLES,
    SHEETS,
    TIE_KINDS,
    Firm,
    Product,
    Register,
)

# A fixed day: the same register gives the same bytes.
_CREATED = datetime(2026, 1, 1)
# Registers are written in dollars, so reading one back converts nothing.
_NO_RATE = Fact("none", Decimal(1), "none", 2026, "none", "recalled")
_EXCEL_ROWS = 1_048_576
_SPARE_ROWS = 500  # rows below the table that get drop-downs too
_CHOICES: dict[str, tuple[str, ...]] = {
    "role": ROLES,
    "preferred_fee_mode": FEE_MODES,
    "kind": TIE_KINDS,
    "women_led": ("yes", "no"),
    "new_exporter": ("yes", "no"),
}
_WIDE = {"name": 32, "certificates": 32, "other_memberships": 24, "priorities": 32}
_TEXTS = {
    "firm_id", "firm_a", "firm_b", "name", "cluster", "town", "countries", "certificates",
    "priorities", "target_markets", "other_memberships", "family", "hs6",
}  # fmt: skip

_Value = str | int | float | Decimal | None
_Grid = list[list[_Value]]


def write_register(register: Register, path: Path, inputs: Iterable[Path] = ()) -> None:
    """Write a register so that ``read_register`` gives it back.

    Parameters
    ----------
    register : in canonical order (``make_register``).
    path : ``.xlsx`` for a workbook; ``.csv`` for the firms, with ``<stem>-products.csv`` and
        ``<stem>-ties.csv`` beside it; a name without ending for a folder of three .csv files.
    inputs : files that must not be overwritten.

    Raises
    ------
    OutputError
        If it cannot be written, or would not read back the same (an item with a semicolon, say).
        Nothing is written then.
    """
    grids = {
        "firms": _grid("firms", map(_firm_row, register.firms)),
        "products": _grid(
            "products", (_product_row(f, p) for f in register.firms for p in f.products)
        ),
        "ties": _grid("ties", ([t.firm_a, t.firm_b, t.kind] for t in register.ties)),
    }
    _check_reads_back(register, grids)
    ending = path.suffix.lower()
    if ending == ".xlsx":
        write_all_atomically({path: _workbook(grids)}, inputs)
    elif ending == ".csv":
        names = {kind: path.with_name(f"{path.stem}-{kind}.csv") for kind in grids}
        names["firms"] = path
        write_all_atomically({names[kind]: _csv(grid) for kind, grid in grids.items()}, inputs)
    elif not ending:
        _write_folder(path, grids, inputs)
    else:
        raise OutputError(
            f"{path.name} has an ending no register has; use .xlsx, .csv, or none for a folder"
        )


def _write_folder(path: Path, grids: dict[str, _Grid], inputs: Iterable[Path]) -> None:
    new = not path.exists()
    try:
        path.mkdir(exist_ok=True)
        write_all_atomically({path / f"{k}.csv": _csv(grid) for k, grid in grids.items()}, inputs)
    except OSError as error:
        if new and path.is_dir():
            path.rmdir()
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{path.name} cannot be written: {error.strerror}") from error


# -- grids --------------------------------------------------------------------------------------


def _grid(kind: str, rows: Iterable[list[_Value]]) -> _Grid:
    return [[column.name for column in SHEETS[kind]], *rows]


def _firm_row(firm: Firm) -> list[_Value]:
    return [
        firm.firm_id,
        firm.name,
        firm.cluster,
        firm.town,
        firm.employees,
        firm.latitude,
        firm.longitude,
        firm.role,
        _dollars(firm.turnover_cents),
        _dollars(firm.export_sales_cents),
        firm.export_years,
        "; ".join(firm.countries),
        "; ".join(
            c.name if c.expires is None else f"{c.name}:{c.expires.isoformat()}"
            for c in firm.certificates
        ),
        _share(firm.financial_health_bp),
        _share(firm.management_bp),
        _dollars(firm.max_contribution_cents),
        firm.preferred_fee_mode,
        firm.hours_per_month,
        "; ".join(firm.priorities),
        "; ".join(firm.target_markets),
        _yes_no(firm.women_led),
        _yes_no(firm.new_exporter),
        "; ".join(firm.other_memberships),
    ]


def _product_row(firm: Firm, product: Product) -> list[_Value]:
    return [
        firm.firm_id,
        product.family,
        product.hs6,
        product.capacity_units_per_year,
        _share(product.spare_share_bp),
        _dollars(product.unit_cost_cents),
        _dollars(product.unit_price_cents),
        product.lead_time_days,
        _share(product.reject_rate_bp),
    ]


def _dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(f"{cents}e-2")


def _share(points: int | None) -> Decimal | None:
    return None if points is None else Decimal(f"{points}e-4").normalize()


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _plain(value: _Value) -> str:
    """A value as text, numbers without exponent and exact."""
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _check_reads_back(register: Register, grids: dict[str, _Grid]) -> None:
    tables = [
        Table(kind, kind, kind, [(n, [_plain(v) for v in row]) for n, row in enumerate(grid, 1)])
        for kind, grid in grids.items()
    ]
    faults = Faults("register")
    try:
        again = build_register(tables, "register", faults, [], _NO_RATE)
    except InputError as error:
        raise OutputError(f"the register cannot be written:\n{error}") from error
    if again.firms == register.firms and again.ties == register.ties:
        return
    raise OutputError(f"the register would not read back the same: {_difference(register, again)}")


def _difference(register: Register, again: Register) -> str:
    for ours, theirs in zip(register.firms, again.firms, strict=False):
        for item in fields(Firm):
            mine, other = getattr(ours, item.name), getattr(theirs, item.name)
            if mine != other:
                return f"firm {ours.firm_id}, {item.name}: {mine!r} would become {other!r}"
    return "firms or ties are not in the order of make_register"


# -- files --------------------------------------------------------------------------------------


def _csv(grid: _Grid) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in grid:
        writer.writerow([guard(v) if isinstance(v, str) else _plain(v) for v in row])
    # With a byte-order mark: without it Excel takes the file for a Windows code page.
    return buffer.getvalue().encode("utf-8-sig")


def _workbook(grids: dict[str, _Grid]) -> bytes:
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": _CREATED, "title": "Firm register"})
        head = book.add_format({"bold": True, "bottom": 1})
        # Text cells stay texts when a user edits them: no formula, no date, no lost zero.
        text = book.add_format({"num_format": "@"})
        plain = book.add_format()
        for kind, grid in grids.items():
            if len(grid) > _EXCEL_ROWS:
                raise OutputError(
                    f"{len(grid) - 1:,} {kind} are more than a workbook holds; use .csv"
                )
            sheet = book.add_worksheet(kind)
            sheet.freeze_panes(1, 1)
            for index, column in enumerate(SHEETS[kind]):
                style = text if column.name in _TEXTS else plain
                width = _WIDE.get(column.name, max(12, len(column.name) + 2))
                sheet.set_column(index, index, width, style)
                sheet.write_string(0, index, column.name, head)
                if column.name in _CHOICES:
                    last = min(len(grid) + _SPARE_ROWS, _EXCEL_ROWS) - 1
                    sheet.data_validation(
                        1, index, last, index,
                        {"validate": "list", "source": list(_CHOICES[column.name])},
                    )  # fmt: skip
            for number, row in enumerate(grid[1:], start=1):
                for index, value in enumerate(row):
                    if value is not None and value != "":
                        style = text if SHEETS[kind][index].name in _TEXTS else plain
                        _write(sheet, number, index, value, style)
    return buffer.getvalue()


def _write(
    sheet: Any, row: int, column: int, value: str | int | float | Decimal, style: Any
) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value, style)
    elif _kept(value):
        sheet.write_number(row, column, value, style)
    else:  # too many digits for a number cell; read_register takes digits in a text as well
        sheet.write_string(row, column, _plain(value), style)


def _kept(value: int | float | Decimal) -> bool:
    """Whether a number cell (written with 16 digits) gives the value back exactly."""
    if isinstance(value, int) and abs(value) < 10**15:
        return True
    written = float(f"{value:.16G}")
    return Decimal(repr(written)) == (Decimal(repr(value)) if isinstance(value, float) else value)
