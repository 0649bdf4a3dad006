"""Whose optimizer trains a LightningModule, and how the rate reaches it: one line, ahead of the training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, open_dict
from pytorch_lightning.core.optimizer import _configure_optimizers
from torch.optim import Optimizer

from lrscope.core.errors import InputError, Problem
from lrscope.training import build
from lrscope.training.lightning_class import lightning_class, overrides, rate_arguments, trains_itself
from lrscope.training.user_module.set_rates import peak_of


def words_ahead(cfg: DictConfig, optimizers: Sequence[Optimizer]) -> tuple[str, ...]:
    """What is used in the place of something that the module has, and how the rate reaches it."""
    kind = lightning_class(cfg)
    assert kind is not None
    words = [_on_optimizer(cfg, kind, optimizers)]
    if overrides(kind, "train_dataloader"):
        words.append(
            f"{cfg.model._target_}: its batches come from {cfg.dataset._target_}, not its own train_dataloader"
        )
    return tuple(filter(None, words))


def _on_optimizer(cfg: DictConfig, kind: type[pl.LightningModule], optimizers: Sequence[Optimizer]) -> str:
    target = cfg.model._target_
    if not trains_itself(cfg):
        if not overrides(kind, "configure_optimizers"):
            return ""
        ours = str(cfg.optimizer._target_).rpartition(".")[2]
        words = f"{ours} and schedule {build.scheduler_name(cfg)} take the place of its configure_optimizers"
        return f"{target}: {words}; optimizer=own would use it"
    names = ", ".join(type(optimizer).__name__ for optimizer in optimizers)
    if arguments := rate_arguments(cfg):
        return f"{target}: trains with its own {names}; lr reaches it by its constructor's {' and '.join(arguments)}"
    return f"{target}: trains with its own {names}; its constructor takes no lr, so it is set in the optimizer's groups"


def check_rate_has_effect(cfg: DictConfig, source: build.Source, trainer: pl.Trainer) -> None:
    """Of a module whose constructor takes the rate: whether its optimizers follow.

    Raises:
        InputError: they are the same at another rate.
    """
    arguments = rate_arguments(cfg)
    if not arguments:
        return
    other = cfg.copy()
    with open_dict(other):
        other.optimizer.lr = 2.0 * float(cfg.optimizer.lr)
    module = build.network(other, source.described)
    assert isinstance(module, pl.LightningModule)
    module.trainer = trainer
    try:
        made: Any = module.configure_optimizers()
        optimizers, _, _ = _configure_optimizers(made)
    except Exception:  # it looks at what only a training has: the one that was tried had it
        return
    if _peaks(optimizers) == _peaks(trainer.optimizers):
        rule = (
            f"{cfg.model._target_} takes it as {arguments[0]}, but its configure_optimizers makes the same rates of it"
        )
        raise InputError(Problem("lr", f"{cfg.optimizer.lr:g}", rule, f"Use self.{arguments[0]} there."))


def _peaks(optimizers: Sequence[Optimizer]) -> list[float]:
    return [peak_of(group) for optimizer in optimizers for group in optimizer.param_groups]
