"""``consortium markets`` and ``consortium sample --columns``: what we know, and what we read."""

from __future__ import annotations

import json
import sys
from collections import Counter

from rich.console import Console
from rich.table import Table

from consortium.facts import GRADES, Fact
from consortium.market import find_market, load_clusters, load_markets
from consortium.register import SHEETS


def print_markets() -> None:
    """A table of markets by cluster: number of figures by grade, or "no data"."""
    table = Table(title="Markets and how well each is known")
    table.add_column("market")
    table.add_column("cluster")
    table.add_column("families", justify="right")
    for grade in GRADES:
        table.add_column(grade, justify="right")
    for market in load_markets().values():
        for key, cluster in load_clusters().items():
            facts = market.clusters.get(key)
            if facts is None:
                table.add_row(f"{market.code} {market.name}", cluster.label, "no data")
                continue
            grades = Counter(fact.grade for fact in facts.facts())
            table.add_row(
                f"{market.code} {market.name}",
                cluster.label,
                str(len(facts.families)),
                *(str(grades[grade]) for grade in GRADES),
            )
    Console().print(table)


def print_market(code: str, as_json: bool) -> None:
    """Every fact of a market."""
    market = find_market(code)
    facts = list(market.facts())
    if as_json:
        rows = [_record(fact) for fact in facts]
        content = {"code": market.code, "name": market.name, "sha256": market.sha256, "facts": rows}
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
    Console().print(table)


def _value(fact: Fact) -> str:
    if fact.low is None or fact.high is None:
        return fact.text
    return f"{fact.text} ({fact.low:f} to {fact.high:f})"


def _record(fact: Fact) -> dict[str, object]:
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


def print_columns() -> None:
    """The columns of a register, by sheet."""
    console = Console()
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
