"""Cards on the terminal: what they say, at every width, whatever firms are called."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cases import sample_case
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_fixtures import (
    CONTRIBUTION,
    LICENCE,
    PURCHASES,
    no_group,
    plan_of,
    renamed,
    two_groups,
)
from rich.cells import cell_len
from rich.console import Console

from consortium.case import Case
from consortium.cli.cards import print_plan
from consortium.documents.words import plain, proof_sentence, proof_state, turning_sentence
from consortium.plan import LeftOut, Plan, TurningPoint
from consortium.wording import usd


def shown(plan: Plan, case: Case, width: int = 100, encoding: str = "utf-8", **more: Any) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    print_plan(plan, case, Console(file=file, width=width, highlight=False, **more))
    file.flush()
    return raw.getvalue().decode(encoding)


def flat(text: str) -> str:
    """The text without line breaks and indents."""
    return " ".join(text.split())


def changed(plan: Plan, **fields: Any) -> Plan:
    return plan.model_copy(update=fields)


def test_a_card_says_who_why_and_how_much() -> None:
    plan, case = two_groups(), sample_case()
    text = shown(plan, case)
    told = flat(text)
    group = plan.consortia[0]
    assert f"C1 · South Africa · joint sales agent · {len(group.members)} members" in text
    for firm in group.members:
        assert firm in text
        assert case.register.by_id[firm].town in text
    for needed in (
        usd(group.worth_cents),
        usd(group.surplus_cents),
        usd(group.surplus_without_subsidy_cents),
        f"from year {group.self_financing_year}",
        "Why together",
        "chance that 5 or more of 7 members remain after two years",
        *(f"{cents // 100:,}" for cents in group.cost_by_year_cents if not cents % 100),
        *(reason.without_it for reason in group.member_reasons),
        *group.reasons,
    ):
        assert needed in told
    assert told.count("it lives on the subsidy") == 1
    assert plan.consortia[1].lives_on_subsidy


def test_the_summary_says_what_is_proved_and_what_it_rests_on() -> None:
    plan, case = two_groups(), sample_case()
    told = flat(shown(plan, case))
    assert f"2 consortia of 14 firms; total surplus {usd(plan.objective_cents)}" in told
    assert (
        "Proved best: no other choice of consortia is worth more (for the 127 compatible pairs)."
    ) in told
    assert f"The plan rests on {len(plan.assumptions)} assumptions: 4 sourced," in told
    assert "No expert has yet judged these figures" in told


@pytest.mark.parametrize(
    ("fields", "state", "sentence"),
    [
        (
            {"bound_cents": -300_000, "gap_ppm": 5_301, "stopped_by": "seconds"},
            "at most USD 1,164 better exists (gap 0.54%)",
            "Not proved best (the time limit of 60 s was reached): at most USD 1,164 better exists "
            "(gap 0.54%), for the 127 compatible pairs.",
        ),
        (
            {"bound_cents": None, "gap_ppm": None, "stopped_by": "interrupt"},
            "no bound is known",
            "Interrupted: the best plan so far, not proved best. No bound is known: how much "
            "better another plan could be is open.",
        ),
        (
            {"bound_cents": -416_374, "gap_ppm": 1, "stopped_by": "observer"},
            "at most USD 1 better exists (gap 0.01%)",
            "Interrupted: the best plan so far, not proved best: at most USD 1 better exists "
            "(gap 0.01%), for the 127 compatible pairs.",
        ),
    ],
)
def test_a_gap_in_words(fields: dict[str, Any], state: str, sentence: str) -> None:
    """ "At most" is rounded up, never down."""
    plan = changed(two_groups(), status="FEASIBLE", **fields)
    assert proof_state(plan) == state
    assert proof_sentence(plan) == sentence
    assert sentence in flat(shown(plan, sample_case()))


def test_a_kept_part_of_the_pairs_is_told() -> None:
    plan = two_groups()
    graph = plan.inputs.graph.model_copy(update={"rule_edges": 150_000, "sparsified": True})
    plan = changed(plan, inputs=plan.inputs.model_copy(update={"graph": graph}))
    assert proof_sentence(plan).endswith("(for the 127 compatible pairs kept of 150,000).")


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        (
            LICENCE,
            "It would form if the licence holder's yearly price fell from USD 6,000 a year to "
            "USD 4,320 (28% less); at USD 4,380 it would not: both were solved.",
        ),
        (
            CONTRIBUTION,
            "It would form if the maker's contribution rose from 33% of price to 36.3% (10% "
            "more); at 35.97% none was found, but that none exists there is not proved.",
        ),
        (
            PURCHASES,
            "It would form if what a buyer takes a year rose by 42% in every family; at 41% more "
            "it would not: both were solved.",
        ),
        (
            PURCHASES.model_copy(
                update={
                    "does_not_form_at": "100% of today's in every family",
                    "forms_at": "101% of today's in every family",
                    "change_percent": 1,
                }
            ),
            "It would form if what a buyer takes a year rose by 1% in every family; today it would "
            "not: both were solved.",
        ),
        (
            TurningPoint(
                fact="x",
                label="rivals' price against ours",
                value="1.00 ratio",
                does_not_form_at="1 ratio",
                forms_at="1.01 ratio",
                change_percent=1,
                proved=True,
            ),
            "It would form if the rivals' price against ours rose from 1 to 1.01 (1% more); today "
            "it would not: both were solved.",
        ),
        (
            TurningPoint(
                fact="x",
                label="duty on our goods",
                value="0.45 share",
                does_not_form_at="some 12",
                forms_at="0 share",
                change_percent=-100,
                proved=True,
            ),
            "It would form if the duty on our goods fell from 45% to 0% (100% less); at some 12 it "
            "would not: both were solved.",
        ),
    ],
)
def test_turning_points_in_plain_words(point: TurningPoint, sentence: str) -> None:
    assert turning_sentence(point) == sentence


def test_forming_none_is_explained() -> None:
    told = flat(shown(no_group(sample_case()), sample_case()))
    assert "no choice of consortia is worth more than forming none" in told
    assert "South Africa: no consortium should form" in told
    for point in (LICENCE, CONTRIBUTION, PURCHASES):
        assert turning_sentence(point) in told
    assert "these were not seen to turn the answer: commission on sales and freight." in told
    assert "total surplus" not in told


def test_left_out_is_counted_by_code_with_the_first_reasons() -> None:
    case = sample_case()
    ids = [firm.firm_id for firm in case.register.firms][:20]
    rows = [
        LeftOut(firm=firm, code="new_code" if at > 17 else "cannot_pay", reason=f"Reason {at}.")
        for at, firm in enumerate(ids)
    ]
    told = flat(shown(plan_of(case, (), left_out=rows), case))
    assert "Left out: 20 firms (the workbook lists all)" in told
    assert "18: cannot pay its own costs in the launch years S0001 Reason 0." in told
    assert "Reason 2." in told
    assert "Reason 3." not in told
    assert "2: new_code S0019 Reason 18. S0020 Reason 19." in told
    assert "Left out" not in shown(plan_of(case, (), left_out=[]), case)


@pytest.mark.parametrize("width", [24, 40, 60, 79, 80, 81, 100, 120, 200])
def test_every_width(width: int) -> None:
    for plan in (two_groups(), no_group(sample_case())):
        text = shown(plan, sample_case(), width)
        assert max(cell_len(line) for line in text.splitlines()) <= min(width, 120)
    if width >= 40:
        # Amounts are never cut.
        text = shown(two_groups(), sample_case(), width)
        for fee in two_groups().consortia[0].fees:
            assert f"{fee.cents / 100:,.0f}" in text


def test_plain_where_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(two_groups(), sample_case())
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    assert err == ""
    assert "C1 · South Africa" in out


def test_names_cannot_carry_markup_or_escapes() -> None:
    case, plan = sample_case(), two_groups()
    first, second, third = plan.consortia[0].members[:3]
    case = renamed(
        case,
        {
            first: "[red]Khan[/red] & [/] Sons",
            second: "Evil\x1b[31m\x1b]0;title\x07 Ltd\r\nC9 · fake",
            third: "\u202eltd [link=http://x]y[/link]",
        },
    )
    text = shown(plan, case, 120, force_terminal=True)
    told = flat(text)
    assert "[red]Khan[/red]" in told
    assert "\x1b]0" not in text
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "link=http://x" in told
    assert not any(line.startswith("C9") for line in text.splitlines())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_output(encoding: str) -> None:
    plan = two_groups()
    case = renamed(sample_case(), {plan.consortia[0].members[0]: "خان اینڈ سنز"})
    text = shown(plan, case, 100, encoding)
    assert ("خان" in text) == (encoding == "utf-8")
    assert usd(plan.consortia[0].worth_cents) in text


@settings(max_examples=20)
@given(name=st.text(max_size=300), width=st.integers(60, 130))
def test_any_name(name: str, width: int) -> None:
    plan = two_groups()
    firm = plan.consortia[0].members[0]
    text = shown(plan, renamed(sample_case(), {firm: name}), width)
    assert max(cell_len(line) for line in text.split("\n")) <= min(width, 120)


def test_another_register() -> None:
    assert "not in this register" in flat(shown(two_groups(), sample_case(40, 7)))


def test_plain_text() -> None:
    assert plain("a\ud800b\x00c\u2028d\te ") == "ab c d e"
    assert plain("x" * 500) == "x" * 199 + "…"
    assert plain("خان\u200cاینڈ") == "خان\u200cاینڈ"
