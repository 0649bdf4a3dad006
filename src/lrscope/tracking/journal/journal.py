"""The journal: one append-only file of events for each run, and one offset that says how far delivery came.

``<spool>/<local_id>/events.jsonl``  what the run left, a line each; a torn last line is ignored
``<spool>/<local_id>/cursor.json``   bytes delivered, and to which MLflow run; replaced atomically
``<spool>/<local_id>/files/``        copies of artifacts that lay elsewhere
``<spool>/<local_id>/lock``          held while somebody delivers from it
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from lrscope.core.errors import InputError
from lrscope.core.safe_paths import check_local_id
from lrscope.tracking.journal.events import Ended, Event, Reopened, Started, decode
from lrscope.tracking.journal.locks import file_lock

_READ_BYTES = 1 << 20
_MILESTONES = tuple(b'{"event":"%s"' % kind.name.encode() for kind in (Started, Reopened, Ended))

INCOMPLETE = "incomplete"
"""A file of this name in a journal's folder says that points went to the store past it, because the disk was full."""

Milestone = Started | Reopened | Ended
"""What says who records a run and how it ended."""


@dataclass(frozen=True)
class Offset:
    """How far delivery came. ``store`` names the store without its secrets; ``ended`` is the status it was
    given.
    """

    offset: int = 0
    run_id: str | None = None
    experiment_id: str | None = None
    store: str | None = None
    ended: str | None = None
    refused: int = 0


class Journal:
    """The files of one run. Appending belongs to one thread of one process; reading and delivering to
    anybody.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events_file = folder / "events.jsonl"
        self._cursor_file = folder / "cursor.json"

    @classmethod
    def of(cls, root: Path, local_id: str) -> Journal:
        """The journal of a run, which need not exist yet; InputError where the id is no id."""
        return cls(root / check_local_id(local_id))

    @property
    def local_id(self) -> str:
        return self.folder.name

    def exists(self) -> bool:
        return self.events_file.exists()

    def append(self, lines: bytes) -> None:
        """Write whole lines and hand them to the system. On failure nothing of them stays in the file.

        Raises:
            OSError: the disk is full or gone.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.events_file.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                view = memoryview(lines)
                while view:
                    view = view[file.write(view) or 0 :]
            except BaseException:
                os.ftruncate(file.fileno(), before)
                raise

    def sync(self) -> None:
        """Wait until the disk has what was appended (a power cut loses nothing from here on)."""
        with self.events_file.open("rb") as file:
            os.fsync(file.fileno())

    def cut_torn_tail(self) -> int:
        """Remove an incomplete last line, left by a process that was killed; returns the bytes removed."""
        if not self.exists():
            return 0
        with self.events_file.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            keep = size
            while keep:
                start = max(0, keep - 65536)
                file.seek(start)
                newline = file.read(keep - start).rfind(b"\n")
                if newline >= 0:
                    keep = start + newline + 1
                    break
                keep = start
            if keep != size:
                file.truncate(keep)
        return size - keep

    def read(
        self, offset: int, enough: Callable[[Event], bool] = lambda _: False
    ) -> tuple[list[tuple[int, Event]], int, int]:
        """The next events from ``offset``, each with the offset behind it; the offset behind all; lines
        that were damaged.

        About 1 MiB at a time, or up to the first event that is said to be ``enough``. An incomplete last line is left
        for later.
        """
        try:
            with self.events_file.open("rb") as file:
                file.seek(offset)
                block = file.read(_READ_BYTES)
                if b"\n" not in block:
                    block += file.readline()
        except FileNotFoundError:
            return [], offset, 0
        events: list[tuple[int, Event]] = []
        damaged = 0
        for line in block[: block.rfind(b"\n") + 1].splitlines(keepends=True):
            offset += len(line)
            try:
                events.append((offset, event := decode(line)))
            except ValueError:
                damaged += 1
                continue
            if enough(event):
                break
        return events, offset, damaged

    def events(self) -> Iterator[Event]:
        """Every event from the first on."""
        offset = 0
        while True:
            events, behind, _ = self.read(offset)
            if behind == offset:
                return
            yield from (event for _, event in events)
            offset = behind

    def milestones(self) -> Iterator[Milestone]:
        """Only the events that say who records the run and how it ended: quick, whatever its number of points."""
        try:
            with self.events_file.open("rb") as file:
                for line in file:
                    if line.startswith(_MILESTONES) and line.endswith(b"\n"):
                        with contextlib.suppress(ValueError):
                            event = decode(line)
                            assert isinstance(event, Started | Reopened | Ended)
                            yield event
        except FileNotFoundError:
            return

    def started(self) -> Started | None:
        """The event that began the run; None where the journal is empty or that line is damaged."""
        first = next(self.milestones(), None)
        return first if isinstance(first, Started) else None

    def size(self) -> int:
        try:
            return self.events_file.stat().st_size
        except OSError:
            return 0

    def offset(self) -> Offset:
        """A missing or unreadable one means the beginning: delivering twice stores once."""
        try:
            return Offset(**json.loads(self._cursor_file.read_text()))
        except (OSError, ValueError, TypeError):
            return Offset()

    def set_offset(self, offset: Offset) -> None:
        fresh = self._cursor_file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(offset)))
        fresh.replace(self._cursor_file)

    def undelivered(self) -> bool:
        return self.offset().offset < self.size()

    def delivering(self, timeout_s: float | None) -> AbstractContextManager[bool]:
        """Hold the right to deliver from this journal: a sync beside a live session doubles nothing."""
        if not self.folder.is_dir():
            # Nothing is there yet, or the disk is full: nobody else can deliver from it either.
            return contextlib.nullcontext(True)
        return file_lock(self.folder / "lock", timeout_s)


def all_journals(root: Path) -> list[Journal]:
    """Every journal below ``root``, oldest first."""
    found: list[tuple[float, str]] = []
    for path in root.iterdir() if root.is_dir() else ():
        # One may be removed meanwhile by the process whose run has been delivered.
        with contextlib.suppress(OSError, InputError):
            found.append(((path / "events.jsonl").stat().st_ctime, check_local_id(path.name)))
    return [Journal(root / local_id) for _, local_id in sorted(found)]
