"""How far copies are trained to find a rate, and at which share of their rates: the updates that a find may take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 0.3
"""Of the updates of the planned run, so many at most are taken by each copy."""

TRUNK = (0.06, 0.12, 0.24)
"""The horizons of copies at a constant rate, in planned runs: they share their way and leave it to be cooled down."""

COOLED = 0.2
"""The last part of a horizon, in which the rate falls to nothing in a line: what is left is the level, without the
bounce of the full rate."""

SHAPED = (0.0425, 0.085, 0.17)
"""The horizons of copies on a schedule: each goes through all of it, squeezed, from the start."""

FEWEST = 8
"""Updates of the shortest horizon: with fewer it tells nothing of a long run."""


@dataclass(frozen=True)
class Branch:
    """``start`` updates at the full rate, then one at each of these shares of it."""

    start: int
    shares: tuple[float, ...]

    @property
    def updates(self) -> int:
        return self.start + len(self.shares)


@dataclass(frozen=True)
class HorizonPlan:
    """The copies' rates, ascending, and the branches to train them on, in the order in which they leave the trunk."""

    rates: tuple[float, ...]
    branches: tuple[Branch, ...]

    @property
    def cost(self) -> int:
        """Updates of one copy."""
        return self.branches[-1].start + sum(len(branch.shares) for branch in self.branches)


def plan_horizons(rates: Sequence[float], planned: int, shape: Sequence[float] | None) -> HorizonPlan | None:
    """The plan for a run of so many updates; None where its shortest horizon would be too short.

    Args:
        shape: the rate of each planned update as a share of the peak; None for a constant rate.
    """
    lengths = [int(share * planned) for share in (TRUNK if shape is None else SHAPED)]
    if lengths[0] < FEWEST:
        return None
    branches = [_cooled(length) for length in lengths] if shape is None else [_squeezed(shape, n) for n in lengths]
    return HorizonPlan(tuple(rates), tuple(branches))


def _cooled(length: int) -> Branch:
    falling = math.ceil(COOLED * length)
    return Branch(length - falling, tuple(1 - (step + 0.5) / falling for step in range(falling)))


def _squeezed(shape: Sequence[float], length: int) -> Branch:
    """The schedule in fewer updates: of each stretch of it the rate in its middle."""
    return Branch(0, tuple(shape[int((step + 0.5) / length * len(shape))] for step in range(length)))
