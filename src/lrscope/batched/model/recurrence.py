"""Recurrent layers in plain operations: torch's own have no rule for the networks of many members at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Step = Callable[[Tensor, Tensor], Tensor]
"""From what the inputs add at one place [B, 3H] and the state before it [B, H] to the state behind it."""


def recur_in_steps(network: nn.Module) -> None:
    """Let the GRU layers of a network that is called under vmap go from place to place by themselves.

    Those that draw (dropout between layers) or go both ways stay as they are: vmap refuses them, and the members train
    one by one.
    """
    for layer in network.modules():
        if type(layer) is nn.GRU and layer.batch_first and not (layer.bidirectional or layer.dropout):
            setattr(layer, "forward", _gru(layer))  # noqa: B010


def _gru(layer: nn.GRU) -> Callable[..., tuple[Tensor, Tensor]]:
    def forward(inputs: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        states, last = inputs, []
        for number in range(layer.num_layers):
            weights = [getattr(layer, f"{name}_l{number}", None) for name in ("weight_ih", "bias_ih")]
            added = functional.linear(states, *weights)  # type: ignore[arg-type]
            state = before[number] if before is not None else added.new_zeros(len(added), layer.hidden_size)
            step, seen = _step(layer, number), []
            for place in added.unbind(1):
                state = step(place, state)
                seen.append(state)
            states = torch.stack(seen, 1)
            last.append(state)
        return states, torch.stack(last)

    return forward


def _step(layer: Any, number: int) -> Step:
    """Cho et al. 2014 as torch has it: ``r, z`` gates, ``n = tanh(i_n + r h_n)``, ``h = (1 - z) n + z h``."""
    weight, bias = getattr(layer, f"weight_hh_l{number}"), getattr(layer, f"bias_hh_l{number}", None)

    def step(added: Tensor, state: Tensor) -> Tensor:
        reset_in, update_in, new_in = added.chunk(3, -1)
        reset_state, update_state, new_state = functional.linear(state, weight, bias).chunk(3, -1)
        reset, update = torch.sigmoid(reset_in + reset_state), torch.sigmoid(update_in + update_state)
        new = torch.tanh(new_in + reset * new_state)
        return new + update * (state - new)

    return step
