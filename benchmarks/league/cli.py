"""``python -m benchmarks``: run a suite, report, repeat a run, compare, bundle.

Exit codes: 0 done; 1 a run of ours was disqualified, or a comparison found something worse; 2 bad
input.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Shown

from benchmarks.instances import InstancesMissing
from benchmarks.league import runner
from benchmarks.league.code import code_hash, code_of, versions
from benchmarks.league.instances import FAMILIES, UnknownInstance, load
from benchmarks.league.judging import Known
from benchmarks.league.kept import (
    INSTANCES,
    ROWS,
    RUN,
    Facts,
    RunDetails,
    details_in,
    facts_in,
    keep_details,
    keep_facts,
)
from benchmarks.league.match import play
from benchmarks.league.rows import Row, RowsInUse, Table, checked_key, read_rows
from benchmarks.league.strategies import PlugInError, Strategy, all_strategies
from benchmarks.league.suites import BadSuite, Suite, read_suite, shipped_suites

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
out, told = Console(), Console(stderr=True)
OUT = Path("out/league")
Folder = Annotated[Path, typer.Argument(help="Folder of a run.", metavar="FOLDER")]


def _strategies() -> dict[str, Strategy]:
    try:
        return all_strategies()
    except PlugInError as error:
        raise _stop(error) from None


def _stop(message: object) -> typer.Exit:
    told.print(str(message), style="red", markup=False, highlight=False)
    return typer.Exit(2)


@app.command("run")
def run_suite(
    suite: Annotated[str, typer.Argument(help="A suite by name, or a TOML file.")],
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time, on this machine.")] = 1,
    cluster: Annotated[str, typer.Option(help="A Dask scheduler instead, tcp://HOST:PORT.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder; out/league/SUITE if left out.")
    ] = None,
) -> None:
    """Run a suite; rows that are there already are not run again."""
    try:
        wanted = read_suite(suite, list(_strategies()), code_of)
    except BadSuite as error:
        raise _stop(error) from None
    where = folder or OUT / wanted.name
    if (where / ROWS).exists() and not resume:
        raise _stop(f"{where} has a run; give --resume to go on with it, or another folder by -o")
    for note in wanted.notes:
        told.print(f"left out: {note}", style="yellow", markup=False, highlight=False)
    try:
        # An instance that cannot be built ends it before there is a table to go on with.
        facts = keep_facts(where, wanted.instances, code_hash())
        with Table(where / ROWS) as table:
            _keep_run(where, wanted)
            _run(wanted, table, workers, cluster)
            worst = _told_at_end(wanted, table, facts)
    except (RowsInUse, InstancesMissing, UnknownInstance, OSError, ValueError) as error:
        raise _stop(error) from None
    except ModuleNotFoundError as error:
        raise _stop(
            f"{error}: Dask comes with the extra cluster: pip install '.[cluster]'"
        ) from None
    except KeyboardInterrupt:
        raise _stop(f"stopped; go on with --resume (rows so far are in {where})") from None
    out.print(f"python -m benchmarks report {where}", highlight=False)
    raise typer.Exit(worst)


def _run(suite: Suite, table: Table, workers: int, cluster: str) -> None:
    began = time.monotonic()

    def heard(row: Row, progress: runner.Progress) -> None:
        left = progress.seconds_left
        said = row.answer.verdict if row.answer.objective is None else f"{row.answer.objective:,}"
        if row.answer.verdict == "disqualified":
            said = f"disqualified: {row.answer.reason}"
        told.print(
            f"{progress.done}/{progress.total}  {row.key.instance}  {row.key.strategy}  {said}  "
            f"{row.measured.seconds:.1f} s" + ("" if left is None else f"  ({_clock(left)} left)"),
            markup=False,
            highlight=False,
        )

    def begin(executor: Executor, parallel: int) -> None:
        left = [key.seconds for key in suite.keys if key not in table]
        most = _clock(sum(left) / parallel)
        told.print(f"{len(left)} runs to go; {most} if each solves for all of its time")
        runner.run(suite, table, executor, parallel, heard)

    if cluster:
        with runner.cluster_executor(cluster) as (executor, parallel):
            begin(executor, parallel)
    else:
        with runner.local_executor(workers) as executor:
            begin(executor, workers)
    told.print(f"{len(suite.keys)} runs are there; {_clock(time.monotonic() - began)}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _keep_run(folder: Path, suite: Suite) -> None:
    """What the report says of the run as a whole, and how it is repeated."""
    from benchmarks.reporting import commit, machine

    details = RunDetails(
        suite=suite.name,
        title=suite.title,
        commit=commit(),
        code=code_hash(),
        machine=machine(),
        keys=list(suite.keys),
        notes=list(suite.notes),
        versions=versions(),
    )
    keep_details(folder, details)


def _told_at_end(suite: Suite, table: Table, facts: Facts) -> int:
    """A line a strategy; 1 if one of ours was disqualified."""
    from benchmarks.league.judging import judge
    from benchmarks.league.strategies import OURS

    rows = [table.rows[key.text] for key in suite.keys]
    judged = judge(rows, known_of(facts))
    shown = Shown("strategy", "runs", "best value", "disqualified", "refused", box=None)
    for column in shown.columns[1:]:
        column.justify = "right"
    worst = 0
    for name in dict.fromkeys(key.strategy for key in suite.keys):
        own = [row for row in judged.rows if row.key.strategy == name]
        lost = sum(row.answer.verdict == "disqualified" for row in own)
        best = sum(
            row.answer.verdict == "ok"
            and row.answer.objective is not None
            and row.answer.objective == judged.best[row.key.instance].value
            for row in own
        )
        refused = sum(row.answer.verdict in ("refused", "unavailable") for row in own)
        shown.add_row(name, str(len(own)), str(best), str(lost or ""), str(refused or ""))
        worst |= int(lost > 0 and name in OURS)
    out.print(shown)
    return worst


def known_of(facts: Facts) -> dict[str, Known]:
    """What is known of each instance's optimum, from the facts kept beside the rows."""
    return {name: fact.known for name, fact in facts.items()}


@app.command()
def report(folder: Folder) -> None:
    """Write report.html (one file, no network), CSV tables and PNG pictures of a run."""
    from benchmarks.league.analysis import About, Details, Size
    from benchmarks.league.judging import judge
    from benchmarks.league.report import write_report
    from benchmarks.league.strategies import OURS

    try:
        run_details = details_in(folder / RUN)
        facts = facts_in(folder / INSTANCES)
        # Rows of other code or another suite may be there as well: they are another run's.
        wanted = set(run_details.keys)
        rows = [row for row in read_rows(folder / ROWS) if row.key in wanted]
        details = Details(
            suite=run_details.title,
            commit=run_details.commit,
            strategies={
                name: About(one.about, name in OURS) for name, one in _strategies().items()
            },
            sizes={name: Size(one.items, one.kinds, one.pairs) for name, one in facts.items()},
            remarks=(run_details.machine, *run_details.notes),
        )
        paths = write_report(folder, judge(rows, known_of(facts)), details)
    except (OSError, ValueError) as error:
        raise _stop(f"{folder}: {error}") from None
    for path in paths:
        out.print(str(path), highlight=False)


@app.command()
def repeat(
    instance: Annotated[str, typer.Option(help="Name of an instance.")],
    strategy: Annotated[str, typer.Option(help="Name of a strategy.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
    seconds: Annotated[float, typer.Option(min=0.01)] = 10.0,
    work: Annotated[int | None, typer.Option(min=1)] = None,
    workers: Annotated[int, typer.Option(min=1)] = 1,
    memory: Annotated[int, typer.Option(min=1, help="MB.")] = 4_000,
) -> None:
    """Run one strategy on one instance and print its row."""
    if strategy not in _strategies():
        raise _stop(f"no strategy {strategy!r}; {', '.join(_strategies())}")
    try:
        load(instance)
    except (UnknownInstance, InstancesMissing) as error:
        raise _stop(error) from None
    try:
        key = checked_key(
            instance=instance,
            strategy=strategy,
            seed=seed,
            seconds=seconds,
            work=work,
            memory_mb=memory,
            workers=workers,
            code=code_of(strategy),
        )
    except ValueError as error:
        raise _stop(error) from None
    row = play(key)
    sys.stdout.write(json.dumps(json.loads(row.to_line()), indent=1, ensure_ascii=False) + "\n")
    raise typer.Exit(int(row.answer.verdict == "disqualified"))


@app.command()
def bundle(
    folder: Folder,
    path: Annotated[Path, typer.Option("--output", "-o", help="The archive to write (.zip).")],
) -> None:
    """Write one archive of a run: rows, hashes of the instances, versions, seeds, limits."""
    from benchmarks.league.bundle import write_bundle

    try:
        write_bundle(folder, path)
    except (OSError, ValueError) as error:
        raise _stop(f"{folder}: {error}") from None
    out.print(str(path), highlight=False)


@app.command("verify-bundle")
def verify(
    path: Annotated[Path, typer.Argument(help="An archive made by bundle.")],
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 1,
    strategy: Annotated[
        list[str] | None, typer.Option(help="Run only these again; may be repeated.")
    ] = None,
) -> None:
    """Run the deterministic rows of an archive again and compare the bytes."""
    from benchmarks.league.bundle import BadBundle, verify_bundle

    def heard(row: Row, same: bool) -> None:
        said = "same" if same else "DIFFERENT"
        told.print(f"{row.key.instance}  {row.key.strategy}  {said}", markup=False)

    try:
        with runner.local_executor(workers) as executor:
            found = verify_bundle(path, executor, strategy or (), heard)
    except BadBundle as error:
        raise _stop(error) from None
    if not found.same_code:
        out.print("It was made by other code or other versions of libraries: answers may differ.")
    for kind, lines in (
        ("another answer", found.different),
        ("another problem", found.changed),
        ("not to be had here", found.missing),
    ):
        for line in lines:
            out.print(f"{kind}: {line}", markup=False, highlight=False)
    out.print(
        f"{found.same} deterministic rows gave the same bytes, {len(found.different)} did not; "
        f"{found.other} were not run again."
    )
    raise typer.Exit(0 if found.ok else 1)


@app.command("compare")
def compare_runs(
    before: Annotated[Path, typer.Argument(help="Folder of a run, or a file of rows.")],
    now: Annotated[Path, typer.Argument(help="Another one.")],
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Share of value that a strategy may lose.")
    ] = 0.0,
    strategy: Annotated[
        list[str] | None, typer.Option(help="Compare only these; may be repeated.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="A row of the first without a match is a fault.")
    ] = False,
) -> None:
    """Show what changed between two runs beyond noise; 1 if anything became worse."""
    from benchmarks.league.comparing import compare

    try:
        tables = [list(read_rows(path / ROWS if path.is_dir() else path)) for path in (before, now)]
    except (OSError, ValueError) as error:
        raise _stop(error) from None
    wanted = set(strategy or ())
    first, second = (
        [row for row in rows if not wanted or row.key.strategy in wanted] for rows in tables
    )
    changes, gone, new = compare(first, second)
    if not changes:
        raise _stop("no row of one has a match in the other")
    shown = Shown(
        "strategy", "same", "better", "worse", "proofs lost", "won", "mean change", "95%",
        "seconds", box=None,
    )  # fmt: skip
    for one in changes:
        shown.add_row(
            one.strategy, str(one.same), str(len(one.better)), str(len(one.worse)),
            str(len(one.lost)), str(len(one.gained)), f"{one.mean:+.3%}",
            f"{one.low:+.3%} to {one.high:+.3%}",
            "-" if one.seconds is None else f"x {one.seconds:.2f}",
        )  # fmt: skip
    out.print(shown)
    for one in changes:
        for kind in ("faults", "lost", "worse", "better", "gained"):
            for line in getattr(one, kind):
                out.print(f"{one.strategy}, {kind}: {line}", markup=False, highlight=False)
    if gone or new:
        out.print(f"without a match: {gone} rows of {before}, {new} of {now}", highlight=False)
    worse = [one.strategy for one in changes if one.is_worse(tolerance)]
    if worse:
        out.print(f"worse: {', '.join(worse)}", style="red", highlight=False)
    raise typer.Exit(1 if worse or (complete and gone) else 0)


@app.command("list")
def list_all() -> None:
    """Show the suites, the strategies and the families of instances."""
    out.print("[bold]suites[/bold]: " + ", ".join(shipped_suites()))
    out.print("[bold]families[/bold]: " + ", ".join(FAMILIES))
    shown = Shown("strategy", "what it does", "here", box=None)
    for name, strategy in _strategies().items():
        shown.add_row(name, strategy.about, strategy.unavailable() or "yes")
    out.print(shown)


def _plain_output() -> None:
    """Where output goes to a file or a pipe, lines are not broken."""
    if not sys.stdout.isatty():
        out.width = max(out.width, 200)
    if not sys.stderr.isatty():
        told.width = max(told.width, 500)


_plain_output()
os.environ.setdefault("MPLBACKEND", "Agg")
