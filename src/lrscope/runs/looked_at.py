"""The metrics that decide anything: of the best epoch, of early stopping, of a schedule, of the best member."""

from __future__ import annotations

from pytorch_lightning.callbacks import EarlyStopping

from lrscope.runs.prepare import PreparedRun, monitored
from lrscope.schedules.rules import PLATEAU

BEST_BY = "callbacks.checkpoint.monitor"
"""The key that names the metric of the best epoch."""


def looked_at(run: PreparedRun) -> dict[str, str]:
    """The metrics that decide anything in a run, by the keys of the config that name them."""
    found = {BEST_BY: run.monitor} if run.cfg.callbacks.checkpoint.best else {}
    if run.cfg.callbacks.early_stopping.enabled:
        found["callbacks.early_stopping.monitor"] = monitored(run.cfg.callbacks.early_stopping.monitor, run.source)
    if run.cfg.scheduler.get("_target_") == PLATEAU:
        found["scheduler.monitor"] = monitored(run.cfg.scheduler.get("monitor", "val/loss"), run.source)
    if run.cfg.sweep.objective != "val/loss":
        found["sweep.objective"] = monitored(run.cfg.sweep.objective, run.source)
    return found


def early_stopping(run: PreparedRun) -> list[EarlyStopping]:
    """Lightning's callback, where the config asks for it."""
    asked = run.cfg.callbacks.early_stopping
    if not asked.enabled:
        return []
    monitor = monitored(asked.monitor, run.source)
    numbers = asked.min_delta, asked.patience
    # Not strict: an epoch that is not evaluated has no metric, and counts for nothing.
    by_epochs = run.cfg.evaluate_every_steps is None  # else it looks at each evaluation
    return [EarlyStopping(monitor, *numbers, mode=asked.mode, strict=False, check_on_train_epoch_end=by_epochs)]
