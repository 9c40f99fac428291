"""Every strategy of the league: ours, the rivals, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from benchmarks.league.contract import ENTRY_POINTS, Answer, Report, Strategy
from benchmarks.league.rivals import rivals
from solver import Event, GroupingProblem, Limits, solve, strategies

#: Ours that take every problem, and what they are. ``partition`` and ``enumerate`` are made for
#: some problems only, and ``auto`` takes them where they are the best.
OURS = {
    "auto": "ours: looks at the problem and its size, and takes the best of the others",
    "exact": "ours: one CP-SAT model on representatives",
    "columns": "ours: column generation over groups, with a proved bound",
    "search": "ours: compiled annealing over moves of items and groups, with recombination",
    "greedy": "ours, as a baseline: the best group first, grown item by item",
    "louvain": "ours, as a baseline: Louvain communities cut into groups",
    "random": "ours, as a baseline: the best of many random groupings that keep the rules",
    "enumerate": "ours: all groups enumerated, then the best set of them",
    "partition": "ours: free grouping by pair values only, proved by cutting planes",
}
#: What belongs to the league itself; the others of ours enter by ``Ours(name)``.
IN_LEAGUE = ("auto", "exact", "columns", "search", "greedy", "louvain", "random")


class PlugInError(Exception):
    """A package's strategy cannot take part."""


class Ours:
    """One of the solver's own strategies.

    Parameters
    ----------
    name : of the strategy, as ``solver.solve`` knows it.
    """

    deterministic = True

    def __init__(self, name: str) -> None:
        if name not in strategies():
            raise ValueError(f"the solver has no strategy {name!r}")
        self.name = name
        self.about = OURS.get(name, f"ours: {name}")

    def unavailable(self) -> str:
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        """``partition`` is the one that can say so beforehand; others say so in a note."""
        if self.name == "partition":
            from solver.partitioning import applies

            if not applies(problem):
                return "needs a free grouping, where nothing but pair values bears on the groups"
        return ""

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        def observe(event: Event) -> None:
            if event.grouping is not None:
                report(event.grouping)

        result = solve(problem, limits, self.name, observer=observe)
        infeasible = result.status == "INFEASIBLE"
        return Answer(result.grouping, result.objective, result.bound, infeasible, result.notes)


def all_strategies() -> dict[str, Strategy]:
    """Every strategy by name, whether or not it can run here.

    Raises
    ------
    PlugInError
        If a package's strategy cannot be loaded, is none, or has a name that is taken; it names
        the package.
    """
    own: list[Strategy] = [*(Ours(name) for name in IN_LEAGUE), *rivals()]
    found = {strategy.name: strategy for strategy in own}
    if len(found) < len(own):
        raise ValueError("two strategies of the league have one name")
    for point in sorted(plug_ins(), key=lambda p: (p.name, p.value)):
        whose = f"strategy {point.name!r} of the package {_package(point)}"
        strategy = _loaded(point, whose)
        if strategy.name in found:
            raise PlugInError(f"{whose}: the name {strategy.name!r} is taken")
        found[strategy.name] = strategy
    return found


def plug_ins() -> Iterable[EntryPoint]:
    """Entry points of packages that register strategies."""
    return entry_points(group=ENTRY_POINTS)


def _package(point: EntryPoint) -> str:
    return "(unknown)" if point.dist is None else point.dist.name


def _loaded(point: EntryPoint, whose: str) -> Strategy:
    try:
        strategy = point.load()()
    except Exception as error:
        raise PlugInError(f"{whose} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(strategy, Strategy):
        raise PlugInError(f"{whose} is no strategy: see benchmarks.league.contract")
    return strategy
