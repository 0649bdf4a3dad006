"""A user's loaders, none of which can say where it stands within its epoch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

EXAMPLES, FEATURES, BATCH = 80, 5, 8

_random = torch.Generator().manual_seed(0)
INPUTS = torch.randn(EXAMPLES, FEATURES, generator=_random)
LABELS = INPUTS[:, :3].argmax(1)


class Loaders(pl.LightningDataModule):
    """Ten batches of eight an epoch, from a loader of the ``kind``."""

    input_shape, outputs, task = (FEATURES,), 3, "classification"

    def __init__(self, kind: str, **_: object) -> None:
        super().__init__()
        self.kind = kind

    def train_dataloader(self) -> Any:
        whole = TensorDataset(INPUTS, LABELS)
        match self.kind:
            case "augmented":
                return DataLoader(Augmented(), BATCH, shuffle=True)
            case "of workers":
                return DataLoader(Augmented(), BATCH, shuffle=True, num_workers=2)
            case "with a generator":
                return DataLoader(whole, BATCH, shuffle=True, generator=torch.Generator().manual_seed(3))
            case "stream":
                return DataLoader(Stream(), BATCH)
            case "stream that ends":
                return DataLoader(Stream(8 * BATCH), BATCH)
            case "iterable":
                return Iterable()
        raise AssertionError(self.kind)

    def val_dataloader(self) -> Any:
        return DataLoader(TensorDataset(INPUTS[:16], LABELS[:16]), BATCH)


class Augmented(Dataset):  # type: ignore[type-arg]
    """Every generator has a hand in every example."""

    def __len__(self) -> int:
        return EXAMPLES

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noise = random.random() + float(np.random.rand()) + torch.rand(FEATURES)
        return INPUTS[index] + 0.1 * noise, LABELS[index]


class Stream(IterableDataset):  # type: ignore[type-arg]
    """Examples drawn one by one, without end or so many."""

    def __init__(self, examples: int | None = None) -> None:
        self.examples = examples

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        given = 0
        while self.examples is None or given < self.examples:
            index = int(torch.randint(EXAMPLES, ()))
            yield INPUTS[index] + 0.1 * torch.rand(FEATURES), LABELS[index]
            given += 1


class Iterable:
    """No DataLoader at all."""

    def __len__(self) -> int:
        return EXAMPLES // BATCH

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in torch.randperm(EXAMPLES).split(BATCH):
            yield INPUTS[chosen], LABELS[chosen]
