"""The length of the gradient."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def grad_norm(parameters: Iterable[Tensor]) -> Tensor:
    """Global L2 norm over the gradients of all parameters that have one: a 0-dim tensor, not yet read from the device.

    ``sqrt(sum of squares of every entry of every gradient)``; 0 where no parameter has a gradient.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.zeros(())
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
