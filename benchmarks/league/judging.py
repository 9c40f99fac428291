"""What rows say together: bounds that others beat, best known values, gaps.

A referee sees one run. Here the runs of an instance judge each other: a verified grouping is a
fact, so it refutes each bound below it and each claim that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from benchmarks.league.rows import Row


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an instance from elsewhere.

    Attributes
    ----------
    value : the best value known; ``None`` where none is.
    is_optimal : the value is proved optimal; without a value: it is proved that no grouping keeps
        the rules.
    source : where it is from.
    """

    value: int | None
    is_optimal: bool
    source: str


@dataclass(frozen=True, slots=True)
class Best:
    """What is known of an instance, all told.

    Attributes
    ----------
    value : best value, known or verified; holders : the strategies and the source that have it.
        A strategy whose row is disqualified is no holder, though its verified value counts.
    bound : best bound that nothing contradicts; bound_holders : who proves it.
    infeasible : somebody has proved that no grouping keeps the rules, and nobody has one.
    """

    value: int | None = None
    holders: tuple[str, ...] = ()
    bound: int | None = None
    bound_holders: tuple[str, ...] = ()
    infeasible: bool = False

    @property
    def is_optimal(self) -> bool:
        """Whether the best value is proved to be the optimum."""
        return self.value is not None and self.value == self.bound


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows with final verdicts, in the order given, and what they say of each instance."""

    rows: tuple[Row, ...]
    best: Mapping[str, Best]
    known: Mapping[str, Known] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Witness:
    """A value that stands: of a verified grouping, or known from elsewhere."""

    value: int
    who: str


def judge(rows: Iterable[Row], known: Mapping[str, Known]) -> Judged:
    """Let the rows of each instance judge each other.

    Parameters
    ----------
    rows : rows as the referee left them. All values in them were verified, also those of a row
        that is disqualified already: they refute bounds, though the row stays as it is.
    known : what is known from elsewhere, by instance. A proved optimum counts against bounds as a
        verified value does; one that a verified value exceeds is refuted, and remarked upon. One
        that is not proved disqualifies nobody: a bound below it is remarked upon.

    Returns
    -------
    The rows, with those disqualified whose bound is below, or whose claim of infeasibility is
    contradicted by, the best value: the reason names whose that is.
    """
    given = tuple(rows)
    of: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(given):
        of[row.key.instance].append(place)
    final = list(given)
    best: dict[str, Best] = {}
    remarks: list[str] = []
    for instance, places in of.items():
        # In the order of names, not of the table: that is another in every parallel run.
        places.sort(key=lambda place: (*_order(given[place]), place))
        fact, remark = _not_refuted(known.get(instance), [given[i] for i in places])
        if remark:
            remarks.append(f"{instance}: {remark}")
        own = [given[place] for place in places]
        witness = _best_witness(own, fact)
        # A value that nobody here verified and nobody proved disqualifies nobody.
        proved = fact if fact is not None and fact.is_optimal else None
        judge_by = _best_witness(own, proved)
        for place in places:
            final[place] = _judged(given[place], judge_by)
            remarks += _doubted(instance, final[place], fact)
        best[instance] = _best([final[place] for place in places], fact, witness)
    return Judged(tuple(final), best, dict(known), tuple(remarks))


def is_verified(row: Row) -> bool:
    """Whether the row has a grouping whose value was verified, and was not disqualified."""
    return row.answer.verdict == "ok" and row.answer.objective is not None


def is_solved(row: Row) -> bool:
    """Whether the row stands as an answer: a verified grouping, or a proof that there is none."""
    return row.answer.verdict == "ok" and (
        row.answer.objective is not None or row.answer.infeasible
    )


def is_proved(row: Row) -> bool:
    """Whether the row proves its answer best: its bound is its value, or there is none."""
    answer = row.answer
    if answer.verdict != "ok":
        return False
    if answer.objective is None:
        return answer.infeasible
    return answer.bound is not None and answer.bound == answer.objective


def gap_to_best(value: int | None, best: int | None) -> float | None:
    """Share by which a value is behind the best known: ``(best - value) / max(|best|, 1)``.

    ``None`` where either is unknown. It is above 1 where the value is below 0 and the best is
    above it.
    """
    if value is None or best is None:
        return None
    return (best - value) / max(abs(best), 1)


def gap_to_bound(value: int | None, bound: int | None) -> float | None:
    """Share by which a value is behind a bound: ``(bound - value) / max(|bound|, 1)``."""
    return gap_to_best(value, bound)


def _order(row: Row) -> tuple[str, int, str]:
    return row.key.strategy, row.key.seed, row.key.text


def _name(row: Row) -> str:
    return f"{row.key.strategy}, seed {row.key.seed}"


def _not_refuted(fact: Known | None, rows: list[Row]) -> tuple[Known | None, str]:
    """What is left of the known, and a remark where a verified value refutes it."""
    top = max(filter(is_verified, rows), key=lambda row: row.answer.objective or 0, default=None)
    if fact is None or not fact.is_optimal or top is None or top.answer.objective is None:
        return fact, ""
    if fact.value is None:
        return None, f"known to be infeasible ({fact.source}) is refuted by {_found(top)}"
    if top.answer.objective > fact.value:
        left = replace(fact, is_optimal=False)
        return left, f"known optimum {fact.value} ({fact.source}) is refuted by {_found(top)}"
    return fact, ""


def _doubted(instance: str, row: Row, fact: Known | None) -> list[str]:
    """A bound below a value that is only said to be known: one of them is wrong."""
    if fact is None or fact.value is None or row.answer.verdict not in ("ok", "none"):
        return []
    what = f"bound {row.answer.bound}"
    if row.answer.infeasible:
        what = "infeasible"
    elif row.answer.bound is None or row.answer.bound >= fact.value:
        return []
    return [
        f"{instance}: {what} of {_name(row)} contradicts the value {fact.value} ({fact.source}), "
        "which nobody verified here"
    ]


def _found(row: Row) -> str:
    return f"the verified {row.answer.objective} of {_name(row)}"


def _best_witness(rows: list[Row], fact: Known | None) -> _Witness | None:
    """The highest verified value; among equal ones the first row's, else the known one.

    Whatever disqualifies a row, the values in it were verified: they are facts.
    """
    found = []
    for row in rows:
        verified = list(row.answer.values)
        if row.answer.objective is not None:
            verified.append(row.answer.objective)
        if verified:
            found.append(_Witness(max(verified), _name(row)))
    if fact is not None and fact.value is not None:
        found.append(_Witness(fact.value, fact.source))
    return max(found, key=lambda one: one.value, default=None)


def _judged(row: Row, witness: _Witness | None) -> Row:
    answer = row.answer
    if witness is None or answer.verdict not in ("ok", "none"):
        return row
    who = "its own answer" if witness.who == _name(row) else witness.who
    if answer.infeasible:
        reason = f"infeasible is refuted by {witness.value} of {who}"
    elif answer.bound is not None and answer.bound < witness.value:
        reason = f"bound {answer.bound} is beaten by {witness.value} of {who}"
    else:
        return row
    return replace(row, answer=replace(answer, verdict="disqualified", reason=reason))


def _best(rows: list[Row], fact: Known | None, witness: _Witness | None) -> Best:
    value = None if witness is None else witness.value
    standing = [row for row in rows if row.answer.verdict in ("ok", "none")]
    holders = [row.key.strategy for row in standing if is_verified(row)
               and row.answer.objective == value]  # fmt: skip
    bounds = [
        (row.answer.bound, row.key.strategy) for row in standing if row.answer.bound is not None
    ]
    infeasible = any(row.answer.infeasible for row in standing)
    if fact is not None:
        if fact.value is not None and fact.value == value:
            holders.append(fact.source)
        if fact.is_optimal and fact.value is not None:
            bounds.append((fact.value, fact.source))
        infeasible = infeasible or (fact.is_optimal and fact.value is None)
    # A bound below a value that nobody verified here is doubtful, as that value is: no best bound.
    bounds = [(number, name) for number, name in bounds if value is None or number >= value]
    infeasible = infeasible and value is None
    bound = min((number for number, _ in bounds), default=None)
    return Best(
        value,
        tuple(dict.fromkeys(holders)),
        bound,
        tuple(dict.fromkeys(name for number, name in bounds if number == bound)),
        infeasible,
    )
