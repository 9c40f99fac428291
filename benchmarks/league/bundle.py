"""One archive of a run, for others to keep and to repeat.

A bundle is a ZIP file with the rows, what is known of the instances with their hashes, how the run
was made (suite, commit, versions, machine), and a manifest of the hashes of all that. The same run
gives the same bytes. To verify one, its instances are built again and their hashes compared, and
every deterministic row is run again and its answer compared byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter

from benchmarks.instances import InstancesMissing
from benchmarks.league.code import code_of
from benchmarks.league.instances import UnknownInstance, fingerprint, load
from benchmarks.league.kept import (
    INSTANCES,
    ROWS,
    RUN,
    Facts,
    RunDetails,
    details_in,
    facts_in,
    write_whole,
)
from benchmarks.league.match import play
from benchmarks.league.rows import Row, read_rows
from benchmarks.league.strategies import all_strategies

MANIFEST = "manifest.json"
FILES = (ROWS, INSTANCES, RUN)
#: ZIP keeps times from 1980 on; all entries have this one, so that equal runs are equal files.
NO_TIME = (1980, 1, 1, 0, 0, 0)
#: A bundle of a large suite has some MB; a file that unpacks to more is none.
MOST_BYTES = 2_000_000_000


class BadBundle(Exception):
    """An archive that is no bundle, or that was changed."""


@dataclass
class Verified:
    """What became of verifying a bundle.

    Attributes
    ----------
    same : deterministic rows that gave the same bytes again.
    different : names of rows that did not, with what differs.
    changed : instances whose problem is another one now.
    missing : instances that cannot be built here, and why.
    other : rows that were not run again: not deterministic, not asked for, or without an instance.
    same_code : whether the code here is the code that made it; if not, answers may differ.
    """

    same: int = 0
    different: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    other: int = 0
    same_code: bool = True

    @property
    def ok(self) -> bool:
        """Something was run again, and nothing is different, changed or missing."""
        return self.same > 0 and not (self.different or self.changed or self.missing)


def write_bundle(folder: Path, path: Path) -> None:
    """Write a run's folder as one archive.

    Raises
    ------
    OSError, ValueError
        If the folder lacks a file of a run, or one of its rows cannot be read.
    """
    if not list(read_rows(folder / ROWS)):
        raise ValueError("there are no rows")
    facts_in(folder / INSTANCES)
    details_in(folder / RUN)
    if path.resolve().parent == folder.resolve() and path.name in FILES:
        raise OSError(f"{path} is one of the files of the run")
    contents = {name: (folder / name).read_bytes() for name in FILES}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[MANIFEST] = (json.dumps(hashes, indent=1, sort_keys=True) + "\n").encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, NO_TIME), contents[name], zipfile.ZIP_DEFLATED)
    write_whole(path, packed.getvalue())


def read_bundle(path: Path) -> tuple[list[Row], Facts, RunDetails]:
    """Rows, facts of the instances, and how the run was made.

    Raises
    ------
    BadBundle
        If it is no bundle, or a file in it is not what its manifest says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise BadBundle(f"{path.name} is too large for a bundle")
            contents = {name: archive.read(name) for name in (*FILES, MANIFEST)}
        hashes = TypeAdapter(dict[str, str]).validate_json(contents[MANIFEST])
        facts, details = facts_in(contents[INSTANCES]), details_in(contents[RUN])
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadBundle(f"{path.name} is no bundle: {str(error)[:300]}") from error
    for name in FILES:
        if hashes.get(name) != hashlib.sha256(contents[name]).hexdigest():
            raise BadBundle(f"{name} in {path.name} was changed: its hash is not the manifest's")
    with TemporaryDirectory() as folder:
        rows = Path(folder) / ROWS
        rows.write_bytes(contents[ROWS])
        try:
            return list(read_rows(rows)), facts, details
        except ValueError as error:
            raise BadBundle(f"{path.name}: {error}") from error


Heard = Callable[[Row, bool], None]


def verify_bundle(
    path: Path, executor: Executor, only: Iterable[str] = (), heard: Heard | None = None
) -> Verified:
    """Build the instances again, and run the deterministic rows again.

    Parameters
    ----------
    only : names of strategies; all of them if empty.
    heard : told of each row that was run again, and whether it gave the same bytes.
    """
    rows, facts, _ = read_bundle(path)
    strategies = all_strategies()
    found = Verified(same_code=all(row.key.code == code_of(row.key.strategy) for row in rows))
    wanted = set(only)
    usable = set()
    for name in sorted({row.key.instance for row in rows} - facts.keys()):
        found.missing.append(f"{name}: the bundle has no facts of it")
    for name, fact in sorted(facts.items()):
        try:
            now = fingerprint(load(name).problem)
        except (UnknownInstance, InstancesMissing) as error:
            found.missing.append(f"{name}: {error}")
            continue
        if now != fact.sha256:
            found.changed.append(name)
        usable.add(name)
    again = []
    for row in rows:
        chosen = not wanted or row.key.strategy in wanted
        # Not as the bundle says, but as the strategy does.
        strategy = strategies.get(row.key.strategy)
        fixed = row.key.work is not None and strategy is not None and strategy.deterministic
        if chosen and fixed and row.key.instance in usable:
            again.append((row, executor.submit(play, row.key)))
        else:
            found.other += 1
    for row, future in again:
        repeated = future.result()
        same = repeated.fixed() == row.fixed()
        found.same += same
        if not same:
            found.different.append(_difference(row, repeated))
        if heard is not None:
            heard(row, same)
    return found


def _difference(row: Row, repeated: Row) -> str:
    name = f"{row.key.instance}, {row.key.strategy}, seed {row.key.seed}"
    for field_name in ("verdict", "reason", "objective", "bound", "infeasible", "values", "notes"):
        before, now = getattr(row.answer, field_name), getattr(repeated.answer, field_name)
        if before != now:
            return f"{name}: {field_name} was {before}, is {now}"
    return f"{name}: another grouping of the same value"
