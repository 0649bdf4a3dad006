"""A member of a stack: what its single run would have, made in the same order from the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.optim import Optimizer

from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.member_rates import Schedule
from lrscope.runs.fit import live_run, make_module, with_network
from lrscope.runs.looked_at import early_stopping
from lrscope.runs.prepare import PreparedRun, monitored
from lrscope.runs.run_length import time_limit
from lrscope.runs.trained_otherwise import Way
from lrscope.tracking import RunLog
from lrscope.training import build
from lrscope.training.callbacks.evaluate_epochs import as_metric
from lrscope.training.callbacks.keep_checkpoints import KeepBest
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.callbacks.stop_at_length import StopAtLength
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.checkpoint_state import LOGGED, LOSS_SCALE, RANDOM, nothing_left
from lrscope.training.generators import random_state
from lrscope.training.live_run import LiveRun
from lrscope.training.metric_meter import MetricMeter
from lrscope.training.recording import RunRecorder
from lrscope.training.time_limit import TimeLimit


@dataclass(frozen=True)
class Names:
    """Under which names the checkpoint of a single run has its weights, and what counts its steps and keeps its best
    weights.
    """

    before: str
    steps: str
    best: str


OF_NETWORK = Names("network.", RecordSteps.__qualname__, KeepBest.__qualname__)


@dataclass(frozen=True, eq=False)
class BatchedMember:
    """One run of a stack. ``part`` is what trains; all else is what its single run would have."""

    run: PreparedRun
    part: Member
    live: LiveRun
    early: EarlyStopping | None
    meter: MetricMeter
    """Its metrics beside loss and accuracy."""
    limit: TimeLimit | None
    """How long it may train; None where epochs alone say how long it is."""
    checkpoints: CheckpointFolder
    random: Mapping[str, Any]
    """Every generator's state when network, optimizer and schedule had been made."""
    has_ended: bool = False
    """Nothing was left to train where it goes on from."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Latest metrics of an epoch, which schedules and early stopping look at."""
    log: RunLog | None = None
    names: Names = OF_NETWORK
    logged: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    """What it had logged by itself in the epoch that it goes on within."""
    trained: Way | None = None
    """As it was when its checkpoint was saved; None without one, or of an old one."""

    @property
    def recorder(self) -> RunRecorder:
        return self.live.recorder

    def stops_early(self, epoch: int) -> bool:
        """Whether early stopping ends it with this epoch (from 0)."""
        early = self.early
        if early is None or early.monitor not in self.metrics:
            return False
        enough, early.stopping_reason_message = early._evaluate_stopping_criteria(
            as_metric(self.metrics[early.monitor])
        )
        early.stopped_epoch = epoch if enough else early.stopped_epoch
        return enough


def make_member(run: PreparedRun) -> BatchedMember:
    """Seed, network, optimizer, schedule, in the order of a single run.

    Raises:
        CannotStack: a LightningModule's optimizers are none that a stack has.
    """
    if run.objective.of_module:
        from lrscope.batched.run.module_member import KEPT_AS, module_parts  # a network needs nothing of it

        return member_of(*module_parts(run), Names("", *KEPT_AS))
    cfg = run.cfg
    network = make_module(run).network
    run = with_network(run, network)
    optimizer = build.optimizer(cfg, network)
    made = build.schedule(cfg, optimizer)
    monitor = monitored(cfg.scheduler.get("monitor", "val/loss"), run.source)
    schedule = Schedule(made, cfg.scheduler.get("interval", "epoch"), monitor) if made is not None else None
    return member_of(run, network, optimizer, schedule)


def member_of(
    run: PreparedRun, network: nn.Module, optimizer: Optimizer, schedule: Schedule | None, names: Names = OF_NETWORK
) -> BatchedMember:
    """What belongs to a run beside its network, its optimizer and their schedule, which have been made just now."""
    cfg = run.cfg
    limit = cfg.trainer.gradient_clip_val
    clipping = Clipping(limit, cfg.trainer.gradient_clip_algorithm) if limit is not None else None
    random = random_state()
    return BatchedMember(
        run=run,
        part=Member(network, optimizer, schedule, cfg.seed, clipping, random["torch"]),
        live=live_run(run, RunRecorder(run.plan)),
        early=next(iter(early_stopping(run)), None),
        meter=run.metrics(),
        limit=time_limit(cfg),
        checkpoints=CheckpointFolder(run.checkpoint_folder, run.is_recorded),
        random=random,
        names=names,
    )


def restore(member: BatchedMember, content: Mapping[str, Any]) -> BatchedMember:
    """The member in the state of a checkpoint, one that it saved in a stack or alone."""
    part, callbacks = member.part, content["callbacks"]
    names = member.names
    weights = {key.removeprefix(names.before): value for key, value in content["state_dict"].items()}
    part.network.load_state_dict(weights)
    part.optimizer.load_state_dict(content["optimizer_states"][0])
    if part.schedule is not None:
        part.schedule.scheduler.load_state_dict(dict(content["lr_schedulers"][0]))
    for name, held in carried(member).items():
        held.load_state_dict(callbacks[name])
    own = {"updates": callbacks[names.steps]["updates"], "loss_scale": content.get(LOSS_SCALE)}
    part = replace(part, generator=content[RANDOM]["torch"], **own)
    ended = nothing_left(content, member.live.epochs)
    kept = {"logged": content.get(LOGGED, {}), "trained": Way.of(content)}
    return replace(member, part=part, random=content[RANDOM], has_ended=ended, **kept)


def carried(member: BatchedMember) -> dict[str, Any]:
    """What remembers something, by the name under which a single run's callback carries it through its checkpoints."""
    held: dict[str, Any] = {member.names.steps: member.live, member.names.best: member.live.best}
    if member.limit is not None:
        held[StopAtLength.__qualname__] = member.limit
    return held | ({member.early.state_key: member.early} if member.early is not None else {})
