"""Loss that is not finite, or has grown without bound."""

from __future__ import annotations

import math

CERTAIN_GROWTH = 1e6
"""A single loss so many times above the first one ends the run: nothing that recovers from it is worth waiting for."""


def is_diverged(loss: float, first_loss: float, growth: float = CERTAIN_GROWTH) -> bool:
    """Whether one loss already settles that the run has diverged: cheap enough for every step.

    True where ``loss`` is nan or infinite, or above ``growth`` times the first loss (taken as at least 1e-3, so that
    a run that starts at a minimum is not stopped by a ripple).
    """
    return not math.isfinite(loss) or loss > growth * max(abs(first_loss), 1e-3)
