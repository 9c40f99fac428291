"""A sheet as read from a file, its header matched to the columns we know, and its faults."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from consortium.errors import InputError, InputFault
from consortium.register import SHEETS, Column

#: More cells than any register has; above it a stray cell would cost gigabytes.
MAX_CELLS = 10_000_000
#: Excel's own limit on the text of one cell.
MAX_TEXT = 32_767
_MAX_FAULTS = 200
_SHOWN = 80
#: Spaces trimmed from cells; control characters are not: they are reported.
SPACES = " \t\r\n\xa0\u1680\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell whose value the file itself marks as unusable; ``message`` says what to do."""

    shown: str
    message: str


#: A cell: text, number, yes/no, or a date that a spreadsheet made of something; "" is blank.
Cell = str | float | int | bool | date | time | timedelta | BadCell


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing but spaces."""
    return isinstance(cell, str) and not cell.strip(SPACES)


def shown(cell: Cell) -> str:
    """A cell's value as a message shows it: as text, shortened."""
    if isinstance(cell, BadCell):
        text = cell.shown
    elif isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        text = str(int(cell))
    else:
        text = str(cell)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@dataclass(slots=True)
class Table:
    """One sheet.

    Attributes
    ----------
    kind : "firms", "products" or "ties".
    source : name of the file.
    sheet : name of the sheet in a workbook, ``None`` for a text file.
    rows : row number as a spreadsheet shows it, and the cells; the header is among them.
    complete : whether every row could be read.
    """

    kind: str
    source: str
    sheet: str | None
    rows: list[tuple[int, list[Cell]]]
    complete: bool = True

    @property
    def place(self) -> str:
        """The sheet in a sentence."""
        return self.source if self.sheet is None else f"sheet {self.sheet}"


@dataclass(slots=True)
class Faults:
    """Collects faults and gives them in order of sheet, row and column."""

    source: str
    found: list[tuple[tuple[int, int, int, int], InputFault]] = field(default_factory=list)

    def add(
        self,
        message: str,
        table: Table | None = None,
        row: int | None = None,
        column: tuple[int, str] | None = None,
        value: Cell | None = None,
    ) -> None:
        """Record a fault; ``column`` is its position and its header."""
        order = -1 if table is None else list(SHEETS).index(table.kind)
        position = (order, row or 0, -1 if column is None else column[0], len(self.found))
        fault = InputFault(
            self.source if table is None else table.source,
            message,
            None if table is None else table.sheet,
            row,
            None if column is None else column[1],
            None if value is None else shown(value),
        )
        self.found.append((position, fault))

    def raise_if_any(self) -> None:
        """Raise ``InputError`` with all faults (a long list is cut, its rest counted)."""
        if not self.found:
            return
        faults = [fault for _, fault in sorted(self.found, key=lambda item: item[0])]
        rest = len(faults) - _MAX_FAULTS
        if rest > 0:
            more = f"{rest} more fault{'s' * (rest > 1)} not listed; mend these and read it again"
            faults = [*faults[:_MAX_FAULTS], InputFault(self.source, more)]
        raise InputError(faults)


@dataclass(frozen=True, slots=True)
class Header:
    """A header cell matched to a column.

    Attributes
    ----------
    name : name of our column.
    text : header as the file writes it.
    index : position in the row, from 0.
    pkr : whether the amounts below are Pakistani rupees.
    """

    name: str
    text: str
    index: int
    pkr: bool

    @property
    def place(self) -> tuple[int, str]:
        """Position and header, for a fault."""
        return self.index, self.text


# What a bracket behind a header may say besides the column's own words.
_DOLLARS = {"us$", "usd$", "$", "dollars", "dollar"}
_RUPEES = {"pkr", "rs", "rs.", "rupees", "rupee", "pakistani", "₨"}
_FILLERS = {
    "no",
    "no.",
    "number",
    "yes",
    "y",
    "n",
    "of",
    "a",
    "per",
    "in",
    "code",
    "codes",
    "score",
    "°",
}
_BRACKET = re.compile(r"^(.+?)\s*[(\[{]([^()\[\]{}]*)[)\]}]\s*$", re.DOTALL)


def match_header(table: Table, faults: Faults, notes: list[str]) -> list[Header] | None:
    """Match the header row to our columns.

    Spelling is free in letter case, spaces, underscores, hyphens and a unit in brackets. Columns
    we do not know are noted, not used. Returns ``None`` where the table is blank or a required
    column is missing.
    """
    line = next(((n, row) for n, row in table.rows if not all(map(is_blank, row))), None)
    if line is None:
        return None
    row, cells = line
    found: dict[str, Header] = {}
    for index, cell in enumerate(cells):
        if is_blank(cell):
            continue
        text = shown(cell).strip(SPACES)
        if isinstance(cell, BadCell):
            faults.add(cell.message, table, row, (index, column_letters(index)), cell)
            continue
        header, fault = _match(text, index, SHEETS[table.kind])
        if fault is not None:
            faults.add(fault, table, row, (index, text))
        if header is None:
            if fault is None:
                notes.append(f"{table.place}: column {text!r} is not used")
            continue
        earlier = found.get(header.name)
        if earlier is None:
            found[header.name] = header
        elif earlier.pkr != header.pkr:
            message = (
                f"is given in dollars and in rupees (also {earlier.text!r}); keep one of the two"
            )
            faults.add(message, table, row, header.place)
        else:
            message = f"means the same column as {earlier.text!r}; keep one of the two"
            faults.add(message, table, row, header.place)
    for column in SHEETS[table.kind]:
        if column.required and column.name not in found:
            message = f"column {column.name} is missing from the header row ({column.meaning})"
            faults.add(message, table, row)
    return list(found.values())


def _match(text: str, index: int, columns: Iterable[Column]) -> tuple[Header | None, str | None]:
    bracket = _BRACKET.match(text)
    whole = plain(text)
    for column in columns:
        for name, pkr in _spellings(column):
            if whole == plain(name):
                return Header(column.name, text, index, pkr), None
            if bracket is None or plain(bracket[1]) != plain(name):
                continue
            header = Header(column.name, text, index, pkr)
            if _same_unit(bracket[2], column, pkr):
                return header, None
            unit = column.meaning.replace("US dollars", "Pakistani rupees" if pkr else "US dollars")
            return header, (
                f"names a unit that is not the column's; give it as {name} ({unit}; "
                f"{column.allowed})"
            )
    return None, None


def _spellings(column: Column) -> list[tuple[str, bool]]:
    names = [(column.name, False)]
    if is_money(column.name):
        names.append((rupee_name(column.name), True))
    return names


def is_money(column: str) -> bool:
    """Whether a column holds US dollars."""
    return "_usd" in column


def rupee_name(column: str) -> str:
    """Name of a money column when its amounts are rupees."""
    return column.replace("_usd", "_pkr")


def plain(text: str) -> str:
    """A header as it is compared: without case, spaces, underscores, hyphens and brackets."""
    return re.sub(r"[\s_()\[\]{}‑–-]+|[*:.\s]+$", "", text.casefold())


def _same_unit(bracket: str, column: Column, pkr: bool) -> bool:
    own = f"{column.meaning} {column.name if not pkr else ''}"
    if is_money(column.name):
        own = own.replace("US dollars", "") if pkr else own
    else:
        own += f" {column.allowed}"
    known = set(re.findall(r"\w+", own.casefold().replace("_", " "))) | _FILLERS
    known |= _RUPEES if pkr else _DOLLARS if is_money(column.name) else set()
    said = re.findall(r"[^\s/,;–-]+", bracket.casefold().replace("_", " "))
    return all(word in known for word in said)


def column_letters(index: int) -> str:
    """Name of a column as a spreadsheet shows it: A, B, ..., Z, AA, ..."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
