"""A small convolutional network for images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem
from lrscope.models.activation import activation as make_activation
from lrscope.models.initialisation import initialise
from lrscope.models.mlp import check_layers


class CNN(nn.Module):
    """Blocks of 3×3 convolution, activation and 2×2 pooling, then a linear layer: [N, C, H, W] to [N, K].

    Args:
        channels: of each block; every block halves height and width.
        dropout: share of inputs of the last layer that training switches off, 0 to below 1.
        batch_norm: normalise before each activation; the convolutions in front then have no bias (see ``MLP``).
        init, zero_bias: see :func:`lrscope.models.initialisation.initialise`.

    Raises:
        InputError: examples that are no images or too small for the blocks, a wrong number, an unknown name.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        channels: Sequence[int] = (16, 32),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        init: str = "default",
        zero_bias: bool = False,
    ) -> None:
        super().__init__()
        check_layers("model.channels", channels, dropout)
        planes, height, width = _image(input_shape, blocks=len(channels))
        layers: list[nn.Module] = []
        for wide in channels:
            layers.append(nn.Conv2d(planes, wide, kernel_size=3, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(wide))
            layers += [make_activation(activation), nn.MaxPool2d(2)]
            planes, height, width = wide, height // 2, width // 2
        layers.append(nn.Flatten())
        if dropout:
            layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers, nn.Linear(planes * height * width, outputs))
        initialise(self, init, zero_bias)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)


def _image(input_shape: Sequence[int], blocks: int) -> tuple[int, int, int]:
    shape = str(list(input_shape))
    if len(input_shape) != 3:
        rule = f"takes images [channels, height, width], but the dataset has examples of shape {shape}"
        raise InputError(Problem("model", "cnn", rule, "Use model=mlp, or a dataset of images."))
    smallest = 2**blocks
    if min(input_shape[1:]) < smallest:
        rule = f"{blocks} blocks need images of at least {smallest}x{smallest}, the dataset has {shape}"
        raise InputError(Problem("model.channels", f"{blocks} blocks", rule, "Use fewer blocks."))
    planes, height, width = input_shape
    return planes, height, width
