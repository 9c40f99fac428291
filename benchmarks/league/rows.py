"""The table of results: one JSON line a run, appended, never changed.

A row has three parts::

    key       instance, strategy, seed, seconds, work, memory_mb, workers, code
    answer    what the strategy answered, and the referee's verdict: the same every time for a
              deterministic strategy limited by work
    measured  seconds, memory, the curve of values over time: different every time

Two rows with the same key are runs of the same thing; the first one stands. A line is written with
one call and forced to the disk, so that a run killed at any moment leaves whole lines, and at
most one torn at the end, which is cut off when the table is opened again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

#: What became of a run. "ok": a grouping that keeps the rules, or a proof that there is none.
#: "none": no grouping was found. "disqualified": see the reason. "refused": the problem is not of
#: the strategy's sort. "unavailable": the strategy cannot run on this machine.
Verdict = Literal["ok", "none", "disqualified", "refused", "unavailable"]
#: Values are of the formal problem, whose totals are within 2**62; bounds may be a little above.
Value = Annotated[int, Field(ge=-(2**63), le=2**63)]
#: Numbers are numbers and not words, and none is infinite.
STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def _is_group(group: list[Any]) -> list[Any]:
    if not (isinstance(group[0], int) and isinstance(group[1], list)):
        raise ValueError("a group is [kind, [items]]")
    return group


GroupRow = Annotated[
    list[int | list[int]], Field(min_length=2, max_length=2), AfterValidator(_is_group)
]
Point = Annotated[list[int | float], Field(min_length=2, max_length=2)]
#: A week: no run is longer.
MOST_SECONDS = 604_800.0


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What was run; the same key is never run again.

    Attributes
    ----------
    instance, strategy : their names.
    seed : of the strategy's random choices.
    seconds, work : limits; with ``work`` the clock decides nothing but the kill.
    memory_mb, workers : limits of memory and threads.
    code : hash of our sources and of the libraries' versions, and of a plug-in's version.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    instance: Annotated[str, Field(min_length=1, max_length=500)]
    strategy: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)]
    work: Annotated[int, Field(ge=1, le=2**62)] | None
    memory_mb: Annotated[int, Field(ge=1, le=10**7)]
    workers: Annotated[int, Field(ge=1, le=4096)]
    code: str

    @property
    def text(self) -> str:
        """As one line, for comparing and looking up."""
        return _line(asdict(self))


@dataclass(frozen=True, slots=True)
class Answered:
    """What a strategy answered, as checked.

    Attributes
    ----------
    verdict : a ``Verdict``; reason : why, where it is not "ok".
    objective : the verified value; bound : what the strategy says it has proved.
    infeasible : the strategy says that no grouping keeps the rules.
    groups : the grouping, as [kind, [items]], sorted.
    values : the verified values it told on the way, in order, each above the one before.
    notes : the strategy's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    verdict: Verdict
    reason: str = ""
    objective: Value | None = None
    bound: Value | None = None
    infeasible: bool = False
    groups: list[GroupRow] | None = None
    values: list[Value] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measured:
    """What cannot be the same twice.

    Attributes
    ----------
    seconds, cpu_seconds, peak_mb : of the strategy's run (CPU of all its threads and processes).
    trace : [seconds, value] for each of the values told on the way.
    when : date and time, UTC.  cores, load : of the machine, at the start.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    seconds: Annotated[float, Field(ge=0, le=10 * MOST_SECONDS)] = 0.0
    cpu_seconds: Annotated[float, Field(ge=0)] = 0.0
    peak_mb: Annotated[float, Field(ge=0)] = 0.0
    trace: list[Point] = field(default_factory=list)
    when: str = ""
    cores: int = 0
    load: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One run; ``deterministic`` as the strategy says, where the limit is work."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: Key
    answer: Answered
    measured: Measured
    deterministic: bool = False

    def to_line(self) -> str:
        """Canonical JSON, without the end of the line."""
        return _line(asdict(self))

    def fixed(self) -> str:
        """What must be the same in every run of a deterministic row."""
        return _line({"key": asdict(self.key), "answer": asdict(self.answer)})

    @classmethod
    def from_line(cls, line: str) -> Row:
        """Read one line.

        Raises
        ------
        ValueError
            If it is not a row.
        """
        try:
            return _checker(cls).validate_json(line)
        except ValidationError as error:
            raise ValueError(f"not a row: {first_fault(error)}") from error


@cache
def _checker(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def checked_key(**fields: Any) -> Key:
    """A key of values from outside.

    Raises
    ------
    ValueError
        If one is out of its range; it is named.
    """
    try:
        found: Key = _checker(Key).validate_json(json.dumps(fields))
    except ValidationError as error:
        raise ValueError(first_fault(error)) from error
    return found


def first_fault(error: ValidationError) -> str:
    """What is wrong with data from outside, in a few words."""
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}"[:300] if place else str(fault["msg"])[:300]


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class RowsInUse(Exception):
    """Another run writes to this table."""


class Table:
    """A table of rows on disk; one writer at a time, held by a lock that dies with its process.

    Raises
    ------
    RowsInUse
        If another process has it open.
    ValueError
        If a line other than a torn last one is no row: the place is named.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise RowsInUse(f"{path} is in use by another run") from error
        try:
            _cut_torn_line(self._file, path)
            self.rows = {row.key.text: row for row in reversed(list(read_rows(path)))}
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def __contains__(self, key: Key) -> bool:
        return key.text in self.rows

    def append(self, row: Row) -> None:
        """Add a row, on disk when this returns; one whose key is there already is left out."""
        if row.key in self:
            return
        data = (row.to_line() + "\n").encode()
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.rows[row.key.text] = row


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table, in the order in which they were written.

    Raises
    ------
    ValueError
        If a line is no row; a torn last one is left out.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            yield Row.from_line(line.decode("utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error


def _cut_torn_line(file: int, path: Path) -> None:
    """Cut off what follows the last end of a line, if it may be the start of a row."""
    size = os.fstat(file).st_size
    content = os.pread(file, size, 0)
    whole = content.rfind(b"\n") + 1
    if whole < size:
        start = b'{"answer":'
        if not (content[whole:].startswith(start) or start.startswith(content[whole:])):
            raise ValueError(f"{path} is no table of rows: its last line is none of ours")
        os.ftruncate(file, whole)
        os.fsync(file)


#: Columns of ``Key``, for tables.
KEY_FIELDS = tuple(one.name for one in fields(Key))
