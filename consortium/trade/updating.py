"""Trade data and a market to what changes: every cluster that the data speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from consortium.errors import InputError, InputFault
from consortium.facts import Fact
from consortium.market import Cluster, Market
from consortium.market_files import load_clusters
from consortium.trade.changes import Change, Options, Outcome, Unchanged
from consortium.trade.demand import demand_of, overstated
from consortium.trade.downloads import Download
from consortium.trade.duty import Tariffs, duty_of, rival_duty_of
from consortium.trade.reading import understand
from consortium.trade.records import FileReport, TradeData
from consortium.trade.totals import Totals
from consortium.wording import listed


@dataclass(frozen=True, slots=True)
class Update:
    """What the files change in a market.

    Attributes
    ----------
    clusters : those that the files speak of.
    changes, unchanged : facts that get another value, and those that could but do not.
    import_years, tariff_years : years of the rows used.
    files : what was made of each file.
    """

    market: Market
    clusters: tuple[str, ...]
    changes: tuple[Change, ...]
    unchanged: tuple[Unchanged, ...]
    import_years: tuple[int, ...]
    tariff_years: tuple[int, ...]
    files: tuple[FileReport, ...]


def update_of(
    market: Market,
    downloads: Sequence[Download],
    cluster: str | None = None,
    shares: Mapping[str, Decimal] | None = None,
    options: Options | None = None,
) -> Update:
    """What downloads change in a market.

    Parameters
    ----------
    market : the base; it stays as it is.
    downloads : files as read.
    cluster : code of the one cluster to update; else every one that the files speak of.
    shares : by family, the part of its codes' imports that is its goods.
    options : year to use and date of the download.

    Raises
    ------
    InputError
        With every fault of the files and the options.
    """
    options, shares = options or Options(), dict(shares or {})
    chosen = _clusters(market, cluster)
    _check_shares(chosen, shares)
    wanted = {code for part in chosen for family in part.families for code in family.hs6}
    data = understand(downloads, market.code, market.name, wanted)
    _check_year(data, options.year)
    codes = {row.hs6 for row in data.imports} | {row.hs6 for row in data.tariffs}
    spoken_of = [c for c in chosen if any(codes.intersection(f.hs6) for f in c.families)]
    heard = {family.key for part in spoken_of for family in part.families}
    unheard = [family for family in shares if family not in heard]
    if unheard:
        message = "the files hold nothing on this family's HS codes; leave its share out"
        raise InputError([InputFault("--share", message, value=family) for family in unheard])
    totals, tariffs = Totals(data.imports), Tariffs(market.code, data.tariffs)
    outcomes = [
        outcome
        for part in spoken_of
        for outcome in _outcomes(market, part, totals, tariffs, shares, options)
    ]
    return Update(
        market,
        tuple(part.key for part in spoken_of),
        tuple(o for o in outcomes if isinstance(o, Change)),
        tuple(o for o in outcomes if isinstance(o, Unchanged)),
        tuple(sorted({row.year for row in data.imports})),
        tuple(sorted({row.year for row in data.tariffs})),
        data.files,
    )


def shares_of(texts: Sequence[str]) -> dict[str, Decimal]:
    """Shares by family from options such as "general=0.03".

    Raises
    ------
    InputError
        With every one that is not a share above 0, up to 1, or is given twice.
    """
    out: dict[str, Decimal] = {}
    faults = []
    for text in texts:
        family, sign, number = (part.strip() for part in text.partition("="))
        value = Decimal(number) if re.fullmatch(r"[0-9]*\.?[0-9]+", number) else None
        if not family or not sign or value is None:
            message = "must be FAMILY=SHARE, e.g. general=0.03 for 3%"
        elif not 0 < value <= 1:
            message = "must be a share above 0, up to 1 (3% is 0.03)"
        elif family in out:
            message = f"states the share of {family} twice; keep one"
        else:
            out[family] = value
            continue
        faults.append(InputFault("--share", message, value=text))
    if faults:
        raise InputError(faults)
    return out


def _clusters(market: Market, asked: str | None) -> list[Cluster]:
    """Clusters to update: those that the market file has facts on."""
    known = [*market.clusters, *market.incomplete]
    if asked is not None and asked not in known:
        raise InputError(
            [
                InputFault(
                    "--cluster",
                    f"is no cluster that {market.name} ({market.code}) has facts on; it has: "
                    f"{', '.join(known) or 'none'}",
                    value=asked,
                )
            ]
        )
    return [load_clusters()[key] for key in known if asked in (None, key)]


def _check_shares(clusters: Sequence[Cluster], shares: Mapping[str, Decimal]) -> None:
    faults = []
    for family in shares:
        having = [part.key for part in clusters if family in part.family_keys]
        if not having:
            families = listed([key for part in clusters for key in part.family_keys], 40)
            message = f"is no family of {listed([c.key for c in clusters])}; known: {families}"
            faults.append(InputFault("--share", message, value=family))
        elif len(having) > 1:
            message = f"is a family of {listed(having)}; say which by --cluster"
            faults.append(InputFault("--share", message, value=family))
    for part in clusters:
        for code, total in overstated(part, shares).items():
            message = f"makes the shares of the imports of HS {code} sum to {total}; at most 1"
            stated = [f.key for f in part.families if code in f.hs6 and f.key in shares]
            faults.append(InputFault("--share", message, value=", ".join(stated)))
    if faults:
        raise InputError(faults)


def _check_year(data: TradeData, asked: int | None) -> None:
    years = {row.year for row in data.imports} | {row.year for row in data.tariffs}
    if asked is not None and asked not in years:
        has = listed([str(year) for year in sorted(years)], 40)
        message = f"is a year that the files do not have for these products; they have {has}"
        raise InputError([InputFault("--year", message, value=str(asked))])


def _outcomes(
    market: Market,
    cluster: Cluster,
    totals: Totals,
    tariffs: Tariffs,
    shares: Mapping[str, Decimal],
    options: Options,
) -> list[Outcome]:
    """Changes of one cluster's facts, as far as the market file has them."""
    facts: dict[str, Fact] = {fact.name: fact for fact in market.facts_for(cluster.key)}
    prefix = f"{market.code}.{cluster.key}"
    codes = list(dict.fromkeys(code for family in cluster.families for code in family.hs6))
    out: list[Outcome] = []
    for name, derive in (("duty", duty_of), ("rival_duty", rival_duty_of)):
        fact = facts.get(f"{prefix}.{name}")
        if fact is not None:
            out.append(derive(codes, fact, tariffs, totals, options))
    for family in cluster.families:
        name = f"{prefix}.{family.key}.demand"
        if name in facts:
            share = shares.get(family.key)
            out.append(demand_of(cluster, family, facts[name], totals, share, options))
        elif family.key in shares:
            out.append(Unchanged(name, "the market file has no such figure to replace"))
    return out
