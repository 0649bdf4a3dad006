"""The training loss as a level: where it stood before training, along the way and at the end, without the batches'
noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series, Trace
from lrscope.diagnosis.signals.eval_steps import TENTH, late_steps, tenth_of

Floats = NDArray[np.float64]

ENOUGH = 12
"""So many evaluations at fixed weights describe a run by themselves; with fewer, means over batches fill the gaps."""
BLOCKS = 16
"""Means over batches are taken over so many equal parts of the run."""
LEAST = 5
"""The end is read off at least so many values where the run has three times as many."""
BENT = 0.4
"""How far a line through the first epoch misses its start, relative to the drop: right for a loss that falls to 1/e
in it.
"""
SCATTER = 8
"""Values from which a line through them leaves enough to read a bounce off."""
LATE = 0.3
"""Where the last tenth moves nowhere, end and bounce are read off the last 30%: a tenth has few values."""
MOST = 0.9
"""Share of the steps that the definition looks at, from which they are enough by themselves."""
MAD_TO_SD = 1.4826


@dataclass(frozen=True, eq=False)
class Level:
    """``at``: share of all rates spent (0..1, ascending); ``loss``: level there; ``error``: its standard error.

    first: L₀, the loss before the first update, and its standard error. end: the level over the last tenth, read at
    the last step; bounce: how far single values lie from it there (standard deviation, robust). noise: standard
    deviation of one batch's loss around the level; 0 for a full batch. exact: whether ``end`` and ``bounce`` come from
    evaluations at fixed weights.
    """

    at: Floats
    loss: Floats
    error: Floats
    first: float
    first_error: float
    end: float
    bounce: float
    noise: float
    exact: bool


def level_of(trace: Trace, travelled: Floats, tried: bool = False) -> Level:
    """The level of the training loss, from whatever of its curves was recorded.

    ``travelled`` [steps] is the share of all rates spent up to and with each step. A loss evaluated at fixed weights
    (``train/loss_eval``) stands behind its step; the loss of a batch stands before its own update. L₀ is
    ``train/loss_start`` where that was recorded, else a guess from the first batches. The end of a run whose
    copies were ``tried`` is read as what they did is: by the definition.
    """
    batches, fixed = trace.get("train/loss"), trace.get("train/loss_eval")
    means = trace.get("train/loss_epoch")
    noise = batch_noise(batches.values[: max(8, len(batches) // 8)])
    if len(batches):
        noise = min(noise, 0.5 * abs(float(batches.values[0])))  # what explodes later says nothing of the start
    at, loss, error = travelled[fixed.steps] if len(fixed) else np.empty(0), fixed.values, np.zeros(len(fixed))
    if len(fixed) < ENOUGH:
        extra = _blocks(batches, travelled) if len(batches) >= len(means) else _epoch_means(means, travelled)
        at, loss, error = (np.concatenate(pair) for pair in zip((at, loss, error), extra, strict=True))
        order = np.argsort(at, kind="stable")
        at, loss, error = at[order], loss[order], error[order]
    exact = len(fixed) > 0
    if exact:
        end, bounce = _exact_end(_merged(fixed, trace.get("train/loss_late")), tried)
    else:
        end, bounce = _end(batches if len(batches) else means)
    start = trace.get("train/loss_start")
    first, first_error = (float(start.values[0]), 0.0) if len(start) else _first(batches, means, fixed, noise)
    return Level(at, loss, error, first, first_error, end, bounce, noise, exact)


def batch_noise(values: Floats) -> float:
    """Standard deviation of single values around a smooth curve, from second differences (median, so jumps do not
    count).
    """
    if len(values) < 5 or not np.isfinite(values).all():
        return 0.0
    bends = values[:-2] - 2 * values[1:-1] + values[2:]
    return float(MAD_TO_SD * np.median(np.abs(bends)) / np.sqrt(6))


def end_level(steps: NDArray[np.int64], values: Floats) -> tuple[float, float, bool]:
    """Where values that may bounce stand at their end, how far they bounce (a robust standard deviation), whether
    they move.

    A Theil-Sen line through them; where it rises or falls by more than twice the bounce they move, and it is read at
    the
    last value and kept within what was seen; else the median stands. Fewer than three values: the last one.
    """
    if len(values) < 3 or not np.isfinite(values).all():
        return (float(values[-1]) if len(values) else np.nan), 0.0, True
    line = trend(steps, values)
    bounce = float(MAD_TO_SD * np.median(np.abs(values - line)))
    if abs(line[-1] - line[0]) <= 2 * bounce:
        return float(np.median(values)), bounce, False
    return float(np.clip(line[-1], values.min(), values.max())), bounce, True


def trend(steps: NDArray[np.int64], values: Floats) -> Floats:
    """The Theil-Sen line (median of the slopes between pairs) at each of the steps; of at most 64 values."""
    pick = np.unique(np.linspace(0, len(values) - 1, 64).round().astype(int))
    i, j = np.triu_indices(len(pick), 1)
    slopes = (values[pick][j] - values[pick][i]) / (steps[pick][j] - steps[pick][i])
    slope = float(np.median(slopes))
    return np.asarray(slope * steps + float(np.median(values[pick] - slope * steps[pick])), np.float64)


def _merged(one: Series, other: Series) -> Series:
    steps, values = np.append(one.steps, other.steps), np.append(one.values, other.values)
    order = np.argsort(steps, kind="stable")
    return Series(steps[order], values[order])


def _exact_end(curve: Series, tried: bool) -> tuple[float, float]:
    """From the last tenth of the steps; where the loss only bounces in it, from the last 30% if it only bounces there.

    Of a run that was tried off the steps that the definition looks at, where most were looked at: the ends of epochs
    are no fair sample, their last batches are smaller.
    """
    steps = int(curve.steps[-1]) + 1
    wanted = np.asarray(late_steps(steps), np.int64)
    fair = np.isin(curve.steps, wanted)
    if not tried or fair.sum() <= MOST * len(wanted):
        return _end(curve)
    last = fair & (curve.steps >= steps - tenth_of(steps))
    end, bounce, moves = end_level(curve.steps[last], curve.values[last])
    wide_end, wide_bounce, wide_moves = end_level(curve.steps[fair], curve.values[fair])
    return (end, bounce) if moves or wide_moves else (wide_end, wide_bounce)


def _end(curve: Series) -> tuple[float, float]:
    if not len(curve):
        return np.nan, 0.0
    steps, values = _last(curve, TENTH, LEAST)
    end, bounce, moves = end_level(steps, values)
    wide_end, wide_bounce, wide_moves = end_level(*_last(curve, LATE, 2 * LEAST))
    if moves or wide_moves:
        return end, bounce if len(values) >= SCATTER else wide_bounce
    return wide_end, wide_bounce


def _last(curve: Series, share: float, least: int) -> tuple[NDArray[np.int64], Floats]:
    """The last share of a curve; ``least`` points where it has three times as many."""
    start = curve.steps[-1] - share * (curve.steps[-1] + 1)
    count = max(int((curve.steps >= start).sum()), min(least, len(curve) // 3))
    return curve.steps[-count:], curve.values[-count:]


def _first(batches: Series, means: Series, fixed: Series, noise: float) -> tuple[float, float]:
    """L₀ from the first batch, and from the first epoch drawn back to its start, weighed by how far each may be off."""
    if not len(batches):
        source = means if len(means) else fixed
        return (float(source.values[0]) if len(source) else np.nan), 0.0
    first = float(batches.values[0])
    if not len(fixed) or noise == 0 or not np.isfinite(fixed.values[0]):
        return first, noise
    before = batches.steps <= fixed.steps[0]
    mean = float(means.values[0]) if len(means) else float(batches.values[before].mean())
    drop = mean - float(fixed.values[0])
    back = mean + drop
    if not 0.5 * first < back < 2 * first:
        return first, noise  # too much happened in the first epoch to draw a line back through it
    mean_error = 0.0 if len(means) else noise / np.sqrt(before.sum())
    error = max(BENT * abs(drop), mean_error, 1e-12)
    weight = noise**-2, error**-2
    value = (weight[0] * first + weight[1] * back) / sum(weight)
    return value, float(sum(weight) ** -0.5)


def _blocks(batches: Series, travelled: Floats) -> tuple[Floats, Floats, Floats]:
    """Means of the batches' losses over equal parts of the way, where they stand, and their standard errors."""
    if not len(batches):
        return np.empty(0), np.empty(0), np.empty(0)
    where = np.where(batches.steps > 0, travelled[np.maximum(batches.steps - 1, 0)], 0.0)
    block = np.minimum((where * BLOCKS).astype(int), BLOCKS - 1)
    noise = batch_noise(batches.values)
    rows = [
        (where[block == k].mean(), batches.values[block == k].mean(), noise / np.sqrt((block == k).sum()))
        for k in np.unique(block)
    ]
    at, loss, error = np.array(rows).T
    return at, loss, error


def _epoch_means(means: Series, travelled: Floats) -> tuple[Floats, Floats, Floats]:
    """An epoch's mean loss stands in its middle."""
    ends = travelled[means.steps] if len(means) else np.empty(0)
    starts = np.concatenate([[0.0], ends[:-1]])
    return (starts + ends) / 2, means.values, np.zeros(len(means))
