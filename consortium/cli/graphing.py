"""``consortium graph``: the compatibility graph as a file, in figures, and a group's next firm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from consortium.case import Case, load_case
from consortium.compatibility import compatibility_graph, write_graph
from consortium.errors import InputError, InputFault
from consortium.intake import register_files
from consortium.market import split_code
from consortium.next_firm import best_kind, best_next_firms, kind_faults, member_faults
from consortium.wording import count, listed

if TYPE_CHECKING:
    import networkx as nx

    from consortium.plan import Plan

_FORMATS = (".graphml", ".json", ".csv", ".png", ".html")
#: Formats that show consortia of a plan.
_PICTURES = (".png", ".html")


@dataclass(frozen=True)
class GraphOptions:
    """What ``consortium graph`` was asked; see its help.

    Attributes
    ----------
    members : ids of the group whose next firm is asked, or ``None`` where it is not.
    proposal : plan (JSON) whose consortia are drawn.
    plan, mode : marketing plan and mode, or ``None``.
    """

    register: Path
    market: str
    output: Path | None
    mode: str | None
    programme: Path | None
    rules: Path | None
    pairs: Path | None
    report: bool
    members: tuple[str, ...] | None
    plan: str | None
    proposal: Path | None
    json: bool


def show_graph(options: GraphOptions) -> None:
    """Write the graph, print its report, and rank a group's next firms, as far as asked.

    Raises
    ------
    InputError
        With every fault of the options and files; then nothing is written or printed.
    OutputError
        If the file cannot be written.
    """
    faults = _option_faults(options)
    case = _read(options, faults)
    plan = _proposal(options, case, faults)
    if case is not None and len(case.markets) > 1:
        # Of the market or file that was named: a bare code would mean our own figures.
        clusters = [split_code(market.code)[1] for market in case.markets]
        known = listed([f"{options.market}:{cluster}" for cluster in clusters])
        message = f"the register holds several clusters; name one market of {known}"
        faults.append(InputFault("--market", message, value=options.market))
    if case is not None:
        faults += kind_faults(case, case.markets[0].code, options.plan, options.mode, "--")
        if options.members is not None:
            faults += member_faults(case, options.members, "--next-to")
    if faults or case is None:
        raise InputError(faults)
    market = case.markets[0].code
    if options.output is not None or options.report:
        graph = compatibility_graph(case, market, options.mode)
        if options.output is not None:
            _write(options, case, graph, plan)
    report = following = None
    if options.report:
        from consortium.graph_figures import graph_report

        report = graph_report(graph, case.size_min)
    if options.members is not None:
        kind = best_kind(case, market, options.members, options.plan, options.mode)
        following = best_next_firms(case, kind, options.members)
    if report is not None or following is not None:
        from consortium.cli.graph_tables import print_graph

        print_graph(case, report, following, plan_chosen=options.plan is None, as_json=options.json)


def _option_faults(options: GraphOptions) -> list[InputFault]:
    out = []
    target, prints = options.output, options.report or options.members is not None
    if target is not None and target.suffix.lower() not in _FORMATS:
        out.append(InputFault("-o", f"must end in one of {', '.join(_FORMATS)}", value=str(target)))
    if target is None and not prints:
        formats = listed(_FORMATS, 9, "or")
        message = f"add -o FILE ({formats}), --report, or --next-to S0001,S0002 to say what to do"
        out.append(InputFault("graph", message))
    if options.json and not prints:
        out.append(InputFault("--json", "prints --report or --next-to; add one of them"))
    if options.plan is not None and options.members is None:
        message = "is the marketing plan of --next-to; add that, or leave this out"
        out.append(InputFault("--plan", message, value=options.plan))
    drawn = target is not None and target.suffix.lower() in _PICTURES
    if options.proposal is not None and not drawn:
        message = f"is drawn in {listed(_PICTURES, word='or')} only; add -o FILE of that kind"
        out.append(InputFault("--consortia", message, value=str(options.proposal)))
    return out


def _read(options: GraphOptions, faults: list[InputFault]) -> Case | None:
    """The case, or its faults added to the others."""
    try:
        return load_case(
            options.register, [options.market], options.programme, options.rules, options.pairs
        )
    except InputError as error:
        faults.extend(error.faults)
        return None


def _proposal(options: GraphOptions, case: Case | None, faults: list[InputFault]) -> Plan | None:
    """The plan to draw, or its faults added to the others."""
    if options.proposal is None:
        return None
    from consortium.plan import Plan

    try:
        plan = Plan.load(options.proposal)
    except InputError as error:
        faults.extend(error.faults)
        return None
    if case is not None and plan.inputs.register_sha256 != case.register.sha256:
        message = "was made for another register; give the one it was made for"
        faults.append(InputFault("--consortia", message, value=str(options.proposal)))
    return plan


def _write(options: GraphOptions, case: Case, graph: nx.Graph[str], plan: Plan | None) -> None:
    from consortium.files import write_atomically

    output = options.output
    assert output is not None
    inputs = list(register_files(options.register).values())
    others = (options.programme, options.rules, options.pairs, options.proposal)
    inputs += [path for path in others if path is not None]
    ending = output.suffix.lower()
    if ending == ".png":
        from consortium.documents.picture import groups_png

        write_atomically(output, groups_png([graph], plan), inputs=inputs)
    elif ending == ".html":
        from consortium.documents.graph_page import graph_html

        write_atomically(output, graph_html(case, graph, plan), inputs=inputs)
    else:
        write_graph(graph, output, inputs=inputs)
    edges = count(graph.number_of_edges(), "compatible pair")
    firms = count(graph.number_of_nodes(), "firm")
    Console(stderr=True).print(f"Wrote {firms} and {edges} to {output}.", markup=False)
