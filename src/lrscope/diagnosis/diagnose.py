"""From the curves of a run to its verdict."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis.detectors import DETECTORS
from lrscope.diagnosis.signals.run_signals import RunSignals


def diagnose(trace: Trace, others: Sequence[Trace] = ()) -> Diagnosis:
    """What became of a run, from its curves alone; always at least one finding, the primary one first.

    Args:
        trace: the curves, under lrscope's metric names or common other ones; any of them may be missing.
        others: runs of the same data and network, e.g. the other members of the sweep: what they reach tells a run
            that stalled from one that is as good as it gets.
    """
    return _diagnose(RunSignals.of(trace).beside([RunSignals.of(other) for other in others]))


def diagnose_sweep(traces: Sequence[Trace]) -> list[Diagnosis]:
    """The diagnosis of each run of a sweep beside the others; only runs on the same data are compared."""
    runs = [RunSignals.of(trace) for trace in traces]
    return [_diagnose(run.beside(runs[:i] + runs[i + 1 :])) for i, run in enumerate(runs)]


def _diagnose(reading: RunSignals) -> Diagnosis:
    if not len(reading.losses):
        why, advice = "no training loss was recorded", "log the training loss as train/loss, at every step or epoch"
        return Diagnosis((Finding(Verdict.UNKNOWN, why, advice, (), "weak"),))
    enough = reading.steps >= 2 or len(reading.losses) >= 2
    found: list[Finding] = []
    for detector in DETECTORS:
        told_by_one_loss = detector.verdict.meaning.about in ("all", "schedule")
        if not (enough or told_by_one_loss) or not detector.verdict.fits_beside(f.verdict for f in found):
            continue
        if (finding := detector.find(reading)) is not None:
            found.append(finding)
    if not enough and Verdict.UNKNOWN.fits_beside(finding.verdict for finding in found):
        found.append(Finding(Verdict.UNKNOWN, "a single loss was recorded", "train longer", (), "weak"))
    return Diagnosis(tuple(found))
