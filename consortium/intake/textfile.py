"""From the bytes of a .csv file to a table."""

from __future__ import annotations

import codecs
import csv
import io
import re

from consortium.intake.table import MAX_CELLS, Faults, Table, is_blank, plain, rupee_name
from consortium.register import SHEETS

_SAVE = "in Excel: Save As, type 'CSV UTF-8 (comma delimited)'"
_DELIMITERS = ",;\t"
# A text that a spreadsheet would run as a formula is written with an apostrophe before it.
_GUARDED = re.compile(r"'+[=+\-@]")
_RUNNABLE = re.compile(r"'*[=+\-@]")


def guard(text: str) -> str:
    """The text as written to a .csv file, so that no spreadsheet runs it as a formula."""
    return f"'{text}" if _RUNNABLE.match(text) else text


def unguard(text: str) -> str:
    """The text that ``guard`` was given."""
    return text[1:] if text[:1] == "'" and _GUARDED.match(text) else text


def read_text_table(data: bytes, kind: str, source: str, faults: Faults) -> Table | None:
    """Parse one .csv file; ``None`` with faults where it is no text or no CSV."""
    table = Table(kind, source, None, [])
    text = _decoded(data, table, faults)
    if text is None:
        return None
    delimiter = _delimiter(text, kind)
    if text.count(delimiter) > MAX_CELLS or text.count("\n") > MAX_CELLS:
        faults.add(f"has more than {MAX_CELLS:,} cells; split it", table)
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, cells in enumerate(reader, start=1):
            table.rows.append((row, [unguard(cell) for cell in cells]))
    except csv.Error as error:
        table.complete = False
        faults.add(_csv_message(str(error)), table, row + 1)
    return table


def _csv_message(error: str) -> str:
    if "field limit" in error or "unexpected end" in error:
        return (
            "has a cell that does not end, or is longer than 131,072 characters; look for a "
            "missing closing quotation mark. The rows below were not read"
        )
    return (
        "has a quotation mark inside a cell; write it twice and the cell in quotation marks "
        f"({error}). The rows below were not read"
    )


def _decoded(data: bytes, table: Table, faults: Faults) -> str | None:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        faults.add(f"is UTF-32 text; save it as UTF-8 ({_SAVE})", table)
        return None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            faults.add(f"is UTF-16 text with errors in it; save it again as UTF-8 ({_SAVE})", table)
            return None
    if data.startswith(b"PK\x03\x04"):
        faults.add("is an Excel workbook named .csv; give its name the ending .xlsx", table)
        return None
    zeros = data[:4096].count(0)
    if zeros * 4 > len(data[:4096]) > 0:
        faults.add(f"is UTF-16 text without a byte-order mark, or no text; {_SAVE}", table)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.add(
            f"is not UTF-8 text (byte {data[error.start]:#04x} in line {line}), so accents and "
            f"Urdu would be garbled; {_SAVE}",
            table,
        )
        return None


def _delimiter(text: str, kind: str) -> str:
    """The delimiter under which the header row has most columns that we know."""
    start = re.match(r"[\s,;]*", text)
    begin = 0 if start is None else max(text.rfind("\n", 0, start.end()) + 1, 0)
    head = text[begin : begin + 20_000]
    names = {plain(name) for c in SHEETS[kind] for name in (c.name, rupee_name(c.name))}

    def known(delimiter: str) -> int:
        try:
            reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
            line = next((cells for cells in reader if not all(map(is_blank, cells))), [])
        except csv.Error:
            return 0
        return sum(plain(re.sub(r"[(\[{].*", "", cell)) in names for cell in line)

    return max(_DELIMITERS, key=known)  # the first of equals: the comma
