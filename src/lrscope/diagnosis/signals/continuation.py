"""What as many steps again would bring: the curve so far, carried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.diagnosis.signals.level import ENOUGH, Level, batch_noise

Floats = NDArray[np.float64]

SPEEDS: Floats = np.geomspace(0.03, 100.0, 26, dtype=np.float64)
"""Time constants tried, in units of one run."""
HORIZONS: Floats = np.logspace(0, 8, 9, base=2.0, dtype=np.float64)
"""Where the curve is carried on to: 1, 2, 4 … 256 runs from the start."""
ROUNDS = 3
"""Fits; after each, points far off count for less (Huber)."""
LATEST_START = 0.6
FEWEST = 5
"""An excursion above the first loss is left out where it ends before this share of the way and leaves so many points.
"""
EARLY = 0.03
"""Points before this share of the way weigh alike."""
PARTS = 64
"""Points of the curve that a fit sees."""


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
    """Carries a curve on by decays that fit it: exponential, (1 + ct)^−½, ^−1, ^−2 and logarithmic, over the loss and
    over its logarithm.

    The time axis is the sum of the rates, so a schedule that dies away does not look like a loss that has levelled
    off. All fits count, weighed by how well they fit (one over the squared error squared). No loss falls below 0, or
    its known floor. The late part of the run weighs more: point weights grow with the power ``late`` of the time.
    ``floor``: part of the fall (of the logarithm: absolute) that the shapes are allowed to miss. ``plain``: weight of
    the forecast over the loss itself, the rest is for the one over its logarithm. Source: chosen on the tuning half of
    the corpus, flat around its optimum.
    """

    late: float = 2.0
    late_log: float = 3.0
    floor: float = 0.01
    floor_log: float = 0.03
    plain: float = 0.3
    settled: float = 0.05

    def forecast(self, level: Level, lowest: float = 0.0) -> Forecast:
        """The forecast of a curve of at least two points; falling only (a rising one is carried on flat).

        ``lowest``: below this it cannot fall.
        """
        at, loss, error = _points(level)
        fall, end = level.first - level.end, max(level.end - lowest, 0.0)
        loss = loss - lowest
        exact = error == 0
        wobble = self.floor * abs(fall) + batch_noise(loss[exact])
        linear = np.maximum(at, EARLY) ** self.late / np.sqrt(error**2 + wobble**2 + 1e-30)
        plain = np.minimum(_gains(at, loss, linear), end)
        logs = np.log(np.maximum(loss, 1e-12))
        spread = np.minimum(error / np.maximum(loss, 1e-12), 5.0)
        wobble = self.floor_log + batch_noise(logs[exact])
        by_log = end * (
            1 - np.exp(-_gains(at, logs, np.maximum(at, EARLY) ** self.late_log / np.hypot(spread, wobble)))
        )
        gains = self.plain * plain + (1 - self.plain) * by_log
        low, high = sorted((float(plain[1]), float(by_log[1])))
        return Forecast(float(gains[1]), self._settles(gains, fall), high <= 3 * max(low, self.settled / 2 * abs(fall)))

    def _settles(self, gains: Floats, fall: float) -> float | None:
        """Gains at the horizons: the first after which doubling brings no more than the settled share."""
        for k in range(len(HORIZONS) - 1):
            if gains[k + 1] - gains[k] <= self.settled * (fall + gains[k]):
                return float(HORIZONS[k])
        return None


def _points(level: Level) -> tuple[Floats, Floats, Floats]:
    """The curve from its start with spikes of a single point taken off, as medians over equal parts of the way.

    Equal parts, so that the many steps that a schedule spends at small rates do not outweigh those that went far.
    """
    at, loss = np.append(0.0, level.at), np.append(level.first, level.loss)
    error = np.append(level.first_error, level.error)
    if len(level.loss) >= ENOUGH and not level.error.any():
        loss = np.concatenate([loss[:1], np.median([loss[:-2], loss[1:-1], loss[2:]], axis=0), loss[-1:]])
    at, loss, error = _since_it_came_down(at, loss, error)
    part = np.minimum((at * PARTS).astype(int), PARTS - 1)
    groups = [np.flatnonzero(part == k) for k in np.unique(part)]
    groups = [g[error[g] == error[g].min()] for g in groups]
    return (
        np.array([at[g].mean() for g in groups]),
        np.array([np.median(loss[g]) for g in groups]),
        np.array([error[g[0]] for g in groups]),
    )


def _since_it_came_down(at: Floats, loss: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Without an early excursion above the first loss: the way back from it is no sign of how the rest goes on."""
    above = np.flatnonzero((loss[1:] > loss[0] + 2 * error[1:] + 2 * error[0]) & (at[1:] < LATEST_START)) + 1
    start = min(int(above[-1]) + 1, len(at) - FEWEST) if len(above) else 0
    return (at[start:], loss[start:], error[start:]) if start > 0 else (at, loss, error)


def _shapes(at: Floats) -> Floats:
    """[points, shapes]: every decay at every speed, falling with time."""
    time = at[:, None] * SPEEDS[None, :]
    return np.concatenate(
        [np.exp(-time), (1 + time) ** -0.5, 1 / (1 + time), (1 + time) ** -2.0, -np.log1p(time)], axis=1
    )


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
    trust = (1 + errors / max(float(errors[best]), 1e-300)) ** -2.0
    trust /= trust.sum()
    return (scale * (ahead[:1] - ahead)) @ trust


def _fit(shapes: Floats, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares of values = a + b·shape for every shape at once, b ≥ 0: the b and the squared errors."""
    share = weights**2 / (weights**2).sum()
    centred, offset = shapes - share @ shapes, values - share @ values
    variance = share @ centred**2
    scale = np.maximum((share * offset) @ centred / np.maximum(variance, 1e-300), 0.0)
    return scale, share @ (offset[:, None] - scale * centred) ** 2
