"""Trade data of a user's own: layouts, figures, duplicates and faults of the files."""

from __future__ import annotations

import csv
import io
import random
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trade_files import (
    COMTRADE,
    FILES,
    FOOTWEAR,
    HEAD,
    MEN,
    SHOES,
    SURGICAL_FILES,
    TARIFFS,
    WITS_TRADE,
    ZAF,
    Captured,
    after,
    bought,
    faults,
    levied,
    the_fault,
    trains,
    update,
    why_not,
    wits,
)

from consortium import InputError
from consortium.cli.app import BAD_INPUT, DONE, code_of
from consortium.market_files import read_market
from consortium.trade.countries import country
from consortium.trade.downloads import read_downloads
from consortium.trade.figures import FigureError, figure, hs_code
from consortium.trade.updating import shares_of

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
