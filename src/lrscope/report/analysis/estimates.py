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


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Mean and interval by Student's t; of the usual 95%: ``mean ± t(0.975, n-1) · s / sqrt(n)``.

    ``mean_interval([1.0, 2.0, 3.0])`` is 2 with the interval -0.484 to 4.484 (t = 4.303, s = 1).
    """
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, mean, mean, 0.0, 1)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    error = spread / math.sqrt(n)
    reach = t_quantile(n - 1, confidence) * error
    return Estimate(mean, mean - reach, mean + reach, error, n)


def difference_interval(first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The mean of the first less that of the second, with its interval by Student's t for two samples of one spread.

    ``d ± t · s · sqrt(1/n + 1/m)`` at n + m - 2 degrees of freedom, where s² is the two sums of squares over that
    number. One spread for both is what mere noise of seeds makes, and one of the two may be a single value then.
    ``difference_interval([3, 4, 5], [1, 2, 3])`` is 2 with the interval -0.267 to 4.267 (t = 2.776, s = 1); with one
    value on each side both equal 2.
    """
    means = [math.fsum(values) / len(values) for values in (first, second)]
    difference, degrees = means[0] - means[1], len(first) + len(second) - 2
    if degrees == 0:
        return Estimate(difference, difference, difference, 0.0, 1)
    squares = math.fsum(
        (value - mean) ** 2 for values, mean in zip((first, second), means, strict=True) for value in values
    )
    error = math.sqrt(squares / degrees * (1 / len(first) + 1 / len(second)))
    reach = t_quantile(degrees, confidence) * error
    return Estimate(difference, difference - reach, difference + reach, error, min(len(first), len(second)))


def loss_interval(losses: Sequence[float]) -> Estimate:
    """The same of costs: where no loss is negative, none will be, and the interval ends at 0; and where no share that
    is to rise (its cost is -1 to 0) is above 1, it ends there.
    """
    found = mean_interval(losses)
    if min(losses) >= 0:
        return replace(found, low=max(found.low, 0.0))
    if min(losses) >= -1 and max(losses) <= 0:
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 0.0))
    return found


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """By how many standard errors Student's t stays on either side of 0 with that probability. Of 0.95: 12.706 at
    1 degree of freedom, 2.776 at 4, 1.96 at infinity.
    """
    from scipy.special import stdtrit  # 0.1 s to import, and only sweeps over seeds need it

    return float(stdtrit(degrees, 0.5 + confidence / 2))


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
