"""What the settings beside the recommended one came to, in one sentence: one headline is enough."""

from __future__ import annotations

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.analysis.recommendation import Recommendation, loss

MOST = 6


def others_in_words(comparison: Comparison, others: tuple[Recommendation, ...]) -> str:
    """``Others at their best: weight_decay=0.01: 0.0803 at lr=0.01; …``; empty where there are no others."""
    settings = {group.label: group.settings for group in comparison.groups}
    told = []
    for one in others[:MOST]:
        name = " ".join(f"{key}={value}" for key, value in settings.get(one.group, {}).items()) or one.group
        told.append(
            f"{name}: {loss(one.loss)} at {one.axis}={_value(one.best)}" if one.best is not None else f"{name}: –"
        )
    more = len(others) - MOST
    return f"Others at their best: {'; '.join(told)}{f'; and {more} more' if more > 0 else ''}." if told else ""


def _value(best: float | str | None) -> str:
    return f"{best:.4g}" if isinstance(best, float) else str(best)
