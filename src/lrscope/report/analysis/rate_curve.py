"""A smooth curve through the losses of a sweep's rates: where its lowest point lies, and how sure that is.

The lowest point of a sweep is the luckiest one as well. A Gaussian process over the logarithm of the rate tells the
curve from the noise: the noise shows between neighbouring rates, and between seeds where there are several. How smooth
the curve is and how noisy the points are is not known: every guess counts as much as it explains what was seen.
``benchmarks/recommendation.py`` holds the interval against sweeps that were trained densely with five seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from lrscope.report.analysis.gaussian_process import Matrix, Observed, Smoothness, Vector, condition

LENGTHS = (0.15, 0.25, 0.4, 0.6, 0.9, 1.4)
"""In decades of the rate: from one that a factor of 1.4 changes to one that is flat over a decade."""

NOISES = (0.03, 0.08, 0.2, 0.4, 0.8)
"""In units of the curve's own deviation."""

OWN = 0.02
"""Share of the curve's variance that is a seed's own: one seed likes higher rates than another."""

DEVIATION = 0.35
"""Prior guess of the curve's standard deviation, in units of what training gained."""

TAILS = 1.25
"""The curves are a little too uncertain: on the 42 sweeps on which this was set, an interval that leaves out 1.25 times
as much as it should held the best rate of 83%, where 80% were due."""

SEEDS = 5
"""The interval is that of the best rate of a dense sweep with so many seeds."""

BASIN = 0.5
"""Rates that lost more than this share of what training gained say little of where the best lies; the first of them on
either side is kept, as it bounds the valley."""

PLACES = 61
"""Of the dense sweep, evenly in the logarithm over the rates that were swept."""

DRAWS = 2_000
NEAR = 0.02
"""A rate is as good as the best within this share of what training gained."""

NEGLIGIBLE = 0.002
"""Guesses of the smoothness that count for less are left out."""

FEWEST = 3
"""Rates that make a curve."""

MOST = 200
"""Losses that the curve is laid through."""


@dataclass(frozen=True)
class Loss:
    """The loss of one member. One that failed counts with the loss before training."""

    rate: float
    seed: int
    loss: float


@dataclass(frozen=True)
class RateCurve:
    """``rates`` [G] ascending; ``losses`` [G] what further seeds would have there on average; ``chances`` [G] how
    probably each is the best of a dense sweep; ``near`` [G] how probably each is within ``NEAR`` of the best.
    """

    rates: Vector
    losses: Vector
    chances: Vector
    near: Vector

    @property
    def lowest(self) -> float:
        """The rate at which the curve is lowest."""
        return float(self.rates[self.losses.argmin()])

    def loss_at(self, rate: float) -> float:
        return float(np.interp(np.log(rate), np.log(self.rates), self.losses))

    def sure_of(self, rate: float) -> float:
        """The probability that this rate is as good as the best."""
        return float(np.interp(np.log(rate), np.log(self.rates), self.near))

    def interval(self, confidence: float = 0.8) -> tuple[float, float]:
        """Where the best rate lies with this probability, as much above it as below."""
        below = np.cumsum(self.chances)
        tail = TAILS * (1 - confidence) / 2
        first, last = (int(np.searchsorted(below, level)) for level in (tail, 1 - tail))
        return float(self.rates[first]), float(self.rates[min(last, len(self.rates) - 1)])


def fit_curve(losses: Sequence[Loss], lowest: float, start: float) -> RateCurve | None:
    """The curve through these losses.

    Args:
        lowest: the mean loss of the best rate that did not fail.
        start: the loss before training.

    Returns:
        None where fewer than three rates were tried, or nothing was gained.
    """
    return _fitted(tuple(losses), lowest, start)


@lru_cache(maxsize=128)
def _fitted(losses: tuple[Loss, ...], lowest: float, start: float) -> RateCurve | None:
    """A report asks several times for the same curve, which takes 0.1 s."""
    rates = np.unique([seen.rate for seen in losses])
    gain = start - lowest
    if len(rates) < FEWEST or not gain > 0:
        return None
    inside = _basin(rates, losses, lowest + BASIN * gain)
    kept = [seen for seen in losses if inside[0] <= seen.rate <= inside[-1]]
    seeds = sorted({seen.seed for seen in kept})
    observed = _thinned(
        Observed(
            np.log10([seen.rate for seen in kept]),
            (np.array([seen.loss for seen in kept]) - lowest) / gain,
            np.array([seeds.index(seen.seed) for seen in kept]),
        )
    )
    dense = np.geomspace(rates[0], rates[-1], PLACES)
    places = np.unique([*inside, *dense[(dense > inside[0]) & (dense < inside[-1])]])
    mean, curves, dense = _drawn(observed, np.log10(places))
    chances = np.bincount(dense.argmin(1), minlength=len(places)) / len(dense)
    near = (curves - curves.min(1, keepdims=True) <= NEAR).mean(0)
    return RateCurve(places, lowest + gain * mean, chances, near)


def _basin(rates: Vector, losses: Sequence[Loss], bound: float) -> Vector:
    """The rates from the first whose mean lies within the bound to the last, and one more on either side."""
    means = [np.mean([seen.loss for seen in losses if seen.rate == rate]) for rate in rates]
    within = np.flatnonzero(np.array(means) <= bound)
    return rates[max(within[0] - 1, 0) : within[-1] + 2]


def _drawn(observed: Observed, places: Vector) -> tuple[Vector, Matrix, Matrix]:
    """The mean curve [G], curves that fit what was observed, and dense sweeps around these [N, G]."""
    guesses = [Smoothness(length, noise) for length, noise in product(LENGTHS, NOISES)]
    found = [condition(observed, places, guess, OWN, DEVIATION, SEEDS) for guess in guesses]
    evidence = np.array([posterior.evidence for posterior in found])
    weights: Vector = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    rng = np.random.default_rng(0)  # the same sweep, the same words
    told = [(weight, posterior) for weight, posterior in zip(weights, found, strict=True) if weight >= NEGLIGIBLE]
    drawn = [posterior.draws(max(round(DRAWS * weight), 1), rng) for weight, posterior in told]
    mean = np.average([posterior.mean for _, posterior in told], axis=0, weights=[weight for weight, _ in told])
    return mean, np.concatenate([curves for curves, _ in drawn]), np.concatenate([dense for _, dense in drawn])


def _thinned(seen: Observed) -> Observed:
    """Neighbours taken together where there are very many: the cost grows with the third power of their number."""
    if len(seen.x) <= MOST:
        return seen
    pieces = np.array_split(np.argsort(seen.x, kind="stable"), MOST)
    x, y = (np.array([values[piece].mean() for piece in pieces]) for values in (seen.x, seen.y))
    return Observed(x, y, np.zeros(MOST, np.int64))
