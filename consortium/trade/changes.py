"""What trade data change in a market, and what they leave as it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from consortium.facts import Fact
from consortium.trade.records import Source


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that gets another value.

    Attributes
    ----------
    name : dotted path of the fact, e.g. "ZAF.garments-lahore.duty".
    before, after : the fact as it is, and as the data give it.
    why : one sentence for readers.
    """

    name: str
    before: Fact
    after: Fact
    why: str

    @property
    def percent(self) -> Fraction | None:
        """Change in percent of the value before; ``None`` where that is 0."""
        if self.before.exact == 0:
            return None
        return (self.after.exact / self.before.exact - 1) * 100


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A fact that trade data could give but do not; ``why`` says so, and what would help."""

    name: str
    why: str


Outcome = Change | Unchanged


@dataclass(frozen=True, slots=True)
class Options:
    """What the user states beside the files.

    Attributes
    ----------
    year : year of the data to use, or ``None`` for the latest that is complete.
    downloaded : when the files were downloaded, or ``None`` if not stated.
    """

    year: int | None = None
    downloaded: date | None = None

    @property
    def dated(self) -> str:
        """The date of the download, for a source."""
        if self.downloaded is None:
            return "date of download not stated"
        return f"downloaded {self.downloaded.isoformat()}"


def outcome(before: Fact, after: Fact, why: str) -> Outcome:
    """A change, or its absence where the data give what is there already."""
    if before == after:
        return Unchanged(before.name, "is already as these data give it")
    return Change(before.name, before, after, why)


def cited(sources: Iterable[Source]) -> str:
    """Databases and files, each once."""
    return "; ".join(sorted({str(source) for source in sources}))


def usd(value: Fraction) -> str:
    """US dollars for readers, without cents."""
    return f"USD {round(value):,}"


def percent(value: Fraction) -> str:
    """A share for readers, in percent to two decimals at most."""
    text = f"{round(float(value * 100), 2):.2f}"
    return f"{text.rstrip('0').rstrip('.')}%"
