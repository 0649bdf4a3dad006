"""Which process records a run, and whether it is still there.

A process id alone says little: ids are used again, and a container or another machine has its own. Only where
machine, boot and pid namespace are the same may the absence of the process be taken as proof.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from lrscope.core.from_store import whole

PREFIX = "lrscope.process."


@dataclass(frozen=True)
class ProcessIdentity:
    machine: str
    boot: str
    namespace: str
    pid: int
    started: str
    """Start time as the system counts it: tells a process from a later one with its id."""

    def to_tags(self) -> dict[str, str]:
        return {PREFIX + name: str(getattr(self, name)) for name in _FIELDS}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> ProcessIdentity | None:
        """The process that tags name; None where one of them is missing or no number."""
        values = [tags.get(PREFIX + name, "") for name in _FIELDS]
        pid = whole(values[3], low=1, high=2**31)
        if not all(values) or pid is None:
            return None
        return cls(values[0], values[1], values[2], pid, values[4])


_FIELDS = ("machine", "boot", "namespace", "pid", "started")


@lru_cache(maxsize=4)
def identity_of(pid: int) -> ProcessIdentity:
    """Of a process that runs on this machine now."""
    return ProcessIdentity(_machine(), _boot(), _namespace(), pid, _start_time(pid) or "unknown")


def this_process() -> ProcessIdentity:
    """Keyed by the id, so that a forked child does not take itself for its parent."""
    return identity_of(os.getpid())


def fate(process: ProcessIdentity) -> Literal["alive", "gone", "unknown"]:
    """What became of a process: ``unknown`` wherever it lived on another machine, boot or pid namespace."""
    here = this_process()
    if (process.machine, process.boot, process.namespace) != (here.machine, here.boot, here.namespace):
        return "unknown"
    if "unknown" in (here.started, process.started, here.machine, here.boot):
        return "unknown"
    return "alive" if _start_time(process.pid) == process.started else "gone"


def _machine() -> str:
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if text := _read(path):
            return text
    return f"{uuid.getnode():012x}"


def _boot() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id")) or _ask("sysctl", "-n", "kern.boottime") or "unknown"


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return sys.platform


def _start_time(pid: int) -> str | None:
    """None where no such process runs (a zombie counts as gone: it will never record again)."""
    if Path("/proc/self/stat").exists():
        # The second field, the command's name, may itself hold spaces and brackets.
        fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None
    return _ask("ps", "-o", "lstart=", "-p", str(pid)) or None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _ask(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=5, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
