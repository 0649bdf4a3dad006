"""Whether the network answers differently for different inputs."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-12


class SpreadMeter:
    """How much the outputs [N, K] depend on the example, relative to their size; they may come in pieces.

    Mean over the K output units of the standard deviation (divided by N) over the examples, divided by the mean
    absolute output + 1e-12. 0: the same answer for every input. Logits 1 and −1 in turn give 1. Sums are kept in
    float64 around the first example's output.
    """

    def __init__(self) -> None:
        self._count = 0
        self._origin: Tensor | None = None

    @torch.no_grad()
    def add(self, outputs: Tensor) -> None:
        """Takes in the outputs [n, K] of some more examples."""
        outputs = outputs.reshape(len(outputs), -1)
        if self._origin is None:
            self._origin = outputs[:1].clone()
            self._sum = torch.zeros(outputs.shape[1], dtype=_accumulator(outputs), device=outputs.device)
            self._squares = torch.zeros_like(self._sum)
            self._absolute = torch.zeros_like(self._sum)
        shifted = (outputs - self._origin).to(self._sum.dtype)
        self._sum += shifted.sum(0)
        self._squares += shifted.square().sum(0)
        self._absolute += outputs.abs().sum(0)
        self._count += len(outputs)

    def value(self) -> Tensor:
        """The spread over everything added since the meter was made; nan before anything was."""
        if self._origin is None:
            return torch.tensor(float("nan"))
        mean = self._sum / self._count
        deviation = (self._squares / self._count - mean.square()).clamp_min(0).sqrt()
        return deviation.mean() / (self._absolute.mean() / self._count + TINY)


def _accumulator(outputs: Tensor) -> torch.dtype:
    return torch.float32 if outputs.device.type == "mps" else torch.float64
