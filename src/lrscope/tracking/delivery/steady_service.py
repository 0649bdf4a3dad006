"""A desk that is always there: in a process of its own, and where that has ended, in this one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lrscope.tracking.delivery.remote_service import DeskGone, RemoteDesk, may_fork
from lrscope.tracking.delivery.store_service import Carried, Desk, Postpone
from lrscope.tracking.journal import events as ev
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.store import Store, open_store

T = TypeVar("T")


class SteadyDesk:
    """See ``Desk``. Make it before this process starts a thread, or there will be no process of its own.

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
        self._make_here = lambda: Desk(address, root, postpone, progressed)
        self._moved = moved
        self._moving = threading.Lock()
        self._closed = False
        self._address = address
        self._store: Store | None = None
        self._desk: Desk | RemoteDesk = (
            RemoteDesk(address, root, postpone, progressed) if may_fork() else self._make_here()
        )

    @property
    def costs_the_training(self) -> bool:
        """Whether what it does holds Python's lock of this process."""
        return isinstance(self._desk, Desk)

    def open(self) -> None:
        self._ask(lambda desk: desk.open())

    def store(self) -> Store:
        """The store, for a question of this process's own."""
        if isinstance(self._desk, Desk):
            return self._desk.store
        self._store = self._store or open_store(self._address)
        return self._store

    def mark_the_dead(self) -> list[str]:
        return self._ask(lambda desk: desk.mark_the_dead())

    def left_behind(self) -> list[str]:
        return self._ask(lambda desk: desk.left_behind())

    def deliver(self, local_id: str, fresh: Sequence[str], keep_going: Callable[[], bool]) -> Carried:
        try:
            return self._desk.deliver(local_id, fresh, keep_going)
        except DeskGone:
            # It may have made the run before it ended: nothing is fresh any more.
            return self._here().deliver(local_id, (), keep_going)

    def direct(self, local_id: str, events: Sequence[ev.Event]) -> Carried:
        return self._ask(lambda desk: desk.direct(local_id, events))

    def beat(self, session_id: str, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> list[str]:
        return self._ask(lambda desk: desk.beat(session_id, run_ids, experiment_ids))

    def revive(self, run_ids: Sequence[str]) -> None:
        self._ask(lambda desk: desk.revive(run_ids))

    def soon(self, function: Callable[[], None]) -> None:
        self._desk.soon(function)

    def aside(self, function: Callable[..., T], *arguments: Any) -> T:
        return self._ask(lambda desk: desk.aside(function, *arguments))

    def close(self) -> None:
        """What is asked of it then, or is being asked, raises ``DeskGone``, where it has a process of its own."""
        self._closed = True
        self._desk.close()

    def _ask(self, ask: Callable[[Desk | RemoteDesk], T]) -> T:
        try:
            return ask(self._desk)
        except DeskGone:
            return ask(self._here())

    def _here(self) -> Desk:
        with self._moving:  # the courier's thread and the training's may find out at once
            if not isinstance(self._desk, Desk):
                if self._closed:
                    raise DeskGone("closed")
                self._desk.close()
                self._desk = self._make_here()
                self._moved("The process that delivers has ended; delivery goes on in this one.")
            self._desk.open()
            return self._desk
