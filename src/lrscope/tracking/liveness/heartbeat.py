"""Says once a minute that a run is alive, and takes back a wrong word of its death."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lrscope.tracking.journal.run_log import RunLog

HEARTBEAT = "lrscope.heartbeat"
EVERY_S = 60.0

Beat = Callable[[Sequence[str], Sequence[str]], list[str]]
"""Tags these runs, in these experiments, with the time; returns those of the session that are marked KILLED."""


class Heartbeat:
    """Of all the runs of one session."""

    def __init__(self, beat: Beat, revive: Callable[[Sequence[str]], None], every_s: float = EVERY_S) -> None:
        self._beat = beat
        self._revive = revive
        self._every_s = every_s
        self._next = time.monotonic() + every_s

    def beat(self, runs: Sequence[RunLog]) -> None:
        """Tag the live runs, where a minute has passed since the last time.

        A run that somebody marked KILLED, because its heartbeat came late, is RUNNING again.
        """
        if time.monotonic() < self._next:
            return
        began = time.monotonic()
        self._next = began + self._every_s
        alive = {run.run_id: run for run in runs if run.run_id is not None and run.ended is None}
        experiments = sorted({run.experiment_id for run in alive.values() if run.experiment_id is not None})
        marked = self._beat(list(alive), experiments)
        # A slow server has better to do than to be told that 64 runs are alive.
        self._next = max(self._next, time.monotonic() + 3 * (time.monotonic() - began))
        wrongly = [run_id for run_id in marked if run_id in alive and alive[run_id].ended is None]
        if wrongly:
            self._revive(wrongly)
