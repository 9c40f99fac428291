"""Running a suite: resumed after kills, on Dask, and never twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from benchmarks.league import kept, runner
from benchmarks.league.judging import Known
from benchmarks.league.rows import Answered, Key, Measured, Row, Table, read_rows
from benchmarks.league.suites import Suite

ROOT = Path(__file__).parents[2]
SUITE = """
title = "Killed"
seconds = 20.0
work = 30_000
strategies = ["columns", "greedy", "search"]
seeds = [0, 1]

[[block]]
instances = ["free:12,20,{0..1}", "trap:6,3", "coalitions:ndcs,5,0"]
"""


def league(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finished(*arguments: object) -> tuple[int, str, str]:
    process = league(*arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out.decode(), err.decode()


def fixed_rows(folder: Path) -> list[str]:
    rows = list(read_rows(folder / kept.ROWS))
    assert all(row.deterministic for row in rows)
    assert len({row.key for row in rows}) == len(rows)
    return sorted(row.fixed() for row in rows)


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / "killed.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(suite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    code, out, err = finished("run", suite_file, "--workers", 2, "-o", folder)
    assert code == 0, err
    assert "columns" in out
    assert "24 runs to go; " in err
    rows = fixed_rows(folder)
    assert len(rows) == 24
    return rows


@pytest.mark.slow
def test_killed_twenty_times_and_resumed(
    suite_file: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    """SIGKILL at random moments; what is left is gone on with, and the rows are the same."""
    moments = random.Random(5)
    kills = 0
    for _ in range(60):
        process = league("run", suite_file, "--resume", "--workers", 2, "-o", tmp_path)
        try:
            process.wait(moments.uniform(1.0, 5.0) if kills < 20 else 300)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        if process.returncode == 0:
            if kills >= 20:
                break
            # Ended before it was killed often enough: half of the rows are taken away again.
            path = tmp_path / kept.ROWS
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert kills == 20
    assert fixed_rows(tmp_path) == undisturbed


@pytest.mark.slow
def test_nothing_is_run_twice_and_nothing_over_a_run(
    suite_file: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert finished("run", suite_file, "-o", folder, "--workers", 2)[0] == 0
    before = (folder / kept.ROWS).read_bytes()
    code, _, err = finished("run", suite_file, "-o", folder)
    assert code == 2
    assert "--resume" in err
    code, _, err = finished("run", suite_file, "-o", folder, "--resume")
    assert code == 0
    assert "1/24" not in err
    assert "0 runs to go; 0 min 00 s" in err
    assert (folder / kept.ROWS).read_bytes() == before
    assert fixed_rows(folder) == undisturbed


DASK = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                      host="127.0.0.1") as cluster:
        print(cluster.scheduler_address, flush=True)
        print(*[nanny.pid for nanny in cluster.workers.values()], flush=True)
        sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 1])
def test_two_dask_workers_give_the_same_rows(
    suite_file: Path, undisturbed: list[str], tmp_path: Path, kills: int
) -> None:
    """Also when one of them is killed in mid-run: nothing is lost, nothing is there twice."""
    pytest.importorskip("distributed")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    script = tmp_path / "cluster.py"
    script.write_text(DASK, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        pids = [int(word) for word in cluster.stdout.readline().split()]
        assert len(pids) == 2
        folder = tmp_path / "run"
        process = league("run", suite_file, "--cluster", address, "-o", folder)
        if kills:
            rows = folder / kept.ROWS
            while process.poll() is None and not (rows.exists() and rows.stat().st_size):
                time.sleep(0.1)
            os.kill(pids[0], signal.SIGKILL)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err.decode()
        cluster.communicate("", timeout=60)
    assert fixed_rows(folder) == undisturbed


def test_no_cluster_there(suite_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    code, _, err = finished("run", suite_file, "--cluster", "tcp://127.0.0.1:9", "-o", tmp_path)
    assert code == 2
    assert "127.0.0.1:9" in err


@pytest.mark.parametrize("address", ["nonsense://", "tcp://", "tcp://x:y", "x"])
def test_no_address_of_a_cluster(suite_file: Path, tmp_path: Path, address: str) -> None:
    """It ends at once, and by itself."""
    pytest.importorskip("distributed")
    code, _, err = finished("run", suite_file, "--cluster", address, "-o", tmp_path)
    assert code == 2
    assert f"{address} is no address of a scheduler" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("tolerance", ["inf", "nan", "1.01", "-0.1"])
def test_tolerance_of_a_comparison_is_a_share(tolerance: str) -> None:
    """With an infinite one nothing could be worse."""
    code, _, err = finished("compare", "before", "now", "--tolerance", tolerance)
    assert code == 2
    assert "--tolerance" in err


# -- without processes --------------------------------------------------------------------------


class AtOnce(Executor):
    """Runs what it is given at once; counts it."""

    def __init__(self) -> None:
        self.given: list[Key] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        (key,) = args
        self.given.append(key)
        future: Future[Any] = Future()
        future.set_result(
            Row(key, Answered("ok", objective=1), Measured(seconds=key.seconds), False)
        )
        return future


def suite_of(*strategies: str) -> Suite:
    keys = [
        Key(f"free:5,3,{at}", name, 0, 2.0, None, 100, 1, "c")
        for at in range(3)
        for name in strategies
    ]
    return Suite("s", "S", tuple(keys))


def test_only_what_is_missing_is_run(tmp_path: Path) -> None:
    executor, heard = AtOnce(), []
    with Table(tmp_path / kept.ROWS) as table:
        runner.run(suite_of("a"), table, executor, 2)
        assert len(executor.given) == 3
        progress = runner.run(
            suite_of("a", "b"), table, executor, 2, lambda row, _: heard.append(row)
        )
        assert [key.strategy for key in executor.given] == ["a"] * 3 + ["b"] * 3
        assert progress.done == progress.total == 6
        assert progress.seconds_left == 0
    assert [row.key.strategy for row in heard] == ["b"] * 3


def test_time_left_is_of_the_same_strategies() -> None:
    waiting = list(suite_of("fast", "slow").keys)
    progress = runner.Progress(6, 0, 2, waiting)
    assert progress.seconds_left is None
    progress.took["fast"] += [0.25, 0.75]
    progress.took["slow"] += [2.0]
    # Three runs of 2 s each: at a half and at twice their limit; two at a time.
    assert progress.seconds_left == pytest.approx((3 * 2 * 0.5 + 3 * 2 * 2.0) / 2)


def test_facts_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = kept.keep_facts(tmp_path, ("trap:5,2", "free:5,3,0"), "c")
    assert facts["trap:5,2"].known == Known(5 * (2 + 5 - 3), True, "CP-Lib's am-n-a")
    assert facts["free:5,3,0"].items == 5
    with monkeypatch.context() as patched:
        patched.setattr(kept, "load", None)
        assert kept.keep_facts(tmp_path, ("trap:5,2",), "c") == facts
    assert kept.facts_in(tmp_path / kept.INSTANCES) == facts
    # Other code may make other problems of the same names.
    assert set(kept.keep_facts(tmp_path, ("trap:5,2",), "d")) == {"trap:5,2"}


def test_a_worker_with_other_code_is_refused() -> None:
    (key, *_) = suite_of("greedy").keys
    with pytest.raises(RuntimeError, match="has the code"):
        runner.play_same_code(key)


class Interrupted(AtOnce):
    """Ctrl-C comes while two runs are under way; one of them ends well afterwards."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args)
        if len(self.given) == 2:
            raise KeyboardInterrupt
        return future


def test_what_runs_at_ctrl_c_is_kept(tmp_path: Path) -> None:
    with Table(tmp_path / kept.ROWS) as table, pytest.raises(KeyboardInterrupt):
        runner.run(suite_of("a"), table, Interrupted(), 2)
    assert len(list(read_rows(tmp_path / kept.ROWS))) == 1


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", "null", "3", '{"a": 3}', '{"a": {}}', "[" * 100_000, '{"a": NaN}']
)
def test_what_is_kept_is_read_strictly(tmp_path: Path, text: str) -> None:
    """Anything else than ours is named by its file, and no traceback."""
    for name, read in ((kept.INSTANCES, kept.facts_in), (kept.RUN, kept.details_in)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=name):
            read(tmp_path / name)


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    kept.write_whole(tmp_path / "a", "x")
    assert (tmp_path / "a").read_text() == "x"
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="no file"):
        kept.write_whole(tmp_path / "b", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
