"""The trials of a failed run: rates first, then what else could be the cause, and what came of each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lrscope.core.trials import RATE, Trial, Trials
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.signals.probed import AGAIN
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.tried import fastest
from lrscope.diagnosis.untried import Untried
from lrscope.probe.clock import Clock
from lrscope.probe.trial_plan import (
    LONGER_BY,
    at_rates,
    inputs_changes,
    longer,
    other_causes,
    other_rates,
    rate_changes,
    rates_for_causes,
)
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.probe.try_out import TrialRecord, try_out

SETTLED = 0.035
"""Share of the fall that as many updates again may bring of a copy that is at its end: two thirds of what makes a run
too slow, as in another order of the data they may bring more.
"""
FELL = 0.02
"""Share of the first loss that a copy must have come down by to work."""


def trials(start: TrialStart, failed: Untried, clock: Clock) -> Trials | None:
    """Try other rates, and what else could be the cause; of a slow run, other rates and more updates.

    Returns:
        All that was tried; None where nothing was, or a signal came.
    """
    rounds = _of_a_failed_run if failed.verdict.failed else _of_a_slow_run
    found = _Found()
    for begin, changes in rounds(start, failed, found):
        if clock.left <= 0:
            break
        records = try_out(begin, changes, clock)
        if records is None:
            return None
        found.first = records[0].start.loss if records and not found.tried else found.first
        found.tried += [judged(record, begin) for record in records]
    return found.trials(start) if found.tried else None


@dataclass
class _Found:
    """What was tried so far: the next round depends on it."""

    first: float = math.nan
    tried: list[Trial] = field(default_factory=list)

    def trials(self, start: TrialStart) -> Trials:
        return Trials(self.first, start.length, tuple(self.tried))

    @property
    def works(self) -> bool:
        return any(trial.works for trial in self.tried)

    @property
    def lowest(self) -> Trial | None:
        return min((trial for trial in self.tried if trial.works), key=lambda trial: trial.loss, default=None)


Round = tuple[TrialStart, tuple[Change, ...]]


def _of_a_failed_run(start: TrialStart, failed: Untried, found: _Found) -> Iterator[Round]:
    key, causes = start.facts.rate_key, other_causes(start.facts, failed.rate)
    rates = rate_changes(key, other_rates(failed.rate, failed.verdict, failed.known, failed.below))
    yield start, (*rates[:2], *causes, *rates[2:])
    if not found.works and rates:
        lowest = min(float(change.settings[key]) for change in rates)
        yield start, rate_changes(key, other_rates(lowest, Verdict.DIVERGED))
    if not found.works:
        yield start, at_rates(causes, start.facts, rates_for_causes(start.facts, failed.rate)[1:])
    if not found.works and start.examples.inputs.is_floating_point():
        yield start.standardised(), inputs_changes(start.facts, failed.rate)


def _of_a_slow_run(start: TrialStart, failed: Untried, found: _Found) -> Iterator[Round]:
    key = start.facts.rate_key
    rates = other_rates(failed.rate, failed.verdict, failed.known, failed.below)
    yield start, rate_changes(key, rates)
    top = found.lowest
    if rates and (top is None or top.changes[key] == max(rates)):
        yield start, rate_changes(key, other_rates(max(rates), failed.verdict, (*rates, *failed.known), failed.below))
    by_steps = start.facts.length_key == "max_steps"
    length = ("max_steps", start.length) if by_steps else ("epochs", max(1, start.length // start.updates))
    for times in LONGER_BY:
        chosen = fastest(found.trials(start), failed.end)
        if chosen is not None and chosen.settled:
            return
        better = sorted((t for t in found.tried if t.works and t.loss < failed.end), key=lambda t: t.loss)
        best = [float(trial.changes[key]) for trial in better if trial.what == RATE][:2]
        yield replace(start, length=start.length * times), longer(key, [*best, failed.rate], length, times)


def judged(record: TrialRecord, start: TrialStart) -> Trial:
    """What a copy came to, by its own curves."""
    trace = record.trace(start)
    finding, signals = diagnose(trace).primary, RunSignals.of(trace)
    loss = float(f"{signals.end:.6g}") if record.finite else math.inf
    works = record.finite and not finding.verdict.failed and signals.fall > FELL * abs(signals.first)
    again = record.ahead.get(AGAIN, -math.inf)
    settled = works and signals.end - again < max(SETTLED * abs(signals.way), signals.level.bounce)
    times = signals.forecast.times if works and not settled else None
    change, label, updates = record.change, finding.verdict.label, len(record.losses)
    return Trial(change.what, change.settings, label, loss, updates, works, settled, times)
