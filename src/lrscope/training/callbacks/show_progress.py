"""How far a run is: a bar on a terminal, plain lines where the output goes to a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from lrscope.training.distributed import is_first
from lrscope.training.fast_hooks import LeanCallback

BAR_SECONDS = 0.2
LINE_SECONDS = 5.0


class ShowProgress(LeanCallback):
    """Shows epoch, losses and rate.

    Args:
        last: the latest value of a metric, None where there is none.
        style: ``bar``, ``lines`` or ``none``; ``auto`` is a bar on a terminal and lines elsewhere.
        done: the epochs that lie behind the run, where the trainer does not count those of an earlier command.
    """

    def __init__(
        self,
        last: Callable[[str], float | None],
        name: str,
        epochs: int,
        style: str = "auto",
        done: Callable[[], int] | None = None,
    ) -> None:
        self.last = last
        self.name = name
        self.epochs = epochs
        self.done = done
        if style == "auto":
            style = "bar" if sys.stderr.isatty() else "lines"
        self.style = style if is_first() else "none"
        self._bar: Any = None
        self._shown = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.style == "bar":
            from tqdm import tqdm

            done = self.done() if self.done is not None else trainer.current_epoch
            self._bar = tqdm(total=self.epochs, initial=done, desc=self.name, unit="epoch", leave=False)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        due = BAR_SECONDS if self.style == "bar" else LINE_SECONDS
        now = time.monotonic()
        if self.style == "none" or now - self._shown < due:
            return
        self._shown = now
        epoch = self.done() if self.done is not None else trainer.current_epoch + 1
        if self._bar is not None:
            self._bar.set_postfix_str(self._words(), refresh=False)
            self._bar.update(epoch - self._bar.n)
        else:
            print(f"{self.name}: epoch {epoch}/{self.epochs}  {self._words()}", file=sys.stderr, flush=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _words(self) -> str:
        last = self.last
        shown = {"train": last("train/loss_epoch"), "val": last("val/loss"), "val acc": last("val/acc")}
        return "  ".join(f"{name} {value:.4g}" for name, value in shown.items() if value is not None)
