"""Plans made by hand: figures from ``valuation``, choice and words of their own, no solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

from cases import sample_case

from consortium.assumptions import assumptions
from consortium.case import Case, Kind
from consortium.compatibility import compatibility_graph
from consortium.inputs import created_with
from consortium.plan import (
    SCHEMA,
    DoNotForm,
    GraphInput,
    GraphSize,
    Inputs,
    LeftOut,
    MemberReason,
    Plan,
    PlanConsortium,
    PlanLimits,
    TurningPoint,
    gap_ppm,
)
from consortium.proposal import write_out
from consortium.register import Firm, make_register
from consortium.valuation import Valuer

LICENCE = TurningPoint(
    fact="ZAF.surgical-sialkot.licence_holder_annual",
    label="licence holder's yearly price",
    value="6000 USD a year",
    does_not_form_at="4380 USD a year",
    forms_at="4320 USD a year",
    change_percent=-28,
    proved=True,
)
CONTRIBUTION = TurningPoint(
    fact="ZAF.*.contribution_share",
    label="maker's contribution",
    value="0.33 share of price",
    does_not_form_at="0.3597 share of price",
    forms_at="0.363 share of price",
    change_percent=10,
    proved=False,
)
PURCHASES = TurningPoint(
    fact="ZAF.*.purchase_per_buyer",
    label="what a buyer takes a year",
    value="100% of today's in every family",
    does_not_form_at="141% of today's in every family",
    forms_at="142% of today's in every family",
    change_percent=42,
    proved=True,
)


def consortium(
    case: Case, name: str, members: Sequence[str], plan: str = "fair", mode: str = "range"
) -> PlanConsortium:
    """A consortium with the figures of ``valuation`` and reasons of a known wording."""
    kind = Kind(case.markets[0].code, plan, mode)
    made = write_out(Valuer(case), name, kind, members)
    reasons = (
        "Over 5 years, in today's money, they gain most USD 61,204 from sales of general "
        "surgery instruments and USD 37,018 from subsidy on joint promotion.",
        "They share USD 98,310 of joint costs; one firm would carry them alone, and the "
        "members' best worth alone adds up to USD 4,100.",
        "What binds is size: 9 members is the most allowed.",
    )
    member_reasons = tuple(
        MemberReason(
            firm=firm,
            brings=f"general surgery instruments for USD {4_000 + 700 * at:,} a year, dental "
            f"instruments for USD 6,120 a year, {3 + at} export years and ISO 13485",
            without_it=f"The total surplus would fall by USD {2_410 + 311 * at:,}.",
        )
        for at, firm in enumerate(made.members)
    )
    return made.model_copy(update={"reasons": reasons, "member_reasons": member_reasons})


def plan_of(
    case: Case,
    groups: Sequence[PlanConsortium],
    left_out: Sequence[LeftOut] | None = None,
    do_not_form: Sequence[DoNotForm] = (),
    status: str = "OPTIMAL",
    bound: int | None = None,
    stopped_by: str = "optimal",
) -> Plan:
    """A plan of some consortia; every other firm is left out."""
    objective = sum(group.surplus_cents for group in groups)
    if status == "OPTIMAL":
        bound = objective
    inside = {firm for group in groups for firm in group.members}
    if left_out is None:
        outside = [f.firm_id for f in case.register.firms if f.firm_id not in inside]
        left_out = [
            LeftOut(
                firm=firm,
                code=("certificate", "adds_less", "not_a_maker")[at % 3],
                reason=(
                    "It does not hold ISO 13485, which ZAF needs, and obtaining it costs about "
                    "USD 6,000, more than 5% of its turnover of USD 41,200.",
                    "Joining C1 would lower the surplus by USD 1,204.",
                    "It is a trader; consortia are of makers.",
                )[at % 3],
            )
            for at, firm in enumerate(outside)
        ]
    market = case.markets[0]
    part = GraphSize(
        market=market.code,
        mode="range",
        firms=17,
        rule_edges=127,
        kept_edges=127,
        threshold_bp=5_500,
        sparsified=False,
    )
    return Plan(
        schema=SCHEMA,
        created_with=created_with(),
        inputs=Inputs(
            register_sha256=case.register.sha256,
            programme_sha256=case.programme.sha256,
            rules_sha256=case.rules.sha256,
            markets={m.code: m.sha256_for(case.cluster.key) for m in case.markets},
            market_origins={m.code: m.origin for m in case.markets},
            plans_sha256="0" * 64,
            graph=GraphInput(
                rule_edges=127, kept_edges=127, threshold_bp=5_500, sparsified=False, parts=(part,)
            ),
        ),
        limits=PlanLimits(seconds=60.0, work=None, gap=0.0, seed=0, workers=2, strategy="auto"),
        status=status,
        stopped_by=stopped_by,
        objective_cents=objective,
        bound_cents=bound,
        gap_ppm=gap_ppm(objective, bound),
        consortia=tuple(groups),
        left_out=tuple(left_out),
        do_not_form=tuple(do_not_form),
        assumptions=assumptions(case),
        notes=("turnover_pkr was converted at 280 PKR for one USD.",),
    )


def cliques(case: Case, size: int, plan: str) -> Iterator[tuple[str, ...]]:
    """Disjoint groups of compatible firms, each grown greedily by surplus."""
    code = case.markets[0].code
    graph, valuer, kind = compatibility_graph(case, code), Valuer(case), Kind(code, plan, "range")
    free = set(graph)
    while len(free) >= size:
        members = [max(sorted(free), key=graph.degree)]
        while len(members) < size:
            near = [f for f in sorted(free) if all(graph.has_edge(f, m) for m in members)]
            if not near:
                return
            members.append(max(near, key=lambda f: valuer.value(kind, [*members, f]).surplus_cents))
        assert all(graph.has_edge(a, b) for a, b in combinations(members, 2))
        free -= set(members)
        yield tuple(sorted(members))


@cache
def two_groups(firms: int = 60, seed: int = 1) -> Plan:
    """A plan of two consortia in a sample register."""
    case = sample_case(firms, seed)
    found = [group for _, group in zip(range(2), cliques(case, 7, "agent"), strict=False)]
    groups = [consortium(case, f"C{at}", members, "agent") for at, members in enumerate(found, 1)]
    return plan_of(case, groups)


def no_group(case: Case) -> Plan:
    """A plan that forms nothing, with turning points."""
    row = DoNotForm(
        market=case.markets[0].code,
        reason="Of 60 firms 17 could join (30 are not makers; 13 cannot hold the needed "
        "certificate). It is proved that no allowed group of 5 to 9 of them is worth more "
        "together than its members are alone.",
        turning_point=LICENCE,
        other_turning_points=(CONTRIBUTION, PURCHASES),
        tried=(
            LICENCE.label,
            CONTRIBUTION.label,
            PURCHASES.label,
            "commission on sales",
            "freight",
        ),
    )
    return plan_of(case, (), do_not_form=[row])


def renamed(case: Case, names: dict[str, str]) -> Case:
    """The case with other names of firms."""
    firms: list[Firm] = [
        replace(firm, name=names.get(firm.firm_id, firm.name)) for firm in case.register.firms
    ]
    register = make_register(firms, case.register.ties, case.register.source)
    return replace(case, register=register)
