"""Large registers: what is proved on the nearest pairs, and found on all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from cases import case_with

from consortium.case import Case, make_case
from consortium.checking import check
from consortium.errors import NoPlan
from consortium.formulation import formulate
from consortium.market_files import find_market
from consortium.plan import Plan
from consortium.planner import propose
from consortium.programme import load_programme
from consortium.rules import Rules
from consortium.sample import sample_register
from consortium.widening import solve_widely
from solver import Event, EventKind, Limits, Status, solve, verify

WORK = Limits(work=12_000_000)


def thinned(nearest: int, seed: int = 1, firms: int = 60, rules: Rules | None = None) -> Case:
    """A small register treated as a large one: so few nearest partners a firm are kept."""
    programme = load_programme().changed("sparsify_above", Decimal(5), "test")
    programme = programme.changed("sparsify_nearest", Decimal(nearest), "test")
    return case_with(rules, programme, firms, seed)


def with_all_pairs(case: Case) -> Case:
    """The same case without the sparsifier."""
    programme = case.programme.changed("sparsify_above", Decimal(10**6), "test")
    return case.with_programme(programme)


def proved(case: Case) -> int:
    """The most surplus on the pairs a case keeps, by an exact strategy that widens nothing."""
    result = solve(formulate(case).problem, Limits(work=400_000_000), "columns")
    assert result.status is Status.OPTIMAL
    assert result.objective is not None
    return result.objective


def plan_of(case: Case, limits: Limits = WORK) -> Plan:
    return propose(case, limits, turning_points=False)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("nearest", [2, 5])
def test_between_the_nearest_and_all(nearest: int, seed: int) -> None:
    """Never below the best plan on nearest pairs, never above that on all, and it checks."""
    case = thinned(nearest, seed)
    plan = plan_of(case)
    assert proved(case) <= plan.objective_cents <= proved(with_all_pairs(case))
    verdict = check(plan, case)
    assert verdict.ok, verdict.failures


def test_what_the_nearest_pairs_miss_is_found() -> None:
    """The demo's best plan is found again although its pairs are not among the two nearest."""
    case = thinned(2)
    near, all_pairs = proved(case), proved(with_all_pairs(case))
    assert near < all_pairs
    plan = plan_of(case)
    assert plan.objective_cents == all_pairs
    assert plan.status == "OPTIMAL"
    (note,) = [note for note in plan.notes if "raised the surplus" in note]
    assert "more pairs" in note
    assert any("the bound holds for these" in note for note in plan.notes)


def test_the_bound_is_that_of_the_pairs_kept() -> None:
    """Another exact strategy finds the same best value on the formulation that is given back."""
    case = thinned(4, seed=2)
    formulation, result = solve_widely(case, formulate(case), WORK)
    again = solve(formulation.problem, Limits(work=400_000_000), "columns")
    assert result.status is Status.OPTIMAL
    assert again.status is Status.OPTIMAL
    assert again.objective == result.objective == result.bound
    assert result.grouping is not None
    assert verify(formulation.problem, result.grouping).objective == result.objective
    assert result.work <= WORK.work * 1.05  # type: ignore[operator]


def test_same_inputs_same_bytes() -> None:
    case = thinned(3, seed=3)
    assert plan_of(case).to_json() == plan_of(case).to_json()


def test_a_small_register_is_not_widened() -> None:
    plan = plan_of(with_all_pairs(thinned(3)))
    assert not any("compatible pairs" in note for note in plan.notes)


def test_another_strategy_keeps_to_the_nearest_pairs() -> None:
    case = thinned(2)
    plan = propose(case, WORK, strategy="columns", turning_points=False)
    assert plan.objective_cents == proved(case)


def test_what_is_told_while_it_runs() -> None:
    """Values only rise, nothing is told as a bound of the whole, and time goes on."""
    events: list[Event] = []
    case = thinned(2)
    formulation, result = solve_widely(case, formulate(case), WORK, observer=events.append)
    values = [event.objective for event in events if event.objective is not None]
    assert values == sorted(values)
    found = [event.objective for event in events if event.kind is EventKind.INCUMBENT]
    assert len(set(found)) == len(found)
    assert found[-1] == result.objective
    assert all(event.bound is None for event in events)
    assert [event.work for event in events] == sorted(event.work for event in events)
    assert {event.phase.partition(":")[0] for event in events} == {
        "nearest pairs",
        "all pairs",
        "pairs kept",
    }
    assert len(formulation.problem.pairs) > len(formulate(case).problem.pairs)


@pytest.mark.parametrize("phase", ["nearest pairs", "all pairs", "pairs kept"])
def test_stopped_by_hand_gives_the_best_so_far(phase: str) -> None:
    """Stopped in any part: the best plan known, with no bound that does not hold for it."""
    case = thinned(2)
    best: list[int] = [0]

    def stops(event: Event) -> bool:
        best.append(event.objective or 0)
        return not event.phase.startswith(phase)

    formulation, result = solve_widely(case, formulate(case), WORK, observer=stops)
    assert result.stopped_by == "observer"
    assert result.grouping is not None
    told = verify(formulation.problem, result.grouping)
    assert told.feasible
    assert told.objective == result.objective
    assert told.objective is not None
    assert told.objective >= max(best)
    if result.bound is not None:
        exact = solve(formulation.problem, Limits(work=400_000_000), "columns")
        assert exact.objective is not None
        assert result.bound >= exact.objective


def test_rules_that_only_farther_pairs_can_meet() -> None:
    """Nobody's single nearest partners make five: all pairs decide, and a plan is proved."""
    firm = plan_of(with_all_pairs(thinned(1))).consortia[0].members[0]
    case = thinned(1, rules=Rules(must_join=frozenset({firm})))
    assert solve(formulate(case).problem, WORK).status is Status.INFEASIBLE
    plan = plan_of(case)
    assert plan.objective_cents == proved(with_all_pairs(case))
    assert plan.status == "OPTIMAL"
    assert firm in {member for group in plan.consortia for member in group.members}
    assert any("No plan exists on the nearest pairs alone" in note for note in plan.notes)
    assert check(plan, case).ok


def test_rules_that_no_pairs_can_meet() -> None:
    """Proved on all pairs, so it is said without a condition."""
    members = plan_of(with_all_pairs(thinned(1))).consortia[0].members
    rules = Rules(must_join=frozenset(members), max_consortia={"ZAF": 0})
    with pytest.raises(NoPlan) as raised:
        plan_of(thinned(1, rules=rules))
    assert raised.value.proved
    assert "nearest" not in str(raised.value)


def test_where_the_nearest_alone_are_asked_it_says_so() -> None:
    firm = plan_of(with_all_pairs(thinned(1))).consortia[0].members[0]
    case = thinned(1, rules=Rules(must_join=frozenset({firm})))
    with pytest.raises(NoPlan, match="On the nearest compatible pairs no plan can meet"):
        propose(case, WORK, strategy="columns")


def test_too_many_pairs_to_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.widening.MOST_ENTRIES", 100)
    case = thinned(2)
    plan = plan_of(case)
    assert plan.objective_cents == proved(case)
    assert any("too many to search" in note for note in plan.notes)


def test_a_start_plan_is_never_lost() -> None:
    case = thinned(2)
    best = plan_of(with_all_pairs(case))
    again = propose(case, WORK, start=best, turning_points=False)
    assert again.objective_cents == best.objective_cents


def test_no_limit_but_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without seconds or work it ends as well, when the searches lead to nothing more."""
    monkeypatch.setattr("consortium.widening.ENDLESS_SECONDS", 2.0)
    case = thinned(2)
    _, result = solve_widely(case, formulate(case), Limits(seconds=None))
    assert result.objective == proved(with_all_pairs(case))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cluster", "market"), [("garments-lahore", "DEU"), ("autoparts-lahore", "ARE")]
)
def test_it_pays_on_registers_of_300(cluster: str, market: str) -> None:
    """Worth the trouble: a tenth more surplus than on the nearest pairs, and a bound on those."""
    case = make_case(sample_register(cluster, 300, 1), [find_market(market)])
    plan = plan_of(case, Limits(work=10_000_000))
    assert plan.objective_cents > 1.1 * proved(case)
    assert plan.bound_cents is not None
    assert check(plan, case).ok
