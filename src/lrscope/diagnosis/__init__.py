"""From the curves of a run to what became of it: pure functions over arrays, live or stored, alone or in a sweep."""

from __future__ import annotations

from lrscope.diagnosis.detectors.divergence import is_diverged
from lrscope.diagnosis.diagnose import diagnose, diagnose_sweep
from lrscope.diagnosis.live import live_finding
from lrscope.diagnosis.note import note
from lrscope.diagnosis.signals.aliases import canonical, canonical_name

__all__ = [
    "canonical",
    "canonical_name",
    "diagnose",
    "diagnose_sweep",
    "is_diverged",
    "live_finding",
    "note",
]
