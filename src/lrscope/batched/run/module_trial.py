"""A LightningModule of the user's tried out: are its steps under vmap what they are of each member alone?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member, Wanted
from lrscope.batched.model.losses import already
from lrscope.batched.model.memory import Footprint, footprint
from lrscope.batched.model.stack import CannotStack
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.batched.model.within_rounding import CLOSE, MIXED_CLOSE, near
from lrscope.batched.run.member_logs import MemberLogs
from lrscope.batched.run.members import BatchedMember
from lrscope.batched.run.step_forward import Logged, Seen, StepForward, Steps, TakesOnlyOne, evaluated_by
from lrscope.batched.run.steps_alone import Marks, check_no_hooks
from lrscope.datasets.data import Data, Part
from lrscope.diagnosis import canonical_name
from lrscope.runs.looked_at import BEST_BY, looked_at
from lrscope.runs.prepare import PreparedRun
from lrscope.training import threads
from lrscope.training.generators import same_generators
from lrscope.training.user_module.at_fixed_weights import loss_in
from lrscope.training.user_module.evaluate_module import OPEN

Batch = tuple[Tensor, Tensor]

APART = 0.05
"""By so much of themselves the weights of the second member tried are moved: two that start from one seed are alike."""

VMAP = {
    ".item()": "takes a number out of a tensor (.item(), float() and the like), which differs from member to member",
    "data-dependent control flow": "decides by a number that differs from member to member",
}
"""By a part of torch's words what a step does that vmap does not take."""

ALWAYS_THERE = ("train/loss", "train/loss_epoch")
"""What is recorded of a module whatever it returns and logs."""


class ModuleTrial(StackTrial):
    """As for a network, with the module's own steps.

    Args:
        member, other: two members of the stack that differ.
        data: on the device.
        batch_size: examples of an update.
        run: of ``member``.
    """

    _forward = StepForward

    def __init__(
        self, member: BatchedMember, other: BatchedMember, data: Data, batch_size: int, run: PreparedRun
    ) -> None:
        cfg = run.cfg
        super().__init__(
            member.part, data.train, batch_size, already, cfg.trainer.precision, cfg.trainer.threads is None
        )
        self._other = other.part
        self._data, self._run, self._batch = data, run, batch_size
        self._flops: float | None = None
        self._names: set[str] = set()

    def refusal(self) -> str | None:
        """Why its members train one by one; None where a stack of two computes what each computes alone."""
        try:
            check_no_hooks(self._member.network)
            with same_generators(self._device), self._precision():
                for batch in _batches(self._data.train, self._batch):
                    self._try_training(batch)
                for part in (self._data.train, self._data.val if self._run.source.validates else None):
                    for batch in _batches(part, self._batch) if part is not None else ():
                        self._try_evaluation(batch)
                self._check_what_is_looked_at()
        except CannotStack as found:
            return str(found)
        except Exception as error:
            return _words(error)
        return None

    def why_not(self) -> str | None:
        return self.refusal()

    def footprint(self) -> Footprint:
        steps = Steps(self._copy().network.to(self._device))
        return footprint(
            steps.module, self._inputs[:2], lambda inputs: _loss(steps("training_step", (inputs, self._targets[:2])))
        )

    def _alone(self, member: Member) -> Callable[[], Tensor]:
        steps = Steps(member.network.to(self._device))
        return lambda: _loss(steps("training_step", (self._inputs, self._targets)))

    def _fitting(self, members: int) -> int | None:
        from torch.utils.flop_counter import FlopCounterMode

        if not self._free_threads:
            return None
        if self._flops is None:
            take = self._alone(self._copy())
            with same_generators(self._device), FlopCounterMode(display=False) as counter:
                take().backward()
            self._flops = float(counter.get_total_flops())
        return threads.for_work(self._flops * members)

    def _try_training(self, batch: Batch) -> None:
        members = self._two()
        own = members[0].seed != members[1].seed
        batches = [batch, (batch[0].flip(0), batch[1].flip(0)) if own else batch]
        alone = [self._train_alone(member, each) for member, each in zip(members, batches, strict=True)]
        learner = self._learner_of(self._two())
        given = tuple(torch.stack(each) for each in zip(*batches, strict=True)) if own else batch
        before = _drawn()
        learner.gather(given[0], given[1], own=own, wanted=Wanted(now=True))
        if _drawn() != before:
            raise TakesOnlyOne("training_step draws random numbers by itself, of which each member needs its own")
        gradients = learner.stack.view(learner.stack.gradients.clone())
        logged, losses = learner.logged, learner.update()
        for row, (loss, theirs, logged_alone, buffers) in enumerate(alone):
            scale = max(float(gradient.norm()) for gradient in theirs.values())
            self._compare(losses[row], loss, 1e-12)
            for name, gradient in theirs.items():
                self._compare(gradients[name][row], gradient, scale * 1e-3)
            self._compare_logged("training_step", logged, logged_alone, row)
            for name, buffer in buffers.items():
                self._compare(learner.stack.buffers[name][row].double(), buffer.double(), 1e-6)
        logs = MemberLogs("training_step")
        logs.add(logged, len(batch[0]))
        self._names |= set(logs.looked_at())

    def _train_alone(self, member: Member, batch: Batch) -> tuple[Tensor, dict[str, Tensor], list[Logged], Any]:
        steps = self._watched(member)
        if member.generator is not None:
            torch.set_rng_state(member.generator)
        marks = Marks(steps.module)
        loss = _loss(steps("training_step", batch))
        marks.check_unchanged("training_step")
        trained = {name: p for name, p in steps.module.named_parameters() if p.requires_grad}
        with torch.autocast(self._device.type, enabled=False):
            found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
        gradients = {
            name: torch.zeros_like(p) if own is None else own
            for (name, p), own in zip(trained.items(), found, strict=True)
        }
        return loss.detach(), gradients, [*steps.logged.values()], dict(steps.module.named_buffers())

    def _try_evaluation(self, batch: Batch) -> None:
        before = _drawn()
        alone = [self._evaluate_alone(member, batch) for member in self._two()]
        forward = self._learner_of(self._two()).forward
        assert isinstance(forward, StepForward)
        together = forward.evaluate_step(batch)
        if _drawn() != before:
            raise TakesOnlyOne("it draws random numbers by itself in an evaluation, of which each member needs its own")
        for row, (step, seen) in enumerate(alone):
            if (seen.losses is None) != (together.losses is None):
                raise TakesOnlyOne(f"{step} returns a number that is no tensor")
            if seen.losses is not None and together.losses is not None:
                self._compare(together.losses[row], seen.losses, 1e-12)
            self._compare_logged(step, together.logged, seen.logged, row)
        step, logged = alone[0][0], {canonical_name(one.name) for one in together.logged}
        found = {name.partition("/")[2] for name in logged} | ({"loss"} if together.losses is not None else set())
        self._names |= {{"loss": "train/loss_eval", "acc": "train/acc"}.get(name, name) for name in found}
        if step == "validation_step":
            self._names |= logged | ({"val/loss"} if together.losses is not None else set())
            if by_step := [one.name for one in together.logged if one.options.get("on_step")]:
                raise TakesOnlyOne(f"validation_step logs {by_step[0]} by step")
            logs = MemberLogs(step)
            logs.add(together.logged, len(batch[0]))
            self._names |= set(logs.looked_at())

    def _evaluate_alone(self, member: Member, batch: Batch) -> tuple[str, Seen]:
        steps = self._watched(member)
        steps.module.eval()
        step, marks = evaluated_by(steps.module), Marks(steps.module)
        with torch.no_grad():
            loss = loss_in(steps(step, batch))
        marks.check_unchanged(step)
        return step, Seen(loss if isinstance(loss, Tensor) else None, [*steps.logged.values()], steps.answers)

    def _check_what_is_looked_at(self) -> None:
        """Raises:
        TakesOnlyOne: a metric that decides something is not among those recorded; alone it says so.
        """
        wanted = looked_at(self._run)
        if wanted.get(BEST_BY) in OPEN:
            del wanted[BEST_BY]
        schedule = self._member.schedule
        if schedule is not None and isinstance(schedule.scheduler, ReduceLROnPlateau):
            wanted["scheduler"] = str(schedule.monitor)
            if self._run.cfg.callbacks.evaluate_every_epochs > 1 or self._run.cfg.evaluate_every_steps is not None:
                raise TakesOnlyOne("its schedule looks at a metric that is not evaluated every epoch")
        for metric in wanted.values():
            if metric not in self._names and metric not in ALWAYS_THERE:
                raise TakesOnlyOne(f"its steps log no {metric}, which something looks at")

    def _watched(self, member: Member) -> Steps:
        steps = Steps(member.network.to(self._device))
        steps.number = _Watched(0)
        return steps

    def _two(self) -> list[Member]:
        """Copies of two members, the second one's weights moved."""
        first, other = self._copy(), self._copy(self._other)
        moved = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in other.network.parameters():
                noise = torch.randn(parameter.shape, generator=moved, dtype=torch.float32)
                if parameter.requires_grad:
                    size = float(parameter.abs().mean()) or 1.0
                    parameter.add_((APART * size * noise).to(parameter.device, parameter.dtype))
        if self._device.type != "cpu":  # whose masks cannot be drawn as they are alone
            for layer in (*first.network.modules(), *other.network.modules()):
                if type(layer) is nn.Dropout:
                    layer.p = 0.0
        return [first, other]

    def _learner_of(self, members: Sequence[Member]) -> BatchedTrainer:
        return BatchedTrainer(members, self._loss, self._device, forward=StepForward)

    def _compare(self, mine: Tensor, own: Tensor, least: float) -> None:
        bound = MIXED_CLOSE if self._mixed else CLOSE
        if not near(mine.detach() - own, own, bound, least):
            raise TakesOnlyOne("as one model its members would compute something else than each alone")

    def _compare_logged(self, step: str, together: Sequence[Logged], alone: Sequence[Logged], row: int) -> None:
        if [one.name for one in together] != [one.name for one in alone]:
            raise TakesOnlyOne(f"{step} logs other names as one model than alone")
        for mine, own in zip(together, alone, strict=True):
            self._compare(mine.value[row].double(), own.value.double(), 1e-3)


class _Watched(int):
    """A number that nobody may decide by: it is another in every step, and one is tried."""


def _looked_at(*_: Any, **__: Any) -> Any:
    raise TakesOnlyOne("it looks at the number of its batch")


for _name in (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "floordiv", "mod", "divmod", "pow", "neg", "abs"),
    *("eq", "ne", "lt", "le", "gt", "ge", "bool", "hash", "int", "float", "index", "str", "repr", "format", "and"),
):
    setattr(_Watched, f"__{_name}__", _looked_at)


def _batches(part: Part, size: int) -> Iterator[Batch]:
    """A first batch of it, and its last one where that is smaller."""
    yield part.inputs[:size], part.targets[:size]
    if len(part) > size and (left := len(part) % size):
        yield part.inputs[-left:], part.targets[-left:]


def _loss(returned: Any) -> Tensor:
    loss = loss_in(returned)
    if not isinstance(loss, Tensor):
        raise TakesOnlyOne("it returns no loss of a batch")
    return loss


def _drawn() -> tuple[Any, ...]:
    """The state of every generator that a step could draw from."""
    cuda = [state.tolist() for state in torch.cuda.get_rng_state_all()] if torch.cuda.is_initialized() else []
    return torch.get_rng_state().tolist(), cuda, random.getstate(), repr(np.random.get_state())


def _words(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else ""
    known = next((words for part, words in VMAP.items() if "vmap" in first and part in first), None)
    return f"a step {known}" if known is not None else f"vmap does not take its steps ({type(error).__name__}: {first})"
