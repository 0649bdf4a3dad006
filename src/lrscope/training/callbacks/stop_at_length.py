"""Ends a run behind its last planned update, or when its time is over: wherever in an epoch that is."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytorch_lightning as pl

from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.distributed import agreed, is_first
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.time_limit import TimeLimit


class StopAtLength(LeanCallback):
    """Has Lightning end the epoch behind this update, evaluations and all, and the run with it.

    Lightning's own ``max_steps`` counts each optimizer's steps: of a module with two it would end the run at half its
    updates. It is told the number all the same, for modules that make their schedule by it.

    Args:
        total: updates of the run. name: of the run, for what it says.
    """

    def __init__(self, steps: RecordSteps, total: int, limit: TimeLimit, name: str) -> None:
        self.steps, self.total, self.limit, self.name = steps, total, limit, name
        self._seen = -1

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not pl_module.automatic_optimization:
            trainer.fit_loop.epoch_loop.max_steps = -1

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.limit.start()
        self._seen = self._done(trainer, pl_module)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        done = self._done(trainer, pl_module)
        if done == self._seen:
            return  # of several batches that make an update not the last
        self._seen = done
        if self._seen >= self.total:
            trainer.should_stop = True
        elif self.limit.seconds is not None and agreed(trainer, self.limit.is_over):
            trainer.should_stop = True
            if is_first():
                tell_time_is_over(self.name, self.limit, self._seen, self.total)

    def _done(self, trainer: pl.Trainer, module: pl.LightningModule) -> int:
        """Updates made; Lightning also counts those whose ``training_step`` returned no loss."""
        return max(self.steps.step, trainer.global_step) if module.automatic_optimization else self.steps.step

    def state_dict(self) -> dict[str, float]:
        return self.limit.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, float]) -> None:
        self.limit.load_state_dict(state_dict)


def tell_time_is_over(name: str, limit: TimeLimit, done: int, total: int) -> None:
    """That a run ends ahead of its last planned update, which its schedule does not know."""
    print(
        f"{name}: max_time, {limit.seconds:g} s, is over after {done:,} of {total:,} updates",
        file=sys.stderr,
        flush=True,
    )
