"""From the curves of a run to what became of it: pure functions over arrays, live or stored, alone or in a sweep."""

from __future__ import annotations

from lrscope.core.wilson import wilson_interval
from lrscope.diagnosis.aliases import canonical, canonical_name
from lrscope.diagnosis.detectors.divergence import is_diverged
from lrscope.diagnosis.diagnose import Thresholds, diagnose, diagnose_sweep
from lrscope.diagnosis.live import live_finding
from lrscope.diagnosis.note import note

__all__ = [
    "Thresholds",
    "canonical",
    "canonical_name",
    "diagnose",
    "diagnose_sweep",
    "is_diverged",
    "live_finding",
    "note",
    "wilson_interval",
]
