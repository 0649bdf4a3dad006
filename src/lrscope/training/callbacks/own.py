"""For a user's own callback: values of its own in the record of the run."""

from __future__ import annotations

from collections.abc import Mapping

import pytorch_lightning as pl

from lrscope.training.callbacks.evaluate_epochs import as_metric
from lrscope.training.callbacks.record_steps import RecordSteps


def record_values(trainer: pl.Trainer, values: Mapping[str, float]) -> None:
    """Record these metrics at the latest update; at an epoch's end that is where the epoch's own metrics stand, and
    where ``callbacks.checkpoint``, early stopping and a plateau schedule look at them.

    Args:
        values: name to number; a name with a slash becomes a section of MLflow's charts.
    """
    steps = next(callback for callback in trainer.callbacks if isinstance(callback, RecordSteps))  # type: ignore[attr-defined]
    steps.flush()
    steps.recorder.values(max(steps.step - 1, 0), values)
    trainer.callback_metrics.update({name: as_metric(float(value)) for name, value in values.items()})
