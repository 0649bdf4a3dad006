"""Why the others failed, on the page: a sentence for each and the curves that show it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lrscope.report.figures.colours import MARKS
from lrscope.report.output.glossary import explained, term
from lrscope.report.output.marks_svg import icon
from lrscope.report.output.small_figure import small_figure
from lrscope.report.why.failures import Failure, heading

MOST_SHOWN = 6
"""More of those that fell short are folded away."""


def why_html(failures: Sequence[Failure]) -> str:
    """The section; empty where every member trained."""
    if not failures:
        return ""
    shown = [failure for failure in failures if failure.failed][:MOST_SHOWN]
    room = max(MOST_SHOWN - len(shown), 0)
    rest = [failure for failure in failures if failure not in shown]
    shown += rest[:room]
    folded = "".join(map(_failure, rest[room:]))
    if folded:
        folded = f"<details><summary>{len(rest) - room} more</summary>{folded}</details>"
    return f'<section class="why"><h2>{heading(failures)}</h2>{"".join(map(_failure, shown))}{folded}</section>'


def _failure(failure: Failure) -> str:
    word = failure.verdict.label
    figures = "".join(small_figure(evidence, MARKS[word].colour) for evidence in failure.evidence)
    return (
        f'<article class="failure"><div><h3>{icon(word)}<span>{escape(failure.who)}</span> {term(word)}</h3>'
        f"<p>{explained(_sentence(failure.why))}</p></div>"
        f'<div class="evidence">{figures}</div></article>'
    )


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}."
