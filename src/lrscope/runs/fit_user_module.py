"""Assembles the run of a LightningModule of the user's: its own steps and hooks, and lrscope's record around them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch

from lrscope.core.stop_signals import STOP
from lrscope.datasets.data import Part
from lrscope.datasets.index_batches import IndexBatches
from lrscope.probe.budget import NOWHERE
from lrscope.runs.fit import SingleRun, live_run, save, signal_choice, with_network
from lrscope.runs.looked_at import BEST_BY, early_stopping, looked_at
from lrscope.runs.place_data import placed
from lrscope.runs.prepare import PreparedRun, has_validation, monitored
from lrscope.runs.run_length import length, logged_every
from lrscope.training import build, threads
from lrscope.training.callbacks.count_examples import CountExamples
from lrscope.training.callbacks.keep_checkpoints import ExactCheckpoints
from lrscope.training.callbacks.show_progress import ShowProgress
from lrscope.training.callbacks.stop_at_verdict import StopAtVerdict
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.live_run import Leaves, LiveRun, stays
from lrscope.training.recording import RunRecorder
from lrscope.training.resumable_loader import ResumableLoader, resumable
from lrscope.training.trainer import make_trainer
from lrscope.training.user_loader import evaluated_batches, one_epoch, whole_run
from lrscope.training.user_module.attach_data import AttachData
from lrscope.training.user_module.behind_batches import BehindBatches, KeepBehindBatches, StopBehindBatches
from lrscope.training.user_module.carry_module import CarryModule
from lrscope.training.user_module.choose_threads import ChooseThreads
from lrscope.training.user_module.evaluate_module import (
    OPEN,
    Batches,
    EvaluateModule,
    KeepBestOfModule,
    RequireModuleMetrics,
)
from lrscope.training.user_module.make_module import made_module
from lrscope.training.user_module.optimizers import settle_optimizers
from lrscope.training.user_module.record_logged_values import RecordLoggedValues
from lrscope.training.user_module.record_module_steps import RecordModuleSteps


def assemble_user_module(
    run: PreparedRun, recorder: RunRecorder, checkpoints: CheckpointFolder, leaves: Leaves = stays
) -> SingleRun:
    """Build module, callbacks and trainer from the config.

    Args:
        leaves: as for :func:`lrscope.runs.fit.assemble`.

    Raises:
        InputError: an argument that does not fit, or an accelerator that is not there.
    """
    cfg = run.cfg
    module = make_user_module(run)
    run = with_network(run, module, look=False)
    live = live_run(run, recorder)
    steps = RecordModuleSteps(live, signal_choice(cfg), cfg.trainer.accumulate_grad_batches)
    trainer = make_trainer(cfg, limit_val_batches=1.0)
    live.leaves = leaves if trainer.world_size == 1 else stays
    loader, train, val = _loaders(run, trainer.strategy.root_device)
    val_loader = val() if val is not None else None
    evaluate = EvaluateModule(steps, train, val, run.name)
    seconds = cfg.callbacks.checkpoint.every_seconds
    keep = KeepBehindBatches(partial(save, steps, checkpoints), seconds, steps.between_updates)
    stop = StopBehindBatches(STOP.requested, keep)
    carry = CarryModule(isinstance(loader, (IndexBatches, ResumableLoader)))
    ahead = [AttachData(run.source.module), *_threads(run, trainer), carry, steps, *length(run, steps), evaluate]
    trainer.callbacks = [*ahead, *_between(run, live, steps), ExactCheckpoints(live), keep, stop]  # type: ignore[attr-defined]
    if val_loader is not None and not hasattr(val_loader, "__len__"):
        trainer.limit_val_batches = _evaluated(run) or 1.0  # a stream may never end
    trainer.loggers = [RecordLoggedValues(steps)]
    trainer.log_every_n_steps = logged_every(cfg)  # type: ignore[attr-defined]
    loader = BehindBatches(loader, lambda: [one.behind(trainer) for one in (keep, stop)])
    parts = module, module, loader, live, steps, evaluate, checkpoints, NOWHERE
    return SingleRun(run, trainer, *parts, val_loader=val_loader)


def _between(run: PreparedRun, live: LiveRun, steps: RecordModuleSteps) -> list[pl.Callback]:
    """The callbacks that look at what an epoch came to."""
    asked = run.cfg.callbacks
    looked = looked_at(run)
    if looked.get(BEST_BY) in OPEN:
        del looked[BEST_BY]
    return [
        *(build.callback(entry) for entry in asked.extra),
        *(RequireModuleMetrics(live, looked), KeepBestOfModule(live.best), StopAtVerdict(live)),
        *([CountExamples(steps)] if asked.count_examples else []),
        *early_stopping(run),
        ShowProgress(live.recorder.last, run.name, live.epochs, asked.progress),
    ]


def _threads(run: PreparedRun, trainer: pl.Trainer) -> list[pl.Callback]:
    if run.cfg.trainer.threads is None and trainer.strategy.root_device.type == "cpu":
        return [ChooseThreads()]
    threads.use(run.cfg.trainer.threads or threads.most())
    return []


def make_user_module(run: PreparedRun) -> pl.LightningModule:
    """The module of a run, initialised from its seed, in the precision that it trains in."""
    cfg = run.cfg
    module = made_module(cfg, run.source)
    settle_optimizers(module, cfg, monitored(cfg.scheduler.get("monitor", "val/loss"), run.source))
    return module.double() if cfg.trainer.precision.startswith("64") else module


def _loaders(run: PreparedRun, device: torch.device) -> tuple[Iterable[Any], Batches, Batches | None]:
    """What it trains on; the training part, and the validation part, once as they are."""
    cfg, data, module = run.cfg, run.source.data, run.source.module
    validates = has_validation(run.source)
    if data is not None:
        own = placed(data, cfg, device)
        val = partial(_in_order, own.val, cfg.batch_size) if validates and own.val is not None else None
        loader = IndexBatches(own.train, cfg.batch_size, cfg.seed)
        return loader, partial(_in_order, own.train, cfg.batch_size), val
    assert module is not None
    limit, length = cfg.trainer.limit_train_batches, cfg.steps_per_epoch * cfg.trainer.accumulate_grad_batches
    evaluated = _evaluated(run)
    return (
        resumable(whole_run(module.train_dataloader(), limit, length), cfg.seed),
        lambda: one_epoch(module.train_dataloader(), evaluated),
        module.val_dataloader if validates else None,
    )


def _evaluated(run: PreparedRun) -> int | None:
    """Batches that an evaluation takes at most of loaders without a length."""
    limit: int | None = run.cfg.trainer.limit_train_batches
    module = run.source.module
    return evaluated_batches(module.train_dataloader(), limit) if module is not None else limit


def _in_order(part: Part, batch_size: int | None) -> IndexBatches:
    return IndexBatches(part, min(batch_size or len(part), len(part)), shuffle=False)
