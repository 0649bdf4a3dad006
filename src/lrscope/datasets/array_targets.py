"""Arrays as targets: classes by number or by name, or numbers to predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.datasets.given_file import refuse
from lrscope.datasets.infer_task import Meant, task_of_numbers
from lrscope.datasets.preprocessing import TargetScale

TASKS = ("auto", "classification", "regression")


@dataclass(frozen=True)
class ArrayTargets:
    """``classes``: the values that stand for them, in the order of their numbers."""

    task: Meant
    classes: tuple[str, ...] = ()
    scale: TargetScale | None = None

    def of(self, file: Path, raw: NDArray[Any]) -> Tensor:
        """int64 [N], or float32 [N, D], standardised where a scale is known.

        Raises:
            InputError: a class that the training part does not have.
        """
        if self.task == "regression":
            values = raw.reshape(len(raw), -1).astype(np.float64)
            values = values if self.scale is None else self.scale.standardised(values)
            return torch.from_numpy(values.astype(np.float32))
        numbers = {name: number for number, name in enumerate(self.classes)}
        words = _names(raw)
        unknown = next((place for place, word in enumerate(words) if word not in numbers), None)
        if unknown is not None:
            rule = f"example {unknown} of a part has the class {words[unknown]}, and no training example has it"
            refuse(file, rule, "Leave such examples out.")
        return torch.tensor([numbers[word] for word in words], dtype=torch.int64)

    def scaled(self, file: Path, train: NDArray[Any]) -> ArrayTargets:
        """With mean and deviation of the training part, where one number an example is to be predicted."""
        if self.task == "classification" or train.reshape(len(train), -1).shape[1] != 1:
            return self
        values = train.astype(np.float64)
        if values.min() == values.max():
            refuse(file, f"every target is {values.flat[0]:g}: there is nothing to predict", "Choose other targets.")
        return replace(self, scale=TargetScale(float(values.mean()), float(values.std()), "target"))


def learn_targets(file: Path, train: NDArray[Any], task: str) -> tuple[ArrayTargets, str]:
    """What targets like these are taken for, and what is to be told of it.

    Raises:
        InputError: classes that are none, words to be predicted as numbers.
    """
    words = train.dtype.kind in "US"
    one_each = train.reshape(len(train), -1).shape[1] == 1
    meant: Meant = "regression" if task == "regression" else "classification"
    if task == "auto" and not words:
        meant = task_of_numbers(train.reshape(-1).astype(np.float64)) if one_each else "regression"
    if meant == "regression":
        if words:
            refuse(file, "the targets are words, no numbers", "Use dataset.task=classification.")
        return ArrayTargets(meant), "the targets are numbers to predict (dataset.task=classification: classes)"
    if not one_each:
        rule = f"the targets have the shape {list(train.shape)}, but a class is one value an example"
        refuse(file, rule, "Give e.g. targets.argmax(1), or use dataset.task=regression.")
    names = dict.fromkeys(_names(np.unique(train)))
    if len(names) < 2:
        refuse(file, f"every target is {next(iter(names))}: there is nothing to predict", "Choose other targets.")
    return ArrayTargets(meant, tuple(names)), f"the targets are {len(names)} classes (dataset.task=regression: numbers)"


def _names(values: NDArray[Any]) -> list[str]:
    """Whole numbers without a point."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "f" and np.array_equal(flat, np.round(flat)):
        flat = flat.astype(np.int64)
    return [word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in flat.tolist()]
