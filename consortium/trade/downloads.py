"""Telling the layouts apart by their header line, and files to records."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from consortium.errors import InputError, InputFault
from consortium.trade import comtrade, trademap, wits
from consortium.trade.countries import Country
from consortium.trade.flat import FlatLayout, read_flat
from consortium.trade.records import Record, Source
from consortium.trade.textfile import DELIMITERS, MAX_BYTES, TOO_LARGE, Row, rows_of, text_of

#: In this order: the first whose signature a row has.
FLAT_LAYOUTS: tuple[FlatLayout, ...] = (comtrade.TODAY, comtrade.OLDER, wits.TARIFFS, wits.TRADE)
#: Titles and blank lines may come before the header, but not more of them.
_MAX_TITLES = 40


@dataclass(frozen=True, slots=True)
class Download:
    """A file as read.

    Attributes
    ----------
    source : database, file name and layout.
    records : its rows.
    comma_may_be_decimal : whether a single comma in a number may stand before decimals.
    """

    source: Source
    records: tuple[Record, ...]
    comma_may_be_decimal: bool

    def reporters(self) -> dict[str, Country]:
        """The countries whose imports or duties it holds, by key."""
        out = {}
        for record in self.records:
            if record.aside is None and record.reporter is not None:
                out[record.reporter.key] = record.reporter
        return out


def read_downloads(paths: Sequence[Path]) -> tuple[Download, ...]:
    """Read files.

    Raises
    ------
    InputError
        With every fault of every file: not to be read, not text, no known header, missing columns.
    """
    out: list[Download] = []
    faults: list[InputFault] = []
    for path in paths:
        try:
            out.append(read_download(_bytes(path), path.name))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return tuple(out)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError([InputFault(path.name, TOO_LARGE)])
        return path.read_bytes()
    except OSError as error:
        raise InputError([InputFault(str(path), f"cannot be read: {error.strerror}")]) from None


def read_download(data: bytes, file: str) -> Download:
    """Records of one file, whatever its name says.

    Raises
    ------
    InputError
        If it is no text, or no known header is among its first lines.
    """
    text = text_of(data, file)
    for delimiter in DELIMITERS:
        head = _head(text, delimiter, file)
        for at, (_, cells) in enumerate(head):
            if len(cells) < 2:
                continue
            if trademap.is_header(cells):
                rows = list(rows_of(text, delimiter, file))
                return _trade_map(rows, at, delimiter, file)
            for layout in FLAT_LAYOUTS:
                if layout.matches(cells):
                    rows = list(rows_of(text, delimiter, file))
                    records = tuple(read_flat(layout, rows[at], rows[at + 1 :], file))
                    source = Source(layout.database, file, layout.name)
                    return Download(source, records, delimiter == ";")
    known = ", ".join([*(layout.name for layout in FLAT_LAYOUTS), trademap.NAME])
    raise InputError(
        [
            InputFault(
                file,
                f"has no header line that we know in its first {_MAX_TITLES} lines; what can be "
                f"read: {known}. Give it as downloaded, header included",
            )
        ]
    )


def _head(text: str, delimiter: str, file: str) -> Sequence[Row]:
    """The first rows under a delimiter, as far as they can be read under it."""
    out: list[Row] = []
    with suppress(InputError):  # another delimiter, or the read of all rows, will tell
        out.extend(islice(rows_of(text, delimiter, file), _MAX_TITLES))
    return out


def _trade_map(rows: Sequence[Row], at: int, delimiter: str, file: str) -> Download:
    titles = rows[:at]
    found = tuple(trademap.read_trade_map(titles, rows[at], rows[at + 1 :], delimiter, file))
    mirror = " (mirror: partners' exports)" if trademap.is_mirror(titles) else ""
    source = Source(f"{trademap.DATABASE}{mirror}", file, trademap.NAME)
    return Download(source, found, False)  # whole thousands: a comma separates thousands
