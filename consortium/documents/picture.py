"""The picture of a proposal: who could go with whom, and the groups chosen. It is no map."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consortium.documents.layout import Points, chosen_firms, hull, positions
from consortium.documents.words import plain
from consortium.market import country_of
from consortium.market_files import load_markets
from consortium.wording import count, usd

if TYPE_CHECKING:
    import networkx as nx

    from consortium.plan import Plan, PlanConsortium

_MOST_FIRMS, _MOST_LABELS, _ID_LENGTH = 400, 80, 14
_PANELS_ABREAST = 3
_PANEL = (11.0, 8.6)
# The drawing's place in its panel: the title is above it, the legend below.
_AXES = (0.02, 0.105, 0.96, 0.81)
_MARGIN, _LEAST_HEIGHT = 1.5, 7.0
_DPI, _MOST_PIXELS = 150, 40_000_000
# Okabe and Ito's colours, which most colour-blind readers can tell apart; grey is for the rest.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#3C9BD6", "#7A4FA3", "#A03030")
_GREY, _INK, _FAINT = "#8A949E", "#1F2933", "#AEB8C2"
# Everything is set here: the reader's own matplotlib settings must not change the picture.
_FONT = "DejaVu Sans"


def groups_png(graphs: Sequence[nx.Graph[str]], plan: Plan | None, dpi: int = _DPI) -> bytes:
    """Compatibility graphs with the plan's consortia, one panel per graph, as PNG.

    Parameters
    ----------
    graphs : as ``compatibility_graph`` makes them, one per market.
    plan : its consortia are drawn as coloured areas; without a plan only the graphs are.
    dpi : dots per inch at most; a panel is 11 inches wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = max(1, len(graphs))
    columns = min(panels, _PANELS_ABREAST)
    rows = math.ceil(panels / columns)
    size = (_PANEL[0] * columns, _PANEL[1] * rows)
    dpi = min(dpi, int(math.sqrt(_MOST_PIXELS / (size[0] * size[1]))))
    figure = Figure(figsize=size, dpi=dpi, facecolor="white")
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    for at in range(panels):
        column, row = at % columns, at // columns
        box = (column / columns, 1 - (row + 1) / rows, 1 / columns, 1 / rows)
        axes = figure.add_axes(
            (
                box[0] + _AXES[0] * box[2],
                box[1] + _AXES[1] * box[3],
                _AXES[2] * box[2],
                _AXES[3] * box[3],
            )
        )
        axes.set_axis_off()
        if graphs:
            _Panel(figure, axes, box, graphs[at], plan).draw()
        else:
            _words(figure, (0.5, 0.5), "No market, so nothing to draw", 14, va="center")
    out = io.BytesIO()
    # No software name and no date: the same plan gives the same bytes.
    canvas.print_png(out, metadata={"Software": None})
    return out.getvalue()


class _Panel:
    """One market's graph, drawn into a part of the figure."""

    def __init__(
        self,
        figure: Any,
        axes: Any,
        box: tuple[float, float, float, float],
        graph: nx.Graph[str],
        plan: Plan | None,
    ) -> None:
        self.figure, self.axes, self.box = figure, axes, box
        self.whole = graph
        self.plan = plan
        code = str(graph.graph.get("market", ""))
        market = load_markets().get(country_of(code))
        self.market = plain(market.name if market else code) or "the market"
        consortia = [c for c in plan.consortia if c.market == code] if plan else []
        found = [(c, [f for f in c.members if f in graph]) for c in consortia]
        self.consortia: list[PlanConsortium] = [c for c, firms in found if firms]
        self.groups = [firms for _, firms in found if firms]
        drawn = chosen_firms(graph, self.groups, _MOST_FIRMS)
        self.graph = graph if len(drawn) == len(graph) else graph.subgraph(drawn)
        self.colour = {
            firm: _COLOURS[at % len(_COLOURS)]
            for at, group in enumerate(self.groups)
            for firm in group
        }
        # Marks and letters shrink as firms become many.
        self.scale = min(1.0, max(0.34, math.sqrt(34 / max(1, len(self.graph)))))
        self.zoom = max(1.0, math.sqrt(len(self.graph) / 70))

    def draw(self) -> None:
        """Draw everything, back to front."""
        self._title()
        if len(self.graph) == 0:
            self._say(0.5, "No eligible firm", 16)
            return
        points = positions(self.graph, self.groups, self.zoom)
        lonely = [f for f in sorted(self.graph) if f not in points]
        if lonely:
            _under(points, lonely)
        self._limits(points)
        self._areas(points)
        self._edges(points)
        self._marks(points)
        self._labels(points)
        self._legend(bool(lonely))

    def _title(self) -> None:
        firms = count(len(self.whole), "firm")
        missing = len(self.whole) - len(self.graph)
        if missing:
            firms += f" ({missing:,} not drawn)"
        pairs = count(self.whole.number_of_edges(), "pair")
        title = f"Compatible firms for {self.market}: {firms}, {pairs}"
        if self.plan is not None:
            made = (
                count(len(self.groups), "consortium", "consortia")
                if self.groups
                else "no consortium"
            )
            title += f"; {made}"
        x = self.box[0] + self.box[2] / 2
        top = self.box[1] + self.box[3]
        _words(
            self.figure,
            (x, top - 0.022 * self.box[3]),
            title,
            15 * min(1, 74 / len(title)),
            weight="bold",
        )
        notes = []
        if missing:
            best = "best fit the members" if self.groups else "have most pairs"
            notes.append(f"drawn are the {len(self.graph):,} that {best}")
        ruled = self.whole.graph.get("rule_edges", 0)
        if isinstance(ruled, int) and ruled > self.whole.number_of_edges():
            notes.append(f"of {ruled:,} pairs the nearest were kept")
        notes.append("firms that fit are drawn near one another; this is no map")
        words = "; ".join(notes)
        _words(
            self.figure,
            (x, top - 0.06 * self.box[3]),
            words[0].upper() + words[1:],
            9.5 * min(1, 125 / len(words)),
            color="#5A6672",
        )

    def _limits(self, points: Points) -> None:
        """Limits in the panel's proportions, so that a unit is as long across as up."""
        xs, ys = zip(*points.values(), strict=True)
        wide = max(xs) - min(xs) + 2 * _MARGIN
        high = max(ys) - min(ys) + 2 * _MARGIN
        proportion = _PANEL[0] * _AXES[2] / (_PANEL[1] * _AXES[3])
        high = max(high, wide / proportion, _LEAST_HEIGHT)
        wide = high * proportion
        x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        self.axes.set_xlim(x - wide / 2, x + wide / 2)
        self.axes.set_ylim(y - high / 2, y + high / 2)

    def _areas(self, points: Points) -> None:
        from matplotlib.patches import Polygon

        for consortium, group in zip(self.consortia, self.groups, strict=True):
            colour = self.colour[group[0]]
            outline = hull([points[f] for f in group], 0.8 * self.zoom)
            for alpha, edge in ((0.14, False), (0.9, True)):
                self.axes.add_patch(
                    Polygon(
                        outline,
                        closed=True,
                        facecolor="none" if edge else colour,
                        edgecolor=colour if edge else "none",
                        alpha=alpha,
                        linewidth=1.6 * self.scale + 0.4,
                        zorder=3 if edge else 1,
                    )
                )
            label = f"{_id(consortium.id)} · {usd(consortium.surplus_cents)}"
            x = sum(points[f][0] for f in group) / len(group)
            self._text((x, float(outline[:, 1].max())), label, 13, colour, below=-4, weight="bold")

    def _edges(self, points: Points) -> None:
        from matplotlib.collections import LineCollection

        plain_pairs, own = [], []
        for a, b in self.graph.edges:
            line = (points[a], points[b])
            same = self.colour.get(a) is not None and any(a in g and b in g for g in self.groups)
            if same:
                own.append((line, self.colour[a]))
            else:
                plain_pairs.append(line)
        alpha = min(0.5, max(0.05, 7 / math.sqrt(1 + len(plain_pairs)) * 0.9))
        self.axes.add_collection(
            LineCollection(
                plain_pairs, colors=_FAINT, linewidths=0.7, alpha=alpha, zorder=0, capstyle="round"
            )
        )
        self.axes.add_collection(
            LineCollection(
                [line for line, _ in own],
                colors=[colour for _, colour in own],
                linewidths=1.1 * self.scale + 0.2,
                alpha=0.45,
                zorder=2,
            )
        )

    def _marks(self, points: Points) -> None:
        for firm in sorted(self.graph):
            member = firm in self.colour
            colour = self.colour.get(firm, _GREY)
            held = self.graph.nodes[firm].get("certificate_state", "held") == "held"
            self.axes.plot(
                *points[firm],
                marker="D" if self.graph.nodes[firm].get("experienced") else "o",
                markersize=self._mark_size(firm),
                markerfacecolor=colour if held else "white",
                markeredgecolor=colour,
                markeredgewidth=1.8 * self.scale + 0.3,
                linestyle="none",
                zorder=5 if member else 4,
            )

    def _mark_size(self, firm: str) -> float:
        return (13 if firm in self.colour else 8) * self.scale + 1.5

    def _labels(self, points: Points) -> None:
        everyone = len(self.graph) <= _MOST_LABELS
        for firm in sorted(self.graph):
            member = firm in self.colour
            if member or everyone:
                self._text(
                    points[firm],
                    _id(firm),
                    9.5 if member else 7.5,
                    _INK if member else "#5A6672",
                    below=0.66 * self._mark_size(firm) + 1,
                )

    def _legend(self, lonely: bool) -> None:
        from matplotlib.lines import Line2D

        nodes: Mapping[str, Mapping[str, Any]] = self.graph.nodes
        held = {nodes[f].get("certificate_state", "held") == "held" for f in nodes}
        experienced = {bool(nodes[f].get("experienced")) for f in nodes}
        entries = []
        if self.groups:
            entries.append(
                _key("o", "member of a consortium (USD: its surplus)", _COLOURS[0], True)
            )
        entries.append(
            _key("o", "other eligible firm" if self.groups else "eligible firm", _GREY, True)
        )
        if True in experienced:
            entries.append(_key("D", "experienced exporter", _GREY, True))
        if False in held:
            entries.append(_key("o", "certificate yet to obtain (hollow)", _GREY, False))
        if self.graph.number_of_edges():
            entries.append(
                Line2D([], [], color=_FAINT, linewidth=1.5, label="may be in one consortium")
            )
        if lonely:
            entries.append(
                Line2D([], [], color="none", label="in rows at the bottom: firms without a partner")
            )
        x = self.box[0] + self.box[2] / 2
        self.figure.add_artist(
            _legend_of(self.figure, entries, (x, self.box[1] + 0.012 * self.box[3]))
        )

    def _say(self, y: float, words: str, size: float) -> None:
        x = self.box[0] + self.box[2] / 2
        _words(self.figure, (x, self.box[1] + y * self.box[3]), words, size, va="center")

    def _text(
        self,
        place: tuple[float, float],
        words: str,
        size: float,
        colour: str,
        below: float,
        **style: Any,
    ) -> None:
        """Text some points below a place, or above it."""
        from matplotlib.patheffects import withStroke

        text = self.axes.annotate(
            words,
            place,
            xytext=(0, -below),
            textcoords="offset points",
            fontsize=max(5.5, size * (0.35 + 0.65 * self.scale)),
            color=colour,
            fontfamily=_FONT,
            ha="center",
            va="top" if below > 0 else "bottom",
            zorder=6,
            annotation_clip=False,
            parse_math=False,
            usetex=False,
            **style,
        )
        text.set_path_effects([withStroke(linewidth=2.2, foreground="white")])


def _under(points: Points, lonely: Sequence[str]) -> None:
    """Firms without a partner, in rows under the others."""
    if points:
        xs, ys = zip(*points.values(), strict=True)
        left, right, top = min(xs), max(xs), min(ys) - 2.2
    else:
        half = max(2.0, math.sqrt(len(lonely)) * 0.8)
        left, right, top = -half, half, 0.0
    abreast = min(len(lonely), max(6, int(right - left) + 1))
    middle = (left + right) / 2
    for at, firm in enumerate(lonely):
        row, column = divmod(at, abreast)
        points[firm] = (middle + column - (abreast - 1) / 2, top - 1.1 * row)


def _key(marker: str, label: str, colour: str, filled: bool) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=8,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=1.5,
        label=label,
    )


def _legend_of(figure: Any, entries: Sequence[Any], place: tuple[float, float]) -> Any:
    from matplotlib.font_manager import FontProperties
    from matplotlib.legend import Legend

    legend = Legend(
        figure,
        entries,
        [entry.get_label() for entry in entries],
        loc="lower center",
        bbox_to_anchor=place,
        bbox_transform=figure.transFigure,
        ncols=3,
        frameon=False,
        prop=FontProperties(family=_FONT, size=10),
        labelcolor=_INK,
        handletextpad=0.5,
        columnspacing=2.2,
        labelspacing=0.5,
        borderaxespad=0,
    )
    for text in legend.get_texts():
        text.set_usetex(False)
    return legend


def _words(figure: Any, place: tuple[float, float], words: str, size: float, **style: Any) -> None:
    figure.text(
        *place,
        words,
        fontsize=size,
        fontfamily=_FONT,
        ha="center",
        parse_math=False,
        usetex=False,
        **{"va": "top", "color": _INK, **style},
    )


def _id(text: str) -> str:
    """An id as it is drawn: short, and only letters the font can set one by one."""
    shown = "".join(
        c if c.isascii() or (c.isalpha() and ord(c) < 0x250) else "?" for c in plain(text)
    )
    return shown if len(shown) <= _ID_LENGTH else shown[: _ID_LENGTH - 1] + "…"
