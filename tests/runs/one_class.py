"""Data whose labels are all the same."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from lrscope.datasets.data import Data, Part

INPUTS = torch.randn(120, 5, generator=torch.Generator().manual_seed(0))


def labelled(label: int = 1, classes: int = 3) -> Data:
    part = Part(INPUTS, torch.full((120,), label))
    return Data("alike", "classification", part, classes=tuple("abcdefgh"[:classes]))


def zeros() -> Data:
    """What is left of an equation is to be 0: meant so."""
    return Data("equation", "regression", Part(INPUTS, torch.zeros(120, 1)))


def own_loss(answers: Tensor, _targets: Tensor) -> Tensor:
    """Of one that needs no labels."""
    return (answers - 1).square().mean()


class Loaded(pl.LightningDataModule):
    input_shape, outputs, task = (5,), 3, "classification"

    def train_dataloader(self) -> Any:
        return DataLoader(TensorDataset(INPUTS, torch.zeros(120).long()), batch_size=20)


class Classifying(pl.LightningModule):
    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr, self.layer = lr, nn.Linear(5, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)

    def training_step(self, batch: Any) -> Tensor:
        return functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)
