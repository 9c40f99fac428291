"""A sheet that prints well and whose text is never a formula: what the workbook is built from."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

from consortium.documents.words import plain

#: Most characters of a cell: below Excel's 32,767 even where every character counts double.
CELL_LENGTH = 16_000
MONEY, PERCENT, WHOLE, DECIMAL = "money", "percent", "whole", "decimal"
# "_ " leaves a space at the right, so that a number does not touch the text beside it.
_NUMBERS = {
    MONEY: "#,##0.00_ ;[Red]-#,##0.00_ ",
    PERCENT: "0.0%_ ",
    WHOLE: "#,##0_ ",
    DECIMAL: "0.0_ ",
}
_INK, _LINE, _HEAD_FILL, _SOFT = "#1F2933", "#C5CDD5", "#1F4E79", "#EEF3F8"
_BASE = {"font_name": "Calibri", "font_size": 10, "font_color": _INK, "valign": "top"}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 15, "font_color": _HEAD_FILL},
    "section": {"bold": True, "font_size": 12, "font_color": _HEAD_FILL},
    "head": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": _HEAD_FILL,
        "border": 1,
        "border_color": _LINE,
        "text_wrap": True,
        "valign": "vcenter",
    },
    "cell": {"border": 1, "border_color": _LINE, "text_wrap": True},
    "total": {"border": 1, "border_color": _LINE, "bold": True, "bg_color": _SOFT},
    "warning": {"border": 1, "border_color": _LINE, "bold": True, "font_color": "#B42318"},
    "note": {"text_wrap": True},
    "plain": {},
    "link": {"font_color": "#1F4E79", "underline": 1, "border": 1, "border_color": _LINE},
}
# A spreadsheet takes text that begins so for a formula once somebody edits the cell.
_RUNNABLE = re.compile(r"[=+@-]")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Characters of running text for one unit of width, measured low.
_CHARACTERS, _CHARACTERS_BOLD = 1.25, 1.05
_POINTS_PER_LINE, _ROOM, _HIGHEST = 13.2, 3.0, 400.0


class Styles:
    """Formats of a workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, str, bool], Any] = {}

    def get(self, style: str, number: str = "", quoted: bool = False) -> Any:
        """The format of a style, with a number format, or with text kept text when edited."""
        key = (style, number, quoted)
        if key not in self._made:
            extra: dict[str, Any] = {}
            if number:
                extra = {"num_format": _NUMBERS[number], "align": "right", "text_wrap": False}
            if quoted:
                extra["quote_prefix"] = True
            self._made[key] = self._book.add_format({**_BASE, **_STYLES[style], **extra})
        return self._made[key]


class Sheet:
    """One worksheet with a running row.

    Attributes
    ----------
    raw : the worksheet of XlsxWriter.
    row : next free row.
    widths : of the columns, in characters.
    """

    def __init__(
        self,
        book: xlsxwriter.Workbook,
        styles: Styles,
        name: str,
        title: str,
        widths: Sequence[int],
    ) -> None:
        self.raw = book.add_worksheet(name)
        self.name = name
        self.widths = tuple(widths)
        self.row = 0
        self._styles = styles
        self._lines: dict[int, int] = {}
        for column, width in enumerate(widths):
            self.raw.set_column(column, column, width)
        self.raw.hide_gridlines(2)
        self.raw.set_landscape()
        self.raw.set_paper(9)  # A4
        self.raw.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.raw.fit_to_pages(1, 0)
        footer = plain(title, 80).replace("&", "&&")
        self.raw.set_footer(f"&L&8{footer}&R&8Page &P of &N")
        self.raw.set_row(0, 24)
        self.text(0, 0, title, "title")
        self.row = 1

    @property
    def last(self) -> int:
        """The last column."""
        return len(self.widths) - 1

    def text(self, row: int, column: int, value: str, style: str = "cell") -> None:
        """A text cell; never a formula, also after somebody edits it."""
        self._write(row, column, column, value, style)

    def number(self, row: int, column: int, value: float, number: str, style: str = "cell") -> None:
        """A number; money in US cents is written in dollars, every cent of it."""
        shown = value / 100 if number == MONEY else value
        self.raw.write_number(row, column, shown, self._styles.get(style, number))

    def blank(self, row: int, column: int, style: str = "cell") -> None:
        """A cell with a border only."""
        self.raw.write_blank(row, column, None, self._styles.get(style))

    def money(self, row: int, column: int, cents: int | None, style: str = "cell") -> None:
        """An amount, or nothing where there is none."""
        if cents is None:
            self.blank(row, column, style)
        else:
            self.number(row, column, cents, MONEY, style)

    def link(self, row: int, column: int, sheet: str, value: str) -> None:
        """A cell that leads to another sheet."""
        target = sheet.replace("'", "''")
        shown = plain(value)
        self.raw.write_url(
            row, column, f"internal:'{target}'!A1", self._styles.get("link"), shown, f"To {shown}"
        )

    def wide_text(self, row: int, first: int, last: int, value: str, style: str = "cell") -> None:
        """Text over several columns."""
        if last > first:
            # Written as a string after merging: merge_range would guess the type.
            self.raw.merge_range(row, first, row, last, "", self._styles.get(style))
        self._write(row, first, last, value, style)

    def _write(self, row: int, first: int, last: int, value: str, style: str) -> None:
        value = plain(value, CELL_LENGTH)
        quoted = _RUNNABLE.match(value) is not None
        self.raw.write_string(row, first, value, self._styles.get(style, quoted=quoted))
        if _STYLES[style].get("text_wrap"):
            bold = "bold" in _STYLES[style]
            self._make_room(row, value, sum(self.widths[first : last + 1]), bold)

    def _make_room(self, row: int, value: str, width: int, bold: bool) -> None:
        """Give a row the height its lines need: not every spreadsheet does so on opening."""
        room = max(1, int((_CHARACTERS_BOLD if bold else _CHARACTERS) * width))
        lines = len(textwrap.wrap(value, room, break_on_hyphens=False))
        if lines > self._lines.get(row, 1):
            self._lines[row] = lines
            self.raw.set_row(row, min(_HIGHEST, _POINTS_PER_LINE * lines + _ROOM))

    def heads(self, row: int, first: int, labels: Iterable[str]) -> None:
        """Header cells."""
        for column, label in enumerate(labels, start=first):
            self.text(row, column, label, "head")

    def paragraph(self, value: str, last: int | None = None) -> None:
        """A sentence over the sheet's width, in the next row."""
        self.wide_text(self.row, 0, self.last if last is None else last, value, "note")
        self.row += 1

    def section(self, label: str) -> None:
        """A heading in the next row, with a free row above it."""
        self.row += 1
        self.text(self.row, 0, label, "section")
        self.row += 1

    def table_heads(self, labels: Sequence[str], frozen_columns: int = 0) -> None:
        """Headers in the next row that stay in sight and are repeated on every page."""
        self.heads(self.row, 0, labels)
        self.raw.freeze_panes(self.row + 1, frozen_columns)
        self.raw.repeat_rows(0, self.row)
        self.row += 1


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A name Excel accepts that is not taken yet, in any letter case; it is then taken."""
    base = _NOT_IN_NAMES.sub(" ", plain(wanted)).strip().strip("'").strip()[:31] or "Sheet"
    if base.lower() == "history":  # Excel keeps this name for itself
        base = "History of firms"
    name, at = base, 2
    while name.lower() in taken:
        ending = f" {at}"
        name, at = base[: 31 - len(ending)] + ending, at + 1
    taken.add(name.lower())
    return name
