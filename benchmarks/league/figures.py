"""Figures of a league's report, each as SVG for the page and as PNG beside it.

The same study gives the same bytes: no date, and ids that depend on the figure's name only.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from benchmarks.league.analysis import TARGETS, Study
from benchmarks.league.statistics import Matrix, data_profile, performance_profile

#: Colours that can be told apart by the colour-blind (Okabe & Ito 2008), without the yellow,
#: which is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
#: Four line styles and seven colours have no common divisor: 28 lines differ in both.
STYLES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1.2)))
MARKERS = "osD^vPX<>*p"

#: Everything is set here: a reader's own matplotlib settings must not change the figures.
SETTINGS = {
    "svg.fonttype": "none",  # text stays text: smaller, can be searched and read aloud
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # a "$" in a name is a dollar
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.edgecolor": "#444444",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.dpi": 100,
}
#: Lines of a legend in one column, and letters of a name in a figure.
LEGEND_LINES, NAME_LETTERS = 18, 24


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure.

    Attributes
    ----------
    name : of its file. title, reading : its heading, and the sentence that says how to read it.
    svg, png : the picture; empty where there is nothing to draw, and then ``missing`` says why.
    """

    name: str
    title: str
    reading: str
    svg: str = ""
    png: bytes = b""
    missing: str = ""


def draw_all(study: Study) -> list[Drawn]:
    """All figures, in the order of the report."""
    return [
        _drawn(
            "ranks",
            "Average ranks",
            "Each dot is a strategy's average rank over the instances that all have run, 1 the "
            "best; the line is its 95 % bootstrap interval. Further left is better.",
            lambda: _ranks(study),
            "" if len(study.rank_table) and len(study.compared) > 1 else
            "There are no two strategies with instances in common.",
        ),
        _drawn(
            "performance-profile",
            "Performance profiles: time to target",
            "A curve at (τ, y) says: on a share y of the instances the strategy came within the "
            "target in at most τ times the seconds of the fastest. Higher is better; where it "
            "starts is how often it was the fastest, where it ends how often it got there.",
            lambda: _performance(study),
            _no_blocks(study),
        ),
        _drawn(
            "data-profile",
            "Data profiles: targets reached within a budget of seconds",
            "A curve at (s, y) says: given s seconds, the strategy comes within the target on a "
            "share y of the instances. Higher and further left is better.",
            lambda: _data(study),
            _no_blocks(study),
        ),
        _drawn(
            "gap-profile",
            "Gaps at the end",
            "A curve at (g, y) says: at its end the strategy was within the gap g of the best "
            "known value on a share y of the instances. Higher is better; the left edge is gap 0.",
            lambda: _gap_profile(study),
            _no_blocks(study),
        ),
        _drawn(
            "scaling",
            "Seconds and memory against size",
            "Each point is a run with an answer (on the page it leads to its line in the table of "
            "runs); the lines are fitted powers of n. Both axes are logarithmic.",
            lambda: _scaling(study),
            "" if any(study.measured(name, "seconds") for name in study.strategies) else
            "There are no runs with an answer on instances of known size.",
        ),
        _drawn(
            "similarity",
            "How alike the groupings are",
            "Each cell is the mean over instances of the share of grouped pairs that two "
            "strategies' groupings have in common (1: the same groups); on the diagonal, of two "
            "seeds of one strategy.",
            lambda: _similarity(study),
            "" if any(cell is not None for line in study.likeness.shares for cell in line) else
            "There are no two groupings of one instance.",
        ),
    ]  # fmt: skip


def _no_blocks(study: Study) -> str:
    if study.compared and study.blocks.any():
        return ""
    return "There are no instances that all strategies have run."


def _drawn(name: str, title: str, reading: str, draw: Callable[[], Figure], missing: str) -> Drawn:
    if missing:
        return Drawn(name, title, reading, missing=missing)
    with _settled(name):
        figure = draw()
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out now; saving would do it again each time
        svg, png = io.StringIO(), io.BytesIO()
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(svg, format="svg", metadata=nothing, bbox_inches="tight", pad_inches=0.06)
        figure.savefig(
            png, format="png", dpi=150, metadata={"Software": None}, bbox_inches="tight",
            pad_inches=0.06,
        )  # fmt: skip
    return Drawn(name, title, reading, _inline(svg.getvalue(), name, title), png.getvalue())


@contextmanager
def _settled(name: str) -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update({**SETTINGS, "svg.hashsalt": name})
        # A name in a script that the font lacks is shown as boxes in the PNG, rightly in the SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _inline(svg: str, name: str, title: str) -> str:
    """The SVG element alone, with ids of its own and a name for screen readers."""
    svg = svg[svg.index("<svg") :].strip()
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(
        r'(href="|url\()#([^")]+)',
        lambda m: f"{m[1]}#{name}-{m[2]}" if m[2] in ids else m[0],
        svg,
    )
    svg = svg.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def _name(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "�" for letter in text)
    return clean if len(clean) <= NAME_LETTERS else clean[: NAME_LETTERS - 1] + "…"


def _look(study: Study, strategy: str) -> dict[str, Any]:
    place = study.strategies.index(strategy)
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": STYLES[place % len(STYLES)],
        "linewidth": 2.4 if study.is_ours(strategy) else 1.5,
    }


def _marker(study: Study, strategy: str) -> str:
    return next(islice(cycle(MARKERS), study.strategies.index(strategy), None))


def _target(target: float) -> str:
    return "best known value reached" if not target else f"within {100 * target:g} % of the best"


def _panels(count: int, height: float = 3.6) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(3.6 * count if count > 1 else 6.4, height), layout="constrained")
    axes = figure.subplots(1, count, sharey=count == len(TARGETS), squeeze=False)[0]
    return figure, list(axes)


def _legend(figure: Figure, study: Study, names: tuple[str, ...], *, marks: bool = False) -> None:
    """One legend for all panels, at the right, in as many columns as it needs."""
    handles = [
        Line2D([], [], label=_name(name), marker=_marker(study, name) if marks else "",
               markersize=5, **_look(study, name))
        for name in names
    ]  # fmt: skip
    figure.legend(
        handles=handles,
        loc="outside right upper",
        ncols=-(-len(handles) // LEGEND_LINES),
        handlelength=3.2,
        fontsize=9,
    )
    figure.set_figwidth(figure.get_figwidth() + 2.4 * -(-len(handles) // LEGEND_LINES))


def _shares(axes: Any) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))


def _curves(axes: Any, study: Study, ends: Any, shares: Matrix) -> None:
    for name, share in zip(study.compared_names, shares, strict=True):
        axes.step(ends, share, where="post", clip_on=False, **_look(study, name))
    _shares(axes)


def _logarithmic(axis: Any, ends: tuple[float, float]) -> None:
    """Ticks at powers of ten, and between them where the axis is short."""
    span = ends[1] / ends[0]
    between = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0) if span < 12 else (2.0, 5.0) if span < 150 else ()
    axis.set_major_locator(LogLocator(subs=(1.0, *between)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_locator(NullLocator())


def _performance(study: Study) -> Figure:
    figure, panels = _panels(len(TARGETS))
    for axes, target in zip(panels, TARGETS, strict=True):
        times = study.block(study.times[target])
        finite = times[np.isfinite(times) & (times > 0)]
        widest = max(finite.max() / finite.min() if len(finite) else 1.0, 10.0)
        taus = np.geomspace(1.0, widest, 200)
        _curves(axes, study, taus, performance_profile(times, list(taus)))
        axes.set_xscale("log")
        axes.set(title=_target(target), xlabel="τ: times the fastest", xlim=(1, widest))
        _logarithmic(axes.xaxis, (1.0, widest))
    panels[0].set_ylabel("share of instances")
    _legend(figure, study, study.compared_names)
    return figure


def _data(study: Study) -> Figure:
    figure, panels = _panels(len(TARGETS))
    every = [study.block(study.times[target]) for target in TARGETS]
    finite = np.concatenate([times[np.isfinite(times) & (times > 0)] for times in every])
    last = study.longest
    first = min(finite.min() if len(finite) else last / 100, last / 10)
    budgets = np.geomspace(first, last, 300)
    for axes, target, times in zip(panels, TARGETS, every, strict=True):
        _curves(axes, study, budgets, data_profile(times, list(budgets)))
        axes.set_xscale("log")
        axes.set(title=_target(target), xlabel="seconds", xlim=(first, last))
        _logarithmic(axes.xaxis, (first, last))
    panels[0].set_ylabel("share of instances")
    _legend(figure, study, study.compared_names)
    return figure


def _gap_profile(study: Study) -> Figure:
    figure, (axes,) = _panels(1)
    gaps = study.block(study.gaps)
    least = 1e-5
    limits = [0.0, *np.geomspace(least, 1.0, 300)]
    shares = data_profile(np.where(gaps >= 1.0, np.inf, gaps), limits)
    _curves(axes, study, [least / 3, *limits[1:]], shares)
    axes.set_xscale("log")
    axes.set(xlabel="gap to the best known value", ylabel="share of instances", xlim=(least / 3, 1))
    ticks = [least / 3, *(10.0**power for power in range(-5, 1))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: "0" if x < least else f"{100 * x:g} %")
    )
    axes.xaxis.set_minor_locator(NullLocator())
    _legend(figure, study, study.compared_names)
    return figure


def _ranks(study: Study) -> Figure:
    names = sorted(study.compared_names, key=lambda name: (study.rank(name) or 0.0, name))
    figure = Figure(figsize=(6.8, 0.9 + 0.32 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(names):
        look = _look(study, name)
        interval = study.rank_interval(name)
        if interval is not None:
            axes.plot([interval.low, interval.high], [place] * 2, color=look["color"], linewidth=2)
        axes.plot([study.rank(name)], [place], _marker(study, name), color=look["color"])
    axes.set_yticks(range(len(names)), [_name(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0.8, len(names) + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("average rank (1 is the best)")
    axes.grid(axis="y", visible=False)
    return figure


def _scaling(study: Study) -> Figure:
    figure, panels = _panels(2, height=4.2)
    names = tuple(name for name in study.strategies if study.measured(name, "seconds"))
    for axes, what, label in zip(
        panels, ("seconds", "peak_mb"), ("seconds", "peak memory, MB"), strict=True
    ):
        for name in names:
            points = study.measured(name, what)
            if not points:
                continue
            look = _look(study, name)
            dots = axes.scatter(
                [n for _, n, _ in points], [y for _, _, y in points], s=22, alpha=0.75,
                marker=_marker(study, name), color=look["color"], linewidths=0, zorder=3,
            )  # fmt: skip
            dots.set_urls([f"#run-{number}" for number, _, _ in points])
            power = study.power(name, what)
            if power is not None:
                ends = np.array([min(p[1] for p in points), max(p[1] for p in points)], dtype=float)
                axes.plot(ends, power.factor * ends**power.slope, **{**look, "linewidth": 1.2})
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set(xlabel="n: items", ylabel=label)
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            _logarithmic(axis, ends)
    _legend(figure, study, names, marks=True)
    return figure


def _similarity(study: Study) -> Figure:
    shares = np.array(
        [[np.nan if cell is None else cell for cell in line] for line in study.likeness.shares]
    )
    count = len(shares)
    side = 0.55 * count
    figure = Figure(figsize=(side + 2.0, side + 1.4), layout="constrained")
    axes = figure.subplots()
    colours = mpl.colormaps["Blues"].with_extremes(bad="#eeeeee")
    axes.pcolormesh(
        np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1, edgecolors="white", linewidth=1
    )
    for i in range(count):
        for j in range(count):
            if np.isfinite(shares[i, j]):
                axes.text(
                    j + 0.5, i + 0.5, f"{shares[i, j]:.2f}", ha="center", va="center", fontsize=8,
                    color="white" if shares[i, j] > 0.6 else "black",
                )  # fmt: skip
    names = [_name(name) for name in study.likeness.strategies]
    middles = [place + 0.5 for place in range(count)]
    axes.set_xticks(middles, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
