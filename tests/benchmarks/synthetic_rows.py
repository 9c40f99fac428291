"""Rows of a league that never was: several strategies, instances and seeds, and every verdict."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from benchmarks.league.analysis import About, Details, Size
from benchmarks.league.judging import Known
from benchmarks.league.rows import Answered, Key, Measured, Row

HOSTILE = '<script>alert("&\'x")</script>'


def row(
    instance: str = "f:a",
    strategy: str = "search",
    seed: int = 0,
    *,
    verdict: str = "ok",
    objective: int | None = None,
    bound: int | None = None,
    seconds: float = 1.0,
    limit: float = 10.0,
    trace: Sequence[Sequence[float]] = (),
    peak_mb: float = 50.0,
    work: int | None = None,
    **answer: Any,
) -> Row:
    return Row(
        Key(instance, strategy, seed, limit, work, 2048, 1, "c0de"),
        Answered(verdict, objective=objective, bound=bound, **answer),
        Measured(
            seconds, seconds, peak_mb, [list(point) for point in trace],
            "2026-12-01T10:00:00", 2, 0.1,
        ),
    )  # fmt: skip


def league(
    strategies: Sequence[str] = ("search", "exact", "greedy", "spectral"),
    instances: int = 8,
    seeds: int = 2,
    *,
    chance: int = 1,
) -> tuple[list[Row], dict[str, Known], Details]:
    """Rows in which earlier strategies are better; some are refused, disqualified or without."""
    draw = random.Random(chance)
    rows, sizes, known = [], {}, {}
    for i in range(instances):
        name = f"{('cliques', 'diverse', 'clusters')[i % 3]}:{i}"
        items = 12 * 2 ** (i % 5) + i
        sizes[name] = Size(items, 1 + i % 2, items * 3)
        top = 1000 * (i + 1)
        known[name] = Known(top, i % 2 == 0, "a paper")
        for place, strategy in enumerate(strategies):
            for seed in range(seeds):
                rows.append(_run(draw, name, strategy, place, seed, items, top))
    about = {
        name: About(f"does what {name} does", place < 2) for place, name in enumerate(strategies)
    }
    return rows, known, Details("synthetic", "abcdef", about, sizes)


def _run(
    draw: random.Random, name: str, strategy: str, place: int, seed: int, items: int, top: int
) -> Row:
    luck = draw.random()
    if place == 2 and name.startswith("clusters"):
        return row(name, strategy, seed, verdict="refused", reason="needs sizes above 1")
    if place >= 2 and luck < 0.06:
        return row(name, strategy, seed, verdict="none", reason="found none", seconds=10.0)
    if place >= 2 and luck < 0.1:
        return row(name, strategy, seed, verdict="disqualified", reason="rule size broken")
    value = round(top * (1 - 0.02 * place * draw.random() ** 2))
    end = min(10.0, 0.001 * items ** (1 + 0.3 * place) * (0.8 + 0.4 * draw.random()))
    members = list(range(items))
    if place:
        for _ in range(place * items // 8):
            a, b = draw.randrange(items), draw.randrange(items)
            members[a], members[b] = members[b], members[a]
    return row(
        name, strategy, seed, objective=value, seconds=end, peak_mb=20 + 0.05 * items * (1 + place),
        bound=(top if luck < 0.8 else top - 1) if place == 1 else None,
        trace=[(end / 4, round(value * 0.9)), (end / 2, round(value * 0.99)), (end, value)],
        groups=[[0, sorted(members[k : k + 4])] for k in range(0, items, 4)],
        notes=["as told"] if luck < 0.2 else [],
    )  # fmt: skip
