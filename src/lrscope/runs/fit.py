"""Trains one run alone, with Lightning."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from torch import nn

from lrscope.core import gc_pause
from lrscope.core.errors import InputError, Interrupted
from lrscope.core.stop_signals import STOP
from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.core.verdict import Verdict
from lrscope.datasets.index_batches import IndexBatches
from lrscope.probe.budget import NOWHERE, ProbeBudget, effort
from lrscope.runs.lifecycle import RunEnd
from lrscope.runs.looked_at import early_stopping, looked_at
from lrscope.runs.place_data import full_batch, placed
from lrscope.runs.prepare import PreparedRun, has_validation, monitored
from lrscope.runs.run_length import MOST_LOGGED, evaluated_every, length
from lrscope.runs.trained_otherwise import BY_ITSELF, Way, tell_if_trained_otherwise
from lrscope.tracking import RunLog
from lrscope.tracking.autolog import autolog_off
from lrscope.training import build, threads
from lrscope.training.best_weights import BestWeights
from lrscope.training.callbacks.count_examples import CountExamples
from lrscope.training.callbacks.evaluate_epochs import EvaluateEpochs, Parts
from lrscope.training.callbacks.evaluate_late import EvaluateLate
from lrscope.training.callbacks.follow_parameters import FollowParameters
from lrscope.training.callbacks.keep_checkpoints import ExactCheckpoints, KeepBest, KeepCheckpoints
from lrscope.training.callbacks.measure_sharpness import MeasureSharpness
from lrscope.training.callbacks.record_logged import RecordLogged
from lrscope.training.callbacks.record_steps import RecordSteps, SignalChoice
from lrscope.training.callbacks.require_metrics import RequireMetrics
from lrscope.training.callbacks.show_progress import ShowProgress
from lrscope.training.callbacks.stop_at_signal import StopAtSignal
from lrscope.training.callbacks.stop_at_verdict import StopAtVerdict
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.checkpoint_state import RANDOM, loader_state, nothing_left
from lrscope.training.evaluation import chunks
from lrscope.training.facts import with_network_facts, with_rate_of
from lrscope.training.generators import restore_random_state
from lrscope.training.in_units import in_units
from lrscope.training.lightning_class import trains_itself
from lrscope.training.lightning_module import Module
from lrscope.training.live_run import Leaves, LiveRun, stays
from lrscope.training.objective import at
from lrscope.training.recording import RunRecorder
from lrscope.training.resumable_loader import ResumableLoader, resumable
from lrscope.training.supported import Objective, Pair, taken
from lrscope.training.trainer import lightning_kept_quiet, make_trainer
from lrscope.training.untrained import untrained
from lrscope.training.user_loader import evaluated_batches, one_epoch, whole_run

if TYPE_CHECKING:
    from lrscope.training.user_module.evaluate_module import EvaluateModule

PLAIN_PRECISIONS = ("32-true", "64-true", "32", "64")


@dataclass(frozen=True)
class SingleRun:
    """What a run alone is made of; ``train`` runs it."""

    run: PreparedRun
    trainer: pl.Trainer
    module: pl.LightningModule
    network: nn.Module
    """What is kept of it as a model."""
    loader: Iterable[Any]
    live: LiveRun
    steps: RecordSteps
    evaluate: EvaluateEpochs | EvaluateModule
    checkpoints: CheckpointFolder
    scope: ProbeBudget
    """How far the run may look ahead at its end."""
    val_loader: Iterable[Any] | None = None
    """Of a LightningModule that validates by itself."""


def assemble(
    run: PreparedRun, recorder: RunRecorder, checkpoints: CheckpointFolder, leaves: Leaves = stays
) -> SingleRun:
    """Build network, module, callbacks and trainer from the config, in the order that fixes the random numbers;
    ``leaves`` as of :class:`LiveRun`, which a run that several processes train does not ask.

    Raises:
        InputError: an argument that does not fit, or an accelerator that is not there.
    """
    cfg = run.cfg
    module = make_module(run)
    run = with_network(run, module.network)
    live = live_run(run, recorder)
    steps = RecordSteps(live, signal_choice(cfg), cfg.trainer.accumulate_grad_batches)
    trainer = make_trainer(cfg)
    live.leaves = leaves if trainer.world_size == 1 else stays
    device = trainer.strategy.root_device
    module.loss = at(module.loss, next(module.parameters()).new_empty((), device=device))
    loader, parts = _data(run, trainer, device, module.take)
    _choose_threads(run, module, device)
    evaluate = EvaluateEpochs(steps, parts, run.facts.constant_loss is None, run.metrics())
    keep = KeepCheckpoints(partial(save, steps, checkpoints), cfg.callbacks.checkpoint.every_seconds)
    scope = scope_of(run, module.network) if trainer.world_size == 1 else NOWHERE
    late = [EvaluateLate(steps, parts.train, scope.late)] if scope.late else []
    trainer.callbacks = [  # type: ignore[attr-defined]  # set by Lightning's connector
        *(steps, *length(run, steps), *late, evaluate),
        *(build.callback(entry) for entry in cfg.callbacks.extra),  # ahead of those that look at their metrics
        *(RequireMetrics(live, looked_at(run)), KeepBest(live.best), StopAtVerdict(live)),
        *_on_request(run, steps, parts),
        *early_stopping(run),
        ShowProgress(recorder.last, run.name, live.epochs, cfg.callbacks.progress),
        *(ExactCheckpoints(live), keep, StopAtSignal(STOP.requested, keep)),
    ]
    if cfg.callbacks.extra:
        trainer.loggers = [RecordLogged(steps)]
        trainer.log_every_n_steps = max(1, cfg.total_steps // MOST_LOGGED)  # type: ignore[attr-defined]
    return SingleRun(run, trainer, module, module.network, loader, live, steps, evaluate, checkpoints, scope)


def live_run(run: PreparedRun, recorder: RunRecorder) -> LiveRun:
    """What is recorded of a run and decided about it while it trains, alone or in a stack."""
    asked = run.cfg.callbacks
    verdicts = [Verdict.from_label(name) for name in asked.stop_when]
    evaluated = build.planned_epochs(run.cfg), asked.evaluate_every_epochs
    grace, by_steps = asked.stop_grace_epochs, run.cfg.evaluate_every_steps
    best = BestWeights(run.monitor, asked.checkpoint.best)
    scale = run.source.data.target_scale if run.source.data is not None else None
    more = partial(in_units, objective=run.objective, scale=scale)
    return LiveRun(recorder, run.facts, best, *evaluated, verdicts, grace, more, by_steps)


def save(steps: RecordSteps, folder: CheckpointFolder, trainer: pl.Trainer) -> None:
    """The state as it is now, behind its record: a checkpoint ahead of that would lose the points in between."""
    steps.flush()
    steps.recorder.to_disk()
    folder.write(partial(trainer.save_checkpoint, weights_only=False))


def make_module(run: PreparedRun) -> Module:
    """The module of a run, initialised from its seed, in the precision that it trains in.

    Lightning would make it double only after it has loaded a checkpoint, which would round the weights on their way.
    """
    cfg = run.cfg
    build.seed_everything(cfg.seed)
    network = build.network(cfg, run.source.described, run.objective.outputs)
    return Module(
        network.double() if cfg.trainer.precision.startswith("64") else network,
        at(run.objective.loss, next(network.parameters(), torch.empty(()))),
        partial(build.optimizer, cfg),
        partial(build.schedule, cfg),
        interval=cfg.scheduler.get("interval", "epoch"),
        monitor=monitored(cfg.scheduler.get("monitor", "val/loss"), run.source),
        take=partial(_taken, network, run.objective) if run.source.data is None else None,
        frequency=cfg.scheduler.get("frequency") or 1,
    )


def with_network(run: PreparedRun, network: nn.Module, look: bool = True) -> PreparedRun:
    """The run with what its network tells of itself, before the first update and the record's first line.

    Args:
        look: whether it may be shown some examples.
    """
    inputs = run.source.data.train.inputs if run.source.data is not None and look else None
    facts = run.facts if trains_itself(run.cfg) else with_rate_of(run.cfg, network, run.facts)
    return replace(run, facts=with_network_facts(facts, network, inputs))


def _taken(network: nn.Module, objective: Objective, batch: Any) -> Pair:
    return taken(batch, objective, next(network.parameters()))


def scope_of(run: PreparedRun, network: nn.Module) -> ProbeBudget:
    """How far a run on one device may look ahead; nowhere where its data does not lie in memory, or where a copy would
    need more than the optimizer to train on as the run did.
    """
    cfg, data = run.cfg, run.source.data
    plain = cfg.trainer.precision in PLAIN_PRECISIONS and not cfg.callbacks.extra
    if not cfg.callbacks.look_ahead or data is None or not plain:
        return NOWHERE
    cost = effort(network, data.train, full_batch(cfg, data.train), cfg.trainer.accumulate_grad_batches)
    return ProbeBudget.of(cfg.total_steps, evaluated_every(cfg), cost)


def _choose_threads(run: PreparedRun, module: Module, device: torch.device) -> None:
    data = run.source.data
    if run.cfg.trainer.threads is not None or data is None or device.type != "cpu":
        threads.use(run.cfg.trainer.threads or threads.most())
    else:
        threads.use(threads.fitting(module.network, data.train.inputs[:1], full_batch(run.cfg, data.train)))


def train(single: SingleRun, log: RunLog | None = None) -> RunEnd:
    """Train to the end, or to whatever ends it earlier; a run that was stopped goes on from its last checkpoint.

    Args:
        log: where it is noted if the run was trained in a batched model before.
    """
    gc_pause.go_on()
    began = time.monotonic()
    end = _fit(single, log)
    single.steps.flush()
    seconds = time.monotonic() - began
    return replace(end, seconds=seconds, untrained=untrained(single.network, single.trainer.optimizers))


def _fit(single: SingleRun, log: RunLog | None) -> RunEnd:
    checkpoint = single.checkpoints.load() if single.run.resumes else None
    if checkpoint is not None and checkpoint.words:
        warnings.warn(f"{single.run.name}: {checkpoint.words}", stacklevel=2)
    content = checkpoint.content if checkpoint is not None else {}
    path = str(checkpoint.path) if checkpoint is not None and content else None
    has_ended = path is not None and nothing_left(content, single.live.epochs)
    if path is not None and not has_ended and log is not None:
        before, updates = Way.of(content), content["global_step"]
        tell_if_trained_otherwise(single.run, log, before, BY_ITSELF, updates)
    read = getattr(single.loader, "inner", single.loader)  # by what calls something between its batches
    if isinstance(read, ResumableLoader):
        read.load_state_dict(loader_state(content))
    try:
        with lightning_kept_quiet(single.trainer.precision), autolog_off():
            loaders = single.loader, single.val_loader
            single.trainer.fit(single.module, *loaders, ckpt_path=path, weights_only=True if path else None)
        if has_ended:
            restore_random_state(content[RANDOM])
            return RunEnd(as_before=True, stopped_by=single.live.stopped_by, pruned=single.live.pruned)
    except StoppedByVerdict as stop:
        return RunEnd(stopped_by=stop.verdict)
    except Interrupted as stop:
        return RunEnd(signal_number=stop.signal_number)
    except InputError:
        raise
    except SystemExit as ended:  # of a user's part: the command goes on, and tells
        words = f"a part of it ended the program: sys.exit({ended.code!r})"
        return RunEnd(error=RuntimeError(words).with_traceback(ended.__traceback__))
    except Exception as error:
        return RunEnd(error=error)
    return RunEnd(stopped_by=single.live.stopped_by, pruned=single.live.pruned)


def signal_choice(cfg: DictConfig) -> SignalChoice:
    """Which signals the config asks for."""
    c = cfg.callbacks
    return SignalChoice(c.grad_norm, c.update_ratio, c.update_cosine, c.dead_units)


def _data(
    run: PreparedRun, trainer: pl.Trainer, device: torch.device, take: Callable[[Any], Pair] | None
) -> tuple[Iterable[Any], Parts]:
    data = run.source.data
    if data is None:
        module = run.source.module
        assert module is not None and take is not None
        limit, length = run.cfg.trainer.limit_train_batches, run.cfg.steps_per_epoch
        loader = module.train_dataloader()
        loader = whole_run(loader, limit, length * run.cfg.trainer.accumulate_grad_batches)
        # Of several processes each reads its own share, which Lightning sees to; they save between epochs only.
        return (loader if trainer.world_size > 1 else resumable(loader, run.cfg.seed)), _loader_parts(run, take)
    own = placed(data, run.cfg, device)
    rank, world = trainer.global_rank, trainer.world_size
    batches = IndexBatches(own.train, run.cfg.batch_size, run.cfg.seed, rank=rank, world=world)
    others = (partial(chunks, part) if part is not None else None for part in (own.val, own.test))
    return batches, Parts(partial(chunks, own.train), *others)


def _loader_parts(run: PreparedRun, take: Callable[[Any], Pair]) -> Parts:
    module = run.source.module
    assert module is not None
    limit = evaluated_batches(module.train_dataloader(), run.cfg.trainer.limit_train_batches)

    def batches(loader: Iterable[Any]) -> Iterable[Pair]:
        return map(take, one_epoch(loader, limit))

    return Parts(
        lambda: batches(module.train_dataloader()),
        (lambda: batches(module.val_dataloader())) if has_validation(run.source) else None,
    )


def _on_request(run: PreparedRun, steps: RecordSteps, parts: Parts) -> list[pl.Callback]:
    """What is measured only where the config asks for it."""
    asked = run.cfg.callbacks
    wanted: list[pl.Callback] = []
    if asked.sharpness_every_epochs is not None:
        wanted.append(MeasureSharpness(steps, parts.train, run.facts, run.name, asked.sharpness_every_epochs))
    if asked.parameters:
        wanted.append(FollowParameters(steps, parts.train))
    if asked.count_examples:
        wanted.append(CountExamples(steps))
    return wanted
