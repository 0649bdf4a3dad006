"""Two swept axes as a map: the loss and the verdict of every pair, the recommended one marked."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Cell, Comparison
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.figures.shown import name_of, names_on_x

FEWEST_ROWS = 3
"""Two settings are told by two lines in the figure of the loss; from three on by a map."""

MOST_COLUMNS = 16
MOST_ROWS = 40


@dataclass(frozen=True)
class HeatCell:
    """``loss``: the mean over the seeds that trained (None: none did), or of the metric that decides; ``weight`` from
    0 (the worst of the map, or failed) to 1 (the best); ``outcome`` what became of most of its members; ``share``:
    ``4/5 failed`` or empty.
    """

    loss: float | None
    weight: float
    outcome: str
    share: str
    best: bool


@dataclass(frozen=True)
class HeatMap:
    """``cells[row][column]``, None where that pair was not run."""

    x_label: str
    y_label: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[HeatCell | None, ...], ...]
    loss: str
    better: str = "lower"


def heat_map_of(comparison: Comparison, recommendation: Recommendation | None) -> HeatMap | None:
    """None where the settings are too few for a map, or too many to read one."""
    columns = sorted_names(comparison)
    groups = comparison.groups
    if not (FEWEST_ROWS <= len(groups) <= MOST_ROWS and 2 <= len(columns) <= MOST_COLUMNS):
        return None
    losses = [cell.best.mean for group in groups for cell in group.cells if cell.best]
    low, high = (min(losses), max(losses)) if losses else (math.nan, math.nan)
    rows = []
    for group in groups:
        chosen = recommendation is not None and recommendation.group == group.label
        by_name = {name_of(cell.x): cell for cell in group.cells if cell.x is not None}
        best = name_of(recommendation.best) if chosen and recommendation and recommendation.best is not None else None
        rows.append(
            tuple(_cell(by_name[n], low, high, n == best, comparison.judge) if n in by_name else None for n in columns)
        )
    keys = list(dict.fromkeys(key for group in groups for key in group.settings))
    one = len(keys) == 1
    return HeatMap(
        x_label=comparison.x_axis,
        y_label=keys[0] if one else "settings",
        columns=tuple(columns),
        rows=tuple(group.settings[keys[0]] if one else group.label for group in groups),
        cells=tuple(rows),
        loss=comparison.loss,
        better=comparison.judge.better,
    )


def sorted_names(comparison: Comparison) -> list[str]:
    """The values on the x axis: numbers in their order, whichever group has them."""
    if not comparison.numeric:
        return names_on_x(comparison)
    values = {cell.x for group in comparison.groups for cell in group.cells if isinstance(cell.x, float)}
    return [name_of(value) for value in sorted(values)]


def _cell(cell: Cell, low: float, high: float, best: bool, judge: JudgedBy) -> HeatCell:
    outcome = Counter(row.member.outcome for row in cell.rows).most_common(1)[0][0]
    cost = cell.best.mean if cell.best else None
    shown = judge.value(cost) if cost is not None else None
    failed = cell.failed
    share = f"{failed.count}/{failed.total} failed" if failed.count and failed.total > 1 else ""
    return HeatCell(shown, nearness(cost, low, high), outcome, share, best)


def nearness(loss: float | None, low: float, high: float) -> float:
    """How near a loss lies to the lowest, from 0 (the highest, or none) to 1; in the logarithm of positive ones."""
    if loss is None:
        return 0.0
    if low == high:
        return 1.0
    if low > 0:
        return 1 - math.log(loss / low) / math.log(high / low)
    return (high - loss) / (high - low)
