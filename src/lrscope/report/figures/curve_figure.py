"""The figure of the curves over the steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.figures.colours import MARKS, SCALE
from lrscope.report.figures.frames import DASHES, Theme, framed, set_axis, tick
from lrscope.report.figures.shown import MANY, CurvePanel, FigureData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEY_WIDTH = 1.35
"""Inches at the right of the curves for the list or the bar of the rates."""

LABEL_WIDTH = 0.062
"""Inches of one letter at the end of a curve."""

LISTED = 10
"""More rates than this are told by a colour bar."""

RATE_LABEL = "peak learning rate"


def curve_figure(comparison: Comparison, figure_data: FigureData, theme: Theme) -> Figure:
    panels = figure_data.curves
    columns = 2 if len(panels) > 1 else 1
    rows = max(math.ceil(len(panels) / columns), 1)
    longest = max((len(label.text) for panel in panels for label in panel.labels), default=0)
    beside = 0.15 + LABEL_WIDTH * longest if longest else 0.0
    keyed = not figure_data.labelled
    figure, axes = framed(
        rows, columns, 5.1 + beside, height=2.75, right=KEY_WIDTH if keyed else 0.1, below=0.56, beside=beside
    )
    if not panels:
        axes[0].set_axis_off()
        axes[0].text(0.5, 0.5, "no curve was recorded", ha="center", va="center", transform=axes[0].transAxes)
    for ax, panel in zip(axes, panels, strict=False):
        _curve_panel(ax, panel, comparison, figure_data, theme)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    if keyed:
        _key(figure, comparison, figure_data, theme)
    return figure


def _curve_panel(ax: Axes, panel: CurvePanel, comparison: Comparison, figure_data: FigureData, theme: Theme) -> None:
    ax.set_title(panel.title)
    set_axis(ax, panel.x, "x")
    set_axis(ax, panel.y, "y")
    width = 0.9 if len(panel.curves) > MANY else 1.5
    for dash in sorted({figure_data.dashes[curve.row] for curve in panel.curves}):
        chosen = [curve for curve in panel.curves if figure_data.dashes[curve.row] == dash]
        chosen.sort(key=lambda curve: not comparison.rows[curve.row].member.failed)  # failed ones lie below
        lines = [np.column_stack([curve.steps, curve.values]) for curve in chosen]
        colours = [theme.lifted(figure_data.colours[curve.row]) for curve in chosen]
        ax.add_collection(LineCollection(lines, colors=colours, linewidths=width, linestyles=[DASHES[dash]], alpha=0.9))
    for curve in panel.curves:
        if curve.leaves is not None:
            mark = MARKS[comparison.rows[curve.row].member.outcome]
            ax.scatter([curve.leaves], [1], s=34, marker=mark.shape, color=mark.colour, linewidths=0, zorder=5,
                       transform=ax.get_xaxis_transform(), clip_on=False)  # fmt: skip
    for label in panel.labels:
        ax.text(1.015, label.place, label.text, color=theme.for_text(label.colour), fontsize=8, va="center",
                transform=ax.transAxes)  # fmt: skip
    points = [curve for curve in panel.curves if len(curve.steps) == 1]
    ax.scatter(
        [c.steps[0] for c in points], [c.values[0] for c in points], s=9, c=[figure_data.colours[c.row] for c in points]
    )


def _key(figure: Figure, comparison: Comparison, figure_data: FigureData, theme: Theme) -> None:
    """Few rates are listed by name, many by a colour bar; settings without order by name."""
    rates = sorted({row.member.rate: c for row, c in zip(comparison.rows, figure_data.colours, strict=True)
                    if row.member.rate and not row.member.failed}.items())  # fmt: skip
    width, height = figure.get_size_inches()
    left, top = 1 - (KEY_WIDTH - 0.15) / width, 1 - 0.3 / height
    handles = [Line2D([], [], color=colour, linewidth=2, label=label) for label, colour in figure_data.legend if label]
    failed = dict.fromkeys(row.member.outcome for row in comparison.rows if row.member.failed)
    handles += [Line2D([], [], color=MARKS[word].colour, linewidth=2, label=word) for word in failed]
    bar = figure_data.scale is not None and len(rates) > LISTED
    if figure_data.scale and not bar:
        handles += [Line2D([], [], color=colour, linewidth=2, label=_plain(rate)) for rate, colour in rates]
    if handles:
        title = RATE_LABEL if figure_data.scale else comparison.x_axis
        _listed(figure, handles, (left, top), title)
    if figure_data.scale and bar:
        box = figure.add_axes((left + 0.12 / width, 0.56 / height, 0.16 / width, 1 - 0.92 / height))
        colours = LinearSegmentedColormap.from_list("rates", SCALE)
        scale = figure.colorbar(
            ScalarMappable(LogNorm(*figure_data.scale), colours), cax=box, format=FuncFormatter(tick)
        )
        scale.ax.set_title(RATE_LABEL, fontsize=8, fontweight="normal", x=-0.8)
        scale.ax.minorticks_off()
        scale.outline.set_visible(False)
    if figure_data.scale and len(figure_data.groups) > 1:
        lines = [
            Line2D([], [], color=theme.ink, linewidth=1.4, linestyle=DASHES[i % 4], label=label)
            for i, (label, _) in enumerate(figure_data.groups)
        ]
        _listed(figure, lines, (left, top - 0.55 if not bar else 0.0), "")


def _listed(figure: Figure, handles: list[Line2D], corner: tuple[float, float], title: str) -> None:
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, title=title, title_fontsize=8,
                  alignment="left", borderaxespad=0, fontsize=8)  # fmt: skip


def _plain(rate: float) -> str:
    return f"{rate:.4g}"
