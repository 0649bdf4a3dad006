"""The rate of every step, from the few points that keep it exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series, Trace

Floats = NDArray[np.float64]


def rate_of_steps(curve: Series, steps: int, peak: float | None) -> Floats:
    """The rate of each of the updates 0 … steps − 1; all nan where nothing is known.

    Between two recorded points the earlier one holds: lrscope records both sides of every change. A run without an
    ``lr`` curve is taken to have trained at its peak rate.
    """
    if not len(curve):
        return np.full(steps, np.nan if peak is None else peak)
    position = np.searchsorted(curve.steps, np.arange(steps), side="right") - 1
    return curve.values[np.maximum(position, 0)]


def travelled(rates: Floats) -> Floats:
    """Share 0..1 of the sum of all rates that was spent before and at each step: the time axis of gradient flow.

    On it a loss does not level off merely because its schedule does. Without known or positive rates: the share of
    the steps.
    """
    weights = rates if np.isfinite(rates).all() and rates.sum() > 0 else np.ones_like(rates)
    return np.cumsum(weights) / weights.sum()


def largest_rate(trace: Trace, planned: float | None) -> float | None:
    """The largest that was recorded of any parameter group (``lr``, ``lr/NAME``), else the planned one."""
    curves = [curve.values for name, curve in trace.series.items() if name == "lr" or name.startswith("lr/")]
    used = [float(np.nanmax(values)) for values in curves if np.isfinite(values).any()]
    return max(used) if used else planned
