"""A market file with changed facts: comments, order and all other figures stay as they are."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from decimal import Decimal
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from consortium.errors import ConsortiumError, InputError, InputFault
from consortium.facts import Fact, parse_toml
from consortium.market import Market
from consortium.market_files import market_from
from consortium.trade.changes import Change


def edited(text: str, market: Market, changes: Sequence[Change], name: str) -> str:
    """The text of a market file with some facts replaced.

    Parameters
    ----------
    text : the base market file (TOML).
    market : what it says.
    changes : facts to replace; each is in the file.
    name : name of the new file, for messages.

    Raises
    ------
    InputError
        If the file is written so that a figure cannot be replaced in place.
    ConsortiumError
        If the new text does not say exactly what it should: a defect of ours.
    """
    document = tomlkit.parse(text)
    for change in changes:
        try:
            _replace(document, market.code, change.after)
        except TOMLKitError:
            # Figures taken apart at dots all the way down are more than the library edits in place.
            message = (
                "is written with dotted keys; write it as { value = …, unit = … } to be edited"
            )
            raise InputError([InputFault(name, message, column=change.after.name)]) from None
    out = tomlkit.dumps(document)
    _verify(out, market, changes, name)
    return out


def _replace(document: MutableMapping[str, Any], code: str, fact: Fact) -> None:
    # A cluster's code has no dot, so the path can be taken apart at dots.
    cluster, *rest = fact.name.removeprefix(f"{code}.").split(".")
    table = document["clusters"][cluster]
    for key in rest[:-1]:
        table = table["families"][key]
    key = rest[-1]
    parts = _parts(fact)
    own = table[key]
    if not isinstance(own, Table):
        line = ", ".join(f"{name} = {text}" for name, text in parts.items())
        table[key] = _item(f"{{ {line} }}")
        return
    for name in [name for name in own if name not in parts]:
        del own[name]
    for name, text in parts.items():  # a table of its own stays one
        own[name] = _item(text)


def _item(text: str) -> Any:
    return tomlkit.parse(f"x = {text}\n")["x"]


def _parts(fact: Fact) -> dict[str, str]:
    """A fact's keys with their values as TOML, in the order of our files, decimals exactly."""
    parts = {
        "value": _number(fact.value),
        "unit": _text(fact.unit),
        "year": str(fact.year),
        "source": _text(fact.source),
        "grade": _text(fact.grade),
    }
    for name, bound in (("low", fact.low), ("high", fact.high)):
        if bound is not None:
            parts[name] = _number(bound)
    return parts


def _number(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"trade data give single numbers, not {value!r}")
    return f"{value:f}"


def _text(text: str) -> str:
    return tomlkit.string(text).as_string()


def _verify(text: str, market: Market, changes: Sequence[Change], name: str) -> None:
    """Read the new text as a market file; it must differ in the changed facts alone."""
    read = {fact.name: fact for fact in market_from(parse_toml(text, name), name).facts()}
    expected = {fact.name: fact for fact in market.facts()}
    expected.update((change.name, change.after) for change in changes)
    if read != expected:
        wrong = [key for key in {*read, *expected} if read.get(key) != expected.get(key)]
        raise ConsortiumError(f"{name} would not say what it should on {', '.join(sorted(wrong))}")
