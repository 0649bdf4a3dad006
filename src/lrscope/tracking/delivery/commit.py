"""Has journals delivered by the service, and notes how far it came."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lrscope.core.files import plain_opener
from lrscope.tracking.delivery.deliver import LOCK_WAIT_S, Slice, held
from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.delivery.service_client import ServiceClient
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Offset
from lrscope.tracking.journal.offsets import Offsets


class Commits:
    """Asks the service for slice after slice of the journals below ``root``, and commits each: what was postponed goes
    to the end of its journal, then the offset passes it.

    Args:
        postpone: puts an event at the end of its journal, on disk when it returns; with words on why.
        refused: told in words what the store refused for good.
        committed: told how far a journal is delivered.
    """

    def __init__(
        self,
        service: ServiceClient,
        root: Path,
        postpone: Callable[[Journal, ev.Event, str], None],
        refused: Callable[[str], None],
        committed: Callable[[Journal, Offset], None] = lambda *_: None,
    ) -> None:
        self.offsets = Offsets()
        self.disbelieved = False
        """Whether the store said of an artifact that it has it, and had not."""
        self.fresh: set[str] = set()
        """Runs that nobody can have created yet: their creation need not search for them."""
        self._service = service
        self._root = root
        self._postpone = postpone
        self._refused = refused
        self._committed = committed

    def deliver(
        self, journal: Journal, keep_going: Callable[[], bool] = lambda: True, lock_wait_s: float = LOCK_WAIT_S
    ) -> Offset:
        """Have delivered what the journal has by now; returns how far that came.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass; what was delivered until then stays delivered.
        """
        end = journal.size()
        while keep_going() and (before := self.offsets.of(journal)).offset < end:
            with self._fresh_once() as fresh:
                slices = self._service.ask(StoreService.deliver, journal.local_id, before, fresh, lock_wait_s)
            self._commit(slices)
            if self.offsets.of(journal) == before:
                break
        return self.offsets.of(journal)

    def direct(self, journal: Journal, events: Sequence[ev.Event]) -> Offset:
        """Have delivered events that could not be put on disk."""
        with self._fresh_once() as fresh:
            known = self.offsets.of(journal)
            slices = self._service.ask(StoreService.direct, journal.local_id, known, fresh, tuple(events))
        self._commit(slices)
        return self.offsets.of(journal)

    @contextlib.contextmanager
    def _fresh_once(self) -> Iterator[frozenset[str]]:
        fresh = frozenset(self.fresh)
        try:
            yield fresh
        except BaseException:
            self.fresh -= fresh  # a call that failed on its way back may have made a run
            raise

    def _commit(self, slices: Sequence[Slice]) -> None:
        for one in slices:
            self.fresh.discard(one.local_id)
            self.disbelieved = self.disbelieved or one.disbelieved
            journal = Journal.of(self._root, one.local_id)
            with held(journal, LOCK_WAIT_S):
                if self.offsets.of(journal).offset == one.begin.offset:  # else somebody delivered it meanwhile, too
                    for event in one.postponed:
                        self._postpone(journal, event, one.why_postponed)
                    self.offsets.note(journal, one.end)
                    self._note(journal, one.refusals)
            self._committed(journal, self.offsets.of(journal))

    def _note(self, journal: Journal, refusals: Sequence[str]) -> None:
        """What the store refuses for good is kept beside the journal and told to the user; it holds up nothing."""
        if not refusals:
            return
        for text in refusals:
            self._refused(f"{journal.local_id}: {text}")
        with (
            contextlib.suppress(OSError),
            open(journal.folder / "refused.jsonl", "a", opener=plain_opener) as file,
        ):
            file.writelines(json.dumps(text) + "\n" for text in refusals)
