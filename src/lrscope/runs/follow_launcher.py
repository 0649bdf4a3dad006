"""A job in a process that a launcher started for it: it stops with the command that launched it, and ends with it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lrscope.core.job import Job
from lrscope.core.ledger import Ledger
from lrscope.core.stop_signals import STOP
from lrscope.tracking.liveness.process import ProcessIdentity, fate, this_process

LOOK_EVERY_S = 0.5


class _Launcher:
    """The command that launched this process's jobs."""

    def __init__(self, process: ProcessIdentity, ledger: Ledger, outlived: bool) -> None:
        self._process = process
        self._ledger = ledger
        self._outlived = outlived
        self._look_at = 0.0

    def gone(self) -> bool:
        """Whether it surely is; of a command on another machine nothing is known."""
        return fate(self._process) == "gone"

    def asks_to_stop(self) -> int | None:
        """The signal that came to it; SIGTERM where it is gone, and is not outlived. Training asks after every step."""
        if time.monotonic() < self._look_at:
            return None
        self._look_at = time.monotonic() + LOOK_EVERY_S
        return signal.SIGTERM if not self._outlived and self.gone() else self._ledger.asked_to_stop()


_at_work = threading.Event()
_idle: threading.Thread | None = None


@contextmanager
def following_its_launcher(job: Job, outlives: bool = False) -> Iterator[None]:
    """Around a job. Nothing where the command runs it itself.

    Args:
        outlives: whether the job is trained to its end when the command is killed; the process ends after it.

    Raises:
        Interrupted: the command is to stop, or is gone, before the job has begun.
    """
    launcher = _launcher_of(job, outlives)
    if launcher is None:
        yield
        return
    _come_to_work()
    STOP.follow(launcher.asks_to_stop)
    try:
        STOP.raise_if_requested()
        job.folder.mkdir(parents=True, exist_ok=True)  # where no outcome follows, this process did not come to its end
        yield
    finally:
        _go_idle(launcher)


def _launcher_of(job: Job, outlives: bool) -> _Launcher | None:
    if job.ticket is None or job.ledger is None:
        return None
    process = ProcessIdentity.from_tags(job.ticket.launcher)
    return _Launcher(process, job.ledger, outlives) if process not in (None, this_process()) else None


def _come_to_work() -> None:
    """No thread is left beside the job's own: a process with one thread can have its records delivered by another."""
    _at_work.set()
    if _idle is not None:
        _idle.join()


def _go_idle(launcher: _Launcher) -> None:
    """Between two jobs nothing looks at the flag that a signal sets, and no other job may come."""
    global _idle
    _at_work.clear()
    _idle = threading.Thread(target=_end_with, args=(launcher,), daemon=True, name="lrscope-idle")
    _idle.start()


def _end_with(launcher: _Launcher) -> None:
    while not _at_work.wait(LOOK_EVERY_S):
        if launcher.gone():
            os._exit(128 + signal.SIGTERM)
