"""Layers that vmap would compute otherwise than a member alone does; here all members are computed as each is
alone.

Under vmap a layer sees one member. ``over_members`` hands its tensors to a function that sees them all, member
first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.masks import MaskSource

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class _OverMembers(torch.autograd.Function):
    """A function of all members' tensors, to be called on one member's under vmap."""

    @staticmethod
    def forward(function: Callable[..., Tensor], *tensors: Tensor | None) -> Tensor:
        """Where no tensor differs between members: one for all."""
        return function(*(None if tensor is None else tensor.unsqueeze(0) for tensor in tensors))[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing to save: gradients are those of the operations within ``function``."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, function: Callable[..., Tensor], *tensors: Tensor | None) -> tuple[Tensor, int]:
        return function(*(_in_front(t, d, info.batch_size) for t, d in zip(tensors, in_dims[1:], strict=True))), 0


def over_members(function: Callable[..., Tensor], *tensors: Tensor | None) -> Tensor:
    """Under vmap: one member's part of ``function`` of all members' tensors, [M, ...] each."""
    return _OverMembers.apply(function, *tensors)


def side_by_side(inputs: Tensor) -> Tensor:
    """[M, B, C, ...] as [B, M·C, ...]: the channels of all members as those of one layer."""
    return inputs.transpose(0, 1).flatten(1, 2)


def apart(outputs: Tensor, members: int) -> Tensor:
    """The way back: [B, M·C, ...] seen as [M, B, C, ...]."""
    return outputs.unflatten(1, (members, -1)).transpose(0, 1)


def draw_from(network: nn.Module, source: MaskSource) -> bool:
    """Let the network's dropout layers draw from ``source``; whether it has any that drops something.

    Only ``nn.Dropout`` itself is known here. Other layers that draw (``Dropout2d``, noise of a user's own) are
    vmapped with ``randomness="different"``: every member draws its own, equal in distribution to what it draws
    alone."""
    found = False
    for layer in network.modules():
        if type(layer) is nn.Dropout and layer.p > 0:
            setattr(layer, "forward", _dropout(layer, source))  # noqa: B010
            found = True
    return found


def normalise_as_alone(network: nn.Module) -> None:
    """Let BatchNorm layers use torch's own kernel on all channels of all members at once.

    vmap's rule scales and shifts in a separate operation, which rounds differently; this one is faster as well.
    """
    for layer in network.modules():
        if type(layer) in NORMS and layer.momentum is not None:
            setattr(layer, "forward", _batch_norm(layer))  # noqa: B010


def _dropout(layer: nn.Dropout, source: MaskSource) -> Callable[[Tensor], Tensor]:
    def masked(inputs: Tensor) -> Tensor:
        factors = source.draw(tuple(inputs.shape[1:]), layer.p, inputs.dtype)
        if len(inputs) != len(factors):
            raise RuntimeError("dropout of inputs that all members share")
        return inputs * factors

    def forward(inputs: Tensor) -> Tensor:
        if layer.training and layer.p < 1:
            return over_members(masked, inputs)
        return functional.dropout(inputs, layer.p, layer.training)

    return forward


def _batch_norm(layer: Any) -> Callable[[Tensor], Tensor]:
    def normalised(inputs: Tensor, *own: Tensor | None) -> Tensor:
        mean, variance, weight, bias = (None if tensor is None else tensor.flatten() for tensor in own)
        use_batch = layer.training or mean is None
        momentum = layer.momentum if layer.training else 0.0
        outputs = functional.batch_norm(
            side_by_side(inputs), mean, variance, weight, bias, use_batch, momentum, layer.eps
        )
        return apart(outputs, len(inputs))

    def forward(inputs: Tensor) -> Tensor:
        layer._check_input_dim(inputs)
        if layer.training and layer.num_batches_tracked is not None:
            layer.num_batches_tracked.add_(1)
        return over_members(normalised, inputs, layer.running_mean, layer.running_var, layer.weight, layer.bias)

    return forward


def _in_front(tensor: Tensor | None, dim: int | None, members: int) -> Tensor | None:
    if tensor is None:
        return None
    return tensor.expand(members, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
