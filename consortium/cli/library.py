"""``consortium markets`` and ``consortium sample --columns``: what we know, and what we read."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from consortium.facts import GRADES, Fact
from consortium.market import Market
from consortium.market_files import find_market, load_clusters, load_markets
from consortium.programme import load_programme, shipped_programmes
from consortium.register import SHEETS
from consortium.wording import count


def print_markets(as_json: bool = False) -> None:
    """Markets by clusters: how many families, and how many figures of each grade, or "no data"."""
    markets, clusters = load_markets().values(), load_clusters()
    if as_json:
        rows = [_coverage(market, key) for market in markets for key in clusters]
        sys.stdout.write(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        return
    table = Table(title="Markets and how well each is known", show_lines=True)
    table.add_column("market", no_wrap=True)
    for cluster in clusters.values():
        table.add_column(cluster.label)
    for market in markets:
        cells = [_cell(market, key) for key in clusters]
        table.add_row(f"{market.code} {market.name}", *cells)
    console = Console(markup=False)
    console.print(table)
    lacking = defaultdict(list)
    for market in markets:
        for key, part in market.incomplete.items():
            lacking[part.why].append(f"{market.code} {key}")
    for why, pairs in lacking.items():
        console.print(f"too little known to propose, as {why}: {', '.join(pairs)}")
    console.print(
        "Figures are graded sourced, estimate (ours) or recalled (to be verified); "
        "`consortium markets show ZAF` lists those of a market."
    )


def _cell(market: Market, key: str) -> str:
    """What is known of a market for a cluster."""
    grades = Counter(fact.grade for fact in market.facts_for(key))
    told = ", ".join(f"{grades[grade]} {grade}" for grade in GRADES if grades[grade])
    if key in market.clusters:
        return f"{count(len(market.clusters[key].families), 'family', 'families')}: {told}"
    return f"too little: {told}" if key in market.incomplete else "no data"


def _coverage(market: Market, key: str) -> dict[str, object]:
    """The same for machines."""
    grades = Counter(fact.grade for fact in market.facts_for(key))
    part = market.clusters.get(key)
    return {
        "market": market.code,
        "cluster": key,
        "complete": part is not None,
        "lacking": market.no_data(key),
        "families": [] if part is None else list(part.families),
        **{grade: grades[grade] for grade in GRADES},
    }


def print_market(code: str, as_json: bool) -> None:
    """Every fact of a market."""
    market = find_market(code)
    facts = list(market.facts())
    if as_json:
        rows = [fact_record(fact) for fact in facts]
        content = {
            "code": market.code,
            "name": market.name,
            "sha256": market.sha256,
            "sha256_for": {key: market.sha256_for(key) for key in market.clusters},
            "facts": rows,
        }
        sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return
    table = Table(title=f"{market.name} ({market.code})")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    for name in ("unit", "year", "grade", "source"):
        table.add_column(name, overflow="fold")
    for fact in facts:
        name = fact.name.removeprefix(f"{market.code}.")
        table.add_row(name, _value(fact), fact.unit, str(fact.year), fact.grade, fact.source)
    Console(markup=False).print(table)


def _value(fact: Fact) -> str:
    if fact.low is None or fact.high is None:
        return fact.text
    return f"{fact.text} ({fact.low:f} to {fact.high:f})"


def fact_record(fact: Fact) -> dict[str, object]:
    """A fact for machines."""
    return {
        "name": fact.name,
        "value": fact.text,
        "unit": fact.unit,
        "year": fact.year,
        "source": fact.source,
        "grade": fact.grade,
        "low": None if fact.low is None else f"{fact.low:f}",
        "high": None if fact.high is None else f"{fact.high:f}",
    }


def print_programmes(as_json: bool = False) -> None:
    """The shipped programmes, each with the figures that differ from the default's."""
    default = {fact.name: fact for fact in load_programme().facts()}
    own = [
        (name, fact)
        for name in shipped_programmes()
        for fact in load_programme(Path(name)).facts()
        if fact != default.get(fact.name)
    ]
    changed = {fact.name for _, fact in own}
    rows = [("default", fact) for key, fact in default.items() if key in changed] + own
    if as_json:
        content = [{"programme": name, **fact_record(fact)} for name, fact in rows]
        sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return
    table = Table(title="Programmes, and what differs from the default", show_lines=False)
    for column in ("programme", "figure", "value", "grade", "source"):
        table.add_column(column, overflow="fold")
    last = ""
    for name, fact in rows:
        figure = fact.name.removeprefix("programme.")
        shown = name if name != last else ""
        table.add_row(shown, figure, _value(fact), fact.grade, fact.source)
        last = name
    console = Console(markup=False)
    console.print(table)
    console.print("Of the default only what others change is shown; use one by --programme NAME.")


def print_columns() -> None:
    """The columns of a register, by sheet."""
    console = Console(markup=False)
    for sheet, columns in SHEETS.items():
        table = Table(title=f"sheet {sheet}")
        table.add_column("column", no_wrap=True)
        for name in ("required", "meaning", "allowed"):
            table.add_column(name, overflow="fold")
        for column in columns:
            table.add_row(
                column.name, "yes" if column.required else "", column.meaning, column.allowed
            )
        console.print(table)
