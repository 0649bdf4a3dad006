"""The numbers of one member: loss and accuracy at the end and at their best, and how soon it got there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrscope.core.trace import Series, Trace
from lrscope.report.data.stored_sweep import Member

TRAIN_LOSSES = ("train/loss_eval", "train/loss_epoch", "train/loss")
"""Where the training loss is read, best first: at fixed weights, the epoch's mean, single batches."""

TAIL = 0.05
"""Share of the points of a loss of single batches that are averaged: one batch says little of a run."""

REACH = 0.9
"""A member has arrived when it made this share of the sweep's best improvement."""


@dataclass(frozen=True)
class Outcome:
    """What a table shows of a member. nan: not recorded; inf: the loss was not finite.

    ``steps`` is the number of updates made, ``start`` the training loss of the first batch before any update.
    """

    final_val: float
    best_val: float
    final_train: float
    best_train: float
    final_val_acc: float
    best_val_acc: float
    final_train_acc: float
    best_train_acc: float
    start: float
    steps: int


def outcome_of(member: Member) -> Outcome:
    """The member's numbers from its curves."""
    trace = member.trace
    final_train, best_train = at_end_and_best(train_loss(trace))
    final_val, best_val = at_end_and_best(trace.get("val/loss"))
    final_val_acc, best_val_acc = _accuracy(trace.get("val/acc"))
    final_train_acc, best_train_acc = _accuracy(trace.get("train/acc"))
    return Outcome(
        final_val=final_val,
        best_val=best_val,
        final_train=final_train,
        best_train=best_train,
        final_val_acc=final_val_acc,
        best_val_acc=best_val_acc,
        final_train_acc=final_train_acc,
        best_train_acc=best_train_acc,
        start=first_loss(trace),
        steps=max((int(series.steps[-1]) + 1 for series in trace.series.values() if len(series)), default=0),
    )


def train_loss(trace: Trace) -> Series:
    """The training loss by epoch where there is one, else that of single batches, smoothed."""
    for name in TRAIN_LOSSES[:-1]:
        if len(series := trace.get(name)):
            return series
    return smoothed(trace.get("train/loss"))


def smoothed(series: Series) -> Series:
    """The mean over the last ``TAIL`` of all points up to each point; a curve of under 40 points stays as it is."""
    window = int(len(series) * TAIL)
    if window < 2:
        return series
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.cumsum(np.concatenate([[0.0], series.values]))
        counts = np.minimum(np.arange(1, len(series) + 1), window)
        ends = np.arange(1, len(series) + 1)
        means = (sums[ends] - sums[ends - counts]) / counts
    return Series(series.steps, np.where(np.isfinite(series.values), means, series.values))


def first_loss(trace: Trace) -> float:
    """The loss before training: of the first batch where the first step was recorded, else nan."""
    series = trace.get("train/loss")
    return float(series.values[0]) if len(series) and series.steps[0] == 0 else math.nan


def at_end_and_best(series: Series) -> tuple[float, float]:
    """At the end and at its best; a loss that is not finite at the end counts as inf, whatever it was before."""
    if not len(series):
        return math.nan, math.nan
    last = float(series.values[-1])
    finite = series.values[np.isfinite(series.values)]
    return (last if math.isfinite(last) else math.inf), (float(finite.min()) if len(finite) else math.inf)


def _accuracy(series: Series) -> tuple[float, float]:
    finite = series.values[np.isfinite(series.values)]
    return (float(series.values[-1]), float(finite.max())) if len(finite) else (math.nan, math.nan)


def target_loss(start: float, best: float) -> float:
    """The loss at ``REACH`` of the way from the start down to the best; nan if not known."""
    known = math.isfinite(start) and math.isfinite(best) and start > best
    return start - REACH * (start - best) if known else math.nan


def steps_to(series: Series, target: float) -> int | None:
    """How many updates were made when the curve first lay at or below the target; None if it never did."""
    if not math.isfinite(target):
        return None
    there = np.flatnonzero(series.values <= target)
    return int(series.steps[there[0]]) + 1 if len(there) else None
