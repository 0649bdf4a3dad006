"""Cross entropy of classes, with label smoothing and weights of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.losses.class_weights import Weights, class_weights


class CrossEntropy(nn.Module):
    """Mean over the batch of the weighted cross entropy of logits [N, C] for classes [N], or [N, L, C] for [N, L].

    torch divides by the sum of the batch's weights, which differs from batch to batch; here the weights' mean over the
    training part is 1, and a batch is divided by its size: over the whole part both are the same number.

    Args:
        label_smoothing: share of each target that is spread over all classes, as in torch.nn.CrossEntropyLoss.
        weight: one number a class, or ``balanced``.
        class_shares: of the training part; filled in from the data.

    Raises:
        ValueError: see :func:`class_weights`.
    """

    weight: Tensor | None

    def __init__(
        self, label_smoothing: float = 0.0, weight: Weights = None, class_shares: Sequence[float] = ()
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing={label_smoothing} is no share from 0 to below 1")
        self.label_smoothing = float(label_smoothing)
        weights = class_weights(weight, class_shares)
        self.register_buffer("weight", torch.tensor(weights) if weights is not None else None)

    def forward(self, answers: Tensor, targets: Tensor) -> Tensor:
        weight = self.weight.to(answers) if self.weight is not None else None
        rows, classes = answers.flatten(0, -2), targets.flatten()
        smooth = self.label_smoothing
        total = functional.cross_entropy(rows, classes, weight, label_smoothing=smooth, reduction="sum")
        return total / len(rows)
