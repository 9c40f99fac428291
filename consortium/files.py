"""Writing files whole or not at all, and never over the input."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from consortium.errors import OutputError


def write_atomically(path: Path, data: bytes, inputs: Iterable[Path] = ()) -> None:
    """Write one file: it appears whole, or stays as it was.

    Parameters
    ----------
    path : file to write; its folder must exist.
    data : its new content.
    inputs : files that must not be overwritten; a folder stands for the ``.csv`` files in it.

    Raises
    ------
    OutputError
        If the file cannot be written or is one of the inputs.
    """
    write_all_atomically({path: data}, inputs)


def write_all_atomically(files: Mapping[Path, bytes], inputs: Iterable[Path] = ()) -> None:
    """Write several files: all of them appear, or all stay as they were.

    Every file is first written and flushed under a temporary name in its own folder, so a full
    disk is met before anything is replaced; then all are renamed. When a rename fails (a workbook
    open in Excel on Windows), those done before it are undone. Only a machine that stops between
    two renames leaves some files new and some old, each of them whole.

    Parameters
    ----------
    files : new content by path; the folders must exist.
    inputs : files that must not be overwritten; a folder stands for the ``.csv`` files in it.

    Raises
    ------
    OutputError
        If any file cannot be written or is one of the inputs; nothing is changed then.
    """
    protected = _protected(inputs)
    for path in files:
        _check_target(path, protected)
    temporary: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            temporary[path] = path.parent / f".{secrets.token_hex(8)}.tmp"
            with _told(path):
                _write_new(temporary[path], data)
        _rename_all(temporary)
    finally:
        # Also on Ctrl-C: after success the temporary names are gone already.
        for rest in temporary.values():
            with contextlib.suppress(OSError):
                rest.unlink(missing_ok=True)


def _protected(inputs: Iterable[Path]) -> list[Path]:
    out: list[Path] = []
    for path in inputs:
        out.append(path)
        with contextlib.suppress(OSError):
            if path.is_dir():
                out.extend(path.glob("*.csv"))
    return out


def _check_target(path: Path, protected: list[Path]) -> None:
    for source in protected:
        if _same(path, source):
            raise OutputError(f"{path.name} is the input; choose another name for the output")
    with _told(path):
        if path.is_dir():
            raise OutputError(f"{path.name} is a folder; choose another name for the output")
        if path.exists() and not path.is_file():  # renaming onto /dev/null would replace it
            raise OutputError(f"{path.name} is a device, not a file; choose another name")
        if not path.parent.is_dir():
            raise OutputError(f"{path.name} cannot be written: {path.parent} is no folder")


def _same(a: Path, b: Path) -> bool:
    with contextlib.suppress(OSError):
        return a.samefile(b)  # sees through links and letter case
    return False


def _write_new(path: Path, data: bytes) -> None:
    # os.open applies the user's umask, which tempfile would not.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename_all(temporary: Mapping[Path, Path]) -> None:
    backups: dict[Path, Path | None] = {}
    several = len(temporary) > 1
    try:
        for path, new in temporary.items():
            with _told(path):
                backups[path] = _backup(path) if several else None
                if path.exists():
                    shutil.copymode(path, new)
                new.replace(path)
    except BaseException:
        for path, old in list(backups.items()):
            if several and not temporary[path].exists():  # this one was renamed
                backups[path] = None  # should undoing fail, the old content keeps its backup
                with contextlib.suppress(OSError):
                    path.unlink() if old is None else old.replace(path)
        raise
    finally:
        for old in backups.values():
            if old is not None:
                with contextlib.suppress(OSError):
                    old.unlink(missing_ok=True)
    for folder in {path.parent for path in temporary}:
        _sync_folder(folder)


def _backup(path: Path) -> Path | None:
    """A second name for an existing file, or ``None`` where there is none."""
    if not path.exists():
        return None
    backup = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        os.link(path, backup)
    except OSError:  # a file system without hard links
        shutil.copy2(path, backup)
    return backup


def _sync_folder(folder: Path) -> None:
    # Makes the rename itself durable. Not every system opens folders; the files are whole anyway.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn the system's errors into one sentence about this file."""
    try:
        yield
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OutputError(f"{path.name} cannot be written: {reason}") from error
