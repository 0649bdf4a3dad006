"""How far delivery came, as this process knows it and as the disk says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from lrscope.tracking.journal.journal import Journal, Offset


def further(journal: Journal, known: Offset) -> Offset:
    """The further one of what stands on the disk and what is known besides."""
    on_disk = journal.offset()
    if known.offset > journal.size():
        # The journal was delivered, removed, and begun anew for something that came later.
        return replace(known, offset=on_disk.offset)
    return on_disk if (on_disk.offset, on_disk.run_id or "") > (known.offset, known.run_id or "") else known


class Offsets:
    """The offset of each journal. The disk may be full: what is known here may be further than what stands there."""

    def __init__(self) -> None:
        self._known: dict[str, Offset] = {}

    def of(self, journal: Journal) -> Offset:
        return further(journal, self._known.get(journal.local_id, Offset()))

    def note(self, journal: Journal, offset: Offset) -> None:
        """Remember it, and put it on the disk if that has room."""
        self._known[journal.local_id] = offset
        with suppress(OSError):
            journal.set_offset(offset)

    def known_complete(self, journal: Journal) -> bool:
        """Whether all of it is delivered as far as is known here, without a look at what another process delivered."""
        known = self._known.get(journal.local_id)
        return known is not None and known.offset == journal.size()
