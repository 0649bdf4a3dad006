"""Delivers what earlier commands could not: any number of times, to the same end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrscope.core.failpoint import failpoint
from lrscope.core.from_store import line
from lrscope.core.paths import resolve
from lrscope.core.redact import redact
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.tracking.delivery.commit import Commits
from lrscope.tracking.delivery.deliver import LOCK_WAIT_S, Busy, ContinuedElsewhere
from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.delivery.service_client import ServiceClient, start_thread
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, all_journals, odd_journals
from lrscope.tracking.liveness.process import ProcessIdentity, fate
from lrscope.tracking.liveness.reap import close_if_gone
from lrscope.tracking.liveness.typed_words import keep_typed_words
from lrscope.tracking.mlflow_store.address import Address, resolve_uri, whole_name
from lrscope.tracking.mlflow_store.reach import check_reachable

CHECKPOINTS = "checkpoints"
"""The folder in a run's journal that is not the record's to remove."""


@dataclass(frozen=True)
class SyncReport:
    """``delivered``: local ids that are wholly in the store now and were not before; ``left``: id and why it is not."""

    delivered: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """One line for each thing that the user should know; empty where there was nothing to do."""
        lines = [f"{len(self.delivered)} of the runs in the journal delivered."] if self.delivered else []
        lines += [f"{local_id} is not delivered: {why}" for local_id, why in self.left]
        return tuple(map(line, (*lines, *(f"The store refused {words}" for words in self.refused))))


def sync(settings: TrackingSettings, adopt: bool = False, prune: bool = False) -> SyncReport:
    """Deliver every undelivered journal to the store, parents before their members.

    Args:
        adopt: also deliver runs that were recorded for another store.
        prune: remove the events of runs that ended and are delivered; checkpoints stay.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    root = resolve(settings.spool)
    journals = all_journals(root)
    for journal in journals:
        if _open(journal):
            close_if_gone(journal)
    address = resolve_uri(settings.uri)
    due = [journal for journal in journals if journal.undelivered()]
    foreign = {} if adopt else dict(_bound_elsewhere(due, address))
    due = [journal for journal in due if journal.local_id not in foreign]
    report = SyncReport(left=(*odd_journals(root), *foreign.items()))
    if due:
        check_reachable(address)
        service = ServiceClient(address, root, (start_thread,))
        try:
            service.ask(StoreService.open)
            report = _deliver_all(service, root, due, report)
        finally:
            service.close()
    if prune:
        for journal in journals:
            prune_journal(journal)
    return report


def _deliver_all(service: ServiceClient, root: Path, due: list[Journal], report: SyncReport) -> SyncReport:
    delivered: list[str] = []
    left = list(report.left)
    refused: list[str] = []
    postponed: dict[str, str] = {}

    def postpone(journal: Journal, event: ev.Event, why: str) -> None:
        journal.append(ev.encode(event))
        postponed[journal.local_id] = why

    commits = Commits(service, root, postpone, refused.append)
    for at, journal in enumerate(due):
        live = _recorded_just_now(journal)
        try:
            commits.deliver(journal, lock_wait_s=0.0 if live else LOCK_WAIT_S)
        except ContinuedElsewhere as error:
            left.append((journal.local_id, str(error)))
        except Busy:
            if not live:
                left.append((journal.local_id, "another process is delivering it just now"))
        except Exception as error:
            why = redact(str(error).splitlines()[0]) if str(error) else type(error).__name__
            if not service.ask(StoreService.answers):
                left += [(rest.local_id, why) for rest in due[at:]]
                break
            left.append((journal.local_id, why))
        else:
            if not journal.undelivered():
                delivered.append(journal.local_id)
            elif journal.local_id in postponed:
                left.append((journal.local_id, postponed[journal.local_id]))
    return SyncReport(tuple(delivered), tuple(left), tuple(refused))


def _open(journal: Journal) -> bool:
    """Whether its end has not been delivered: only then is it worth asking after its process."""
    return journal.undelivered() or journal.offset().ended is None


def _recorded_just_now(journal: Journal) -> bool:
    """Whether a live process records it online: then that process delivers it, too."""
    owner: ProcessIdentity | None = None
    online = False
    for event in journal.milestones():
        if isinstance(event, ev.Ended):
            owner = None
            continue
        owner = ProcessIdentity.from_tags(event.process)
        online = event.store is not None
    return online and owner is not None and fate(owner) == "alive"


def _bound_elsewhere(journals: list[Journal], address: Address) -> Iterator[tuple[str, str]]:
    for journal in journals:
        started = journal.started()
        store = journal.offset().store or (started.store if started is not None else None)
        beside = journal.folder.parent
        if store is not None and not address.is_called(store, beside):
            yield (
                journal.local_id,
                f"it belongs to {whole_name(store, beside)}; sync with that tracking.uri, or with --adopt",
            )


def prune_journal(journal: Journal) -> None:
    """Remove what the store has of a run that FINISHED; its checkpoints stay, and the words that were typed."""
    with journal.delivering(0) as held:
        offset = journal.offset()
        if not held or journal.undelivered() or offset.ended != "FINISHED" or offset.refused:
            return
        if journal.exists():
            keep_typed_words(journal)
        for path in journal.folder.iterdir():
            if path.name == CHECKPOINTS:
                continue
            with failpoint("prune"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
    if not any(journal.folder.iterdir()):
        journal.folder.rmdir()
