"""Whether numbers that are computed in another way are the same but for their roundings."""

from __future__ import annotations

from torch import Tensor

CLOSE = 1e-3
"""Relative difference of loss and gradients above which vmap or the compiler is taken to have computed something else.
Rounding in float32 stays below 1e-4; a wrong axis gives 1.
"""

MIXED_CLOSE = 30 * CLOSE
"""The same in mixed precision."""


def near(difference: Tensor, known: Tensor, bound: float, least: float) -> bool:
    """Whether a difference from what is known is small beside it, or beside ``least``; never where it is nan."""
    return float(difference.norm()) <= bound * max(float(known.norm()), least)
