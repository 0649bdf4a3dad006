"""One linear layer: softmax regression on classes, a straight line on numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from lrscope.models.initialisation import initialise


class Linear(nn.Linear):
    """``weight @ flat(x) + bias``: [N, *input_shape] -> [N, outputs]; parameters ``weight`` and ``bias``.

    Args:
        init, zero_bias: see :func:`lrscope.models.initialisation.initialise`; ``zeros`` starts both at 0.
    """

    def __init__(
        self, input_shape: Sequence[int], outputs: int, init: str = "default", zero_bias: bool = False
    ) -> None:
        super().__init__(math.prod(input_shape), outputs)
        initialise(self, init, zero_bias)

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.flatten(1))
