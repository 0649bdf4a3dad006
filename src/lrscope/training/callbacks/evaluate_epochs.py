"""What the network is worth before training and at the end of an epoch: loss and accuracy over the whole parts, at
fixed weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.training.callbacks.keep_checkpoints import random_state, restore_random_state
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.evaluation import Evaluation, evaluate
from lrscope.training.facts.constant_answer import constant_loss
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_module import Module

Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]

LOSS_CONSTANT = "train/loss_constant"
"""The loss of the best constant answer, one point at step 0: of data whose targets pass by but do not lie in memory,
where it is no fact that is known beforehand.
"""

LOSS_START, SPREAD_START = "train/loss_start", "output_spread_start"
"""What training starts from, one point each at step 0. A first batch tells it too roughly for a verdict: at a small
rate its noise outweighs all that the run moves.
"""


@dataclass(frozen=True)
class Parts:
    """How to iterate each part once, on the device; None where there is no such part."""

    train: Batches
    val: Batches | None = None
    test: Batches | None = None


class EvaluateEpochs(LeanCallback):
    """Records what training starts from, and the metrics of an epoch at its last update; those of an epoch it hands to
    Lightning, for schedules and stopping.

    Every process of a distributed run evaluates the whole parts itself: nothing needs to be gathered.

    Args:
        every_epochs: only every n-th epoch is evaluated, and always the last.
        targets_unknown: whether the loss of a constant answer is no fact of the run yet.
    """

    def __init__(
        self, steps: RecordSteps, parts: Parts, epochs: int, every_epochs: int = 1, targets_unknown: bool = False
    ) -> None:
        self.steps = steps
        self.parts = parts
        self.epochs = epochs
        self.every_epochs = every_epochs
        self.targets_unknown = targets_unknown

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Module)
        recorder = self.steps.recorder
        if self.steps.step or recorder.last(LOSS_START) is not None:
            return  # a resumed run: its weights are no longer the first
        untouched = random_state()  # a loader of the user's may shuffle
        start, constant = self._start(pl_module)
        restore_random_state(untouched)
        if start is not None:
            recorder.values(0, {LOSS_START: start.loss, SPREAD_START: start.output_spread})
        if constant is not None:
            recorder.values(0, {LOSS_CONSTANT: constant})

    def _start(self, module: Module) -> tuple[Evaluation | None, float | None]:
        if self.parts.train is None or not self.targets_unknown:
            return self._part("train", module), None
        seen: list[Tensor] = []
        found = evaluate(module.network, _watched(self.parts.train(), seen), module.loss)
        targets = torch.cat(seen)
        width = targets.shape[1] if targets.dim() > 1 else 1
        return found, constant_loss(module.loss, targets, width)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Module)
        epoch = trainer.current_epoch + 1
        values = {"epoch": float(epoch), "train/loss_epoch": self.steps.take_epoch_loss()}
        if epoch % self.every_epochs == 0 or epoch == self.epochs or trainer.should_stop:
            values |= self._evaluate(pl_module)
        self.steps.recorder.values(self.steps.step - 1, values)
        # Lightning's plateau schedule and EarlyStopping read here; `self.log` would cost more than the evaluation.
        trainer.callback_metrics.update({key: pl_module.last_loss.new_tensor(value) for key, value in values.items()})

    def _evaluate(self, module: Module) -> dict[str, float]:
        values: dict[str, float] = {}
        train = self._part("train", module)
        if train is not None:
            values |= {"train/loss_eval": train.loss, "output_spread": train.output_spread}
            values |= _accuracy("train", train)
        val = self._part("val", module)
        if val is not None:
            values |= {"val/loss": val.loss} | _accuracy("val", val)
        return values

    def _part(self, name: str, module: Module) -> Evaluation | None:
        batches = getattr(self.parts, name)
        return evaluate(module.network, batches(), module.loss) if batches is not None else None

    def evaluate_test(self, module: Module) -> None:
        """Record ``test/*`` once, at the last update."""
        test = self._part("test", module)
        if test is not None:
            self.steps.recorder.values(self.steps.step - 1, {"test/loss": test.loss} | _accuracy("test", test))


def _watched(batches: Iterable[tuple[Tensor, Tensor]], seen: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    for inputs, targets in batches:
        seen.append(targets.detach().cpu())
        yield inputs, targets


def _accuracy(part: str, evaluation: Evaluation) -> dict[str, Any]:
    return {} if evaluation.accuracy is None else {f"{part}/acc": evaluation.accuracy}
