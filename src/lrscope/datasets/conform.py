"""A user's data in the one form that training takes: converted where it can mean one thing only, else refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn, get_args

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part, Task

TASKS = get_args(Task)


def conformed(data: Data, target: str) -> Data:
    """The data as training takes it: floating inputs and numbers to predict as float32, classes as int64 [N].

    Args:
        target: what made the data, for the words of a problem.

    Raises:
        InputError: it can mean several things, or nothing.
    """
    return _Conforming(target).conform(data)


def class_numbers(targets: Tensor) -> Tensor:
    """Whole numbers of any type, [N] or [N, 1], as int64 [N]; anything else as it is."""
    if targets.dim() == 2 and targets.shape[1] == 1:
        targets = targets.squeeze(1)
    if targets.is_complex() or targets.dim() != 1:
        return targets
    whole = not targets.is_floating_point() or bool((targets == targets.round()).all())
    return targets.long() if whole else targets


def token_ids(targets: Tensor) -> Tensor:
    """Whole numbers of any type as int64; anything else as it is."""
    return targets if targets.is_floating_point() or targets.is_complex() else targets.long()


def numbers(targets: Tensor) -> Tensor:
    """Numbers of any type as float32; complex ones as they are."""
    return targets if targets.is_complex() else targets.float()


def real_inputs(inputs: Tensor) -> Tensor:
    """Floating numbers of any width, and booleans, as float32; whole numbers (token ids) as they are."""
    return inputs.float() if inputs.is_floating_point() or inputs.dtype == torch.bool else inputs


class _Conforming:
    def __init__(self, target: str) -> None:
        self._target = target

    def conform(self, data: Data) -> Data:
        if data.task not in TASKS:
            self._refuse(f"its task is {data.task!r}", f"Write task={' or task='.join(map(repr, TASKS))}.")
        parts = {name: self._part(name, getattr(data, name), data.task) for name in ("train", "val", "test")}
        train = parts["train"]
        assert train is not None
        made = replace(data, train=train, val=parts["val"], test=parts["test"], classes=self._classes(data, train))
        if data.vocabulary is None and not train.inputs.is_floating_point():
            made = replace(
                made, vocabulary=1 + max(int(part.inputs.max()) for part in parts.values() if part is not None)
            )
        if made.task != "regression":
            for name, part in parts.items():
                if part is not None:
                    self._check_classes(name, part.targets, len(made.classes))
        return made

    def _part(self, name: str, part: Any, task: Task) -> Part | None:
        if part is None and name != "train":
            return None
        if not isinstance(part, Part):
            self._refuse(f"its {name} is a {type(part).__name__}", f"Write {name}=Part(inputs, targets).")
        inputs, targets = (self._tensor(name, what, getattr(part, what)) for what in ("inputs", "targets"))
        if not len(inputs):
            self._refuse(f"its {name} part holds no example", f"Put some in{'' if name == 'train' else ', or None'}.")
        if not inputs.numel():
            self._refuse(f"its {name} inputs have the shape {list(inputs.shape)}: no number", "Give each example some.")
        if inputs.is_complex():
            self._refuse(f"its inputs are {_type(inputs)}", "Give real numbers, e.g. torch.view_as_real(inputs).")
        targets = {"classification": class_numbers, "regression": numbers, "next_token": token_ids}[task](targets)
        if task == "regression" and targets.dim() == 1:
            targets = targets.unsqueeze(1)  # one number an example
        self._check_targets(targets, task)
        return Part(real_inputs(inputs), targets)

    def _tensor(self, name: str, what: str, values: Any) -> Tensor:
        try:
            tensor = torch.as_tensor(values).detach()
        except Exception:
            self._refuse(f"its {name}.{what} are a {type(values).__name__}, not a tensor", "Give a tensor of numbers.")
        if tensor.layout != torch.strided:
            self._refuse(f"its {name}.{what} are {tensor.layout}", "Give a dense tensor: to_dense().")
        if not tensor.dim():
            self._refuse(f"its {name}.{what} are one number", "Give a tensor with a row for each example.")
        return tensor

    def _check_targets(self, targets: Tensor, task: Task) -> None:
        shown = f"its targets are {_type(targets)} {list(targets.shape)}"
        if task == "classification" and (targets.dtype != torch.int64 or targets.dim() != 1):
            one_hot = targets.dim() == 2 and "targets.argmax(1)"
            remedy = f"Give {one_hot or 'whole numbers'}, or task='regression' for numbers to predict."
            self._refuse(f"{shown}, but a class is one whole number an example", remedy)
        if task == "next_token" and (targets.dtype != torch.int64 or targets.dim() != 2):
            self._refuse(f"{shown}, but the next tokens are whole numbers [N, L]", "Give token ids.")
        if targets.is_complex():
            self._refuse(shown, "Give real numbers.")
        if not targets.numel():
            self._refuse(f"{shown}: no number", "Give each example at least one.")

    def _classes(self, data: Data, train: Part) -> tuple[str, ...]:
        """As they are named; numbered where nobody named them."""
        if data.task == "regression":
            return ()
        try:
            named = tuple(str(name) for name in data.classes)
        except TypeError:
            self._refuse(f"its classes are {data.classes!r}", "Give their names: classes=('cat', 'dog').")
        return named or tuple(str(number) for number in range(max(0, int(train.targets.max())) + 1))

    def _check_classes(self, name: str, targets: Tensor, classes: int) -> None:
        lowest, highest = int(targets.min()), int(targets.max())
        if classes < 2:
            remedy = "Name two or more in classes, or give task='regression' for numbers to predict."
            self._refuse("it has one class: there is nothing to tell apart", remedy)
        if lowest < 0 or highest >= classes:
            rule = f"the classes of its {name} part run from {lowest} to {highest}, "
            rule += f"but its {classes} classes are numbered 0 to {classes - 1}"
            from_1 = lowest == 1 and highest == classes
            self._refuse(rule, "Subtract 1 from them." if from_1 else "Number them so, or name them all.")

    def _refuse(self, rule: str, remedy: str) -> NoReturn:
        raise InputError(Problem("dataset._target_", self._target, rule, remedy))


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
