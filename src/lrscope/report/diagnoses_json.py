"""Diagnoses as JSON for programs: one schema, with a version that grows when a key changes its meaning or goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lrscope.core.from_store import parsed
from lrscope.report.diagnose_stored import StoredDiagnosis

SCHEMA, VERSION = "lrscope.diagnosis", 1


def diagnoses_json(found: Iterable[StoredDiagnosis]) -> dict[str, Any]:
    """``schema``, ``version``, and ``runs``: of each ``run_id`` (of a file its path), ``name``, ``verdict``,
    ``failed``, ``why``, ``advice``, ``certainty``, and ``findings``, all of them as a run's tag keeps them.
    """
    return {"schema": SCHEMA, "version": VERSION, "runs": [_run(item) for item in found]}


def _run(item: StoredDiagnosis) -> dict[str, Any]:
    primary = item.diagnosis.primary
    return {
        "run_id": item.run_id,
        "name": item.name,
        "verdict": primary.verdict.label,
        "failed": primary.verdict.failed,
        "why": primary.why,
        "advice": primary.advice,
        "certainty": primary.certainty,
        "findings": parsed(item.diagnosis.to_json()),
    }
