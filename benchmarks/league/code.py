"""Which code made a row: a hash of our sources and of the versions of what they stand on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from benchmarks.league.contract import ENTRY_POINTS

PROJECT = Path(__file__).resolve().parent.parent.parent
#: What an answer may depend on. The report and the statistics are no part of it.
SOURCES = (
    "solver/**/*.py",
    "consortium/**/*.py",
    "consortium/data/**/*.toml",
    "benchmarks/generators.py",
    "benchmarks/instances.py",
    "benchmarks/league/coalitions.py",
    "benchmarks/league/contract.py",
    "benchmarks/league/instances.py",
    "benchmarks/league/match.py",
    "benchmarks/league/strategies.py",
    "benchmarks/league/rivals/*.py",
)
LIBRARIES = ("numpy", "scipy", "numba", "ortools", "networkx", "pandas")


#: Optional libraries of one strategy: installing them changes its rows, and nobody else's.
OPTIONAL = {"leiden": ("igraph", "leidenalg"), "timefold": ("timefold", "jpype1")}
#: Sources in another language, likewise.
FOREIGN = {"timefold": ("benchmarks/league/rivals/*.java",)}


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Of all that every strategy's answer may depend on; twelve hexadecimal digits.

    The same on any machine with the same code and libraries.
    """
    return _code().hexdigest()[:12]


@lru_cache(maxsize=1024)
def code_of(strategy: str) -> str:
    """Of what a strategy's answer may depend on: its package too, if it is a plug-in."""
    digest = _code().copy()
    before = digest.digest()
    for name in OPTIONAL.get(strategy, ()):
        digest.update(f"{name} {_version(name)}".encode())
    _read(digest, FOREIGN.get(strategy, ()))
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name != strategy:
            continue
        digest.update(entry.value.encode())
        if entry.dist is not None:
            digest.update(f"{entry.dist.name} {entry.dist.version}".encode())
        found = find_spec(entry.module.partition(".")[0])
        if found is not None and found.origin is not None:
            digest.update(Path(found.origin).read_bytes())
    return digest.hexdigest()[:12] if digest.digest() != before else code_hash()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


@lru_cache(maxsize=1)
def _code() -> hashlib._Hash:
    digest = hashlib.sha256()
    _read(digest, SOURCES)
    for name, version in versions().items():
        digest.update(f"{name} {version}".encode())
    return digest


def _read(digest: hashlib._Hash, patterns: Iterable[str]) -> None:
    """Names and contents of the files that match."""
    for path in sorted({path for pattern in patterns for path in PROJECT.glob(pattern)}):
        digest.update(path.relative_to(PROJECT).as_posix().encode())
        digest.update(path.read_bytes())


def versions() -> dict[str, str]:
    """Of Python and of the libraries that answers depend on."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in LIBRARIES
    }
