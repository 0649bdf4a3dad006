"""What became of a run: a closed set of verdicts, and the evidence that carries them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Verdict(Enum):
    """A closed set whose values are sentences. The order is the precedence: where several fit, the first is primary."""

    DIVERGED = "the loss is not finite or has grown without bound"
    COLLAPSED = "the network answers the same whatever the input"
    SCHEDULE_NEVER_MOVED = "the schedule left the rate where it was"
    SCHEDULE_RAN_OUT = "the rate was negligible for most of the run"
    OSCILLATING = "the updates bounce across a minimum and do not shrink"
    OVERFITTING = "the validation loss rises while the training loss falls"
    STALLED = "gradients are alive, yet nothing improves"
    TOO_SLOW = "the loss was still falling when the run ended"
    TRAINED = "the loss improved and levelled off"
    UNKNOWN = "too little was recorded to tell"

    @property
    def label(self) -> str:
        """The short name that tags and tables show: ``Verdict.TOO_SLOW.label == "too slow"``."""
        return self.name.lower().replace("_", " ")

    @property
    def failed(self) -> bool:
        """Whether a run with this verdict gives a model that nobody would use."""
        return self in _FAILED

    @classmethod
    def from_label(cls, label: str) -> Verdict:
        """The verdict of a label; underscores and capitals are forgiven.

        Raises:
            ValueError: no verdict has this label.
        """
        wanted = label.strip().lower().replace("_", " ")
        for verdict in cls:
            if verdict.label == wanted:
                return verdict
        raise ValueError(f"{label!r} is no verdict; there are {', '.join(v.label for v in cls)}")


_FAILED = frozenset({Verdict.DIVERGED, Verdict.COLLAPSED, Verdict.OSCILLATING, Verdict.STALLED})

Certainty = Literal["strong", "weak"]


@dataclass(frozen=True)
class Evidence:
    """One measured number: what it is, its value, and the bound it was held against (None where there is none)."""

    name: str
    value: float
    bound: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing found about a run: ``why`` is a sentence with numbers, ``advice`` says what to do about this run."""

    verdict: Verdict
    why: str
    advice: str
    evidence: tuple[Evidence, ...] = ()
    certainty: Certainty = "strong"
    rate: float | None = None
    """The rate that the advice leads to; None where it names none."""
    otherwise: str = ""
    """What the advice says beside that rate."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings of a run, the primary one first. There is always at least one."""

    findings: tuple[Finding, ...]

    @property
    def primary(self) -> Finding:
        return self.findings[0]

    @property
    def verdict(self) -> Verdict:
        return self.primary.verdict
