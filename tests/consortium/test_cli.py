"""The command line as a user meets it: exit codes, streams, files whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consortium.cli.app import BAD_INPUT, DEFECT, DONE, NO_PLAN_EXISTS, NO_PLAN_FOUND, code_of
from consortium.plan import Plan

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "consortium" / "data" / "registers" / "sialkot-demo.xlsx"
WORK = ["--work", "60000000"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo proposed once, with all its files."""
    folder = tmp_path_factory.mktemp("made")
    code = code_of(["propose", str(DEMO), "--market", "ZAF", *WORK, "-o", str(folder / "demo")])
    assert code == DONE
    return folder


def test_propose_writes_all_files(made: Path) -> None:
    names = sorted(path.name for path in made.iterdir())
    assert names == ["demo.json", "demo.log.json", "demo.png", "demo.xlsx"]
    plan = Plan.load(made / "demo.json")
    assert plan.status == "OPTIMAL"
    log = json.loads((made / "demo.log.json").read_text(encoding="utf-8"))
    assert log["trace"]


def test_cards_name_members_fees_and_proof(made: Path, capsys: Captured) -> None:
    assert code_of(["propose", str(DEMO), "--market", "ZAF", *WORK]) == DONE
    out, err = capsys.readouterr()
    plan = Plan.load(made / "demo.json")
    for group in plan.consortia:
        for firm in group.members:
            assert firm in out
    assert "Proved best" in out
    assert "No expert has yet judged" in out
    assert err == ""  # no live line where stderr is no terminal


def test_json_goes_to_stdout_alone(capsys: Captured) -> None:
    assert code_of(["propose", str(DEMO), "--market", "ZAF", *WORK, "--json"]) == DONE
    out, _ = capsys.readouterr()
    assert Plan.from_json(out).consortia


def test_check_passes_and_fails_with_its_codes(
    made: Path, tmp_path: Path, capsys: Captured
) -> None:
    plan = made / "demo.json"
    assert code_of(["check", str(plan)]) == DONE
    assert "consistent in itself" in capsys.readouterr().out
    assert code_of(["check", str(plan), "--register", str(DEMO)]) == DONE
    assert "correct for this register" in capsys.readouterr().out
    edited = tmp_path / "edited.json"
    content = json.loads(plan.read_text(encoding="utf-8"))
    content["consortia"][0]["fees"][0]["cents"] += 1
    edited.write_text(json.dumps(content), encoding="utf-8")
    assert code_of(["check", str(edited)]) == DONE
    assert code_of(["check", str(edited), "--register", str(DEMO)]) == BAD_INPUT
    assert "fees" in capsys.readouterr().out
    assert code_of(["check", str(edited), "--register", str(DEMO), "--json"]) == BAD_INPUT
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_start_from_a_plan(made: Path, capsys: Captured) -> None:
    start = ["--start", str(made / "demo.json"), "--strategy", "greedy", "--json"]
    assert code_of(["propose", str(DEMO), "-m", "ZAF", *WORK, *start]) == DONE
    again = Plan.from_json(capsys.readouterr().out)
    assert again.objective_cents >= Plan.load(made / "demo.json").objective_cents


@pytest.mark.parametrize("ending", [".graphml", ".json", ".csv", ".png", ".html"])
def test_graph_in_every_format(ending: str, tmp_path: Path) -> None:
    target = tmp_path / f"graph{ending}"
    assert code_of(["graph", str(DEMO), "--market", "ZAF", "-o", str(target)]) == DONE
    assert target.stat().st_size > 1000


@pytest.mark.parametrize("ending", [".html", ".png"])
def test_graph_with_the_consortia_of_a_plan(ending: str, made: Path, tmp_path: Path) -> None:
    alone, planned = tmp_path / f"alone{ending}", tmp_path / f"planned{ending}"
    graph = ["graph", str(DEMO), "-m", "ZAF", "-o"]
    assert code_of([*graph, str(alone)]) == DONE
    assert code_of([*graph, str(planned), "--consortia", str(made / "demo.json")]) == DONE
    assert planned.read_bytes() != alone.read_bytes()


def test_graph_report_on_the_terminal_and_for_machines(tmp_path: Path, capsys: Captured) -> None:
    ask = ["graph", str(DEMO), "-m", "ZAF", "--report"]
    assert code_of(ask) == DONE
    out = spoken(capsys)
    assert "compatible pairs 127" in out
    assert "largest group compatible throughout 13 firms" in out
    assert "S0007" in out
    target = tmp_path / "graph.html"
    assert code_of([*ask, "--json", "-o", str(target)]) == DONE
    out, err = capsys.readouterr()
    report = json.loads(out)["report"]
    assert (report["num_firms"], report["num_pairs"], report["size_min"]) == (17, 127, 5)
    assert len(report["firms"]) == 17
    assert "Wrote 17 firms" in err
    assert target.exists()


def test_graph_next_firm_names_the_plan_it_chose(capsys: Captured) -> None:
    ask = ["graph", str(DEMO), "-m", "ZAF", "--next-to", "S0006, S0007"]
    assert code_of(ask) == DONE
    out = spoken(capsys)
    assert "the plan with the largest surplus for them" in out
    assert "May join: 12 firms, of which the first 10" in out
    assert code_of([*ask, "--json"]) == DONE
    best = json.loads(capsys.readouterr().out)["next_firms"]
    assert best["members"] == ["S0006", "S0007"]
    surplus = {}
    for plan in ("catalogue", "fair", "agent", "fair+agent"):
        assert code_of([*ask, "--plan", plan, "--mode", "range", "--json"]) == DONE
        found = json.loads(capsys.readouterr().out)["next_firms"]
        assert found["kind"] == {"market": "ZAF", "plan": plan, "mode": "range"}
        surplus[plan] = found["surplus_cents"]
        for firm in found["firms"]:
            assert firm["change_cents"] == firm["surplus_cents"] - found["surplus_cents"]
    assert best["surplus_cents"] == max(surplus.values()) == surplus[best["kind"]["plan"]]
    assert code_of([*ask, "--plan", "fair", "--report", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out).keys() == {"report", "next_firms"}
    assert code_of([*ask, "--plan", "fair"]) == DONE
    assert "largest surplus" not in spoken(capsys)


def test_graph_lists_every_fault_and_writes_nothing(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "graph.html"
    ask = ["graph", str(DEMO), "-m", "ZAF", "-o", str(target), "--next-to", "S0001,X9,X9"]
    assert code_of([*ask, "--plan", "boat", "--mode", "depth", "--consortia", "no.json"]) == 2
    out, err = capsys.readouterr()
    for seen in ("'boat'", "'depth'", "'X9' is no firm", "'X9' is named 2 times", "no.json"):
        assert seen in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_graph_refuses_a_plan_of_another_register(
    made: Path, tmp_path: Path, capsys: Captured
) -> None:
    other = tmp_path / "other.csv"
    assert code_of(["sample", "surgical-sialkot", "--seed", "2", "-o", str(other)]) == DONE
    ask = ["graph", str(other), "-m", "ZAF", "-o", str(tmp_path / "g.html")]
    assert code_of([*ask, "--consortia", str(made / "demo.json")]) == BAD_INPUT
    assert "another register" in capsys.readouterr().err
    assert not (tmp_path / "g.html").exists()


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_sample_can_be_proposed_for(ending: str, tmp_path: Path) -> None:
    target = tmp_path / f"sample{ending}"
    made = ["sample", "surgical-sialkot", "--firms", "30", "--seed", "4", "-o", str(target)]
    assert code_of(made) == DONE
    propose = ["propose", str(target), "-m", "ZAF", *WORK, "--no-turning-points"]
    assert code_of(propose) == DONE


def test_a_market_file_of_ones_own(tmp_path: Path, capsys: Captured) -> None:
    """It takes the place of the shipped one, is named, and is needed to check the plan."""
    shipped = (ROOT / "consortium" / "data" / "markets" / "ZAF.toml").read_text(encoding="utf-8")
    own = tmp_path / "my-market.toml"
    holder = "licence_holder_annual = { value ="
    cheaper = shipped.replace(f"{holder} 6000", f"{holder} 100", 1)
    assert cheaper != shipped
    own.write_text(cheaper, encoding="utf-8")
    made = ["propose", str(DEMO), "-m", str(own), *WORK, "--no-turning-points"]
    assert code_of([*made, "-o", str(tmp_path / "plan")]) == DONE
    assert "The figures on ZAF are those of my-market.toml, a user's own." in spoken(capsys)
    plan = Plan.load(tmp_path / "plan.json")
    assert plan.inputs.market_origins == {"ZAF": "my-market.toml"}

    checked = ["check", str(tmp_path / "plan.json"), "--register", str(DEMO)]
    assert code_of(checked) == BAD_INPUT
    needed = "made with the market file my-market.toml; give it by --market"
    assert needed in capsys.readouterr().err
    assert code_of([*checked, "--market", str(own)]) == DONE
    own.write_text(shipped, encoding="utf-8")
    assert code_of([*checked, "--market", str(own)]) == BAD_INPUT
    capsys.readouterr()
    assert code_of([*checked, "-m", str(own), "-m", str(own)]) == BAD_INPUT
    assert "given twice" in capsys.readouterr().err
    kenya = ROOT / "consortium" / "data" / "markets" / "KEN.toml"
    assert code_of([*checked, "-m", str(kenya)]) == BAD_INPUT
    told = capsys.readouterr().err
    assert "is of KEN; the plan's markets are ZAF" in told
    assert "give it by --market" in told
    assert code_of(["markets", "show", str(own)]) == DONE
    graph = ["graph", str(DEMO), "-m", str(own), "-o", str(tmp_path / "g.csv")]
    assert code_of(graph) == DONE


def spoken(capsys: Captured) -> str:
    """What was printed, on one line."""
    return " ".join(capsys.readouterr().out.split())


def test_markets_and_columns(capsys: Captured) -> None:
    assert code_of(["markets"]) == DONE
    assert "ZAF" in capsys.readouterr().out
    assert code_of(["markets", "--json"]) == DONE
    assert len(json.loads(capsys.readouterr().out)) == 28
    assert code_of(["markets", "show", "ZAF"]) == DONE
    assert "estimate" in capsys.readouterr().out
    assert code_of(["markets", "show", "ZAF", "--json"]) == DONE
    assert len(json.loads(capsys.readouterr().out)["facts"]) == 37 + 37 + 32 + 37
    assert code_of(["sample", "--columns"]) == DONE
    assert "capacity_units_per_year" in capsys.readouterr().out


BAD: tuple[tuple[str, list[str], str], ...] = (
    ("no file", ["propose", "nowhere.xlsx", "-m", "ZAF"], "nowhere.xlsx"),
    ("unknown market", ["propose", str(DEMO), "-m", "QQQ"], "QQQ"),
    ("market twice", ["propose", str(DEMO), "-m", "ZAF", "-m", "ZAF"], "twice"),
    ("no market", ["propose", str(DEMO)], "--market"),
    ("negative seconds", ["propose", str(DEMO), "-m", "ZAF", "--seconds", "-1"], "seconds"),
    ("seconds not a number", ["propose", str(DEMO), "-m", "ZAF", "--seconds", "soon"], "--seconds"),
    ("NaN gap", ["propose", str(DEMO), "-m", "ZAF", "--gap", "nan"], "gap"),
    ("no workers", ["propose", str(DEMO), "-m", "ZAF", "--workers", "0"], "workers"),
    ("unknown strategy", ["propose", str(DEMO), "-m", "ZAF", "--strategy", "luck"], "luck"),
    ("unknown command", ["solve"], "solve"),
    ("check of no plan", ["check", str(ROOT / "LICENSE")], "JSON"),
    ("rules without register", ["check", str(ROOT / "LICENSE"), "--rules", "r.toml"], "--register"),
    ("graph of unknown kind", ["graph", str(DEMO), "-m", "ZAF", "-o", "x.svg"], ".graphml"),
    ("graph of unknown mode", ["graph", str(DEMO), "-m", "ZAF", "-o", "x.csv", "--mode", "y"], "y"),
    ("graph of nothing", ["graph", str(DEMO), "-m", "ZAF"], "--report, or --next-to"),
    ("next to one", ["graph", str(DEMO), "-m", "ZAF", "--next-to", "S0006"], "at least two"),
    ("next to none", ["graph", str(DEMO), "-m", "ZAF", "--next-to", ","], "at least two"),
    ("next to X9", ["graph", str(DEMO), "-m", "ZAF", "--next-to", "S0006,X9"], "'X9'"),
    ("plan of no group", ["graph", str(DEMO), "-m", "ZAF", "--report", "--plan", "fair"], "--plan"),
    ("JSON of a file", ["graph", str(DEMO), "-m", "ZAF", "-o", "x.csv", "--json"], "--json"),
    (
        "consortia in a table",
        ["graph", str(DEMO), "-m", "ZAF", "-o", "x.csv", "--consortia", "p.json"],
        "--consortia",
    ),
    ("sample of unknown cluster", ["sample", "tea-kericho", "-o", "x.xlsx"], "tea-kericho"),
    ("sample without a file", ["sample", "surgical-sialkot"], "-o"),
    ("sample in no format", ["sample", "surgical-sialkot", "-o", "x.pdf"], "x.pdf"),
    ("market to show", ["markets", "show", "ATL"], "ATL"),
    ("no market file", ["propose", str(DEMO), "-m", "none.toml"], "none.toml"),
    ("too little known", ["propose", str(DEMO), "-m", "DEU"], "no data on surgical-sialkot"),
    ("market without register", ["check", "p.json", "-m", "z.toml"], "--register"),
    (
        "output in no folder",
        ["propose", str(DEMO), "-m", "ZAF", "-o", "no/where"],
        "no is no folder",
    ),
)


@pytest.mark.parametrize(("name", "arguments", "named"), BAD, ids=[b[0] for b in BAD])
def test_bad_input_is_named_with_exit_code_2(
    name: str, arguments: list[str], named: str, capsys: Captured, tmp_path: Path
) -> None:
    before = sorted(Path.cwd().iterdir())
    assert code_of(arguments) == BAD_INPUT
    out, err = capsys.readouterr()
    assert named in err
    assert out == ""
    assert "Traceback" not in err
    assert sorted(Path.cwd().iterdir()) == before


def test_all_faults_of_all_inputs_at_once(tmp_path: Path, capsys: Captured) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[together]]\nfirms = ['S0001']\n[size]\nmin = 'x'\n", encoding="utf-8")
    programme = tmp_path / "programme.toml"
    programme.write_text("ramp = 3\nnonsense = 1\n", encoding="utf-8")
    files = ["--rules", str(rules), "--programme", str(programme)]
    code = code_of(["propose", str(DEMO), "-m", "ZAF", "-m", "QQQ", "--workers", "0", *files])
    assert code == BAD_INPUT
    err = capsys.readouterr().err
    for named in ("QQQ", "workers", "together.firms", "size.min", "ramp", "nonsense"):
        assert named in err


def rules_file(folder: Path, text: str) -> list[str]:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return ["--rules", str(path)]


def test_rules_that_contradict_on_reading_are_2(tmp_path: Path, capsys: Captured) -> None:
    text = "[[together]]\nfirms=['S0008','S0012']\n[[apart]]\nfirms=['S0012','S0008']\n"
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *rules_file(tmp_path, text)])
    assert code == BAD_INPUT
    assert "also together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[pin]]\nmarket='ZAF'\nplan='agent'\nmode='volume'\nfirms=['S0008']\n", "volume"),
        ("[[pin]]\nmarket=['ZAF']\nplan={a=1}\nfirms=['S0008']\n", "pin.market"),
        ("[size]\nmax=1000\n", "size.max"),
        (
            "[[together]]\nfirms=['S0037','S0044']\n[exclude]\nfirms=['S0044']\n"
            "[must_join]\nfirms=['S0037']\n",
            "S0044",
        ),
    ],
)
def test_rules_that_cannot_be_meant_are_2(
    text: str, named: str, tmp_path: Path, capsys: Captured
) -> None:
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *rules_file(tmp_path, text)])
    assert code == BAD_INPUT
    err = capsys.readouterr().err
    assert named in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "modes = {value=['range','range'],unit='m',year=2025,source='x',grade='estimate'}",
            "once",
        ),
        ("discount_rate = {value=-0.9,unit='m',year=2025,source='x',grade='estimate'}", "-0.5"),
        ("as_of = {value=2026-01-01,unit='m',year=2025,source='x',grade='estimate'}", "quotes"),
        ("size_min = {value='five',unit='m',year=2025,source='x',grade='estimate'}", "size_min"),
    ],
)
def test_programmes_that_cannot_be_meant_are_2(
    text: str, named: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "programme.toml"
    path.write_text(text, encoding="utf-8")
    code = code_of(["propose", str(DEMO), "-m", "ZAF", "--programme", str(path)])
    assert code == BAD_INPUT
    err = capsys.readouterr().err
    assert named in err
    assert "Traceback" not in err


def test_must_join_of_a_vendor_is_named_at_once(tmp_path: Path, capsys: Captured) -> None:
    text = "[must_join]\nfirms=['S0002']\n"
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *WORK, *rules_file(tmp_path, text)])
    assert code == NO_PLAN_EXISTS
    assert capsys.readouterr().err.strip().splitlines()[1:] == [
        "  - S0002 must join a consortium (It is a vendor; consortia are of makers)"
    ]


def test_rules_only_solving_shows_to_contradict_are_3(tmp_path: Path, capsys: Captured) -> None:
    text = "[must_join]\nfirms=['S0008','S0012']\n[max_consortia]\nZAF=0\n"
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *WORK, *rules_file(tmp_path, text)])
    assert code == NO_PLAN_EXISTS
    err = capsys.readouterr().err
    assert "must join" in err
    assert "consortia for ZAF: at most 0" in err


def test_output_never_over_the_input(tmp_path: Path, capsys: Captured) -> None:
    own = tmp_path / "own.xlsx"
    own.write_bytes(DEMO.read_bytes())
    code = code_of(["propose", str(own), "-m", "ZAF", *WORK, "-o", str(tmp_path / "own")])
    assert code == BAD_INPUT
    assert own.read_bytes() == DEMO.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["own.xlsx"]


def test_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    target = tmp_path / "plan"
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *WORK, "-o", str(target)])
    assert code == BAD_INPUT
    assert list(tmp_path.iterdir()) == []
    assert "space" in capsys.readouterr().err.lower()


def test_unwritable_folder(tmp_path: Path, capsys: Captured) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    code = code_of(["propose", str(DEMO), "-m", "ZAF", *WORK, "-o", str(blocked / "plan")])
    assert code == BAD_INPUT
    assert "folder" in capsys.readouterr().err


def test_a_defect_of_ours_is_1_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("wires crossed")

    monkeypatch.setattr("consortium.cli.proposing.propose", broken)
    assert code_of(["propose", str(DEMO), "-m", "ZAF"]) == DEFECT
    err = capsys.readouterr().err
    assert "wires crossed" in err
    assert "report" in err


def test_interrupt_before_a_plan_is_4(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("consortium.cli.proposing.propose", interrupted)
    assert code_of(["propose", str(DEMO), "-m", "ZAF"]) == NO_PLAN_FOUND
    assert "Interrupted" in capsys.readouterr().err


#: A user presses Ctrl-C as the first plan is found: no guess at how long that takes.
PRESSES_CTRL_C = """
import os, signal
from consortium.cli import main
from consortium.cli.progress import Progress

observe, pressed = Progress.observe, []

def observe_and_press(progress, event):
    observe(progress, event)
    if event.objective is not None and not pressed:
        pressed.append(event)
        os.kill(os.getpid(), signal.SIGINT)

Progress.observe = observe_and_press
main()
"""


def test_ctrl_c_gives_the_best_plan_so_far(tmp_path: Path) -> None:
    """A dense register that takes minutes to prove; SIGINT in mid-solve."""
    register = tmp_path / "dense.xlsx"
    assert code_of(["sample", "garments-lahore", "--firms", "300", "-o", str(register)]) == DONE
    command = [sys.executable, "-c", PRESSES_CTRL_C, "propose", str(register), "-m", "DEU"]
    command += ["-m", "ZAF", "--seconds", "120", "-o", str(tmp_path / "plan")]
    run = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=110, check=False)
    assert run.returncode == DONE, run.stderr
    plan = Plan.load(tmp_path / "plan.json")
    assert plan.stopped_by == "interrupt"
    assert b"nterrupted" in run.stdout
