"""Sends a journal to the store a slice at a time; whoever owns the journal notes how far it came."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lrscope.core.from_store import check_local_id
from lrscope.tracking.delivery.elsewhere import only_what_is_missing
from lrscope.tracking.delivery.mlflow_writer import BATCH_POINTS, MLflowWriter, RunDeleted, StubbornArtifact
from lrscope.tracking.delivery.outage import is_disbelieved, is_refusal
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import INCOMPLETE, SESSION, Journal, Offset
from lrscope.tracking.journal.offsets import further
from lrscope.tracking.mlflow_store.runs import (
    RunIds,
    adopt_orphans,
    all_experiments,
    create_run,
    find_run,
    is_deleted,
)
from lrscope.tracking.mlflow_store.store import Store

_BATCH_EVENTS = 500
_BULK_POINTS = 10_000
"""A store that takes points in bulk takes so many at once: each batch costs it a commit."""
LOCK_WAIT_S = 5.0


class Busy(Exception):
    """Another process is delivering this journal just now; what it delivers need not be delivered again."""


class ContinuedElsewhere(Busy):
    """Another machine goes on with the run, and may yet come to the steps whose points lie here."""

    def __init__(self, words: str = "another machine has gone on with this run: sync again when it is done") -> None:
        super().__init__(words)


@dataclass(frozen=True)
class Slice:
    """What the store took of a journal. Until it is committed nothing is known of it: the next delivery sends it again,
    and the store has it once.
    """

    local_id: str
    begin: Offset
    end: Offset
    refusals: tuple[str, ...] = ()
    """In words, what the store refused for good."""
    postponed: tuple[ev.Event, ...] = ()
    """Artifacts that did not go through. They belong at the end of the journal: they hold up neither the points behind
    them nor the run's status."""
    why_postponed: str = ""
    disbelieved: bool = False
    """Whether the store said that it has these, and has not."""


class Deliverer:
    """Sends slices of the journals below ``root`` to one store.

    Args:
        progressed: called whenever the store has taken something.
    """

    def __init__(self, store: Store, root: Path, progressed: Callable[[], None]) -> None:
        self._store = store
        self._root = root
        self._progressed = progressed
        self._experiments: list[str] | None = None
        self._behind: dict[str, bool] = {}
        """Of runs that are there: whether somebody else has gone on with them."""
        self._ended_while_deleted: dict[str, str] = {}
        """The status of each by its MLflow id: a new run in a deleted experiment brings back all that is in it."""

    def deliver(self, local_id: str, known: Offset, fresh: Collection[str], lock_wait_s: float) -> tuple[Slice, ...]:
        """Send the next slice of a journal. Of a run that the store does not have yet the first slice is its creation,
        behind that of its sweep.

        Args:
            known: how far the journal's owner knows it to be delivered; the disk may know more.
            fresh: runs that their session has just made up: nobody can have created them, so they are not searched for.

        Returns:
            Nothing where all of it is delivered.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass.
        """
        journal = Journal.of(self._root, local_id)
        with held(journal, lock_wait_s):
            begin = further(journal, known)
            if begin.run_id is None and (started := journal.started()) is not None:
                return self._create(journal, begin, started, fresh)
            events, behind, damaged = journal.read(begin.offset, self._enough())
            if behind == begin.offset:
                return ()
            notes = [f"{damaged} damaged lines of the journal were skipped"] if damaged else []
            return (self._send(journal, begin, replace(begin, offset=behind), [event for _, event in events], notes),)

    def direct(
        self, local_id: str, known: Offset, fresh: Collection[str], events: Sequence[ev.Event]
    ) -> tuple[Slice, ...]:
        """Send events that could not be put on disk; see ``deliver``."""
        journal = Journal.of(self._root, local_id)
        at = further(journal, known)
        slices: list[Slice] = []
        started = next((event for event in events if isinstance(event, ev.Started)), None) or journal.started()
        if at.run_id is None and started is not None:
            slices += self._create(journal, at, started, fresh)
            at = slices[-1].end
        for batch in self._batches(events):
            slices.append(self._send(journal, at, at, batch, []))
            at = slices[-1].end
        return tuple(slices)

    def _send(self, journal: Journal, begin: Offset, end: Offset, events: list[ev.Event], notes: list[str]) -> Slice:
        if begin.run_id is None or begin.experiment_id is None:
            notes.append("the journal does not say what run it is of: nothing of it can be delivered")
            return Slice(journal.local_id, begin, end, tuple(notes))
        last = events[-1] if events else None
        if self._is_behind(journal, begin.run_id, begin.offset):
            events = only_what_is_missing(self._store, begin.run_id, events)
        self._behind[journal.local_id] &= not isinstance(last, ev.Reopened)  # from here on it is this session's again
        writer = MLflowWriter(self._store, journal, RunIds(begin.run_id, begin.experiment_id), self._progressed)
        postponed: list[ev.Event] = []
        why, disbelieved = "", False
        while events:
            try:
                writer.send(events, postponed)
                break
            except RunDeleted:
                if begin.refused == 0:
                    writer.refusals.append("its records: the run was deleted in the store")
                if isinstance(events[-1], ev.Ended):
                    self._ended_while_deleted[begin.run_id] = events[-1].status
                break
            except StubbornArtifact as trouble:
                # Raises where it is the store itself that is away.
                self._store.run(begin.run_id)
                postponed.extend(trouble.events)
                disbelieved = disbelieved or is_disbelieved(trouble.__cause__)
                why = f"an artifact does not go through: {trouble}"
        if isinstance(last, ev.Ended | ev.Reopened):
            end = replace(end, ended=last.status if isinstance(last, ev.Ended) else None)
        end = replace(end, refused=begin.refused + len(writer.refusals))
        return Slice(journal.local_id, begin, end, (*notes, *writer.refusals), tuple(postponed), why, disbelieved)

    def _create(
        self, journal: Journal, begin: Offset, started: ev.Started, fresh: Collection[str]
    ) -> tuple[Slice, ...]:
        """The run in the store, and its sweep's, found or made."""
        start = started.start
        check_local_id(start.local_id)
        slices, parent_run_id = self._parent(start.parent_local_id, start.local_id, fresh)
        found = None if start.local_id in fresh else find_run(self._store, start.local_id, self._all_experiments())
        if found is not None:
            ids = RunIds(found.info.run_id, found.info.experiment_id)
        else:
            self._behind[start.local_id] = False
            try:
                ids = create_run(self._store, started, parent_run_id)
            except Exception:
                # The experiment may have been deleted since it was looked up.
                self._store.forget_experiments()
                raise
            self._end_what_came_back()
            if start.kind == "sweep" and start.local_id not in fresh:
                adopt_orphans(self._store, ids, start.local_id)
        self._progressed()
        end = replace(
            begin, run_id=ids.run_id, experiment_id=ids.experiment_id, store=self._store.address.name_beside(self._root)
        )
        return (*slices, Slice(journal.local_id, begin, end))

    def _end_what_came_back(self) -> None:
        """Runs that ended while they were deleted would say RUNNING for ever once they are restored."""
        for run_id, status in list(self._ended_while_deleted.items()):
            if not is_deleted(self._store, run_id):
                self._store.client.set_terminated(run_id, status)
                del self._ended_while_deleted[run_id]

    def _parent(
        self, local_id: str | None, member: str, fresh: Collection[str]
    ) -> tuple[tuple[Slice, ...], str | None]:
        if local_id is None:
            return (), None
        journal = Journal.of(self._root, local_id)
        begin = journal.offset()
        if begin.run_id is not None:
            return (), begin.run_id
        if local_id != member and (started := journal.started()) is not None:
            with held(journal, LOCK_WAIT_S):
                slices = self._create(journal, further(journal, begin), started, fresh)
            return slices, slices[-1].end.run_id
        found = find_run(self._store, local_id, self._all_experiments())
        return (), found.info.run_id if found else None

    def _is_behind(self, journal: Journal, run_id: str, offset: int) -> bool:
        if journal.local_id not in self._behind:
            status, session = self._status_and_session(run_id)
            if behind := journal.is_behind(session):
                (journal.folder / INCOMPLETE).touch()  # whoever goes on with it here asks the store what there is
            if behind and status not in ("FINISHED", "FAILED") and not journal.goes_on_behind(offset):
                raise ContinuedElsewhere
            self._behind[journal.local_id] = behind
        return self._behind[journal.local_id]

    def _status_and_session(self, run_id: str) -> tuple[str | None, str | None]:
        try:
            run = self._store.run(run_id)
        except Exception as error:
            if is_refusal(error):
                return None, None  # gone for good, as the delivery will find
            raise
        return run.info.status, run.data.tags.get(SESSION)

    def _all_experiments(self) -> list[str]:
        """Asked for once: a run that an earlier process delivered lies in one that is there already."""
        if self._experiments is None:
            self._experiments = all_experiments(self._store)
        return self._experiments

    def _enough(self) -> Callable[[ev.Event], bool]:
        """Says which event is the last of its batch: about so many points go at once; an end or a reopening is the last
        of its batch.
        """
        most = BATCH_POINTS if self._store.bulk is None else _BULK_POINTS
        events = points = 0

        def enough(event: ev.Event) -> bool:
            nonlocal events, points
            events += 1
            points += len(event.points) if isinstance(event, ev.Points) else 0
            return points >= most or events >= _BATCH_EVENTS or isinstance(event, ev.Ended | ev.Reopened)

        return enough

    def _batches(self, events: Sequence[ev.Event]) -> Iterator[list[ev.Event]]:
        batch: list[ev.Event] = []
        enough = self._enough()
        for event in events:
            batch.append(event)
            if enough(event):
                yield batch
                batch, enough = [], self._enough()
        if batch:
            yield batch


@contextmanager
def held(journal: Journal, lock_wait_s: float) -> Iterator[None]:
    """Hold the right to deliver a journal; Busy where another process has it."""
    with journal.delivering(lock_wait_s) as got:
        if not got:
            raise Busy(journal.local_id)
        yield
