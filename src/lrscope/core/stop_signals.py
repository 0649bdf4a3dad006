"""Ctrl-C, SIGTERM and SIGHUP as a flag that training reads at the end of a step; the second one does not wait."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from lrscope.core.errors import Interrupted

WORDS = b"\nstopping after this step (once more stops at once) ...\n"


class StopSignals:
    """Which signal asked this process to stop, if any. One for the process: see :data:`STOP`."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._caught = 0
        self._pass_on: Callable[[int], None] | None = None
        self._ask: Callable[[], int | None] | None = None

    def requested(self) -> int | None:
        """The number of the first signal that came, else None."""
        if self._came is None and self._ask is not None:
            self._came = self._ask()
        return self._came

    @property
    def caught(self) -> bool:
        """Whether a signal came to this process itself."""
        return self._caught > 0

    def raise_if_requested(self) -> None:
        """Raise :class:`Interrupted` where a signal has come: for places between steps and between runs."""
        if (number := self.requested()) is not None:
            raise Interrupted(number)

    def pass_on(self, tell: Callable[[int], None]) -> None:
        """Have the first signal told to jobs in other processes, too: none of them need have got it."""
        self._pass_on = tell

    def follow(self, ask: Callable[[], int | None]) -> None:
        """For such a process: also stop when ``ask`` gives a signal's number. It says nothing of its own."""
        self._ask = ask

    def ask(self, number: int) -> None:
        """As if this signal had come: for a scheduler that announces the end of a job by another one."""
        self._came = self._came or number

    def end_at_once(self) -> None:
        """Until ``install``: nothing has begun that would have to be closed, so a signal ends the process, without the
        traceback of whatever it came into.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda came, _: os._exit(128 + came))

    def install(self) -> None:
        """Catch the signals from now on, SIGHUP unless the command was started to outlive its terminal (``nohup``).
        Does nothing outside the main thread, which alone gets signals.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGINT, self._catch)
        signal.signal(signal.SIGTERM, self._catch)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._catch)

    def forget(self) -> None:
        """As if no signal had come and no job were to be told: for a process that goes on after a command."""
        self.__init__()  # type: ignore[misc]

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self._caught += 1
        if self._caught == 1:
            self._came = self._came or number
            if self._pass_on is not None:
                self._pass_on(number)
            if self._ask is None:
                with suppress(OSError):  # the terminal may be gone; and ``print`` may just be under way
                    os.write(2, WORDS)
        elif self._caught == 2 and self._ask is None:
            raise Interrupted(number)
        else:
            os._exit(128 + number)


STOP = StopSignals()
