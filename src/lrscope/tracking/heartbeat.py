"""Says once a minute that a run is alive, and takes back a wrong word of its death."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from lrscope.tracking.runlog import RunLog
from lrscope.tracking.side_by_side import AT_ONCE, side_by_side
from lrscope.tracking.store import Store

HEARTBEAT = "lrscope.heartbeat"
SESSION = "lrscope.session"
EVERY_S = 60.0


class Heartbeat:
    """Of all the runs of one session."""

    def __init__(self, store: Store, session_id: str, every_s: float = EVERY_S) -> None:
        self._store = store
        self._session_id = session_id
        self._every_s = every_s
        self._next = time.monotonic() + every_s

    def beat(self, runs: Sequence[RunLog]) -> None:
        """Tag the live runs with the time (Unix seconds), where a minute has passed since the last.

        A run that somebody marked KILLED, because its heartbeat came late, is RUNNING again.
        """
        if time.monotonic() < self._next:
            return
        began = time.monotonic()
        self._next = began + self._every_s
        alive = {run.run_id: run for run in runs if run.run_id is not None and run.ended is None}
        now = str(int(time.time()))
        at_once = AT_ONCE if self._store.address.is_server else 1
        calls = [partial(self._store.client.set_tag, run_id, HEARTBEAT, now) for run_id in alive]
        for error in side_by_side(calls, at_once):
            if error is not None:
                raise error
        # A slow server has better to do than to be told that 64 runs are alive.
        self._next = max(self._next, time.monotonic() + 3 * (time.monotonic() - began))
        experiments = sorted({run.experiment_id for run in alive.values() if run.experiment_id is not None})
        if not experiments:
            return
        marked = f"attributes.status = 'KILLED' and tags.`{SESSION}` = '{self._session_id}'"
        for run in self._store.client.search_runs(experiments, marked, max_results=1000):
            if run.info.run_id in alive and alive[run.info.run_id].ended is None:
                self._store.client.update_run(run.info.run_id, status="RUNNING")
