"""What is stored, as the parts of the answer that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lrscope.core.answer import (
    CheckAnswer,
    CommandAnswer,
    RecommendationAnswer,
    RunAnswer,
    SideAnswer,
    SweepAnswer,
    found_answers,
)
from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding
from lrscope.report.analysis.comparison import Row, compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.analysis.regression import Side
from lrscope.report.check_stored import Checked
from lrscope.report.data.stored_sweep import Member, Sweep
from lrscope.report.diagnose_stored import StoredDiagnosis

ENDS = ("train/loss_epoch", "train/loss_eval", "val/loss", "train/acc", "val/acc")
"""Curves whose last value is told."""


def diagnosed_runs(found: Iterable[StoredDiagnosis]) -> tuple[RunAnswer, ...]:
    """Of each run its verdict with all findings."""
    return tuple(_diagnosed(item) for item in found)


def recommendations_of(sweeps: Sequence[Sweep]) -> tuple[RecommendationAnswer, ...]:
    """What the report of these sweeps recommends, the best first."""
    return tuple(_recommended(one) for one in recommend(compare(sweeps))) if sweeps else ()


def members_of(sweeps: Sequence[Sweep]) -> tuple[RunAnswer, ...]:
    """The members of all of them."""
    return tuple(map(_member, compare(sweeps).rows))


def sweep_answer(sweep: Sweep) -> SweepAnswer:
    return SweepAnswer(sweep.run_id, sweep.title, sweep.status, tuple(member.run_id for member in sweep.members))


def check_answer(found: Checked) -> CheckAnswer:
    difference = found.judged.difference
    return CheckAnswer(
        worse=found.judged.worse,
        why=found.judged.why,
        metric=found.candidate.loss,
        baseline=_side(found.baseline),
        candidate=_side(found.candidate),
        difference=difference.mean if difference else None,
        low=difference.low if difference else None,
        high=difference.high if difference else None,
        allowed=found.judged.allowed,
    )


def _side(side: Side) -> SideAnswer:
    score = side.judge.estimate(side.score) if side.score else None
    return SideAnswer(
        run_ids=tuple(row.member.run_id for row in side.rows),
        setting=side.setting,
        mean=score.mean if score else None,
        low=score.low if score else None,
        high=score.high if score else None,
        seeds=side.seeds,
        failed=side.failed.count,
    )


def _diagnosed(item: StoredDiagnosis) -> RunAnswer:
    primary = item.diagnosis.primary
    found = _run(item, primary.verdict.label, primary.why, primary, lr=_rate(item.trace), failed=primary.verdict.failed)
    return replace(found, findings=found_answers(item.diagnosis))


def _run(
    stored: StoredDiagnosis | Member, verdict: str, why: str, finding: Finding | None, *, lr: float | None, failed: bool
) -> RunAnswer:
    """What became of a stored run, of a sweep or not."""
    return RunAnswer(
        run_id=stored.run_id,
        name=stored.name,
        status=stored.status,
        lr=lr,
        verdict=verdict,
        failed=failed,
        why=why,
        advice=finding.advice if finding is not None else "",
        certainty=finding.certainty if finding is not None else None,
        final=_ends(stored.trace),
    )


def _ends(trace: Trace) -> dict[str, float | None]:
    return {name: float(trace.get(name).values[-1]) for name in ENDS if len(trace.get(name))}


def _rate(trace: Trace) -> float | None:
    """The peak rate: as the config has it, else the largest that was recorded."""
    used = trace.get("lr").values
    return trace.facts.peak_lr if trace.facts.peak_lr is not None else float(used.max()) if len(used) else None


def _member(row: Row) -> RunAnswer:
    member = row.member
    return _run(member, member.outcome, member.why, member.finding, lr=member.rate, failed=member.failed)


def _recommended(found: Recommendation) -> RecommendationAnswer:
    return RecommendationAnswer(
        group=found.group,
        key=found.axis,
        use=found.use,
        low=found.low,
        high=found.high,
        confidence=found.confidence,
        evidence=found.evidence,
        loss=found.loss,
        sentences=found.sentences,
        warnings=found.warnings,
        commands=tuple(CommandAnswer(*one) for one in found.commands),
    )
