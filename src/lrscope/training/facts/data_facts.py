"""What the training part says about the losses that are possible on it, and whether it can be trained on at all."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lrscope.datasets.data import Data
from lrscope.training.facts.constant_answer import constant_losses, loss_floor
from lrscope.training.supported import Loss, Objective, objective_of

MOST_NUMBERS = 5_000_000
"""Inputs of more numbers than this are not searched for equal ones: it would take longer than half a second."""


@dataclass(frozen=True)
class DataFacts:
    """See the fields of the same names in ``RunFacts``."""

    constant_loss: float | None
    val_constant_loss: float | None
    val_examples: int | None
    floor_loss: float | None
    floor_of: str | None
    target_range: tuple[float, float] | None
    largest_input: float
    broken_examples: int


_known: WeakKeyDictionary[Data, dict[str, DataFacts]] = WeakKeyDictionary()
"""Members of a sweep share their data, and mostly their loss: it is looked at once."""


def data_facts(data: Data, objective: Objective | None = None, loss_key: str = "") -> DataFacts:
    """The facts of the training part of a data set.

    Args:
        objective: what is learned; what the data's task says where it is None.
        loss_key: equal for equal losses.
    """
    objective = objective or objective_of(data.task)
    known = _known.setdefault(data, {})
    if loss_key not in known:
        inputs, targets = data.train.inputs, data.train.targets
        numbers = targets.is_floating_point()
        width = targets.shape[1] if numbers and targets.dim() > 1 else objective.outputs or max(1, len(data.classes))
        finite = targets[torch.isfinite(targets)] if numbers else targets
        loss, val = objective.loss, data.val
        constant = constant_losses(loss, targets, width, val.targets if val is not None else None)
        floor, floor_of = _floor(loss, inputs, targets, width, constant.train)
        known[loss_key] = DataFacts(
            constant_loss=constant.train,
            val_constant_loss=constant.val,
            val_examples=len(val) if val is not None else None,
            floor_loss=floor,
            floor_of=floor_of,
            target_range=(float(finite.min()), float(finite.max())) if numbers and finite.numel() else None,
            largest_input=_largest(inputs),
            broken_examples=_broken(inputs, targets),
        )
    return known[loss_key]


def _largest(inputs: Tensor) -> float:
    return max(abs(float(inputs.max())), abs(float(inputs.min()))) if inputs.numel() else 0.0


def _broken(inputs: Tensor, targets: Tensor) -> int:
    """Examples with a number that is not finite; their sum tells at once where there is none."""
    if all(bool(torch.isfinite(part.double().sum() if part.numel() < 1000 else part.sum())) for part in
           (inputs, targets)):  # fmt: skip
        return 0
    whole = [torch.isfinite(part).reshape(len(part), -1).all(1) for part in (inputs, targets)]
    return int((~(whole[0] & whole[1])).sum())


def _floor(
    loss: Loss, inputs: Tensor, targets: Tensor, outputs: int, constant: float | None
) -> tuple[float | None, str | None]:
    """The loss below which no answer gets, None where it is not known; and why: ``labels`` or the ``loss``."""
    if loss not in (functional.mse_loss, functional.cross_entropy):
        floor = loss_floor(loss, targets, outputs, constant)
        return floor, "loss" if floor else None
    floor = _of_equal_inputs(inputs, targets)
    return floor, "labels" if floor else None


def _of_equal_inputs(inputs: Tensor, targets: Tensor) -> float | None:
    """The loss of the best answer to each input, where equal inputs have different targets; None where not looked."""
    classes_each = not targets.is_floating_point() and targets.dim() > 1
    if not inputs.numel() or inputs.numel() > MOST_NUMBERS or classes_each:
        return None
    rows = np.ascontiguousarray(inputs.detach().cpu().reshape(len(inputs), -1).numpy())
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, group = np.unique(whole, return_inverse=True)
    groups = int(group.max()) + 1
    if groups == len(inputs):
        return 0.0
    values, size = targets.detach().cpu().numpy(), np.bincount(group)
    if targets.is_floating_point():
        columns = values.reshape(len(values), -1).astype(np.float64)
        mean = np.stack([np.bincount(group, column) / size for column in columns.T], 1)
        return float(np.mean((columns - mean[group]) ** 2))
    _, counts = np.unique(np.stack([group, values], 1), axis=0, return_inverse=True)
    counts = counts.ravel()
    share = np.bincount(counts)[counts] / size[group]
    return float(-np.log(share).mean())
