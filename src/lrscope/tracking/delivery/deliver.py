"""Delivers a spool: a pure consumer, the same from the background thread, at the end of a run and in ``sync``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrscope.tracking.delivery.mlflow_writer import BATCH_POINTS, RunDeleted, Sender, StubbornArtifact
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Cursor, Spool
from lrscope.tracking.journal.offsets import Cursors
from lrscope.tracking.mlflow_store.runs import RunIds, adopt_orphans, all_experiments, create_run, find_run
from lrscope.tracking.mlflow_store.store import Store
from lrscope.tracking.safe_paths import check_local_id
from lrscope.tracking.settings import RunStart

_BATCH_EVENTS = 500
_BULK_POINTS = 10_000
"""A store that takes points in bulk takes so many at once: each batch costs it a commit."""
LOCK_WAIT_S = 5.0


class Busy(Exception):
    """Another process is delivering this spool just now; what it delivers need not be delivered again."""


def append_again(spool: Spool, event: ev.Event) -> None:
    """Put an event at the end of a spool that nobody else appends to."""
    spool.append(ev.encode(event))


def _nothing() -> None:
    """Nobody watches."""


@dataclass
class Deliverer:
    """Delivers the spools below ``root`` to one store.

    ``fresh`` are runs that this process has just made up: nobody can have created them in the store yet, so their first
    delivery need not search for them. ``postpone`` puts an artifact that does not go through at the end of its spool:
    it holds up neither the points behind it nor the run's status, and stays undelivered until it arrives.
    ``progressed`` is called whenever the store has taken something.
    """

    store: Store
    root: Path
    postpone: Callable[[Spool, ev.Event], None] = append_again
    progressed: Callable[[], None] = _nothing
    lock_wait_s: float = LOCK_WAIT_S
    fresh: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    postponed: dict[str, str] = field(default_factory=dict)
    """Runs of which an artifact did not go through, and why."""
    _cursors: Cursors = field(default_factory=Cursors)
    _experiments: list[str] | None = None

    def deliver(self, spool: Spool, keep_going: Callable[[], bool] = lambda: True) -> Cursor:
        """Deliver what the spool has by now; returns the new cursor.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass; what was delivered until then stays delivered.
        """
        with spool.delivering(self.lock_wait_s) as held:
            if not held:
                raise Busy(spool.local_id)
            end = spool.size()
            while keep_going() and (cursor := self._cursors.of(spool)).offset < end:
                events, behind, damaged = spool.read(cursor.offset)
                if behind == cursor.offset:
                    break
                if damaged:
                    self._note(spool, [f"{damaged} damaged lines of the spool were skipped"])
                for batch in self._batches(events):
                    if not keep_going():
                        return self._cursors.of(spool)
                    cursor = self._carry(spool, self._cursors.of(spool), [event for _, event in batch])
                    self._advance(spool, replace(cursor, offset=batch[-1][0]))
                # Damaged lines at the end of the block are behind the last event.
                self._advance(spool, replace(self._cursors.of(spool), offset=behind))
        return self._cursors.of(spool)

    def direct(self, spool: Spool, events: Sequence[ev.Event]) -> Cursor:
        """Deliver events that could not be put on disk."""
        for batch in self._batches([(0, event) for event in events]):
            self._advance(spool, self._carry(spool, self._cursors.of(spool), [event for _, event in batch]))
        return self._cursors.of(spool)

    def _carry(self, spool: Spool, cursor: Cursor, events: list[ev.Event]) -> Cursor:
        if cursor.run_id is None or cursor.experiment_id is None:
            started = next((e for e in events if isinstance(e, ev.Started)), None) or spool.started()
            if started is None:
                self._note(spool, ["the spool does not say what run it is of: nothing of it can be delivered"])
                return cursor
            ids = self._run(started)
            cursor = replace(cursor, run_id=ids.run_id, experiment_id=ids.experiment_id, store=self.store.address.shown)
            self._advance(spool, cursor)
        assert cursor.run_id is not None and cursor.experiment_id is not None
        sender = Sender(self.store, spool, RunIds(cursor.run_id, cursor.experiment_id), self.progressed)
        try:
            self._send(spool, sender, cursor.run_id, events)
        except RunDeleted:
            if cursor.refused == 0:
                sender.refusals.append("its records: the run was deleted in the store")
        self._note(spool, sender.refusals)
        ended = cursor.ended
        if isinstance(last := events[-1], ev.Ended | ev.Reopened):
            ended = last.status if isinstance(last, ev.Ended) else None
        return replace(cursor, ended=ended, refused=cursor.refused + len(sender.refusals))

    def _send(self, spool: Spool, sender: Sender, run_id: str, events: list[ev.Event]) -> None:
        left_out: list[ev.Event] = []
        while True:
            try:
                sender.send(events, left_out)
                return
            except StubbornArtifact as trouble:
                # Raises where it is the store itself that is away.
                self.store.client.get_run(run_id)
                for event in trouble.events:
                    self.postpone(spool, event)
                    self.postponed[spool.local_id] = f"an artifact does not go through: {trouble}"
                left_out.extend(trouble.events)

    def _run(self, started: ev.Started) -> RunIds:
        start = started.start
        check_local_id(start.local_id)
        parent = self._parent(start)
        fresh = start.local_id in self.fresh
        # Once only: a call that failed on its way back may have made the run.
        self.fresh.discard(start.local_id)
        if not fresh and (found := find_run(self.store, start.local_id, self._all_experiments())):
            return RunIds(found.info.run_id, found.info.experiment_id)
        try:
            ids = create_run(self.store, started, parent)
        except Exception:
            # The experiment may have been deleted since it was looked up.
            self.store.forget_experiments()
            raise
        if start.kind == "sweep" and not fresh:
            adopt_orphans(self.store, ids, start.local_id)
        return ids

    def _parent(self, start: RunStart) -> str | None:
        if start.parent_local_id is None:
            return None
        spool = Spool.of(self.root, start.parent_local_id)
        cursor = self._cursors.of(spool)
        if cursor.run_id is not None:
            return cursor.run_id
        if spool.exists() and start.parent_local_id != start.local_id:
            return self.deliver(spool).run_id
        found = find_run(self.store, start.parent_local_id, self._all_experiments())
        return found.info.run_id if found else None

    def _all_experiments(self) -> list[str]:
        """Asked for once: a run that an earlier process delivered lies in one that is there already."""
        if self._experiments is None:
            self._experiments = all_experiments(self.store)
        return self._experiments

    def _advance(self, spool: Spool, cursor: Cursor) -> None:
        self._cursors.note(spool, cursor)
        self.progressed()
        with contextlib.suppress(OSError):
            spool.set_cursor(cursor)

    def _batches(self, events: Sequence[tuple[int, ev.Event]]) -> Iterator[list[tuple[int, ev.Event]]]:
        """Runs of events with about so many points as go at once; an end or a reopening is the last of its batch."""
        most = BATCH_POINTS if self.store.bulk is None else _BULK_POINTS
        batch: list[tuple[int, ev.Event]] = []
        points = 0
        for item in events:
            batch.append(item)
            points += len(item[1].points) if isinstance(item[1], ev.Points) else 0
            if points >= most or len(batch) >= _BATCH_EVENTS or isinstance(item[1], ev.Ended | ev.Reopened):
                yield batch
                batch, points = [], 0
        if batch:
            yield batch

    def _note(self, spool: Spool, refusals: Sequence[str]) -> None:
        """What the store refuses for good is kept beside the spool and told to the user; it holds up nothing."""
        if not refusals:
            return
        self.refusals.extend(f"{spool.local_id}: {text}" for text in refusals)
        with contextlib.suppress(OSError), (spool.folder / "refused.jsonl").open("a") as file:
            file.writelines(json.dumps(text) + "\n" for text in refusals)
