"""What callbacks log through Lightning's logger, in the record of the run: some refuse to train without a logger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers.logger import Logger

from lrscope.training.callbacks.record_steps import RecordSteps

ITS_OWN = ("epoch", "lr", "train/loss", "train/loss_epoch", "train/loss_eval", "train/acc", "val/loss", "val/acc")
"""Metrics that the run records itself, each at its own step."""


class RecordLogged(Logger):
    """Lightning's logger of a run with callbacks of the user's: its metrics become metrics of the run."""

    its_own: tuple[str, ...] = ITS_OWN

    def __init__(self, steps: RecordSteps) -> None:
        super().__init__()
        self._steps = steps

    @property
    def name(self) -> str:
        return "lrscope"

    @property
    def version(self) -> str:
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record these at that update; at the latest where none is given."""
        at = max(self._steps.step - 1, 0) if step is None else step
        self._steps.recorder.values(
            at, {key: float(value) for key, value in metrics.items() if key not in self.its_own}
        )

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """The record has the whole config."""
