"""What the layouts have in common: rows as written, and rows understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from consortium.trade.countries import Country


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a download, its cells still texts.

    Attributes
    ----------
    row : number of the row as a spreadsheet shows it.
    reporter, partner : importing country, and where the goods come from; ``None`` if blank.
    product, year : cells.
    aside : why the row is not used whatever it says (an export, a breakdown), or ``None``.
    value : cell of the imports; ``None`` in a row of tariffs.
    value_column : its header.
    usd : US dollars in one unit of ``value``.
    duty_type : "MFN", "AHS", "PRF" or "BND"; "" in a row of imports.
    rate, lowest, highest : cells, percent.
    rate_columns : headers of the three.
    """

    row: int
    reporter: Country | None
    partner: Country | None
    product: str
    year: str
    aside: str | None = None
    value: str | None = None
    value_column: str = ""
    usd: Decimal = Decimal(1)
    duty_type: str = ""
    rate: str = ""
    lowest: str = ""
    highest: str = ""
    rate_columns: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True)
class Source:
    """One file.

    Attributes
    ----------
    database : "UN Comtrade", "ITC Trade Map" or "WITS".
    file : its name.
    layout : what it was recognised as.
    """

    database: str
    file: str
    layout: str

    def __str__(self) -> str:
        return f"{self.database}, {self.file}"


@dataclass(frozen=True, slots=True)
class Imports:
    """What the market imported of one HS6 code from one partner in one year.

    Attributes
    ----------
    usd : US dollars.
    resolution : US dollars that the last digit written is worth (1000 for whole thousands).
    """

    hs6: str
    partner: Country
    year: int
    usd: Decimal
    resolution: Decimal
    source: Source
    row: int

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.source.file} row {self.row}"


@dataclass(frozen=True, slots=True)
class Tariff:
    """The duty on one HS6 code from one partner.

    Attributes
    ----------
    duty_type : "MFN", "AHS" (effectively applied) or "PRF" (preferential).
    rate, lowest, highest : percent of the value.
    line : national line (8 digits and more) it is the rate of, or "".
    """

    hs6: str
    partner: Country
    year: int
    duty_type: str
    rate: Decimal
    lowest: Decimal
    highest: Decimal
    source: Source
    row: int
    line: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.source.file} row {self.row}"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was made of one file.

    Attributes
    ----------
    used : rows used.
    aside : why rows were left aside, and how many.
    """

    source: Source
    used: int
    aside: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class TradeData:
    """All that the files say of a market, each figure once, in order of code, year and partner."""

    imports: tuple[Imports, ...]
    tariffs: tuple[Tariff, ...]
    files: tuple[FileReport, ...] = field(default=())
