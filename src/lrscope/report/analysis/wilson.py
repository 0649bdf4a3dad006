"""How sure a share of failed runs is."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""Two-sided 95% quantile of the normal distribution."""


def wilson_interval(failed: int, runs: int) -> tuple[float, float]:
    """95% Wilson score interval of a share: 1 of 5 failed gives (0.036, 0.624); no runs give (0, 1)."""
    if runs == 0:
        return 0.0, 1.0
    share, z2 = failed / runs, Z95**2
    centre = (share + z2 / (2 * runs)) / (1 + z2 / runs)
    half = Z95 / (1 + z2 / runs) * math.sqrt(share * (1 - share) / runs + z2 / (4 * runs**2))
    return max(0.0, centre - half), min(1.0, centre + half)
