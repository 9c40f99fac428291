"""Commands and exit codes.

0 done; 1 a defect of ours; 2 bad input (every fault listed, nothing written); 3 proved by solving
that no plan exists; 4 stopped with no plan. Results go to stdout, progress and messages to stderr.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from consortium.errors import ConsortiumError, InputError, InputFault, NoPlan, OutputError

DONE, DEFECT, BAD_INPUT, NO_PLAN_EXISTS, NO_PLAN_FOUND = 0, 1, 2, 3, 4

app = typer.Typer(
    name="consortium",
    help="Decide which small manufacturers should export together, and explain it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
markets_app = typer.Typer(help="The market library: every figure with unit, year, source, grade.")
app.add_typer(markets_app, name="markets")

Register = Annotated[Path, typer.Argument(help="Register: .xlsx, .csv, or a folder of .csv files.")]
Markets = Annotated[
    list[str],
    typer.Option(
        "--market", "-m", help="Target market, e.g. ZAF, or a market file; may be repeated."
    ),
]
ProgrammeFile = Annotated[
    Path | None,
    typer.Option(
        "--programme",
        help="Programme file (TOML), or one we ship by name (see consortium programmes).",
    ),
]
PairsFile = Annotated[
    Path | None,
    typer.Option(
        "--pairs",
        help="List of compatible pairs of your own (.csv: firm_a, firm_b, score_bp, mode).",
    ),
]
RulesFile = Annotated[Path | None, typer.Option("--rules", help="Rules file (TOML).")]


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(code_of(arguments))


def code_of(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app(args=None if arguments is None else list(arguments), prog_name="consortium")
    except SystemExit as end:  # how the command-line library ends, also for its usage errors (2)
        return end.code if isinstance(end.code, int) else DONE
    except InputError as error:
        _list_faults(errors, error)
        return BAD_INPUT
    except OutputError as error:
        _say(errors, str(error))
        return BAD_INPUT
    except NoPlan as error:
        _say(errors, str(error))
        return NO_PLAN_EXISTS if error.proved else NO_PLAN_FOUND
    except Exception as error:
        return _defect(errors, error)
    return DONE


def _defect(errors: Console, error: Exception) -> int:
    """Say that something of ours is broken, with what a report needs."""
    kind = (
        "The engine found a defect of its own" if isinstance(error, ConsortiumError) else "Defect"
    )
    _say(errors, f"{kind}; no plan was made. Please report this:")
    errors.print(traceback.format_exc(), markup=False)
    return DEFECT


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False)


def _list_faults(console: Console, error: InputError) -> None:
    number = len(error.faults)
    things = "thing needs" if number == 1 else "things need"
    _say(console, f"{number} {things} mending; nothing was written.")
    for fault in error.faults:
        _say(console, f"  {fault}")


@app.command()
def propose(
    register: Register,
    market: Markets,
    programme: ProgrammeFile = None,
    rules: RulesFile = None,
    pairs: PairsFile = None,
    seconds: Annotated[float, typer.Option(help="Wall-clock limit of the solve.")] = 60.0,
    work: Annotated[
        int | None,
        typer.Option(help="Deterministic work limit instead: same inputs, same bytes."),
    ] = None,
    gap: Annotated[float, typer.Option(help="Stop at this gap (0.01 is 1%).")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of random choices.")] = 0,
    workers: Annotated[int, typer.Option(help="Threads to use.")] = 2,
    strategy: Annotated[str, typer.Option(help="Solving strategy.")] = "auto",
    start: Annotated[Path | None, typer.Option(help="A plan (JSON) to begin from.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Writes STEM.json, STEM.xlsx, STEM.png.")
    ] = None,
    turning_points: Annotated[
        bool, typer.Option(help="Where none forms, search the change that would turn it.")
    ] = True,
    then: Annotated[
        list[str] | None,
        typer.Option(
            help="Second goal, may be repeated in order of weight: firms_served, new_exporters, "
            "women_led, cohesion."
        ),
    ] = None,
    give_up: Annotated[
        float, typer.Option(help="Most surplus given up for second goals (0.01 is 1%).")
    ] = 0.01,
    draws: Annotated[
        int, typer.Option(help="Redraw the estimates within their ranges so often (e.g. 200).")
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Propose consortia for one or more markets: the main job."""
    from consortium.cli.proposing import Options, propose_and_write

    propose_and_write(
        Options(
            register=register,
            markets=tuple(market),
            programme=programme,
            rules=rules,
            pairs=pairs,
            seconds=seconds,
            work=work,
            gap=gap,
            seed=seed,
            workers=workers,
            strategy=strategy,
            start=start,
            output=output,
            turning_points=turning_points,
            then=tuple(then or ()),
            draws=draws,
            give_up=give_up,
            json=json,
        )
    )


@app.command()
def check(
    plan: Annotated[Path, typer.Argument(help="Plan (JSON) to verify.")],
    register: Annotated[
        Path | None, typer.Option(help="The register it was made for: recompute everything.")
    ] = None,
    programme: ProgrammeFile = None,
    rules: RulesFile = None,
    pairs: PairsFile = None,
    market: Annotated[
        list[Path] | None,
        typer.Option("--market", "-m", help="A market file it was made with; may be repeated."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Verify a plan again, without a solver; also one edited by hand."""
    from consortium.cli.checking import check_and_print

    if not check_and_print(plan, register, programme, rules, pairs, tuple(market or ()), json):
        raise typer.Exit(BAD_INPUT)


@app.command()
def sample(
    cluster: Annotated[
        str | None, typer.Argument(help="Cluster, e.g. surgical-sialkot.", show_default=False)
    ] = None,
    firms: Annotated[int, typer.Option(help="Number of firms.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed: the same seed gives the same register.")] = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write: .xlsx or .csv.")
    ] = None,
    columns: Annotated[
        bool, typer.Option("--columns", help="Print the columns of a register instead.")
    ] = False,
) -> None:
    """Make a synthetic register shaped on published figures."""
    if columns:
        from consortium.cli.library import print_columns

        print_columns()
        return
    if cluster is None or output is None:
        missing = "CLUSTER" if cluster is None else "-o FILE"
        raise InputError(
            [InputFault("sample", f"{missing} is missing; see consortium sample --help")]
        )
    from consortium.intake import write_register
    from consortium.sample import sample_register

    made = sample_register(cluster, firms, seed)
    write_register(made, output)
    Console().print(f"Wrote {len(made.firms):,} synthetic firms to {output}.", markup=False)


@app.command()
def graph(
    register: Register,
    market: Annotated[
        str, typer.Option("--market", "-m", help="Target market, e.g. ZAF, or a market file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File: .html, .graphml, .json, .csv or .png."),
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="range or volume; all of them if left out.")
    ] = None,
    programme: ProgrammeFile = None,
    rules: RulesFile = None,
    pairs: PairsFile = None,
    report: Annotated[
        bool, typer.Option("--report", help="Print the graph in figures: who has partners enough.")
    ] = False,
    next_to: Annotated[
        str | None,
        typer.Option(
            "--next-to", help="Print the best next firms beside these, e.g. S0001,S0002,S0003."
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(help="Marketing plan of --next-to; the one with most surplus if left out."),
    ] = None,
    consortia: Annotated[
        Path | None, typer.Option(help="A plan (JSON) whose consortia are drawn: .html or .png.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print --report and --next-to as JSON.")
    ] = False,
) -> None:
    """Who could go with whom, and why: as a file, in figures, or who should join next."""
    from consortium.cli.graphing import GraphOptions, show_graph

    members = None
    if next_to is not None:
        members = tuple(firm for part in next_to.split(",") if (firm := part.strip()))
    show_graph(
        GraphOptions(
            register=register,
            market=market,
            output=output,
            mode=mode,
            programme=programme,
            rules=rules,
            pairs=pairs,
            report=report,
            members=members,
            plan=plan,
            proposal=consortia,
            json=json,
        )
    )


@app.command()
def programmes(
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the programmes we ship: rules of size and subsidy, by country."""
    from consortium.cli.library import print_programmes

    print_programmes(json)


@markets_app.callback(invoke_without_command=True)
def markets(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """List the markets and how well each is known for each cluster."""
    if context.invoked_subcommand is None:
        from consortium.cli.library import print_markets

        print_markets(json)


@markets_app.command("show")
def markets_show(
    code: Annotated[str, typer.Argument(help="Market code, e.g. ZAF, or a market file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
) -> None:
    """Every fact of one market, with value, unit, year, source and grade."""
    from consortium.cli.library import print_market

    print_market(code, json)


@markets_app.command("import")
def markets_import(
    files: Annotated[
        list[Path],
        typer.Argument(help="Downloads of UN Comtrade, ITC Trade Map or WITS (text or CSV)."),
    ],
    market: Annotated[
        str | None,
        typer.Option(
            "--market", "-m", help="Market to update, e.g. ZAF, or a market file of your own."
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Cluster to update; all that the files speak of if left out.")
    ] = None,
    year: Annotated[
        int | None, typer.Option(help="Year to use; the latest complete one if left out.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(
            help="FAMILY=SHARE: the part of the imports that is its goods; may be repeated."
        ),
    ] = None,
    downloaded: Annotated[
        str | None, typer.Option(help="When the files were downloaded, YYYY-MM-DD.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Market file to write (.toml).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
) -> None:
    """Make a market file of your own from trade data; without -o only show what changes."""
    from consortium.cli.trading import ImportOptions, import_and_print

    import_and_print(
        ImportOptions(
            files=tuple(files),
            market=market,
            cluster=cluster,
            year=year,
            shares=tuple(share or ()),
            downloaded=downloaded,
            output=output,
            json=json,
        )
    )


def _version(wanted: bool) -> None:
    if wanted:
        from consortium import __version__

        typer.echo(f"consortium {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> Any:
    """Decide which small manufacturers should export together, and explain it."""
