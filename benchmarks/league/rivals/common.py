"""What the rivals share: when to end, the best grouping so far, and how to look things up."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.league.contract import Answer, Report
from solver import Grouping, GroupingProblem, Limits, verify

#: Share of the seconds kept back for ending: the last check and the way home.
_RESERVE = 0.06
#: Seconds after which a rival ends that was given no limit at all.
_UNLIMITED = 60.0


class TooLate(Exception):
    """The limits ended before a model was built."""


class Rival:
    """A rival that runs everywhere and takes every problem; by work it ends at the same step."""

    deterministic = True

    def unavailable(self) -> str:
        return ""

    def refuses(self, problem: GroupingProblem) -> str:
        return ""


class Budget:
    """What is left of the limits: the clock, or units of work where those are set."""

    def __init__(self, limits: Limits) -> None:
        self.work = limits.work
        self._began = time.monotonic()
        self._seconds = (limits.seconds or _UNLIMITED) * (1 - _RESERVE)
        self._spent = 0

    def spend(self, units: int) -> None:
        """Count work units, of about a microsecond each."""
        self._spent += units

    @property
    def share(self) -> float:
        """How much of the limits is used: 0 at the start, 1 or more at the end."""
        if self.work is not None:
            return self._spent / self.work
        return (time.monotonic() - self._began) / self._seconds

    @property
    def over(self) -> bool:
        """Whether the rival must end."""
        return self.share >= 1

    @property
    def remaining(self) -> float:
        """What is left: seconds, or millions of work units, which are about as long."""
        whole = self._seconds if self.work is None else self.work / 1e6
        return max(0.0, whole * (1 - self.share))


class Best:
    """The best grouping so far; what is feasible and better is told to the league."""

    def __init__(self, problem: GroupingProblem, report: Report) -> None:
        self.problem = problem
        self.grouping: Grouping | None = None
        self.objective: int | None = None
        self._report = report

    def offer(self, grouping: Grouping | None) -> bool:
        """Take a grouping if it keeps every rule; returns whether it does."""
        if grouping is None:
            return False
        verdict = verify(self.problem, grouping)
        if not verdict.feasible or verdict.objective is None:
            return False
        if self.objective is None or verdict.objective > self.objective:
            self.grouping, self.objective = grouping, verdict.objective
            self._report(grouping)
        return True

    def answer(self, *notes: str, bound: int | None = None, infeasible: bool = False) -> Answer:
        """What the league is told at the end."""
        return Answer(self.grouping, self.objective, bound, infeasible, notes)


class PairRules:
    """Which pairs are banned in a kind, and what they are worth, by look-up."""

    def __init__(self, problem: GroupingProblem) -> None:
        self._index = problem.pair_index
        self._apart = problem.apart_pairs
        self._absent_banned = problem.absent_pairs == "forbidden"
        kinds = range(problem.num_kinds)
        one_row = problem.pair_values.ndim == 1 and problem.pair_allowed.ndim == 1
        rows = kinds[:1] if one_row else kinds
        allowed = [problem.pair_allowed_of(k).tolist() for k in rows]
        values = [problem.pair_values_of(k).tolist() for k in rows]
        self._allowed = allowed * problem.num_kinds if one_row else allowed
        self._values = values * problem.num_kinds if one_row else values

    def banned(self, kind: int, i: int, j: int) -> bool:
        """Whether two items may not be in one group of a kind."""
        pair = (i, j) if i < j else (j, i)
        if pair in self._apart:
            return True
        e = self._index.get(pair)
        return self._absent_banned if e is None else not self._allowed[kind][e]

    def value(self, kind: int, i: int, j: int) -> int:
        """What two items in one group of a kind are worth."""
        e = self._index.get((i, j) if i < j else (j, i))
        return 0 if e is None else self._values[kind][e]


def together_sets(problem: GroupingProblem) -> list[tuple[int, ...]]:
    """For each item, all items that are in one group with it or out with it, itself included."""
    sets = [{i} for i in range(problem.num_items)]
    for rule in problem.together:
        union = set().union(*(sets[i] for i in rule))
        for i in union:
            sets[i] = union
    return [tuple(sorted(at)) for at in sets]


def affinity(problem: GroupingProblem) -> csr_matrix:
    """Positive pair values, each of the kind in which the pair may be and is worth most."""
    n = problem.num_items
    best = np.zeros(problem.num_pairs)
    for k in range(problem.num_kinds):
        may = problem.pair_allowed_of(k)
        best = np.maximum(best, np.where(may, problem.pair_values_of(k), 0))
    there = best > 0
    i, j = problem.pairs[there].T
    one_way = csr_matrix((best[there], (i, j)), shape=(n, n))
    return (one_way + one_way.T).tocsr()


def size_range(problem: GroupingProblem) -> tuple[int, int]:
    """Least and greatest size of a group of any kind that may be opened."""
    open_kinds = np.flatnonzero(problem.max_groups > 0)
    if not len(open_kinds):
        return 1, max(1, problem.num_items)
    low, high = int(problem.min_size[open_kinds].min()), int(problem.max_size[open_kinds].max())
    return max(1, low), max(1, min(high, problem.num_items))
