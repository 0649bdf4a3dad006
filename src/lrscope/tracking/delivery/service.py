"""Everything that a session asks of its store: the one place where MLflow is called beside a training."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from lrscope.core.errors import LrscopeError, NotConfirmed
from lrscope.tracking.delivery.deliver import Deliverer, Slice
from lrscope.tracking.delivery.outage import is_disbelieved
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import SESSION, Offset
from lrscope.tracking.liveness.heartbeat import HEARTBEAT
from lrscope.tracking.liveness.reap import left_behind, reap_gone
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.artifacts_taken import check_artifacts
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.store import Store, import_mlflow, open_store

T = TypeVar("T")


class StoreService:
    """Talks to the store, one call after the other; ``ServiceClient`` asks it. The store is opened by the first call
    that needs it.

    Args:
        root: the folder of the journals.
        took_over: another service did this before: it may have made a run without a word of it.
        progressed: called whenever the store has taken something.
    """

    def __init__(self, address: Address, root: Path, took_over: bool, progressed: Callable[[], None]) -> None:
        self._address = address
        self._root = root
        self._took_over = took_over
        self._progressed = progressed

    def open(self) -> None:
        """Raises:
        StoreUnreachable, InputError: see ``open_store``.
        """
        _ = self._store

    def check_artifacts(self, experiment: str) -> None:
        """See ``check_artifacts``."""
        check_artifacts(self._store, experiment)

    def open_ahead(self) -> None:
        """Open the store before it is asked for, unless that would make one: the command may yet be refused."""
        file = self._address.database_file
        with _loading():
            import_mlflow()
            if self._address.is_server or (file is not None and file.exists() and file.stat().st_size > 0):
                self.open()
            elif self._address.is_database:
                import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # what takes most of the time

    def preload(self, function: Callable[[], None]) -> None:
        """Call a function that loads what a later ``call`` needs."""
        with _loading():
            function()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns, called where MLflow is loaded already."""
        return function(*arguments)

    def answers(self) -> bool:
        """Whether the store answers just now."""
        try:
            self._store.client.search_experiments(max_results=1)
        except Exception:
            return False
        return True

    def mark_the_dead(self) -> list[str]:
        """Mark the runs of dead processes as KILLED; words for the user."""
        return reap_gone(self._store, self._root)

    def left_behind(self) -> list[str]:
        """The journals that dead processes left undelivered for this store."""
        return [journal.local_id for journal in left_behind(self._store, self._root)]

    def deliver(self, local_id: str, known: Offset, fresh: Collection[str], lock_wait_s: float) -> tuple[Slice, ...]:
        """See ``Deliverer``."""
        with _told_apart():
            return self._deliverer.deliver(local_id, known, () if self._took_over else fresh, lock_wait_s)

    def direct(
        self, local_id: str, known: Offset, fresh: Collection[str], events: Sequence[ev.Event]
    ) -> tuple[Slice, ...]:
        """See ``Deliverer``."""
        with _told_apart():
            return self._deliverer.direct(local_id, known, () if self._took_over else fresh, events)

    def beat(self, session_id: str, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> list[str]:
        """Tag live runs with the time (Unix seconds); those of the session that somebody has marked KILLED."""
        now = str(int(time.time()))
        at_once = AT_ONCE if self._address.is_server else 1
        calls = [partial(self._store.client.set_tag, run_id, HEARTBEAT, now) for run_id in run_ids]
        for error in side_by_side(calls, at_once):
            if error is not None:
                raise error
        if not experiment_ids or not run_ids:
            return []
        ids = ", ".join(f"'{run_id}'" for run_id in run_ids)
        marked = f"attributes.status = 'KILLED' and attributes.run_id IN ({ids})"
        found = self._store.client.search_runs(list(experiment_ids), marked, max_results=1000)
        return [run.info.run_id for run in found if run.data.tags.get(SESSION) == session_id]

    def revive(self, run_ids: Sequence[str]) -> None:
        """Show runs as RUNNING again."""
        for run_id in run_ids:
            self._store.client.update_run(run_id, status="RUNNING")

    @cached_property
    def _store(self) -> Store:
        return open_store(self._address, asked=True)

    @cached_property
    def _deliverer(self) -> Deliverer:
        return Deliverer(self._store, self._root, self._progressed)


@contextmanager
def _told_apart() -> Iterator[None]:
    """An answer that is none of MLflow's is told apart from a store that is away."""
    try:
        yield
    except LrscopeError:
        raise
    except Exception as error:
        if is_disbelieved(error):
            raise NotConfirmed("what answers there is no MLflow server") from error
        raise


@contextmanager
def _loading() -> Iterator[None]:
    """Without Python's collector, which would go through the libraries again and again while they are loaded: a quarter
    of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
