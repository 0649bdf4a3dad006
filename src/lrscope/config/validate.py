"""Finds every problem of a config that can be seen on paper: without the data, and without torch."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml

from lrscope.config.check_classes import check_metrics, check_targets
from lrscope.config.check_sampling import check_system_metrics
from lrscope.config.check_trainer import at_least_one, check_trainer
from lrscope.config.closed_keys import unknown_keys
from lrscope.config.duration import seconds_of
from lrscope.config.engine_options import check_engine
from lrscope.config.like_default import unlike_default
from lrscope.config.monitors import check_monitors
from lrscope.config.schema import Config
from lrscope.config.typed_secrets import secrets_typed
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.core.verdict import Verdict
from lrscope.schedules.rules import PLATEAU
from lrscope.schedules.rules import problems as schedule_problems


def check(cfg: Any) -> list[Problem]:
    """Every problem that can be seen without loading data or torch, in the order of the config's keys."""
    broken = [*_check_whole(cfg)]
    if broken:
        return broken
    found = [
        *unknown_keys(cfg),
        *check_targets(cfg),
        *check_metrics(cfg),
        *_check_top(cfg),
        *_check_schedule(cfg),
        *check_trainer(cfg.trainer),
        *_check_callbacks(cfg.callbacks),
        *check_monitors(cfg),
        *_check_choices(cfg),
        *check_system_metrics(cfg.tracking),
        *check_engine(cfg.sweep),
        *check_search(cfg.search),
        *_check_find(cfg.find),
        *_check_secrets(cfg),
    ]
    told = {problem.key for problem in found}
    return [*found, *(problem for problem in unlike_default(cfg) if problem.key not in told)]


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
    read = re.search(r"\$\{oc\.env:\s*(\w+)", value)
    if read is not None and (text := os.environ.get(read[1])) is not None:
        why = f"{rule}, as {key} refers to it" if (rule := rule_of_type(words)) else f"is no value for {key}"
        return Problem(read[1], text or "''", why, "Set it to another value, or unset it.")
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


def _check_top(cfg: Any) -> Iterator[Problem]:
    if not (math.isfinite(cfg.lr) and cfg.lr > 0):
        yield Problem("lr", f"{cfg.lr:g}", "a learning rate is a finite number above 0", "Try lr=0.001.")
    of_data = cfg.dataset.get("seed") if str(cfg.dataset.get("_target_")).startswith("lrscope.") else None
    for key, seed in (("seed", cfg.seed), ("dataset.seed", of_data)):
        if isinstance(seed, int) and not 0 <= seed < 2**32:
            yield Problem(key, str(seed), "a seed is a whole number from 0 to 2^32 - 1", f"Try {key}=0.")
    if cfg.batch_size is not None and cfg.batch_size < 1:
        yield Problem("batch_size", str(cfg.batch_size), "a batch holds at least one example", "Try batch_size=32.")
    yield from _check_length(cfg)
    for key in ("steps_per_epoch", "total_steps"):
        if cfg[key] is not None:
            remedy = "Set epochs=, max_steps=, batch_size= or trainer.limit_train_batches=."
            yield Problem(key, str(cfg[key]), "is counted from the data and cannot be set", remedy)
    if cfg.lr > MOST_LR and math.isfinite(cfg.lr):
        yield Problem("lr", f"{cfg.lr:g}", "is more than the largest 32-bit number, 3.4e38", "Try lr=0.001.")
    name = cfg.experiment_name
    if not name.strip() or set(name) & set("\\\0\n") or ".." in name.split("/"):
        yield Problem("experiment_name", name, "an experiment needs a plain name", "Try experiment_name=mine.")
    elif len(name) > LONGEST_EXPERIMENT or any(len(part.encode()) > LONGEST_FOLDER for part in name.split("/")):
        rule = f"is too long: MLflow takes {LONGEST_EXPERIMENT} characters, a folder's name {LONGEST_FOLDER} bytes"
        yield Problem("experiment_name", f"{name[:20]}…", rule, "Try experiment_name=mine.")


MOST_LR = (2 - 2**-23) * 2.0**127
"""The largest number of 32 bits."""


def _check_length(cfg: Any) -> Iterator[Problem]:
    if cfg.epochs is None and cfg.max_steps is None:
        yield Problem("epochs", "null", "nothing says how long the run is", "Try epochs=50, or max_steps=1000.")
    if cfg.epochs is not None and cfg.epochs < 1:
        yield Problem("epochs", str(cfg.epochs), "at least one epoch is needed", "Try epochs=50.")
    yield from at_least_one("max_steps", cfg.max_steps, "null sets no limit")
    try:
        seconds_of(cfg.max_time)
    except ValueError as error:
        yield Problem("max_time", str(cfg.max_time), str(error), "Try max_time=600, or max_time=00:00:10:00.")
    every = cfg.evaluate_every_steps
    yield from at_least_one("evaluate_every_steps", every, "null evaluates at the ends of epochs")
    if every is None:
        return
    if cfg.callbacks.evaluate_every_epochs != 1:
        rule = f"and callbacks.evaluate_every_epochs={cfg.callbacks.evaluate_every_epochs} say two different things"
        yield Problem("evaluate_every_steps", str(every), rule, "Leave one of the two out.")
    if cfg.scheduler.get("_target_") == PLATEAU:
        rule = "scheduler=plateau looks at the ends of epochs, which are not evaluated then"
        yield Problem("evaluate_every_steps", str(every), rule, "Leave it out, or choose another schedule.")


def _check_schedule(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    schedule: Any = OmegaConf.to_container(cfg.scheduler, resolve=True)
    if not isinstance(schedule.get("_target_"), (str, type(None))):
        return
    peak = cfg.optimizer.get("lr", cfg.lr)
    usable = isinstance(peak, (int, float)) and math.isfinite(peak) and peak > 0
    yield from schedule_problems(schedule, peak=peak if usable else None)


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
    for entry in callbacks.extra:
        if not hasattr(entry, "get") or not isinstance(entry.get("_target_"), str):
            remedy = "Write 'callbacks.extra=[{_target_: mine.Callback}]'."
            yield Problem("callbacks.extra", str(entry), "must name a class by its _target_", remedy)
    yield from at_least_one("callbacks.every", callbacks.every, "null takes at most 500 points")
    yield from at_least_one("callbacks.sharpness_every_epochs", callbacks.sharpness_every_epochs, "null measures none")
    yield from at_least_one("callbacks.evaluate_every_epochs", callbacks.evaluate_every_epochs, "1 is every epoch")
    if callbacks.trial_seconds is not None and not 0 <= callbacks.trial_seconds < math.inf:
        rule = "must be a number of seconds, 0 or above"
        yield Problem("callbacks.trial_seconds", f"{callbacks.trial_seconds:g}", rule, "Try 10; 0 tries nothing.")
    if not callbacks.checkpoint.every_seconds >= 0:
        rule = "must be a number of seconds, 0 or above"
        yield Problem("callbacks.checkpoint.every_seconds", f"{callbacks.checkpoint.every_seconds:g}", rule, "Try 30.")
    if callbacks.stop_grace_epochs < 0:
        rule = "must be 0 or above"
        yield Problem("callbacks.stop_grace_epochs", str(callbacks.stop_grace_epochs), rule, "Try 5.")
    stopping = callbacks.early_stopping
    if stopping.patience < 0:
        yield Problem("callbacks.early_stopping.patience", str(stopping.patience), "must be 0 or above", "Try 10.")
    if not (math.isfinite(stopping.min_delta) and stopping.min_delta >= 0):
        rule = "must be a finite number, 0 or above"
        yield Problem("callbacks.early_stopping.min_delta", f"{stopping.min_delta:g}", rule, "Try 0.0.")


_CHOICES = {
    "trainer.accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "trainer.precision": ("32-true", "64-true", "bf16-mixed", "16-mixed", "32", "64", "bf16", "16"),
    "trainer.gradient_clip_algorithm": ("norm", "value"),
    "callbacks.progress": ("auto", "bar", "lines", "none"),
    "callbacks.early_stopping.mode": ("min", "max"),
    "tracking.mode": ("online", "offline", "off"),
    "tracking.log_model": ("best", "all", "none"),
    "sweep.direction": ("min", "max"),
    "sweep.together": ("auto", "always", "never"),
    "search.method": ("halving", "tpe", "random", "grid"),
    "search.judge": ("forecast", "now"),
    "find.then": ("stop", "train"),
}


def _check_choices(cfg: Any) -> Iterator[Problem]:
    for key, choices in _CHOICES.items():
        node: Any = cfg
        for part in key.split("."):
            node = getattr(node, part)
        if str(node) not in choices:
            yield Problem(key, str(node), f"must be one of {', '.join(choices)}", f"Try {key}={choices[0]}.")
    yield from at_least_one("tracking.every_n_steps", cfg.tracking.every_n_steps, "null takes at most 1,000 points")
    if not cfg.tracking.spool.strip():
        yield Problem("tracking.spool", "''", "must be a folder", "Try tracking.spool=outputs/spool.")
    if not cfg.tracking.finish_timeout_s >= 0:
        yield Problem(
            "tracking.finish_timeout_s", f"{cfg.tracking.finish_timeout_s:g}", "must be 0 or above", "Try 30."
        )


def check_search(search: Any) -> Iterator[Problem]:
    for key, least, example in (("trials", 2, 64), ("batch", 2, 16), ("finalists", 1, 3)):
        if search[key] < least:
            yield Problem(
                f"search.{key}", str(search[key]), f"must be at least {least}", f"Try search.{key}={example}."
            )
    if not 0 < search.keep < 1:
        rule = "must be a share between 0 and 1"
        yield Problem("search.keep", f"{search.keep:g}", rule, "Try search.keep=0.3.")
    if not 0 <= search.seed < 2**32:
        rule = "a seed is a whole number from 0 to 2^32 - 1"
        yield Problem("search.seed", str(search.seed), rule, "Try search.seed=0.")


def _check_find(find: Any) -> Iterator[Problem]:
    if not 0 < find.low < find.high < float("inf"):
        rule = "rates are tried from find.low to find.high, both above 0"
        key = "low" if 0 < find.high < float("inf") else "high"
        yield Problem(f"find.{key}", f"{find[key]:g}", rule, "Try find.low=1e-6 find.high=10.")
    if find.copies < 8:
        yield Problem("find.copies", str(find.copies), "must be at least 8", "Try find.copies=29.")


def _check_secrets(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    yield from secrets_typed(raw)
