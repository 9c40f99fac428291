"""What ``consortium graph`` prints: the graph in figures, and the firms that could join a group."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consortium.case import Case
from consortium.documents.words import MODES, firm_name, market_name, plain, plan_label
from consortium.graph_figures import GraphReport
from consortium.next_firm import NextFirm, NextFirms, obstacles
from consortium.wording import count, listed, usd

_SENTENCE = 2_000
#: Sentences printed of what is against a firm; the rest is counted.
_MOST_OBSTACLES = 3
_MOST_LISTED = 12
#: Rules a group breaks, as what it lacks.
_LACKS = {
    "size": "members",
    "joint_cost": "money for the joint cost",
    "experience": "an experienced exporter",
    "together": "firms that must go with its members",
}


def print_graph(
    case: Case,
    report: GraphReport | None,
    following: NextFirms | None,
    plan_chosen: bool,
    as_json: bool,
) -> None:
    """Print a graph's report and a group's next firms, as tables or as one JSON object.

    Parameters
    ----------
    case : the case they are of.
    report, following : what to print; ``None`` where it was not asked.
    plan_chosen : whether the marketing plan is the one found best, and not the user's.
    as_json : keys ``report`` and ``next_firms``, those that were asked; money in cents.
    """
    if as_json:
        content = {}
        if report is not None:
            content["report"] = asdict(report)
        if following is not None:
            content["next_firms"] = asdict(following)
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        # A lone surrogate in a name has no encoding: only then is everything outside ASCII escaped.
        if not _encodable(text):
            text = json.dumps(content, indent=1, sort_keys=True)
        sys.stdout.write(text + "\n")
        return
    tables = _Tables(Console(highlight=False), case)
    if report is not None:
        tables.report(report)
    if following is not None:
        tables.following(following, plan_chosen)


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Tables:
    """Prints; every text goes through ``_text``, so none can carry markup or escape codes."""

    def __init__(self, console: Console, case: Case) -> None:
        self.console, self.case = console, case

    # -- the graph --------------------------------------------------------------------------------

    def report(self, report: GraphReport) -> None:
        """The graph in figures, then one row a firm."""
        name = market_name(self.case, report.market)
        self._table(
            f"Compatible firms for {name}",
            (("", "left"), ("", "left")),
            [[label, value] for label, value in self._figures(report)],
        )
        rows = [
            [
                firm.firm_id,
                firm.name,
                firm.town,
                f"{firm.degree:,}",
                _yes(firm.enough_partners),
                _yes(firm.in_clique),
                f"{firm.component:,}",
                f"{firm.core_number:,}",
                "yes" if firm.articulation else "",
            ]
            for firm in sorted(report.firms, key=lambda firm: (-firm.degree, firm.firm_id))
        ]
        least = report.size_min
        columns = (
            ("firm", "left"),
            ("name", "left"),
            ("town", "left"),
            ("partners", "right"),
            (f"{(least or 1) - 1} partners or more", "left"),
            (f"in a group of {least}", "left"),
            ("component", "right"),
            ("core", "right"),
            ("holds it together", "left"),
        )
        self._table("Firms, those with most partners first", columns, rows)

    def _figures(self, report: GraphReport) -> list[tuple[str, str]]:
        out = [
            ("firms that may join", f"{report.num_firms:,}"),
            ("compatible pairs", f"{report.num_pairs:,}"),
        ]
        if report.density is not None:
            out.append(("of all pairs", f"{100 * report.density:.1f}%"))
        if report.degree_median is not None:
            spread = f"{report.degree_smallest:,} to {report.degree_largest:,}"
            out.append(("partners of a firm", f"{spread}, median {report.degree_median:,g}"))
        parts = report.components
        sizes = listed([f"{len(part):,}" for part in parts], _MOST_LISTED)
        out.append(("components", f"{len(parts):,}" + (f", of {sizes} firms" if parts else "")))
        out.append(("firms without a partner", self._firms(report.isolated)))
        bridges = [f"{a} - {b}" for a, b in report.bridges]
        out.append(("pairs whose loss splits a component", listed(bridges, _MOST_LISTED) or "none"))
        joints = self._firms(report.articulation_firms)
        out.append(("firms whose leaving splits one", joints))
        largest = f"not proved; at most {report.largest_clique_at_most:,} firms"
        if report.largest_clique is not None:
            largest = count(report.largest_clique, "firm")
        out.append(("largest group compatible throughout", largest))
        if report.size_min is not None:
            least = report.size_min
            enough = _number(report.num_enough_partners)
            out.append((f"firms with {least - 1} partners or more", enough))
            out.append((f"firms in a compatible group of {least}", _number(report.num_in_clique)))
        return out

    def _firms(self, firm_ids: Sequence[str]) -> str:
        return listed(firm_ids, _MOST_LISTED) or "none"

    # -- the next firm ----------------------------------------------------------------------------

    def following(self, found: NextFirms, plan_chosen: bool) -> None:
        """The group, the firms that may join it, and those that may not."""
        kind = found.kind
        plan = plan_label(self.case, kind.plan)
        self._say(f"Best next firm beside {listed(found.members, 20)}", "bold")
        for firm_id in found.members:
            self._say(f"  {firm_id} {firm_name(self.case, firm_id)}")
        chosen = " (the plan with the largest surplus for them)" if plan_chosen else ""
        market = market_name(self.case, kind.market)
        mode = f"{kind.mode}: {MODES.get(kind.mode, kind.mode)}"
        self._say(f"Market {market}; marketing plan {kind.plan}, {plan}{chosen}; mode {mode}.")
        self._say(f"Surplus of the group as it is: {usd(found.surplus_cents)}.")
        for breach in found.breaches:
            self._say(f"  not yet a consortium: {breach.message}")
        may = [[*_joining(firm), _lacks(firm)] for firm in found.may_join]
        columns = (
            ("firm", "left"),
            ("name", "left"),
            ("town", "left"),
            ("change of surplus", "right"),
            ("surplus with it", "right"),
        )
        title = _shown("May join", len(may), found.num_may_join)
        self._table(title, (*columns, ("the group then lacks", "left")), may)
        rows = [[*_joining(firm), _most(obstacles(firm))] for firm in found.may_not]
        title = _shown("May not join", len(rows), found.num_may_not)
        self._table(title, (*columns, ("because", "left")), rows)

    # -- how things are printed -------------------------------------------------------------------

    def _text(self, words: str, style: str = "") -> Text:
        """Text as it stands: no markup, nothing the output's encoding cannot say."""
        words = plain(words, 2 * _SENTENCE)
        encoding = self.console.encoding or "utf-8"
        return Text(words.encode(encoding, "replace").decode(encoding), style=style)

    def _say(self, words: str, style: str = "") -> None:
        self.console.print(self._text(words, style))

    def _table(
        self,
        title: str,
        columns: Iterable[tuple[str, str]],
        rows: Sequence[Sequence[str]],
    ) -> None:
        self.console.print()
        self._say(title, "bold")
        columns = list(columns)
        head = any(label for label, _ in columns)
        if not rows:
            return
        table = Table(box=box.SIMPLE_HEAD if head else None, show_header=head, pad_edge=False)
        for label, side in columns:
            justify = "right" if side == "right" else "left"
            table.add_column(self._text(label), justify=justify, overflow="fold")  # type: ignore[arg-type]
        for row in rows:
            table.add_row(*map(self._text, row))
        self.console.print(table)


def _joining(firm: NextFirm) -> list[str]:
    change = usd(firm.change_cents)
    sign = "" if change.startswith("-") or not firm.change_cents else "+"
    return [firm.firm_id, firm.name, firm.town, f"{sign}{change}", usd(firm.surplus_cents)]


def _lacks(firm: NextFirm) -> str:
    """What the group still lacks with a firm, and further firms may bring."""
    rules = dict.fromkeys(breach.rule for breach in firm.breaches)
    return listed([_LACKS.get(rule, rule) for rule in rules], len(rules)) or "nothing"


def _most(sentences: Sequence[str]) -> str:
    more = len(sentences) - _MOST_OBSTACLES
    tail = f" And {more} more." if more > 0 else ""
    return " ".join(sentences[:_MOST_OBSTACLES]) + tail


def _shown(label: str, shown: int, number: int) -> str:
    if shown < number:
        return f"{label}: {count(number, 'firm')}, of which the first {shown:,}"
    return f"{label}: {count(number, 'firm')}"


def _yes(answer: bool | None) -> str:
    return "not known" if answer is None else "yes" if answer else "no"


def _number(number: int | None) -> str:
    return "not proved" if number is None else f"{number:,}"
