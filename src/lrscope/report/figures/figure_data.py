"""From a comparison to what its figures show: the PNG files and the page draw the same."""

from __future__ import annotations

import math

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.figures.curve_panels import curve_panels
from lrscope.report.figures.loss_panels import loss_panels
from lrscope.report.figures.shown import FigureData, Place, name_of, names_on_x
from lrscope.report.figures.swept_colours import swept_colours


def figure_data_of(comparison: Comparison, recommendation: Recommendation | None, points: int) -> FigureData:
    """What the figures of a comparison show; ``points`` bounds the length of each curve."""
    place = _places(comparison)
    swept = swept_colours(comparison)
    return FigureData(
        losses=loss_panels(comparison, place),
        curves=curve_panels(comparison, swept, points),
        colours=swept.of_rows,
        dashes=swept.dashes,
        groups=swept.groups,
        legend=swept.legend,
        scale=swept.scale,
        band=_band(recommendation, place),
        best=place(recommendation.best) if recommendation and recommendation.best is not None else None,
        interval=f"bars: 95% t-interval of the mean over {comparison.means_over}" if comparison.seeds > 1 else "",
    )


def _places(comparison: Comparison) -> Place:
    """A number is its own place, a category has that of its name in the order of appearance."""
    if comparison.numeric:
        return lambda x: x if isinstance(x, float) else math.nan
    names = names_on_x(comparison)
    return lambda x: float(names.index(name_of(x))) if x is not None else math.nan


def _band(recommendation: Recommendation | None, place: Place) -> tuple[float, float] | None:
    if recommendation is None or recommendation.best is None:
        return None
    return place(recommendation.low), place(recommendation.high)
