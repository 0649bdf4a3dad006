"""From the curves of a run to its verdict."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis.causes import explained
from lrscope.diagnosis.detectors import DETECTORS
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.sweep_evidence import in_sweep
from lrscope.diagnosis.tried import with_trials


def diagnose(trace: Trace, others: Sequence[Trace] = ()) -> Diagnosis:
    """What became of a run, from its curves alone; always at least one finding, the primary one first.

    Args:
        trace: the curves, under lrscope's metric names or common other ones; any of them may be missing.
        others: runs of the same data and network, e.g. the other members of the sweep: what they reach tells a run
            that stalled from one that is as good as it gets.
    """
    return _beside_each_other([RunSignals.of(trace), *(RunSignals.of(other) for other in others)])[0]


def diagnose_sweep(traces: Sequence[Trace]) -> list[Diagnosis]:
    """The diagnosis of each run of a sweep beside the others; only runs on the same data are compared."""
    return _beside_each_other([RunSignals.of(trace) for trace in traces])


def _beside_each_other(runs: Sequence[RunSignals]) -> list[Diagnosis]:
    """Each with the best of the others in view; then its advice is held against what the others came to."""
    beside = [run.beside([*runs[:i], *runs[i + 1 :]]) for i, run in enumerate(runs)]
    return in_sweep(runs, [with_trials(explained(_diagnose(run), run), run) for run in beside])


def _diagnose(signals: RunSignals) -> Diagnosis:
    if not len(signals.losses):
        why, advice = "no training loss was recorded", "log the training loss as train/loss, at every step or epoch"
        return Diagnosis((Finding(Verdict.UNKNOWN, why, advice, (), "weak"),))
    enough = signals.steps >= 2 or len(signals.losses) >= 2
    found: list[Finding] = []
    for detector in DETECTORS:
        told_by_one_loss = detector.verdict.meaning.about in ("all", "schedule")
        if not (enough or told_by_one_loss) or not detector.verdict.fits_beside(f.verdict for f in found):
            continue
        if (finding := detector.find(signals)) is not None:
            found.append(finding)
    if not enough and Verdict.UNKNOWN.fits_beside(finding.verdict for finding in found):
        found.append(Finding(Verdict.UNKNOWN, "a single loss was recorded", "train longer", (), "weak"))
    return Diagnosis(tuple(found))
