"""A stack as a LightningModule: the trainer's accelerator and precision hold, the steps are the stack's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from lrscope.batched.model.batched_trainer import BatchedTrainer, Wanted
from lrscope.batched.run.member_record import MemberRecord
from lrscope.datasets.member_batches import MemberBatches
from lrscope.training.callbacks.record_steps import SignalChoice
from lrscope.training.checkpoint_state import BEGINNING, Position
from lrscope.training.fast_hooks import hide_unused_hooks
from lrscope.training.recording import RecordingPlan

if TYPE_CHECKING:
    from lrscope.batched.run.member_logs import MemberLogs


class StackOptimizer(Optimizer):
    """The one optimizer that Lightning sees: a step of it is an update of all members, so its count is theirs."""

    def __init__(self, update: Callable[[], None]) -> None:
        super().__init__([torch.nn.Parameter(torch.zeros(()))], {})
        self._update = update

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self._update()


class BatchNumbers:
    """The loader: the numbers of an epoch's batches that are still to come. Their data is gathered on the
    device.
    """

    def __init__(self, module: BatchedModule) -> None:
        self._module = module

    def __iter__(self) -> Iterator[int]:
        # A generator looks at its first number: Lightning makes the iterator before the epoch has begun.
        yield from range(self._module.done, len(self._module.batches))


class BatchedModule(pl.LightningModule):
    """Takes the steps of all members; what the steps measured goes to ``record``.

    Args:
        position: of all members.
        logs: of LightningModules: what they log.
    """

    def __init__(
        self,
        learner: BatchedTrainer,
        batches: MemberBatches,
        record: MemberRecord,
        plan: RecordingPlan,
        signals: SignalChoice,
        accumulate: int = 1,
        position: Position = BEGINNING,
        logs: MemberLogs | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.learner = learner
        self.batches = batches
        self.record = record
        self.logs = logs
        self.epoch = position.epoch
        self.done = position.batches
        """Batches of this epoch that are done."""
        self.diverged: list[int] = []
        """Rows whose loss of the latest step says that they have diverged."""
        self._plan = plan
        self._signals = signals
        self._accumulate = accumulate
        self._data: Iterator[tuple[Tensor, Tensor]] = iter(())
        self._examples = 0
        self._wanted = Wanted()
        hide_unused_hooks(self, pl.LightningModule)

    def __setattr__(self, name: str, value: Any) -> None:
        # nn.Module would look each time whether a number is a parameter, a buffer or a module.
        if name in ("_current_fx_name", "done", "diverged", "_examples", "_wanted", "_data"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def position(self) -> Position:
        """Where all members stand."""
        return Position(self.epoch, self.done, self.learner.steps)

    @property
    def can_save(self) -> bool:
        """Whether this is a place between two updates of an epoch, from which training goes on bit for bit."""
        return self.learner.between_updates and not self.last_of_epoch

    @property
    def last_of_epoch(self) -> bool:
        """Whether the epoch's last batch is done."""
        return self.done == len(self.batches)

    def configure_optimizers(self) -> Optimizer:
        return StackOptimizer(self._update)

    def on_train_epoch_start(self) -> None:
        self._data = self.batches.epoch(self.epoch, self.done)

    def training_step(self, number: int) -> None:
        """Gather one batch; behind the last of an update, take it."""
        if self.learner.between_updates:
            self._wanted, self._examples, self.diverged = self._measured(), 0, []
        inputs, targets = next(self._data)
        self.learner.gather(inputs, targets, own=self.batches.own, wanted=self._wanted)
        self._examples += self.batches.examples(number)
        if self.logs is not None:
            self.logs.add(self.learner.logged, self.batches.examples(number))
        self.done = number + 1
        if self.done % self._accumulate == 0 or self.last_of_epoch:
            with torch.autocast(self.device.type, enabled=False):
                self.optimizers().step()  # type: ignore[union-attr]

    # Lightning looks its arguments up at every step; where a function carries its signature, that takes half the time.
    training_step.__signature__ = inspect.signature(training_step)  # type: ignore[attr-defined]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """A number lies everywhere."""
        return batch

    def end_epoch(self) -> None:
        """The next step is the first of the next epoch."""
        self.epoch += 1
        self.done = 0

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows only."""
        self.record.keep(rows)
        self.learner.keep(rows)
        self.batches.keep(rows)
        if self.logs is not None:
            self.logs.keep(rows)

    def _measured(self) -> Wanted:
        step, chosen = self.record.step, self._signals
        updates = chosen.update_ratio or chosen.update_cosine
        return Wanted(
            now=self._plan.keeps_signals(step),
            next=self._plan.keeps_signals(step + 1),
            dead_units=chosen.dead_units,
            updates=updates,
        )

    def _update(self) -> None:
        rates = self.learner.rates.by_group
        losses = self.learner.update(self._wanted)
        self.diverged = self.record.add(
            losses, rates, self._examples, self.batches.examples_until(self.done), self.learner.signals
        )
