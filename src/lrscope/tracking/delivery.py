"""Delivers a spool: a pure consumer, the same from the background thread, at the end of a run and in
``sync``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrscope.tracking import events as ev
from lrscope.tracking.sender import BATCH_POINTS, RunIds, Sender, adopt_orphans, create_run, find_run
from lrscope.tracking.settings import RunStart
from lrscope.tracking.spool import Cursor, Spool
from lrscope.tracking.store import Store

_LOCK_WAIT_S = 5.0


class Busy(Exception):
    """Another process is delivering this spool just now; what it delivers need not be delivered again."""


@dataclass
class Deliverer:
    """Delivers the spools below ``root`` to one store. ``fresh`` are runs that this process has just made
    up: no other process can have created them in the store, so their first delivery need not search for
    them.
    """

    store: Store
    root: Path
    fresh: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    _cursors: dict[str, Cursor] = field(default_factory=dict)

    def deliver(self, spool: Spool, keep_going: Callable[[], bool] = lambda: True) -> Cursor:
        """Deliver what the spool has by now; returns the new cursor.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass; what was delivered until then stays delivered.
        """
        with spool.delivering(_LOCK_WAIT_S) as held:
            if not held:
                raise Busy(spool.local_id)
            while keep_going():
                cursor = self.cursor(spool)
                events, behind, damaged = spool.read(cursor.offset)
                if behind == cursor.offset:
                    break
                if damaged:
                    self._note(spool, [f"{damaged} damaged lines of the spool were skipped"])
                for batch in _batches(events):
                    if not keep_going():
                        return self.cursor(spool)
                    cursor = self._carry(spool, cursor, [event for _, event in batch])
                    self._advance(spool, replace(cursor, offset=batch[-1][0]))
                self._advance(spool, replace(self.cursor(spool), offset=behind))
        return self.cursor(spool)

    def direct(self, spool: Spool, events: Sequence[ev.Event]) -> Cursor:
        """Deliver events that could not be put on disk."""
        cursor = self.cursor(spool)
        for batch in _batches([(cursor.offset, event) for event in events]):
            cursor = self._carry(spool, cursor, [event for _, event in batch])
            self._advance(spool, cursor)
        return cursor

    def cursor(self, spool: Spool) -> Cursor:
        """The further one of what is on disk and what is known here (the disk may be full)."""
        known = self._cursors.get(spool.local_id, Cursor())
        on_disk = spool.cursor()
        return (
            on_disk if (on_disk.offset, on_disk.run_id or "") > (known.offset, known.run_id or "") else known
        )

    def _carry(self, spool: Spool, cursor: Cursor, events: list[ev.Event]) -> Cursor:
        if cursor.run_id is None or cursor.experiment_id is None:
            started = next((e for e in events if isinstance(e, ev.Started)), None) or spool.started()
            if started is None:
                self._note(
                    spool, ["the spool does not say what run it is of: nothing of it can be delivered"]
                )
                return cursor
            ids = self._run(started)
            cursor = replace(
                cursor, run_id=ids.run_id, experiment_id=ids.experiment_id, store=self.store.address.shown
            )
            self._advance(spool, cursor)
        assert cursor.run_id is not None and cursor.experiment_id is not None
        sender = Sender(self.store, spool, RunIds(cursor.run_id, cursor.experiment_id))
        sender.send(events)
        self._note(spool, sender.refusals)
        ended = cursor.ended
        for event in events:
            if isinstance(event, ev.Ended | ev.Reopened):
                ended = event.status if isinstance(event, ev.Ended) else None
        return replace(cursor, ended=ended, refused=cursor.refused + len(sender.refusals))

    def _run(self, started: ev.Started) -> RunIds:
        start = started.start
        parent = self._parent(start)
        if start.local_id in self.fresh:
            # Once only: a call that failed on the way back may have made the run.
            self.fresh.discard(start.local_id)
            return create_run(self.store, started, parent)
        if found := find_run(self.store, start.local_id):
            return RunIds(found.info.run_id, found.info.experiment_id)
        ids = create_run(self.store, started, parent)
        if start.kind == "sweep":
            adopt_orphans(self.store, ids, start.local_id)
        return ids

    def _parent(self, start: RunStart) -> str | None:
        if start.parent_local_id is None:
            return None
        spool = Spool.of(self.root, start.parent_local_id)
        if spool.exists():
            return (self.cursor(spool).run_id) or self.deliver(spool).run_id
        found = find_run(self.store, start.parent_local_id)
        return found.info.run_id if found else None

    def _advance(self, spool: Spool, cursor: Cursor) -> None:
        self._cursors[spool.local_id] = cursor
        with contextlib.suppress(OSError):
            spool.set_cursor(cursor)

    def _note(self, spool: Spool, refusals: Sequence[str]) -> None:
        """What the store refuses for good is kept beside the spool and told to the user; it does not hold
        up the rest.
        """
        if not refusals:
            return
        self.refusals.extend(f"{spool.local_id}: {text}" for text in refusals)
        with contextlib.suppress(OSError), (spool.folder / "refused.jsonl").open("a") as file:
            file.writelines(json.dumps(text) + "\n" for text in refusals)


def _batches(events: Sequence[tuple[int, ev.Event]]) -> Iterator[list[tuple[int, ev.Event]]]:
    """Runs of events with at most about 1,000 points; what is neither point, param nor tag ends one."""
    batch: list[tuple[int, ev.Event]] = []
    points = 0
    for item in events:
        batch.append(item)
        points += len(item[1].points) if isinstance(item[1], ev.Points) else 0
        if points >= BATCH_POINTS or not isinstance(item[1], ev.Points | ev.Tags | ev.Params | ev.Started):
            yield batch
            batch, points = [], 0
    if batch:
        yield batch
