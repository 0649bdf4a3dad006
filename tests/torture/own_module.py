"""The LightningModules of the campaign: one remembers things and has a metric with a state, so it trains by itself;
the members of the other train as one model.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy


class Remembering(pl.LightningModule):
    """An average of its weights that it keeps by itself, and what an epoch came to."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, hidden: list[int], dropout: float, **_: Any) -> None:
        super().__init__()
        width = hidden[0]
        layers = nn.Linear(*input_shape, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs))
        self.accuracy = MulticlassAccuracy(outputs, average="micro")
        self.average, self.losses = torch.zeros(()), []

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ARG002
        answers = self(batch[0])
        loss = functional.cross_entropy(answers, batch[1])
        self.losses.append(loss.detach())
        self.accuracy(answers, batch[1])
        self.log("own/loss", loss, on_step=True, on_epoch=True)
        self.log("own/acc", self.accuracy, on_step=False, on_epoch=True)
        return loss * (1 + 0.1 * self.average)

    def on_train_batch_end(self, *_: Any) -> None:
        self.average = 0.9 * self.average + 0.1 * self.layers[0].weight.detach().norm()

    def on_train_epoch_end(self) -> None:
        self.log("own/mean", torch.stack(self.losses).mean())
        self.losses.clear()

    def validation_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        self.log("val_loss", functional.cross_entropy(self(batch[0]), batch[1]))


class Plain(pl.LightningModule):
    """As most are: it logs, and keeps nothing but its weights and buffers."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, hidden: list[int], dropout: float, **_: Any) -> None:
        super().__init__()
        layers = nn.Linear(*input_shape, hidden[0]), nn.BatchNorm1d(hidden[0]), nn.ReLU(), nn.Dropout(dropout)
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[0], outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ARG002
        answers = self(batch[0])
        loss = functional.cross_entropy(answers, batch[1])
        self.log("own/loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        answers = self(batch[0])
        self.log("val_loss", functional.cross_entropy(answers, batch[1]))
        self.log("own/right", (answers.argmax(1) == batch[1]).float().mean())
