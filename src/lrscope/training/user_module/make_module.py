"""Makes a LightningModule of the user's from the config, where it has what every training needs."""

from __future__ import annotations

from typing import NoReturn

import pytorch_lightning as pl
from omegaconf import DictConfig
from torch.nn.parameter import UninitializedParameter

from lrscope.core.errors import InputError, Problem
from lrscope.training import build
from lrscope.training.lightning_class import lightning_class, overrides, trains_itself


def made_module(cfg: DictConfig, source: build.Source) -> pl.LightningModule:
    """The module, initialised from the config's seed.

    Raises:
        InputError: it lacks a step, an argument, or the shapes of its layers.
    """
    _check_steps(cfg)
    build.seed_everything(cfg.seed)
    module = build.network(cfg, source.described)
    assert isinstance(module, pl.LightningModule)
    if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
        rule = "has layers that wait for a first batch to know their shape (LazyLinear and the like)"
        refuse_module(str(cfg.model._target_), rule, "Give their sizes, or call the module once in its __init__.")
    return module


def _check_steps(cfg: DictConfig) -> None:
    kind, target = lightning_class(cfg), str(cfg.model._target_)
    assert kind is not None
    if not overrides(kind, "training_step"):
        refuse_module(
            target, "is a LightningModule without a training_step", "Write one that returns the loss of a batch."
        )
    if trains_itself(cfg) and not overrides(kind, "configure_optimizers"):
        rule = f"{target} has no configure_optimizers"
        raise InputError(Problem("optimizer", "own", rule, "Choose one of lrscope's, e.g. optimizer=adam."))


def refuse_module(target: str, rule: str, remedy: str, cause: BaseException | None = None) -> NoReturn:
    """Raises:
    InputError: always, of this module.
    """
    raise InputError(Problem("model._target_", target, rule, remedy)) from cause
