"""The best next firm: changes are differences of worth, and whoever may not join is told why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cases import case_with, sample_case
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.case import Case, Kind
from consortium.compatibility import compatibility_graph, pair_reason, score_pair
from consortium.eligibility import ineligible
from consortium.errors import InputError
from consortium.next_firm import best_kind, best_next_firms, obstacles
from consortium.programme import load_programme
from consortium.register import make_register
from consortium.rules import Rules
from consortium.valuation import feasibility, value_consortium

FAIR = Kind("ZAF", "fair", "range")
# Four compatible firms of the sample, a fifth that goes with them all, and a vendor.
GROUP, FIFTH, VENDOR = ("S0007", "S0009", "S0026", "S0046"), "S0044", "S0002"


def both_modes() -> Case:
    return case_with(programme=load_programme().changed("modes", ("range", "volume"), "test"))


def surplus(case: Case, kind: Kind, members: Sequence[str]) -> int:
    return value_consortium(case, kind, members).surplus_cents


@settings(max_examples=6)
@given(
    st.lists(st.sampled_from([f"S{k:04d}" for k in range(1, 61)]), min_size=2, unique=True),
    st.sampled_from(sample_case().kinds),
)
def test_every_firm_with_its_change_and_reasons(members: list[str], kind: Kind) -> None:
    """Any group, also of firms that may not be together: figures and reasons from elsewhere."""
    case, members = sample_case(), members[:11]
    found = best_next_firms(case, kind, members, limit=None)
    by_id = case.register.by_id
    assert {firm.firm_id for firm in found.firms} == set(by_id) - set(members)
    assert found.members == tuple(sorted(members))
    assert found.surplus_cents == surplus(case, kind, members)
    order = [(-firm.change_cents, firm.firm_id) for firm in found.firms]
    assert order == sorted(order)
    for firm in found.firms:
        larger = [*members, firm.firm_id]
        assert firm.surplus_cents == surplus(case, kind, larger)
        assert firm.change_cents == firm.surplus_cents - found.surplus_cents
        assert firm.breaches == feasibility(case, kind, larger)
        assert firm.whole == (not firm.breaches)
        assert firm.ineligible == ineligible(case, "ZAF", by_id[firm.firm_id])
        scores = [
            (m, score_pair(case, "ZAF", kind.mode, by_id[m], by_id[firm.firm_id]))
            for m in sorted(members)
        ]
        expected = [(m, s.score, pair_reason(s, case)) for m, s in scores if not s.allowed]
        assert [(m.member, m.score_bp, m.reason) for m in firm.misfits] == expected
        assert firm.may_join == (not obstacles(firm))
        if firm.whole:
            assert firm.may_join
    assert found.num_may_join == len(found.may_join)
    assert found.num_may_not == len(found.may_not)


def test_change_of_mode_changes_scores() -> None:
    case = both_modes()
    ids = sorted(compatibility_graph(case, "ZAF"))[:3]
    found = {
        mode: best_next_firms(case, Kind("ZAF", "fair", mode), ids, limit=None)
        for mode in ("range", "volume")
    }
    scores = {m: [x.score_bp for f in found[m].firms for x in f.misfits] for m in found}
    assert scores["range"] != scores["volume"]


def test_a_firm_that_costs_the_group_is_listed_with_its_loss() -> None:
    found = best_next_firms(sample_case(), FAIR, GROUP, limit=None)
    assert any(firm.may_join and firm.change_cents < 0 for firm in found.firms)


def test_the_limit_holds_for_both_lists() -> None:
    whole = best_next_firms(sample_case(), FAIR, GROUP, limit=None)
    found = best_next_firms(sample_case(), FAIR, GROUP, limit=3)
    assert found.may_join == whole.may_join[:3]
    assert found.may_not == whole.may_not[:3]
    assert (found.num_may_join, found.num_may_not) == (whole.num_may_join, whole.num_may_not)
    assert len(best_next_firms(sample_case(), FAIR, GROUP).may_not) == 10


def test_among_some_firms_only() -> None:
    """Members among them are passed over."""
    found = best_next_firms(sample_case(), FAIR, GROUP, among=[VENDOR, FIFTH, GROUP[0], FIFTH])
    assert sorted(firm.firm_id for firm in found.firms) == sorted([VENDOR, FIFTH])


def test_a_vendor_is_no_member() -> None:
    found = best_next_firms(sample_case(), FAIR, GROUP, among=[VENDOR])
    [vendor] = found.firms
    assert not vendor.may_join
    assert vendor.ineligible is not None
    assert obstacles(vendor)[0] == "It is a vendor; consortia are of makers."
    assert not any("only makers join" in words for words in obstacles(vendor))  # told once


def test_what_further_firms_can_mend_is_not_held_against_a_firm() -> None:
    """Three firms are too few; the third may join all the same, and the group is not whole."""
    found = best_next_firms(sample_case(), FAIR, GROUP[:2], among=[GROUP[2]])
    [third] = found.firms
    assert {"size"} <= {breach.rule for breach in third.breaches}
    assert (third.may_join, third.whole, third.against) == (True, False, ())


def test_a_full_group_takes_nobody() -> None:
    case = case_with(Rules(size_max=5))
    found = best_next_firms(case, FAIR, [*GROUP, FIFTH], limit=None)
    assert found.num_may_join == 0
    assert all("size" in {b.rule for b in firm.against} for firm in found.firms)


def test_the_last_place_must_make_the_group_whole() -> None:
    """When no further firm may follow, money that lacks is held against the last one."""
    case = case_with(Rules(size_min=4, size_max=4))
    found = best_next_firms(case, FAIR, GROUP[:3], limit=None)
    assert any(b.rule == "joint_cost" for firm in found.may_not for b in firm.against)
    assert all(firm.whole for firm in found.may_join)


def test_rules_file_is_heeded() -> None:
    case = case_with(Rules(apart=((GROUP[0], FIFTH),), exclude=frozenset({"S0048"})))
    found = best_next_firms(case, FAIR, GROUP, among=[FIFTH, "S0048"])
    assert found.num_may_join == 0
    reasons = {firm.firm_id: " ".join(obstacles(firm)) for firm in found.firms}
    assert "must not be in one consortium" in reasons[FIFTH]
    assert reasons["S0048"] == "The rules file leaves this firm out."


def test_a_broken_group_is_not_the_new_firms_fault() -> None:
    """With a vendor inside, the others are judged by what they themselves bring."""
    case = sample_case()
    with_vendor = best_next_firms(case, FAIR, [*GROUP[:2], VENDOR], among=[FIFTH])
    assert any(breach.firm == VENDOR for breach in with_vendor.breaches)
    [fifth] = with_vendor.firms
    assert all(breach.firm != VENDOR for breach in fifth.against)


def test_best_kind_is_the_best() -> None:
    case = both_modes()
    best = best_kind(case, "ZAF", GROUP)
    assert surplus(case, best, GROUP) == max(surplus(case, kind, GROUP) for kind in case.kinds)
    assert best_kind(case, "ZAF", GROUP, plan="fair").plan == "fair"
    assert best_kind(case, "ZAF", GROUP, mode="volume").mode == "volume"
    fixed = best_kind(case, "ZAF", GROUP, "catalogue", "volume")
    assert fixed == Kind("ZAF", "catalogue", "volume")


def test_every_fault_is_told() -> None:
    with pytest.raises(InputError) as told:
        best_next_firms(
            sample_case(), Kind("KEN", "boat", "depth"), ["X1", "X1"], among=["X2"], limit=0
        )
    text = str(told.value)
    for seen in ("KEN", "boat", "depth", "X1", "2 times", "at least two", "X2", "limit"):
        assert seen in text
    with pytest.raises(InputError, match="at least two firms"):
        best_kind(sample_case(), "ZAF", ["S0001"])
    with pytest.raises(InputError, match="no marketing plan"):
        best_kind(sample_case(), "ZAF", GROUP, "boat")


def test_frame() -> None:
    found = best_next_firms(sample_case(), FAIR, GROUP, limit=2)
    frame = found.to_frame()
    assert list(frame["firm_id"]) == [firm.firm_id for firm in found.firms]
    assert list(frame["change_cents"]) == [firm.change_cents for firm in found.firms]
    assert list(frame["obstacles"] == "") == list(frame["may_join"])


def test_a_firm_that_brings_nothing_changes_the_surplus_by_its_costs() -> None:
    """By hand: a firm without products adds its own promotion, coordination and pairs' time."""
    case = sample_case()
    idle = replace(case.register.by_id[FIFTH], products=(), export_years=0)
    firms = [idle if f.firm_id == FIFTH else f for f in case.register.firms]
    case = replace(case, register=make_register(firms, case.register.ties))
    [found] = best_next_firms(case, FAIR, GROUP, among=[FIFTH]).firms
    before, after = (
        {t.name: t.cents for t in value_consortium(case, FAIR, members).terms}
        for members in (GROUP, [*GROUP, FIFTH])
    )
    moved = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    assert found.change_cents == sum(moved.values())
    assert not any(moved[name] for name in moved if name.startswith(("sales", "range bonus")))
    assert found.change_cents < 0
    assert found.ineligible is not None
