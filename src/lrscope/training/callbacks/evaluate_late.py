"""Evaluates the training loss towards the end of a run, beside the ends of epochs."""

from __future__ import annotations

from collections.abc import Set

import pytorch_lightning as pl

from lrscope.training.callbacks.evaluate_epochs import Batches
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.evaluation import mean_loss
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_module import Module

LOSS_LATE = "train/loss_late"
"""At fixed weights over the whole training part. A short run has too few epochs to tell a level from a bounce."""


class LateSteps:
    """Says behind which updates the loss is evaluated: once, though of several batches that make an update each asks.

    Args:
        updates: made so far; what came before a checkpoint is in the record.
    """

    def __init__(self, late: Set[int], updates: int = 0) -> None:
        self._late = late
        self._seen = updates - 1

    def due(self, step: int) -> bool:
        if step == self._seen or step not in self._late:
            return False
        self._seen = step
        return True


class EvaluateLate(LeanCallback):
    """Records the loss behind each of these steps."""

    def __init__(self, steps: RecordSteps, train: Batches, late: Set[int]) -> None:
        self.steps = steps
        self.train = train
        self.late = late

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._steps = LateSteps(self.late, self.steps.step)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        step = self.steps.step - 1
        if self._steps.due(step):
            assert isinstance(pl_module, Module)
            loss = mean_loss(pl_module.network, self.train(), pl_module.loss)
            self.steps.recorder.values(step, {LOSS_LATE: loss})
