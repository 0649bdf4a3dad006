"""How long trials may take: a share of what the run took, within bounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_SECONDS, SHARE, MOST_SECONDS = 3.0, 0.15, 20.0
"""The larger of 3 s and 15% of the time that the run or the sweep took, at most 20 s."""

PATIENCE = 3.0
"""On a processor that others use too, trials may last so many times as long: they would see too little otherwise."""


def seconds_for(trained: float, asked: float | None) -> float:
    """Seconds that trials of something that trained for so long may take; what was ``asked`` for goes before."""
    return asked if asked is not None else min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * trained))


def clock_for(trained: float, asked: float | None, on_cpu: bool, stop: Callable[[], object]) -> Clock:
    """Of trials of something that trained for so many seconds. What the processor of this thread worked counts, or on
    another device, and where the user asked for a time, the time that passed.
    """
    seconds = seconds_for(trained, asked)
    if asked is not None or not on_cpu:
        return Clock(seconds, stop)
    return Clock(seconds, stop, time.thread_time, min(PATIENCE * seconds, MOST_SECONDS))


@dataclass
class Clock:
    """``stop`` says whether a signal came. ``now`` tells the time in seconds; ``longest``: seconds that may pass."""

    seconds: float
    stop: Callable[[], object]
    now: Callable[[], float] = time.monotonic
    longest: float = math.inf
    _begun: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.now(), time.monotonic()

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 where it took longer."""
        worked, passed = self.now() - self._begun[0], time.monotonic() - self._begun[1]
        return min(self.seconds - worked, self.longest - passed)
