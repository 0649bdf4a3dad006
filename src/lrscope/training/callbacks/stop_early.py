"""Ends a run early: at a signal, and at a verdict that is certain already."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

import pytorch_lightning as pl

from lrscope.core.errors import Interrupted
from lrscope.core.trace import RunFacts
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import is_diverged, live_finding
from lrscope.training.callbacks.keep_checkpoints import between_updates
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.distributed import agreed
from lrscope.training.fast_hooks import LeanCallback


class StoppedByVerdict(Exception):
    """Training was ended because more of it would be wasted; not an error."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict


class StopAtVerdict(LeanCallback):
    """Ends the run at the step where the loss diverges, or at the epoch where another chosen verdict is certain.

    Args:
        verdicts: those that end a run.
        grace_epochs: verdicts other than *diverged* are looked at only after so many epochs.
    """

    def __init__(self, steps: RecordSteps, facts: RunFacts, verdicts: Sequence[Verdict], grace_epochs: int = 5) -> None:
        self.steps = steps
        self.facts = facts
        self.verdicts = tuple(verdicts)
        self.grace_epochs = grace_epochs
        self.finding: Finding | None = None
        self._first_loss: float | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        latest = self.steps.recorder.last_loss
        if latest is None:
            return
        if self._first_loss is None:
            first = self.steps.recorder.first_loss
            self._first_loss = first if first is not None else latest
        if Verdict.DIVERGED in self.verdicts and is_diverged(latest, self._first_loss):
            raise StoppedByVerdict(Verdict.DIVERGED)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        others = [verdict for verdict in self.verdicts if verdict is not Verdict.DIVERGED]
        if not others or trainer.current_epoch + 1 < self.grace_epochs:
            return
        finding = live_finding(self.steps.recorder.trace(self.facts))
        if finding is not None and finding.verdict in others:
            self.finding = finding
            trainer.should_stop = True


class StopAtSignal(LeanCallback):
    """Looks at the flag that a signal sets, at the end of each step and before each epoch; saves, then stops.

    Args:
        requested: the number of the signal that came, else None.
        save: writes a checkpoint of the state as it is.
    """

    def __init__(self, requested: Callable[[], int | None], save: Callable[[pl.Trainer], None]) -> None:
        self.requested = requested
        self.save = save

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        signal_number = self.requested()
        if agreed(trainer, signal_number is not None):
            self._stop(trainer, signal_number or signal.SIGTERM)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        # After an epoch's last batch its evaluation is still due: the stop waits for the next epoch's start.
        signal_number = self.requested()
        if signal_number is not None and trainer.world_size == 1 and between_updates(trainer):
            self._stop(trainer, signal_number)

    def _stop(self, trainer: pl.Trainer, signal_number: int) -> None:
        self.save(trainer)
        raise Interrupted(signal_number)
