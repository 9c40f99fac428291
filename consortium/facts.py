"""Facts: every number the model assumes, with unit, year, source and grade.

Facts live in TOML files under ``consortium/data``; a user's own file may replace them. A fact is
written as an inline table::

    duty = { value = 0.45, unit = "share", year = 2009, source = "[63]", grade = "sourced" }

Decimals are kept exactly as written; nothing here is a float.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from consortium.errors import InputError, InputFault

Grade = Literal["sourced", "estimate", "recalled"]
GRADES: tuple[Grade, ...] = ("sourced", "estimate", "recalled")
Value = Decimal | str | tuple[Decimal, ...] | tuple[str, ...]
#: What a fact may be changed to: plain numbers, and lists of them, too.
Number = Decimal | int | float
NewValue = Number | str | Sequence[Number] | Sequence[str]

DATA = Path(__file__).parent / "data"
_KEYS = {"value", "unit", "year", "source", "grade", "low", "high"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One assumed figure.

    Attributes
    ----------
    name : dotted path, e.g. "ZAF.surgical-sialkot.duty".
    value : a decimal, a text, or a tuple of either (a yearly path).
    unit : e.g. "USD a year", "share", "years".
    year : the year the figure speaks of.
    source : where it comes from; "[n]" refers to docs/sources.md.
    grade : "sourced", "estimate" or "recalled".
    low, high : range of an estimate, where one is known.
    """

    name: str
    value: Value
    unit: str
    year: int
    source: str
    grade: Grade
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def exact(self) -> Fraction:
        """The value as an exact fraction."""
        if not isinstance(self.value, Decimal):
            raise TypeError(f"{self.name} is not a single number")
        return Fraction(self.value)

    @property
    def cents(self) -> Fraction:
        """A value in US dollars as an exact number of cents."""
        return self.exact * 100

    @property
    def whole(self) -> int:
        """The value as a whole number."""
        exact = self.exact
        if exact.denominator != 1:
            raise TypeError(f"{self.name} = {self.value} is not a whole number")
        return exact.numerator

    @property
    def bp(self) -> int:
        """A share as basis points."""
        return round(self.exact * 10_000)

    @property
    def series(self) -> tuple[Fraction, ...]:
        """A path of numbers, one a year."""
        if not isinstance(self.value, tuple):
            raise TypeError(f"{self.name} is not a list of numbers")
        return tuple(Fraction(x) for x in self.value)

    @property
    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        if isinstance(self.value, str):
            return (self.value,)
        if not isinstance(self.value, tuple):
            raise TypeError(f"{self.name} is not a list of texts")
        return tuple(str(x) for x in self.value)

    @property
    def text(self) -> str:
        """The value as a reader writes it."""
        if isinstance(self.value, tuple):
            return ", ".join(str(x) for x in self.value)
        return f"{self.value:f}" if isinstance(self.value, Decimal) else self.value

    def changed(self, value: NewValue, note: str) -> Fact:
        """This fact with another value; the source says that it was changed, and why.

        A plain number is taken as it is written: 0.45 is exactly 0.45.

        Raises
        ------
        TypeError
            If a number is meant and something else is given, or the other way round.
        """
        new = _exact_value(value)
        if isinstance(new, Decimal) is not isinstance(self.value, Decimal):
            raise TypeError(f"{self.name} cannot be {value!r}; today it is {self.text}")
        return Fact(
            self.name, new, self.unit, self.year, f"changed: {note}", "estimate", None, None
        )


def _exact_value(value: NewValue) -> Value:
    """The value with its numbers as decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal | int | float) or getattr(value, "shape", None) == ():
        return _exact_number(value)
    if all(isinstance(part, str) for part in value):
        return tuple(str(part) for part in value)
    return tuple(_exact_number(part) for part in value)


def _exact_number(value: object) -> Decimal:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()  # a number of numpy's
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        raise TypeError(f"{value!r} is no number")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise TypeError(f"{value!r} is no finite number")
    return number


def read_toml(path: Path, source: str | None = None) -> dict[str, Any]:
    """Parse a TOML file with decimals kept exactly.

    Raises
    ------
    InputError
        If the file cannot be read or is not TOML.
    """
    name = source or path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError([InputFault(name, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise InputError([InputFault(name, "is not UTF-8 text; save it as UTF-8")]) from None
    return parse_toml(text, name)


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The same for a text.

    Raises
    ------
    InputError
        If it is not TOML.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError([InputFault(source, f"is not valid TOML: {error}")]) from None


class FactReader:
    """Turns tables into facts and collects every fault on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[InputFault] = []

    def fault(self, key: str, message: str, value: Any = None) -> None:
        """Record one fault at a dotted key."""
        shown = None if value is None else str(value)[:80]
        self.faults.append(InputFault(self.source, message, column=key, value=shown))

    def fact(self, key: str, table: Any) -> Fact | None:
        """One fact from its table, or ``None`` with faults recorded."""
        if not isinstance(table, Mapping):
            self.fault(key, "must be a table with value, unit, year, source and grade", table)
            return None
        before = len(self.faults)
        for unknown in sorted(set(table) - _KEYS):
            self.fault(f"{key}.{unknown}", f"is unknown; known are {', '.join(sorted(_KEYS))}")
        for missing in sorted({"value", "unit", "year", "source", "grade"} - set(table)):
            self.fault(f"{key}.{missing}", "is missing")
        if len(self.faults) > before:
            return None
        value = self._value(key, table["value"])
        year, grade = table["year"], table["grade"]
        if not isinstance(year, int) or isinstance(year, bool) or not 1900 <= year <= 2100:
            self.fault(f"{key}.year", "must be a year from 1900 to 2100", year)
        if grade not in GRADES:
            self.fault(f"{key}.grade", f"must be one of {', '.join(GRADES)}", grade)
        for name in ("unit", "source"):
            if not isinstance(table[name], str) or not table[name].strip():
                self.fault(f"{key}.{name}", "must be a text", table[name])
        low = self._number(f"{key}.low", table["low"]) if "low" in table else None
        high = self._number(f"{key}.high", table["high"]) if "high" in table else None
        if len(self.faults) > before or value is None:
            return None
        return Fact(key, value, table["unit"], year, table["source"], grade, low, high)

    def _number(self, key: str, value: Any) -> Decimal | None:
        if isinstance(value, date):
            self.fault(key, 'is a date; write it in quotes, e.g. "2026-01-01"', value)
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            self.fault(key, "must be a number", value)
            return None
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
            self.fault(key, "must be a finite number below 1e15", value)
            return None
        return number

    def _value(self, key: str, value: Any) -> Value | None:
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            if all(isinstance(x, str) for x in value):
                return tuple(value)
            numbers = [self._number(f"{key}.value", x) for x in value]
            return tuple(x for x in numbers if x is not None)
        return self._number(f"{key}.value", value)

    def raise_faults(self) -> None:
        """Raise ``InputError`` if anything was wrong."""
        if self.faults:
            raise InputError(self.faults)
