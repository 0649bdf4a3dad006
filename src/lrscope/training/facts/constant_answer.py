"""What a network reaches that answers the same whatever the input: the bar that anything learned has to pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.losses.binary_cross_entropy import BinaryCrossEntropy
from lrscope.training.supported import Loss, token_cross_entropy

ROUNDS = 50
"""Iterations of the search over answers to a loss that is not known here."""

LOOKED_AT = 10_000
"""Targets that such a search looks at, spread evenly."""

CROSS_ENTROPIES = (functional.cross_entropy, token_cross_entropy)

MOST_SORTED = 2**24
"""torch's quantile takes no more rows."""

LEAST_FLOOR = 1e-3
"""A search comes so near, as a share of the constant answer's loss, to a floor of 0 that is never reached."""


@dataclass(frozen=True)
class ConstantLosses:
    """Mean losses of the constant answer that is best on the training part: there, and on the validation part. None
    where the loss has no such answer, or there is no such part, or it is not finite there.
    """

    train: float | None
    val: float | None = None


def constant_losses(
    loss: Loss, targets: Tensor, outputs: int | None = None, val_targets: Tensor | None = None
) -> ConstantLosses:
    """Of targets [N] (classes) or [N, D] (numbers), and those of the validation part.

    Squared error: the mean of the targets, whose loss is their variance, mean over their columns. Cross entropy: the
    shares of the classes, or of the tokens, whose loss is their entropy. Absolute error: the median. Any other loss:
    searched for.

    Args:
        outputs: numbers of an answer; None where only the targets tell.
    """
    train, val = _finite(targets), _finite(val_targets) if val_targets is not None else None
    if not len(train):
        return ConstantLosses(None)
    val = val if val is not None and len(val) else None
    if loss is functional.mse_loss:
        mean = train.double().mean(0)
        losses = [float((part.double() - mean).square().mean()) for part in (train, val) if part is not None]
        return ConstantLosses(*losses)
    if loss is functional.l1_loss:
        median = train.double().quantile(0.5, 0) if len(train) < MOST_SORTED else train.double().median(0).values
        losses = [float((part.double() - median).abs().mean()) for part in (train, val) if part is not None]
        return ConstantLosses(*losses)
    if loss in CROSS_ENTROPIES and not train.is_floating_point():
        return _of_shares(train, val)
    return _searched(_on_paper(loss), train, outputs or _answers(loss, train), val)


def _on_paper(loss: Loss) -> Loss:
    """A loss with numbers of its own, on the processor and in double precision, as the search is."""
    return copy.deepcopy(loss).double().cpu() if isinstance(loss, nn.Module) else loss


def _answers(loss: Loss, targets: Tensor) -> int:
    """Numbers of an answer, as far as targets tell."""
    if targets.is_floating_point():
        return targets.shape[1] if targets.dim() > 1 else 1
    return 1 if isinstance(loss, BinaryCrossEntropy) else int(targets.max()) + 1


def loss_floor(loss: Loss, targets: Tensor, outputs: int, constant: float | None) -> float | None:
    """Mean loss below which no answers get, each target having an answer of its own: above 0 with label smoothing.

    None where it cannot be found.
    """
    if loss in (functional.mse_loss, functional.l1_loss) or loss in CROSS_ENTROPIES:
        return 0.0
    some, loss = _some(_finite(targets)), _on_paper(loss)
    if not len(some) or constant is None:
        return None
    if some.is_floating_point():
        start = some if some.shape == (len(some), outputs) else torch.zeros(len(some), outputs, dtype=torch.float64)
        found = _search(loss, some, start, lambda answers: answers)
    else:  # one answer a class
        classes, which = some.flatten().unique(return_inverse=True)
        start = torch.zeros(len(classes), outputs, dtype=torch.float64)
        found = _search(loss, some, start, lambda answers: answers[which])
    if found is None:
        return None
    floor = found[1]
    return floor if abs(floor) > LEAST_FLOOR * abs(constant) else 0.0


def _of_shares(train: Tensor, val: Tensor | None) -> ConstantLosses:
    classes = [part[part >= 0].flatten() for part in (train, val) if part is not None]  # below 0: to be ignored
    size = max((int(part.max()) + 1 for part in classes if len(part)), default=1)
    shares = [torch.bincount(part, minlength=size).double() / max(1, len(part)) for part in classes]
    losses = [_known(-torch.special.xlogy(share, shares[0]).sum()) for share in shares]
    return ConstantLosses(*losses)


def _searched(loss: Loss, train: Tensor, outputs: int, val: Tensor | None) -> ConstantLosses:
    some = _some(train)
    start = some.double().mean(0).flatten() if some.is_floating_point() else torch.zeros(outputs, dtype=torch.float64)
    start = start if len(start) == outputs else torch.zeros(outputs, dtype=torch.float64)
    found = _search(loss, some, start, lambda answer: answer.expand(len(some), outputs))
    if found is None:
        return ConstantLosses(None)
    answer, best = found
    if val is None:
        return ConstantLosses(best)
    seen = _some(val)
    with torch.no_grad():
        return ConstantLosses(best, _known(loss(answer.expand(len(seen), outputs), seen)))


def _search(
    loss: Loss, targets: Tensor, start: Tensor, answers: Callable[[Tensor], Tensor]
) -> tuple[Tensor, float] | None:
    """The parameters of the answers that make the loss lowest, and that loss; None where it wants other answers."""
    free = start.clone().requires_grad_()
    search = torch.optim.LBFGS([free], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        search.zero_grad()
        value = loss(answers(free), targets)
        value.backward()
        return value

    try:
        with torch.enable_grad():
            search.step(step)
            found = _known(step().detach())
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None  # it wants other answers than one row of numbers an example
    return None if found is None else (free.detach(), found)


def _some(targets: Tensor) -> Tensor:
    pick = torch.linspace(0, len(targets) - 1, min(len(targets), LOOKED_AT)).round().long()
    some = targets.cpu()[pick]
    return some.double() if some.is_floating_point() else some


def _known(loss: Tensor) -> float | None:
    return float(loss) if bool(torch.isfinite(loss)) else None


def _finite(targets: Tensor) -> Tensor:
    return targets[torch.isfinite(targets).reshape(len(targets), -1).all(1)]
