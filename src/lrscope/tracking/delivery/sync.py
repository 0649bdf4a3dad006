"""Delivers what earlier commands could not: any number of times, to the same end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from lrscope.core.paths import resolve
from lrscope.tracking.delivery.deliver import LOCK_WAIT_S, Busy, Deliverer
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Spool, all_spools
from lrscope.tracking.liveness.process import ProcessIdentity, fate
from lrscope.tracking.liveness.reap import close_if_gone
from lrscope.tracking.mlflow_store.address import Address, resolve_uri
from lrscope.tracking.mlflow_store.store import Store, open_store
from lrscope.tracking.redact import redact
from lrscope.tracking.settings import TrackingSettings

CHECKPOINTS = "checkpoints"
"""The folder in a run's spool that is not the record's to remove."""


@dataclass(frozen=True)
class SyncReport:
    """``delivered``: local ids that are wholly in the store now and were not before; ``left``: id and why it is not."""

    delivered: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """One line for each thing that the user should know; empty where there was nothing to do."""
        lines = [f"{len(self.delivered)} of the runs in the spool delivered."] if self.delivered else []
        lines += [f"{local_id} is not delivered: {why}" for local_id, why in self.left]
        return (*lines, *(f"The store refused {text}" for text in self.refused))


def sync(settings: TrackingSettings, adopt: bool = False, prune: bool = False) -> SyncReport:
    """Deliver every undelivered spool to the store, parents before their members.

    Args:
        adopt: also deliver runs that were recorded for another store.
        prune: remove the events of runs that ended and are delivered; checkpoints stay.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    root = resolve(settings.spool)
    spools = all_spools(root)
    for spool in spools:
        if _open(spool):
            close_if_gone(spool)
    address = resolve_uri(settings.uri)
    due = [spool for spool in spools if spool.undelivered()]
    foreign = {} if adopt else dict(_bound_elsewhere(due, address))
    due = [spool for spool in due if spool.local_id not in foreign]
    report = SyncReport(left=tuple(foreign.items()))
    if due:
        report = _deliver_all(Deliverer(open_store(address), root), due, report)
    if prune:
        for spool in spools:
            prune_spool(spool)
    return report


def _deliver_all(deliverer: Deliverer, due: list[Spool], report: SyncReport) -> SyncReport:
    delivered: list[str] = []
    left = list(report.left)
    for at, spool in enumerate(due):
        live = _recorded_just_now(spool)
        deliverer.lock_wait_s = 0.0 if live else LOCK_WAIT_S
        try:
            deliverer.deliver(spool)
        except Busy:
            if not live:
                left.append((spool.local_id, "another process is delivering it just now"))
        except Exception as error:
            why = redact(str(error).splitlines()[0]) if str(error) else type(error).__name__
            if not _answers(deliverer.store):
                left += [(rest.local_id, why) for rest in due[at:]]
                break
            left.append((spool.local_id, why))
        else:
            if not spool.undelivered():
                delivered.append(spool.local_id)
            elif spool.local_id in deliverer.postponed:
                left.append((spool.local_id, deliverer.postponed[spool.local_id]))
    return SyncReport(tuple(delivered), tuple(left), tuple(deliverer.refusals))


def _answers(store: Store) -> bool:
    """Whether the trouble was with one run, and not with the store."""
    try:
        store.client.search_experiments(max_results=1)
    except Exception:
        return False
    return True


def _open(spool: Spool) -> bool:
    """Whether its end has not been delivered: only then is it worth asking after its process."""
    return spool.undelivered() or spool.cursor().ended is None


def _recorded_just_now(spool: Spool) -> bool:
    """Whether a live process records it online: then that process delivers it, too."""
    owner: ProcessIdentity | None = None
    online = False
    for event in spool.milestones():
        if isinstance(event, ev.Ended):
            owner = None
            continue
        owner = ProcessIdentity.from_tags(event.process)
        online = event.store is not None
    return online and owner is not None and fate(owner) == "alive"


def _bound_elsewhere(spools: list[Spool], address: Address) -> Iterator[tuple[str, str]]:
    for spool in spools:
        started = spool.started()
        store = spool.cursor().store or (started.store if started is not None else None)
        if store is not None and store != address.shown:
            yield spool.local_id, f"it belongs to {store}; sync with that tracking.uri, or with --adopt"


def prune_spool(spool: Spool) -> None:
    """Remove what the store has of a run that FINISHED; its checkpoints stay."""
    with spool.delivering(0) as held:
        cursor = spool.cursor()
        if not held or spool.undelivered() or cursor.ended != "FINISHED" or cursor.refused:
            return
        for path in spool.folder.iterdir():
            if path.name == CHECKPOINTS:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    if not any(spool.folder.iterdir()):
        spool.folder.rmdir()
