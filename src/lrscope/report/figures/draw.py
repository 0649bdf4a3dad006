"""The figures as PNG files. Only this module and those it draws with use matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lrscope.core.found_rate import FoundRate, Measured
from lrscope.report.analysis.comparison import Comparison
from lrscope.report.figures.curve_figure import curve_figure
from lrscope.report.figures.find_figure import find_figure
from lrscope.report.figures.frames import DARK, LIGHT, Theme
from lrscope.report.figures.heat_figure import heat_figure
from lrscope.report.figures.heat_map import HeatMap
from lrscope.report.figures.loss_figure import loss_figure
from lrscope.report.figures.shown import NOTE_FIGURE, FigureData

DPI = 120

NOTE_WIDTH = 680
"""Pixels of the figure of a note."""


def draw_figures(
    comparison: Comparison, figure_data: FigureData, heat: HeatMap | None, folder: Path, themes: Sequence[str]
) -> tuple[Path, ...]:
    """Write ``loss_vs_rate.png`` and ``curves.png`` (for the dark theme ``…-dark.png``) into the folder, and the figure
    of the note.

    Where there is a map of two axes, it is the figure of the loss.
    """
    written = []
    for name in themes:
        theme = DARK if name == "dark" else LIGHT
        ending = "-dark" if name == "dark" else ""
        loss = partial(heat_figure, heat, theme) if heat else partial(loss_figure, comparison, figure_data, theme)
        for stem, draw in (("loss_vs_rate", loss), ("curves", partial(curve_figure, comparison, figure_data, theme))):
            path = folder / f"{stem}{ending}.png"
            path.write_bytes(_png(draw, _settings(theme)))
            written.append(path)
    first = replace(figure_data, losses=figure_data.losses[:1])
    drawn = partial(heat_figure, heat, LIGHT) if heat else partial(loss_figure, comparison, first, LIGHT)
    written.append(folder / NOTE_FIGURE)
    written[-1].write_bytes(_png(drawn, _settings(LIGHT), NOTE_WIDTH))
    return tuple(written)


def draw_find(measured: Measured, found: FoundRate, folder: Path, themes: Sequence[str]) -> tuple[Path, ...]:
    """Write ``loss_vs_rate.png`` of a find (for the dark theme ``…-dark.png``) into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in themes:
        theme, ending = (DARK, "-dark") if name == "dark" else (LIGHT, "")
        path = folder / f"loss_vs_rate{ending}.png"
        path.write_bytes(_png(partial(find_figure, measured, found, theme), _settings(theme)))
        written.append(path)
    return tuple(written)


def _png(draw: Callable[[], Figure], settings: Any, widest: int | None = None) -> bytes:
    """The figure as PNG. A name with dollars that is no formula is drawn as it stands, and powers of ten then, too.

    Args:
        widest: pixels; what would be wider is drawn smaller.
    """
    for formulas in (True, False):
        drawn = io.BytesIO()
        with matplotlib.rc_context({**settings, "text.parse_math": formulas}):
            try:
                figure = draw()
                if widest is not None:
                    figure.set_dpi(min(DPI, int(widest / figure.get_size_inches()[0])))
                FigureCanvasAgg(figure).print_png(drawn)
                break
            except ValueError:
                if not formulas:
                    raise
    return drawn.getvalue()


def get_ready_to_draw() -> None:
    """Draw next to nothing: a process's first figure finds the fonts and fills matplotlib's caches."""
    with matplotlib.rc_context(_settings(LIGHT)):
        figure = Figure()
        figure.add_subplot(title="0", xscale="log")
        FigureCanvasAgg(figure).print_png(io.BytesIO())


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
