"""The frames of the curves over the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.figures.end_labels import end_labels
from lrscope.report.figures.limits import Axis, averaged, loss_axis, share_axis, spanning, thinned
from lrscope.report.figures.shown import Curve, CurvePanel
from lrscope.report.figures.swept_colours import SweptColours

SMOOTH_POINTS = 80
"""Points of the loss of single batches: each is the mean of neighbours, whose noise would hide the curve."""

FADED = 0.01
"""A rate that falls below this share of its peak leaves the frame: a cosine ends at 0, which no logarithm shows."""

SPIKE = 2.0
"""A curve that rises above this times the loss at the start, and comes back, leaves the frame on the way."""

LEAST_MOVE = 0.001
"""A rate that moves by less than this share of itself shows as a flat line."""

FAMILIES = (("train/loss", "train/loss_eval", "train/loss_epoch"), ("val/loss",), ("val/acc", "train/acc"), ("lr",))
"""Of several metrics that say the same, the first that anybody recorded gets a frame."""


def curve_panels(comparison: Comparison, swept: SweptColours, points: int) -> tuple[CurvePanel, ...]:
    """A frame for each metric; none for a rate that stays what it is in every run."""
    rows = comparison.rows
    traces = [row.member.trace for row in rows]
    last = max((int(s.steps[-1]) for trace in traces for s in trace.series.values() if len(s)), default=1)
    x = Axis("step (optimizer updates)", 0.0, max(last, 1) * 1.02)
    panels = []
    for metric in _charted(traces, comparison.judge.metric):
        series = [trace.get(metric) for trace in traces]
        noisy = metric == "train/loss" and any(_by_batch(trace) for trace in traces)
        drawn = [averaged(s, SMOOTH_POINTS) if noisy else thinned(s, points) for s in series]
        curves = [Curve(i, *line) for i, line in enumerate(drawn) if len(line[0])]
        if curves and not (metric == "lr" and _all_constant(curves)):
            y = _y_axis(metric, curves, rows, comparison.loss_start)
            shown = tuple(_leaving(curve, rows[curve.row], series[curve.row], y) for curve in curves)
            title = _title(metric, series, noisy)
            panels.append(CurvePanel(title, metric, x, y, shown, end_labels(shown, y, swept, rows)))
    return tuple(panels)


def _charted(traces: Sequence[Trace], judged_by: str) -> list[str]:
    """What decides is shown first, in the place of another of its family."""
    found = [next((m for m in family if any(len(t.get(m)) for t in traces)), None) for family in FAMILIES]
    shown = [metric for metric in found if metric is not None]
    known = {metric for family in FAMILIES for metric in family}
    return shown if judged_by in known else [judged_by, *shown]


def _by_batch(trace: Trace) -> bool:
    """Whether the training loss is that of single batches: there are more of them than epochs."""
    by_epoch = max(len(trace.get("train/loss_epoch")), len(trace.get("train/loss_eval")), len(trace.get("val/loss")))
    return len(trace.get("train/loss")) > max(2 * by_epoch, SMOOTH_POINTS)


def _all_constant(curves: Sequence[Curve]) -> bool:
    return all(np.ptp(curve.values) <= LEAST_MOVE * abs(float(curve.values[0])) for curve in curves)


def _leaving(curve: Curve, row: Row, series: Series, y: Axis) -> Curve:
    """The curve of a diverged run with the step at which it leaves the frame."""
    if row.member.verdict is not Verdict.DIVERGED or y.label != "loss":
        return curve
    beyond = np.flatnonzero(~(series.values <= y.high))
    return Curve(curve.row, curve.steps, curve.values, int(series.steps[beyond[0]]) if len(beyond) else None)


def _title(metric: str, series: Sequence[Series], noisy: bool) -> str:
    if metric == "train/loss" and noisy:
        together = math.ceil(max(len(one) for one in series) / SMOOTH_POINTS)
        return f"training loss (batches, mean of {together})" if together > 1 else "training loss (batches)"
    return TITLES.get(metric, metric)


TITLES = {
    "train/loss": "training loss (each update)",
    "train/loss_eval": "training loss",
    "train/loss_epoch": "training loss (mean over the epoch)",
    "val/loss": "validation loss",
    "val/acc": "validation accuracy",
    "train/acc": "training accuracy",
    "lr": "learning rate of each step",
}


def _y_axis(metric: str, curves: Sequence[Curve], rows: Sequence[Row], start: float) -> Axis:
    if metric.endswith("acc"):
        return share_axis("accuracy")
    if metric not in TITLES:
        values = np.concatenate([curve.values for curve in curves])
        found = values[np.isfinite(values)].tolist() or [0.0, 1.0]
        return share_axis(metric) if min(found) >= 0 and max(found) <= 1 else spanning(metric, found)
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
