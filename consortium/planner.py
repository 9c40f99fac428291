"""``propose``: from a case to a plan in which every number is checked twice.

The solver works on the formulation; the plan is written from ``valuation``, the domain's own
arithmetic. Where the two differ by a cent, ``PlanDefect`` is raised and no plan is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import cast

from consortium.assumptions import assumptions
from consortium.case import Case, Kind
from consortium.conflict import conflict_sentences, obvious_conflicts
from consortium.draws import MOST_DRAWS, draws_of, range_faults
from consortium.errors import InputError, NoPlan, PlanDefect
from consortium.explanation import left_out_reasons
from consortium.formulation import Formulation, formulate
from consortium.goals import GOALS, serve_goals
from consortium.inputs import created_with, input_hashes
from consortium.plan import (
    SCHEMA,
    DoNotForm,
    Plan,
    PlanConsortium,
    PlanLimits,
    SecondGoals,
    StopReason,
    gap_ppm,
    gives_up,
)
from consortium.proposal import write_out
from consortium.turning import TurningSearch, do_not_form
from consortium.valuation import Valuer
from consortium.widening import is_sparsified, pairs_within, solve_widely, stopped_by_hand
from solver import (
    Limits,
    Observer,
    Result,
    Status,
    explain_infeasible,
    group_value,
    solve,
    verify,
)

#: Most surplus given up for second goals, where nothing else is said.
GIVE_UP = Decimal("0.01")
#: Members above which a plan warns (docs/sources.md [12]; the bound of the design).
WARN_ABOVE = 12
#: Limits of the search for a smallest contradictory set of rules.
EXPLAIN_WORK, EXPLAIN_SECONDS = 60_000_000, 60.0


def propose(
    case: Case,
    limits: Limits | None = None,
    *,
    seconds: float | None = None,
    work: int | None = None,
    strategy: str = "auto",
    start: Plan | None = None,
    observer: Observer | None = None,
    turning_points: bool = True,
    then: Sequence[str] = (),
    give_up: Decimal | float = GIVE_UP,
    draws: int = 0,
) -> Plan:
    """Propose consortia for a case.

    Parameters
    ----------
    limits : limits of the solve.
    seconds, work : shorthands for ``Limits(seconds=seconds)`` and ``Limits(work=work)``, in the
        place of ``limits``; with ``work`` the same inputs give the same bytes.
    strategy : a strategy of ``solver``.
    start : a plan to begin from; the answer is never worse if it is feasible here.
    observer : called with solver events; returning ``False`` keeps the best plan so far.
    turning_points : whether to search the change of a fact that would make a consortium form, for
        each market in which none does: many solves, together within as many seconds as the plan
        (each within the work limit, where that is set).
    then : second goals, in their order: names of ``consortium.goals.GOALS``. Their search may take
        as long as the plan.
    give_up : most surplus given up for them, as a share of the most there is, in whole parts per
        million (rounded down).
    draws : how often to redraw the estimates within their ranges (``consortium.draws``), by the
        seed of the limits; 0 for not at all.

    Raises
    ------
    ValueError
        If a goal is unknown or named twice, ``give_up`` is no share from 0 to 1, ``draws`` is
        not from 0 to 100,000, or both ``limits`` and one of its shorthands are given.
    InputError
        If there are to be draws, but a figure cannot be drawn from its range.
    NoPlan
        If it is proved that no plan meets the rules (with a smallest contradictory set of them),
        or the solve stopped without a plan.
    PlanDefect
        If the solver and the domain's own arithmetic disagree: a defect of ours.
    """
    share = Fraction(str(give_up)) if isinstance(give_up, float) else Fraction(give_up)
    if len(set(then)) < len(then) or not GOALS.keys() >= set(then) or not 0 <= share <= 1:
        raise ValueError(f"second goals are some of {', '.join(GOALS)}; give_up is 0 to 1")
    if not 0 <= draws <= MOST_DRAWS:
        raise ValueError(f"{draws} draws; 0 to {MOST_DRAWS:,} are meant")
    if limits is not None and (seconds is not None or work is not None):
        raise ValueError("give limits, or seconds or work, not both")
    if limits is None and work is not None:
        limits = Limits(work=work)
    elif limits is None:
        limits = Limits() if seconds is None else Limits(seconds=seconds)
    faults = range_faults(case) if draws else []
    if faults:  # before the solve, not after it
        raise InputError(faults)
    kept = pairs_within(c.members for c in start.consortia) if start is not None else ()
    formulation = formulate(case, keep_pairs=kept)
    grouping = None
    notes: list[str] = []
    if start is not None:
        grouping = formulation.grouping(
            [(Kind(c.market, c.marketing_plan, c.mode), c.members) for c in start.consortia]
        )
        whole = sum(len(c.members) for c in start.consortia)
        known = sum(len(group.members) for group in grouping)
        if known < whole or not verify(formulation.problem, grouping).feasible:
            notes.append("The start plan breaks a rule of this case; it was mended or left aside.")
    widely = strategy == "auto" and is_sparsified(formulation)
    if widely:
        formulation, result = solve_widely(case, formulation, limits, grouping, observer)
    else:
        result = solve(formulation.problem, limits, strategy, start=grouping, observer=observer)
    if result.grouping is None:
        raise _no_plan(formulation, result, limits)
    told = None
    if then and not stopped_by_hand(result):
        result, told = _second_goals(formulation, result, then, share, limits, observer)
    if (start is not None or widely) and result.grouping is not None:
        # Reasons must not hang on pairs kept for other plans that are in nobody's consortium.
        items = formulation.consortia(result.grouping)
        kept = pairs_within(members for _, members in items)
        formulation = formulate(case, keep_pairs=kept)
        result = replace(result, grouping=formulation.grouping(items))
    if not case.programme.launch_years:
        notes.append("The programme has no launch year, so no fees are computed.")
    result = replace(result, notes=(*notes, *result.notes))
    plan = _plan(formulation, result, limits, strategy, turning_points, told)
    if draws:
        try:
            told_draws = draws_of(case, plan.consortia, draws, limits.seed)
            plan = plan.model_copy(update={"draws": told_draws})
        except KeyboardInterrupt:
            note = "Interrupted: the estimates were not redrawn."
            plan = plan.model_copy(update={"notes": (*plan.notes, note)})
    return plan


def _second_goals(
    formulation: Formulation,
    result: Result,
    then: Sequence[str],
    share: Fraction,
    limits: Limits,
    observer: Observer | None,
) -> tuple[Result, SecondGoals | None]:
    """The result with the grouping that serves second goals best."""
    assert result.objective is not None
    if result.grouping is None or not len(result.grouping):
        note = "No consortium was found within the limits for second goals to begin from."
        if result.bound is not None and result.bound <= 0:
            note = "No consortium has a surplus, so second goals have nothing to choose among."
        return replace(result, notes=(*result.notes, note)), None
    try:
        grouping, told, notes = serve_goals(formulation, result, then, share, limits, observer)
    except KeyboardInterrupt:
        note = "Interrupted: second goals were not searched; the plan is the one found before."
        return replace(result, notes=(*result.notes, note)), None
    objective = told.most_surplus_cents - told.given_up_cents
    status = Status.OPTIMAL if objective == result.bound else Status.FEASIBLE
    moved = replace(
        result,
        grouping=grouping,
        objective=objective,
        status=status,
        notes=(*result.notes, *notes),
    )
    return moved, told


def _no_plan(formulation: Formulation, result: Result, limits: Limits) -> NoPlan:
    if result.status is not Status.INFEASIBLE:
        return NoPlan(
            f"The solve stopped ({result.stopped_by}) before any plan was found; allow more time.",
            proved=False,
        )
    obvious = obvious_conflicts(formulation)
    if obvious:
        return NoPlan("These rules cannot be met:", proved=True, conflict=obvious)
    # Explaining takes many small solves; it gets limits of its own, however tight the plan's were.
    own = Limits(work=EXPLAIN_WORK) if limits.work is not None else Limits(seconds=EXPLAIN_SECONDS)
    conflict = explain_infeasible(formulation.problem, own)
    if conflict is None:
        raise PlanDefect("a strategy calls the rules contradictory, but they can be met")
    head = "No plan can meet these rules together"
    if is_sparsified(formulation):
        head = "On the nearest compatible pairs no plan can meet these rules together"
    head += ":" if conflict.confirmed else " (that none can be left out is not shown):"
    sentences = conflict_sentences(formulation, conflict)
    return NoPlan(head, proved=True, conflict=sentences)


def _plan(
    formulation: Formulation,
    result: Result,
    limits: Limits,
    strategy: str,
    turning_points: bool,
    second_goals: SecondGoals | None,
) -> Plan:
    case = formulation.case
    valuer = Valuer(case)
    assert result.grouping is not None
    assert result.objective is not None
    consortia = _consortia(formulation, valuer, result)
    objective = sum(c.surplus_cents for c in consortia)
    if objective != result.objective:
        raise PlanDefect(f"the plan is worth {objective}, the solver says {result.objective}")
    located = [(c.id, Kind(c.market, c.marketing_plan, c.mode), c.members) for c in consortia]
    breaches = valuer.plan_feasibility([(kind, members) for _, kind, members in located])
    if breaches:
        raise PlanDefect("; ".join(breach.message for breach in breaches))
    empty = [m.code for m in case.markets if all(c.market != m.code for c in consortia)]
    search = TurningSearch(limits, wanted=turning_points and not stopped_by_hand(result))
    shut: tuple[DoNotForm, ...] = tuple(
        do_not_form(formulation, result, code, search) for code in empty
    )
    return Plan(
        schema=SCHEMA,
        created_with=created_with(),
        inputs=input_hashes(case, formulation.graphs),
        limits=PlanLimits(
            seconds=None if limits.work is not None else limits.seconds,
            work=limits.work,
            gap=limits.gap,
            seed=limits.seed,
            workers=limits.effective_workers,
            strategy=strategy,
        ),
        status="OPTIMAL" if result.status is Status.OPTIMAL else "FEASIBLE",
        stopped_by=cast(StopReason, result.stopped_by),
        objective_cents=objective,
        bound_cents=result.bound,
        gap_ppm=gap_ppm(objective, result.bound),
        consortia=consortia,
        left_out=tuple(left_out_reasons(formulation, located, gives_up(second_goals))),
        do_not_form=shut,
        assumptions=assumptions(case),
        notes=(
            *case.register.conversions,
            *case.notes,
            *_size_notes(case),
            *result.notes,
            *_graph_notes(formulation),
            *search.notes,
        ),
        second_goals=second_goals,
    )


def _size_notes(case: Case) -> tuple[str, ...]:
    """A warning where consortia may be larger than experience speaks for."""
    if case.size_max <= WARN_ABOVE:
        return ()
    return (
        f"Consortia of up to {case.size_max} members are allowed. Above {WARN_ABOVE} take care: of "
        "loosely matched groups of about 22 firms half left within two and a half years [12].",
    )


def _consortia(
    formulation: Formulation, valuer: Valuer, result: Result
) -> tuple[PlanConsortium, ...]:
    """Consortia by surplus, largest first, each checked against the solver's value."""
    assert result.grouping is not None
    found: list[tuple[int, tuple[str, ...], Kind]] = []
    groups = zip(result.grouping, formulation.consortia(result.grouping), strict=True)
    for group, (kind, members) in groups:
        solver_value = group_value(formulation.problem, group)
        worth = valuer.value(kind, members)
        if worth.surplus_cents != solver_value:
            raise PlanDefect(
                f"{', '.join(members)} ({kind.label}): valuation says {worth.surplus_cents} cents, "
                f"the solver {solver_value}"
            )
        breaches = valuer.feasibility(kind, members)
        if breaches:
            raise PlanDefect(f"{', '.join(members)}: {breaches[0].message}")
        found.append((-solver_value, members, kind))
    ordered: Sequence[tuple[int, tuple[str, ...], Kind]] = sorted(found, key=lambda f: f[:2])
    return tuple(
        write_out(valuer, f"C{at}", kind, members)
        for at, (_, members, kind) in enumerate(ordered, start=1)
    )


def _graph_notes(formulation: Formulation) -> tuple[str, ...]:
    out = []
    for (market, mode), graph in sorted(formulation.graphs.items()):
        if graph.sparsified:
            out.append(
                f"{market} ({mode}): of {graph.rule_edges:,} compatible pairs the nearest "
                f"{graph.kept_edges:,} were kept; the bound holds for these."
            )
    return tuple(out)
