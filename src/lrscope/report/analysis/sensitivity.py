"""How much a wrong learning rate costs: LR sensitivity of Wortsman et al. 2023."""

from __future__ import annotations

import math

import numpy as np

from lrscope.report.analysis.comparison import Cell, Comparison, Group

FEWEST_RATES = 3
SMALLEST_SPAN = 10.0
"""The highest rate over the lowest: over less than a decade the number says nothing of sensitivity."""


def lr_sensitivity(comparison: Comparison, group: Group) -> float | None:
    """Mean over the rate of ``min(loss at the end, loss at the start) - lowest loss``, in units of the loss.

    Wortsman et al. 2023, "Small-scale proxies for large-scale Transformer training instabilities" (arXiv 2309.14322,
    section 2.2): ``E[min(l(A(rate)), l_0) - l*]`` over rates spread evenly in the logarithm. 0: any swept rate does as
    well; the loss at the start minus the lowest: only one rate works. A run that diverged counts with the loss at the
    start. The mean is by the trapezoid rule over log(rate), so that a grid denser in one place does not weigh more.

    Returns:
        None where the axis is not the rate, fewer than three rates over less than a decade were run, or the loss of the
        first step is not recorded.
    """
    known = comparison.judge.is_loss and math.isfinite(comparison.start)
    if not comparison.by_rate or not known:
        return None
    points = [
        (cell.x, capped)
        for cell in group.cells
        if isinstance(cell.x, float) and cell.x > 0 and (capped := _capped(cell, comparison.start)) is not None
    ]
    if len(points) < FEWEST_RATES or points[-1][0] / points[0][0] < SMALLEST_SPAN:
        return None
    logs = np.log([rate for rate, _ in points])
    losses = np.array([value for _, value in points])
    return float(np.trapezoid(losses - losses.min(), logs) / (logs[-1] - logs[0]))


def _capped(cell: Cell, start: float) -> float | None:
    """The mean over seeds of the loss at the end, none above the start; None where no seed came to an end."""
    losses = []
    for row in cell.rows:
        if not row.member.tells:
            continue
        final = row.outcome.final_val if not math.isnan(row.outcome.final_val) else row.outcome.final_train
        losses.append(min(final, start) if math.isfinite(final) else start)
    return float(np.mean(losses)) if losses else None
