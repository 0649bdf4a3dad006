"""One step of all members: forward, backward, clip, update, move the rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrscope.batched.model.clipping import Clipper, Clipping
from lrscope.batched.model.compiled_pass import Compiling
from lrscope.batched.model.forward import Forward
from lrscope.batched.model.group_updates import GroupUpdates, group_of_each
from lrscope.batched.model.images import lay_side_by_side
from lrscope.batched.model.layers import draw_from, normalise_as_alone
from lrscope.batched.model.loss_scales import LossScales
from lrscope.batched.model.losses import Loss
from lrscope.batched.model.masks import MaskSource
from lrscope.batched.model.member_rates import Rates, Schedule
from lrscope.batched.model.member_signals import UpdateMeters, grad_norms
from lrscope.batched.model.optimizer_state import saved_state, starting_state, updates_taken
from lrscope.batched.model.passes import WORTH_TRACING, Passes
from lrscope.batched.model.recurrence import recur_in_steps
from lrscope.batched.model.stack import CannotStack, Stack
from lrscope.batched.model.update_rules import RULES


@dataclass(frozen=True, eq=False)
class Member:
    """What a member brings: everything made exactly as its single run makes it, in that order, after seeding with
    ``seed``.
    """

    network: nn.Module
    optimizer: Optimizer
    """Over the network's trainable parameters."""
    schedule: Schedule | None = None
    seed: int = 0
    clipping: Clipping | None = None
    generator: Tensor | None = None
    """State of torch's CPU generator when all was made: dropout goes on from there."""
    updates: Mapping[str, Tensor | None] | None = None
    """State of its ``UpdateMeter``, where it goes on from a checkpoint."""
    loss_scale: Mapping[str, Any] | None = None
    """State of its ``GradScaler``, where it goes on from a checkpoint."""


@dataclass(frozen=True)
class Wanted:
    """Which signals of a step are measured, and whether the next step will be (the cosine needs the update
    before).
    """

    now: bool = False
    next: bool = False
    dead_units: bool = True
    updates: bool = True


NOTHING = Wanted(updates=False)


class BatchedTrainer:
    """Trains M members as one model; what becomes of one never touches the numbers of another.

    Members that have trained before go on where they are: weights, statistics, the state of optimizer and schedule are
    taken from their own objects.

    Args:
        accumulate: so many batches make one update: call ``gather`` for each and ``update`` behind the last.
        steps: updates that all members have behind them.
        trace_after: see ``Passes``.
        forward: how a pass of all members is made.
        scaled: whether each member has a loss scale, as float16 needs one.
        compiling: when a pass is compiled; None for never.

    Raises:
        CannotStack: the members differ in more than numbers, or their optimizer has no rule here.
    """

    def __init__(
        self,
        members: Sequence[Member],
        loss: Loss,
        device: torch.device | str = "cpu",
        accumulate: int = 1,
        steps: int = 0,
        trace_after: int = WORTH_TRACING,
        forward: type[Forward] = Forward,
        scaled: bool = False,
        compiling: Compiling | None = None,
    ) -> None:
        kind = _common_optimizer(members)
        device = torch.device(device)
        self.loss = loss
        self.stack = Stack([member.network for member in members], device)
        self.forward = forward(members[0].network, self.stack)
        normalise_as_alone(self.forward.network)
        recur_in_steps(self.forward.network)
        if device.type == "cpu":
            lay_side_by_side(self.forward.network)
        self.rates = Rates([m.optimizer for m in members], [m.schedule for m in members])
        self.steps = steps
        self.alive = list(range(len(members)))
        """Numbers (in the order of ``members``) of those still trained, one for each row."""
        self.signals: dict[str, Tensor] = {}
        self._members = list(members)
        self._micro: list[Tensor] = []
        self._rule = RULES[kind]
        taken = [updates_taken(member, steps) for member in members]
        self._scales = LossScales([m.loss_scale for m in members], taken, device) if scaled else None
        self._updates = self._read_groups()
        self.state = starting_state(self._members, self._rule, self._updates.numbers, self.stack)
        self._clipper = Clipper([member.clipping for member in members])
        self._meters = UpdateMeters()
        if any(member.updates is not None for member in members):
            self._meters.load([member.updates or {} for member in members], device)
        self._masks = self._mask_source(device)
        self._passes = Passes(self.forward, self.stack, loss, accumulate, trace_after, self._scales, compiling)

    def __len__(self) -> int:
        return len(self.alive)

    def gather(self, inputs: Tensor, targets: Tensor, *, own: bool, wanted: Wanted = NOTHING) -> None:
        """Forward and backward of one batch, adding to the gradients of this update."""
        first, given = not self._micro, self.forward.given(inputs, targets)
        if first:
            self.signals = {}
        if wanted.now and wanted.dead_units and first:
            outputs, dead = self.forward.train_and_count_dead(given, own=own)
            if dead is not None:
                self._note_dead(dead.share, dead.layers)
            losses, gradients = self._passes.back(outputs, targets, own=own)
        else:
            losses, gradients = self._passes(given, targets, own=own)
        self.stack.store_gradients(gradients, add=not first)
        self._micro.append(losses)

    @torch.no_grad()
    def update(self, wanted: Wanted = NOTHING) -> Tensor:
        """Take the step; the losses [M] of its batches (their mean where several were gathered).

        ``signals`` then holds what was measured of this step: ``grad_norm`` (before clipping), ``update_ratio``,
        ``update_cosine``, ``dead_units`` and ``dead_units/<layer>``, [M] each.
        """
        if self._scales is not None:
            self._scales.unscale(self.stack.gradients)
        if wanted.now:
            self.signals["grad_norm"] = grad_norms(self.stack.gradients)
        self._clipper.clip(self.stack)
        if wanted.updates:
            self._meters.before(self.stack.weights, wanted.now, wanted.next)
        self._apply_rule()
        reading = self._meters.after(self.stack.weights) if wanted.updates else None
        if reading is not None:
            self.signals["update_ratio"] = reading[0]
            if reading[1] is not None:
                self.signals["update_cosine"] = reading[1]
        losses = self._micro[0] if len(self._micro) == 1 else torch.stack(self._micro).mean(0)
        self._micro.clear()
        if self.rates.after_step():
            self._rates_moved()
        return losses

    def at_rates(self, rates: Sequence[float]) -> None:
        """Take the next updates at these rates, one a member, whatever the optimizers say; for members without
        schedules.
        """
        self._updates.refresh([rates] * len(self._updates))

    def leave_schedules(self) -> None:
        """From now on the rates are those of ``at_rates``, whatever schedules the members have."""
        self.rates = Rates([self._members[number].optimizer for number in self.alive], [None] * len(self))

    def snapshot(self) -> dict[str, Tensor]:
        """Where the training stands, to come back to with ``restore``."""
        held = {f"state/{name}": tensor for name, tensor in self.state.items()}
        held |= {f"buffers/{name}": tensor for name, tensor in self.stack.buffers.items()}
        copies = {name: tensor.clone() for name, tensor in {**held, "weights": self.stack.weights.detach()}.items()}
        return {**copies, "steps": torch.tensor(self.steps)}

    @torch.no_grad()
    def restore(self, snapshot: Mapping[str, Tensor]) -> None:
        """Go back to a snapshot of the same members."""
        self.stack.weights.copy_(snapshot["weights"])
        for name in self.state:
            self.state[name].copy_(snapshot[f"state/{name}"])
        for name in self.stack.buffers:
            self.stack.buffers[name].copy_(snapshot[f"buffers/{name}"])
        self.steps = int(snapshot["steps"])
        self._micro.clear()

    def end_epoch(self, metrics: Sequence[Mapping[str, float]]) -> None:
        """Move the schedules that move by epoch; ``metrics`` of every row, for those that look at one."""
        if self.rates.after_epoch(metrics):
            self._rates_moved()

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only (ascending); the others cost nothing any more."""
        index = torch.tensor(rows, device=self.stack.weights.device)
        self.alive = [self.alive[row] for row in rows]
        self.stack.keep(index)
        self.state = {name: tensor[index] for name, tensor in self.state.items()}
        self.rates.keep(rows)
        if self._scales is not None:
            self._scales.keep(rows)
        self._updates = self._read_groups()
        self._passes.of_fewer(self.steps)
        self._clipper = self._clipper.keep(rows)
        self._meters.keep(index)
        if self._masks is not None:
            self._masks.keep(rows)

    def member_optimizer_state(self, row: int) -> dict[str, Any]:
        """The ``state_dict`` of a member's optimizer as its single run would save it now."""
        taken = int(self._scales.taken[row]) if self._scales is not None else self.steps
        return saved_state(self._members[self.alive[row]], self._rule, self.stack, self.state, row, taken)

    def member_updates_state(self, row: int) -> dict[str, Tensor | None]:
        """The state of a member's ``UpdateMeter`` as its single run would save it now."""
        return self._meters.member_state(row)

    def member_loss_scale(self, row: int) -> dict[str, Any] | None:
        """The state of a member's loss scale as its single run would save it now; None where it has none."""
        return self._scales.member_state(row) if self._scales is not None else None

    def member_generator(self, row: int) -> Tensor | None:
        """The state of the generator that a member's masks are drawn from; None where it draws none."""
        return self._masks.state_of(row) if self._masks is not None else None

    @property
    def logged(self) -> Sequence[Any]:
        """What the members logged in their latest step, where their networks do."""
        return self.forward.logged

    @property
    def compiling(self) -> Compiling | None:
        """Whether the steps of the members that are left are compiled, and when those of fewer will be."""
        return self._passes.compiling

    @property
    def between_updates(self) -> bool:
        """Whether no batch is gathered that waits for its update."""
        return not self._micro

    def _apply_rule(self) -> None:
        self.steps += 1
        if self._scales is None:
            self._updates.apply(self.steps, self.stack, self.state)
            return
        with self._scales.skipping([self.stack.weights, *self.state.values()]) as somebody_skips:
            self._updates.apply(self.steps, self.stack, self.state)
        if somebody_skips:
            self._updates = self._read_groups()

    def _rates_moved(self) -> None:
        self._updates.refresh(self.rates.by_group, momentum_too=self.rates.moves_momentum)

    def _read_groups(self) -> GroupUpdates:
        behind = self.steps - self._scales.taken.numpy() if self._scales is not None else None
        return GroupUpdates(self._rule, [self._members[number] for number in self.alive], self.stack.weights, behind)

    def _note_dead(self, share: Tensor, layers: Sequence[Tensor]) -> None:
        self.signals["dead_units"] = share
        if len(layers) > 1:
            self.signals |= {f"dead_units/{k}": layer for k, layer in enumerate(layers, start=1)}

    def _mask_source(self, device: torch.device) -> MaskSource | None:
        states = [m.generator if m.generator is not None else torch.get_rng_state() for m in self._members]
        source = MaskSource([member.seed for member in self._members], states, device)
        return source if draw_from(self.forward.network, source) else None


def _common_optimizer(members: Sequence[Member]) -> type[Optimizer]:
    kinds = {type(member.optimizer) for member in members}
    if len(kinds) > 1:
        raise CannotStack("the optimizers of the members are of several classes")
    (kind,) = kinds
    if kind not in RULES:
        raise CannotStack(f"there is no batched update rule for {kind.__name__}")
    groups = [member.optimizer.param_groups for member in members]
    if len({str(group_of_each(member)) for member in members}) > 1:
        raise CannotStack("the members differ in their parameter groups")
    flags = {tuple(bool(own[0].get(flag, False)) for flag in RULES[kind].flags) for own in groups}
    if len(flags) > 1:
        raise CannotStack(f"the members differ in one of {', '.join(RULES[kind].flags)}")
    return kind
