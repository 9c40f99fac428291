"""What a strategy of the league is: the face that our own and everybody else's share.

A strategy is a class without arguments, registered under the entry point group
``grouping_strategies`` or in ``benchmarks.league.strategies``. It runs in a process of its own,
with a limit of time and of memory, and without a network. Everything it answers is checked:

- the grouping by ``solver.verify`` (a grouping that breaks a rule disqualifies it here),
- the objective it claims (it must be that grouping's value),
- its bound (no strategy's verified answer may be above it),
- the time it took.

A disqualification is for one instance, with its reason; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from solver import Grouping, GroupingProblem, Limits

#: Entry point group under which a package of its own registers strategies.
ENTRY_POINTS = "grouping_strategies"

#: Tell a grouping that is better than those before, for the curve of value over time. It costs next
#: to nothing: what is told is checked after the strategy has ended.
Report = Callable[[Grouping], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a strategy gives back.

    Attributes
    ----------
    grouping : its best grouping; ``None`` where it found none that keeps the rules.
    objective : the value it claims for it; ``None`` leaves counting to the referee.
    bound : an upper bound on the value of every feasible grouping that it has proved; ``None``
        where it proves none. Equal to the objective it says "optimal".
    infeasible : it has proved that no grouping keeps the rules.
    notes : what a reader of the row should know.
    """

    grouping: Grouping | None
    objective: int | None = None
    bound: int | None = None
    infeasible: bool = False
    notes: tuple[str, ...] = field(default=())


@runtime_checkable
class Strategy(Protocol):
    """A grouping strategy.

    Attributes
    ----------
    name : unique in the league, lower case, e.g. ``spectral``.
    about : one line for the report: what it does, and after whom.
    deterministic : with ``limits.work`` set, the same problem, seed and work give the same answer.
    """

    name: str
    about: str
    deterministic: bool

    def unavailable(self) -> str:
        """Why it cannot run on this machine ("needs the package igraph"); "" where it can."""
        ...

    def refuses(self, problem: GroupingProblem) -> str:
        """Why this problem is not of its sort ("needs sizes above 1"); "" where it takes it.

        Such a run is not counted. Size is no reason, for that would leave out its failures: who
        finds a problem too large answers with what it has, and a note.
        """
        ...

    def solve(self, problem: GroupingProblem, limits: Limits, report: Report) -> Answer:
        """Group the items, within the limits.

        With ``limits.work`` set, the clock must not decide anything: the strategy ends after that
        many units of its own (about a microsecond each; steps, proposals, deterministic time).
        Otherwise it returns before ``limits.seconds`` are over. ``limits.seed`` seeds all chance;
        ``limits.effective_workers`` is how many threads it may use.
        """
        ...
