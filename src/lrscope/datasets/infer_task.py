"""What numbers to predict are meant as: classes, or numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Meant = Literal["classification", "regression"]

MOST_CLASSES = 20
"""So many different whole numbers can be taken for classes."""

ROWS_A_CLASS = 5
"""Examples that each of them must have on average; two different whole numbers are classes in any case."""


def task_of_numbers(values: NDArray[np.float64]) -> Meant:
    """``classification`` for a few whole numbers that repeat themselves, else ``regression``."""
    if not np.array_equal(values, np.round(values)):
        return "regression"
    different = len(np.unique(values))
    few = different <= MOST_CLASSES and different * ROWS_A_CLASS <= len(values)
    return "classification" if different == 2 or few else "regression"
