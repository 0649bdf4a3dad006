"""Means over seeds and shares of failures, each with the interval that says how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrscope.report.analysis.wilson import wilson_interval

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` seeds with its 95% t-interval ``low`` to ``high``; with one seed both equal the mean.

    ``error`` is the standard error of the mean, 0 with one seed.
    """

    mean: float
    low: float
    high: float
    error: float
    n: int


def mean_interval(values: Sequence[float]) -> Estimate:
    """Mean and 95% interval by Student's t: ``mean ± t(0.975, n-1) · s / sqrt(n)``.

    ``mean_interval([1.0, 2.0, 3.0])`` is 2 with the interval -0.484 to 4.484 (t = 4.303, s = 1).
    """
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, mean, mean, 0.0, 1)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    error = spread / math.sqrt(n)
    reach = t_quantile(n - 1) * error
    return Estimate(mean, mean - reach, mean + reach, error, n)


def loss_interval(losses: Sequence[float]) -> Estimate:
    """The same of losses: where none of them is negative, none will be, and the interval ends at 0."""
    found = mean_interval(losses)
    return replace(found, low=max(found.low, 0.0)) if min(losses) >= 0 else found


def t_quantile(degrees: int) -> float:
    """The 0.975 quantile of Student's t; 12.706 at 1 degree of freedom, 2.776 at 4, 1.96 at infinity."""
    from scipy.special import stdtrit  # 0.1 s to import, and only sweeps over seeds need it

    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class Share:
    """``count`` of ``total`` with Wilson's 95% interval ``low`` to ``high`` (0 to 1 where nothing was tried)."""

    count: int
    total: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.count} of {self.total}"


def share_of(count: int, total: int) -> Share:
    """The share with its Wilson interval, which unlike mean ± 1.96·sqrt(p(1-p)/n) has a width at 0 of n, too."""
    return Share(count, total, *wilson_interval(count, total))


def surely_higher(first: Share, second: Share) -> bool:
    """Whether the 95% interval of the difference of two shares (Newcombe's, from their Wilson intervals) lies above 0.

    16 of 20 against 4 of 20: 0.6, interval 0.30 to 0.77: surely. 1 of 3 against 0 of 3: not.
    """
    if not first.total or not second.total:
        return False
    high, low = first.count / first.total, second.count / second.total
    return high - low > math.hypot(high - first.low, second.high - low)
