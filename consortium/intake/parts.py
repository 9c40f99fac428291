"""Looks over the XML of a sheet before it is parsed: how far it reaches, and what is no value.

calamine reads fast, but it makes blanks of error values and of formulas nobody has computed, and
it needs memory for the whole rectangle a sheet spans. Both are found here from the tags alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from consortium.intake.table import MAX_CELLS, BadCell, column_letters

#: Most bytes the texts of one sheet may have when each cell has its own copy.
MAX_TEXTS = 512 * 1024 * 1024
_QUICK_BYTES = 32 * 1024 * 1024  # the quick survey holds every tag at once

_PREFIX = rb"(?:[^\s<>/:]+:)?"
_ATTRIBUTES = rb"""(?:\s+[^\s=<>"'/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*"""
_TAG = re.compile(rb"<" + _PREFIX + rb"(row|c)(" + _ATTRIBUTES + rb")\s*(/?)>")
_USUAL_TAG = re.compile(rb'<(row|c) r="([A-Z]{0,3})([0-9]{0,7})"([^<>]*)>')
_USUAL_REST = re.compile(_ATTRIBUTES + rb"\s*/?")
_TAG_START = re.compile(rb"<" + _PREFIX + rb"(?:row|c)(?=[\s/>])")
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]{0,3})([0-9]{1,7})\s*["']""")
_ANY_REFERENCE = re.compile(rb"\sr\s*=")
_TYPE = re.compile(rb"""\st\s*=\s*["']([a-zA-Z]+)["']""")
_VALUE = re.compile(rb"<" + _PREFIX + rb"v(?=[\s>])[^<>]*>([^<]*)")
_ERROR_CELL = re.compile(rb"(<" + _PREFIX + rb"c\s[^<>]*?\bt\s*=\s*)(?:\"e\"|'e')")
_NO_RESULT = re.compile(
    rb"\s*<" + _PREFIX + rb"f\b(?:[^<>]*/>|[^<>]*>[^<]*</" + _PREFIX + rb"f>)\s*"
    rb"(?:<" + _PREFIX + rb"v\s*/>|<" + _PREFIX + rb"v>\s*</" + _PREFIX + rb"v>)?\s*"
    rb"</" + _PREFIX + rb"c>"
)
_FORMULA = re.compile(rb"<" + _PREFIX + rb"f[\s/>]")
_SHARED_END = re.compile(rb"</" + _PREFIX + rb"si\s*>|<" + _PREFIX + rb"si\s*/>")
_DECIMAL = re.compile(rb"[0-9.eE+-]+")
_ERROR_TYPE = re.compile(rb"""\st\s*=\s*["']\s*e""")
_NO_PLACE = "is a broken workbook (a cell without a place); save it again as .xlsx"


class PartError(Exception):
    """Why a sheet is not parsed, as the end of a sentence about the file."""


@dataclass(slots=True)
class Survey:
    """What was found in one part.

    Attributes
    ----------
    rows, columns : how far its cells reach.
    bad : cells that are no value, by row and column from 1.
    formulas : whether any cell holds a formula.
    """

    rows: int = 0
    columns: int = 0
    bad: dict[tuple[int, int], BadCell] = field(default_factory=dict)
    formulas: bool = False


def survey(part: bytes, shared: bytes) -> Survey:
    """Look over one part.

    Parameters
    ----------
    part : XML of a sheet, or of anything else (nothing is found in it then).
    shared : XML of the workbook's shared texts.

    Raises
    ------
    PartError
        If the sheet reaches too far, its texts are too long, or its tags are not those of a sheet.
    """
    if b"\0" in part[:200]:
        raise PartError("is a broken workbook (a part is not UTF-8); save it again as .xlsx")
    formulas = _FORMULA.search(part) is not None
    out = None
    if not formulas and len(part) < _QUICK_BYTES and _ERROR_TYPE.search(part) is None:
        out = _quick(part)
    if out is None or out.rows * out.columns > MAX_CELLS:
        out = _careful(part, formulas)
    if out.rows * out.columns > MAX_CELLS:
        raise PartError(
            f"has a sheet that reaches to cell {column_letters(out.columns - 1)}{out.rows}, too "
            "far for a register; delete the stray cells outside the table"
        )
    if _text_bytes(part, shared) > MAX_TEXTS:
        raise PartError("repeats long texts in too many cells; shorten them and read it again")
    return out


def without_errors(part: bytes) -> bytes:
    """The part with its error values as texts: calamine fails on kinds it does not know."""
    return _ERROR_CELL.sub(rb'\1"str"', part)


def _quick(part: bytes) -> Survey | None:
    """Survey a sheet as spreadsheets write it, several times faster; ``None`` for any other.

    Cells that are empty but formatted count here; the careful survey leaves them out.
    """
    found = _USUAL_TAG.findall(part)
    if len(found) != len(_TAG_START.findall(part)):
        return None
    for rest in {rest for _, _, _, rest in found}:  # few: styles and types
        if _USUAL_REST.fullmatch(rest) is None or _ANY_REFERENCE.search(rest):
            return None
    if any(not digits or bool(letters) != (name == b"c") for name, letters, digits, _ in found):
        return None
    letters = {letters for _, letters, _, _ in found}
    digits = {digits for _, _, digits, _ in found}
    return Survey(max(map(int, digits), default=0), max(map(_column, letters), default=0))


def _careful(part: bytes, formulas: bool) -> Survey:
    out = Survey(formulas=formulas)
    columns: dict[bytes, int] = {}
    row = column = tags = 0
    for tag in _TAG.finditer(part):
        tags += 1
        if tags > 2 * MAX_CELLS:
            raise PartError("has a sheet with too many cells; keep only the table in it")
        name, attributes, empty = tag.groups()
        references = _REFERENCE.findall(attributes)
        if len(references) != len(_ANY_REFERENCE.findall(attributes)) or len(references) > 1:
            raise PartError(_NO_PLACE)
        letters, digits = references[0] if references else (b"", b"")
        if name == b"row":
            row, column = (int(digits) if digits else row + 1), 0
            continue
        if digits:
            row, column = int(digits), columns.setdefault(letters, _column(letters.upper()))
        else:  # a cell that does not say where it is follows the one before
            column += 1
        if not row or not column:
            raise PartError(_NO_PLACE)
        if empty:
            continue
        out.rows, out.columns = max(out.rows, row), max(out.columns, column)
        kind = _TYPE.search(attributes)
        if kind is not None and kind[1] == b"e":
            value = _VALUE.search(part, tag.end(), tag.end() + 40_000)
            text = "error value" if value is None else value[1].decode("utf-8", "replace").strip()
            out.bad[row, column] = BadCell(
                text, "is a spreadsheet error; correct the formula or clear the cell"
            )
        elif formulas and (kind is None or kind[1] != b"str") and _NO_RESULT.match(part, tag.end()):
            out.bad[row, column] = BadCell(
                "formula", "has no result stored; open the file in Excel and save it again"
            )
    if tags != sum(1 for _ in _TAG_START.finditer(part)):
        raise PartError("is a broken workbook (a sheet is not well formed); save it again as .xlsx")
    return out


def _column(letters: bytes) -> int:
    """Number of a column from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _text_bytes(part: bytes, shared: bytes) -> int:
    """Bytes the shared texts of a sheet take when each cell has its own copy; at least that."""
    lengths = [len(text) for text in _SHARED_END.split(shared)]
    most = max(lengths) * part.count(b"<")
    if most <= MAX_TEXTS:  # nearly always: no need to look at each cell
        return most
    total = 0
    for text in _VALUE.findall(part):  # number cells are counted too: the safe side
        if text.isdigit() and len(text) < 10:
            total += lengths[int(text)] if int(text) < len(lengths) else 0
        elif _DECIMAL.fullmatch(text) is None:
            total += max(lengths)
    return total
