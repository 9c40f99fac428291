"""Events an observer receives while a solve runs, on the solving thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solver.grouping import Grouping


class EventKind(StrEnum):
    """What has changed."""

    INCUMBENT = "incumbent"
    BOUND = "bound"
    PHASE = "phase"


@dataclass(frozen=True, slots=True)
class Event:
    """What is known at one moment of a solve.

    Attributes
    ----------
    kind : what has changed.
    seconds : wall-clock seconds since the start.
    work : work units charged so far.
    objective, bound : best known so far, ``None`` where nothing is known.
    phase : name of the phase that is running.
    grouping : the new incumbent, for ``INCUMBENT`` events.
    """

    kind: EventKind
    seconds: float
    work: int
    objective: int | None
    bound: int | None
    phase: str
    grouping: Grouping | None = None


#: An observer may return ``False`` to stop the solve; any other value lets it go on.
Observer = Callable[[Event], object]
