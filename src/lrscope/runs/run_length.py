"""How long a run is to train, and how often it is evaluated and what it logs is recorded."""

from __future__ import annotations

import pytorch_lightning as pl
from omegaconf import DictConfig

from lrscope.config.duration import seconds_of
from lrscope.runs.prepare import PreparedRun
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.callbacks.stop_at_length import StopAtLength
from lrscope.training.time_limit import TimeLimit

MOST_LOGGED = 500
"""Points of a metric that a module or a callback of the user's logs by step."""


def length(run: PreparedRun, steps: RecordSteps) -> list[pl.Callback]:
    """What ends a run elsewhere than at the end of an epoch; nothing where epochs say all."""
    limit = time_limit(run.cfg)
    return [StopAtLength(steps, run.cfg.total_steps, limit, run.name)] if limit is not None else []


def time_limit(cfg: DictConfig) -> TimeLimit | None:
    """How long a run may train; None where epochs alone say how long it is."""
    if cfg.max_steps is None and cfg.max_time is None and cfg.evaluate_every_steps is None:
        return None
    return TimeLimit(seconds_of(cfg.max_time))


def evaluated_every(cfg: DictConfig) -> int:
    """Updates between two evaluations of the parts."""
    return int(cfg.evaluate_every_steps or cfg.steps_per_epoch * cfg.callbacks.evaluate_every_epochs)


def logged_every(cfg: DictConfig) -> int:
    """Each so manieth update what a LightningModule logs by step is recorded."""
    return int(cfg.tracking.every_n_steps or max(1, cfg.total_steps // MOST_LOGGED))
