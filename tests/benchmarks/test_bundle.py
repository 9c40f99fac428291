"""Bundles: the same bytes for the same run, refused when changed, repeated byte for byte."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.league import kept
from benchmarks.league.bundle import BadBundle, read_bundle, verify_bundle, write_bundle
from benchmarks.league.code import code_hash
from benchmarks.league.match import play
from benchmarks.league.rows import Key, Table

NAMES = ("trap:5,2", "free:10,9,1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four deterministic rows and one by the clock."""
    where = tmp_path_factory.mktemp("run")
    keys = [
        Key(name, strategy, 0, 20.0, 20_000, 4_000, 1, code_hash())
        for name in NAMES
        for strategy in ("greedy", "columns")
    ]
    keys.append(replace(keys[0], work=None, seconds=1.0))
    with Table(where / kept.ROWS) as table:
        for key in keys:
            table.append(play(key))
    kept.keep_facts(where, NAMES, code_hash())
    kept.keep_details(where, kept.RunDetails("test", "Test", "", code_hash(), "", keys))
    return where


def test_a_bundle_is_repeated_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    write_bundle(folder, first)
    write_bundle(folder, second)
    assert first.read_bytes() == second.read_bytes()
    rows, facts, _ = read_bundle(first)
    assert len(rows) == 5
    assert set(facts) == set(NAMES)
    with ThreadPoolExecutor(2) as executor:
        found = verify_bundle(first, executor)
    assert (found.same, found.other, found.ok, found.same_code) == (4, 1, True, True)


def altered(path: Path, target: Path, name: str, data: bytes, *, honest: bool) -> Path:
    """The bundle with one file exchanged; ``honest`` mends the manifest, too."""
    import hashlib

    with zipfile.ZipFile(path) as archive:
        contents = {one: archive.read(one) for one in archive.namelist()}
    contents[name] = data
    if honest:
        hashes = json.loads(contents["manifest.json"])
        hashes[name] = hashlib.sha256(data).hexdigest()
        contents["manifest.json"] = json.dumps(hashes).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for one, content in contents.items():
            archive.writestr(one, content)
    return target


def test_what_was_changed_is_found(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_bundle(folder, path)
    rows, facts, _ = read_bundle(path)
    forged = rows[0].answer
    assert forged.objective is not None
    lie = replace(rows[0], answer=replace(forged, objective=forged.objective + 1))
    text = "".join(one.to_line() + "\n" for one in [lie, *rows[1:]]).encode()
    with pytest.raises(BadBundle, match="was changed"):
        read_bundle(altered(path, tmp_path / "b.zip", kept.ROWS, text, honest=False))
    # Who mends the manifest as well is found when the row is run again.
    forged_path = altered(path, tmp_path / "c.zip", kept.ROWS, text, honest=True)
    facts["free:10,9,1"] = replace(facts["free:10,9,1"], sha256="0" * 64)
    facts["nothing:1"] = facts["trap:5,2"]
    changed = json.dumps({name: asdict(fact) for name, fact in facts.items()}).encode()
    other = altered(forged_path, tmp_path / "d.zip", kept.INSTANCES, changed, honest=True)
    with ThreadPoolExecutor(2) as executor:
        found = verify_bundle(other, executor, only=["greedy"])
    assert not found.ok
    assert found.changed == ["free:10,9,1"]
    assert len(found.missing) == 1
    assert len(found.different) == 1
    assert f"objective was {forged.objective + 1}, is {forged.objective}" in found.different[0]


def test_no_bundles(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(BadBundle, match="no bundle"):
        read_bundle(path)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(BadBundle, match="no bundle"):
        read_bundle(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.jsonl", "")
    with pytest.raises(BadBundle, match="no bundle"):
        read_bundle(path)
    with pytest.raises(OSError, match=r"rows\.jsonl"):
        write_bundle(tmp_path, tmp_path / "b.zip")


def test_a_bundle_of_nothing_is_not_verified(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_bundle(folder, path)
    empty = altered(path, tmp_path / "b.zip", kept.INSTANCES, b"{}", honest=True)
    with ThreadPoolExecutor(1) as executor:
        found = verify_bundle(empty, executor)
    assert len(found.missing) == 2
    assert not found.ok


@pytest.mark.parametrize("name", [kept.ROWS, kept.INSTANCES, kept.RUN, "manifest.json"])
@pytest.mark.parametrize("data", [b"", b"[]", b"3", b"{", b"[" * 100_000, b"\xff"])
def test_mangled_parts(folder: Path, tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / "a.zip"
    write_bundle(folder, path)
    if name == kept.ROWS:
        data += b"\n"
    with pytest.raises(BadBundle):
        read_bundle(altered(path, tmp_path / "b.zip", name, data, honest=name != "manifest.json"))


def test_a_run_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    before = (folder / kept.ROWS).read_bytes()
    with pytest.raises(OSError, match="files of the run"):
        write_bundle(folder, folder / kept.ROWS)
    assert (folder / kept.ROWS).read_bytes() == before
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match="no file"):
        write_bundle(folder, tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
