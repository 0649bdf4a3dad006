"""What every data set is: parts of examples in memory, and a digest that tells one version from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Part:
    """Examples in memory: ``inputs`` float32 [N, ...]; ``targets`` int64 [N] (class) or float32 [N, 1]."""

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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """How many numbers a model answers with: one per class, or one per regression target."""
        return len(self.classes) if self.task == "classification" else int(self.train.targets.shape[1])

    @property
    def class_shares(self) -> tuple[float, ...]:
        """Share of each class in the training part; empty for regression."""
        if self.task == "regression":
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
