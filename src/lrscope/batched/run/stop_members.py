"""Ctrl-C and SIGTERM for a stack."""

from __future__ import annotations

from collections.abc import Callable

import pytorch_lightning as pl

from lrscope.batched.run.member_checkpoint import KeepMembers, can_save
from lrscope.core.errors import Interrupted
from lrscope.training.fast_hooks import LeanCallback


class StopGroupAtSignal(LeanCallback):
    """Looks at the flag that a signal sets, between two updates and before each epoch; saves all members, then
    stops.
    """

    def __init__(self, requested: Callable[[], int | None], keep: KeepMembers) -> None:
        self.requested = requested
        self.keep = keep

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop(trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if can_save(self.keep.module):
            self._stop(trainer)

    def _stop(self, trainer: pl.Trainer) -> None:
        signal_number = self.requested()
        if signal_number is not None:
            self.keep.save(trainer)
            raise Interrupted(signal_number)
