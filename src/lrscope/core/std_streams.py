"""The terminal is not the training: an output that is closed, full, or that nobody reads any more changes nothing, and
neither does a sign that it cannot show.
"""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import Any

from lrscope.core.plain_text import keep_what_can_be_shown


class _Sparing(io.FileIO):
    """What cannot be written is dropped, and counts as written."""

    def write(self, data: Any) -> int:
        try:
            while (written := super().write(data)) is None:  # a terminal that another program has set so
                select.select([], [self.fileno()], [])
        except OSError:
            return memoryview(data).nbytes
        return written


def spare_the_command() -> None:
    """From now on no failure of stdout or stderr is an error, and no sign that they lack. One that the shell has closed
    leads nowhere: else the next file that is opened would get its number, and what is printed.

    A stream that somebody has put in the place of Python's own is left alone.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout, sys.stderr = _sparing(sys.stdout, 1), _sparing(sys.stderr, 2)
    keep_what_can_be_shown()


def _sparing(stream: Any, number: int) -> Any:
    raw = _Sparing(number, "w", closefd=False)
    if stream is None:  # closed when Python began
        return io.TextIOWrapper(io.BufferedWriter(raw), line_buffering=True)
    buffer = getattr(stream, "buffer", None)
    before = getattr(buffer, "raw", buffer)  # the same where Python does not buffer (-u)
    if type(before) is not io.FileIO or before.fileno() != number:
        return stream
    with suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        raw if before is buffer else io.BufferedWriter(raw),
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
