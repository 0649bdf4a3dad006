"""What a run did when it was trained on, on a copy: measured where a forecast would be a guess."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrscope.core.trace import Trace

AGAIN, SAME, LOWER = "ahead/again", "ahead/same_lr", "ahead/lower_lr"
"""Metrics of one point, at the run's last step: training losses, as levels, of the copies that were trained on."""

SAME_OTHER, LOWER_OTHER = "ahead/same_lr_other", "ahead/lower_lr_other"
"""The latter two in another order of the data, of runs that would be called oscillating by the first: where training is
chaotic one order is one sample."""


@dataclass(frozen=True)
class Ahead:
    """Training losses of copies of the finished run; None where none was trained on.

    again: behind as many steps again, at the rates of the run once more. same: behind 10% more steps at the last rate
    above 0. lower: behind as many at a tenth of it. The last two in another order of the data.
    """

    again: float | None = None
    same: float | None = None
    lower: float | None = None
    same_other: float | None = None
    lower_other: float | None = None

    @classmethod
    def of(cls, trace: Trace) -> Ahead:
        """What the run's record tells."""
        return cls(*(_value(trace, name) for name in (AGAIN, SAME, LOWER, SAME_OTHER, LOWER_OTHER)))


def _value(trace: Trace, name: str) -> float | None:
    """A copy whose loss is not finite has run away."""
    values = trace.get(name).values
    if not len(values):
        return None
    return float(values[-1]) if math.isfinite(values[-1]) else math.inf
