"""Rules a trade body sets by hand: who must go together, who never, what is fixed already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from consortium.errors import InputError, InputFault
from consortium.facts import read_toml
from consortium.market_files import load_plans
from consortium.programme import MODES
from consortium.register import Register

#: Largest consortium anybody may ask for; the brief warns above 12.
MAX_SIZE = 30


@dataclass(frozen=True, slots=True)
class Pin:
    """A consortium that exists already and stays.

    Attributes
    ----------
    market, plan, mode : its market, marketing plan and mode.
    firms : its members, ascending.
    may_grow : whether others may join it.
    """

    market: str
    plan: str
    mode: str
    firms: tuple[str, ...]
    may_grow: bool = False


@dataclass(frozen=True)
class Rules:
    """Rules by hand; all empty by default.

    Attributes
    ----------
    together, apart : sets of firms that go together or not at all; that never go together.
    pins : consortia that stay.
    exclude, must_join : firms left out; firms that must be in some consortium.
    size_min, size_max : sizes that override the programme's.
    max_consortia : most consortia by market code.
    """

    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    pins: tuple[Pin, ...] = ()
    exclude: frozenset[str] = frozenset()
    must_join: frozenset[str] = frozenset()
    size_min: int | None = None
    size_max: int | None = None
    max_consortia: Mapping[str, int] = field(default_factory=dict)

    def contradictions(self, register: Register) -> list[InputFault]:
        """Rules that cannot hold together, seen without solving."""
        reader = _Reader("rules", register, ())
        _contradictions(reader, self)
        return reader.faults

    def unknown_firms(self, register: Register) -> list[InputFault]:
        """One fault a firm that a rule names and the register does not have."""
        named = {
            "together": {firm for row in self.together for firm in row},
            "apart": {firm for row in self.apart for firm in row},
            "pin": {firm for pin in self.pins for firm in pin.firms},
            "exclude": self.exclude,
            "must_join": self.must_join,
        }
        return [
            InputFault("rules", "is no firm_id of the register", column=key, value=firm)
            for key, firms in named.items()
            for firm in sorted(firms - register.by_id.keys())
        ]

    @property
    def sha256(self) -> str:
        """Hash of the rules."""
        content = asdict(self)
        content["exclude"] = sorted(self.exclude)
        content["must_join"] = sorted(self.must_join)
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class _Reader:
    """Reads a rules table and collects every fault."""

    def __init__(self, source: str, register: Register, markets: tuple[str, ...]) -> None:
        self.source = source
        self.register = register
        self.markets = markets
        self.faults: list[InputFault] = []

    def fault(self, key: str, message: str, value: Any = None) -> None:
        shown = None if value is None else str(value)[:80]
        self.faults.append(InputFault(self.source, message, column=key, value=shown))

    def firms(self, key: str, table: Any, least: int) -> tuple[str, ...]:
        """The ``firms`` of a table: known, unique, at least so many."""
        if not isinstance(table, Mapping):
            self.fault(key, "must be a table with firms = [...]", table)
            return ()
        firms = table.get("firms")
        if not isinstance(firms, list) or not all(isinstance(f, str) for f in firms):
            self.fault(f"{key}.firms", 'must be a list of firm_id, e.g. ["S001", "S002"]', firms)
            return ()
        for firm in firms:
            if firm not in self.register.by_id:
                self.fault(f"{key}.firms", "is no firm_id of the register", firm)
        if len(set(firms)) != len(firms):
            self.fault(f"{key}.firms", "names a firm twice", ", ".join(firms))
        if len(firms) < least:
            self.fault(f"{key}.firms", f"needs {least} firms or more", ", ".join(firms))
        return tuple(sorted(set(firms)))

    def only(self, key: str, table: Any, allowed: set[str]) -> None:
        """Unknown keys of a table are faults."""
        if isinstance(table, Mapping):
            for unknown in sorted(set(table) - allowed):
                known = ", ".join(sorted(allowed))
                self.fault(f"{key}.{unknown}", f"is unknown; known are {known}")

    def rows(self, key: str, value: Any) -> list[Any]:
        """An array of tables."""
        if not isinstance(value, list):
            self.fault(key, f"must be written as [[{key}]]", value)
            return []
        return value

    def number(self, key: str, value: Any, least: int) -> int | None:
        """A whole number of at least ``least``."""
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault(key, f"must be a whole number, {least} or more", value)
            return None
        return value


def read_rules(path: Path, register: Register, markets: tuple[str, ...]) -> Rules:
    """Read a rules file (TOML) against a register and the markets asked for.

    Raises
    ------
    InputError
        With every fault, rules that contradict one another on reading included.
    """
    reader = _Reader(path.name, register, markets)
    table = read_toml(path)
    known = {"together", "apart", "pin", "exclude", "must_join", "size", "max_consortia"}
    for unknown in sorted(set(table) - known):
        reader.fault(unknown, f"is unknown; known are {', '.join(sorted(known))}")
    sets: dict[str, tuple[tuple[str, ...], ...]] = {}
    for key in ("together", "apart"):
        rows = reader.rows(key, table.get(key, []))
        for row in rows:
            reader.only(key, row, {"firms"})
        sets[key] = tuple(reader.firms(key, row, 2) for row in rows)
    chosen: dict[str, frozenset[str]] = {}
    for key in ("exclude", "must_join"):
        reader.only(key, table.get(key, {}), {"firms"})
        chosen[key] = frozenset(reader.firms(key, table[key], 0) if key in table else ())
    size = table.get("size", {})
    reader.only("size", size, {"min", "max"})
    if not isinstance(size, Mapping):
        reader.fault("size", "must be a table with min and max", size)
        size = {}
    low = reader.number("size.min", size["min"], 2) if "min" in size else None
    high = reader.number("size.max", size["max"], 2) if "max" in size else None
    for key, number in (("size.min", low), ("size.max", high)):
        if number is not None and number > MAX_SIZE:
            reader.fault(key, f"must be at most {MAX_SIZE}", number)
    most: dict[str, int] = {}
    limits = table.get("max_consortia", {})
    if not isinstance(limits, Mapping):
        reader.fault("max_consortia", "must be a table, e.g. ZAF = 3", limits)
        limits = {}
    for market, value in sorted(limits.items()):
        if market not in markets:
            reader.fault(
                f"max_consortia.{market}", f"is not asked for; asked: {', '.join(markets)}"
            )
        number = reader.number(f"max_consortia.{market}", value, 0)
        if number is not None:
            most[market] = number
    pins = tuple(_pin(reader, row) for row in reader.rows("pin", table.get("pin", [])))
    rules = Rules(
        together=sets["together"],
        apart=sets["apart"],
        pins=tuple(pin for pin in pins if pin is not None),
        exclude=chosen["exclude"],
        must_join=chosen["must_join"],
        size_min=low,
        size_max=high,
        max_consortia=most,
    )
    _contradictions(reader, rules)
    if reader.faults:
        raise InputError(reader.faults)
    return rules


def _pin(reader: _Reader, row: Any) -> Pin | None:
    before = len(reader.faults)
    reader.only("pin", row, {"market", "plan", "mode", "firms", "may_grow"})
    firms = reader.firms("pin", row, 1)
    if not isinstance(row, Mapping):
        return None
    market, plan = row.get("market"), row.get("plan")
    mode, may_grow = row.get("mode", "range"), row.get("may_grow", False)
    for key, value in (("market", market), ("plan", plan), ("mode", mode)):
        if not isinstance(value, str):
            reader.fault(f"pin.{key}", "must be a text", value)
    if len(reader.faults) > before:
        return None
    if market not in reader.markets:
        reader.fault("pin.market", f"is not asked for; asked: {', '.join(reader.markets)}", market)
    if plan not in load_plans():
        reader.fault("pin.plan", f"is unknown; known are {', '.join(load_plans())}", plan)
    if mode not in MODES:
        reader.fault("pin.mode", f"must be one of {', '.join(MODES)}", mode)
    if not isinstance(may_grow, bool):
        reader.fault("pin.may_grow", "must be true or false", may_grow)
    if len(reader.faults) > before:
        return None
    return Pin(str(market), str(plan), str(mode), firms, bool(may_grow))


def _contradictions(reader: _Reader, rules: Rules) -> None:
    """Rules that cannot hold together, seen without solving."""
    for apart in rules.apart:
        for together in rules.together:
            both = sorted(set(apart) & set(together))
            if len(both) > 1:
                reader.fault("apart.firms", "these are also together", ", ".join(both))
        for pin in rules.pins:
            both = sorted(set(apart) & set(pin.firms))
            if len(both) > 1:
                reader.fault("apart.firms", "these are in one pinned consortium", ", ".join(both))
    for firm in sorted(rules.exclude & rules.must_join):
        reader.fault("must_join.firms", "is also excluded", firm)
    obliged = rules.must_join.union(*(pin.firms for pin in rules.pins))
    for together in rules.together:
        out = sorted(rules.exclude.intersection(together))
        if out and obliged.intersection(together):
            who = ", ".join(sorted(obliged.intersection(together)))
            reader.fault("together.firms", f"is excluded, but {who} must be in", ", ".join(out))
    seen: set[str] = set()
    for pin in rules.pins:
        for firm in pin.firms:
            if firm in rules.exclude:
                reader.fault("pin.firms", "is also excluded", firm)
            if firm in seen:
                reader.fault("pin.firms", "is in two pinned consortia", firm)
            seen.add(firm)
    low, high = rules.size_min, rules.size_max
    if low is not None and high is not None and low > high:
        reader.fault("size.min", f"is above size.max = {high}", low)
