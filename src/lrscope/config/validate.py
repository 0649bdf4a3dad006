"""Finds every problem of a config that can be seen on paper: without the data, and without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from lrscope.config.schema import Config
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.core.verdict import Verdict


def check(cfg: Any) -> list[Problem]:
    """Every problem that can be seen without loading data or torch, in the order of the config's keys."""
    broken = [*_check_whole(cfg)]
    if broken:
        return broken
    return [
        *_check_targets(cfg),
        *_check_top(cfg),
        *_check_schedule(cfg),
        *_check_trainer(cfg.trainer),
        *_check_callbacks(cfg.callbacks),
        *_check_monitors(cfg),
        *_check_choices(cfg),
    ]


def _check_whole(cfg: Any) -> Iterator[Problem]:
    """What keeps the rest from being looked at: keys that were deleted, references to keys that are not there."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for field_ in fields(Config):
        if field_.name not in cfg:
            yield Problem(field_.name, "", "was deleted, but every run needs it", f"Leave ~{field_.name} out.")
            return
    try:
        OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = str(error.full_key or "")
        raw = flatten(OmegaConf.to_container(cfg, resolve=False)).get(key, "")
        rule = str(error).splitlines()[0].rstrip(". ")
        yield Problem(key, str(raw), f"has no value: {rule}", "Give one, or refer to a key that is there.")


def _check_targets(cfg: Any) -> Iterator[Problem]:
    for group, example in (("dataset", "digits"), ("model", "mlp"), ("optimizer", "adam")):
        target = cfg[group].get("_target_")
        if not isinstance(target, str) or not target:
            rule = "must name a class as package.module.Class"
            yield Problem(f"{group}._target_", str(target), rule, f"Try {group}={example}.")


def _check_top(cfg: Any) -> Iterator[Problem]:
    if not (math.isfinite(cfg.lr) and cfg.lr > 0):
        yield Problem("lr", f"{cfg.lr:g}", "a learning rate is a finite number above 0", "Try lr=0.001.")
    if not 0 <= cfg.seed < 2**32:
        yield Problem("seed", str(cfg.seed), "a seed is a whole number from 0 to 2^32 - 1", "Try seed=0.")
    if cfg.epochs < 1:
        yield Problem("epochs", str(cfg.epochs), "at least one epoch is needed", "Try epochs=50.")
    if cfg.batch_size is not None and cfg.batch_size < 1:
        yield Problem("batch_size", str(cfg.batch_size), "a batch holds at least one example", "Try batch_size=32.")
    name = cfg.experiment_name
    if not name.strip() or set(name) & set("\\\0\n") or ".." in name.split("/"):
        yield Problem("experiment_name", name, "an experiment needs a plain name", "Try experiment_name=mine.")


def _check_schedule(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    from lrscope.schedules.rules import problems

    schedule: Any = OmegaConf.to_container(cfg.scheduler, resolve=True)
    peak = cfg.optimizer.get("lr", cfg.lr)
    usable = isinstance(peak, (int, float)) and math.isfinite(peak) and peak > 0
    yield from problems(schedule, peak=peak if usable else None)


def _check_trainer(trainer: Any) -> Iterator[Problem]:
    yield from _at_least_one(
        "trainer.accumulate_grad_batches", trainer.accumulate_grad_batches, "1 takes none together"
    )
    yield from _at_least_one("trainer.limit_train_batches", trainer.limit_train_batches, "null takes all")
    yield from _at_least_one("trainer.threads", trainer.threads, "null chooses by the network")
    clip = trainer.gradient_clip_val
    if clip is not None and not (math.isfinite(clip) and clip > 0):
        yield Problem(
            "trainer.gradient_clip_val", f"{clip:g}", "must be a finite number above 0", "null clips nothing."
        )


def _check_callbacks(callbacks: Any) -> Iterator[Problem]:
    for name in callbacks.stop_when:
        try:
            Verdict.from_label(name)
        except ValueError as error:
            yield Problem("callbacks.stop_when", str(name), str(error), "Try callbacks.stop_when=[diverged,collapsed].")
    yield from _at_least_one("callbacks.every", callbacks.every, "null takes at most 500 points")
    yield from _at_least_one("callbacks.sharpness_every_epochs", callbacks.sharpness_every_epochs, "null measures none")
    yield from _at_least_one("callbacks.evaluate_every_epochs", callbacks.evaluate_every_epochs, "1 is every epoch")
    stopping = callbacks.early_stopping
    if stopping.patience < 0:
        yield Problem("callbacks.early_stopping.patience", str(stopping.patience), "must be 0 or above", "Try 10.")
    if not (math.isfinite(stopping.min_delta) and stopping.min_delta >= 0):
        rule = "must be a finite number, 0 or above"
        yield Problem("callbacks.early_stopping.min_delta", f"{stopping.min_delta:g}", rule, "Try 0.0.")


def _at_least_one(key: str, value: int | None, remedy: str) -> Iterator[Problem]:
    if value is not None and value < 1:
        yield Problem(key, str(value), "must be at least 1", f"Try 1; {remedy}.")


MONITORS = ("train/loss_epoch", "train/loss_eval", "train/acc", "val/loss", "val/acc")
"""Metrics of an epoch, which a schedule, early stopping and the choice of the best epoch can look at."""


def _check_monitors(cfg: Any) -> Iterator[Problem]:
    if cfg.callbacks.extra:
        return  # a user's own callback may well log other metrics
    monitors = {"callbacks.checkpoint.monitor": cfg.callbacks.checkpoint.monitor}
    if cfg.callbacks.early_stopping.enabled:
        monitors["callbacks.early_stopping.monitor"] = cfg.callbacks.early_stopping.monitor
    if cfg.scheduler.get("monitor"):
        monitors["scheduler.monitor"] = cfg.scheduler.monitor
    for key, name in monitors.items():
        if name not in MONITORS:
            yield Problem(key, str(name), f"must be one of {', '.join(MONITORS)}", f"Try {key}=val/loss.")


_CHOICES = {
    "trainer.accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "trainer.precision": (
        *("32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true"),
        *("32", "64", "bf16", "16", "transformer-engine", "transformer-engine-float16"),
    ),
    "trainer.gradient_clip_algorithm": ("norm", "value"),
    "callbacks.progress": ("auto", "bar", "lines", "none"),
    "callbacks.early_stopping.mode": ("min", "max"),
    "tracking.mode": ("online", "offline", "off"),
    "tracking.log_model": ("best", "all", "none"),
    "sweep.together": ("auto", "always", "never"),
}


def _check_choices(cfg: Any) -> Iterator[Problem]:
    for key, choices in _CHOICES.items():
        node: Any = cfg
        for part in key.split("."):
            node = getattr(node, part)
        if str(node) not in choices:
            yield Problem(key, str(node), f"must be one of {', '.join(choices)}", f"Try {key}={choices[0]}.")
    yield from _at_least_one("tracking.every_n_steps", cfg.tracking.every_n_steps, "null takes at most 1,000 points")
    if not cfg.tracking.finish_timeout_s >= 0:
        yield Problem(
            "tracking.finish_timeout_s", f"{cfg.tracking.finish_timeout_s:g}", "must be 0 or above", "Try 30."
        )
