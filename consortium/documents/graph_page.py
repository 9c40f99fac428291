"""The compatibility graph as one HTML page: to look at, to search, and to ask about two firms.

The page is whole in itself: no network, no library. Texts of the register reach it only as JSON
that cannot end its own element, and the page's script shows them only as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING, Any

from consortium.case import Case
from consortium.criteria import FORBIDDING_TIES, NO_CHANNEL, PairScore, PairScorer, threshold_bp
from consortium.documents.layout import chosen_firms
from consortium.documents.town_map import Spot, TownMap, town_map
from consortium.documents.words import (
    MODES,
    NOT_JUDGED,
    family_label,
    family_short,
    heading,
    market_name,
    plain,
)
from consortium.eligibility import counted_lots, lot_price
from consortium.facts import DATA
from consortium.own_pairs import NOT_LISTED
from consortium.programme import CRITERIA
from consortium.register import Firm
from consortium.wording import count, listed, usd

if TYPE_CHECKING:
    import networkx as nx

    from consortium.plan import Plan, PlanConsortium

_MOST_FIRMS, _MOST_IDS = 400, 80
#: Radius of the smallest and the largest mark, with ids below the marks and without.
_RADII, _RADII_MANY = (11.0, 21.0), (9.0, 15.0)
# Okabe and Ito's colours and three more, which most colour-blind readers can tell apart; every mark
# also carries the family's letters.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#D55E00", "#B0B7BE")
_INKS = ("#000000", "#FFFFFF")
# Rings of consortia: dark, and each with dashes of its own.
_RINGS = ("#111111", "#A3005C", "#00407A", "#5B3A00", "#4B2A8C", "#00523B")
_DASHES = ("", "7 3", "2 3", "10 3 2 3")
_HOLE = re.compile(r"\{\{(\w+)\}\}")
#: What the criteria are called by people who never saw the model.
CRITERION_LABELS = {
    "complementarity": "products that go together",
    "goals": "goals and target markets",
    "size": "size and management",
    "finance": "finances",
    "trust": "ties between them",
    "readiness": "certificates",
    "experience": "export experience",
    "proximity": "distance",
    "time": "time to give",
}
_BLOCKED = {
    FORBIDDING_TIES["veto"]: "one of the two refuses the other",
    FORBIDDING_TIES["same_owner"]: "the two have one owner",
    NO_CHANNEL: "they sell to different kinds of buyers",
    NOT_LISTED: "the two are not among the pairs given",
}
_NOT_KEPT = (
    "The rules would allow it, but in a register so large only each firm's nearest partners are "
    "kept, and these two are not among them."
)


def graph_html(case: Case, graph: nx.Graph[str], plan: Plan | None = None) -> bytes:
    """A compatibility graph as one HTML page, UTF-8; the same graph gives the same bytes.

    Beyond 400 firms those that best fit the plan's members, else those with most pairs, are shown,
    and the page says so.

    Parameters
    ----------
    case : the case the graph was made of.
    graph : as ``compatibility_graph`` makes it, for a market of the case.
    plan : its consortia for that market are outlined and listed.

    Raises
    ------
    ValueError
        If the graph is of another market or has firms that the register does not.
    """
    market = str(graph.graph.get("market", ""))
    if market not in {known.code for known in case.markets}:
        raise ValueError(f"the graph is for {market!r}, which is no market of this case")
    unknown = sorted(set(graph) - set(case.register.by_id))
    if unknown:
        raise ValueError(f"the graph has firms that the register has not: {listed(unknown)}")
    page = _Page(case, graph, plan, market)
    texts = {name: (DATA / "web" / f"graph.{name}").read_text(encoding="utf-8") for name in _FILES}
    name = plain(market_name(case, market))
    holes = {
        "title": escape(f"Compatible firms for {name}"),
        "summary": escape(page.summary()),
        "caution": escape(NOT_JUDGED),
        "style": texts["css"],
        "script": texts["js"],
        "data": script_json(page.data()),
    }
    # One pass: a hole's filling is never searched for holes.
    return _HOLE.sub(lambda hole: holes[hole[1]], texts["html"]).encode()


_FILES = ("html", "css", "js")


def script_json(content: object) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or opens another."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


class _Page:
    """What the page is told; firms are named by their position."""

    def __init__(self, case: Case, graph: nx.Graph[str], plan: Plan | None, market: str) -> None:
        self.case, self.market, self.whole = case, market, graph
        consortia = [c for c in plan.consortia if c.market == market] if plan else []
        self.consortia: list[PlanConsortium] = consortia
        groups = [[f for f in c.members if f in graph] for c in consortia]
        self.ids = chosen_firms(graph, groups, _MOST_FIRMS)
        self.at = {firm: at for at, firm in enumerate(self.ids)}
        self.firms = [case.register.by_id[firm] for firm in self.ids]
        self.modes = [m for m in str(graph.graph.get("modes", "")).split(";") if m in MODES]
        self.with_ids = len(self.ids) <= _MOST_IDS
        self.keys = case.cluster.family_keys
        self.sells = [
            [k for k in str(graph.nodes[f].get("families", "")).split(";") if k in self.keys]
            for f in self.ids
        ]
        self.group_of = {firm: g for g, c in enumerate(consortia) for firm in c.members}
        self.map = self._map()

    def summary(self) -> str:
        """How many firms and pairs, and what is not shown."""
        graph = self.whole
        pairs = graph.number_of_edges()
        out = [f"{count(len(graph), 'firm')} may join; {count(pairs, 'pair')} of them fit."]
        hidden = len(graph) - len(self.ids)
        if hidden:
            best = "best fit the plan's members" if self.consortia else "have most partners"
            out.append(f"Shown are the {len(self.ids):,} firms that {best}.")
        ruled = graph.graph.get("rule_edges", 0)
        if isinstance(ruled, int) and ruled > pairs:
            out.append(f"Of {ruled:,} pairs that the rules allow, the nearest were kept.")
        own = self.case.own_pairs
        if own is not None:
            out.append(f"The pairs are those of {plain(own.origin)}.")
            if any(score is not None for pair in own.pairs.values() for score in pair.values()):
                out.append("A score given there is shown in the place of the points' sum.")
        return " ".join(out)

    def data(self) -> dict[str, Any]:
        """Everything the page's script needs."""
        weights = self.case.programme.weights_bp()
        reasons = _Words()
        pairs = [self._pair(a, b, data, reasons) for a, b, data in self._edges()]
        whys = _Words()
        apart = self._apart(whys)
        return {
            "criteria": [[CRITERION_LABELS[name], weights[name]] for name in CRITERIA],
            "families": self._families(),
            "firms": [self._firm(at) for at in range(len(self.ids))],
            "pairs": sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])),
            "reasons": reasons.texts,
            "modes": [f"{mode}: {MODES[mode]}" for mode in self.modes],
            "apart": apart,
            "whys": whys.texts,
            "groups": [self._group(at) for at in range(len(self.consortia))],
            "map": self._drawing(),
        }

    def _edges(self) -> list[tuple[str, str, dict[str, Any]]]:
        edges = self.whole.edges(data=True)
        return sorted(
            (min(a, b), max(a, b), data) for a, b, data in edges if a in self.at and b in self.at
        )

    def _pair(self, a: str, b: str, data: dict[str, Any], reasons: _Words) -> list[Any]:
        """A pair: two firms, score, reason, modes it is kept in, and the parts of its score."""
        kept = [self.modes.index(m) for m in str(data["mode"]).split("+") if m in self.modes]
        parts = [data["components"][name] for name in CRITERIA]
        reason = reasons.number(plain(str(data["reason"]), 2_000))
        return [self.at[a], self.at[b], data["score"], reason, kept, *parts]

    def _apart(self, whys: _Words) -> list[int]:
        """Pairs that may not be, four numbers each: two firms, score, and why not."""
        scorer = PairScorer(self.case, self.market)
        out: list[int] = []
        for (at, a), (bt, b) in combinations(enumerate(self.firms), 2):
            if self.whole.has_edge(a.firm_id, b.firm_id):
                continue
            scores = [scorer.score(mode, a, b) for mode in self.modes]
            if scores:
                best = max(scores, key=lambda score: score.score)
                why = self._why_not(best, any(score.allowed for score in scores))
                out.extend((at, bt, best.score, whys.number(why)))
        return out

    def _why_not(self, score: PairScore, allowed: bool) -> str:
        if allowed:
            return _NOT_KEPT
        least = threshold_bp(self.case, score.mode)
        words = [
            _BLOCKED.get(word, f"their score is below the {least / 100:g}% that is needed")
            for word in score.blocked
        ]
        text = listed(words)
        return f"{text[:1].upper()}{text[1:]}."

    def _families(self) -> list[dict[str, str]]:
        """Product families by the cluster's order, with a colour and letters of their own."""
        out = []
        shorts: set[str] = set()
        for at, key in enumerate(self.keys):
            colour = _COLOURS[at % len(_COLOURS)]
            short = _letters(key, shorts)
            shorts.add(short)
            label = plain(family_label(self.case, key))
            out.append({"label": label, "short": short, "colour": colour, "ink": _ink(colour)})
        return out

    def _firm(self, at: int) -> dict[str, Any]:
        firm, node = self.firms[at], self.whole.nodes[self.ids[at]]
        x, y = self.map.places[firm.firm_id]
        return {
            "id": plain(firm.firm_id),
            "name": plain(firm.name),
            "town": plain(firm.town),
            "employees": count(firm.employees, "employee"),
            "families": [self.keys.index(key) for key in self.sells[at]],
            "main": self.keys.index(self._main_family(firm, self.sells[at])),
            "notes": _notes(node),
            "group": self.group_of.get(firm.firm_id, -1),
            "x": x,
            "y": y,
            "r": round(self._radius(firm), 1),
        }

    def _main_family(self, firm: Firm, keys: Sequence[str]) -> str:
        """The family that brings the firm's largest sales a year; the first of equal ones."""
        facts = self.case.market_cluster(self.market)

        def sales(key: str) -> Any:
            lots = counted_lots(self.case, self.market, firm, key)
            return lots * lot_price(self.case, facts, key) if lots else 0

        return max(keys, key=sales) if keys else self.keys[0]

    def _radius(self, firm: Firm) -> float:
        """Marks grow with the root of employees: their areas can be compared."""
        small, large = _RADII if self.with_ids else _RADII_MANY
        most = max(1, *(other.employees for other in self.firms))
        return small + (large - small) * math.sqrt(max(0, firm.employees) / most)

    def _map(self) -> TownMap:
        spots = [
            Spot(f.firm_id, plain(f.town), self._radius(f), f.latitude, f.longitude)
            for f in self.firms
        ]
        return town_map(spots, self.with_ids)

    def _drawing(self) -> dict[str, Any]:
        missing = sum(f.latitude is None or f.longitude is None for f in self.firms)
        label = f"No coordinates in the register: {count(missing, 'firm')}"
        return {
            "width": self.map.width,
            "height": self.map.height,
            "ids": self.with_ids,
            "towns": [
                [f"{t.name} · {count(t.num_firms, 'firm')}", t.x, t.y, t.radius]
                for t in self.map.towns
            ],
            "row": None if self.map.row is None else [label, *self.map.row],
        }

    def _group(self, at: int) -> dict[str, Any]:
        group = self.consortia[at]
        years = count(self.case.programme.horizon_years.whole, "year")
        surplus = f"Surplus {usd(group.surplus_cents)} over {years}, in today's money. Members:"
        strange = [plain(firm) for firm in group.members if firm not in self.at]
        return {
            "id": plain(group.id),
            "heading": heading(self.case, group),
            "surplus": surplus,
            "members": [self.at[firm] for firm in group.members if firm in self.at],
            "strange": strange,
            "colour": _RINGS[at % len(_RINGS)],
            "dash": _DASHES[at % len(_DASHES)],
        }


class _Words:
    """Texts told once: many pairs have the same."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The text's position."""
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


def _notes(node: dict[str, Any]) -> list[str]:
    out = ["experienced exporter"] if node.get("experienced") else []
    if node.get("certificate_state") == "obtainable":
        out.append("certificate yet to obtain")
    return out


def _letters(key: str, taken: Iterable[str]) -> str:
    """Letters for a family that no other has: ``Ge`` for general, ``SU`` for single_use."""
    words = family_short(key).split() or ["?"]
    whole = "".join(words)
    firsts = "".join(word[0] for word in words[:2]).upper()
    tries = [firsts] if len(firsts) > 1 else []
    tries += [whole[:1].upper() + other for other in whole[1:]] + [whole.capitalize()]
    return next((letters for letters in tries if letters not in taken), whole)


def _ink(colour: str) -> str:
    """Black or white, whichever stands out more on a colour (contrast by relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _INKS[0] if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else _INKS[1]
