"""A failpoint, as FreeBSD's fail(9) has them: where a test can end a process, before and after each kind of write.

It does nothing unless the variable :data:`FAILPOINT` is in the environment, which only tests put there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

FAILPOINT = "LRSCOPE_FAILPOINT"
"""``SIDE KIND NUMBER VICTIM FILE``, e.g. ``before checkpoint 3 process /tmp/reached``: where the third checkpoint is
about to be written, in whichever process of the command, that process gets SIGKILL; with the victim ``group`` its whole
group. ``FILE`` counts what was reached, a line each; number 0 only counts."""


@contextmanager
def failpoint(kind: str) -> Iterator[None]:
    """Around a write of this kind, or what a sweep decides. One that fails has no side behind it."""
    _reach(f"before {kind}")
    yield
    _reach(f"after {kind}")


def _reach(point: str) -> None:
    if (asked := os.environ.get(FAILPOINT)) is None:
        return
    side, kind, number, victim, file = asked.split(" ", 4)
    reached = _count(point, file)
    if point == f"{side} {kind}" and reached == int(number):
        os.kill(0 if victim == "group" else os.getpid(), signal.SIGKILL)


def _count(point: str, file: str) -> int:
    """How often this point was reached, now included, by all processes that count in the file."""
    line = f"{point}\n".encode()
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
        own_end = os.lseek(descriptor, 0, os.SEEK_CUR)
        return (b"\n" + os.pread(descriptor, own_end, 0)).count(b"\n" + line)
    finally:
        os.close(descriptor)
