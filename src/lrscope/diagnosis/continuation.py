"""What as many steps again would bring: the curve so far, carried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.diagnosis.level import Level

Floats = NDArray[np.float64]

SPEEDS: Floats = np.geomspace(0.03, 100.0, 26, dtype=np.float64)
"""Time constants tried, in units of one run."""
HORIZONS: Floats = 2.0 ** np.arange(9)
"""Where the curve is carried on to: 1, 2, 4 … 256 runs from the start."""
ROUNDS = 3
"""Fits; after each, points far off count for less (Huber)."""
MOST_POINTS = 300


@dataclass(frozen=True)
class Forecast:
    """again: by how much as many steps again (same rates) take the loss down. times: how many times the run so far it
    takes until as many steps again bring no more than 5% of the fall, None beyond 128. sure: the two ways of carrying
    the curve on agree within a factor 3."""

    again: float
    times: float | None
    sure: bool


@dataclass(frozen=True)
class Continuation:
    """Carries a curve on by decays that fit it: exponential, (1 + ct)^−½, ^−1, ^−2 and logarithmic, over the loss and over its
    logarithm.

    The time axis is the sum of the rates, so a schedule that dies away does not look like a loss that has levelled off. All
    fits count, weighed by how well they fit (one over the squared error squared). No loss falls below 0. The late part of
    the run weighs more: point weights grow with the power ``late`` of the time. ``floor``: part of the fall (of the
    logarithm: absolute) that the shapes are allowed to miss. Source: chosen on the tuning half of the corpus, flat around
    its optimum.
    """

    late: float = 2.0
    late_log: float = 3.0
    floor: float = 0.01
    floor_log: float = 0.03
    settled: float = 0.05

    def forecast(self, level: Level) -> Forecast:
        """The forecast of a curve of at least two points; falling only (a rising one is carried on flat)."""
        at, loss, error = _points(level)
        fall, end = level.first - level.end, max(level.end, 0.0)
        linear = np.maximum(at, 0.03) ** self.late / np.sqrt(error**2 + (self.floor * abs(fall) + level.bounce) ** 2 + 1e-30)
        plain = np.minimum(_gains(at, loss, linear), end)
        logs = np.log(np.maximum(loss, 1e-12))
        spread = np.minimum(error / np.maximum(loss, 1e-12), 5.0)
        wobble = self.floor_log + min(level.bounce / max(end, 1e-12), 3.0)
        relative = _gains(at, logs, np.maximum(at, 0.03) ** self.late_log / np.sqrt(spread**2 + wobble**2))
        by_log = end * (1 - np.exp(-relative))
        gains = (plain + by_log) / 2
        low, high = sorted((float(plain[1]), float(by_log[1])))
        return Forecast(float(gains[1]), self._settles(gains, fall), high <= 3 * max(low, self.settled / 2 * abs(fall)))

    def _settles(self, gains: Floats, fall: float) -> float | None:
        """Gains at the horizons: the first after which doubling brings no more than the settled share."""
        for k in range(len(HORIZONS) - 1):
            if gains[k + 1] - gains[k] <= self.settled * (fall + gains[k]):
                return float(HORIZONS[k])
        return None


def _points(level: Level) -> tuple[Floats, Floats, Floats]:
    """The curve from its start, spikes of a single point taken off, thinned to what a fit needs."""
    at = np.append(0.0, level.at)
    loss = np.append(level.first, level.loss)
    error = np.append(level.first_error, level.error)
    if len(loss) >= 12:
        loss = np.concatenate([loss[:1], np.median([loss[:-2], loss[1:-1], loss[2:]], axis=0), loss[-1:]])
    if len(at) > MOST_POINTS:
        pick = np.unique(np.linspace(0, len(at) - 1, MOST_POINTS).round().astype(int))
        at, loss, error = at[pick], loss[pick], error[pick]
    return at, loss, error


def _shapes(at: Floats) -> Floats:
    """[points, shapes]: every decay at every speed, falling with time."""
    time = at[:, None] * SPEEDS[None, :]
    return np.concatenate([np.exp(-time), (1 + time) ** -0.5, 1 / (1 + time), (1 + time) ** -2.0, -np.log1p(time)], axis=1)


def _gains(at: Floats, values: Floats, weights: Floats) -> Floats:
    """By how much the values fall from time 1 to each of the horizons."""
    shapes, ahead = _shapes(at), _shapes(HORIZONS)
    robust = weights
    for _ in range(ROUNDS):
        scale, errors = _fit(shapes, values, robust)
        best = int(errors.argmin())
        missed = np.abs(values - values.mean() - scale[best] * (shapes[:, best] - shapes[:, best].mean())) * weights
        usual = 1.4826 * float(np.median(missed)) + 1e-300
        robust = weights * np.minimum(1.0, 2 * usual / np.maximum(missed, 1e-300))
    trust = (errors + errors[best] + 1e-300) ** -2.0
    trust /= trust.sum()
    return (scale * (ahead[:1] - ahead)) @ trust


def _fit(shapes: Floats, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares of values = a + b·shape for every shape at once, b ≥ 0: the b and the squared errors."""
    share = weights**2 / (weights**2).sum()
    centred, offset = shapes - share @ shapes, values - share @ values
    variance = share @ centred**2
    scale = np.maximum((share * offset) @ centred / np.maximum(variance, 1e-300), 0.0)
    return scale, share @ (offset[:, None] - scale * centred) ** 2
