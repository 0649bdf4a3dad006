"""Which settings compete for the recommendation: those worth more seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrscope.report.analysis.choice import choose
from lrscope.report.analysis.comparison import Cell, Group, compare
from lrscope.report.analysis.safest import safest, usable
from lrscope.report.data.stored_sweep import Sweep

MOST = 3


def rivals(group: Group, best: Cell) -> Sequence[Cell]:
    """The recommended setting and the next best two, those that failed for no seed first."""
    found = usable(group.cells)
    safe = safest(found)
    ranked = sorted(found, key=lambda c: (c is not best, c not in safe, c.score.mean if c.score else math.inf))
    return ranked[:MOST]


def contenders(sweep: Sweep) -> tuple[str, ...]:
    """A member's run id of each of the three best settings, the best first: of the group that trained best.

    Fewer where fewer trained; none where nothing did.
    """
    comparison = compare((sweep,))
    chosen = [found for group in comparison.groups if (found := choose(comparison, group)) is not None]
    safe = safest([found.best for found in chosen])
    first = min(
        (found for found in chosen if found.best in safe),
        key=lambda found: found.best.score.mean if found.best.score else math.inf,
        default=None,
    )
    return tuple(cell.rows[0].member.run_id for cell in rivals(first.group, first.best)) if first is not None else ()
