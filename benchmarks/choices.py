"""What some choices of the model save and cost: dominated kinds, the sparsifier, second goals.

``python -m benchmarks.choices kinds|sparsifier|goals|speeds -o FILE`` measures one of them, or all,
on sample registers. Values and bounds are what is compared; seconds of one run stand beside them.

- kinds: a kind (market, plan, mode) whose every group another kind carries at no less worth is
  dropped before solving. Saved: kinds, and the work of column generation. Cost: none, the best
  value is the same (asserted).
- sparsifier: above 150 eligible firms the nearest compatible pairs are kept, and those of what a
  search over all pairs finds. Saved: pairs, and time to a proof. Cost: what a plan on all pairs is
  worth more, as far as it is found.
- goals: what second goals gain for how much surplus, and whether that is proved.
- speeds: seconds for whole proposals of several markets, for 200 draws, and for formulating 3,600
  firms and five markets. Nobody has facts on seven markets for one cluster: where more are wanted
  than we have, the first ones stand in again under other codes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.reporting import Report, Table
from consortium.case import Case, make_case
from consortium.formulation import Formulation, formulate
from consortium.goals import GOALS
from consortium.market_files import load_clusters, load_markets
from consortium.planner import propose
from consortium.programme import MODES, load_programme
from consortium.sample import sample_register
from consortium.widening import is_sparsified, solve_widely
from solver import Limits, Result, solve
from solver.problem import GroupingProblem
from solver.reduction import RULES, reduce
from solver.reduction.rules import drop_dominated_kinds

GIVE_UPS = (0.0, 0.01, 0.05, 0.1)


def sample_case(cluster: str, firms: int, modes: Sequence[str] = ("range",), seed: int = 1) -> Case:
    """A sample of a cluster for every market that we have facts on."""
    programme = load_programme().changed("modes", tuple(modes), "benchmark")
    markets = [m for m in load_markets().values() if cluster in m.clusters]
    return make_case(sample_register(cluster, firms, seed), markets, programme)


def timed(problem: GroupingProblem, seconds: float, strategy: str) -> tuple[Result, float]:
    """A solve, and the seconds it took."""
    began = time.perf_counter()
    result = solve(problem, Limits(seconds=seconds), strategy)
    return result, time.perf_counter() - began


def gap_of(result: Result) -> str:
    """How far the answer is from its bound."""
    if result.gap is None:
        return "no bound"
    return "proved" if result.bound == result.objective else f"{result.gap:.3%}"


def kinds(table: Table, sizes: Sequence[int], seconds: float) -> None:
    """One row a case: kinds and effort with and without the rule."""
    without = tuple(rule for rule in RULES if rule is not drop_dominated_kinds)
    for cluster in load_clusters():
        for firms in sizes:
            for modes in (("range",), MODES):
                problem = formulate(sample_case(cluster, firms, modes)).problem
                all_kinds, fewer = reduce(problem, without), reduce(problem)
                plain, plain_seconds = timed(all_kinds.problem, seconds, "columns")
                quick, quick_seconds = timed(fewer.problem, seconds, "columns")
                values = [
                    None if r.objective is None else r.objective + reduced.constant
                    for r, reduced in ((plain, all_kinds), (quick, fewer))
                ]
                both = plain.bound == plain.objective and quick.bound == quick.objective
                if both and values[0] != values[1]:
                    raise AssertionError(f"{cluster}, {firms} firms: {values} are both proved best")
                table.add(
                    [
                        cluster,
                        str(firms),
                        "+".join(modes),
                        str(problem.num_kinds),
                        str(all_kinds.problem.num_kinds),
                        str(fewer.problem.num_kinds),
                        dollars(values[1]),
                        gap_of(plain),
                        gap_of(quick),
                        f"{plain.work / 1e6:.1f}",
                        f"{quick.work / 1e6:.1f}",
                        f"{plain_seconds:.1f}",
                        f"{quick_seconds:.1f}",
                    ]
                )


def sparsifier(table: Table, sizes: Sequence[int], seconds: float) -> None:
    """Three rows a case: nearest pairs only, all pairs, and what ``propose`` does with both."""
    for cluster, code in (
        ("surgical-sialkot", "ZAF"),
        ("garments-lahore", "DEU"),
        ("autoparts-lahore", "ARE"),
    ):
        for firms in sizes:
            case = sample_case(cluster, firms)
            case = replace(case, markets=(case.market(code),))
            dense = case.programme.changed("sparsify_above", 10**6, "benchmark")
            nearest, everything = formulate(case), formulate(case.with_programme(dense))
            for name, formulation in (("nearest", nearest), ("all", everything)):
                result, took = timed(formulation.problem, seconds, "auto")
                table.add(_sparsifier_cells(cluster, firms, code, name, formulation, result, took))
            if is_sparsified(nearest):
                began = time.perf_counter()
                widened, result = solve_widely(case, nearest, Limits(seconds=seconds))
                took = time.perf_counter() - began
                cells = (cluster, firms, code, "nearest + searched", widened, result, took)
                table.add(_sparsifier_cells(*cells))


def _sparsifier_cells(
    cluster: str,
    firms: int,
    code: str,
    name: str,
    formulation: Formulation,
    result: Result,
    took: float,
) -> list[str]:
    (graph,) = formulation.graphs.values()
    return [
        cluster,
        str(firms),
        code,
        str(len(graph.firm_ids)),
        name,
        f"{len(formulation.problem.pairs):,}",
        dollars(result.objective),
        dollars(result.bound),
        gap_of(result),
        f"{took:.1f}",
    ]


def goals(table: Table, sizes: Sequence[int], seconds: float) -> None:
    """One row a goal and share given up."""
    for cluster in ("surgical-sialkot", "autoparts-lahore"):
        for firms in sizes:
            case = sample_case(cluster, firms)
            code = {"surgical-sialkot": "ZAF", "autoparts-lahore": "ARE"}[cluster]
            case = replace(case, markets=(case.market(code),))
            for goal in GOALS:
                for share in GIVE_UPS:
                    began = time.perf_counter()
                    plan = propose(
                        case,
                        seconds=seconds,
                        then=[goal],
                        give_up=share,
                        turning_points=False,
                    )
                    took = time.perf_counter() - began
                    told = plan.second_goals
                    if told is None:
                        continue
                    (row,) = told.goals
                    bound = "not known" if row.at_most is None else f"{row.at_most:,}"
                    table.add(
                        [
                            cluster,
                            str(firms),
                            goal,
                            f"{share:.0%}",
                            f"{row.before:,}",
                            f"{row.value:,}",
                            bound,
                            dollars(told.most_surplus_cents),
                            dollars(told.given_up_cents),
                            f"{took:.1f}",
                        ]
                    )


def several(cluster: str, firms: int, number: int) -> Case:
    """A sample for so many markets; the first ones again, by other codes, where we have fewer."""
    known = [m for m in load_markets().values() if cluster in m.clusters]
    known.sort(key=lambda market: market.code != "ZAF")  # the main job's market first
    markets = [
        known[at] if at < len(known) else replace(known[at % len(known)], code=f"X{at:02d}")
        for at in range(number)
    ]
    return make_case(sample_register(cluster, firms, 1), markets)


def speeds(table: Table, sizes: Sequence[int], seconds: float) -> None:
    """One row a task."""
    del sizes
    for cluster in load_clusters():
        for firms, number in ((60, 7), (300, 2)):
            case = several(cluster, firms, number)
            began = time.perf_counter()
            plan = propose(case, seconds=seconds, turning_points=False)
            took = time.perf_counter() - began
            gap = "proved" if plan.status == "OPTIMAL" else f"{(plan.gap_ppm or 0) / 1e6:.3%}"
            what = f"{cluster}, {firms} firms, {number} markets: proposal"
            table.add([what, f"{took:.1f}", gap, dollars(plan.objective_cents), memory()])
    case = several("surgical-sialkot", 60, 1)
    began = time.perf_counter()
    plan = propose(case, seconds=seconds, turning_points=False, draws=200)
    took = time.perf_counter() - began
    table.add(["demo with 200 draws", f"{took:.1f}", "-", dollars(plan.objective_cents), memory()])
    case = several("surgical-sialkot", 3_600, 5)
    began = time.perf_counter()
    problem = formulate(case).problem
    took = time.perf_counter() - began
    what = (
        f"3600 firms, 5 markets formulated: {problem.num_items} items, {len(problem.pairs)} pairs"
    )
    table.add([what, f"{took:.1f}", "-", "-", memory()])


def memory() -> str:
    """Largest memory of this process so far, MB."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"


def dollars(cents: int | None) -> str:
    """Whole US dollars."""
    return "-" if cents is None else f"{cents / 100:,.0f}"


_MEASURES = {
    "kinds": (
        kinds,
        (60, 300),
        "cluster, firms, modes, K, K after other rules, K without dominated, surplus, "
        "proved (all), proved (fewer), M work (all), M work (fewer), seconds (all), "
        "seconds (fewer)",
    ),
    "sparsifier": (
        sparsifier,
        (300, 600),
        "cluster, firms, market, eligible, pairs kept, pairs, surplus, bound, gap, seconds",
    ),
    "goals": (
        goals,
        (60, 300),
        "cluster, firms, goal, may give up, before, reached, at most, most surplus, given up, "
        "seconds",
    ),
    "speeds": (speeds, (), "task, seconds, gap, surplus, peak MB"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure", nargs="*", choices=[*_MEASURES, []], help="all if left out")
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of a solve")
    parser.add_argument("--firms", type=int, nargs="+", help="sizes of registers")
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write")
    given = parser.parse_args(arguments)
    command = "python -m benchmarks.choices " + " ".join(arguments or sys.argv[1:])
    report = Report("What choices of the model save and cost", command.strip(), given.output)
    timed(formulate(sample_case("surgical-sialkot", 60)).problem, 20, "auto")  # compiles kernels
    for name in given.measure or _MEASURES:
        run, sizes, columns = _MEASURES[name]
        table = report.table([column.strip() for column in columns.split(",")])
        run(table, given.firms or sizes, given.seconds)
    report.write()


if __name__ == "__main__":
    main()
