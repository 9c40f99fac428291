"""Our duty and our rivals' from tariffs and imports.

An average over the cluster's HS6 codes weighs each by its imports from the world, so that a high
duty on what nobody buys counts little. What Pakistan pays is the effectively applied rate (AHS) or
the preference (PRF) where the files give it for Pakistan, and else the most-favoured-nation rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from consortium.facts import Fact, Grade
from consortium.trade.changes import Options, Outcome, Unchanged, cited, outcome, percent, usd
from consortium.trade.countries import HOME, WORLD, in_one_union
from consortium.trade.records import Imports, Source, Tariff
from consortium.trade.totals import Totals
from consortium.wording import count, listed


class Tariffs:
    """Duties of a market (its code) by code, partner, year and type."""

    def __init__(self, market: str, rows: Iterable[Tariff]) -> None:
        self.market = market
        self._rows = {(r.hs6, r.partner.key, r.year, r.duty_type): r for r in rows}

    def years(self, code: str) -> set[int]:
        """Years with a duty that Pakistan would pay on a code."""
        return {y for hs6, _, y, _ in self._rows if hs6 == code and self.paid(code, HOME, y)}

    def all_years(self, codes: Iterable[str]) -> list[int]:
        """Years with any duty on any of some codes."""
        wanted = set(codes)
        return sorted({year for hs6, _, year, _ in self._rows if hs6 in wanted})

    def own(self, code: str, partner: str, year: int) -> Tariff | None:
        """The rate that goods of a partner pay, given for that partner."""
        for kind in ("AHS", "PRF"):
            found = self._rows.get((code, partner, year, kind))
            if found is not None:
                return found
        return None

    def paid(self, code: str, partner: str, year: int) -> Tariff | None:
        """The same, or the most-favoured-nation rate where none is given for the partner."""
        own = self.own(code, partner, year)
        if own is not None:
            return own
        return self._rows.get((code, partner, year, "MFN")) or self._rows.get(
            (code, WORLD, year, "MFN")
        )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A rate (percent) with its weight (US dollars of imports, or 1)."""

    rate: Fraction
    weight: Fraction


def duty_of(
    codes: Sequence[str], before: Fact, tariffs: Tariffs, totals: Totals, options: Options
) -> Outcome:
    """The duty on the cluster's goods from Pakistan (a share of the value).

    The latest year that has all codes, or the year asked for where it has them. The range is from
    the least to the greatest rate of a national line. It is sourced where imports from the world
    weigh the codes, or all pay one rate; else an estimate.
    """
    if not tariffs.all_years(codes):
        return Unchanged(before.name, "no duties on the cluster's HS codes are in the files")
    lacking = [code for code in codes if not tariffs.years(code)]
    if lacking:
        return Unchanged(
            before.name,
            f"no duty that Pakistan would pay (AHS or PRF of Pakistan, or MFN) on HS "
            f"{', '.join(lacking)} is in the files; add them to the download",
        )
    year = _tariff_year(codes, tariffs, options.year)
    if year is None:
        return Unchanged(before.name, "no year has duties on all HS codes of the cluster")
    rows = [tariffs.paid(code, HOME, year) for code in codes]
    found = [row for row in rows if row is not None]
    by = _weights(codes, totals, options)
    weighed = [_Weighed(Fraction(t.rate), w) for t, w in zip(found, by.weights, strict=True)]
    kinds = _kinds(found)
    value = _average(weighed)
    source = (
        f"{cited([*(row.source for row in found), *by.sources])}: duties of {year}, {kinds}, "
        f"{by.how}; "
        f"{options.dated}"
    )
    # Rates that differ are averaged: with weights of our own making that is an estimate.
    alike = len({item.rate for item in weighed}) == 1
    grade: Grade = "sourced" if by.of_world or alike else "estimate"
    after = _fact(before, value, found, year, source, grade)
    short, note = _kinds(found, with_codes=False), _asked_note(year, options.year)
    return outcome(before, after, f"duties of {year}, {short}, {by.how}{note}")


def rival_duty_of(
    codes: Sequence[str], before: Fact, tariffs: Tariffs, totals: Totals, options: Options
) -> Outcome:
    """The duty of the other suppliers, weighed by what the market imports from each.

    Where a supplier's own rate is not in the files its goods are taken to pay the
    most-favoured-nation rate; that is said, and the grade is then "estimate", because partners of
    trade agreements pay less. It is an estimate too where no World row tells how much the partners
    are of all. Goods from the market's own customs union pay nothing.
    """
    whole = set.intersection(*(set(tariffs.all_years([code])) for code in codes))
    year = options.year if options.year in whole else max(whole, default=None)
    if year is None:
        return Unchanged(before.name, "duties on all HS codes of the cluster are not in the files")
    bought_in = totals.latest_partner_year(codes, options.year)
    if bought_in is None:
        return Unchanged(
            before.name,
            "imports by partner of all HS codes of the cluster are not in the files; download "
            "them for all partners",
        )
    rows = [row for code in codes for row in totals.partners(code, bought_in)]
    rivals = [row for row in rows if row.partner.key != HOME and row.usd > 0]
    bought = sum((Fraction(row.usd) for row in rivals), Fraction(0))
    if not bought:
        return Unchanged(before.name, f"no imports from partners but Pakistan in {bought_in}")
    covered = _covered(codes, rows, totals, bought_in)
    if covered is not None and covered < Fraction(1, 2):
        return Unchanged(
            before.name,
            f"the partners in the files are {percent(covered)} of the imports of {bought_in}; "
            "download all partners",
        )
    return _rivals(rivals, before, tariffs, year, bought_in, covered, options)


def _covered(
    codes: Sequence[str], rows: Sequence[Imports], totals: Totals, year: int
) -> Fraction | None:
    """Imports of the partners in the files as a share of World; ``None`` without World rows."""
    found = [totals.total(code, year) for code in codes]
    world = sum((total.usd for total in found), Fraction(0))
    if not world or any(total.partners for total in found):
        return None
    return sum((Fraction(row.usd) for row in rows), Fraction(0)) / world


def _rivals(
    rivals: Sequence[Imports],
    before: Fact,
    tariffs: Tariffs,
    year: int,
    bought_in: int,
    covered: Fraction | None,
    options: Options,
) -> Outcome:
    weighed, found, own, free = list[_Weighed](), list[Tariff](), Fraction(0), Fraction(0)
    for row in rivals:
        if in_one_union(tariffs.market, row.partner.key):
            weighed.append(_Weighed(Fraction(0), Fraction(row.usd)))
            free += Fraction(row.usd)
            continue
        tariff = tariffs.paid(row.hs6, row.partner.key, year)
        if tariff is None:
            return Unchanged(
                before.name,
                f"no duty on HS {row.hs6} from {row.partner} in {year}, nor an MFN rate, is in "
                "the files",
            )
        found.append(tariff)
        weighed.append(_Weighed(Fraction(tariff.rate), Fraction(row.usd)))
        if tariffs.own(row.hs6, row.partner.key, year) is not None:
            own += Fraction(row.usd)
    bought = sum((item.weight for item in weighed), Fraction(0))
    grade: Grade = "estimate"
    if own + free == bought:
        kinds = "each supplier's own rate (AHS or PRF)"
        grade = "estimate" if covered is None else "sourced"
    elif own:
        kinds = f"suppliers' own rates for {percent(own / bought)} of imports, MFN for the rest"
    else:
        kinds = "MFN for all, as no supplier's own rate is in the files"
    if free:
        kinds = f"none on the {percent(free / bought)} from the same customs union, else {kinds}"
    partners = len({row.partner.key for row in rivals})
    part = (
        "the files have no World row to compare the partners with"
        if covered is None
        else f"all partners in the files are {percent(covered)} of World"
    )
    how = (
        f"weighed by imports of {bought_in} from {partners} partners but Pakistan "
        f"({usd(bought)}; {part})"
    )
    files = [*(t.source for t in found), *(row.source for row in rivals)]
    source = f"{cited(files)}: duties of {year}, {kinds}, {how}; {options.dated}"
    after = _fact(before, _average(weighed), found, year, source, grade, free > 0)
    note = _asked_note(year, options.year)
    return outcome(before, after, f"duties of {year}, {kinds}, {how}{note}")


def _tariff_year(codes: Sequence[str], tariffs: Tariffs, asked: int | None) -> int | None:
    """The year asked for if it has all codes, else the latest: tariffs lag behind trade."""
    whole = set.intersection(*(tariffs.years(code) for code in codes)) if codes else set()
    return asked if asked in whole else max(whole, default=None)


def _asked_note(year: int, asked: int | None) -> str:
    return f"; duties of {asked} are not all in the files" if asked not in (None, year) else ""


@dataclass(frozen=True, slots=True)
class _Weights:
    """Weights of codes: how they were made, from which files, and whether they are World rows."""

    weights: list[Fraction]
    how: str
    sources: list[Source]
    of_world: bool


def _weights(codes: Sequence[str], totals: Totals, options: Options) -> _Weights:
    year = totals.complete_year(codes, options.year)
    if year is not None:
        found = [totals.total(code, year) for code in codes]
        if any(total.usd for total in found):
            summed = any(total.partners for total in found)
            what = "partners summed up" if summed else "the world"
            how = f"weighed by imports of {year} from {what}"
            sources = [source for total in found for source in total.sources]
            return _Weights([total.usd for total in found], how, sources, not summed)
    lacking = [code for code in codes if not totals.years(code)]
    why = (
        f"imports of HS {listed(lacking)} are not in the files"
        if lacking
        else (
            "no year has imports of all codes"
            if options.year is None
            else f"imports of {options.year} are not in the files for all codes"
        )
    )
    return _Weights([Fraction(1)] * len(codes), f"simple average, as {why}", [], False)


def _average(weighed: Sequence[_Weighed]) -> Fraction:
    """Weighted average, percent."""
    total = sum((item.weight for item in weighed), Fraction(0))
    return sum((item.rate * item.weight for item in weighed), Fraction(0)) / total


def _fact(
    before: Fact,
    value: Fraction,
    rows: Sequence[Tariff],
    year: int,
    source: str,
    grade: Grade,
    some_free: bool = False,
) -> Fact:
    """The fact; its range holds the rates of all lines, and 0 where some pay nothing."""
    free = [Decimal(0)] * some_free
    low = min([*(row.lowest for row in rows), *free])
    high = max([*(row.highest for row in rows), *free])
    return Fact(
        before.name,
        _share(value, round),
        before.unit,
        year,
        source,
        grade,
        _share(Fraction(low), floor),  # outwards, so that the rounded value lies within
        _share(Fraction(high), ceil),
    )


def _share(value: Fraction, rounding: Callable[[Fraction], int]) -> Decimal:
    """Percent as a share with four decimals at most."""
    units = rounding(value * 100)
    share = Decimal(units).scaleb(-4)
    return share.normalize() if units % 10_000 else Decimal(units // 10_000)


def _kinds(rows: Sequence[Tariff], with_codes: bool = True) -> str:
    """Which rates were used for which codes, or for how many."""
    by_kind: dict[str, list[str]] = {}
    for row in rows:
        kind = "MFN" if row.duty_type == "MFN" else f"{row.duty_type} for Pakistan"
        by_kind.setdefault(kind, []).append(row.hs6)
    return " and ".join(
        f"{kind} on HS {', '.join(codes)}"
        if with_codes
        else f"{kind} on {count(len(codes), 'code')}"
        for kind, codes in sorted(by_kind.items())
    )
