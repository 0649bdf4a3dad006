"""A fully connected network of any depth; images are flattened."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem
from lrscope.models.activation import activation as make_activation
from lrscope.models.initialisation import initialise


class MLP(nn.Module):
    """Linear layers with an activation between: [N, *input_shape] -> [N, outputs], no softmax at the end.

    Args:
        hidden: units of each hidden layer; an empty list gives a linear model.
        dropout: share of hidden units that training switches off, 0 to below 1.
        batch_norm: normalise before each activation. The layers in front then have no bias: the normalisation takes it
            out again, its gradient is rounding noise, and Adam would turn that into steps.
        init, zero_bias: see :func:`lrscope.models.initialisation.initialise`.

    Raises:
        InputError: a width below 1, a dropout outside its range, an unknown name.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        hidden: Sequence[int] = (25, 12),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        init: str = "default",
        zero_bias: bool = False,
    ) -> None:
        super().__init__()
        check_layers("model.hidden", hidden, dropout)
        layers: list[nn.Module] = [nn.Flatten()]
        width = math.prod(input_shape)
        for units in hidden:
            layers.append(nn.Linear(width, units, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(make_activation(activation))
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs))
        initialise(self, init, zero_bias)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)


def check_layers(key: str, widths: Sequence[int], dropout: float) -> None:
    """Raise an InputError with every problem: widths below 1, a dropout outside [0, 1)."""
    problems = []
    if any(width < 1 for width in widths):
        remedy = f"Use e.g. {key}=[25,12]."
        problems.append(Problem(key, str(list(widths)), "each layer needs at least 1 unit", remedy))
    if not 0 <= dropout < 1:
        problems.append(Problem("model.dropout", str(dropout), "must be from 0 to below 1", "Use e.g. 0.2."))
    if problems:
        raise InputError(problems)
