"""A schedule that left the rate where it was, or took it away too early."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lrscope.core.trace import RunFacts
from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
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

    def find(self, reading: RunSignals) -> Finding | None:
        rates, facts = reading.rates, reading.facts
        if not is_scheduled(facts) or len(rates) < 2 or not np.isfinite(rates).all():
            return None
        low, high = float(rates.min()), float(rates.max())
        change = high / low - 1 if low > 0 else math.inf
        evidence = (Evidence("change of the rate", change, self.least_change),)
        if change < self.least_change:
            return Finding(Verdict.SCHEDULE_NEVER_MOVED, _stayed(reading, change), _move_it(reading, change), evidence)
        if _cycles(facts) and (np.diff(rates) >= 0).all():
            why = (
                f"the {facts.scheduler} schedule only climbed, from {rates[0]:.4g} to {rates[-1]:.4g}, "
                f"in all {len(rates):,} steps: it never turned"
            )
            return Finding(Verdict.SCHEDULE_NEVER_MOVED, why, _turn(reading), evidence)
        return None


@dataclass(frozen=True)
class ScheduleRanOut(Detector):
    """A schedule that took the rate away long before the run was over.

    negligible: share of the peak rate below which a rate does nothing that matters: three more decades than a step
        decay usually takes in a run. share_of_run: share of the steps at such a rate. Source: the labelling rules in
        docs/diagnosis.md.
    """

    verdict: ClassVar = Verdict.SCHEDULE_RAN_OUT
    negligible: float = 0.01
    share_of_run: float = 0.5

    def find(self, reading: RunSignals) -> Finding | None:
        rates = reading.rates
        if is_scheduled(reading.facts) is False or not len(rates) or not np.isfinite(rates).all():
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
            _stretch(reading, last),
            (Evidence("share of steps idle", share, self.share_of_run),),
        )


def _cycles(facts: RunFacts) -> bool:
    name = (facts.scheduler or "").lower().replace("_", "")
    return "cyc" in name


def _stayed(reading: RunSignals, change: float) -> str:
    name, rates, arguments = reading.facts.scheduler or "schedule", reading.rates, reading.facts.scheduler_arguments
    moved = "did not change" if change == 0 else f"changed by {change:.2g} of itself"
    why = (
        f"the rate {moved} in {len(rates):,} steps ({rates[0]:.7g} to {rates[-1]:.7g}) although the schedule is {name}"
    )
    decay = _decay(arguments)
    if decay is None:
        return why
    rate, steps = decay
    if _stuck(reading, change):
        expected = rate ** (len(rates) / steps)
        return f"{why}: by its arguments it comes down to {expected:.2g} of the peak, so its step was never advanced"
    return f"{why}: decay_steps={steps:g} is {steps / len(rates):,.0f}× the run"


def _stuck(reading: RunSignals, change: float) -> bool:
    """Whether a decay should have moved the rate by now and did not at all: nobody advanced its step."""
    decay, arguments = _decay(reading.facts.scheduler_arguments), reading.facts.scheduler_arguments
    if decay is None or change != 0 or arguments.get("staircase"):
        return False
    return decay[0] ** (len(reading.rates) / decay[1]) < 0.99


def _move_it(reading: RunSignals, change: float) -> str:
    arguments, steps = reading.facts.scheduler_arguments, len(reading.rates)
    decay = _decay(arguments)
    if decay is not None:
        wanted = steps * math.log(decay[0]) / math.log(0.1)
        if _stuck(reading, change):
            return "call the scheduler's step() after every optimizer step (or every epoch, as it counts)"
        if wanted >= 1:
            return f"set decay_steps={round(wanted)}: the rate then falls to a tenth over these {steps:,} steps"
        each = 0.1 ** (1 / steps)
        return f"set decay_steps=1 and decay_rate={each:.3g}: the rate then falls to a tenth over {steps:,} steps"
    if "patience" in arguments:
        return f"nothing to mend where the metric kept improving; else lower patience={arguments['patience']}"
    if "step_size" in arguments or "milestones" in arguments:
        epochs = reading.epochs
        third = f" (epoch {max(1, round(epochs / 3))} of {epochs})" if epochs else ""
        return f"let the first cut come within the run{third}, or use scheduler=constant"
    return "check that the scheduler's step() is called, or make its length that of the run"


def _turn(reading: RunSignals) -> str:
    steps, per_epoch = len(reading.rates), reading.facts.steps_per_epoch
    half = max(1, steps // 4)
    epochs = f" (half_cycle_epochs={max(1, round(half / per_epoch))})" if per_epoch else ""
    return f"make the half-cycle at most {half:,} steps{epochs}, so that {steps:,} steps hold two cycles"


def _stretch(reading: RunSignals, last: int) -> str:
    arguments, steps = reading.facts.scheduler_arguments, len(reading.rates)
    decay = _decay(arguments)
    if decay is not None:
        wanted = steps * math.log(decay[0]) / math.log(0.03)
        return f"set decay_steps={max(1, round(wanted))} (was {decay[1]:g}): the rate then ends at 3% of its peak"
    slower = steps / max(1, last + 1)
    return f"make the schedule at least {slower:.1f}× as slow, or stop at step {last:,}: the rest did nothing"


def _decay(arguments: Mapping[str, Any]) -> tuple[float, float] | None:
    """(decay_rate, decay_steps) where the schedule says so, also in torch's words for a decay per step."""
    rate = arguments.get("decay_rate", arguments.get("gamma"))
    steps = arguments.get("decay_steps", 1 if set(arguments) <= {"gamma", "last_epoch"} else None)
    if rate is None or steps is None or not 0 < float(rate) < 1 or not float(steps) > 0:
        return None
    return float(rate), float(steps)
