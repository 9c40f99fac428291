"""Downloads of ITC Trade Map: "List of supplying markets for a product imported by ...".

Titles, then a header "Exporters" with one column a year ("Imported value in 2019", in some views
"Imported value in 2019, US Dollar thousand"), then "World" and the countries, then notes
("Sources: ITC calculations based on UN COMTRADE statistics."). The titles name what the rows do
not: the importing country, the product and the unit; users' scripts read them there, or find them
only in the file's name. Some text downloads begin with the header: the titles have to be written
above it, since a file's name may say anything. What Trade Map calls Excel (.xls) is an HTML table.
"(Mirror)" behind the country means that its partners' exports stand for the imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from consortium.errors import InputError, InputFault
from consortium.trade.countries import Country, country
from consortium.trade.figures import FigureError, figure
from consortium.trade.flat import plain
from consortium.trade.records import Record
from consortium.trade.textfile import Row

NAME = "a Trade Map list of supplying markets"
DATABASE = "ITC Trade Map"

_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")
_PART_OF_YEAR = re.compile(r"(?:19|20)[0-9]{2}\s*-?\s*[QM][0-9]", re.IGNORECASE)
_NOTE = re.compile(
    r"(sources?|notes?|the (quantit|world|data|values?)|since |unit|legend|trade map|\*|©|itc )",
    re.IGNORECASE,
)
_REMEDY_UNIT = 'in Trade Map choose the currency "US Dollar" and download again'


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of a list of supplying markets, or of another such list."""
    first = plain(cells[0]) if cells else ""
    return first in ("exporters", "importers") and any(_YEAR.search(cell) for cell in cells[1:])


@dataclass(frozen=True, slots=True)
class _Titles:
    """What the titles say: the importing country, the product and the unit, or ``None``."""

    reporter: Country | None
    product: str | None
    unit: str | None


def is_mirror(titles: Sequence[Row]) -> bool:
    """Whether the figures are partners' exports in place of the country's imports."""
    return any("(mirror)" in " ".join(cells).casefold() for _, cells in titles)


def read_trade_map(
    titles: Sequence[Row], header: Row, rows: Sequence[Row], delimiter: str, source: str
) -> Iterator[Record]:
    """Records of a list of supplying markets.

    Raises
    ------
    InputError
        If it lists importing markets, or the titles lack the country, the product or the unit, or
        the unit is not US dollars.
    """
    number, cells = header
    if plain(cells[0]) == "importers":
        _refuse(
            source,
            "lists importing markets (exports of a country); choose the list of supplying markets "
            "for a product imported by the market",
            number,
            cells[0],
        )
    said = _titles(titles, delimiter)
    columns, unit = _value_columns(cells, said.unit, source, number)
    lacking = [
        line
        for line, given in (
            ('"List of supplying markets for a product imported by COUNTRY"', said.reporter),
            ('"Product: HS6 CODE"', said.product),
            ('"Unit : US Dollar thousand" (whatever it is)', unit),
        )
        if given is None
    ]
    if lacking or said.product is None or unit is None:
        _refuse(
            source,
            "does not say above its header what it lists; write these lines there, as Trade Map "
            f"shows them: {', '.join(lacking)}",
            number,
        )
    usd = _usd(unit, source)
    for row, line in _without_notes(rows, columns):
        if not any(line):
            continue
        partner = country(line[0])
        for at, year in columns.items():
            value = line[at] if at < len(line) else ""
            yield Record(
                row, said.reporter, partner, said.product, year, None, value, cells[at], usd
            )


def _titles(titles: Sequence[Row], delimiter: str) -> _Titles:
    """Country, product and unit from the lines above the header."""
    reporter, product, unit = None, None, None
    for _, cells in titles:
        text = delimiter.join(cells).strip(f"{delimiter} ")
        found = re.search(r"imported by\s+(.+)$", text, re.IGNORECASE)
        if found is not None and reporter is None:
            name = re.sub(r"\s*\(mirror\)|\s+in (19|20)[0-9]{2}.*$", "", found[1], flags=re.I)
            reporter = country(name.strip())
        found = re.match(r"product\s*:\s*(.+)$", text, re.IGNORECASE)
        if found is not None:
            code = re.match(r"'?([0-9][0-9.]*)", found[1])
            product = code[1] if code is not None else found[1]
        found = re.match(r"unit\s*:\s*(.+)$", text, re.IGNORECASE)
        if found is not None:
            unit = found[1]
    return _Titles(reporter, product, unit)


def _value_columns(
    header: Sequence[str], unit: str | None, source: str, row: int
) -> tuple[dict[int, str], str | None]:
    """Years by position of their column, and the unit; columns of quantities are not used."""
    columns: dict[int, str] = {}
    for at, title in enumerate(header[1:], start=1):
        if _PART_OF_YEAR.search(title):
            _refuse(source, 'is of quarters or months; choose "Yearly time series"', row, title)
        found = _YEAR.search(title)
        if found is None or re.search(r"quantit|growth|share|unit value", title, re.IGNORECASE):
            continue
        columns[at] = found[1]
        if "," in title:
            unit = title.partition(",")[2].strip() or unit
    if not columns:
        _refuse(source, 'has no column of values ("Imported value in 2019"); choose Values', row)
    return columns, unit


def _usd(unit: str, source: str) -> Decimal:
    """US dollars in one unit of the values."""
    words = plain(unit)
    dollars = re.fullmatch(
        r"(us|usd|usdollars?)(thousands?|millions?)?|(thousands?|millions?)(us|usd|usdollars?)",
        words,
    )
    if dollars is None:
        _refuse(source, f"is the unit; US dollars are needed: {_REMEDY_UNIT}", None, unit)
    scale = next((power for name, power in (("thousand", 3), ("million", 6)) if name in words), 0)
    return Decimal(10) ** scale


def _without_notes(rows: Sequence[Row], columns: dict[int, str]) -> Sequence[Row]:
    """Rows before the notes at the end, which name no country or hold no figure."""
    end = len(rows)
    while end and _is_note(rows[end - 1][1], columns):
        end -= 1
    return rows[:end]


def _is_note(line: Sequence[str], columns: dict[int, str]) -> bool:
    if not any(line) or _NOTE.match(line[0]):
        return True
    for at in columns:
        try:
            if at < len(line) and figure(line[at]) is not None:
                return False
        except FigureError:
            if line[at][:1] in "-−0123456789":  # a figure, though one with a fault
                return False
    return True


def _refuse(
    source: str, message: str, row: int | None = None, value: str | None = None
) -> NoReturn:
    raise InputError([InputFault(source, message, row=row, value=value)])
