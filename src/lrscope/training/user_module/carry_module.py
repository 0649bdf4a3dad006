"""Carries through the checkpoints of a run what its LightningModule remembers, and the means that Lightning makes of
what it logs: a run that goes on within an epoch ends it as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.training.checkpoint_state import LOGGED, RANDOM
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.generators import restore_random_state
from lrscope.training.user_module.remembered import Memory, is_plain

MODULE = "lrscope_module"
"""Key of a checkpoint: what the module remembers."""


SAVING = "on_save_checkpoint"
"""The module's hook, behind which Lightning's copy of its arguments is looked through."""


class CarryModule(LeanCallback):
    """The module's own hooks run once more when a run goes on; what they reset is restored behind them: at the first
    batch, or at the epoch's start where the checkpoint is of that.

    Args:
        own_random: whether its loader draws from generators of its own, so that random numbers can be restored behind
            those hooks too.
    """

    def __init__(self, own_random: bool) -> None:
        self.own_random = own_random
        self._memory: Memory | None = None
        self._kept: Mapping[str, Any] = {}
        self._within = False
        self._sums: dict[str, dict[str, Tensor]] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._memory = Memory(pl_module)
        object.__setattr__(pl_module, SAVING, partial(_save_plain, pl_module))

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        assert self._memory is not None
        checkpoint[MODULE] = self._memory.keep()
        checkpoint[LOGGED] = sums_in(trainer.fit_loop.epoch_loop._results)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._kept = checkpoint
        batches = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
        self._within = bool(batches["ready"])

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._kept and not self._within:
            self._recall()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._kept:
            if self.own_random:
                restore_random_state(self._kept[RANDOM])
            self._sums = self._kept.get(LOGGED, {})
            self._recall()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if self._sums:
            results = trainer.fit_loop.epoch_loop._results
            for key in [key for key in self._sums if key in results]:
                add_sums(results[key], self._sums.pop(key))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._sums = {}

    def _recall(self) -> None:
        assert self._memory is not None
        self._memory.recall(self._kept.get(MODULE, {}))
        self._kept = {}


def _save_plain(module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
    """What ``save_hyperparameters`` kept may be a network or the like, which no checkpoint could be read with."""
    type(module).on_save_checkpoint(module, checkpoint)
    for key in ("hyper_parameters", "datamodule_hyper_parameters"):
        if key in checkpoint:
            checkpoint[key] = _plain(checkpoint[key])


def saved_arguments(module: pl.LightningModule) -> dict[str, Any]:
    """What Lightning adds to the checkpoint of a module that has called ``save_hyperparameters``."""
    if not module.hparams:
        return {}
    name = {module.CHECKPOINT_HYPER_PARAMS_NAME: module._hparams_name} if hasattr(module, "_hparams_name") else {}
    return {**name, module.CHECKPOINT_HYPER_PARAMS_KEY: _plain(module.hparams)}


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if is_plain(value)}


def sums_in(results: Mapping[str, Any]) -> dict[str, dict[str, Tensor]]:
    """Of what is logged to be shown by epoch; a metric of torchmetrics remembers its own."""
    found = {}
    for key, metric in results.items():
        if metric.is_tensor and metric.meta.on_epoch and not metric.meta.is_custom_reduction:
            sums = {"value": metric.value.detach().clone()}
            if metric.meta.is_mean_reduction:
                sums["count"] = metric.cumulated_batch_size.clone()
            found[key] = sums
    return found


def add_sums(metric: Any, sums: Mapping[str, Tensor]) -> None:
    """To what has been logged since: in the same order as without a stop, and so to the same bits."""
    before = sums["value"].to(metric.value.device)
    if metric.meta.is_max_reduction or metric.meta.is_min_reduction:
        metric.value = (torch.maximum if metric.meta.is_max_reduction else torch.minimum)(before, metric.value)
        return
    metric.value = before + metric.value
    if "count" in sums:
        metric.cumulated_batch_size = metric.cumulated_batch_size + sums["count"].to(metric.value.device)
