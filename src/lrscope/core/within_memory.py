"""What does not fit into memory raises, where the machine would stand still or kill the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lrscope.core.free_memory import free_bytes_of_machine

GPU = Path("/dev/nvidiactl")

LEAST = 2**30
"""Bytes that are allowed even where less is free: libraries are loaded as well."""

_WORDS = r"can't allocate memory|cannot allocate memory|unable to allocate|out of memory"


@contextmanager
def within_memory() -> Iterator[None]:
    """Inside, this process is given no more than the memory that is free now: linux promises any amount, and kills.

    Other systems than linux keep no such limit. Where there is a GPU there is none: its driver maps more than it takes.
    """
    try:
        import resource
    except ImportError:
        yield
        return
    if GPU.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _taken() + max(free_bytes_of_machine(), LEAST)
    if soft == resource.RLIM_INFINITY or most < soft:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def does_not_fit(error: BaseException | None) -> str | None:
    """The rule behind an error that memory ran out, or one that it caused; None of others."""
    while error is not None:
        words = str(error)
        if isinstance(error, MemoryError) or re.search(_WORDS, words, re.IGNORECASE):
            asked = re.search(r"allocate (\d{4,}) bytes|[Aa]llocate ([\d.]+ [KMGTPE]i?B)", words)
            size = asked and (asked[2] or f"{int(asked[1]) / 1e9:,.3g} GB")
            return "does not fit into memory" + (f": it asks for {size} at once" if size else "")
        error = error.__cause__ or error.__context__
    return None


def _taken() -> int:
    """Bytes that the process has of what the limit counts."""
    with suppress(OSError):
        found = re.search(r"^VmData:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    return 0
