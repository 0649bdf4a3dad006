"""A Gaussian process in one dimension: what noisy values of a smooth function tell of the function elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

VAGUE = 100.0
"""Variance of the function's mean, in units of its variance: where the curve lies as a whole, nothing is known of."""

DEGREES = 4.0
"""Of freedom: how much the prior guess of the function's deviation weighs, in observations."""

JITTER = 1e-8


@dataclass(frozen=True)
class Smoothness:
    """How a function varies: over which ``length`` (in units of x), and by how much single values scatter around it, as
    ``noise`` in units of the function's own standard deviation.
    """

    length: float
    noise: float


@dataclass(frozen=True)
class Observed:
    """Values [N] at places [N]; ``series`` [N] numbers who measured: those of one number share its own deviation."""

    x: Vector
    y: Vector
    series: NDArray[np.int64]


@dataclass(frozen=True)
class Posterior:
    """What is known of the mean of ``future`` further series at each place: Student's t with ``degrees`` of freedom.

    ``mean`` [G], ``cov`` [G, G]; ``evidence`` is the logarithm of the likelihood of what was observed, up to a constant.
    """

    mean: Vector
    cov: Matrix
    degrees: float
    evidence: float

    def draws(self, count: int, rng: np.random.Generator) -> Matrix:
        """Functions [count, G] that fit what was observed."""
        root = np.linalg.cholesky(self.cov + JITTER * np.trace(self.cov) * np.eye(len(self.mean)))
        tails = np.sqrt(self.degrees / rng.chisquare(self.degrees, count))
        found: Matrix = self.mean + tails[:, None] * (rng.standard_normal((count, len(self.mean))) @ root.T)
        return found


def kernel(x: Vector, other: Vector, length: float) -> Matrix:
    """The correlation of a smooth function's values, ``exp(-d²/2·length²)``, [N, M]."""
    return np.exp(-0.5 * ((x[:, None] - other[None]) / length) ** 2)


def condition(
    seen: Observed, places: Vector, smooth: Smoothness, own: float, deviation: float, future: int
) -> Posterior:
    """The posterior at the places (Rasmussen and Williams 2006, equations 2.23 to 2.24 and 2.30).

    The function's variance is integrated out under an inverse gamma prior, so the posterior is a Student process (Shah,
    Wilson and Ghahramani 2014).

    Args:
        own: variance of a series' own smooth deviation from the function, in units of the function's variance.
        deviation: prior guess of the function's standard deviation, in units of y.
        future: the posterior is that of the mean of so many new series.
    """
    same = seen.series[:, None] == seen.series[None]
    known = kernel(seen.x, seen.x, smooth.length) * (1 + own * same) + VAGUE
    known += (smooth.noise**2 + JITTER) * np.eye(len(seen.x))
    root = np.linalg.cholesky(known)
    white = np.linalg.solve(root, seen.y)
    cross = np.linalg.solve(root, kernel(seen.x, places, smooth.length) + VAGUE)
    cov = kernel(places, places, smooth.length) * (1 + own / future) + VAGUE - cross.T @ cross
    cov += smooth.noise**2 / future * np.eye(len(places))
    degrees = len(seen.y) + DEGREES
    square = float(white @ white) + DEGREES * deviation**2
    evidence = -float(np.log(np.diag(root)).sum()) - degrees / 2 * float(np.log(square))
    return Posterior(cross.T @ white, cov * square / degrees, degrees, evidence)
