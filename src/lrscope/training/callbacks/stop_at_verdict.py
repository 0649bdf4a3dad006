"""Ends a run at a verdict that is certain already."""

from __future__ import annotations

import pytorch_lightning as pl

from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.core.verdict import Verdict
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.live_run import LiveRun


class StopAtVerdict(LeanCallback):
    """Ends the run at the step where its loss diverges; other verdicts end it at an epoch's end (``LiveRun``)."""

    def __init__(self, live: LiveRun) -> None:
        self.live = live

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if self.live.has_diverged():
            self.live.stopped_by = Verdict.DIVERGED
            raise StoppedByVerdict(Verdict.DIVERGED)
