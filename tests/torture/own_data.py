"""The DataModule of the campaign's single runs: a loader that shuffles, and no word of where it stands."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Rings(pl.LightningDataModule):
    """Two classes, in rings; batches of 100."""

    input_shape, outputs, task = (2,), 2, "classification"

    def __init__(self, **_: object) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(0)
        angle, label = torch.rand(800, generator=random) * 6.283, torch.arange(800) % 2
        radius = 1.0 + label + 0.3 * torch.randn(800, generator=random)
        inputs = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
        self.parts = [TensorDataset(inputs[:600], label[:600]), TensorDataset(inputs[600:], label[600:])]

    def train_dataloader(self) -> DataLoader[object]:
        return DataLoader(self.parts[0], 100, shuffle=True)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader[object]:
        return DataLoader(self.parts[1], 200)  # type: ignore[arg-type]
