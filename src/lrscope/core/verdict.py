"""What became of a run: a closed set of verdicts, and the evidence that carries them.

All that is said, drawn and decided by a verdict alone stands in this file: to add one, write its ``Meaning`` here and
its detector in ``lrscope.diagnosis.detectors``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

About = Literal["all", "schedule", "generalisation", "progress", "record"]
"""What a verdict speaks of. ``all``: nothing but the schedule is worth a word beside it. ``progress``: how far the
training loss came. ``record``: what was recorded, for want of anything to say of the run."""


@dataclass(frozen=True)
class Mark:
    """How an outcome is drawn: a colour (#hex) and a shape (matplotlib's letter), so that either tells it; and its
    style on a terminal, in rich's words."""

    colour: str
    shape: str
    style: str = ""


@dataclass(frozen=True)
class Meaning:
    """Everything that hangs on a verdict."""

    sentence: str
    mark: Mark
    about: About = "progress"
    failed: bool = False
    """Whether a run with this verdict gives a model that nobody would use."""
    certain_early: bool = False
    """Whether it can be certain before the run has ended: ``callbacks.stop_when`` may name it."""
    final: bool = False
    """Whether more steps would hardly ever change it."""
    of_the_best: str = ""
    """What to say where the recommended run has it; goes on from the run's name."""


class Verdict(Enum):
    """A closed set whose values are sentences. The order is the precedence: where several fit, the first is primary."""

    DIVERGED = Meaning(
        "the loss is not finite or has grown without bound",
        Mark("#d5420f", "X", "red"),
        about="all",
        failed=True,
        certain_early=True,
        final=True,
    )
    COLLAPSED = Meaning(
        "the network answers the same whatever the input",
        Mark("#d45f8a", "v", "red"),
        about="all",
        failed=True,
        certain_early=True,
    )
    SCHEDULE_NEVER_MOVED = Meaning(
        "the schedule left the rate where it was",
        Mark("#7f868f", "p"),
        about="schedule",
        final=True,
        of_the_best="ran on a schedule that never moved: this is a constant rate in truth",
    )
    SCHEDULE_RAN_OUT = Meaning(
        "the rate was negligible for most of the run",
        Mark("#7f868f", "h"),
        about="schedule",
        final=True,
        of_the_best="spent most of the run at a negligible rate",
    )
    OSCILLATING = Meaning(
        "the updates bounce across a minimum and do not shrink", Mark("#b05fc4", "D", "magenta"), failed=True
    )
    OVERFITTING = Meaning(
        "the validation loss rises while the training loss falls",
        Mark("#e69f00", "s", "yellow"),
        about="generalisation",
        of_the_best="overfits: keep the checkpoint of its best validation loss, not the last one",
    )
    STALLED = Meaning("gradients are alive, yet nothing improves", Mark("#8c6d4f", "P", "magenta"), failed=True)
    TOO_SLOW = Meaning(
        "the loss was still falling when the run ended",
        Mark("#3d8fd6", "<", "blue"),
        of_the_best="was still improving at the end: longer training, or a higher rate, gives a lower loss",
    )
    TRAINED = Meaning("the loss improved and levelled off", Mark("#009e73", "o", "green"))
    UNKNOWN = Meaning("too little was recorded to tell", Mark("#8f98a3", "."), about="record", final=True)

    _value_: str
    meaning: Meaning

    def __new__(cls, meaning: Meaning) -> Verdict:
        verdict = object.__new__(cls)
        verdict._value_ = meaning.sentence
        verdict.meaning = meaning
        return verdict

    @property
    def label(self) -> str:
        """The short name that tags and tables show: ``Verdict.TOO_SLOW.label == "too slow"``."""
        return self.name.lower().replace("_", " ")

    @property
    def failed(self) -> bool:
        """Whether a run with this verdict gives a model that nobody would use."""
        return self.meaning.failed

    @classmethod
    def from_best_to_worst(cls) -> tuple[Verdict, ...]:
        """As a legend lists them; without UNKNOWN, which says nothing."""
        known = [verdict for verdict in reversed(cls) if verdict is not cls.UNKNOWN]
        return tuple(sorted(known, key=lambda verdict: verdict.failed))

    def fits_beside(self, found: Iterable[Verdict]) -> bool:
        """Whether there is more to say of a run of which these were found, all of them of higher precedence."""
        if self.meaning.about == "schedule":
            return True
        subjects = {verdict.meaning.about for verdict in found}
        return "all" not in subjects and not (self is Verdict.TRAINED and "progress" in subjects)

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
    not_the_rate: bool = False
    """Whether something else than the rate explains it, so that no other rate helps."""


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
