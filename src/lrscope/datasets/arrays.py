"""Arrays of a .npz, .npy, .pt or .h5 file: inputs and targets, in one part or in several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.array_files import ONLY, Array, named, read_arrays
from lrscope.datasets.array_inputs import SCALES, ArrayPreprocessing, learn_inputs
from lrscope.datasets.array_targets import TASKS, ArrayTargets, learn_targets
from lrscope.datasets.data import Data, Part
from lrscope.datasets.given_file import check_choice, given, refuse
from lrscope.datasets.split import split_rows

INPUTS = ("x", "X", "inputs", "images", "features", "data", ONLY)
TARGETS = ("y", "Y", "targets", "labels", "label", "target")
PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


def arrays(
    name: str = "arrays",
    path: str | None = None,
    inputs: str | None = None,
    targets: str | None = None,
    targets_path: str | None = None,
    task: str = "auto",
    scale: str = "auto",
    seed: int = 0,
    val_fraction: float = 0.2,
) -> Data:
    """Inputs [N, ...] as they are stored, floating ones as float32; targets int64 [N] or standardised float32 [N, D].

    A file with ``x_train``, ``y_train``, ``x_val`` … has these parts; without ``val`` a part is drawn by ``seed``.

    Args:
        inputs, targets: names of the arrays in the file; None looks for the usual ones (x and y, images and labels …).
        targets_path: a second file, with the targets; a .npy file holds one array only.
        task: ``auto`` takes words and few whole numbers for classes, other numbers for numbers.
        scale: ``pixels`` divides by the largest value of the type (255), ``columns`` takes each to mean 0 and deviation
            1 of the training part, ``none`` leaves all as it is, ``auto`` is pixels for bytes, else none.

    Raises:
        InputError: a file that cannot be read, arrays that do not fit each other, a value that is not finite.
    """
    check_choice("dataset.task", task, TASKS)
    check_choice("dataset.scale", scale, SCALES)
    file = given(path, "arrays", "data.npz")
    stored = dict(read_arrays(file))
    if targets_path is not None:
        second = given(targets_path, "arrays", "y.npy", key="dataset.targets_path")
        found = read_arrays(second, "dataset.targets_path")
        stored |= {"y" if key == ONLY else key: array for key, array in found.items()}
    parts = _parts(file, stored, inputs, targets)
    goal, meant = learn_targets(file, parts["train"].targets, task)
    train, how = parts["train"], "as the file has them"
    if "val" not in parts:
        rows = split_rows(goal.of(file, train.targets), val_fraction, seed)
        train, parts["val"] = (train.some(chosen.numpy()) for chosen in rows)
        how = f"drawn by seed {seed}"
    learned, told = learn_inputs(train.inputs, scale)
    goal = goal.scaled(file, train.targets)
    made = {part: pair.made(file, learned, goal) for part, pair in (parts | {"train": train}).items()}
    return Data(
        name,
        goal.task,
        made["train"],
        made["val"],
        made.get("test"),
        classes=goal.classes,
        source=f"{file}: {len(made['train'])} examples train, {len(made['val'])} validate ({how})",
        val_is_drawn=how.startswith("drawn"),
        notes=tuple(f"{file.name}: {words}" for words in [*([meant] if task == "auto" else []), *told]),
        preprocessing=learned,
        target_scale=goal.scale,
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    inputs: Array
    targets: Array
    names: tuple[str, str]

    def some(self, rows: Array) -> _Pair:
        return _Pair(self.inputs[rows], self.targets[rows], self.names)

    def made(self, file: Path, learned: ArrayPreprocessing, goal: ArrayTargets) -> Part:
        return Part(learned.inputs(self.inputs), goal.of(file, self.targets))


def _parts(file: Path, stored: Mapping[str, Array], inputs: str | None, targets: str | None) -> dict[str, _Pair]:
    """By part; without parts of their own all that is there trains."""
    found: dict[str, _Pair] = {}
    for part, words in PARTS.items():
        names = [_of_part(stored, inputs, INPUTS, words), _of_part(stored, targets, TARGETS, words)]
        if names[0] is not None and names[1] is not None:
            found[part] = _pair(file, stored, names[0], names[1])
    if "train" in found:
        return found
    first = named(stored, inputs, INPUTS, "dataset.inputs", file)
    second = named(stored, targets, TARGETS, "dataset.targets", file)
    if first is None or second is None or first == second:
        missing = "inputs" if first is None else "targets"
        rule = f"{file} holds {', '.join(stored) or 'no array'}, and it is not clear which are the {missing}"
        remedy = f"Add dataset.{missing}=NAME" + (", or dataset.targets_path=y.npy." if missing == "targets" else ".")
        raise InputError(Problem(f"dataset.{missing}", "null", rule, remedy))
    return {"train": _pair(file, stored, first, second)}


def _of_part(stored: Mapping[str, Array], wanted: str | None, known: tuple[str, ...], words: tuple[str, ...]) -> Any:
    """``x_train``, ``train_x`` or ``train/x``."""
    names = known if wanted is None else (wanted,)
    ways = [way for name in names for word in words for way in (f"{name}_{word}", f"{word}_{name}", f"{word}/{name}")]
    return next((way for way in ways if way in stored), None)


def _pair(file: Path, stored: Mapping[str, Array], first: str, second: str) -> _Pair:
    inputs, targets = stored[first], stored[second]
    for name, array in ((first, inputs), (second, targets)):
        if not array.ndim or not len(array):
            refuse(file, f"{name} holds no example", "Give arrays [N, ...].")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = np.argwhere(~np.isfinite(array))[0].tolist()
            refuse(file, f"{name}{where} is {array[tuple(where)]}, no finite number", "Mend it, or leave it out.")
    if inputs.dtype.kind not in "fiub":
        refuse(file, f"{first} is of the type {inputs.dtype}, no numbers", "Give numbers.")
    if len(inputs) != len(targets):
        rule = f"{first} has {len(inputs)} examples and {second} has {len(targets)}"
        refuse(file, rule, "Give each input its target.")
    return _Pair(inputs, targets, (first, second))
