"""Records what every step did: its loss, the rate it used, and the signals the diagnosis reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_module import Module
from lrscope.training.live_run import LiveRun
from lrscope.training.measures import DeadUnits, DeadUnitsMeter, UpdateMeter, grad_norm, rates_by_group

READ_EVERY = 32
"""On an accelerator, values are read back so many steps at a time: each reading waits for the device."""


@dataclass(frozen=True)
class SignalChoice:
    """Which signals are measured at the steps that the recording plan keeps."""

    grad_norm: bool = True
    update_ratio: bool = True
    update_cosine: bool = True
    dead_units: bool = True


class RecordSteps(LeanCallback):
    """Feeds a :class:`LiveRun` from Lightning's hooks.

    The rate is read before the step that uses it. On an accelerator values lag at most ``READ_EVERY`` steps behind;
    ``flush`` reads the rest.
    """

    def __init__(self, live: LiveRun, signals: SignalChoice, accumulate: int = 1) -> None:
        self.live = live
        self.recorder = live.recorder
        self.signals = signals
        self.step = 0
        """Updates made so far."""
        self._accumulate = accumulate
        self._rate = 0.0
        self._micro: list[Tensor] = []
        self._dead_units: DeadUnits | None = None
        self._pending: list[tuple[Tensor, float]] = []
        self._pending_signals: list[tuple[int, dict[str, Tensor]]] = []
        self._read_every = 1
        self._sizes: list[int] = []
        self._batch_examples = 0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._read_every = 1 if trainer.strategy.root_device.type == "cpu" else READ_EVERY
        parameters = [p for p in pl_module.parameters() if p.requires_grad]
        self._parameters = parameters
        dead = DeadUnitsMeter(pl_module)
        self._dead = dead if self.signals.dead_units and dead.found else None
        wanted = self.signals.update_ratio or self.signals.update_cosine
        self._updates = UpdateMeter(parameters) if wanted else None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._dead is not None and self.recorder.plan.keeps_signals(self.step) and not self._micro:
            self._dead.listen()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        self._rate = float(optimizer.param_groups[0]["lr"])
        if len(optimizer.param_groups) > 1:
            self.recorder.group_rates(self.step, rates_by_group(optimizer))
        kept = self.recorder.plan.keeps_signals(self.step)
        if self._updates is not None:
            self._updates.before(kept, self.recorder.plan.keeps_signals(self.step + 1))
        if kept:
            self._pending_signals.append((self.step, self._before_step()))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._micro.append(self._loss(pl_module, outputs))
        self._batch_examples += examples_of(batch)
        if len(self._micro) < self._accumulate and not trainer.is_last_batch:
            if len(self._micro) == 1 and self._dead is not None:
                self._dead_units = self._dead.read()  # of an update's first batch, however many make it
            return
        self._end_update(trainer)

    def _end_update(self, trainer: pl.Trainer) -> None:
        loss = self._micro[0] if len(self._micro) == 1 else torch.stack(self._micro).mean()
        self._micro.clear()
        if trainer.world_size > 1:
            loss = trainer.strategy.reduce(loss.clone(), reduce_op="mean")
        self._pending.append((loss, self._rate))
        self._sizes.append(self._batch_examples)
        self._batch_examples = 0
        self._after_step()
        self.step += 1
        if len(self._pending) >= self._read_every:
            self.flush()

    def flush(self) -> None:
        """Read what is still on the device, and record it."""
        if not self._pending:
            return
        losses = [float(loss) for loss, _ in self._pending] if len(self._pending) == 1 else _read(self._pending)
        total = sum(loss * size for loss, size in zip(losses, self._sizes, strict=True))
        self.live.add_steps(losses, [rate for _, rate in self._pending], total, sum(self._sizes))
        self._pending.clear()
        self._sizes.clear()
        for step, signals in self._pending_signals:
            values = _numbers(list(signals.values()))
            self.recorder.values(step, dict(zip(signals, values, strict=True)))
        self._pending_signals.clear()

    def state_dict(self) -> dict[str, Any]:
        self.flush()
        return {**self.live.state_dict(), "updates": self._updates.state_dict() if self._updates is not None else None}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.live.load_state_dict(state_dict)
        self.step = self.live.step
        self._saved_updates = state_dict["updates"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        saved = getattr(self, "_saved_updates", None)
        if saved is not None and self._updates is not None:
            self._updates.load_state_dict(saved)

    def _loss(self, pl_module: pl.LightningModule, outputs: Any) -> Tensor:
        """Of this batch, detached."""
        assert isinstance(pl_module, Module)
        return pl_module.last_loss

    def _before_step(self) -> dict[str, Tensor]:
        measured: dict[str, Tensor] = {}
        if self.signals.grad_norm:
            measured["grad_norm"] = grad_norm(self._parameters)
        dead, self._dead_units = self._dead_units, None
        if dead is None and self._dead is not None:
            dead = self._dead.read()
        if dead is not None:
            measured["dead_units"] = dead.share
            if len(dead.layers) > 1:
                measured |= {f"dead_units/{k}": share for k, share in enumerate(dead.layers, start=1)}
        return measured

    def _after_step(self) -> None:
        reading = self._updates.after() if self._updates is not None else None
        if reading is None or not self._pending_signals:
            return
        measured = self._pending_signals[-1][1]
        if self.signals.update_ratio:
            measured["update_ratio"] = reading.ratio
        if self.signals.update_cosine and reading.cosine is not None:
            measured["update_cosine"] = reading.cosine


def _numbers(values: list[Tensor]) -> list[float]:
    """0-dim tensors as Python's floats, in one reading of the device; none loses a digit."""
    if len({value.dtype for value in values}) > 1:
        values = [value.double() for value in values]
    return torch.stack(values).tolist() if values else []


def _read(pending: list[tuple[Tensor, float]]) -> list[float]:
    return torch.stack([loss for loss, _ in pending]).double().tolist()


def examples_of(batch: Any) -> int:
    """How many examples a batch holds: as many as its first tensor has rows."""
    first = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
    if isinstance(first, Tensor) and first.dim():
        return len(first)
    while not isinstance(batch, Tensor):
        if isinstance(batch, Mapping):
            batch = tuple(batch.values())
        if not isinstance(batch, (tuple, list)) or not batch:
            return 1
        batch = next((part for part in batch if isinstance(part, (Tensor, Mapping, tuple, list))), None)
    return len(batch) if batch.dim() else 1
