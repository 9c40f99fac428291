"""One strategy on one instance: in a process of its own, limited, watched, and refereed.

``play(key)`` starts the process and gives back a row, whatever becomes of it. Inside,
``python -m benchmarks.league.match`` builds the instance, lets the strategy run, and checks what it
answered. What disqualifies, each with its reason:

- a grouping, also one told on the way, that breaks a rule;
- a claimed objective that is not the grouping's value;
- a bound below the strategy's own answer (``judging`` sees bounds that others beat);
- more time than its limit and the grace; memory above its limit; a crash;
- a connection, at any time from the start of the process. It notices sockets of Python, whether or
  not the strategy survives that; it cannot see those of native code or of other programs. Sockets
  within the machine's own processes are no matter.

Of very many groupings told on the way the first and the last ones are looked at.

Before the clock starts, the strategy solves a few small problems, so that nobody is charged for
loading or compiling code (but for what only very large problems need).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.league.contract import Answer, Strategy
from benchmarks.league.rows import Answered, Key, Measured, Row
from benchmarks.measuring import cpu_seconds

PROJECT = Path(__file__).resolve().parent.parent.parent
#: A strategy may run over its limit by this share and these seconds.
GRACE_SHARE, GRACE_SECONDS = 0.1, 2.0
#: What a process may take beside the strategy's own time: imports, compiling, building, checking.
OVERHEAD_SECONDS = 300.0
#: A work limit says nothing about the clock; a run that takes so many times its seconds hangs.
PATIENCE = 10.0
#: Groupings told on the way of which the values are kept: the last ones count.
MOST_TOLD = 500
#: Work limit of each small solve before the clock starts.
WARMING_WORK = 50_000
#: Of Linux's prctl: the signal a process gets when its parent thread dies.
PR_SET_PDEATHSIG = 1
NETWORKS = (socket.AF_INET, socket.AF_INET6)


def play(key: Key) -> Row:
    """Run a strategy on an instance; never raises for what the strategy does."""
    load = round(os.getloadavg()[0], 2)
    begun = Measured(when=_now(), cores=len(os.sched_getaffinity(0)), load=load)
    with tempfile.TemporaryDirectory(prefix="league-") as folder:
        out = Path(folder) / "row.json"
        patience = OVERHEAD_SECONDS + (PATIENCE if key.work else 1.5) * key.seconds
        command = [sys.executable, "-m", "benchmarks.league.match", json.dumps(asdict(key)), out]
        with (Path(folder) / "errors").open("w+b") as errors:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=_environment(key.workers),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            try:
                code = process.wait(patience)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end_session(process)
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4_000))
            said = errors.read().decode("utf-8", "replace")
        found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    measured = replace(begun, **found.get("measured", {}))
    deterministic = bool(found.get("deterministic", False)) and key.work is not None
    if "answer" in found:
        return Row(key, Answered(**found["answer"]), measured, deterministic)
    why = _death(code, said, found.get("network", ""), key)
    if code is None:
        why = f"over time: ended after {patience:g} s"
    return Row(key, Answered("disqualified", why), measured, deterministic)


def _death(code: int | None, said: str, network: str, key: Key) -> str:
    if network:
        return f"opened a network connection: {network}"
    if "MemoryError" in said or "bad_alloc" in said:
        return f"out of memory (limit {key.memory_mb:,} MB)"
    last = said.strip().rpartition("\n")[2][:300]
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"died: {name}" + (f": {last}" if last else "")
    return f"died: exit code {code}" + (f": {last}" if last else "")


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Nothing that the strategy started stays behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(workers: int) -> dict[str, str]:
    """The strategy finds this project wherever it runs; random hashing and threads of linear
    algebra are no excuse.
    """
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    threads = {name: str(workers) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {**os.environ, **threads, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- inside the process -------------------------------------------------------------------------


class _Told:
    """Groupings a strategy tells on the way, with the time; looked at when it has ended."""

    def __init__(self) -> None:
        self.points: list[tuple[float, Any]] = []
        self.began = time.perf_counter()

    def __call__(self, grouping: Any) -> None:
        self.points.append((time.perf_counter() - self.began, grouping))
        if len(self.points) > 2 * MOST_TOLD:
            # The first answer stays, so that the time to it is known.
            self.points = [self.points[0], *self.points[-MOST_TOLD:]]


class _NetworkWatch:
    """Hears of every socket that Python makes; one to a network is refused and remembered."""

    def __init__(self, out: Path) -> None:
        self.seen, self._out = "", out
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.__new__" and arguments[1] in NETWORKS:
            self._refuse("a socket was made")
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            self._refuse(f"asked for the address of {arguments[0]!r}")

    def _refuse(self, what: str) -> None:
        if not self.seen:
            self.seen = what
            # Should the strategy not survive it, this is what is left.
            self._out.write_text(json.dumps({"network": what}), encoding="utf-8")
        raise PermissionError("strategies of the league have no network")


def _carry_out(key: Key, out: Path) -> None:
    """Build, run, check, and write what came of it."""
    from benchmarks.league.instances import load
    from solver import Limits

    network = _NetworkWatch(out)
    from benchmarks.league.strategies import all_strategies

    strategy = all_strategies()[key.strategy]
    why = strategy.unavailable()
    if why:
        _write(out, Answered("unavailable", why), Measured(), strategy)
        return
    instance = load(key.instance)
    limits = Limits(seconds=key.seconds, work=key.work, seed=key.seed, workers=key.workers)
    _warm(strategy, limits)
    looking = time.perf_counter()
    why = strategy.refuses(instance.problem)
    looking = time.perf_counter() - looking
    if why:
        _write(out, Answered("refused", why), Measured(), strategy)
        return
    _limit_memory(key.memory_mb)
    told, cpu = _Told(), cpu_seconds()
    answer = strategy.solve(instance.problem, limits, told)
    # Whoever solves while he looks whether the problem is of his sort pays for it.
    seconds = looking + time.perf_counter() - told.began
    measured = Measured(
        seconds=round(seconds, 4),
        cpu_seconds=round(cpu_seconds() - cpu, 4),
        peak_mb=round(_peak_mb(), 1),
    )
    _free_memory()
    answered, trace = referee(instance.problem, answer, told.points)
    over = key.seconds * (1 + GRACE_SHARE) + GRACE_SECONDS
    if network.seen:
        answered = Answered("disqualified", f"opened a network connection: {network.seen}")
    elif key.work is None and seconds > over:
        reason = f"over time: {seconds:.1f} s of {key.seconds:g} s"
        answered = replace(answered, verdict="disqualified", reason=reason)
    _write(out, answered, replace(measured, trace=trace), strategy)


def referee(
    problem: Any, answer: Any, told: Sequence[tuple[float, Any]]
) -> tuple[Answered, list[list[float]]]:
    """Check an answer and the groupings told on the way; the verdict, and value over time."""
    from solver import Grouping, verify

    if not isinstance(answer, Answer):
        return Answered("disqualified", f"gave no Answer but {type(answer).__name__}"), []
    values: list[int] = []
    trace: list[list[float]] = []
    for seconds, grouping in told:
        if not isinstance(grouping, Grouping):
            return Answered("disqualified", f"told no Grouping but {type(grouping).__name__}"), []
        verdict = verify(problem, grouping)
        if not verdict.feasible:
            return Answered("disqualified", f"told an infeasible grouping: {_first(verdict)}"), []
        if not values or verdict.objective > values[-1]:
            values.append(verdict.objective)
            trace.append([round(seconds, 4), verdict.objective])
    # What no text file can hold is replaced in a note.
    notes = [str(note).encode("utf-8", "replace").decode() for note in answer.notes]
    said: dict[str, Any] = {"notes": notes, "bound": answer.bound, "values": values}
    fault = _odd(answer)
    if fault:
        return Answered("disqualified", fault), trace
    if answer.grouping is None:
        if values:
            return Answered("disqualified", "told groupings and answered none", **said), trace
        verdict_ = "ok" if answer.infeasible else "none"
        return Answered(verdict_, infeasible=answer.infeasible, **said), trace
    if answer.infeasible:
        return Answered("disqualified", "says infeasible and gives a grouping", **said), trace
    verdict = verify(problem, answer.grouping)
    groups = [[group.kind, list(group.members)] for group in answer.grouping]
    if not verdict.feasible:
        return Answered("disqualified", f"infeasible: {_first(verdict)}", **said), trace
    value = verdict.objective
    if answer.objective is not None and answer.objective != value:
        reason = f"false objective: it claims {answer.objective}, its grouping is worth {value}"
        lie = Answered("disqualified", reason, objective=value, groups=groups, **said)
        return lie, trace
    found = Answered("ok", objective=value, groups=groups, **said)
    own = max([value, *values])
    if answer.bound is not None and answer.bound < own:
        reason = f"false bound: {answer.bound} is below its own answer, {own}"
        return replace(found, verdict="disqualified", reason=reason), trace
    return found, trace


def _first(verdict: Any) -> str:
    return str(verdict.violations[0])[:300]


def _odd(answer: Answer) -> str:
    """What in an answer is not of the type the contract says."""
    from solver import Grouping

    for name in ("objective", "bound"):
        value = getattr(answer, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            return f"its {name} is no int but {type(value).__name__}"
        if value is not None and abs(value) > 2**63:
            return f"its {name} is beyond the values that a problem can have"
    if answer.grouping is not None and not isinstance(answer.grouping, Grouping):
        return f"its grouping is no Grouping but {type(answer.grouping).__name__}"
    return ""


def _warm(strategy: Strategy, limits: Any) -> None:
    """Small problems of the shapes there are, so that code is loaded, and compiled to its end.

    By work: ours compile beside the clock where there is one, and a process that ends before that
    would leave no cache to the next.
    """
    from benchmarks.generators import register_problem, study_problem
    from solver.families import clique_partitioning

    def free(num_items: int) -> Any:
        pairs = [(i, j) for i in range(num_items) for j in range(i + 1, num_items)]
        values = [(7 * i + 11 * j) % 13 - 6 for i, j in pairs]
        return clique_partitioning(num_items, pairs, values)

    # The dense one is not reduced to what needs no search, nor is the larger free one, which takes
    # four times as much until it needs cuts.
    dense = study_problem(40, 30, 2, 0)
    few = (study_problem(40, 8, 2, 0), register_problem(40, 1, 1), dense, free(10))
    for small, work in (*((one, WARMING_WORK) for one in few), (free(40), 4 * WARMING_WORK)):
        if not strategy.refuses(small):
            strategy.solve(small, replace(limits, work=work), lambda _: None)


def _limit_memory(megabytes: int) -> None:
    """So much more than is in use of what a process may write to, touched or not (Linux)."""
    now = _status("VmData")
    if now is None:
        return
    # From here on the peak is the strategy's own, on top of what is loaded.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    most = now + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _status(name: str) -> int | None:
    """Bytes that Linux states of this process; ``None`` elsewhere."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    (line,) = [one for one in text.splitlines() if one.startswith(name + ":")]
    return int(line.split()[1]) * 1024


def _free_memory() -> None:
    """The referee is not limited."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _peak_mb() -> float:
    own = _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024) / 1e6


def _write(out: Path, answered: Answered, measured: Measured, strategy: Strategy) -> None:
    content = {
        "answer": asdict(answered),
        "deterministic": bool(strategy.deterministic),
        "measured": {
            name: value
            for name, value in asdict(measured).items()
            if name in ("seconds", "cpu_seconds", "peak_mb", "trace")
        },
    }
    unfinished = out.with_suffix(".part")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.rename(out)


def _die_with_the_runner() -> None:
    """On Linux the kernel ends this process when the thread that waits for it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _die_with_the_runner()
    _carry_out(Key(**json.loads(sys.argv[1])), Path(sys.argv[2]))
    # The row is on disk: threads that a strategy could not stop need not be waited for.
    os._exit(0)
