"""Keys that were typed and that no run of the command would read, for want of another key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lrscope.config.schema import HALVES
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.schedules.rules import PLATEAU

CYCLIC = "lrscope.schedules.cyclic.cyclic"
ONE_CYCLE = "torch.optim.lr_scheduler.OneCycleLR"


@dataclass(frozen=True)
class Need:
    """A key that ends in a star stands for all keys below it."""

    key: str
    is_met: Callable[[Any], bool]
    rule: str
    remedy: str


_MOMENTUM = "has an effect with cycle_momentum only", "Add scheduler.cycle_momentum=true."
_STOPPING = "has an effect with early stopping only", "Add callbacks.early_stopping.enabled=true."

_RATE = "the rate is set elsewhere", "Leave it out, or what sets the rate: optimizer.lr or scheduler.max_lr."
_NO_LAYERS = "a network without hidden layers has none of it", "Give it some, or leave this out."
_ONLINE = (
    "nothing is sent while it trains with this tracking.mode",
    "Leave one of the two out; `make sync` sends later.",
)
_RECORDED = "nothing is recorded with tracking.mode=off", "Leave one of the two out."

_ENGINE = "has an effect with an engine only", "Add sweep.engine=joblib, or leave it out."

NEEDS = (
    Need("sweep.workers", lambda cfg: cfg.sweep.engine != "local", *_ENGINE),
    Need("sweep.retries", lambda cfg: cfg.sweep.engine != "local", *_ENGINE),
    Need("sweep.engine_options.*", lambda cfg: cfg.sweep.engine != "local", *_ENGINE),
    Need("lr", lambda cfg: _follow_lr(cfg), *_RATE),
    Need("optimizer.lr", lambda cfg: not _schedule_sets_rate(cfg), *_RATE),
    Need(
        "optimizer.momentum",
        lambda cfg: not (_is_cycle(cfg) and cfg.scheduler.get("cycle_momentum", True)),
        "the schedule moves it between its base_momentum and max_momentum",
        "Add scheduler.cycle_momentum=false, or set those two.",
    ),
    Need(
        "optimizer.dampening",
        lambda cfg: cfg.optimizer.get("_target_") != "torch.optim.SGD" or cfg.optimizer.get("momentum"),
        "has an effect with momentum only",
        "Add optimizer.momentum=0.9.",
    ),
    Need("model.activation", lambda cfg: _has_layers(cfg), *_NO_LAYERS),
    Need("model.dropout", lambda cfg: _has_layers(cfg) or not cfg.model.dropout, *_NO_LAYERS),
    Need("model.batch_norm", lambda cfg: _has_layers(cfg) or not cfg.model.batch_norm, *_NO_LAYERS),
    Need(
        "callbacks.every",
        lambda cfg: any(cfg.callbacks[name] for name in ("grad_norm", "update_ratio", "update_cosine", "dead_units")),
        "no signal is measured",
        "Add callbacks.grad_norm=true.",
    ),
    Need("tracking.uri", lambda cfg: cfg.tracking.mode == "online", *_ONLINE),
    Need("tracking.finish_timeout_s", lambda cfg: cfg.tracking.mode == "online", *_ONLINE),
    Need("tracking.every_n_steps", lambda cfg: cfg.tracking.mode != "off", *_RECORDED),
    Need("tracking.spool", lambda cfg: cfg.tracking.mode != "off", *_RECORDED),
    Need("callbacks.checkpoint.every_seconds", lambda cfg: cfg.tracking.mode != "off", *_RECORDED),
    Need("tracking.log_model", lambda cfg: cfg.tracking.mode != "off" or cfg.tracking.log_model == "none", *_RECORDED),
    Need("resume", lambda cfg: cfg.tracking.mode != "off" or cfg.resume is None, *_RECORDED),
    Need(
        "scheduler.*",
        lambda cfg: cfg.scheduler.get("_target_") is not None,
        "a constant rate reads no such key",
        "Choose a schedule, e.g. scheduler=cosine, or leave it out.",
    ),
    Need(
        "scheduler.monitor",
        lambda cfg: cfg.scheduler.get("_target_") in (None, PLATEAU) or not _is_torchs(cfg.scheduler._target_),
        "only scheduler=plateau looks at a metric",
        "Choose scheduler=plateau, or leave it out.",
    ),
    *(
        Need(
            f"scheduler.{key}",
            lambda cfg: cfg.scheduler.get("_target_") != ONE_CYCLE or not _has_length(cfg.scheduler),
            "scheduler.total_steps goes before it",
            "Leave it out, or add scheduler.total_steps=null.",
        )
        for key in ("epochs", "steps_per_epoch")
    ),
    Need("scheduler.base_momentum", lambda cfg: cfg.scheduler.get("cycle_momentum", True), *_MOMENTUM),
    Need("scheduler.max_momentum", lambda cfg: cfg.scheduler.get("cycle_momentum", True), *_MOMENTUM),
    Need(
        "scheduler.gamma",
        lambda cfg: cfg.scheduler.get("_target_") != CYCLIC or cfg.scheduler.get("mode") == "exp_range",
        "has an effect with scheduler.mode=exp_range only",
        "Add scheduler.mode=exp_range.",
    ),
    Need("callbacks.early_stopping.monitor", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.patience", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.min_delta", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.mode", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need(
        "callbacks.stop_grace_epochs",
        lambda cfg: any(str(name) != "diverged" for name in cfg.callbacks.stop_when),
        "a divergence stops a run at once; other verdicts wait for it",
        "Add callbacks.stop_when=[diverged,collapsed].",
    ),
    Need(
        "callbacks.stop_grace_epochs",
        lambda cfg: cfg.epochs is None or cfg.callbacks.stop_grace_epochs < cfg.epochs,
        "the run has ended by then, and no verdict would stop it",
        "Set it below epochs, or leave it out.",
    ),
    Need(
        "callbacks.early_stopping.patience",
        lambda cfg: cfg.epochs is None or cfg.callbacks.early_stopping.patience < cfg.epochs,
        "the run has ended by then, and is never stopped early",
        "Set it below epochs, or leave early stopping out.",
    ),
    Need(
        "trainer.sync_batchnorm",
        lambda cfg: not cfg.trainer.get("sync_batchnorm") or not _is_alone(cfg.trainer),
        "a single device has nobody to share the statistics with",
        "Add trainer.devices=2, or leave it out.",
    ),
    Need(
        "callbacks.checkpoint.monitor",
        lambda cfg: cfg.callbacks.checkpoint.best,
        "the best epoch is not kept with callbacks.checkpoint.best=false",
        "Leave one of the two out.",
    ),
    Need(
        "trainer.gradient_clip_algorithm",
        lambda cfg: cfg.trainer.gradient_clip_val is not None,
        "has an effect with a limit only",
        "Add trainer.gradient_clip_val=1.",
    ),
)
"""What must be so for a key to be read."""

SEARCH_KEYS = {
    "keep": HALVES,
    "finalists": HALVES,
    "judge": HALVES,
    "batch": ("tpe",),
    "seed": (*HALVES, "random"),
}
"""Which methods of a search read which of its keys; all of them read the others."""

_NAMES = ("scheduler.name", "scheduler._target_")


def typed_in_vain(runs: Iterable[tuple[Any, Sequence[str]]], needs: Sequence[Need] = NEEDS) -> list[Problem]:
    """The keys that were typed and that none of these runs reads. One of a sweep whose other members read it is fine.

    Args:
        runs: each run's config, or what else the needs look at, and its overrides as typed.
    """
    vain: dict[str, Problem] = {}
    read: set[str] = set()
    for cfg, overrides in runs:
        for override in overrides:
            key, _, value = override.lstrip("+").partition("=")
            need = next((need for need in needs if _is_about(need, key) and not _is_met(need, cfg)), None)
            if need is None:
                read.add(key)
            else:
                vain.setdefault(key, Problem(key, value, need.rule, need.remedy))
    return [problem for key, problem in vain.items() if key not in read]


_OF_SWEEPS = ("hydra/launcher", "hydra.launcher.", "hydra/sweeper", "hydra.sweeper.")


def launched_in_vain(hydra: Any, typed: Sequence[str]) -> list[Problem]:
    """Words on how the members of a sweep are launched, of a lone run or for another launcher.

    Args:
        hydra: Hydra's part of the config.
        typed: the overrides that are not Hydra's own.
    """
    from omegaconf import OmegaConf

    is_sweep = str(hydra.mode).endswith("MULTIRUN")
    typed_for_hydra: Any = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
    words = [] if is_sweep else [word for word in typed_for_hydra if word.startswith(_OF_SWEEPS)]
    rule, remedy = "is for the members of a sweep, and this is one run", "Add -m, or leave it out."
    for word in typed:
        engine = word.startswith("sweep.engine=") and word != "sweep.engine=local"
        if word != "sweep.together=always" and not engine:  # what asks for nothing is kept by many beside a lone run
            continue
        if not is_sweep:
            words.append(word)
        elif not str(hydra.launcher._target_).endswith(".TogetherLauncher"):
            words.append(word)
            rule = "this launcher trains each member by itself" + (", where it says" if engine else "")
            remedy = "Leave one of the two out."
    return [Problem(word.partition("=")[0], word.partition("=")[2], rule, remedy) for word in words]


def searched_in_vain(config: Any, typed: Sequence[str]) -> list[Problem]:
    """Words on how intervals are searched, where nothing is searched so.

    Args:
        config: of the whole command.
        typed: the overrides that are not Hydra's own.
    """
    words = [word for word in typed if word.startswith(("search=", "search."))]
    params = (config.hydra.sweeper.get("params") or {}).values()
    intervals = sum("interval(" in str(text) for text in (*typed, *params))
    method, found = str(config.search.method), list[Problem]()
    for word in words:
        key, _, value = word.partition("=")
        name = key.partition(".")[2]
        if not intervals:
            rule, remedy = "no interval is searched", "Add -m 'lr=interval(1e-5,10)', or leave it out."
        elif "," in value or "(" in value:
            rule, remedy = "is one for the whole search", "Start a sweep for each."
        elif method not in SEARCH_KEYS.get(name, (method,)):
            rule = f"search={method} does not read it"
            remedy = f"Choose search={SEARCH_KEYS[name][0]}, or leave it out."
        elif name == "seed" and method == "halving" and intervals == 1:
            rule, remedy = "one interval is searched in even steps, nothing is drawn", "Leave it out."
        else:
            continue
        found.append(Problem(key, value, rule, remedy))
    return found


def refers_to(cfg: Any, key: str) -> set[str]:
    """The keys of a config whose values refer to another key, ``${key}``."""
    from omegaconf import OmegaConf

    leaves = flatten(OmegaConf.to_container(cfg, resolve=False))
    return {name for name, value in leaves.items() if f"${{{key}}}" in str(value)}


def _follow_lr(cfg: Any) -> bool:
    return bool(refers_to(cfg, "lr") - ({"optimizer.lr"} if _schedule_sets_rate(cfg) else set()))


def _schedule_sets_rate(cfg: Any) -> bool:
    """Whether the schedule has a peak rate of its own, whatever the optimizer's is."""
    return _is_cycle(cfg) and cfg.scheduler.get("max_lr") is not None


def _has_length(scheduler: Any) -> bool:
    """Also one that the data will say."""
    return "total_steps" in scheduler and scheduler._get_node("total_steps")._value() is not None


def _is_cycle(cfg: Any) -> bool:
    name = str(cfg.scheduler.get("_target_")).rpartition(".")[2]
    return name in ("OneCycleLR", "CyclicLR", CYCLIC.rpartition(".")[2])


def _has_layers(cfg: Any) -> bool:
    """Of lrscope's own networks; of others nothing is known."""
    layers = {"lrscope.models.mlp.MLP": "hidden", "lrscope.models.cnn.CNN": "channels"}.get(cfg.model.get("_target_"))
    return layers is None or bool(cfg.model.get(layers))


def _is_alone(trainer: Any) -> bool:
    """Whether it trains by one process for certain."""
    return trainer.devices in (1, "1") and trainer.num_nodes == 1 and trainer.strategy == "auto"


def _is_met(need: Need, cfg: Any) -> bool:
    from omegaconf.errors import OmegaConfBaseException

    try:
        return bool(need.is_met(cfg))
    except OmegaConfBaseException:
        return True  # a config that is broken: the check on paper says how


def _is_about(need: Need, key: str) -> bool:
    if need.key.endswith("*"):
        return key.startswith(need.key[:-1]) and key not in _NAMES
    return key == need.key


def _is_torchs(target: str) -> bool:
    return str(target).startswith(("torch.", "lrscope."))
