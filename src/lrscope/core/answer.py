"""What ``--json`` answers a program: these classes are the schema, written down for readers in docs/package.md.

``train``, ``diagnose``, ``compare`` and ``check`` print one :class:`Answer`, on every way out, and nothing else on
standard output. ``VERSION`` grows when a key goes or changes its meaning; new keys may come within a version. Numbers
that are not finite are null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lrscope.core.outcome import Outcome
from lrscope.core.verdict import Diagnosis, Finding, Verdict

if TYPE_CHECKING:
    from lrscope.core.found_rate import FoundRate

SCHEMA: Literal["lrscope.answer"] = "lrscope.answer"
VERSION: Literal[1] = 1


@dataclass(frozen=True)
class FoundAnswer:
    """One thing that was found about a run."""

    verdict: str
    why: str
    advice: str
    certainty: Literal["strong", "weak"]
    rate: float | None
    """That the advice leads to."""
    evidence: Mapping[str, float | None]
    """Measured numbers by what they are."""
    causes: tuple[str, ...]
    """What else than the rate explains it."""
    changes: Mapping[str, Any]
    """The advice as keys of the config with their values, where it was seen to train."""


@dataclass(frozen=True)
class RunAnswer:
    """What became of a run."""

    run_id: str
    """MLflow's; of a file its path; empty of a run that is in no store."""
    name: str
    status: str
    """MLflow's: FINISHED, FAILED, KILLED, RUNNING; empty of a file."""
    lr: float | None
    """The peak rate."""
    verdict: str
    """One of the verdicts of docs/diagnosis.md, or crashed, stopped, running."""
    failed: bool
    """Whether nobody would use the model."""
    why: str
    advice: str
    certainty: Literal["strong", "weak"] | None = None
    final: Mapping[str, float | None] = field(default_factory=dict)
    """Losses and metrics at the end, by their names."""
    findings: tuple[FoundAnswer, ...] = ()
    """Of ``diagnose``: all, the one behind the verdict first."""


@dataclass(frozen=True)
class SweepAnswer:
    """A sweep, and which of the runs are its members."""

    run_id: str
    name: str
    status: str
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class CommandAnswer:
    reason: str
    command: str


@dataclass(frozen=True)
class RecommendationAnswer:
    """What to use of the settings that differ in ``key`` alone."""

    group: str
    """What tells these settings from others of the sweep; empty where there are no others."""
    key: str
    use: float | str | None
    """None where nothing can be recommended."""
    low: float | str | None
    high: float | str | None
    """The range in which the best lies, with the probability ``confidence`` where that is known."""
    confidence: float | None
    evidence: Literal["clear", "tentative", "none"]
    loss: float | None
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    commands: tuple[CommandAnswer, ...]
    """What to run next, the most useful first."""


@dataclass(frozen=True)
class SideAnswer:
    """One side of a check: a setting over seeds."""

    run_ids: tuple[str, ...]
    setting: str
    mean: float | None
    """Of the loss over the seeds that trained."""
    low: float | None
    high: float | None
    seeds: int
    failed: int


@dataclass(frozen=True)
class CheckAnswer:
    """Whether the candidate is worse than the baseline."""

    worse: bool
    why: str
    metric: str
    baseline: SideAnswer
    candidate: SideAnswer
    difference: float | None
    """By how much the candidate's mean is worse than the baseline's (a higher loss, a lower accuracy); ``low`` to
    ``high`` is its interval over seeds.
    """
    low: float | None
    high: float | None
    allowed: float
    """By how much the loss may be higher."""


@dataclass(frozen=True)
class FindAnswer:
    """The rate that a find came to."""

    run_id: str
    use: float | None
    """None where it cannot be told; ``why_not`` says why."""
    low: float | None
    high: float | None
    """The range in which the best lies with a probability of 80%."""
    updates: int
    """The planned ones, that the rate is for."""
    why_not: str
    fails_from: float | None
    """The lowest rate from which on no copy gained anything."""
    sure: float
    """The probability that the best rate lies within a factor of 2."""


@dataclass(frozen=True)
class Answer:
    """All that a command says. What it is not about is empty."""

    command: Literal["train", "diagnose", "compare", "check"]
    exit_code: int = 0
    error: str | None = None
    """What the user has to change, or what broke; the command's lines on standard error have it too."""
    runs: tuple[RunAnswer, ...] = ()
    sweeps: tuple[SweepAnswer, ...] = ()
    recommendations: tuple[RecommendationAnswer, ...] = ()
    """The best first."""
    report: str | None = None
    """The page of the report, a file."""
    check: CheckAnswer | None = None
    find: FindAnswer | None = None
    """Of ``train find=on``."""
    schema: Literal["lrscope.answer"] = SCHEMA
    version: Literal[1] = VERSION

    def to_json(self) -> str:
        """One line."""
        first = {"schema": self.schema, "version": self.version}
        return json.dumps(plain({**first, **asdict(self)}), allow_nan=False)


def found_answers(found: Diagnosis) -> tuple[FoundAnswer, ...]:
    """All findings of a run."""
    return tuple(map(_found, found.findings))


def run_answer_of(outcome: Outcome) -> RunAnswer:
    """A run of the command that has just ended, as its job has left it; no store is asked."""
    known = outcome.verdict or ("crashed" if outcome.crashed else "stopped")
    failed = outcome.crashed or (bool(outcome.verdict) and Verdict.from_label(outcome.verdict).failed)
    return RunAnswer(
        outcome.run_id or "", outcome.name, outcome.status, outcome.lr, known, failed, outcome.why, outcome.advice,
        final=outcome.final,
    )  # fmt: skip


def find_answer(run_id: str, found: FoundRate) -> FindAnswer:
    """What a find came to."""
    low, high = (found.best.low, found.best.high) if found.best is not None else (None, None)
    return FindAnswer(run_id, found.lr, low, high, found.planned, found.why_not, found.fails_from, found.sure)


def _found(finding: Finding) -> FoundAnswer:
    return FoundAnswer(
        verdict=finding.verdict.label,
        why=finding.why,
        advice=finding.advice,
        certainty=finding.certainty,
        rate=finding.rate,
        evidence={item.name: item.value for item in finding.evidence},
        causes=tuple(cause.name for cause in finding.causes),
        changes=finding.changes,
    )


def plain(value: Any) -> Any:
    """JSON has no nan and no inf."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
