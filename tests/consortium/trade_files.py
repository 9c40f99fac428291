"""Trade files and what is made of them, for the tests of the import; all figures are made up."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from consortium import InputError
from consortium.facts import DATA, Fact
from consortium.market_files import find_market, load_clusters
from consortium.trade.changes import Options
from consortium.trade.downloads import read_download, read_downloads
from consortium.trade.updating import Update, update_of

FILES = Path(__file__).parent / "trade"
GARMENTS, FOOTWEAR, SURGICAL = "garments-lahore", "footwear-lahore", "surgical-sialkot"
COMTRADE = FILES / "comtrade-garments.csv"
TARIFFS = FILES / "wits-tariffs.csv"
WITS_TRADE = FILES / "wits-footwear.csv"
SURGICAL_FILES = [
    FILES / "comtrade-older.csv",
    FILES / "trade-map-901890.txt",
    FILES / "trade-map-902110.csv",
]
ZAF = DATA / "markets" / "ZAF.toml"

Captured = pytest.CaptureFixture[str]


def update(
    *files: Path | tuple[str, str | bytes],
    market: str = "ZAF",
    cluster: str | None = None,
    year: int | None = None,
    **shares: str,
) -> Update:
    """What files, or texts with a name, change."""
    downloads = []
    for file in files:
        if isinstance(file, Path):
            downloads += read_downloads([file])
        else:
            name, text = file
            downloads.append(read_download(text.encode() if isinstance(text, str) else text, name))
    stated = {key: Decimal(text) for key, text in shares.items()}
    return update_of(find_market(market), downloads, cluster, stated, Options(year=year))


def after(made: Update, name: str) -> Fact:
    (change,) = [c for c in made.changes if c.name.endswith(f".{name}")]
    return change.after


def why_not(made: Update, name: str) -> str:
    (item,) = [u for u in made.unchanged if u.name.endswith(f".{name}")]
    return item.why


def faults(*files: Path | tuple[str, str | bytes], **options: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        update(*files, **options)  # type: ignore[arg-type]
    return [str(fault) for fault in caught.value.faults]


def the_fault(*files: Path | tuple[str, str | bytes], **options: object) -> str:
    (fault,) = faults(*files, **options)
    return fault


# -- WITS trade, the shortest layout, to vary ----------------------------------------------------

HEAD = "Reporter,TradeFlow,ProductCode,Product Description,Year,Partner,Trade Value 1000USD"
MEN = ("640359", "640399")


def wits(*rows: str, head: str = HEAD) -> tuple[str, str]:
    return "t.csv", "\n".join([head, *rows, ""])


def bought(
    code: str,
    value: str,
    partner: str = "World",
    year: str = "2022",
    reporter: str = "South Africa",
    flow: str = "Import",
) -> str:
    cells = [reporter, flow, code, "made up", year, partner, value]
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


TARIFF_HEAD = (
    "Reporter,Reporter Name,Product,Partner,Partner Name,Tariff Year,DutyType,"
    "Simple Average,Minimum Rate,Maximum Rate"
)
SHOES = [code for family in load_clusters()[FOOTWEAR].families for code in family.hs6]


def levied(
    code: str,
    rate: str,
    kind: str = "MFN",
    partner: str = "000",
    year: str = "2021",
    reporter: str = "710",
    bounds: tuple[str, str] = ("", ""),
) -> str:
    return f"{reporter},,{code},{partner},,{year},{kind},{rate},{bounds[0]},{bounds[1]}"


def trains(*rows: str) -> tuple[str, str]:
    return "d.csv", "\n".join([TARIFF_HEAD, *rows, ""])
