"""The session's end of the pipe: starts the service, asks it, and starts another where it has died."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.delivery.service_process import DeliveryFailed, Hello, Progressed, Reply, Request, serve
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.store import Store, open_store

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE_S = 5.0


class ServiceGone(Exception):
    """The service has ended, and no other is there to go on."""


@dataclass(eq=False)
class Link:
    """A running service, and this end of its pipe. Questions may come from several threads."""

    connection: Connection
    process: subprocess.Popen[bytes] | None = None
    """None: it runs in a thread of this process."""
    _asking: threading.Lock = field(default_factory=threading.Lock)
    """Held from a question to its answer."""
    _sending: threading.Lock = field(default_factory=threading.Lock)
    _asked: int = 0

    def send(self, message: object) -> None:
        with self._sending:
            self.connection.send(message)

    def ask(self, call: bytes, progressed: Callable[[], None], within_s: float) -> Any:
        """What the service answers.

        Raises:
            EOFError, OSError: it is gone.
            DeliveryFailed: also where it is busy for longer than ``within_s`` seconds (-1: no matter how long).
        """
        if not self._asking.acquire(timeout=within_s):
            raise DeliveryFailed(f"the service has been busy for {within_s:g} s")
        try:
            self._asked += 1
            self.send(Request(self._asked, call))
            return self._answer(self._asked, progressed)
        finally:
            self._asking.release()

    def end(self) -> None:
        """End it, whatever it does. Who still waits for an answer finds the pipe at its end."""
        with suppress(OSError), socket.socket(fileno=os.dup(self.connection.fileno())) as pipe:
            pipe.shutdown(socket.SHUT_RDWR)
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _answer(self, number: int, progressed: Callable[[], None]) -> Any:
        while True:
            self.connection.poll(None)  # Ctrl-C breaks off here, where no half of a message is lost
            match self.connection.recv():
                case Progressed():
                    progressed()
                case Reply(n, value, error) if n == number:
                    if error is not None:
                        raise error
                    return value


def start_process() -> Link:
    """A service in a process of its own: the training keeps Python's lock, and never imports MLflow.

    It is a fresh Python, not a copy of this process: that works with threads, in a notebook and on every system.

    Raises:
        OSError: there cannot be another process.
    """
    ours, theirs = Pipe()
    with theirs:
        path, descriptor = [str(folder) for folder in sys.path], theirs.fileno()
        main = f"from {serve.__module__} import main; main({descriptor}, {os.getpid()})"
        process = subprocess.Popen(
            [sys.executable or "", "-c", f"import sys; sys.path[:] = {path!r}; {main}"],
            pass_fds=[descriptor],
            # Whoever reads the session's output must not wait for this process.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the session to handle
        )
    return Link(ours, process)


def start_thread() -> Link:
    """A service in a thread of this process: for those who have no second one, and where nothing trains beside it."""
    ours, theirs = Pipe()
    threading.Thread(target=serve, args=(theirs,), daemon=True, name="lrscope-service").start()
    return Link(ours)


LAUNCHES: tuple[Callable[[], Link], ...] = (start_process, start_process, start_thread)
"""How a session's service is started, and then each that takes over from one that has died."""


class ServiceClient:
    """Asks a ``StoreService``; another goes on in its place where it has died.

    Args:
        launches: the ways to start it, the first first.
        progressed: called whenever the store has taken something.
        warn: told when a service has died.
    """

    def __init__(
        self,
        address: Address,
        root: Path,
        launches: tuple[Callable[[], Link], ...] | None = None,
        progressed: Callable[[], None] = lambda *_: None,
        warn: Callable[[str], None] = lambda *_: None,
    ) -> None:
        self._address = address
        self._root = root
        self._launches = list(LAUNCHES if launches is None else launches)
        self._progressed = progressed
        self._warn = warn
        self._replacing = threading.Lock()
        self._store: Store | None = None
        self.closed = False
        self._link = self._launch(took_over=False)

    @property
    def costs_the_training(self) -> bool:
        """Whether what it does holds Python's lock of this process."""
        return self._link.process is None

    def ask(self, method: Callable[Concatenate[StoreService, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """What a method of the service returns.

        Raises:
            LrscopeError, Busy: as the method did.
            DeliveryFailed: in words, what else it raised.
            ServiceGone: it was closed, or died as often as it can be started.
        """
        return self._ask(-1, method, arguments, named)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns, called in the service; see ``ask``.

        Raises:
            DeliveryFailed: also where the service is busy for long: a slow store must not hold the training up.
        """
        return self._ask(_PATIENCE_S, StoreService.call, (function, *arguments), {})

    def preload(self, function: Callable[[], None]) -> None:
        """Have a function load what a later ``call`` needs: only beside the training, where it costs that nothing."""
        if not self.costs_the_training:
            self._hint(self._link, StoreService.preload, function)

    def store(self) -> Store:
        """The store, for a question of this process's own."""
        self._store = self._store or open_store(self._address)
        return self._store

    def close(self) -> None:
        """What is asked of it then, or is being asked, raises ``ServiceGone``."""
        with self._replacing:
            self.closed = True
            self._link.end()

    def _ask(self, within_s: float, method: Callable[..., T], arguments: Any, named: Any) -> T:
        call = pickle.dumps((method, arguments, named))
        while True:
            link = self._link
            try:
                return link.ask(call, self._progressed, within_s)
            except (EOFError, OSError) as error:
                self._replace(link, error)

    def _replace(self, gone: Link, error: Exception) -> None:
        with self._replacing:  # the uploader's thread and the training's may find out at once
            if self.closed or (self._link is gone and not self._launches):
                raise ServiceGone("closed" if self.closed else str(error)) from error
            if self._link is gone:
                gone.end()
                self._link = self._launch(took_over=True)
                where = "delivery goes on in this one" if self.costs_the_training else "another one takes over"
                self._warn(f"The process that delivers has ended; {where}.")

    def _launch(self, took_over: bool) -> Link:
        while True:
            launch = self._launches.pop(0)
            try:
                link = launch()
                link.send(Hello(self._address, self._root, took_over))
            except OSError:
                if not self._launches:
                    raise
                continue
            if link.process is not None:
                self._hint(link, StoreService.open_ahead)
            return link

    def _hint(self, link: Link, method: Callable[..., None], *arguments: Any) -> None:
        with suppress(OSError):
            link.send(Request(0, pickle.dumps((method, arguments, {}))))
