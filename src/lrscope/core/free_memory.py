"""How much memory this machine has left, or the container that it is."""

from __future__ import annotations

import os
from pathlib import Path


def free_bytes_of_machine() -> int:
    """Bytes that a process can have now without anything being swapped or killed."""
    machine = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            machine = int(line.split()[1]) * 1024
    return min(machine, _container_limit())


def _container_limit() -> int:
    group = Path("/sys/fs/cgroup")
    limit, used = _lines(group / "memory.max"), _lines(group / "memory.current")
    if not limit or not used or not limit[0].strip().isdigit():
        return 2**63
    return max(0, int(limit[0]) - int(used[0]))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
