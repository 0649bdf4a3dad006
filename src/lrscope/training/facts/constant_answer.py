"""What a network reaches that answers the same whatever the input: the bar that anything learned has to pass."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lrscope.training.lightning_module import Loss

ROUNDS = 50
"""Iterations of the search over constant answers to a loss that is not known here."""

LOOKED_AT = 10_000
"""Targets that such a search looks at, spread evenly."""


def constant_loss(loss: Loss, targets: Tensor, outputs: int) -> float | None:
    """Mean loss of the best constant answer to these targets [N] (classes) or [N, D] (numbers).

    Squared error: the variance of the targets, mean over their columns. Cross entropy: the entropy of the class
    shares. Any other loss: searched for. None where it has none (no targets, or a loss that takes no such answers).
    """
    targets = targets[_finite(targets)]
    if not len(targets):
        return None
    if loss is functional.mse_loss:
        return float(targets.double().var(0, correction=0).mean())
    if loss is functional.cross_entropy and not targets.is_floating_point():
        classes = targets[targets >= 0]  # below 0: what cross entropy is told to ignore
        shares = torch.bincount(classes.flatten(), minlength=1).double() / max(1, classes.numel())
        return float(-torch.special.xlogy(shares, shares).sum())
    return _searched(loss, targets, outputs)


def _searched(loss: Loss, targets: Tensor, outputs: int) -> float | None:
    pick = torch.linspace(0, len(targets) - 1, min(len(targets), LOOKED_AT)).round().long()
    targets = targets.cpu()[pick]
    targets = targets.double() if targets.is_floating_point() else targets
    start = targets.mean(0).flatten() if targets.is_floating_point() else torch.zeros(outputs, dtype=torch.float64)
    answer = (start if len(start) == outputs else torch.zeros(outputs, dtype=torch.float64)).requires_grad_()
    search = torch.optim.LBFGS([answer], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        search.zero_grad()
        value = loss(answer.expand(len(targets), outputs), targets)
        value.backward()
        return value

    try:
        with torch.enable_grad():
            search.step(step)
            found = float(step().detach())
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None  # it wants other answers than one row of numbers an example
    return found if found == found and abs(found) != float("inf") else None


def _finite(targets: Tensor) -> Tensor:
    return torch.isfinite(targets).reshape(len(targets), -1).all(1)
