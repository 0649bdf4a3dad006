"""Which member of a sweep is starred: the one that the recommendation rests on."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.recommendation import Recommendation


def best_row(comparison: Comparison, recommendations: Sequence[Recommendation]) -> Row | None:
    """The member with the lowest loss among those of the recommended setting; none where that learned nothing, or where
    members are left to go on with: what they come to may decide.
    """
    if not recommendations or recommendations[0].best is None or recommendations[0].evidence == "none":
        return None
    if any(sweep.unfinished for sweep in comparison.sweeps):
        return None
    first = recommendations[0]
    among = [row for row in comparison.rows if row.group == first.group and row.x == first.best]
    trained = [row for row in among if not row.member.failed and row.member.tells]
    return min(trained, key=lambda row: row.score, default=None)
