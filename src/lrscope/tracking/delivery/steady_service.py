"""A service that is always there: in a process of its own, and where that has ended, in this one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lrscope.tracking.delivery.remote_service import RemoteService, ServiceGone, may_fork
from lrscope.tracking.delivery.store_service import Carried, Postpone, StoreService
from lrscope.tracking.journal import events as ev
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.store import Store, open_store

T = TypeVar("T")


class SteadyService:
    """See ``StoreService``. Make it before this process starts a thread, or there will be no process of its own.

    Args:
        moved: told, once, when the process has ended and delivery goes on in this one.
    """

    def __init__(
        self,
        address: Address,
        root: Path,
        postpone: Postpone,
        progressed: Callable[[], None],
        moved: Callable[[str], None],
    ) -> None:
        self._make_here = lambda: StoreService(address, root, postpone, progressed)
        self._moved = moved
        self._moving = threading.Lock()
        self._closed = False
        self._address = address
        self._store: Store | None = None
        self._service: StoreService | RemoteService = (
            RemoteService(address, root, postpone, progressed) if may_fork() else self._make_here()
        )

    @property
    def costs_the_training(self) -> bool:
        """Whether what it does holds Python's lock of this process."""
        return isinstance(self._service, StoreService)

    def open(self) -> None:
        self._ask(lambda service: service.open())

    def store(self) -> Store:
        """The store, for a question of this process's own."""
        if isinstance(self._service, StoreService):
            return self._service.store
        self._store = self._store or open_store(self._address)
        return self._store

    def mark_the_dead(self) -> list[str]:
        return self._ask(lambda service: service.mark_the_dead())

    def left_behind(self) -> list[str]:
        return self._ask(lambda service: service.left_behind())

    def deliver(self, local_id: str, fresh: Sequence[str], keep_going: Callable[[], bool]) -> Carried:
        try:
            return self._service.deliver(local_id, fresh, keep_going)
        except ServiceGone:
            # It may have made the run before it ended: nothing is fresh any more.
            return self._here().deliver(local_id, (), keep_going)

    def direct(self, local_id: str, events: Sequence[ev.Event]) -> Carried:
        return self._ask(lambda service: service.direct(local_id, events))

    def beat(self, session_id: str, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> list[str]:
        return self._ask(lambda service: service.beat(session_id, run_ids, experiment_ids))

    def revive(self, run_ids: Sequence[str]) -> None:
        self._ask(lambda service: service.revive(run_ids))

    def soon(self, function: Callable[[], None]) -> None:
        self._service.soon(function)

    def aside(self, function: Callable[..., T], *arguments: Any) -> T:
        return self._ask(lambda service: service.aside(function, *arguments))

    def close(self) -> None:
        """What is asked of it then, or is being asked, raises ``ServiceGone``, where it has a process of its own."""
        self._closed = True
        self._service.close()

    def _ask(self, ask: Callable[[StoreService | RemoteService], T]) -> T:
        try:
            return ask(self._service)
        except ServiceGone:
            return ask(self._here())

    def _here(self) -> StoreService:
        with self._moving:  # the uploader's thread and the training's may find out at once
            if not isinstance(self._service, StoreService):
                if self._closed:
                    raise ServiceGone("closed")
                self._service.close()
                self._service = self._make_here()
                self._moved("The process that delivers has ended; delivery goes on in this one.")
            self._service.open()
            return self._service
