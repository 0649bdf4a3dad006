"""What Lightning's ``Tuner.lr_find`` suggests for a case, with its defaults, and what fastai's valley rule does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
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
    """Its suggestion; None where it makes none."""
    found = _range_test(case)
    suggested = found.suggestion() if found is not None else None
    return float(f"{suggested:.3g}") if suggested is not None else None


def valleys_rate(case: FindCase) -> float | None:
    """What fastai's valley rule suggests, on a range test over fastai's range (1e-7 to 10 in 100 batches, smoothed,
    ended at four times the lowest loss): the rate in the middle of the longest run of falling losses, others left out
    in between. None where no loss falls.
    """
    found = _range_test(case, min_lr=1e-7, max_lr=10.0)
    if found is None:
        return None
    rates, losses = found.results["lr"], found.results["loss"]
    place = middle_of_the_valley(losses)
    return float(f"{rates[place]:.3g}") if place is not None else None


def middle_of_the_valley(losses: Sequence[float]) -> int | None:
    """The valley ends with the last loss of the longest falling subsequence, and is as long as that has losses; None
    where none falls.
    """
    lengths: list[int] = []
    for place, loss in enumerate(losses):
        before = [length for length, earlier in zip(lengths, losses[:place], strict=True) if loss < earlier]
        lengths.append(1 + max(before, default=0))
    if max(lengths, default=1) < 2:
        return None
    longest = max(lengths)
    return lengths.index(longest) - longest + longest // 3 + longest // 6


def _range_test(case: FindCase, **over: float) -> Any:
    """Lightning's ``lr_find`` on a case, which also records the losses; None where it fails."""
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
        return Tuner(trainer).lr_find(_Tuned(case), train_dataloaders=loader, **over)
    return None
