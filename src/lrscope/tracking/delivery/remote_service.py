"""A service in a process of its own: the training keeps Python's lock, and never imports MLflow."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar, cast

from lrscope.tracking.delivery.deliver import Busy
from lrscope.tracking.delivery.service_messages import FIRST, Answer, Ask, Failed, Postponed, Progressed, Stop
from lrscope.tracking.delivery.service_messages import Postpone as AskedToPostpone
from lrscope.tracking.delivery.service_process import serve
from lrscope.tracking.delivery.store_service import Carried, Postpone, always
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.tracking.mlflow_store.address import Address

T = TypeVar("T")

_LOOK_EVERY_S = 0.05
_PATIENCE_S = 5.0
_LET_GO_S = 1.0


class ServiceGone(Exception):
    """The process that delivers has ended; another service can go on where it was."""


class DeliveryFailed(Exception):
    """What the store raised over there, in words."""


def may_fork() -> bool:
    """Whether a process of its own would gain anything, and whether a copy of this one would be whole: a second core is
    there, this process has one thread, and the system is known to fork well.
    """
    if not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2:
        return False
    with suppress(OSError):
        return threading.active_count() == 1 and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    return False


class RemoteService:
    """A ``StoreService`` whose calls are made in a forked process; calls may come from several threads.

    Every call raises ``ServiceGone`` where that process has ended, ``DeliveryFailed`` for what ``StoreService`` raises
    of the store's, and lrscope's own errors as they are.
    """

    def __init__(self, address: Address, root: Path, postpone: Postpone, progressed: Callable[[], None]) -> None:
        self._root = root
        self._postpone = postpone
        self._progressed = progressed
        self._asking = threading.Lock()
        """Held from a question to its answer."""
        self._sending = threading.Lock()
        self._asked = FIRST
        self._ending = threading.Lock()
        self._ended = False
        self._connection, self._pid = _fork(address, root)

    def open(self) -> None:
        """Call it first, and once: the process begins by saying whether it could open the store by itself."""
        with self._asking:
            try:
                opened = self._answer(FIRST, always)
            except (EOFError, OSError) as error:
                raise ServiceGone(str(error)) from error
        if not opened:
            self._ask("open")

    def mark_the_dead(self) -> list[str]:
        return cast(list[str], self._ask("mark_the_dead"))

    def left_behind(self) -> list[str]:
        return cast(list[str], self._ask("left_behind"))

    def deliver(self, local_id: str, fresh: Sequence[str], keep_going: Callable[[], bool] = always) -> Carried:
        return cast(Carried, self._ask("deliver", local_id, tuple(fresh), keep_going=keep_going))

    def direct(self, local_id: str, events: Sequence[ev.Event]) -> Carried:
        return cast(Carried, self._ask("direct", local_id, tuple(events)))

    def beat(self, session_id: str, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> list[str]:
        return cast(list[str], self._ask("beat", session_id, tuple(run_ids), tuple(experiment_ids)))

    def revive(self, run_ids: Sequence[str]) -> None:
        self._ask("revive", tuple(run_ids))

    def soon(self, function: Callable[[], None]) -> None:
        with suppress(OSError):
            self._send(Ask("aside", (pickle.dumps((function, ())),)))

    def aside(self, function: Callable[..., T], *arguments: Any) -> T:
        """``DeliveryFailed`` also where the service is busy for long: a slow store must not hold the training up."""
        # Pickled here: that way a function unknown over there is an error like any other, not the end of the talk.
        return cast(T, self._ask("aside", pickle.dumps((function, arguments)), within_s=_PATIENCE_S))

    def close(self) -> None:
        """End the process, whatever it does. Who still waits for its answer is told ``ServiceGone``."""
        with self._ending:
            if not self._ended:  # once: the number of a process that is gone may be another's by now
                self._ended = True
                with suppress(OSError):
                    os.kill(self._pid, 9)
                    os.waitpid(self._pid, 0)
        # Whoever waits for an answer finds the pipe broken, and lets go: closed under its hands, the number of the pipe
        # could be another file's by the time it looks.
        if self._asking.acquire(timeout=_LET_GO_S):
            with self._sending:
                self._connection.close()
            self._asking.release()

    def _ask(self, method: str, *arguments: Any, keep_going: Callable[[], bool] = always, within_s: float = -1) -> Any:
        if not self._asking.acquire(timeout=within_s):
            raise DeliveryFailed(f"the process that delivers has been busy for {within_s:g} s")
        try:
            self._asked += 1
            self._send(Ask(method, arguments, self._asked))
            return self._answer(self._asked, keep_going)
        except (EOFError, OSError) as error:
            raise ServiceGone(str(error)) from error
        finally:
            self._asking.release()

    def _send(self, message: object) -> None:
        with self._sending:
            self._connection.send(message)

    def _answer(self, number: int, keep_going: Callable[[], bool]) -> Any:
        told = False
        while True:
            while not self._connection.poll(_LOOK_EVERY_S):
                if not told and not keep_going():
                    self._send(Stop())
                    told = True
            message = self._connection.recv()
            match message:
                case Progressed():
                    self._progressed()
                case AskedToPostpone(local_id, event):
                    self._postpone(Journal.of(self._root, local_id), event)
                    self._send(Postponed())
                case Answer(n, value) if n == number:
                    return value
                case Failed(n, words, busy, error) if n == number:
                    raise Busy(words) if busy else error or DeliveryFailed(words)


def _fork(address: Address, root: Path) -> tuple[Connection, int]:
    """Start the process; the session's end of the pipe, and its id."""
    ours, theirs = Pipe()
    session = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own guess at what ``may_fork`` made sure of
        pid = os.fork()
    if pid == 0:
        ours.close()
        serve(theirs, address, root, session)
    theirs.close()
    return ours, pid
