"""``consortium graph``: the compatibility graph as a file."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from consortium.case import load_case
from consortium.compatibility import compatibility_graph, write_graph
from consortium.errors import InputError, InputFault
from consortium.intake import register_files
from consortium.wording import count

_FORMATS = (".graphml", ".json", ".csv", ".png")


def write_compatibility(
    register: Path,
    market: str,
    output: Path,
    mode: str | None,
    programme: Path | None,
    rules: Path | None,
    pairs: Path | None = None,
) -> None:
    """Write the graph in the format its file name asks for."""
    if output.suffix.lower() not in _FORMATS:
        raise InputError(
            [InputFault("-o", f"must end in one of {', '.join(_FORMATS)}", value=str(output))]
        )
    case = load_case(register, [market], programme, rules, pairs)
    if mode is not None and mode not in case.programme.modes.texts:
        known = ", ".join(case.programme.modes.texts)
        raise InputError(
            [InputFault("--mode", f"is not of this programme; it has {known}", value=mode)]
        )
    graph = compatibility_graph(case, case.markets[0].code, mode)
    inputs = [*register_files(register).values(), *([] if pairs is None else [pairs])]
    if output.suffix.lower() == ".png":
        from consortium.documents.picture import groups_png
        from consortium.files import write_atomically

        write_atomically(output, groups_png([graph], None), inputs=inputs)
    else:
        write_graph(graph, output, inputs=inputs)
    edges = count(graph.number_of_edges(), "compatible pair")
    firms = count(graph.number_of_nodes(), "firm")
    Console(stderr=True).print(f"Wrote {firms} and {edges} to {output}.", markup=False)
