"""A user's Lightning callbacks, made and looked at before a run is."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.loggers.logger import DummyLogger

from lrscope.config.instantiate import reason_of
from lrscope.config.monitors import MONITORS
from lrscope.config.suggest import nearest_words
from lrscope.core.errors import InputError, Problem
from lrscope.training import build
from lrscope.training.lightning_class import lightning_class
from lrscope.training.trainer import lightning_kept_quiet, make_trainer


def callback_problems(cfg: DictConfig) -> list[Problem]:
    """What is wrong with ``callbacks.extra``.

    Lightning's own are set up too, which is where they refuse a trainer; one of the user's may do there what it should
    do once.
    """
    problems: list[Problem] = []
    validates_itself = lightning_class(cfg) is not None  # by Lightning's own loop, and it logs what nobody knows here
    shipped, own = [], 0
    for entry in cfg.callbacks.extra:
        try:
            callback = build.callback(entry)
            if not type(callback).__module__.startswith("pytorch_lightning."):
                own += 1
                problems += [*_hooks_in_vain(callback, validates_itself), *_wrong_hooks(callback)]
                continue
            if (name := type(callback).__name__) in INSTEAD:
                rule = "changes the rate or the number of updates behind every schedule and curve"
                problems.append(Problem("callbacks.extra", name, rule, INSTEAD[name]))
                continue
            shipped.append(callback)
            _set_up(cfg, callback)
        except InputError as error:
            problems += error.problems
    # One of the user's may log what the others look at.
    looking = [] if own or validates_itself else shipped
    return problems + [problem for callback in looking for problem in _unknown_metric(callback)]


INSTEAD = {
    "LearningRateFinder": "Add find=on.",
    "GradientAccumulationScheduler": "Set trainer.accumulate_grad_batches=, one number for the whole run.",
}
"""Callbacks of Lightning's that change behind lrscope what it counts by, and what to do in their place."""


def _hooks_in_vain(callback: pl.Callback, validates_itself: bool) -> list[Problem]:
    """Hooks of a user's callback that nobody calls: lrscope evaluates by itself, when an epoch ends."""
    names = ("test", "predict", "sanity_check", *(() if validates_itself else ("validation",)))
    written = [
        name
        for name in dir(pl.Callback)
        if name.startswith(tuple(f"on_{part}_" for part in names))
        and getattr(type(callback), name) is not getattr(pl.Callback, name)
    ]
    if not written:
        return []
    rule = f"has {', '.join(written)}, which lrscope's evaluation does not call"
    remedy = "Do it in on_train_epoch_end: the metrics of the epoch are in trainer.callback_metrics by then."
    return [Problem("callbacks.extra", type(callback).__name__, rule, remedy)]


REMOVED = {f"on_{part}_{end}": f"on_train_{part}_{end}" for part in ("epoch", "batch") for end in ("start", "end")}
"""Hooks of earlier Lightnings, and what they are called today."""


def _wrong_hooks(callback: pl.Callback) -> Iterator[Problem]:
    """Methods of a user's callback that are called like a hook and are none, or cannot be called as one."""
    hooks = [name for name in dir(pl.Callback) if name.startswith("on_")]
    for name in dir(type(callback)):
        own = getattr(callback, name)
        if not name.startswith("on_") or not callable(own):
            continue
        if name not in hooks:
            meant = REMOVED.get(name) or next(iter(nearest_words(name, hooks, most=1)), None)
            if meant is not None:
                rule, remedy = f"has {name}, which Lightning does not call", f"Did you mean {meant}?"
                yield Problem("callbacks.extra", type(callback).__name__, rule, remedy)
            continue
        given = list(signature(getattr(pl.Callback, name)).parameters)[1:]
        try:
            signature(own).bind(*given)
        except TypeError:
            rule = f"has {name}{signature(own)}, which Lightning calls with ({', '.join(given)})"
            yield Problem("callbacks.extra", type(callback).__name__, rule, "Let it take them.")


def _set_up(cfg: DictConfig, callback: pl.Callback) -> None:
    trainer = make_trainer(cfg)
    trainer.loggers = [DummyLogger()]
    try:
        with lightning_kept_quiet():
            callback.setup(trainer, pl.LightningModule(), "fit")
    except Exception as error:
        rule = f"cannot be used ({reason_of(error)})"
        raise InputError(Problem("callbacks.extra", type(callback).__name__, rule, "Leave it out.")) from error


def _unknown_metric(callback: pl.Callback) -> list[Problem]:
    metric = getattr(callback, "monitor", None)
    if metric is None or metric in MONITORS:
        return []
    rule = f"looks at a metric that no run has; there are {', '.join(MONITORS)}"
    return [Problem("callbacks.extra", f"{type(callback).__name__}(monitor={metric})", rule, "Try monitor: val/loss.")]
