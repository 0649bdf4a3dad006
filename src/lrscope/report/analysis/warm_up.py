"""Whether the rate that a find tells needs a warm-up, by the first updates of its copies.

A network may start where the loss curves more than later: a rate that is the best of a whole run throws the loss up
first (Gilmer et al. 2021, arXiv 2110.04369). The copies see the same batches in the same order, and the one of the
lowest rate hardly moves: beside its losses those of the others have no noise of batches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrscope.core.found_rate import WarmUp

RISEN = 0.05
"""Share of the loss at the start by which a loss must have risen."""

SMOOTHED = 3
"""Updates whose losses are taken together."""

AT_FIRST = 1 / 3
"""Share of the way that counts as its first updates."""

LONGER = 2
"""A warm-up lasts so many times as long as the loss took to come back."""


def warm_up(
    rates: Sequence[float], losses: Sequence[Sequence[float]], found: float, limit: float | None = None
) -> WarmUp | None:
    """What the losses say; None where they are too few, or never came back down.

    Args:
        rates: of the copies, ascending. losses: of each update of each copy, shorter where one diverged.
        found: the rate that is told. limit: the rate that is stable at the start, where it is known.
    """
    still = np.array(losses[0])
    first = int(len(still) * AT_FIRST)
    if first < SMOOTHED:
        return None
    level = float(still[:first].mean())
    risen = [_above(np.array(own), still, first) for own in losses]
    rose = [len(above) == 0 or bool((above > RISEN * level).any()) for above in risen]
    steady = max((rate for n, rate in enumerate(rates) if not any(rose[: n + 1])), default=0.0)
    nearest = int(np.argmin(np.abs(np.log(np.array(rates) / found))))
    above = risen[nearest]
    if not rose[nearest]:
        return WarmUp(rates[nearest], 0, 0.0, 0, steady, limit)
    if not len(above) or above[-1] > 0:
        return None
    back = int(np.flatnonzero(above > 0)[-1]) + SMOOTHED
    return WarmUp(rates[nearest], LONGER * back, float(above.max()) / level, back, steady, limit)


def _above(own: np.ndarray, still: np.ndarray, first: int) -> np.ndarray:
    """By how much its losses lie above those of the copy that stands still, smoothed; empty where it diverged."""
    if len(own) < first or not np.isfinite(own[:first]).all():
        return np.empty(0)
    return np.convolve(own[:first] - still[:first], np.full(SMOOTHED, 1 / SMOOTHED), "valid")
