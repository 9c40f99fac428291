"""A compatibility of one's own: the pairs that may be together, from a list, a graph or a function.

Who knows the firms may know better than our score who goes with whom. Pairs of one's own take the
place of the score's threshold, of the channel rule and of the sparsifier: exactly the listed pairs
are compatible, in every market of the case. A veto and one owner for both still forbid a pair. A
listed score (basis points) is the pair's score in the worth; where none is listed, ours is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from consortium.errors import InputError, InputFault
from consortium.programme import MODES
from consortium.register import Firm, Register

if TYPE_CHECKING:
    import networkx as nx

    from consortium.intake.table import Table

FULL_BP = 10_000
#: Why a pair is none.
NOT_LISTED = "not among the pairs given"
_MAX_BYTES = 200_000_000
#: Columns and edge data with the score in one mode begin so.
_SCORE_IN = "score_"
#: A pair as given: its place, the firms, score and mode.
_GivenPair = tuple[int, str, str, object, object]


#: A pair: its score (basis points) in each mode in which it is compatible; ``None`` stands for the
#: score of ``consortium.criteria``.
OwnPair = Mapping[str, int | None]


def own_pair(score_bp: int | None = None, modes: Iterable[str] = MODES) -> OwnPair:
    """A pair with one score in some modes."""
    return dict.fromkeys(modes, score_bp)


@dataclass(frozen=True)
class OwnPairs:
    """Pairs of one's own.

    Attributes
    ----------
    pairs : by the two firm ids, the first below the second.
    origin : where they come from, for readers: a file's name, "graph" or "function".
    """

    pairs: Mapping[tuple[str, str], OwnPair]
    origin: str

    def pair(self, firm_a: str, firm_b: str) -> OwnPair:
        """The pair of two firms; empty if it is compatible in no mode."""
        return self.pairs.get((min(firm_a, firm_b), max(firm_a, firm_b)), {})

    def serves(self, modes: Iterable[str]) -> bool:
        """Whether any pair is compatible in any of some modes."""
        wanted = set(modes)
        return any(wanted & pair.keys() for pair in self.pairs.values())

    @cached_property
    def sha256(self) -> str:
        """Hash of the pairs and their scores."""
        rows = [[a, b, sorted(pair.items())] for (a, b), pair in sorted(self.pairs.items())]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def pairs_of_graph(graph: nx.Graph[str], register: Register) -> OwnPairs:
    """Pairs from a networkx graph: its edges, with ``score`` (basis points) and ``mode`` if given.

    ``score_range`` and ``score_volume``, where given, take the place of both.

    Raises
    ------
    InputError
        With every edge that is wrong: a firm not in the register, a firm with itself, a score that
        is no whole number from 0 to 10,000, an unknown mode.
    """
    rows: list[_GivenPair] = []
    for number, (a, b, data) in enumerate(graph.edges(data=True), start=1):
        by_mode = [(mode, data[_SCORE_IN + mode]) for mode in MODES if _SCORE_IN + mode in data]
        for mode, score in by_mode or [(data.get("mode"), data.get("score"))]:
            rows.append((number, str(a), str(b), score, mode))
    return _checked(rows, register, "graph")


def pairs_of_function(
    function: Callable[[Firm, Firm], int | bool | None], register: Register
) -> OwnPairs:
    """Pairs from a function of two firms, asked once for every pair of the register.

    Parameters
    ----------
    function : gives a score in basis points (0 to 10,000) or ``True`` where the two are compatible,
        ``None`` or ``False`` where they are not. The first firm's id is below the second's.

    Raises
    ------
    InputError
        If it gives anything else; the first hundred such pairs are named.
    """
    firms = sorted(register.firms, key=lambda firm: firm.firm_id)
    rows: list[_GivenPair] = []
    for at, firm_a in enumerate(firms):
        for firm_b in firms[at + 1 :]:
            given = function(firm_a, firm_b)
            if given is None or given is False:
                continue
            score = None if given is True else given
            rows.append((len(rows) + 1, firm_a.firm_id, firm_b.firm_id, score, None))
    return _checked(rows, register, "function")


def read_pairs(path: Path, register: Register) -> OwnPairs:
    """Read a list of pairs (.csv): ``firm_a``, ``firm_b`` and, where given, ``score_bp``, ``mode``.

    What ``consortium graph -o pairs.csv`` writes is such a list; other columns are left aside. A
    blank score stands for ours, a blank mode for every mode ("range+volume" names both).
    ``score_range`` and ``score_volume``, where a row has any, take the place of both; a pair may
    also have a row for each mode.

    Raises
    ------
    InputError
        With every fault of the file, by row and column.
    """
    from consortium.intake.table import Faults
    from consortium.intake.textfile import read_text_table

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError([InputFault(path.name, "is too large for a list of pairs")])
        data = path.read_bytes()
    except OSError as error:
        raise InputError([InputFault(path.name, f"cannot be read: {error.strerror}")]) from None
    if data.startswith(b"PK\x03\x04"):
        message = "is an Excel workbook; save its sheet of pairs as 'CSV UTF-8' and give that file"
        raise InputError([InputFault(path.name, message)])
    faults = Faults(path.name)
    table = read_text_table(data, "ties", path.name, faults)
    faults.raise_if_any()
    assert table is not None
    header, rows = _table_rows(table)
    for name in ("firm_a", "firm_b", "score_bp", "mode", *(_SCORE_IN + mode for mode in MODES)):
        if header.count(name) > 1:
            message = "stands twice in the header; which one is meant would be a guess"
            raise InputError([InputFault(path.name, message, column=name)])
    lacking = [name for name in ("firm_a", "firm_b") if name not in header]
    if lacking:
        message = f"has no column {' and no column '.join(lacking)}; a list of pairs has firm_a, "
        raise InputError([InputFault(path.name, f"{message}firm_b, score_bp and mode")])
    places = {name: at for at, name in enumerate(header)}

    def cell(cells: list[str], name: str) -> str | None:
        at = places.get(name)
        text = "" if at is None or at >= len(cells) else cells[at].strip()
        return text or None

    given: list[_GivenPair] = []
    for row, cells in rows:
        firms = (cell(cells, "firm_a") or "", cell(cells, "firm_b") or "")
        by_mode = [(mode, cell(cells, _SCORE_IN + mode)) for mode in MODES]
        told: list[tuple[str | None, str | None]]
        told = [(mode, score) for mode, score in by_mode if score is not None]
        for mode, score in told or [(cell(cells, "mode"), cell(cells, "score_bp"))]:
            given.append((row, *firms, score, mode))
    return _checked(given, register, path.name)


def _table_rows(table: Table) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the columns, and the rows below the header that are not blank."""
    from consortium.intake.table import is_blank

    rows = [(row, cells) for row, cells in table.rows if not all(map(is_blank, cells))]
    if not rows:
        return [], []
    header = [str(cell).strip().lower() for cell in rows[0][1]]
    return header, [(row, [str(cell) for cell in cells]) for row, cells in rows[1:]]


def _checked(rows: Iterable[_GivenPair], register: Register, origin: str) -> OwnPairs:
    """The pairs of some rows (number, firm, firm, score, mode); raises every fault."""
    faults: list[InputFault] = []
    pairs: dict[tuple[str, str], dict[str, int | None]] = {}
    first: dict[tuple[str, str], int] = {}

    def fault(row: int, message: str, column: str, value: object) -> None:
        faults.append(InputFault(origin, message, row=row, column=column, value=str(value)[:80]))

    for row, firm_a, firm_b, score, mode in rows:
        before = len(faults)
        for column, firm in (("firm_a", firm_a), ("firm_b", firm_b)):
            if firm not in register.by_id:
                fault(row, "is no firm_id of the register", column, firm)
        if firm_a == firm_b:
            fault(row, "a firm cannot be paired with itself", "firm_b", firm_b)
        score_bp = _score(score)
        if score is not None and score_bp is None:
            fault(row, "must be a whole number from 0 to 10,000 (basis points)", "score_bp", score)
        modes = _modes(mode)
        if modes is None:
            fault(row, f"must be {' or '.join(MODES)}, or both joined by +", "mode", mode)
        if len(faults) > before or modes is None:
            continue
        key = (min(firm_a, firm_b), max(firm_a, firm_b))
        known = pairs.setdefault(key, {})
        if any(known.setdefault(name, score_bp) != score_bp for name in sorted(modes)):
            otherwise = f"row {first[key]} gives this pair otherwise"
            fault(row, otherwise, "firm_a, firm_b", " ".join(key))
        first.setdefault(key, row)
    if not faults and not pairs:
        faults.append(InputFault(origin, "names no pair, so no consortium could form"))
    if len(faults) > 100:
        rest = len(faults) - 100
        faults = [*faults[:100], InputFault(origin, f"{rest:,} more faults not listed")]
    if faults:
        raise InputError(faults)
    return OwnPairs(pairs, origin)


def _score(given: object) -> int | None:
    """A score as basis points; ``None`` where it is none."""
    if isinstance(given, str):
        # Commas may part thousands and nothing else: 5,5 is no score.
        text = given.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})*", given) else given
        given = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
    # numpy's integers are whole numbers too; True is not meant as 1.
    if given is None or isinstance(given, bool) or not hasattr(given, "__index__"):
        return None
    number = int(given)
    return number if 0 <= number <= FULL_BP else None


def _modes(given: object) -> frozenset[str] | None:
    """The modes named; all of them where none is, ``None`` where one is unknown."""
    if given is None or given == "":
        return frozenset(MODES)
    named = frozenset(part.strip() for part in str(given).split("+"))
    return named if named <= set(MODES) else None
