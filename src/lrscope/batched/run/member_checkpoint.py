"""A member's state in the form that its single run saves: either way of training goes on from it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch

from lrscope.batched.run.batched_module import GroupModule
from lrscope.batched.run.members import BEFORE, GroupMember, Position
from lrscope.training.callbacks.count_examples import CountExamples
from lrscope.training.checkpoint_folder import MEMBERS
from lrscope.training.fast_hooks import LeanCallback

SHARE_OF_TIME = 0.05
"""Saving 1,024 members takes seconds: the next time comes no sooner than keeps saving below this share."""


class KeepMembers(LeanCallback):
    """Saves all members every ``every_seconds`` between two updates, as ``KeepCheckpoints`` does for one."""

    def __init__(self, module: GroupModule, members: Sequence[GroupMember], every_seconds: float) -> None:
        self.module = module
        self.members = list(members)
        self.every_seconds = every_seconds
        self._due = time.monotonic() + every_seconds

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if time.monotonic() >= self._due and can_save(self.module):
            self.save(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if time.monotonic() >= self._due:
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Write the state of every member as it is now. Call it at an epoch's start or where ``can_save`` says
        so.
        """
        began = time.monotonic()
        self.module.record.flush()
        self.members[0].recorder.to_disk()  # one session records them all
        where = Position(self.module.epoch, self.module.done, self.module.learner.steps)
        for row, member in enumerate(self.members):
            save_member(trainer, self.module, member, row, where)
        now = time.monotonic()
        self._due = now + max(self.every_seconds, (now - began) / SHARE_OF_TIME)

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these."""
        self.members = [self.members[row] for row in rows]


def can_save(module: GroupModule) -> bool:
    """Whether this is a place between two updates of an epoch, from which training goes on bit for bit."""
    return module.learner.between_updates and not module.last_of_epoch


def save_member(trainer: pl.Trainer, module: GroupModule, member: GroupMember, row: int, where: Position) -> None:
    """Write one member's checkpoint, everything flushed."""
    member.checkpoints.write(partial(torch.save, content_of(trainer, module, member, row, where)))


def content_of(
    trainer: pl.Trainer, module: GroupModule, member: GroupMember, row: int, where: Position
) -> dict[str, Any]:
    """What Lightning would save of that member's single run at this position."""
    learner = module.learner
    scheduler = learner.rates.scheduler_of(row)
    loops = trainer._checkpoint_connector._get_loops_state_dict()
    loops["fit_loop"] |= _progress(where, module, member)
    generator = learner.member_generator(row)
    return {
        "epoch": where.epoch,
        "global_step": where.updates,
        "pytorch-lightning_version": pl.__version__,
        "state_dict": {BEFORE + name: tensor.cpu() for name, tensor in learner.stack.member_state(row).items()},
        "loops": loops,
        "callbacks": _callbacks(module, member, row, where),
        "optimizer_states": [learner.member_optimizer_state(row)],
        "lr_schedulers": [scheduler.state_dict()] if scheduler is not None else [],
        "lrscope_random": {**member.random, **({"torch": generator} if generator is not None else {})},
        MEMBERS: len(learner),
    }


def _callbacks(module: GroupModule, member: GroupMember, row: int, where: Position) -> dict[str, Any]:
    states: dict[str, Any] = {
        member.steps.state_key: {
            "recorder": member.recorder.state_dict(),
            "step": member.steps.step,
            "epoch": (member.epoch_loss, member.epoch_examples),
            "updates": module.learner.member_updates_state(row),
        },
        member.best.state_key: member.best.state_dict(),
    }
    if member.early is not None:
        states[member.early.state_key] = member.early.state_dict()
    if member.run.cfg.callbacks.count_examples:
        done = where.batches or (len(module.batches) if where.epoch else 0)
        counted = module.batches.examples_until(done)
        states[CountExamples.__qualname__] = {"examples": counted, "recorded": where.updates - 1}
    return states


def _progress(where: Position, module: GroupModule, member: GroupMember) -> Mapping[str, Any]:
    """Lightning's counters: at an epoch's start, within it, or (all epochs done) at the end."""
    each = len(module.batches)
    at_end, at_start = where.epoch == member.run.cfg.epochs, where.batches == 0
    batches = where.epoch * each + where.batches
    in_epoch = each if at_end else where.batches
    # Saved from a hook of the batch or epoch that is under way: Lightning counts it as completed only behind
    # the hook.
    open_batch = 0 if at_start or at_end else 1
    epochs = where.epoch + (0 if at_start or at_end else 1)
    per_update = member.run.cfg.trainer.accumulate_grad_batches
    updates_in_epoch = -(-in_epoch // per_update)
    total, current = _counts(where.updates, where.updates), _counts(updates_in_epoch, updates_in_epoch)
    begun = {"started": where.updates}, {"started": updates_in_epoch}
    schedule = member.part.schedule
    moves = {None: (0, 0), "step": (where.updates, updates_in_epoch), "epoch": (where.epoch, int(at_end))}
    moved, moved_in_epoch = moves[schedule.interval if schedule is not None else None]
    return {
        "state_dict": {"combined_loader": [_loader(where, each, at_start or at_end)]},
        "epoch_loop.state_dict": {"_batches_that_stepped": where.updates - open_batch},
        "epoch_loop.batch_progress": {
            "total": _all_counts(batches, batches - open_batch),
            "current": _all_counts(in_epoch, in_epoch - open_batch),
            "is_last_batch": at_end,
        },
        "epoch_loop.scheduler_progress": {
            "total": _counts(moved, moved),
            "current": _counts(moved_in_epoch, moved_in_epoch),
        },
        "epoch_loop.automatic_optimization.optim_progress": {
            "optimizer": {
                "step": {"total": total, "current": current},
                "zero_grad": {"total": {**total, **begun[0]}, "current": {**current, **begun[1]}},
            }
        },
        "epoch_loop.manual_optimization.optim_step_progress": {"total": _counts(0, 0), "current": _counts(0, 0)},
        "epoch_progress": {
            kind: {**_all_counts(epochs, where.epoch), "processed": where.epoch} for kind in ("total", "current")
        },
    }


def _loader(where: Position, each: int, between_epochs: bool) -> dict[str, int]:
    if between_epochs and where.epoch:
        return {"epoch": where.epoch - 1, "batches": each}
    return {"epoch": where.epoch, "batches": where.batches}


def _counts(ready: int, completed: int) -> dict[str, int]:
    return {"ready": ready, "completed": completed}


def _all_counts(ready: int, completed: int) -> dict[str, int]:
    return {"ready": ready, "completed": completed, "started": ready, "processed": ready}
