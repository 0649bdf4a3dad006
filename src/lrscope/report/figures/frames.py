"""Frames, axes and colours that both figures are built from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from lrscope.report.figures.limits import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


MOST_DECADES = 3
"""A log axis over more has no minor ticks: nobody reads them, and matplotlib takes a millisecond for each."""


@dataclass(frozen=True)
class Theme:
    ground: str
    ink: str
    faint: str
    band: str


LIGHT = Theme(ground="#ffffff", ink="#22262b", faint="#d9dde2", band="#009e7322")
DARK = Theme(ground="#16181d", ink="#e4e7eb", faint="#33383f", band="#2fd0a02b")


def framed(
    rows: int, columns: int, width: float, height: float, right: float, below: float, above: float = 0.36
) -> tuple[Figure, list[Axes]]:
    """A grid of frames with room for their labels, in inches: matplotlib's own layout draws everything three times."""
    left, between = 0.78, 0.92
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


def tick(value: float, _: int | None = None) -> str:
    """``0.001``, ``1``, ``1e-06``: powers of ten as people type them."""
    return f"{value:g}"


def set_axis(ax: Axes, axis: Axis, which: str) -> None:
    side = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xlabel if which == "x" else ax.set_ylabel)(
        axis.label + (" (log scale)" if axis.log and which == "y" else "")
    )
    if axis.log:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        decades = math.log10(axis.high / axis.low)
        within = decades < 1.5
        side.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if within else (1.0,), numticks=12))
        side.set_major_formatter(FuncFormatter(tick))
        side.set_minor_formatter(NullFormatter())
        if decades > MOST_DECADES:
            side.set_minor_locator(NullLocator())
    (ax.set_xlim if which == "x" else ax.set_ylim)(axis.low, axis.high)
    if axis.names:
        side.set_minor_locator(NullLocator())
        ax.set_xticks(range(len(axis.names)), axis.names, rotation=0 if len(axis.names) <= 6 else 30)
        ax.grid(visible=False, axis="x")
