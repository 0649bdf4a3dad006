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

from lrscope.core import from_store
from lrscope.core.errors import InputError, Problem
from lrscope.core.failpoint import failpoint
from lrscope.core.files import is_plain_file, plain_opener
from lrscope.core.from_store import check_local_id, line
from lrscope.tracking.journal.events import Ended, Event, Reopened, Started, decode
from lrscope.tracking.journal.locks import file_lock

_OTHERS = ("lock", "refused.jsonl", "incomplete")
_READ_BYTES = 1 << 20
_MILESTONES = tuple(b'{"event":"%s"' % kind.name.encode() for kind in (Started, Reopened, Ended))
_REOPENED = _MILESTONES[1]

TYPED = "typed.jsonl"
"""A file beside the journals that is none of them: the commands of those that are gone."""

INCOMPLETE = "incomplete"
"""A file of this name in a journal's folder says that points went to the store past it, because the disk was full."""

SESSION = "lrscope.session"
"""The tag that names the latest session of a run."""

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
        folder = root / check_local_id(local_id)
        if folder.is_symlink():
            raise InputError(Problem("journal", str(folder), "is a link, which may lead anywhere", "Remove it."))
        return cls(folder)

    @property
    def local_id(self) -> str:
        return self.folder.name

    def exists(self) -> bool:
        return is_plain_file(self.events_file)

    def odd_files(self) -> tuple[str, ...]:
        """The names of its files that are no files, or links: whoever made it so had something else in mind."""
        names = [path.name for path in (self.events_file, self._cursor_file, self._cursor_file.with_suffix(".new"))]
        there = (self.folder / name for name in (*names, *_OTHERS))
        return tuple(path.name for path in there if os.path.lexists(path) and not is_plain_file(path))

    def append(self, lines: bytes) -> None:
        """Write whole lines and hand them to the system. On failure nothing of them stays in the file.

        Raises:
            OSError: the disk is full or gone.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with failpoint("event"), open(self.events_file, "ab", buffering=0, opener=plain_opener) as file:
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
        with failpoint("fsync"), open(self.events_file, "rb", opener=plain_opener) as file:
            os.fsync(file.fileno())

    def cut_torn_tail(self) -> int:
        """Remove an incomplete last line, left by a process that was killed; returns the bytes removed."""
        if not self.exists():
            return 0
        with open(self.events_file, "r+b", opener=plain_opener) as file:
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
            with open(self.events_file, "rb", opener=plain_opener) as file:
                file.seek(offset)
                block = file.read(_READ_BYTES)
                if b"\n" not in block:
                    block += file.readline()
        except OSError:  # not there; no file at all
            return [], offset, 0
        events: list[tuple[int, Event]] = []
        damaged = 0
        for one in block[: block.rfind(b"\n") + 1].splitlines(keepends=True):
            offset += len(one)
            try:
                events.append((offset, event := decode(one)))
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
            with open(self.events_file, "rb", opener=plain_opener) as file:
                for one in file:
                    if one.startswith(_MILESTONES) and one.endswith(b"\n"):
                        with contextlib.suppress(ValueError):
                            event = decode(one)
                            assert isinstance(event, Started | Reopened | Ended)
                            yield event
        except OSError:
            return

    def started(self) -> Started | None:
        """The event that began the run; None where the journal is empty, or that line is damaged or another
        run's."""
        first = next(self.milestones(), None)
        return first if isinstance(first, Started) and first.start.local_id == self.local_id else None

    def is_behind(self, session: str | None) -> bool:
        """Whether the run's latest session, as the store names it, is none that recorded here: another machine, or
        another root, has gone on with it.
        """
        own = {event.process.get(SESSION) for event in self.milestones() if not isinstance(event, Ended)} - {None}
        return bool(own) and session is not None and session not in own

    def goes_on_behind(self, offset: int) -> bool:
        """Whether a process has continued the run here behind this offset."""
        with self.events_file.open("rb") as file:
            file.seek(offset)
            return any(line.startswith(_REOPENED) for line in file)

    def size(self) -> int:
        try:
            return self.events_file.stat().st_size
        except OSError:
            return 0

    def offset(self) -> Offset:
        """A missing or unreadable one means the beginning: delivering twice stores once."""
        try:
            with open(self._cursor_file, "rb", opener=plain_opener) as file:
                return _checked(Offset(**from_store.entries(file.read())))
        except (OSError, TypeError):
            return Offset()

    def set_offset(self, offset: Offset) -> None:
        fresh = self._cursor_file.with_suffix(".new")
        with open(fresh, "w", opener=plain_opener) as file:
            file.write(json.dumps(asdict(offset)))
        with failpoint("offset"):
            fresh.replace(self._cursor_file)

    def undelivered(self) -> bool:
        return self.offset().offset < self.size()

    def delivering(self, timeout_s: float | None) -> AbstractContextManager[bool]:
        """Hold the right to deliver from this journal: a sync beside a live session doubles nothing."""
        if not self.folder.is_dir():
            # Nothing is there yet, or the disk is full: nobody else can deliver from it either.
            return contextlib.nullcontext(True)
        return file_lock(self.folder / "lock", timeout_s)


def _checked(offset: Offset) -> Offset:
    """What stands there, where all of it can be; else the beginning."""
    counts = [from_store.whole(count) for count in (offset.offset, offset.refused)]
    ids = all(one is None or from_store.is_id(one) for one in (offset.run_id, offset.experiment_id))
    words = all(word is None or isinstance(word, str) for word in (offset.store, offset.ended))
    return offset if ids and words and counts == [offset.offset, offset.refused] else Offset()


def check_folder(root: Path) -> None:
    """Make the folder of the journals.

    Raises:
        InputError: it cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        writable = os.access(root, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        rule = "is no folder that can be written"
        raise InputError(Problem("tracking.spool", str(root), rule, "Name another, e.g. tracking.spool=/tmp/spool."))


def odd_journals(root: Path) -> Iterator[tuple[str, str]]:
    """What lies below ``root`` in the place of a journal and is left alone: its name, and why."""
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if path.name == TYPED and is_plain_file(path):
            continue
        try:
            odd = Journal.of(root, path.name).odd_files()
        except InputError as error:
            yield line(path.name), error.problems[0].rule
        else:
            if odd:
                yield path.name, f"{odd[0]} in it is no regular file"


def all_journals(root: Path) -> list[Journal]:
    """Every journal below ``root`` that is one, oldest first.

    Raises:
        InputError: it is there, and no folder.
    """
    if root.exists() and not root.is_dir():
        raise InputError(Problem("tracking.spool", str(root), "is no folder", "Name another, e.g. outputs/spool."))
    found: list[tuple[float, str]] = []
    for path in root.iterdir() if root.is_dir() else ():
        # One may be removed meanwhile by the process whose run has been delivered.
        with contextlib.suppress(OSError, InputError):
            if (journal := Journal.of(root, path.name)).exists() and not journal.odd_files():
                found.append((journal.events_file.stat().st_ctime, journal.local_id))
    return [Journal(root / local_id) for _, local_id in sorted(found)]
