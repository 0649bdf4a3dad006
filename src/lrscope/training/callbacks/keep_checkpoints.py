"""Keeps the state of a run on disk, so that a kill costs seconds; and the best weights beside the last."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.checkpoint_folder import MEMBERS, CheckpointFolder
from lrscope.training.distributed import agreed
from lrscope.training.fast_hooks import LeanCallback


class KeepCheckpoints(LeanCallback):
    """Saves every ``every_seconds`` at the end of a step, at a position from which training resumes bit for bit.

    A checkpoint is Lightning's own, with the states of the callbacks and of every generator of random numbers.
    """

    def __init__(self, steps: RecordSteps, folder: CheckpointFolder, every_seconds: float) -> None:
        self.steps = steps
        self.folder = folder
        self.every_seconds = every_seconds
        self._due = time.monotonic() + every_seconds
        self._at_epoch_start = False

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        # Several processes must agree to save; asking each other at every step would cost more than an epoch is worth.
        if trainer.world_size == 1 and time.monotonic() >= self._due and between_updates(trainer):
            self.save(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._at_epoch_start = True
        if agreed(trainer, time.monotonic() >= self._due):
            self.save(trainer)

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        self._at_epoch_start = False
        if trainer.fit_loop.restarting:
            # The position is restored by now; left on, Lightning would skip the plateau schedule at this epoch's end.
            trainer.fit_loop.restarting = False

    def save(self, trainer: pl.Trainer) -> None:
        """Write the state as it is now. Call it at the start of an epoch, or behind a step that is not its last."""
        self.steps.flush()
        self.steps.recorder.to_disk()  # first: a checkpoint ahead of the record would lose the points in between
        self.folder.write(partial(trainer.save_checkpoint, weights_only=False))
        self._due = time.monotonic() + self.every_seconds

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["lrscope_random"] = random_state()
        checkpoint[MEMBERS] = 0
        if self._at_epoch_start:
            settle_at_epoch_start(checkpoint["loops"]["fit_loop"])

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._random = checkpoint["lrscope_random"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        saved = getattr(self, "_random", None)
        if saved is not None:
            restore_random_state(saved)


class KeepBest(LeanCallback):
    """Remembers the weights of the epoch whose monitored metric was lowest (highest for accuracies).

    Until there is one, it holds the initial weights: the last good ones of a run that diverges in its first epoch.
    """

    def __init__(self, steps: RecordSteps, monitor: str) -> None:
        self.steps = steps
        self.monitor = monitor
        self.sign = -1.0 if monitor.rsplit("/", 1)[-1].startswith("acc") else 1.0
        self.weights: dict[str, Tensor] = {}
        self.score: float | None = None
        self.epoch = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.weights:
            self._keep(pl_module, 0)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = self.steps.recorder.last(self.monitor)
        if value is None or not np.isfinite(value):
            return
        score = self.sign * value
        if self.score is None or score < self.score:
            self.score = score
            self._keep(pl_module, trainer.current_epoch + 1)

    def _keep(self, module: pl.LightningModule, epoch: int) -> None:
        self.weights = {key: value.detach().clone() for key, value in module.state_dict().items()}
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights, "score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.weights, self.score, self.epoch = state_dict["weights"], state_dict["score"], state_dict["epoch"]


def between_updates(trainer: pl.Trainer) -> bool:
    """Whether, behind this batch, the epoch goes on and no gradient is kept for a later update."""
    return not trainer.is_last_batch and not trainer.fit_loop._should_accumulate()


def settle_at_epoch_start(fit_loop: dict[str, Any]) -> None:
    """Describe the position "before the first batch of epoch e" so that Lightning resumes there.

    Saved from ``on_train_epoch_start``, Lightning's own counters say that the epoch is under way with all batches of
    the last one behind it, and a resumed run would skip the epoch.
    """
    epoch = fit_loop["epoch_progress"]["current"]
    total = fit_loop["epoch_progress"]["total"]
    for counts in (epoch, total):
        counts["ready"] = counts["started"] = counts["completed"]
    batches = fit_loop["epoch_loop.batch_progress"]
    batches["current"] = dict.fromkeys(batches["current"], 0)
    batches["is_last_batch"] = False


def random_state() -> dict[str, Any]:
    """Every generator's state as tensors, lists and numbers, so that it loads with ``weights_only=True``."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": [str(name), [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.asarray(keys, np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
