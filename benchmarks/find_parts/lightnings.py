"""What Lightning's ``Tuner.lr_find`` suggests for a case, with its defaults."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.tuner import Tuner
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from find_parts.find_cases import FindCase
from find_parts.trained_case import prepared
from lrscope.runs.fit import make_module
from lrscope.training import build
from lrscope.training.trainer import lightning_kept_quiet


class _Tuned(pl.LightningModule):
    """The network of a case in the form that the tuner wants."""

    def __init__(self, case: FindCase) -> None:
        super().__init__()
        run = prepared(case)
        self._cfg = run.cfg
        self._module = make_module(run)
        self.lr = 1e-3

    def training_step(self, batch: Any, _: int) -> Tensor:
        inputs, targets = batch
        return self._module.loss(self._module.network(inputs), targets)

    def configure_optimizers(self) -> Optimizer:
        self._cfg.lr = self.lr
        return build.optimizer(self._cfg, self._module.network)


def lightnings_rate(case: FindCase) -> float | None:
    """The suggestion; None where it makes none."""
    run = prepared(case)
    assert run.source.data is not None
    part = run.source.data.train
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(part.inputs, part.targets), run.cfg.batch_size, shuffle=True)
    quiet: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with tempfile.TemporaryDirectory() as folder, lightning_kept_quiet(), suppress(Exception):
        trainer = pl.Trainer(
            accelerator="cpu", max_epochs=run.cfg.epochs, default_root_dir=folder, enable_model_summary=False, **quiet
        )
        found = Tuner(trainer).lr_find(_Tuned(case), train_dataloaders=loader)
        suggested = found.suggestion() if found is not None else None
        return float(f"{suggested:.3g}") if suggested is not None else None
    return None
