"""Each figure once: duplicates, contradictions, and national lines under their HS6 code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from consortium.errors import InputFault
from consortium.trade.records import Imports, Tariff


def combine_imports(
    rows: Iterable[Imports], lines: Iterable[Imports]
) -> tuple[tuple[Imports, ...], list[InputFault]]:
    """Imports, each code, partner and year once; and the faults.

    Two rows agree if they differ by no more than the rounding of the coarser (Trade Map writes
    whole thousands); the finer is kept. National lines beside their HS6 code are a fault: they
    would count twice.
    """
    faults: list[InputFault] = []
    kept: dict[tuple[str, str, int], Imports] = {}
    ordered = sorted(rows, key=lambda r: (r.resolution, r.source.file, r.row))
    for row in ordered:
        key = (row.hs6, row.partner.key, row.year)
        first = kept.setdefault(key, row)
        tolerance = max(first.resolution, row.resolution) / 2
        if first.resolution == row.resolution:
            tolerance = Decimal(0)
        if abs(first.usd - row.usd) > tolerance:
            what = f"imports of HS {row.hs6} from {row.partner} in {row.year}"
            faults.append(_contradiction(what, first, row, _usd(first.usd), _usd(row.usd)))
    doubled = set()
    for row in sorted(lines, key=lambda r: (r.source.file, r.row)):
        key = (row.hs6, row.partner.key, row.year)
        if key not in kept or key in doubled:
            continue
        doubled.add(key)
        faults.append(
            InputFault(
                row.source.file,
                f"is a national line of HS {row.hs6}, whose imports from {row.partner} in "
                f"{row.year} are also given at six digits ({kept[key].place}): they would count "
                "twice; take the national lines out",
                row=row.row,
            )
        )
    return tuple(kept[key] for key in sorted(kept)), faults


def combine_tariffs(rows: Iterable[Tariff]) -> tuple[tuple[Tariff, ...], list[InputFault]]:
    """Duties, each code, partner, year and duty type once; and the faults.

    Where a code is given at six digits that row is used; else the simple average of its national
    lines, as WITS itself makes it.
    """
    faults: list[InputFault] = []
    kept: dict[tuple[str, str, int, str], dict[str, Tariff]] = defaultdict(dict)
    for row in sorted(rows, key=lambda r: (r.source.file, r.row)):
        first = kept[row.hs6, row.partner.key, row.year, row.duty_type].setdefault(row.line, row)
        if first.rate != row.rate:
            what = (
                f"{row.duty_type} duty on HS {row.line or row.hs6} for {row.partner} in {row.year}"
            )
            faults.append(_contradiction(what, first, row, f"{first.rate:f}%", f"{row.rate:f}%"))
    out = []
    for key in sorted(kept):
        lines = kept[key]
        out.append(lines[""] if "" in lines else _average([lines[k] for k in sorted(lines)]))
    return tuple(out), faults


def _average(lines: Sequence[Tariff]) -> Tariff:
    """The simple average of national lines, to a millionth of a percent."""
    total = sum((Fraction(row.rate) for row in lines), Fraction(0)) / len(lines)
    rate = Decimal(round(total * 10**6)).scaleb(-6).normalize()
    first = lines[0]
    return Tariff(
        first.hs6,
        first.partner,
        first.year,
        first.duty_type,
        rate,
        min(row.lowest for row in lines),
        max(row.highest for row in lines),
        first.source,
        first.row,
    )


def _contradiction(
    what: str, first: Imports | Tariff, second: Imports | Tariff, one: str, other: str
) -> InputFault:
    return InputFault(
        second.source.file,
        f"{what}: {other} here, but {one} in {first.place}; keep the row that is right "
        "(the newer download, or one classification)",
        row=second.row,
    )


def _usd(value: Decimal) -> str:
    text = f"{value:,f}"
    return f"USD {text.rstrip('0').rstrip('.') if '.' in text else text}"
