"""The figure of the loss against the swept value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.figures.colours import MARKS
from lrscope.report.figures.frames import DASHES, Theme, framed, set_axis
from lrscope.report.figures.limits import Axis
from lrscope.report.figures.loss_words import above_the_frame
from lrscope.report.figures.shown import Dot, FigureData, LossPanel, Mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 5.4
LINE = 0.24
"""Inches: of one frame with its labels, of one line of the key."""

SHARE_LINE = 0.17
"""Inches: of the line above a frame that says how many seeds failed."""


def loss_figure(comparison: Comparison, figure_data: FigureData, theme: Theme) -> Figure:
    """One frame for each loss side by side, the key to the marks below."""
    panels = figure_data.losses
    lines = _lines(_legend(comparison, figure_data, theme), WIDTH * len(panels) - 0.4)
    lifted = SHARE_LINE if any(panel.shares for panel in panels) else 0.0
    below = 0.62 + LINE * len(lines)
    figure, axes = framed(1, len(panels), WIDTH, height=3.5, right=0.15, below=below, above=0.36 + lifted)
    for ax, panel in zip(axes, panels, strict=True):
        _loss_panel(ax, panel, comparison, figure_data, theme)
    tall = figure.get_size_inches()[1]
    for place, line in enumerate(reversed(lines)):
        corner = (0.5, (0.04 + place * LINE) / tall)
        figure.legend(handles=line, loc="lower center", bbox_to_anchor=corner, ncols=len(line), borderaxespad=0,
                      borderpad=0, handletextpad=0.5, columnspacing=1.8)  # fmt: skip
    return figure


def _lines(handles: Sequence[Line2D], inches: float) -> list[list[Line2D]]:
    """The entries of the key, as many on a line as fit."""
    lines: list[list[Line2D]] = []
    room = 0.0
    for handle in handles:
        width = 0.65 + 0.068 * len(str(handle.get_label()))
        if width > room:
            lines.append([])
            room = inches
        lines[-1].append(handle)
        room -= width
    return lines


def _loss_panel(ax: Axes, panel: LossPanel, comparison: Comparison, figure_data: FigureData, theme: Theme) -> None:
    ax.set_title(panel.title, pad=6 + 72 * SHARE_LINE if panel.shares else None)
    set_axis(ax, panel.x, "x")
    set_axis(ax, panel.y, "y")
    _band(ax, panel.x, figure_data, theme)
    several = len(figure_data.groups) > 1
    for place, (means, (_, colour)) in enumerate(zip(panel.means, figure_data.groups, strict=True)):
        line = colour if several else theme.ink
        _means(ax, means, line, DASHES[place % len(DASHES)], connect=comparison.numeric)
    _marks(ax, panel, comparison)
    for x, words in panel.shares:
        ax.annotate(words, (x, 1), xycoords=ax.get_xaxis_transform(),
                    xytext=(0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=7.5,
                    color=theme.ink)  # fmt: skip


def _marks(ax: Axes, panel: LossPanel, comparison: Comparison) -> None:
    """All members of one verdict at once: matplotlib takes milliseconds for each call."""
    size = 38 if len(panel.dots) <= 40 else 24
    inside: dict[str, list[tuple[float, float, float]]] = {}
    above: dict[str, list[float]] = {}
    for dot in panel.dots:
        member, x = comparison.rows[dot.row].member, _beside(dot, panel.x)
        if dot.above or not math.isfinite(dot.best):
            above.setdefault(member.outcome, []).append(x)
            continue
        shown, other = (dot.final, dot.best) if member.failed and math.isfinite(dot.final) else (dot.best, dot.final)
        inside.setdefault(member.outcome, []).append((x, shown, other if math.isfinite(other) else shown))
    for outcome, places in inside.items():
        mark = MARKS[outcome]
        xs, shown_losses, other_losses = zip(*places, strict=True)
        ax.vlines(xs, shown_losses, other_losses, color=mark.colour, linewidth=0.9, alpha=0.8, zorder=3)
        ax.scatter(xs, other_losses, s=size * 0.3, marker="_", color=mark.colour, zorder=3)
        ax.scatter(xs, shown_losses, s=size, marker=mark.shape, color=mark.colour, zorder=4, linewidths=0)
    for outcome, xs_above in above.items():
        mark = MARKS[outcome]
        edge = ax.get_xaxis_transform()
        ones = [1.0] * len(xs_above)
        shape: Any = {"s": size, "marker": mark.shape, "color": mark.colour, "linewidths": 0}
        ax.scatter(xs_above, ones, zorder=5, transform=edge, clip_on=False, **shape)


def _band(ax: Axes, x: Axis, figure_data: FigureData, theme: Theme) -> None:
    """The recommended range, widened a little so that a single rate shows, too."""
    if figure_data.band is None or figure_data.best is None:
        return
    low, high = figure_data.band
    if x.log:
        room = (x.high / x.low) ** 0.02
        ax.axvspan(low / room, high * room, color=theme.band, linewidth=0, zorder=0)
    else:
        room = 0.02 * (x.high - x.low) if not x.names else 0.35
        ax.axvspan(low - room, high + room, color=theme.band, linewidth=0, zorder=0)
    ax.axvline(figure_data.best, color=MARKS["trained"].colour, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)


def _means(ax: Axes, means: Sequence[Mean], colour: str, dash: Any, connect: bool) -> None:
    for before, mean in pairwise(means):
        if connect and mean.joined:
            ax.plot([before.x, mean.x], [before.estimate.mean, mean.estimate.mean], color=colour, linewidth=1.1,
                    alpha=0.75, linestyle=dash, zorder=2)  # fmt: skip
    for mean in means:
        if mean.estimate.n > 1:
            estimate = mean.estimate
            ax.errorbar(mean.x, estimate.mean, [[estimate.mean - estimate.low], [estimate.high - estimate.mean]],
                        color=colour, linewidth=1.3, capsize=4, marker="_", markersize=9, zorder=3)  # fmt: skip


def _beside(dot: Dot, axis: Axis) -> float:
    """Seeds of one rate stand side by side, not on top of each other."""
    if axis.log:
        return dot.x * (axis.high / axis.low) ** (0.035 * dot.side)
    return dot.x + dot.side * (0.3 if axis.names else 0.035 * (axis.high - axis.low))


def _legend(comparison: Comparison, figure_data: FigureData, theme: Theme) -> list[Line2D]:
    seen = {row.member.outcome for row in comparison.rows}
    handles = [
        Line2D([], [], linestyle="none", marker=mark.shape, color=mark.colour, markersize=6.5, label=word)
        for word, mark in MARKS.items()
        if word in seen
    ]
    if any(row.outcome.final_val != row.outcome.best_val for row in comparison.rows if not row.member.failed):
        handles.append(Line2D([], [], marker="_", color=theme.ink, linewidth=0.9, label="mark: best, tick: at the end"))
    handles += [Line2D([], [], linestyle="none", label=words) for words in above_the_frame(figure_data)]
    if figure_data.interval:
        handles.append(Line2D([], [], color=theme.ink, linewidth=1.3, marker="|", label=figure_data.interval))
    if len(figure_data.groups) > 1:
        handles += [
            Line2D([], [], color=colour, linewidth=1.8, linestyle=DASHES[i % len(DASHES)], label=label)
            for i, (label, colour) in enumerate(figure_data.groups)
        ]
    if figure_data.band is not None:
        handles.append(Line2D([], [], color=theme.band, linewidth=8, label="recommended"))
    return handles
