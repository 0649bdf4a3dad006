"""From the curves of a run to what became of it: pure functions over arrays, live or stored, alone or in a sweep.

Anybody may use it; it knows traces, and nothing of where a run was trained or stored.

    signals      a trace -> the numbers that detectors look at
    detectors    the numbers -> findings, a file for each verdict
    causes       what else than the rate explains a finding; data_causes: of data and loss
    tried        advice from what copies came to that were trained with something changed
    untried      for which runs that has to be done
    sweep_evidence    advice held against what the other members came to
    diagnose     findings -> a diagnosis, of one run or beside the others of a sweep
    live         what is certain before the run has ended
    note         the diagnosis as Markdown; verdict_tags: as the tags of its run; readable: as a call gives it back
    foreign      what the params of a run of another program say about it
"""

from __future__ import annotations

from lrscope.diagnosis.detectors.divergence import is_diverged
from lrscope.diagnosis.diagnose import diagnose, diagnose_sweep
from lrscope.diagnosis.live import live_finding
from lrscope.diagnosis.note import note
from lrscope.diagnosis.signals.aliases import canonical, canonical_name
from lrscope.diagnosis.verdict_tags import verdict_and_note, verdict_tags

__all__ = [
    "canonical",
    "canonical_name",
    "diagnose",
    "diagnose_sweep",
    "is_diverged",
    "live_finding",
    "note",
    "verdict_and_note",
    "verdict_tags",
]
