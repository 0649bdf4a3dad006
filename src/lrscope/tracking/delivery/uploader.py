"""Delivers a session's journals in the background: waits out an outage, never holds the training up."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from pathlib import Path

from lrscope.core.errors import NotConfirmed, StoreUnreachable
from lrscope.core.redact import redact
from lrscope.tracking.delivery.commit import Commits
from lrscope.tracking.delivery.deliver import Busy
from lrscope.tracking.delivery.outage import Backoff
from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.delivery.service_client import ServiceClient, ServiceGone
from lrscope.tracking.delivery.service_process import DeliveryFailed
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Offset
from lrscope.tracking.journal.run_log import RunLog
from lrscope.tracking.journal.writer import JournalWriter
from lrscope.tracking.liveness.heartbeat import Heartbeat
from lrscope.tracking.mlflow_store.address import Address

_DELIVER_EVERY_S = 1.0
_LONGEST_PAUSE_S = 20.0
_AT_THE_END_S = 0.5
_ARTIFACT_AGAIN_S = 20.0


class Uploader:
    """One thread that carries what is on disk into the store.

    It first marks the runs of dead processes as KILLED, and delivers what these left when it has nothing else to do.
    """

    def __init__(self, address: Address, root: Path, disk: JournalWriter) -> None:
        self.address = address
        self.failure: BaseException | None = None
        self.tidied = threading.Event()
        self._warnings: deque[str] = deque()
        self.service = ServiceClient(address, root, progressed=self._progressed, warn=self._warnings.append)
        self._disbelieved = False
        self._commits = Commits(self.service, root, self._postpone, self._refused, self._committed)
        self._postponed: set[str] = set()
        self._disk = disk
        self._root = root
        self._asked_about: set[str] = set()
        """Experiments of which it is known whether artifacts find a place."""
        self._left_behind: list[str] | None = None
        self._heartbeat: Heartbeat | None = None
        self._runs: dict[str, RunLog] = {}
        self._saved: deque[RunLog] = deque()
        self._todo: dict[str, RunLog] = {}
        self._not_before: dict[str, float] = {}
        self._wake = threading.Event()
        self._finish_within_s: float | None = None
        self._closing_since = 0.0
        self.last_progress = time.monotonic()
        """When the store last took something."""
        self._backoff = Backoff()
        self._pause = _DELIVER_EVERY_S
        self._away_since: float | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True, name="lrscope-delivery")
        disk.on_saved = self._on_saved

    def open(self, session_id: str, experiment: str | None = None) -> None:
        """Open the store, and begin; nothing where that has been done.

        Args:
            experiment: that a run is about to begin in.

        Raises:
            StoreUnreachable, InputError: see ``open_store``; the artifacts of the experiment will find no place.
        """
        ask = self.service.ask
        if self._heartbeat is None:
            ask(StoreService.open)
        if experiment is not None and experiment not in self._asked_about:
            self._asked_about.add(experiment)
            with contextlib.suppress(StoreUnreachable, DeliveryFailed, ServiceGone):  # gone since: an outage
                ask(StoreService.check_artifacts, experiment)
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(
                lambda runs, experiments: ask(StoreService.beat, session_id, runs, experiments),
                lambda runs: ask(StoreService.revive, runs),
            )
            self._thread.start()

    def fresh(self, local_id: str) -> None:
        """Nobody has created this run yet, see ``Deliverer``."""
        self._commits.fresh.add(local_id)

    def watch(self, run: RunLog) -> None:
        self._runs[run.local_id] = run

    def wait_created(self, run: RunLog, seconds: float) -> bool:
        """Whether MLflow's run exists; gives up early where the store is known to be away."""
        deadline = time.monotonic() + seconds
        self._wake.set()
        while not run.created.wait(0.02):
            if self._away_since is not None or self.failure is not None or time.monotonic() > deadline:
                return False
        return True

    def hurry(self) -> None:
        """Deliver now, not at the next turn."""
        self._wake.set()

    def behind(self) -> bool:
        """Whether the store lacks something of a run of this session."""
        return any(self.undelivered(run) for run in list(self._runs.values()))

    def warnings(self) -> list[str]:
        """New ones since the last call."""
        return [self._warnings.popleft() for _ in range(len(self._warnings))]

    def finish(self, timeout_s: float) -> tuple[str, ...]:
        """Deliver until all is there, or the store has taken nothing for ``timeout_s`` seconds, or it took ten times
        that altogether; returns the runs that are not wholly there."""
        self._closing_since = self.last_progress = time.monotonic()
        self._finish_within_s = timeout_s
        self._wake.set()
        while self._thread.is_alive() and self._keep_going():
            self._thread.join(0.05)
        if self._thread.is_alive():
            self._thread.join(0.1)
        return tuple(run.local_id for run in self._runs.values() if self.undelivered(run))

    @property
    def disbelieved(self) -> bool:
        """Whether the store said of something that it has it, and had not."""
        return self._disbelieved or self._commits.disbelieved

    def undelivered(self, run: RunLog) -> bool:
        if run.local_id in self._disk.unsaved_runs():
            return True
        journal = run.journal
        return (
            not self._commits.offsets.known_complete(journal)
            and self._commits.offsets.of(journal).offset < journal.size()
        )

    def finished(self, run: RunLog) -> bool:
        """Whether the store has the whole run and it ended as planned: nothing will continue it."""
        offset = self._commits.offsets.of(run.journal)
        return offset.ended == "FINISHED" and offset.refused == 0 and not self.undelivered(run)

    def _loop(self) -> None:
        try:
            self._mark_the_dead()
            while True:
                self._wake.wait(self._pause if self._finish_within_s is None else min(self._pause, _AT_THE_END_S))
                self._wake.clear()
                began = time.monotonic()
                self._round()
                if self._away_since is None:
                    # With very many runs, a quarter of the time at most where the training would miss it, else half.
                    share = 3 if self.service.costs_the_training else 1
                    self._pause = min(_LONGEST_PAUSE_S, max(_DELIVER_EVERY_S, share * (time.monotonic() - began)))
                if self._finish_within_s is not None and (self._done() or not self._keep_going()):
                    return
        except BaseException as error:  # Session.close tells it
            self.failure = error
        finally:
            self.tidied.set()

    def _on_saved(self, run: RunLog) -> None:
        self._saved.append(run)
        if run.ended is not None and not self.service.costs_the_training:
            self._wake.set()  # the members of a stack end together: begin with the first while the last are closed

    def _done(self) -> bool:
        if self._disk.failing():
            # What went past a full disk is noted on it, if it has room by now.
            self._disk.finish()
        return not self._todo and not self._saved

    def _round(self) -> None:
        while self._saved:
            run = self._saved.popleft()
            self._todo[run.local_id] = run
        for local_id in list(self._todo):
            if not self._keep_going():
                return
            if time.monotonic() < self._not_before.get(local_id, 0.0):
                continue
            run = self._todo.pop(local_id)
            before = self.last_progress
            try:
                answered = self._deliver(run)
            except Busy:
                self._todo[local_id] = run
                continue
            except Exception as error:
                # Another run goes first next time: the trouble may be this one's own.
                self._todo[local_id] = run
                if isinstance(error, NotConfirmed):
                    self.last_progress = before  # what it only said that it took
                self._away(error)
                return
            if answered:
                self._back()
        if self._finish_within_s is None:
            self._when_idle()

    def _keep_going(self) -> bool:
        if (patience := self._finish_within_s) is None:
            return True
        now = time.monotonic()
        return now < self.last_progress + patience and now < self._closing_since + 10 * patience

    def _progressed(self) -> None:
        self.last_progress = time.monotonic()

    def _deliver(self, run: RunLog) -> bool:
        """Whether the store was asked: cut short before its first question, a delivery says nothing of the store."""
        before = self._commits.offsets.of(run.journal)
        answered = self._commits.deliver(run.journal, self._keep_going) != before
        if self._disk.failing():
            with self._disk.unsaved(run) as events:
                if events:
                    self._commits.direct(run.journal, events)
                    answered = True
        if self.undelivered(run):
            self._todo[run.local_id] = run
        return answered

    def _committed(self, journal: Journal, offset: Offset) -> None:
        run = self._runs.get(journal.local_id)
        if run is not None and offset.run_id is not None:
            run.run_id, run.experiment_id = offset.run_id, offset.experiment_id
            run.created.set()

    def _refused(self, text: str) -> None:
        self._warnings.append(f"The store refused {text}")

    def _mark_the_dead(self) -> None:
        try:
            self._warnings.extend(self.service.ask(StoreService.mark_the_dead))
        except Exception as error:
            self._away(error)
        finally:
            self.tidied.set()

    def _when_idle(self) -> None:
        """What is due beside the session's own records."""
        assert self._heartbeat is not None
        try:
            self._heartbeat.beat(list(self._runs.values()))
            if self._left_behind is None:
                self._left_behind = self.service.ask(StoreService.left_behind)
            while self._left_behind and self._nothing_to_do():
                with contextlib.suppress(Busy):
                    self._commits.deliver(Journal.of(self._root, self._left_behind[0]), self._nothing_to_do)
                if self._nothing_to_do():
                    self._left_behind.pop(0)
        except Exception as error:
            self._away(error)

    def _nothing_to_do(self) -> bool:
        return self._finish_within_s is None and not self._saved

    def _postpone(self, journal: Journal, event: ev.Event, _: str) -> None:
        """On disk before the offset passes it."""
        run = self._runs.get(journal.local_id)
        if run is None:
            journal.append(ev.encode(event))
            return
        self._disk.record(run, event)
        self._disk.flush()
        self._not_before[journal.local_id] = time.monotonic() + _ARTIFACT_AGAIN_S
        if journal.local_id not in self._postponed:
            self._postponed.add(journal.local_id)
            self._warnings.append(f"An artifact of {journal.local_id} does not go through; it is tried again.")

    def _away(self, error: Exception) -> None:
        if isinstance(error, ServiceGone):
            if not self.service.closed:
                raise error
            return  # closed under this thread's hands: nothing to say of the store
        self._pause = self._backoff.failed()
        self._disbelieved = self._disbelieved or isinstance(error, NotConfirmed)
        if self._away_since is None:
            self._away_since = time.time()
            reason = redact(str(error).splitlines()[0][:200]) if str(error) else type(error).__name__
            self._warnings.append(
                f"{self.address.shown} does not take what is recorded ({reason}). "
                "Training goes on; it is kept and sent later."
            )

    def _back(self) -> None:
        self._backoff.succeeded()
        if self._away_since is not None:
            away = time.time() - self._away_since
            self._warnings.append(f"{self.address.shown} answers again after {away:.0f} s.")
            self._away_since = None
