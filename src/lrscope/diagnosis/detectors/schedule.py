"""A schedule that left the rate where it was, or took it away too early."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrscope.core.run_facts import RunFacts
from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.schedule_words import ENDS_AT, TENTH, Decay, decay_of, reach, unit_of
from lrscope.diagnosis.signals.run_signals import RunSignals

CONSTANT = frozenset({"", "none", "null", "constant"})


def is_scheduled(facts: RunFacts) -> bool | None:
    """Whether the rate was meant to change; None where it is not known (a run that lrscope did not make)."""
    if facts.scheduler is not None:
        return facts.scheduler.lower() not in CONSTANT
    return True if facts.scheduler_arguments else None


@dataclass(frozen=True)
class ScheduleNeverMoved(Detector):
    """A schedule other than constant whose rate stayed where it was, or a cycle that only went up.

    least_change: relative change of the rate over the run below which it has not moved. Source: the definition of the
        verdict (issue "Say why a learning rate failed").
    """

    verdict: ClassVar = Verdict.SCHEDULE_NEVER_MOVED
    least_change: float = 0.01

    def find(self, signals: RunSignals) -> Finding | None:
        rates, facts = signals.rates, signals.facts
        if not is_scheduled(facts) or len(rates) < 2 or not np.isfinite(rates).all():
            return None
        low, high = float(rates.min()), float(rates.max())
        change = high / low - 1 if low > 0 else math.inf
        evidence = (Evidence("change of the rate", change, self.least_change),)
        if change < self.least_change:
            return Finding(Verdict.SCHEDULE_NEVER_MOVED, _stayed(signals, change), _move_it(signals, change), evidence)
        if _cycles(facts) and (np.diff(rates) >= 0).all():
            why = (
                f"the {facts.scheduler} schedule only climbed, from {rates[0]:.4g} to {rates[-1]:.4g}, "
                f"in all {len(rates):,} steps: it never turned"
            )
            return Finding(Verdict.SCHEDULE_NEVER_MOVED, why, _turn(signals), evidence)
        return None


@dataclass(frozen=True)
class ScheduleRanOut(Detector):
    """A schedule that took the rate away long before the run was over.

    negligible: share of the peak rate below which a rate does nothing that matters: three more decades than a step
        decay usually takes in a run. share_of_run: share of the steps at such a rate. Source: the labelling rules in
        benchmarks/README.md.
    """

    verdict: ClassVar = Verdict.SCHEDULE_RAN_OUT
    negligible: float = 0.01
    share_of_run: float = 0.5

    def find(self, signals: RunSignals) -> Finding | None:
        rates = signals.rates
        if is_scheduled(signals.facts) is False or not len(rates) or not np.isfinite(rates).all():
            return None
        peak = float(rates.max())
        idle = rates < self.negligible * peak
        share = float(idle.mean())
        if share <= self.share_of_run:
            return None
        last = int(np.flatnonzero(~idle)[-1])
        why = (
            f"the rate was below {self.negligible:.0%} of its peak {peak:.4g} for {share:.0%} of the "
            f"{len(rates):,} steps "
            f"(after step {last:,}; {rates[-1]:.3g} at the end)"
        )
        return Finding(
            Verdict.SCHEDULE_RAN_OUT,
            why,
            _stretch(signals, last),
            (Evidence("share of steps idle", share, self.share_of_run),),
        )


def _cycles(facts: RunFacts) -> bool:
    name = (facts.scheduler or "").lower().replace("_", "")
    return "cyc" in name


def _stayed(signals: RunSignals, change: float) -> str:
    name, rates = signals.facts.scheduler or "schedule", signals.rates
    moved = "did not change" if change == 0 else f"changed by {change:.2g} of itself"
    why = (
        f"the rate {moved} in {len(rates):,} steps ({rates[0]:.7g} to {rates[-1]:.7g}) although the schedule is {name}"
    )
    decay = decay_of(signals)
    if decay is None:
        return why
    planned = _planned(decay, len(rates))
    if _stuck(signals, change):
        return f"{why}: by its arguments it comes down to {planned:.2g} of the peak, so its step was never advanced"
    if decay.every > len(rates):
        return f"{why}: {decay.words} is {_times(decay.every / len(rates))} the run"
    return f"{why}: {decay.words} leaves {planned:.4g} of the peak at the end"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def _planned(decay: Decay, steps: int) -> float:
    """The share of the peak that is left at the last of so many updates."""
    moves = (steps - 1) / decay.every
    return decay.factor ** (math.floor(moves) if decay.in_stairs else moves)


def _stuck(signals: RunSignals, change: float) -> bool:
    """Whether a decay should have moved the rate by now and did not at all: nobody advanced its step."""
    decay = decay_of(signals)
    return decay is not None and change == 0 and _planned(decay, len(signals.rates)) < 0.99


def _move_it(signals: RunSignals, change: float) -> str:
    arguments, unit = signals.facts.scheduler_arguments, unit_of(signals)
    if unit.name == "moves" and unit.count == 1:
        return f"leave scheduler.frequency={signals.facts.scheduler_frequency} out: the run is over by then"
    if _stuck(signals, change):
        return "call the scheduler's step() after every optimizer step (or every epoch, as it counts)"
    if "patience" in arguments:
        patience = max(0, unit.count // 4 - 1)
        if arguments["patience"] in range(patience + 1):
            return f"nothing to mend: the metric kept improving (scheduler.patience={arguments['patience']})"
        was = f"(was {arguments['patience']}; the run has {unit.count:,} {unit.name})"
        return f"nothing to mend where the metric kept improving; else set scheduler.patience={patience} {was}"
    words = reach(signals, TENTH)
    if words is not None:
        return words
    if "half_cycle_epochs" in arguments:
        return _turn(signals)
    return (
        f"check that the scheduler's step() is called, or make its length that of the run ({unit.count:,} {unit.name})"
    )


def _turn(signals: RunSignals) -> str:
    steps, per_epoch, arguments = len(signals.rates), signals.facts.steps_per_epoch, signals.facts.scheduler_arguments
    half, unit = max(1, steps // 4), unit_of(signals)
    if "step_size_up" in arguments:
        key = f" (scheduler.step_size_up={unit.of(half)} {unit.name})"
    elif "total_steps" in arguments:
        return f"set scheduler.total_steps={unit.count}, the {unit.name} of the run"
    else:
        known = per_epoch and ("half_cycle_epochs" in arguments or not arguments)
        key = f" (scheduler.half_cycle_epochs={_epochs_of(half, per_epoch)})" if per_epoch and known else ""
    return f"make the half-cycle at most {half:,} steps{key}, so that {steps:,} steps hold two cycles"


def _epochs_of(steps: int, per_epoch: int) -> str:
    """So many updates in epochs, in two digits and not more of them: ``0.24`` for 11 of 45."""
    digits = 10.0 ** (1 - math.floor(math.log10(steps / per_epoch)))
    return f"{math.floor(steps / per_epoch * digits) / digits:.2g}"


def _stretch(signals: RunSignals, last: int) -> str:
    arguments, steps = signals.facts.scheduler_arguments, len(signals.rates)
    if "patience" in arguments:
        return f"raise scheduler.patience (was {arguments['patience']}), or set scheduler.min_lr: the rest did nothing"
    words = reach(signals, ENDS_AT)
    if words is not None:
        return words
    slower = steps / max(1, last + 1)
    return f"make the schedule at least {slower:.1f}× as slow, or stop at step {last:,}: the rest did nothing"
