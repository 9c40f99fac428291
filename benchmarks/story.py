"""What the default figures give for a cluster in a market, Sialkot's in South Africa if not told.

``python -m benchmarks.story`` proposes for sample registers (random draws of the cluster, and the
same with makers only), with and without the subsidy, and finds where the best group's surplus
turns 0 as one figure moves; ``--pair garments-lahore:DEU`` does so for another, and ``--pair all``
for every pair that we have all facts on. It writes Markdown to stdout. Everything runs at fixed
work, so the same commit and versions give the same tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from consortium.case import Case, make_case
from consortium.levers import Lever, levers
from consortium.market_files import find_market, load_clusters, load_markets
from consortium.plan import Plan
from consortium.planner import propose
from consortium.register import make_register
from consortium.sample import sample_register
from consortium.turning import forms
from solver import Limits

WORK = 60_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """A cluster and a market."""

    cluster: str
    market: str


def every_pair() -> list[Pair]:
    """All that we have all facts on."""
    markets = load_markets()
    return [
        Pair(cluster, code)
        for cluster in load_clusters()
        for code, market in markets.items()
        if cluster in market.clusters
    ]


def drawn(pair: Pair, firms: int, seed: int) -> Case:
    """A random draw of the cluster: makers, vendors and traders."""
    return make_case(sample_register(pair.cluster, firms, seed), [find_market(pair.market)])


def makers_only(pair: Pair, firms: int, seed: int) -> Case:
    """As many makers as asked for, from a larger draw: a call that only makers answer."""
    register = sample_register(pair.cluster, firms * 2, seed)
    makers = [firm for firm in register.firms if firm.role == "maker"][:firms]
    kept = {firm.firm_id for firm in makers}
    ties = [tie for tie in register.ties if tie.firm_a in kept and tie.firm_b in kept]
    return make_case(make_register(makers, ties), [find_market(pair.market)])


def unsubsidised(case: Case) -> Case:
    """The case with no subsidy in any year."""
    path = tuple(Decimal(0) for _ in case.programme.years)
    return case.with_programme(case.programme.changed("subsidy_path", path, "no subsidy"))


def solved(case: Case, work: int) -> tuple[Plan, float]:
    """The plan at fixed work, and the seconds it took."""
    began = time.perf_counter()
    plan = propose(case, Limits(work=work), turning_points=False)
    return plan, time.perf_counter() - began


def usd_thousands(cents: int) -> str:
    """USD 1,000 with one decimal."""
    return f"{cents / 100_000:.1f}"


def described(plan: Plan) -> str:
    """Number and sizes of consortia, surplus of the best, total, and how sure it is."""
    if not plan.consortia:
        return "none" if plan.status == "OPTIMAL" else "none found"
    sizes = ", ".join(str(len(c.members)) for c in plan.consortia)
    best = plan.consortia[0]
    proof = "proved" if plan.status == "OPTIMAL" else _gap(plan)
    return (
        f"{len(plan.consortia)} of {sizes}; best {usd_thousands(best.surplus_cents)} "
        f"({usd_thousands(best.surplus_without_subsidy_cents)} without its subsidy); "
        f"total {usd_thousands(plan.objective_cents)}; {proof}"
    )


def _gap(plan: Plan) -> str:
    return "no bound" if plan.gap_ppm is None else f"gap {plan.gap_ppm / 10_000:.2f}%"


def table(
    title: str,
    pair: Pair,
    made: Callable[[Pair, int, int], Case],
    sizes: list[int],
    seeds: int,
    work: int,
) -> None:
    """One row a register: eligible firms, with subsidy, without, seconds."""
    out = sys.stdout
    out.write(f"\n### {title}\n\n")
    out.write("| firms | seed | eligible | with subsidy | no subsidy at all | seconds |\n")
    out.write("|---|---|---|---|---|---|\n")
    for firms in sizes:
        for seed in range(1, seeds + 1):
            case = made(pair, firms, seed)
            plan, seconds = solved(case, work)
            bare, _ = solved(unsubsidised(case), work)
            eligible = plan.inputs.graph.parts[0].firms
            out.write(
                f"| {firms} | {seed} | {eligible} | {described(plan)} | {described(bare)} "
                f"| {seconds:.1f} |\n"
            )
            out.flush()


def break_even(lever: Lever, limits: Limits, furthest: int = 100) -> str:
    """Where a consortium stops (or starts) forming as one fact moves, in whole percents.

    The answer at neighbouring percents on both sides is solved; "open" where it was not proved.
    """
    now = forms(lever.apply(Fraction(1)), limits)
    if now is None:
        return "open"
    worse = -1 if lever.rises else 1
    sign = worse if now else -worse
    low, high = 0, furthest
    if sign < 0:
        high = min(high, 99)

    def at(percent: int) -> bool | None:
        return forms(lever.apply(1 + Fraction(sign * percent, 100)), limits)

    if at(high) is now:
        return f"same answer up to {sign * high:+d}%"
    while high - low > 1:
        middle = (low + high) // 2
        answer = at(middle)
        if answer is None:
            return "open"
        if answer is now:
            low = middle
        else:
            high = middle
    factor = 1 + Fraction(sign * high, 100)
    verb = "stops forming" if now else "forms"
    return f"{verb} at {lever.shown(factor)} ({sign * high:+d}%)"


def break_evens(case: Case, work: int) -> None:
    """Break-even of every lever, one at a time, with the subsidy."""
    out = sys.stdout
    out.write("\n| fact | today | break-even |\n|---|---|---|\n")
    for lever in levers(case, case.markets[0].code):
        answer = break_even(lever, Limits(work=work))
        out.write(f"| {lever.label} | {lever.value} | {answer} |\n")
        out.flush()
    out.write(f"| what members would pay | as stated | {contributions(case, work)} |\n")


def contributions(case: Case, work: int) -> str:
    """How far every stated contribution can fall before nothing forms."""
    if not forms(case, Limits(work=work)):
        return "none forms today"
    for percent in range(5, 100, 5):
        firms = [
            firm
            if firm.max_contribution_cents is None
            else replace(
                firm, max_contribution_cents=firm.max_contribution_cents * (100 - percent) // 100
            )
            for firm in case.register.firms
        ]
        lower = replace(case, register=make_register(firms, case.register.ties))
        if forms(lower, Limits(work=work)) is False:
            return f"stops forming at -{percent}%"
    return "forms down to -95%"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", action="append", help="CLUSTER:MARKET, or all; may be repeated")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=[60])
    parser.add_argument("--work", type=int, default=WORK)
    parser.add_argument("--makers", action="store_true", help="also registers of makers only")
    parser.add_argument("--no-break-even", action="store_true")
    options = parser.parse_args()
    sys.stdout.write(f"USD 1,000; work {options.work:,} a solve.\n")
    for pair in _pairs(options.pair or ["surgical-sialkot:ZAF"]):
        sys.stdout.write(f"\n## {pair.cluster} in {pair.market}\n")
        sizes, seeds, work = options.sizes, options.seeds, options.work
        table("Random draws of the cluster", pair, drawn, sizes, seeds, work)
        if options.makers:
            table("Makers only", pair, makers_only, sizes, min(seeds, 3), work)
        if options.no_break_even:
            continue
        sys.stdout.write("\n### Break-even, 60 firms, seed 1\n")
        break_evens(drawn(pair, 60, 1), work)
        if options.makers:
            sys.stdout.write("\n### Break-even, 60 makers, seed 1\n")
            break_evens(makers_only(pair, 60, 1), work)


def _pairs(texts: list[str]) -> list[Pair]:
    """The pairs that were asked for."""
    if "all" in texts:
        return every_pair()
    return [Pair(*text.split(":", 1)) for text in texts]


if __name__ == "__main__":
    main()
