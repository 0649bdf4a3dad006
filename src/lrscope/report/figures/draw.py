"""The figures as PNG files. Only this module and those it draws with use matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.figures.curve_figure import curve_figure
from lrscope.report.figures.figure_data import FigureData
from lrscope.report.figures.frames import DARK, LIGHT, Theme
from lrscope.report.figures.loss_figure import loss_figure

DPI = 120


def draw_figures(
    comparison: Comparison, figure_data: FigureData, folder: Path, themes: Sequence[str]
) -> tuple[Path, ...]:
    """Write ``loss_vs_rate.png`` and ``curves.png`` (for the dark theme ``…-dark.png``) into the folder."""
    written = []
    for name in themes:
        theme = DARK if name == "dark" else LIGHT
        ending = "-dark" if name == "dark" else ""
        with matplotlib.rc_context(_settings(theme)):
            for stem, draw in (("loss_vs_rate", loss_figure), ("curves", curve_figure)):
                figure = draw(comparison, figure_data, theme)
                path = folder / f"{stem}{ending}.png"
                FigureCanvasAgg(figure).print_png(str(path))
                written.append(path)
    return tuple(written)


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
