"""How numbers and names are written for readers."""

from __future__ import annotations

from collections.abc import Sequence


def usd(cents: int) -> str:
    """US dollars without cents, thousands separated; the sign in front: ``-USD 1,234``."""
    dollars = abs(cents) / 100
    sign = "-" if cents < 0 and round(dollars) else ""
    return f"{sign}USD {dollars:,.0f}"


def usd_exact(cents: int) -> str:
    """US dollars with cents."""
    return f"{'-' if cents < 0 else ''}USD {abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def listed(names: Sequence[str], most: int = 6, word: str = "and") -> str:
    """``a, b and c``, or another word there; beyond ``most`` names the rest are counted."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 firm``, ``2 firms``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
