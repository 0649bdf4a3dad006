"""A user's Lightning callbacks, made and looked at before a run is."""

from __future__ import annotations

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.loggers.logger import DummyLogger

from lrscope.config.instantiate import reason_of
from lrscope.config.monitors import MONITORS
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
                problems += _hooks_in_vain(callback, validates_itself)
                continue
            shipped.append(callback)
            _set_up(cfg, callback)
        except InputError as error:
            problems += error.problems
    # One of the user's may log what the others look at.
    looking = [] if own or validates_itself else shipped
    return problems + [problem for callback in looking for problem in _unknown_metric(callback)]


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
