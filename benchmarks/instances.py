"""Readers of published grouping instances and of their best-known values.

The instances are not shipped. Their folder is the one given, or that of the environment variable
``GROUPING_INSTANCES``, or ``../shared/instances`` next to the project; its README states formats
and sources. Decimals become integers by the smallest power of ten that loses no digit, so that
every comparison with a published value is exact.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from solver import Group, Grouping, GroupingProblem, InvalidProblem
from solver.families import (
    capacitated_clustering,
    clique_partitioning,
    maximally_diverse_grouping,
    quadratic_multiple_knapsack,
)

IntArray = npt.NDArray[np.int64]
VARIABLE = "GROUPING_INSTANCES"
FAMILIES = ("cpp", "mdgp", "ccp", "qmkp", "wce", "modularity")
#: A value that a quick heuristic beat, or none at all, is no target.
NO_TARGET = ("W", "-")
#: In CP-Lib's CPn files this weight forbids a pair.
FORBIDDEN = -9999


class InstancesMissing(Exception):
    """There is no folder of published instances; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a ``best_known.csv`` whose instance is at hand.

    Attributes
    ----------
    name, family, n : as published; the family's first part is its folder.
    path : the instance file.
    best_known : published value, ``None`` where there is none.
    is_optimal : the value was proved optimal.
    grade : how sure the value is (the folder's README explains the grades).
    minimise : the published objective is a cost.
    paper_seconds : seconds a run had in the paper (its cut-off where the note states one),
        where stated.
    """

    name: str
    family: str
    n: int
    path: Path
    best_known: Decimal | None
    is_optimal: bool
    grade: str
    minimise: bool
    paper_seconds: float | None

    @property
    def usable(self) -> bool:
        """Whether the value may serve as a target."""
        return self.best_known is not None and self.grade not in NO_TARGET


@dataclass(frozen=True, slots=True)
class Read:
    """An instance as a problem, with the way back to the published objective.

    ``value`` gives ``objective / scale``, or ``(offset - objective) / scale`` for a cost.
    """

    problem: GroupingProblem
    scale: int = 1
    offset: int | None = None

    def value(self, objective: int) -> Decimal:
        """The published objective of a grouping worth ``objective``; exact."""
        scaled = objective if self.offset is None else self.offset - objective
        return Decimal(scaled) / self.scale


def instances_root(given: str | Path | None = None) -> Path:
    """The folder of published instances.

    Raises
    ------
    InstancesMissing
        If it is not there.
    """
    named = given or os.environ.get(VARIABLE)
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "instances"
    root = Path(named) if named else default
    if not any((root / family / "best_known.csv").is_file() for family in FAMILIES):
        shown = f"{named}" if named else "../shared/instances next to the project"
        raise InstancesMissing(
            f"no published instances in {shown}: give their folder, or set {VARIABLE}"
        )
    return root


def published(root: Path, families: Sequence[str] = FAMILIES) -> list[Published]:
    """Every instance at hand, in the order of the lists."""
    return [row for family in families for row in _rows(root, root / family / "best_known.csv")]


def _rows(root: Path, listed: Path) -> Iterator[Published]:
    if not listed.is_file():
        return
    with listed.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if not row["file"]:
                continue
            yield Published(
                name=row["instance"],
                family=row["family"],
                n=int(row["n"]),
                path=root / row["file"],
                best_known=Decimal(row["best_known"]) if row["best_known"] else None,
                is_optimal=row["is_optimal"] == "1",
                grade=row["grade"],
                minimise=row["sense"].startswith("min"),
                paper_seconds=_paper_seconds(row["paper_time_s"], row["note"]),
            )


def _paper_seconds(stated: str, note: str) -> float | None:
    """A stated time may be the mean time to the best value; the note then has the cut-off."""
    cut_off = re.search(r"cut-off (\d+) s", note)
    seconds = cut_off.group(1) if cut_off else stated
    return float(seconds) if seconds else None


def read(instance: Published) -> Read:
    """Read one instance.

    Raises
    ------
    ValueError
        If the file is not in its family's format.
    """
    return read_as(instance.family, instance.path)


def read_as(family: str, path: Path) -> Read:
    """Read a file as an instance of a family, such as "cpp/ABR" or "ccp/Handover"."""
    handover = family == "ccp/Handover"
    reader = read_handover if handover else READERS[family.partition("/")[0]]
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text: {error}") from error
    try:
        return reader(text)
    except (ValueError, IndexError, InvalidProblem) as error:
        raise ValueError(f"{path.name}, {_located(reader, text, error)}") from error


def _located(reader: Callable[[str], Read], text: str, error: Exception) -> str:
    """What is wrong, and in which line: the file is read again, with lines kept at its words."""
    try:
        reader(LinedText(text))
    except (ValueError, IndexError, InvalidProblem) as again:
        error = again
    said = str(error)
    if isinstance(error, IndexError):
        said = "more numbers expected"
    lines = text.count("\n") + (not text.endswith("\n"))
    return said if said.startswith("line ") else f"line {lines}, its last: {said}"


class LinedWord(str):
    """A word of a file that knows its line."""

    __slots__ = ("line",)
    line: int


class LinedText(str):
    """Text whose words know their lines; what readers ask of text, no more.

    Files have millions of words: only those of a file that cannot be read are kept so.
    """

    __slots__ = ("first",)
    first: int

    def __new__(cls, text: str, first: int = 1) -> LinedText:
        made = super().__new__(cls, text)
        made.first = first
        return made

    def split(self, sep: str | None = None, maxsplit: int = -1) -> list[str]:  # type: ignore[override]
        """Words with their lines; at the ends of lines, texts that know where they begin."""
        if sep == "\n" and maxsplit == 1:
            head, found, rest = self.partition("\n")
            return [head, rest] if found else [head]
        words: list[str] = []
        for number, line in enumerate(str(self).split("\n"), start=self.first):
            for word in line.split():
                lined = LinedWord(word)
                lined.line = number
                words.append(lined)
        return words

    def partition(self, sep: str) -> tuple[str, str, str]:  # type: ignore[override]
        """The first line and the rest."""
        head, found, rest = super().partition(sep)
        after = self.first + (head + found).count("\n")
        return LinedText(head, self.first), found, LinedText(rest, after)


def _at(word: str) -> str:
    return f"line {word.line}: " if isinstance(word, LinedWord) else ""


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"{_at(word)}a whole number expected, {str(word)!r} found") from None


def gap_to_best(instance: Published, value: Decimal) -> float:
    """How far a value is behind the best known one, as a share of it; below 0 when better.

    Both are compared to the published digits: 1342.1699 reaches a published 1342.17.
    """
    best = instance.best_known
    if best is None:
        raise ValueError(f"{instance.name} has no best-known value")
    exponent = int(best.as_tuple().exponent)
    shown = value.quantize(Decimal(1).scaleb(exponent)) if exponent < 0 else value
    behind = shown - best if instance.minimise else best - shown
    return float(behind / max(abs(best), Decimal(1)))


# -- formats ------------------------------------------------------------------------------------


def read_clique_partitioning(text: str) -> Read:
    """CP-Lib: n, then the upper triangle row by row. Modularity files are the same."""
    words = text.split()
    n = _whole(words[0])
    values, scale = _scaled(words[1:])
    first, second = np.triu_indices(n, 1)
    if len(values) != len(first):
        raise ValueError(f"{len(first)} weights expected for {n} nodes, {len(values)} found")
    pairs = np.stack([first, second], axis=1)
    never = values == FORBIDDEN * scale
    problem = clique_partitioning(n, pairs[~never], values[~never], pairs[never])
    return Read(problem, scale)


def read_cluster_editing(text: str) -> Read:
    """Weighted cluster editing: n, then ``i j w`` with nodes from 1; a cost."""
    words = text.split()
    n = _whole(words[0])
    pairs, values, scale = _triples(words[1:], n, first_node=1)
    offset = int(values[values > 0].sum())
    return Read(clique_partitioning(n, pairs, values), scale, offset)


def read_diverse_grouping(text: str) -> Read:
    """MDGPLIB: ``n m ss|ds``, least and most of each group, then ``i j d`` with nodes from 0."""
    head, _, rest = text.partition("\n")
    words = head.split()
    n, groups = _whole(words[0]), _whole(words[1])
    bounds = _bounds([_whole(word) for word in words[3:]], groups)
    pairs, values, scale = _triples(rest.split(), n)
    return Read(maximally_diverse_grouping(n, pairs, values, bounds), scale)


def read_capacitated_clustering(text: str) -> Read:
    """CCPLIB: as MDGPLIB, with ``W`` and node weights at the end of the first line."""
    head, _, rest = text.partition("\n")
    words = head.split()
    n, groups = _whole(words[0]), _whole(words[1])
    if "W" not in words:
        raise ValueError(f"{_at(words[0])}W expected before the node weights")
    at = words.index("W")
    # Bounds and weights are compared with one another, so one scale serves both.
    scaled, _ = _scaled(words[3:at] + words[at + 1 :])
    bounds, weights = scaled[: at - 3], scaled[at - 3 :]
    if len(weights) != n:
        raise ValueError(f"{n} node weights expected, {len(weights)} found")
    pairs, values, scale = _triples(rest.split(), n)
    loads = _bounds(bounds.tolist(), groups)
    return Read(capacitated_clustering(n, pairs, values, weights, loads), scale)


def read_handover(text: str) -> Read:
    """CCPLIB Handover: n, groups, capacity, node weights, n x n matrix; minimise the cut.

    The cut counts ordered pairs, so a pair's value is both entries of the matrix.
    """
    words = text.split()
    n, groups = _whole(words[0]), _whole(words[1])
    loads, _ = _scaled(words[2 : 3 + n])
    entries, scale = _scaled(words[3 + n :])
    if len(entries) != n * n:
        raise ValueError(f"a matrix of {n * n} numbers expected, {len(entries)} found")
    matrix = entries.reshape(n, n)
    first, second = np.triu_indices(n, 1)
    values = matrix[first, second] + matrix[second, first]
    bounds = [(0, int(loads[0]))] * groups
    pairs = np.stack([first, second], axis=1)
    problem = capacitated_clustering(n, pairs, values, loads[1:], bounds)
    return Read(problem, scale, int(values.sum()))


def read_knapsack(text: str) -> Read:
    """Billionnet and Soutif: name, n, item values, upper triangle, 0, K, capacities, weights."""
    words = text.split("\n", 1)[1].split()
    n = _whole(words[0])
    number = n * (n - 1) // 2
    earned, scale = _scaled(words[1 : 1 + n + number])
    at = 1 + n + number
    if len(words) < at + 2 or words[at] != "0":
        raise ValueError("0 and the number of knapsacks expected after the pair values")
    knapsacks = _whole(words[at + 1])
    loads, _ = _scaled(words[at + 2 : at + 2 + knapsacks + n])
    if len(loads) != knapsacks + n:
        raise ValueError(f"{knapsacks} capacities and {n} weights expected, {len(loads)} found")
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    problem = quadratic_multiple_knapsack(
        earned[:n], pairs, earned[n:], loads[knapsacks:], loads[:knapsacks].tolist()
    )
    return Read(problem, scale)


READERS: dict[str, Callable[[str], Read]] = {
    "cpp": read_clique_partitioning,
    "modularity": read_clique_partitioning,
    "wce": read_cluster_editing,
    "mdgp": read_diverse_grouping,
    "ccp": read_capacitated_clustering,
    "qmkp": read_knapsack,
}


def _bounds(flat: Sequence[int], groups: int) -> list[tuple[int, int]]:
    if len(flat) != 2 * groups:
        raise ValueError(f"{groups} pairs of bounds expected, {len(flat)} numbers found")
    return list(zip(flat[::2], flat[1::2], strict=True))


def _triples(words: list[str], n: int, first_node: int = 0) -> tuple[IntArray, IntArray, int]:
    """Pairs (i < j), values and scale of lines ``i j value`` over ``n`` nodes."""
    if len(words) % 3:
        raise ValueError("lines of three numbers expected")
    named = [[_whole(word) for word in words[at::3]] for at in (0, 1)]
    ends = np.array(named, dtype=np.int64).T - first_node
    wrong = (ends < 0).any(axis=1) | (ends >= n).any(axis=1) | (ends[:, 0] == ends[:, 1])
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{_at(words[3 * at])}two different nodes from {first_node} to {n - 1 + first_node} "
            f"expected, {words[3 * at]} and {words[3 * at + 1]} found"
        )
    values, scale = _scaled(words[2::3])
    return np.sort(ends, axis=1), values, scale


def _scaled(words: Sequence[str]) -> tuple[IntArray, int]:
    """Decimals as integers, and the power of ten they were multiplied by."""
    places = max((_places(word) for word in words), default=0)
    return np.array([_digits(word, places) for word in words], dtype=np.int64), 10**places


def _places(word: str) -> int:
    """Digits after the point that say something."""
    return len(word.partition(".")[2].rstrip("0"))


_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?$")


def _digits(word: str, places: int) -> int:
    if not _NUMBER.match(word):
        raise ValueError(f"{_at(word)}a plain decimal number expected, {str(word)!r} found")
    whole, _, fraction = word.partition(".")
    return int(whole + fraction[:places].ljust(places, "0"))


# -- published partitions -------------------------------------------------------------------------


def read_cplib_solution(text: str) -> tuple[Decimal, Grouping]:
    """CP-Lib ``Optimal/NAME_opt.txt``: the value, and groups in braces with nodes from 1."""
    value = Decimal(text.split("Optimal value:")[1].split(maxsplit=1)[0])
    groups = [
        Group(0, [int(node) - 1 for node in inside.split()])
        for inside in re.findall(r"\{([^}]*)\}", text)
    ]
    return value, Grouping(groups)


def read_tpsdp_solution(text: str, problem: GroupingProblem) -> tuple[Decimal, Grouping]:
    """``NAME_tpsdp.txt``: best value; ``N G f``; bounds and size a group; node and group a line."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    found = re.findall(r"(\w)\s*=\s*([\d.]+)", text)
    n, groups = (int(dict(found)[name]) for name in "NG")
    kind_of = {label: k for k, label in enumerate(problem.kinds)}
    kinds = [kind_of[f"{int(low)} to {int(high)}"] for low, high, _ in lines[2 : 2 + groups]]
    members: list[list[int]] = [[] for _ in range(groups)]
    for node, group in lines[2 + groups : 2 + groups + n]:
        members[int(group)].append(int(node))
    made = [Group(kind, inside) for kind, inside in zip(kinds, members, strict=True)]
    return Decimal(dict(found)["f"]), Grouping(made)
