"""How long a run has trained, over all its processes, and whether that is enough."""

from __future__ import annotations

import time
from collections.abc import Mapping


class TimeLimit:
    """Counts from :meth:`start` on, what earlier processes took added.

    Args:
        seconds: at most; None is no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._before, self._began = 0.0, time.monotonic()

    def start(self) -> None:
        self._began = time.monotonic()

    @property
    def taken(self) -> float:
        """Seconds until now."""
        return self._before + time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        return self.seconds is not None and self.taken >= self.seconds

    def state_dict(self) -> dict[str, float]:
        return {"seconds": self.taken}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        self._before = state["seconds"]
