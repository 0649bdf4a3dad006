"""Losses in words: with as many digits as it takes to see that they differ."""

from __future__ import annotations

import math
from itertools import pairwise

USUAL, MOST = 4, 9
"""Significant digits."""


def told(*losses: float) -> tuple[str, ...]:
    """``told(2.3894, 2.3889)`` is ``("2.3894", "2.3889")``: two digits of the smallest difference show."""
    digits = USUAL
    finite = [loss for loss in losses if math.isfinite(loss)]
    for one, other in pairwise(finite):
        if one != other and max(abs(one), abs(other)) > 0:
            away = abs(one - other) / max(abs(one), abs(other))
            digits = max(digits, min(MOST, 2 - math.floor(math.log10(away))))
    return tuple(f"{loss:.{digits}g}" for loss in losses)
