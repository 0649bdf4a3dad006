"""What the figures show, as plain data: the PNG files and the page draw the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series, Trace
from lrscope.report.analysis.comparison import Comparison, Group, Row
from lrscope.report.analysis.estimates import Estimate, mean_interval
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.figures.colours import CATEGORIES, rate_colours
from lrscope.report.figures.limits import Axis, averaged, loss_axis, share_axis, spanning, thinned

MANY = 16
"""With more curves than this in one frame, noisy ones are drawn as means and all of them thinner."""

SMOOTH_POINTS = 80
"""Points of a noisy curve among many."""

FADED = 0.01
"""A rate that falls below this share of its peak leaves the frame: a cosine ends at 0, which no logarithm shows."""

SPIKE = 2.0
"""A curve that rises above this times the loss at the start, and comes back, leaves the frame on the way."""


@dataclass(frozen=True)
class Dot:
    """A member against the swept value: its best and final loss.

    ``side`` (-0.5 to 0.5) sets the seeds of one cell beside each other, ``above`` tells a failed run whose loss lies
    beyond the frame.
    """

    row: int
    x: float
    side: float
    best: float
    final: float
    above: bool


@dataclass(frozen=True)
class Mean:
    """The mean over the seeds of one cell that trained."""

    x: float
    estimate: Estimate


@dataclass(frozen=True)
class LossPanel:
    """Loss against the swept value; ``means[g]`` belongs to group g."""

    title: str
    x: Axis
    y: Axis
    dots: tuple[Dot, ...]
    means: tuple[tuple[Mean, ...], ...]


@dataclass(frozen=True)
class Curve:
    row: int
    steps: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class CurvePanel:
    """``metric``: what MLflow calls that curve."""

    title: str
    metric: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class FigureData:
    """``colours[r]`` and ``dashes[r]`` (0 solid, 1 dashed …) belong to row r, ``groups`` are label and colour.

    ``band`` is the recommended range on the x axis with its ends, ``scale`` the lowest and highest rate of the colour
    scale (None: colours tell settings, listed in ``legend``).
    """

    losses: tuple[LossPanel, ...]
    curves: tuple[CurvePanel, ...]
    colours: tuple[str, ...]
    dashes: tuple[int, ...]
    groups: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str], ...]
    scale: tuple[float, float] | None
    band: tuple[float, float] | None
    best: float | None
    interval: str


def figure_data_of(comparison: Comparison, recommendation: Recommendation | None, points: int) -> FigureData:
    """What the figures of a comparison show; ``points`` bounds the length of each curve."""
    rows = comparison.rows
    by_rate = len({row.member.rate for row in rows if row.member.rate}) > 1 and comparison.by_rate
    labels = [group.label for group in comparison.groups]
    legend = () if by_rate else _categories(comparison)
    rates = [row.member.rate for row in rows if row.member.rate]
    colours = rate_colours([row.member.rate for row in rows]) if by_rate else _by_category(comparison, dict(legend))
    place = _places(comparison)
    return FigureData(
        losses=_loss_panels(comparison, place),
        curves=_curve_panels(rows, comparison, points),
        colours=tuple(colours),
        dashes=tuple(labels.index(row.group) % 4 if len(labels) > 1 and by_rate else 0 for row in rows),
        groups=tuple((label, CATEGORIES[i % len(CATEGORIES)]) for i, label in enumerate(labels)),
        legend=legend,
        scale=(min(rates), max(rates)) if by_rate else None,
        band=_band(recommendation, place),
        best=place(recommendation.best) if recommendation and recommendation.best is not None else None,
        interval=f"bars: 95% t-interval of the mean over {comparison.means_over}" if comparison.seeds > 1 else "",
    )


Place = Callable[[float | str | None], float]


def _places(comparison: Comparison) -> Place:
    """From a swept value to its place on the x axis: itself, or the number of its category; nan where unknown."""
    if comparison.numeric:
        return lambda x: x if isinstance(x, float) else math.nan
    names = _names(comparison)
    return lambda x: float(names.index(_name(x))) if x is not None else math.nan


def _names(comparison: Comparison) -> list[str]:
    return list(
        dict.fromkeys(_name(cell.x) for group in comparison.groups for cell in group.cells if cell.x is not None)
    )


def _name(x: float | str | None) -> str:
    return f"{x:.4g}" if isinstance(x, float) else str(x)


def _categories(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    names = _names(comparison) if len(comparison.groups) < 2 else [group.label for group in comparison.groups]
    return tuple((name, CATEGORIES[i % len(CATEGORIES)]) for i, name in enumerate(names))


def _by_category(comparison: Comparison, colours: dict[str, str]) -> list[str]:
    return [
        colours.get(row.group if len(comparison.groups) > 1 else _name(row.x), CATEGORIES[-1])
        for row in comparison.rows
    ]


def _band(recommendation: Recommendation | None, place: Place) -> tuple[float, float] | None:
    if recommendation is None or recommendation.best is None:
        return None
    return place(recommendation.low), place(recommendation.high)


def _loss_panels(comparison: Comparison, place: Place) -> tuple[LossPanel, ...]:
    x = _x_axis(comparison, place)
    wanted = (
        ("validation loss", lambda row: row.outcome.best_val, lambda row: row.outcome.final_val),
        ("training loss", lambda row: row.outcome.best_train, lambda row: row.outcome.final_train),
    )
    panels = [_loss_panel(title, comparison, x, place, best, final) for title, best, final in wanted]
    return tuple(panel for panel in panels if any(not math.isnan(dot.final) for dot in panel.dots)) or (panels[1],)


def _x_axis(comparison: Comparison, place: Place) -> Axis:
    label = "peak learning rate" if comparison.by_rate else comparison.x_axis
    if not comparison.numeric:
        names = tuple(_names(comparison))
        return Axis(label, -0.6, max(len(names), 1) - 0.4, names=names)
    values = [value for row in comparison.rows if math.isfinite(value := place(row.x))]
    log = bool(values) and min(values) > 0 and (comparison.by_rate or max(values) / min(values) > 5)
    return spanning(label, values or [1.0], log)


def _loss_panel(
    title: str,
    comparison: Comparison,
    x: Axis,
    place: Place,
    best: Callable[[Row], float],
    final: Callable[[Row], float],
) -> LossPanel:
    rows = comparison.rows
    good = [row for row in rows if not row.member.failed]
    bad = [row for row in rows if row.member.failed]
    means = tuple(_means(group, place, best) for group in comparison.groups)
    shown = [v for row in good for v in (best(row), final(row))] + _interval_ends(means)
    y = loss_axis(title, shown, [final(row) for row in bad], comparison.start)
    sides = _sides(comparison)
    dots = []
    for index, row in enumerate(rows):
        at = place(row.x)
        if not math.isfinite(at):
            continue
        beyond = row.member.failed and not y.holds(final(row))
        dots.append(Dot(index, at, sides[row.member.run_id], best(row), final(row), above=beyond))
    return LossPanel(title, x, y, tuple(dots), means)


def _sides(comparison: Comparison) -> dict[str, float]:
    cells = [cell.rows for group in comparison.groups for cell in group.cells]
    return {
        row.member.run_id: place / (len(rows) - 1) - 0.5 if len(rows) > 1 else 0.0
        for rows in cells
        for place, row in enumerate(rows)
    }


def _means(group: Group, place: Place, best: Callable[[Row], float]) -> tuple[Mean, ...]:
    found = []
    for cell in group.cells:
        trained = [row for row in cell.rows if row.member.ended and not row.member.failed]
        losses = [value for row in trained if math.isfinite(value := best(row))]
        if losses:
            found.append(Mean(place(cell.x), mean_interval(losses)))
    return tuple(found)


def _interval_ends(means: Sequence[Sequence[Mean]]) -> list[float]:
    """The ends of intervals over three or more seeds, which the frame has to hold; over two they are too wide to."""
    estimates = [mean.estimate for of_group in means for mean in of_group if mean.estimate.n > 2]
    return [end for estimate in estimates for end in (max(estimate.low, estimate.mean / 2), estimate.high)]


def _curve_panels(rows: Sequence[Row], comparison: Comparison, points: int) -> tuple[CurvePanel, ...]:
    traces = [row.member.trace for row in rows]
    last = max((int(s.steps[-1]) for trace in traces for s in trace.series.values() if len(s)), default=1)
    x = Axis("step (optimizer updates)", 0.0, max(last, 1) * 1.02)
    panels = []
    for metric in _charted(traces):
        series = [trace.get(metric) for trace in traces]
        noisy = metric == "train/loss" and len(rows) > MANY
        thin = _smooth if noisy else thinned
        curves = tuple(Curve(i, *thin(s, points)) for i, s in enumerate(series) if np.isfinite(s.values).any())
        if curves:
            y = _y_axis(metric, curves, rows, comparison.start)
            panels.append(CurvePanel(_title(metric, series, noisy), metric, x, y, curves))
    return tuple(panels)


def _charted(traces: Sequence[Trace]) -> list[str]:
    """The metrics that get a frame: of several that say the same, the first that anybody recorded."""
    families = (("train/loss", "train/loss_eval", "train/loss_epoch"), ("val/loss",), ("val/acc", "train/acc"), ("lr",))
    found = [next((m for m in family if any(len(t.get(m)) for t in traces)), None) for family in families]
    return [metric for metric in found if metric is not None]


def _smooth(series: Series, points: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return averaged(series, min(points, SMOOTH_POINTS))


def _title(metric: str, series: Sequence[Series], noisy: bool) -> str:
    if metric == "train/loss":
        longest = max(len(one) for one in series)
        together = math.ceil(longest / SMOOTH_POINTS)
        return f"training loss (mean of {together} points)" if noisy and together > 1 else "training loss (batch)"
    return {
        "train/loss_eval": "training loss",
        "train/loss_epoch": "training loss (mean over the epoch)",
        "val/loss": "validation loss",
        "val/acc": "validation accuracy",
        "train/acc": "training accuracy",
        "lr": "learning rate of each step",
    }[metric]


def _y_axis(metric: str, curves: Sequence[Curve], rows: Sequence[Row], start: float) -> Axis:
    if metric.endswith("acc"):
        return share_axis("accuracy")
    if metric == "lr":
        peaks = [float(curve.values.max()) for curve in curves]
        lows = [max(float(c.values.min()), peak * FADED) for c, peak in zip(curves, peaks, strict=True)]
        return spanning("learning rate", [*peaks, *lows])
    usual = [curve for curve in curves if not rows[curve.row].member.failed] or [*curves]
    other = [curve for curve in curves if rows[curve.row].member.failed]
    spikes = SPIKE * start if math.isfinite(start) else math.inf
    ends = [end for curve in usual if (end := float(curve.values[-1])) <= spikes or not rows[curve.row].member.failed]
    lows = [float(np.percentile(curve.values, 0.5)) for curve in usual]
    highs = [min(float(np.percentile(curve.values, 99.5)), max([spikes, *ends])) for curve in usual]
    return loss_axis("loss", [*ends, *lows, *highs], [float(curve.values[-1]) for curve in other], start)
