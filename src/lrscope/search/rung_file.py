"""The file in a sweep's folder through which members that train in different processes know of each other's curves."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from lrscope.core.from_store import entries, number
from lrscope.core.ledger import Ledger
from lrscope.search.asynchronous import Arrival


class RungFile:
    """A line for each arrival; of a member the last one counts. A line is written at once, so none is mixed with
    another's; one that a kill has cut short is left out.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.path: Path = ledger.folder / "rungs.jsonl"

    def append(self, arrivals: Iterable[Arrival]) -> None:
        """Raises:
        OSError: the folder cannot be written.
        """
        lines = "".join(f"\n{json.dumps(asdict(arrival))}\n" for arrival in arrivals)  # behind half a line, too
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, lines.encode())
        finally:
            os.close(descriptor)

    def read(self) -> list[Arrival]:
        """The arrivals so far; none where there is no file."""
        text = self.path.read_text() if self.path.is_file() else ""
        return [arrival for line in text.splitlines() if (arrival := _arrival(line)) is not None]


def _arrival(line: str) -> Arrival | None:
    stored = entries(line)
    member, trial, bracket, losses = (stored.get(name) for name in ("member", "trial", "bracket", "losses"))
    if not (isinstance(member, str) and isinstance(trial, str) and isinstance(bracket, str)):
        return None
    if not isinstance(losses, list):
        return None
    return Arrival(member, trial, bracket, _finite(stored.get("start")), tuple(map(_finite, losses)))


def _finite(value: object) -> float:
    found = number(value)
    return math.nan if found is None else found
