"""Trade data of a user's own: layouts, figures, faults, and the market file they make.

The files under ``trade/`` are written by hand in the documented layouts; all figures in them are
made up.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium import InputError
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.facts import DATA, Fact
from consortium.market_files import find_market, load_clusters, read_market
from consortium.plan import Plan
from consortium.trade.changes import Change, Options, Unchanged
from consortium.trade.countries import country
from consortium.trade.downloads import read_download, read_downloads
from consortium.trade.figures import FigureError, figure, hs_code
from consortium.trade.updating import Update, shares_of, update_of
from consortium.trade.writing import edited

FILES = Path(__file__).parent / "trade"
GARMENTS, FOOTWEAR, SURGICAL = "garments-lahore", "footwear-lahore", "surgical-sialkot"
COMTRADE = FILES / "comtrade-garments.csv"
TARIFFS = FILES / "wits-tariffs.csv"
WITS_TRADE = FILES / "wits-footwear.csv"
SURGICAL_FILES = [
    FILES / "comtrade-older.csv",
    FILES / "trade-map-901890.txt",
    FILES / "trade-map-902110.csv",
]
ZAF = DATA / "markets" / "ZAF.toml"

Captured = pytest.CaptureFixture[str]


def update(
    *files: Path | tuple[str, str | bytes],
    market: str = "ZAF",
    cluster: str | None = None,
    year: int | None = None,
    **shares: str,
) -> Update:
    """What files, or texts with a name, change."""
    downloads = []
    for file in files:
        if isinstance(file, Path):
            downloads += read_downloads([file])
        else:
            name, text = file
            downloads.append(read_download(text.encode() if isinstance(text, str) else text, name))
    stated = {key: Decimal(text) for key, text in shares.items()}
    return update_of(find_market(market), downloads, cluster, stated, Options(year=year))


def after(made: Update, name: str) -> Fact:
    (change,) = [c for c in made.changes if c.name.endswith(f".{name}")]
    return change.after


def why_not(made: Update, name: str) -> str:
    (item,) = [u for u in made.unchanged if u.name.endswith(f".{name}")]
    return item.why


def faults(*files: Path | tuple[str, str | bytes], **options: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        update(*files, **options)  # type: ignore[arg-type]
    return [str(fault) for fault in caught.value.faults]


def the_fault(*files: Path | tuple[str, str | bytes], **options: object) -> str:
    (fault,) = faults(*files, **options)
    return fault


# -- WITS trade, the shortest layout, to vary ----------------------------------------------------

HEAD = "Reporter,TradeFlow,ProductCode,Product Description,Year,Partner,Trade Value 1000USD"
MEN = ("640359", "640399")


def wits(*rows: str, head: str = HEAD) -> tuple[str, str]:
    return "t.csv", "\n".join([head, *rows, ""])


def bought(
    code: str,
    value: str,
    partner: str = "World",
    year: str = "2022",
    reporter: str = "South Africa",
    flow: str = "Import",
) -> str:
    cells = [reporter, flow, code, "made up", year, partner, value]
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


TARIFF_HEAD = (
    "Reporter,Reporter Name,Product,Partner,Partner Name,Tariff Year,DutyType,"
    "Simple Average,Minimum Rate,Maximum Rate"
)
SHOES = [code for family in load_clusters()[FOOTWEAR].families for code in family.hs6]


def levied(
    code: str,
    rate: str,
    kind: str = "MFN",
    partner: str = "000",
    year: str = "2021",
    reporter: str = "710",
    bounds: tuple[str, str] = ("", ""),
) -> str:
    return f"{reporter},,{code},{partner},,{year},{kind},{rate},{bounds[0]},{bounds[1]}"


def trains(*rows: str) -> tuple[str, str]:
    return "d.csv", "\n".join([TARIFF_HEAD, *rows, ""])


# -- the layouts ---------------------------------------------------------------------------------


def test_comtrade_of_today() -> None:
    """World rows alone are summed; breakdowns, exports, aggregates and others are left aside."""
    made = update(COMTRADE)
    jeans = after(made, "jeans.demand")
    assert (jeans.value, jeans.year, jeans.grade) == (Decimal(92_000_000), 2023, "sourced")
    assert jeans.unit == "USD a year"
    assert (jeans.low, jeans.high) == (None, None)
    for part in ("UN Comtrade", "comtrade-garments.csv", "620342, 620462", "2023", "not stated"):
        assert part in jeans.source
    (report,) = made.files
    aside = dict(report.aside)
    assert aside["exports or another flow than imports"] == 2
    assert sum(n for why, n in aside.items() if why.startswith("breakdowns")) == 4
    assert aside["of HS codes of no family here (620343)"] == 1
    assert aside["of totals and aggregates (no code, 2 or 4 digits)"] == 3
    rows = len(COMTRADE.read_text(encoding="utf-8-sig").splitlines()) - 1
    assert report.used + sum(aside.values()) == rows


def test_the_latest_complete_year_is_used_and_the_others_named() -> None:
    """2024 has jeans of cotton for men alone, so 2023 is the latest complete year."""
    made = update(COMTRADE)
    (change,) = [c for c in made.changes if c.name.endswith(".jeans.demand")]
    assert "the files also have 2022 and 2024" in change.why
    assert made.import_years == (2022, 2023, 2024)
    assert after(update(COMTRADE, year=2022), "jeans.demand").value == 87_000_000
    told = why_not(update(COMTRADE, year=2024), "jeans.demand")
    assert "not given for 2024" in told
    assert "HS 620462: 2022 and 2023" in told


def test_older_comtrade_in_windows_1252_with_semicolons() -> None:
    made = update(SURGICAL_FILES[0])
    dental = after(made, "dental.demand")
    assert (dental.value, dental.year, dental.grade) == (10_000_000, 2019, "sourced")
    assert made.files[0].source.layout == "an older UN Comtrade download"


def test_trade_map_in_utf_16_and_windows_1252() -> None:
    """Thousands separated, N/A, notes at the end, and a code that other families share."""
    made = update(*SURGICAL_FILES, general="0.03", orthopaedic="0.05")
    general, ortho = after(made, "general.demand"), after(made, "orthopaedic.demand")
    assert (general.value, general.year, general.grade) == (Decimal("12307500"), 2021, "estimate")
    assert ortho.value == round(0.05 * (410_250_000 + 60_000_000))
    assert "3% of it, as the user states" in general.source
    assert (general.low, general.high) == (None, None)
    assert "ITC Trade Map, trade-map-901890.txt" in general.source
    told = why_not(made, "micro.demand")
    assert "imports of HS 901850 are not in the files" in told
    told = why_not(made, "single_use.demand")
    assert "HS 901890 is also that of general, orthopaedic and micro" in told
    assert "--share single_use=PART" in told


def test_trade_map_in_millions_and_with_the_unit_in_the_header() -> None:
    text = (FILES / "trade-map-902110.csv").read_text(encoding="cp1252")
    million = text.replace("US Dollar thousand", "US Dollar million")
    made = update(SURGICAL_FILES[1], ("m.csv", million), orthopaedic="0.5")
    assert after(made, "orthopaedic.demand").value == (410_250_000 + 60_000_000_000) / 2
    header = re.sub(r"Unit :.*\n", "", text)
    header = re.sub(
        r"Imported value in (\d+)", r'"Imported value in \1, US Dollar thousand"', header
    )
    made = update(SURGICAL_FILES[1], ("h.csv", header), orthopaedic="0.5")
    assert after(made, "orthopaedic.demand").value == (410_250_000 + 60_000_000) / 2


def test_wits_trade() -> None:
    made = update(WITS_TRADE)
    assert after(made, "men.demand").value == 53_200_125
    assert made.clusters == (FOOTWEAR,)
    assert dict(made.files[0].aside) == {"exports or another flow than imports": 1}


@pytest.mark.parametrize(
    "column", ["trade value in 1000 USD", "TradeValue (US$ Thousand)", "Trade Value  1000USD"]
)
def test_column_names_may_differ_a_little(column: str) -> None:
    head = HEAD.replace("Trade Value 1000USD", column).replace("TradeFlow", "Trade Flow")
    rows = [bought(code, "1") for code in MEN]
    assert after(update(wits(*rows, head=head)), "men.demand").value == 2000


def test_a_layout_is_told_by_its_header_not_by_the_files_name() -> None:
    data = WITS_TRADE.read_bytes()
    titles = b"Made-up figures\n\n" + data
    plain = update(("comtrade-trade-map.xls", data))
    assert plain.files[0].source.database == "WITS"
    again = update(("x", titles))
    assert [c.after.value for c in again.changes] == [c.after.value for c in plain.changes]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    rows = list(csv.reader(io.StringIO(wits(*[bought(c, "1.5") for c in MEN])[1])))
    rows.append(["South Africa", "Import", "640359", "é", "2022", "Côte d'Ivoire", "1"])
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    made = update(("t.csv", out.getvalue().encode(encoding)))
    assert after(made, "men.demand").value == 3000


def test_partners_are_the_same_in_every_database() -> None:
    for texts in (("586",), ("PAK",), ("Pakistan", "PAK", "586"), ("pakistan",)):
        found = country(*texts)
        assert found is not None
        assert found.key == "PAK"
    keys = {country(text).key for text in ("W00", "WLD", "000", "0", "World")}  # type: ignore[union-attr]
    assert keys == {"WLD"}
    for text in ("Türkiye", "Turkey", "792", "TUR"):
        assert country(text).key == "TUR"  # type: ignore[union-attr]
    assert country("251").key == country("FRA").key  # type: ignore[union-attr]
    assert country("", " ") is None


# -- figures -------------------------------------------------------------------------------------

SEPARATORS = [",", " ", "\u00a0", "\u202f", "'"]


@given(
    st.integers(0, 10**12), st.sampled_from(SEPARATORS), st.sampled_from(["", ".5", ".125", ".0"])
)
def test_numbers_with_any_thousands_separator_round_trip(
    value: int, separator: str, decimals: str
) -> None:
    written = f"{value:,}".replace(",", separator) + decimals
    assert figure(written) == Decimal(f"{value}{decimals}")
    assert figure(f" {value}{decimals} ") == Decimal(f"{value}{decimals}")


@pytest.mark.parametrize("text", ["", " ", "N/A", "n/a", "-", "..", "NA", "–", "null"])
def test_missing_is_missing_never_0(text: str) -> None:
    assert figure(text) is None
    made = update(wits(bought("640359", "5"), bought("640399", text)))
    assert "imports of HS 640399 are not in the files" in why_not(made, "men.demand")
    assert ("without a value (missing, not 0)", 1) in made.files[0].aside


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-5", "is negative"),
        ("−5", "is negative"),
        ("1.234.567", "save the file with a decimal point"),
        ("1234,5", "save the file with a decimal point"),
        ("1.2E+08", "shortened by a spreadsheet"),
        ("12 apples", "is no number"),
        ("1,23,456", "is no number"),
        ("1e16", "shortened by a spreadsheet"),
        ("9999999999999999", "too large"),
    ],
)
def test_what_is_no_figure_is_refused_with_a_remedy(text: str, told: str) -> None:
    with pytest.raises(FigureError, match=re.escape(told)):
        figure(text)
    fault = the_fault(wits(bought("640359", text)))
    assert fault.startswith(f"t.csv, row 2, column Trade Value 1000USD: {text!r} ")
    assert told in fault


def test_a_comma_that_may_be_decimal_is_refused_in_a_file_with_semicolons() -> None:
    text = wits(bought("640359", "1"))[1].replace(",", ";").replace("World;1", "World;234,567")
    assert "decimal comma or with thousands separated" in the_fault(("t.csv", text))
    clear = text.replace("234,567", "1,234,567")
    made = update(("t.csv", clear.replace("640359", "640340")))
    assert after(made, "safety.demand").value == 1_234_567_000


@given(st.sampled_from(["010121", "640359", "01", "0101", "01012100", "0101210090"]))
def test_a_leading_zero_that_a_spreadsheet_took_is_put_back(code: str) -> None:
    assert hs_code(code.lstrip("0")).digits == code  # type: ignore[union-attr]
    assert hs_code(f"'{code}").digits == code  # type: ignore[union-attr]
    assert hs_code(f"{code.lstrip('0')}.0").digits == code  # type: ignore[union-attr]


def test_codes_of_other_lengths() -> None:
    assert hs_code("9018.90").hs6 == "901890"  # type: ignore[union-attr]
    assert hs_code("6203").is_aggregate  # type: ignore[union-attr]
    assert hs_code("62034211").is_line  # type: ignore[union-attr]
    assert hs_code("TOTAL") is None


# -- order and irrelevance -----------------------------------------------------------------------


def shuffled(path: Path, seed: int) -> tuple[str, str]:
    head, *rows = path.read_text(encoding="utf-8-sig").splitlines()
    random.Random(seed).shuffle(rows)
    return path.name, "\n".join([head, *rows, ""])


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    plain = update(COMTRADE, TARIFFS)
    mixed = update(shuffled(TARIFFS, seed), shuffled(COMTRADE, seed))
    assert mixed.changes == plain.changes
    assert mixed.unchanged == plain.unchanged


IRRELEVANT = st.one_of(
    st.builds(
        bought, st.sampled_from(["010121", "640411", "95"]), st.sampled_from(["7", "-7", "x"])
    ),
    st.builds(
        bought, st.sampled_from(MEN), st.just("7"), flow=st.sampled_from(["Export", "Re-Export"])
    ),
    st.builds(bought, st.sampled_from(MEN), st.just("7"), year=st.just("2019")),
    st.builds(bought, st.sampled_from(["6403", "64", "TOTAL"]), st.just("7")),
)


@given(st.lists(IRRELEVANT, max_size=8))
def test_rows_of_no_interest_change_nothing(rows: list[str]) -> None:
    base = [bought(code, "1000") for code in MEN]
    made = update(wits(*rows, *base), cluster=FOOTWEAR)
    alone = update(wits(*base), cluster=FOOTWEAR)
    assert [c.after for c in made.changes] == [c.after for c in alone.changes]


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


# -- duplicates ----------------------------------------------------------------------------------


def test_identical_rows_count_once_and_rounded_ones_agree() -> None:
    rows = [bought(c, "10.4") for c in MEN]
    assert after(update(wits(*rows, *rows)), "men.demand").value == 20_800
    text = (
        "List of supplying markets for a product imported by South Africa\nProduct: {} made up\n"
        "Unit : US Dollar thousand\nExporters\tImported value in 2022\nWorld\t{}\n"
    )
    one, other = text.format("640359", "10"), text.format("640399", "10")
    made = update(("a.txt", one), ("b.txt", other), wits(*rows))
    assert after(made, "men.demand").value == 20_800
    fault = the_fault(("a.txt", one.replace("\t10\n", "\t11\n")), ("b.txt", other), wits(*rows))
    assert "USD 11,000 here, but USD 10,400 in t.csv row 2" in fault


def test_contradictory_rows_are_a_fault_with_both() -> None:
    fault = the_fault(wits(bought("640359", "10"), bought("640359", "12")))
    assert fault.startswith("t.csv, row 3: imports of HS 640359 from World (WLD) in 2022")
    assert "USD 12,000 here, but USD 10,000 in t.csv row 2; keep the row that is right" in fault
    fault = the_fault(trains(levied("640359", "10"), levied("640359", "12")))
    assert "MFN duty on HS 640359" in fault
    assert "12% here, but 10% in d.csv row 2" in fault


def test_national_lines_of_imports_are_never_added() -> None:
    lines = [bought("64035910", "6"), bought("64035990", "4")]
    fault = the_fault(wits(bought("640359", "10"), *lines))
    assert fault.startswith("t.csv, row 3: is a national line of HS 640359")
    assert "count twice; take the national lines out" in fault
    made = update(wits(*lines, bought("640340", "1")))
    assert "imports of HS 640359, 640399 are not in the files" in why_not(made, "men.demand")
    assert any("national lines" in why and n == 2 for why, n in made.files[0].aside)


# -- faults --------------------------------------------------------------------------------------


def test_another_countrys_imports() -> None:
    rows = [bought(c, "1", reporter="Kenya") for c in MEN]
    fault = the_fault(wits(*rows))
    assert fault.startswith("t.csv, row 2, column Reporter: 'Kenya (KEN)' ")
    assert "importing country of 2 rows" in fault
    assert "the market is South Africa (ZAF)" in fault
    assert "download the data of South Africa alone" in fault
    assert "names no importing country" in the_fault(wits(bought("640359", "1", reporter="")))


def test_a_duty_of_450_percent() -> None:
    fault = the_fault(trains(levied("640359", "450")))
    assert fault.startswith("d.csv, row 2, column Simple Average: '450' is a duty above 300%")
    assert "compare it with the tariff schedule" in fault
    fault = the_fault(trains(levied("640359", "45", bounds=("0", "450"))))
    assert "column Maximum Rate" in fault
    # Of products that are not ours nothing is said: there are such duties on tobacco.
    update(trains(levied("240120", "450"), levied("640359", "30")))


def test_years_partners_and_duty_types_that_are_none() -> None:
    found = faults(
        wits(
            bought("640359", "1", year="20x2"),
            bought("640359", "1", partner=""),
            bought("640399", "1"),
        )
    )
    assert found[0].startswith("t.csv, row 2, column Year: '20x2' is no year")
    assert found[1].startswith("t.csv, row 3, column Partner: names no partner")
    assert "'XYZ' is no duty type; MFN, AHS" in the_fault(trains(levied("640359", "1", "XYZ")))


def test_notes_at_the_end_are_no_faults() -> None:
    notes = ["", "Sources: made up, 2022", "Note,see also,the site,x,,World,12"]
    made = update(wits(*(bought(c, "1") for c in MEN), *notes))
    assert after(made, "men.demand").value == 2000


def test_no_usable_row_says_what_was_looked_for() -> None:
    for files in (wits(), wits(bought("010121", "1")), wits(bought("640359", "1", flow="Export"))):
        fault = the_fault(files, cluster=FOOTWEAR)
        assert "no usable row" in fault
        assert "imports of South Africa (ZAF)" in fault
        assert ", ".join(sorted(SHOES)) in fault
    assert "1 exports or another flow" in fault


def test_missing_columns_are_listed() -> None:
    text = wits(bought("640359", "1"))[1]
    lacking = text.replace("Trade Value 1000USD", "Trade Value 1000EUR").replace(
        "Partner", "Origin"
    )
    fault = the_fault(("t.csv", lacking))
    assert "lacks the columns Partner, Trade Value 1000USD" in fault
    assert "columns seen: Reporter, TradeFlow" in fault
    head, row = COMTRADE.read_text(encoding="utf-8-sig").splitlines()[:2]
    fault = the_fault(("c.csv", f"{head.replace('PrimaryValue', 'Value')}\n{row}\n"))
    assert "a UN Comtrade download, but lacks the column PrimaryValue" in fault


def test_a_row_with_more_cells_than_columns() -> None:
    fault = the_fault(wits(bought("640359", "1") + ",,12"))
    assert fault.startswith("t.csv, row 2: has 9 cells under 7 columns")
    update(wits(bought("640359", "1") + ","))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html><table><tr><td>Exporters</td></tr></table></html>", "choose the text or CSV"),
        (b"PK\x03\x04 and so on", "ZIP archive or an Excel workbook; unpack it"),
        (b"\xd0\xcf\x11\xe0 and so on", "Excel 97 workbook; choose the download as text or CSV"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32 text; save it as UTF-8"),
        (b"firm,price\nA,1\n", "no header line that we know"),
        (b"", "no header line that we know"),
        (b"\x81\x8d\x8f", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b"\xff\xfea\x00b", "UTF-16 text with errors"),
    ],
)
def test_what_is_no_download_is_refused_with_a_remedy(data: bytes, told: str) -> None:
    fault = the_fault(("Trade_Map.xls", data))
    assert fault.startswith("Trade_Map.xls: ")
    assert told in fault


def test_a_quotation_mark_that_does_not_end() -> None:
    fault = the_fault(wits(bought("640359", "1"), '"South Africa,Import'))
    assert "stray quotation mark" in fault
    assert "row 3" in fault


TRADE_MAP = (FILES / "trade-map-902110.csv").read_text(encoding="cp1252")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "US Dollar thousand",
            "Euro thousand",
            "'Euro thousand' is the unit; US dollars are needed",
        ),
        ("US Dollar thousand", "Tons", "'Tons' is the unit; US dollars are needed"),
        ("Exporters", "Importers", "choose the list of supplying markets"),
        ("Product:", "Goods:", 'write these lines there, as Trade Map shows them: "Product: HS6'),
        ("imported by", "bought by", "imported by COUNTRY"),
        ("Unit :", "In :", '"Unit : US Dollar thousand"'),
        ("value in 2020", "value in 2020-Q1", 'choose "Yearly time series"'),
        ("Imported value", "Imported quantity", "choose Values"),
        ("South Africa", "Kenya", "is the importing country of 6 rows"),
        ("N/A,12", "N/A,a few", "'a few' is no number"),
    ],
)
def test_trade_map_files_of_another_kind(old: str, new: str, told: str) -> None:
    text = TRADE_MAP.replace(old, new)
    if new == "N/A,a few":
        text = text.replace("Sources:", "China,1,2\nSources:")
    (fault,) = faults(("m.csv", text))
    assert fault.startswith("m.csv")
    assert told in fault


def test_the_mirror_is_named() -> None:
    text = TRADE_MAP.replace("by South Africa", "by South Africa (Mirror)")
    fact = after(update(SURGICAL_FILES[1], ("m.csv", text), orthopaedic="0.1"), "demand")
    assert "mirror: partners' exports" in fact.source


def test_faults_of_all_files_are_collected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_downloads([tmp_path / "a.csv", tmp_path / "missing.csv"])
    assert len(caught.value.faults) == 2
    assert "cannot be read" in str(caught.value.faults[1])


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["general"], "must be FAMILY=SHARE"),
        (["general=3"], "3% is 0.03"),
        (["general=0"], "above 0"),
        (["general=-0.1"], "must be FAMILY=SHARE"),
        (["general=0.1", "general=0.2"], "twice"),
    ],
)
def test_shares_that_are_none(texts: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        shares_of(texts)


def test_a_share_of_what_the_files_do_not_speak_of_is_refused() -> None:
    """Garment imports say nothing of general instruments; the share would be lost unsaid."""
    with pytest.raises(InputError, match="nothing on this family's HS codes"):
        update(COMTRADE, general="0.1")


def fully_dotted(text: str) -> str:
    """The same market with every key of every figure taken apart at dots."""
    out, header = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            header = re.sub(r"\.([\w-]+)", r'."\1"', line[1:-1]) + "."
        elif figure := re.fullmatch(r"(\w+) = \{ (.*) \}", line):
            parts = re.split(r", (?=(?:value|unit|year|source|grade|low|high) = )", figure[2])
            out += [f'{header}"{figure[1]}".{part}' for part in parts]
        else:
            out.append(line)
    return "\n".join(out) + "\n"


def test_dotted_keys_and_hostile_names_are_no_defect(tmp_path: Path, capsys: Captured) -> None:
    """What the library cannot edit in place is told; brackets in a name are only text."""
    text = ZAF.read_text(encoding="utf-8")
    dotted = tmp_path / "dotted.toml"
    dotted.write_text(fully_dotted(text), encoding="utf-8")
    assert read_market(dotted).sha256 == read_market(ZAF).sha256
    run = ["markets", "import", str(COMTRADE), str(TARIFFS), "-m", str(dotted)]
    assert code_of([*run, "-o", str(tmp_path / "new.toml")]) == BAD_INPUT
    assert "is written with dotted keys" in capsys.readouterr().err
    assert not (tmp_path / "new.toml").exists()
    named = tmp_path / "named.toml"
    named.write_text(text.replace('"South Africa"', '"[red]South[/nope]"'), encoding="utf-8")
    capsys.readouterr()
    assert code_of(["markets", "show", str(named)]) == DONE
    assert "[red]South[/nope]" in capsys.readouterr().out
    coded = tmp_path / "coded.toml"
    coded.write_text(text.replace('code = "ZAF"', 'code = "ZAF:x"'), encoding="utf-8")
    assert code_of(["markets", "show", str(coded)]) == BAD_INPUT
    assert "letters, digits" in capsys.readouterr().err
    assert code_of(["markets", "show", "ZAF:"]) == BAD_INPUT


def test_shares_must_be_of_a_family_and_sum_to_1_at_most() -> None:
    assert "is no family of" in the_fault(WITS_TRADE, gloves="0.1")
    fault = the_fault(*SURGICAL_FILES, general="0.7", single_use="0.4")
    assert "imports of HS 901890 sum to 1.1; at most 1" in fault


def test_years_and_clusters_that_are_not_there() -> None:
    assert "--year: '2031' is a year that the files do not have" in the_fault(WITS_TRADE, year=2031)
    assert "they have 2022" in the_fault(WITS_TRADE, year=2031)
    assert "is no cluster that South Africa (ZAF) has facts on" in the_fault(
        WITS_TRADE, cluster="x"
    )


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
