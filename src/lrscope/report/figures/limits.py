"""Where an axis begins and ends, whether it is logarithmic, and how a long curve is thinned for drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series

DECADES_SPANNED = 20.0
"""Values whose highest is this many times the lowest are drawn on a logarithmic axis."""

ROOM_ABOVE = 1.6
"""What lies above this times the loss at the start, or the highest loss of a run that trained, leaves the frame."""

LEAST_SPAN = 0.05
"""A linear axis spans at least this share of its largest value: less is rounding, and would be drawn as if it told
something."""

LEAST_RATIO = 1.25
"""The same for a logarithmic axis: its top over its bottom."""

DEEPEST = 1e-8
"""A logarithmic axis reaches down to at most this share of its top."""


@dataclass(frozen=True)
class Axis:
    """``low`` to ``high`` in data units. ``names`` are the words of a categorical axis at 0, 1, 2 …"""

    label: str
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()

    def holds(self, value: float) -> bool:
        return math.isfinite(value) and value <= self.high

    def place(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1 and no further; what is not finite lies at the top."""
        if not math.isfinite(value):
            return 1.0
        if self.log:
            place = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, 0.0), 1.0)


def loss_axis(label: str, usual: Iterable[float], other: Iterable[float], start: float) -> Axis:
    """An axis for losses that shows every ``usual`` value; of the ``other`` ones (failed runs) those not far above.

    A run that ran away to 1e12 would press all others flat: it leaves the frame at the top instead.
    """
    kept = [value for value in usual if math.isfinite(value)]
    others = [value for value in other if math.isfinite(value)]
    if not kept and math.isfinite(start):
        kept = [start]  # all failed: where they began is what they are seen against
    roof = ROOM_ABOVE * max([*kept, *([start] if math.isfinite(start) else [])], default=min(others, default=1.0))
    values = kept + [value for value in others if value <= roof]
    return spanning(label, values or [0.0, 1.0])


def spanning(label: str, values: Sequence[float], log: bool | None = None) -> Axis:
    """An axis that holds all values with a little room; logarithmic where they span decades, or as told."""
    low, high = min(values), max(values)
    if log is None:
        positive = [value for value in values if value > 0]
        log = low >= 0 and len(positive) >= 2 and high / min(positive) > DECADES_SPANNED
    if log:
        bottom = max(min(value for value in values if value > 0), high * DEEPEST)
        room = (high / bottom) ** 0.06 if high > bottom else 1.5
        room = max(room, math.sqrt(LEAST_RATIO * bottom / high))
        return Axis(label, bottom / room, high * room, log=True)
    size = max(abs(low), abs(high))
    room = max(0.06 * (high - low), (LEAST_SPAN * size - (high - low)) / 2) or 0.5
    return Axis(label, low - room, high + room)


def share_axis(label: str) -> Axis:
    """An axis for accuracies."""
    return Axis(label, -0.02, 1.02)


def thinned(series: Series, points: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most about ``points`` points that keep what the eye sees: of every stretch its lowest and highest value.

    The first and last point stay; values that are not finite are left out.
    """
    finite = np.isfinite(series.values)
    steps, values = series.steps[finite], series.values[finite]
    if len(steps) <= points:
        return steps, values
    edges = np.linspace(0, len(steps), max(points // 2, 1) + 1).astype(int)
    kept = {0, len(steps) - 1}
    for start, end in pairwise(edges):
        stretch = values[start:end]
        kept |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    chosen = np.array(sorted(kept))
    return steps[chosen], values[chosen]


def averaged(series: Series, points: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most ``points`` points, each the mean of neighbours at their middle step: for many noisy curves at once."""
    finite = np.isfinite(series.values)
    steps, values = series.steps[finite], series.values[finite]
    if len(steps) <= points:
        return steps, values
    starts = np.linspace(0, len(steps), points + 1).astype(int)[:-1]
    counts = np.diff(np.append(starts, len(steps)))
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.add.reduceat(values, starts) / counts
    middles = np.add.reduceat(steps, starts) // counts
    middles[0], middles[-1] = steps[0], steps[-1]
    return middles, means
