"""The types of the configuration, registered with Hydra, and the check that finds every problem of a config at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lrscope.errors import Problem
from lrscope.verdict import Verdict


@dataclass
class TrainerConfig:
    """Arguments of Lightning's Trainer; ``threads`` is torch's number of CPU threads."""

    accelerator: str = "auto"
    devices: Any = 1
    strategy: str = "auto"
    num_nodes: int = 1
    precision: str = "32-true"
    gradient_clip_val: float | None = None
    gradient_clip_algorithm: str = "norm"
    accumulate_grad_batches: int = 1
    deterministic: bool = True
    limit_train_batches: int | None = None
    threads: int | None = None


@dataclass
class EarlyStoppingConfig:
    """Stop when a metric has not improved by ``min_delta`` for ``patience`` epochs."""

    enabled: bool = False
    monitor: str = "val/loss"
    patience: int = 10
    min_delta: float = 0.0
    mode: str = "min"


@dataclass
class CheckpointConfig:
    """What is kept on disk: the last state every ``every_seconds``, and the best epoch by ``monitor``."""

    every_seconds: float = 30.0
    best: bool = True
    monitor: str = "val/loss"


@dataclass
class CallbacksConfig:
    """What is measured while training and when to stop; ``conf/callbacks/default.yaml`` explains each."""

    every: int | None = None
    grad_norm: bool = True
    update_ratio: bool = True
    dead_units: bool = True
    update_cosine: bool = True
    parameters: bool = False
    count_examples: bool = False
    evaluate_every_epochs: int = 1
    sharpness_every_epochs: int | None = None
    test: bool = False
    stop_when: list[str] = field(default_factory=lambda: ["diverged"])
    stop_grace_epochs: int = 5
    early_stopping: EarlyStoppingConfig = field(default_factory=EarlyStoppingConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    progress: str = "auto"
    extra: list[Any] = field(default_factory=list)


@dataclass
class TrackingConfig:
    """Where runs are recorded; ``conf/tracking/mlflow.yaml`` explains each."""

    mode: str = "online"
    uri: str | None = None
    spool: str = "outputs/spool"
    every_n_steps: int | None = None
    log_model: str = "best"
    finish_timeout_s: float = 30.0


@dataclass
class SweepConfig:
    """How the members of a sweep are trained and shown."""

    together: str = "auto"
    report: bool = True


@dataclass
class Config:
    """The whole configuration of one run. The four open groups hold a ``_target_`` and its arguments."""

    dataset: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    lr: float = 0.001
    seed: int = 0
    epochs: int = 50
    batch_size: int | None = 32
    """Examples of one update; null takes them all."""
    experiment_name: str = "lrscope"
    resume: str | None = None
    steps_per_epoch: int | None = None
    """Optimizer updates of one epoch; filled in once the data is known, for schedules to refer to."""
    total_steps: int | None = None


def register() -> None:
    """Make the schema and lrscope's resolver known to Hydra. Calling it again changes nothing."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    from lrscope.paths import project_root

    ConfigStore.instance().store(name="lrscope", node=Config)
    OmegaConf.register_new_resolver("lrscope_root", lambda: str(project_root()), replace=True)


def check(cfg: Any) -> list[Problem]:
    """Every problem that can be seen without loading data or torch, in the order of the config's keys."""
    return [
        *_check_top(cfg),
        *_check_trainer(cfg.trainer),
        *_check_callbacks(cfg.callbacks),
        *_check_choices(cfg),
    ]


def _check_top(cfg: Any) -> Iterator[Problem]:
    if not (math.isfinite(cfg.lr) and cfg.lr > 0):
        yield Problem("lr", _number(cfg.lr), "a learning rate is a finite number above 0", "Try lr=0.001")
    if not 0 <= cfg.seed < 2**32:
        yield Problem("seed", str(cfg.seed), "a seed is a whole number from 0 to 2^32 - 1", "Try seed=0")
    if cfg.epochs < 1:
        yield Problem("epochs", str(cfg.epochs), "at least one epoch is needed", "Try epochs=50")
    if cfg.batch_size is not None and cfg.batch_size < 1:
        yield Problem("batch_size", str(cfg.batch_size), "a batch holds at least one example", "Try batch_size=32")
    if not cfg.experiment_name.strip() or set(cfg.experiment_name) & set("\\\0"):
        yield Problem(
            "experiment_name",
            cfg.experiment_name,
            "an experiment needs a plain name",
            "Try experiment_name=mine",
        )


def _check_trainer(trainer: Any) -> Iterator[Problem]:
    if trainer.accumulate_grad_batches < 1:
        yield Problem(
            "trainer.accumulate_grad_batches",
            str(trainer.accumulate_grad_batches),
            "gradients are accumulated over at least one batch",
            "Use 1 for none",
        )
    clip = trainer.gradient_clip_val
    if clip is not None and not (math.isfinite(clip) and clip > 0):
        yield Problem(
            "trainer.gradient_clip_val", _number(clip), "must be a finite number above 0", "Use null for none"
        )
    if trainer.limit_train_batches is not None and trainer.limit_train_batches < 1:
        yield Problem(
            "trainer.limit_train_batches",
            str(trainer.limit_train_batches),
            "must be at least 1",
            "Use null for all",
        )


def _check_callbacks(callbacks: Any) -> Iterator[Problem]:
    for name in callbacks.stop_when:
        try:
            Verdict.from_label(name)
        except ValueError as error:
            yield Problem("callbacks.stop_when", str(name), str(error), "Try callbacks.stop_when=[diverged,collapsed]")
    for key in ("every", "sharpness_every_epochs"):
        value = getattr(callbacks, key)
        if value is not None and value < 1:
            yield Problem(f"callbacks.{key}", str(value), "must be at least 1", "Use null for the default")
    if callbacks.evaluate_every_epochs < 1:
        yield Problem(
            "callbacks.evaluate_every_epochs",
            str(callbacks.evaluate_every_epochs),
            "must be at least 1",
            "Try 1",
        )


_CHOICES = {
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
            yield Problem(key, str(node), f"must be one of {', '.join(choices)}", f"Try {key}={choices[0]}")
    every = cfg.tracking.every_n_steps
    if every is not None and every < 1:
        yield Problem("tracking.every_n_steps", str(every), "must be at least 1", "Use null for the default")


def _number(value: float) -> str:
    return f"{value:g}"
