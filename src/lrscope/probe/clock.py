"""How long trials may take: a share of what the run took, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_SECONDS, SHARE, MOST_SECONDS = 3.0, 0.15, 20.0
"""The larger of 3 s and 15% of the time that the run or the sweep took, at most 20 s."""


def seconds_for(trained: float, asked: float | None) -> float:
    """Seconds that trials of something that trained for so long may take; what was ``asked`` for goes before."""
    return asked if asked is not None else min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * trained))


@dataclass
class Clock:
    """``stop`` says whether a signal came. ``now`` tells the time in seconds."""

    seconds: float
    stop: Callable[[], object]
    now: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.now()

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 where it took longer."""
        return self.seconds - (self.now() - self._begun)
