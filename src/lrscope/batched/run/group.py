"""Trains one stack: the story of ``run.py`` for many runs at once."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from omegaconf import DictConfig

from lrscope.batched.model.batched_trainer import BatchedTrainer
from lrscope.batched.model.memory import footprint
from lrscope.batched.run.batched_module import BatchNumbers, GroupModule
from lrscope.batched.run.follow_members import EveryMemberStopped, FollowMembers, GroupParts
from lrscope.batched.run.member_checkpoint import KeepMembers, save_member
from lrscope.batched.run.member_record import GroupRecord
from lrscope.batched.run.members import GroupMember, Position
from lrscope.batched.run.stop_members import StopGroupAtSignal
from lrscope.core import gc_pause
from lrscope.core.errors import Interrupted
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.datasets.data import Part
from lrscope.datasets.member_batches import MemberBatches
from lrscope.runs.artifacts import keep_best, keep_last, keep_model, wants_model
from lrscope.runs.fit import place, scope_of, signal_choice
from lrscope.runs.lifecycle import RunEnd, conclude, open_record
from lrscope.runs.shared_session import recording_session, settings_of
from lrscope.tracking import Session
from lrscope.training.callbacks.show_progress import ShowProgress
from lrscope.training.lightning_module import loss_of
from lrscope.training.trainer import lightning_kept_quiet, make_trainer

TAGS = {"lrscope.together": "true"}


def train_group(members: Sequence[GroupMember], position: Position | None = None) -> list[Outcome]:
    """Train the members as one model, and close each one's record as if it had trained alone.

    Args:
        position: where all of them stand; they have been restored to it.

    Returns:
        What became of each, in their order. After a signal those that had not ended are KILLED.
    """
    with recording_session(settings_of(members[0].run.cfg)) as session:
        opened = [_open(member, session) for member in members]
        try:
            group = _Group(opened, position or Position(), session)
            group.fit()
        except BaseException:
            for member in opened:
                if member.log is not None and member.log.ended is None:
                    member.log.end("FAILED")  # whatever goes wrong around the training: no run stays RUNNING
            raise
    return [group.outcomes[member.run.local_id] for member in members]


def _open(member: GroupMember, session: Session) -> GroupMember:
    """Start or continue the member's record."""
    log = open_record(member.run, session, TAGS)
    if member.run.resumes:
        log.tags(TAGS)
    member.recorder.attach(log.points, session.flush)
    if member.recorder.last("peak_lr") is None:
        member.recorder.values(0, {"peak_lr": member.run.facts.peak_lr or 0.0})
    return replace(member, log=log)


class _Group:
    """One stack under way: its module, what follows it, and the outcomes of those that have ended."""

    def __init__(self, members: Sequence[GroupMember], position: Position, session: Session) -> None:
        self.outcomes: dict[str, Outcome] = {}
        """By local id."""
        self._session = session
        cfg = members[0].run.cfg
        self._test = cfg.callbacks.test
        self._began = time.monotonic()
        self._trainer = make_trainer(_without_own_steps(cfg))
        device = self._trainer.strategy.root_device
        parts = _placed(members[0], device)
        self._module = _module(members, parts.train, device, position)
        self._keep = KeepMembers(self._module, members, cfg.callbacks.checkpoint.every_seconds)
        per_example = footprint(members[0].part.network, parts.train.inputs[:2].cpu()).per_example
        dtype = self._module.learner.stack.weights.dtype
        scope = scope_of(members[0].run, members[0].part.network)
        self._follow = FollowMembers(
            self._module, members, parts, dtype, per_example, self._finish, self._keep.keep, scope
        )
        self._trainer.callbacks = [  # type: ignore[attr-defined]
            self._follow,
            ShowProgress(_Best(self._follow), f"{len(members)} members", cfg.epochs, cfg.callbacks.progress),  # type: ignore[arg-type]
            self._keep,
            StopGroupAtSignal(STOP.requested, self._keep),
        ]

    def fit(self) -> None:
        """Train until every member has ended, by itself or by a signal or an error."""
        gc_pause.go_on()
        try:
            with lightning_kept_quiet():
                self._trainer.fit(self._module, BatchNumbers(self._module))
        except EveryMemberStopped:
            return
        except Interrupted as stop:
            self._end_all(RunEnd(signal_number=stop.signal_number))
        except Exception as error:
            self._end_all(RunEnd(error=error))

    def _end_all(self, ending: RunEnd) -> None:
        for row, member in enumerate(self._follow.members):
            if member.run.local_id not in self.outcomes:
                self._finish(member, row, ending, {})

    def _finish(self, member: GroupMember, row: int, ending: RunEnd, ahead: Mapping[str, float]) -> None:
        """Leave of a member what its single run would leave, and close its record."""
        assert member.log is not None
        finished = ending.as_planned
        if finished:
            if self._test:
                self._follow.evaluate_test(row)
            where = Position(self._module.epoch, self._module.done, self._module.learner.steps)
            save_member(self._trainer, self._module, member, row, where)
        keep_last(member.checkpoints, member.log)
        if member.best.weights:
            best = member.best
            keep_best(member.checkpoints, member.log, best.weights, best.epoch, best.monitor)
        if finished and wants_model(member.run):
            member.part.network.load_state_dict(self._module.learner.stack.member_state(row))
            keep_model(member.run, member.log, member.part.network, self._session)
        member.recorder.values(self._module.record.step - 1, ahead)
        ending = replace(ending, seconds=time.monotonic() - self._began)
        self.outcomes[member.run.local_id] = conclude(member.run, member.log, member.recorder, ending)


class _Best:
    """What the progress line asks a single run for: here the best of all members still trained."""

    def __init__(self, follow: FollowMembers) -> None:
        self._follow = follow

    @property
    def recorder(self) -> _Best:
        return self

    def last(self, key: str) -> float | None:
        values = [value for member in self._follow.members if (value := member.recorder.last(key)) is not None]
        finite = [value for value in values if math.isfinite(value)]
        return (max if key.endswith("acc") else min)(finite) if finite else None


def _placed(member: GroupMember, device: torch.device) -> GroupParts:
    data, double = member.run.source.data, member.run.cfg.trainer.precision.startswith("64")
    assert data is not None
    val, test = (place(part, device, double) if part is not None else None for part in (data.val, data.test))
    return GroupParts(place(data.train, device, double), val, test)


def _module(members: Sequence[GroupMember], train: Part, device: torch.device, position: Position) -> GroupModule:
    run = members[0].run
    cfg, data = run.cfg, run.source.data
    assert data is not None
    per_update, signals = cfg.trainer.accumulate_grad_batches, signal_choice(cfg)
    learner = BatchedTrainer([m.part for m in members], loss_of(run.source.task), device, per_update, position.updates)
    seeds = [member.run.cfg.seed for member in members]
    return GroupModule(
        learner,
        MemberBatches(train, cfg.batch_size, seeds, cfg.trainer.limit_train_batches),
        GroupRecord(members, signals, device, position.updates),
        run.plan,
        signals,
        per_update,
        position.epoch,
        position.batches,
    )


def _without_own_steps(cfg: DictConfig) -> DictConfig:
    """The trainer's config without what a stack does itself, and member by member."""
    own = copy.deepcopy(cfg)
    own.trainer.gradient_clip_val = None
    own.trainer.accumulate_grad_batches = 1
    own.trainer.limit_train_batches = None
    return own
