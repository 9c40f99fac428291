"""What a solve returns: never a number that is not proved or measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solver.certificate import Certificate
    from solver.grouping import Grouping


class Status(StrEnum):
    """What is known at the end of a solve."""

    OPTIMAL = "OPTIMAL"  #: the objective equals a proved bound
    FEASIBLE = "FEASIBLE"  #: a verified grouping, not proved best
    INFEASIBLE = "INFEASIBLE"  #: proved: no grouping meets every rule
    UNKNOWN = "UNKNOWN"  #: stopped with neither


@dataclass(frozen=True, slots=True)
class TracePoint:
    """One change of what is known.

    Attributes
    ----------
    seconds : wall-clock seconds since the solve began.
    work : work units charged so far.
    objective : value of the best grouping, or ``None``.
    bound : best proved upper bound, or ``None``.
    """

    seconds: float
    work: int
    objective: int | None
    bound: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of ``solve``.

    Attributes
    ----------
    status : see ``Status``.
    grouping : the best grouping found (it passed ``verify``), or ``None``.
    objective : its total value, or ``None``.
    bound : proved upper bound on any feasible grouping's value, or ``None`` where none is proved.
    stopped_by : "optimal", "infeasible", "gap", "seconds", "work", "observer", "interrupt", or
        "exhausted" (the strategy has no more to try).
    strategy : name of the strategy asked for.
    trace : the changes of (seconds, work, objective, bound), in order.
    certificate : proof of the bound for ``check_bound``, where the strategy makes any; ``None``
        otherwise.
    notes : what the strategy did that a reader should know (a method that stepped back, and why).
    reuse : what ``solve(..., reuse=result)`` takes from here after a small change; opaque.
    """

    status: Status
    grouping: Grouping | None
    objective: int | None
    bound: int | None
    stopped_by: str
    strategy: str
    seconds: float
    work: int
    trace: tuple[TracePoint, ...] = ()
    certificate: Certificate | None = None
    notes: tuple[str, ...] = field(default=())
    reuse: Any = field(default=None, repr=False, compare=False)

    @property
    def gap(self) -> float | None:
        """(bound - objective) / max(|bound|, |objective|, 1); ``None`` without both."""
        return relative_gap(self.objective, self.bound)


def relative_gap(objective: int | None, bound: int | None) -> float | None:
    """Relative gap (see ``Limits.gap``); ``None`` unless both numbers are known."""
    if objective is None or bound is None:
        return None
    return (bound - objective) / max(abs(bound), abs(objective), 1)
