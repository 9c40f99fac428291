"""A researcher's walk as CONTRIBUTING.md has it: add a strategy, run, see it in the report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from benchmarks.league.rows import read_rows

ROOT = Path(__file__).parents[2]
SUITE = """
title = "Walk"
seconds = 20.0
work = 1_000
strategies = ["greedy", "pairs-first"]
[[block]]
instances = ["free:{8..9},20,{0..2}", "study:20,6,1,0"]
"""


def test_a_strategy_in_twenty_lines(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 22
    plugin = tmp_path / "plugin"
    info = plugin / "pairs_first-1.0.dist-info"
    info.mkdir(parents=True)
    (plugin / "pairs_first.py").write_text(code, encoding="utf-8")
    settings = tomllib.loads(project)["project"]
    entries = settings["entry-points"]["grouping_strategies"]
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[grouping_strategies]", *lines, ""]))
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {settings['name']}\nVersion: {settings['version']}\n"
    )
    suite = tmp_path / "walk.toml"
    suite.write_text(SUITE, encoding="utf-8")

    def league(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(plugin)])},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pairs-first" in league("list")
    folder = tmp_path / "run"
    assert "pairs-first" in league("run", suite, "--workers", 2, "-o", folder)
    rows = [row for row in read_rows(folder / "rows.jsonl") if row.key.strategy == "pairs-first"]
    assert len(rows) == 7
    free = [row for row in rows if row.key.instance.startswith("free")]
    assert {row.answer.verdict for row in free} == {"ok"}
    assert all((row.answer.objective or 0) > 0 for row in free)
    (study,) = (row for row in rows if row.key.instance.startswith("study"))
    assert (study.answer.verdict, study.answer.reason) == ("refused", "needs groups of two")
    league("report", folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "pairs-first" in page
    assert "the best pairs, each a group of its own" in page
