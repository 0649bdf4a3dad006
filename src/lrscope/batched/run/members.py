"""A member of a stack: what its single run would have, made in the same order from the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor

from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.member_rates import Schedule
from lrscope.core.verdict import Verdict
from lrscope.runs.fit import early_stopping, make_module, signal_choice, with_network
from lrscope.runs.prepare import PreparedRun, monitored
from lrscope.runs.shared_session import settings_of
from lrscope.tracking import RunLog
from lrscope.training import build
from lrscope.training.callbacks.keep_checkpoints import KeepBest, random_state
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.callbacks.stop_early import StopAtVerdict
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.recording import RunRecorder

BEFORE = "network."
"""Where a module's ``state_dict`` has its network."""


@dataclass(frozen=True, order=True)
class Position:
    """Between two updates: ``batches`` of ``epoch`` (from 0) are done, ``updates`` in all."""

    epoch: int = 0
    batches: int = 0
    updates: int = 0


BEGINNING = Position()


@dataclass(eq=False)
class GroupMember:
    """One run of a stack. ``part`` is what trains; the callbacks are those of a single run and hold what they
    would hold.
    """

    run: PreparedRun
    part: Member
    steps: RecordSteps
    best: KeepBest
    stop: StopAtVerdict
    early: EarlyStopping | None
    checkpoints: CheckpointFolder
    random: Mapping[str, Any]
    """Every generator's state when network, optimizer and schedule had been made."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Latest metrics of an epoch, rounded as Lightning rounds what schedules and early stopping look at."""
    epoch_loss: float = 0.0
    """Sum over the examples of this epoch so far."""
    epoch_examples: int = 0
    log: RunLog | None = None

    @property
    def recorder(self) -> RunRecorder:
        return self.steps.recorder


def make_member(run: PreparedRun) -> GroupMember:
    """Seed, network, optimizer, schedule, in the order of a single run."""
    cfg = run.cfg
    network = make_module(run).network
    run = with_network(run, network)
    optimizer = build.optimizer(cfg, network.parameters())
    made = build.schedule(cfg, optimizer)
    monitor = monitored(cfg.scheduler.get("monitor", "val/loss"), run.source)
    schedule = Schedule(made, cfg.scheduler.get("interval", "epoch"), monitor) if made is not None else None
    limit = cfg.trainer.gradient_clip_val
    clipping = Clipping(limit, cfg.trainer.gradient_clip_algorithm) if limit is not None else None
    random = random_state()
    steps = RecordSteps(RunRecorder(run.plan), signal_choice(cfg), cfg.trainer.accumulate_grad_batches)
    verdicts = [Verdict.from_label(name) for name in cfg.callbacks.stop_when]
    folder = settings_of(cfg).spool / run.local_id / "checkpoints"
    return GroupMember(
        run=run,
        part=Member(network, optimizer, schedule, cfg.seed, clipping, random["torch"]),
        steps=steps,
        best=KeepBest(steps, run.monitor),
        stop=StopAtVerdict(steps, run.facts, verdicts, cfg.callbacks.stop_grace_epochs),
        early=next(iter(early_stopping(run)), None),
        checkpoints=CheckpointFolder(folder),
        random=random,
    )


def restore(member: GroupMember, content: Mapping[str, Any]) -> GroupMember:
    """The member in the state of a checkpoint, one that it saved in a stack or alone."""
    part, callbacks = member.part, content["callbacks"]
    weights = {key.removeprefix(BEFORE): value for key, value in content["state_dict"].items()}
    part.network.load_state_dict(weights)
    part.optimizer.load_state_dict(content["optimizer_states"][0])
    if part.schedule is not None:
        part.schedule.scheduler.load_state_dict(dict(content["lr_schedulers"][0]))
    saved = callbacks[member.steps.state_key]
    member.recorder.load_state_dict(saved["recorder"])
    member.steps.step = saved["step"]
    member.epoch_loss, member.epoch_examples = saved["epoch"]
    member.best.load_state_dict(callbacks[member.best.state_key])
    if member.early is not None:
        member.early.load_state_dict(callbacks[member.early.state_key])
    random = content["lrscope_random"]
    return replace(member, random=random, part=replace(part, generator=random["torch"], updates=saved["updates"]))


def position_of(content: Mapping[str, Any] | None) -> Position:
    """Where a checkpoint was saved; the beginning where there is none."""
    if not content:
        return BEGINNING
    loop = content["loops"]["fit_loop"]
    epoch = loop["epoch_progress"]["current"]["completed"]
    (loader,) = loop["state_dict"]["combined_loader"]
    batches = loader["batches"] if loader["epoch"] == epoch else 0
    return Position(epoch, batches, content["global_step"])


class RowOfStack:
    """One member as its single module: what KeepBest asks for its weights."""

    def __init__(self, member_state: Any, row: int) -> None:
        self._member_state, self._row = member_state, row

    def state_dict(self) -> dict[str, Tensor]:
        return {BEFORE + name: tensor for name, tensor in self._member_state(self._row).items()}


def at_epoch(epoch: int) -> Any:
    """What a single callback asks its trainer for at the end of an epoch (from 0)."""
    return SimpleNamespace(current_epoch=epoch, should_stop=False)


def as_lightning_has_it(value: float, dtype: torch.dtype) -> float:
    """A metric as a schedule sees it: a single run hands it over as a tensor of its loss's type."""
    return float(torch.tensor(value, dtype=dtype))
