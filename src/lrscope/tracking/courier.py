"""Delivers a session's spools in the background: waits out an outage, never holds the training up."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

from lrscope.tracking.delivery import Busy, Deliverer
from lrscope.tracking.disk import DiskWriter
from lrscope.tracking.outage import Backoff
from lrscope.tracking.runlog import RunLog
from lrscope.tracking.secrets import redact
from lrscope.tracking.store import Store

_DELIVER_EVERY_S = 2.0
HEARTBEAT_S = 60.0


class Courier:
    """One thread that carries what is on disk into the store."""

    def __init__(self, store: Store, root: Path, disk: DiskWriter) -> None:
        self.store = store
        self.failure: BaseException | None = None
        self._deliverer = Deliverer(store, root)
        self._disk = disk
        self._runs: dict[str, RunLog] = {}
        self._saved: deque[RunLog] = deque()
        self._todo: dict[str, RunLog] = {}
        self._wake = threading.Event()
        self._deadline: float | None = None
        self._backoff = Backoff()
        self._warnings: list[str] = []
        self._told = 0
        self._away_since: float | None = None
        self._session = ""
        self._thread = threading.Thread(target=self._loop, daemon=True, name="lrscope-delivery")
        disk.on_saved = self._saved.append

    def start(self, session_id: str) -> None:
        self._session = session_id
        self._thread.start()

    def fresh(self, local_id: str) -> None:
        self._deliverer.fresh.add(local_id)

    def watch(self, run: RunLog) -> None:
        self._runs[run.local_id] = run

    def hurry(self) -> None:
        self._wake.set()

    def warnings(self) -> list[str]:
        """New ones since the last call."""
        refusals = self._deliverer.refusals
        new = [f"The store refused {text}" for text in refusals[self._told :]]
        self._told = len(refusals)
        found, self._warnings = self._warnings, []
        return found + new

    def finish(self, deadline: float) -> tuple[str, ...]:
        """Deliver until all is there or the deadline (monotonic seconds) has come; returns the runs that
        are not.
        """
        self._deadline = deadline
        self._wake.set()
        self._thread.join(max(0.0, deadline - time.monotonic()) + 0.1)
        return self.behind()

    def behind(self) -> tuple[str, ...]:
        """The runs of which something on disk is not in the store yet."""
        return tuple(run.local_id for run in self._runs.values() if self._undelivered(run))

    def _undelivered(self, run: RunLog) -> bool:
        return (
            self._deliverer.cursor(run.spool).offset < run.spool.size()
            or run.local_id in self._disk.unsaved_runs()
        )

    def _loop(self) -> None:
        try:
            while True:
                pause = self._backoff_pause or _DELIVER_EVERY_S
                self._wake.wait(pause if self._deadline is None else min(pause, 0.5))
                self._wake.clear()
                self._round()
                if self._deadline is not None and (not self._todo or time.monotonic() > self._deadline):
                    return
        except BaseException as error:  # surfaces through Session.check
            self.failure = error

    _backoff_pause: float = 0.0

    def _round(self) -> None:
        while self._saved:
            run = self._saved.popleft()
            self._todo[run.local_id] = run
        for local_id in list(self._todo):
            if not self._keep_going():
                return
            try:
                self._deliver(self._todo[local_id])
            except Busy:
                continue
            except Exception as error:
                self._away(error)
                return
            del self._todo[local_id]
            self._back()

    def _keep_going(self) -> bool:
        return self._deadline is None or time.monotonic() < self._deadline

    def _deliver(self, run: RunLog) -> None:
        cursor = self._deliverer.deliver(run.spool, self._keep_going)
        if self._disk.failing():
            with self._disk.unsaved(run) as events:
                cursor = self._deliverer.direct(run.spool, events)
        run.run_id, run.experiment_id = cursor.run_id, cursor.experiment_id
        if run.run_id is not None:
            run.created.set()

    def _away(self, error: Exception) -> None:
        self._backoff_pause = self._backoff.failed()
        if self._away_since is None:
            self._away_since = time.time()
            reason = redact(str(error).splitlines()[0][:200]) if str(error) else type(error).__name__
            self._warnings.append(
                f"{self.store.address.shown} does not take what is recorded ({reason}). "
                "Training goes on; it is kept and sent later."
            )

    def _back(self) -> None:
        self._backoff.succeeded()
        self._backoff_pause = 0.0
        if self._away_since is not None:
            self._warnings.append(
                f"{self.store.address.shown} answers again after {time.time() - self._away_since:.0f} s."
            )
            self._away_since = None
