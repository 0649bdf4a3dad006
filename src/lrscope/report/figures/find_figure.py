"""The figure of a find: the loss against the rate at each horizon, and the law of the best rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lrscope.core.found_rate import FoundRate, Measured, RateAt
from lrscope.report.figures.colours import MARKS, WORKS, on_scale
from lrscope.report.figures.frames import Theme, framed, set_axis
from lrscope.report.figures.limits import loss_axis, spanning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, KEY = 5.0, 3.3, 0.3


def find_figure(measured: Measured, found: FoundRate, theme: Theme) -> Figure:
    """Both frames side by side, the key below."""
    figure, (losses, law) = framed(1, 2, WIDTH, HEIGHT, right=0.15, below=0.62 + KEY)
    colours = [theme.lifted(on_scale(n / max(len(measured.horizons), 1))) for n in range(len(measured.horizons))]
    _losses(losses, measured, found, theme, colours)
    _law(law, found, theme, colours)
    figure.legend(handles=_key(measured, found, colours), loc="lower center",
                  bbox_to_anchor=(0.5, 0.04 / figure.get_size_inches()[1]), ncols=6, borderaxespad=0, borderpad=0,
                  handletextpad=0.5, columnspacing=1.8)  # fmt: skip
    return figure


def _losses(ax: Axes, measured: Measured, found: FoundRate, theme: Theme, colours: Sequence[object]) -> None:
    ax.set_title("loss against the rate, at each horizon")
    all_losses = [loss for horizon in measured.horizons for loss in horizon.losses]
    set_axis(ax, spanning("learning rate", measured.rates, log=True), "x")
    low = [loss for loss in all_losses if loss <= measured.start]
    y = loss_axis(measured.metric, low, [], measured.start)
    set_axis(ax, y, "y")
    _mark_planned(ax, found, theme, along="x")
    for horizon, colour in zip(measured.horizons, colours, strict=True):
        for stretch in _stretches(measured.rates, horizon.losses):
            ax.plot(*zip(*stretch, strict=True), color=colour, linewidth=1.3, marker="o", markersize=2.6)
    by_updates = {horizon.updates: horizon for horizon in measured.horizons}
    for one, colour in zip(found.optima, colours, strict=False):
        at = min(by_updates[one.updates].losses)
        ax.plot(one.rate, at, marker="D", markersize=6, color=colour, markeredgecolor=theme.ink, zorder=5)
    if found.fails_from is not None and found.fails_from < ax.get_xlim()[1]:
        ax.axvspan(found.fails_from, ax.get_xlim()[1], color=MARKS["diverged"].colour, alpha=0.12, linewidth=0)


def _law(ax: Axes, found: FoundRate, theme: Theme, colours: Sequence[object]) -> None:
    ax.set_title("best rate against the updates")
    told = (found.best, *found.longer) if found.best is not None else ()
    every = [*found.optima, *told]
    if not every:
        ax.set_axis_off()
        return
    ends = [end for one in every for end in (one.low, one.high)]
    set_axis(ax, spanning("updates", [float(one.updates) for one in every], log=True), "x")
    set_axis(ax, spanning("best learning rate", ends, log=True), "y")
    _mark_planned(ax, found, theme, along="y")
    if found.best is not None:
        first, last = every[0].updates, every[-1].updates
        at = [found.best.rate * (updates / found.planned) ** found.slope for updates in (first, last)]
        ax.plot([first, last], at, color=theme.ink, linewidth=1.0, linestyle=(0, (5, 2)), zorder=2)
        ax.axvline(found.planned, color=theme.ink, linewidth=0.8, linestyle=(0, (1.2, 1.6)))
    for one, colour in zip(found.optima, colours, strict=False):
        _with_interval(ax, one, colour, "D")
    for one in told:
        _with_interval(ax, one, WORKS, "o" if one is found.best else "|")


def _with_interval(ax: Axes, one: RateAt, colour: object, mark: str) -> None:
    ax.errorbar(one.updates, one.rate, [[one.rate - one.low], [one.high - one.rate]], color=colour, marker=mark,
                markersize=6, linewidth=1.2, capsize=4, zorder=4)  # fmt: skip


def _mark_planned(ax: Axes, found: FoundRate, theme: Theme, along: str) -> None:
    """The range of the rate that was found."""
    if found.best is None:
        return
    span, line = (ax.axvspan, ax.axvline) if along == "x" else (ax.axhspan, ax.axhline)
    span(found.best.low, found.best.high, color=theme.band, linewidth=0, zorder=0)
    line(found.best.rate, color=WORKS, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)


def _stretches(rates: Sequence[float], losses: Sequence[float]) -> list[list[tuple[float, float]]]:
    """Neighbouring rates whose copies have a loss."""
    pairs = list(zip(rates, losses, strict=True))
    return [list(own) for finite, own in groupby(pairs, key=lambda pair: math.isfinite(pair[1])) if finite]


def _key(measured: Measured, found: FoundRate, colours: Sequence[object]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker="D", markersize=5, label=f"{horizon.updates:,} updates")  # type: ignore[arg-type]
        for horizon, colour in zip(measured.horizons, colours, strict=True)
    ]
    if found.best is not None:
        green = WORKS
        handles.append(Line2D([], [], color=green, marker="o", linestyle=(0, (2, 2)), label=_planned_words(found)))
    if found.fails_from is not None:
        red = MARKS["diverged"].colour
        handles.append(Line2D([], [], color=red, alpha=0.3, linewidth=7, label="copies fail"))
    return handles


def _planned_words(found: FoundRate) -> str:
    assert found.lr is not None
    return f"{found.lr:g} for the {found.planned:,} planned"
