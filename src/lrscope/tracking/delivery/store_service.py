"""Everything that a session asks of its store, one call after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lrscope.tracking.delivery.deliver import Deliverer
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Offset
from lrscope.tracking.liveness.heartbeat import HEARTBEAT, SESSION
from lrscope.tracking.liveness.reap import left_behind, reap_gone
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.store import Store, open_store

T = TypeVar("T")

Postpone = Callable[[Journal, ev.Event], None]


@dataclass(frozen=True)
class Carried:
    """How far a journal is delivered, and in words what the store refused of it for good."""

    offset: Offset
    refusals: tuple[str, ...]


def always() -> bool:
    """Nothing bids to stop."""
    return True


class StoreService:
    """Talks to the store. ``RemoteService`` is the same in a process of its own.

    Args:
        postpone: puts an event at the end of its journal, on disk when it returns.
        progressed: called whenever the store has taken something.
    """

    def __init__(self, address: Address, root: Path, postpone: Postpone, progressed: Callable[[], None]) -> None:
        self.address = address
        self._root = root
        self._postpone = postpone
        self._progressed = progressed
        self._opened: tuple[Store, Deliverer] | None = None
        self._told = 0

    def open(self) -> None:
        """Open the store; every other call needs that.

        Raises:
            StoreUnreachable, InputError: see ``open_store``.
        """
        if self._opened is None:
            store = open_store(self.address, asked=True)
            self._opened = store, Deliverer(store, self._root, self._postpone, self._progressed)

    def open_ahead(self) -> bool:
        """Open the store before it is asked for, unless that would make one: the command may yet be refused.

        Returns:
            Whether it is open.
        """
        file = self.address.database_file
        if self.address.is_server or (file is not None and file.exists() and file.stat().st_size > 0):
            self.open()
        elif self.address.is_database:
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # what takes most of the time
        return self._opened is not None

    @property
    def store(self) -> Store:
        assert self._opened is not None
        return self._opened[0]

    @property
    def _deliverer(self) -> Deliverer:
        assert self._opened is not None
        return self._opened[1]

    def mark_the_dead(self) -> list[str]:
        """Mark the runs of dead processes as KILLED; words for the user."""
        return reap_gone(self.store, self._root)

    def left_behind(self) -> list[str]:
        """The journals that dead processes left undelivered for this store."""
        return [journal.local_id for journal in left_behind(self.store, self._root)]

    def deliver(self, local_id: str, fresh: Sequence[str], keep_going: Callable[[], bool] = always) -> Carried:
        """Deliver what a journal has by now.

        Args:
            fresh: ids of runs that this session has just made up, see ``Deliverer``.

        Raises:
            Busy: another process delivers it.
            Exception: whatever the store raised that may pass.
        """
        self._deliverer.fresh.update(fresh)
        return self._carried(lambda journal: self._deliverer.deliver(journal, keep_going), local_id)

    def direct(self, local_id: str, events: Sequence[ev.Event]) -> Carried:
        """Deliver events that could not be put on disk; raises what ``deliver`` raises."""
        return self._carried(lambda journal: self._deliverer.direct(journal, events), local_id)

    def beat(self, session_id: str, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> list[str]:
        """Tag live runs with the time (Unix seconds); those of the session that somebody has marked KILLED."""
        now = str(int(time.time()))
        at_once = AT_ONCE if self.address.is_server else 1
        calls = [partial(self.store.client.set_tag, run_id, HEARTBEAT, now) for run_id in run_ids]
        for error in side_by_side(calls, at_once):
            if error is not None:
                raise error
        if not experiment_ids:
            return []
        marked = f"attributes.status = 'KILLED' and tags.`{SESSION}` = '{session_id}'"
        found = self.store.client.search_runs(list(experiment_ids), marked, max_results=1000)
        return [run.info.run_id for run in found]

    def revive(self, run_ids: Sequence[str]) -> None:
        """Show runs as RUNNING again."""
        for run_id in run_ids:
            self.store.client.update_run(run_id, status="RUNNING")

    def soon(self, function: Callable[[], None]) -> None:
        """Load what a later ``aside`` will need: of use only beside the training, so nothing here."""

    def aside(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns, called where MLflow is loaded already."""
        return function(*arguments)

    def close(self) -> None:
        """Nothing more will be asked."""

    def _carried(self, carry: Callable[[Journal], Offset], local_id: str) -> Carried:
        offset = carry(Journal.of(self._root, local_id))
        refusals = self._deliverer.refusals
        new, self._told = tuple(refusals[self._told :]), len(refusals)
        return Carried(offset, new)
