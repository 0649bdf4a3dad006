"""A diagnosis as a call gives it back: plain words."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrscope.core.verdict import Diagnosis as Found


@dataclass(frozen=True)
class Diagnosis:
    """What became of a run: ``verdict`` in a word, ``why`` with the numbers that show it, ``advice`` what to do.

    ``failed``: nobody would use the model. ``note`` is all of it as Markdown. ``run_id`` is MLflow's, empty where the
    run is in no store.
    """

    run_id: str
    name: str
    verdict: str
    failed: bool
    why: str
    advice: str
    note: str = field(repr=False)

    @classmethod
    def of(cls, found: Found, note: str, name: str, run_id: str = "") -> Diagnosis:
        """What was found, as its primary finding says it."""
        primary, verdict = found.primary, found.verdict
        return cls(run_id, name, verdict.label, verdict.failed, primary.why, primary.advice, note)

    def __str__(self) -> str:
        return "\n".join(line for line in (f"{self.name}: {self.verdict}. {self.why}", self.advice) if line)

    def _repr_markdown_(self) -> str:
        return self.note
