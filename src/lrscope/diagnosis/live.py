"""What is certain of a run before it has ended."""

from __future__ import annotations

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding
from lrscope.diagnosis.diagnose import Thresholds
from lrscope.diagnosis.signals.run_signals import RunSignals

LEAST_EPOCHS = 3
"""A collapse is believed once the answers have been the same for every input at the end of so many epochs in a row."""


def live_finding(trace_so_far: Trace, thresholds: Thresholds | None = None) -> Finding | None:
    """A verdict that more training will not change: diverged or collapsed; None while there is hope.

    Cheap enough for every epoch's end. Weak evidence is no reason to end a run: only strong findings are returned.
    """
    bounds = thresholds or Thresholds()
    reading = RunSignals.of(trace_so_far)
    if reading.steps == 0:
        return None
    diverged = bounds.diverged.find(reading)
    if diverged is not None:
        return diverged
    spreads = reading.trace.get("output_spread").values
    if len(spreads) < LEAST_EPOCHS or not (spreads[-LEAST_EPOCHS:] < bounds.collapsed.spread).all():
        return None
    collapsed = bounds.collapsed.find(reading)
    return collapsed if collapsed is not None and collapsed.certainty == "strong" else None
