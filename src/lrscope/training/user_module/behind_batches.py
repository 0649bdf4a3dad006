"""Saves and stops a run behind everything that belongs to a batch.

Lightning's callbacks hear of a batch's end ahead of the module's own ``on_train_batch_end`` and of the values that it
logged: a checkpoint made there would lack both. The next moment at which somebody is asked is when it wants the next
batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytorch_lightning as pl

from lrscope.training.callbacks.keep_checkpoints import KeepCheckpoints
from lrscope.training.callbacks.stop_at_signal import StopAtSignal


class BehindBatches:
    """A loader that calls ``behind`` when the batch before is done with, and the next one is not read yet."""

    def __init__(self, inner: Iterable[Any], behind: Callable[[], object]) -> None:
        self.inner = inner
        self.behind = behind

    def __len__(self) -> int:
        """Raises:
        TypeError: the loader has no length.
        """
        return len(self.inner)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        for batch in self.inner:
            yield batch
            self.behind()

    def __getattr__(self, name: str) -> Any:
        """Where it stands, and who is told the epoch."""
        return getattr(self.inner, name)


class KeepBehindBatches(KeepCheckpoints):
    """Saves where ``behind`` is called."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Too early."""

    def behind(self, trainer: pl.Trainer) -> None:
        super().on_train_batch_end(trainer)


class StopBehindBatches(StopAtSignal):
    """Stops where ``behind`` is called."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Too early."""

    def behind(self, trainer: pl.Trainer) -> None:
        super().on_train_batch_end(trainer)
