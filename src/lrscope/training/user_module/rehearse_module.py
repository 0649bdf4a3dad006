"""A LightningModule taken through one update by Lightning itself before a run is made: what raises would crash it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.loggers.logger import Logger
from torch import Tensor

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.training import build
from lrscope.training.callbacks.record_steps import examples_of
from lrscope.training.generators import untouched_generators
from lrscope.training.lightning_class import trains_itself
from lrscope.training.trainer import lightning_kept_quiet, make_trainer
from lrscope.training.untrained import untrained, words_on_untrained
from lrscope.training.user_module.attach_data import AttachData
from lrscope.training.user_module.few_batches import few_batches
from lrscope.training.user_module.make_module import made_module, refuse_module
from lrscope.training.user_module.optimizers import settle_optimizers
from lrscope.training.user_module.record_logged_values import RecordLoggedValues
from lrscope.training.user_module.record_module_steps import manual_loss
from lrscope.training.user_module.words_on_rates import check_rate_has_effect, words_ahead

BROADCAST = r"Using a target size .* that is different to the input size"
"""torch's warning of a loss that compares each answer with every target: it trains, and learns the mean."""

MOST_BATCHES = 32
"""So many batches a module that steps by itself may gather for an update."""


@dataclass(frozen=True)
class Rehearsed:
    """A module as one update left it, and what is to be told of it ahead of the training."""

    module: pl.LightningModule
    words: tuple[str, ...]


def rehearse(cfg: DictConfig, source: build.Source) -> Rehearsed:
    """Make the module and let Lightning validate and train it on real batches, up to the first update.

    Args:
        source: with the validation part left out that the module does not look at.

    Raises:
        InputError: it cannot be made, or cannot train on this data.
    """
    target = str(cfg.model._target_)
    with untouched_generators():
        module = made_module(cfg, source)
        if not module.automatic_optimization and cfg.scheduler.get("_target_") is not None:
            rule = f"{target} steps its optimizers and schedules by itself, and would not move this one"
            raise InputError(Problem("scheduler", build.scheduler_name(cfg), rule, "Choose scheduler=constant."))
        settle_optimizers(module, cfg, cfg.scheduler.get("monitor", "val/loss"))
        trainer = _train_a_little(cfg, source, module, target)
        if trains_itself(cfg):
            check_rate_has_effect(cfg, source, trainer)
        left = words_on_untrained(target, untrained(module, trainer.optimizers))
        return Rehearsed(module, (*words_ahead(cfg, trainer.optimizers), *left))


def _train_a_little(cfg: DictConfig, source: build.Source, module: pl.LightningModule, target: str) -> pl.Trainer:
    train, val = few_batches(cfg, source)
    watching = _UntilFirstUpdate(cfg.trainer.accumulate_grad_batches, [examples_of(batch) for batch in train.batches])
    trainer = make_trainer(
        cfg, num_sanity_val_steps=1, limit_val_batches=1, callbacks=[AttachData(source.module), watching]
    )
    trainer.loggers = [_RecordNothing()]
    if trainer.world_size > 1:
        rule = "is a LightningModule, which is trained on one device so far"
        raise InputError(Problem("trainer.devices", str(cfg.trainer.devices), rule, "Try trainer=auto."))
    try:
        with lightning_kept_quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", BROADCAST)
            trainer.fit(module, train, val)
    except _Enough:
        pass
    except _Unfit as unfit:
        refuse_module(target, unfit.rule, unfit.remedy, unfit)
    except InputError:
        raise
    except UserWarning as warning:
        rule = f"compares each answer with every target in its loss ({str(warning).partition('. ')[0]})"
        refuse_module(target, rule, "Give both one shape: unsqueeze(1) adds an axis, squeeze(1) takes it.", warning)
    except (Exception, SystemExit) as error:
        remedy = "See docs/recipes.md for one that trains."
        if not module.automatic_optimization and not trains_itself(cfg):
            remedy = "It steps its optimizers by itself: try optimizer=own."
        refuse_module(target, f"{watching.phase} of {_dataset(cfg, source)} ({reason_of(error)})", remedy, error)
    return trainer


def _dataset(cfg: DictConfig, source: build.Source) -> str:
    """Whose batches they are."""
    return f"the dataset {source.data.name if source.data is not None else cfg.dataset._target_}"


class _UntilFirstUpdate(pl.Callback):
    """Ends the training behind its first update, and looks whether that trains anything.

    Args:
        sizes: examples of the batches that it is to see.
    """

    def __init__(self, accumulate: int, sizes: Sequence[int]) -> None:
        self.phase = "cannot be set up to train on batches"
        self._accumulate, self._sizes = accumulate, sizes
        self._stepped = False
        self._backward: list[Tensor] = []

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.phase = "cannot validate on a batch"

    def on_sanity_check_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.phase = "cannot be set up to train on batches"

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.phase = "cannot train on a batch"
        for optimizer in trainer.optimizers:
            optimizer.register_step_pre_hook(self._notice)

    def _notice(self, *_: Any) -> None:
        self._stepped = True

    def on_before_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor) -> None:
        self._backward.append(loss.detach())
        if loss.numel() != 1:
            raise _Unfit(f"returns a loss of shape {list(loss.shape)} from its training_step", "Return its mean.")
        if not loss.requires_grad:
            rule = (
                "returns a loss from its training_step that does not depend on its parameters (no_grad, detach, item)"
            )
            raise _Unfit(rule, "Leave that out: there would be nothing to train.")

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if all(p.grad is None for p in pl_module.parameters()):
            raise _Unfit("has a loss whose gradient reaches none of its parameters", "Compute it of what they answer.")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if pl_module.automatic_optimization:
            if not outputs:
                raise _Unfit("returns nothing from its training_step", "Return the loss of the batch.")
            if self._stepped or batch_idx + 1 >= self._accumulate:
                self._end_behind(batch_idx)
            return
        if manual_loss(trainer, outputs, self._backward) is None:
            raise _Unfit("tells no loss of a batch", "Return it from the training_step, or log it as train_loss.")
        if self._stepped:
            self._end_behind(batch_idx)
        elif trainer.is_last_batch or batch_idx + 1 == MOST_BATCHES:
            raise _Unfit(f"steps no optimizer in {batch_idx + 1} batches", "Call self.optimizers().step().")

    def _end_behind(self, batch_idx: int) -> None:
        if batch_idx + 1 >= len(self._sizes):
            raise _Enough
        last = self._sizes[batch_idx + 1]
        self.phase = f"cannot train on an epoch's last batch, {last} example{'s' if last > 1 else ''}"


class _Enough(Exception):
    """What was to be seen has been."""


class _Unfit(Exception):
    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.rule, self.remedy = rule, remedy


class _RecordNothing(RecordLoggedValues):
    def __init__(self) -> None:
        Logger.__init__(self)

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """A rehearsal has no record."""
