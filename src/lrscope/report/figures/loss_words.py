"""Words below the figure of the loss that the marks do not say themselves."""

from __future__ import annotations

from lrscope.report.figures.shown import FigureData


def above_the_frame(figure_data: FigureData) -> list[str]:
    """What stands at the upper edge."""
    found = []
    if any(dot.above for panel in figure_data.losses for dot in panel.dots):
        found.append("at the upper edge: loss beyond it")
    if any("failed" not in words for panel in figure_data.losses for _, words in panel.shares):
        found.append("n/m above: n of m seeds failed")
    return found
