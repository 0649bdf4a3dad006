"""How far the groups are: one line a group, rewritten on a terminal, else said when it is new."""

from __future__ import annotations

import sys
import time
from pathlib import Path

TERMINAL_S, LINES_S = 0.5, 5.0
TAIL = 4096
"""Bytes at the end of a worker's log among which its latest line of progress lies."""


class Progress:
    """The lines of the groups that are under way, read from the logs of their workers."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0
        self._said: dict[str, str] = {}
        self._next = 0.0

    def show(self, under_way: dict[str, Path]) -> None:
        """Show the latest of each group, by name."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (TERMINAL_S if self._terminal else LINES_S)
        lines = {name: latest(log) for name, log in under_way.items()}
        if self._terminal:
            self.clear()
            for name, words in lines.items():
                print(f"{name}: {words or 'starting'}"[:110], file=sys.stderr)
            sys.stderr.flush()
            self._shown = len(lines)
            return
        for name, words in lines.items():
            if words and self._said.get(name) != words:
                self._said[name] = words
                print(f"{name}: {words}", file=sys.stderr, flush=True)

    def say(self, words: str) -> None:
        """A line that stays."""
        self.clear()
        print(words, flush=True)

    def clear(self) -> None:
        """Take the rewritten lines off the terminal."""
        if self._shown:
            print(f"\x1b[{self._shown}F\x1b[J", end="", file=sys.stderr, flush=True)
            self._shown = 0


def latest(log: Path) -> str:
    """The last line of progress in a worker's log; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if ": epoch " in line), "")
