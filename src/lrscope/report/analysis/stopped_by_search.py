"""What is said of the members that a search stopped: what they would about have come to, and what that saved."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.data.axes import number


def presumed_loss(row: Row, best: Row, judge: JudgedBy) -> float | None:
    """What a stopped member would about have come to: the loss of the best, times how much higher its own was when it
    was stopped. A member at 0.6 where the best stood at 0.3, which ends at 0.05, counts with 0.1.

    Args:
        best: a member that trained to the end.
        judge: what decides.

    Returns:
        None where the two were never evaluated at the same update, or a loss is not above 0.
    """
    mine, other = judge.curve(row.member), judge.curve(best.member)
    shared = np.intersect1d(mine.steps, other.steps)
    if not len(shared) or not math.isfinite(best.score):
        return None
    own, its = (float(curve.values[np.searchsorted(curve.steps, shared[-1])]) for curve in (mine, other))
    if not (its > 0 and own > 0 and math.isfinite(own)):
        return None
    return best.score * own / its


def spent(comparison: Comparison) -> str:
    """What a search took, in a sentence: the share of the updates that all its members to the end would have taken.

    Empty where no search stopped any member.
    """
    members = [row.member for row in comparison.rows]
    stopped = sorted((m.pruned for m in members if m.pruned is not None), key=lambda one: (one.epoch, one.update or 0))
    places = Counter(one.where for one in stopped)
    whole = [number(member.params.get("total_steps", "")) for member in members]
    planned = sum(steps for steps in whole if steps is not None)
    if not places or None in whole or not planned:
        return ""
    took = sum(row.outcome.steps for row in comparison.rows) / planned
    left = ", ".join(f"{count} at {place}" for place, count in places.items())
    return f"The search took {took:.1%} of the updates of all {len(members)} members to the end: it stopped {left}."
