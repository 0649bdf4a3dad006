"""Whether the network answers differently for different inputs."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-12


class Deviation:
    """Mean over columns of the standard deviation over rows that come in pieces; sums are kept in float64 around the
    first row.
    """

    def __init__(self) -> None:
        self._count = 0
        self._origin: Tensor | None = None

    def add(self, rows: Tensor) -> None:
        """Takes in [n, ...] more of them."""
        rows = rows.reshape(len(rows), -1)
        if self._origin is None:
            self._origin = rows[:1].clone()
            self._sum = torch.zeros(rows.shape[1], dtype=_accumulator(rows), device=rows.device)
            self._squares = torch.zeros_like(self._sum)
        shifted = (rows - self._origin).to(self._sum.dtype)
        self._sum += shifted.sum(0)
        self._squares += shifted.square().sum(0)
        self._count += len(rows)

    def value(self) -> Tensor:
        """Over everything added."""
        mean = self._sum / self._count
        return (self._squares / self._count - mean.square()).clamp_min(0).sqrt().mean()


class SpreadMeter:
    """How much the outputs [N, K] depend on the example, relative to their size; they may come in pieces.

    Mean over the K output units of the standard deviation (divided by N) over the examples, divided by the mean
    absolute output + 1e-12. 0: the same answer for every input. Logits 1 and −1 in turn give 1. Where the targets are
    numbers it is divided by their standard deviation if that is the smaller one: answers of 2000 ± 10 to such targets
    depend on the input as much as answers of 0 ± 10 do.
    """

    def __init__(self) -> None:
        self._outputs, self._targets = Deviation(), Deviation()
        self._absolute: Tensor | None = None
        self._numbers = 0
        self._against_targets = False

    @torch.no_grad()
    def add(self, outputs: Tensor, targets: Tensor | None = None) -> None:
        """Takes in the outputs [n, K] of some more examples, and the numbers [n, D] that were wanted."""
        self._outputs.add(outputs)
        size = outputs.abs().sum(dtype=_accumulator(outputs))
        self._absolute = size if self._absolute is None else self._absolute + size
        self._numbers += outputs.numel()
        if targets is not None and targets.is_floating_point():
            self._targets.add(targets)
            self._against_targets = True

    def value(self) -> Tensor:
        """The spread over everything added since the meter was made; nan before anything was."""
        if self._absolute is None:
            return torch.tensor(float("nan"))
        size = self._absolute / self._numbers
        if self._against_targets:
            size = torch.minimum(size, self._targets.value().to(size))
        return self._outputs.value() / (size + TINY)


def _accumulator(outputs: Tensor) -> torch.dtype:
    return torch.float32 if outputs.device.type == "mps" else torch.float64
