"""A session: the runs that one process records, and what carries them to disk and to the store."""

from __future__ import annotations

import atexit
import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lrscope.core.command_words import command
from lrscope.core.errors import LrscopeError
from lrscope.core.from_store import text
from lrscope.core.paths import resolve
from lrscope.core.redact import HIDDEN, names_a_password, redact, redactor
from lrscope.core.tracking_settings import DeliveryResult, RunStart, TrackingSettings
from lrscope.tracking.delivery.sync import prune_journal
from lrscope.tracking.delivery.uploader import Uploader
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.history import History
from lrscope.tracking.journal.journal import Journal, check_folder
from lrscope.tracking.journal.run_log import RunLog, now_ms
from lrscope.tracking.journal.writer import JournalWriter
from lrscope.tracking.liveness.process import this_process
from lrscope.tracking.mlflow_store.address import Address, resolve_uri
from lrscope.tracking.mlflow_store.reach import check_reachable
from lrscope.tracking.origin import origin_tags
from lrscope.tracking.reopen import OpenStore, rebuild, reopen_journal
from lrscope.tracking.system_metrics import SystemMetrics

T = TypeVar("T")

_CREATE_WAIT_S = 20.0


def open_session(settings: TrackingSettings) -> Session:
    """Begin to record.

    Raises:
        StoreUnreachable: online, and the store does not answer within 5 s.
        InputError: the URI is none that can be recorded to.
    """
    root = resolve(settings.spool)
    if settings.mode == "off":
        return Session(settings, root, None, None, None)
    disk = JournalWriter()
    if settings.mode == "offline":
        return Session(settings, root, disk, None, None)
    address = resolve_uri(settings.uri)
    check_reachable(address)
    uploader = Uploader(address, root, disk)
    return Session(settings, root, disk, uploader, address)


class Session:
    """Everything that one process records. Its calls come from the training's thread and return at once,
    but for ``close`` and for ``start`` with ``wait``.
    """

    def __init__(
        self,
        settings: TrackingSettings,
        root: Path,
        disk: JournalWriter | None,
        uploader: Uploader | None,
        store: Address | None,
    ) -> None:
        self.settings = settings
        self._store_shown = store.shown if store is not None else None
        self._store_name = store.name_beside(root) if store is not None else None
        self._root = root
        self._disk = disk
        self._uploader = uploader
        self._id = uuid.uuid4().hex
        self._runs: dict[str, RunLog] = {}
        self._closed = False
        if disk is not None:
            disk.start()
            atexit.register(disk.flush)

    def open(self, experiment: str | None = None) -> None:
        """Make the journals' folder, open the store, and wait until it is open. ``start``, ``reopen`` and ``annotate``
        do so themselves.

        Args:
            experiment: that a run is about to begin in.

        Raises:
            StoreUnreachable: it answers, and yet cannot be used: a full disk, tables half made.
            InputError: its tables belong to another version of MLflow; the journal's folder, or the experiment's
                artifacts, cannot be written.
        """
        if self._disk is not None:
            check_folder(self._root)
        if self._uploader is not None:
            self._uploader.open(self._id, experiment)

    def start(self, start: RunStart, wait: bool = False) -> RunLog:
        """A new run. For a sweep, or with ``wait``, returns when MLflow's run exists, or after 20 s without it.

        Raises:
            StoreUnreachable, InputError: see ``open``.
        """
        self.open(start.experiment)
        journal = Journal.of(self._root, start.local_id)
        run = self._log(journal, None)
        if self._disk is None:
            return run
        with contextlib.suppress(OSError):  # a full disk; the writer makes it later
            journal.folder.mkdir(parents=True, exist_ok=True)
        tags = {**origin_tags(), **start.tags}
        clean = replace(start, params=_redacted(start.params), tags=_redacted(tags))
        if self._uploader is not None and not journal.exists():
            self._uploader.fresh(start.local_id)
        self._disk.record(run, ev.Started(clean, now_ms(), self._process_tags(), self._store_name))
        if self._uploader is not None and (wait or start.kind == "sweep"):
            self._disk.flush()
            self._uploader.wait_created(run, _CREATE_WAIT_S)
        self._watch_machine(run, start.kind)
        return run

    def reopen(self, local_id: str, wait: bool = False) -> RunLog:
        """Continue a run of an earlier process: RUNNING again, and points that it recorded are not recorded twice.

        Raises:
            InputError: there is no such run, or a live process is recording it.
        """
        journal = Journal.of(self._root, local_id)
        if self._disk is None:
            return self._log(journal, None)
        self.open()
        if self._uploader is not None:
            # Until then this session itself may be about to mark the run as killed.
            self._uploader.tidied.wait(_CREATE_WAIT_S)
        run = self._log(journal, reopen_journal(journal, self._store()))
        offset = journal.offset()
        run.run_id, run.experiment_id = offset.run_id, offset.experiment_id
        self._disk.record(run, ev.Reopened(now_ms(), self._process_tags(), self._store_name))
        if self._uploader is not None and wait:
            self._disk.flush()
            self._uploader.wait_created(run, _CREATE_WAIT_S)
        started = journal.started()
        self._watch_machine(run, started.start.kind if started is not None else "member")
        return run

    def annotate(self, local_id: str) -> RunLog:
        """The record of a run that has ended, to add tags or artifacts to; its status stays as it is."""
        if local_id in self._runs:
            return self._runs[local_id]
        self.open()
        journal = Journal.of(self._root, local_id)
        journal.cut_torn_tail()  # of a power cut: the first line behind it would be lost with it
        if self._disk is not None and not journal.exists():
            rebuild(journal, self._store())
        return self._log(journal, None)

    def run_id(self, local_id: str) -> str | None:
        """MLflow's id of a run of this session; None while the store has not made it."""
        run = self._runs.get(local_id)
        return run.run_id if run is not None else None

    def drain(self, timeout_s: float) -> bool:
        """Wait until the store has all that was recorded so far; False offline, or where it has taken nothing for
        ``timeout_s`` seconds, or ten times that are over.
        """
        if self._disk is None or self._uploader is None:
            return False
        with contextlib.suppress(Exception):  # ``close`` tells it
            self._disk.flush()
        began = time.monotonic()
        while self._uploader.behind():
            quiet_s = time.monotonic() - max(began, self._uploader.last_progress)
            if quiet_s > timeout_s or time.monotonic() - began > 10 * timeout_s or self._uploader.failure is not None:
                return False
            self._uploader.hurry()
            time.sleep(0.03)
        return True

    def flush(self) -> None:
        """Everything recorded so far is in the journal: a killed process loses none of it. Call before a
        checkpoint is put in its place, so that no checkpoint is ahead of the record.
        """
        if self._disk is not None:
            self._disk.flush()

    def warnings(self) -> list[str]:
        """What the user should know, once each: an outage, a full disk, refused values."""
        found = self._disk.warnings() if self._disk is not None else []
        found += self._uploader.warnings() if self._uploader is not None else []
        return [text(words) for words in found]

    def check(self) -> None:
        """Raises:
        LrscopeError: recording itself is broken. ``close`` tells it, too.
        """
        if failures := self._failures():
            raise LrscopeError(" ".join(failures))

    def close(self) -> DeliveryResult:
        """Deliver what is left, until the store has taken nothing for ``finish_timeout_s`` seconds; what then remains
        stays in the journal.
        """
        if self._closed:
            return DeliveryResult()
        self._closed = True
        if self._disk is None:
            return DeliveryResult()
        self._disk.stop()
        atexit.unregister(self._disk.flush)
        if self._uploader is None:
            names = tuple(self._runs)
            words = [f"{_count(names)} recorded in {self._root}; `{command('sync')}` delivers them."] if names else []
            return self._delivery(names, words)
        left = self._uploader.finish(self.settings.finish_timeout_s)
        self._uploader.service.close()  # what is not delivered by now stays in the journals
        for run in self._runs.values():
            if self._uploader.finished(run):
                prune_journal(run.journal)
        words = []
        if left:
            words.append(
                f"{_count(left)} not wholly delivered to {self._store_shown}; kept in {self._root}. "
                f"Run `{command('sync')}` later."
            )
        return self._delivery(left, words)

    def _delivery(self, undelivered: tuple[str, ...], words: list[str]) -> DeliveryResult:
        """What became of the records, with the cause where a thread that carries them ended before its time."""
        assert self._disk is not None
        lost = self._disk.lost_runs()
        if lost:
            words.append(f"Not all of {', '.join(lost)} could be written to {self._root}: what is missing is lost.")
        elif self._disk.failure is not None:
            words.append("Nothing is lost.")
        disbelieved = bool(undelivered) and self._uploader is not None and self._uploader.disbelieved
        return DeliveryResult(undelivered, " ".join([*self._failures(), *words]), lost, disbelieved)

    def _failures(self) -> list[str]:
        """The causes for which the threads of this session ended before their time."""
        parts = ("Recording", self._disk), ("DeliveryResult", self._uploader)
        return [f"{what} failed: {redact(repr(p.failure))}." for what, p in parts if p is not None and p.failure]

    def preload(self, function: Callable[[], None]) -> None:
        """Have a function load what a later ``call_in_service`` needs, where that costs the training nothing."""
        if self._uploader is not None:
            self._uploader.service.preload(function)

    def call_in_service(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns, called where MLflow is loaded already; all of it can be pickled.

        Raises:
            LrscopeError: as the function did. For any other error it is called once more, in this process.
        """
        if self._uploader is None:
            return function(*arguments)
        self.open()
        try:
            return self._uploader.service.call(function, *arguments)
        except LrscopeError:
            raise
        except Exception:
            return function(*arguments)

    def _watch_machine(self, run: RunLog, kind: str) -> None:
        """Sample the machine for a sweep or a lone run; the members of a sweep share it."""
        if self.settings.system_metrics and self._uploader is not None and kind != "member":
            SystemMetrics(run, self._uploader.service.call)

    def _store(self) -> OpenStore | None:
        return self._uploader.service.store if self._uploader is not None else None

    def _log(self, journal: Journal, history: History | None) -> RunLog:
        run = RunLog(journal, self._disk.record if self._disk is not None else None, history)
        self._runs[run.local_id] = run
        if self._uploader is not None:
            self._uploader.watch(run)
        return run

    def _process_tags(self) -> dict[str, str]:
        return {
            **this_process().to_tags(),
            "lrscope.session": self._id,
            "lrscope.heartbeat": str(int(time.time())),
        }


def _redacted(values: object) -> dict[str, str]:
    assert hasattr(values, "items")
    redacted = redactor()
    return {key: HIDDEN if names_a_password(key) and value else redacted(str(value)) for key, value in values.items()}


def _count(runs: tuple[str, ...]) -> str:
    return "1 run is" if len(runs) == 1 else f"{len(runs)} runs are"
