"""The harness itself: what it measures, how it judges, what it writes. No test looks at seconds."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

import solver
from benchmarks import engine, measuring, reporting, suites
from benchmarks.cases import CASES, Case, Target, case_named, chosen
from benchmarks.instances import Published
from benchmarks.measuring import Measurement, Order, carry_out, first_within, gap_of, measure
from benchmarks.suites import Ran
from solver import Grouping, Result, Status


def instance(
    name: str = "a",
    best: str | None = "100",
    *,
    n: int = 50,
    optimal: bool = False,
    minimise: bool = False,
    grade: str = "A",
    family: str = "cpp/X",
    seconds: float | None = None,
) -> Published:
    known = None if best is None else Decimal(best)
    return Published(name, family, n, Path(name), known, optimal, grade, minimise, seconds)


def ran(
    about: Published,
    objective: int | None,
    bound: int | None = None,
    after: float = 1.0,
    **more: int,
) -> Ran:
    optimal = objective is not None and objective == bound
    found = Measurement(
        status="OPTIMAL" if optimal else "FEASIBLE",
        objective=objective,
        bound=bound,
        trace=[(after, after, objective, bound)],
        **more,  # type: ignore[arg-type]
    )
    return Ran(about, 60, found)


# -- judging ------------------------------------------------------------------------------------


def test_first_point_within_a_gap() -> None:
    trace = [(0.1, 0.1, 90, None), (0.2, 0.2, 90, 120), (0.3, 0.3, 100, 101), (0.4, 0.4, 101, 101)]
    assert first_within(trace, 0.25) == (0.2, 0.2, 90, 120)
    assert first_within(trace, 0.01) == (0.3, 0.3, 100, 101)
    assert first_within(trace, 0) == (0.4, 0.4, 101, 101)
    assert first_within(trace[:3], 0) is None
    assert gap_of(-10, 0) == 1.0


def row(found: Measurement, target: Target, *, leaves: bool = False) -> reporting.TargetRow:
    case = Case("c", "r", lambda: None, target, leaves=leaves)  # type: ignore[arg-type, return-value]
    return reporting.TargetRow(case, 60, found)


def test_a_target_is_met_by_gap_time_memory_and_a_right_answer() -> None:
    found = Measurement(objective=100, bound=101, trace=[(2.0, 1.0, 100, 101)], peak_mb=500)
    assert row(found, Target(0.01, 2)).passed
    assert not row(found, Target(0.01, 1.9)).passed
    assert not row(found, Target(0.001, 2)).passed
    assert not row(found, Target(0.01, 2, memory_gb=0.4)).passed
    assert reporting.TargetRow(row(found, Target(0.01, 1)).case, 60, found, by_work=True).passed
    found.fault = "infeasible"
    assert not row(found, Target(0.01, 2)).passed
    assert row(found, Target(0.01, 2)).remarks == ["FAULT: infeasible"]


def test_after_a_change_the_gap_before_is_the_target() -> None:
    found = Measurement(objective=100, bound=101, trace=[(0.5, 0.5, 100, 101)], first_gap=0.02)
    assert row(found, Target(0, 1), leaves=True).passed
    found.first_gap = 0.001
    assert not row(found, Target(0, 1), leaves=True).passed
    found.first_gap = None
    assert not row(found, Target(0, 1), leaves=True).passed


def test_an_overrun_of_the_time_limit_is_told() -> None:
    assert "above its limit" in row(Measurement(seconds=64.1), Target(0, 60)).remarks[0]
    assert not row(Measurement(seconds=63.9), Target(0, 60)).remarks


def test_published_values_are_reached_to_their_digits() -> None:
    about = instance(best="1342.17")
    assert ran(about, 134_217, scale=100).reached is not None
    assert ran(about, 13_421_699, scale=10_000).gap == 0
    assert ran(about, 13_421_600, scale=10_000).reached is None
    cost = instance(best="40", minimise=True)
    assert ran(cost, 60, offset=100).reached is not None
    assert ran(cost, 50, offset=100).gap == pytest.approx(0.25)


def test_clashes_with_published_values_are_faults() -> None:
    assert not ran(instance(), 100, 100).fault
    assert "excludes" in ran(instance(), 90, 99).fault
    assert not ran(instance(grade="W"), 90, 99).fault
    assert "better than the published optimum" in ran(instance(optimal=True), 101, 200).fault
    cost = instance(best="40", minimise=True, optimal=True)
    assert not ran(cost, 60, 60, offset=100).fault
    assert "excludes" in ran(cost, 55, 59, offset=100).fault
    assert "better" in ran(cost, 61, 80, offset=100).fault


def test_scores() -> None:
    small = [ran(instance(optimal=True), 100, after=9), ran(instance(optimal=True), 100, after=11)]
    other = [ran(instance(), 100), ran(instance(), 99)]
    (_, reached, small_met), (_, gaps, other_met) = suites.scored([*small, *other])
    assert (reached, small_met) == ("1 of 2", False)
    assert gaps.startswith("0.5000%, 1.0000%")
    assert not other_met
    assert suites.scored([ran(instance(), 101)])[0][2]
    assert suites.scored([ran(instance(), None)])[0][2] is False
    assert suites.proofs_scored([ran(instance(), 100, 100), ran(instance(), 100, 101)])[0][1] == (
        "1 of 2 (50%)"
    )
    assert suites.proofs_scored([ran(instance(family="mdgp/Geo"), 100)]) == []


def test_new_best_values_are_those_that_may_be_beaten() -> None:
    beaten = ran(instance(), 101)
    assert suites.new_best([beaten, ran(instance(), 100), ran(instance(optimal=True), 101)]) == [
        beaten
    ]


# -- choosing -----------------------------------------------------------------------------------


def test_time_limits_of_instances() -> None:
    assert suites.limit_of(instance(optimal=True, seconds=3600), 60) == 10
    assert suites.limit_of(instance(optimal=True, n=300, seconds=3600), 60) == 60
    assert suites.limit_of(instance(seconds=3), 60) == 3
    assert suites.limit_of(instance(), 600) == suites.DEFAULT_SECONDS


def test_a_sample_is_spread_over_sizes_in_each_family() -> None:
    pool = [instance(f"{n:02}", n=n) for n in range(10)]
    pool += [instance("m", n=5, family="mdgp/Geo")]
    assert [one.n for one in suites.sampled(pool, 2)] == [2, 7, 5]
    assert len(suites.sampled(pool, None)) == len(pool)
    assert len(suites.sampled(pool, 99)) == len(pool)
    fitted = suites.fitted(pool, lambda _: 30.0, 2)
    assert len(fitted) == 4
    assert len(suites.fitted(pool, lambda _: 30.0, 0.1)) == 2


def test_cases_are_named_once_and_chosen_by_row_or_word() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.row for case in chosen(["study", "huge"])} == {"study", "huge"}
    assert [case.name for case in chosen(["sample 60"])] == ["sample 60 firms"]
    assert chosen([]) == list(CASES)
    assert all(case_named(case.name) is case for case in CASES)


# -- measuring ----------------------------------------------------------------------------------


def test_a_measurement_of_one_case() -> None:
    found = carry_out(Order(case="sample 60 firms", seconds=5, work=True))
    assert found.fault == ""
    assert (found.n, found.kinds, found.resources) == (17, 5, 12)
    assert found.status == "OPTIMAL"
    assert found.trace[-1][2:] == (found.objective, found.bound)
    assert found.peak_mb > 10


def test_a_measurement_of_one_instance(tmp_path: Path) -> None:
    file = tmp_path / "x.dimacs"
    file.write_text("3\n1 2 5\n1 3 -4\n2 3 2\n")
    found = carry_out(Order(instance=("wce/random", str(file)), seconds=5, work=True))
    about = instance("x", "2", n=3, minimise=True, family="wce/random")
    assert Ran(about, 5, found).value == 2
    assert found.fault == ""


def test_an_item_leaves_a_solved_problem() -> None:
    found = carry_out(Order(case="sample 60 firms", seconds=5, work=True, leaves=True))
    assert (found.fault, found.first_gap, found.gap) == ("", 0, 0)
    assert found.objective == found.scratch[-1][2]


class Verdict:
    """What ``check_bound`` may say."""

    def __init__(self, *, confirmed: bool, bound: int = 2_456_052, better: object = None) -> None:
        self.confirmed, self.bound, self.better = confirmed, bound, better
        self.reason, self.work = "too long", 7


@pytest.mark.parametrize(
    ("verdict", "told", "fault"),
    [
        (Verdict(confirmed=True), "certificate confirmed in 7 steps", ""),
        (Verdict(confirmed=True, bound=9), "certificate of 9 confirmed in 7 steps", ""),
        (Verdict(confirmed=False), "certificate not confirmed: too long", ""),
        (Verdict(confirmed=False, better=Grouping()), "", "bound 2456052 is below a better"),
    ],
)
def test_certificates_are_told(
    verdict: Verdict, told: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver, "check_bound", lambda *_: verdict, raising=False)
    found = Measurement()
    measuring.certify(None, Result(Status.OPTIMAL, None, 0, 2_456_052, "", "", 0, 0), found)
    assert not found.certificate
    result = Result(Status.OPTIMAL, None, 0, 2_456_052, "", "", 0, 0, certificate=object())
    measuring.certify(None, result, found)
    assert found.certificate == told
    assert fault in found.fault


def test_a_crash_is_a_fault_of_its_row() -> None:
    fault = measure(Order(case="no such case", work=True)).fault
    assert re.match(r"exit code 1: KeyError: 'no such case' \(.*cases\.py:\d+\)$", fault)


# -- writing ------------------------------------------------------------------------------------


def test_report_names_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Measurement(n=3, objective=5, bound=5, status="OPTIMAL", trace=[(0.1, 0.1, 5, 5)])
    monkeypatch.setattr(engine, "measure", lambda _: found)
    monkeypatch.setattr(engine, "compile_kernels", lambda *_: Measurement())
    path = tmp_path / "results.md"
    assert engine.main(["targets", "--only", "sample 60", "-o", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "`python -m benchmarks.engine targets --only 'sample 60' -o results.md`" in text
    assert re.search(r"^Commit \w+", text, re.MULTILINE)
    assert "| sample 60 firms | 3 |" in text


def test_report_of_instances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wce").mkdir()
    (tmp_path / "wce" / "best_known.csv").write_text(
        "instance,family,n,best_known,is_optimal,paper_time_s,sense,grade,note,file\n"
        "x,wce/random,3,3,,,min cost,A-,,wce/x.dimacs\n"
    )
    (tmp_path / "wce" / "x.dimacs").write_text("3\n1 2 5\n1 3 -4\n2 3 2\n")
    monkeypatch.setattr(engine, "measure", carry_out)
    monkeypatch.setattr(engine, "compile_kernels", lambda *_: Measurement())
    path = tmp_path / "results.md"
    arguments = ["--instances", str(tmp_path), "--seconds", "5", "--work", "-o", str(path)]
    assert engine.main(["instances", *arguments]) == 0
    text = path.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "Better than published, verified:\n\n- wce/random/x: 2, published 3" in text
    assert engine.main(["proofs", *arguments]) == 0


def test_no_instances_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine.main(["instances", "--instances", str(tmp_path)]) == 2
    assert "no published instances" in capsys.readouterr().err
