"""What became of a run: a closed set of verdicts, and the evidence that carries them.

All that is said, drawn and decided by a verdict alone stands in this file: to add one, write its ``Meaning`` here and
its detector in ``lrscope.diagnosis.detectors``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from lrscope.core.from_store import line, number, parsed
from lrscope.core.trials import settings

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
    shown_by: tuple[str, ...] = ()
    """Which figures show it, by their names in ``report/why/evidence.py``, the most telling first."""
    tried_around: tuple[int, int] = (8, 2)
    """How many half decades below and above the rate of such a run are tried for its advice."""


class Verdict(Enum):
    """A closed set whose values are sentences. The order is the precedence: where several fit, the first is primary."""

    DIVERGED = Meaning(
        "the loss is not finite or has grown without bound",
        Mark("#d5420f", "X", "red"),
        about="all",
        failed=True,
        certain_early=True,
        final=True,
        shown_by=("single batches", "gradient"),
        tried_around=(10, 0),
    )
    COLLAPSED = Meaning(
        "the network answers the same whatever the input",
        Mark("#d45f8a", "v", "red"),
        about="all",
        failed=True,
        certain_early=True,
        shown_by=("dead units", "spread", "loss"),
        tried_around=(10, 2),
    )
    SCHEDULE_NEVER_MOVED = Meaning(
        "the schedule left the rate where it was",
        Mark("#7f868f", "p"),
        about="schedule",
        final=True,
        of_the_best="ran on a schedule that never moved: this is a constant rate in truth",
        shown_by=("rate",),
    )
    SCHEDULE_RAN_OUT = Meaning(
        "the rate was negligible for most of the run",
        Mark("#7f868f", "h"),
        about="schedule",
        final=True,
        of_the_best="spent most of the run at a negligible rate",
        shown_by=("rate", "loss"),
    )
    OSCILLATING = Meaning(
        "the updates bounce across a minimum and do not shrink",
        Mark("#b05fc4", "D", "magenta"),
        failed=True,
        shown_by=("bounce", "cosine"),
        tried_around=(8, 0),
    )
    OVERFITTING = Meaning(
        "the training loss falls, and what is learned does not hold for the validation examples",
        Mark("#e69f00", "s", "yellow"),
        about="generalisation",
        of_the_best="overfits: keep the checkpoint of its best validation loss, not the last one",
        shown_by=("validation", "loss"),
    )
    STALLED = Meaning(
        "the loss goes no further, far above what can be reached",
        Mark("#8c6d4f", "P", "magenta"),
        failed=True,
        shown_by=("loss", "gradient"),
        tried_around=(8, 6),
    )
    TOO_SLOW = Meaning(
        "the loss was still falling when the run ended",
        Mark("#3d8fd6", "<", "blue"),
        of_the_best="was still improving at the end: longer training, or a higher rate, gives a lower loss",
        shown_by=("loss",),
        tried_around=(2, 7),
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
        if "all" in subjects or (self.meaning.about == "progress" and "progress" in subjects):
            return False  # a loss does one thing at its end
        return self.failed or "generalisation" not in subjects  # to train on, or to keep it, is no advice there

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
class Cause:
    """Something else than the rate that has a part in what became of a run."""

    name: str
    """``clipping``, ``weight decay`` …: equal for runs that have the same cause, whatever their numbers."""
    why: str
    remedy: str
    instead: bool = True
    """Whether it takes the place of the rate, so that no other rate helps; else it is named beside the rate."""


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
    causes: tuple[Cause, ...] = ()
    """What else than the rate explains it; the words of ``why`` and ``advice`` have it already."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """The same advice as keys of the config with their values, where it was seen to train; see ``core.trials``."""

    @property
    def not_the_rate(self) -> bool:
        """Whether something else than the rate explains it, so that no other rate helps."""
        return any(cause.instead for cause in self.causes)


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

    def advising(self, advice: str) -> Diagnosis:
        """The same with other words on what to do, and no rate to go to."""
        told = (replace(one, advice=advice, rate=None, otherwise="", changes={}) for one in self.findings)
        return Diagnosis(tuple(told))

    def to_json(self) -> str:
        """As a run keeps it, so that whoever reads the run later need not judge it again from fewer curves."""
        return json.dumps([{**asdict(finding), "verdict": finding.verdict.label} for finding in self.findings])

    @classmethod
    def from_json(cls, text: str) -> Diagnosis:
        """What ``to_json`` wrote.

        Raises:
            ValueError: the text is no diagnosis.
        """
        try:
            findings = tuple(map(_stored_finding, parsed(text)))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("this is no diagnosis") from error
        if not findings:
            raise ValueError("a diagnosis finds something")
        return cls(findings)


def _stored_finding(stored: Mapping[str, Any]) -> Finding:
    """Every word of it may be somebody else's: each is taken for what it has to be."""
    rate = stored.get("rate")
    return Finding(
        verdict=Verdict.from_label(stored["verdict"]),
        why=line(stored["why"]),
        advice=line(stored["advice"]),
        evidence=tuple(_stored_evidence(item) for item in stored["evidence"]),
        certainty="weak" if stored["certainty"] == "weak" else "strong",
        rate=None if rate is None else number(rate),
        otherwise=line(stored["otherwise"]),
        causes=tuple(
            Cause(line(item["name"]), line(item["why"]), line(item["remedy"]), bool(item["instead"]))
            for item in stored["causes"]
        ),
        changes=settings(stored.get("changes")),
    )


def _stored_evidence(stored: Mapping[str, Any]) -> Evidence:
    value = number(stored["value"])
    if value is None:
        raise ValueError("a measured number is no number")
    bound = stored["bound"]
    return Evidence(line(stored["name"]), value, None if bound is None else number(bound), line(stored["unit"]))
