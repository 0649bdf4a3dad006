"""Commands that were typed on this machine, a line each in a file beside the journals: they outlive the journals, which
go once the store has all of a run.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from lrscope.core.files import plain_opener
from lrscope.core.from_store import entries, is_local_id
from lrscope.core.stored_command import command_tags, stored_command
from lrscope.tracking.journal.journal import TYPED, Journal
from lrscope.tracking.liveness.process import ProcessIdentity, this_process


def keep_typed_words(journal: Journal) -> None:
    """Write down the command that began a run whose journal is about to be removed."""
    words = _words_of(journal)
    if not words:
        return
    line = {"local_id": journal.local_id, "machine": this_process().machine, **command_tags(words)}
    # where it cannot be written, the words have to be typed again, which whoever wants them is told
    with (
        contextlib.suppress(OSError),
        open(journal.folder.parent / TYPED, "ab", buffering=0, opener=plain_opener) as file,
    ):
        file.write(json.dumps(line).encode() + b"\n")


def typed_words(root: Path, local_id: str) -> tuple[str, ...]:
    """The words of the command that began a run or a sweep here; none where another machine recorded it."""
    if not is_local_id(local_id):
        return ()
    return _words_of(Journal.of(root, local_id)) or _kept(root / TYPED, local_id)


def _words_of(journal: Journal) -> tuple[str, ...]:
    """A journal that was begun anew from the store has no command (``reopen.py``)."""
    started = journal.started()
    recorder = ProcessIdentity.from_tags(started.process) if started is not None else None
    if started is None or recorder is None or recorder.machine != this_process().machine:
        return ()
    return stored_command(started.start.tags) or ()


def _kept(file: Path, local_id: str) -> tuple[str, ...]:
    wanted = json.dumps(local_id).encode()
    try:
        with open(file, "rb", opener=plain_opener) as lines:
            found = [entries(line) for line in lines if wanted in line]
    except OSError:
        return ()
    here = this_process().machine
    for kept in reversed(found):
        if kept.get("local_id") == local_id and kept.get("machine") == here:
            return stored_command({name: value for name, value in kept.items() if isinstance(value, str)}) or ()
    return ()
