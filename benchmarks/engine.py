"""Measure the solver engine against its targets and against published values.

``python -m benchmarks.engine targets`` solves the target cases; ``instances`` the published ones,
for as long as their papers ran; ``proofs`` asks how many free partitions are proved optimal. Every
solve runs in a process of its own, one after the other, and every answer is checked again. ``-o``
writes the tables as Markdown, after each case anew, so that a run that is stopped loses nothing.

Times are wall-clock: on a machine that does other work they tell little, so the report states the
load at the start and CPU seconds stand next to them. ``--work`` limits by deterministic work
instead, and judges by CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import reporting, suites
from benchmarks.cases import ROWS, chosen
from benchmarks.instances import FAMILIES, InstancesMissing, Published, instances_root, published
from benchmarks.measuring import Order, compile_kernels, measure


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked; 0 when all targets are met, 1 when not, 2 for a wrong command."""
    options = _parser().parse_args(arguments)
    try:
        run = {"targets": _targets, "instances": _instances, "proofs": _proofs, "list": _list}
        return run[options.what](options)
    except InstancesMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was measured so far is written\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=("targets", "instances", "proofs", "list"))
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help=f"rows ({', '.join(ROWS)}), or parts of names of cases or instances",
    )
    parser.add_argument("--seconds", type=float, help="time limit of a solve, up to its target's")
    parser.add_argument(
        "--work",
        action="store_true",
        help="limit by as much deterministic work instead of the clock (for a busy machine)",
    )
    parser.add_argument(
        "--certify", action="store_true", help="have the certificates of bounds confirmed"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--instances", help="folder of the published instances")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--sample", type=int, help="so many instances of each family")
    parser.add_argument("--minutes", type=float, help="a sample whose limits add up to so much")
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write")
    return parser


# -- the target cases ---------------------------------------------------------------------------


def _targets(options: argparse.Namespace) -> int:
    cases = chosen(options.only)
    report = reporting.Report("Targets", _command(options), options.output)
    report.compiled(compile_kernels(options.workers, options.strategy))
    _say_by_work(report, options)
    table = report.table(reporting.TARGET_COLUMNS)
    met = True
    for case in cases:
        seconds = case.seconds if options.seconds is None else min(case.seconds, options.seconds)
        order = _order(options, case=case.name, seconds=seconds, leaves=case.leaves)
        row = reporting.TargetRow(case, seconds, measure(order), options.work)
        table.add(row.cells)
        report.remark(case.name, row.remarks)
        met &= row.passed
    return 0 if met else 1


def _order(options: argparse.Namespace, **about: Any) -> Order:
    return Order(
        workers=options.workers,
        seed=options.seed,
        strategy=options.strategy,
        work=options.work,
        certify=options.certify,
        **about,
    )


# -- published instances ------------------------------------------------------------------------


def _instances(options: argparse.Namespace) -> int:
    cap = options.seconds or suites.DEFAULT_SECONDS
    wanted = [one for one in _wanted(options) if one.usable]

    def limit(one: Published) -> float:
        return suites.limit_of(one, cap)

    return _run_suite("Published values", options, wanted, limit, suites.scored)


def _proofs(options: argparse.Namespace) -> int:
    seconds = min(options.seconds or suites.PROOF_SECONDS, suites.PROOF_SECONDS)
    wanted = suites.provable(_wanted(options))
    return _run_suite("Proofs", options, wanted, lambda _: seconds, suites.proofs_scored)


def _wanted(options: argparse.Namespace) -> list[Published]:
    return [
        one
        for one in published(instances_root(options.instances), options.families)
        if not options.only or any(w in f"{one.family}/{one.name}" for w in options.only)
    ]


def _run_suite(
    title: str,
    options: argparse.Namespace,
    wanted: list[Published],
    limit: Callable[[Published], float],
    score: suites.Score,
) -> int:
    taken = suites.sampled(wanted, options.sample)
    if options.minutes is not None:
        taken = suites.fitted(taken, limit, options.minutes)
    report = reporting.Report(title, _command(options), options.output)
    report.compiled(compile_kernels(options.workers, options.strategy))
    _say_by_work(report, options)
    report.say(f"{len(taken)} of {len(wanted)} instances, evenly spread by size in each family.")
    table = report.table(reporting.INSTANCE_COLUMNS)
    ran: list[suites.Ran] = []
    for one in taken:
        seconds = limit(one)
        path = (one.family, str(one.path.resolve()))
        order = _order(options, instance=path, seconds=seconds)
        ran.append(suites.Ran(one, seconds, measure(order), options.work))
        table.add(reporting.instance_cells(ran[-1]))
        report.remark(one.name, [ran[-1].fault] if ran[-1].fault else [])
        report.end_with(reporting.suite_ending(ran, score))
    sys.stdout.write("\n".join(report.ending) + "\n")
    return 0 if ran and all(met for _, _, met in score(ran)) else 1


def _say_by_work(report: reporting.Report, options: argparse.Namespace) -> None:
    if options.work:
        report.say("Limited by deterministic work, one worker; targets are judged in CPU seconds.")


def _list(options: argparse.Namespace) -> int:
    for case in chosen(options.only):
        sys.stdout.write(f"{case.row:10} {case.name:40} {case.target}\n")
    return 0


def _command(options: argparse.Namespace) -> str:
    """The command to run it again, without folders of this machine."""
    parts = ["python -m benchmarks.engine", options.what]
    for name in ("only", "families"):
        given = getattr(options, name)
        if given and given != list(FAMILIES):
            parts.append(f"--{name} " + " ".join(f"'{w}'" if " " in w else w for w in given))
    for name in ("seconds", "sample", "minutes"):
        if (given := getattr(options, name)) is not None:
            parts.append(f"--{name} {given:g}")
    parts += [f"--{name}" for name in ("work", "certify") if getattr(options, name)]
    for name, usual in (("workers", 2), ("seed", 0), ("strategy", "auto")):
        if (given := getattr(options, name)) != usual:
            parts.append(f"--{name} {given}")
    if options.output is not None:
        parts.append(f"-o {options.output.name}")
    return " ".join(parts)


if __name__ == "__main__":
    # One line at a time, also into a pipe: a run takes long.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
