"""The report of a league: a page, tables for other programs, and the figures as pictures.

The files say nothing that the rows and ``Details`` do not, and the same input gives the same
bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.league import run_tables, tables
from benchmarks.league.analysis import Details, Study, counted, shortened
from benchmarks.league.figures import Drawn, draw_all
from benchmarks.league.judging import Judged
from benchmarks.league.kept import write_whole
from benchmarks.league.page import page


def write_report(folder: Path, judged: Judged, details: Details) -> list[Path]:
    """Write the report of judged rows.

    Parameters
    ----------
    folder : is made where it is missing; files of the same names are replaced.
    judged : from ``benchmarks.league.judging.judge``.
    details : what rows do not say.

    Returns
    -------
    The files written: ``report.html``, ``rows.csv`` (one line a run), ``summary.csv`` (the league
    table) and a PNG of each figure.
    """
    study = Study(judged, details)
    figures = draw_all(study)
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        _write(folder / "report.html", report_page(study, figures).encode()),
        _write(folder / "rows.csv", rows_csv(study).encode()),
        _write(folder / "summary.csv", summary_csv(study).encode()),
    ]
    for figure in figures:
        path = folder / f"{figure.name}.png"
        if figure.png:
            written.append(_write(path, figure.png))
        else:
            path.unlink(missing_ok=True)  # of an earlier report: it would contradict this one
    return written


def report_page(study: Study, figures: Sequence[Drawn]) -> str:
    """The page as HTML."""
    of = {figure.name: figure for figure in figures}
    league = tables.league(study)
    parts = [
        tables.without_last_column(league),
        tables.who(league),
        of["ranks"],
        tables.significance(study),
        of["performance-profile"],
        of["data-profile"],
        of["gap-profile"],
        tables.times_to_target(study),
        tables.primal_integrals(study),
        tables.gaps_by_family(study),
        tables.gaps_by_instance(study),
        of["scaling"],
        tables.exponents(study),
        of["similarity"],
        tables.rand_indices(study),
        run_tables.disqualifications(study),
        run_tables.not_run(study),
        run_tables.all_runs(study),
    ]
    title = f"League of grouping strategies: {study.details.suite}"
    return page(title, facts(study), study.notes(), parts)


def facts(study: Study) -> list[tuple[str, str]]:
    """What was run, when, on what, within which limits."""
    rows = study.rows
    when = sorted(row.measured.when for row in rows if row.measured.when)
    cores = sorted({row.measured.cores for row in rows if row.measured.cores})
    instances = {row.key.instance for row in rows}
    strategies = {row.key.strategy for row in rows}
    limits = sorted({
        f"{key.seconds:g} s"
        + (f", {key.work:,} units of work" if key.work is not None else "")
        + f", {counted(key.workers, 'thread')}, {key.memory_mb:,} MB"
        for key in (row.key for row in rows)
    })  # fmt: skip
    found = [
        ("Suite", study.details.suite),
        ("Runs", f"{counted(len(rows), 'run')} of {counted(len(strategies), 'strategy')} on "
         f"{counted(len(instances), 'instance')}".replace("strategys", "strategies")),
        ("Commit", study.details.commit),
        ("Code", shortened(sorted({row.key.code for row in rows}), 4)),
        ("Date (UTC)", "" if not when else when[0] if when[0] == when[-1]
         else f"{when[0]} to {when[-1]}"),
        ("Cores of the machine", ", ".join(map(str, cores))),
        ("Limits of a run", "; ".join(limits[:4]) + ("; and others" if len(limits) > 4 else "")),
    ]  # fmt: skip
    return [(name, text) for name, text in found if text]


def rows_csv(study: Study) -> str:
    """One line a run, with all its fields; numbered as on the page."""
    records = (run_tables.run_record(study, n, row) for n, row in enumerate(study.rows, start=1))
    return _csv(run_tables.RUN_FIELDS, records)


def summary_csv(study: Study) -> str:
    """The league table; gaps as shares, intervals as text."""
    table = tables.league(study)
    spans = {name for name in table.columns if "interval" in name}
    lines = (
        [
            cell.sort if cell.sort is not None and name not in spans else cell.text
            for name, cell in zip(table.columns, cells, strict=True)
        ]
        for cells in table.lines
    )
    return _csv(table.columns, lines)


def _csv(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()


def _write(path: Path, content: bytes) -> Path:
    """Write whole or not at all: a reader never sees half a report."""
    write_whole(path, content)
    return path
