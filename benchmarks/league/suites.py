"""Suites: which strategies meet on which instances, under which limits. TOML files.

A suite has limits and strategies, and blocks of instances; a block may have limits and strategies
of its own::

    title = "Smoke"
    seconds = 5.0            # a run's time limit
    work = 2_000_000         # optional: deterministic work instead; the clock decides nothing
    memory_mb = 4000
    workers = 1
    seeds = [0, 1]
    strategies = ["auto", "greedy"]     # "all": every one there is

    [[block]]
    instances = ["study:{60,120},12,2,{0..2}"]   # see instances.expanded
    published = 3            # optional: so many of each published family, where they are at hand
    largest = 200            # ... of so many items at most
    seconds = 10.0           # any of the above
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.instances import InstancesMissing
from benchmarks.league.instances import UnknownInstance, expanded, load, sampled_published
from benchmarks.league.rows import Key, checked_key

DATA = Path(__file__).parent / "data"
_LIMITS: dict[str, tuple[type, ...]] = {
    "seconds": (int, float),
    "work": (int,),
    "memory_mb": (int,),
    "workers": (int,),
    "seeds": (list,),
    "strategies": (list, str),
}
_BLOCK = {"instances": (list,), "published": (int,), "largest": (int,), **_LIMITS}
_DEFAULTS: dict[str, Any] = {"work": None, "memory_mb": 4_000, "workers": 1, "seeds": [0]}


class BadSuite(Exception):
    """A suite file that does not say what is to be run; every fault, a line each."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What is to be run.

    Attributes
    ----------
    name, title : of the suite.
    keys : every run, in the order in which they are run: an instance's runs together.
    notes : what was left out, and why.
    """

    name: str
    title: str
    keys: tuple[Key, ...]
    notes: tuple[str, ...] = ()

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the instances, each once."""
        return tuple(dict.fromkeys(key.instance for key in self.keys))


def shipped_suites() -> list[str]:
    """Names of the suites that come with this."""
    return sorted(path.stem for path in DATA.glob("*.toml"))


def read_suite(name: str, known: Sequence[str], code: Callable[[str], str]) -> Suite:
    """Read a suite that comes with this, or a TOML file of one's own.

    Parameters
    ----------
    known : names of all strategies.
    code : gives a strategy's hash of the code, as of ``Key``.

    Raises
    ------
    BadSuite
        If it cannot be read, or names what there is not.
    """
    path = DATA / f"{name}.toml" if name in shipped_suites() else Path(name)
    try:
        is_there = path.is_file()
    except OSError:
        is_there = False
    if not is_there:
        there = ", ".join(shipped_suites())
        raise BadSuite(f"{name[:100]}: no such suite; there are {there}, or give a TOML file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise BadSuite(f"{path.name}: {error}") from error
    return _Reader(path.stem, known, code).suite(content)


class _Reader:
    def __init__(self, name: str, known: Sequence[str], code: Callable[[str], str]) -> None:
        self.name, self.known, self.code = name, known, code
        self.faults: list[str] = []
        self.notes: list[str] = []

    def suite(self, content: dict[str, Any]) -> Suite:
        blocks = content.get("block", [])
        shared = {key: value for key, value in content.items() if key != "block"}
        self._check("", shared, {"title": (str,), **_LIMITS})
        if not isinstance(blocks, list) or not all(isinstance(one, dict) for one in blocks):
            self.faults.append("block: must be written [[block]]")
            blocks = []
        if not blocks:
            self.faults.append("no [[block]] of instances")
        for number, block in enumerate(blocks, start=1):
            self._check(f"block {number}, ", block, _BLOCK)
        if self.faults:
            raise BadSuite("\n".join(f"{self.name}: {fault}" for fault in self.faults))
        keys: dict[Key, None] = {}
        for number, block in enumerate(blocks, start=1):
            for key in self._keys(f"block {number}", {**_DEFAULTS, **shared, **block}):
                keys.setdefault(key)
        if self.faults:
            raise BadSuite("\n".join(f"{self.name}: {fault}" for fault in self.faults))
        return Suite(self.name, str(shared.get("title", self.name)), tuple(keys), tuple(self.notes))

    def _check(
        self, where: str, table: dict[str, Any], fields: dict[str, tuple[type, ...]]
    ) -> None:
        for name, value in table.items():
            if name not in fields:
                self.faults.append(f"{where}{name}: no such setting; {', '.join(fields)}")
            elif isinstance(value, bool) or not isinstance(value, fields[name]):
                self.faults.append(f"{where}{name} = {value!r}: {fields[name][0].__name__} wanted")

    def _keys(self, where: str, block: dict[str, Any]) -> list[Key]:
        if "seconds" not in block or "strategies" not in block:
            self.faults.append(f"{where}: seconds and strategies are wanted")
            return []
        wanted = block["strategies"]
        names = list(self.known) if wanted == "all" else wanted
        names = [names] if isinstance(names, str) else names
        for name in names:
            if name not in list(self.known):
                self.faults.append(f"{where}: no strategy {name!r}; {', '.join(self.known)}")
        for what, chosen in (("strategies", names), ("seeds", block["seeds"])):
            if not chosen:
                self.faults.append(f"{where}: {what} = []: at least one is wanted")
        if self.faults:
            return []
        try:
            return self._every_key(where, block, names)
        except ValueError as error:
            self.faults.append(f"{where}: {error}")
            return []

    def _every_key(self, where: str, block: dict[str, Any], names: list[str]) -> list[Key]:
        return [
            checked_key(
                instance=instance,
                strategy=strategy,
                seed=seed,
                seconds=_real(block["seconds"]),
                work=block["work"],
                memory_mb=block["memory_mb"],
                workers=block["workers"],
                code=self.code(strategy),
            )
            for instance in self._instances(where, block)
            for strategy in names
            for seed in block["seeds"]
        ]

    def _instances(self, where: str, block: dict[str, Any]) -> list[str]:
        found: list[str] = []
        for pattern in block.get("instances", []):
            try:
                names = expanded(str(pattern))
            except ValueError as error:
                self.faults.append(f"{where}: {str(pattern)[:100]!r}: {error}")
                continue
            found += names
            try:
                # Others of the pattern are found wanting when they are built, before any run.
                load(names[0])
            except UnknownInstance as error:
                self.faults.append(f"{where}: {error}")
            except InstancesMissing as error:
                self.notes.append(f"{where}: {error}")
                found = [name for name in found if name not in names]
        if block.get("published"):
            try:
                found += sampled_published(block["published"], block.get("largest"))
            except InstancesMissing as error:
                self.notes.append(f"{where}: {error}")
        if not found and not self.notes:
            self.faults.append(f"{where}: no instances")
        return found


def _real(number: float) -> float:
    """A number as a float; one too large for that is infinite, and refused as such."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
