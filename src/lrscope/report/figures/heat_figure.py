"""The map of two swept axes as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lrscope.report.data.axes import format_loss
from lrscope.report.figures.colours import MARKS
from lrscope.report.figures.frames import Theme
from lrscope.report.figures.heat_map import HeatCell, HeatMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = (0.92, 0.5)
"""Inches."""

LETTER = 0.075
"""Inches of a letter of a label."""

PALEST, FULLEST = 0.05, 0.55
"""How much of the green of *trained* the highest and the lowest loss have."""


def heat_figure(heat: HeatMap, theme: Theme) -> Figure:
    """One cell for each pair: its loss on green, the more the lower, or the mark of its failure."""
    wide, high = len(heat.columns) * CELL[0], len(heat.rows) * CELL[1]
    left = 0.55 + LETTER * max(map(len, heat.rows))
    width, height = max(left + wide + 0.2, 5.4), high + 1.45
    figure = Figure(figsize=(width, height))
    ax = figure.add_axes((left / width, 0.95 / height, wide / width, high / height))
    ax.set_title(f"best {heat.loss}")
    ax.set(xlim=(0, len(heat.columns)), ylim=(len(heat.rows), 0), xlabel=heat.x_label, ylabel=heat.y_label)
    ax.set_xticks([i + 0.5 for i in range(len(heat.columns))], heat.columns)
    ax.set_yticks([i + 0.5 for i in range(len(heat.rows))], heat.rows)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for y, row in enumerate(heat.cells):
        for x, cell in enumerate(row):
            if cell is not None:
                _cell(ax, x, y, cell, theme)
    seen = dict.fromkeys(cell.outcome for row in heat.cells for cell in row if cell is not None)
    handles = [
        Line2D([], [], linestyle="none", marker=mark.shape, color=mark.colour, markersize=6.5, label=word)
        for word, mark in MARKS.items()
        if word in seen
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), handletextpad=0.3, columnspacing=1.4)
    return figure


def _cell(ax: Axes, x: int, y: int, cell: HeatCell, theme: Theme) -> None:
    mark, trained = MARKS[cell.outcome], MARKS["trained"].colour
    strength = PALEST + (FULLEST - PALEST) * cell.weight if cell.loss is not None else 0.0
    edge = trained if cell.best else theme.faint
    ax.add_patch(
        Rectangle(
            (x + 0.03, y + 0.05),
            0.94,
            0.9,
            facecolor=to_rgba(trained, strength),
            edgecolor=edge,
            linewidth=2.2 if cell.best else 0.8,
            zorder=3 if cell.best else 2,
        )
    )
    ax.scatter([x + 0.16], [y + 0.5], s=26, marker=mark.shape, color=mark.colour, linewidths=0, zorder=4)
    words = format_loss(cell.loss) if cell.loss is not None else cell.outcome
    if cell.share and cell.loss is not None:
        words += f"\n{cell.share}"
    size = 9 if cell.loss is not None and not cell.share else 8
    weight = "bold" if cell.best else "normal"
    ax.text(x + 0.58, y + 0.5, words, ha="center", va="center", fontsize=size, zorder=4, weight=weight)
