"""The page of a league's report: one HTML file that needs nothing else, and no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

from benchmarks.league.figures import Drawn
from benchmarks.league.tables import Cell, Table

#: A page with this policy cannot load anything, whatever is in it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light; --line: #d5d5d5; --soft: #f5f6f7; --link: #005a9c; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 4rem; background: #fff;
  color: #1c1c1c; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans",
  Arial, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .35rem; scroll-margin-top: 1rem; }
p { margin: .35rem 0 .75rem; max-width: 50rem; }
a { color: var(--link); }
nav { font-size: .9rem; margin: 1.25rem 0; line-height: 1.9; }
nav a { margin-right: 1rem; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
.notes { border-left: 4px solid #e69f00; background: #fffaf0; padding: .5rem 1rem; margin: 1rem 0;
  max-width: 50rem; }
.notes p { margin: .25rem 0; }
.reading { color: #444; font-size: .94rem; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
.tall { max-height: 40rem; overflow-y: auto; }
.tall thead th { position: sticky; top: 0; z-index: 2; }
table { border-collapse: collapse; font-size: .86rem; width: 100%; }
th, td { padding: .32rem .65rem; text-align: left; vertical-align: top; }
th { background: var(--soft); font-weight: 600; vertical-align: bottom; line-height: 1.25;
  min-width: 4.2rem; }
tbody tr { border-top: 1px solid var(--line); background: #fff; }
tbody tr { scroll-margin-top: 4rem; }
tbody tr:hover { background: #f0f6fb; }
tr:target { background: #fff1c9; outline: 2px solid #e69f00; }
td { max-width: 24rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:first-child { white-space: nowrap; position: sticky; left: 0; background: #fff; z-index: 1; }
th:first-child { left: 0; position: sticky; z-index: 1; }
tbody tr:hover td:first-child, tr:target td:first-child { background: inherit; }
th.long { min-width: 13rem; }
code { font: .92em ui-monospace, "Liberation Mono", Consolas, monospace; white-space: nowrap; }
th span { cursor: pointer; display: block; }
th span:focus-visible { outline: 2px solid var(--link); }
th[aria-sort=ascending] span::after { content: " ▲"; font-size: .7em; }
th[aria-sort=descending] span::after { content: " ▼"; font-size: .7em; }
input { font: inherit; font-size: .9rem; padding: .25rem .5rem; margin: 0 0 .5rem; width: 20rem;
  max-width: 100%; border: 1px solid #888; border-radius: 4px; }
label { font-size: .9rem; }
figure { margin: .5rem 0 0; overflow-x: auto; }
figure svg { display: block; max-width: 100%; height: auto; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .filter { display: none; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
  .wide { overflow: visible; border: 0; } .tall { max-height: none; }
  table { font-size: 7.5pt; } th, td { padding: 1pt 3pt; min-width: 0; }
  code, td:first-child { position: static; white-space: normal; overflow-wrap: anywhere; }
  thead { display: table-header-group; }
  th, th:first-child, .tall thead th { position: static; }
}
"""

#: Sorting by a click on a heading, and leaving out the lines without a text.
SCRIPT = """
document.querySelectorAll("table").forEach(function (table) {
  var body = table.tBodies[0];
  table.querySelectorAll("th").forEach(function (head, column) {
    // Not a button element: browsers do not repeat those on each printed page.
    var text = head.textContent, button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.textContent = text;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); button.click(); }
    });
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th").forEach(function (one) { one.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var lines = Array.prototype.slice.call(body.rows);
      lines.sort(function (one, other) {
        var a = one.cells[column], b = other.cells[column];
        var x = a.getAttribute("data-sort"), y = b.getAttribute("data-sort"), order;
        if (x !== null && y !== null) { order = Number(x) - Number(y) || 0; }
        else if (x !== null || y !== null) { return x === null ? 1 : -1; }
        else { order = a.textContent.localeCompare(b.textContent); }
        return down ? -order : order;
      });
      lines.forEach(function (line) { body.appendChild(line); });
    });
  });
});
document.querySelectorAll("input[data-table]").forEach(function (input) {
  var lines = document.getElementById(input.getAttribute("data-table")).tBodies[0].rows;
  input.addEventListener("input", function () {
    var words = input.value.toLowerCase().split(/\\s+/);
    Array.prototype.forEach.call(lines, function (line) {
      var text = line.textContent.toLowerCase();
      line.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
    });
  });
});
"""

#: A table of more lines gets a field to filter it, and scrolls by itself.
FILTER_FROM, TALL_FROM = 12, 25


def page(
    title: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    parts: Sequence[Table | Drawn],
) -> str:
    """The whole page. Every text is escaped here; the figures are SVG and go in as they are."""
    content = "\n".join(
        _section(part.name, part.title, part.reading, _body(part)) for part in parts
    )
    links = "\n".join(f'<a href="#{part.name}">{escape(part.title)}</a>' for part in parts)
    listed = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<dl>
{listed}
</dl>
{f'<div class="notes" role="note">{told}</div>' if told else ""}
</header>
<nav aria-label="Contents">
{links}
</nav>
<main>
{content}
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _section(name: str, title: str, reading: str, body: str) -> str:
    return (
        f'<section>\n<h2 id="{name}">{escape(title)}</h2>\n'
        f'<p class="reading">{escape(reading)}</p>\n{body}\n</section>'
    )


def _body(part: Table | Drawn) -> str:
    if isinstance(part, Drawn):
        if part.missing:
            return f"<p>{escape(part.missing)}</p>"
        return f"<figure>{part.svg}</figure>"
    extra = "".join(f"<p>{escape(line)}</p>" for line in part.extra)
    if not part.lines:
        return f"{extra}<p>{escape(part.missing)}</p>"
    return extra + _table(part)


def _table(table: Table) -> str:
    heads = ""
    for place, name in enumerate(table.columns):
        style = _class(name in table.numbers, _is_long(table, place))
        heads += f'<th scope="col"{style}>{escape(name)}</th>'
    lines = []
    for place, cells in enumerate(table.lines):
        anchor = f' id="{table.anchors[place]}"' if table.anchors else ""
        shown = "".join(
            _cell(cell, name in table.numbers)
            for name, cell in zip(table.columns, cells, strict=True)
        )
        lines.append(f"<tr{anchor}>{shown}</tr>")
    name = f"{table.name}-table"
    search = (
        f'<p class="filter"><label>Only lines with <input type="search" data-table="{name}">'
        "</label></p>\n"
        if len(lines) >= FILTER_FROM
        else ""
    )
    tall = " tall" if len(lines) >= TALL_FROM else ""
    body = "\n".join(lines)
    return (
        f'{search}<div class="wide{tall}" tabindex="0" role="region" '
        f'aria-label="{escape(table.title)}"><table id="{name}">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _class(is_number: bool, is_long: bool = False) -> str:
    return ' class="number"' if is_number else ' class="long"' if is_long else ""


def _is_long(table: Table, column: int) -> bool:
    """Whether a column has texts that would be a tower in a narrow one."""
    return column > 0 and any(len(cells[column].text) > 16 for cells in table.lines)


def _cell(cell: Cell, is_number: bool) -> str:
    text = escape(cell.text)
    if cell.is_code:
        text = f"<code>{text}</code>"
    if cell.link:
        text = f'<a href="#{escape(cell.link)}">{text}</a>'
    sort = ""
    if cell.sort is not None:
        sort = f' data-sort="{cell.sort!r}"' if isfinite(cell.sort) else ' data-sort="Infinity"'
    return f"<td{_class(is_number)}{sort}>{text}</td>"
