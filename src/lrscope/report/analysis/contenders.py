"""Which settings compete for the recommendation: those worth more seeds."""

from __future__ import annotations

import math

from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.safest import safest
from lrscope.report.data.stored_sweep import Sweep

MOST = 3


def contenders(sweep: Sweep) -> tuple[str, ...]:
    """The three best settings beside which the recommended one stands, the best first: a member's run id of each.

    Fewer where fewer trained; none where nothing did, or nothing that was swept made a difference.
    """
    comparison = compare((sweep,))
    first = next((found for found in recommend(comparison) if found.best is not None), None)
    if first is None:
        return ()
    group = next(group for group in comparison.groups if group.label == first.group)
    usable = [cell for cell in group.cells if cell.best is not None and cell.x is not None]
    safe = safest(usable)
    ranked = sorted(usable, key=lambda c: (c.x != first.best, c not in safe, c.best.mean if c.best else math.inf))
    return tuple(cell.rows[0].member.run_id for cell in ranked[:MOST])
