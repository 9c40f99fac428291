"""``check``: a plan verified again without a solver, also one that was edited by hand.

Without the register a plan is *consistent in itself*: sums, totals, disjointness, bound and gap.
With it every consortium is written out anew from its kind and members and compared field by field,
and the rules of the whole plan, the firms left out and the hashes of the inputs are checked. That
the bound is a true bound is the solver's proof; it is not repeated here, and the notes say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from consortium.assumptions import assumptions
from consortium.case import Case, Kind
from consortium.draws import MOST_DRAWS, draws_of
from consortium.errors import ConsortiumError, InputError
from consortium.explanation import left_out_reasons
from consortium.formulation import formulate
from consortium.goals import GOALS, goal_value, most_given_up
from consortium.inputs import input_hashes
from consortium.plan import Draws, Plan, PlanConsortium, gap_ppm, gives_up
from consortium.proposal import write_out
from consortium.valuation import SUBSIDY_TERMS, Valuer
from consortium.wording import usd_exact


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing wrong with a plan.

    Attributes
    ----------
    code : short name of the check.
    place : consortium, firm or field.
    message : what the plan says and what is right.
    """

    code: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of ``check``.

    Attributes
    ----------
    ok : nothing is wrong.
    scope : "consistent in itself" or "correct for this register".
    failures : everything wrong.
    notes : what was not checked.
    """

    ok: bool
    scope: str
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def check(plan: Plan, case: Case | None = None) -> Verdict:
    """Verify a plan, by itself or against the case it was made for."""
    failures = list(_itself(plan))
    notes = [
        "That the bound is a true bound is the solver's proof; it is not repeated here.",
        "Limits, versions and notes say how the plan was made; they cannot be recomputed.",
    ]
    if case is None:
        scope = "consistent in itself"
        notes.append("Without the register, feasibility and worth are not recomputed.")
    else:
        scope = "correct for this register"
        failures.extend(_against(plan, case))
        if plan.second_goals is not None:
            notes.append(
                "What the plan of most surplus reaches of second goals, and their bounds, need a "
                "solver; they are not recomputed."
            )
        if plan.do_not_form:
            notes.append("Reasons for not forming need a solver; they are not recomputed.")
    unique = tuple(dict.fromkeys(failures))
    return Verdict(not unique, scope, unique, tuple(notes))


# -- consistent in itself -------------------------------------------------------------------------


def _itself(plan: Plan) -> Iterator[Failure]:
    yield from _disjoint(plan)
    for group in plan.consortia:
        yield from _sums(group)
        yield from _fields(group)
        if group.market not in plan.inputs.markets:
            yield Failure("market", group.id, f"{group.market} is not among the inputs' markets")
    yield from _totals(plan)
    yield from _second_goals(plan)
    yield from _draws(plan)
    empty = {row.market for row in plan.do_not_form}
    served = {group.market for group in plan.consortia}
    for market in sorted(plan.inputs.markets):
        if market in empty and market in served:
            yield Failure("market", market, "has a consortium and is listed under do_not_form")
        if market not in empty and market not in served:
            yield Failure("market", market, "has neither a consortium nor a reason for none")
    for market in sorted(empty - set(plan.inputs.markets)):
        yield Failure("market", market, "is listed under do_not_form but is no input")
    yield from _graph(plan)


def _second_goals(plan: Plan) -> Iterator[Failure]:
    told = plan.second_goals
    if told is None:
        return
    given_up = told.most_surplus_cents - plan.objective_cents
    if given_up != told.given_up_cents or given_up < 0:
        yield _differ(
            "second_goals",
            "plan",
            "given_up_cents",
            told.given_up_cents,
            given_up,
            "the most surplus less the plan's is",
        )
    most = most_given_up(told.most_surplus_cents, Fraction(told.give_up_ppm, 1_000_000))
    if told.given_up_cents > most:
        yield Failure(
            "second_goals",
            "plan",
            f"{usd_exact(told.given_up_cents)} was given up, at most {usd_exact(most)} might be",
        )
    if plan.bound_cents is not None and plan.bound_cents < told.most_surplus_cents:
        yield Failure("second_goals", "plan", "most_surplus_cents is above bound_cents")
    if not 0 <= told.give_up_ppm <= 1_000_000:
        yield Failure("second_goals", "plan", f"give_up_ppm is {told.give_up_ppm}; 0 to 1,000,000")
    names = [row.goal for row in told.goals]
    if not names or len(set(names)) < len(names):
        yield Failure("second_goals", "plan", "the goals are none, or one of them stands twice")
    for row in told.goals:
        if row.goal not in GOALS or row.label != GOALS[row.goal].label:
            yield Failure("second_goals", row.goal, "is no second goal under this label")
        if row.at_most is not None and row.at_most < row.value:
            yield Failure(
                "second_goals", row.goal, f"is {row.value}, above its bound of {row.at_most}"
            )


def _draws(plan: Plan) -> Iterator[Failure]:
    told = plan.draws
    if told is None:
        return
    if not _can_be_made(told):
        message = f"{told.draws} draws with seed {told.seed} cannot be made again; 1 to "
        yield Failure("draws", "plan", f"{message}{MOST_DRAWS:,} and a seed of 0 or more are meant")
    if [row.consortium for row in told.consortia] != [group.id for group in plan.consortia]:
        yield Failure("draws", "plan", "the draws are not of the plan's consortia in their order")
    for row in told.consortia:
        if not (0 <= row.positive <= told.draws and 0 <= row.can_pay <= told.draws):
            yield Failure("draws", row.consortium, f"counts are not within {told.draws} draws")
        if not row.surplus_p10_cents <= row.surplus_p50_cents <= row.surplus_p90_cents:
            yield Failure("draws", row.consortium, "10%, 50% and 90% are not in order")


def _can_be_made(told: Draws) -> bool:
    """Whether so many draws with such a seed are ever made."""
    return 1 <= told.draws <= MOST_DRAWS and told.seed >= 0


def _graph(plan: Plan) -> Iterator[Failure]:
    graph = plan.inputs.graph
    for field in ("rule_edges", "kept_edges"):
        total = sum(getattr(part, field) for part in graph.parts)
        if total != getattr(graph, field):
            yield Failure("graph", field, f"is {getattr(graph, field)}, its parts sum to {total}")
    if graph.kept_edges > graph.rule_edges:
        yield Failure("graph", "kept_edges", "is above rule_edges")


def _disjoint(plan: Plan) -> Iterator[Failure]:
    grouped = Counter(firm for group in plan.consortia for firm in group.members)
    for firm, times in sorted(grouped.items()):
        if times > 1:
            yield Failure("disjoint", firm, f"is in consortia {times} times")
    out = Counter(row.firm for row in plan.left_out)
    for firm, times in sorted(out.items()):
        if times > 1:
            yield Failure("left_out", firm, f"is listed as left out {times} times")
        if firm in grouped:
            yield Failure("left_out", firm, "is in a consortium and listed as left out")
    names = Counter(group.id for group in plan.consortia)
    for name, times in sorted(names.items()):
        if times > 1:
            yield Failure("id", name, f"names {times} consortia")


def _sums(group: PlanConsortium) -> Iterator[Failure]:
    worth = sum(term.cents for term in group.terms)
    if worth != group.worth_cents:
        yield _differ(
            "worth", group.id, "worth_cents", group.worth_cents, worth, "its terms sum to"
        )
    surplus = group.worth_cents - sum(group.standalone_cents.values())
    if surplus != group.surplus_cents:
        yield _differ(
            "surplus",
            group.id,
            "surplus_cents",
            group.surplus_cents,
            surplus,
            "worth less stand-alone worth is",
        )
    subsidy = sum(term.cents for term in group.terms if term.name in SUBSIDY_TERMS)
    without = group.surplus_cents - subsidy
    if without != group.surplus_without_subsidy_cents:
        yield _differ(
            "surplus_without_subsidy",
            group.id,
            "surplus_without_subsidy_cents",
            group.surplus_without_subsidy_cents,
            without,
            "surplus less its subsidy terms is",
        )
    if group.lives_on_subsidy != (without < 0):
        yield Failure(
            "lives_on_subsidy",
            group.id,
            f"lives_on_subsidy is {group.lives_on_subsidy}, surplus without subsidy is "
            f"{usd_exact(without)}",
        )


def _differ(code: str, place: str, field: str, seen: int, right: int, why: str) -> Failure:
    return Failure(code, place, f"{field} is {usd_exact(seen)}, but {why} {usd_exact(right)}")


def _fields(group: PlanConsortium) -> Iterator[Failure]:
    members = set(group.members)
    if list(group.members) != sorted(members):
        yield Failure("members", group.id, "members are not ascending, each once")
    if len(members) < 2:
        yield Failure("members", group.id, f"has {len(members)} member(s)")
    named: tuple[tuple[str, set[str]], ...] = (
        ("standalone_cents", set(group.standalone_cents)),
        ("member_reasons", {row.firm for row in group.member_reasons}),
        ("leaving_bp_per_year", set(group.retention.leaving_bp_per_year)),
    )
    for field, firms in named:
        if firms != members:
            odd = ", ".join(sorted(firms ^ members))
            yield Failure("members", group.id, f"{field} and members differ in {odd}")
    for fee in group.fees:
        if fee.firm not in members:
            yield Failure("fees", group.id, f"{fee.firm} pays a fee but is no member")
        if fee.cents < 0:
            yield Failure("fees", group.id, f"the fee of {fee.firm} in year {fee.year} is negative")
    twice = Counter((fee.firm, fee.year) for fee in group.fees)
    for (firm, year), times in sorted(twice.items()):
        if times > 1:
            yield Failure("fees", group.id, f"{firm} has {times} fees in year {year}")
    names = Counter(term.name for term in group.terms)
    for name, times in sorted(names.items()):
        if times > 1:
            yield Failure("terms", group.id, f"the term {name!r} stands {times} times")
    years = {
        len(group.cost_by_year_cents),
        len(group.subsidy_by_year_cents),
        len(group.sales_margin_by_year_cents),
    }
    if len(years) > 1:
        yield Failure("years", group.id, "costs, subsidies and margins cover different years")


def _totals(plan: Plan) -> Iterator[Failure]:
    objective = sum(group.surplus_cents for group in plan.consortia)
    if objective != plan.objective_cents:
        yield _differ(
            "objective",
            "plan",
            "objective_cents",
            plan.objective_cents,
            objective,
            "the consortia's surplus sums to",
        )
    if plan.bound_cents is not None and plan.bound_cents < plan.objective_cents:
        yield Failure(
            "bound",
            "plan",
            f"bound_cents {usd_exact(plan.bound_cents)} is below the objective "
            f"{usd_exact(plan.objective_cents)}",
        )
    gap = gap_ppm(plan.objective_cents, plan.bound_cents)
    if gap != plan.gap_ppm:
        yield Failure("gap", "plan", f"gap_ppm is {plan.gap_ppm}, bound and objective give {gap}")
    if (plan.status == "OPTIMAL") != (plan.bound_cents == plan.objective_cents):
        yield Failure(
            "status",
            "plan",
            f"status is {plan.status}, but the bound "
            f"{'equals' if plan.bound_cents == plan.objective_cents else 'does not equal'} "
            "the objective",
        )
    surplus = [group.surplus_cents for group in plan.consortia]
    if surplus != sorted(surplus, reverse=True):
        yield Failure("order", "plan", "consortia are not in order of surplus, largest first")


# -- correct for this register --------------------------------------------------------------------


def _against(plan: Plan, case: Case) -> Iterator[Failure]:
    known = case.register.by_id
    unknown = sorted(
        {firm for group in plan.consortia for firm in group.members if firm not in known}
        | {row.firm for row in plan.left_out if row.firm not in known}
    )
    for firm in unknown:
        yield Failure("unknown_firm", firm, "is not in the register")
    kinds = set(case.kinds)
    for group in plan.consortia:
        if Kind(group.market, group.marketing_plan, group.mode) not in kinds:
            yield Failure(
                "kind",
                group.id,
                f"{group.market}, {group.marketing_plan}, {group.mode} is no kind of this case",
            )
            unknown.append(group.id)
    if unknown:
        return
    valuer = Valuer(case)
    located = [
        (group.id, Kind(group.market, group.marketing_plan, group.mode), group.members)
        for group in plan.consortia
    ]
    for name, kind, members in located:
        for breach in valuer.feasibility(kind, members):
            yield Failure(breach.rule, name, breach.message)
    for breach in valuer.plan_feasibility([(kind, members) for _, kind, members in located]):
        yield Failure(breach.rule, "plan", breach.message)
    for group, (name, kind, members) in zip(plan.consortia, located, strict=True):
        try:
            right = write_out(valuer, name, kind, members)
        except ConsortiumError as error:
            yield Failure("recompute", name, f"cannot be written out anew: {error}")
            continue
        yield from _compare(name, group, right)
    for row in () if plan.second_goals is None else plan.second_goals.goals:
        if row.goal in GOALS:
            counted = goal_value(valuer, row.goal, [(k, members) for _, k, members in located])
            if counted != row.value:
                yield Failure(
                    "second_goals", row.goal, f"value is {row.value}, recomputed {counted}"
                )
    if plan.draws is not None and _can_be_made(plan.draws):
        yield from _draws_again(plan, case, plan.draws)
    yield from _rest(plan, case, located)


def _draws_again(plan: Plan, case: Case, told: Draws) -> Iterator[Failure]:
    """The draws made once more, by the same seed."""
    try:
        right = draws_of(case, plan.consortia, told.draws, told.seed)
    except InputError as error:
        for fault in error.faults:
            yield Failure("draws", "plan", f"the draws cannot be made again: {fault}")
        return
    if told != right:
        yield Failure(
            "draws",
            "plan",
            f"the draws made again give other counts (numpy {plan.created_with.numpy} made the "
            "plan's; another version may draw otherwise)",
        )


def _compare(place: str, seen: PlanConsortium, right: PlanConsortium) -> Iterator[Failure]:
    """Field by field: what the plan says against what the register gives."""
    for field in PlanConsortium.model_fields:
        said, true = getattr(seen, field), getattr(right, field)
        if said == true:
            continue
        if field == "terms":
            before = {term.name: term.cents for term in seen.terms}
            after = {term.name: term.cents for term in right.terms}
            differing = [n for n in {**after, **before} if before.get(n) != after.get(n)]
            for name in differing:
                yield Failure(
                    "terms",
                    place,
                    f"the term {name!r} is {_money(before.get(name))}, recomputed it is "
                    f"{_money(after.get(name))}",
                )
            if not differing:
                yield Failure("terms", place, "the terms are in another order")
        elif field == "fees":
            yield from _compare_fees(place, seen, right)
        else:
            yield Failure(field, place, f"{field} is {_short(said)}, recomputed {_short(true)}")


def _compare_fees(place: str, seen: PlanConsortium, right: PlanConsortium) -> Iterator[Failure]:
    """Fee by fee: members read these, so each is named with its firm and year."""
    before = {(fee.firm, fee.year): fee.cents for fee in seen.fees}
    after = {(fee.firm, fee.year): fee.cents for fee in right.fees}
    differing = [key for key in {**after, **before} if before.get(key) != after.get(key)]
    for firm, year in differing:
        said, true = _money(before.get((firm, year))), _money(after.get((firm, year)))
        yield Failure(
            "fees", place, f"the fee of {firm} in year {year} is {said}, recomputed it is {true}"
        )
    if not differing:
        yield Failure("fees", place, "the fees are in another order, or one is named twice")


def _money(cents: int | None) -> str:
    return "absent" if cents is None else usd_exact(cents)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _rest(
    plan: Plan, case: Case, located: list[tuple[str, Kind, tuple[str, ...]]]
) -> Iterator[Failure]:
    kept = tuple(
        (a, b) for _, _, firms in located for at, a in enumerate(firms) for b in firms[at + 1 :]
    )
    formulation = formulate(case, keep_pairs=kept)
    right = input_hashes(case, formulation.graphs)
    for field in type(right).model_fields:
        said, true = getattr(plan.inputs, field), getattr(right, field)
        if said != true:
            yield Failure(
                "inputs", field, f"the plan says {_short(said)}, these inputs give {_short(true)}"
            )
    expected = {
        row.firm: row for row in left_out_reasons(formulation, located, gives_up(plan.second_goals))
    }
    listed = {row.firm: row for row in plan.left_out}
    for firm in sorted(expected.keys() | listed.keys()):
        if firm not in listed:
            yield Failure("left_out", firm, "is in no consortium and not listed as left out")
        elif firm not in expected:
            yield Failure("left_out", firm, "is listed as left out but is in a consortium")
        elif plan.status == "OPTIMAL" and expected[firm].code == "could_improve":
            reason = expected[firm].reason
            yield Failure("bound", firm, f"the plan is said to be proved best, but: {reason}")
        elif expected[firm] != listed[firm]:
            yield Failure(
                "left_out",
                firm,
                f"the reason is {_short(listed[firm].reason)!r}, recomputed "
                f"{_short(expected[firm].reason)!r}",
            )
    if plan.assumptions != assumptions(case):
        yield Failure("assumptions", "plan", "the assumptions listed are not those of these inputs")
