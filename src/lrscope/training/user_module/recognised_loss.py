"""Whether a module's own loss is one that is known here: only then a constant answer's loss can be told."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lrscope.training.facts.constant_answer import ConstantLosses, constant_losses
from lrscope.training.supported import Loss, read_batch

KNOWN: tuple[Loss, ...] = (functional.cross_entropy, functional.mse_loss, functional.l1_loss)
EQUAL = 1e-4
"""Relative difference up to which two losses of a batch are one: they may be computed in another order."""


class RecognisedLoss:
    """Looks at batches of (inputs, targets), the network's answers, and the loss that the module made of them."""

    def __init__(self) -> None:
        self._left = list(KNOWN)
        self._targets: list[Tensor] = []

    def look(self, batch: Any, answers: list[Tensor], loss: Any) -> None:
        """One batch, and what the network answered while the module's step ran."""
        pair = read_batch(batch)
        if pair is None or len(answers) != 1 or loss is None:
            self._left = []
            return
        self._targets.append(pair[1].detach().cpu())
        self._left = [known for known in self._left if _is(known, answers[0], pair[1], float(loss))]

    def constant_losses(self, val_targets: Tensor | None) -> ConstantLosses:
        """Of the best constant answer; None where the loss is not known, or was seen for no batch."""
        if len(self._left) != 1 or not self._targets:
            return ConstantLosses(None)
        return constant_losses(self._left[0], torch.cat(self._targets), val_targets=val_targets)


def _is(known: Loss, answers: Tensor, targets: Tensor, loss: float) -> bool:
    classes = not targets.is_floating_point()
    if classes != (known is functional.cross_entropy):
        return False
    if not classes and answers.numel() == targets.numel():
        answers = answers.reshape(targets.shape)
    if answers.shape != targets.shape and not (classes and answers.dim() == 2 and targets.dim() == 1):
        return False
    try:
        return math.isclose(float(known(answers, targets)), loss, rel_tol=EQUAL)
    except (RuntimeError, ValueError, IndexError):  # classes beyond the answers
        return False
