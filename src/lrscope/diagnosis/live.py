"""What is certain of a run before it has ended."""

from __future__ import annotations

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding
from lrscope.diagnosis.detectors import DETECTORS
from lrscope.diagnosis.signals.run_signals import RunSignals


def live_finding(trace_so_far: Trace) -> Finding | None:
    """A verdict that more training will not change (``Meaning.certain_early``); None while there is hope.

    Cheap enough for every epoch's end. Weak evidence is no reason to end a run: only strong findings are returned.
    """
    signals = RunSignals.of(trace_so_far)
    if signals.steps == 0:
        return None
    early = (detector.find_early(signals) for detector in DETECTORS if detector.verdict.meaning.certain_early)
    return next((finding for finding in early if finding is not None), None)
