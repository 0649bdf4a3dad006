"""Frames, axes and colours that both figures are built from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from lrscope.report.figures.limits import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


NARROW = 5.0
"""A log axis over less than this factor has ticks as a linear one: it holds no two powers of ten."""

MOST_DECADES = 3
"""A log axis over more has no minor ticks: nobody reads them, and matplotlib takes a millisecond for each."""


@dataclass(frozen=True)
class Theme:
    ground: str
    ink: str
    faint: str
    band: str
    lift: float
    """How much of the ink is mixed into a curve's colour: dark shades are lost on a dark ground."""

    def lifted(self, colour: str) -> Any:
        return _mixed(colour, self.ink, self.lift)

    def for_text(self, colour: str) -> Any:
        """A colour that can be read in small letters."""
        return _mixed(colour, self.ink, 0.3 + self.lift / 2)


def _mixed(colour: str, ink: str, share: float) -> Any:
    pairs = zip(to_rgb(colour), to_rgb(ink), strict=True)
    return tuple((1 - share) * one + share * other for one, other in pairs)


LIGHT = Theme(ground="#ffffff", ink="#22262b", faint="#d9dde2", band="#009e7322", lift=0.0)
DARK = Theme(ground="#16181d", ink="#e4e7eb", faint="#33383f", band="#2fd0a02b", lift=0.28)


def framed(
    rows: int,
    columns: int,
    width: float,
    height: float,
    right: float,
    below: float,
    above: float = 0.36,
    beside: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """A grid of frames with room for their labels (``beside``: at the right of each), in inches.

    matplotlib's own layout draws everything three times.
    """
    left, between = 0.78, 0.92
    full_width = columns * width + right
    full_height = rows * height + (rows - 1) * between + above + below
    figure = Figure(figsize=(full_width, full_height))
    axes = []
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        bottom = below + (rows - 1 - row) * (height + between)
        box = (column * width + left, bottom, width - left - 0.12 - beside, height)
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
        narrow = axis.high / axis.low < NARROW
        usual = LogLocator(subs=(1.0, 2.0, 5.0) if within else (1.0,), numticks=12)
        side.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]) if narrow else usual)
        side.set_major_formatter(FuncFormatter(tick))
        side.set_minor_formatter(NullFormatter())
        if decades > MOST_DECADES or narrow:
            side.set_minor_locator(NullLocator())
    (ax.set_xlim if which == "x" else ax.set_ylim)(axis.low, axis.high)
    if axis.names:
        side.set_minor_locator(NullLocator())
        ax.set_xticks(range(len(axis.names)), axis.names, rotation=0 if len(axis.names) <= 6 else 30)
        ax.grid(visible=False, axis="x")
