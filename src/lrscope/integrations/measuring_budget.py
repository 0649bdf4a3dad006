"""How much of a training's time may be spent on measuring it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 0.01
"""Of the time of the training: with what hooks cost by themselves, at most 2% of a step of 5 ms."""
SHORT_STEP_S = 0.005
"""A step counts as at least so long: of quicker ones hardly any could be measured."""
FREE_S = 0.05
"""So much in all is spent in any case."""


class MeasuringBudget:
    """Adds up what measuring takes. ``unlimited``: it may take whatever it takes."""

    def __init__(self, unlimited: bool = False) -> None:
        self._unlimited = unlimited
        self._began = time.perf_counter()
        self.spent = 0.0
        """Seconds, as this process sees them; an accelerator's are not among them."""

    def allows(self, updates: int) -> bool:
        """Whether a training that has made so many updates may be measured once more."""
        if self._unlimited:
            return True
        trained = max(time.perf_counter() - self._began, SHORT_STEP_S * updates)
        return self.spent <= max(FREE_S, SHARE * trained)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Around whatever is measured."""
        began = time.perf_counter()
        yield
        self.spent += time.perf_counter() - began
