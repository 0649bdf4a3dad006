"""A stack tried out on one batch: does vmap take the network, are its gradients a member's own, what does a
step cost.
"""

from __future__ import annotations

import gc
import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.compiled_pass import Compiling, why_not
from lrscope.batched.model.forward import Forward
from lrscope.batched.model.losses import member_losses
from lrscope.batched.model.memory import Footprint, footprint, ran_out
from lrscope.batched.model.passes import WORTH_TRACING
from lrscope.batched.model.within_rounding import CLOSE, MIXED_CLOSE, near
from lrscope.datasets.data import Part
from lrscope.training import threads
from lrscope.training.copied_network import copied
from lrscope.training.generators import same_generators
from lrscope.training.supported import Loss

MIXED = {"bf16-mixed": torch.bfloat16, "bf16": torch.bfloat16, "16-mixed": torch.float16, "16": torch.float16}
"""By the words of ``trainer.precision`` what the products of a mixed one are made in."""

LEAST_ROUNDS = 3
LEAST_SECONDS = 0.05
MOST_SECONDS = 0.5
ROUNDS_COMPILED = 8


@dataclass(frozen=True)
class CompiledStep:
    """Seconds of a step whose pass is compiled, of one as it is, in turns with it, and of compiling."""

    seconds: float
    plain_s: float
    compiling_s: float


class StackTrial:
    """One batch of the real data, the real network and the real device; nothing here touches the members
    themselves.

    Args:
        member: any member of the stack; copies of it are tried.
        part: the training part on the device.
        free_threads: whether the number of threads may be chosen; the user may have.
    """

    _forward: type[Forward] = Forward

    def __init__(
        self, member: Member, part: Part, batch_size: int, loss: Loss, precision: str, free_threads: bool = True
    ) -> None:
        self._member = member
        self._inputs, self._targets = part.inputs[:batch_size], part.targets[:batch_size]
        self._loss = loss
        self._device = part.inputs.device
        self._mixed = MIXED.get(precision)
        self._scaled = self._mixed is torch.float16
        self._free_threads = free_threads and self._device.type == "cpu"

    def refusal(self) -> str | None:
        """Why this network cannot be stacked; None where a stack of two computes what a member alone computes."""
        try:
            with same_generators(self._device):
                learner = self._learner(2)
                learner.forward.network.train()
                before = torch.get_rng_state()
                with self._precision():
                    outputs = learner.forward.train(self._inputs, own=False)
                    losses = member_losses(self._loss, outputs, self._targets, own=False)
                own = torch.autograd.grad(losses.sum(), learner.stack.leaves)
                draws = not torch.equal(before, torch.get_rng_state())
                learner.gather(self._inputs, self._targets, own=False)
                learner.update()
                return None if draws else self._difference(losses[1], [gradient[1] for gradient in own])
        except Exception as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]

    def why_not(self) -> str | None:
        """Why its members train one by one, in words; None where they can train together."""
        refusal = self.refusal()
        return None if refusal is None else f"vmap does not take this network ({refusal})"

    def seconds_alone(self) -> float:
        """A step of one member in a plain loop, with as many threads as it would have."""
        alone = self._copy()
        take, optimizer = self._alone(alone), alone.optimizer
        scaler = torch.amp.GradScaler(self._device.type, enabled=self._scaled)

        def step() -> None:
            with self._precision():
                loss = take()
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

        with same_generators(self._device), threads.at(self._fitting(1)):
            return self._fastest(step)

    def footprint(self) -> Footprint:
        """Memory of one member while it trains."""
        return footprint(self._member.network, self._inputs[:2].cpu())

    def threads(self, members: int) -> int:
        """The number of threads that a stack of so many trains with."""
        return self._fitting(members) or torch.get_num_threads()

    def together(self, members: int) -> float:
        """Seconds of a step of a stack of so many once it has got going, with as many threads as it would have."""
        with same_generators(self._device), threads.at(self._fitting(members)):
            learner = self._learner(members, trace_after=1, scaled=self._scaled)
            return self._fastest(partial(self._step, learner))

    def compiled(self, members: int) -> CompiledStep | str:
        """What a step comes to once its pass is compiled, and what that took; or why it is not."""
        if (reason := why_not(self._device)) is not None:
            return reason
        with same_generators(self._device), threads.at(self._fitting(members)), warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            made = self._learner(members, compiling=Compiling(True, len(self._targets), 0, 0), scaled=self._scaled)
            if made.compiling is None:
                return "its pass is not the same operations each time"
            began = time.perf_counter()
            self._step(made)
            took = time.perf_counter() - began
            if not made.compiling.now:
                return "the compiler does not take it"
            plain = self._learner(members, trace_after=1)
            both = [[self._fastest(partial(self._step, one)) for one in (made, plain)] for _ in range(ROUNDS_COMPILED)]
            seconds, plain_s = map(min, zip(*both, strict=True))
            return CompiledStep(seconds, plain_s, took)

    def holds(self, members: int) -> bool:
        """Whether a step of a stack of so many goes through, and does not run out of memory."""
        try:
            self.together(members)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        else:
            return True
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return False

    def _step(self, learner: BatchedTrainer) -> None:
        with self._precision():
            learner.gather(self._inputs, self._targets, own=False)
        learner.update()

    def _alone(self, member: Member) -> Callable[[], Tensor]:
        """What computes the loss of one member."""
        network = member.network.to(self._device).train()
        return lambda: self._loss(network(self._inputs), self._targets)

    def _fitting(self, members: int) -> int | None:
        if not self._free_threads:
            return None
        return threads.fitting(self._member.network, self._inputs[:1], members * len(self._inputs))

    def _difference(self, loss: Tensor, gradients: Sequence[Tensor]) -> str | None:
        alone = self._copy()
        network = alone.network.to(self._device).train()
        _share_generator(alone)
        with self._precision():
            expected = self._loss(network(self._inputs), self._targets)
        parameters = [p for p in network.parameters() if p.requires_grad]
        own = [expected.detach(), *torch.autograd.grad(expected, parameters)]
        bound = MIXED_CLOSE if self._mixed else CLOSE
        scale = max(float(gradient.norm()) for gradient in own[1:])
        for mine, theirs in zip([loss.detach(), *gradients], own, strict=True):
            if not near(mine - theirs, theirs, bound, max(scale * 1e-3, 1e-12)):
                return "under vmap the network computes something else than alone"
        return None

    def _learner(self, members: int, trace_after: int = WORTH_TRACING, **how: Any) -> BatchedTrainer:
        copies = [self._copy() for _ in range(members)]
        return BatchedTrainer(copies, self._loss, self._device, trace_after=trace_after, forward=self._forward, **how)

    def _copy(self, of: Member | None = None) -> Member:
        """The member with a network and an optimizer of its own, and no schedule."""
        member = of or self._member
        network, kind = copied(member.network), type(member.optimizer)
        groups = member.optimizer.param_groups
        twin = dict(zip(map(id, member.network.parameters()), network.parameters(), strict=True))
        made: Any = kind
        optimizer = made([{"params": [twin[id(p)] for p in group["params"]]} for group in groups], lr=groups[0]["lr"])
        for mine, group in zip(optimizer.param_groups, groups, strict=True):
            mine.update({key: value for key, value in group.items() if key != "params"})
        return replace(member, network=network, optimizer=optimizer, schedule=None, updates=None)

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self._device.type, self._mixed) if self._mixed else nullcontext()

    def _fastest(self, step: Callable[[], None]) -> float:
        """The fastest of a few rounds, the first not counted."""
        taken: list[float] = []
        begun = math.inf
        while len(taken) <= LEAST_ROUNDS or time.perf_counter() - begun < LEAST_SECONDS:
            _wait(self._device)
            start = time.perf_counter()
            step()
            _wait(self._device)
            taken.append(time.perf_counter() - start)
            # The first may write its pass down, which alone takes longer than all the others are to.
            begun = min(begun, time.perf_counter())
            if len(taken) >= 2 and time.perf_counter() - begun > MOST_SECONDS:
                break
        return min(taken[1:])


def _share_generator(member: Member) -> None:
    if member.generator is not None:
        torch.set_rng_state(member.generator)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
