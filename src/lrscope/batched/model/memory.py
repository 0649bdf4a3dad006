"""How much memory a member takes, and how many fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from lrscope.core.free_memory import free_bytes_of_machine

SHARE = 0.5
"""Of the memory that is free, so much may be used by a stack; the rest is for what an estimate cannot see."""

COPIES = 8
"""Tensors of the size of the weights that a stack holds at the peak of a step: weights, gradients of the graph
and in rows, two moments, and what an update keeps in between.
"""

FROZEN_COPIES = 2
"""Of what is frozen: at worst each member has its own, in its network and in the stack. What is the same is kept once.
"""


@dataclass(frozen=True)
class Footprint:
    """Bytes that one member takes while training: once, and for each example of its batch."""

    fixed: int
    per_example: int

    def of_batch(self, examples: int) -> int:
        return self.fixed + examples * self.per_example


def footprint(network: nn.Module, inputs: Tensor, call: Callable[[Tensor], Tensor] | None = None) -> Footprint:
    """Measure one member on a few examples: what its forward pass saves for the backward pass, and its weights.

    The network's buffers and the random generator are left as they were.

    Args:
        call: what its forward pass is, where it is more than the network.
    """
    parameters = {p.data_ptr() for p in network.parameters()}
    saved = 0

    def note(tensor: Tensor) -> Tensor:
        nonlocal saved
        if tensor.data_ptr() not in parameters:
            saved += tensor.numel() * tensor.element_size()
        return tensor

    kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
    first = next(network.parameters())
    with torch.random.fork_rng(devices=[]), saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = (call or network)(inputs.to(first.device, first.dtype if inputs.is_floating_point() else None))
    for name, buffer in network.named_buffers():
        buffer.copy_(kept[name])
    saved += outputs.numel() * outputs.element_size() + inputs.numel() * inputs.element_size()
    sizes = [(p.requires_grad, p.numel() * p.element_size()) for p in network.parameters()]
    fixed = sum(COPIES * size if trains else FROZEN_COPIES * size for trains, size in sizes)
    # The backward pass holds a gradient of about every activation beside it.
    return Footprint(fixed, 2 * saved // len(inputs))


def free_bytes(device: torch.device) -> int:
    """Memory that is free on that device now; of the machine, or of the container that it is."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return free_bytes_of_machine()


def most_members(each: int, device: torch.device) -> int:
    """How many members of that size fit; at least 1."""
    return max(1, int(SHARE * free_bytes(device) // max(1, each)))


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there was no memory left: a GPU's, or the machine's where it is limited."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)
