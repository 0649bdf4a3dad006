"""Which optimizers and schedules train a LightningModule: the config's in the place of its own, or its own."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.core.optimizer import _configure_optimizers
from torch.optim import Optimizer

from lrscope.core.errors import InputError, Problem
from lrscope.training import build
from lrscope.training.lightning_class import rate_arguments, trains_itself
from lrscope.training.lightning_module import configured
from lrscope.training.user_module.set_rates import set_rates

HOOK = "configure_optimizers"


def settle_optimizers(module: pl.LightningModule, cfg: DictConfig, monitor: str | None) -> None:
    """Let Lightning get what the config asks for from the module: with ``optimizer=own`` what its own
    ``configure_optimizers`` makes, at the config's rate, else the config's optimizer and schedule.

    Args:
        monitor: the metric that a reduce-on-plateau schedule looks at.
    """
    make = _its_own if trains_itself(cfg) else _ours
    object.__setattr__(module, HOOK, lambda: make(module, cfg, monitor))


def give_back(module: pl.LightningModule) -> None:
    """The module as its class has it: without what holds a config, which no file could keep."""
    for hook in (HOOK, "on_save_checkpoint"):
        module.__dict__.pop(hook, None)


def _ours(module: pl.LightningModule, cfg: DictConfig, monitor: str | None) -> Any:
    return _scheduled(cfg, build.optimizer(cfg, module), monitor)


def _its_own(module: pl.LightningModule, cfg: DictConfig, monitor: str | None) -> Any:
    made: Any = type(module).configure_optimizers(module)
    optimizers, schedules, _ = _configure_optimizers(made) if made is not None else ([], [], None)
    if not optimizers:
        rule = "makes no optimizer in its configure_optimizers"
        raise InputError(Problem("optimizer", "own", f"{cfg.model._target_} {rule}", "Try optimizer=adam."))
    if not rate_arguments(cfg):
        set_rates(optimizers, schedules, float(cfg.optimizer.lr))
    if cfg.scheduler.get("_target_") is None:
        return made
    _check_unscheduled(cfg, optimizers, schedules)
    return _scheduled(cfg, optimizers[0], monitor)


def _scheduled(cfg: DictConfig, optimizer: Optimizer, monitor: str | None) -> Any:
    interval, frequency = cfg.scheduler.get("interval", "epoch"), cfg.scheduler.get("frequency") or 1
    return configured(optimizer, build.schedule(cfg, optimizer), interval, monitor, frequency)


def _check_unscheduled(cfg: DictConfig, optimizers: list[Optimizer], schedules: list[Any]) -> None:
    """One optimizer without a schedule of its own can be moved by the config's.

    Raises:
        InputError: this is something else.
    """
    rule = ""
    if schedules:
        rule = f"{cfg.model._target_} brings a schedule of its own, which optimizer=own keeps"
    elif len(optimizers) > 1:
        rule = f"{cfg.model._target_} has {len(optimizers)} optimizers, and this schedule moves one"
    if rule:
        raise InputError(Problem("scheduler", build.scheduler_name(cfg), rule, "Choose scheduler=constant."))
