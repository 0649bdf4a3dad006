"""What every data set is: parts of examples in memory, and a digest that tells one version from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from lrscope.datasets.preprocessing import Preprocessing, TargetScale

Task = Literal["classification", "regression", "next_token"]
"""``next_token``: of every token of an example the one behind it, among ``classes``."""

MOST_SHARES = 300
"""The shares of more classes than this are not kept beside a run: MLflow takes 8,000 characters of them."""


@dataclass(frozen=True, eq=False)
class Part:
    """Examples in memory: ``inputs`` float32 [N, ...], or int64 [N, L] (token ids); ``targets`` int64 [N] (class),
    float32 [N, 1], or int64 [N, L] (the next token of each).
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs do not fit {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device | str) -> Part:
        """The same examples on that device; itself where they lie there already."""
        return Part(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True, eq=False)
class Data:
    """A data set, ready to train on. ``val`` and ``test`` are None where there is no such part."""

    name: str
    task: Task
    train: Part
    val: Part | None = None
    test: Part | None = None
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of their numbers; empty for regression."""
    source: str = ""
    """Where the examples came from, in words for MLflow and the report."""
    val_is_drawn: bool | None = None
    """Whether the validation part was drawn by a seed; False where the files have one of their own, None if unknown."""
    notes: tuple[str, ...] = ()
    """What was decided and left out on their way, a line each, for the terminal."""
    preprocessing: Preprocessing | None = None
    """What makes inputs of raw examples, as it was learned of the training part; None where there is nothing to it."""
    vocabulary: int | None = None
    """Of inputs that are token ids: how many different ones there are, from 0 on; None of other inputs."""
    padding: int | None = None
    """The token id that fills short examples up; None where every place of an example counts."""
    target_scale: TargetScale | None = None
    """Of numbers to predict that are standardised: their own unit is that of the user."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """How many numbers a model answers with: one per class, or one per regression target."""
        return int(self.train.targets.shape[1]) if self.task == "regression" else len(self.classes)

    @property
    def each_token(self) -> bool:
        """Whether a model answers at every place of an example, [N, L, outputs]."""
        return self.task == "next_token"

    @property
    def class_shares(self) -> tuple[float, ...]:
        """Share of each class in the training part; empty where the targets are no classes, or too many of them."""
        if self.task != "classification" or len(self.classes) > MOST_SHARES:
            return ()
        counts = torch.bincount(self.train.targets.cpu(), minlength=len(self.classes))
        return tuple((counts.double() / len(self.train)).tolist())

    @cached_property
    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 over dtypes, shapes and bytes of all parts."""
        sha = hashlib.sha256()
        for name, part in (("train", self.train), ("val", self.val), ("test", self.test)):
            for tensor in (part.inputs, part.targets) if part is not None else ():
                sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
                sha.update(tensor.detach().cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]
