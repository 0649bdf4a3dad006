"""Records what every step of a LightningModule did."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from lrscope.diagnosis import canonical_name
from lrscope.training.callbacks.keep_checkpoints import between_updates
from lrscope.training.callbacks.record_steps import RecordSteps, examples_of
from lrscope.training.measures.forward_pass import TrainingPasses
from lrscope.training.user_module.at_fixed_weights import loss_in
from lrscope.training.user_module.manual_steps import ManualSteps


class RecordModuleSteps(RecordSteps):
    """The loss of a step is what ``training_step`` returned; a batch for which it returned none is left out.

    Where the module steps its optimizers by itself, an update is a batch in which one of them stepped, and its loss
    what ``training_step`` returned, else logged as ``train_loss``, else gave to ``manual_backward``, all together.
    """

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_fit_start(trainer, pl_module)
        passes = TrainingPasses(pl_module)
        self._dead = passes if self.signals.dead_units and passes.found else None
        if len({(p.dtype, p.device) for p in self._parameters}) != 1:
            self._updates = None  # they cannot be laid out as one vector
        self._manual: ManualSteps | None = None
        self._backward: list[Tensor] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        if not pl_module.automatic_optimization:
            self._manual = ManualSteps(pl_module, trainer.optimizers, self._begin_update, self._measures)

    def between_updates(self, trainer: pl.Trainer) -> bool:
        """Whether training goes on from here bit for bit, behind this batch."""
        return between_updates(trainer) and not self._micro

    def on_before_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor) -> None:
        if self._manual is not None:
            self._backward.append(loss.detach())

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        if self._manual is None:
            super().on_before_optimizer_step(trainer, pl_module, optimizer)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._manual is not None:
            self._end_manual_batch(trainer, outputs, batch, self._manual)
        elif loss_in(outputs) is not None:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        elif self._pending_signals and self._pending_signals[-1][0] == self.step:
            self._pending_signals.pop()

    def _loss(self, pl_module: pl.LightningModule, outputs: Any) -> Tensor:
        """Lightning hands it out divided by the batches that make an update."""
        loss: Tensor = loss_in(outputs).detach()
        return loss * self._accumulate if self._accumulate > 1 else loss

    def _begin_update(self) -> None:
        if self._updates is not None:
            self._updates.before(self._measures(), self.recorder.plan.keeps_signals(self.step + 1))
        if self._measures():
            self._pending_signals.append((self.step, self._before_step()))

    def _measures(self) -> bool:
        return self.recorder.plan.keeps_signals(self.step)

    def _end_manual_batch(self, trainer: pl.Trainer, outputs: Any, batch: Any, manual: ManualSteps) -> None:
        loss = manual_loss(trainer, outputs, self._backward)
        self._backward = []
        if loss is not None:
            self._micro.append(loss)
            self._batch_examples += examples_of(batch)
        if not manual.made or not self._micro:
            return
        rates, norm = manual.take()
        self._rate = manual.rate
        self.recorder.group_rates(self.step, rates)
        if norm is not None and self.signals.grad_norm and self._pending_signals:
            self._pending_signals[-1][1]["grad_norm"] = norm
        self._end_update(trainer)


def manual_loss(trainer: pl.Trainer, outputs: Any, backward: list[Tensor]) -> Tensor | None:
    """The loss of a batch of a module that steps by itself; None where it told none."""
    returned = loss_in(outputs)
    if isinstance(returned, Tensor):
        return returned.detach()
    logged = (value for name, value in trainer.callback_metrics.items() if canonical_name(name) == "train/loss")
    if (value := next(logged, None)) is not None:
        return value.detach().clone()
    return torch.stack([loss.reshape(()) for loss in backward]).sum() if backward else None
