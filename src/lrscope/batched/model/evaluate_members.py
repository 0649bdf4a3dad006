"""Loss, accuracy and output spread of all members over a whole part, at fixed weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrscope.batched.model.forward import Forward
from lrscope.batched.model.losses import Loss, member_losses
from lrscope.datasets.data import Part
from lrscope.training.evaluation import Evaluation, chosen
from lrscope.training.measures.spread import TINY, Deviation
from lrscope.training.metric_meter import MetricMeter

PIECE_BYTES = 64 * 2**20
"""A part is evaluated in pieces, such that what all members hold of one stays around this size."""


@dataclass(frozen=True)
class Evaluations:
    """Means over the examples, one number a member; ``accuracy`` is None for regression."""

    loss: list[float]
    accuracy: list[float] | None
    output_spread: list[float]
    metrics: list[dict[str, float]]

    def of(self, row: int) -> Evaluation:
        """One member's."""
        accuracy = self.accuracy[row] if self.accuracy is not None else None
        return Evaluation(self.loss[row], accuracy, self.output_spread[row], self.metrics[row])


def evaluate(
    forward: Forward, part: Part, loss: Loss, example_bytes: int = 0, metrics: Sequence[MetricMeter] = ()
) -> Evaluations:
    """Evaluate every member over the part.

    Args:
        example_bytes: what one member holds of one example at most; 0 takes the example's own size.
        metrics: one meter a member, where any metric is evaluated.
    """
    example_bytes = max(example_bytes, part.inputs[:1].numel() * part.inputs.element_size(), 1)
    size = max(1, PIECE_BYTES // (example_bytes * len(forward)))
    classes = not part.targets.is_floating_point()
    sums, spread = _Sums(), SpreadOfAll()
    for inputs, targets in zip(part.inputs.split(size), part.targets.split(size), strict=True):
        outputs = forward.evaluate(inputs)
        sums.add("loss", member_losses(loss, outputs, targets, own=False) * len(targets))
        if classes:
            right = chosen(outputs) == targets
            sums.add("right", right.sum(1) if right.dim() == 2 else right.double().flatten(2).mean(2).sum(1))
        spread.add(outputs, None if classes else targets)
        for row, meter in enumerate(metrics):
            meter.add(outputs[row], targets)
    read = torch.stack([*(total / len(part) for total in sums.values()), spread.value()]).tolist()
    found = [meter.values() for meter in metrics] or [{} for _ in range(len(forward))]
    return Evaluations(read[0], read[1] if classes else None, read[-1], found)


class _Sums(dict[str, Tensor]):
    """Sums [M] in the widest type that the device has."""

    def add(self, key: str, value: Tensor) -> None:
        value = value.to(_widest(value))
        self[key] = self[key] + value if key in self else value


class SpreadOfAll:
    """``measures.SpreadMeter`` with a member axis in front."""

    def __init__(self) -> None:
        self._sums = _Sums()
        self._origin: Tensor | None = None
        self._count = 0
        self._targets, self._against_targets = Deviation(), False

    def add(self, outputs: Tensor, targets: Tensor | None) -> None:
        if targets is not None:
            self._targets.add(targets)
            self._against_targets = True
        outputs = outputs.flatten(2) if outputs.dim() > 2 else outputs.unsqueeze(-1)
        if self._origin is None:
            self._origin = outputs[:, :1].clone()
        shifted, wide = outputs - self._origin, _widest(outputs)
        self._sums.add("sum", shifted.sum(1, dtype=wide))
        self._sums.add("squares", shifted.square().sum(1, dtype=wide))
        self._sums.add("absolute", outputs.abs().sum(1, dtype=wide))
        self._count += outputs.shape[1]

    @property
    def seen(self) -> bool:
        """Whether it has seen any outputs."""
        return self._count > 0

    def value(self) -> Tensor:
        mean = self._sums["sum"] / self._count
        deviation = (self._sums["squares"] / self._count - mean.square()).clamp_min(0).sqrt()
        size = self._sums["absolute"].mean(1) / self._count
        if self._against_targets:
            size = torch.minimum(size, self._targets.value().to(size))
        return deviation.mean(1) / (size + TINY)


def _widest(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64
