"""Every cluster in every market we have facts on, in both modes: proposed, checked, explained.

``propose`` itself refuses a plan whose valuation and objective differ by a cent; here both are
asked for once more, ``check`` passes, and where none forms the reason is named and the turning
point is solved again, on both sides, by another strategy than the one that found it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from consortium.case import Case, Kind, make_case
from consortium.checking import check
from consortium.formulation import formulate
from consortium.levers import levers
from consortium.market_files import load_clusters, load_markets
from consortium.plan import Plan, TurningPoint
from consortium.planner import propose
from consortium.programme import MODES, load_programme
from consortium.sample import sample_register
from consortium.turning import forms, only_market
from consortium.valuation import Valuer
from solver import Limits, group_value, solve

WORK = Limits(work=60_000_000, workers=1)
FIRMS = 60
PAIRS = [
    (cluster, code)
    for cluster in load_clusters()
    for code, market in load_markets().items()
    if cluster in market.clusters
]
SEEDS = (1, 2, 3)
#: One that forms and one that does not; the others take minutes.
QUICK = {("surgical-sialkot", "ZAF", "range", 1), ("garments-lahore", "ZAF", "range", 1)}


def case_of(cluster: str, codes: list[str], seed: int, modes: tuple[str, ...]) -> Case:
    """A sample of a cluster for some markets, in some modes."""
    programme = load_programme().changed("modes", modes, "test")
    markets = [load_markets()[code] for code in codes]
    return make_case(sample_register(cluster, FIRMS, seed), markets, programme)


def holds(case: Case, plan: Plan) -> None:
    """Valuation, objective, check, reasons and turning points."""
    formulation, valuer = formulate(case), Valuer(case)
    total = 0
    for group in plan.consortia:
        kind = Kind(group.market, group.marketing_plan, group.mode)
        worth = valuer.value(kind, group.members)
        (made,) = formulation.grouping([(kind, group.members)])
        assert worth.surplus_cents == group.surplus_cents == group_value(formulation.problem, made)
        total += worth.surplus_cents
    assert total == plan.objective_cents
    verdict = check(plan, case)
    assert verdict.ok, verdict.failures
    assert {g.market for g in plan.consortia} | {row.market for row in plan.do_not_form} == {
        market.code for market in case.markets
    }
    for row in plan.do_not_form:
        assert len(row.reason) > 30
        for point in filter(None, (row.turning_point, *row.other_turning_points[:1])):
            turns(only_market(case, row.market), row.market, point)


def turns(case: Case, code: str, point: TurningPoint) -> None:
    """The answer at both sides of a turning point, each proved anew."""
    lever = next(lever for lever in levers(case, code) if lever.fact == point.fact)
    sign = 1 if point.change_percent > 0 else -1
    beyond = lever.apply(1 + Fraction(point.change_percent, 100))
    before = lever.apply(1 + Fraction(point.change_percent - sign, 100))
    assert lever.shown(1 + Fraction(point.change_percent, 100)) == point.forms_at
    assert forms(beyond, WORK) is True
    none = solve(formulate(before).problem, WORK, strategy="columns")
    assert (none.objective, none.bound) == (0, 0)


@pytest.mark.parametrize(
    ("cluster", "code", "mode", "seed"),
    [
        pytest.param(
            cluster,
            code,
            mode,
            seed,
            marks=[] if (cluster, code, mode, seed) in QUICK else pytest.mark.slow,
        )
        for cluster, code in PAIRS
        for mode in MODES
        for seed in SEEDS
    ],
)
def test_every_pair_in_every_mode(cluster: str, code: str, mode: str, seed: int) -> None:
    case = case_of(cluster, [code], seed, (mode,))
    plan = propose(case, WORK)
    holds(case, plan)
    assert plan.status == "OPTIMAL"
    if not plan.consortia:
        (row,) = plan.do_not_form
        # Every fact there is to move was moved.
        assert list(row.tried) == [lever.label for lever in levers(case, code)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cluster", load_clusters())
def test_all_markets_and_modes_of_a_cluster_at_once(cluster: str, seed: int) -> None:
    """The engine chooses market, plan and mode together; alone no market is worth more."""
    codes = [code for name, code in PAIRS if name == cluster]
    case = case_of(cluster, codes, seed, MODES)
    plan = propose(case, WORK)
    holds(case, plan)
    assert plan.bound_cents is not None
    for code in codes:
        for mode in MODES:
            alone = propose(case_of(cluster, [code], seed, (mode,)), WORK, turning_points=False)
            assert plan.bound_cents >= alone.objective_cents


def test_a_case_of_one_market_keeps_its_programme() -> None:
    """What the matrix varies is what it means to vary."""
    case = case_of("garments-lahore", ["ZAF", "DEU"], 1, ("volume",))
    assert {kind.mode for kind in case.kinds} == {"volume"}
    alone = only_market(case, "DEU")
    assert replace(alone, markets=case.markets) == case
