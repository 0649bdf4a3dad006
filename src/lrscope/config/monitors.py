"""The metrics that a schedule, early stopping, the choice of the best epoch and that of the best member look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lrscope.core.errors import Problem
from lrscope.core.metric_goal import goal_of
from lrscope.core.paths import conf_folders
from lrscope.schedules.rules import PLATEAU

BY_EPOCH = "train/loss_epoch"
"""The one of them that no evaluation has: the mean of an epoch's batches."""

MONITORS = (BY_EPOCH, "train/loss_eval", "train/acc", "val/loss", "val/acc")
"""Metrics of an epoch, which a schedule, early stopping and the choice of the best epoch can look at."""


def unknown_monitors(cfg: Any) -> Iterator[Problem]:
    """Metrics that somebody looks at, and that a run whose parts log none of their own does not have."""
    for key, _ in _looked_at(cfg):
        name = str(_value(cfg, key))
        monitors = (*MONITORS, *(f"{part}/{metric}" for metric in cfg.metrics for part in ("train", "val")))
        if name not in monitors and not cfg.callbacks.extra:  # a user's own callback may well record other metrics
            yield Problem(key, name, f"must be one of {', '.join(monitors)}", _remedy(key, name, cfg))


def _remedy(key: str, name: str, cfg: Any) -> str:
    part, _, metric = name.partition("/")
    shipped = any((folder / "metrics" / f"{metric}.yaml").is_file() for folder in conf_folders())
    if part in ("train", "val") and metric and shipped:
        return f"Add metrics=[{','.join([*cfg.metrics, metric])}], or try {key}=val/loss."
    return f"Try {key}=val/loss."


def check_monitors(cfg: Any) -> Iterator[Problem]:
    """What is wrong with the metrics that somebody looks at, as far as it shows on paper."""
    # Whether a model of the user's is a LightningModule, which logs, shows when it is imported.
    unknown = [] if is_users(cfg.model.get("_target_")) else [*unknown_monitors(cfg)]
    yield from unknown
    for key, mode_key in _looked_at(cfg):
        name = str(_value(cfg, key))
        if any(problem.key == key for problem in unknown):
            continue
        if goal_of(name) is None and not (mode_key and _is_typed(cfg, mode_key)):
            rename = "Record it under a name with loss, error, acc or score in it."
            remedy = f"Say {mode_key}=min or {mode_key}=max." if mode_key else rename
            yield Problem(key, name, "its name does not tell whether it is to fall or to rise", remedy)
    if cfg.sweep.direction == "max" and "loss" in cfg.sweep.objective:
        yield Problem("sweep.direction", "max", f"{cfg.sweep.objective} is to fall", "Leave it out.")
    yield from _check_plateau_frequency(cfg)
    yield from _check_stopping_by_steps(cfg)


def is_users(target: object) -> bool:
    """Whether a class is neither lrscope's nor torch's."""
    return not str(target).startswith(("lrscope.", "torch."))


def _looked_at(cfg: Any) -> Iterator[tuple[str, str]]:
    """The keys that name a metric somebody looks at, and the keys of its direction."""
    yield "sweep.objective", "sweep.direction"
    if cfg.callbacks.checkpoint.best:
        yield "callbacks.checkpoint.monitor", ""
    if cfg.callbacks.early_stopping.enabled:
        yield "callbacks.early_stopping.monitor", "callbacks.early_stopping.mode"
    if cfg.scheduler.get("_target_") == PLATEAU and cfg.scheduler.get("monitor"):
        yield "scheduler.monitor", "scheduler.mode"


def _is_typed(cfg: Any, key: str) -> bool:
    """Whether a key has a value of its own, and does not follow another."""
    from omegaconf import OmegaConf

    group, _, last = key.rpartition(".")
    return last in _value(cfg, group) and not OmegaConf.is_interpolation(_value(cfg, group), last)


def _value(cfg: Any, key: str) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.select(cfg, key)


def _check_stopping_by_steps(cfg: Any) -> Iterator[Problem]:
    """Early stopping that looks at evaluations finds there no metric that only the end of an epoch has."""
    key = "callbacks.early_stopping.monitor"
    asked = cfg.callbacks.early_stopping
    if asked.enabled and asked.monitor == BY_EPOCH and cfg.evaluate_every_steps is not None:
        rule = f"exists at the ends of epochs, and evaluate_every_steps={cfg.evaluate_every_steps} has it looked for"
        yield Problem(key, BY_EPOCH, f"{rule} at evaluations", "Use train/loss_eval, or val/loss.")


def _check_plateau_frequency(cfg: Any) -> Iterator[Problem]:
    """A schedule that looks at a metric every n-th epoch finds it there only where it is evaluated then."""
    frequency, every = cfg.scheduler.get("frequency"), cfg.callbacks.evaluate_every_epochs
    looks = cfg.scheduler.get("_target_") == PLATEAU and cfg.scheduler.get("monitor") != BY_EPOCH
    if looks and isinstance(frequency, int) and every > 0 and frequency > 0 and frequency % every:
        rule = f"its metric is evaluated once in {every} epochs (callbacks.evaluate_every_epochs={every})"
        yield Problem("scheduler.frequency", str(frequency), rule, f"Use a multiple of {every}, or leave it out.")
