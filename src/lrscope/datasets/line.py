"""Four points on a straight line through the origin: the smallest set on which a rate can fail."""

from __future__ import annotations

import torch

from lrscope.datasets.data import Data, Part


def line(name: str = "line") -> Data:
    """``x = 1, 2, 3, 4`` and ``y = 3x``: float32 [4, 1] each; no validation part.

    The Hessian of the mean squared error in (w, b) is ``[[15, 5], [5, 2]]``; its largest eigenvalue 16.7006
    sets the limit of plain gradient descent at 2 / 16.7006 = 0.11976.
    """
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    return Data(name, "regression", Part(x, 3 * x), source="y = 3x at x = 1, 2, 3, 4")
