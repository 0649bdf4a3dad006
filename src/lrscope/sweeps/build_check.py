"""Builds the parts of configs and takes them through one real batch, before anything trains: what raises is a problem
of the config.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.within_memory import does_not_fit, within_memory
from lrscope.sweeps.data_check import OnData, missing_of_data
from lrscope.sweeps.no_effect import idle_rates

if TYPE_CHECKING:
    import torch
    from omegaconf import DictConfig
    from torch import nn

    from lrscope.training.build import Source
    from lrscope.training.user_module.rehearse_module import Rehearsed


LARGE = 2**28
"""Bytes."""


class BuildCheck:
    """Data, trainer, network, optimizer and schedule of many configs; what is equal in several is built once."""

    def __init__(self) -> None:
        self._sources: dict[str, Source | None] = {}
        self._networks: dict[str, _Network | None] = {}
        self._modules: dict[str, Rehearsed | None] = {}
        self._devices: dict[str, torch.device] = {}
        self._moved: set[str] = set()
        self._tried: set[str] = set()
        self._problems: list[Problem] = []
        self._notes: list[str] = []
        self._filled: list[DictConfig] = []
        """Those with a schedule, their steps filled in."""

    def problems(self, cfgs: Sequence[DictConfig]) -> list[Problem]:
        """Everything that is wrong with any of them; the configs themselves are left as they are."""
        with within_memory():
            self._look_at(cfgs)
        if not self._problems and len(self._filled) > 1 and cfgs[0].resume is None:
            self._problems += idle_rates(self._filled)
        return self._problems

    def _look_at(self, cfgs: Sequence[DictConfig]) -> None:
        for cfg in cfgs:
            key = _data_key(cfg)
            if key not in self._sources:
                self._sources[key] = self._source(cfg)
            source = self._sources[key]
            device = self._device(cfg)
            if source is not None:
                self._problems += missing_of_data(cfg, source)
            parts = _key(
                *(cfg.dataset, cfg.model, cfg.loss, cfg.metrics, cfg.optimizer, cfg.scheduler, cfg.trainer),
                *(cfg.epochs, cfg.max_steps, cfg.batch_size),
            )
            if source is not None and parts not in self._tried:
                self._tried.add(parts)
                self._try_parts(cfg, source, device)

    def on_data(self, cfg: DictConfig) -> OnData | None:
        """A config that was checked, with its data; None where these could not be had."""
        from lrscope.runs.prepare import seen_by
        from lrscope.training.parameter_groups import groups_set_rates

        source, network = self._sources.get(_data_key(cfg)), self._networks.get(_network_key(cfg))
        if source is None:
            return None
        return OnData(cfg, seen_by(cfg, source), network is not None and groups_set_rates(cfg, network.made))

    def notes(self) -> list[str]:
        """What data and networks have to tell ahead of the training, each once."""
        found = [source.data for source in self._sources.values() if source is not None and source.data is not None]
        return list(dict.fromkeys([*(words for data in found for words in data.notes), *self._notes]))

    def _source(self, cfg: DictConfig) -> Source | None:
        from lrscope.training import build

        try:
            return build.source(cfg)
        except InputError as error:
            self._problems += _told(error)
            if any(problem.key != "batch_size" for problem in error.problems):
                return None
        cfg = copy.deepcopy(cfg)
        cfg.batch_size = None  # the data is there: the other parts can be held against it
        return build.source(cfg)

    def _device(self, cfg: DictConfig) -> torch.device:
        """Where a config trains; the processor where that is on several devices, or on none."""
        import torch

        from lrscope.training import threads
        from lrscope.training.trainer import make_trainer

        key = _key(cfg.trainer, cfg.epochs, cfg.max_steps)
        if key not in self._devices:
            threads.use(cfg.trainer.threads)
            trainer = self._noting(lambda: make_trainer(cfg))
            alone = trainer is not None and trainer.world_size == 1
            self._devices[key] = trainer.strategy.root_device if alone else torch.device("cpu")
        return self._devices[key]

    def _try_parts(self, cfg: DictConfig, source: Source, device: torch.device) -> None:
        from lrscope.config.monitors import is_users, unknown_monitors
        from lrscope.training import build
        from lrscope.training.lightning_class import lightning_class, trains_itself
        from lrscope.training.user_callbacks import callback_problems

        cfg = copy.deepcopy(cfg)
        build.fill_steps(cfg, source.steps_per_epoch)
        if cfg.scheduler.get("_target_") is not None:
            self._filled.append(cfg)
        if lightning_class(cfg) is not None:
            self._module(cfg, source)
            self._problems += callback_problems(cfg)
            return
        if is_users(cfg.model._target_):
            self._problems += unknown_monitors(cfg)
        if trains_itself(cfg):
            rule = f"{cfg.model._target_} is no LightningModule, and makes no optimizer"
            self._problems.append(Problem("optimizer", "own", rule, "Choose another, e.g. optimizer=adam."))
            return
        key = _network_key(cfg)
        if key not in self._networks:
            self._make_room()
            self._networks[key] = self._noting(lambda: _as_users(cfg, lambda: self._network(cfg, source, device)))
        if (network := self._networks[key]) is not None and network.trains:
            self._noting(lambda: self._try_update(cfg, network))
        self._problems += callback_problems(cfg)

    def _module(self, cfg: DictConfig, source: Source) -> None:
        """A LightningModule through one update of its own; of configs that differ in numbers alone one is taken."""
        from lrscope.runs.prepare import seen_by
        from lrscope.training import build
        from lrscope.training.lightning_class import trains_itself
        from lrscope.training.pretrained import words_on_checkpoint
        from lrscope.training.user_module.rehearse_module import rehearse
        from lrscope.training.user_module.unread_keys import unread_by_module

        plain = *(cfg.dataset, cfg.model, cfg.batch_size, cfg.trainer), cfg.epochs, cfg.max_steps
        key = _key(*plain, *(_without_numbers(part) for part in (cfg.optimizer, cfg.scheduler)))
        if unread := unread_by_module(cfg):
            self._problems += unread
            return
        if key not in self._modules:
            self._modules[key] = self._noting(lambda: rehearse(cfg, seen_by(cfg, source)))
            if (rehearsed := self._modules[key]) is not None:
                self._notes += [*rehearsed.words, *words_on_checkpoint(cfg, rehearsed.module)]
        if (rehearsed := self._modules[key]) is not None and not trains_itself(cfg):
            self._noting(lambda: build.schedule(cfg, build.optimizer(cfg, rehearsed.module)))

    def _network(self, cfg: DictConfig, source: Source, device: torch.device) -> _Network:
        """The network, with the gradients of a real batch where it fits the data."""
        from lrscope.training import build
        from lrscope.training.facts.network_facts import bound_of
        from lrscope.training.objective import doubled, objective
        from lrscope.training.pretrained import words_on_checkpoint, words_on_pretrained
        from lrscope.training.rehearsal import rehearsal_of, trains

        aim = objective(cfg, source)
        made = _moved(build.network(cfg, source.described, aim.outputs), cfg, device)
        self._notes += [*words_on_checkpoint(cfg, made), *words_on_pretrained(cfg, made, source.data)]
        found = len(self._problems)
        rehearsal = self._noting(lambda: rehearsal_of(cfg, source, device))
        self._noting(lambda: rehearsal.try_network(made) if rehearsal is not None else None)
        if len(self._problems) == found and aim.applies:
            twice = doubled(aim, bound_of(made, rehearsal.train[0]), str(cfg.model._target_))
            self._notes += [twice] if twice is not None else []
        made.state_dict()  # a checkpoint holds it
        made.cpu()  # many networks may be held against one device
        return _Network(made, trains(made), fits=len(self._problems) == found)

    def _make_room(self) -> None:
        """Of large networks that were looked at only the shapes stay: a sweep's may not fit beside each other."""
        for key, network in self._networks.items():
            if network is not None and _bytes_of(network.made) > LARGE:
                network.made.zero_grad()
                self._networks[key] = replace(network, made=network.made.to("meta"), fits=False)

    def _try_update(self, cfg: DictConfig, network: _Network) -> None:
        """Optimizer and schedule; of configs that differ in numbers alone one is taken through an update."""
        from lrscope.config.monitors import is_users
        from lrscope.training import build
        from lrscope.training.first_step import try_step
        from lrscope.training.untrained import untrained, words_on_untrained

        optimizer = build.optimizer(cfg, network.made)
        schedule = build.schedule(cfg, optimizer)
        key = _key(cfg.dataset, cfg.model, *(_without_numbers(part) for part in (cfg.optimizer, cfg.scheduler)))
        if network.fits and key not in self._moved:
            self._moved.add(key)
            moves = cfg.total_steps if cfg.scheduler.get("interval", "epoch") == "step" else build.planned_epochs(cfg)
            own = is_users(cfg.scheduler.get("_target_"))
            try_step(optimizer, schedule, str(cfg.optimizer._target_), moves if own else 1)
            self._notes += words_on_untrained(str(cfg.optimizer._target_), untrained(network.made, [optimizer]))

    def _noting(self, make: Callable[[], Any]) -> Any:
        """What ``make`` makes; None where it cannot, and why is noted."""
        try:
            return make()
        except InputError as error:
            self._problems += _told(error)
            return None


def _told(error: InputError) -> Sequence[Problem]:
    """Its problems; where memory ran out, that alone is what is wrong."""
    if (rule := does_not_fit(error.__cause__)) is None:
        return error.problems
    first = error.problems[0]
    return [Problem(first.key, first.value, rule, "Make it smaller, or train where there is more.")]


def _bytes_of(network: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in network.parameters() if not parameter.is_meta)


@dataclass(frozen=True)
class _Network:
    made: nn.Module
    trains: bool
    """Whether it has anything to train."""
    fits: bool
    """Whether an update can be tried with it: it could be trained on its data, and is there yet."""


def _as_users(cfg: DictConfig, make: Callable[[], _Network]) -> _Network:
    """What ``make`` makes. What a network of the user's raises outside of its forward is told of it: methods of its own
    in the place of torch's (``train``, ``parameters``, ``state_dict``).
    """
    from lrscope.config.instantiate import reason_of
    from lrscope.config.monitors import is_users

    try:
        return make()
    except InputError:
        raise
    except Exception as error:
        if not is_users(cfg.model._target_) and does_not_fit(error) is None:
            raise
        rule, remedy = f"cannot be used as a network ({reason_of(error)})", "Leave torch.nn.Module's own methods to it."
        raise InputError(Problem("model", str(cfg.model._target_), rule, remedy)) from error


def _moved(network: nn.Module, cfg: DictConfig, device: torch.device) -> nn.Module:
    """The network where the run trains it, and in its precision."""
    from lrscope.config.instantiate import reason_of

    try:
        return (network.double() if cfg.trainer.precision.startswith("64") else network).to(device)
    except Exception as error:
        rule = f"cannot be moved to {device} ({reason_of(error)})"
        raise InputError(Problem("model", str(cfg.model._target_), rule, "Make it of tensors that can.")) from error


def _without_numbers(part: Any) -> Any:
    from omegaconf import OmegaConf

    from lrscope.core.fingerprint import flatten

    values = flatten(OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part)
    return {key: None if type(value) in (int, float) else value for key, value in values.items()}


def _network_key(cfg: DictConfig) -> str:
    some_may_be_frozen = _without_numbers(cfg.optimizer.get("groups") or {})
    return _key(cfg.dataset, cfg.model, cfg.loss, cfg.metrics, cfg.batch_size, cfg.trainer, some_may_be_frozen)


def _data_key(cfg: DictConfig) -> str:
    return _key(cfg.dataset, cfg.batch_size, cfg.trainer)


def _key(*parts: Any) -> str:
    from omegaconf import OmegaConf

    return repr([OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part for part in parts])
