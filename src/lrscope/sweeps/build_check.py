"""Builds the parts of configs once, before anything trains: what cannot be built is a problem of the config."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, Problem
from lrscope.sweeps.no_effect import idle_rates

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from torch import nn

    from lrscope.training.build import Source

_ACCURACIES = ("train/acc", "val/acc")


class BuildCheck:
    """Data, trainer, network, optimizer and schedule of many configs; what is equal in several is built once."""

    def __init__(self) -> None:
        self._sources: dict[str, Source | None] = {}
        self._networks: dict[str, nn.Module | None] = {}
        self._trainers: set[str] = set()
        self._tried: set[str] = set()
        self._problems: list[Problem] = []
        self._filled: list[DictConfig] = []
        """Those with a schedule, their steps filled in."""

    def problems(self, cfgs: Sequence[DictConfig]) -> list[Problem]:
        """Everything that is wrong with any of them; the configs themselves are left as they are."""
        from lrscope.training.lean_imports import load_lightning

        load_lightning()
        for cfg in cfgs:
            key = _key(cfg.dataset, cfg.batch_size, cfg.trainer)
            if key not in self._sources:
                self._sources[key] = self._source(cfg)
            source = self._sources[key]
            self._try_trainer(cfg)
            parts = _key(cfg.dataset, cfg.model, cfg.optimizer, cfg.scheduler, cfg.trainer, cfg.epochs, cfg.batch_size)
            if source is not None and parts not in self._tried:
                self._tried.add(parts)
                self._try_parts(cfg, source)
        if not self._problems and len(self._filled) > 1 and cfgs[0].resume is None:
            self._problems += idle_rates(self._filled)
        return self._problems

    def _source(self, cfg: DictConfig) -> Source | None:
        from lrscope.training import build

        try:
            return build.source(cfg)
        except InputError as error:
            self._problems += error.problems
            if any(problem.key != "batch_size" for problem in error.problems):
                return None
        cfg = copy.deepcopy(cfg)
        cfg.batch_size = None  # the data is there: the other parts can be held against it
        return build.source(cfg)

    def _try_trainer(self, cfg: DictConfig) -> None:
        from lrscope.training import threads
        from lrscope.training.trainer import make_trainer

        key = _key(cfg.trainer, cfg.epochs)
        if key not in self._trainers:
            self._trainers.add(key)
            threads.use(cfg.trainer.threads)
            self._noting(lambda: make_trainer(cfg))

    def _try_parts(self, cfg: DictConfig, source: Source) -> None:
        from lrscope.training import build

        cfg = copy.deepcopy(cfg)
        build.fill_steps(cfg, source.steps_per_epoch)
        self._problems += _accuracy_of_numbers(cfg, source)
        if cfg.scheduler.get("_target_") is not None:
            self._filled.append(cfg)
        key = _key(cfg.dataset, cfg.model)
        if key not in self._networks:
            self._networks[key] = self._noting(lambda: build.network(cfg, source.described))
        network = self._networks[key]
        if network is not None:
            self._noting(lambda: build.schedule(cfg, build.optimizer(cfg, network.parameters())))
            for entry in cfg.callbacks.extra:
                self._noting(partial(build.callback, entry))

    def _noting(self, make: Callable[[], Any]) -> Any:
        """What ``make`` makes; None where it cannot, and why is noted."""
        try:
            return make()
        except InputError as error:
            self._problems += error.problems
            return None


def _accuracy_of_numbers(cfg: DictConfig, source: Source) -> list[Problem]:
    """A regression has no accuracy to look at."""
    if source.data is None or source.data.task != "regression":
        return []
    looking = {
        "callbacks.checkpoint.monitor": cfg.callbacks.checkpoint.monitor,
        "callbacks.early_stopping.monitor": cfg.callbacks.early_stopping.monitor,
        "scheduler.monitor": cfg.scheduler.get("monitor"),
    }
    rule = f"the dataset {source.data.name} has numbers to predict, and no accuracy"
    return [Problem(key, name, rule, f"Try {key}=val/loss.") for key, name in looking.items() if name in _ACCURACIES]


def _key(*parts: Any) -> str:
    from omegaconf import OmegaConf

    return repr([OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part for part in parts])
