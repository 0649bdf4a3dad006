"""What a loss comes to at the end of a run, from its curve so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

SMALLEST = 1e-12
"""A loss that is not above 0 has no logarithm."""

STEEPEST = 1.0
"""A curve that fell faster than with the inverse of the time is not expected to go on so."""


def forecast(start: float, losses: Sequence[float], total: int) -> float:
    """The loss after ``total`` evaluations, as a power law through the last doubling of the run goes on.

    Losses of networks fall about as a power of the number of updates (Hestness et al. 2017). With the loss ``l`` now,
    after ``t`` evaluations, and ``h`` halfway there, the exponent is ``b = log2(h / l)``, from 0 to 1, and the forecast
    ``l (total / t)^-b``. Losses of 0.4 and 0.2 after 2 and 4 evaluations come to 0.1 after 8. From four evaluations on
    ``l`` and ``h`` are each the mean of two neighbouring losses: single ones jump.

    Args:
        start: the loss ahead of the first update.
        losses: at every evaluation so far.

    Returns:
        inf where the latest loss is not finite.
    """
    if not math.isfinite(losses[-1]):
        return math.inf
    curve, now = [start, *losses], len(losses)
    half = now // 2
    mean = now >= 4
    latest = (curve[now] + curve[now - 1]) / 2 if mean else curve[now]
    before = (curve[half] + curve[half - 1]) / 2 if mean else curve[half]
    if not math.isfinite(latest):
        latest = curve[now]
    if not math.isfinite(before):
        return latest
    fell = math.log2(max(before, SMALLEST) / max(latest, SMALLEST))
    exponent = min(max(fell, 0.0), STEEPEST)
    return latest * (total / now) ** -exponent if latest > 0 else latest
