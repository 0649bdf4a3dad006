"""What can be trained, in one list: the forms of a batch, and of each task its loss and the answers that it takes.

What is not listed is refused before a run, in words that name what is. To train more, add an entry: whatever checks,
trains and evaluates asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from lrscope.datasets.conform import class_numbers, numbers, real_inputs, token_ids

Loss = Callable[..., Tensor]

Pair = tuple[Tensor, Tensor]
"""Inputs [N, ...] and targets [N, ...]."""


@dataclass(frozen=True)
class Mismatch:
    """What does not fit, and what would. ``of_targets``: the data is to be mended, whatever the network answers;
    ``of_loss``: the loss is.
    """

    rule: str
    remedy: str
    of_targets: bool = False
    of_loss: bool = False


@dataclass(frozen=True)
class Objective:
    """A loss, mean over the batch of (answers, targets). ``mismatch`` says what it would not raise for and yet not
    mean: a broadcast, one answer for all classes.
    """

    loss: Loss
    prepare: Callable[[Tensor], Tensor]
    """A loader's targets as the loss takes them."""
    mismatch: Callable[[Tensor, Tensor], Mismatch | None]
    """Of answers and targets of one batch."""
    in_units: tuple[str, Callable[[float, float], float]] | None = None
    """Of standardised targets: a name, and from the loss and the targets' deviation to their own unit."""
    task: str = "classification"
    """``labels`` where several of them can be right."""
    name: str | None = None
    """The loss as the config names it; None for the one of the task."""
    outputs: int | None = None
    """How many numbers a network answers with, where the data alone does not say."""
    applies: tuple[str, ...] = ()
    """What the loss itself applies to the answers: a network that ends in it would do so twice."""
    of_module: bool = False
    """A LightningModule computes it from a batch of any form: nothing of all this is known, or asked for."""


def _wrong_logits(answers: Tensor, targets: Tensor) -> Mismatch | None:
    if targets.is_floating_point() or targets.is_complex() or targets.dim() != 1:
        rule = f"the targets of a batch are {kind(targets)}, but a class is one whole number an example: int64 [N]"
        return Mismatch(rule, "Give such targets, or task='regression' for numbers to predict.", of_targets=True)
    if answers.dim() != 2 or len(answers) != len(targets):
        rule = f"answers {kind(answers)} to a batch of {len(targets)}, but classes need [{len(targets)}, CLASSES]"
        return Mismatch(rule, "Answer with one row of logits an example.")
    classes, lowest, highest = answers.shape[1], int(targets.min()), int(targets.max())
    if classes < 2:
        rule = "answers one number an example: the cross entropy of a single answer is 0 whatever the network learns"
        return Mismatch(rule, "Answer with one number a class (two for yes and no), or give task='regression'.")
    if lowest < 0 or 0 < lowest <= highest == classes:
        rule = f"the targets run from {lowest} to {highest}, but classes are numbered from 0"
        return Mismatch(rule, "Number them from 0, and leave out what has no class.", of_targets=True)
    if highest >= classes:
        rule = f"answers {classes} numbers an example, for classes 0 to {classes - 1}, but the targets run from "
        return Mismatch(f"{rule}{lowest} to {highest}", "Answer with one number a class, and number classes from 0.")
    return None


def wrong_predictions(answers: Tensor, targets: Tensor) -> Mismatch | None:
    if answers.shape == targets.shape:
        return None
    rule = f"answers {kind(answers)}, but the targets are {kind(targets)}: the loss would compare each with others"
    return Mismatch(rule, f"Give both the shape [N, 1] or both {list(targets.shape)}: unsqueeze(1) adds an axis.")


def token_cross_entropy(answers: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Cross entropy of the answers [N, L, V] for the next tokens [N, L], every place counted alike."""
    return functional.cross_entropy(answers.flatten(0, -2), targets.flatten(), reduction=reduction)


def _wrong_tokens(answers: Tensor, targets: Tensor) -> Mismatch | None:
    if answers.dim() == 3 and answers.shape[:2] == targets.shape:
        return None
    rule = f"answers {kind(answers)}, but the next tokens of a batch are {kind(targets)}"
    return Mismatch(rule, f"Answer [{', '.join(map(str, targets.shape))}, VOCABULARY]: at every place of an example.")


OBJECTIVES: Mapping[str, Objective] = {
    "classification": Objective(functional.cross_entropy, class_numbers, _wrong_logits, applies=("softmax",)),
    "regression": Objective(
        *(functional.mse_loss, numbers, wrong_predictions),
        in_units=("rmse", lambda loss, deviation: loss**0.5 * deviation),
        task="regression",
    ),
    "next_token": Objective(token_cross_entropy, token_ids, _wrong_tokens, task="next_token", applies=("softmax",)),
}
"""By task: cross entropy of logits [N, C] for classes [N], mean squared error for numbers of the answers' shape, cross
entropy of logits [N, L, V] for the tokens [N, L]."""


def _pair(batch: Any) -> Pair | None:
    if isinstance(batch, (tuple, list)) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch):
        return batch[0], batch[1]
    return None


BATCHES: Mapping[str, Callable[[Any], Pair | None]] = {"(inputs, targets), two tensors": _pair}
"""By name: what reads a batch of that form; None of another."""


def objective_of(task: str | None) -> Objective:
    """Of a task; of classification where none is named."""
    return OBJECTIVES[task or "classification"]


def loss_of(task: str | None) -> Loss:
    return objective_of(task).loss


def read_batch(batch: Any) -> Pair | None:
    """The inputs and targets of a loader's batch; None where its form is not supported."""
    return next((pair for read in BATCHES.values() if (pair := read(batch)) is not None), None)


def wrong_batch(batch: Any) -> Mismatch | None:
    """What a batch of a loader is, where its form is not supported."""
    if read_batch(batch) is not None:
        return None
    return Mismatch(f"its loader gives {described(batch)} a batch", f"Give {' or '.join(BATCHES)}.")


def taken(batch: Any, objective: Objective, like: Tensor) -> Pair:
    """A loader's batch as the training takes it.

    Args:
        like: a parameter of the network: floating inputs and targets take its type and device.
    """
    pair = read_batch(batch)
    assert pair is not None, "the form of a batch was looked at before the run"
    inputs, targets = real_inputs(pair[0]), objective.prepare(pair[1])
    return _like(inputs, like), _like(targets, like)


def _like(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.to(like.device, like.dtype if tensor.is_floating_point() else tensor.dtype)


def kind(tensor: Tensor) -> str:
    """``float32 [32, 1]``."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def described(batch: Any) -> str:
    """What a batch holds: ``a dict of 'x', 'y'``, ``a list of 3``."""
    name = type(batch).__name__
    if isinstance(batch, Mapping):
        return f"a {name} of {', '.join(map(repr, batch))}"
    if isinstance(batch, Tensor):
        return f"one tensor ({kind(batch)})"
    if isinstance(batch, (tuple, list)):
        held = [kind(part) if isinstance(part, Tensor) else type(part).__name__ for part in batch[:4]]
        return f"a {name} of {len(batch)} ({', '.join(held)}{', …' if len(batch) > 4 else ''})"
    return f"a {name}"
