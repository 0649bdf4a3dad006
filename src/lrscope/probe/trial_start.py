"""Where the trials of a run begin: its own start, with something changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lrscope.batched.model.batched_trainer import Member
from lrscope.core.run_facts import RunFacts
from lrscope.datasets.data import Part
from lrscope.probe.continue_training import Batch
from lrscope.training.supported import Loss


@dataclass(frozen=True)
class Change:
    """What a trial does otherwise than the run: its kind, and the keys of the config with their values."""

    what: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class TrialStart:
    """The start of a run, from which copies with changes are trained; nothing of the run is touched.

    member: network with the run's initial weights, optimizer and schedule, as the changed config makes them.
    epoch: the batches of an epoch (from 0) in the order of the run, on the device.
    examples: of the training part, for evaluation; ``facts`` are the run's, with the constant loss of these.
    updates: of an epoch. length: updates of the run. batch_size: examples of a batch.
    """

    member: Callable[[Change], Member]
    epoch: Callable[[int], Iterable[Batch]]
    examples: Part
    facts: RunFacts
    loss: Loss
    device: torch.device
    updates: int
    length: int
    batch_size: int
    accumulate: int = 1
    precision: str = "32-true"
    free_threads: bool = True

    def standardised(self) -> TrialStart:
        """The same on inputs with mean 0 and deviation 1, feature by feature."""
        inputs = self.examples.inputs
        mean, deviation = inputs.mean(0), inputs.std(0, correction=0)
        scale = torch.where(deviation > 0, deviation, torch.ones_like(deviation))

        def epoch(number: int) -> Iterable[tuple[Tensor, Tensor]]:
            return (((batch - mean) / scale, targets) for batch, targets in self.epoch(number))

        return replace(self, epoch=epoch, examples=Part((inputs - mean) / scale, self.examples.targets))
