"""Layouts with one row a figure: which columns they have, and rows to records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from consortium.errors import InputError, InputFault
from consortium.trade.countries import country
from consortium.trade.figures import hs_code, year
from consortium.trade.records import Record
from consortium.trade.textfile import Row

_Cell = Callable[[str], str]
_IMPORT = {"m", "1", "import", "imports", "grossimp", "grossimport", "grossimports"}
_TOTALS = {"", "0", "00", "c00", "w00", "wld", "world", "total", "all", "totalcpc", "totalmot"}


def plain(text: str) -> str:
    """A header or word as it is compared: letters and digits only, in lower case."""
    return re.sub(r"[^a-z0-9]+", "", text.casefold())


@dataclass(frozen=True, slots=True)
class FlatLayout:
    """A layout with one row a figure.

    Attributes
    ----------
    name, database : what it is called in messages; "UN Comtrade" or "WITS".
    signature : fields whose columns tell the layout from the others.
    columns : header spellings by field, plain; several mean the same column.
    needed : fields without which no row can be used, each with the column's usual header. A
        field may be written "a|b": either will do.
    totals : fields that hold a breakdown; only rows of its total are used, so that nothing is
        counted twice.
    usd : US dollars in one unit of the value, by plain header of its column.
    is_tariff : whether the rows are duties (percent).
    """

    name: str
    database: str
    signature: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    needed: Mapping[str, str]
    totals: Mapping[str, str] = field(default_factory=dict)
    usd: Mapping[str, int] = field(default_factory=dict)
    is_tariff: bool = False

    def find(self, cells: Sequence[str]) -> dict[str, int]:
        """Position of each field in a header row."""
        found: dict[str, int] = {}
        names = [plain(cell) for cell in cells]
        for key, spellings in self.columns.items():
            position = next((names.index(s) for s in spellings if s in names), None)
            if position is not None:
                found[key] = position
        return found

    def matches(self, cells: Sequence[str]) -> bool:
        """Whether a row is the header of this layout."""
        found = self.find(cells)
        return all(any(key in found for key in part.split("|")) for part in self.signature)


def read_flat(
    layout: FlatLayout, header: Row, rows: Sequence[Row], source: str
) -> Iterator[Record]:
    """Records below a header.

    Notes at the end of the file (rows without a product code and a year) are passed over. Cells
    beyond the header must be blank: today's Comtrade writes one comma more than there are columns.

    Raises
    ------
    InputError
        If columns are missing, or a row has more cells than the header.
    """
    number, cells = header
    found = layout.find(cells)
    _check_columns(layout, found, number, cells, source)
    width = len(cells)
    faults = []
    for row, line in _without_notes(rows, found):
        if not any(line):
            continue
        if any(line[width:]):
            faults.append(
                InputFault(
                    source,
                    f"has {len(line)} cells under {width} columns, so they cannot be told apart; "
                    "download the file again (a comma in a name needs quotation marks)",
                    row=row,
                )
            )
            if len(faults) > 20:
                break
            continue
        yield _record(layout, found, cells, row, line)
    if faults:
        raise InputError(faults)


def _check_columns(
    layout: FlatLayout, found: Mapping[str, int], row: int, cells: Sequence[str], source: str
) -> None:
    missing = [
        title
        for part, title in layout.needed.items()
        if not any(key in found for key in part.split("|"))
    ]
    if missing:
        seen = ", ".join(cell for cell in cells if cell)
        raise InputError(
            [
                InputFault(
                    source,
                    f"looks like {layout.name}, but lacks the column"
                    f"{'s' * (len(missing) > 1)} {', '.join(missing)}; choose all columns when "
                    f"downloading (columns seen: {seen[:300]})",
                    row=row,
                )
            ]
        )


def _without_notes(rows: Sequence[Row], found: Mapping[str, int]) -> Sequence[Row]:
    """Rows up to the last that has a product code or a year where they are due."""

    def cell(line: Sequence[str], key: str) -> str:
        at = found.get(key, len(line))
        return line[at] if at < len(line) else ""

    end = len(rows)
    while end:
        line = rows[end - 1][1]
        if hs_code(cell(line, "product")) is not None or year(cell(line, "year")) is not None:
            break
        end -= 1
    return rows[:end]


def _record(
    layout: FlatLayout, found: Mapping[str, int], header: Sequence[str], row: int, line: list[str]
) -> Record:
    def cell(key: str) -> str:
        at = found.get(key)
        return line[at] if at is not None and at < len(line) else ""

    reporter = country(cell("reporter_name"), cell("reporter_iso"), cell("reporter_code"))
    partner = country(cell("partner_name"), cell("partner_iso"), cell("partner_code"))
    aside = _aside(layout, cell)
    if layout.is_tariff:
        titles = [header[found[k]] if k in found else "" for k in ("rate", "lowest", "highest")]
        return Record(
            row,
            reporter,
            partner,
            cell("product"),
            cell("year"),
            aside,
            duty_type=cell("duty_type").upper(),
            rate=cell("rate"),
            lowest=cell("lowest"),
            highest=cell("highest"),
            rate_columns=(titles[0], titles[1], titles[2]),
        )
    title = header[found["value"]]
    usd = Decimal(layout.usd[plain(title)])
    value = cell("value")
    return Record(row, reporter, partner, cell("product"), cell("year"), aside, value, title, usd)


def _aside(layout: FlatLayout, cell: _Cell) -> str | None:
    """Why a row is not a figure of a year's imports, or of a duty; ``None`` if it is."""
    flow = plain(cell("flow_code") or cell("flow_name"))
    if not layout.is_tariff and flow not in _IMPORT:
        return "exports or another flow than imports"
    scheme = cell("classification").casefold()
    if scheme and not re.fullmatch(r"hs.*|h[0-9]", scheme):
        return "of another classification than the Harmonized System"
    period, frequency = re.sub(r"\.0$", "", cell("period")), cell("frequency").casefold()
    if frequency not in ("", "a") or len(period) > 4:
        return "of months, not years"
    for key, told in layout.totals.items():
        if plain(re.sub(r"\.0$", "", cell(key))) not in _TOTALS:
            return f"breakdowns by {told}, which their totals hold already"
    return None
