"""How much work a network makes of an example."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def forward_work(network: nn.Module, inputs: Tensor) -> int:
    """Multiply-adds of one example's forward pass, as its layers' weights tell: each weight once for every position.

    A count, not a time: the same on every machine. The mode of each module is left as it is, and so are buffers where
    the network is in evaluation mode.

    Args:
        inputs: of one example or several [N, ...].
    """
    work = 0

    def count(module: nn.Module, _inputs: Any, outputs: Any) -> None:
        nonlocal work
        answer = outputs[0] if isinstance(outputs, tuple) else outputs
        weights = [p for p in module.parameters(recurse=False) if p.dim() > 1]
        if weights and isinstance(answer, Tensor) and answer.dim() > 1:
            units = answer.shape[1 if weights[0].dim() > 2 else -1]
            work += sum(p.numel() for p in weights) * answer.numel() // max(1, units)

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    try:
        network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return work // len(inputs)
