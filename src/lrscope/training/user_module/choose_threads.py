"""How many threads train a LightningModule, where the config leaves it open: by the work of its first batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from torch.utils.flop_counter import FlopCounterMode

from lrscope.training import threads
from lrscope.training.fast_hooks import LeanCallback


class ChooseThreads(LeanCallback):
    """Counts the operations of the first batch, which one thread trains: what a step of a module's own does is not
    known beforehand. A run that goes on has the number that it had: with another its bits would be others.
    """

    def __init__(self) -> None:
        self._chosen: int | None = None
        self._counter: FlopCounterMode | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        threads.use(self._chosen or 1)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._chosen is None:
            self._counter = FlopCounterMode(display=False)
            self._counter.__enter__()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if self._counter is not None:
            self._chosen = threads.for_work(float(self._counter.get_total_flops()))
            self._stop_counting()
            threads.use(self._chosen)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._stop_counting()

    def _stop_counting(self) -> None:
        if self._counter is not None:
            self._counter.__exit__(None, None, None)
            self._counter = None

    def state_dict(self) -> dict[str, Any]:
        return {"threads": self._chosen}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self._chosen = state_dict["threads"]
