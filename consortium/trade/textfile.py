"""From the bytes of a download to rows of cells."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import NoReturn

from consortium.errors import InputError, InputFault

DELIMITERS = (",", "\t", ";")
Row = tuple[int, list[str]]
_SAVE_AS_CSV = "choose the download as text or CSV"
#: More than any download has; beyond it a file is something else.
MAX_BYTES = 500_000_000
TOO_LARGE = "is larger than 500 MB; download only the products and years needed"


def text_of(data: bytes, source: str) -> str:
    """The text of a download: UTF-8 with or without a mark, UTF-16 (Trade Map), or Windows-1252.

    Raises
    ------
    InputError
        If it is an HTML table, a workbook, an archive or no text.
    """
    if len(data) > MAX_BYTES:
        _refuse(source, TOO_LARGE)
    if data.startswith(b"PK\x03\x04"):
        _refuse(source, f"is a ZIP archive or an Excel workbook; unpack it, or {_SAVE_AS_CSV}")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse(source, f"is an Excel 97 workbook; {_SAVE_AS_CSV}")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        _refuse(source, "is UTF-32 text; save it as UTF-8")
    text = _decoded(data, source)
    head = text[:4096].lstrip("\ufeff \r\n\t").casefold()
    if head.startswith("<") or "<table" in head or "<html" in head:
        _refuse(
            source,
            "is an HTML table (what Trade Map calls Excel), not text; choose the text or CSV "
            "download",
        )
    return text


def _decoded(data: bytes, source: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _utf16(data, "utf-16", source)
    head = data[:4096]
    if head and head.count(0) * 4 > len(head):  # UTF-16 without its mark
        return _utf16(data, "utf-16-le" if 0 in head[1::2] else "utf-16-be", source)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        _refuse(source, "is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8")


def _utf16(data: bytes, encoding: str, source: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        _refuse(source, "is UTF-16 text with errors in it; download it again")
    if "\x00" in text[:4096]:
        _refuse(source, f"is no text; {_SAVE_AS_CSV}")
    return text.removeprefix("\ufeff")


def rows_of(text: str, delimiter: str, source: str) -> Iterator[Row]:
    """Rows under a delimiter: the number a spreadsheet shows, and the cells without outer spaces.

    Raises
    ------
    InputError
        At a quotation mark that does not end.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        fault = InputFault(
            source,
            f"has a cell with a stray quotation mark, so it cannot be read ({error}); download "
            "it again, or write the mark twice",
            row=number + 1,
        )
        raise InputError([fault]) from None


def _refuse(source: str, message: str) -> NoReturn:
    raise InputError([InputFault(source, message)])
