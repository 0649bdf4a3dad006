"""The loss in the user's own unit, beside the one that is trained: runs record both where targets are standardised."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrscope.report.analysis.member_numbers import at_end_and_best
from lrscope.report.data.stored_sweep import OWN_UNIT, Member


def own_unit(members: Sequence[Member], part: str) -> str | None:
    """``val/rmse``: the metric of a part that says the loss in the user's unit; None where nobody recorded one."""
    regressions = [member for member in members if member.trace.facts.task == "regression"]
    names = [name for name in OWN_UNIT if name.startswith(f"{part}/")]
    return next((name for name in names if any(len(m.trace.get(name)) for m in regressions)), None)


def at_best(members: Sequence[Member], name: str) -> float:
    """The mean over members of their best value; nan where none has one."""
    found = [best for member in members if math.isfinite(best := at_end_and_best(member.trace.get(name))[1])]
    return math.fsum(found) / len(found) if found else math.nan


def in_words(value: float) -> str:
    """``0.1235``, ``41.32``, ``40,000``: as people write amounts."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"
