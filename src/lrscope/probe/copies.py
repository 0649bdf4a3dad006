"""Copies that are trained beside each other on the same batches: as one batched model, or one by one."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.evaluate_members import evaluate as evaluate_members
from lrscope.batched.model.memory import COPIES, Footprint, footprint
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.probe.continue_training import Update
from lrscope.probe.trial_start import TrialStart
from lrscope.training.evaluation import Evaluation, chunks, evaluate


class Copies(Protocol):
    """What trains several copies, a row each."""

    @property
    def rates(self) -> list[float]:
        """The rate of each copy's next update."""

    def update(self, batches: Update) -> Tensor:
        """Take an update of every copy on these batches; the losses [M] before it."""

    def end_epoch(self, metrics: Sequence[Mapping[str, float]]) -> None:
        """Move the schedules that move by epoch."""

    def evaluate(self) -> list[Evaluation]:
        """Each copy at fixed weights."""

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows (ascending) only."""

    def at_rates(self, rates: Sequence[float]) -> None:
        """Take the next updates at these rates, and leave the schedules for good."""

    def snapshot(self) -> Any:
        """Where the copies stand, for ``restore``."""

    def restore(self, snapshot: Any) -> None:
        """Go back to where the same copies stood."""


def copies_of(start: TrialStart, members: Sequence[Member]) -> Copies:
    """Trained as one model where that computes what each alone would, else one by one."""
    trial = StackTrial(members[0], start.examples, start.batch_size, start.loss, start.precision, False)
    if trial.refusal() is None:
        with suppress(Exception):  # as a sweep does it: what cannot be told of them together is told of each
            return BatchedCopies(start, members)
    return SingleCopies(start, members)


def bytes_of(network: nn.Module, inputs: Tensor) -> Footprint:
    """What a copy takes; of a network that cannot be measured, at least its weights."""
    try:
        return footprint(network, inputs[:2].cpu())
    except Exception:  # inputs that are no numbers, such as words
        return Footprint(COPIES * sum(p.numel() * p.element_size() for p in network.parameters()), 0)


class BatchedCopies:
    """All copies as one model with a leading axis."""

    def __init__(self, start: TrialStart, members: Sequence[Member]) -> None:
        self._start = start
        self._trainer = BatchedTrainer(members, start.loss, start.device, start.accumulate)
        self._bytes = bytes_of(members[0].network, start.examples.inputs).per_example

    @property
    def rates(self) -> list[float]:
        return self._trainer.rates.current

    def update(self, batches: Update) -> Tensor:
        with _precision(self._start):
            for inputs, targets in batches:
                self._trainer.gather(inputs, targets, own=False)
        return self._trainer.update()

    def end_epoch(self, metrics: Sequence[Mapping[str, float]]) -> None:
        self._trainer.end_epoch(metrics)

    def evaluate(self) -> list[Evaluation]:
        with _precision(self._start):
            found = evaluate_members(self._trainer.forward, self._start.examples, self._start.loss, self._bytes)
        return [found.of(row) for row in range(len(found.loss))]

    def keep(self, rows: Sequence[int]) -> None:
        self._trainer.keep(rows)

    def at_rates(self, rates: Sequence[float]) -> None:
        self._trainer.leave_schedules()
        self._trainer.at_rates(rates)

    def snapshot(self) -> dict[str, Tensor]:
        return self._trainer.snapshot()

    def restore(self, snapshot: Any) -> None:
        self._trainer.restore(snapshot)


class SingleCopies:
    """Networks that no batched model takes: each takes its own step."""

    def __init__(self, start: TrialStart, members: Sequence[Member]) -> None:
        self._start = start
        self._members = list(members)
        for member in members:
            member.network.to(start.device).train()

    @property
    def rates(self) -> list[float]:
        return [float(member.optimizer.param_groups[0]["lr"]) for member in self._members]

    def update(self, batches: Update) -> Tensor:
        losses = torch.stack([self._step(member, batches) for member in self._members])
        for member in self._members:
            if member.schedule is not None and member.schedule.interval == "step":
                member.schedule.scheduler.step()  # type: ignore[call-arg]
        return losses

    def end_epoch(self, metrics: Sequence[Mapping[str, float]]) -> None:
        for member, own in zip(self._members, metrics, strict=True):
            schedule = member.schedule
            if schedule is None or schedule.interval == "step":
                continue
            if isinstance(schedule.scheduler, ReduceLROnPlateau):
                schedule.scheduler.step(own[schedule.monitor or ""])
            else:
                schedule.scheduler.step()

    def evaluate(self) -> list[Evaluation]:
        with _precision(self._start):
            part, loss = self._start.examples, self._start.loss
            return [evaluate(member.network, chunks(part), loss) for member in self._members]

    def keep(self, rows: Sequence[int]) -> None:
        self._members = [self._members[row] for row in rows]

    def at_rates(self, rates: Sequence[float]) -> None:
        self._members = [replace(member, schedule=None) for member in self._members]
        for member, rate in zip(self._members, rates, strict=True):
            for group in member.optimizer.param_groups:
                group["lr"] = rate

    def snapshot(self) -> list[tuple[Any, Any]]:
        return [copy.deepcopy((m.network.state_dict(), m.optimizer.state_dict())) for m in self._members]

    def restore(self, snapshot: Any) -> None:
        for member, (weights, state) in zip(self._members, snapshot, strict=True):
            member.network.load_state_dict(weights)
            member.optimizer.load_state_dict(copy.deepcopy(state))

    def _step(self, member: Member, batches: Update) -> Tensor:
        first: list[Tensor] = []

        def closure() -> Tensor:
            member.optimizer.zero_grad()
            with _precision(self._start):
                losses = [self._start.loss(member.network(x), y) / self._start.accumulate for x, y in batches]
            total = torch.stack(losses).sum()
            total.backward()
            clip(member.network, member.clipping)
            first.append(total.detach() * (self._start.accumulate / len(losses)))  # an epoch's last may hold fewer
            return total.detach()

        member.optimizer.step(closure)  # type: ignore[arg-type]
        return first[0]


def clip(network: nn.Module, clipping: Clipping | None) -> None:
    """What a run does to its gradients before it takes a step."""
    if clipping is None:
        return
    if clipping.algorithm == "norm":
        nn.utils.clip_grad_norm_(network.parameters(), clipping.limit)
    else:
        nn.utils.clip_grad_value_(network.parameters(), clipping.limit)


def _precision(start: TrialStart) -> AbstractContextManager[object]:
    mixed = start.precision == "bf16-mixed"
    return torch.autocast(start.device.type, torch.bfloat16) if mixed else nullcontext()
