"""Puts events on disk from a thread of its own, so that recording costs the training an append to memory."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import INCOMPLETE
from lrscope.tracking.journal.run_log import RunLog

_WRITE_EVERY_S = 0.25
_SYNC_EVERY_S = 1.0
_RETRY_DISK_S = 1.0
_CHUNK_EVENTS = 500
MOST_POINTS_IN_MEMORY = 1_000_000
"""Points kept while the journal cannot be written, about 200 MB; beyond it points are dropped, and the user
told.
"""


class JournalWriter:
    """The one writer of a session's journals: written 4 times a second, forced to disk once a second."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self._pid = os.getpid()
        self.on_saved: Callable[[RunLog], None] = lambda _: None  # offline nobody waits for it
        self._queue: deque[tuple[RunLog, ev.Event]] = deque()
        self._unsaved: dict[str, tuple[RunLog, list[ev.Event]]] = {}
        self._held: set[str] = set()
        self._unsynced: dict[str, RunLog] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="lrscope-journal")
        self._warnings: list[str] = []
        self._disk_failing_since: float | None = None
        self._next_try = 0.0
        self._dropped: set[str] = set()

    def start(self) -> None:
        self._thread.start()

    def record(self, run: RunLog, event: ev.Event) -> None:
        """Called from the training's thread: no lock, no disk."""
        self._queue.append((run, event))

    def flush(self) -> None:
        """Hand everything recorded so far to the system."""
        if os.getpid() != self._pid:
            # A forked child has a copy of what its parent recorded; writing it is the parent's.
            return
        with self._lock:
            self._collect()
            now = time.monotonic()
            if self._disk_failing_since is not None and now < self._next_try:
                return
            troubles: list[Exception] = []
            for local_id in [name for name in self._unsaved if name not in self._held]:
                try:
                    self._save(local_id)
                except Exception as error:  # no run's trouble is another's
                    troubles.append(error)
            if troubles:
                raise troubles[0]

    def stop(self) -> None:
        """Write and force what is left, also what a thread that died left; the thread ends."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.finish()
        except Exception as error:
            self.failure = self.failure or error

    def finish(self) -> None:
        """Write and force what is left, also on a disk that was full a moment ago."""
        self._next_try = 0.0
        self.flush()
        self._sync()

    def warnings(self) -> list[str]:
        """New ones since the last call."""
        with self._lock:
            found, self._warnings = self._warnings, []
        return found

    def failing(self) -> bool:
        """Whether what is recorded stays in memory, so that it has to go straight to the store."""
        return self._disk_failing_since is not None or self.failure is not None

    def unsaved_runs(self) -> tuple[str, ...]:
        """Runs with events that are neither on disk nor in the store."""
        with self._lock:
            return tuple(
                local_id
                for local_id, (_, events) in self._unsaved.items()
                if any(not isinstance(event, ev.Sent) for event in events)
            )

    def lost_runs(self) -> tuple[str, ...]:
        """Runs of which something is nowhere, and will be lost when this process ends."""
        return tuple(sorted({*self.unsaved_runs(), *self._dropped}))

    @contextmanager
    def unsaved(self, run: RunLog) -> Iterator[Sequence[ev.Event]]:
        """What of a run could not be written. Where the block ends without an error it counts as delivered;
        meanwhile later events of the run wait their turn.
        """
        with self._lock:
            events = list(self._unsaved.get(run.local_id, (run, []))[1])
            self._held.add(run.local_id)
        try:
            yield events
            if events:
                with contextlib.suppress(OSError):
                    (run.folder / INCOMPLETE).touch()
                with self._lock:
                    self._forget(run, events)
        finally:
            with self._lock:
                self._held.discard(run.local_id)

    def _forget(self, run: RunLog, delivered: Sequence[ev.Event]) -> None:
        rest = self._unsaved[run.local_id][1][len(delivered) :]
        last: dict[str, int] = {}
        for event in delivered:
            if isinstance(event, ev.Points):
                last.update((point.key, point.step) for point in event.points)
        # Written when the disk has room again: a later process must know that these points are in the store.
        note: list[ev.Event] = [ev.Sent(last)] if last else []
        self._unsaved[run.local_id] = (run, note + rest)
        if not note and not rest:
            del self._unsaved[run.local_id]

    def _loop(self) -> None:
        """With very many runs or a slow disk it takes at most a fifth of the time, which the training would miss."""
        try:
            write_pause, sync_pause, synced = _WRITE_EVERY_S, _SYNC_EVERY_S, time.monotonic()
            while not self._stop.wait(write_pause):
                began = time.monotonic()
                self.flush()
                write_pause = max(_WRITE_EVERY_S, 4 * (time.monotonic() - began))
                if time.monotonic() - synced >= sync_pause:
                    began = time.monotonic()
                    self._sync()
                    synced = time.monotonic()
                    sync_pause = max(_SYNC_EVERY_S, 4 * (synced - began))
        except BaseException as error:  # Session.close tells it
            self.failure = error

    def _collect(self) -> None:
        while self._queue:
            run, event = self._queue.popleft()
            self._unsaved.setdefault(run.local_id, (run, []))[1].append(event)
        if self._disk_failing_since is not None:
            self._bound()

    def _save(self, local_id: str) -> None:
        run, events = self._unsaved[local_id]
        written = 0
        try:
            while written < len(events):
                chunk = events[written : written + _CHUNK_EVENTS]
                run.journal.append(b"".join(self._encoded(run, chunk)))
                written += len(chunk)
        except OSError as error:
            self._disk_fails(error, run)
        else:
            self._disk_works()
        finally:
            if written == len(events):
                del self._unsaved[local_id]
            else:
                self._unsaved[local_id] = (run, events[written:])
            if written:
                self._unsynced[local_id] = run
            if written or local_id in self.unsaved_runs():
                self.on_saved(run)

    def _encoded(self, run: RunLog, events: Sequence[ev.Event]) -> Iterator[bytes]:
        for event in events:
            try:
                yield ev.encode(event)
            except Exception as error:  # what nobody can write down must not hold up what comes behind it
                self.failure = self.failure or error
                self._dropped.add(run.local_id)

    def _sync(self) -> None:
        with self._lock:
            due, self._unsynced = self._unsynced, {}
        for run in due.values():
            try:
                run.journal.sync()
            except OSError as error:
                with self._lock:
                    self._disk_fails(error, run)

    def _disk_fails(self, error: OSError, run: RunLog) -> None:
        self._next_try = time.monotonic() + _RETRY_DISK_S
        if self._disk_failing_since is None:
            self._disk_failing_since = time.monotonic()
            self._warnings.append(
                f"{run.folder.parent} cannot be written ({error.strerror or error}): training goes on, "
                "what is measured stays in memory and goes straight to the store. Make room."
            )

    def _disk_works(self) -> None:
        if self._disk_failing_since is not None:
            self._disk_failing_since = None
            self._warnings.append("The journal can be written again.")

    def _bound(self) -> None:
        """Drop the newest points beyond the bound: what is there forms a whole beginning of the run."""
        total = 0
        for local_id, (run, events) in self._unsaved.items():
            kept: list[ev.Event] = []
            for event in events:
                size = len(event.points) if isinstance(event, ev.Points) else 0
                if size and total + size > MOST_POINTS_IN_MEMORY:
                    if not self._dropped:
                        self._warnings.append("Memory for unsaved points is full: the newest are dropped from now on.")
                    self._dropped.add(local_id)
                    continue
                total += size
                kept.append(event)
            if len(kept) != len(events):
                self._unsaved[local_id] = (run, kept)
