"""Tables of measurements: on the screen as they come, and in a Markdown file."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import fmean

from benchmarks.cases import Case
from benchmarks.measuring import PROJECT, Measurement, Point, first_within, within_seconds
from benchmarks.suites import Ran, Score, new_best

TARGET_COLUMNS = (
    "case", "n", "K", "R", "pairs", "target", "objective", "bound", "gap", "target after s",
    "after CPU s", "seconds", "CPU s", "peak MB", "status", "stopped by", "met",
)  # fmt: skip
INSTANCE_COLUMNS = (
    "instance", "n", "limit s", "best known", "value", "bound", "behind", "reached after s",
    "after CPU s", "seconds", "CPU s", "peak MB", "status", "stopped by",
)  # fmt: skip
#: How far a solve may overrun its time limit.
OVERRUN_SHARE, OVERRUN_SECONDS = 0.05, 1.0


class Table:
    """Rows of cells under a header."""

    def __init__(self, report: Report, columns: Sequence[str]) -> None:
        self._report = report
        self.lines = [_line(columns), _line(["---"] * len(columns))]

    def add(self, cells: Sequence[str]) -> None:
        """Add a row; it is written at once."""
        self.lines.append(_line(cells))
        sys.stdout.write(self.lines[-1] + "\n")
        self._report.write()


@dataclass
class Report:
    """One run: how it was made, a table, remarks, and an ending that may change as it goes."""

    title: str
    command: str
    path: Path | None
    head: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    ending: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.head = [f"# {self.title}", "", f"Commit {commit()}; `{self.command}`", "", machine()]

    def compiled(self, first: Measurement) -> None:
        """Say how long the first solve, which compiles what is not cached, took."""
        self.say(
            f"First small solve, with compiling or loading of kernels: {first.loading_seconds:.1f} "
            f"s, {first.loading_cpu_seconds:.1f} CPU s."
        )

    def say(self, line: str) -> None:
        """Add a line above the table."""
        self.head += ["", line]
        sys.stdout.write(line + "\n")

    def table(self, columns: Sequence[str]) -> Table:
        """Begin the table."""
        self.tables.append(Table(self, columns))
        sys.stdout.write(self.tables[-1].lines[0] + "\n")
        return self.tables[-1]

    def remark(self, name: str, remarks: Sequence[str]) -> None:
        """Add remarks on one case below the table."""
        for remark in remarks:
            self.remarks.append(f"- {name}: {remark}")
            sys.stdout.write(self.remarks[-1] + "\n")
        self.write()

    def end_with(self, lines: Sequence[str]) -> None:
        """Replace the ending."""
        self.ending = list(lines)
        self.write()

    def write(self) -> None:
        """Write all that is known so far."""
        if self.path is None:
            return
        blocks = [self.head, *(table.lines for table in self.tables), self.remarks, self.ending]
        text = "\n\n".join("\n".join(block) for block in blocks if block)
        self.path.write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A case, the limit it had (seconds, or as much work), and what was measured.

    Limited by work, it is judged by CPU seconds: the clock tells of the other work then.
    """

    case: Case
    limit: float
    found: Measurement
    by_work: bool = False

    @property
    def wanted_gap(self) -> float | None:
        """The gap to reach: the target's, or after a change the one reached before it."""
        return self.found.first_gap if self.case.leaves else self.case.target.gap

    @property
    def reached(self) -> Point | None:
        """When that gap was reached."""
        if self.wanted_gap is None:
            return None
        return first_within(self.found.trace, self.wanted_gap)

    @property
    def passed(self) -> bool:
        """Gap, time and memory are within the target, and nothing is wrong."""
        target = self.case.target
        within = target.memory_gb is None or self.found.peak_mb <= target.memory_gb * 1000
        in_time = within_seconds(self.reached, target.seconds, self.by_work)
        return in_time and within and not self.found.fault

    @property
    def cells(self) -> list[str]:
        """Its row of the table."""
        found = self.found
        return [
            self.case.name,
            *_sizes(found),
            "same gap, 1 s" if self.case.leaves else str(self.case.target),
            _whole(found.objective),
            _whole(found.bound),
            _share(found.gap),
            *_when(self.reached),
            *_effort(found),
            "yes" if self.passed else "no",
        ]

    @property
    def remarks(self) -> list[str]:
        """What a reader of the row should know."""
        found, out = self.found, []
        if found.fault:
            out.append(f"FAULT: {found.fault}")
        if not self.by_work and found.seconds > self.limit * (1 + OVERRUN_SHARE) + OVERRUN_SECONDS:
            out.append(f"{found.seconds:.1f} s, above its limit of {self.limit:g} s")
        if self.case.leaves and not found.fault:
            without = None
            if found.first_gap is not None:
                without = first_within(found.scratch, found.first_gap)
            after, cpu = _when(without)
            out.append(
                f"gap before {_share(found.first_gap)}; a solve that knows nothing of the one "
                f"before reaches it after {after} s ({cpu} CPU s)"
            )
        if found.certificate:
            out.append(found.certificate)
        return out + [f"note: {note}" for note in found.notes]


def instance_cells(ran: Ran) -> list[str]:
    """The row of one published instance."""
    instance, found = ran.instance, ran.found
    optimal = " (optimal)" if instance.is_optimal else ""
    return [
        f"{instance.family}/{instance.name}",
        str(instance.n),
        f"{ran.seconds:g}",
        "-" if instance.best_known is None else f"{instance.best_known}{optimal}",
        "-" if ran.value is None else str(ran.value),
        "-" if ran.bound is None else str(ran.bound),
        "-" if ran.gap is None else f"{ran.gap:.4%}",
        *_when(ran.reached),
        *_effort(found),
    ]


def suite_ending(ran: Sequence[Ran], score: Score) -> list[str]:
    """Targets met or not, a line a family, and new best values."""
    out = ["| target | measured | met |", "|---|---|---|"]
    out += [f"| {what} | {shown} | {'yes' if met else 'no'} |" for what, shown, met in score(ran)]
    families: dict[str, list[Ran]] = defaultdict(list)
    for one in ran:
        families[one.instance.family].append(one)
    out += [
        "",
        "| family | run | reached | proved | mean behind | worst behind | worst instance |",
        "|---|---|---|---|---|---|---|",
    ]
    out += [_line(_family_cells(family, members)) for family, members in families.items()]
    better = [
        f"- {r.instance.family}/{r.instance.name}: {r.value}, published {r.instance.best_known}"
        f" (grade {r.instance.grade})"
        for r in new_best(ran)
    ]
    return [*out, "", "Better than published, verified:", "", *better] if better else out


def _family_cells(family: str, members: Sequence[Ran]) -> list[str]:
    usable = [one for one in members if one.instance.usable]
    gaps = [(one.gap, one.instance.name) for one in usable if one.gap is not None]
    worst = max(gaps, default=(None, "-"), key=lambda pair: pair[0])
    reached = sum(one.reached is not None for one in usable)
    return [
        family,
        str(len(members)),
        f"{reached} of {len(usable)}",
        str(sum(one.proved for one in members)),
        f"{fmean(gap for gap, _ in gaps):.4%}" if gaps else "-",
        "-" if worst[0] is None else f"{worst[0]:.4%}",
        worst[1] if worst[0] is not None and worst[0] > 0 else "-",
    ]


def commit() -> str:
    """Short hash of the checkout; "+ changes" where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, cwd=PROJECT
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" + changes" if changed else "")


def machine() -> str:
    """Cores, load at the start, and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("numpy", "numba", "ortools")
    )
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{cores} cores, {platform.machine()} {platform.system()}{load}; "
        f"Python {platform.python_version()}, {versions}"
    )


def _sizes(found: Measurement) -> list[str]:
    return [f"{x:,}" for x in (found.n, found.kinds, found.resources, found.pairs)]


def _effort(found: Measurement) -> list[str]:
    return [
        f"{found.seconds:.1f}",
        f"{found.cpu_seconds:.1f}",
        f"{found.peak_mb:,.0f}",
        found.status or "FAULT",
        found.stopped_by or "-",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _whole(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3%}"


def _when(point: Point | None) -> tuple[str, str]:
    return ("-", "-") if point is None else (f"{point[0]:.2f}", f"{point[1]:.2f}")
