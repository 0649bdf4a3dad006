"""Trains copies from the start of a run, each with something changed, and keeps the curves of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lrscope.batched.model.memory import most_members
from lrscope.core.trace import Series, Trace
from lrscope.diagnosis.signals.eval_steps import eval_steps, tenth_of
from lrscope.diagnosis.signals.probed import AGAIN, LOWER, SAME
from lrscope.probe.clock import Clock
from lrscope.probe.continue_training import Update, in_updates
from lrscope.probe.copies import Copies, bytes_of, copies_of
from lrscope.probe.probes import Probe
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.training import threads
from lrscope.training.evaluation import Evaluation
from lrscope.training.generators import untouched_generators

WARM = 8
"""Updates after which the pace is known; the first are slower."""
ENOUGH = 120
"""Updates that tell a rate that trains from one that does not, as a rule: rather fewer copies than fewer updates."""
TRAINED_ON = 6
"""Copies that are trained on to know whether they are at their end, with so many evaluations a way."""
LOOKS = 6
FEWEST_COPIES = 4
FEWEST_UPDATES = 12
"""With fewer updates nothing is said."""
WITH_EVALUATIONS = 1.5
EVALUATIONS = (8, 32)
"""At least and at most so many of each copy, half of them in its last 30%: what they take is half of the updates'."""


@dataclass(eq=False)
class TrialRecord:
    """What was seen of one copy: the loss and rate of every update, and evaluations at fixed weights."""

    change: Change
    start: Evaluation
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    seen: list[tuple[int, Evaluation]] = field(default_factory=list)
    ahead: dict[str, float] = field(default_factory=dict)
    """What it came to when it was trained on, by the names of ``probe.probes``."""

    @property
    def finite(self) -> bool:
        return all(map(math.isfinite, self.losses)) and all(math.isfinite(own.loss) for _, own in self.seen)

    def trace(self, start: TrialStart) -> Trace:
        """The curves as a run records them."""
        steps = [step for step, _ in self.seen]
        found = [own for _, own in self.seen]
        curves = {
            "train/loss": _series(range(len(self.losses)), self.losses),
            "lr": _series(range(len(self.rates)), self.rates),
            "train/loss_start": _series([0], [self.start.loss]),
            "output_spread_start": _series([0], [self.start.output_spread]),
            "train/loss_eval": _series(steps, [own.loss for own in found]),
            "output_spread": _series(steps, [own.output_spread for own in found]),
        }
        curves |= {name: _series([len(self.losses) - 1], [value]) for name, value in self.ahead.items()}
        if self.start.accuracy is not None:
            curves["train/acc"] = _series(steps, [own.accuracy or 0.0 for own in found])
        facts = replace(start.facts, trials=None, settings=None, planned_steps=start.length, peak_lr=max(self.rates))
        return Trace(curves, facts)


def _series(steps: Sequence[int] | range, values: Sequence[float]) -> Series:
    return Series(np.asarray(steps, np.int64), np.asarray(values, np.float64))


def try_out(start: TrialStart, changes: Sequence[Change], clock: Clock) -> list[TrialRecord] | None:
    """Train a copy for each change, as far as the time reaches, at most as long as the run.

    Args:
        changes: those that matter most first: where the time does not reach for all, the last are left out.

    Returns:
        What was seen of each that was tried; of none where the time reaches for next to nothing. None for a signal.
    """
    with untouched_generators():
        first = start.member(changes[0])
        network, examples = first.network, start.examples.inputs
        most = most_members(bytes_of(network, examples).of_batch(start.batch_size), start.device)
        members = [first, *(start.member(change) for change in changes[1:most])]
        fitting = threads.fitting(network, examples[:1], start.batch_size * len(members))
        with threads.at(fitting if start.free_threads else None):
            by_epoch = any(member.schedule is not None and member.schedule.interval == "epoch" for member in members)
            return _Trials(start, changes[: len(members)], copies_of(start, members), clock, by_epoch).run()


class _Trials:
    """Copies under way; those whose loss is no longer finite are dropped. ``by_epoch``: whether a schedule moves by
    epoch, and may look at a metric then.
    """

    def __init__(
        self, start: TrialStart, changes: Sequence[Change], copies: Copies, clock: Clock, by_epoch: bool
    ) -> None:
        self._start, self._copies, self._clock, self._by_epoch = start, copies, clock, by_epoch
        self._records = [TrialRecord(*pair) for pair in zip(changes, copies.evaluate(), strict=True)]
        self._alive = list(self._records)
        self._losses: list[Tensor] = []
        self._length = start.length
        self._looks = _looks(start, start.length)
        self._left = clock.left

    def run(self) -> list[TrialRecord] | None:
        """Train on until all have gone as far as the run, or the time is up."""
        step = 0
        for batches in in_updates(self._start.epoch, 0, self._start.accumulate):
            if self._clock.stop():
                return None
            if step >= self._length or self._clock.left < 0 or not self._alive:
                break
            self._update(batches)
            if step in self._looks:
                self._look(step)
            if self._by_epoch and (step + 1) % self._start.updates == 0:
                self._end_epoch(step)
            step += 1
            if step == 2:
                self._left = self._clock.left  # the first are slower
            if step == WARM:
                self._plan(step)
        self._look(step - 1)
        if step >= self._start.length:
            self._train_on(step)
        return self._records if step >= min(FEWEST_UPDATES, self._start.length) else []

    def _train_on(self, step: int) -> None:
        """As a finished run is: the few that came furthest down, for 10% more and for as many updates again."""
        fell = [record for record in self._alive if record.seen[-1][1].loss < record.start.loss]
        self._go_on(sorted(fell, key=lambda record: record.seen[-1][1].loss)[:TRAINED_ON])
        if not self._alive:
            return
        tenth, snapshot = tenth_of(step), self._copies.snapshot()
        last = [next((rate for rate in reversed(own.rates) if rate > 0), 0.0) for own in self._alive]
        ways: dict[str, Sequence[Sequence[float]]] = {
            SAME: [last] * tenth,
            LOWER: [[rate / 10 for rate in last]] * tenth,
            AGAIN: list(zip(*(own.rates for own in self._alive), strict=True)),
        }
        for name, rates in ways.items():
            looks = eval_steps(len(rates) - tenth, len(rates), LOOKS)
            losses = self._losses_at(rates, step, looks)
            if losses is None:
                return
            for record, own in zip(self._alive, losses, strict=True):
                record.ahead[name] = Probe(name, (), tuple(looks)).level(own)
            self._copies.restore(snapshot)

    def _losses_at(self, rates: Sequence[Sequence[float]], done: int, looks: Sequence[int]) -> list[list[float]] | None:
        """The losses of the copies at their evaluations on a way further; None where the time is up before its end."""
        seen: list[list[float]] = []
        first, skipped = divmod(done, self._start.updates)
        updates = islice(in_updates(self._start.epoch, first, self._start.accumulate), skipped, None)
        for step, (now, batches) in enumerate(zip(rates, updates, strict=False)):
            if self._clock.stop() or self._clock.left < 0:
                return None
            self._copies.at_rates(now)
            self._copies.update(batches)
            if step in looks:
                seen.append([own.loss for own in self._copies.evaluate()])
        return [list(own) for own in zip(*seen, strict=True)]

    def _update(self, batches: Update) -> None:
        for record, rate in zip(self._alive, self._copies.rates, strict=True):
            record.rates.append(rate)
        self._losses.append(self._copies.update(batches))

    def _plan(self, step: int) -> None:
        """Settle how many copies go how far in the time that is left: rather fewer copies than too short a way."""
        pace = max((self._left - self._clock.left) / (step - 2), 1e-9)
        reach, wanted = self._clock.left / pace / WITH_EVALUATIONS, min(ENOUGH, self._length)
        if reach < wanted and len(self._alive) > FEWEST_COPIES:
            count = max(FEWEST_COPIES, int(len(self._alive) * reach / wanted))
            reach *= len(self._alive) / count
            self._look(step - 1)
            self._records = self._alive[:count]
            self._go_on(self._alive[:count])
        self._length = min(self._length, step + int(reach))
        self._looks = _looks(self._start, self._length)

    def _look(self, step: int) -> None:
        """Hand out the losses since the last time, evaluate, and drop those that have run away."""
        if not self._losses:
            return
        losses = torch.stack(self._losses).T.tolist()
        self._losses.clear()
        for record, own, evaluated in zip(self._alive, losses, self._copies.evaluate(), strict=True):
            record.losses += own
            record.seen.append((step, evaluated))
        self._go_on([record for record in self._alive if record.finite])

    def _go_on(self, with_: Sequence[TrialRecord]) -> None:
        rows = [row for row, record in enumerate(self._alive) if record in with_]
        if 0 < len(rows) < len(self._alive):
            self._copies.keep(rows)
        self._alive = [self._alive[row] for row in rows]

    def _end_epoch(self, step: int) -> None:
        self._look(step)
        metrics = [_AnyMetric(record.seen[-1][1]) for record in self._alive]
        if metrics:
            self._copies.end_epoch(metrics)


class _AnyMetric(dict[str, float]):
    """The training part's numbers under whatever name a schedule asks for: copies have no validation."""

    def __init__(self, found: Evaluation) -> None:
        super().__init__()
        self._found = found

    def __missing__(self, name: str) -> float:
        accuracy = self._found.accuracy
        return accuracy if name.endswith("acc") and accuracy is not None else self._found.loss


def _looks(start: TrialStart, length: int) -> frozenset[int]:
    """Updates behind which the copies are evaluated, half of them in the last 30%."""
    trained = length * start.batch_size * start.accumulate * (1 + threads.BACK)
    count = int(min(max(trained / 2 / len(start.examples), EVALUATIONS[0]), EVALUATIONS[1]))
    late = round(0.7 * length)
    return frozenset([*eval_steps(0, late, count // 2), *eval_steps(late, length, count - count // 2)])
