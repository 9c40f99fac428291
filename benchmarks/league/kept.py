"""What is kept beside the rows of a run: facts of its instances, and how it was made.

Both are read back strictly, as they may come from elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from benchmarks.league.instances import fingerprint, load
from benchmarks.league.judging import Known
from benchmarks.league.rows import STRICT, Key, first_fault

ROWS, INSTANCES, RUN = "rows.jsonl", "instances.json", "run.json"
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Fact:
    """An instance: its sizes, its fingerprint, what is known of it, and the code that made it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    family: str
    items: Count
    kinds: Count
    pairs: Count
    resources: Count
    density: float
    sha256: str
    known: Known
    code: str


@dataclass(frozen=True, slots=True)
class RunDetails:
    """How a run was made: its suite, every run of it, the code and the machine."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    suite: str
    title: str
    commit: str
    code: str
    machine: str
    keys: list[Key]
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


Facts = dict[str, Fact]


def fact_of(name: str, code: str) -> Fact:
    """Build an instance and look at it."""
    instance = load(name)
    problem = instance.problem
    return Fact(
        family=instance.family,
        items=problem.num_items,
        kinds=problem.num_kinds,
        pairs=problem.num_pairs,
        resources=problem.num_resources,
        density=round(instance.density, 6),
        sha256=fingerprint(problem),
        known=instance.known,
        code=code,
    )


def keep_facts(folder: Path, names: tuple[str, ...], code: str) -> Facts:
    """Facts of the instances, read from the folder where they are there, else made and kept.

    What other code has made is made anew: it may be of other problems.

    Raises
    ------
    ValueError
        If the file of a former run is none of ours.
    """
    path = folder / INSTANCES
    facts: Facts = {}
    if path.exists():
        facts = {name: one for name, one in facts_in(path).items() if one.code == code}
    missing = [name for name in names if name not in facts]
    for name in missing:
        facts[name] = fact_of(name, code)
    if missing:
        write_whole(path, _json({name: asdict(fact) for name, fact in facts.items()}))
    return facts


def keep_details(folder: Path, details: RunDetails) -> None:
    """Write down how a run is made."""
    write_whole(folder / RUN, _json(asdict(details)))


def facts_in(source: Path | bytes) -> Facts:
    """Facts from a file, or from its content.

    Raises
    ------
    OSError, ValueError
        If they cannot be read; the file is named.
    """
    return _read(source, Facts, INSTANCES)


def details_in(source: Path | bytes) -> RunDetails:
    """How a run was made, from a file or from its content; raises as ``facts_in``."""
    found: RunDetails = _read(source, RunDetails, RUN)
    return found


def _read(source: Path | bytes, kind: Any, name: str) -> Any:
    content = source if isinstance(source, bytes) else source.read_bytes()
    try:
        return _checker(kind).validate_json(content)
    except ValidationError as error:
        raise ValueError(f"{name}: {first_fault(error)}") from error


@cache
def _checker(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written, or there is something else than a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is there and is no file")
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
