"""Files are written whole or not at all, and never over the input."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consortium.errors import OutputError
from consortium.files import write_all_atomically, write_atomically


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


SMALL_DISK = """
import resource, sys
from pathlib import Path
from consortium.errors import OutputError
from consortium.files import write_all_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
folder = Path(sys.argv[1])
try: write_all_atomically({folder / "a": b"new", folder / "b": b"x" * 5000})
except OutputError as error: print(error)
"""


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    write_atomically(target, b"one")
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert _names(tmp_path) == {"plan.json"}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_modes_are_the_users(tmp_path: Path) -> None:
    """A new file follows the umask; a replaced one keeps its mode."""
    target = tmp_path / "plan.json"
    before = os.umask(0o027)
    try:
        write_atomically(target, b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o600)
    write_atomically(target, b"two")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """No file may grow beyond 1,000 bytes: the system refuses in mid-write, as on a full disk.

    In a process of its own, since the limit is the whole process's: this one's output may go to a
    file, and the test runner would die on its next line.
    """
    pytest.importorskip("resource")
    (tmp_path / "a").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "b cannot be written" in done.stdout
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == {"a"}


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_failing_rename_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """As on Windows, when one of the files is open in Excel."""
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "c").write_bytes(b"old c")
    replace: Callable[[Path, Path], Path] = Path.replace
    calls = 0

    def sometimes(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", sometimes)
    with pytest.raises(OutputError, match="Permission denied"):
        write_all_atomically({tmp_path / name: b"new" for name in "abc"})
    assert _names(tmp_path) == {"a", "c"}
    assert (tmp_path / "a").read_bytes() == b"old a"
    assert (tmp_path / "c").read_bytes() == b"old c"


def test_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_bytes(b"old")
    write_all_atomically({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert [(tmp_path / n).read_bytes() for n in "ab"] == [b"1", b"2"]
    assert _names(tmp_path) == {"a", "b"}


def test_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"1")
    assert _names(tmp_path) == set()


def test_never_over_the_input(tmp_path: Path) -> None:
    source = tmp_path / "firms.csv"
    source.write_bytes(b"firm_id")
    link, hard, other = tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "other.csv"
    link.symlink_to(source)
    hard.hardlink_to(source)
    spelled = tmp_path / "." / ".." / tmp_path.name / "firms.csv"
    for target in (source, link, hard, spelled):
        with pytest.raises(OutputError, match="is the input"):
            write_all_atomically({other: b"1", target: b"2"}, inputs=[source])
    with pytest.raises(OutputError, match="is the input"):
        write_atomically(source, b"1", inputs=[tmp_path])
    assert source.read_bytes() == b"firm_id"
    assert not other.exists()
    write_atomically(other, b"1", inputs=[source, tmp_path / "missing.csv"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/plan.json", "is no folder"),
        ("file/plan.json", "is no folder"),
        ("folder", "is a folder"),
        ("a\0b", "cannot be written"),
        ("x" * 300, "cannot be written"),
    ],
)
def test_places_that_cannot_be_written(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=message):
        write_atomically(tmp_path / name, b"1")
    assert _names(tmp_path) == {"file", "folder"}


@pytest.mark.skipif(not Path(os.devnull).is_char_device(), reason="needs a device")
def test_devices_are_not_replaced() -> None:
    with pytest.raises(OutputError, match="is a device"):
        write_atomically(Path(os.devnull), b"1")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            write_atomically(tmp_path / "a", b"1")
    finally:
        tmp_path.chmod(0o700)
