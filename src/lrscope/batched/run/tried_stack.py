"""What is tried before members train as one model: a run's network on a batch of its data, where it trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lrscope.batched.model.memory import most_members
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.batched.run.members import BatchedMember, make_member
from lrscope.datasets.data import Part
from lrscope.runs.place_data import full_batch, place, placed
from lrscope.runs.prepare import PreparedRun
from lrscope.training import threads
from lrscope.training.objective import at
from lrscope.training.trainer import make_trainer


@dataclass(frozen=True, eq=False)
class TriedStack:
    """``part`` is the training part on its ``device``, ``batch`` how many of its examples an update takes."""

    trial: StackTrial
    device: torch.device
    member: BatchedMember
    part: Part
    batch: int

    @classmethod
    def of(cls, run: PreparedRun, other: PreparedRun | None = None) -> TriedStack:
        """Of any run of a stack, whose data is in memory; ``other``: one that differs from it.

        Raises:
            CannotStack: see ``make_member``.
        """
        member, cfg, data = make_member(run), run.cfg, run.source.data
        assert data is not None
        threads.use(cfg.trainer.threads)
        device = make_trainer(cfg).strategy.root_device
        part = place(data.train, device, cfg.trainer.precision.startswith("64"))
        batch = full_batch(cfg, part)
        if run.objective.of_module:
            from lrscope.batched.run.module_trial import ModuleTrial  # a network needs nothing of what it imports

            twin = make_member(other) if other is not None else member
            steps = ModuleTrial(member, twin, placed(data, cfg, device), batch, run)
            return cls(steps, device, member, part, batch)
        loss = at(run.objective.loss, next(member.part.network.parameters()).new_empty((), device=device))
        trial = StackTrial(member.part, part, batch, loss, cfg.trainer.precision, cfg.trainer.threads is None)
        return cls(trial, device, member, part, batch)

    def bytes_each(self) -> int:
        """Memory of one member while it trains."""
        return self.trial.footprint().of_batch(self.batch)

    def fit(self, members: int, sharing: int = 1) -> int:
        """The most members that the memory holds, by an estimate; on an accelerator a step of as many is tried too. On
        the processor one that does not fit makes the machine swap, or is killed: nothing to try.

        Args:
            members: there are not more than so many.
            sharing: how many workers share the memory.
        """
        estimate = max(1, most_members(self.bytes_each(), self.device) // on_one_device(sharing, self.device))
        count = wanted = min(members, estimate)
        while count > 1 and self.device.type != "cpu" and not self.trial.holds(count):
            count = -(-count // 2)
        return estimate if count == wanted else count


def on_one_device(workers: int, device: torch.device) -> int:
    """How many of this machine's workers train on a device such as this: GPUs are shared out among them."""
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    return -(-workers // max(1, count))


def different(runs: Sequence[PreparedRun]) -> tuple[PreparedRun, PreparedRun | None]:
    """The first of a stack, and the one that differs most from it; None of one alone."""
    first, *rest = runs

    def differs(run: PreparedRun) -> int:
        return (run.cfg.seed != first.cfg.seed) + (run.cfg.optimizer.get("lr") != first.cfg.optimizer.get("lr"))

    return first, max(rest, key=differs, default=None)
