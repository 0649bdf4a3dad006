"""A lock between processes: held as long as the block runs, released by the system when the process dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrscope.core.files import plain_opener

_POLL_S = 0.02


@contextmanager
def file_lock(path: Path, timeout_s: float | None = None) -> Iterator[bool]:
    """Hold an exclusive lock on ``path`` (created where missing); yields whether it was got within
    ``timeout_s`` seconds.

    None waits for ever, 0 tries once. Two threads of one process exclude each other as two processes do.

    Raises:
        OSError: there is something that is no regular file, or it cannot be made.
    """
    descriptor = plain_opener(str(path), os.O_RDWR | os.O_CREAT)
    try:
        yield _acquire(descriptor, timeout_s)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, timeout_s: float | None) -> bool:
    import fcntl  # here, since Windows has none: what takes no lock works there, too

    if timeout_s is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
