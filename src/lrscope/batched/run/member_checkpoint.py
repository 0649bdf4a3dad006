"""A member's state in the form that its single run saves: either way of training goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl

from lrscope.batched.run.batched_module import BatchedModule
from lrscope.batched.run.members import BatchedMember, carried
from lrscope.training.callbacks.count_examples import CountExamples
from lrscope.training.checkpoint_folder import save_tensors
from lrscope.training.checkpoint_state import COMPILED, ENDED, LOGGED, LOSS_SCALE, MEMBERS, RANDOM, counters_at

SHARE_OF_TIME = 0.05
"""Saving 1,024 members takes seconds: the next time comes no sooner than keeps saving below this share."""


def save_members(module: BatchedModule, members: Sequence[BatchedMember], trainer: pl.Trainer) -> None:
    """Write the state of every member as it is now, behind its record."""
    module.record.flush()
    members[0].recorder.to_disk()  # one session records them all
    for row, member in enumerate(members):
        member.checkpoints.write(partial(save_tensors, content_of(trainer, module, member, row)))


def content_of(
    trainer: pl.Trainer, module: BatchedModule, member: BatchedMember, row: int, ended: bool = False
) -> dict[str, Any]:
    """What Lightning would save of that member's single run where the stack stands now."""
    learner, where, schedule = module.learner, module.position, member.part.schedule
    scheduler = learner.rates.scheduler_of(row)
    loops = trainer._checkpoint_connector._get_loops_state_dict()
    per_update = member.run.cfg.trainer.accumulate_grad_batches
    interval = schedule.interval if schedule is not None else None
    loops["fit_loop"] |= counters_at(where, len(module.batches), per_update, interval, ended)
    generator, scale, compiling = learner.member_generator(row), learner.member_loss_scale(row), learner.compiling
    return {
        "epoch": where.epoch,
        "global_step": where.updates,
        "pytorch-lightning_version": pl.__version__,
        "state_dict": {
            member.names.before + name: tensor.cpu() for name, tensor in learner.stack.member_state(row).items()
        },
        "loops": loops,
        "callbacks": _callbacks(module, member, row),
        "optimizer_states": [learner.member_optimizer_state(row)],
        "lr_schedulers": [scheduler.state_dict()] if scheduler is not None else [],
        RANDOM: {**member.random, **({"torch": generator} if generator is not None else {})},
        MEMBERS: len(learner),
        **({COMPILED: compiling.least_updates} if compiling is not None and compiling.now else {}),
        **({LOSS_SCALE: scale} if scale is not None else {}),
        **({ENDED: True} if ended else {}),
        **(_of_module(module, member, row, ended) if module.logs is not None else {}),
    }


def _of_module(module: BatchedModule, member: BatchedMember, row: int, ended: bool) -> dict[str, Any]:
    from lrscope.training.user_module.carry_module import saved_arguments

    assert module.logs is not None and isinstance(member.part.network, pl.LightningModule)
    return {**saved_arguments(member.part.network), LOGGED: {} if ended else module.logs.sums_of(row)}


def _callbacks(module: BatchedModule, member: BatchedMember, row: int) -> dict[str, Any]:
    states = {name: held.state_dict() for name, held in carried(member).items()}
    states[member.names.steps]["updates"] = module.learner.member_updates_state(row)
    if member.run.cfg.callbacks.count_examples:
        done = module.done or (len(module.batches) if module.epoch else 0)
        counted = module.batches.examples_until(done)
        states[CountExamples.__qualname__] = {"examples": counted, "recorded": module.learner.steps - 1}
    return states
