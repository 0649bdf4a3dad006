"""Data sets and networks on which something else than the rate decides."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.datasets.data import Data, Part


def offset(centre: float = 2000.0, deviation: float = 10.0, noise: float = 1.0, spoiled: int = 0) -> Data:
    """y = centre + deviation · (a unit combination of five inputs) + noise, 256 and 64 examples."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(320, 5, generator=generator)
    targets = centre + deviation * inputs @ torch.full((5, 1), 5**-0.5)
    targets = targets + noise * torch.randn(320, 1, generator=generator)
    inputs[:spoiled, 0] = math.nan
    return Data("offset", "regression", Part(inputs[:256], targets[:256]), Part(inputs[256:], targets[256:]))


def clouds(scale: float = 1.0, contradicting: float = 0.0, repeats: int = 1) -> Data:
    """Three classes of points around three centres, as large as wanted; some of their labels drawn anew, each point
    ``repeats`` times.
    """
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(384) % 3
    centres = 3 * torch.eye(3)
    inputs = (centres[labels] + torch.randn(384, 3, generator=generator)).repeat_interleave(repeats, 0)
    labels = labels.repeat_interleave(repeats)
    redrawn = torch.rand(len(labels), generator=generator) < contradicting
    labels = torch.where(redrawn, torch.randint(3, labels.shape, generator=generator), labels)
    part = Part(scale * inputs, labels)
    return Data("clouds", "classification", part, part, classes=("a", "b", "c"))


class Ending(nn.Module):
    """A small network whose answers come out of a function."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, function: str = "softmax", act: str = "tanh"):
        super().__init__()
        self.first, self.last = nn.Linear(math.prod(input_shape), 16), nn.Linear(16, outputs)
        self.function, self.act = function, act

    def forward(self, inputs: Tensor) -> Tensor:
        answers = self.last(getattr(torch, self.act)(self.first(inputs.flatten(1))))
        if self.function == "softmax":
            return torch.softmax(answers, -1)
        return answers if self.function == "none" else getattr(torch, self.function)(answers)


def coin(examples: int = 400) -> Data:
    """Two inputs, 0 and 1, and classes that are drawn whatever the input."""
    generator = torch.Generator().manual_seed(2)
    inputs = (torch.arange(examples) % 2).float()[:, None]
    labels = torch.randint(2, (examples,), generator=generator)
    return Data("coin", "classification", Part(inputs, labels), classes=("heads", "tails"))


def noise(positives: float = 0.05, features: int = 8, examples: int = 600, classes: bool = True, draw: int = 3) -> Data:
    """Inputs that say nothing of the targets: a rare class, or numbers around 0; a third of them for validation."""
    generator = torch.Generator().manual_seed(draw)
    inputs = torch.randn(examples, features, generator=generator)
    rare = (torch.arange(examples) % round(1 / positives) == 0).long()
    drawn = torch.randn(examples, 1, generator=generator)
    targets, cut = rare if classes else drawn, examples * 2 // 3
    parts = Part(inputs[:cut], targets[:cut]), Part(inputs[cut:], targets[cut:])
    return Data(
        "noise", "classification" if classes else "regression", *parts, classes=("no", "yes") if classes else ()
    )


def ten_thousand_times(answers: Tensor, targets: Tensor) -> Tensor:
    return 1e4 * functional.cross_entropy(answers, targets)


def a_ten_thousandth(answers: Tensor, targets: Tensor) -> Tensor:
    return 1e-4 * functional.cross_entropy(answers, targets)


def negated(answers: Tensor, targets: Tensor) -> Tensor:
    return -functional.cross_entropy(answers, targets)
