"""The note of the parent run: recommendation and table in Markdown, as MLflow shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.output.other_settings import others_in_words
from lrscope.report.output.report import Report
from lrscope.report.output.tables import cells_table, markdown, members_texts, ranking_table
from lrscope.report.why.failures import Failure, heading

MOST_MEMBERS = 24
"""Rows of the table in a note: MLflow cuts notes at 8,000 characters."""

MOST_FAILURES = 8

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+""")
"""A word of a shell; a space within quotes ends none."""

WIDEST = 80
"""Letters of a line of a command: MLflow's page breaks none, and a long one pushes the rest out of sight."""


def write_note(report: Report) -> str:
    """Markdown, what to do before what shows it; text that came from the store cannot turn into markup."""
    comparison, ranking = report.comparison, report.ranking
    parts = [_recommendation(report.first)] if report.first else []
    if others := others_in_words(comparison, report.recommendations[1:]):
        parts.append(_safe(others))
    if report.gaps:
        parts.append("\n".join(f"- {_safe(gap)}" for gap in report.gaps))
    if report.failures:
        parts.append(f"### {heading(report.failures)}\n\n{_why(report.failures)}")
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


def _why(failures: Sequence[Failure]) -> str:
    lines = [f"- **{_safe(f.who)}** *{f.verdict.label}*: {_safe(f.why)}." for f in failures[:MOST_FAILURES]]
    more = len(failures) - MOST_FAILURES
    return "\n".join([*lines, *([f"- … {more} more in the report"] if more > 0 else [])])


def _recommendation(recommendation: Recommendation) -> str:
    headline, *rest = recommendation.sentences
    lines = [f"## {_safe(headline)}\n"]
    lines.append(" ".join(_safe(sentence) for sentence in rest))
    if recommendation.sensitivity is not None:
        lines.append(f"\nLR sensitivity {recommendation.sensitivity:.4g}, evidence {recommendation.evidence}.")
    lines += [f"- {_safe(warning)}" for warning in recommendation.warnings]
    for reason, command in recommendation.commands:
        lines.append(f"\n{reason}:\n\n```\n{_broken(command.replace('```', ''))}\n```")
    return "\n".join(line for line in lines if line)


def _broken(command: str) -> str:
    """A command on several lines, as a shell takes it; words that are longer by themselves stay whole."""
    lines = [""]
    for word in _WORD.findall(command):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDEST:
            lines.append("   ")
        lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return " \\\n".join(lines)


def _safe(text: str) -> str:
    return text.replace("<", "&lt;").replace("`", "'")
