"""What the parent run of a sweep shows in MLflow's table of runs: a name that tells sweeps apart, and its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.output.report import Report

LONGEST_NAME = 120

BEST_RATE, BEST_LOSS = "best/lr", "best/loss"


@dataclass(frozen=True)
class ParentSummary:
    """``name`` as ``lr × 10 · mlp adam · 0.01 best``; ``metrics`` hold the recommended member's rate and loss (or what
    else decides) and how many members got each verdict, once every member has come to its end: a metric cannot be taken
    back. ``tags`` say the same in words, of an interrupted sweep too.
    """

    name: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def parent_summary(report: Report) -> ParentSummary:
    """Of a report of one sweep."""
    (sweep,) = report.comparison.sweeps
    counts = Counter(row.member.outcome for row in report.comparison.rows)
    tags = {"lrscope.verdict": ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())}
    if report.first is not None:
        tags["lrscope.why"] = report.first.headline[:5000]
    return ParentSummary(
        _name(sweep, report)[:LONGEST_NAME], dict(_results(report, counts) if sweep.complete else ()), tags
    )


def _results(report: Report, counts: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    for outcome, count in counts.items():
        yield f"members/{outcome.replace(' ', '_')}", float(count)
    if report.best is not None:
        judge = report.comparison.judge
        yield BEST_LOSS if judge.is_loss else f"best/{judge.metric.replace('/', '_')}", judge.value(report.best.score)
        if report.best.member.rate is not None:
            yield BEST_RATE, report.best.member.rate


def _name(sweep: Sweep, report: Report) -> str:
    return " · ".join(part for part in (sweep.title, _parts(report.comparison), _best(report)) if part)


def _parts(comparison: Comparison) -> str:
    """``mlp adam``: the classes of model and optimizer that all members share."""
    found = []
    for group in ("model", "optimizer"):
        classes = {row.member.params.get(f"{group}._target_", "").rsplit(".", 1)[-1] for row in comparison.rows}
        found += [name.lower() for name in classes if name not in ("", "null") and len(classes) == 1]
    return " ".join(found)


def _best(report: Report) -> str:
    if report.first is None or not report.comparison.rows:
        return ""
    if report.first.best is None or report.first.evidence == "none":
        return "none works"
    best = report.first.best
    value = f"{best:.4g}" if isinstance(best, float) else str(best)
    setting = report.first.group if len(report.comparison.groups) > 1 else ""
    return f"{value} {setting} best" if setting else f"{value} best"
