"""From the best rates of short trainings to that of a long one: it falls as a power of the number of updates.

At each horizon the best rate is the lowest point of the losses (``valley``), with its uncertainty. The
law ``log rate = a + slope · log updates`` is fitted to those by Bayes' rule: three noisy horizons say little of the
slope, so what is known of it beforehand for the kind of optimizer counts as an observation as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrscope.core.found_rate import FoundRate, Horizon, Measured, RateAt
from lrscope.report.analysis.gaussian_process import Matrix
from lrscope.report.analysis.valley import lowest

GAINED = 0.02
"""The best copy must have lost at least this share of the loss at the start, or no rate improves anything."""

BESIDE_THE_LAW = 1.0
"""An optimum that lies further from the law than this, in decades, says that there is no law. On the tuning half of
``benchmarks/find.py`` rates were as good where an optimum lay 0.5 to 1 beside it as elsewhere."""

BEYOND = 0.45
"""How far the best rate of a long run strays from the law, in decades for each decade of updates beyond the last
horizon: what no fit of the horizons can see, as overfitting. With it 80% intervals hold 80% of the best swept rates on
the tuning half of ``benchmarks/find.py`` (40 cases)."""

EIGHTY = 1.2816
"""Deviations of a normal distribution on either side that hold 80%."""

LONGER = (2, 8)
"""Times the planned updates that the finding speaks of as well."""


@dataclass(frozen=True)
class Slope:
    """What is known of the slope before anything is measured: its mean and deviation."""

    mean: float
    deviation: float


COOLED = Slope(-0.5, 0.2)
SHAPED = {"plain": Slope(-0.5, 0.2), "momentum": Slope(-0.4, 0.2), "adaptive": Slope(-0.25, 0.2)}
"""From what copies reach that are cooled down to what the run reaches at a constant rate; and where both go through the
schedule. Set on the tuning half of ``benchmarks/find.py`` (40 cases), where slopes that are 0.1 flatter or steeper do
about as well.
"""


def known_slope(optimizer: str | None, momentum: float | None, shaped: bool) -> Slope:
    """What is known of the slope for an optimizer of this class.

    Args:
        shaped: whether the run, and so its copies, have a schedule.
    """
    kind = "adaptive" if optimizer != "SGD" else "momentum" if momentum else "plain"
    return SHAPED[kind] if shaped else COOLED


@dataclass(frozen=True)
class Line:
    """``log10 rate = level + slope · log10(updates / at)``, with the covariance [2, 2] of level and slope."""

    level: float
    slope: float
    covariance: Matrix
    at: int

    def rate_at(self, updates: int, farthest: int) -> RateAt:
        """The rate after so many updates, where ``farthest`` is the last horizon."""
        deviation = self.deviation(updates, farthest)
        middle = self.level + self.slope * math.log10(updates / self.at)
        ends = (middle - EIGHTY * deviation, middle + EIGHTY * deviation)
        return RateAt(updates, 10**middle, 10 ** ends[0], 10 ** ends[1])

    def deviation(self, updates: int, farthest: int) -> float:
        """Of the logarithm of that rate, in decades."""
        x = np.array([1.0, math.log10(updates / self.at)])
        beyond = BEYOND * max(math.log10(updates / farthest), 0.0)
        return math.sqrt(float(x @ self.covariance @ x) + beyond**2)


def find_rate(measured: Measured, slope: Slope) -> FoundRate:
    """The rate for the planned number of updates, or why it cannot be told."""
    bare = FoundRate(
        measured.planned, None, fails_from=fails_from(measured), spent=measured.spent,
        optima=tuple(found for h in measured.horizons if (found := optimum(measured, h)) is not None),
    )  # fmt: skip
    if (why_not := _nothing_to_fit(measured, bare.optima)) is not None:
        return replace(bare, why_not=why_not)
    line = fit_line(bare.optima, slope, measured.planned)
    farthest = measured.horizons[-1].updates
    strays = [abs(math.log10(o.rate) - line.level - line.slope * math.log10(o.updates / line.at)) for o in bare.optima]
    if max(strays) > BESIDE_THE_LAW:
        return replace(
            bare, slope=line.slope, why_not="the best rates of the horizons do not lie on one line: the fit is bad"
        )
    return replace(
        bare,
        best=line.rate_at(measured.planned, farthest),
        longer=tuple(line.rate_at(times * measured.planned, farthest) for times in LONGER),
        slope=line.slope,
        sure=math.erf(math.log10(2) / line.deviation(measured.planned, farthest) / math.sqrt(2)),
    )


def fit_line(optima: Sequence[RateAt], slope: Slope, at: int) -> Line:
    """The line through the optima, each as sure as its interval, and the slope as far as it is known beforehand."""
    design = [[1.0, math.log10(one.updates / at)] for one in optima] + [[0.0, 1.0]]
    values = [math.log10(one.rate) for one in optima] + [slope.mean]
    deviations = [math.log10(one.high / one.low) / 2 / EIGHTY for one in optima] + [slope.deviation]
    x, y = np.array(design) / np.array(deviations)[:, None], np.array(values) / np.array(deviations)
    covariance = np.linalg.inv(x.T @ x)
    level, steepness = covariance @ x.T @ y
    return Line(float(level), float(steepness), covariance, at)


def optimum(measured: Measured, horizon: Horizon) -> RateAt | None:
    """The best rate of a horizon; None where there is no valley."""
    found = lowest(measured.rates, horizon.losses, measured.start)
    if found is None:
        return None
    ends = (found.place - EIGHTY * found.deviation, found.place + EIGHTY * found.deviation)
    return RateAt(horizon.updates, 10**found.place, 10 ** ends[0], 10 ** ends[1])


def fails_from(measured: Measured) -> float | None:
    """The lowest rate from which on no copy gained anything by the last horizon, if it did not diverge."""
    last, bar = measured.horizons[-1].losses, (1 - GAINED) * measured.start
    kept = [rate for rate, loss in zip(measured.rates, last, strict=True) if loss < bar]
    return next((rate for rate in measured.rates if rate > max(kept, default=0.0)), None)


def _nothing_to_fit(measured: Measured, optima: Sequence[RateAt]) -> str | None:
    bar = min(measured.start, measured.constant) if math.isfinite(measured.constant) else measured.start
    last = measured.horizons[-1]
    if not min(last.losses) < (1 - GAINED) * bar:
        return f"no rate improves the {measured.metric} within {last.updates} updates"
    place = int(np.argmin(last.losses))
    if place in (0, len(measured.rates) - 1):
        side, key = ("lowest", "find.low") if place == 0 else ("highest", "find.high")
        return f"the best rate after {last.updates} updates is the {side} that was tried: move {key}"
    if not optima or optima[-1].updates < last.updates:
        return "the losses of the rates have no lowest point"
    return None
