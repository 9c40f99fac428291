"""Numbers of cells, exact; and what was probably meant where a cell is no number."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from consortium.intake.table import Cell

#: No figure of a small firm is larger; a larger one is a slip.
MAX_NUMBER = Decimal(10) ** 15
# 0.1 + 0.2 in a spreadsheet is 0.30000000000000004: digits this small were never typed.
_NOISE = Decimal("1e-9")

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
)
_NOT_FINITE = {"inf", "infinity", "nan", "∞"}
_UNKNOWN = {
    "na",
    "n/a",
    "n.a.",
    "nil",
    "none",
    "-",
    "--",
    "–",
    "—",
    "?",
    "unknown",
    "not known",
    ".",
}
_RUPEES = r"pkr|rs\.?|₨|rupees?"
_DOLLARS = r"usd?|us\$|\$|dollars?"
_SCALES = {
    **dict.fromkeys(("k", "thousand"), 3),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 5),
    **dict.fromkeys(("m", "mn", "mln", "million"), 6),
    **dict.fromkeys(("cr", "crore", "crores"), 7),
    **dict.fromkeys(("b", "bn", "billion"), 9),
}
_THINGS = (
    r"pcs\.?|pieces?|pairs?|units?|nos?\.?|days?|hours?|hrs?\.?|h|years?|yrs?\.?|people|persons?|"
    r"workers?|employees?|staff"
)
_PHRASE = re.compile(
    rf"(?:(?P<before>{_RUPEES}|{_DOLLARS})\s*)?(?P<number>[+-]?[0-9][0-9.,'\s]*?)\s*"
    rf"(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})?\s*(?P<percent>%)?\s*"
    rf"(?P<after>{_RUPEES}|{_DOLLARS})?\s*(?:{_THINGS})?(?:/-)?"
)


class CellError(ValueError):
    """Why a cell cannot be used, as the end of a sentence that begins with its value."""


def number(cell: Cell, column: str) -> Decimal:
    """The number in a cell, exactly as written.

    Raises
    ------
    CellError
        If it is none, is not finite or is above ``MAX_NUMBER``; with a suggestion where one is
        evident.
    """
    if isinstance(cell, bool):
        raise CellError("is yes or no; a number is expected")
    if isinstance(cell, (int, float)):
        if not math.isfinite(cell):
            raise CellError("is not a finite number")
        value = Decimal(repr(cell))
    elif isinstance(cell, str):
        if _NUMBER.fullmatch(cell) is None:
            raise CellError(_hint(cell, column))
        value = Decimal(cell)
    else:
        raise CellError("is a date; a number is expected (set the cell's format to Number)")
    if abs(value) > MAX_NUMBER:
        raise CellError("is too large a number; at most 1e15")
    return value if value else Decimal(0)  # no minus zero


def whole(value: Decimal, low: int, high: int | None) -> int:
    """A whole number within bounds (``high`` may be open).

    Raises
    ------
    CellError
        If it is not whole or out of bounds.
    """
    nearest = int(value.to_integral_value(ROUND_HALF_EVEN))
    _within(value, nearest, low, high)
    if abs(value - nearest) > _NOISE:
        below = int(value.to_integral_value(ROUND_FLOOR))
        raise CellError(f"is not a whole number; use {below} or {below + 1}?")
    return nearest


def _within(value: Decimal, nearest: int, low: int, high: int | None) -> None:
    if value < 0 <= low:
        raise CellError(f"is negative; {low} or more is expected (leave it empty if not known)")
    if nearest < low or (high is not None and nearest > high):
        upper = "or more" if high is None else f"to {high}"
        raise CellError(f"is out of range; {low} {upper} is expected")


def money(value: Decimal, pkr_per_usd: Fraction | None) -> tuple[int, bool]:
    """US cents, half to even; and whether digits below a cent were lost.

    ``pkr_per_usd`` is given where the amount is in rupees; its rounding counts as no loss.

    Raises
    ------
    CellError
        If it is negative.
    """
    if value < 0:
        raise CellError("is negative; 0 or more is expected (leave it empty if not known)")
    if pkr_per_usd is not None:
        return round(Fraction(value) * 100 / pkr_per_usd), False
    return _scaled(value, 2)


def share(value: Decimal) -> tuple[int, bool]:
    """A share or score as basis points, half to even; and whether further digits were lost.

    Raises
    ------
    CellError
        If it is not from 0 to 1.
    """
    if value < 0:
        raise CellError("is negative; 0 to 1 is expected")
    if value > 1 + _NOISE:
        meant = f"; write {_text(value / 100)}?" if value <= 100 else ""
        raise CellError(f"is above 1; a share from 0 to 1 is expected{meant}")
    return _scaled(min(value, Decimal(1)), 4)


def degrees(value: Decimal, limit: int) -> float:
    """Degrees of latitude or longitude.

    Raises
    ------
    CellError
        If they are beyond plus or minus ``limit``.
    """
    if abs(value) > limit:
        raise CellError(f"is out of range; -{limit} to {limit} degrees is expected")
    return float(value)


def _scaled(value: Decimal, places: int) -> tuple[int, bool]:
    """The value in units of its last place kept, and whether digits were lost beyond noise."""
    whole_units = value.scaleb(places)
    nearest = int(whole_units.to_integral_value(ROUND_HALF_EVEN))
    if nearest == whole_units:
        return nearest, False
    exact = Fraction(value) * 10**places  # scaleb keeps 28 digits, which could hide a tie
    nearest = round(exact)
    return nearest, abs(exact - nearest) > Fraction(1, 10**6)


def _hint(text: str, column: str) -> str:
    """What is wrong with a text where a number is due, with the number that was meant."""
    plain = "".join(map(_ascii_digit, text)).casefold().strip()
    if plain.lstrip("+-") in _NOT_FINITE:
        return "is not a finite number"
    if plain in _UNKNOWN:
        return "number expected; leave the cell empty if it is not known"
    found = _PHRASE.fullmatch(plain)
    value = None if found is None else _grouped(found["number"])
    if found is None or value is None:
        return "number expected"
    value = value.scaleb(_SCALES.get(found["scale"], 0))
    if found["percent"]:
        value /= 100
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        return "number expected"
    currency = found["before"] or found["after"]
    if currency and re.fullmatch(_RUPEES, currency):
        if "_usd" not in column:
            return "number expected"
        name = column.replace("_usd", "_pkr")
        return f"number expected; use {_text(value)} in a column {name}?"
    return f"number expected; use {_text(value)}?"


def _ascii_digit(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def _grouped(text: str) -> Decimal | None:
    """A number written with separators: 1,200 and 1,20,000, 1.200,50, 0,45, 1 200."""
    digits = re.sub(r"[\s']+", "", text)
    if len(digits) > 40:
        return None
    if re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?", digits):
        return Decimal(digits.replace(",", ""))
    if re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[+-]?[0-9]+,[0-9]+", digits):
        return Decimal(digits.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", digits):
        return Decimal(digits)
    return None


def _text(value: Decimal) -> str:
    """A number in plain notation, without idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
