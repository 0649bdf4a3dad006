"""What was learned of the training part to make inputs and targets: enough to make them of raw examples again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Preprocessing(Protocol):
    """A frozen dataclass of plain values, kept on ``Data.preprocessing``: what makes inputs of raw examples.

    Whoever serves a model calls ``inputs`` on new raw examples: rows of a table, images, texts, arrays. The data set
    itself makes its parts by the same call.
    """

    def inputs(self, raw: Any) -> Tensor:
        """Raw examples as the network takes them, [N, ...]."""
        ...


@dataclass(frozen=True)
class TargetScale:
    """Numbers to predict are trained as ``(value - mean) / deviation``, of the training part; ``unit`` names them."""

    mean: float
    deviation: float
    unit: str = ""

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the user's unit to what the network learns."""
        return (values - self.mean) / self.deviation

    def in_units(self, answers: Tensor) -> Tensor:
        """From what the network answers to the user's unit."""
        return answers * self.deviation + self.mean
