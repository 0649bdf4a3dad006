"""Convolution and pooling of all members' images at once, on the processor.

The planes of all members are laid side by side as the planes of one image, in torch's ``channels_last`` format: the
last axis in memory then runs over members and their channels, thousands of numbers that the vector code of convolution
and pooling takes in a row. vmap lays every member's image for itself, where torch pools one number at a time and copies
between the layouts. What is left in between (activations, batch norm) keeps the layout it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.layers import apart, over_members, side_by_side

IMAGES = 4
"""Dimensions of one member's batch of images, [B, C, H, W]; layers are also called with single images."""


def lay_side_by_side(network: nn.Module) -> None:
    """Let the convolution and max-pooling layers of a network that is called under vmap see all members at once."""
    for layer in network.modules():
        if type(layer) is nn.Conv2d and layer.padding_mode == "zeros":
            setattr(layer, "forward", _convolution(layer, layer.forward))  # noqa: B010
        elif _pools(layer):
            setattr(layer, "forward", _pooling(layer, layer.forward))  # noqa: B010
        elif type(layer) is nn.Sequential and any(_swaps(*pair) for pair in pairwise(layer)):
            setattr(layer, "forward", _sequence(list(layer)))  # noqa: B010


def _sequence(layers: list[nn.Module]) -> Callable[[Tensor], Tensor]:
    """The layers one after the other, but ReLU behind max-pooling: on a quarter of the numbers.

    The largest of rectified numbers is their largest, rectified; where that is not above 0 no gradient passes either
    way. A ReLU that someone listens to stays in its place.
    """

    def forward(inputs: Tensor) -> Tensor:
        order = list(layers)
        for place, (layer, following) in enumerate(pairwise(layers)):
            if _swaps(layer, following) and not layer._forward_hooks:
                order[place : place + 2] = following, layer
        for layer in order:
            inputs = layer(inputs)
        return inputs

    return forward


def _swaps(layer: nn.Module, following: nn.Module) -> bool:
    return type(layer) is nn.ReLU and _pools(following)


def _pools(layer: nn.Module) -> TypeGuard[nn.MaxPool2d]:
    return type(layer) is nn.MaxPool2d and not layer.return_indices


def _convolution(layer: nn.Conv2d, single: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def convolved(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        members = len(weight)
        # One batch for all: their filters are so many filters of one layer.
        same = layer.groups == 1 and _is_one_for_all(inputs)
        outputs = functional.conv2d(
            _channels_last(inputs[0]) if same else _side_by_side(inputs),
            weight.flatten(0, 1).contiguous(memory_format=torch.channels_last),
            None if bias is None else bias.flatten(),
            layer.stride,
            layer.padding,
            layer.dilation,
            1 if same else members * layer.groups,
        )
        return _apart(outputs, members)

    def forward(inputs: Tensor) -> Tensor:
        if inputs.dim() != IMAGES:
            return single(inputs)
        return over_members(convolved, inputs, layer.weight, layer.bias)

    return forward


def _pooling(layer: nn.MaxPool2d, single: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    pool = partial(
        functional.max_pool2d,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        ceil_mode=layer.ceil_mode,
    )

    def pooled(inputs: Tensor) -> Tensor:
        return _apart(pool(_side_by_side(inputs)), len(inputs))

    def forward(inputs: Tensor) -> Tensor:
        return over_members(pooled, inputs) if inputs.dim() == IMAGES else single(inputs)

    return forward


def _is_one_for_all(inputs: Tensor) -> bool:
    """Whether [M, ...] is one tensor seen M times."""
    return inputs.stride(0) == 0


def _side_by_side(inputs: Tensor) -> Tensor:
    """[M, B, C, H, W] as [B, M·C, H, W]: no copy where the layer before has left it so."""
    return _channels_last(side_by_side(inputs))


def _apart(outputs: Tensor, members: int) -> Tensor:
    """[B, M·C, H, W] seen as [M, B, C, H, W]."""
    if outputs.requires_grad:
        # A linear layer's gradient comes in the other format, which pooling takes ten times as long to go back through.
        outputs.register_hook(_channels_last)
    return apart(outputs, members)


def _channels_last(images: Tensor) -> Tensor:
    """In ``channels_last`` format, also where there is one channel: torch takes that for the other format unless the
    strides tell.
    """
    if images.shape[1] > 1:
        return images.contiguous(memory_format=torch.channels_last)
    return images.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format).permute(0, 3, 1, 2)
