"""The figures as PNG files: loss against the rate, and the curves. The only user of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from lrscope.report.colours import MARKS, SCALE
from lrscope.report.comparison import Comparison
from lrscope.report.limits import Axis
from lrscope.report.scene import MANY, CurvePanel, LossPanel, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 120
KEY_WIDTH = 1.35
"""Inches at the right of the curves for the list or the bar of the rates."""

LISTED = 10
"""More rates than this are told by a colour bar."""

RATE_LABEL = "peak learning rate"

DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


@dataclass(frozen=True)
class Theme:
    ground: str
    ink: str
    faint: str
    band: str


LIGHT = Theme(ground="#ffffff", ink="#22262b", faint="#d9dde2", band="#009e7322")
DARK = Theme(ground="#16181d", ink="#e4e7eb", faint="#33383f", band="#2fd0a02b")


def draw_figures(comparison: Comparison, scene: Scene, folder: Path, themes: Sequence[str]) -> tuple[Path, ...]:
    """Write ``loss_vs_rate.png`` and ``curves.png`` (for the dark theme ``…-dark.png``) into the folder."""
    written = []
    for name in themes:
        theme = DARK if name == "dark" else LIGHT
        ending = "-dark" if name == "dark" else ""
        with matplotlib.rc_context(_settings(theme)):
            for stem, draw in (("loss_vs_rate", _losses), ("curves", _curves)):
                figure = draw(comparison, scene, theme)
                path = folder / f"{stem}{ending}.png"
                FigureCanvasAgg(figure).print_png(str(path))
                written.append(path)
    return tuple(written)


def _settings(theme: Theme) -> Any:
    return {
        "figure.facecolor": theme.ground, "axes.facecolor": theme.ground, "savefig.facecolor": theme.ground,
        "text.color": theme.ink, "axes.labelcolor": theme.ink, "axes.edgecolor": theme.ink,
        "xtick.color": theme.ink, "ytick.color": theme.ink, "figure.dpi": DPI,
        "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
        "axes.grid": True, "axes.grid.which": "major", "grid.color": theme.faint, "grid.linewidth": 0.6,
        "axes.axisbelow": True, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
        "font.size": 9, "legend.frameon": False, "xtick.direction": "out",
    }  # fmt: skip


def _losses(comparison: Comparison, scene: Scene, theme: Theme) -> Figure:
    panels = scene.losses
    handles = _legend(comparison, scene, theme)
    columns = _fitting([str(handle.get_label()) for handle in handles], 5.0 * len(panels))
    below = 0.62 + 0.24 * math.ceil(len(handles) / columns)
    figure, axes = _framed(1, len(panels), width=5.4, height=3.5, right=0.15, below=below)
    for ax, panel in zip(axes, panels, strict=True):
        _loss_panel(ax, panel, comparison, scene, theme)
    figure.legend(handles=handles, loc="lower center", ncols=columns, handletextpad=0.5, columnspacing=1.8,
                  borderaxespad=0.3)  # fmt: skip
    return figure


def _fitting(labels: Sequence[str], inches: float) -> int:
    """How many columns of a legend fit beside each other; all are as wide as the widest."""
    widest = 0.62 + 0.066 * max((len(label) for label in labels), default=1)
    total = sum(0.62 + 0.066 * len(label) for label in labels)
    return max(len(labels), 1) if total <= inches else max(int(inches / widest), 1)


def _framed(
    rows: int, columns: int, width: float, height: float, right: float, below: float
) -> tuple[Figure, list[Axes]]:
    """A grid of frames with room for their labels, in inches: matplotlib's own layout draws everything three times."""
    left, above, between = 0.78, 0.36, 0.92
    full_width = columns * width + right
    full_height = rows * height + (rows - 1) * between + above + below
    figure = Figure(figsize=(full_width, full_height))
    axes = []
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        bottom = below + (rows - 1 - row) * (height + between)
        box = (column * width + left, bottom, width - left - 0.12, height)
        axes.append(
            figure.add_axes((box[0] / full_width, box[1] / full_height, box[2] / full_width, box[3] / full_height))
        )
    return figure, axes


def _loss_panel(ax: Axes, panel: LossPanel, comparison: Comparison, scene: Scene, theme: Theme) -> None:
    ax.set_title(panel.title)
    _set_axis(ax, panel.x, "x")
    _set_axis(ax, panel.y, "y")
    _band(ax, panel.x, scene, theme)
    several = len(scene.groups) > 1
    for means, (_, colour) in zip(panel.means, scene.groups, strict=True):
        line = colour if several else theme.ink
        _means(ax, means, line, connect=comparison.numeric)
    shifts = _shifts(panel)
    size = 38 if len(panel.dots) <= 40 else 24
    for dot in panel.dots:
        mark = MARKS[comparison.rows[dot.row].member.outcome]
        x = shifts[dot.row]
        if dot.above or not math.isfinite(dot.best):
            ax.scatter(x, 1.0, s=size, marker=mark.shape, color=mark.colour, transform=ax.get_xaxis_transform(),
                       clip_on=False, zorder=5, linewidths=0)  # fmt: skip
            continue
        failed = comparison.rows[dot.row].member.failed
        shown = dot.final if failed and math.isfinite(dot.final) else dot.best
        if math.isfinite(dot.final) and dot.final != dot.best:
            ax.plot([x, x], [dot.best, dot.final], color=mark.colour, linewidth=0.9, alpha=0.8, zorder=3)
            ax.scatter(x, dot.best if failed else dot.final, s=size * 0.3, marker="_", color=mark.colour, zorder=3)
        ax.scatter(x, shown, s=size, marker=mark.shape, color=mark.colour, zorder=4, linewidths=0)
    if any(dot.above for dot in panel.dots):
        ax.annotate("loss beyond the frame ↑", (1, 1), xycoords="axes fraction", xytext=(0, 8), fontsize=7.5,
                    textcoords="offset points", ha="right", va="bottom", alpha=0.8)  # fmt: skip


def _band(ax: Axes, x: Axis, scene: Scene, theme: Theme) -> None:
    """The recommended range, widened a little so that a single rate shows, too."""
    if scene.band is None or scene.best is None:
        return
    low, high = scene.band
    if x.log:
        room = (x.high / x.low) ** 0.02
        ax.axvspan(low / room, high * room, color=theme.band, linewidth=0, zorder=0)
    else:
        room = 0.02 * (x.high - x.low) if not x.names else 0.35
        ax.axvspan(low - room, high + room, color=theme.band, linewidth=0, zorder=0)
    ax.axvline(scene.best, color=MARKS["trained"].colour, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)


def _means(ax: Axes, means: Sequence[Any], colour: str, connect: bool) -> None:
    xs = [mean.x for mean in means]
    if connect:
        ax.plot(xs, [mean.estimate.mean for mean in means], color=colour, linewidth=1.1, alpha=0.75, zorder=2)
    for mean in means:
        if mean.estimate.n > 1:
            estimate = mean.estimate
            ax.errorbar(mean.x, estimate.mean, [[estimate.mean - estimate.low], [estimate.high - estimate.mean]],
                        color=colour, linewidth=1.3, capsize=4, marker="_", markersize=9, zorder=3)  # fmt: skip


def _shifts(panel: LossPanel) -> dict[int, float]:
    """Seeds of one rate stand side by side, not on top of each other."""
    by_x: dict[float, list[int]] = {}
    for dot in panel.dots:
        by_x.setdefault(dot.x, []).append(dot.row)
    found = {}
    for x, rows in by_x.items():
        for place, row in enumerate(rows):
            offset = 0.0 if len(rows) == 1 else (place / (len(rows) - 1) - 0.5)
            if panel.x.log:
                found[row] = x * (panel.x.high / panel.x.low) ** (0.035 * offset)
            else:
                found[row] = x + offset * (0.3 if panel.x.names else 0.035 * (panel.x.high - panel.x.low))
    return found


def _legend(comparison: Comparison, scene: Scene, theme: Theme) -> list[Line2D]:
    seen = {row.member.outcome for row in comparison.rows}
    handles = [
        Line2D([], [], linestyle="none", marker=mark.shape, color=mark.colour, markersize=6.5, label=word)
        for word, mark in MARKS.items()
        if word in seen
    ]
    if any(row.outcome.final_val != row.outcome.best_val for row in comparison.rows if not row.member.failed):
        handles.append(Line2D([], [], marker="_", color=theme.ink, linewidth=0.9, label="mark: best, tick: at the end"))
    if scene.interval:
        handles.append(Line2D([], [], color=theme.ink, linewidth=1.3, marker="|", label=scene.interval))
    if len(scene.groups) > 1:
        handles += [Line2D([], [], color=colour, linewidth=1.8, label=label) for label, colour in scene.groups]
    if scene.band is not None:
        handles.append(Line2D([], [], color=theme.band, linewidth=8, label="recommended"))
    return handles


def _curves(comparison: Comparison, scene: Scene, theme: Theme) -> Figure:
    panels = scene.curves
    columns = 2 if len(panels) > 1 else 1
    rows = max(math.ceil(len(panels) / columns), 1)
    figure, axes = _framed(rows, columns, width=5.1, height=2.75, right=KEY_WIDTH, below=0.56)
    if not panels:
        axes[0].set_axis_off()
        axes[0].text(0.5, 0.5, "no curve was recorded", ha="center", va="center", transform=axes[0].transAxes)
    for ax, panel in zip(axes, panels, strict=False):
        _curve_panel(ax, panel, comparison, scene)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    _key(figure, comparison, scene, theme)
    return figure


def _curve_panel(ax: Axes, panel: CurvePanel, comparison: Comparison, scene: Scene) -> None:
    ax.set_title(panel.title)
    _set_axis(ax, panel.x, "x")
    _set_axis(ax, panel.y, "y")
    many = len(panel.curves) > MANY
    for curve in panel.curves:
        failed = comparison.rows[curve.row].member.failed
        single = len(curve.steps) == 1
        ax.plot(curve.steps, curve.values, color=scene.colours[curve.row], linestyle=DASHES[scene.dashes[curve.row]],
                linewidth=0.9 if many else 1.5, alpha=0.9, zorder=2 if failed else 3,
                marker="o" if single else None, markersize=3)  # fmt: skip


def _key(figure: Figure, comparison: Comparison, scene: Scene, theme: Theme) -> None:
    """Few rates are listed by name, many by a colour bar; settings without order by name."""
    rates = sorted({row.member.rate: c for row, c in zip(comparison.rows, scene.colours, strict=True)
                    if row.member.rate}.items())  # fmt: skip
    width, height = figure.get_size_inches()
    left, top = 1 - (KEY_WIDTH - 0.15) / width, 1 - 0.3 / height
    handles = [Line2D([], [], color=colour, linewidth=2, label=label) for label, colour in scene.legend if label]
    bar = scene.scale is not None and len(rates) > LISTED
    if scene.scale and not bar:
        handles += [Line2D([], [], color=colour, linewidth=2, label=_plain(rate)) for rate, colour in rates]
    if handles:
        title = RATE_LABEL if scene.scale else comparison.x_axis
        _listed(figure, handles, (left, top), title)
    if scene.scale and bar:
        box = figure.add_axes((left + 0.12 / width, 0.56 / height, 0.16 / width, 1 - 0.92 / height))
        colours = LinearSegmentedColormap.from_list("rates", SCALE)
        scale = figure.colorbar(ScalarMappable(LogNorm(*scene.scale), colours), cax=box, format=FuncFormatter(_tick))
        scale.ax.set_title(RATE_LABEL, fontsize=8, fontweight="normal", x=-0.8)
        scale.ax.minorticks_off()
        scale.outline.set_visible(False)
    if scene.scale and len(scene.groups) > 1:
        lines = [
            Line2D([], [], color=theme.ink, linewidth=1.4, linestyle=DASHES[i % 4], label=label)
            for i, (label, _) in enumerate(scene.groups)
        ]
        _listed(figure, lines, (left, top - 0.55 if not bar else 0.0), "")


def _listed(figure: Figure, handles: list[Line2D], corner: tuple[float, float], title: str) -> None:
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, title=title, title_fontsize=8,
                  alignment="left", borderaxespad=0, fontsize=8)  # fmt: skip


def _plain(rate: float) -> str:
    return f"{rate:.4g}"


def _tick(value: float, _: int | None = None) -> str:
    """``0.001``, ``1``, ``1e-06``: powers of ten as people type them."""
    return f"{value:g}"


def _set_axis(ax: Axes, axis: Axis, which: str) -> None:
    side = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xlabel if which == "x" else ax.set_ylabel)(
        axis.label + (" (log scale)" if axis.log and which == "y" else "")
    )
    if axis.log:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        within = math.log10(axis.high / axis.low) < 1.5
        side.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if within else (1.0,), numticks=12))
        side.set_major_formatter(FuncFormatter(_tick))
        side.set_minor_formatter(NullFormatter())
    (ax.set_xlim if which == "x" else ax.set_ylim)(axis.low, axis.high)
    if axis.names:
        side.set_minor_locator(NullLocator())
        ax.set_xticks(range(len(axis.names)), axis.names, rotation=0 if len(axis.names) <= 6 else 30)
        ax.grid(visible=False, axis="x")
