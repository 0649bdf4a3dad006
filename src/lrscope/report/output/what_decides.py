"""Several swept numbers: the importance of each, and how they lie to the loss."""

from __future__ import annotations

from html import escape

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.importance import FEWEST_AXES, importances, swept_numbers
from lrscope.report.output.html_table import html_table
from lrscope.report.output.parallel_svg import parallel_coordinates
from lrscope.report.output.search_svg import search_figures
from lrscope.report.output.tables import TextTable


def what_decides(comparison: Comparison, best: Row | None) -> str:
    """The importance of each number and figures; empty where the table or the map of a sweep tells it all."""
    axes = swept_numbers(comparison)
    if not axes:
        return ""
    found = importances(comparison, axes)
    if isinstance(found, str):
        importance, ranked = f'<p class="soft">{escape(found)}</p>', []
    else:
        ranked = sorted(found.items(), key=lambda item: -item[1])
        rows = tuple((key, f"{share:.0%}") for key, share in ranked)
        importance = html_table(TextTable(("axis", "importance"), (False, True), rows))
    first = [comparison.x_axis, *(key for key, _ in ranked)]
    by_weight = sorted(axes, key=lambda axis: first.index(axis.key) if axis.key in first else len(first))
    figures = search_figures(comparison, by_weight, best) if comparison.sweeps[0].searched else ""
    lines = parallel_coordinates(comparison, axes, best) if len(axes) >= FEWEST_AXES else ""
    return f"<h2>What decides</h2>{importance}{figures}{lines}"
