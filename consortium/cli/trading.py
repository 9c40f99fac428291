"""``consortium markets import``: downloads of trade data to a market file of one's own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from consortium.errors import InputError, InputFault, OutputError
from consortium.facts import DATA, Fact
from consortium.files import write_atomically
from consortium.market import Market, split_code
from consortium.market_files import find_market, load_markets, market_file
from consortium.trade.changes import Change, Options
from consortium.trade.downloads import Download, read_downloads
from consortium.trade.updating import Update, shares_of, update_of
from consortium.wording import count, listed


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options of ``consortium markets import``, as given."""

    files: tuple[Path, ...]
    market: str | None
    cluster: str | None
    year: int | None
    shares: tuple[str, ...]
    downloaded: str | None
    output: Path | None
    json: bool


def import_and_print(options: ImportOptions) -> None:
    """Read the files, show what changes, and write the market file if one is asked for.

    Raises
    ------
    InputError, OutputError
        As the exit code 2; nothing is written then.
    """
    shares, downloaded, downloads = _inputs(options)
    code, cluster = _market_and_cluster(options, downloads)
    market, base = find_market(code), market_file(code)
    if options.output is not None and options.output.suffix.lower() != ".toml":
        raise OutputError(f"{options.output} must end in .toml to be given as a --market later")
    stated = Options(options.year, downloaded)
    update = update_of(market, downloads, cluster, shares, stated)
    written = None
    if update.changes:
        text = _new_text(base, market, update, options.output)
        if options.output is not None:
            shipped = sorted((DATA / "markets").glob("*.toml"))
            inputs = [*options.files, base, *shipped]
            write_atomically(options.output, text.encode(), inputs)
            written = options.output
    if options.json:
        sys.stdout.write(json.dumps(_record(update, written), indent=1, ensure_ascii=False) + "\n")
        return
    _print(update, options, written)


def _new_text(base: Path, market: Market, update: Update, output: Path | None) -> str:
    """The new file, made and read back in memory, also where nothing is to be written."""
    from consortium.trade.writing import edited

    text = base.read_bytes().decode("utf-8-sig")
    return edited(text, market, update.changes, (output or base).name)


def _inputs(
    options: ImportOptions,
) -> tuple[dict[str, Decimal], date | None, tuple[Download, ...]]:
    """Options and files, all their faults together."""
    faults: list[InputFault] = []
    shares: dict[str, Decimal] = {}
    downloads: tuple[Download, ...] = ()
    downloaded = None
    try:
        shares = shares_of(options.shares)
    except InputError as error:
        faults += error.faults
    if options.downloaded is not None:
        try:
            downloaded = date.fromisoformat(options.downloaded)
        except ValueError:
            message = "is no date; write it as YYYY-MM-DD, e.g. 2026-01-31"
            faults.append(InputFault("--downloaded", message, value=options.downloaded))
    faults += _given_twice(options.files)
    try:
        downloads = read_downloads(options.files)
    except InputError as error:
        faults += error.faults
    if faults:
        raise InputError(faults)
    return shares, downloaded, downloads


def _given_twice(files: tuple[Path, ...]) -> list[InputFault]:
    """Two files of one name could not be told apart in a source."""
    names = [path.name for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    message = "is the name of two of the files; give it once, or rename one"
    return [InputFault(name, message) for name in twice]


def _market_and_cluster(
    options: ImportOptions, downloads: tuple[Download, ...]
) -> tuple[str, str | None]:
    """The market and the cluster to update, which may be named with it ("ZAF:garments-lahore")."""
    code = options.market or _market_of(downloads)
    whole, named = split_code(code)
    if named is None:
        return code, options.cluster
    cluster = find_market(code).only
    if options.cluster not in (None, cluster):
        message = f"is not the cluster named by --market {code}; name one of the two"
        raise InputError([InputFault("--cluster", message, value=options.cluster)])
    # The file holds all clusters of the market, so it is edited as that of the whole market.
    return whole, cluster


def _market_of(downloads: tuple[Download, ...]) -> str:
    """The market that the files are about, where they leave no doubt."""
    found = {key: who for download in downloads for key, who in download.reporters().items()}
    known = load_markets()
    if len(found) == 1 and next(iter(found)) in known:
        return next(iter(found))
    seen = listed([str(who) for _, who in sorted(found.items())]) or "no country"
    message = (
        f"is needed: the importing country of the files is {seen}; give one of "
        f"{', '.join(known)}, or a market file (.toml)"
    )
    raise InputError([InputFault("--market", message)])


def _print(update: Update, options: ImportOptions, written: Path | None) -> None:
    console = Console(markup=False)
    market = update.market
    for report in update.files:
        aside = "; ".join(f"{number:,} {why}" for why, number in report.aside)
        console.print(
            f"{report.source.file}: {report.source.layout}; {count(report.used, 'row')} used"
            f"{'; left aside: ' + aside if aside else ''}",
            markup=False,
            highlight=False,
        )
    for what, years in (("imports", update.import_years), ("duties", update.tariff_years)):
        if years:
            told = listed([str(year) for year in years], 40)
            console.print(f"Years of {what}: {told}", markup=False, highlight=False)
    if update.changes:
        console.print(_table(update))
    if update.unchanged:
        console.print("Stays as it is:")
        for item in update.unchanged:
            name = item.name.removeprefix(f"{market.code}.")
            console.print(f"  {name}: {item.why}", markup=False, highlight=False)
    console.print(_last_line(update, options, written), markup=False, highlight=False)


def _last_line(update: Update, options: ImportOptions, written: Path | None) -> str:
    if not update.changes:
        return "No figure changes; nothing was written."
    if written is not None:
        return (
            f"Wrote {written}: {count(len(update.changes), 'figure')} changed, all others as "
            f"before. Use it with --market {written}."
        )
    return "Nothing was written; -o my-market.toml writes the market file."


def _table(update: Update) -> Table:
    where = f"{update.market.name} ({update.market.code})"
    prefix = f"{update.market.code}."
    if len(update.clusters) == 1:
        where, prefix = f"{where}, {update.clusters[0]}", f"{prefix}{update.clusters[0]}."
    table = Table(title=f"What changes: {where}")
    table.add_column("figure", overflow="fold")
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("why", overflow="fold")
    for change in update.changes:
        table.add_row(
            change.name.removeprefix(prefix),
            _shown(change.before),
            _shown(change.after),
            _change(change),
            change.why,
        )
    return table


def _shown(fact: Fact) -> str:
    """A value with its range, year and grade."""
    value = f"{fact.value:,f}" if isinstance(fact.value, Decimal) else fact.text
    if fact.low is not None and fact.high is not None:
        value += f" ({fact.low:,f} to {fact.high:,f})"
    return f"{value} {fact.unit}, {fact.year}, {fact.grade}"


def _change(change: Change) -> str:
    return "from 0" if change.percent is None else f"{float(change.percent):+,.1f}%"


def _record(update: Update, written: Path | None) -> dict[str, object]:
    """The update for machines."""
    from consortium.cli.library import fact_record

    return {
        "market": update.market.code,
        "clusters": list(update.clusters),
        "years": {"imports": list(update.import_years), "duties": list(update.tariff_years)},
        "files": [
            {
                "file": report.source.file,
                "database": report.source.database,
                "layout": report.source.layout,
                "rows_used": report.used,
                "rows_left_aside": dict(report.aside),
            }
            for report in update.files
        ],
        "changes": [
            {
                "name": change.name,
                "before": fact_record(change.before),
                "after": fact_record(change.after),
                "change_percent": (
                    None if change.percent is None else round(float(change.percent), 2)
                ),
                "why": change.why,
            }
            for change in update.changes
        ],
        "unchanged": [{"name": item.name, "why": item.why} for item in update.unchanged],
        "written": None if written is None else str(written),
    }
