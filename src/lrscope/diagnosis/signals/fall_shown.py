"""Whether the losses of batches show that training brought anything, where nothing else of the run is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrscope.diagnosis.signals.level import batch_noise

ERRORS = 3.0
"""Standard errors by which the losses must have begun above where they end."""


def fall_shown(losses: NDArray[np.float64]) -> bool:
    """Whether the first 1, 2, 4, 8 … of ``losses`` [steps] lie above the second half by more than their noise.

    Several lengths, since a fall of a few steps is lost in the mean of many, and a slow one in the noise of few.
    """
    half, noise = len(losses) // 2, batch_noise(losses)
    if half < 1:
        return False
    level = float(losses[half:].mean())
    counts = [2**k for k in range(half.bit_length()) if 2**k <= half]
    return any(
        float(losses[:n].mean()) - level > ERRORS * noise * (1 / n + 1 / (len(losses) - half)) ** 0.5 for n in counts
    )
