"""Records understood: which rows are used, which are left aside and why, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from consortium.errors import InputError, InputFault
from consortium.trade.combining import combine_imports, combine_tariffs
from consortium.trade.countries import Country, tariff_of
from consortium.trade.downloads import Download
from consortium.trade.figures import FigureError, figure, hs_code, year
from consortium.trade.records import FileReport, Imports, Record, Tariff, TradeData

#: Percent above which no duty is believed.
MAX_RATE = Decimal(300)
_MAX_FAULTS = 200
_DUTY_TYPES = ("MFN", "AHS", "PRF")


@dataclass
class _Reading:
    """What is gathered on the way."""

    code: str
    name: str
    wanted: frozenset[str]
    faults: list[InputFault] = field(default_factory=list)
    imports: list[Imports] = field(default_factory=list)
    lines: list[Imports] = field(default_factory=list)
    tariffs: list[Tariff] = field(default_factory=list)


def understand(
    downloads: Sequence[Download], code: str, name: str, wanted: Iterable[str]
) -> TradeData:
    """The imports and duties of a market on some HS6 codes.

    Parameters
    ----------
    downloads : files as read.
    code, name : the market's ISO alpha-3 code and English name.
    wanted : HS6 codes; rows of others are counted, not used, and their cells not judged.

    Raises
    ------
    InputError
        With every fault: a reporter that is not the market, cells that are no figure, negative
        imports, duties above 300%, rows that contradict each other, or no usable row at all.
    """
    reading = _Reading(code, name, frozenset(wanted))
    reports = [_read(reading, download) for download in downloads]
    imports, import_faults = combine_imports(reading.imports, reading.lines)
    tariffs, tariff_faults = combine_tariffs(reading.tariffs)
    faults = [*reading.faults, *import_faults, *tariff_faults]
    if not faults and not imports and not tariffs:
        faults.append(_nothing(reading, reports))
    if faults:
        rest = len(faults) - _MAX_FAULTS
        if rest > 0:
            more = f"{rest} more faults not listed; mend these and read the files again"
            faults = [*faults[:_MAX_FAULTS], InputFault("files", more)]
        raise InputError(faults)
    return TradeData(imports, tariffs, tuple(reports))


def _nothing(reading: _Reading, reports: Sequence[FileReport]) -> InputFault:
    aside: Counter[str] = Counter()
    for report in reports:
        aside.update(dict(report.aside))
    why = "; ".join(f"{number:,} {told}" for told, number in sorted(aside.items()))
    files = ", ".join(report.source.file for report in reports)
    return InputFault(
        files,
        f"no usable row. Looked for yearly imports of {reading.name} ({reading.code}), or duties "
        f"it levies, on HS {', '.join(sorted(reading.wanted))}; rows left aside: "
        f"{why or 'none, there are no rows'}",
    )


def _read(reading: _Reading, download: Download) -> FileReport:
    aside: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    strangers: dict[str, tuple[Record, int]] = {}
    used = 0
    for record in download.records:
        if record.aside is not None:
            aside[record.aside] += 1
            continue
        stranger = _stranger(reading, record)
        if stranger is not None:
            first, number = strangers.get(stranger, (record, 0))
            strangers[stranger] = first, number + 1
            continue
        found = hs_code(record.product)
        if found is None or found.is_aggregate:
            aside["of totals and aggregates (no code, 2 or 4 digits)"] += 1
            continue
        if found.hs6 not in reading.wanted:
            unknown[found.hs6] += 1
            continue
        line = found.digits if found.is_line else ""
        if record.value is None:
            told = _tariff(reading, download, record, found.hs6, line)
        else:
            told = _imports(reading, download, record, found.hs6, line)
        if told is None:
            used += 1
        elif told:
            aside[told] += 1
    for first, number in strangers.values():
        reading.faults.append(_strange(reading, download, first, number))
    if unknown:
        shown = sorted(unknown)
        rest = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
        told = f"of HS codes of no family here ({', '.join(shown[:6])}{rest})"
        aside[told] = unknown.total()
    return FileReport(download.source, used, tuple(sorted(aside.items())))


def _stranger(reading: _Reading, record: Record) -> str | None:
    """The key of a reporter that is not the market; ``None`` where it is."""
    reporter = record.reporter
    if reporter is None:
        return ""
    own = {reading.code} if record.value is not None else tariff_of(reading.code)
    if reporter.key in own or reporter.name.casefold() in (
        reading.code.casefold(),
        reading.name.casefold(),
    ):
        return None
    return reporter.key


def _strange(reading: _Reading, download: Download, record: Record, number: int) -> InputFault:
    market = f"{reading.name} ({reading.code})"
    rows = f"{number:,} row{'s' * (number != 1)} from here on"
    if record.reporter is None:
        message = f"names no importing country in {rows}; the market is {market}"
        return InputFault(download.source.file, message, row=record.row, column="Reporter")
    return InputFault(
        download.source.file,
        f"is the importing country of {rows}, but the market is {market}; download the data of "
        f"{reading.name} alone, or name the other market with --market",
        row=record.row,
        column="Reporter",
        value=str(record.reporter),
    )


def _fault(
    reading: _Reading, download: Download, record: Record, column: str, value: str, message: str
) -> None:
    reading.faults.append(
        InputFault(
            download.source.file, message, row=record.row, column=column, value=value[:80] or None
        )
    )


def _head(reading: _Reading, download: Download, record: Record) -> tuple[Country, int] | None:
    """Partner and year of a row, or ``None`` with faults recorded."""
    when = year(record.year)
    if when is None:
        message = "is no year; a year such as 2023 is expected"
        _fault(reading, download, record, "Year", record.year, message)
    if record.partner is None:
        message = "names no partner; World or a country is expected"
        _fault(reading, download, record, "Partner", "", message)
    if when is None or record.partner is None:
        return None
    return record.partner, when


def _imports(
    reading: _Reading, download: Download, record: Record, hs6: str, line: str
) -> str | None:
    """Keep a row of imports (``None``), or say why not ("" where a fault is recorded)."""
    head = _head(reading, download, record)
    try:
        value = figure(record.value or "", download.comma_may_be_decimal)
    except FigureError as error:
        column = record.value_column
        _fault(reading, download, record, column, record.value or "", str(error))
        return ""
    if head is None:
        return ""
    if value is None:
        return "without a value (missing, not 0)"
    exponent = value.as_tuple().exponent
    last_digit = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    row = Imports(
        hs6,
        head[0],
        head[1],
        value * record.usd,
        min(last_digit, Decimal(1)) * record.usd,
        download.source,
        record.row,
    )
    if line:
        reading.lines.append(row)
        return "of national lines (8 digits and more), which may not be all of their HS6 code"
    reading.imports.append(row)
    return None


def _tariff(
    reading: _Reading, download: Download, record: Record, hs6: str, line: str
) -> str | None:
    """Keep a row of duties (``None``), or say why not ("" where a fault is recorded)."""
    if record.duty_type == "BND":
        return "of bound duties (BND), which are ceilings that nobody pays"
    if record.duty_type not in _DUTY_TYPES:
        message = "is no duty type; MFN, AHS, PRF or BND is expected"
        _fault(reading, download, record, "DutyType", record.duty_type, message)
        return ""
    head = _head(reading, download, record)
    cells = (record.rate, record.lowest, record.highest)
    rates: list[Decimal | None] = []
    before = len(reading.faults)
    for text, column in zip(cells, record.rate_columns, strict=True):
        rates.append(_rate(reading, download, record, column, text))
    if head is None or len(reading.faults) > before:
        return ""
    rate, lowest, highest = rates
    if rate is None:
        return "without a rate (missing, not 0)"
    lowest = rate if lowest is None else min(lowest, rate)
    highest = rate if highest is None else max(highest, rate)
    reading.tariffs.append(
        Tariff(
            hs6, head[0], head[1], record.duty_type, rate, lowest, highest, download.source,
            record.row, line,
        )
    )  # fmt: skip
    return None


def _rate(
    reading: _Reading, download: Download, record: Record, column: str, text: str
) -> Decimal | None:
    """A duty in percent; ``None`` if missing or with a fault recorded."""
    try:
        value = figure(text.rstrip("%"), download.comma_may_be_decimal)
    except FigureError as error:
        _fault(reading, download, record, column, text, str(error))
        return None
    if value is not None and value > MAX_RATE:
        message = (
            f"is a duty above {MAX_RATE}%, which is not believed; compare it with the tariff "
            "schedule, then mend the row or take it out"
        )
        _fault(reading, download, record, column, text, message)
        return None
    return value
