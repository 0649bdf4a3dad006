"""The frames of the loss against the swept value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from lrscope.report.analysis.comparison import Comparison, Group, Row
from lrscope.report.analysis.estimates import loss_interval
from lrscope.report.figures.limits import Axis, loss_axis, spanning
from lrscope.report.figures.short_names import short_names
from lrscope.report.figures.shown import Dot, LossPanel, Mean, Place, names_on_x

MOST_SHARES = 12
"""So many values have room for a number above each; and so many for a word beside it:"""

MOST_WORDS = 6

Number = Callable[[Row], float]


def loss_panels(comparison: Comparison, place: Place) -> tuple[LossPanel, ...]:
    """Validation and training loss, whichever was recorded."""
    x = _x_axis(comparison, place)
    wanted: tuple[tuple[str, Number, Number], ...] = (
        ("validation loss", lambda row: row.outcome.best_val, lambda row: row.outcome.final_val),
        ("training loss", lambda row: row.outcome.best_train, lambda row: row.outcome.final_train),
    )
    panels = [_loss_panel(title, comparison, x, place, best, final) for title, best, final in wanted]
    shown = tuple(panel for panel in panels if any(not math.isnan(dot.final) for dot in panel.dots)) or (panels[1],)
    return shown if comparison.judge.is_loss else (_judged_panel(comparison, x, place), *shown)


def _x_axis(comparison: Comparison, place: Place) -> Axis:
    label = "peak learning rate" if comparison.by_rate else comparison.x_axis
    if not comparison.numeric:
        names = short_names(names_on_x(comparison))
        return Axis(label, -0.6, max(len(names), 1) - 0.4, names=names)
    values = [value for row in comparison.rows if math.isfinite(value := place(row.x))]
    log = bool(values) and min(values) > 0 and (comparison.by_rate or max(values) / min(values) > 5)
    return spanning(label, values or [1.0], log)


def _loss_panel(title: str, comparison: Comparison, x: Axis, place: Place, best: Number, final: Number) -> LossPanel:
    rows = comparison.rows
    good = [row for row in rows if not row.member.failed]
    bad = [row for row in rows if row.member.failed]
    means = tuple(_means(group, place, best) for group in comparison.groups)
    shown = [v for row in good for v in (best(row), final(row))] + _interval_ends(means)
    y = loss_axis(title, shown, [final(row) for row in bad], comparison.loss_start)
    sides = _sides(comparison)
    dots = []
    for index, row in enumerate(rows):
        at = place(row.x)
        if not math.isfinite(at):
            continue
        beyond = row.member.failed and not y.holds(final(row))
        dots.append(Dot(index, at, sides[row.member.run_id], best(row), final(row), above=beyond))
    return LossPanel(title, x, y, tuple(dots), means, _shares(comparison, place))


def _judged_panel(comparison: Comparison, x: Axis, place: Place) -> LossPanel:
    """The metric that decides, in its own direction: nothing lies beyond its frame."""
    judge, sides = comparison.judge, _sides(comparison)
    dots = tuple(
        Dot(index, at, sides[row.member.run_id], judge.value(row.best), judge.value(row.final), above=False)
        for index, row in enumerate(comparison.rows)
        if math.isfinite(at := place(row.x)) and math.isfinite(row.best)
    )
    means = tuple(_means(group, place, lambda row: row.best) for group in comparison.groups)
    means = tuple(tuple(replace(mean, estimate=judge.estimate(mean.estimate)) for mean in of) for of in means)
    values = [value for dot in dots for value in (dot.best, dot.final) if math.isfinite(value)]
    y = spanning(judge.metric, [*values, *_interval_ends(means)] or [0.0, 1.0], log=False if judge.rises else None)
    return LossPanel(judge.metric, x, y, dots, means, _shares(comparison, place))


def _sides(comparison: Comparison) -> dict[str, float]:
    cells = [cell.rows for group in comparison.groups for cell in group.cells]
    return {
        row.member.run_id: place / (len(rows) - 1) - 0.5 if len(rows) > 1 else 0.0
        for rows in cells
        for place, row in enumerate(rows)
    }


def _means(group: Group, place: Place, best: Number) -> tuple[Mean, ...]:
    found = []
    joins = False
    for cell in group.cells:
        trained = [row for row in cell.rows if row.member.tells and not row.member.failed]
        losses = [value for row in trained if math.isfinite(value := best(row))]
        safe = cell.failed.count == 0
        if losses and math.isfinite(place(cell.x)):
            found.append(Mean(place(cell.x), loss_interval(losses), joined=joins and safe))
            joins = safe
        elif not safe:
            joins = False
    return tuple(found)


def _interval_ends(means: Sequence[Sequence[Mean]]) -> list[float]:
    """The ends of intervals over three or more seeds, which the frame has to hold; over two they are too wide to."""
    estimates = [mean.estimate for of_group in means for mean in of_group if mean.estimate.n > 2]
    return [end for estimate in estimates for end in (max(estimate.low, estimate.mean / 2), estimate.high)]


def _shares(comparison: Comparison, place: Place) -> tuple[tuple[float, str], ...]:
    """How many seeds failed, above the values where some did: marks that lie on each other cannot be counted.

    None where it is one seed each, where groups share their places, or where there is no room for so many.
    """
    if comparison.seeds < 2 or len(comparison.groups) != 1:
        return ()
    cells = [cell for cell in comparison.groups[0].cells if math.isfinite(place(cell.x))]
    if len(cells) > MOST_SHARES:
        return ()
    word = " failed" if len(cells) <= MOST_WORDS else ""
    return tuple((place(c.x), f"{c.failed.count}/{c.failed.total}{word}") for c in cells if c.failed.count)
