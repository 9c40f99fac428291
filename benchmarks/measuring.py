"""Measure one solve in a process of its own: wall and CPU seconds, peak memory, a checked answer.

``python -m benchmarks.measuring ORDER`` reads an order as JSON and writes a measurement as JSON;
``measure`` runs it so. A process of its own gives a true peak of memory, and a crash, or memory
that runs out, costs one case only. Before the clock starts, a small problem of the same shape is
solved, so that loading compiled kernels is not counted; how long that took is kept as well.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
#: Time a process may take beyond its time limits, for building and checking, before it is ended.
PATIENCE_SECONDS = 600.0
#: Time limit of the small solve that loads the kernels, once they are compiled.
LOADING_SECONDS = 3.0
#: Time limit of the first small solve of all, which compiles them.
COMPILING_SECONDS = 120.0


#: Seconds and CPU seconds since a solve began, objective and bound.
Point = tuple[float, float, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to solve and how.

    Attributes
    ----------
    case : name of a case, or "" where ``instance`` is given.
    instance : [family, path] of a published instance, or ``None``.
    seconds, workers, seed, strategy : of the solve.
    work : limit by deterministic work of as many seconds (at a microsecond a unit) instead of by
        the clock: the same on a busy machine, and one worker.
    leaves : let one grouped item leave a solved problem and measure the second solve.
    certify : have the bound's certificate confirmed by plain re-pricing, where there is one.
    """

    case: str = ""
    instance: tuple[str, str] | None = None
    seconds: float = 60.0
    workers: int = 2
    seed: int = 0
    strategy: str = "auto"
    work: bool = False
    leaves: bool = False
    certify: bool = False


@dataclass(slots=True)
class Measurement:
    """What one solve gave.

    Attributes
    ----------
    n, kinds, resources, pairs : sizes of the problem.
    status, objective, bound, stopped_by : of the result.
    seconds, cpu_seconds : of the solve (CPU of all its threads and processes).
    loading_seconds, loading_cpu_seconds : of the small solve before.
    build_seconds, peak_mb : of making the problem, and the process's peak of memory.
    trace : a point whenever objective or bound changed.
    scale, offset : how ``objective`` becomes a published value (see ``instances.Read``).
    first_gap, scratch : where an item left: the gap before, and the trace of a solve that
        knows nothing of the one before.
    certificate : what became of the check of the bound; "" where none was made.
    notes : what the strategy noted.
    fault : what is wrong with the answer or the run; "" if nothing is.
    """

    n: int = 0
    kinds: int = 0
    resources: int = 0
    pairs: int = 0
    status: str = ""
    objective: int | None = None
    bound: int | None = None
    stopped_by: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    loading_seconds: float = 0.0
    loading_cpu_seconds: float = 0.0
    build_seconds: float = 0.0
    peak_mb: float = 0.0
    trace: list[Point] = field(default_factory=list)
    scale: int = 1
    offset: int | None = None
    first_gap: float | None = None
    scratch: list[Point] = field(default_factory=list)
    certificate: str = ""
    notes: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def gap(self) -> float | None:
        """Relative gap at the end; ``None`` without a bound."""
        return gap_of(self.objective, self.bound)


def gap_of(objective: int | None, bound: int | None) -> float | None:
    """(bound - objective) / max(|bound|, |objective|, 1), as ``Result.gap``."""
    if objective is None or bound is None:
        return None
    return (bound - objective) / max(abs(bound), abs(objective), 1)


def first_within(trace: list[Point], wanted: float) -> Point | None:
    """The first point with no larger gap; ``None`` where there is none."""
    for point in trace:
        gap = gap_of(point[2], point[3])
        if gap is not None and gap <= wanted:
            return point
    return None


def within_seconds(point: Point | None, seconds: float, by_work: bool) -> bool:
    """Whether a point was reached in time: by the clock, or in CPU seconds if limited by work."""
    return point is not None and (point[1] if by_work else point[0]) <= seconds


# -- from outside ---------------------------------------------------------------------------------


def measure(order: Order) -> Measurement:
    """Carry out an order in a process of its own; a crash or a hang is a fault of its row."""
    solves = 3 if order.leaves else 1
    # Work takes as long as it takes where the machine is busy.
    patience = PATIENCE_SECONDS + (10 if order.work else 1) * solves * order.seconds
    command = [sys.executable, "-m", "benchmarks.measuring", json.dumps(asdict(order))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=PROJECT, timeout=patience
        )
    except subprocess.TimeoutExpired:
        return Measurement(fault=f"ended after {patience:g} s: it hung")
    last = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        return Measurement(fault=f"exit code {done.returncode}: {_why(done.stderr)}")
    return Measurement(**json.loads(last))


def _why(errors: str) -> str:
    """The message of a crash and its innermost places, without folders."""
    message = errors.rstrip().rpartition("\n")[2] or "no message"
    places = re.findall(r'^ *File "([^"]+)", line (\d+)', errors, re.MULTILINE)[-4:]
    where = " > ".join(f"{Path(file).name}:{line}" for file, line in places)
    return f"{message} ({where})" if where else message


def compile_kernels(workers: int, strategy: str = "auto") -> Measurement:
    """A first small solve in a process of its own, which compiles what is not cached."""
    order = Order(case="", seconds=COMPILING_SECONDS, workers=workers, strategy=strategy)
    return measure(order)


# -- inside ---------------------------------------------------------------------------------------


def carry_out(order: Order) -> Measurement:
    """Solve in this process and check the answer."""
    from solver import Limits, solve

    found = Measurement()
    work = int(order.seconds * 1_000_000) if order.work else None
    limits = Limits(seconds=order.seconds, work=work, workers=order.workers, seed=order.seed)
    compiling = not order.case and order.instance is None
    clock, began = _Clock(), time.perf_counter()
    _load(order, COMPILING_SECONDS if compiling else LOADING_SECONDS)
    found.loading_seconds = time.perf_counter() - began
    found.loading_cpu_seconds = clock.elapsed
    if compiling:
        return found
    began = time.perf_counter()
    problem = _problem(order, found)
    found.build_seconds = time.perf_counter() - began
    found.n, found.kinds = problem.num_items, problem.num_kinds
    found.resources, found.pairs = problem.num_resources, problem.num_pairs
    more: dict[str, Any] = {}
    if order.leaves:
        first = solve(problem, limits, order.strategy)
        found.first_gap = first.gap
        problem, more = _after_one_left(problem, first)
        clock = _Clock()
        solve(problem, limits, order.strategy, observer=clock)
        found.scratch = clock.trace
    clock = _Clock()
    result = solve(problem, limits, order.strategy, observer=clock, **more)
    found.cpu_seconds, found.trace = clock.elapsed, clock.trace
    found.status, found.stopped_by = str(result.status), result.stopped_by
    found.objective, found.bound = result.objective, result.bound
    found.seconds = result.seconds
    found.notes = list(result.notes)
    found.peak_mb = _peak_mb()
    found.fault = _fault(problem, result)
    if order.certify and not found.fault:
        certify(problem, result, found)
    return found


def _problem(order: Order, found: Measurement) -> Any:
    if order.instance is None:
        from benchmarks.cases import case_named

        return case_named(order.case).build()
    from benchmarks.instances import read_as

    family, path = order.instance
    read = read_as(family, Path(path))
    found.scale, found.offset = read.scale, read.offset
    return read.problem


def _load(order: Order, seconds: float) -> None:
    """Solve small problems of both shapes, so that compiled kernels are loaded."""
    from benchmarks.generators import register_problem, study_problem
    from solver import Limits, solve
    from solver.families import clique_partitioning

    limits = Limits(seconds=seconds, workers=order.workers)
    if order.instance is None:
        solve(study_problem(80, 8, 2, 0), limits, order.strategy)
        solve(register_problem(60, 1, 1), limits, order.strategy)
    if order.instance is not None or not order.case:
        n = 16
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        values = [(7 * i + 11 * j) % 13 - 6 for i, j in pairs]
        solve(clique_partitioning(n, pairs, values), limits, order.strategy)


def _after_one_left(problem: Any, first: Any) -> tuple[Any, dict[str, Any]]:
    """The problem without the first grouped item, and what a second solve may take from the first.

    The item stays in the numbering, eligible for nothing, so that no item map is due.
    """
    from benchmarks.generators import without_item

    grouped = first.grouping.items if first.grouping is not None else ()
    left = without_item(problem, grouped[0] if grouped else 0)
    return left, {"start": first.grouping, "reuse": first}


def _fault(problem: Any, result: Any) -> str:
    """What is wrong with a result, by the plain specification; "" if nothing is."""
    from solver import Status, verify

    if result.grouping is None:
        return "" if result.status in (Status.UNKNOWN, Status.INFEASIBLE) else "no grouping"
    verdict = verify(problem, result.grouping)
    if not verdict.feasible:
        return f"infeasible: {verdict.violations[0]}"
    if verdict.objective != result.objective:
        return f"worth {verdict.objective}, not {result.objective}"
    if result.bound is not None and result.bound < result.objective:
        return f"bound {result.bound} is below the answer {result.objective}"
    if (result.status is Status.OPTIMAL) != (result.bound == result.objective):
        return f"{result.status} with bound {result.bound}, objective {result.objective}"
    return ""


def certify(problem: Any, result: Any, found: Measurement) -> None:
    """Have the certificate checked; one that claims too much is a fault."""
    import solver

    check = getattr(solver, "check_bound", None)
    if check is None or result.certificate is None:
        return
    verdict = check(problem, result.certificate)
    if verdict.better is not None:
        found.fault = f"the certificate's bound {verdict.bound} is below a better grouping"
    elif verdict.confirmed:
        same = "" if verdict.bound == result.bound else f" of {verdict.bound:,}"
        found.certificate = f"certificate{same} confirmed in {verdict.work:,} steps"
    else:
        found.certificate = f"certificate not confirmed: {verdict.reason}"


class _Clock:
    """An observer that notes when objective or bound change, also in CPU seconds."""

    def __init__(self) -> None:
        self._began = cpu_seconds()
        self.trace: list[Point] = []

    @property
    def elapsed(self) -> float:
        return cpu_seconds() - self._began

    def __call__(self, event: Any) -> None:
        known = (event.objective, event.bound)
        if not self.trace or self.trace[-1][2:] != known:
            self.trace.append((round(event.seconds, 3), round(self.elapsed, 3), *known))


def cpu_seconds() -> float:
    """CPU seconds of this process and of the processes it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mb() -> float:
    """Peak resident memory of this process, or of its largest child, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) * unit / 1e6


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given.get("instance") is not None:
        given["instance"] = tuple(given["instance"])
    sys.stdout.write("\n" + json.dumps(asdict(carry_out(Order(**given)))) + "\n")
