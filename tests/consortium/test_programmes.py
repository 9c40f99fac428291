"""Programmes that are shipped: read by name, used, and told apart from the default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import sample_case

from consortium.checking import check
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.errors import InputError
from consortium.planner import propose
from consortium.programme import load_programme, shipped_programmes
from solver import Limits

WORK = Limits(work=60_000_000, workers=1)
DEMO = Path(__file__).parents[2] / "consortium" / "data" / "registers" / "sialkot-demo.xlsx"


@pytest.mark.parametrize("name", shipped_programmes())
def test_sizes_of_a_programme_are_kept(name: str) -> None:
    """A plan under each programme has consortia of its sizes only, and checks."""
    programme = load_programme(Path(name))
    assert programme.name == name
    case = sample_case().with_programme(programme)
    plan = propose(case, WORK, turning_points=False)
    low, high = programme.size_min.whole, programme.size_max.whole
    assert all(low <= len(group.members) <= high for group in plan.consortia)
    assert check(plan, case).ok
    assert not any("Above 12" in note for note in plan.notes)


def test_each_differs_from_the_default() -> None:
    hashes = {name: load_programme(Path(name)).sha256 for name in shipped_programmes()}
    assert len(set(hashes.values())) == len(hashes) == 5
    assert hashes["default"] == load_programme().sha256


def test_sizes_above_twelve_are_warned_of() -> None:
    programme = load_programme().changed("size_max", 13, "test")
    plan = propose(sample_case().with_programme(programme), WORK, turning_points=False)
    assert any("Above 12" in note and "13 members" in note for note in plan.notes)


def test_the_command_line_lists_and_uses_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["programmes", "--json"]) == DONE
    rows = json.loads(capsys.readouterr().out)
    assert {row["programme"] for row in rows} == set(shipped_programmes())
    italy = {r["name"]: r["value"] for r in rows if r["programme"] == "italy"}
    assert italy["programme.size_min"] == "8"
    assert all(row["source"] and row["grade"] for row in rows)
    assert code_of(["programmes"]) == DONE
    assert "--programme NAME" in capsys.readouterr().out
    run = ["propose", str(DEMO), "-m", "ZAF", "--work", "60000000", "--no-turning-points"]
    assert code_of([*run, "--programme", "ecuador", "--json"]) == DONE
    plan = json.loads(capsys.readouterr().out)
    assert all(3 <= len(group["members"]) <= 7 for group in plan["consortia"])
    assert code_of([*run, "--programme", "france"]) == BAD_INPUT
    with pytest.raises(InputError):
        load_programme(Path("france"))
