"""The trials of a corpus case, by lrscope's own code: where they begin, and the case with an advice followed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from corpus_parts.cases import Case
from corpus_parts.training import Run
from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.member_rates import Schedule
from lrscope.core.run_facts import RunFacts
from lrscope.core.trials import RESET, STANDARDISED
from lrscope.datasets.data import Part
from lrscope.probe.trial_start import Change, TrialStart


def followed(case: Case, changes: Mapping[str, Any]) -> Case:
    """The case with the changes that an advice names, by the keys of lrscope's configuration."""
    names = {
        "lr": "lr",
        "epochs": "epochs",
        "scheduler": "schedule",
        "optimizer.weight_decay": "weight_decay",
        "trainer.gradient_clip_val": "clip",
        RESET: "init",
        STANDARDISED: "inputs",
    }
    found: Any = replace(case, **{names[key]: value for key, value in changes.items() if key != "epochs"})
    if "epochs" in changes:  # a case counts updates
        found = replace(found, epochs=round(case.epochs * changes["epochs"] / Run(case).epochs))
    return found


def start_of(case: Case, facts: RunFacts) -> TrialStart:
    """Where the trials of a case begin: as its own run did."""
    run = Run(case)

    def member(change: Change) -> Member:
        changed = followed(case, change.settings)
        own = Run(changed) if {RESET, "epochs"} & change.settings.keys() else copy.copy(run)
        network = copy.deepcopy(own.model)
        own.case = changed
        optimizer = own._make_optimizer(network)
        rate = replace(own.rate, kind=changed.schedule, peak=1.0, used=[])
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate.at)
        clipping = Clipping(changed.clip) if changed.clip is not None else None
        return Member(network, optimizer, Schedule(schedule, "step"), case.seed, clipping)

    def epoch(number: int) -> Iterator[tuple[Tensor, Tensor]]:
        place = run.clone(0)
        place.position = number * run.per_epoch
        batches = place.batches()
        for _ in range(run.per_epoch):
            batch = next(batches)
            yield run.data.inputs[batch], run.data.targets[batch]

    part = Part(run.data.inputs, run.data.targets)
    loss: Any = nn.functional.cross_entropy if run.data.classes else nn.functional.mse_loss
    return TrialStart(member, epoch, part, facts, loss, torch.device("cpu"), run.per_epoch, run.steps, run.size)
