"""What a market imports of HS6 codes from the world, by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from consortium.trade.countries import WORLD
from consortium.trade.records import Imports, Source


@dataclass(frozen=True, slots=True)
class Total:
    """Imports of one code in one year.

    Attributes
    ----------
    usd : US dollars.
    partners : how many partners were summed up; 0 for the World row itself.
    sources : files it is from.
    """

    usd: Fraction
    partners: int
    sources: frozenset[Source]


class Totals:
    """Totals by code and year: the World row, or where there is none the sum of the partners."""

    def __init__(self, rows: Iterable[Imports]) -> None:
        world: dict[tuple[str, int], Imports] = {}
        partners: dict[tuple[str, int], list[Imports]] = defaultdict(list)
        for row in rows:
            if row.partner.key == WORLD:
                world[row.hs6, row.year] = row
            elif not row.partner.is_group:
                partners[row.hs6, row.year].append(row)
        self._totals = {
            key: Total(
                sum((Fraction(row.usd) for row in found), Fraction(0)),
                len(found),
                frozenset(row.source for row in found),
            )
            for key, found in partners.items()
        }
        for key, row in world.items():
            self._totals[key] = Total(Fraction(row.usd), 0, frozenset({row.source}))
        self._partners = partners

    def years(self, code: str) -> set[int]:
        """Years with imports of a code."""
        return {year for hs6, year in self._totals if hs6 == code}

    def all_years(self, codes: Iterable[str]) -> list[int]:
        """Years with imports of any of some codes."""
        return sorted({year for code in codes for year in self.years(code)})

    def total(self, code: str, year: int) -> Total:
        """Imports of a code in a year; ``KeyError`` where there are none."""
        return self._totals[code, year]

    def partners(self, code: str, year: int) -> list[Imports]:
        """Imports of a code by partner, without World and groups of countries."""
        return list(self._partners.get((code, year), []))

    def complete_year(self, codes: Iterable[str], asked: int | None) -> int | None:
        """The year asked for, or else the latest, that has all of some codes.

        A year with World rows for all of them goes before a later one for which partners have to
        be summed up.
        """
        codes = list(codes)
        whole = set.intersection(*(self.years(code) for code in codes)) if codes else set()
        if asked is not None:
            return asked if asked in whole else None
        with_world = {
            year for year in whole if all(self.total(code, year).partners == 0 for code in codes)
        }
        return max(with_world or whole, default=None)

    def latest_partner_year(self, codes: Iterable[str], asked: int | None) -> int | None:
        """The same for imports by partner."""
        years = [{y for hs6, y in self._partners if hs6 == code} for code in codes]
        whole = set.intersection(*years) if years else set()
        if asked is not None:
            return asked if asked in whole else None
        return max(whole, default=None)
