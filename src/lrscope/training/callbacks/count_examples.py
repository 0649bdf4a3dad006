"""Counts the examples of the epoch: 100, 200 … 1,200, then anew."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from lrscope.training.callbacks.record_steps import RecordSteps, examples_of
from lrscope.training.fast_hooks import LeanCallback


class CountExamples(LeanCallback):
    """Records ``examples_in_epoch`` after each update."""

    def __init__(self, steps: RecordSteps) -> None:
        self.steps = steps
        self._examples = 0
        self._recorded = -1

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._examples = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._examples += examples_of(batch)
        if self.steps.step - 1 != self._recorded:
            self._recorded = self.steps.step - 1
            self.steps.recorder.values(self._recorded, {"examples_in_epoch": float(self._examples)})

    def state_dict(self) -> dict[str, int]:
        return {"examples": self._examples, "recorded": self._recorded}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self._examples, self._recorded = state_dict["examples"], state_dict["recorded"]
