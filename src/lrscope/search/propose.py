"""The points of a search that are known before anything trains."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product

from lrscope.search.interval import Interval

Point = tuple[str, ...]
"""An override for each interval, in their order."""

FINEST = 16
"""Whole numbers and rounding can make two points the same: so many times as many are drawn before it is given up."""


def propose(intervals: Sequence[Interval], method: str, trials: int, seed: int = 0) -> list[Point]:
    """Points to try, each once.

    ``grid`` takes as many even steps along each interval as give at most ``trials`` points; ``random`` draws them.
    ``halving`` takes even steps along a single interval, and a scrambled Sobol sequence in several dimensions, where a
    grid would try few values of each.

    Args:
        method: ``halving``, ``grid`` or ``random``.
        trials: how many; fewer where the intervals hold no more whole numbers.
        seed: of what is drawn.
    """
    if method == "grid" or (method == "halving" and len(intervals) == 1):
        steps = max(int(trials ** (1 / len(intervals)) + 1e-9), 1)
        places = [k / (steps - 1) if steps > 1 else 0.5 for k in range(steps)]
        return _distinct(intervals, product(places, repeat=len(intervals)), trials)
    draw = _uniform if method == "random" else _sobol
    return _distinct(intervals, draw(len(intervals), FINEST * trials, seed), trials)


def _distinct(intervals: Sequence[Interval], places: Iterable[Sequence[float]], trials: int) -> list[Point]:
    found: dict[Point, None] = {}
    for point in places:
        found.setdefault(tuple(interval.word(place) for interval, place in zip(intervals, point, strict=True)))
        if len(found) == trials:
            break
    return list(found)


def _uniform(dimensions: int, count: int, seed: int) -> list[list[float]]:
    import numpy as np

    drawn: list[list[float]] = np.random.default_rng(seed).random((count, dimensions)).tolist()
    return drawn


def _sobol(dimensions: int, count: int, seed: int) -> list[list[float]]:
    """Sobol (1967), scrambled as Owen (1998) does: every stretch of it is spread evenly."""
    from scipy.stats import qmc

    drawn: list[list[float]] = qmc.Sobol(dimensions, seed=seed).random_base2(math.ceil(math.log2(count))).tolist()
    return drawn
