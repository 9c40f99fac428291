"""Tables of single runs: disqualified, not run, every run; and the runs as records."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields

from benchmarks.league.analysis import Study
from benchmarks.league.judging import Best, gap_to_best, gap_to_bound, is_proved
from benchmarks.league.rows import KEY_FIELDS, Answered, Measured, Row
from benchmarks.league.sampling import RAN
from benchmarks.league.tables import Cell, Table, number, percent, seconds, whole


def repeat_command(row: Row) -> str:
    """The command that runs a row again."""
    key = row.key
    words = ["python", "-m", "benchmarks", "repeat", "--instance", key.instance]
    words += ["--strategy", key.strategy, "--seed", str(key.seed), "--seconds", f"{key.seconds:g}"]
    if key.work is not None:
        words += ["--work", str(key.work)]
    words += ["--workers", str(key.workers), "--memory", str(key.memory_mb)]
    return shlex.join(words)


def disqualifications(study: Study) -> Table:
    """Every disqualified run with its reason."""
    return _listing(
        study,
        ("disqualified",),
        "disqualifications",
        "Disqualifications",
        "A disqualification is for one run only; the reason says who or what contradicts it.",
        "No run was disqualified.",
    )


def not_run(study: Study) -> Table:
    """Runs that did not take place, counted by reason."""
    counts = Counter(
        (row.key.strategy, row.answer.verdict, row.answer.reason)
        for row in study.rows
        if row.answer.verdict not in RAN
    )
    lines = [
        [Cell(strategy), Cell(verdict), whole(count), Cell(reason)]
        for (strategy, verdict, reason), count in sorted(counts.items())
    ]
    return Table(
        "not-run",
        "Refused and unavailable",
        "“Refused”: the instance is not of the strategy's sort. “Unavailable”: it cannot run on "
        "the machine. Neither counts against it.",
        ("strategy", "verdict", "runs", "reason"),
        lines,
        frozenset(("runs",)),
        missing="Every strategy took every instance.",
    )


def _listing(
    study: Study, verdicts: Iterable[str], name: str, title: str, reading: str, missing: str
) -> Table:
    lines = [
        [Cell(f"{place}", place, f"run-{place}"), Cell(row.key.instance), Cell(row.key.strategy),
         Cell(f"{row.key.seed}", row.key.seed), Cell(row.answer.reason)]
        for place, row in enumerate(study.rows, start=1)
        if row.answer.verdict in verdicts
    ]  # fmt: skip
    columns = ("run", "instance", "strategy", "seed", "reason")
    return Table(name, title, reading, columns, lines, frozenset(("run", "seed")), missing=missing)


def all_runs(study: Study) -> Table:
    """Every run, with its verdict and the command that repeats it."""
    lines = []
    for place, row in enumerate(study.rows, start=1):
        answer, best = row.answer, study.judged.best.get(row.key.instance, Best())
        verdict = "ok: proved" if is_proved(row) else answer.verdict
        lines.append([
            Cell(f"{place}", place, f"run-{place}"),
            Cell(row.key.instance),
            Cell(row.key.strategy),
            Cell(f"{row.key.seed}", row.key.seed),
            Cell(f"{verdict}: {answer.reason}" if answer.reason else verdict),
            Cell("infeasible") if answer.infeasible else whole(answer.objective),
            percent(gap_to_best(answer.objective, best.value)),
            whole(answer.bound),
            seconds(row.measured.seconds),
            seconds(row.measured.cpu_seconds),
            number(row.measured.peak_mb, 0),
            Cell("; ".join(answer.notes)),
            Cell(repeat_command(row), is_code=True),
        ])  # fmt: skip
    columns = (
        "run", "instance", "strategy", "seed", "verdict", "value", "gap to best", "bound",
        "seconds", "CPU s", "peak MB", "notes", "again with",
    )  # fmt: skip
    return Table(
        "runs",
        "Every run",
        "The command in the last column runs the same again.",
        columns,
        lines,
        frozenset(("run", "seed", "value", "gap to best", "bound", "seconds", "CPU s", "peak MB")),
        tuple(f"run-{place}" for place in range(1, len(lines) + 1)),
        missing="There are no runs.",
    )


RUN_FIELDS = (
    "run", *KEY_FIELDS, *(one.name for one in fields(Answered)),
    *(f"run_{one.name}" if one.name in KEY_FIELDS else one.name for one in fields(Measured)),
    "deterministic", "best", "best_bound", "gap_to_best", "gap_to_bound",
)  # fmt: skip


def run_record(study: Study, place: int, row: Row) -> list[object]:
    """All fields of a run, in the order of ``RUN_FIELDS``; lists as JSON."""
    best = study.judged.best.get(row.key.instance, Best())
    value = row.answer.objective
    parts = [*asdict(row.key).values(), *asdict(row.answer).values()]
    parts += asdict(row.measured).values()
    cells = [
        json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        if isinstance(part, list)
        else part
        for part in parts
    ]
    return [
        place, *cells, row.deterministic, best.value, best.bound,
        gap_to_best(value, best.value), gap_to_bound(value, best.bound),
    ]  # fmt: skip
