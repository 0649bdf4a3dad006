"""Keeps the state of a run on disk, so that a kill costs seconds; and the best weights beside the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytorch_lightning as pl

from lrscope.training.best_weights import BestWeights, copied_state
from lrscope.training.checkpoint_state import ENDED, MEMBERS, RANDOM, nothing_left, settle_at_epoch_start
from lrscope.training.distributed import agreed
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.generators import random_state, restore_random_state
from lrscope.training.live_run import LiveRun


def between_updates(trainer: pl.Trainer) -> bool:
    """Whether, behind this batch, the epoch goes on and no gradient is kept for a later update; never where several
    processes would have to agree on it: asking each other at every step would cost more than an epoch is worth. Behind
    the run's last update its evaluation is still due.
    """
    goes_on = not trainer.is_last_batch and not trainer.should_stop
    return trainer.world_size == 1 and goes_on and not trainer.fit_loop._should_accumulate()


class KeepCheckpoints(LeanCallback):
    """Saves every ``every_seconds`` at the end of a step, at a position from which training resumes bit for bit.

    Args:
        write: writes the state as it is now, behind everything that was recorded until now.
        can_save: whether behind this batch training goes on from what would be saved.
        share: of the time that saving may take at most; the next time comes later where it would take more.
    """

    def __init__(
        self,
        write: Callable[[pl.Trainer], None],
        every_seconds: float,
        can_save: Callable[[pl.Trainer], bool] = between_updates,
        share: float = 1.0,
    ) -> None:
        self.write = write
        self.can_save = can_save
        self.every_seconds = every_seconds
        self.share = share
        self._due = time.monotonic() + every_seconds

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if time.monotonic() >= self._due and self.can_save(trainer):
            self.save(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if agreed(trainer, time.monotonic() >= self._due):
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Save now. Call it at the start of an epoch, or where ``can_save`` says so."""
        began = time.monotonic()
        self.write(trainer)
        now = time.monotonic()
        self._due = now + max(self.every_seconds, (now - began) / self.share)


class ExactCheckpoints(LeanCallback):
    """Makes Lightning's checkpoints such that a run goes on from them bit for bit, and not at all once it has ended."""

    def __init__(self, live: LiveRun) -> None:
        self.live = live
        self._at_epoch_start = False
        self._random: Mapping[str, Any] | None = None
        self._nothing_left = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._random is not None:
            restore_random_state(self._random)
        trainer.should_stop = self._nothing_left

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._at_epoch_start = True

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        self._at_epoch_start = False
        if trainer.fit_loop.restarting:
            # The position is restored by now; left on, Lightning would skip the plateau schedule at this epoch's end.
            trainer.fit_loop.restarting = False

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[RANDOM] = random_state()
        checkpoint[MEMBERS] = 0
        if trainer.state.finished or self.live.is_over:
            checkpoint[ENDED] = True
        elif self._at_epoch_start:
            settle_at_epoch_start(checkpoint["loops"]["fit_loop"])

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._random = checkpoint[RANDOM]
        self._nothing_left = nothing_left(checkpoint, self.live.epochs)


class KeepBest(LeanCallback):
    """Carries the best weights of a run through its checkpoints, and looks at metrics that others record at an epoch's
    end; those of its own the run has looked at by then.
    """

    def __init__(self, best: BestWeights) -> None:
        self.best = best

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.best.begin(partial(copied_state, pl_module))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = trainer.callback_metrics.get(self.best.monitor)
        if value is not None:
            self.best.end_epoch(trainer.current_epoch + 1, float(value), partial(copied_state, pl_module))

    def state_dict(self) -> dict[str, Any]:
        return self.best.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.best.load_state_dict(state_dict)
