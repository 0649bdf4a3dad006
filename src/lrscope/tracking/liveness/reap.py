"""Runs whose process is gone are KILLED, not RUNNING for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import LATEST_MS, is_local_id, whole
from lrscope.core.paths import resolve
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Milestone, all_journals
from lrscope.tracking.liveness.heartbeat import HEARTBEAT
from lrscope.tracking.liveness.process import ProcessIdentity, fate
from lrscope.tracking.mlflow_store.lookup import is_beginning, sole
from lrscope.tracking.mlflow_store.runs import LOCAL_ID, all_experiments
from lrscope.tracking.mlflow_store.store import Store, open_store, resolve_uri

_LETS_GO_S = 1.0
SILENT_S = 600.0
"""A run on another machine is doubtful after this many seconds without a heartbeat."""


@dataclass(frozen=True)
class Doubtful:
    """A run that says RUNNING, and of whose process nothing is known but that it has been silent."""

    run_id: str
    name: str
    experiment_id: str
    machine: str
    pid: str
    silent_s: float

    def __str__(self) -> str:
        return f"{self.run_id}  {self.name}: silent for {self.silent_s / 60:.0f} min (process {self.pid})"


def running(store: Store) -> list[Any]:
    """Every run of lrscope's that the store shows as RUNNING."""
    from mlflow.entities import ViewType

    found: list[Any] = []
    experiments = all_experiments(store)
    token: str | None = None
    while experiments:
        page = store.client.search_runs(
            experiments,
            f"attributes.status = 'RUNNING' and tags.`{LOCAL_ID}` != ''",
            ViewType.ACTIVE_ONLY,
            max_results=1000,
            page_token=token,
        )
        found.extend(page)
        token = page.token
        if not token:
            break
    return found


def reap_gone(store: Store, root: Path) -> list[str]:
    """Mark the runs whose process is surely gone; what they left in their journals is delivered later.

    Returns:
        Words for the user, one a run.
    """
    words = []
    for run in running(store):
        process = ProcessIdentity.from_tags(run.data.tags)
        if process is None or fate(process) != "gone":
            continue
        # It may have ended its run and itself since the question was put; from now on it cannot.
        if store.client.get_run(run.info.run_id).info.status != "RUNNING":
            continue
        local_id = run.data.tags.get(LOCAL_ID, run.info.run_id)
        if not is_local_id(local_id):
            continue
        journal = Journal.of(root, local_id)
        if _ended_undelivered(journal):
            continue
        close_if_gone(journal)
        _mark(store, run)
        words.append(f"{run.info.run_name} ({run.info.run_id}) was left by a process that is gone: KILLED.")
    return words


def _ended_undelivered(journal: Journal) -> bool:
    """Whether the run ended by itself and only the word of it has not reached the store yet."""
    history = list(journal.milestones())
    return bool(history) and isinstance(history[-1], ev.Ended) and journal.undelivered()


def _mark(store: Store, run: Any) -> None:
    ended_s = max(_last_sign_s(run), _started_s(run))  # a heartbeat of a wrong clock: no run ends before its start
    store.client.set_terminated(run.info.run_id, "KILLED", int(1000 * ended_s))


def _last_sign_s(run: Any) -> float:
    """When the run was last heard of, in Unix seconds: its start only as long as it has no heartbeat."""
    return whole(run.data.tags.get(HEARTBEAT), high=LATEST_MS // 1000) or _started_s(run)


def _started_s(run: Any) -> float:
    return (run.info.start_time or 0) / 1000


def close_if_gone(journal: Journal) -> bool:
    """End the journal of a run whose process is surely gone as KILLED, at its last record's time; whether it did."""
    if not _left_open_by_a_dead_process(journal):
        return False
    with journal.delivering(_LETS_GO_S) as held:  # what delivered for the dead process ends a moment after it
        if not held or not journal.exists() or not _left_open_by_a_dead_process(journal):
            return False
        journal.cut_torn_tail()
        last_record = int(journal.events_file.stat().st_mtime * 1000)
        journal.append(ev.encode(ev.Ended("KILLED", last_record)))
    return True


def _left_open_by_a_dead_process(journal: Journal) -> bool:
    owner: ProcessIdentity | None = None
    for event in journal.milestones():
        owner = None if isinstance(event, ev.Ended) else ProcessIdentity.from_tags(event.process)
    return owner is not None and fate(owner) == "gone"


def left_behind(store: Store, root: Path) -> Iterator[Journal]:
    """Spools that dead processes left undelivered for this very store, each closed as KILLED where it was open."""
    for journal in all_journals(root):
        if not journal.undelivered():
            continue
        history = list(journal.milestones())
        if not history or isinstance(history[0], ev.Ended) or history[0].store is None:
            continue
        if not store.address.is_called(history[0].store, root):
            continue
        if _all_gone(history):
            close_if_gone(journal)
            yield journal


def _all_gone(history: Sequence[Milestone]) -> bool:
    """Whether no process can still be delivering what it recorded itself."""
    owners = [ProcessIdentity.from_tags(event.process) for event in history if not isinstance(event, ev.Ended)]
    return all(owner is not None and fate(owner) == "gone" for owner in owners)


def doubtful(store: Store, silent_s: float = SILENT_S) -> list[Doubtful]:
    """Runs that have been silent for ``silent_s`` seconds, and whose process cannot be looked at from here."""
    found = []
    for run in running(store):
        tags = run.data.tags
        process = ProcessIdentity.from_tags(tags)
        if process is not None and fate(process) == "alive":
            continue
        silent = time.time() - _last_sign_s(run)
        if silent >= silent_s:
            machine, pid = (process.machine, str(process.pid)) if process else ("unknown", "unknown")
            found.append(
                Doubtful(run.info.run_id, run.info.run_name or "", run.info.experiment_id, machine, pid, silent)
            )
    return found


def _meant(silent: Sequence[Doubtful], word: str) -> Doubtful:
    found = [run for run in silent if run.run_id.startswith(word)]
    if not is_beginning(word, "run") or not found:
        rule = "no silent run has this id"
        raise InputError(Problem("run", word, rule, "Without ids those that are silent are listed."))
    return sole(found, [run.run_id for run in found], word, "run")


@dataclass(frozen=True)
class Reaped:
    """``gone``: words on runs that were marked for certain; ``doubtful``: silent ones; ``marked``: ids of these."""

    gone: tuple[str, ...]
    doubtful: tuple[Doubtful, ...]
    marked: tuple[str, ...]


def reap(settings: TrackingSettings, mark: bool = False, only: Sequence[str] = ()) -> Reaped:
    """Mark the runs of dead processes; list those that may be dead, and mark them too with ``mark``.

    Args:
        mark: also mark the silent ones.
        only: of the silent ones, mark those with these MLflow ids, or beginnings of them; empty means all.

    Raises:
        InputError: no silent run, or several, have such an id.
        StoreUnreachable: the store does not answer.
    """
    store = open_store(resolve_uri(settings.uri))
    gone = reap_gone(store, resolve(settings.spool))
    silent = doubtful(store)
    chosen = [_meant(silent, word) for word in only]
    marked = []
    for run in silent:
        if mark and (not only or run in chosen):
            _mark(store, store.client.get_run(run.run_id))
            marked.append(run.run_id)
    return Reaped(tuple(gone), tuple(silent), tuple(marked))
