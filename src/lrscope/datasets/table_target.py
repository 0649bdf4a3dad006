"""The column of a table that is to be predicted: classes, or numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.datasets.given_file import refuse
from lrscope.datasets.infer_task import Meant, task_of_numbers
from lrscope.datasets.preprocessing import TargetScale
from lrscope.datasets.table_columns import as_words, check_numbers, holds_numbers
from lrscope.datasets.table_file import Table

OTHER = {"classification": "regression", "regression": "classification"}


@dataclass(frozen=True)
class TableTarget:
    """``classes`` in the order of their numbers; ``scale`` of numbers to predict, once it is learned."""

    column: str
    task: Meant
    classes: tuple[str, ...] = ()
    scale: TargetScale | None = None

    def of(self, table: Table, key: str = "dataset.path") -> Tensor:
        """The targets of a table's rows: int64 [N], or float32 [N, 1], standardised where a scale is known.

        Raises:
            InputError: a class that is none of these, a text that is no number; with the line.
        """
        if self.task == "regression":
            values = _numbers(table, self.column)
            values = values if self.scale is None else self.scale.standardised(values)
            return torch.from_numpy(values.astype(np.float32))[:, None]
        numbers = {name: number for number, name in enumerate(self.classes)}
        words = class_words(table, self.column)
        unknown = next((row for row, word in enumerate(words) if word not in numbers), None)
        if unknown is not None:
            rule = f"{table.place(unknown)}, column {self.column}: no training row has the class {words[unknown]!r}"
            refuse(table.file, rule, "Put such rows into the training file, or leave these out.", key)
        return torch.tensor([numbers[word] for word in words], dtype=torch.int64)

    def scaled(self, train: Table) -> TableTarget:
        """With the mean and deviation of the training rows, where numbers are to be predicted.

        Raises:
            InputError: all of them are equal.
        """
        if self.task == "classification":
            return self
        values = _numbers(train, self.column)
        if values.min() == values.max():
            rule = f"the column {self.column} is {values[0]:g} in every training row: there is nothing to predict"
            refuse(train.file, rule, "Choose another with dataset.target=.")
        return TableTarget(self.column, self.task, (), TargetScale(values.mean(), values.std(), self.column))


def meant_target(table: Table, column: str, task: str) -> tuple[TableTarget, str]:
    """What a column is taken for, and what is to be told of it; ``auto`` decides by what stands there.

    Raises:
        InputError: a task that does not fit, a single class.
    """
    meant: Meant = "regression" if task == "regression" else "classification"
    if task == "auto" and holds_numbers(table, column):
        meant = task_of_numbers(_numbers(table, column))
    if meant == "regression":
        words = "numbers to predict"
        target = TableTarget(column, meant)
        _numbers(table, column)
    else:
        classes = _in_order(set(class_words(table, column)))
        if len(classes) < 2:
            rule = f"the column {column} is {classes[0]!r} in every row: there is nothing to predict"
            refuse(table.file, rule, "Choose another with dataset.target=.")
        target, words = TableTarget(column, meant, classes), f"{len(classes)} classes"
    return target, f"{column} holds {words} (dataset.task={OTHER[meant]} would take it otherwise)"


MOST_TOLD = 3
"""Lines on classes that nothing validates."""


def rare_classes(table: Table, target: TableTarget, train: Tensor, val: Tensor) -> list[str]:
    """A line for each class that trains and that nothing validates."""
    if target.task == "regression":
        return []
    labels = target.of(table)
    validated = set(labels[val].tolist())
    told = []
    for number, name in enumerate(target.classes):
        rows = [row for row in train.tolist() if labels[row] == number] if number not in validated else []
        if rows:
            count = f"{len(rows)} row{'s' * (len(rows) != 1)}"
            told.append(
                f"{table.place(rows[0])}, column {target.column}: the class {name!r} has {count}, "
                "too few to validate it: it trains only"
            )
    if len(told) > MOST_TOLD:
        told[MOST_TOLD - 1 :] = [f"{len(told) - MOST_TOLD + 1} other classes of {target.column} train only, too"]
    return told


def class_words(table: Table, column: str) -> list[str]:
    """What stands in each row, whole numbers without a point: ``3.0`` is ``3``."""
    return [re.sub(r"^(-?\d+)\.0*$", r"\1", word) for word in as_words(table.frame[column])]


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Numbers by their size, words by the alphabet."""
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names))


def _numbers(table: Table, column: str) -> NDArray[np.float64]:
    return check_numbers(table, column, "Mend it, or take all for classes: dataset.task=classification.")
