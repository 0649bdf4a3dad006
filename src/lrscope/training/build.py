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

from lrscope.config.instantiate import accepts, instantiated
from lrscope.config.lightning_names import lightning_package
from lrscope.core.dataset_name import dataset_name
from lrscope.core.errors import InputError, Problem
from lrscope.core.metric_goal import goal_of
from lrscope.datasets.conform import conformed
from lrscope.datasets.data import Data
from lrscope.datasets.index_batches import IndexBatches
from lrscope.schedules import rules
from lrscope.training.generators import same_generators
from lrscope.training.lightning_class import RATES, TRAINED, lightning_class
from lrscope.training.parameter_groups import NOT_ARGUMENTS, freeze, optimized
from lrscope.training.pretrained import OURS, load_pretrained
from lrscope.training.user_loader import batches_of_epoch, has_length

if TYPE_CHECKING:
    import pytorch_lightning as pl


@dataclass(frozen=True)
class Source:
    """Where the batches come from: data in memory, or a user's LightningDataModule. One of the two is set."""

    data: Data | None
    module: pl.LightningDataModule | None
    steps_per_epoch: int
    """Optimizer updates of one epoch."""
    validates: bool = True
    """Whether its validation part, where it has one, is looked at."""

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
    made = _made_data(cfg.dataset)
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
    length = None if cfg.max_steps is None else cfg.max_steps * cfg.trainer.accumulate_grad_batches
    batches = batches_of_epoch(made, str(cfg.dataset._target_), cfg.trainer.limit_train_batches, length)
    _check_epochs_of_stream(cfg, made)
    return Source(None, made, _updates(cfg, batches))


def _check_epochs_of_stream(cfg: DictConfig, module: pl.LightningDataModule) -> None:
    """Nobody knows how many updates they are."""
    if cfg.epochs is None or cfg.trainer.limit_train_batches is not None or has_length(module.train_dataloader()):
        return
    rule = "the stream has no length: its whole run is one epoch, of max_steps updates"
    raise InputError(Problem("epochs", str(cfg.epochs), rule, "Leave it out, or add trainer.limit_train_batches."))


def _made_data(group: DictConfig) -> Any:
    """What the group's target makes; it is told the name of the data where it takes one."""
    if _is_foreign(group):
        return instantiated("dataset", without(group, ("name",)))
    called = dataset_name(group.get("_target_"), group.get("name"))
    if called == group.get("name"):
        return instantiated("dataset", group)
    return instantiated("dataset", without(group, ("name",)), name=called)


def fill_steps(cfg: DictConfig, steps_per_epoch: int) -> None:
    """Write the number of updates into the config, for schedules to refer to as ``${total_steps}``."""
    with open_dict(cfg):
        cfg.steps_per_epoch = steps_per_epoch
        limits = [cfg.max_steps, steps_per_epoch * cfg.epochs if cfg.epochs is not None else None]
        cfg.total_steps = min(limit for limit in limits if limit is not None)


def planned_epochs(cfg: DictConfig) -> int:
    """Epochs that a run begins, the last of which ``max_steps`` may cut short."""
    return int(-(-cfg.total_steps // cfg.steps_per_epoch))


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch (every device): what initialisation and dropout draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def network(cfg: DictConfig, data: Data | pl.LightningDataModule | None, outputs: int | None = None) -> nn.Module:
    """The network, initialised from the global seed. Shapes come from the data where the config leaves them open, and
    the rate of a LightningModule whose constructor takes one from the optimizer's.

    Args:
        outputs: numbers that it answers with, where the loss wants others than the data has.

    Raises:
        InputError: a wrong argument. Whether it fits the data, ``rehearsal`` tells.
    """
    offered: dict[str, Any] = {name: getattr(data, name, None) for name in OFFERED}
    if lightning_class(cfg) is not None:
        offered |= dict.fromkeys(RATES, float(cfg.optimizer.get("lr") or cfg.lr))
    if outputs is not None and data is not None:
        offered["outputs"] = outputs
    arguments = {
        name: value
        for name, value in offered.items()
        if value is not None and name not in cfg.model and accepts(cfg.model, name)
    }
    ours = [key for key in OURS if cfg.model.get(key) is None or not accepts(cfg.model, key)]
    group = without(cfg.model, (*ours, *(("name",) if _is_foreign(cfg.model) else ())))
    made: nn.Module = instantiated("model", group, nn.Module, **arguments)
    _refuse_other_lightning(cfg, made)
    if isinstance(data, Data):
        _settle_shapes(made, data)
    load_pretrained(cfg, made)
    freeze(cfg, made)
    return made


def _refuse_other_lightning(cfg: DictConfig, made: nn.Module) -> None:
    """What a LightningModule can be asked is known of its class, before it is made."""
    package = lightning_package(type(made))
    if package is None or lightning_class(cfg) is not None:
        return
    rule, remedy = f"is a function that makes a LightningModule, {type(made).__name__}", "Name the class itself."
    if package != TRAINED:
        rule, remedy = f"is a LightningModule of the package {package}", f"Derive it from {TRAINED}'s."
    raise InputError(Problem("model._target_", str(cfg.model._target_), rule, remedy))


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
    moves, key = (cfg.total_steps, "total_steps") if by_step else (_epochs_to_go(cfg), "epochs")
    if moves is not None and moves > planned:
        rule = f"ends after {planned} moves, but the run makes {moves}"
        remedy = f"Use scheduler.total_steps=\\${{{key}}} and set neither epochs nor steps_per_epoch of the scheduler."
        raise InputError(Problem("scheduler.total_steps", str(planned), rule, remedy))


def _epochs_to_go(cfg: DictConfig) -> int | None:
    """Of a config that may not know its data yet."""
    return planned_epochs(cfg) if cfg.total_steps is not None else cfg.epochs


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
