"""Memory that one step has freed is kept for the next.

Saves a sixth of a sweep of 64 convolutional networks, and nothing of small ones (benchmarks/hack_parts.py).
"""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

LARGEST_BLOCK_BYTES = 32 * 2**20
"""The largest block that glibc lets be taken from kept memory."""

KEPT_BYTES = 1 * 2**30
"""Free memory beyond this goes back to the system."""


def keep_freed_memory() -> None:
    """Tell glibc not to hand freed blocks back to the system; elsewhere, nothing.

    By itself it hands back what is large, and the next step gets it page by page, each page cleared: of the activations
    of 64 small convolutional networks (8 MiB a layer) that was a quarter of a step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGEST_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
