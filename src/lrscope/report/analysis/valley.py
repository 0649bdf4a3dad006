"""Where the loss is lowest over the rates of one seed: the middle of those whose losses are near the lowest.

``rate_curve`` tells of whole sweeps how probably each rate is the best. Here a wall of diverged copies stands beside a
valley of few points, often steep on that side alone: a parabola's vertex leans against the wall, the middle does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrscope.report.analysis.gaussian_process import Vector

NEAR = 0.1
"""A loss that is higher than the lowest by this share counts for 1/e of that."""

SHALLOW = 0.15
"""Where little was gained yet: at most this share of what was gained, both in logarithms."""

LEAST_DEVIATION = 0.12
"""Of the middle in decades: another order of the data, and the grid, move it by so much."""


@dataclass(frozen=True)
class Lowest:
    """``place`` is the logarithm (base 10) of the rate, ``deviation`` its uncertainty in decades."""

    place: float
    deviation: float


def lowest(rates: Sequence[float], losses: Sequence[float], start: float) -> Lowest | None:
    """The middle of the rates that are near the lowest; None where that lies at the edge, or nothing is below
    ``start``.
    """
    best = int(np.argmin(losses))
    if not losses[best] < start or best in (0, len(rates) - 1):
        return None
    x, above, gained = _valley(rates, losses, best, start)
    weights = np.exp(-above / min(NEAR, SHALLOW * gained))
    weights /= weights.sum()
    place = float(weights @ x)
    return Lowest(place, math.hypot(math.sqrt(float(weights @ (x - place) ** 2)), LEAST_DEVIATION))


def _valley(rates: Sequence[float], losses: Sequence[float], best: int, start: float) -> tuple[Vector, Vector, float]:
    """The logarithms of the rates around the best as far as their losses are below the start, by how much the
    logarithms of these are above the lowest, and by how much that is below the start. Of losses that can be negative,
    not the logarithms: shares of what was gained.
    """
    first, last = best, best
    while first > 0 and losses[first - 1] < start:
        first -= 1
    while last < len(rates) - 1 and losses[last + 1] < start:
        last += 1
    own = np.array(losses[first : last + 1])
    if losses[best] > 0:
        above, gained = np.log(own / losses[best]), math.log(start / losses[best])
    else:
        above, gained = (own - losses[best]) / (start - losses[best]), 1.0
    return np.log10(rates[first : last + 1]), above, gained
