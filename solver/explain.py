"""Why a problem has no feasible grouping: a smallest set of named rules that cannot hold together.

A *conflict* is a set of rules that is infeasible with every other rule dropped, and *irreducible*
if dropping any one of its rules makes it feasible. It is found by a deletion filter (Chinneck &
Dravnieks 1991): drop some rules; if the rest is still infeasible they are not needed, otherwise
some of them are. Rules only ever restrict, so a rule that was needed beside a larger set is needed
beside every smaller one, and one pass suffices. Whole families go first, then halves of what is
left of a family, down to single rules. Items that must join go before all others: of hundreds, a
few that cannot be placed tell more than one limit that is too small for all.

Every step is a solve of the relaxed problem without its values (``feasibility``); CP-SAT's own
assumption cores are not trusted (google/or-tools #3943, #5141). A step that cannot be decided
within its share of the limits keeps its rules; it is tried again at the end, and if it is still
open the conflict says that it is not confirmed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from solver.api import solve_by
from solver.feasibility import decide
from solver.limits import Limits
from solver.problem import UNBOUNDED, GroupingProblem
from solver.result import Status

#: Of what is left of the limits, the part that one step may use: the first and the last ones, on
#: which everything depends, and those between.
_SHARE, _SMALL_SHARE = 4, 20
#: Whose family may be large, and is made small first.
_MANY = "must_join"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a problem.

    Attributes
    ----------
    name : the problem's field that states it: "eligible", "pair_allowed", "absent_pairs",
        "max_size", "resource_max", "max_groups", "min_size", "resource_min", "shared_limit",
        "apart", "together", "must_join", "min_groups" or "pinned".
    index : which one: the item (must_join, eligible), the kind (pair_allowed, sizes, group
        numbers), the kind and the resource (resource bounds), or the position in the field
        (shared_limit, together, apart, pinned); ``None`` for absent_pairs.
    text : the rule in words, by index.
    """

    name: str
    index: tuple[int, ...] | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rules that cannot hold together.

    Attributes
    ----------
    rules : the rules, families in a fixed order.
    confirmed : whether it is proved that they cannot hold together, and that all but any one of
        them can.
    note : what is not proved; empty if confirmed.
    """

    rules: tuple[Rule, ...]
    confirmed: bool
    note: str = ""

    def __str__(self) -> str:
        lines = [f"- {rule}" for rule in self.rules]
        return "\n".join([*lines, *([f"({self.note})"] if self.note else [])])


def explain_infeasible(problem: GroupingProblem, limits: Limits | None = None) -> Conflict | None:
    """An irreducible conflict of an infeasible problem; ``None`` if the problem is feasible.

    Parameters
    ----------
    problem : the problem to explain.
    limits : limits of all solves together; ``Limits()`` when left out.
    """
    judge = _Judge(problem, Limits() if limits is None else limits)
    kept = list(named_rules(problem))
    feasible = judge.feasible(kept)
    if feasible:
        return None
    if feasible is None:
        note = "not decided within the limits whether these rules can hold together"
        return Conflict(tuple(kept), False, note)

    judge.share = _SMALL_SHARE
    search = _Filter(judge, kept)
    families = {name: list(rules) for name, rules in groupby(kept, key=lambda rule: rule.name)}
    if _MANY in families:
        # Items that may be in few groups are tried last, so that the conflict is about them.
        choices = problem.eligible.sum(axis=0)
        family = sorted(families.pop(_MANY), key=lambda rule: -choices[rule.index or ()])
        search.narrow(family, search.drop(family))
    undroppable = [(family, search.drop(family)) for family in families.values()]
    for family, feasible in undroppable:
        search.narrow(family, feasible)
    # What could not be decided beside more rules may be decided beside fewer.
    judge.share = _SHARE
    for rule in search.undecided():
        search.narrow([rule], search.drop([rule]))
    kept, open_rules = search.kept, search.undecided()
    note = ""
    if open_rules:
        note = (
            "these rules cannot hold together; not decided within the limits whether all are "
            f"needed: {len(open_rules)} of {len(kept)} may be too many"
        )
    return Conflict(tuple(kept), not open_rules, note)


def named_rules(problem: GroupingProblem) -> tuple[Rule, ...]:
    """Every rule that restricts something, the least telling families first.

    The filter drops the first families first, so the obligations, which make a problem infeasible,
    are told of rather than limits that are only one way to see it.
    """
    n, kinds = problem.num_items, range(problem.num_kinds)
    rules: list[Rule] = []

    def add(name: str, index: tuple[int, ...] | None, text: str) -> None:
        rules.append(Rule(name, index, text))

    for i in range(n):
        barred = [k for k in kinds if not problem.eligible[k, i]]
        if barred:
            add("eligible", (i,), f"item {i} is not eligible for kinds {barred}")
    for k in kinds:
        number = int((~problem.pair_allowed_of(k)).sum())
        if number:
            add("pair_allowed", (k,), f"{number} pairs are not allowed in kind {k}")
    if problem.absent_pairs == "forbidden" and problem.num_pairs < n * (n - 1) // 2:
        add("absent_pairs", None, f"only the {problem.num_pairs} listed pairs may share a group")
    for k, most in enumerate(problem.max_size.tolist()):
        if most < n:
            add("max_size", (k,), f"a group of kind {k} has at most {most} items")
    totals = problem.resources.sum(axis=1).tolist()
    for (k, r), most in np.ndenumerate(problem.resource_max):
        if most < totals[r]:
            add("resource_max", (k, r), f"a group of kind {k} has at most {most} of resource {r}")
    for k, most in enumerate(problem.max_groups.tolist()):
        if most < n:
            add("max_groups", (k,), f"there are at most {most} groups of kind {k}")
    for k, least in enumerate(problem.min_size.tolist()):
        if least > 1:
            add("min_size", (k,), f"a group of kind {k} has at least {least} items")
    for (k, r), least in np.ndenumerate(problem.resource_min):
        if least > 0:
            add("resource_min", (k, r), f"a group of kind {k} has at least {least} of resource {r}")
    for s, limit in enumerate(problem.shared_limit.tolist()):
        add("shared_limit", (s,), f"the use of shared limit {s} is at most {limit}")
    for at, items in enumerate(problem.apart):
        add("apart", (at,), f"no two of items {list(items)} are in one group")
    for at, items in enumerate(problem.together):
        add("together", (at,), f"items {list(items)} are all in one group or all out")
    for i in np.flatnonzero(problem.must_join).tolist():
        add("must_join", (i,), f"item {i} must join a group")
    for k, least in enumerate(problem.min_groups.tolist()):
        if least > 0:
            add("min_groups", (k,), f"there are at least {least} groups of kind {k}")
    for at, pin in enumerate(problem.pinned):
        how = "keeps all its members" if problem.pin_may_grow[at] else "stays as it is"
        add("pinned", (at,), f"the pinned group {list(pin.members)} of kind {pin.kind} {how}")
    return tuple(rules)


def relaxed(problem: GroupingProblem, rules: Iterable[Rule]) -> GroupingProblem:
    """The problem with only these rules, and without values: only feasibility is left."""
    indices: dict[str, list[Any]] = {}
    for rule in rules:
        indices.setdefault(rule.name, []).append(rule.index)
    n = problem.num_items

    def kept(name: str, neutral: int | bool) -> Any:
        """The field with the value ``neutral`` wherever its rule is dropped."""
        field = getattr(problem, name)
        out = np.full_like(field, neutral)
        for index in indices.get(name, ()):
            out[index] = field[index]
        return out

    def chosen(name: str) -> list[int]:
        return [index[0] for index in indices.get(name, ())]

    changes: dict[str, Any] = {
        name: kept(name, neutral)
        for name, neutral in (
            ("must_join", False),
            ("min_size", 1),
            ("min_groups", 0),
            ("resource_min", 0),
            ("resource_max", UNBOUNDED),
        )
    }
    # A dropped upper bound must not fall below a lower one that is kept.
    changes["max_size"] = np.maximum(kept("max_size", max(n, 1)), changes["min_size"])
    changes["max_groups"] = np.maximum(kept("max_groups", n), changes["min_groups"])
    eligible = np.ones_like(problem.eligible)
    eligible[:, chosen("eligible")] = problem.eligible[:, chosen("eligible")]
    changes["eligible"] = eligible

    absent = problem.absent_pairs if "absent_pairs" in indices else "neutral"
    changes["absent_pairs"] = absent
    changes["pairs"] = changes["pair_allowed"] = None
    if absent == "forbidden" or "pair_allowed" in indices:
        allowed = np.ones((problem.num_kinds, problem.num_pairs), dtype=np.bool_)
        for k in chosen("pair_allowed"):
            allowed[k] = problem.pair_allowed_of(k)
        changes["pairs"], changes["pair_allowed"] = problem.pairs, allowed

    limits = chosen("shared_limit")
    for name in ("shared_limit", "shared_group_use", "shared_item_use"):
        changes[name] = getattr(problem, name)[limits]
    for name in ("together", "apart", "pinned"):
        changes[name] = tuple(getattr(problem, name)[at] for at in chosen(name))
    changes["pinned_may_grow"] = tuple(problem.pin_may_grow[at] for at in chosen("pinned"))
    nothing = dict.fromkeys(("item_values", "pair_values", "open_values", "curves"))
    return problem.replace(**changes, **nothing)


class _Judge:
    """Decides whether rules can hold together, within limits over all questions."""

    def __init__(self, problem: GroupingProblem, limits: Limits) -> None:
        self._problem = problem
        self._limits = limits
        self._ends = None if limits.seconds is None else time.monotonic() + limits.seconds
        self._work_left = limits.work
        self._interrupted = False
        self.share = _SHARE

    def feasible(self, rules: list[Rule]) -> bool | None:
        """Whether some grouping meets all the rules; ``None`` if that is not decided."""
        limits = self._limits
        if self._work_left is not None:
            limits = replace(limits, work=max(1, self._work_left // self.share))
        elif self._ends is not None:
            left = self._ends - time.monotonic()
            if left <= 0:
                return None
            limits = replace(limits, seconds=left / self.share)
        if self._interrupted or self._work_left == 0:
            return None
        result = solve_by(decide, "decide", relaxed(self._problem, rules), limits)
        self._interrupted = result.stopped_by == "interrupt"
        if self._work_left is not None:
            self._work_left = max(0, self._work_left - result.work)
        if result.status is Status.INFEASIBLE:
            return False
        return None if result.grouping is None else True


class _Filter:
    """The deletion filter: the rules kept so far, infeasible together, and those proved needed."""

    def __init__(self, judge: _Judge, rules: list[Rule]) -> None:
        self.kept = rules
        self._judge = judge
        self._needed: set[Rule] = set()

    def undecided(self) -> list[Rule]:
        """Rules kept without a proof that they are needed."""
        return [rule for rule in self.kept if rule not in self._needed]

    def drop(self, part: list[Rule]) -> bool | None:
        """Drop rules if the others are still infeasible; returns whether those are feasible."""
        gone = set(part)
        rest = [rule for rule in self.kept if rule not in gone]
        feasible = self._judge.feasible(rest)
        if feasible is False:
            self.kept = rest
        return feasible

    def narrow(self, part: list[Rule], feasible: bool | None) -> None:
        """Drop what can be dropped of rules, given whether the others are feasible without them."""
        if feasible is False:
            return  # they are dropped
        if len(part) == 1:
            if feasible:
                self._needed.update(part)
            return
        left, right = part[: len(part) // 2], part[len(part) // 2 :]
        without_left = self.drop(left)
        if without_left is False and feasible:
            # Dropping the right half now is dropping the whole part, known to be feasible.
            self.narrow(right, True)
            return
        if without_left is not False:
            self.narrow(left, without_left)
        without_right = self.drop(right)
        if without_right is not False:
            self.narrow(right, without_right)
