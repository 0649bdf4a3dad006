"""From the config to objects: data, network, optimizer, schedule."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from lrscope.config.instantiate import accepts, instantiated, named
from lrscope.core.errors import InputError, Problem
from lrscope.core.metric_goal import goal_of
from lrscope.datasets.conform import conformed
from lrscope.datasets.data import Data
from lrscope.datasets.index_batches import IndexBatches
from lrscope.schedules import rules
from lrscope.training.generators import same_generators
from lrscope.training.parameter_groups import NOT_ARGUMENTS, freeze, optimized
from lrscope.training.user_loader import batches_of_epoch

if TYPE_CHECKING:
    import pytorch_lightning as pl


@dataclass(frozen=True)
class Source:
    """Where the batches come from: data in memory, or a user's LightningDataModule. One of the two is set."""

    data: Data | None
    module: pl.LightningDataModule | None
    steps_per_epoch: int
    """Optimizer updates of one epoch."""

    @property
    def digest(self) -> str:
        return self.data.digest if self.data is not None else ""

    @property
    def task(self) -> str | None:
        """``classification`` or ``regression``; a DataModule may say so in an attribute of that name."""
        return self.data.task if self.data is not None else getattr(self.module, "task", None)

    @property
    def described(self) -> Data | pl.LightningDataModule | None:
        """What has ``input_shape`` and ``outputs``, for the network; a DataModule may have such attributes."""
        return self.data if self.data is not None else self.module


OFFERED = ("input_shape", "outputs", "vocabulary", "padding", "each_token")
"""What a network is told of its data, where its constructor has a parameter of that name; see ``Data``."""


def source(cfg: DictConfig) -> Source:
    """Load the data set of a config and count the updates of an epoch.

    Raises:
        InputError: the data cannot be had, or the batch size does not fit it.
    """
    made = instantiated("dataset", without(cfg.dataset, ("name",)) if _is_foreign(cfg.dataset) else cfg.dataset)
    if isinstance(made, Data):
        made = conformed(made, str(cfg.dataset._target_))
        return Source(made, None, _updates(cfg, len(IndexBatches(made.train, cfg.batch_size, cfg.seed))))
    import pytorch_lightning as pl

    if not isinstance(made, pl.LightningDataModule):
        raise InputError(
            Problem(
                "dataset._target_",
                str(cfg.dataset._target_),
                f"gave a {type(made).__name__}, not lrscope's Data or a LightningDataModule",
                "See docs/recipes.md for how to bring your own data.",
            )
        )
    batches = batches_of_epoch(made, str(cfg.dataset._target_), cfg.trainer.limit_train_batches)
    return Source(None, made, _updates(cfg, batches))


def fill_steps(cfg: DictConfig, steps_per_epoch: int) -> None:
    """Write the number of updates into the config, for schedules to refer to as ``${total_steps}``."""
    with open_dict(cfg):
        cfg.steps_per_epoch = steps_per_epoch
        cfg.total_steps = steps_per_epoch * cfg.epochs


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch (every device): what initialisation and dropout draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def network(cfg: DictConfig, data: Data | pl.LightningDataModule | None, outputs: int | None = None) -> nn.Module:
    """The network, initialised from the global seed. Shapes come from the data where the config leaves them open.

    Args:
        outputs: numbers that it answers with, where the loss wants others than the data has.

    Raises:
        InputError: a wrong argument. Whether it fits the data, ``rehearsal`` tells.
    """
    offered = {name: getattr(data, name, None) for name in OFFERED}
    if outputs is not None and data is not None:
        offered["outputs"] = outputs
    arguments = {
        name: value
        for name, value in offered.items()
        if value is not None and name not in cfg.model and accepts(cfg.model, name)
    }
    group = without(cfg.model, ("name",)) if _is_foreign(cfg.model) else cfg.model
    _refuse_lightning_module(cfg.model, named(cfg.model))
    made: nn.Module = instantiated("model", group, nn.Module, **arguments)
    _refuse_lightning_module(cfg.model, type(made))
    if isinstance(data, Data):
        _settle_shapes(made, data)
    freeze(cfg, made)
    return made


def _refuse_lightning_module(model: DictConfig, kind: Any) -> None:
    """Its own loss, optimizer and schedule would be ignored without a word."""
    import pytorch_lightning as pl

    if isinstance(kind, type) and issubclass(kind, pl.LightningModule):
        rule = "is a LightningModule, whose own loss and optimizer would not be used"
        remedy = "Name its network, a torch.nn.Module; loss, optimizer and scheduler come from the config."
        raise InputError(Problem("model._target_", str(model._target_), rule, remedy))


def optimizer(cfg: DictConfig, over: nn.Module | Iterable[nn.Parameter]) -> Optimizer:
    """The optimizer over a network, with the groups that the config names, or over these parameters.

    Raises:
        InputError: an argument that the class does not take or refuses, or a group that cannot be.
    """
    group = without(cfg.optimizer, NOT_ARGUMENTS)
    parameters = optimized(cfg, over) if isinstance(over, nn.Module) else list(over)
    made: Optimizer = instantiated("optimizer", group, Optimizer, _positional=(parameters,))
    return made


def schedule(cfg: DictConfig, optimizer: Optimizer) -> LRScheduler | ReduceLROnPlateau | None:
    """The schedule of a config over this optimizer; None for a constant rate.

    Raises:
        InputError: a missing, contradictory or unknown argument.
    """
    if cfg.scheduler.get("_target_") is None:
        return None
    group = without(cfg.scheduler, rules.NOT_ARGUMENTS)
    own: dict[str, Any] = {}
    if cfg.scheduler._target_ == rules.PLATEAU and "mode" not in cfg.scheduler:
        own["mode"] = goal_of(cfg.scheduler.get("monitor") or "val/loss") or "min"
    _give_groups_their_peaks(group, optimizer)
    made: LRScheduler = instantiated("scheduler", group, LRScheduler, _positional=(optimizer,), **own)
    if isinstance(made, OneCycleLR):
        _check_length(cfg, made.total_steps)
    return made


def _give_groups_their_peaks(scheduler: DictConfig, optimizer: Optimizer) -> None:
    """torch's schedules with a top give every group the same one: each gets its rate's share of it."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    if len(set(rates)) == 1 or not str(scheduler._target_).startswith("torch."):
        return
    for key in ("max_lr", "base_lr"):
        if isinstance(top := scheduler.get(key), (int, float)):
            scheduler[key] = [top * (rate / float(optimizer.defaults["lr"])) for rate in rates]


def callback(entry: DictConfig) -> Any:
    """A Lightning callback of the user's own.

    Raises:
        InputError: it cannot be made.
    """
    from pytorch_lightning import Callback

    return instantiated("callbacks.extra", entry, Callback)


def scheduler_name(cfg: DictConfig) -> str:
    """The option's name, else the class's: ``constant``, ``exponential``, ``CosineAnnealingWarmRestarts`` …"""
    target = cfg.scheduler.get("_target_")
    return str(cfg.scheduler.get("name") or (target.rsplit(".", 1)[-1] if target else "constant"))


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain Python data with every interpolation resolved."""
    tree = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}


def _updates(cfg: DictConfig, batches: int) -> int:
    if cfg.trainer.limit_train_batches is not None:
        batches = min(batches, cfg.trainer.limit_train_batches)
    return -(-batches // cfg.trainer.accumulate_grad_batches)


def _check_length(cfg: DictConfig, planned: int) -> None:
    """torch's OneCycleLR raises in the middle of a run that goes on after its last step."""
    by_step = cfg.scheduler.get("interval", "epoch") == "step"
    moves, key = (cfg.total_steps, "total_steps") if by_step else (cfg.epochs, "epochs")
    if moves is not None and moves > planned:
        rule = f"ends after {planned} moves, but the run makes {moves}"
        remedy = f"Use scheduler.total_steps=\\${{{key}}} and set neither epochs nor steps_per_epoch of the scheduler."
        raise InputError(Problem("scheduler.total_steps", str(planned), rule, remedy))


def _settle_shapes(network: nn.Module, data: Data) -> None:
    """Layers that take their shape from the first input (``LazyLinear``) take it now: optimizers ask for it."""
    if not any(isinstance(p, UninitializedParameter) for p in network.parameters()):
        return
    was_training = network.training
    with suppress(Exception), torch.no_grad(), same_generators(torch.device("cpu")):  # what is wrong is told elsewhere
        network.eval()(data.train.inputs[:2])
    network.train(was_training)


def _is_foreign(group: DictConfig) -> bool:
    """Whether a group names a class that is not lrscope's, which would not take lrscope's own ``name``."""
    return not str(group.get("_target_", "")).startswith("lrscope.") and not accepts(group, "name")


def without(group: DictConfig, keys: Iterable[str]) -> DictConfig:
    """The resolved group without these keys."""
    tree: Any = OmegaConf.to_container(group, resolve=True)
    return OmegaConf.create({key: value for key, value in tree.items() if key not in keys})
