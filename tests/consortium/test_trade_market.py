"""Trade data of a user's own: demand, duties and the market file made of them; the command."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from trade_files import (
    COMTRADE,
    FILES,
    FOOTWEAR,
    GARMENTS,
    MEN,
    SHOES,
    SURGICAL_FILES,
    TARIFFS,
    WITS_TRADE,
    ZAF,
    Captured,
    after,
    bought,
    levied,
    the_fault,
    trains,
    update,
    why_not,
    wits,
)

from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.facts import DATA
from consortium.market_files import find_market, load_clusters, read_market
from consortium.plan import Plan
from consortium.trade.changes import Change, Options, Unchanged
from consortium.trade.downloads import read_download, read_downloads
from consortium.trade.updating import update_of
from consortium.trade.writing import edited

# -- demand --------------------------------------------------------------------------------------


def test_partners_are_summed_where_there_is_no_world_row() -> None:
    rows = [bought(c, "10", partner) for c in MEN for partner in ("China", "Italy")]
    union = [bought(c, "10", "European Union") for c in MEN]
    fact = after(update(wits(*rows, *union)), "men.demand")
    assert (fact.value, fact.grade) == (40_000, "estimate")
    assert "summed over the partners in the files, no World row" in fact.source


def test_a_year_with_world_rows_goes_before_a_later_one_without() -> None:
    rows = [bought(c, "10") for c in MEN] + [bought(c, "99", "China", "2023") for c in MEN]
    fact = after(update(wits(*rows)), "men.demand")
    assert (fact.value, fact.year, fact.grade) == (20_000, 2022, "sourced")


def test_a_share_of_codes_that_are_the_familys_own() -> None:
    rows = [bought(c, "10") for c in MEN]
    fact = after(update(wits(*rows), men="0.125"), "men.demand")
    assert (fact.value, fact.grade) == (2_500, "estimate")


def test_a_family_lacks_one_of_its_codes() -> None:
    made = update(wits(bought("640359", "10"), bought("640340", "7")))
    assert "imports of HS 640399 are not in the files (the others are)" in why_not(
        made, "men.demand"
    )
    assert after(made, "safety.demand").value == 7_000


def test_what_is_there_already_is_no_change() -> None:
    made = update(WITS_TRADE)
    text = edited(ZAF.read_text(encoding="utf-8"), made.market, made.changes, "my.toml")
    path = FILES.parent / "nowhere.toml"
    assert not path.exists()
    from consortium.facts import parse_toml
    from consortium.market_files import market_from

    market = market_from(parse_toml(text, "my.toml"), "my.toml")
    again = update_of(market, read_downloads([WITS_TRADE]))
    assert again.changes == ()
    assert "already" in why_not(again, "men.demand")


# -- duties --------------------------------------------------------------------------------------


def test_our_duty_is_weighted_by_imports() -> None:
    """Recomputed here from the files' own rows: AHS for Pakistan on one code, MFN on the rest."""
    fact = after(update(COMTRADE, TARIFFS), "duty")
    imports = {
        row["CmdCode"]: Decimal(row["PrimaryValue"])
        for row in csv.DictReader(io.StringIO(COMTRADE.read_text(encoding="utf-8-sig")))
        if row["RefYear"] == "2023" and row["FlowCode"] == "M" and row["PartnerISO"] == "W00"
        and (row["CustomsCode"], row["MotCode"], row["Partner2Code"]) == ("C00", "0", "0")
    }  # fmt: skip
    codes = [c for family in load_clusters()[GARMENTS].families for c in family.hs6]
    rates = dict.fromkeys(codes, Decimal(45)) | {"620322": Decimal(40), "620342": Decimal("40.5")}
    total = sum(imports[code] for code in codes)
    expected = sum(imports[code] * rates[code] for code in codes) / total / 100
    assert fact.value == expected.quantize(Decimal("0.0001"))
    assert (fact.low, fact.high) == (Decimal("0.22"), Decimal("0.45"))
    assert (fact.year, fact.grade, fact.unit) == (2021, "sourced", "share")
    assert "AHS for Pakistan on HS 620342" in fact.source
    assert "weighed by imports of 2023 from the world" in fact.source


def test_without_imports_the_average_is_simple() -> None:
    rates = ["30", "30", "30", "30", "20", "10"]
    fact = after(update(trains(*map(levied, SHOES, rates))), "duty")
    assert fact.value == Decimal("0.25")
    assert (fact.low, fact.high) == (Decimal("0.1"), Decimal("0.3"))
    assert "simple average, as imports of HS" in fact.source


def test_a_preference_for_pakistan_goes_before_mfn_and_ahs_before_it() -> None:
    rows = [levied(code, "30") for code in SHOES]
    rows += [levied(code, "20", "PRF", "586") for code in SHOES]
    assert after(update(trains(*rows)), "duty").value == Decimal("0.2")
    rows += [levied(code, "15", "AHS", "PAK") for code in SHOES]
    assert after(update(trains(*rows)), "duty").value == Decimal("0.15")
    # An average of what all partners pay is not what Pakistan pays.
    rows = [levied(c, "30") for c in SHOES] + [levied(c, "5", "AHS", "000") for c in SHOES]
    assert not [c for c in update(trains(*rows)).changes if c.after.value == Decimal("0.05")]


def test_national_lines_are_averaged_to_their_code() -> None:
    lines = [levied("64035910", "30"), levied("64035990", "10", bounds=("5", "40"))]
    rows = [levied(code, "20") for code in SHOES if code != "640359"]
    fact = after(update(trains(*lines, *rows)), "duty")
    assert fact.value == Decimal("0.2")
    assert (fact.low, fact.high) == (Decimal("0.05"), Decimal("0.4"))
    both = [levied("640359", "26"), *lines, *rows]
    assert after(update(trains(*both)), "duty").value == Decimal("0.21")


def test_a_duty_that_is_missing_for_one_code_changes_nothing() -> None:
    made = update(trains(*(levied(code, "30") for code in SHOES[1:])))
    assert f"on HS {SHOES[0]} is in the files" in why_not(made, "duty")
    assert made.changes == ()


def test_rivals_pay_what_their_goods_pay() -> None:
    imports = wits(
        *(bought(c, "70", "China") for c in SHOES),
        *(bought(c, "25", "Italy") for c in SHOES),
        *(bought(c, "5", "Pakistan") for c in SHOES),
        *(bought(c, "100") for c in SHOES),
    )
    mfn = [levied(c, "30") for c in SHOES]
    italy = [levied(c, "0", "AHS", "ITA") for c in SHOES]
    china = [levied(c, "30", "AHS", "156") for c in SHOES]
    fact = after(update(imports, trains(*mfn, *italy)), "rival_duty")
    assert fact.value == Decimal("0.2211")  # 30% of 70 of 95
    assert fact.grade == "estimate"
    assert "suppliers' own rates for 26.32% of imports, MFN for the rest" in fact.source
    fact = after(update(imports, trains(*mfn, *italy, *china)), "rival_duty")
    assert (fact.value, fact.grade) == (Decimal("0.2211"), "sourced")
    fact = after(update(imports, trains(*mfn)), "rival_duty")
    assert (fact.value, fact.grade) == (Decimal("0.3"), "estimate")
    assert "MFN for all" in fact.source


def test_without_world_rows_nothing_is_said_of_how_many_partners_there_are() -> None:
    """Partners are not 100% of a World that the files do not have; what is missing is a guess."""
    partners = [bought(c, "70", "China") for c in SHOES]
    rates = trains(*(levied(c, "30", "AHS", "156") for c in SHOES))
    fact = after(update(wits(*partners), rates), "rival_duty")
    assert (fact.value, fact.grade) == (Decimal("0.3"), "estimate")
    assert "no World row to compare the partners with" in fact.source
    assert "100%" not in fact.source
    whole = [bought(c, "100") for c in SHOES]
    fact = after(update(wits(*partners, *whole), rates), "rival_duty")
    assert fact.grade == "sourced"
    assert "all partners in the files are 70% of World" in fact.source


def test_members_of_the_union_pay_one_another_no_duty() -> None:
    """Tariff files have no rates between them, and MFN is what only others pay."""
    of_germany = {"reporter": "Germany"}
    imports = [bought(c, "100", **of_germany) for c in SHOES]
    imports += [bought(c, "60", "Italy", **of_germany) for c in SHOES]
    imports += [bought(c, "40", "China", **of_germany) for c in SHOES]
    mfn = [levied(c, "8", reporter="918") for c in SHOES]
    fact = after(update(wits(*imports), trains(*mfn), market="DEU"), "rival_duty")
    assert fact.value == Decimal("0.032")  # 8% of 40 of 100
    assert (fact.low, fact.high, fact.grade) == (Decimal(0), Decimal("0.08"), "estimate")
    assert "none on the 60% from the same customs union" in fact.source
    # What Pakistan pays is not touched, nor is what Italy's goods pay elsewhere.
    assert after(update(trains(*mfn), market="DEU"), "duty").value == Decimal("0.08")
    only = [bought(c, "100", **of_germany) for c in SHOES]
    only += [bought(c, "100", "Italy", **of_germany) for c in SHOES]
    fact = after(update(wits(*only), trains(*mfn), market="DEU"), "rival_duty")
    assert (fact.value, fact.low, fact.high) == (0, 0, 0)


def test_rivals_duty_stays_without_partners() -> None:
    mfn = trains(*(levied(c, "30") for c in SHOES))
    made = update(mfn, wits(*(bought(c, "100") for c in SHOES)))
    assert "download them for all partners" in why_not(made, "rival_duty")
    few = [bought(c, "100") for c in SHOES] + [bought(c, "20", "China") for c in SHOES]
    made = update(mfn, wits(*few))
    assert "are 20% of the imports of 2022" in why_not(made, "rival_duty")
    partners_only = trains(*(levied(c, "30", "AHS", "ITA") for c in SHOES))
    many = [bought(c, "100") for c in SHOES] + [bought(c, "90", "China") for c in SHOES]
    assert "no duty on HS" in why_not(update(partners_only, wits(*many)), "rival_duty")


def test_the_union_levies_its_members_duties() -> None:
    rows = [levied(c, "8", reporter="918") for c in SHOES]
    assert after(update(trains(*rows), market="DEU"), "duty").value == Decimal("0.08")
    assert "but the market is South Africa (ZAF)" in the_fault(trains(*rows))


def test_a_market_of_which_too_little_is_known_gets_its_duty() -> None:
    rows = [levied(c, "35", reporter="BRA") for c in SHOES]
    made = update(trains(*rows), market="BRA", cluster=FOOTWEAR)
    assert [c.name for c in made.changes] == ["BRA.footwear-lahore.duty"]


# -- the market file -----------------------------------------------------------------------------


def changed_lines(one: str, other: str) -> list[str]:
    pairs = zip(one.splitlines(), other.splitlines(), strict=True)
    return [b for a, b in pairs if a != b]


def test_only_the_changed_facts_lines_change() -> None:
    made = update(COMTRADE, TARIFFS)
    base = ZAF.read_text(encoding="utf-8")
    commented = base.replace(
        "[clusters.garments-lahore]\nduty", "# ours\n[clusters.garments-lahore]\nduty"
    )
    commented = commented.replace("high = 480000000 }", "high = 480000000 } # a guess", 1)
    for text in (base, commented):
        new = edited(text, made.market, made.changes, "my.toml")
        lines = changed_lines(text, new)
        assert len(lines) == len(made.changes) == 7
        assert all(re.match(r"(duty|rival_duty|demand) = \{ value = ", line) for line in lines)
    assert "# ours" in new
    assert new.count("# a guess") == 1


def test_files_written_otherwise_can_be_edited(tmp_path: Path) -> None:
    """Windows line ends, a fact as a table of its own, and a file's name that TOML must escape."""
    base = ZAF.read_text(encoding="utf-8")
    head = base.split("[clusters.footwear-lahore]\n")[1].split("\n")[0]
    assert head.startswith("duty = ")
    own = base.replace(f"{head}\n", "", 1)
    own += (
        "\n[clusters.footwear-lahore.duty]\nvalue = 0.3 # mine\nunit = 'share'\nyear = 2023\n"
        "source = 'x'\ngrade = 'estimate'\nlow = 0.1\n"
    )
    path = tmp_path / "own.toml"
    path.write_bytes(own.replace("\n", "\r\n").encode("utf-8-sig"))
    market = read_market(path)
    rows = trains(*(levied(c, "25") for c in SHOES))[1]
    made = update_of(market, [read_download(rows.encode(), 'my "d" \\ é.csv')])
    new = edited(path.read_bytes().decode("utf-8-sig"), market, made.changes, "new.toml")
    assert "\r\n" in new
    assert "[clusters.footwear-lahore.duty]\r\nvalue = 0.25 # mine\r\n" in new
    (tmp_path / "new.toml").write_bytes(new.encode())
    duty = read_market(tmp_path / "new.toml").clusters[FOOTWEAR].duty
    assert (duty.value, duty.low, duty.high) == (Decimal("0.25"),) * 3
    assert 'my "d" \\ é.csv' in duty.source


def test_unchanged_facts_are_named_with_reasons() -> None:
    made = update(COMTRADE)
    assert {type(item) for item in made.unchanged} == {Unchanged}
    assert {type(item) for item in made.changes} == {Change}
    assert "no duties on the cluster's HS codes" in why_not(made, "duty")
    touched = {change.name.rpartition(".")[2] for change in made.changes}
    assert touched == {"demand"}


def test_the_date_of_the_download_is_told() -> None:
    made = update_of(
        find_market("ZAF"),
        read_downloads([WITS_TRADE]),
        options=Options(downloaded=date(2026, 1, 31)),
    )
    assert "downloaded 2026-01-31" in after(made, "men.demand").source


# -- the command line ----------------------------------------------------------------------------


def spoken(capsys: Captured) -> str:
    return " ".join(capsys.readouterr().out.split())


def spoken_error(capsys: Captured) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_from_download_to_proposal(tmp_path: Path, capsys: Captured) -> None:
    own, register = tmp_path / "my-zaf.toml", tmp_path / "firms.csv"
    files = [str(COMTRADE), str(TARIFFS)]
    assert code_of(["markets", "import", *files]) == DONE
    told = spoken(capsys)
    assert "What changes: South Africa (ZAF), garments-lahore" in told
    assert "Nothing was written" in told
    dated = ["--downloaded", "2026-01-31", "-o", str(own)]
    assert code_of(["markets", "import", *files, "--market", "ZAF", *dated]) == DONE
    assert "7 figures changed" in spoken(capsys)

    assert code_of(["markets", "show", str(own), "--json"]) == DONE
    shown = {f["name"]: f for f in json.loads(capsys.readouterr().out)["facts"]}
    jeans = shown["ZAF.garments-lahore.jeans.demand"]
    assert (jeans["value"], jeans["grade"]) == ("92000000", "sourced")
    assert "downloaded 2026-01-31" in jeans["source"]
    market = read_market(own)
    assert market.origin == "my-zaf.toml"

    made = ["sample", GARMENTS, "--firms", "30", "--seed", "5", "-o", str(register)]
    assert code_of(made) == DONE
    work = ["--work", "3000000", "--no-turning-points", "-o", str(tmp_path / "plan")]
    assert code_of(["propose", str(register), "-m", str(own), *work]) == DONE
    plan = Plan.load(tmp_path / "plan.json")
    assert plan.inputs.market_origins == {"ZAF": "my-zaf.toml"}
    values = {a.field: a.value for a in plan.assumptions}
    assert values["ZAF.garments-lahore.jeans.demand"] == "92000000 USD a year"


def test_a_file_of_ones_own_is_the_base_of_the_next(tmp_path: Path, capsys: Captured) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    assert code_of(["markets", "import", str(COMTRADE), "-o", str(first)]) == DONE
    again = ["markets", "import", str(WITS_TRADE), "--market", str(first)]
    assert code_of([*again, "-o", str(second)]) == DONE
    capsys.readouterr()
    names = [
        fact.name
        for fact, shipped in zip(
            read_market(second).facts(), find_market("ZAF").facts(), strict=True
        )
        if fact != shipped
    ]
    assert len(names) == 5 + 4
    assert code_of([*again, "-o", str(first)]) == BAD_INPUT
    assert "is the input" in capsys.readouterr().err


def test_a_cluster_may_be_named_with_its_market(tmp_path: Path, capsys: Captured) -> None:
    """As in registers of several clusters; the file that is written holds the others too."""
    own, other = tmp_path / "a.toml", tmp_path / "b.toml"
    run = ["markets", "import", str(COMTRADE), "--market"]
    assert code_of([*run, f"ZAF:{GARMENTS}", "-o", str(own)]) == DONE
    assert code_of([*run, "ZAF", "--cluster", GARMENTS, "-o", str(other)]) == DONE
    assert own.read_bytes() == other.read_bytes()
    capsys.readouterr()
    assert code_of([*run, f"ZAF:{GARMENTS}", "--cluster", FOOTWEAR]) == BAD_INPUT
    assert "name one of the two" in spoken_error(capsys)
    assert code_of([*run, "ZAF:shoes"]) == BAD_INPUT
    assert "is no cluster we know" in spoken_error(capsys)


def test_json_for_machines(capsys: Captured) -> None:
    assert code_of(["markets", "import", str(WITS_TRADE), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["written"] is None
    assert told["clusters"] == [FOOTWEAR]
    men = told["changes"][0]
    assert men["after"]["value"] == "53200125"
    assert men["change_percent"] == round((53_200_125 / 55_000_000 - 1) * 100, 2)
    assert {item["name"] for item in told["unchanged"]} >= {"ZAF.footwear-lahore.duty"}


def test_nothing_is_written_over_an_input_or_a_shipped_file(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "trade.toml"  # a download, whatever its name
    base, other = tmp_path / "zaf.toml", tmp_path / "markets" / "KEN.toml"
    other.parent.mkdir()
    for path, original in (
        (copy, WITS_TRADE), (base, ZAF), (other, DATA / "markets" / "KEN.toml"),
    ):  # fmt: skip
        path.write_bytes(original.read_bytes())
    before = {path: path.read_bytes() for path in (copy, base, other)}
    # Copies stand for the shipped files, which a failure of this test would destroy.
    monkeypatch.setattr("consortium.cli.trading.DATA", tmp_path)
    for target in (copy, base, other):
        call = ["markets", "import", str(copy), "-m", str(base), "-o", str(target)]
        assert code_of(call) == BAD_INPUT
        assert "is the input" in capsys.readouterr().err
        assert target.read_bytes() == before[target]
    call = ["markets", "import", str(copy), "-o", str(tmp_path / "my.txt")]
    assert code_of(call) == BAD_INPUT
    assert "must end in .toml" in capsys.readouterr().err


def test_faults_leave_nothing_behind(tmp_path: Path, capsys: Captured) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(wits(bought("640359", "-5"), bought("640399", "x"))[1], encoding="utf-8")
    target = tmp_path / "my.toml"
    call = ["markets", "import", str(bad), "--market", "ZAF", "-o", str(target)]
    assert code_of(call) == BAD_INPUT
    told = capsys.readouterr().err
    assert "2 things need mending; nothing was written." in told
    assert "bad.csv, row 3, column Trade Value 1000USD: 'x' is no number" in told
    assert not target.exists()
    options = ["--share", "men=7", "--downloaded", "31.1.2026"]
    assert code_of(["markets", "import", str(bad), str(bad), *options]) == BAD_INPUT
    told = capsys.readouterr().err
    for part in ("--share: 'men=7'", "YYYY-MM-DD", "is the name of two of the files"):
        assert part in told


def test_the_market_must_be_named_where_the_files_leave_doubt(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "t.csv"
    rows = [bought("640359", "1"), bought("640359", "1", reporter="Nepal")]
    path.write_text(wits(*rows)[1], encoding="utf-8")
    assert code_of(["markets", "import", str(path)]) == BAD_INPUT
    told = capsys.readouterr().err
    assert "--market: is needed" in told
    assert "Nepal (NPL) and South Africa (ZAF)" in told


def test_no_change_writes_nothing(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "my.toml"
    files = [str(SURGICAL_FILES[1]), "-o", str(target)]
    assert code_of(["markets", "import", *files]) == DONE
    told = spoken(capsys)
    assert "No figure changes; nothing was written." in told
    assert "--share general=PART" in told
    assert not target.exists()
