"""Tables of a league's report, as plain data: the page and the CSV files are made from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite

import numpy as np

from benchmarks.league.analysis import LEVEL, TARGETS, Study, counted, family_of, shortened
from benchmarks.league.judging import is_proved
from benchmarks.league.sampling import RAN
from benchmarks.league.statistics import Interval, Power, bootstrap_interval

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, what it is sorted by, and where it leads to within the page."""

    text: str
    sort: float | None = None
    link: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes
    ----------
    name : of its place in the page. columns : headings; those in ``numbers`` are right-aligned.
    lines : cells. anchors : names of the lines' own places, for links to them.
    reading : the sentence that says how to read it. missing : why it is empty.
    """

    name: str
    title: str
    reading: str
    columns: tuple[str, ...]
    lines: list[list[Cell]]
    numbers: frozenset[str] = frozenset()
    anchors: tuple[str, ...] = ()
    missing: str = "Nothing to show."
    extra: tuple[str, ...] = field(default=())


def percent(value: float | None) -> Cell:
    """A share as per cent, with as many digits as tell it from 0."""
    if value is None or not isfinite(value):
        return Cell(NOTHING)
    size = abs(100 * value)
    digits = 0 if not size or size >= 100 else 2 if size >= 0.1 else 4
    return Cell(f"{100 * value:.{digits}f} %", value)


def number(value: float | None, digits: int = 2, never: str = "never") -> Cell:
    """A number; ``inf`` in words."""
    if value is None or np.isnan(value):
        return Cell(NOTHING)
    if not isfinite(value):
        return Cell(never, value)
    return Cell(f"{value:,.{digits}f}", value)


def seconds(value: float | None) -> Cell:
    """Seconds, to about three digits."""
    if value is None or not isfinite(value):
        return number(value)
    return number(value, 1 if value >= 100 else 2 if value >= 1 else 3)


def whole(value: int | None) -> Cell:
    """A whole number, however large."""
    return Cell(NOTHING) if value is None else Cell(f"{value:,}", float(value))


def _known(column: Sequence[float]) -> list[float]:
    return [float(value) for value in column if not np.isnan(value)]


def _mean(column: Sequence[float]) -> float | None:
    known = _known(column)
    return float(np.mean(known)) if known else None


def _interval(found: Interval | None, show: object = percent) -> Cell:
    assert callable(show)
    if found is None:
        return Cell(NOTHING)
    return Cell(f"{show(found.low).text} to {show(found.high).text}", found.low)


def _place(study: Study, name: str) -> tuple[float, float, str]:
    rank, gap = study.rank(name), _mean(study.gaps[:, study.strategies.index(name)])
    return (np.inf if rank is None else rank, np.inf if gap is None else gap, name)


def league(study: Study) -> Table:
    """One line a strategy, the best rank first; also those that are not compared or never ran."""
    lines = []
    every = {row.key.strategy for row in study.rows}
    never = sorted(every - set(study.strategies))
    for name in (*sorted(study.strategies, key=lambda name: _place(study, name)), *never):
        rows = study.of(name)
        verdicts = Counter(row.answer.verdict for row in rows)
        runs = [row for row in rows if row.answer.verdict in RAN]
        column = study.strategies.index(name) if name in study.strategies else None
        gaps = study.gaps[:, column] if column is not None else np.zeros(0)
        bounds = study.bound_gaps[:, column] if column is not None else np.zeros(0)
        proofs: dict[str, list[bool]] = {}
        for row in runs:
            proofs.setdefault(row.key.instance, []).append(is_proved(row))
        about = study.details.strategies.get(name)
        spent = [row.measured.seconds for row in runs]
        lines.append([
            Cell(name),
            Cell("" if about is None else "ours" if about.ours else "rival"),
            whole(len(proofs)),
            whole(len(runs)),
            whole(sum(gap == 0 for gap in _known(gaps))),
            whole(sum(2 * sum(found) >= len(found) for found in proofs.values())),
            percent(_mean(gaps)),
            _interval(bootstrap_interval(gaps)),
            percent(_mean(bounds)),
            number(study.rank(name)),
            _interval(study.rank_interval(name), partial(number, digits=2)),
            whole(verdicts["disqualified"]),
            whole(verdicts["none"]),
            whole(verdicts["refused"]),
            whole(verdicts["unavailable"]),
            seconds(float(np.median(spent)) if spent else None),
            Cell("" if about is None else about.about),
        ])  # fmt: skip
    columns = (
        "strategy", "whose", "instances", "runs", "best reached", "proved", "mean gap to best",
        "95 % interval", "mean gap to bound", "average rank", "95 % interval of rank",
        "disqualified", "no answer", "refused", "unavailable", "median s", "what it does",
    )  # fmt: skip
    return Table(
        "league",
        "League table",
        "Gaps are means over the instances that the strategy ran, of the median of its seeds; a "
        "run without a valid answer counts as 100 %, and so does an answer further behind. "
        "“Best reached” and “proved” count instances. Ranks are over the instances that all have "
        "run.",
        columns,
        lines,
        frozenset(columns) - {"strategy", "whose", "what it does"},
    )


def who(table: Table) -> Table:
    """What each strategy of the league table does: apart from it, as it is wide enough."""
    lines = [[line[0], line[1], line[-1]] for line in table.lines]
    return Table(
        "who",
        "Who plays",
        "Ours are of this project; rivals are what people use instead.",
        ("strategy", "whose", "what it does"),
        lines,
    )


def without_last_column(table: Table) -> Table:
    """The table with one column less."""
    return replace(table, columns=table.columns[:-1], lines=[line[:-1] for line in table.lines])


def significance(study: Study) -> Table:
    """Each two strategies: which is better, and whether that may be chance."""
    lines = []
    for found in study.differences:
        if found.mean is None:
            continue
        one, other = study.strategies[found.one], study.strategies[found.other]
        wins, losses = found.wins, found.losses
        if found.mean > 0:
            one, other, wins, losses = other, one, losses, wins
        if found.holm is None:
            verdict = "not enough instances"
        elif found.holm >= LEVEL:
            verdict = "no significant difference"
        else:
            verdict = f"{one} is better"
        lines.append([
            Cell(one), Cell(other), percent(abs(found.mean)), whole(found.instances),
            whole(wins), whole(losses), _p(found.p), _p(found.holm), Cell(verdict),
        ])  # fmt: skip
    lines.sort(key=lambda line: (line[7].sort is None, line[7].sort or 0.0, line[0].text))
    columns = (
        "smaller mean gap", "against", "difference", "instances", "wins", "losses", "p", "p (Holm)",
        "verdict",
    )  # fmt: skip
    test = study.friedman
    extra = (
        "Friedman test: not enough instances or strategies."
        if test is None
        else f"Friedman test that all do alike: χ² = {test.statistic:.2f} with "
        f"{counted(test.strategies - 1, 'degree')} of freedom on {counted(test.instances, 'block')}"
        f", p {'' if test.p < 0.0001 else '= '}{_p(test.p).text}."
    )
    return Table(
        "differences",
        "Which differences are significant",
        "Wilcoxon's signed-rank test on the gaps of the instances that both have run; p corrected "
        f"after Holm for all pairs. Below {LEVEL:g} the difference is called significant.",
        columns,
        lines,
        frozenset(columns[2:8]),
        missing="There are no two strategies with instances in common.",
        extra=(extra,),
    )


def _p(value: float | None) -> Cell:
    if value is None:
        return Cell(NOTHING)
    return Cell("< 0.0001" if value < 0.0001 else f"{value:.4f}", value)


def gaps_by_family(study: Study) -> Table:
    """Mean gap of each strategy in each family of instances."""
    lines = [
        [Cell(name), whole(len(places))]
        + [percent(_mean(study.gaps[places, j])) for j in range(len(study.strategies))]
        for name, places in study.families.items()
    ]
    return Table(
        "families",
        "Mean gap to the best known value, by family",
        "A family is what stands before the “:” in an instance's name; 0 % is the best known "
        "value on all its instances.",
        ("family", "instances", *study.strategies),
        lines,
        frozenset(("instances", *study.strategies)),
    )


def gaps_by_instance(study: Study) -> Table:
    """Gap of each strategy on each instance, with what is known of it."""
    line_of = {name: line for line, name in enumerate(study.sample.instances)}
    lines = []
    for name, best in sorted(study.judged.best.items()):
        size = study.details.sizes.get(name)
        gaps = study.gaps[line_of[name]] if name in line_of else [None] * len(study.strategies)
        lines.append([
            Cell(name),
            Cell(family_of(name)),
            whole(size.items if size else None),
            whole(size.kinds if size else None),
            whole(size.pairs if size else None),
            Cell("infeasible") if best.infeasible and best.value is None else whole(best.value),
            Cell(shortened(best.holders, 3)),
            whole(best.bound),
            Cell(shortened(best.bound_holders, 3)),
            *(percent(gap) for gap in gaps),
        ])  # fmt: skip
    facts = ("instance", "family", "n", "kinds", "pairs", "best", "held by", "bound", "proved by")
    return Table(
        "instances",
        "Gap to the best known value, by instance",
        "The best value is the highest that was verified here or is known from elsewhere; the "
        "bound is the lowest that nothing contradicts. “–” says that there was no run.",
        (*facts, *study.strategies),
        lines,
        frozenset(("n", "kinds", "pairs", "best", "bound", *study.strategies)),
    )


def primal_integrals(study: Study) -> Table:
    """Mean primal integral of each strategy, in all and by family."""
    families = study.families
    lines = [
        [Cell(name), percent(_mean(study.integrals[:, j])),
         _interval(bootstrap_interval(study.integrals[:, j]))]
        + [percent(_mean(study.integrals[places, j])) for places in families.values()]
        for j, name in enumerate(study.strategies)
    ]  # fmt: skip
    return Table(
        "integrals",
        "Primal integral",
        "The gap averaged over the whole time limit (Berthold 2013): 0 % has the best value from "
        "the first moment on, 100 % never has any. It rewards being good early.",
        ("strategy", "mean", "95 % interval", *families),
        lines,
        frozenset(("mean", "95 % interval", *families)),
    )


def times_to_target(study: Study) -> Table:
    """How often, and how fast, each strategy comes within each target."""
    lines = []
    for j, name in enumerate(study.strategies):
        line = [Cell(name), whole(len(_known(study.gaps[:, j])))]
        for target in TARGETS:
            times = _known(study.times[target][:, j])
            reached = [time for time in times if isfinite(time)]
            line += [
                percent(len(reached) / len(times) if times else None),
                seconds(float(np.median(reached)) if reached else None),
                seconds(float(np.median(np.sort(times))) if times else None),
            ]
        lines.append(line)
    heads = [
        f"{100 * target:g} %: {what}"
        for target in TARGETS
        for what in ("reached", "median s if reached", "median s")
    ]
    return Table(
        "targets",
        "Time to target",
        "For each gap to the best known value: share of instances on which it was reached, and "
        "the median seconds, where reached and of all (“never” where most were not).",
        ("strategy", "instances", *heads),
        lines,
        frozenset(("instances", *heads)),
    )


def exponents(study: Study) -> Table:
    """How seconds and memory grow with the number of items."""
    lines = []
    for name in study.strategies:
        time, memory = study.power(name, "seconds"), study.power(name, "peak_mb")
        points = (time or memory or Power(0.0, 0.0, 0)).points
        lines.append([
            Cell(name), whole(points), number(time.slope if time else None),
            number(memory.slope if memory else None),
        ])  # fmt: skip
    columns = ("strategy", "instances", "exponent of seconds", "exponent of MB")
    return Table(
        "exponents",
        "Exponents of growth",
        "Slope b of the fit y = a nᵇ on logarithmic axes, over the instances with an answer and a "
        "known size: 1 grows with the items, 2 with their square. Runs that use up their limit of "
        "time show no growth. “–” where there are fewer than three sizes.",
        columns,
        lines,
        frozenset(columns[1:]),
    )


def rand_indices(study: Study) -> Table:
    """Adjusted Rand index of each two strategies' groupings."""
    found = study.likeness
    lines = [
        [Cell(name), *(number(cell) for cell in found.rand[i])]
        for i, name in enumerate(found.strategies)
    ]
    return Table(
        "rand",
        "Adjusted Rand index of the groupings",
        "1 for the same groups, about 0 for groups that have no more in common than chance "
        "(Hubert & Arabie 1985); means over the instances that both have answered.",
        ("strategy", *found.strategies),
        lines,
        frozenset(found.strategies),
    )
