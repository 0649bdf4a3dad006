"""What the network is worth before training, and at the end of an epoch or behind so many updates: loss and accuracy
over the whole parts, at fixed weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.diagnosis.signals.chance import LOSS_CONSTANT, VAL_LOSS_CONSTANT
from lrscope.training.best_weights import copied_state
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.evaluation import Evaluation, evaluate
from lrscope.training.facts.constant_answer import constant_losses
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.generators import untouched_generators
from lrscope.training.lightning_module import Module
from lrscope.training.live_run import LOSS_START, epoch_values
from lrscope.training.metric_meter import MetricMeter

Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class Parts:
    """How to iterate each part once, on the device; None where there is no such part."""

    train: Batches
    val: Batches | None = None
    test: Batches | None = None


class EvaluateEpochs(LeanCallback):
    """Evaluates what training starts from and what it comes to, ends the epoch of the run, and hands the metrics to
    Lightning, for schedules and early stopping.

    Every process of a distributed run evaluates the whole parts itself: nothing needs to be gathered.

    Args:
        targets_unknown: whether the loss of a constant answer is no fact of the run yet.
        metrics: evaluated beside loss and accuracy.
    """

    def __init__(
        self, steps: RecordSteps, parts: Parts, targets_unknown: bool = False, metrics: MetricMeter | None = None
    ) -> None:
        self.steps = steps
        self.live = steps.live
        self.parts = parts
        self.targets_unknown = targets_unknown
        self.metrics = metrics

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.steps.step == 0 and self.steps.recorder.last(LOSS_START) is None:
            with untouched_generators():
                self.live.begin(*self._start(pl_module))

    def _start(self, module: pl.LightningModule) -> tuple[Evaluation, dict[str, float]]:
        """What training starts from, and what a constant answer would reach where that is not known."""
        if not self.targets_unknown:
            return self._part(self.parts.train, module), {}
        seen: list[Tensor] = []
        found = self._part(lambda: _watched(self.parts.train(), seen), module)
        targets, val = torch.cat(seen), self.parts.val
        others = torch.cat([targets.detach().cpu() for _, targets in val()]) if val is not None else None
        assert isinstance(module, Module)
        constant = constant_losses(module.loss, targets, val_targets=others)
        known = {LOSS_CONSTANT: constant.train, VAL_LOSS_CONSTANT: constant.val}
        return found, {name: loss for name, loss in known.items() if loss is not None}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Metrics of an earlier epoch would count as one more epoch without improvement.
        trainer.callback_metrics.clear()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        if not self.live.is_due(self.steps.step, trainer.should_stop):
            return
        self.steps.flush()
        values = self.live.evaluate_within(
            trainer.current_epoch + 1, self._parts(pl_module), partial(copied_state, pl_module)
        )
        trainer.callback_metrics.update({key: as_metric(value) for key, value in values.items()})
        if self.live.is_over:
            trainer.should_stop = True
        for early in trainer.early_stopping_callbacks:  # those that look at evaluations, and not at the ends of epochs
            early.on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.steps.flush()
        epoch = trainer.current_epoch + 1
        due = (self.live.is_evaluated(epoch) or trainer.should_stop) and not self.live.is_evaluated_here
        evaluated = self._parts(pl_module) if due else {}
        values = self.live.end_epoch(epoch, evaluated, partial(copied_state, pl_module))
        # Lightning's plateau schedule and EarlyStopping read here; `self.log` would cost more than the evaluation.
        trainer.callback_metrics.update({key: as_metric(value) for key, value in values.items()})
        if self.live.is_over:
            trainer.should_stop = True

    def test(self, module: pl.LightningModule) -> Evaluation | None:
        """What the test part comes to; None where there is none."""
        return self._part(self.parts.test, module) if self.parts.test is not None else None

    def _parts(self, module: pl.LightningModule) -> dict[str, float]:
        train, val = self._part(self.parts.train, module), self.parts.val
        return epoch_values(train, self._part(val, module) if val is not None else None)

    def _part(self, batches: Batches, module: pl.LightningModule) -> Evaluation:
        assert isinstance(module, Module)
        return evaluate(module.network, batches(), module.loss, self.metrics)


def _watched(batches: Iterable[tuple[Tensor, Tensor]], seen: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    for inputs, targets in batches:
        seen.append(targets.detach().cpu())
        yield inputs, targets


def as_metric(value: float) -> Tensor:
    """A metric as schedules and early stopping look at it, every digit of it."""
    return torch.tensor(value, dtype=torch.float64)
