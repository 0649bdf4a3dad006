from __future__ import annotations

from lrscope.trace import Trace
from lrscope.verdict import Diagnosis


def note(diagnosis: Diagnosis, trace: Trace) -> str:
    parts = [f"## {f.verdict.label}\n\n{f.verdict.value.capitalize()}.\n\n{f.why}\n\n*Advice:* {f.advice}" for f in diagnosis.findings]
    return "\n\n".join(parts)
