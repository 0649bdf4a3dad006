"""Refuses a metric that somebody looks at and nobody records."""

from __future__ import annotations

from collections.abc import Mapping

import pytorch_lightning as pl

from lrscope.core.errors import InputError, Problem
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.live_run import LiveRun


class RequireMetrics(LeanCallback):
    """Looks once, at the end of the first epoch that is evaluated: what a callback of the user's own records, nobody
    knows before.

    Args:
        looked_at: the keys of the config that name a metric, with that metric.
    """

    def __init__(self, live: LiveRun, looked_at: Mapping[str, str]) -> None:
        self.live = live
        self.looked_at = dict(looked_at)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.looked_at or not (self.live.is_evaluated(trainer.current_epoch + 1) or trainer.should_stop):
            return
        there = sorted({*trainer.callback_metrics, *self.live.recorder.names()})
        rule = f"no such metric was recorded by the end of epoch {trainer.current_epoch + 1}"
        missing = {key: metric for key, metric in self.looked_at.items() if metric not in there}
        if missing:
            raise InputError([Problem(key, m, rule, f"There are {', '.join(there)}.") for key, m in missing.items()])
        self.looked_at = {}
