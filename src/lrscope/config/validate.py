"""Finds every problem of a config that can be seen on paper: without the data, and without torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml

from lrscope.config.closed_keys import unknown_keys
from lrscope.config.schema import Config
from lrscope.config.typed_secrets import secrets_typed
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.core.metric_goal import goal_of
from lrscope.core.verdict import Verdict
from lrscope.schedules.rules import PLATEAU
from lrscope.schedules.rules import problems as schedule_problems


def check(cfg: Any) -> list[Problem]:
    """Every problem that can be seen without loading data or torch, in the order of the config's keys."""
    broken = [*_check_whole(cfg)]
    if broken:
        return broken
    return [
        *unknown_keys(cfg),
        *_check_targets(cfg),
        *_check_metrics(cfg),
        *_check_top(cfg),
        *_check_schedule(cfg),
        *_check_trainer(cfg.trainer),
        *_check_callbacks(cfg.callbacks),
        *_check_monitors(cfg),
        *_check_choices(cfg),
        *_check_secrets(cfg),
    ]


def _check_whole(cfg: Any) -> Iterator[Problem]:
    """What keeps the rest from being looked at: keys that were deleted, references to keys that are not there."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for field_ in fields(Config):
        if field_.name not in cfg:
            yield Problem(field_.name, "", "was deleted, but every run needs it", f"Leave ~{field_.name} out.")
            return
    raw: Any = flatten(OmegaConf.to_container(cfg, resolve=False))
    try:
        resolved: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        yield _unresolved(str(error.full_key or ""), str(error).splitlines()[0], raw)
        return
    yield from _texts_of_the_environment(raw, flatten(resolved))


def _unresolved(key: str, words: str, raw: Mapping[str, Any]) -> Problem:
    """A reference that leads nowhere, or to a value of another type; told of the key where it was written."""
    from lrscope.config.explain import rule_of_type

    while (other := re.fullmatch(r"\$\{([\w.]+)\}", str(raw.get(key, "")))) and other[1] in raw:
        key = other[1]
    value = str(raw.get(key, ""))
    variable = re.search(r"Environment variable '(\w+)' not found", words)
    if variable is not None:
        return Problem(key, value, f"the environment has no variable {variable[1]}", "Set it, or write a value.")
    found = re.search(r"Value '(.*)' of type", words)
    if found is not None and (rule := rule_of_type(words)):
        return Problem(key, value, f"{rule}, not {found[1]}", "Change what it refers to, or write a value.")
    remedy = "Give one, or refer to a key that is there."
    return Problem(key, value, f"has no value: {words.rstrip('. ')}", remedy)


def _texts_of_the_environment(raw: Mapping[str, Any], resolved: Mapping[str, Any]) -> Iterator[Problem]:
    """In the open groups nothing says that a number is wanted: what the environment has would stay a text."""
    for key, value in raw.items():
        variable = re.fullmatch(r"\$\{oc\.env:\s*(\w+).*\}", str(value))
        text = resolved.get(key)
        if variable is None or key.partition(".")[0] not in OPEN_GROUPS or not isinstance(text, str):
            continue
        if not isinstance(yaml.safe_load(text), str):
            remedy = f"Let the shell write it: {key}=${variable[1]}, or in a YAML file ${{oc.decode:{value}}}."
            yield Problem(key, str(value), f"is the text '{text}', and no number", remedy)


OPEN_GROUPS = ("dataset", "model", "loss", "metrics", "optimizer", "scheduler")


def _check_targets(cfg: Any) -> Iterator[Problem]:
    for group, example in (("dataset", "digits"), ("model", "mlp"), ("optimizer", "adam")):
        target = cfg[group].get("_target_")
        if not isinstance(target, str) or not target:
            rule = "must name a class as package.module.Class"
            yield Problem(f"{group}._target_", str(target), rule, f"Try {group}={example}.")


TAKEN = ("loss", "loss_epoch", "loss_eval", "loss_start", "loss_late", "loss_constant", "acc")
"""Metrics of a part that every run records by itself."""


def _check_metrics(cfg: Any) -> Iterator[Problem]:
    for name, metric in cfg.metrics.items():
        target = metric.get("_target_") if hasattr(metric, "get") else None
        if not isinstance(target, str) or not target:
            remedy = f"Write '+metrics.{name}._target_=torchmetrics.classification.F1Score', or metrics=[f1]."
            yield Problem(f"metrics.{name}", str(metric), "must name a class by its _target_", remedy)
        if str(name) in TAKEN or not re.fullmatch(r"\w+", str(name)):
            rule = "is recorded already under this name" if str(name) in TAKEN else "is no plain word"
            yield Problem(f"metrics.{name}", str(target), rule, "Give it another name.")


def _check_top(cfg: Any) -> Iterator[Problem]:
    if not (math.isfinite(cfg.lr) and cfg.lr > 0):
        yield Problem("lr", f"{cfg.lr:g}", "a learning rate is a finite number above 0", "Try lr=0.001.")
    if not 0 <= cfg.seed < 2**32:
        yield Problem("seed", str(cfg.seed), "a seed is a whole number from 0 to 2^32 - 1", "Try seed=0.")
    if cfg.epochs < 1:
        yield Problem("epochs", str(cfg.epochs), "at least one epoch is needed", "Try epochs=50.")
    if cfg.batch_size is not None and cfg.batch_size < 1:
        yield Problem("batch_size", str(cfg.batch_size), "a batch holds at least one example", "Try batch_size=32.")
    for key in ("steps_per_epoch", "total_steps"):
        if cfg[key] is not None:
            remedy = "Set epochs=, batch_size= or trainer.limit_train_batches=."
            yield Problem(key, str(cfg[key]), "is counted from the data and cannot be set", remedy)
    name = cfg.experiment_name
    if not name.strip() or set(name) & set("\\\0\n") or ".." in name.split("/"):
        yield Problem("experiment_name", name, "an experiment needs a plain name", "Try experiment_name=mine.")
    elif len(name) > LONGEST_EXPERIMENT or any(len(part.encode()) > LONGEST_FOLDER for part in name.split("/")):
        rule = f"is too long: MLflow takes {LONGEST_EXPERIMENT} characters, a folder's name {LONGEST_FOLDER} bytes"
        yield Problem("experiment_name", f"{name[:20]}…", rule, "Try experiment_name=mine.")


def _check_schedule(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    schedule: Any = OmegaConf.to_container(cfg.scheduler, resolve=True)
    peak = cfg.optimizer.get("lr", cfg.lr)
    usable = isinstance(peak, (int, float)) and math.isfinite(peak) and peak > 0
    yield from schedule_problems(schedule, peak=peak if usable else None)


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


_STOP_REMEDY = (
    f"Try callbacks.stop_when=[{','.join(verdict.label for verdict in Verdict if verdict.meaning.certain_early)}]."
)

LONGEST_EXPERIMENT, LONGEST_FOLDER = 256, 255


def _check_callbacks(callbacks: Any) -> Iterator[Problem]:
    for name in callbacks.stop_when:
        try:
            verdict = Verdict.from_label(name)
        except ValueError as error:
            yield Problem("callbacks.stop_when", str(name), str(error), _STOP_REMEDY)
            continue
        if not verdict.meaning.certain_early:
            rule = "is certain only when a run has ended: no run can be stopped for it"
            instead = f"{_STOP_REMEDY} Early stopping is callbacks.early_stopping.enabled=true."
            yield Problem("callbacks.stop_when", verdict.label, rule, instead)
    yield from _at_least_one("callbacks.every", callbacks.every, "null takes at most 500 points")
    yield from _at_least_one("callbacks.sharpness_every_epochs", callbacks.sharpness_every_epochs, "null measures none")
    yield from _at_least_one("callbacks.evaluate_every_epochs", callbacks.evaluate_every_epochs, "1 is every epoch")
    if callbacks.trial_seconds is not None and not 0 <= callbacks.trial_seconds < math.inf:
        rule = "must be a number of seconds, 0 or above"
        yield Problem("callbacks.trial_seconds", f"{callbacks.trial_seconds:g}", rule, "Try 10; 0 tries nothing.")
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
    for key, mode_key in _looked_at(cfg):
        name = str(_value(cfg, key))
        monitors = (*MONITORS, *(f"{part}/{metric}" for metric in cfg.metrics for part in ("train", "val")))
        if name not in monitors and not cfg.callbacks.extra:  # a user's own callback may well record other metrics
            yield Problem(key, name, f"must be one of {', '.join(monitors)}", f"Try {key}=val/loss.")
        elif goal_of(name) is None and not (mode_key and _is_typed(cfg, mode_key)):
            rename = "Record it under a name with loss, error, acc or score in it."
            remedy = f"Say {mode_key}=min or {mode_key}=max." if mode_key else rename
            yield Problem(key, name, "its name does not tell whether it is to fall or to rise", remedy)
    yield from _check_plateau_frequency(cfg)


def _looked_at(cfg: Any) -> Iterator[tuple[str, str]]:
    """The keys that name a metric somebody looks at, and the keys of its direction."""
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


def _check_plateau_frequency(cfg: Any) -> Iterator[Problem]:
    """A schedule that looks at a metric every n-th epoch finds it there only where it is evaluated then."""
    frequency, every = cfg.scheduler.get("frequency"), cfg.callbacks.evaluate_every_epochs
    looks = cfg.scheduler.get("_target_") == PLATEAU and cfg.scheduler.get("monitor") != "train/loss_epoch"
    if looks and isinstance(frequency, int) and every > 0 and frequency > 0 and frequency % every:
        rule = f"its metric is evaluated once in {every} epochs (callbacks.evaluate_every_epochs={every})"
        yield Problem("scheduler.frequency", str(frequency), rule, f"Use a multiple of {every}, or leave it out.")


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


def _check_secrets(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    yield from secrets_typed(raw)
