"""Looks ahead from the end of members that trained together: copies of those that need it train on together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.evaluate_members import evaluate
from lrscope.batched.run.batched_module import BatchedModule
from lrscope.batched.run.members import BatchedMember
from lrscope.core.stop_signals import STOP
from lrscope.datasets.member_batches import MemberBatches
from lrscope.probe.budget import ProbeBudget
from lrscope.probe.continue_training import Update, cycles_momentum, in_updates, seed_of_order
from lrscope.probe.probes import Probe, further_probes, probes
from lrscope.runs.probe_run import warn_of_no_look
from lrscope.training import build
from lrscope.training.copied_network import copied
from lrscope.training.generators import same_generators

Wanting = tuple[int, BatchedMember, Probe]
"""A row of the stack, and what a copy of it is trained on for."""


def look_ahead(
    module: BatchedModule, members: Sequence[BatchedMember], rows: Sequence[int], scope: ProbeBudget, example_bytes: int
) -> Mapping[int, Mapping[str, float]]:
    """What copies of these rows, which ended as planned, come to, by row.

    Raises:
        Interrupted: a signal came before all of them were there.
    """
    if not scope.tenth:
        return {}
    traces = {
        row: members[row].recorder.trace(members[row].run.facts)
        for row in rows
        if not cycles_momentum(members[row].part.optimizer) and len(members[row].part.optimizer.param_groups) == 1
    }
    wanting = [(row, members[row], probe) for row, trace in traces.items() for probe in probes(trace, scope)]
    found = _found(module, wanting, example_bytes)
    further = [
        (row, members[row], probe) for row, first in found.items() for probe in further_probes(traces[row], first)
    ]
    for row, more in _found(module, further, example_bytes).items():
        found[row] |= more
    return found


def _found(module: BatchedModule, wanting: Sequence[Wanting], example_bytes: int) -> dict[int, dict[str, float]]:
    """What the copies come to, by row; nothing where one failed."""
    by_name: dict[str, list[Wanting]] = {}
    for one in wanting:
        by_name.setdefault(one[2].name, []).append(one)
    found: dict[int, dict[str, float]] = {}
    for name, group in by_name.items():
        try:
            with same_generators(module.learner.stack.weights.device):
                losses = _losses(module, group, example_bytes)
        except Exception as error:  # the members themselves have ended well
            warn_of_no_look(f"{len(group)} members", error)
            return {}
        for (row, _, probe), own in zip(group, losses, strict=True):
            found.setdefault(row, {})[name] = probe.level(own)
    return found


def _losses(module: BatchedModule, group: Sequence[Wanting], example_bytes: int) -> list[list[float]]:
    """The training losses of each row's copy at its evaluations; the same steps for all."""
    first = group[0][2]
    learner = _copies(module, group)
    eval_steps: list[list[float]] = []
    rates = zip(*(probe.rates for _, _, probe in group), strict=True)
    for step, (now, batches) in enumerate(zip(rates, _updates(module, group), strict=False)):
        STOP.raise_if_requested()
        learner.at_rates(now)
        for inputs, targets in batches:
            learner.gather(inputs, targets, own=module.batches.own)
        learner.update()
        if step in first.eval_steps:
            eval_steps.append(evaluate(learner.forward, module.batches.part, learner.loss, example_bytes).loss)
    return [list(own) for own in zip(*eval_steps, strict=True)]


def _copies(module: BatchedModule, group: Sequence[Wanting]) -> BatchedTrainer:
    learner = module.learner
    device, accumulate = learner.stack.weights.device, group[0][1].run.cfg.trainer.accumulate_grad_batches
    copies = [_copy(learner, row, member) for row, member, _ in group]
    return BatchedTrainer(copies, learner.loss, device, accumulate, learner.steps)


def _copy(learner: BatchedTrainer, row: int, member: BatchedMember) -> Member:
    network = copied(member.part.network)
    network.load_state_dict(learner.stack.member_state(row))
    optimizer = build.optimizer(member.run.cfg, network)
    optimizer.load_state_dict(learner.member_optimizer_state(row))
    return replace(
        member.part,
        network=network,
        optimizer=optimizer,
        schedule=None,
        generator=learner.member_generator(row),
        updates=None,
    )


def _updates(module: BatchedModule, group: Sequence[Wanting]) -> Iterator[Update]:
    cfg = group[0][1].run.cfg
    seeds = [seed_of_order(member.run.cfg.seed, probe.order) for _, member, probe in group]
    batches = MemberBatches(module.batches.part, cfg.batch_size, seeds, cfg.trainer.limit_train_batches)
    batches.own = module.batches.own
    return in_updates(batches.epoch, module.learner.steps // cfg.steps_per_epoch, cfg.trainer.accumulate_grad_batches)
