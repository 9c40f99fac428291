"""Run a strategy on a small problem and hold the result against the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from solver import GroupingProblem, Limits, Result, Status, solve, strategies, verify

from .judging import plain_groups
from .oracle import Optimum, best_grouping, violated_rules
from .problems import to_toml
from .reducing import reduced

# Whatever is registered, so that no strategy escapes.
STRATEGIES = strategies()
# These settle every small problem; the others may leave it at what they found.
COMPLETE = tuple(name for name in STRATEGIES if name in ("auto", "exact", "enumerate", "columns"))
INCOMPLETE = tuple(name for name in STRATEGIES if name not in COMPLETE)

# Ample for six items. A strategy that proves nothing may well use up all the work it is given,
# on every problem, so it is given about 20 milliseconds, and ample work on a few problems.
# ``random`` does the same thing over and over: a few tries show as much as many.
AMPLE_WORK = 2_000_000
SHORT_WORK = 20_000
RANDOM_WORK = 2_000


def limits_of(strategy: str, work: int | None = None, seed: int = 0) -> Limits:
    """Deterministic work: as given, or what the strategy usually gets."""
    usual = dict.fromkeys(COMPLETE, AMPLE_WORK) | {"random": RANDOM_WORK}
    return Limits(work=work or usual.get(strategy, SHORT_WORK), seed=seed, workers=1)


def run(
    problem: GroupingProblem,
    strategy: str,
    *,
    work: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Result:
    """Solve with the usual limits, or with other work or another seed."""
    return solve(problem, limits_of(strategy, work, seed), strategy=strategy, **options)


def complaints(
    problem: GroupingProblem,
    result: Result,
    best: Optimum | None,
    *,
    complete: bool = False,
    start_value: int | None = None,
) -> list[str]:
    """What is wrong with a result, given the optimum (None: infeasible)."""
    optimum = None if best is None else best.objective
    found: list[str] = []

    if result.grouping is None:
        if result.objective is not None:
            found.append(f"objective {result.objective} without a grouping")
        if result.status in (Status.OPTIMAL, Status.FEASIBLE):
            found.append(f"{result.status} without a grouping")
    else:
        if result.status not in (Status.OPTIMAL, Status.FEASIBLE):
            found.append(f"{result.status} with a grouping")
        verdict = verify(problem, result.grouping)
        if not verdict.feasible:
            found.append(f"not feasible: {verdict.violations}")
        if rules := violated_rules(problem, plain_groups(result.grouping)):
            found.append(f"breaks {sorted(rules)}, says the oracle")
        if result.objective != verdict.objective:
            found.append(f"objective {result.objective}, but verify says {verdict.objective}")
        if optimum is None:
            found.append("a grouping where the oracle finds none")
        elif result.objective is not None and result.objective > optimum:
            found.append(f"objective {result.objective} above the optimum {optimum}")

    if result.status is Status.OPTIMAL:
        if result.objective != optimum:
            found.append(f"optimal at {result.objective}, but the optimum is {optimum}")
        if result.bound != result.objective:
            found.append(f"optimal with bound {result.bound} and objective {result.objective}")
    if result.status is Status.INFEASIBLE and optimum is not None:
        found.append(f"infeasible, but the optimum is {optimum}")
    if result.bound is not None and optimum is not None and result.bound < optimum:
        found.append(f"bound {result.bound} below the optimum {optimum}")
    if complete and result.status not in (Status.OPTIMAL, Status.INFEASIBLE):
        found.append(f"left at {result.status}")
    if start_value is not None and (result.objective is None or result.objective < start_value):
        found.append(f"objective {result.objective} worse than the start's {start_value}")

    found += _complaints_of_numbers(result)
    found += _complaints_of_trace(result, optimum)
    return found


def _complaints_of_numbers(result: Result) -> list[str]:
    found = [
        f"{name} {value!r} is no plain integer"
        for name, value in (("objective", result.objective), ("bound", result.bound))
        if value is not None and type(value) is not int
    ]
    if result.bound is None or result.objective is None:
        if result.gap is not None:
            found.append(f"gap {result.gap} without both bound and objective")
    else:
        scale = max(abs(result.bound), abs(result.objective), 1)
        expected = (result.bound - result.objective) / scale
        if result.gap is None or abs(result.gap - expected) > 1e-9:
            found.append(f"gap {result.gap} instead of {expected}")
    return found


def _complaints_of_trace(result: Result, optimum: int | None) -> list[str]:
    """Objectives only rise, bounds only fall, and neither passes the optimum."""
    entries = [_trace_numbers(entry) for entry in result.trace]
    objectives = [objective for objective, _ in entries if objective is not None]
    bounds = [bound for _, bound in entries if bound is not None]
    found = []
    if objectives != sorted(objectives) or bounds != sorted(bounds, reverse=True):
        found.append(f"trace goes back: {result.trace}")
    if optimum is not None and (
        any(objective > optimum for objective in objectives)
        or any(bound < optimum for bound in bounds)
    ):
        found.append(f"trace passes the optimum {optimum}: {result.trace}")
    if objectives and objectives[-1] != result.objective:
        found.append(f"trace ends at {objectives[-1]}, the result is {result.objective}")
    return found


def _trace_numbers(entry: Any) -> tuple[int | None, int | None]:
    if hasattr(entry, "objective"):
        return entry.objective, entry.bound
    _, _, objective, bound = entry
    return objective, bound


def check(
    problem: GroupingProblem,
    strategy: str,
    best: Optimum | None,
    origin: str,
    command: str | None = None,
    **options: Any,
) -> Result:
    """Solve and fail with a reproducer if the result breaks a promise.

    Parameters
    ----------
    problem, best
        The problem and its optimum, ``None`` where it is infeasible.
    origin
        Code that makes the problem again.
    command
        A command of one line that repeats the check, to head the failure.
    options
        For ``run``; and ``start_value``, the value that the answer must reach.
    """
    start_value = options.pop("start_value", None)

    def failure(problem: GroupingProblem, best: Optimum | None) -> tuple[str, str, Result | None]:
        """What kind of fault there is, all that is wrong, and the result; empty if all is well."""
        try:
            result = run(problem, strategy, **options)
        except Exception as error:
            return type(error).__name__, f"{type(error).__name__}: {error}", None
        complete = strategy in COMPLETE
        found = complaints(problem, result, best, complete=complete, start_value=start_value)
        return (found[0].split()[0] if found else ""), "\n".join(found), result

    def fails_alike(smaller: GroupingProblem) -> bool:
        return failure(smaller, best_grouping(smaller))[0] == fault

    fault, told, result = failure(problem, best)
    if result is None or fault:
        head = [command, told] if command else [told]
        tail = [reproducer(problem, strategy, origin, **options)]
        if "start" not in options:  # a start names items, which reducing renumbers
            tail.append(f"--- reduced ---\n{to_toml(reduced(problem, fails_alike))}---")
        if result is None:
            with _told([*head, *tail]):
                run(problem, strategy, **options)
        pytest.fail("\n".join([*head, *tail, f"{result}"]))
    return result


@contextmanager
def _told(lines: Sequence[str]) -> Iterator[None]:
    """Report an exception with these lines first, and with its own traceback."""
    try:
        yield
    except Exception:
        pytest.fail("\n".join(lines))


def reproducer(
    problem: GroupingProblem,
    strategy: str,
    origin: str,
    *,
    work: int | None = None,
    seed: int = 0,
    start: Any = None,
) -> str:
    """The solve in one line, and the problem as TOML."""
    limits = limits_of(strategy, work, seed)
    started = "" if start is None else f", start=grouping_of({plain_groups(start)})"
    line = f"solve({origin}, {limits}, strategy={strategy!r}{started})"
    return f"{line}\n--- TOML ---\n{to_toml(problem)}---"
