"""Errors of the solver package: one base class, every fault collected before raising."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class SolverError(Exception):
    """Base class of every error this package raises."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the arguments of a ``GroupingProblem`` or ``Limits``.

    Attributes
    ----------
    field : name of the argument.
    index : position inside the argument (``None`` when the whole argument is meant).
    value : the value seen.
    message : what is wrong and what to do.
    """

    field: str
    index: tuple[int, ...] | None
    value: Any
    message: str

    def __str__(self) -> str:
        place = self.field
        if self.index is not None:
            place += "[" + ", ".join(str(i) for i in self.index) + "]"
        seen = repr(self.value)
        if len(seen) > 80:
            seen = seen[:77] + "..."
        return f"{place} = {seen}: {self.message}"


class InvalidProblem(SolverError, ValueError):
    """The arguments do not describe a problem. ``faults`` lists everything that is wrong."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"{len(faults)} fault(s) in the problem:\n{lines}")


class InvalidLimits(SolverError, ValueError):
    """The limits of a solve make no sense."""


class UnknownStrategy(SolverError, ValueError):
    """No strategy is registered under the name asked for."""


class SolverDisagreement(SolverError):
    """A strategy's claim and the independent check differ: a defect of ours, never a wrong plan."""


class ModelTooLarge(SolverError):
    """A model was sized before it was built and is above what the method may use."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        self.what, self.size, self.limit = what, size, limit
        super().__init__(f"{what}: {size} is above the limit of {limit}")
