"""Delivers a journal: a pure consumer, the same from the background thread, at the end of a run and in ``sync``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrscope.core.safe_paths import check_local_id
from lrscope.core.tracking_settings import RunStart
from lrscope.tracking.delivery.mlflow_writer import BATCH_POINTS, MLflowWriter, RunDeleted, StubbornArtifact
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Offset
from lrscope.tracking.journal.offsets import Offsets
from lrscope.tracking.mlflow_store.runs import RunIds, adopt_orphans, all_experiments, create_run, find_run
from lrscope.tracking.mlflow_store.store import Store

_BATCH_EVENTS = 500
_BULK_POINTS = 10_000
"""A store that takes points in bulk takes so many at once: each batch costs it a commit."""
LOCK_WAIT_S = 5.0


class Busy(Exception):
    """Another process is delivering this journal just now; what it delivers need not be delivered again."""


def append_again(journal: Journal, event: ev.Event) -> None:
    """Put an event at the end of a journal that nobody else appends to."""
    journal.append(ev.encode(event))


def _nothing() -> None:
    """Nobody watches."""


@dataclass
class Deliverer:
    """Delivers the journals below ``root`` to one store.

    ``fresh`` are runs that this process has just made up: nobody can have created them in the store yet, so their first
    delivery need not search for them. ``postpone`` puts an artifact that does not go through at the end of its journal:
    it holds up neither the points behind it nor the run's status, and stays undelivered until it arrives.
    ``progressed`` is called whenever the store has taken something.
    """

    store: Store
    root: Path
    postpone: Callable[[Journal, ev.Event], None] = append_again
    progressed: Callable[[], None] = _nothing
    lock_wait_s: float = LOCK_WAIT_S
    fresh: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    postponed: dict[str, str] = field(default_factory=dict)
    """Runs of which an artifact did not go through, and why."""
    _offsets: Offsets = field(default_factory=Offsets)
    _experiments: list[str] | None = None

    def deliver(self, journal: Journal, keep_going: Callable[[], bool] = lambda: True) -> Offset:
        """Deliver what the journal has by now; returns the new offset.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass; what was delivered until then stays delivered.
        """
        with journal.delivering(self.lock_wait_s) as held:
            if not held:
                raise Busy(journal.local_id)
            end = journal.size()
            while keep_going() and (offset := self._offsets.of(journal)).offset < end:
                events, behind, damaged = journal.read(offset.offset)
                if behind == offset.offset:
                    break
                if damaged:
                    self._note(journal, [f"{damaged} damaged lines of the journal were skipped"])
                for batch in self._batches(events):
                    if not keep_going():
                        return self._offsets.of(journal)
                    offset = self._carry(journal, self._offsets.of(journal), [event for _, event in batch])
                    self._advance(journal, replace(offset, offset=batch[-1][0]))
                # Damaged lines at the end of the block are behind the last event.
                self._advance(journal, replace(self._offsets.of(journal), offset=behind))
        return self._offsets.of(journal)

    def direct(self, journal: Journal, events: Sequence[ev.Event]) -> Offset:
        """Deliver events that could not be put on disk."""
        for batch in self._batches([(0, event) for event in events]):
            self._advance(journal, self._carry(journal, self._offsets.of(journal), [event for _, event in batch]))
        return self._offsets.of(journal)

    def _carry(self, journal: Journal, offset: Offset, events: list[ev.Event]) -> Offset:
        if offset.run_id is None or offset.experiment_id is None:
            started = next((e for e in events if isinstance(e, ev.Started)), None) or journal.started()
            if started is None:
                self._note(journal, ["the journal does not say what run it is of: nothing of it can be delivered"])
                return offset
            ids = self._run(started)
            offset = replace(offset, run_id=ids.run_id, experiment_id=ids.experiment_id, store=self.store.address.shown)
            self._advance(journal, offset)
        assert offset.run_id is not None and offset.experiment_id is not None
        sender = MLflowWriter(self.store, journal, RunIds(offset.run_id, offset.experiment_id), self.progressed)
        try:
            self._send(journal, sender, offset.run_id, events)
        except RunDeleted:
            if offset.refused == 0:
                sender.refusals.append("its records: the run was deleted in the store")
        self._note(journal, sender.refusals)
        ended = offset.ended
        if isinstance(last := events[-1], ev.Ended | ev.Reopened):
            ended = last.status if isinstance(last, ev.Ended) else None
        return replace(offset, ended=ended, refused=offset.refused + len(sender.refusals))

    def _send(self, journal: Journal, sender: MLflowWriter, run_id: str, events: list[ev.Event]) -> None:
        left_out: list[ev.Event] = []
        while True:
            try:
                sender.send(events, left_out)
                return
            except StubbornArtifact as trouble:
                # Raises where it is the store itself that is away.
                self.store.client.get_run(run_id)
                for event in trouble.events:
                    self.postpone(journal, event)
                    self.postponed[journal.local_id] = f"an artifact does not go through: {trouble}"
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
        journal = Journal.of(self.root, start.parent_local_id)
        offset = self._offsets.of(journal)
        if offset.run_id is not None:
            return offset.run_id
        if journal.exists() and start.parent_local_id != start.local_id:
            return self.deliver(journal).run_id
        found = find_run(self.store, start.parent_local_id, self._all_experiments())
        return found.info.run_id if found else None

    def _all_experiments(self) -> list[str]:
        """Asked for once: a run that an earlier process delivered lies in one that is there already."""
        if self._experiments is None:
            self._experiments = all_experiments(self.store)
        return self._experiments

    def _advance(self, journal: Journal, offset: Offset) -> None:
        self._offsets.note(journal, offset)
        self.progressed()
        with contextlib.suppress(OSError):
            journal.set_offset(offset)

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

    def _note(self, journal: Journal, refusals: Sequence[str]) -> None:
        """What the store refuses for good is kept beside the journal and told to the user; it holds up nothing."""
        if not refusals:
            return
        self.refusals.extend(f"{journal.local_id}: {text}" for text in refusals)
        with contextlib.suppress(OSError), (journal.folder / "refused.jsonl").open("a") as file:
            file.writelines(json.dumps(text) + "\n" for text in refusals)
