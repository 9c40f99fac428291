"""Numbers, product codes and years as the databases and spreadsheets write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

#: No country imports more of one product; a larger figure is a slip.
_MAX = Decimal(10) ** 15
_SPACES = "\\s'\u2019"
_MISSING = {
    "", "n/a", "na", "n.a.", "n.a", "nan", "null", "none", "-", "--", "–", "—", ".", "..", "...",
    "…", ":",
}  # fmt: skip
_GROUPED = re.compile(
    rf"[0-9]{{1,3}}(?:(?P<s>,|[{_SPACES}])[0-9]{{3}})(?:(?P=s)[0-9]{{3}})*(\.[0-9]+)?"
)
_PLAIN = re.compile(r"[0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40}")


class FigureError(ValueError):
    """Why a cell cannot be used, as the end of a sentence that begins with its value."""


def figure(text: str, comma_may_be_decimal: bool = False) -> Decimal | None:
    """A number of 0 or more, exactly; ``None`` where the cell says that it is missing.

    Parameters
    ----------
    text : digits, with "," or a space (also a no-break one) or an apostrophe between thousands
        and "." before decimals.
    comma_may_be_decimal : whether "234,567" could be 234.567; it is refused then.

    Raises
    ------
    FigureError
        If it is no number, is negative, has a decimal comma or has lost digits in a spreadsheet.
    """
    said = text.strip()
    if said.casefold() in _MISSING:
        return None
    sign, digits = ("-", said[1:].strip()) if said[:1] in "-−" else ("", said)
    if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}", digits):
        raise FigureError(
            "was shortened by a spreadsheet, so digits are lost; download the file again, or give "
            "the column the number format 0 before saving"
        )
    grouped = _GROUPED.fullmatch(digits)
    if grouped is not None:
        if comma_may_be_decimal and re.fullmatch(r"[0-9]{1,3},[0-9]{3}", digits):
            raise FigureError(
                "can be read with a decimal comma or with thousands separated; write it without "
                "the comma"
            )
        value = Decimal(re.sub(rf"[,{_SPACES}]", "", digits))
    elif _PLAIN.fullmatch(digits):
        value = Decimal(digits)
    elif re.fullmatch(r"[0-9.\s]+,[0-9]+|[0-9]{1,3}(\.[0-9]{3})+", digits):
        raise FigureError(
            "has a decimal comma or points between thousands; save the file with a decimal point "
            "and without thousands separators"
        )
    else:
        raise FigureError("is no number; download the file again, or mend the cell")
    if sign and value:
        raise FigureError("is negative; 0 or more is expected (leave it empty if not known)")
    if value > _MAX:
        raise FigureError("is too large a number; at most 1e15 is believed")
    return value


@dataclass(frozen=True, slots=True)
class HsCode:
    """A product code of the Harmonized System.

    Attributes
    ----------
    digits : all its digits, an even number of them.
    """

    digits: str

    @property
    def hs6(self) -> str:
        """The six digits it falls under; shorter for an aggregate."""
        return self.digits[:6]

    @property
    def is_aggregate(self) -> bool:
        """Whether it is a chapter or heading (2 or 4 digits), which holds other codes."""
        return len(self.digits) < 6

    @property
    def is_line(self) -> bool:
        """Whether it is a national line (8 digits and more), of which an HS6 code has several."""
        return len(self.digits) > 6


def hs_code(text: str) -> HsCode | None:
    """The code in a cell; ``None`` where it is none ("TOTAL", a note).

    Dots are dropped, and a leading zero that a spreadsheet took away is put back: codes have an
    even number of digits, so 10121 can only be 010121.
    """
    said = text.strip().lstrip("'").strip()
    said = re.sub(r"^([0-9]+)\.0$", r"\1", said)  # a spreadsheet made a number of it
    said = re.sub(r"[.\s]", "", said)
    if re.fullmatch(r"[0-9]{1,12}", said) is None:
        return None
    return HsCode(said.zfill(len(said) + len(said) % 2))


def year(text: str) -> int | None:
    """The year in a cell; ``None`` where it is none."""
    said = re.sub(r"\.0$", "", text.strip())
    if re.fullmatch(r"(19|20)[0-9]{2}", said) is None:
        return None
    return int(said)
