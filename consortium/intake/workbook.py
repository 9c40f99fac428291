"""From the bytes of an .xlsx file to tables, whatever those bytes are.

A workbook is a zip archive of XML parts. Its parts are unpacked here within bounds, looked over
(``parts``), and only those parts are given to calamine: it holds every sheet as a full rectangle
and every shared text once per cell, so a file of a few kilobytes could cost gigabytes.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from xml.etree import ElementTree

from python_calamine import CalamineWorkbook, PasswordError

from consortium.intake.parts import PartError, Survey, survey, without_errors
from consortium.intake.table import Cell, Faults, Table
from consortium.register import SHEETS

#: Most bytes the parts of a workbook may have together when unpacked.
MAX_UNPACKED = 512 * 1024 * 1024
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_AGAIN = "open it in Excel or LibreOffice and save it again as .xlsx"
_ALWAYS = {
    "[content_types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/sharedstrings.xml",
    "xl/styles.xml",
}


class _Unreadable(Exception):
    """Why a workbook cannot be read, as the end of a sentence about the file."""


def read_workbook(data: bytes, source: str, faults: Faults, notes: list[str]) -> list[Table]:
    """Parse a workbook: its firms, products and ties sheets; faults are recorded."""
    try:
        return _tables(data, source, faults, notes)
    except (_Unreadable, PartError) as error:
        faults.add(str(error))
    except PasswordError:
        faults.add("is password-protected; save a copy without password")
    except Exception:  # whatever a hostile file does to zipfile, ElementTree or calamine
        faults.add(f"is a broken workbook; {_AGAIN}")
    except BaseException as error:
        # A panic inside calamine arrives as a BaseException of a class we cannot import.
        if type(error).__name__ != "PanicException":
            raise
        faults.add(f"is a broken workbook; {_AGAIN}")
    return []


def _tables(data: bytes, source: str, faults: Faults, notes: list[str]) -> list[Table]:
    _check_signature(data)
    parts = _unpacked(data)
    sheets = _sheet_parts(parts)
    wanted = _wanted(sheets, notes)
    if "firms" not in wanted:
        found = ", ".join(sheets) or "none"
        raise _Unreadable(f"has no sheet named firms; sheets found: {found}")
    kept = {name: part for name, part in parts.items() if name.lower() in _ALWAYS}
    surveys: dict[str, Survey] = {}
    for sheet in wanted.values():
        part = sheets[sheet]
        if part is None or part not in parts:
            raise _Unreadable(f"is a broken workbook (sheet {sheet} has no content); {_AGAIN}")
        kept[part] = parts[part]
    shared = next((parts[name] for name in kept if name.lower() == "xl/sharedstrings.xml"), b"")
    for name, content in list(kept.items()):  # every one: calamine may take any of them for a sheet
        surveys[name] = survey(content, shared)
        if surveys[name].bad:
            kept[name] = without_errors(content)
    # A workbook saved by a program, not by a spreadsheet, carries formulas without results.
    stale = b'fullCalcOnLoad="1"' in next(
        (parts[name] for name in kept if name.lower() == "xl/workbook.xml"), b""
    )
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(_packed(kept)))
    tables = []
    for kind in SHEETS:
        if kind not in wanted:
            continue
        sheet = wanted[kind]
        found_in = surveys[str(sheets[sheet])]
        rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        tables.append(Table(kind, source, sheet, _numbered(rows, found_in)))
        if stale and found_in.formulas:
            notes.append(
                f"sheet {sheet}: the values of its formulas were stored by a program other than a "
                f"spreadsheet; {_AGAIN} to be sure of them"
            )
    return tables


def _check_signature(data: bytes) -> None:
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise _Unreadable("is password-protected; save a copy without password")
        raise _Unreadable(f"is in the old .xls format; {_AGAIN}")
    if not data:
        raise _Unreadable("is an empty file and has no firms")
    if not data.startswith(b"PK"):
        raise _Unreadable(f"is no Excel workbook, whatever its name says; {_AGAIN}")


def _unpacked(data: bytes) -> dict[str, bytes]:
    """The XML parts of the archive. What is read later is these bytes, not the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [e for e in archive.infolist() if e.filename.lower().endswith((".xml", ".rels"))]
        names = [entry.filename.lower() for entry in entries]
        if len(set(names)) < len(names):
            raise _Unreadable(f"is a broken workbook (a part stands in it twice); {_AGAIN}")
        size = sum(entry.file_size for entry in entries)
        if size > MAX_UNPACKED:
            raise _Unreadable(
                f"would unpack to {size / 1e6:,.0f} MB, too much for a register (at most "
                f"{MAX_UNPACKED / 1e6:,.0f} MB)"
            )
        parts = {}
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Unreadable(f"is packed in a way no spreadsheet packs; {_AGAIN}")
            # Never more than the size declared, and the checksum must fit.
            parts[entry.filename] = archive.read(entry)
        return parts


def _sheet_parts(parts: dict[str, bytes]) -> dict[str, str | None]:
    """Names of the sheets, in order, with the parts that hold them."""
    by_lower = {name.lower(): name for name in parts}
    book = by_lower.get("xl/workbook.xml")
    links = by_lower.get("xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        raise _Unreadable(f"is no Excel workbook, or a broken one; {_AGAIN}")
    targets = {
        link.get("Id"): link.get("Target", "")
        for link in ElementTree.fromstring(parts[links])
        if _local(link.tag) == "Relationship"
    }
    out: dict[str, str | None] = {}
    for element in ElementTree.fromstring(parts[book]).iter():
        if _local(element.tag) != "sheet":
            continue
        link = next((v for k, v in element.attrib.items() if _local(k) == "id"), None)
        path = PurePosixPath("/xl", targets.get(link, ""))
        part = posixpath.normpath(str(path)).lstrip("/").lower()
        out[element.get("name", "")] = by_lower.get(part)
    return out


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _wanted(sheets: dict[str, str | None], notes: list[str]) -> dict[str, str]:
    """Our sheets by kind; names may differ in case and outer spaces."""
    wanted: dict[str, str] = {}
    for sheet in sheets:
        kind = sheet.strip().casefold()
        if kind in SHEETS and kind not in wanted:
            wanted[kind] = sheet
        else:
            notes.append(f"sheet {sheet} is not used")
    return wanted


def _packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def _numbered(values: Iterable[Iterable[Cell]], found: Survey) -> list[tuple[int, list[Cell]]]:
    """Rows with their numbers, and the cells put in that calamine leaves blank."""
    rows = [list(row) for row in values]
    for (row, column), cell in found.bad.items():
        while len(rows) < row:
            rows.append([])
        line = rows[row - 1]
        line.extend([""] * (column - len(line)))
        line[column - 1] = cell
    return list(enumerate(rows, start=1))
