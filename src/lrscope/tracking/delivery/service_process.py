"""The process that delivers: a service that does what it is asked through a pipe, as long as its session lives."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lrscope.core.errors import LrscopeError
from lrscope.core.redact import redact
from lrscope.tracking.delivery.deliver import Busy
from lrscope.tracking.delivery.service_messages import FIRST, Answer, Ask, Failed, Postpone, Postponed, Progressed, Stop
from lrscope.tracking.delivery.store_service import StoreService
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.store import import_mlflow

_LOOK_EVERY_S = 0.2
_NICE = 5
"""The training goes first where both want the same core."""


def serve(connection: Connection, address: Address, root: Path, session: int) -> None:
    """Answer until the session's process closes its end or is gone. Never returns.

    Args:
        session: the process that asks.
    """
    try:
        _settle(session)
        _Server(connection, address, root).serve()
    except (EOFError, OSError):
        pass  # the session is over
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)  # on no account go on with what the session was doing when it forked


def _settle(session: int) -> None:
    """A life of its own after the fork: what stops the session is the session's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    # Whoever reads the session's output must not wait for this process.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (what the session has not written yet is its own)
    threading.Thread(target=_end_with, args=(session,), daemon=True, name="lrscope-watch").start()
    gc.enable()


def _end_with(session: int) -> None:
    """Whatever call is under way: the locks of a dead session must not be held any longer."""
    while os.getppid() == session:
        time.sleep(_LOOK_EVERY_S)
    os._exit(0)


class _Server:
    def __init__(self, connection: Connection, address: Address, root: Path) -> None:
        self._connection = connection
        self._service = StoreService(address, root, self._postpone, self._progressed)
        self._asked: deque[Ask] = deque()
        self._sending = threading.Lock()
        self._stopped = False

    def serve(self) -> None:
        import_mlflow()
        self._send(Answer(FIRST, self._opened_ahead()))
        while True:
            ask = self._asked.popleft() if self._asked else self._connection.recv()
            if isinstance(ask, Ask):  # else a word that came too late for what it was about
                self._stopped = False
                answer = self._answer(ask)
                if ask.number:
                    self._tell(answer)

    def _tell(self, answer: Answer | Failed) -> None:
        try:
            self._send(answer)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            self._send(Failed(answer.number, f"the answer cannot be sent: {error}"))

    def _opened_ahead(self) -> bool:
        try:
            return self._service.open_ahead()
        except Exception:  # the session hears of it when it asks
            return False

    def _answer(self, ask: Ask) -> Answer | Failed:
        try:
            return Answer(ask.number, self._call(ask.method, ask.arguments))
        except Busy as busy:
            return Failed(ask.number, str(busy), busy=True)
        except LrscopeError as error:
            return Failed(ask.number, str(error), error=error)
        except Exception as error:
            return Failed(ask.number, redact(str(error)) or type(error).__name__)

    def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        match method:
            case "deliver":
                local_id, fresh = arguments
                return self._service.deliver(local_id, fresh, self._keep_going)
            case "aside":
                function, its_own = pickle.loads(*arguments)
                return self._service.aside(function, *its_own)
            case _:
                return getattr(self._service, method)(*arguments)

    def _keep_going(self) -> bool:
        while not self._stopped and self._connection.poll():
            self._take(self._connection.recv())
        return not self._stopped

    def _postpone(self, journal: Journal, event: ev.Event) -> None:
        self._send(Postpone(journal.local_id, event))
        while not isinstance(message := self._connection.recv(), Postponed):
            self._take(message)

    def _take(self, message: Ask | Stop) -> None:
        """A word from the session in the midst of a call."""
        if isinstance(message, Ask):
            self._asked.append(message)
        else:
            self._stopped = True

    def _progressed(self) -> None:
        self._send(Progressed())

    def _send(self, message: object) -> None:
        with self._sending:
            self._connection.send(message)
