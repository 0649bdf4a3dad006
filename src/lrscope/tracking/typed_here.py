"""Which command began a run, by the word of this machine's own journal and not of the store."""

from __future__ import annotations

from pathlib import Path

from lrscope.core.from_store import is_local_id, strings
from lrscope.tracking.journal.journal import Journal
from lrscope.tracking.liveness.process import ProcessIdentity, this_process


def typed_here(root: Path, local_id: str) -> tuple[str, ...]:
    """The words of the command that began a run or a sweep; none where another machine recorded it.

    A journal that was begun anew from the store has no command (``reopen.py``).
    """
    started = Journal.of(root, local_id).started() if is_local_id(local_id) else None
    recorder = ProcessIdentity.from_tags(started.process) if started is not None else None
    if started is None or recorder is None or recorder.machine != this_process().machine:
        return ()
    return strings(started.start.tags.get("lrscope.overrides"))
