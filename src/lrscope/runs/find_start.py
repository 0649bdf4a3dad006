"""What a find needs of a run before its copies train: their start, their plan, and what their losses are of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.batched.model.stack_trial import StackTrial
from lrscope.core.errors import InputError, Problem
from lrscope.core.found_rate import Horizon, Measured
from lrscope.core.trials import RATE
from lrscope.datasets.data import Part
from lrscope.probe.continue_training import cycles_momentum, has_several_rates
from lrscope.probe.horizon_plan import HorizonPlan, plan_horizons
from lrscope.probe.horizons import CopyRecord, to_horizons
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.report.analysis.rate_law import Slope, known_slope
from lrscope.runs.place_data import place
from lrscope.runs.prepare import PreparedRun, has_validation
from lrscope.runs.trial_start_of import EVALUATED, can_be_tried, trial_start_of
from lrscope.training.supported import taken
from lrscope.training.trainer import make_trainer
from lrscope.training.user_loader import one_epoch

if TYPE_CHECKING:
    from lrscope.batched.model.batched_trainer import Member

INSTEAD = "Search it by whole runs: -m 'lr=interval(1e-5,10)'."


@dataclass(frozen=True, eq=False)
class FindStart:
    """Where the copies of a find begin. ``start.examples`` are those that their losses are of, ``metric`` says which.

    how: words on how they are trained. cautions: where a copy is not in all what the run will be.
    """

    run: PreparedRun
    start: TrialStart
    plan: HorizonPlan
    slope: Slope
    metric: str
    constant: float
    shape: tuple[float, ...] | None = None
    """Of the run's rate, as shares of the peak; None where it stays."""
    how: str = ""
    cautions: tuple[str, ...] = ()

    def train(self, stop: Callable[[], object]) -> list[CopyRecord] | None:
        """Train the copies; None for a signal."""
        return to_horizons(self.start, self.plan, self.run.facts.rate_key, stop)

    def measured(self, records: Sequence[CopyRecord]) -> Measured:
        """What they came to."""
        branches = enumerate(self.plan.branches)
        return Measured(
            rates=self.plan.rates,
            horizons=tuple(Horizon(b.updates, tuple(own.ends[n] for own in records)) for n, b in branches),
            start=records[0].start,
            planned=self.start.length,
            spent=self.plan.cost / self.start.length,
            metric=self.metric,
            constant=self.constant,
        )


def find_start(run: PreparedRun) -> FindStart:
    """The start of a run's copies.

    Raises:
        InputError: a copy would not do what the run does, or the run is too short.
    """
    trainer = make_trainer(run.cfg)
    if not can_be_tried(run, trainer.world_size):
        rule = "trains copies of a network, and this run is more than that: a LightningModule, callbacks of its own, "
        rule += "several devices, or a precision with a loss scale"
        raise InputError(Problem("find", "on", rule, INSTEAD))
    start = trial_start_of(run, trainer.strategy.root_device)
    member = start.member(Change(RATE, {run.facts.rate_key: run.cfg.find.low}))
    if has_several_rates(member.optimizer):
        rule = "looks for one rate, and the optimizer's groups have several"
        raise InputError(Problem("find", "on", rule, INSTEAD))
    held_out = _held_out(run, start)
    start = replace(start, examples=held_out) if held_out is not None else start
    shape = _shape(start, run)
    plan = plan_horizons(_rates(run), start.length, shape)
    if plan is None:
        rule = f"a run of {start.length} updates is too short to be told from a part of it"
        raise InputError(Problem("find", "on", rule, INSTEAD))
    constant = run.facts.val_constant_loss if held_out is not None else run.facts.constant_loss
    return FindStart(
        run,
        start,
        plan,
        known_slope(run.facts.optimizer, run.facts.momentum, shape is not None),
        metric="val/loss" if held_out is not None else "train/loss_eval",
        constant=constant if constant is not None else float("nan"),
        shape=shape,
        how=_how(start, member),
        cautions=tuple(_cautions(member)),
    )


def _rates(run: PreparedRun) -> tuple[float, ...]:
    asked = run.cfg.find
    return tuple(float(f"{rate:.3g}") for rate in np.geomspace(asked.low, asked.high, asked.copies))


def _held_out(run: PreparedRun, start: TrialStart) -> Part | None:
    """The validation part, or some of it, on the device; None where there is none."""
    if not has_validation(run.source):
        return None
    if run.source.data is not None:
        assert run.source.data.val is not None
        part = place(run.source.data.val, start.device, run.cfg.trainer.precision.startswith("64"))
        every = -(-len(part) // EVALUATED)
        return Part(part.inputs[::every], part.targets[::every])
    assert run.source.module is not None
    like = start.examples.inputs
    batches = one_epoch(run.source.module.val_dataloader(), run.cfg.trainer.limit_train_batches)
    pairs = [taken(batch, run.objective, like) for batch in islice(batches, EVALUATED)]
    inputs, targets = (torch.cat(parts)[:EVALUATED] for parts in zip(*pairs, strict=True))
    return Part(inputs, targets)


def _shape(start: TrialStart, run: PreparedRun) -> tuple[float, ...] | None:
    """The rate of each update of the whole run as a share of the highest; None for a constant one.

    A schedule that looks at a metric has no shape of its own: the copies stay at their rates.
    """
    member = start.member(Change(RATE, {run.facts.rate_key: (run.cfg.find.low * run.cfg.find.high) ** 0.5}))
    schedule = member.schedule
    if schedule is None or isinstance(schedule.scheduler, ReduceLROnPlateau):
        return None
    member.optimizer._opt_called = True  # type: ignore[attr-defined]  # else torch warns of steps that are none
    rates = []
    for step in range(1, start.length + 1):
        rates.append(float(member.optimizer.param_groups[0]["lr"]))
        if schedule.interval == "step" or step % start.updates == 0:
            schedule.scheduler.step()
    top = max(rates)
    return tuple(rate / top for rate in rates) if min(rates) < top else None


def _how(start: TrialStart, member: Member) -> str:
    trial = StackTrial(member, start.examples, start.batch_size, start.loss, start.precision, False)
    refusal = trial.refusal()
    return "" if refusal is None else f", one by one ({refusal})"


def _cautions(member: Member) -> list[str]:
    found = []
    if cycles_momentum(member.optimizer):
        found.append("the copies keep their momentum, which the schedule of the run moves")
    if member.schedule is not None and isinstance(member.schedule.scheduler, ReduceLROnPlateau):
        found.append("the copies keep their rates, which the schedule of the run lowers when the metric stalls")
    return found
