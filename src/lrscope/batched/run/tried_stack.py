"""What is tried before members train as one model: a run's network on a batch of its data, where it trains."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lrscope.batched.model.memory import footprint
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.batched.run.members import BatchedMember, make_member
from lrscope.datasets.data import Part
from lrscope.runs.place_data import full_batch, place
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
    def of(cls, run: PreparedRun) -> TriedStack:
        """Of any run of a stack, whose data is in memory."""
        member, cfg, data = make_member(run), run.cfg, run.source.data
        assert data is not None
        threads.use(cfg.trainer.threads)
        device = make_trainer(cfg).strategy.root_device
        part = place(data.train, device, cfg.trainer.precision.startswith("64"))
        batch = full_batch(cfg, part)
        loss = at(run.objective.loss, next(member.part.network.parameters()).new_empty((), device=device))
        trial = StackTrial(member.part, part, batch, loss, cfg.trainer.precision, cfg.trainer.threads is None)
        return cls(trial, device, member, part, batch)

    def bytes_each(self) -> int:
        """Memory of one member while it trains."""
        return footprint(self.member.part.network, self.part.inputs[:2].cpu()).of_batch(self.batch)
