"""What a LightningModule is worth before training and at the end of an epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.diagnosis import canonical_name
from lrscope.diagnosis.signals.chance import LOSS_CONSTANT, VAL_LOSS_CONSTANT
from lrscope.training.best_weights import BestWeights, copied_state
from lrscope.training.callbacks.evaluate_epochs import as_metric
from lrscope.training.callbacks.keep_checkpoints import KeepBest
from lrscope.training.callbacks.record_steps import RecordSteps, examples_of
from lrscope.training.callbacks.require_metrics import RequireMetrics
from lrscope.training.evaluation import Evaluation
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_class import overrides
from lrscope.training.live_run import LOSS_START, SPREAD_START
from lrscope.training.supported import read_batch
from lrscope.training.user_module.at_fixed_weights import PartSeen, at_fixed_weights, loss_in
from lrscope.training.user_module.recognised_loss import RecognisedLoss

Batches = Callable[[], Iterable[Any]]

OPEN = ("val/loss", "train/loss_eval")
"""What the best epoch is chosen by where nobody chose a metric: a module may have neither."""

FIRST = "/dataloader_idx_0"
"""What Lightning adds to a name where there are several loaders."""

NEVER = 2**62
"""Epochs between two validations where this one has none."""


class EvaluateModule(LeanCallback):
    """Ends the epoch of the run: ``train/loss_eval`` and ``output_spread`` of the training part on a copy; ``val/loss``
    and ``val/acc`` as Lightning's own validation of the module came to, by whatever names it logs them.

    Args:
        train, val: the batches of a part, once; None where there is none.
        name: of the run, for a warning.
    """

    def __init__(self, steps: RecordSteps, train: Batches, val: Batches | None, name: str) -> None:
        self.steps = steps
        self.live = steps.live
        self.train, self.val = train, val
        self.name = name
        self._can_copy = True
        self._val_loss, self._val_examples = 0.0, 0
        self._told: dict[str, Tensor] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._val_loss, self._val_examples = 0.0, 0
        if not self.live.is_evaluated(1):
            for schedule in trainer.lr_scheduler_configs:  # one that looks at a metric: most epochs have none
                schedule.strict = False
        steps_itself = not pl_module.automatic_optimization and not overrides(type(pl_module), "validation_step")
        self._can_copy = not steps_itself  # its training_step would train the copy
        if self.steps.step == 0 and self.steps.recorder.last(LOSS_START) is None:
            recognised = RecognisedLoss()
            seen = self._train_part(trainer, pl_module, recognised)
            constant = recognised.constant_losses(self._val_targets())
            start = {LOSS_START: seen.loss, SPREAD_START: seen.output_spread}
            start |= {LOSS_CONSTANT: constant.train, VAL_LOSS_CONSTANT: constant.val}
            self.steps.recorder.values(0, {name: value for name, value in start.items() if value is not None})

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Metrics of an earlier epoch would count as one more epoch without improvement.
        trainer.callback_metrics.clear()
        trainer.check_val_every_n_epoch = 1 if self.live.is_evaluated(trainer.current_epoch + 1) else NEVER
        if self.live.by_steps:
            trainer.check_val_every_n_epoch, trainer.val_check_batch = None, NEVER
        self._val_loss, self._val_examples = 0.0, 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        if not self.live.by_steps:
            return
        due = self.live.is_due(self.steps.step, trainer.should_stop)
        trainer.val_check_batch = 1 if due else NEVER
        # A run that goes on would leave out batches of its first validation: Lightning takes it for one cut short.
        trainer.fit_loop.epoch_loop.val_loop.restarting = False
        if due and not trainer.enable_validation:
            self._evaluate_within(trainer, pl_module)
            for early in trainer.early_stopping_callbacks:
                early.on_validation_end(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.live.is_due(self.steps.step, trainer.should_stop):
            self._evaluate_within(trainer, pl_module)

    def _evaluate_within(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.steps.flush()
        evaluated = self._of_train(trainer, module) | self._of_val(trainer)
        choose_by_what_is_there(self.live.best, evaluated)
        values = self.live.evaluate_within(trainer.current_epoch + 1, evaluated, module.state_dict)
        self._tell(trainer, values)
        self._val_loss, self._val_examples = 0.0, 0
        if self.live.is_over:
            trainer.should_stop = True

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if dataloader_idx == 0 and (loss := loss_in(outputs)) is not None:
            self._val_loss += float(loss) * examples_of(batch)
            self._val_examples += examples_of(batch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.steps.flush()
        epoch = trainer.current_epoch + 1
        evaluated: dict[str, float] = {}
        if (self.live.is_evaluated(epoch) or trainer.should_stop) and not self.live.is_evaluated_here:
            evaluated = self._of_train(trainer, pl_module) | self._of_val(trainer)
            choose_by_what_is_there(self.live.best, evaluated)
        values = self.live.end_epoch(epoch, evaluated, partial(copied_state, pl_module))
        self._tell(trainer, values)
        if self.live.is_over:
            trainer.should_stop = True

    def test(self, module: pl.LightningModule) -> Evaluation | None:
        """Nothing: what a test part is, its own ``test_step`` would have to say."""

    def _of_train(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        seen = self._train_part(trainer, module)
        found = {"train/loss_eval": seen.loss, "train/acc": seen.accuracy, "output_spread": seen.output_spread}
        own = self._logged(trainer)  # an accuracy that it logs under this name stands for itself
        return {name: v for name, v in found.items() if v is not None and not (name == "train/acc" and name in own)}

    def _of_val(self, trainer: pl.Trainer) -> dict[str, float]:
        returned = {"val/loss": self._val_loss / self._val_examples} if self._val_examples else {}
        logged = self._logged(trainer).items()  # of several validation parts the first is the one that counts
        known = ((canonical_name(name.removesuffix(FIRST)), value) for name, value in logged)
        return returned | {name: float(value) for name, value in known if name in ("val/loss", "val/acc")}

    def _tell(self, trainer: pl.Trainer, values: Mapping[str, float]) -> None:
        """Let callbacks and schedules look at these."""
        self._told = {key: as_metric(value) for key, value in values.items()}
        trainer.callback_metrics.update(self._told)

    def _logged(self, trainer: pl.Trainer) -> dict[str, Tensor]:
        """What the module itself logged: not what an earlier evaluation of this epoch told under the same names."""
        return {name: v for name, v in trainer.callback_metrics.items() if v is not self._told.get(name)}

    def _val_targets(self) -> Tensor | None:
        """Of the validation part, where its batches are two tensors."""
        pairs = [read_batch(batch) for batch in self.val()] if self.val is not None else []
        found = [pair[1].detach().cpu() for pair in pairs if pair is not None]
        return torch.cat(found) if found and len(found) == len(pairs) else None

    def _train_part(
        self, trainer: pl.Trainer, module: pl.LightningModule, recognised: RecognisedLoss | None = None
    ) -> PartSeen:
        if not self._can_copy:
            return PartSeen()
        try:
            return at_fixed_weights(trainer, module, self.train(), recognised)
        except Exception as error:
            self._can_copy = False
            words = str(error).splitlines()[0] if str(error) else ""
            warnings.warn(
                f"{self.name}: the training part is not evaluated at fixed weights, as a copy of the module cannot do "
                f"it ({type(error).__name__}: {words}); the verdict rests on the batches' losses",
                stacklevel=2,
            )
            return PartSeen()


def choose_by_what_is_there(best: BestWeights, evaluated: Mapping[str, float]) -> None:
    """The best epoch is that of a training loss, where a module says no ``val/loss`` and nobody chose a metric."""
    if best.monitor in OPEN and best.monitor not in evaluated:
        best.monitor = "train/loss_eval" if "train/loss_eval" in evaluated else "train/loss_epoch"


class KeepBestOfModule(KeepBest, pl.callbacks.Checkpoint):
    """Of this kind, for Lightning to call it behind the module's own ``on_train_epoch_end``, which may log."""


class RequireModuleMetrics(RequireMetrics, pl.callbacks.Checkpoint):
    """Of this kind for the same reason."""
