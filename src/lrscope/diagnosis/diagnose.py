"""From the curves of a run to its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis.causes import explained
from lrscope.diagnosis.detectors.collapse import Collapsed
from lrscope.diagnosis.detectors.divergence import Diverged
from lrscope.diagnosis.detectors.oscillation import Oscillating
from lrscope.diagnosis.detectors.overfitting import Overfitting
from lrscope.diagnosis.detectors.schedule import ScheduleNeverMoved, ScheduleRanOut
from lrscope.diagnosis.detectors.slowness import TooSlow
from lrscope.diagnosis.detectors.stall import Stalled
from lrscope.diagnosis.detectors.trained import trained
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.sweep_evidence import in_sweep


@dataclass(frozen=True)
class Thresholds:
    """The bounds of every detector, each documented where it is defined."""

    diverged: Diverged = field(default_factory=Diverged)
    collapsed: Collapsed = field(default_factory=Collapsed)
    never_moved: ScheduleNeverMoved = field(default_factory=ScheduleNeverMoved)
    ran_out: ScheduleRanOut = field(default_factory=ScheduleRanOut)
    oscillating: Oscillating = field(default_factory=Oscillating)
    overfitting: Overfitting = field(default_factory=Overfitting)
    stalled: Stalled = field(default_factory=Stalled)
    too_slow: TooSlow = field(default_factory=TooSlow)


DEFAULT = Thresholds()


def diagnose(trace: Trace, thresholds: Thresholds = DEFAULT, others: Sequence[Trace] = ()) -> Diagnosis:
    """What became of a run, from its curves alone; always at least one finding, the primary one first.

    Args:
        trace: the curves, under lrscope's metric names or common other ones; any of them may be missing.
        others: runs of the same data and network, e.g. the other members of the sweep: what they reach tells a run
            that stalled from one that is as good as it gets.
    """
    reading = RunSignals.of(trace)
    members = [reading, *(RunSignals.of(other) for other in others)]
    return _beside_each_other(members, thresholds)[0]


def diagnose_sweep(traces: Sequence[Trace], thresholds: Thresholds = DEFAULT) -> list[Diagnosis]:
    """The diagnosis of each run of a sweep beside the others; only runs on the same data are compared."""
    readings = [RunSignals.of(trace) for trace in traces]
    return _beside_each_other(readings, thresholds)


def _beside_each_other(members: Sequence[RunSignals], bounds: Thresholds) -> list[Diagnosis]:
    """Each with the best of the others in view; then its advice is held against what the others came to."""
    found = [
        explained(_diagnose(member, bounds, _best(member, [*members[:i], *members[i + 1 :]])), member)
        for i, member in enumerate(members)
    ]
    return in_sweep(members, found)


def _best(reading: RunSignals, others: Sequence[RunSignals]) -> float | None:
    """The lowest training loss that another run on the same data ends at."""
    mine = _data(reading)
    ends = (other.end for other in others if len(other.losses) and _data(other) == mine)
    return min((end for end in ends if np.isfinite(end)), default=None)


def _data(reading: RunSignals) -> tuple[object, ...]:
    facts = reading.facts
    return facts.task, facts.examples, facts.class_shares


def _diagnose(reading: RunSignals, bounds: Thresholds, best: float | None) -> Diagnosis:
    if not len(reading.losses):
        why, advice = "no training loss was recorded", "log the training loss as train/loss, at every step or epoch"
        return Diagnosis((Finding(Verdict.UNKNOWN, why, advice, (), "weak"),))
    diverged = bounds.diverged.find(reading)
    schedule = [f for f in (bounds.never_moved.find(reading), bounds.ran_out.find(reading)) if f is not None]
    if diverged is not None:
        return Diagnosis((diverged, *schedule))
    collapsed = bounds.collapsed.find(reading)
    if collapsed is not None:
        return Diagnosis((collapsed, *schedule))
    if reading.steps < 2 and len(reading.losses) < 2:
        return Diagnosis(
            (*schedule, Finding(Verdict.UNKNOWN, "a single loss was recorded", "train longer", (), "weak"))
        )
    found = [
        *schedule,
        bounds.oscillating.find(reading),
        bounds.overfitting.find(reading),
        bounds.stalled.find(reading, best),
        bounds.too_slow.find(reading, best),
    ]
    findings = tuple(f for f in found if f is not None)
    settled = {Verdict.OSCILLATING, Verdict.STALLED, Verdict.TOO_SLOW}
    return Diagnosis(findings if any(f.verdict in settled for f in findings) else (*findings, trained(reading)))
