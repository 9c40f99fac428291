"""The compatibility graph as a file: GraphML, node-link JSON, or a table of edges."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from consortium.errors import OutputError
from consortium.programme import CRITERIA, MODES

if TYPE_CHECKING:
    import networkx as nx

_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# A spreadsheet takes a cell that begins so for a formula; apostrophes before it are counted in, so
# that taking one away always gives the text back (as intake does).
_RUNNABLE = re.compile(r"'*[=+\-@\t\r]")
_BY_MODE = tuple(f"score_{mode}" for mode in MODES)
# Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_graph(graph: nx.Graph[str], path: Path, inputs: Collection[Path] = ()) -> None:
    """Write a compatibility graph, whole or not at all.

    GraphML flattens the components to one edge attribute a criterion; JSON is networkx's
    node-link form with sorted keys; CSV (UTF-8 with a byte order mark, which spreadsheets need)
    has one row an edge.

    Parameters
    ----------
    graph : as ``compatibility_graph`` makes it.
    path : ends in .graphml, .json or .csv.
    inputs : files that must not be overwritten.

    Raises
    ------
    OutputError
        If the path ends otherwise or cannot be written.
    """
    from consortium.files import write_atomically

    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise OutputError(f"{path.name}: a graph is written as {', '.join(_WRITERS)}")
    write_atomically(path, writer(graph), inputs)


def _graphml(graph: nx.Graph[str]) -> bytes:
    """GraphML, written here: networkx's writer takes a gigabyte for a hundred thousand edges."""
    nodes = [(f"id={_quoted(n)}", _sorted(data)) for n, data in graph.nodes(data=True)]
    edges = [
        (f"source={_quoted(a)} target={_quoted(b)}", _sorted(_flat(data)))
        for a, b, data in graph.edges(data=True)
    ]
    whole = _sorted(graph.graph)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    keys: dict[tuple[str, str], str] = {}
    for owner, datas in (
        ("graph", [whole]),
        ("node", [data for _, data in nodes]),
        ("edge", [data for _, data in edges]),
    ):
        types = {name: _GRAPHML_TYPES[type(v)] for data in datas for name, v in data.items()}
        for name, kind in sorted(types.items()):
            key = keys[owner, name] = f"d{len(keys)}"
            lines.append(f'  <key id="{key}" for="{owner}" attr.name="{name}" attr.type="{kind}"/>')

    def data_lines(owner: str, data: dict[str, Any]) -> Iterator[str]:
        for name, value in data.items():
            yield f'      <data key="{keys[owner, name]}">{_text(value)}</data>'

    lines.append('  <graph edgedefault="undirected">')
    lines.extend(data_lines("graph", whole))
    for tag, elements in (("node", nodes), ("edge", edges)):
        for attributes, data in elements:
            lines.append(f"    <{tag} {attributes}>")
            lines.extend(data_lines(tag, data))
            lines.append(f"    </{tag}>")
    lines.extend(["  </graph>", "</graphml>", ""])
    return "\n".join(lines).encode()


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """Edge data with one attribute a criterion."""
    return {**{k: v for k, v in data.items() if k != "components"}, **data["components"]}


def _sorted(data: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(data.items()))


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A bare carriage return would be read back as a line feed.
    return escape(_NOT_XML.sub("\ufffd", str(value)), {"\r": "&#13;"})


def _json(graph: nx.Graph[str]) -> bytes:
    import networkx as nx

    content = nx.node_link_data(graph, edges="edges")
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _csv(graph: nx.Graph[str]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    # With several modes the score in each of them stands in a column of its own.
    each = [name for name in _BY_MODE if any(name in d for _, _, d in graph.edges(data=True))]
    head = ["firm_a", "firm_b", "name_a", "name_b", "score_bp", "mode", *CRITERIA, "reason", *each]
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in _edge_rows(graph, each))
    return buffer.getvalue().encode("utf-8-sig")


def _edge_rows(graph: nx.Graph[str], each: Sequence[str]) -> Iterator[list[Any]]:
    names = dict(graph.nodes(data="name"))
    for a, b, data in graph.edges(data=True):
        parts = [data["components"][name] for name in CRITERIA]
        scores = [data.get(name, "") for name in each]
        row = [a, b, names[a], names[b], data["score"], data["mode"], *parts, data["reason"]]
        yield [*row, *scores]


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and _RUNNABLE.match(value) and not _PLAIN_NUMBER.fullmatch(value):
        return f"'{value}"
    return value


_GRAPHML_TYPES = {str: "string", bool: "boolean", int: "long", float: "double"}
_WRITERS: dict[str, Callable[[nx.Graph[str]], bytes]] = {
    ".graphml": _graphml,
    ".json": _json,
    ".csv": _csv,
}
