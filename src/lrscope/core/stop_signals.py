"""Ctrl-C and SIGTERM as a flag that training reads at the end of a step; the second one does not wait."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from lrscope.core.errors import Interrupted


class StopSignals:
    """Which signal asked this process to stop, if any. One for the process: see :data:`STOP`."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._hurried = False

    def requested(self) -> int | None:
        """The number of the first signal that came, else None."""
        return self._came

    def raise_if_requested(self) -> None:
        """Raise :class:`Interrupted` where a signal has come: for places between steps and between runs."""
        if self._came is not None:
            raise Interrupted(self._came)

    def install(self) -> None:
        """Catch SIGINT and SIGTERM from now on. Does nothing outside the main thread, which alone gets signals."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._catch)
            signal.signal(signal.SIGTERM, self._catch)

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        if self._came is None:
            self._came = number
            print("\nstopping after this step (once more stops at once) ...", file=sys.stderr, flush=True)
            return
        if self._hurried:
            os._exit(128 + number)
        self._hurried = True
        raise Interrupted(number)


STOP = StopSignals()
