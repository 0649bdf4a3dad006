"""Loss and accuracy of a network over a whole part, at fixed weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lrscope.datasets.data import Part
from lrscope.training.measures import SpreadMeter
from lrscope.training.metric_meter import MetricMeter
from lrscope.training.supported import Loss

CHUNK_BYTES = 64 * 2**20
"""Inputs are evaluated in chunks of at most so many bytes, which bounds the memory of wide networks."""

CHUNK_TOKENS = 8192
"""A token is one number that a network makes hundreds of: so many are evaluated at once."""


@dataclass(frozen=True)
class Evaluation:
    """Means over the examples of a part (of tokens: over their places too); ``accuracy`` is None for regression.

    ``output_spread`` is the mean over output units of the standard deviation over examples, divided by the mean
    absolute output (regression: by the deviation of the targets where that is smaller): 0 for a network that answers
    the same whatever the input. ``metrics``: those that the config names.
    """

    loss: float
    accuracy: float | None
    output_spread: float
    metrics: Mapping[str, float] = field(default_factory=dict)


def evaluate(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], loss: Loss, metrics: MetricMeter | None = None
) -> Evaluation:
    """Evaluate in eval mode and without gradients; each module is left in the mode it was in."""
    with _fixed(network):
        sums: Tensor | None = None
        spread = SpreadMeter()
        n, classes = 0, False
        for inputs, targets in batches:
            answers = network(inputs)
            classes = not targets.is_floating_point()
            batch = torch.stack([loss(answers, targets) * len(targets), _right(answers, targets)])
            sums = batch if sums is None else sums + batch
            spread.add(answers, targets)
            if metrics:
                metrics.add(answers, targets)
            n += len(targets)
        if sums is None:
            raise ValueError("nothing to evaluate: the part is empty")
        total, right, spread_value = torch.stack([*sums.double(), spread.value().double()]).tolist()
    return Evaluation(total / n, right / n if classes else None, spread_value, metrics.values() if metrics else {})


def mean_loss(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], loss: Loss) -> float:
    """The loss of :func:`evaluate` by itself, in two thirds of the time."""
    with _fixed(network):
        sums, n = torch.zeros(()), 0
        for inputs, targets in batches:
            sums = loss(network(inputs), targets) * len(targets) + sums.to(inputs.device)
            n += len(targets)
    return float(sums) / n


def chunks(part: Part) -> Iterator[tuple[Tensor, Tensor]]:
    """A part in as few pieces as ``CHUNK_BYTES`` allows."""
    numbers = max(1, part.inputs[:1].numel())
    if part.inputs.is_floating_point():
        size = max(1, CHUNK_BYTES // (numbers * part.inputs.element_size()))
    else:
        size = max(1, CHUNK_TOKENS // numbers)
    yield from zip(part.inputs.split(size), part.targets.split(size), strict=True)


def _right(answers: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return answers.new_zeros(())
    right = (chosen(answers) == targets).to(answers.dtype)
    return right.flatten(1).mean(1).sum() if right.dim() > 1 else right.sum()


def chosen(answers: Tensor) -> Tensor:
    """The class of each row of answers [..., C]: the largest, or 1 where the only one is above 0."""
    return (answers.squeeze(-1) > 0).long() if answers.shape[-1] == 1 else answers.argmax(-1)


@contextmanager
def _fixed(network: nn.Module) -> Iterator[None]:
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:  # `network.train()` would wake what its owner keeps in evaluation mode
            module.training = True
