"""The service's end of the pipe: answers what it is asked, in a process of its own for as long as its session lives."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lrscope.core.errors import LrscopeError
from lrscope.core.redact import keep_secrets_out_of_tracebacks, redact
from lrscope.tracking.delivery.deliver import Busy
from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.mlflow_store.address import Address

_LOOK_EVERY_S = 0.2
_NICE = 5
"""The training goes first where both want the same core."""


@dataclass(frozen=True)
class Hello:
    """The first word of a session: what its service is for, see ``StoreService``."""

    address: Address
    root: Path
    took_over: bool


@dataclass(frozen=True)
class Request:
    """Call a method of the service. ``call`` is the pickled pair of it and its arguments: that way a function unknown
    over there is an error like any other. Number 0: nobody waits for the reply.
    """

    number: int
    call: bytes


@dataclass(frozen=True)
class Reply:
    """What the method returned or raised. Whoever asked may have given up waiting, when a second Ctrl-C came: the
    number says which question this answers.
    """

    number: int
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Progressed:
    """The store has taken something."""


class DeliveryFailed(Exception):
    """What went wrong in the service, in words."""


def serve(connection: Connection) -> None:
    """Answer until the session closes its end."""
    sending = threading.Lock()

    def send(message: object) -> None:
        with sending:  # files are uploaded by several threads, each of which says so
            connection.send(message)

    with contextlib.suppress(EOFError, OSError), connection:
        hello = connection.recv()
        service = StoreService(hello.address, hello.root, hello.took_over, lambda: send(Progressed()))
        while True:
            request = connection.recv()
            reply = _answer(service, request)
            if request.number:
                _tell(send, reply)


def _answer(service: StoreService, request: Request) -> Reply:
    """lrscope's own errors travel as they are, any other in words: its class may be unknown to the session."""
    try:
        method, arguments, named = pickle.loads(request.call)
        return Reply(request.number, method(service, *arguments, **named))
    except (Busy, LrscopeError) as error:
        return Reply(request.number, error=error)
    except BaseException as error:
        return Reply(request.number, error=DeliveryFailed(redact(str(error)) or type(error).__name__))


def _tell(send: Callable[[object], None], reply: Reply) -> None:
    try:
        send(reply)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        send(Reply(reply.number, error=DeliveryFailed(f"the answer cannot be sent: {error}")))


def main(descriptor: int, session: int) -> None:
    """The whole life of the process.

    Args:
        descriptor: its end of the pipe.
        session: the process that asks. What stops that one is for that one to handle.
    """
    keep_secrets_out_of_tracebacks()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    threading.Thread(target=_end_with, args=(session,), daemon=True, name="lrscope-watch").start()
    serve(Connection(descriptor))
    os._exit(0)  # whatever threads the libraries have left


def _end_with(session: int) -> None:
    """Whatever call is under way: the locks of a dead session must not be held any longer."""
    while os.getppid() == session:
        time.sleep(_LOOK_EVERY_S)
    os._exit(0)
