"""Everything a run needs before its first step, however it will be trained."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from lrscope.core.fingerprint import fingerprint
from lrscope.core.job import Job
from lrscope.core.run_facts import RunFacts
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.runs.shared_session import settings_of
from lrscope.training import build
from lrscope.training.distributed import SharedRun, shared_run
from lrscope.training.facts import run_facts
from lrscope.training.lightning_class import reads_validation
from lrscope.training.metric_meter import MetricMeter, metric_meter
from lrscope.training.objective import objective
from lrscope.training.recording import RecordingPlan
from lrscope.training.supported import Objective
from lrscope.training.user_loader import has_val_loader


@dataclass(frozen=True)
class PreparedRun:
    """A run that is about to train: its config with the number of steps filled in, its data, who it is.

    ``local_id`` names its record for ever; a resumed run keeps the one it had.
    """

    cfg: DictConfig
    job: Job
    source: build.Source
    objective: Objective
    """The loss, and what it takes."""
    config: Mapping[str, Any]
    """The resolved config as plain data."""
    facts: RunFacts
    fingerprint: str
    name: str
    local_id: str
    plan: RecordingPlan
    settings: TrackingSettings
    resumes: bool = False

    @property
    def is_recorded(self) -> bool:
        """Whether anything of it is kept beside its job's folder."""
        return bool(self.cfg.tracking.mode != "off")

    @property
    def checkpoint_folder(self) -> Path:
        """Where its checkpoints lie, beside its journal."""
        return self.settings.spool / self.local_id / "checkpoints"

    @property
    def monitor(self) -> str:
        """The metric that best weights are chosen by: training's where there is no validation."""
        return monitored(self.cfg.callbacks.checkpoint.monitor, self.source)

    def metrics(self) -> MetricMeter:
        """Its metrics beside loss and accuracy, with a state of their own."""
        scale = self.source.data.target_scale if self.source.data is not None else None
        return metric_meter(self.cfg, scale, self.objective.task == "labels")


def prepare(cfg: DictConfig, job: Job, source: build.Source | None = None) -> PreparedRun:
    """Load the data (unless it is given), fill in the number of steps, and name the run.

    Raises:
        InputError: the data cannot be had, or does not fit the config.
    """
    source = seen_by(cfg, source or build.source(cfg))
    build.fill_steps(cfg, source.steps_per_epoch)
    config = {**build.resolved(cfg), "resume": None}  # how a command came to a run is no part of what the run is
    identity, aim = fingerprint(config, source.digest), objective(cfg, source)
    known = job.known(identity)
    shared = shared_run()
    if shared is None:
        shared = SharedRun(known.local_id if known is not None else uuid.uuid4().hex, known is not None)
    return PreparedRun(
        cfg=cfg,
        job=job,
        source=source,
        objective=aim,
        config=config,
        facts=run_facts(cfg, source, aim),
        fingerprint=identity,
        name=run_name(job, cfg),
        local_id=shared.local_id,
        plan=RecordingPlan.of(cfg.total_steps, cfg.tracking.every_n_steps, cfg.callbacks.every),
        settings=settings_of(cfg),
        resumes=shared.resumes,
    )


def seen_by(cfg: DictConfig, source: build.Source) -> build.Source:
    """The data as the model of a config looks at it: without validation where that has no step for it."""
    return source if reads_validation(cfg) else replace(source, validates=False)


def run_name(job: Job, cfg: DictConfig) -> str:
    """``lr=0.01 seed=1``: what varies in the sweep, or what was typed for a lone run; never a random name."""
    shown = " ".join(f"{key}={value}" for key, value in job.varying.items() if not key.startswith(_NOT_IN_A_NAME))
    return shown[:200] or f"lr={cfg.lr:g}"


def monitored(metric: str, source: build.Source) -> str:
    """``val/loss`` where the data has a validation part, else ``train/loss_eval`` (``train/f1`` for ``val/f1``)."""
    if not metric.startswith("val/") or has_validation(source):
        return metric
    return "train/loss_eval" if metric == "val/loss" else f"train/{metric.removeprefix('val/')}"


def has_validation(source: build.Source) -> bool:
    """Whether there is a validation part that is looked at."""
    if not source.validates:
        return False
    if source.data is not None:
        return source.data.val is not None
    assert source.module is not None
    return has_val_loader(source.module)


_NOT_IN_A_NAME = ("experiment", "resume", "tracking", "hydra", "trainer", "callbacks", "sweep")
"""Beginnings of keys that say where and how a run is made, not what it is."""
