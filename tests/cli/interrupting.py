"""A user's own model, outside lrscope, in the middle of whose training somebody presses Ctrl-C."""

from __future__ import annotations

import os
import signal

from torch import Tensor, nn


class Interrupting(nn.Module):
    """One linear layer; where ``PRESSED`` is set, its so-manieth forward pass in training mode sends SIGINT."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(input_shape[0], outputs)
        self.passes = 0

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.passes += 1
            if str(self.passes) == os.environ.get("PRESSED"):
                os.environ.pop("PRESSED")
                os.kill(os.getpid(), signal.SIGINT)
        return self.layer(inputs)
