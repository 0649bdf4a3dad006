"""All that a report says, worked out once: page, note, terminal and files show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Comparison, Row, compare
from lrscope.report.analysis.next_runs import go_on
from lrscope.report.analysis.ranking import Ranking, ranking_of
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Sweep, gaps
from lrscope.report.output.starred import best_row
from lrscope.report.why.failures import Failure, failures_of


@dataclass(frozen=True)
class Report:
    """``best`` is the starred member, ``gaps`` says what is missing of the sweeps."""

    comparison: Comparison
    recommendations: tuple[Recommendation, ...]
    ranking: Ranking | None
    best: Row | None
    failures: tuple[Failure, ...]
    gaps: tuple[str, ...]

    @property
    def first(self) -> Recommendation | None:
        """The recommendation; the others are those of further settings."""
        return self.recommendations[0] if self.recommendations else None

    @property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """What to run next, each with its reason: before anything else what goes on with a sweep that is unfinished."""
        if begun := tuple(go_on(sweep) for sweep in self.comparison.sweeps if sweep.unfinished):
            return begun
        return self.first.commands if self.first else ()


def report_of(sweeps: Sweep | Sequence[Sweep]) -> Report:
    """One sweep, or several side by side."""
    chosen = (sweeps,) if isinstance(sweeps, Sweep) else tuple(sweeps)
    comparison = compare(chosen)
    recommendations = recommend(comparison)
    best = best_row(comparison, recommendations)
    return Report(
        comparison=comparison,
        recommendations=recommendations,
        ranking=ranking_of(comparison, recommendations),
        best=best,
        failures=failures_of(comparison, best),
        gaps=tuple(gap for sweep in chosen for gap in gaps(sweep)),
    )
