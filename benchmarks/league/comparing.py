"""Two tables of results: what became better or worse, beyond noise.

Rows are matched by instance, strategy, seed and limits; the code is what is compared. Where the
limit is work and the strategy is deterministic, values and bounds are the same every time, so any
change of any row is real. Where it is the clock, they are not: a strategy is said to be worse only
if the bootstrap interval of its mean change over six instances or more is below 0, or if it is
disqualified. Seconds are reported as ratios and decide nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from benchmarks.league.rows import Key, Row

RESAMPLES = 2_000
#: Fewer instances say nothing where the clock decides: of two, both are worse by chance too often.
LEAST_INSTANCES = 6


@dataclass
class Change:
    """What became of one strategy.

    Attributes
    ----------
    better, worse : rows whose value is above, or below, the one before; bounds that are tighter,
        or weaker; in words.
    lost, gained : proofs of optimality that are no more, or are new; in words.
    faults : rows that were ok and are not any more; in words. dropped : those of them that tell
        nothing where the clock decides: no grouping was found, or it did not run.
    same : rows without any of that.
    instances : those with a value before and now.
    mean, low, high : mean change of value as a share of the value before, over the instances, with
        its 95% bootstrap interval.
    seconds : geometric mean of the seconds now to those before; ``None`` where none were taken.
    deepest : largest loss of value, or weakening of a bound, of any row, as a share of it.
    by_work : whether all rows are deterministic.
    """

    strategy: str
    better: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    gained: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    dropped: int = 0
    same: int = 0
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0
    instances: int = 0
    seconds: float | None = None
    deepest: float = 0.0
    by_work: bool = True

    def is_worse(self, tolerance: float = 0.0) -> bool:
        """Whether it became worse beyond noise, and beyond a share of value that is tolerated."""
        if self.by_work:
            return bool(self.faults or self.lost) or self.deepest > tolerance
        is_noise = self.instances < LEAST_INSTANCES or self.high >= -tolerance
        return len(self.faults) > self.dropped or not is_noise


def compare(before: Iterable[Row], now: Iterable[Row]) -> tuple[list[Change], int, int]:
    """Changes by strategy, and how many rows of either table have no match in the other."""
    old = {_match(row.key): row for row in before}
    new = {_match(row.key): row for row in now}
    both = [key for key in old if key in new]
    grouped: dict[str, list[tuple[Row, Row]]] = defaultdict(list)
    for key in both:
        grouped[old[key].key.strategy].append((old[key], new[key]))
    changes = [_change(name, pairs) for name, pairs in sorted(grouped.items())]
    return changes, len(old) - len(both), len(new) - len(both)


def _match(key: Key) -> tuple[object, ...]:
    return (
        key.instance, key.strategy, key.seed, key.seconds, key.work, key.memory_mb, key.workers,
    )  # fmt: skip


def _change(strategy: str, pairs: Sequence[tuple[Row, Row]]) -> Change:
    change = Change(strategy, by_work=all(a.deterministic and b.deterministic for a, b in pairs))
    shares: dict[str, list[float]] = defaultdict(list)
    ratios = []
    for old, new in pairs:
        name = f"{old.key.instance}, seed {old.key.seed}"
        before = (len(change.better), len(change.worse), len(change.lost), len(change.gained))
        if old.answer.verdict == "ok" and new.answer.verdict != "ok":
            change.dropped += new.answer.verdict != "disqualified"
            reason = f": {new.answer.reason}" if new.answer.reason else ""
            change.faults.append(f"{name}: {new.answer.verdict}{reason}")
            continue
        if old.answer.verdict != "ok" and new.answer.verdict == "ok":
            change.better.append(f"{name}: was {old.answer.verdict}")
        _proofs(change, name, old, new)
        first, second = old.answer.objective, new.answer.objective
        if first is not None and second is not None:
            shares[old.key.instance].append((second - first) / max(abs(first), 1))
            change.deepest = max(change.deepest, -shares[old.key.instance][-1])
            if second != first:
                where = change.better if second > first else change.worse
                where.append(f"{name}: {first:,} became {second:,}")
        if old.measured.seconds > 0 and new.measured.seconds > 0:
            ratios.append(math.log(new.measured.seconds / old.measured.seconds))
        after = (len(change.better), len(change.worse), len(change.lost), len(change.gained))
        change.same += before == after
    if shares:
        means = np.array([float(np.mean(values)) for values in shares.values()])
        change.mean, change.instances = float(means.mean()), len(means)
        rng = np.random.default_rng(0)
        drawn = means[rng.integers(0, len(means), (RESAMPLES, len(means)))].mean(axis=1)
        change.low, change.high = (float(x) for x in np.quantile(drawn, [0.025, 0.975]))
    if ratios:
        change.seconds = math.exp(sum(ratios) / len(ratios))
    return change


def _proofs(change: Change, name: str, old: Row, new: Row) -> None:
    first, second = old.answer.bound, new.answer.bound
    was = first is not None and first == old.answer.objective
    proved = second is not None and second == new.answer.objective
    if was and not proved:
        change.lost.append(f"{name}: {first:,} is not proved any more")
    elif proved and not was:
        change.gained.append(f"{name}: {second:,} is proved")
    elif first != second:
        tighter = first is None or (second is not None and second < first)
        if not tighter:
            weaker = inf if second is None else (second - (first or 0)) / max(abs(first or 0), 1)
            change.deepest = max(change.deepest, weaker)
        shown = ["none" if bound is None else f"{bound:,}" for bound in (first, second)]
        where = change.better if tighter else change.worse
        where.append(f"{name}: bound {shown[0]} became {shown[1]}")
