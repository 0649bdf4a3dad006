"""The mean loss of every member, computed so that its gradient is rounded as that of the loss of one is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn import functional

from lrscope.batched.model.mixed_types import cast_as_alone

Loss = Callable[..., Tensor]

LANES = 16
"""A multiple of every vector width: rows side by side are computed by the vector code and none by the scalar rest."""


def member_losses(loss: Loss, outputs: Tensor, targets: Tensor, *, own: bool) -> Tensor:
    """The mean loss of every member, [M], for outputs [M, B, ...] and targets [B, ...], or [M, B, ...] where ``own``.

    The two losses that ship are computed over all members directly; any other is vmapped.
    """
    if loss is already:
        return outputs
    if loss is functional.cross_entropy and outputs.dim() == 3 and not targets.is_floating_point():
        every = (targets if own else targets.expand(len(outputs), -1)).flatten()
        return _cross_entropies(outputs.flatten(0, 1), every).unflatten(0, outputs.shape[:2]).mean(1)
    if loss is functional.mse_loss:
        every = targets if own else targets.expand_as(outputs)
        return functional.mse_loss(outputs, every, reduction="none").flatten(1).mean(1)
    with cast_as_alone(outputs.device.type):
        return vmap(loss, in_dims=(0, 0 if own else None))(outputs, targets)


def already(losses: Tensor, _targets: Tensor) -> Tensor:
    """Of a network whose answers are losses."""
    return losses


def _cross_entropies(rows: Tensor, targets: Tensor) -> Tensor:
    """The cross entropy of each row [N, C], [N].

    With the classes last, as in a run alone, torch's kernel on the processor takes a row at a time: 0.2 µs each, a
    sixth of a step of 64 small networks. With the classes first it takes many rows at once, four times faster. It is
    used where it rounds alike, as was tried on this machine: where a row is shorter than a vector.
    """
    if rows.device.type != "cpu" or not _same_bits(rows.shape[1], rows.dtype):
        return functional.cross_entropy(rows, targets, reduction="none")
    return _classes_first(rows, targets)


def _classes_first(rows: Tensor, targets: Tensor) -> Tensor:
    if rows.requires_grad:
        # The gradient as torch's own kernel lays it out: a product with a transposed one rounds differently.
        rows.register_hook(Tensor.contiguous)
    missing = -len(rows) % LANES
    columns, padded = rows.t(), targets
    if missing:
        columns, padded = functional.pad(columns, (0, missing)), functional.pad(targets, (0, missing))
    each = functional.cross_entropy(columns.contiguous().unsqueeze(0), padded.unsqueeze(0), reduction="none")
    return each[0, : len(rows)]


@cache
def _same_bits(classes: int, dtype: torch.dtype) -> bool:
    """Whether both ways round alike on this machine, tried out on rows of every size."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor([1e-2, 1.0, 5.0, 30.0, 200.0], dtype=dtype).repeat_interleave(61)
    drawn = torch.randn(len(scales), classes, generator=generator, dtype=torch.float64)
    rows = drawn.to(dtype) * scales.unsqueeze(1)
    targets = torch.randint(classes, (len(scales),), generator=generator)
    gradients: list[Tensor] = []
    with torch.enable_grad(), torch.autocast("cpu", enabled=False):
        for way in (functional.cross_entropy, _classes_first):
            tried = rows.clone().requires_grad_()
            each = way(tried, targets, reduction="none") if way is functional.cross_entropy else way(tried, targets)
            gradients += torch.autograd.grad(each.sum(), tried)
    return torch.equal(*gradients)
