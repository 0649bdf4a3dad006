"""The diagnosis as tags of its run: for the eye, for a search, and whole for the program that reads it later."""

from __future__ import annotations

from dataclasses import replace

from lrscope.core.tag_length import TAG_LENGTH
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis
from lrscope.diagnosis.note import note

NOTE = "mlflow.note.content"
"""MLflow's page shows it as the run's description."""

DIAGNOSIS = "lrscope.diagnosis"
"""All findings as JSON; :meth:`Diagnosis.from_json` reads it."""

MOST_CHARACTERS = TAG_LENGTH - 100
"""Of a note: what is written around it takes some of the tag."""


def verdict_and_note(diagnosis: Diagnosis, trace: Trace) -> dict[str, str]:
    """What a run is told of its diagnosis: :func:`verdict_tags`, and the note on it."""
    return {**verdict_tags(diagnosis), NOTE: note(diagnosis, trace)[:MOST_CHARACTERS]}


def verdict_tags(diagnosis: Diagnosis) -> dict[str, str]:
    """Verdict, why, and the whole diagnosis."""
    return {
        "lrscope.verdict": diagnosis.verdict.label,
        "lrscope.why": diagnosis.primary.why[:5000],
        DIAGNOSIS: _stored(diagnosis),
    }


def _stored(diagnosis: Diagnosis) -> str:
    """Of findings that are too long together, the first; text that is cut would be no JSON."""
    for kept in (diagnosis, Diagnosis(diagnosis.findings[:1])):
        if len(text := kept.to_json()) <= MOST_CHARACTERS:
            return text
    short = replace(diagnosis.primary, why=diagnosis.primary.why[:2000], advice=diagnosis.primary.advice[:2000])
    return Diagnosis((replace(short, otherwise="", evidence=()),)).to_json()
