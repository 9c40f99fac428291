"""Everything a report tells, computed once: what tables and figures take their numbers from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benchmarks.league.judging import Judged, is_solved
from benchmarks.league.rows import Row
from benchmarks.league.sampling import RAN, Sample, sample_of, strategies_of
from benchmarks.league.similarity import Likeness, likeness
from benchmarks.league.statistics import (
    Difference,
    Friedman,
    Interval,
    Matrix,
    Power,
    bootstrap_interval,
    complete_blocks,
    differences,
    friedman,
    ranks,
    scaling,
)

#: Gaps to the best known value that count as targets, the widest first.
TARGETS = (0.01, 0.001, 0.0)
#: A strategy that has run less than this share of the instances is not compared by blocks: it
#: would leave out the instances of all others.
LEAST_SHARE = 0.5
#: Differences with a Holm-corrected p below this are called significant.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Size:
    """How large an instance is: items, kinds of groups, pairs with a value of their own."""

    items: int
    kinds: int = 1
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What a strategy is, in a line, and whether it is ours."""

    about: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Details:
    """What rows do not say.

    Attributes
    ----------
    suite : name of what was run. commit : of the sources.
    strategies, sizes : by name; names that are missing are shown without.
    remarks : what a reader should know first.
    """

    suite: str
    commit: str = ""
    strategies: Mapping[str, About] = field(default_factory=dict)
    sizes: Mapping[str, Size] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def family_of(instance: str) -> str:
    """Family of an instance: what stands before the first ":"; all of a name without one."""
    return instance.partition(":")[0]


@dataclass(frozen=True)
class Study:
    """Judged rows with their statistics; a number is computed when it is first asked for."""

    judged: Judged
    details: Details

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Rows in the order of the report: by instance, strategy, seed and limits."""
        return tuple(
            sorted(self.judged.rows, key=lambda row: (
                row.key.instance, row.key.strategy, row.key.seed, row.key.text))
        )  # fmt: skip

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """Strategies that have run, ours first."""
        ran = strategies_of(row for row in self.rows if row.answer.verdict in RAN)
        return tuple(sorted(ran, key=lambda name: (not self.is_ours(name), name)))

    @cached_property
    def sample(self) -> Sample:
        """The runs that took place."""
        return sample_of(self.judged, self.strategies)

    def is_ours(self, strategy: str) -> bool:
        """Whether the strategy is ours."""
        about = self.details.strategies.get(strategy)
        return about is not None and about.ours

    def of(self, strategy: str) -> list[Row]:
        """The strategy's rows."""
        return [row for row in self.rows if row.key.strategy == strategy]

    @cached_property
    def gaps(self) -> Matrix:
        """Gaps to the best known value."""
        return self.sample.gaps()

    @cached_property
    def bound_gaps(self) -> Matrix:
        """Gaps to the best bound."""
        return self.sample.bound_gaps()

    @cached_property
    def integrals(self) -> Matrix:
        """Primal integrals."""
        return self.sample.integrals()

    @cached_property
    def times(self) -> dict[float, Matrix]:
        """Seconds to each target."""
        return {target: self.sample.times(target) for target in TARGETS}

    @cached_property
    def compared(self) -> tuple[int, ...]:
        """Columns of the strategies that are compared on complete blocks."""
        least = LEAST_SHARE * len(self.sample.instances)
        ran = (~np.isnan(self.gaps)).sum(axis=0)
        return tuple(j for j, count in enumerate(ran) if count and count >= least)

    @property
    def compared_names(self) -> tuple[str, ...]:
        """Names of the strategies that are compared on complete blocks."""
        return tuple(self.strategies[j] for j in self.compared)

    @cached_property
    def blocks(self) -> np.ndarray:
        """Which instances all the compared strategies have run."""
        return complete_blocks(self.gaps[:, self.compared])

    def block(self, matrix: Matrix) -> Matrix:
        """The complete blocks of a matrix, with the compared strategies only."""
        return matrix[self.blocks][:, self.compared]

    @cached_property
    def rank_table(self) -> Matrix:
        """Ranks on complete blocks."""
        return ranks(self.block(self.sample.costs()))

    def rank(self, strategy: str) -> float | None:
        """Average rank of a strategy; ``None`` where it is not compared."""
        if strategy not in self.compared_names or not len(self.rank_table):
            return None
        return float(self.rank_table[:, self.compared_names.index(strategy)].mean())

    def rank_interval(self, strategy: str) -> Interval | None:
        """Bootstrap interval of the average rank."""
        if strategy not in self.compared_names:
            return None
        return bootstrap_interval(self.rank_table[:, self.compared_names.index(strategy)])

    @cached_property
    def friedman(self) -> Friedman | None:
        """Test of whether the compared strategies differ at all."""
        return friedman(self.block(self.sample.costs()))

    @cached_property
    def differences(self) -> list[Difference]:
        """All pairs of strategies; their numbers are columns of ``strategies``."""
        return differences(self.gaps)

    @cached_property
    def likeness(self) -> Likeness:
        """How alike the groupings are."""
        items = {name: size.items for name, size in self.details.sizes.items()}
        return likeness(self.judged.rows, self.strategies, items)

    def measured(self, strategy: str, what: str) -> list[tuple[int, int, float]]:
        """(number of the run, items, "seconds" or "peak_mb") of each solved run of known size."""
        return [
            (number, self.details.sizes[row.key.instance].items, getattr(row.measured, what))
            for number, row in enumerate(self.rows, start=1)
            if row.key.strategy == strategy
            and row.key.instance in self.details.sizes
            and is_solved(row)
            and getattr(row.measured, what) > 0
        ]

    def power(self, strategy: str, what: str) -> Power | None:
        """How seconds or memory grow with the items; medians of the seeds are the points."""
        by_instance: dict[str, list[float]] = {}
        for number, _, value in self.measured(strategy, what):
            by_instance.setdefault(self.rows[number - 1].key.instance, []).append(value)
        names = sorted(by_instance)
        return scaling(
            [self.details.sizes[name].items for name in names],
            [float(np.median(by_instance[name])) for name in names],
        )

    @cached_property
    def families(self) -> dict[str, list[int]]:
        """Lines of the matrices, by family."""
        found: dict[str, list[int]] = {}
        for line, instance in enumerate(self.sample.instances):
            found.setdefault(family_of(instance), []).append(line)
        return found

    @property
    def longest(self) -> float:
        """The longest limit of time, or the longest run where none has one."""
        limits = [row.key.seconds for row in self.rows if row.answer.verdict in RAN]
        return max(limits, default=0.0) or max(self._seconds, default=1.0)

    @property
    def _seconds(self) -> Sequence[float]:
        return [row.measured.seconds for row in self.rows]

    def notes(self) -> list[str]:
        """What the reader must know to read the numbers rightly."""
        sample, found = self.sample, [*self.details.remarks, *self.judged.remarks]
        if not self.rows:
            return [*found, "No runs: there is nothing to report."]
        if len(self.strategies) == 1:
            found.append("One strategy only: nothing is compared.")
        if sample.unknown:
            found.append(
                f"{counted(len(sample.unknown), 'instance')} of which no value is known "
                f"left out of the comparison: {shortened(sample.unknown)}."
            )
        few = [name for name in self.strategies if name not in self.compared_names]
        if few and sample.instances:
            found.append(
                f"Compared on too few instances for ranks and profiles (less than half): "
                f"{', '.join(few)}."
            )
        left_out = int((~self.blocks).sum())
        if left_out:
            found.append(
                f"Ranks and profiles leave out {counted(left_out, 'instance')} of "
                f"{len(sample.instances)} that not all compared strategies have run."
            )
        limits = {(r.key.seconds, r.key.work, r.key.memory_mb, r.key.workers) for r in self.rows}
        if len(limits) > 1:
            found.append(f"Runs under {len(limits)} different limits are mixed.")
        mixed = self._of_several_codes()
        if mixed:
            found.append(f"Runs of different versions of the code are mixed: {', '.join(mixed)}.")
        return found

    def _of_several_codes(self) -> list[str]:
        """Strategies whose rows are of more than one version of the code.

        Those of different strategies differ by themselves: some have libraries of their own.
        """
        codes: dict[str, set[str]] = {}
        for row in self.rows:
            codes.setdefault(row.key.strategy, set()).add(row.key.code)
        return sorted(name for name, own in codes.items() if len(own) > 1)


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(names: Sequence[str], most: int = 8) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
