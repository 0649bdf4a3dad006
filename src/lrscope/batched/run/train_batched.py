"""Trains one stack: the story of ``runs/train_single.py`` for many runs at once."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import torch
from omegaconf import DictConfig
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor, nn

from lrscope.batched.model.batched_trainer import BatchedTrainer
from lrscope.batched.model.compiled_pass import Compiling
from lrscope.batched.model.forward import Forward
from lrscope.batched.model.losses import already
from lrscope.batched.model.memory import footprint
from lrscope.batched.run.batched_module import BatchedModule, BatchNumbers
from lrscope.batched.run.follow_members import EveryMemberStopped, Finish, FollowMembers
from lrscope.batched.run.member_checkpoint import SHARE_OF_TIME, content_of, save_members
from lrscope.batched.run.member_record import MemberRecord
from lrscope.batched.run.members import BatchedMember
from lrscope.batched.run.searches import StopWorst
from lrscope.core import gc_pause
from lrscope.core.errors import Interrupted
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.datasets.data import Data, Part
from lrscope.datasets.member_batches import MemberBatches
from lrscope.probe.budget import NOWHERE
from lrscope.runs.finish import TrainedRun, finish, never_left_running
from lrscope.runs.fit import scope_of, signal_choice
from lrscope.runs.lifecycle import RunEnd, open_record
from lrscope.runs.place_data import full_batch, placed
from lrscope.runs.shared_session import recording_session
from lrscope.runs.trained_otherwise import Way, tell_if_trained_otherwise
from lrscope.search.judging.stop_each import StopEach
from lrscope.tracking import Session
from lrscope.tracking.autolog import autolog_off
from lrscope.training.build import planned_epochs
from lrscope.training.callbacks.keep_checkpoints import KeepCheckpoints
from lrscope.training.callbacks.show_progress import ShowProgress
from lrscope.training.callbacks.stop_at_signal import StopAtSignal
from lrscope.training.checkpoint_folder import save_tensors
from lrscope.training.checkpoint_state import BEGINNING, Position
from lrscope.training.evaluation import Evaluation
from lrscope.training.objective import at
from lrscope.training.trainer import HALF, lightning_kept_quiet, make_trainer

TAGS = {"lrscope.together": "true"}


class CannotBatch(Exception):
    """Its cause says why."""


def train_batched(
    members: Sequence[BatchedMember],
    position: Position = BEGINNING,
    stops: StopWorst | StopEach | None = None,
    compile_from: int | None = None,
) -> list[Outcome]:
    """Train the members as one model, and close each one's record as if it had trained alone.

    Args:
        position: where all of them stand; they have been restored to it.
        stops: of a search, ends the worst of them at its rungs.
        compile_from: the model's pass is compiled, and that of a smaller one with so many updates to come; None for
            never.

    Returns:
        What became of each, in their order. After a signal those that had not ended are KILLED.

    Raises:
        CannotBatch: they cannot be put together; nothing has been recorded.
    """
    try:
        # First: what cannot be one model has left no record.
        group = _BatchedRun(members, position, stops, compile_from)
    except Exception as error:
        raise CannotBatch from error
    with recording_session(members[0].run.settings) as session, ExitStack() as stack:
        opened = []
        for member in members:
            log = open_record(member.run, session, member.recorder, TAGS)
            stack.enter_context(never_left_running(log))
            if member.run.resumes:
                log.tags(TAGS)
                if not member.has_ended or member.run.cfg.callbacks.look_ahead:  # copies of it train on again
                    now = Way(len(members), compile_from is not None)
                    tell_if_trained_otherwise(member.run, log, member.trained, now, position.updates)
            opened.append(replace(member, log=log))
        group.fit(opened, session)
    return [group.outcomes[member.run.local_id] for member in members]


class _BatchedRun:
    """One stack under way: its module, what follows it, and the outcomes of those that have ended."""

    def __init__(
        self,
        members: Sequence[BatchedMember],
        position: Position,
        stops: StopWorst | StopEach | None,
        compile_from: int | None,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        """By local id."""
        self._session: Session | None = None
        cfg = members[0].run.cfg
        self._began = time.monotonic()
        self._trainer = make_trainer(_without_own_steps(cfg))
        if isinstance(precision := self._trainer.precision_plugin, MixedPrecision):
            precision.scaler = None  # each member has its own
        device = self._trainer.strategy.root_device
        assert members[0].run.source.data is not None
        data = placed(members[0].run.source.data, cfg, device)
        self._module = module = _module(members, data.train, device, position, compile_from)
        self._follow = follow = _follower(module, members, data, self._finish, stops)
        keep = KeepCheckpoints(
            lambda trainer: save_members(module, follow.members, trainer),
            cfg.callbacks.checkpoint.every_seconds,
            lambda trainer: module.can_save and not trainer.should_stop,
            SHARE_OF_TIME,
        )
        shown = f"{len(members)} members", planned_epochs(cfg), cfg.callbacks.progress
        progress = ShowProgress(self._best, *shown, done=lambda: module.epoch)
        self._trainer.callbacks = [follow, progress, keep, StopAtSignal(STOP.requested, keep)]  # type: ignore[attr-defined]

    def fit(self, opened: Sequence[BatchedMember], session: Session) -> None:
        """Train until every member has ended, by itself or by a signal or an error.

        Args:
            opened: the members, with their records.
        """
        self._follow.members, self._session = list(opened), session
        gc_pause.go_on()
        try:
            with lightning_kept_quiet(), autolog_off():
                self._trainer.fit(self._module, BatchNumbers(self._module))
        except EveryMemberStopped:
            pass
        except Interrupted as stop:
            self._follow.end_all(RunEnd(signal_number=stop.signal_number))
        except SystemExit as ended:
            words = f"a part of it ended the program: sys.exit({ended.code!r})"
            self._follow.end_all(RunEnd(error=RuntimeError(words)))
        except Exception as error:
            if self._module.logs is not None:  # what no batch showed that was tried
                print("sweep.together=never trains each by itself", file=sys.stderr, flush=True)
            self._follow.end_all(RunEnd(error=error))

    def _finish(
        self, member: BatchedMember, row: int, end: RunEnd, test: Evaluation | None, probed: Mapping[str, float]
    ) -> None:
        """Close the record of a member; one that was closed ahead of an error stays as it is."""
        if member.run.local_id in self.outcomes:
            return
        assert member.log is not None
        assert self._session is not None
        content = partial(content_of, self._trainer, self._module, member, row, ended=True)
        network, state = member.part.network, partial(self._module.learner.stack.member_state, row)
        trained = TrainedRun(
            *(member.run, member.live, member.log, member.checkpoints),
            save=lambda path: save_tensors(content(), path),
            network=lambda: _with_state(network, state()),
        )
        end = replace(end, seconds=time.monotonic() - self._began)
        self.outcomes[member.run.local_id] = finish(trained, end, test, probed, self._session)

    def _best(self, key: str) -> float | None:
        """The best value of all members still trained, for the progress line."""
        values = [value for member in self._follow.members if (value := member.recorder.last(key)) is not None]
        finite = [value for value in values if math.isfinite(value)]
        return (max if key.endswith("acc") else min)(finite) if finite else None


def _with_state(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    network.load_state_dict(state)
    return network


def _follower(
    module: BatchedModule,
    members: Sequence[BatchedMember],
    data: Data,
    finish: Finish,
    stops: StopWorst | StopEach | None,
) -> FollowMembers:
    run, network = members[0].run, members[0].part.network
    if run.objective.of_module:
        from lrscope.batched.run.follow_modules import FollowModules  # a network needs nothing of what it imports

        return FollowModules(module, members, data, 0, finish, NOWHERE, stops)
    per_example = footprint(network, data.train.inputs[:2].cpu()).per_example
    return FollowMembers(module, members, data, per_example, finish, scope_of(run, network), stops)


def _module(
    members: Sequence[BatchedMember], train: Part, device: torch.device, position: Position, compile_from: int | None
) -> BatchedModule:
    run = members[0].run
    cfg = run.cfg
    per_update, signals = cfg.trainer.accumulate_grad_batches, signal_choice(cfg)
    loss = at(run.objective.loss, next(members[0].part.network.parameters()).new_empty((), device=device))
    forward, logs = Forward, None
    if run.objective.of_module:
        from lrscope.batched.run.member_logs import MemberLogs
        from lrscope.batched.run.step_forward import StepForward

        loss, forward = already, StepForward
        logs = MemberLogs("training_step", [member.logged for member in members])
    scaled = str(cfg.trainer.precision) in HALF
    parts, done = [member.part for member in members], position.updates
    batch = full_batch(cfg, train)
    compiling = Compiling(True, batch, compile_from, run.plan.total_steps) if compile_from is not None else None
    made = partial(BatchedTrainer, forward=forward, scaled=scaled, compiling=compiling)
    learner = made(parts, loss, device, per_update, done)
    seeds = [member.run.cfg.seed for member in members]
    return BatchedModule(
        learner,
        MemberBatches(train, cfg.batch_size, seeds, cfg.trainer.limit_train_batches),
        MemberRecord(members, signals, device, position.updates),
        run.plan,
        signals,
        per_update,
        position,
        logs,
    )


def _without_own_steps(cfg: DictConfig) -> DictConfig:
    """The trainer's config without what a stack does itself, and member by member."""
    own = copy.deepcopy(cfg)
    own.trainer.gradient_clip_val = None
    own.trainer.accumulate_grad_batches = 1
    own.trainer.limit_train_batches = None
    own.max_steps = None  # one that goes on counts its updates from 0: ``FollowMembers`` ends it
    return own
