"""What SLURM says of a sweep's jobs: those that it has not ended, asked for all of them together."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterable

LOOK_EVERY_S = 5.0
"""Every look is work for SLURM's controller, which all users share."""

WAITS = "PENDING"


def name_of_jobs(sweep: str) -> str:
    """Of all jobs of a sweep, so that another command finds those of one that was killed. ``sweep``: its own id."""
    return f"lrscope-{sweep[:12]}"


class SlurmQueue:
    """The jobs of one name. ``squeue`` is asked and not the accounting: not every cluster keeps one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._listed: dict[str, str] = {}
        self._listed_at = self._next = -math.inf

    def jobs(self) -> dict[str, str]:
        """State of each job that has not ended, by its number, as of some seconds ago."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LOOK_EVERY_S
            words = ["squeue", "--user", str(os.getuid()), "--name", self._name, "--noheader", "--format=%i %T"]
            if (answer := _answer(words)) is not None:
                self._listed = dict(line.split() for line in answer.splitlines() if len(line.split()) == 2)
                self._listed_at = now
        return self._listed

    def has_ended(self, job: str, submitted: float) -> bool:
        """Whether it is gone from the queue. While the controller does not answer, nothing has ended.

        Args:
            submitted: when, by the monotonic clock: a look from before says nothing.
        """
        return job not in self.jobs() and self._listed_at > submitted

    def take_back(self, jobs: Iterable[str]) -> None:
        """Cancel those that have not begun."""
        if wanted := list(jobs):
            _answer(["scancel", f"--state={WAITS}", *wanted])
            self._next = -math.inf


def how_it_ended(job: str) -> str:
    """The state that the accounting has of a job, as ``TIMEOUT``; empty where there is none."""
    answer = _answer(["sacct", "--jobs", job, "--allocations", "--noheader", "--parsable2", "--format=State"])
    lines = (answer or "").split()
    return lines[0] if lines else ""


def _answer(words: list[str]) -> str | None:
    """None where the program fails, or hangs."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
