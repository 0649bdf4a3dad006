"""Which settings may be recommended at all: those that fail for the fewest seeds go before those of a lower loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrscope.report.analysis.comparison import Cell
from lrscope.report.analysis.estimates import surely_higher


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


def best_of(cells: Sequence[Cell]) -> Cell | None:
    """The cell to recommend; None where none trained."""
    usable = [cell for cell in cells if cell.best is not None and cell.x is not None]
    return min(safest(usable), key=lambda cell: cell.best.mean if cell.best else math.inf, default=None)


def fail_within(cells: Sequence[Cell], best: Cell, room: float) -> bool:
    """Whether a cell whose loss is as low as the best one's is left out for its failures alone."""
    assert best.best is not None
    bound = best.best.mean + room
    return any(c is not best and c.best is not None and c.best.mean <= bound and c.failed.count for c in cells)
