from __future__ import annotations

from lrscope.diagnosis.diagnose import diagnose
from lrscope.trace import Trace
from lrscope.verdict import Finding, Verdict


def live_finding(trace_so_far: Trace) -> Finding | None:
    finding = diagnose(trace_so_far).primary
    return finding if finding.verdict in {Verdict.DIVERGED, Verdict.COLLAPSED} else None
