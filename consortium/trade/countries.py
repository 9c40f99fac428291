"""Countries as the databases write them: ISO codes, UN numbers and English names.

The table ``data/countries.csv`` holds ISO 3166-1 alpha-3 codes, their UN M49 numbers, and the other
numbers and names in use: UN Comtrade counts some customs areas under numbers of its own (251 France
with Monaco, 699 India, 757 Switzerland with Liechtenstein, 842 USA with Puerto Rico; "Reporter
country codes and their customs areas", unstats.un.org/unsd/tradekb), writes the world as W00, and
WITS writes it as 000 or WLD.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from consortium.facts import DATA

WORLD, EUROPEAN_UNION = "WLD", "EUN"
#: Where the firms of every cluster are.
HOME = "PAK"
#: The tariff of these is that of the European Union, under which WITS files it.
_UNION_MEMBERS = frozenset({
    "AUT", "BEL", "BGR", "HRV", "CYP", "CZE", "DNK", "EST", "FIN", "FRA", "DEU", "GRC", "HUN",
    "IRL", "ITA", "LVA", "LTU", "LUX", "MLT", "NLD", "POL", "PRT", "ROU", "SVK", "SVN", "ESP",
    "SWE",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Country:
    """A reporter or partner.

    Attributes
    ----------
    key : ISO alpha-3 code, "WLD", "EUN", or the name where the table has no such country.
    name : as the file writes it.
    """

    key: str
    name: str

    @property
    def is_group(self) -> bool:
        """Whether it is many countries, so that a sum over partners would count them twice."""
        return self.key in (WORLD, EUROPEAN_UNION)

    def __str__(self) -> str:
        return (
            self.name if self.key in (self.name, _plain(self.name)) else f"{self.name} ({self.key})"
        )


@lru_cache(maxsize=4096)
def country(*texts: str) -> Country | None:
    """The country that cells speak of; ``None`` if all are blank.

    Parameters
    ----------
    texts : its name, code or number, in the order in which they are shown to readers.
    """
    said = [text.strip() for text in texts if text.strip()]
    if not said:
        return None
    for text in said:
        key = _known().get(_plain(text))
        if key is not None:
            return Country(key, said[0])
    return Country(_plain(said[0]), said[0])


def tariff_of(market: str) -> frozenset[str]:
    """Keys of the reporters whose tariff a market (its code) applies."""
    return frozenset({market, EUROPEAN_UNION} if market in _UNION_MEMBERS else {market})


def in_one_union(market: str, partner: str) -> bool:
    """Whether goods of a partner enter a market without any duty, both being of one customs union.

    Article 28 of the Treaty on the Functioning of the European Union; tariff databases have no
    rates between members.
    """
    return market != partner and {market, partner} <= _UNION_MEMBERS


@cache
def _known() -> dict[str, str]:
    """Codes, numbers and names, plain, to keys."""
    out: dict[str, str] = {}
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            also = row["also"].split(";")
            for text in (row["iso3"], row["m49"], row["name"], *also):
                if text.strip():
                    out.setdefault(_plain(text), row["iso3"])
    return out


def _plain(text: str) -> str:
    """A name without accents, case, spaces and signs; a number without leading zeros."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    plain = re.sub(r"[^a-z0-9]+", "", bare)
    if plain.isdecimal():
        return plain.lstrip("0") or "0"
    return plain or text
