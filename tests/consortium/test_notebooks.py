"""The shipped notebooks: they run, and what is stored in them is what they give."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from notebook_runs import NOTEBOOKS, ROOT, VARIES

MOST_BYTES = 300_000
MOST_SECONDS = 300  # a run takes under 60 on a free machine of 2 cores
#: Folders of a machine, at the start of a path.
MACHINE_PATH = re.compile(
    r"(?<![\w./<])/(home|root|tmp|usr|opt|var|etc|work|mnt|srv|private|Users)/|\b[A-Z]:\\\\?\w"
)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["metadata"]["language_info"]) == (4, {"name": "python"})
    found: list[dict[str, Any]] = content["cells"]
    return found


def outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """A cell's outputs with their text alone; of a picture, that there is one."""
    found = []
    for output in cell["outputs"]:
        kept = dict(output)
        if "data" in kept:
            kept["data"] = {
                sort: None if sort.startswith("image/") else "".join(value)
                for sort, value in kept["data"].items()
            }
        found.append(kept)
    return found


def test_there_is_one_for_each_group_of_users() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["programme_staff", "researcher", "trade_body"]


@each_notebook
def test_it_is_linked_and_small(path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"]({path.relative_to(ROOT).as_posix()})" in readme
    assert path.stat().st_size < MOST_BYTES


@each_notebook
def test_it_was_run_whole_and_in_order(path: Path) -> None:
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert set(cell["metadata"]) <= {"tags"}  # no times
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", "".join(output["text"])  # no warnings


@each_notebook
def test_it_names_no_folder_of_a_machine(path: Path) -> None:
    for cell in cells(path):
        found = [cell["source"], outputs(cell)] if cell["cell_type"] == "code" else [cell["source"]]
        text = json.dumps(found, ensure_ascii=False)
        assert not MACHINE_PATH.search(text)
        assert str(Path.home()) not in text
        assert str(ROOT) not in text


@each_notebook
def test_it_says_that_the_figures_are_estimates_no_expert_has_judged(path: Path) -> None:
    words = "".join(
        "".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown"
    )
    assert "estimates" in words
    assert re.search(r"no expert has\s+judged", words)


@pytest.mark.slow
@each_notebook
def test_stored_outputs_are_those_of_a_fresh_run(path: Path, tmp_path: Path) -> None:
    """Run by ``make notebooks`` when this fails, and read what has changed."""
    runner = Path(__file__).parent / "notebook_runs.py"
    command = [sys.executable, str(runner), str(path), "-o", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS
    )
    assert done.returncode == 0, done.stderr
    stored, fresh = cells(path), cells(tmp_path / path.name)
    assert len(stored) == len(fresh)
    for old, new in zip(stored, fresh, strict=True):
        if VARIES in old["metadata"].get("tags", []):
            assert len(old["outputs"]) == len(new["outputs"])
        elif old["cell_type"] == "code":
            assert outputs(old) == outputs(new), "".join(old["source"])
        assert old["source"] == new["source"]
