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
    """What is known of the function at each place: Student's t with ``degrees`` of freedom.

    ``mean`` [G], ``cov`` [G, G]; ``scatter`` [G, G] is how the mean of further series lies around the function;
    ``evidence`` the logarithm of the likelihood of what was observed, up to a constant.
    """

    mean: Vector
    cov: Matrix
    scatter: Matrix
    degrees: float
    evidence: float

    def draws(self, count: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
        """Functions that fit what was observed, and of each the mean of further series, [count, G] both."""
        tails = np.sqrt(self.degrees / rng.chisquare(self.degrees, count))[:, None]
        functions = self.mean + tails * _normal(self.cov, count, rng)
        return functions, functions + tails * _normal(self.scatter, count, rng)


def _normal(cov: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    root = np.linalg.cholesky(cov + JITTER * VAGUE * np.eye(len(cov)))
    drawn: Matrix = rng.standard_normal((count, len(cov))) @ root.T
    return drawn


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
        future: ``scatter`` is that of the mean of so many new series.
    """
    same = seen.series[:, None] == seen.series[None]
    known = kernel(seen.x, seen.x, smooth.length) * (1 + own * same) + VAGUE
    known += (smooth.noise**2 + JITTER) * np.eye(len(seen.x))
    root = np.linalg.cholesky(known)
    white = np.linalg.solve(root, seen.y)
    cross = np.linalg.solve(root, kernel(seen.x, places, smooth.length) + VAGUE)
    among = kernel(places, places, smooth.length)
    degrees = len(seen.y) + DEGREES
    square = float(white @ white) + DEGREES * deviation**2
    scale = square / degrees
    return Posterior(
        mean=cross.T @ white,
        cov=scale * (among + VAGUE - cross.T @ cross),
        scatter=scale * (own * among + smooth.noise**2 * np.eye(len(places))) / future,
        degrees=degrees,
        evidence=-float(np.log(np.diag(root)).sum()) - degrees / 2 * float(np.log(square)),
    )
