"""From judged rows to the matrices that statistics work on.

What counts as what, everywhere:

- The seeds of one (instance, strategy) are one observation: their median.
- A run without an answer that stands ("none", "disqualified") has gap 1, infinite cost (so the
  worst rank) and infinite time to every target.
- A run that is "refused" or "unavailable" is no run.
- A proof that no grouping keeps the rules is the best answer of its instance, at its end.
- An instance of which nothing is known (no value, no such proof) says nothing and is left out.
- Gaps are cut at 1: an answer far below the best is no worse than none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median

import numpy as np

from benchmarks.league.judging import Best, Judged, gap_to_best, gap_to_bound, is_solved
from benchmarks.league.rows import Row
from benchmarks.league.statistics import Matrix, primal_integral, time_to_target

#: Verdicts of runs that took place.
RAN = ("ok", "none", "disqualified")


@dataclass(frozen=True, slots=True)
class Sample:
    """The runs that took place, by instance and strategy.

    Attributes
    ----------
    instances : of which something is known, sorted; unknown : the others, left out.
    strategies : in the order given.
    runs : by (instance, strategy).
    """

    judged: Judged
    instances: tuple[str, ...]
    strategies: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    runs: dict[tuple[str, str], list[Row]] = field(default_factory=dict)

    def matrix(self, measure: Callable[[Row, Best], float | None]) -> Matrix:
        """Median over the seeds of a measure of a run; ``nan`` where there is none."""
        found = np.full((len(self.instances), len(self.strategies)), np.nan)
        for i, instance in enumerate(self.instances):
            for j, strategy in enumerate(self.strategies):
                runs = self.runs.get((instance, strategy), [])
                values = [measure(row, self.judged.best[instance]) for row in runs]
                known = [value for value in values if value is not None]
                if known:
                    found[i, j] = median(known)
        return found

    def gaps(self) -> Matrix:
        """Gaps to the best known value, within [0, 1]."""
        return self.matrix(lambda row, best: min(cost_of(row, best), 1.0))

    def costs(self) -> Matrix:
        """Gaps that are not cut, and ``inf`` for failures: for ranks."""
        return self.matrix(cost_of)

    def bound_gaps(self) -> Matrix:
        """Gaps to the best valid bound, within [0, 1]; ``nan`` where no bound is known."""
        return self.matrix(_bound_gap)

    def times(self, target: float) -> Matrix:
        """Seconds until the gap to the best known value is at most the target, or ``inf``."""
        return self.matrix(lambda row, best: time_of(row, best, target))

    def integrals(self) -> Matrix:
        """Primal integrals over each run's limit of time."""
        return self.matrix(integral_of)


def sample_of(judged: Judged, strategies: Sequence[str] | None = None) -> Sample:
    """Take the runs of the strategies (of all, by name) from judged rows."""
    wanted = tuple(strategies) if strategies is not None else strategies_of(judged.rows)
    runs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in judged.rows:
        if row.answer.verdict in RAN and row.key.strategy in wanted:
            runs[row.key.instance, row.key.strategy].append(row)
    told = {name for name, one in judged.best.items() if one.value is not None or one.infeasible}
    ran = sorted({instance for instance, _ in runs})
    return Sample(
        judged,
        tuple(name for name in ran if name in told),
        wanted,
        tuple(name for name in ran if name not in told),
        dict(runs),
    )


def strategies_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """Names of the strategies, sorted."""
    return tuple(sorted({row.key.strategy for row in rows}))


def trace_of(row: Row) -> list[list[float]]:
    """Values over time, with the verified answer at the end; empty where no answer stands."""
    if not is_solved(row) or row.answer.objective is None:
        return []
    # What was told but is above the answer was not answered.
    told = [point for point in row.measured.trace if point[1] <= row.answer.objective]
    return [*told, [row.measured.seconds, row.answer.objective]]


def cost_of(row: Row, best: Best) -> float:
    """Gap to the best known value; 0 for a proof that there is none; ``inf`` without an answer."""
    if not is_solved(row):
        return inf
    if row.answer.objective is None:
        return 0.0
    gap = gap_to_best(row.answer.objective, best.value)
    return inf if gap is None else gap


def time_of(row: Row, best: Best, target: float) -> float:
    """Seconds until the gap is at most the target; a proof of infeasibility reaches every one."""
    if not is_solved(row):
        return inf
    if row.answer.objective is None or best.value is None:
        return row.measured.seconds
    # The grace that a run has beyond its limit is for ending, not for finding.
    limit = inf if row.key.work is not None else row.key.seconds
    return time_to_target(trace_of(row), best.value, target, limit)


def integral_of(row: Row, best: Best) -> float:
    """Primal integral over the run's limit; 1 without an answer.

    The limit is the key's ``seconds``. A proof of infeasibility counts as gap 0 from its end on.
    """
    limit = row.key.seconds
    if not is_solved(row) or limit <= 0:
        return 1.0
    if row.answer.objective is None or best.value is None:
        return min(row.measured.seconds / limit, 1.0)
    return primal_integral(trace_of(row), best.value, limit)


def _bound_gap(row: Row, best: Best) -> float | None:
    if best.bound is None:
        return None
    gap = gap_to_bound(row.answer.objective, best.bound) if is_solved(row) else None
    return 1.0 if gap is None else min(gap, 1.0)
