"""A user's own model, outside lrscope, that raises in the middle of a training."""

from __future__ import annotations

from torch import Tensor, nn


class Fragile(nn.Module):
    """One linear layer; its ``fails_at``-th forward pass in training mode raises (0: none does)."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, fails_at: int = 0) -> None:
        super().__init__()
        self.layer = nn.Linear(input_shape[0], outputs)
        self.fails_at = fails_at
        self.passes = 0

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.passes += 1
            if self.passes == self.fails_at:
                raise RuntimeError("broken on purpose")
        return self.layer(inputs)
