"""From one cell to one value: texts, choices, lists, certificates, yes and no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache

from consortium.intake.numbers import CellError, number
from consortium.intake.table import MAX_TEXT, SPACES, BadCell, Cell
from consortium.register import CERTIFICATES, Certificate

_YES = {"yes": True, "y": True, "true": True, "1": True}
_NO = {"no": False, "n": False, "false": False, "0": False}
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!)")
_TOO_LONG = "is too long a text"


def usable(cell: Cell) -> Cell:
    """The cell (not blank), if the file itself does not mark it as unusable.

    Raises
    ------
    CellError
        For an error value of a spreadsheet, or a text longer than a spreadsheet can hold.
    """
    if isinstance(cell, str):
        if len(cell) > MAX_TEXT:
            raise CellError(f"{_TOO_LONG} ({len(cell):,} characters)")
        if cell[0] == "#" and _ERROR.fullmatch(cell):
            raise CellError("is a spreadsheet error; correct the formula or clear the cell")
    elif isinstance(cell, BadCell):
        raise CellError(cell.message)
    return cell


def text(cell: Cell, most: int) -> str:
    """A text of at most ``most`` characters; a whole number in a number cell is its digits.

    Raises
    ------
    CellError
        If it is a date or yes/no, too long, or holds characters that cannot be seen but would
        change how the text is shown or stored.
    """
    if not isinstance(cell, str):
        if isinstance(cell, bool):
            raise CellError("is yes or no; a text is expected (set the cell's format to Text)")
        if not isinstance(cell, (int, float)):
            raise CellError(
                "was made a date by the spreadsheet; set the cell's format to Text, type it again"
            )
        return f"{number(cell, '').normalize():f}"
    if len(cell) > most:
        raise CellError(f"{_TOO_LONG}; at most {most} characters ({len(cell):,} now)")
    if not cell.isprintable():  # quick: nearly every text is
        _check_characters(cell)
    return cell


def _check_characters(cell: str) -> None:
    for char in cell:
        kind = unicodedata.category(char)
        code = f"U+{ord(char):04X}"
        if char in "\r\n\u2028\u2029\x85":
            raise CellError("holds a line break; write it on one line")
        if kind == "Cc":
            raise CellError(f"holds a control character ({code}); delete it")
        if char in _BIDI:
            raise CellError(f"holds a mark that reverses the reading order ({code}); delete it")
        if kind == "Cs" or (ord(char) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
            raise CellError(f"holds {code}, which is no character; type the text again")


def identifier(cell: Cell) -> str:
    """A firm's code: a text without invisible characters.

    Raises
    ------
    CellError
        As for ``text``; or for invisible characters, which make two codes look like one.
    """
    value = text(cell, 40)
    for char in value:
        if unicodedata.category(char) == "Cf":
            raise CellError(f"holds an invisible character (U+{ord(char):04X}); type it again")
    return value


def yes_no(cell: Cell) -> bool:
    """Yes or no.

    Raises
    ------
    CellError
        If it is neither.
    """
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, (int, float)) and cell in (0, 1):
        return bool(cell)
    if isinstance(cell, str):
        word = cell.casefold()
        if word in _YES or word in _NO:
            return word in _YES
    raise CellError("write yes or no")


def choice(cell: Cell, allowed: Iterable[str]) -> str:
    """One of some words; letter case, spaces and hyphens are free.

    Raises
    ------
    CellError
        If it is none of them; the message lists them.
    """
    words = tuple(allowed)
    word = _by_folded(words).get(folded(text(cell, MAX_TEXT)))
    if word is None:
        raise CellError(f"is not known; use {_one_of(words)}")
    return word


@cache
def _by_folded(words: tuple[str, ...]) -> dict[str, str]:
    return {folded(word): word for word in words}


def folded(word: str) -> str:
    """A word as it is compared: without letter case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", word.casefold())


def _one_of(words: tuple[str, ...]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def items(cell: Cell) -> list[str]:
    """The items of a list cell, trimmed; empty ones are passed over.

    Raises
    ------
    CellError
        As for ``text``.
    """
    parts = (part.strip(SPACES) for part in text(cell, MAX_TEXT).split(";"))
    return [part for part in parts if part]


def _unique(found: list[str]) -> tuple[str, ...]:
    seen: set[str] = set()
    for item in found:
        if item in seen:
            raise CellError(f"names {_short(item)} twice")
        seen.add(item)
    return tuple(found)


def countries(cell: Cell) -> tuple[str, ...]:
    """Three-letter country codes in the order given.

    Raises
    ------
    CellError
        If an item does not look like one, or stands twice.
    """
    found = []
    for item in items(cell):
        if re.fullmatch(r"[A-Za-z]{3}", item) is None:
            commas = "; separate them by ;" if "," in item else ""
            raise CellError(f"needs three-letter country codes such as ZAF or KEN{commas}")
        found.append(item.upper())
    return _unique(found)


def priorities(cell: Cell, allowed: Iterable[str]) -> tuple[str, ...]:
    """Up to three of the known priorities, most important first.

    Raises
    ------
    CellError
        If one is not known or stands twice, or there are more than three.
    """
    allowed = tuple(allowed)
    found = []
    for item in items(cell):
        try:
            found.append(choice(item, allowed))
        except CellError as error:
            commas = "; separate them by ;" if "," in item else ""
            raise CellError(f"names {_short(item)}, which {error}{commas}") from None
    if len(found) > 3:
        raise CellError("names more than three priorities; keep the first three that matter")
    return _unique(found)


def names(cell: Cell, most: int = 200) -> tuple[str, ...]:
    """Free names, each once.

    Raises
    ------
    CellError
        If one is too long or stands twice.
    """
    return _unique([text(item, most) for item in items(cell)])


def certificates(cell: Cell) -> tuple[Certificate, ...]:
    """Certificates with their last valid day, ascending by name: "FDA; ISO 13485:2027-06-30".

    Raises
    ------
    CellError
        If one is not known, stands twice, or its date cannot be read.
    """
    found = [_certificate(item) for item in items(cell)]
    _unique([certificate.name for certificate in found])
    return tuple(sorted(found, key=lambda certificate: certificate.name))


def _certificate(item: str) -> Certificate:
    head, colon, tail = item.partition(":")
    name = _by_folded(CERTIFICATES).get(folded(head))
    if name is None:
        raise CellError(
            f"names {_short(head)}, which is no certificate we know; known are "
            f"{', '.join(CERTIFICATES)} (separate several by ;)"
        )
    if not colon:
        return Certificate(name)
    day = tail.strip(SPACES)
    if re.fullmatch(r"[0-9]{4}", day):
        raise CellError(
            f"gives {name} with {day}, which may be the standard's edition; write {name}, or "
            f"{name}:YYYY-MM-DD with its last valid day"
        )
    return Certificate(name, _day(name, day))


def _day(name: str, day: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        try:
            return date.fromisoformat(day)
        except ValueError:
            raise CellError(f"gives {name} a day that no calendar has: {day}") from None
    meant = ""
    for form in ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d"):
        try:
            meant = f"; use {name}:{datetime.strptime(day, form).date().isoformat()}?"
        except ValueError:
            continue
        break
    raise CellError(f"gives {name} a day we cannot read; write {name}:YYYY-MM-DD{meant}")


def hs6(cell: Cell) -> str:
    """Six digits of the Harmonised System, from a text or a number cell.

    Raises
    ------
    CellError
        If it is not six digits.
    """
    code = text(cell, MAX_TEXT)
    if re.fullmatch(r"[0-9]{6}", code):
        return code
    digits = re.sub(r"[\s.]", "", code)
    meant = ""
    if re.fullmatch(r"[0-9]{6}|[0-9]{8}|[0-9]{10}", digits):
        meant = f"; use {digits[:6]}?"
    elif re.fullmatch(r"[0-9]{5}", digits):
        meant = f"; use 0{digits}? (set the cell's format to Text)"
    raise CellError(f"is not six digits{meant}")


def _short(item: str) -> str:
    return item if len(item) <= 40 else item[:39] + "…"
