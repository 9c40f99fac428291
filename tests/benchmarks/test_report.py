"""The report of rows that never were: whole, by itself, the same twice, and safe to open."""

from __future__ import annotations

import csv
import dataclasses
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_rows import HOSTILE, league, row

from benchmarks.league.analysis import About, Details, Size, Study
from benchmarks.league.judging import Known, judge
from benchmarks.league.report import write_report
from benchmarks.league.rows import Row
from benchmarks.league.run_tables import repeat_command
from benchmarks.league.tables import league as league_table

#: Names of XML's vocabularies: no browser loads them.
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")
VOID = {"meta", "input", "link", "img", "br", "hr"}


class Page(HTMLParser):
    """Elements and attributes of a page, and whether they are closed in order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] or "" for _, found in self.elements if attribute in found]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    rows, known, details = league(("search", "exact", "greedy", HOSTILE), instances=9)
    hostile = Details(
        HOSTILE, HOSTILE, {**details.strategies, "exact": About(HOSTILE, True)}, details.sizes,
        (HOSTILE,),
    )  # fmt: skip
    rows += [
        row(HOSTILE, "search", objective=3, notes=[HOSTILE], groups=[[0, [0, 1]]]),
        row("=1+1", HOSTILE, verdict="disqualified", reason=HOSTILE),
        row("x:y", "never", verdict="unavailable", reason="needs the package " + HOSTILE),
    ]
    rows += [
        row("=1+1", "greedy", verdict="disqualified", reason="rule size broken"),
        row("=1+1", "exact", objective=6),
    ]
    known["=1+1"] = Known(5, True, HOSTILE)
    files = write_report(folder, judge(rows, known), hostile)
    assert sorted(files) == sorted(folder.iterdir())
    return folder


@pytest.fixture(scope="module")
def content(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def opened(content: str) -> Page:
    return Page(content)


def test_elements_are_closed(opened: Page) -> None:
    assert opened.open == []


def test_nothing_is_loaded(content: str, opened: Page) -> None:
    for name in NAMESPACES:
        content = content.replace(f'"{name}"', '""')
    assert not re.search(r"https?:", content)
    assert not opened.values("src")
    for attribute in ("href", "xlink:href"):
        assert all(link.startswith("#") for link in opened.values(attribute))
    tags = {tag for tag, _ in opened.elements}
    assert not tags & {"link", "img", "iframe", "object", "embed", "base", "image"}
    assert not re.search(r"@import|url\((?!#)", content)
    assert "default-src 'none'" in content


def test_every_link_leads_somewhere_and_ids_are_unique(opened: Page) -> None:
    ids = opened.values("id")
    assert len(ids) == len(set(ids))
    links = {link[1:] for name in ("href", "xlink:href") for link in opened.values(name)}
    assert links <= set(ids)
    assert {part for url in opened.values("clip-path") for part in [url[5:-1]]} <= set(ids)


def test_every_run_has_its_place_and_points_lead_there(opened: Page, written: Path) -> None:
    with (written / "rows.csv").open(encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 9 * 4 * 2 + 5
    assert {f"run-{run['run']}" for run in runs} <= set(opened.values("id"))
    points = [link for link in opened.values("xlink:href") if link.startswith("#run-")]
    solved = [
        run for run in runs if run["verdict"] == "ok" and run["instance"] not in (HOSTILE, "=1+1")
    ]
    assert len(points) == 2 * len(solved)  # seconds and memory


def test_hostile_names_are_text(content: str, opened: Page) -> None:
    assert HOSTILE not in content
    assert HOSTILE in opened.text
    assert sum(tag == "script" for tag, _ in opened.elements) == 1
    assert not [name for _, found in opened.elements for name in found if name.startswith("on")]


def test_sections_tell_what_they_should(opened: Page) -> None:
    for heading in (
        "League table", "Average ranks", "Which differences are significant", "Friedman test",
        "Performance profiles", "Data profiles", "Time to target", "Primal integral",
        "by family", "by instance", "Seconds and memory against size", "How alike",
        "Adjusted Rand", "Disqualifications", "Refused and unavailable", "Every run",
        "needs sizes above 1", "rule size broken", "is beaten by", "known optimum", "c0de",
    ):  # fmt: skip
        assert heading in opened.text, heading


def test_csv_files_are_whole(written: Path) -> None:
    with (written / "summary.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["strategy"] for line in lines} == {"search", "exact", "greedy", HOSTILE, "never"}
    assert all(None not in line and None not in line.values() for line in lines)


def test_twice_the_same_bytes(written: Path, tmp_path: Path) -> None:
    rows, known, details = league(instances=4, seeds=1)
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, given in ((one, rows), (two, list(reversed(rows)))):
        write_report(folder, judge(given, known), details)
    for path in sorted(one.iterdir()):
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_no_rows_say_so(tmp_path: Path) -> None:
    (tmp_path / "ranks.png").write_bytes(b"of an earlier report")
    files = write_report(tmp_path, judge([], {}), Details("empty"))
    assert [path.name for path in files] == ["report.html", "rows.csv", "summary.csv"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "No runs: there is nothing to report." in text
    assert "nan" not in text.lower()


def test_one_strategy_says_so(tmp_path: Path) -> None:
    rows, known, details = league(("search",), instances=3, seeds=1)
    write_report(tmp_path, judge(rows, known), details)
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "One strategy only: nothing is compared." in text
    assert "not enough instances or strategies" in text


@pytest.mark.parametrize(
    "rows",
    [
        [row(verdict="none")],
        [row(verdict="refused", reason="no")],
        [row(verdict="disqualified", reason="no")],
        [row(objective=0)],
        [row(infeasible=True), row(strategy="other", verdict="none")],
        [row(objective=-7, seconds=0.0, limit=0.0), row(strategy="b", objective=10**30)],
        [row("f:a", "x", objective=3), row("f:b", "y", objective=4)],
        [row(objective=1, groups=[]), row(strategy="b\x00\n漢", objective=1, groups=[])],
    ],
)
def test_odd_rows_do_not_fail(rows: list[object], tmp_path: Path) -> None:
    judged = judge(rows, {})  # type: ignore[arg-type]
    write_report(tmp_path, judged, Details("odd", sizes={"f:a": Size(10)}))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert not re.search(r"\bnan\b", page.text)


def test_command_repeats_the_run() -> None:
    found = repeat_command(row("f:a b'; rm -rf /", "x", 7, limit=2.5, work=100))
    assert shlex.split(found) == [
        "python", "-m", "benchmarks", "repeat", "--instance", "f:a b'; rm -rf /", "--strategy",
        "x", "--seed", "7", "--seconds", "2.5", "--work", "100", "--workers", "1", "--memory",
        "2048",
    ]  # fmt: skip
    assert "--work " not in repeat_command(row())


def test_league_table_by_hand() -> None:
    rows = [
        row("f:a", "x", 0, objective=10, bound=10, seconds=1),
        row("f:a", "x", 1, objective=8, seconds=3),
        row("f:b", "x", 0, objective=20, seconds=5),
        row("f:a", "y", 0, objective=5, seconds=2),
        row("f:b", "y", 0, verdict="none", seconds=2),
        row("f:c", "y", 0, verdict="refused", reason="no"),
    ]
    study = Study(judge(rows, {}), Details("hand", strategies={"x": About("good", True)}))
    table = league_table(study)
    first, second = [
        dict(zip(table.columns, [cell.text for cell in line], strict=True)) for line in table.lines
    ]
    assert (first["strategy"], first["whose"], first["what it does"]) == ("x", "ours", "good")
    assert (first["instances"], first["runs"]) == ("2", "3")
    # On f:a the seeds' gaps are 0 and 20 %: 10 % their median; on f:b it has the best.
    assert (first["mean gap to best"], first["best reached"]) == ("5.00 %", "1")
    assert (first["proved"], first["median s"]) == ("1", "3.00")
    assert (first["average rank"], second["average rank"]) == ("1.00", "2.00")
    assert second["mean gap to best"] == "75.00 %"
    assert (second["no answer"], second["refused"], second["disqualified"]) == ("1", "1", "0")


def test_remarks_tell_what_is_left_out() -> None:
    rows = [row(f"f:{i}", name, objective=1) for i in range(4) for name in ("x", "y")]
    rows = [*rows[:-1], row("f:0", "z", objective=1, limit=5), row("f:9", "x", verdict="none")]
    notes = " ".join(Study(judge(rows, {}), Details("notes")).notes())
    assert "1 instance of which no value is known left out of the comparison: f:9." in notes
    assert "(less than half): z." in notes
    assert "leave out 1 instance of 4" in notes
    assert "under 2 different limits" in notes


def test_versions_of_the_code_are_mixed_only_within_a_strategy() -> None:
    """Strategies with libraries of their own have a version of their own."""

    def of(strategy: str, code: str, instance: str = "f:a") -> Row:
        one = row(instance, strategy, objective=1)
        return dataclasses.replace(one, key=dataclasses.replace(one.key, code=code))

    rows = [of("x", "a"), of("x", "a", "f:b"), of("leiden", "b"), of("leiden", "b", "f:b")]
    assert not Study(judge(rows, {}), Details("one")).notes()
    mixed = [*rows[:3], of("leiden", "c", "f:b")]
    (note,) = Study(judge(mixed, {}), Details("mixed")).notes()
    assert note == "Runs of different versions of the code are mixed: leiden."
