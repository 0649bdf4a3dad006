"""How much loss counts as equal: 1%, the standard error over seeds, the roughness between neighbouring rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from lrscope.report.analysis.comparison import Cell

RELATIVE_TOLERANCE = 0.01
"""A loss within 1% of the best is as good: less than what another seed changes in most trainings."""

GAIN_TOLERANCE = 0.001
"""Nor does a thousandth of what training gained matter: near a loss of 0 one percent of it means nothing."""

CLOSE = 3.0
"""Three neighbouring rates within this factor: the loss between them is nearly straight, what remains is noise."""

BASIN = 0.25
"""Only cells that lost less than this share of the best improvement are looked at: beyond, the curve bends."""

FEWEST_TRIPLES = 4


def tolerance(cells: Sequence[Cell], best: Cell, start: float, noun: str = "loss") -> tuple[float, str]:
    """The loss (or cost of another metric, which ``noun`` names) within which others are as good as the best, and
    words for where it comes from.
    """
    assert best.score is not None
    relative = RELATIVE_TOLERANCE * abs(best.score.mean)
    found = [(relative, f"1% of the {noun}")]
    if math.isfinite(start):
        found.append((GAIN_TOLERANCE * (start - best.score.mean), "a thousandth of what training gained"))
    if best.score.n > 1:
        found.append((best.score.error, f"one standard error ({best.score.error:.3g}, {best.score.n} seeds)"))
    rough = roughness(cells, best, start)
    if rough is not None:
        found.append((rough, f"the noise between neighbouring rates ({rough:.3g})"))
    return max(found)


def roughness(cells: Sequence[Cell], best: Cell, start: float) -> float | None:
    """The standard deviation of a cell's loss, from how far each lies off the line between its two neighbours.

    Gasser, Sroka and Jennen-Steinmetz 1986 (Biometrika 73:625): with the rates' logarithms as x, the residual of the
    middle one of three, divided by sqrt(a² + b² + 1) where a and b are the weights of its neighbours. No second
    seed is needed.

    Returns:
        None where fewer than four triples of close rates lie near the best.
    """
    assert best.score is not None
    bound = best.score.mean + BASIN * (start - best.score.mean) if math.isfinite(start) else math.inf
    near = [
        (math.log(cell.x), cell.score.mean)
        for cell in cells
        if isinstance(cell.x, float) and cell.x > 0 and cell.score is not None and cell.score.mean <= bound
    ]
    squares = []
    for (left, middle), (_, right) in pairwise(pairwise(near)):
        width = right[0] - left[0]
        if not 0 < width <= math.log(CLOSE):
            continue
        weight = (middle[0] - left[0]) / width
        residual = middle[1] - (1 - weight) * left[1] - weight * right[1]
        squares.append(residual**2 / (1 + weight**2 + (1 - weight) ** 2))
    return math.sqrt(math.fsum(squares) / len(squares)) if len(squares) >= FEWEST_TRIPLES else None
