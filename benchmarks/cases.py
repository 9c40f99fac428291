"""The cases the engine is measured on, and what is expected of each.

A case builds its problem from a fixed seed. A target is a gap, reached within seconds, and at most
so much memory; a gap of 0 is a proved optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.generators import register_problem, sample_problem, study_problem
from solver import GroupingProblem


@dataclass(frozen=True, slots=True)
class Target:
    """A gap (a share; 0 is proved), the seconds to reach it in, and the memory allowed."""

    gap: float
    seconds: float
    memory_gb: float | None = None

    def __str__(self) -> str:
        what = "proved" if self.gap == 0 else f"gap ≤ {self.gap:.2%}"
        memory = "" if self.memory_gb is None else f", {self.memory_gb:g} GB"
        return f"{what}, {self.seconds:g} s{memory}"


@dataclass(frozen=True, slots=True)
class Case:
    """One problem and its target.

    Attributes
    ----------
    name, row : of the case, and of the row of cases it belongs to.
    build : makes the problem.
    seconds : time limit of the solve.
    leaves : solve first, then let one grouped item leave and measure the second solve.
    """

    name: str
    row: str
    build: Callable[[], GroupingProblem]
    target: Target
    seconds: float = 60.0
    leaves: bool = False


def _study(
    n: int, degree: int, markets: int, row: str, target: Target, seconds: float = 60.0
) -> Case:
    build = partial(study_problem, n, degree, markets, 0)
    return Case(f"study n={n} deg={degree} M={markets}", row, build, target, seconds)


def _sample(firms: int, target: Target) -> Case:
    return Case(f"sample {firms} firms", "registers", partial(sample_problem, firms, 1), target)


def _register(firms: int, markets: int, families: int, target: Target) -> Case:
    build = partial(register_problem, firms, markets, 1, families=families)
    return Case(f"register {firms} firms, {markets} markets", "markets", build, target)


#: What is asked of a register of so many firms, however many markets it is for.
REGISTER_TARGETS = (
    (60, Target(0, 60)),
    (300, Target(0.002, 60)),
    (1_000, Target(0.005, 60)),
    (3_600, Target(0.01, 60)),
)

CASES: tuple[Case, ...] = (
    _study(300, 20, 3, "study", Target(0, 2)),
    _study(1_000, 20, 3, "study", Target(0, 5)),
    _study(3_000, 20, 3, "study", Target(0, 20)),
    _study(300, 60, 3, "dense", Target(0.005, 60)),
    _study(300, 100, 3, "dense", Target(0.01, 60)),
    *(_sample(firms, target) for firms, target in REGISTER_TARGETS),
    *(_register(firms, 3, 5, target) for firms, target in REGISTER_TARGETS),
    *(_register(firms, 10, 10, target) for firms, target in REGISTER_TARGETS),
    Case(
        "study n=300 deg=20 M=3, one leaves",
        "leaving",
        partial(study_problem, 300, 20, 3, 0),
        Target(0, 1),
        leaves=True,
    ),
    Case(
        "sample 300 firms, one leaves",
        "leaving",
        partial(sample_problem, 300, 1),
        Target(0.002, 1),
        leaves=True,
    ),
    _study(10_000, 20, 5, "large", Target(0.0005, 60)),
    _study(10_000, 40, 5, "large", Target(0.01, 60)),
    _study(50_000, 20, 5, "huge", Target(0.005, 300, 6), seconds=300.0),
)

ROWS = tuple(dict.fromkeys(case.row for case in CASES))


def case_named(name: str) -> Case:
    """The case of that name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {case.name: case for case in CASES}[name]


def chosen(wanted: list[str]) -> list[Case]:
    """Cases of the rows named, and those whose name contains one of the other words."""
    return [case for case in CASES if not wanted or any(_meant(word, case) for word in wanted)]


def _meant(word: str, case: Case) -> bool:
    return word == case.row if word in ROWS else word in case.name
