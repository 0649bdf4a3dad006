"""Ends a run at a signal, behind a checkpoint."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytorch_lightning as pl

from lrscope.core.errors import Interrupted
from lrscope.training.callbacks.keep_checkpoints import KeepCheckpoints
from lrscope.training.distributed import agreed
from lrscope.training.fast_hooks import LeanCallback


class StopAtSignal(LeanCallback):
    """Looks at the flag that a signal sets, at the end of each step and before each epoch; saves, then stops.

    Args:
        requested: the number of the signal that came, else None.
        keep: writes a checkpoint of the state as it is.
    """

    def __init__(self, requested: Callable[[], int | None], keep: KeepCheckpoints) -> None:
        self.requested = requested
        self.keep = keep

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        signal_number = self.requested()
        if agreed(trainer, signal_number is not None):
            self._stop(trainer, signal_number or signal.SIGTERM)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        # After an epoch's last batch its evaluation is still due: the stop waits for the next epoch's start.
        if self.keep.can_save(trainer) and (signal_number := self.requested()) is not None:
            self._stop(trainer, signal_number)

    def _stop(self, trainer: pl.Trainer, signal_number: int) -> None:
        self.keep.save(trainer)
        raise Interrupted(signal_number)
