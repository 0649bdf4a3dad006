"""What the first layer of a network takes, in words: for the refusal of data of another shape."""

from __future__ import annotations

import math

from torch import Tensor, nn


def expected_input(network: nn.Module, inputs: Tensor) -> str:
    """The shape of an example that the first layer takes, where these inputs have another."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            flat = layer.in_features in (inputs.shape[-1], math.prod(inputs.shape[1:]))
            return "" if flat else f"[{layer.in_features}] (flat)"
        if isinstance(layer, nn.Conv2d):
            fits = inputs.dim() == 4 and inputs.shape[1] == layer.in_channels
            return "" if fits else f"[{layer.in_channels}, height, width]"
        if isinstance(layer, nn.Embedding):
            return ""
    return ""
