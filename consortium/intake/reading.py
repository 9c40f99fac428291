"""From a path to a register: finds the files, reads every row, checks rows against each other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from consortium.errors import InputError, InputFault
from consortium.facts import Fact
from consortium.intake import cells
from consortium.intake.numbers import CellError
from consortium.intake.rows import ROW_MODELS, FirmRow, ProductRow, Reading, TieRow
from consortium.intake.table import (
    SPACES,
    Cell,
    Faults,
    Header,
    Table,
    column_letters,
    is_blank,
    match_header,
)
from consortium.intake.textfile import read_text_table
from consortium.intake.workbook import read_workbook
from consortium.market_files import load_clusters
from consortium.programme import load_programme
from consortium.register import Firm, Product, Register, Tie, make_register

#: Largest file read, in bytes.
MAX_FILE = 200 * 1024 * 1024
_PLACES_SHOWN = 5
_OTHER_FORMATS = {
    ".xls": "is in the old .xls format",
    ".xlsm": "is a workbook with macros",
    ".xlsb": "is a binary workbook",
    ".ods": "is an OpenDocument workbook",
    ".numbers": "is a Numbers workbook",
}
_Row = FirmRow | ProductRow | TieRow


def read_register(path: str | Path, pkr_per_usd: Fact | None = None) -> Register:
    """Read a register.

    Parameters
    ----------
    path : an .xlsx workbook with sheets firms, products and ties (the last two optional); a folder
        with firms.csv, products.csv and ties.csv; or one .csv file of firms, with its products and
        ties in ``<stem>-products.csv`` and ``<stem>-ties.csv`` beside it.
    pkr_per_usd : rate for columns in rupees; that of the shipped programme when left out.

    Returns
    -------
    The register, in canonical order; ``conversions`` says what was changed or not used.

    Raises
    ------
    InputError
        With every fault, in order of sheet, row and column.
    """
    path = Path(path)
    if pkr_per_usd is None:
        pkr_per_usd = load_programme().pkr_per_usd
    source = path.name or str(path)
    faults, notes = Faults(source), list[str]()
    try:
        tables = _read_tables(path, source, faults, notes)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError([InputFault(source, f"cannot be read: {reason}")]) from None
    return build_register(tables, source, faults, notes, pkr_per_usd)


def register_files(path: Path) -> dict[str, Path]:
    """The files a register is read from, by sheet; a workbook counts as "firms".

    Files that do not exist are left out, except the first.
    """
    if path.is_dir():
        files = {kind: path / f"{kind}.csv" for kind in ROW_MODELS}
    elif path.suffix.lower() == ".csv":
        files = {kind: path.with_name(f"{path.stem}-{kind}.csv") for kind in ROW_MODELS}
        files["firms"] = path
    else:
        files = {"firms": path}
    return {kind: file for kind, file in files.items() if kind == "firms" or file.exists()}


def _read_tables(path: Path, source: str, faults: Faults, notes: list[str]) -> list[Table]:
    if not path.exists():
        raise InputError([InputFault(source, "does not exist")])
    ending = path.suffix.lower()
    files = register_files(path)
    if path.is_dir():
        found = sorted(file.name for file in path.iterdir() if file.suffix.lower() == ".csv")
        if not files["firms"].exists():
            seen = ", ".join(found) or "none"
            faults.add(f"is a folder without firms.csv; .csv files in it: {seen}")
            return []
        ours = {file.name for file in files.values()}
        notes.extend(f"file {name} is not used" for name in found if name not in ours)
    elif ending not in (".xlsx", ".csv"):
        what = _OTHER_FORMATS.get(ending, f"is a {ending} file" if ending else "has no ending")
        faults.add(f"{what}; a register is an .xlsx workbook, a .csv file or a folder of them")
        return []
    tables = []
    for kind, file in files.items():
        data = _bytes(file, faults)
        if data is None:
            continue
        if not path.is_dir() and ending == ".xlsx":
            return read_workbook(data, source, faults, notes)
        table = read_text_table(data, kind, file.name, faults)
        if table is not None:
            tables.append(table)
    return tables


def _bytes(file: Path, faults: Faults) -> bytes | None:
    if not file.is_file():
        faults.add(f"{file.name} is not a file")
        return None
    with file.open("rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        data = b"" if size > MAX_FILE else handle.read(MAX_FILE + 1)
    if size > MAX_FILE or len(data) > MAX_FILE:
        faults.add(f"{file.name} is larger than {MAX_FILE // 1024**2} MB, too large for a register")
        return None
    return data


# -- rows ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rows:
    """The rows of one table.

    Attributes
    ----------
    good : models of the rows without fault, by row number.
    raw : cells of every row by column, by row number.
    headers : headers by column.
    """

    table: Table
    headers: dict[str, Header]
    good: dict[int, _Row] = field(default_factory=dict)
    raw: dict[int, dict[str, Cell]] = field(default_factory=dict)

    def text(self, row: int, column: str, read: Callable[[Cell], str]) -> str | None:
        """One text of a row, also of a row with faults elsewhere; ``None`` where it is faulty."""
        try:
            return read(cells.usable(self.raw[row][column]))
        except (CellError, KeyError):
            return None

    def fault(self, faults: Faults, message: str, row: int, column: str) -> None:
        """Record a fault in one cell."""
        value = self.raw[row].get(column)
        faults.add(message, self.table, row, self.headers[column].place, value)


def _read_rows(table: Table, faults: Faults, notes: list[str], pkr_per_usd: Fact) -> _Rows:
    headers = match_header(table, faults, notes)
    if headers is None:
        return _Rows(table, {})
    out = _Rows(table, {header.name: header for header in headers})
    rupees = frozenset(header.name for header in headers if header.pkr)
    reading = Reading(_rate(pkr_per_usd) if rupees else Fraction(1), rupees)
    model = ROW_MODELS[table.kind]
    columns = [(header.index, header.name) for header in headers]
    start = next(index for index, (_, row) in enumerate(table.rows) if not all(map(is_blank, row)))
    titled = {i for i, cell in enumerate(table.rows[start][1]) if not is_blank(cell)}
    width = len(table.rows[start][1])
    for number, row in table.rows[start + 1 :]:
        raw: dict[str, Cell] = {}
        for index, name in columns:
            cell = row[index] if index < len(row) else ""
            if isinstance(cell, str):
                cell = cell.strip(SPACES)
                if not cell:
                    continue
            raw[name] = cell
        beyond = len(row) > width or len(titled) < width
        if beyond:
            _check_beyond(table, number, row, titled, faults)
        if not raw and all(map(is_blank, row)):
            continue
        out.raw[number] = raw
        reading.row = number
        try:
            out.good[number] = model.model_validate(raw, context=reading)
        except ValidationError as error:
            _add_faults(error, out, number, faults)
    notes.extend(_conversions(out, reading, pkr_per_usd))
    return out


def _rate(fact: Fact) -> Fraction:
    if fact.exact <= 0:
        raise InputError([InputFault(fact.name, "must be above 0", value=fact.text)])
    return fact.exact


def _check_beyond(
    table: Table, number: int, row: list[Cell], titled: set[int], faults: Faults
) -> None:
    for index, cell in enumerate(row):
        if index not in titled and not is_blank(cell):
            message = "stands in a column without a header; name the column or delete the value"
            faults.add(message, table, number, (index, column_letters(index)), cell)


def _add_faults(error: ValidationError, rows: _Rows, number: int, faults: Faults) -> None:
    for detail in error.errors(include_url=False):
        column = str(detail["loc"][0])
        if column not in rows.headers:  # a missing column is one fault, not one for each row
            continue
        if detail["type"] == "missing":
            message = "is empty; every row needs it"
        else:
            message = str(detail["ctx"]["error"])
        rows.fault(faults, message, number, column)


def _conversions(rows: _Rows, reading: Reading, pkr_per_usd: Fact) -> list[str]:
    notes = []
    for name, header in sorted(rows.headers.items(), key=lambda item: item[1].index):
        place = f"{rows.table.place}, column {header.text}"
        if header.pkr:
            rate = (
                f"{pkr_per_usd.text} {pkr_per_usd.unit} ({pkr_per_usd.year}, {pkr_per_usd.source})"
            )
            notes.append(f"{place}: rupees turned into US dollars at {rate}, to the nearest cent")
        if name in reading.rounded:
            unit = "a cent" if "_usd" in name else "0.0001"
            where = reading.rounded[name]
            shown = ", ".join(map(str, where[:_PLACES_SHOWN]))
            more = f" and {len(where) - _PLACES_SHOWN} more" if len(where) > _PLACES_SHOWN else ""
            notes.append(f"{place}: digits below {unit} were rounded away in row {shown}{more}")
    return notes


# -- the register -------------------------------------------------------------------------------


def build_register(
    tables: list[Table], source: str, faults: Faults, notes: list[str], pkr_per_usd: Fact
) -> Register:
    """Read the rows of some tables and check them against each other.

    Raises
    ------
    InputError
        With every fault, those found before included.
    """
    rows = {table.kind: _read_rows(table, faults, notes, pkr_per_usd) for table in tables}
    firms = rows.get("firms")
    if firms is None:
        faults.raise_if_any()
        raise InputError([InputFault(source, "has no firms")])
    if not firms.raw and (firms.headers or not faults.found):
        faults.add("has no firms", firms.table)
    clusters = _check_firms(firms, faults)
    products: dict[str, list[Product]] = {}
    ties: list[Tie] = []
    # Where ids are missing as a whole, one fault says so; not one for each product and tie.
    if firms.raw and firms.table.complete and "firm_id" in firms.headers:
        if "products" in rows:
            products = _products(rows["products"], clusters, faults)
        if "ties" in rows:
            ties = _ties(rows["ties"], clusters, faults, notes)
    faults.raise_if_any()
    made: list[Firm] = []
    for row in firms.good.values():
        assert isinstance(row, FirmRow)
        own = sorted(products.get(row.firm_id, []), key=lambda product: product.family)
        made.append(row.firm(tuple(own)))
    return make_register(made, ties, source, notes)


def _check_firms(firms: _Rows, faults: Faults) -> dict[str, str | None]:
    """Clusters by firm_id, ``None`` where the cluster is faulty."""
    first: dict[str, int] = {}
    clusters: dict[str, str | None] = {}
    known = tuple(load_clusters())
    for number, raw in firms.raw.items():
        for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
            if one in raw and other not in raw:
                message = f"stands without a {other}; give both or neither"
                firms.fault(faults, message, number, one)
        firm_id = firms.text(number, "firm_id", cells.identifier)
        if firm_id is None:
            continue
        if firm_id in first:
            message = f"is the firm_id of row {first[firm_id]} too; each firm needs its own"
            firms.fault(faults, message, number, "firm_id")
            continue
        first[firm_id] = number
        clusters[firm_id] = firms.text(number, "cluster", lambda cell: cells.choice(cell, known))
    return clusters


def _known_id(
    rows: _Rows, number: int, column: str, clusters: dict[str, Any], faults: Faults
) -> str | None:
    firm_id = rows.text(number, column, cells.identifier)
    if firm_id is None:
        return None
    if firm_id not in clusters:
        rows.fault(faults, "is no firm_id of the firms sheet; correct it", number, column)
        return None
    return firm_id


def _products(
    rows: _Rows, clusters: dict[str, str | None], faults: Faults
) -> dict[str, list[Product]]:
    known = load_clusters()
    first: dict[tuple[str, str], int] = {}
    out: dict[str, list[Product]] = {}
    for number in rows.raw:
        firm_id = _known_id(rows, number, "firm_id", clusters, faults)
        family = rows.text(number, "family", lambda cell: cells.text(cell, 100))
        if firm_id is None or family is None:
            continue
        cluster = clusters[firm_id]
        if cluster is None:  # the firm's own row says so
            continue
        try:
            family = cells.choice(family, known[cluster].family_keys)
        except CellError as error:
            message = f"{error}: the families of {cluster}"
            rows.fault(faults, message, number, "family")
            continue
        if (firm_id, family) in first:
            message = f"is a second {family} product of firm {firm_id}, which row "
            message += f"{first[firm_id, family]} has; make one row of the two"
            rows.fault(faults, message, number, "family")
            continue
        first[firm_id, family] = number
        row = rows.good.get(number)
        if isinstance(row, ProductRow):
            out.setdefault(firm_id, []).append(row.product(family))
    return out


def _ties(
    rows: _Rows, clusters: dict[str, str | None], faults: Faults, notes: list[str]
) -> list[Tie]:
    out: dict[Tie, int] = {}
    repeated = []
    for number in rows.raw:
        firm_a = _known_id(rows, number, "firm_a", clusters, faults)
        firm_b = _known_id(rows, number, "firm_b", clusters, faults)
        if firm_a is not None and firm_a == firm_b:
            rows.fault(faults, "is tied with itself; name two firms", number, "firm_b")
        row = rows.good.get(number)
        if not isinstance(row, TieRow):
            continue
        if out.setdefault(row.tie(), number) != number:
            repeated.append(number)
    if repeated:
        shown = ", ".join(map(str, repeated[:_PLACES_SHOWN]))
        more = f" and {len(repeated) - _PLACES_SHOWN} more" if len(repeated) > _PLACES_SHOWN else ""
        notes.append(f"{rows.table.place}: row {shown}{more} says again what a row above it says")
    return list(out)
