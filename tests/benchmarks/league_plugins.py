"""Packages with strategies of their own, made as a user would install them."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import os, socket, sys, time
from benchmarks.league.contract import Answer
from solver import Group, Grouping, group_value, solve, Limits


def best(problem):
    return solve(problem, Limits(work=200_000), "columns")


class Honest:
    name, about, deterministic = "honest", "tells the truth", True

    def unavailable(self):
        return ""

    def refuses(self, problem):
        return ""

    def solve(self, problem, limits, report):
        found = best(problem)
        report(Grouping())
        report(found.grouping)
        return Answer(found.grouping, found.objective, found.bound)

"""

#: A strategy by its name: the body of its ``solve``, and what disqualifies it.
LIARS = {
    "false-objective": (
        "found = best(problem); return Answer(found.grouping, found.objective + 1)",
        "false objective",
    ),
    "firm-twice": (
        "first = best(problem).grouping.groups[0]\n        return Answer(Grouping([first, first]))",
        "infeasible",
    ),
    "firm-twice-on-the-way": (
        "found = best(problem); first = found.grouping.groups[0]\n"
        "        report(Grouping([first, first])); return Answer(found.grouping)",
        "told an infeasible grouping",
    ),
    "over-time": (
        "found = best(problem)\n"
        "        if problem.num_items > 40:\n"
        "            time.sleep(1.2 * limits.seconds + 2.5)\n"
        "        return Answer(found.grouping)",
        "over time",
    ),
    "calls-home": (
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('127.0.0.1', 9))",
        "opened a network connection",
    ),
    "calls-home-in-secret": (
        "found = best(problem)\n"
        "        try:\n"
        "            socket.create_connection(('127.0.0.1', 9), 1)\n"
        "        except OSError:\n"
        "            pass\n"
        "        return Answer(found.grouping)",
        "opened a network connection",
    ),
    "crashes": ("raise RuntimeError('wires crossed')", "wires crossed"),
    "is-killed": ("os.kill(os.getpid(), 11)", "SIGSEGV"),
    "ends-the-process": ("os._exit(0)", "died"),
    "eats-memory": ("held = [bytearray(10**7) for _ in range(2000)]", "out of memory"),
    "false-bound": (
        "found = best(problem); return Answer(found.grouping, bound=found.objective - 1)",
        "false bound",
    ),
    "gives-nonsense": ("return 42", "gave no Answer but int"),
    "claims-in-floats": (
        "found = best(problem); return Answer(found.grouping, float(found.objective))",
        "its objective is no int",
    ),
}


def install(folder: Path) -> Path:
    """A package with the honest strategy, one that takes nothing, and all the liars.

    To be put on ``PYTHONPATH``.
    """
    parts = [HEAD]
    entries = ["honest = league_liars:Honest"]
    for name, (body, _) in LIARS.items():
        made = "".join(word.title() for word in name.split("-"))
        # The small problems before the clock starts are not lied about.
        parts.append(
            f"\nclass {made}(Honest):\n    name = {name!r}\n\n"
            "    def solve(self, problem, limits, report):\n"
            "        if problem.num_items <= 40:\n"
            "            return super().solve(problem, limits, report)\n"
            f"        {body}\n"
        )
        entries.append(f"{name} = league_liars:{made}")
    parts.append(
        "\nclass Particular(Honest):\n    name = 'particular'\n\n"
        "    def refuses(self, problem):\n        return 'needs three kinds of groups'\n"
    )
    entries.append("particular = league_liars:Particular")
    (folder / "league_liars.py").write_text("\n".join(parts), encoding="utf-8")
    info = folder / "league_liars-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: league-liars\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[grouping_strategies]\n" + "\n".join(entries) + "\n", encoding="utf-8"
    )
    return folder
