"""Errors of the consortium package: one base class; every fault is collected before raising."""

from __future__ import annotations

from dataclasses import dataclass


class ConsortiumError(Exception):
    """Base class of every error this package raises."""


@dataclass(frozen=True, slots=True)
class InputFault:
    """One thing wrong with an input file, with its place and the remedy.

    Attributes
    ----------
    source : file (its name as the user gave it), or the name of an option.
    sheet : sheet of a workbook, or ``None``.
    row : row number as the user's program shows it (the header is row 1), or ``None``.
    column : column header or TOML key, or ``None``.
    value : the value seen, shortened, or ``None``.
    message : what is wrong and what to do.
    """

    source: str
    message: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = [self.source]
        if self.sheet is not None:
            place.append(f"sheet {self.sheet}")
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        seen = "" if self.value is None else f" {self.value!r}"
        return f"{', '.join(place)}:{seen} {self.message}"


class InputError(ConsortiumError, ValueError):
    """The input cannot be used. ``faults`` lists everything that is wrong with it."""

    def __init__(self, faults: list[InputFault]) -> None:
        self.faults: tuple[InputFault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


class OutputError(ConsortiumError, OSError):
    """A result could not be written; nothing partial was left behind."""


class PlanDefect(ConsortiumError):
    """The plan and the domain's own arithmetic disagree: a defect of ours, never a wrong plan."""


class NoPlan(ConsortiumError):
    """No plan meets the rules. ``conflict`` names the rules that cannot hold together.

    Attributes
    ----------
    proved : whether it is proved that no plan exists (else the solve stopped without one).
    conflict : sentences naming a smallest contradictory set of rules.
    """

    def __init__(self, message: str, proved: bool, conflict: tuple[str, ...] = ()) -> None:
        self.proved, self.conflict = proved, conflict
        super().__init__("\n".join([message, *(f"  - {rule}" for rule in conflict)]))
