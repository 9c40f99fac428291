"""Demand of product families from imports.

Imports of HS6 codes are a family's demand only where the codes are its own. Where they hold other
goods too (901890 holds every instrument of a hospital), the part must be stated; it is an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from consortium.facts import Fact
from consortium.market import Cluster, Family
from consortium.trade.changes import Options, Outcome, Unchanged, cited, outcome, percent, usd
from consortium.trade.totals import Totals
from consortium.wording import listed


def shared_codes(cluster: Cluster, family: Family) -> dict[str, tuple[str, ...]]:
    """Codes of a family that are also those of others, with the others' keys."""
    out = {}
    for code in family.hs6:
        others = tuple(f.key for f in cluster.families if code in f.hs6 and f.key != family.key)
        if others:
            out[code] = others
    return out


def overstated(cluster: Cluster, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Codes of which more than all imports are said to be goods of some family, with the sums."""
    out: dict[str, Decimal] = {}
    for family in cluster.families:
        for code in family.hs6:
            out[code] = out.get(code, Decimal(0)) + shares.get(family.key, Decimal(0))
    return {code: total for code, total in out.items() if total > 1}


def demand_of(
    cluster: Cluster,
    family: Family,
    before: Fact,
    totals: Totals,
    share: Decimal | None,
    options: Options,
) -> Outcome:
    """Demand of one family (US dollars a year).

    Imports of all its codes from the world, times the share that the user states. Grade "sourced"
    for World rows of codes that are the family's alone; "estimate" where a share is stated or
    partners had to be summed up, for they need not be all. The range of the old figure is dropped:
    it was that of another estimate.
    """
    codes = family.hs6
    years = totals.all_years(codes)
    year = totals.complete_year(codes, options.year)
    if year is None:
        return Unchanged(before.name, _why_no_year(totals, family, years, options.year))
    found = [totals.total(code, year) for code in codes]
    imports = sum((total.usd for total in found), Fraction(0))
    told = f"imports of HS {' + '.join(codes)} in {year}, {usd(imports)}"
    shared = shared_codes(cluster, family)
    if shared and share is None:
        also = "; ".join(f"HS {code} is also that of {listed(o)}" for code, o in shared.items())
        return Unchanged(
            before.name,
            f"{told}, are not its goods alone: {also}. State the part that is its own: "
            f"--share {family.key}=PART (0.03 for 3%)",
        )
    grade, notes = "sourced", []
    summed = sum(total.partners for total in found)
    if summed:
        lacking = [c for c, total in zip(codes, found, strict=True) if total.partners]
        notes.append(f"HS {', '.join(lacking)} summed over the partners in the files, no World row")
        grade = "estimate"
    value = imports
    if share is not None:
        value, grade = imports * Fraction(share), "estimate"
        notes.append(f"{percent(Fraction(share))} of it, as the user states")
    rest = f" ({'; '.join(notes)})" if notes else ""
    source = (
        f"{cited(s for total in found for s in total.sources)}: imports of HS "
        f"{', '.join(codes)} from the world, {year}{rest}; {options.dated}"
    )
    after = Fact(
        before.name,
        Decimal(round(value)),
        before.unit,
        year,
        source,
        "sourced" if grade == "sourced" else "estimate",
    )
    others = [y for y in years if y != year]
    more = f"; the files also have {listed([str(y) for y in others], 20)}" if others else ""
    return outcome(before, after, f"{told}{rest}{more}")


def _why_no_year(totals: Totals, family: Family, years: list[int], asked: int | None) -> str:
    lacking = [code for code in family.hs6 if not totals.years(code)]
    if lacking:
        of_all = "" if len(lacking) == len(family.hs6) else " (the others are)"
        return f"imports of HS {', '.join(lacking)} are not in the files{of_all}"
    has = "; ".join(
        f"HS {code}: {listed([str(y) for y in sorted(totals.years(code))], 20)}"
        for code in family.hs6
    )
    if asked is not None:
        return f"imports of all its codes are not given for {asked} ({has})"
    return f"no year has imports of all its codes ({has})"
