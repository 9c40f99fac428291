"""The formulation against the domain's own arithmetic: the same cent, the same rules."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from cases import case_with, sample_case
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.case import Case
from consortium.facts import Fact
from consortium.formulation import Formulation, formulate, market_limit
from consortium.programme import load_programme
from consortium.rules import Pin, Rules
from consortium.valuation import Valuer
from solver import Group, Grouping, group_value, group_violations, verify


def random_groups(formulation: Formulation, seed: int, number: int) -> list[Group]:
    """Groups of compatible firms of any size from 1 up, feasible or not."""
    draw = random.Random(seed)
    items = list(range(len(formulation.firm_ids)))
    out = []
    for _ in range(number):
        chosen: list[int] = []
        for i in draw.sample(items, min(len(items), draw.randint(2, 12))):
            pairs = [(min(i, j), max(i, j)) for j in chosen]
            if all(pair in formulation.problem.pair_index for pair in pairs):
                chosen.append(i)
        out.append(Group(draw.randrange(len(formulation.kinds)), chosen))
    return out


def agree(case: Case, seed: int, number: int) -> None:
    """Value and feasibility of random groups agree between solver data and valuation."""
    formulation = formulate(case)
    valuer = Valuer(case)
    for group in random_groups(formulation, seed, number):
        kind = formulation.kinds[group.kind]
        members = [formulation.firm_ids[i] for i in group.members]
        broken = {violation.rule for violation in group_violations(formulation.problem, group)}
        if "pair" not in broken:  # the value of a pair that may not group is nobody's business
            value = group_value(formulation.problem, group)
            assert valuer.value(kind, members).surplus_cents == value
        solver_says = not broken
        valuation_says = not valuer.feasibility(kind, members)
        assert solver_says == valuation_says, (kind, members, valuer.feasibility(kind, members))


@pytest.mark.parametrize("seed", range(1, 6))
def test_valuation_equals_solver_value_and_rules(seed: int) -> None:
    """To the cent, and the same verdict on feasibility, for random groups of a register."""
    agree(sample_case(60, seed), seed, 150)


@pytest.mark.slow
@pytest.mark.parametrize("firms", [60, 150, 300])
@pytest.mark.parametrize("seed", range(1, 11))
def test_valuation_equals_solver_value_and_rules_widely(firms: int, seed: int) -> None:
    agree(sample_case(firms, seed), seed, 600)


@given(
    discount=st.decimals("0", "0.3", places=3),
    commission=st.decimals("0", "0.3", places=3),
    elasticity=st.sampled_from(["0", "1", "2.5", "4"]),
    retention=st.decimals("0.3", "1", places=2),
    bonus=st.integers(0, 2000),
    cap=st.integers(0, 30000),
    seed=st.integers(1, 5),
)
@settings(max_examples=12)
def test_agreement_holds_for_any_programme(
    discount: Decimal,
    commission: Decimal,
    elasticity: str,
    retention: Decimal,
    bonus: int,
    cap: int,
    seed: int,
) -> None:
    programme = load_programme()
    for name, value in (
        ("discount_rate", discount),
        ("commission", commission),
        ("elasticity", Decimal(elasticity)),
        ("retention", retention),
        ("range_bonus", Decimal(bonus)),
        ("subsidy_cap_fixed", Decimal(cap)),
    ):
        programme = programme.changed(name, value, "test")
    agree(case_with(programme=programme, seed=seed), seed, 25)


@given(
    duty=st.decimals("0", "0.6", places=2),
    ratio=st.decimals("0.6", "1.3", places=2),
    fee=st.integers(0, 3000),
    seed=st.integers(1, 3),
)
@settings(max_examples=12)
def test_agreement_holds_for_any_market(duty: Decimal, ratio: Decimal, fee: int, seed: int) -> None:
    """Duties on both sides, and fees of every regulatory class."""
    case = sample_case(60, seed)
    market = case.markets[0]
    facts = market.clusters[case.cluster.key]
    moved: dict[str, Fact] = {
        "duty": facts.duty.changed(duty, "test"),
        "price_ratio": facts.price_ratio.changed(ratio, "test"),
    }
    for name in ("establishment_fee_once", "establishment_fee_annual", "product_fee_once"):
        moved[name] = getattr(facts, name).changed(Decimal(fee) / 7, "test")
    facts = replace(facts, **moved)
    agree(replace(case, markets=(replace(market, clusters={case.cluster.key: facts}),)), seed, 25)


def test_both_modes_share_one_problem() -> None:
    """Range and volume kinds have their own scores and permissions on the same firms."""
    programme = load_programme().changed("modes", ("range", "volume"), "test")
    case = case_with(programme=programme)
    formulation = formulate(case)
    assert len(formulation.kinds) == 10
    agree(case, 3, 100)


def test_budget_is_a_shared_limit_on_undiscounted_subsidy() -> None:
    programme = load_programme()
    budget = Fact("programme.budget", Decimal(20000), "USD", 2025, "test", "estimate")
    case = case_with(programme=replace(programme, budget=budget))
    formulation = formulate(case)
    problem = formulation.problem
    at = formulation.limit_names.index("subsidy budget")
    assert int(problem.shared_limit[at]) == 2_000_000
    valuer = Valuer(case)
    for group in random_groups(formulation, 1, 20):
        use = int(problem.shared_group_use[at, group.kind])
        use += sum(int(problem.shared_item_use[at, group.kind, i]) for i in group.members)
        members = [formulation.firm_ids[i] for i in group.members]
        worth = valuer.value(formulation.kinds[group.kind], members)
        assert use == sum(worth.subsidy_by_year_cents)


def test_market_limit_by_hand() -> None:
    """5% of USD 40m over (48+32+40+24+32) thousand a consortium: 11 (docs/model.md)."""
    case = sample_case()
    assert market_limit(case, "ZAF") == 11
    assert market_limit(case_with(Rules(max_consortia={"ZAF": 2})), "ZAF") == 2


def test_sales_curve_by_hand() -> None:
    """General instruments, fair: lot 12 x 1.20 = USD 14.40; G = 1.94034927..; 28% margin.

    u = round(1.9403492708 x 0.28 x 1440) = round(782.3488) = 782 cents a lot; the minimum order is
    ceil(4000/14.40) = 278 lots; demand min(160,000; 4 x 12,000)/14.40 = 3,333 lots; bonus
    round(1.9403492708 x 50,000) = 97,017 cents.
    """
    formulation = formulate(sample_case())
    r = formulation.resource_names.index("lots of general for ZAF")
    k = next(k for k, kind in enumerate(formulation.kinds) if kind.plan == "fair")
    points = formulation.problem.curves[k, r].points
    top = 782 * 3333 + 97017
    assert points == ((0, 0), (278, 0), (278, 782 * 278 + 97017), (3333, top))


def test_forced_firms_stay_items_so_that_conflicts_are_proved() -> None:
    case = sample_case()
    out = next(f.firm_id for f in case.register.firms if f.role == "trader")
    formulation = formulate(case_with(Rules(must_join=frozenset({out}))))
    item = formulation.item_of[out]
    assert formulation.problem.must_join[item]
    assert not formulation.problem.eligible[:, item].any()


def test_pins_and_rules_reach_the_problem() -> None:
    formulation = formulate(sample_case())
    a, b, c, d, e = formulation.firm_ids[:5]
    rules = Rules(
        together=((a, b),), apart=((c, d),), pins=(Pin("ZAF", "fair", "range", (e,), True),)
    )
    problem = formulate(case_with(rules)).problem
    assert problem.together == ((0, 1),)
    assert problem.apart == ((2, 3),)
    assert problem.pin_may_grow == (True,)


def test_grouping_round_trip() -> None:
    formulation = formulate(sample_case())
    groups = [g for g in random_groups(formulation, 9, 1) if g.members]
    grouping = Grouping(groups)
    assert formulation.grouping(formulation.consortia(grouping)) == grouping
    assert verify(formulation.problem, Grouping()).objective == 0
