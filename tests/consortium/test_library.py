"""The market library: what is known of each market for each cluster, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from consortium import InputError, check, make_case, make_register, propose, sample_register
from consortium.case import Kind
from consortium.eligibility import certificate_state, ineligible, missing_certificates
from consortium.facts import DATA
from consortium.market_files import load_clusters, load_markets, read_market
from consortium.register import Certificate, Firm, Product
from consortium.valuation import Valuer
from solver import Limits

SURGICAL, GARMENTS = "surgical-sialkot", "garments-lahore"
FOOTWEAR, AUTO = "footwear-lahore", "autoparts-lahore"
COMPLETE = {
    SURGICAL: {"ZAF", "KEN", "NGA", "USA"},
    GARMENTS: {"ZAF", "DEU"},
    FOOTWEAR: {"ZAF", "DEU"},
    AUTO: {"ZAF", "NGA", "ARE"},
}
#: Of those we know a tariff and no more.
PARTS = {
    ("KEN", GARMENTS), ("KEN", FOOTWEAR), ("USA", FOOTWEAR), ("ARE", FOOTWEAR),
    ("BRA", GARMENTS), ("BRA", FOOTWEAR), ("BRA", AUTO),
}  # fmt: skip
PAIRS = [(key, code) for key, codes in COMPLETE.items() for code in sorted(codes)]


def test_four_clusters_and_seven_markets() -> None:
    markets = load_markets()
    assert set(load_clusters()) == set(COMPLETE)
    assert set(markets) == {"ZAF", "KEN", "NGA", "USA", "ARE", "DEU", "BRA"}
    for key, codes in COMPLETE.items():
        assert {code for code, market in markets.items() if key in market.clusters} == codes
    assert {(c, key) for c, market in markets.items() for key in market.incomplete} == PARTS


@pytest.mark.parametrize(("key", "code"), PAIRS)
def test_a_complete_pair_has_every_family_and_honest_facts(key: str, code: str) -> None:
    part = load_markets()[code].clusters[key]
    assert tuple(part.families) == load_clusters()[key].family_keys
    for fact in part.facts():
        assert not (fact.grade == "sourced" and not re.search(r"\[\d+\]", fact.source)), fact.name
        if fact.low is not None and fact.high is not None:
            assert fact.low <= fact.exact <= fact.high, fact.name


def test_every_source_is_listed() -> None:
    listed = set(
        re.findall(r"\*\*\[(\d+)\]\*\*", (DATA.parents[1] / "docs/sources.md").read_text())
    )
    used = {
        number
        for path in DATA.rglob("*.toml")
        for number in re.findall(r"\[(\d+)\]", path.read_text(encoding="utf-8"))
    }
    assert used <= listed


@pytest.mark.parametrize("key", list(COMPLETE))
def test_other_pairs_are_refused_as_no_data(key: str) -> None:
    register = sample_register(key, 20, 1)
    for code, market in load_markets().items():
        if code in COMPLETE[key]:
            continue
        with pytest.raises(InputError) as caught:
            make_case(register, [market])
        (fault,) = caught.value.faults
        assert fault.message.startswith(f"no data on {key} in this market")
        assert ("is not known" in fault.message) is ((code, key) in PARTS)


@pytest.mark.parametrize(("key", "code"), PAIRS)
def test_a_plan_of_every_complete_pair_is_right(key: str, code: str) -> None:
    """Proposed, checked against the register, and worth what the valuation says to the cent."""
    case = make_case(sample_register(key, 30, 5), [load_markets()[code]])
    plan = propose(case, limits=Limits(work=3_000_000), turning_points=False)
    assert check(plan, case).ok
    valuer = Valuer(case)
    for group in plan.consortia:
        kind = Kind(group.market, group.marketing_plan, group.mode)
        assert valuer.value(kind, group.members).surplus_cents == group.surplus_cents


# -- a certificate that is a name for several ----------------------------------------------------

JEANS = Product("jeans", None, 400_000, 3_000, 300, 600)


def garment_firm(*held: str, turnover: int | None = 100_000_000) -> Firm:
    dated = tuple(Certificate(name, date(2090, 1, 1)) for name in held)
    return Firm(
        "G1",
        "Garments One",
        GARMENTS,
        "Lahore",
        40,
        role="maker",
        products=(JEANS,),
        certificates=dated,
        turnover_cents=turnover,
        max_contribution_cents=500_000,
    )


@pytest.mark.parametrize("name", ["BSCI", "SEDEX", "WRAP", "social audit"])
def test_any_social_audit_will_do(name: str) -> None:
    case = make_case(make_register([garment_firm(name)]), [load_markets()["DEU"]])
    firm = case.register.firms[0]
    assert missing_certificates(case, "DEU", firm) == ()
    assert Valuer(case).figures.firm("DEU", "G1").missing == ()
    assert certificate_state(case, "DEU", firm) == "held"


def test_no_social_audit_is_one_to_obtain() -> None:
    case = make_case(make_register([garment_firm("ISO 9001")]), [load_markets()["DEU"]])
    firm = case.register.firms[0]
    assert missing_certificates(case, "DEU", firm) == ("social audit",)
    figures = Valuer(case).figures.firm("DEU", "G1")
    assert figures.missing == ("social audit",)
    # USD 4,000 at the end of year 1, at 12%.
    assert figures.missing_cents == round(400_000 / 1.12)
    assert certificate_state(case, "DEU", firm) == "obtainable"
    poor = garment_firm(turnover=1_000_000)
    case = make_case(make_register([poor]), [load_markets()["DEU"]])
    told = ineligible(case, "DEU", poor)
    assert told is not None
    assert "a social audit (BSCI, SEDEX or WRAP)" in told.reason


def test_an_audit_that_has_run_out_does_not_count() -> None:
    firm = replace(garment_firm(), certificates=(Certificate("BSCI", date(2001, 1, 1)),))
    case = make_case(make_register([firm]), [load_markets()["DEU"]])
    assert missing_certificates(case, "DEU", firm) == ("social audit",)
    assert Valuer(case).figures.firm("DEU", "G1").missing == ("social audit",)


# -- market files --------------------------------------------------------------------------------

HEAD = 'code = "BRA"\nname = "Brazil"\n[clusters.garments-lahore]\n'
DUTY = '{ value = 0.35, unit = "share", year = 2014, source = "x", grade = "estimate" }'


def read(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "BRA.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_market(path)
    return [f"{fault.column}: {fault.message}" for fault in caught.value.faults]


def test_a_part_must_say_what_is_missing(tmp_path: Path) -> None:
    for nothing in ('""', "3", "true"):
        (fault,) = read(tmp_path, f"{HEAD}incomplete = {nothing}\nduty = {DUTY}\n")
        assert fault.startswith("BRA.garments-lahore.incomplete: must say")


def test_figures_of_a_part_must_be_possible_and_known(tmp_path: Path) -> None:
    text = f'{HEAD}incomplete = "prices"\nduty = {DUTY.replace("0.35", "4.5")}\ntarif = {DUTY}\n'
    dear, unknown = read(tmp_path, text)
    assert dear == "BRA.garments-lahore.duty.value: must be a share from 0 to 3 (0.45 is 45%)"
    assert unknown.startswith("BRA.garments-lahore.tarif: is unknown here; known: consortium_fee")


def test_without_the_word_every_figure_is_asked_for(tmp_path: Path) -> None:
    faults = read(tmp_path, f"{HEAD}duty = {DUTY}\n")
    assert len(faults) == 11
    assert all("must be a table with value" in fault for fault in faults)


def test_a_plans_hash_depends_on_its_cluster_alone() -> None:
    market = load_markets()["ZAF"]
    surgical = market.clusters[SURGICAL]
    duty = surgical.duty.changed(Decimal("0.1"), "test")
    other = replace(market, clusters={**market.clusters, SURGICAL: replace(surgical, duty=duty)})
    assert other.sha256 != market.sha256
    assert other.sha256_for(SURGICAL) != market.sha256_for(SURGICAL)
    assert other.sha256_for(GARMENTS) == market.sha256_for(GARMENTS)


def test_hs_codes_are_of_their_chapters() -> None:
    chapters = {SURGICAL: ("90",), GARMENTS: ("61", "62"), FOOTWEAR: ("64",)}
    for key, cluster in load_clusters().items():
        seen: list[str] = []
        for family in cluster.families:
            assert family.hs6
            for code in family.hs6:
                assert re.fullmatch(r"\d{6}", code)
                assert code.startswith(chapters.get(key, ("40", "70", "84", "85", "87")))
            seen += family.hs6
        if key != SURGICAL:  # general instruments share codes with others there
            assert len(seen) == len(set(seen))


def test_json_of_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    from consortium.cli.library import print_markets

    print_markets(as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 7 * 4
    assert sum(row["complete"] for row in rows) == len(PAIRS)
    for row in rows:
        graded = row["sourced"] + row["estimate"] + row["recalled"]
        assert (graded > 0) is (row["complete"] or (row["market"], row["cluster"]) in PARTS)
        assert (row["lacking"] is None) is row["complete"]
