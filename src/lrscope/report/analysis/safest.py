"""Which settings may be recommended at all: those that fail for the fewest seeds go before those of a lower loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Cell
from lrscope.report.analysis.estimates import surely_higher

TIE = 1e-4
"""Losses that differ by a smaller share are the same: two ways to the same rate round differently."""


def safest(usable: Sequence[Cell]) -> Sequence[Cell]:
    """The cells among which the loss decides: those without a failure; where each failed for some seed, those that did
    not surely fail for more seeds than the one that failed for the smallest share.
    """
    if safe := [cell for cell in usable if cell.failed.count == 0]:
        return safe
    if not usable:
        return ()
    rarest = min(usable, key=lambda cell: (cell.failed.count / cell.failed.total, cell.failed.high)).failed
    return [cell for cell in usable if not surely_higher(cell.failed, rarest)]


def known(cells: Sequence[Cell]) -> list[Cell]:
    """Those of which something is known: a cell without a value, or whose members all crashed, says nothing."""
    return [cell for cell in cells if cell.x is not None and not cell.crashed]


def usable(cells: Sequence[Cell]) -> list[Cell]:
    """Those that have a value and a loss."""
    return [cell for cell in cells if cell.score is not None and cell.x is not None]


def best_of(cells: Sequence[Cell]) -> Cell | None:
    """The cell with the lowest loss that may be recommended; None where none trained. Of equals the first whose
    schedule did what it is for: one that never moved is no better than the constant rate that it was.
    """
    safe = safest(usable(cells))
    lowest = min((cell.score.mean for cell in safe if cell.score), default=math.inf)
    tied = [cell for cell in safe if cell.score and cell.score.mean <= lowest + TIE * abs(lowest)]
    return min(tied, key=has_idle_schedule, default=None)


def has_idle_schedule(cell: Cell) -> bool:
    """Whether the schedule of some member never moved: its rate was constant."""
    return any(row.member.verdict is Verdict.SCHEDULE_NEVER_MOVED for row in cell.rows)


def fail_within(cells: Sequence[Cell], best: Cell, room: float) -> bool:
    """Whether a cell whose loss is as low as the best one's is left out for its failures alone."""
    assert best.score is not None
    bound = best.score.mean + room
    return any(c is not best and c.score is not None and c.score.mean <= bound and c.failed.count for c in cells)
