"""The note of the parent run: recommendation and table in Markdown, as MLflow shows it."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.analysis.ranking import Ranking
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import gaps
from lrscope.report.output.tables import cells_table, markdown, members_texts, ranking_table

MOST_MEMBERS = 24
"""Rows of the table in a note: MLflow cuts notes at 8,000 characters."""


def write_note(comparison: Comparison, recommendations: Sequence[Recommendation], ranking: Ranking | None) -> str:
    """Markdown; text that came from the store cannot turn into markup."""
    parts = [_recommendation(recommendation) for recommendation in recommendations]
    missing = [gap for sweep in comparison.sweeps for gap in gaps(sweep)]
    if missing:
        parts.append("\n".join(f"- {_safe(gap)}" for gap in missing))
    if ranking:
        parts.append(f"### {ranking.title}\n\n{markdown(ranking_table(ranking, comparison))}")
        parts += [f"*{_safe(caution)}*" for caution in ranking.cautions]
    cells = cells_table(comparison)
    if cells:
        parts.append(markdown(cells, MOST_MEMBERS))
    if not cells or len(comparison.rows) <= MOST_MEMBERS:
        parts.append(markdown(members_texts(comparison), MOST_MEMBERS))
    parts.append("Figures and the whole table: artifact `report/report.html`.")
    return "\n\n".join(parts) + "\n"


def _recommendation(recommendation: Recommendation) -> str:
    headline, *rest = recommendation.sentences
    lines = [f"**{_safe(recommendation.group)}**\n" if recommendation.group else ""]
    lines.append(f"## {_safe(headline)}\n")
    lines.append(" ".join(_safe(sentence) for sentence in rest))
    if recommendation.sensitivity is not None:
        lines.append(f"\nLR sensitivity {recommendation.sensitivity:.4g}, evidence {recommendation.evidence}.")
    lines += [f"- {_safe(warning)}" for warning in recommendation.warnings]
    for reason, command in recommendation.commands:
        lines.append(f"\n{reason}:\n\n```\n{command.replace('```', '')}\n```")
    return "\n".join(line for line in lines if line)


def _safe(text: str) -> str:
    return text.replace("<", "&lt;").replace("`", "'")
